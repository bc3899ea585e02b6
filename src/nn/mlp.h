/* A multi-layer perceptron on a batch: y = W_L relu( ... relu(W_1 x + b_1) ... ) + b_L.
 *
 * Rows are samples. Forward and backward run on any range of rows, and each row's result depends on
 * that row alone; weights are stepped in units that do not depend on the number of threads. So any
 * split of either gives the same bits.
 *
 * Widths are padded to SAC_LANES with zero weights, so that padded activations and gradients are
 * zero. A network with one output (a critic) keeps its last layer as a vector. */
#ifndef SAC_NN_MLP_H
#define SAC_NN_MLP_H

#include "nn/network.h"

/* Lay out a network with Adam moments (trained), and a target copy if with_target; its products in
 * training are in bf16 unless that is NULL. */
void sac_mlp_layout(sac_arena *arena, sac_mlp *net, size_t in, const sac_widths *hidden, size_t out,
                    int with_target, int trained, const sac_kernels_bf16 *bf16);

/* Lay out the trace of a network for B rows, for passes in fp32. */
void sac_trace_layout(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

/* The same for passes in the precision of the network's training. */
void sac_trace_layout_training(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

/* How weights are drawn, in the order of the agent's option init; init.c has the formulas. */
enum { SAC_MLP_LECUN, SAC_MLP_TORCH, SAC_MLP_GLOROT };

/* Fresh weights, kind SAC_MLP_*; tensor `index` upwards of stream (seed, SAC_STREAM_INIT). The
 * target becomes a copy, the moments zero. */
void sac_mlp_init(const sac_kernels *k, sac_mlp *net, int kind, uint64_t seed, uint64_t index);

/* Bring what is derived from the weights up to date, after they were changed from outside. */
void sac_mlp_refresh(const sac_kernels *k, sac_mlp *net);

/* Forward with parameters w (net->w or net->target) for rows [first, last) of x (B, ldx); the trace
 * says in which precision (first is even in bf16). y: (B, ldy) out; ldy = 1 for a network with one
 * output. */
void sac_mlp_forward(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                     size_t ldx, size_t first, size_t last, sac_trace *trace, float *y, size_t ldy);

/* From dy = dL/dy (B, ldy) to trace->d of every hidden layer, rows [first, last). Padded columns of
 * dy are zero. Uses trace->h and the current weights. */
void sac_mlp_backward(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                      size_t first, size_t last, sac_trace *trace);

/* For a network with one output: its gradient with respect to the input columns [column, column +
 * columns), for n listed rows of the batch that the trace holds; row row[i] goes to dx[i] (n, ldx,
 * ldx at least sac_padded(columns)). Overwrites trace->d from row `first` on, n rows. */
void sac_mlp_input_gradient(const sac_kernels *k, const sac_mlp *net, size_t n, const size_t row[],
                            size_t first, sac_trace *trace, size_t column, size_t columns,
                            float *dx, size_t ldx);

/* Step unit u with the gradient of all B rows: input x (B, ldx), trace and dy (B, ldy) of the
 * passes above. tau > 0 moves the target too. scratch: (net->scratch). */
void sac_mlp_step(const sac_kernels *k, sac_mlp *net, size_t u, size_t B, const float *x,
                  size_t ldx, const sac_trace *trace, const float *dy, size_t ldy,
                  const sac_adam_step *adam, float tau, float *scratch);

/* The squared 2-norm of the last step's whole gradient. */
double sac_mlp_grad_square(const sac_mlp *net);

/* The first of B rows whose gradient is not finite in some hidden layer; B if there is none. */
size_t sac_trace_bad_row(const sac_mlp *net, const sac_trace *trace, size_t B);

#endif
