/* Columns of length 1: an output's weights on the unit sphere [XQC, SIMBAV2]; and norms of a length
 * that gamma = 1, beta = 0 has [FLASHSAC]. */
#include "base/threads.h"
#include "nn/mlp.h"
#include "nn/norm.h"

#include <math.h>

enum { COLUMNS = 64 }; /* that are walked through together: four cache lines of a row */

/* Columns [first, first + n) of layer l, n <= COLUMNS, to length 1; one of zeros, such as the
 * padding's, stays. Each column's sum runs in one order, whoever computes it. */
static void project_columns(sac_mlp *net, const sac_layer *layer, size_t first, size_t n) {
  float *W = net->w + layer->offset + first;
  double square[COLUMNS] = {0.0};
  float scale[COLUMNS];
  for (size_t i = 0; i < layer->in; i++)
    for (size_t c = 0; c < n; c++)
      square[c] += (double)W[i * layer->ld + c] * (double)W[i * layer->ld + c];
  for (size_t c = 0; c < n; c++) scale[c] = square[c] > 0.0 ? (float)(1.0 / sqrt(square[c])) : 1.0f;
  for (size_t i = 0; i < layer->in; i++)
    for (size_t c = 0; c < n; c++) W[i * layer->ld + c] *= scale[c];
  if (!layer->Wt) return;
  for (size_t c = 0; c < n; c++) { /* the same numbers in rows */
    float *w = layer->Wt + (first + c) * layer->ldt;
    for (size_t i = 0; i < layer->in; i++) w[i] *= scale[c];
  }
}

void sac_mlp_project(sac_mlp *net, size_t t, size_t T) {
  size_t turn = 0;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    for (size_t first = 0; first < layer->ld; first += COLUMNS, turn++) {
      const size_t left = layer->ld - first;
      if (turn % T == t) project_columns(net, layer, first, left < COLUMNS ? left : COLUMNS);
    }
  }
}

/* (gamma, beta) <- (gamma, beta) sqrt(width / (|gamma|^2 + |beta|^2)); zeros stay. */
static void project_norm(const sac_kernels *k, sac_mlp *net, const sac_norm *norm) {
  const size_t N = sac_padded(norm->width), count = 2 * N; /* the padding is zero */
  float *w = net->w + norm->offset;
  double square = 0.0;
  for (size_t i = 0; i < count; i++) square += (double)w[i] * (double)w[i];
  const float scale = square > 0.0 ? (float)sqrt((double)norm->width / square) : 1.0f;
  for (size_t i = 0; i < count; i++) w[i] *= scale;
  if (norm->mean) sac_norm_refresh_columns(k, net, norm, 0, N);
}

void sac_mlp_project_norms(const sac_kernels *k, sac_mlp *net, size_t t, size_t T) {
  size_t turn = 0;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_norm *const norms[] = {&net->layer[l].before, &net->layer[l].after};
    for (size_t i = 0; i < 2; i++)
      if (norms[i]->width && turn++ % T == t) project_norm(k, net, norms[i]);
  }
}

void sac_mlp_follow(sac_mlp *net, float tau, size_t t, size_t T) {
  size_t first, last;
  sac_share((net->count + SAC_LANES - 1) / SAC_LANES, t, T, &first, &last);
  last = last * SAC_LANES < net->count ? last * SAC_LANES : net->count;
  for (size_t i = first * SAC_LANES; i < last; i++)
    net->target[i] += tau * (net->w[i] - net->target[i]);
}
