/* Initial weights. */
#include "nn/mlp.h"
#include "nn/mlp_sphere.h"
#include "nn/norm.h"
#include "sac/random.h"

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
 *   torch   uniform on +-1/sqrt(n), the bias too (torch.nn.Linear's default)
 *   glorot  uniform on +-sqrt(6/(n+m))  [Glorot and Bengio 2010] */
static double draw(int kind, size_t n, size_t m, sac_stream *s) {
  const double fan_in = (double)n, fan_out = (double)m;
  switch (kind) {
  case SAC_MLP_LECUN:
    return truncated_normal(s) / sqrt(fan_in) / 0.87962566103423978;
  case SAC_MLP_TORCH:
    return (2.0 * sac_stream_uniform(s) - 1.0) / sqrt(fan_in);
  default:
    return (2.0 * sac_stream_uniform(s) - 1.0) * sqrt(6.0 / (fan_in + fan_out));
  }
}

/* One part of a layer, n inputs to m outputs, into rows of ld. */
static void draw_part(int kind, size_t n, size_t m, size_t ld, float *W, sac_stream *s) {
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) W[i * ld + j] = (float)draw(kind, n, m, s);
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
    float *W = net->w + layer->offset, *bias = W + layer->in * layer->ld;
    const size_t parts = layer->parts ? layer->parts : 1, out = layer->out / parts;
    const size_t in = layer->apart ? layer->in / parts : layer->in;
    for (size_t p = 0; p < parts; p++)
      draw_part(kind, in, out, layer->ld, W + p * (out + (layer->apart ? in * layer->ld : 0)), &s);
    if (kind == SAC_MLP_TORCH && !layer->biasless)
      for (size_t j = 0; j < layer->out; j++)
        bias[j] = (float)draw(kind, layer->in, layer->out, &s);
  }
  sac_norm_init(net);
  sac_gain_init(net);
  if (net->target) memcpy(net->target, net->w, net->count * sizeof *net->w);
  if (!net->m) return;
  memset(net->m, 0, net->count * sizeof *net->m);
  memset(net->v, 0, net->count * sizeof *net->v);
  sac_mlp_refresh(k, net);
}
