/* The passes of mlp.h with bf16 products: what each does is said there. */
#ifndef SAC_NN_MLP_BF16_H
#define SAC_NN_MLP_BF16_H

#include "nn/network.h"

void sac_mlp_layout_bf16(sac_arena *arena, sac_mlp *net, int with_target);
void sac_trace_layout_bf16(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);
void sac_mlp_refresh_bf16(sac_mlp *net);
void sac_mlp_forward_bf16(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                          size_t ldx, size_t first, size_t last, sac_trace *trace, float *y,
                          size_t ldy);
void sac_mlp_backward_bf16(const sac_mlp *net, const float *dy, size_t ldy, size_t first,
                           size_t last, sac_trace *trace);
void sac_mlp_input_gradient_bf16(const sac_mlp *net, size_t n, const size_t row[], const float *dy,
                                 size_t ldy, size_t first, sac_trace *trace, size_t column,
                                 size_t columns, float *dx, size_t ldx);
void sac_mlp_step_bf16(const sac_kernels *k, sac_mlp *net, size_t u, size_t B,
                       const sac_trace *trace, const float *dy, const sac_adam_step *adam,
                       float tau, float *scratch);
/* What evaluation mode and the gradients read of layer l, behind a norm of a batch: columns
 * [first, first + n) of W, scaled by the running statistics; rows of W turned, unscaled. Of a last
 * layer that is a vector the first does nothing, and the second scales its weights, all of them. */
void sac_mlp_fold_bf16(const sac_mlp *net, size_t l, size_t first, size_t n);
void sac_mlp_turn_bf16(const sac_mlp *net, size_t l, size_t first, size_t rows);

size_t sac_trace_bad_row_bf16(const sac_mlp *net, const sac_trace *trace, size_t B);

#endif
