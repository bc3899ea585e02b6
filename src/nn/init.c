/* Initial weights. */
#include "nn/mlp.h"
#include "nn/mlp_sphere.h"
#include "nn/norm.h"
#include "sac/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A standard normal cut to [-2, 2], by rejection. */
static double truncated_normal(sac_stream *s) {
  double z;
  do sac_stream_normals(s, 1, &z);
  while (fabs(z) > 2.0);
  return z;
}

/* One weight of a layer with n inputs and m outputs:
 *   lecun   normal of variance 1/n, cut at 2 sigma (the cut shrinks sigma to 0.8796: divided out)
 *   he      the same of variance 2/n  [He et al. 2015]
 *   torch   uniform on +-1/sqrt(n), the bias too (torch.nn.Linear's default)
 *   glorot  uniform on +-sqrt(6/(n+m))  [Glorot and Bengio 2010] */
static double draw(int kind, size_t n, size_t m, sac_stream *s) {
  const double fan_in = (double)n, fan_out = (double)m;
  switch (kind) {
  case SAC_MLP_LECUN:
    return truncated_normal(s) / sqrt(fan_in) / 0.87962566103423978;
  case SAC_MLP_HE:
    return truncated_normal(s) * sqrt(2.0 / fan_in) / 0.87962566103423978;
  case SAC_MLP_TORCH:
    return (2.0 * sac_stream_uniform(s) - 1.0) / sqrt(fan_in);
  default:
    return (2.0 * sac_stream_uniform(s) - 1.0) * sqrt(6.0 / (fan_in + fan_out));
  }
}

/* One part of a layer: its weights lie in rows of ld. */
typedef struct part {
  size_t n, m, ld; /* inputs, outputs */
  float *W;
} part;

/* v_i less what of it lies along v_0 ... v_(i-1), which are orthonormal; rows of V (., N). along:
 * (i), along_sum: (N). */
static void take_off(const sac_kernels *k, size_t i, size_t N, float *V, float *along,
                     float *along_sum) {
  const size_t whole = N / SAC_LANES * SAC_LANES;
  float *v = V + i * N;
  k->dot_rows(i, N, V, N, v, 0.0f, along);
  k->sum_columns(i, whole, along, V, N, along_sum);
  for (size_t c = whole; c < N; c++) {
    double sum = 0.0;
    for (size_t j = 0; j < i; j++) sum += (double)along[j] * (double)V[j * N + c];
    along_sum[c] = (float)sum;
  }
  for (size_t c = 0; c < N; c++) v[c] -= along_sum[c];
}

static void set_length(size_t N, double length, float *v) {
  double square = 0.0;
  for (size_t c = 0; c < N; c++) square += (double)v[c] * (double)v[c];
  for (size_t c = 0; c < N; c++) v[c] = (float)((double)v[c] * length / sqrt(square));
}

/* Orthogonal weights: of the inputs' and the outputs' vectors, those of which there are fewer are
 * of length `spread` and at right angles, uniformly so: Gram and Schmidt's of independent normals,
 * each twice, since once leaves float's errors in. V: (n m), room: (n + m). */
static void draw_orthogonal(const sac_kernels *k, const part *p, double spread, sac_stream *s,
                            float *V, float *room) {
  const int wide = p->n <= p->m;
  const size_t M = wide ? p->n : p->m, N = wide ? p->m : p->n;
  for (size_t i = 0; i < M; i++) {
    float *v = V + i * N;
    for (size_t c = 0; c < N; c++) {
      double z;
      sac_stream_normals(s, 1, &z);
      v[c] = (float)z;
    }
    for (int twice = 0; i && twice < 2; twice++) take_off(k, i, N, V, room, room + M);
    set_length(N, 1.0, v);
  }
  for (size_t i = 0; i < M; i++)
    for (size_t c = 0; c < N; c++)
      p->W[wide ? i * p->ld + c : c * p->ld + i] = (float)(spread * (double)V[i * N + c]);
}

/* Part number i of a layer. */
static part part_of(const sac_layer *layer, float *w, size_t i) {
  const size_t parts = layer->parts ? layer->parts : 1;
  part p = {layer->in, layer->out / parts, layer->ld, w + layer->offset};
  if (layer->apart) p.n /= parts;
  p.W += i * (layer->apart ? p.n * p.ld + p.m : p.m);
  return p;
}

/* A layer's weights, and of torch its bias. */
static void draw_layer(const sac_kernels *k, sac_mlp *net, const sac_layer *layer, int kind,
                       sac_stream *s) {
  const int how = kind == SAC_MLP_BODY ? layer->draw : kind;
  const double spread = kind == SAC_MLP_BODY ? layer->spread : 1.0;
  for (size_t i = 0; i < (layer->parts ? layer->parts : 1); i++) {
    const part p = part_of(layer, net->w, i);
    if (how == SAC_MLP_ORTHOGONAL) {
      assert(net->m);
      draw_orthogonal(k, &p, spread, s, net->m + layer->offset, net->v + layer->offset);
      continue;
    }
    for (size_t r = 0; r < p.n; r++)
      for (size_t c = 0; c < p.m; c++) p.W[r * p.ld + c] = (float)draw(how, p.n, p.m, s);
  }
  if (how != SAC_MLP_TORCH || layer->biasless) return;
  const size_t fan_in = part_of(layer, net->w, 0).n;
  float *bias = net->w + layer->offset + layer->in * layer->ld;
  for (size_t j = 0; j < layer->out; j++) bias[j] = (float)draw(how, fan_in, layer->out, s);
}

/* A network has SAC_INIT_STREAMS streams of its own from `index` on; the layers that it has beyond
 * them draw from others of the same remainder, far behind. */
static uint64_t stream_of(uint64_t index, size_t l) {
  return index + l % SAC_INIT_STREAMS + ((uint64_t)(l / SAC_INIT_STREAMS) << 48);
}

void sac_mlp_init(const sac_kernels *k, sac_mlp *net, int kind, uint64_t seed, uint64_t index) {
  memset(net->w, 0, net->count * sizeof *net->w);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    sac_stream s = sac_stream_make(seed, SAC_STREAM_INIT, stream_of(index, l));
    draw_layer(k, net, layer, kind, &s);
  }
  sac_norm_init(net);
  sac_gain_init(net);
  if (net->target) memcpy(net->target, net->w, net->count * sizeof *net->w);
  if (!net->m) return;
  memset(net->m, 0, net->count * sizeof *net->m);
  memset(net->v, 0, net->count * sizeof *net->v);
  sac_mlp_refresh(k, net);
}
