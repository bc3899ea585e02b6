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

#include "base/threads.h"
#include "nn/network.h"

/* What a network is to be. */
typedef struct sac_mlp_spec {
  size_t in, out;
  const sac_widths *hidden;     /* widths of the hidden layers, or one for each block of a body */
  int trained;                  /* with Adam moments */
  int with_target;              /* with a target copy */
  const sac_kernels_bf16 *bf16; /* its products in training are in bf16, or NULL; only without
                                   dropout, and without norms or with norms of a batch kind before
                                   every product */
  int body;                     /* SAC_NET_PLAIN ...: what `hidden` means, body.h */
  size_t parts;                 /* of a body: the output is so many vectors, whose last layers are
                                   drawn apart, and which in simbav2 have each a last hidden layer
                                   of its own; 0: one */
  sac_norm_spec norm;           /* zero: none; of a body its own kind, with these numbers */
  double dropout;               /* in [0, 1); 0 with a norm of a batch kind, and with a body */
} sac_mlp_spec;

void sac_mlp_layout(sac_arena *arena, sac_mlp *net, const sac_mlp_spec *spec);

/* Lay out the trace of a network for B rows, for passes in fp32. With dropout a pass is whole
 * unless trace->thin is set, and then draws from (trace->thin_seed, trace->thin_index); the pass
 * backwards goes through the units that the last one forwards kept. */
void sac_trace_layout(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

/* The same for passes in the precision of the network's training. */
void sac_trace_layout_training(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

/* Fresh weights, kind SAC_MLP_*, from SAC_INIT_STREAMS indices of stream (seed, SAC_STREAM_INIT)
 * from `index` on, a layer each, and the same 2^48 and 2^49 further. The target becomes a copy, the
 * moments zero. Orthogonal weights are drawn with the moments for room: of a trained network only.
 */
enum { SAC_INIT_STREAMS = SAC_WIDTHS_MAX + 1 };
void sac_mlp_init(const sac_kernels *k, sac_mlp *net, int kind, uint64_t seed, uint64_t index);

/* Thread t's share of the columns of every matrix to length 1, and of their transposes (fp32
 * alone), which are up to date: an output's weights on the unit sphere [XQC, SIMBAV2]. A column of
 * zeros stays. Any T gives the same bits; two calls with one T share no column. */
void sac_mlp_project(sac_mlp *net, size_t t, size_t T);

/* The same for norms: each one's parameters to length sqrt(width), gamma and beta as one vector
 * [FLASHSAC]. */
void sac_mlp_project_norms(const sac_kernels *k, sac_mlp *net, size_t t, size_t T);

/* Thread t's share of: target <- target + tau (w - target), over all parameters. */
void sac_mlp_follow(sac_mlp *net, float tau, size_t t, size_t T);

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

/* The gradient of sum_o dy[i,o] y_o with respect to the input columns [column, column + columns),
 * for n listed rows of the batch that the trace holds; row i of dy (n, ldy) and row i of dx (n,
 * ldx, ldx at least sac_padded(columns)) go with row row[i] of the batch. dy NULL, only for a
 * network with one output: 1 for every row. Padded columns of dy are zero. Overwrites trace->d from
 * row `first` on, n rows. */
void sac_mlp_input_gradient(const sac_kernels *k, const sac_mlp *net, size_t n, const size_t row[],
                            const float *dy, size_t ldy, size_t first, sac_trace *trace,
                            size_t column, size_t columns, float *dx, size_t ldx);

/* Thread t's share of the units of `networks` networks of this shape, network after network:
 * [first, last), of as many weights for every thread as whole units allow. */
void sac_mlp_share(const sac_mlp *net, size_t networks, size_t t, size_t T, size_t *first,
                   size_t *last);

/* Step unit u with the gradient of all B rows: input x (B, ldx), trace and dy (B, ldy) of the
 * passes above. tau > 0 moves the target too. scratch: (net->scratch). */
void sac_mlp_step(const sac_kernels *k, sac_mlp *net, size_t u, size_t B, const float *x,
                  size_t ldx, const sac_trace *trace, const float *dy, size_t ldy,
                  const sac_adam_step *adam, float tau, float *scratch);

/* --- training mode: networks with a norm of a batch kind ---------------------------------------
 *
 * The passes above, on rows, are evaluation mode for such a network: running statistics instead of
 * the batch's, so that a row's result depends on that row alone. They take w = net->w only, and of
 * them sac_mlp_backward and sac_mlp_step are not for such a network. Training mode is a collective:
 * all threads of one sac_pool_run call it with the same arguments but t and scratch, it waits at
 * barriers inside, and work is shared by columns, whose statistics one thread sums in a fixed
 * order: the same bits for any number of threads. */

/* One network and the batch that it sees; the passes take several, which share the barriers. */
typedef struct sac_mlp_batch {
  sac_mlp *net;
  int target;     /* use net->target and its running statistics; for a forward pass only */
  size_t rows;    /* at least 2; the joint pass of CrossQ has 2B: [s,a] first, then [s',a'] */
  const float *x; /* (rows, ldx) in; columns beyond the network's are finite, and no part of it */
  size_t ldx;
  sac_trace *trace; /* laid out for at least `rows` rows */
  float *y;         /* (rows, ldy) out; ldy = 1 for a network with one output */
  size_t ldy;
  const float *dy;           /* (rows, ldy) dL/dy, padded columns zero; for a step */
  const sac_adam_step *adam; /* for a step */
  float tau;                 /* > 0 moves the target too, statistics excepted */
} sac_mlp_batch;

/* y of every network in training mode. Moves the running statistics of the parameters in use, once,
 * and counts the pass. Ends with a barrier: all rows of y are there. scratch: (the largest
 * net->scratch), a thread's own. */
void sac_mlp_train_forward(const sac_kernels *k, sac_pool *pool, size_t n,
                           const sac_mlp_batch batch[], size_t t, size_t T, float *scratch);

/* After sac_mlp_train_forward with the same batch and, between, other parameters untouched, and
 * after a barrier behind the writing of dy: the gradient of L in every parameter, through the
 * batch's statistics in all rows, and its step of Adam. trace->d is left for sac_trace_bad_row.
 * Ends with a barrier. */
void sac_mlp_train_step(const sac_kernels *k, sac_pool *pool, size_t n, const sac_mlp_batch batch[],
                        size_t t, size_t T, float *scratch);

/* The squared 2-norm of the last step's whole gradient. */
double sac_mlp_grad_square(const sac_mlp *net);

/* The first of B rows whose gradient is not finite in some hidden layer; B if there is none. */
size_t sac_trace_bad_row(const sac_mlp *net, const sac_trace *trace, size_t B);

#endif
