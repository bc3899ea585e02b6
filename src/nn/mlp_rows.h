/* The passes of mlp.h for networks with norms of rows, dropout or sums of layers: what each does is
 * said there. */
#ifndef SAC_NN_MLP_ROWS_H
#define SAC_NN_MLP_ROWS_H

#include "nn/network.h"

void sac_mlp_forward_rows(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                          size_t ldx, size_t first, size_t last, sac_trace *trace, float *y,
                          size_t ldy);
void sac_mlp_backward_rows(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                           size_t first, size_t last, sac_trace *trace);
void sac_mlp_input_gradient_rows(const sac_kernels *k, const sac_mlp *net, size_t n,
                                 const size_t row[], const float *dy, size_t ldy, size_t first,
                                 sac_trace *trace, size_t column, size_t columns, float *dx,
                                 size_t ldx);

/* The step of a norm's unit; returns the gradient's squared norm. scratch: two padded widths. */
double sac_mlp_step_norm(const sac_kernels *k, sac_mlp *net, const sac_unit *unit, size_t B,
                         const sac_trace *trace, const sac_adam_step *adam, float tau,
                         float *scratch);

#endif
