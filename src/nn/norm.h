/* Norms of a network's layers: where their parameters and statistics lie, how they begin.
 *
 *   xhat = (x - mean) / sqrt(var + eps),  y = gamma xhat + beta
 * with mean and variance of a row (layer; rms has no mean and no beta), or of a column: over the
 * batch in training mode, running ones in evaluation mode (batch)  [LN] [RMSN] [BN]; renorm in
 * training mode has  xhat = (x - mean) / sigma r + d  [BRN] after its warm-up. */
#ifndef SAC_NN_NORM_H
#define SAC_NN_NORM_H

#include "nn/network.h"

/* The places of the parameters of layer l's norms; adds them to net->count. */
void sac_norm_place(sac_mlp *net, size_t l);

/* The statistics of all norms of a batch kind. */
void sac_norm_layout(sac_arena *arena, sac_mlp *net, int with_target);

/* A norm of rows is a unit of the optimiser; the others go with the weights. */
static inline int sac_norm_has_unit(const sac_norm *norm) {
  return norm->width > 0 && !sac_norm_kind_is_batch(norm->kind);
}

/* Units of the optimiser for a layer's norms. */
static inline size_t sac_norm_units(const sac_layer *layer) {
  return (size_t)sac_norm_has_unit(&layer->before) + (size_t)sac_norm_has_unit(&layer->after);
}

/* What passes over B rows need besides activations. */
void sac_norm_layout_trace(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

/* gamma = 1, beta = 0, running mean 0 and variance 1, no passes. */
void sac_norm_init(sac_mlp *net);

/* Rows [first, first + rows) of the input x in evaluation mode, into trace->xn, which is returned.
 */
const float *sac_norm_input(const sac_kernels *k, const sac_mlp *net, const float *x, size_t ldx,
                            size_t first, size_t rows, sac_trace *trace);

/* What evaluation mode is computed with: after parameters or statistics were changed. */
void sac_norm_refresh(const sac_kernels *k, sac_mlp *net);

/* The same for columns [first, first + n) of one norm, n a multiple of SAC_LANES. */
void sac_norm_refresh_columns(const sac_kernels *k, const sac_mlp *net, const sac_norm *norm,
                              size_t first, size_t n);

static inline const float *sac_norm_gamma(const sac_norm *norm, const float *w) {
  return w + norm->offset;
}
static inline const float *sac_norm_beta(const sac_norm *norm, const float *w) {
  return w + norm->offset + sac_padded(norm->width);
}

#endif
