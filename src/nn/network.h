/* What a network is made of, and what a pass over a batch leaves behind: the data of mlp.h. */
#ifndef SAC_NN_NETWORK_H
#define SAC_NN_NETWORK_H

#include "base/arena.h"
#include "kernels/bf16.h"
#include "sac/options.h"

/* A plain network's hidden layers, or two for each of a body's blocks and some around them. */
enum { SAC_HIDDEN_MAX = 2 * SAC_WIDTHS_MAX + 2, SAC_LAYERS_MAX = SAC_HIDDEN_MAX + 1 };

/* The shape of a network, in the order of the agent's option body; body.c has the formulas. */
enum { SAC_NET_PLAIN, SAC_NET_SIMBA, SAC_NET_BRO, SAC_NET_SIMBAV2, SAC_NET_FLASH };

/* How weights are drawn, in the order of the agent's option init; init.c has the formulas. */
enum {
  SAC_MLP_LECUN,
  SAC_MLP_TORCH,
  SAC_MLP_GLOROT,
  SAC_MLP_ORTHOGONAL,
  SAC_MLP_BODY, /* of a body: each layer's own */
  SAC_MLP_HE    /* a layer's own, no option */
};

/* What normalises the columns or the rows of a matrix, in the order of the agent's options
 * critic_norm, actor_norm and norm_place; norm.h has the formulas. */
enum { SAC_NORM_NONE, SAC_NORM_LAYER, SAC_NORM_RMS, SAC_NORM_BATCH, SAC_NORM_RENORM };
enum { SAC_NORM_HIDDEN, SAC_NORM_INPUTS };

typedef struct sac_norm_spec {
  int kind;  /* SAC_NORM_NONE ... */
  int place; /* SAC_NORM_HIDDEN: between product and ReLU; SAC_NORM_INPUTS: before every product */
  int input; /* SAC_NORM_HIDDEN of a batch kind: the network's input too */
  double momentum, eps; /* of the running statistics; added to a variance */
  double r_max, d_max;  /* SAC_NORM_RENORM, once */
  uint64_t warmup;      /* so many passes in training mode have used the batch alone */
  int unbiased;         /* running variances of the batch's times rows / (rows - 1) */
} sac_norm_spec;

/* The kinds whose statistics are of a batch: they have a training mode and an evaluation mode. */
static inline int sac_norm_kind_is_batch(int kind) {
  return kind == SAC_NORM_BATCH || kind == SAC_NORM_RENORM;
}
static inline int sac_norm_is_batch(const sac_norm_spec *spec) {
  return sac_norm_kind_is_batch(spec->kind);
}

/* y = gamma xhat + beta for `width` columns; 0: there is none. */
typedef struct sac_norm {
  size_t width;
  int kind;          /* SAC_NORM_LAYER ...; a network may have norms of several kinds */
  size_t offset;     /* of gamma (padded) in the parameters; beta (padded) follows it */
  float *mean, *var; /* (padded) running statistics of a batch kind, else NULL */
  float *target_mean, *target_var; /* those that passes with the target's parameters move */
  float *scale, *shift; /* (padded) of a batch kind in evaluation mode: y = scale x + shift */
} sac_norm;

/* A learned factor for each of a matrix's columns: `by` times the parameter, which begins at
 * `start`, so that Adam's steps have a size that does not depend on the factor's. */
typedef struct sac_gain {
  size_t width, offset; /* 0: there is none; of the parameters (padded) */
  double start, by;
} sac_gain;

typedef struct sac_layer {
  size_t in, out;
  size_t ld;     /* floats in a row of W: sac_padded(out), or 1 if out is 1 */
  size_t offset; /* of W (in, ld) in the parameters; the bias (ld) follows it */
  size_t ldt;    /* floats in a row of the transpose */
  float *Wt;     /* (ld, ldt) the transpose of W, for the gradient of the layer's input */

  /* with bf16 products, instead of Wt: W in two forms, and the target's (kernels/bf16.h) */
  size_t ld_down;
  uint32_t *down, *target_down; /* (in / 2, ld_down) */
  uint32_t *turned;             /* (ld / 2, ldt) */
  float *folded; /* behind a norm of a batch: in evaluation mode, when `down` is scaled by it, the
                  * bias (ld); of a layer that is a vector the scaled weights (padded), the bias */

  sac_norm before, after; /* of the layer's input; of its output, before the ReLU */
  int relu;               /* a hidden layer's; 0: none */
  int biasless;           /* the bias is zero, and stays so: it is not stepped */
  size_t skip;            /* i + 1: the activations of hidden layer i are added to this one's */
  int draw;               /* how init=body draws the weights: SAC_MLP_ORTHOGONAL or SAC_MLP_HE */
  double spread;          /* and times what */
  size_t parts;           /* so many layers beside each other, each with its part of the outputs */
  int apart;              /* and each with its part of the inputs: the other weights are zero */

  /* of a network on the unit sphere: */
  sac_gain gain; /* of the product's columns, or with a skip how far these go from it */
  int unit;      /* the activations of a row have length 1 */
} sac_layer;

enum { SAC_UNIT_WEIGHTS, SAC_UNIT_BEFORE, SAC_UNIT_AFTER, SAC_UNIT_GAIN };

/* A step of the optimiser on some rows of one layer. */
typedef struct sac_unit {
  size_t layer, first, rows; /* rows of W; with first == 0 goes the bias */
  int part; /* SAC_UNIT_BEFORE, _AFTER: of that norm of rows, its parameters; _GAIN: the gain */
} sac_unit;

typedef struct sac_mlp {
  size_t in, out, layers;
  sac_layer layer[SAC_LAYERS_MAX];
  size_t count;     /* parameters, padding included */
  float *w, *m, *v; /* (count) parameters and their Adam moments; m, v NULL for a target */
  float *target;    /* (count) the slowly following copy, or NULL */
  size_t units;
  sac_unit *unit;      /* (units) */
  double *unit_square; /* (units) the squared norm of each unit's gradient, from the last step */
  size_t scratch;      /* floats that a thread needs to step a unit */
  const sac_kernels_bf16 *bf16; /* the products of training, or NULL: in fp32 */

  sac_norm_spec norm;
  float dropout; /* the share of a hidden layer's products that a pass sets to 0 */
  float shift;   /* > 0: on the unit sphere, and this stands behind the input */

  /* of a batch kind */
  uint64_t *passes; /* (2) in training mode so far: with w, with target */
  double
      *norm_square; /* (SAC_LAYERS_MAX, norm_blocks) of the last step's gradient in gamma, beta */
  size_t norm_blocks;
} sac_mlp;

/* What a pass in training mode knows of a norm's columns, (padded) each: kernels/kernels.h has the
 * letters. The gradient of the columns is scaled, shifted by `shift`, and goes along the columns by
 * `slope`. */
typedef struct sac_norm_pass {
  float *mean, *var, *rstd, *r, *d, *a, *c, *s, *t, *shift, *slope;
} sac_norm_pass;

/* What a pass leaves of a norm of rows: xn, the loss gradient behind the norm, what the product
 * reads if the norm lies before it, (B, ld) each, and rstd (B). */
typedef struct sac_row_pass {
  float *xn, *g, *u, *rstd;
  size_t ld;
} sac_row_pass;

/* What a pass leaves of a layer on the unit sphere, (B, ld) each: the product, or with a skip the
 * product at length 1; each row's part of the gradient in the gain; the gradient that goes over the
 * skip; and inverse lengths (B) of the activations and of the product. */
typedef struct sac_sphere_pass {
  float *z, *g, *dr, *inv, *inv_z;
} sac_sphere_pass;

/* What a pass over a batch of B rows leaves behind. h[l] (B, ldh[l]): the activations of hidden
 * layer l, d[l]: the loss gradient at its input (before the ReLU). */
typedef struct sac_trace {
  float *h[SAC_HIDDEN_MAX], *d[SAC_HIDDEN_MAX];
  size_t ld[SAC_HIDDEN_MAX];

  /* of a norm: */
  float *xn; /* (B, ld_xn) the network's input, normalised */
  size_t ld_xn;
  float *z[SAC_HIDDEN_MAX];      /* (B, ld[l]) what the norm of hidden layer l is of */
  sac_norm_pass *before, *after; /* (layers) */
  float **db;                    /* (layers) the loss gradient in each layer's bias, (padded) */
  float *head; /* (padded) the weights of a last layer with one output, before the step */
  sac_row_pass *row_before, *row_after; /* (layers) of norms of rows */

  /* on the unit sphere: */
  sac_sphere_pass *sphere; /* (layers) */
  float *dxn, *inv;        /* (B, ld_xn) the gradient in xn; (B) the inverse lengths of the input */

  /* of blocks with norms of a batch: */
  float *added[SAC_HIDDEN_MAX]; /* (B, ld[l]) what a block's end adds to the sum */
  float *dsum;                  /* (B, ld[0]) the loss gradient in the sum, where a pass is */

  /* of dropout: set by the caller before a pass; row b draws from stream (thin_seed, DROPOUT,
   * thin_index + b). Off, the network is whole. */
  int thin;
  uint64_t thin_seed, thin_index;
  float *keep[SAC_HIDDEN_MAX]; /* (B, ld[l]) 0, or 1 / (1 - dropout) */

  const sac_kernels_bf16 *bf16; /* set: h and d are the ones below */

  /* in bf16: `across` is what the next layer's product reads, `down` the weights' gradient */
  int keep_down; /* else no `down` is written: a pass whose weights' gradient is not wanted */
  uint32_t *h_across[SAC_HIDDEN_MAX], *h_down[SAC_HIDDEN_MAX];
  uint32_t *d_across[SAC_HIDDEN_MAX], *d_down[SAC_HIDDEN_MAX];
  uint32_t *x_down;              /* the input */
  uint32_t *dy_across, *dy_down; /* the loss gradient, of a network with several outputs */
  size_t ld_across[SAC_HIDDEN_MAX], ld_down[SAC_HIDDEN_MAX], ld_x, ld_dy_across, ld_dy_down;
} sac_trace;

/* x (rows, n) to y (rows, padded): what lies beside a network's input, an action or the next row,
 * is no part of it. */
static inline void sac_mlp_pad_rows(size_t rows, size_t n, const float *x, size_t ldx, float *y,
                                    size_t ldy) {
  for (size_t i = 0; i < rows; i++) {
    memcpy(y + i * ldy, x + i * ldx, n * sizeof *y);
    memset(y + i * ldy + n, 0, (sac_padded(n) - n) * sizeof *y);
  }
}

/* Networks whose passes on rows are those of mlp_rows.h: norms of rows, dropout, sums of layers. */
static inline int sac_mlp_by_rows(const sac_mlp *net) {
  return net->norm.kind == SAC_NORM_LAYER || net->norm.kind == SAC_NORM_RMS || net->dropout > 0.0f;
}

/* Floats in a row of an input or output of n numbers in a batch: padded, and a cache line more so
 * that rows do not fall on the same cache sets. */
static inline size_t sac_row(size_t n) {
  return sac_padded(n) + SAC_LANES;
}

/* For passes whose weights' gradient is not wanted: into the same memory, less of it. */
static inline sac_trace sac_trace_values(const sac_trace *trace) {
  sac_trace values = *trace;
  values.keep_down = 0;
  return values;
}

/* The bias (out) of the last layer. */
static inline float *sac_mlp_output_bias(const sac_mlp *net) {
  const sac_layer *last = &net->layer[net->layers - 1];
  return net->w + last->offset + last->in * last->ld;
}

static inline const float *sac_layer_bias(const sac_layer *layer, const float *w) {
  return w + layer->offset + layer->in * layer->ld;
}

enum { SAC_TRAIN_COLUMNS = 64 }; /* of a layer, that one thread takes in training mode */

/* Floats that a thread needs for a layer in training mode: folded weights of some columns; a unit's
 * gradient; vectors beside them. */
static inline size_t sac_mlp_train_scratch(const sac_layer *layer, size_t unit_rows) {
  const size_t in = sac_padded(layer->in), columns = SAC_TRAIN_COLUMNS * (in + SAC_LANES);
  const size_t unit = unit_rows * (layer->ld + 2) + 2 * SAC_LANES;
  if (layer->ld == 1) return 4 * in;
  return unit > columns ? unit : columns;
}

/* The transpose of rows [first, first + rows) of layer l. */
static inline void sac_mlp_refresh_rows(const sac_kernels *k, const sac_mlp *net, size_t l,
                                        size_t first, size_t rows) {
  const sac_layer *layer = &net->layer[l];
  if (!layer->Wt) return;
  k->transpose(rows, layer->ld, net->w + layer->offset + first * layer->ld, layer->ld,
               layer->Wt + first, layer->ldt);
}

/* Adam, and the target's step, on n parameters at `at`; returns the gradient's squared norm. */
static inline double sac_mlp_step_span(const sac_kernels *k, sac_mlp *net, size_t at, size_t n,
                                       const sac_adam_step *adam, const float *g, float tau) {
  float *target = net->target && tau > 0.0f ? net->target + at : NULL;
  return k->adam(n, adam, g, net->m + at, net->v + at, net->w + at, tau, target);
}

/* The same for a norm's parameters or another vector: without weight decay, unless that is of all.
 */
static inline double sac_mlp_step_bias(const sac_kernels *k, sac_mlp *net, size_t at, size_t n,
                                       const sac_adam_step *adam, const float *g, float tau) {
  sac_adam_step plain = *adam;
  if (!adam->all) plain.decay = 0.0f;
  return sac_mlp_step_span(k, net, at, n, &plain, g, tau);
}

/* The same for layer l's bias, which it may be without. */
static inline double sac_mlp_step_layer_bias(const sac_kernels *k, sac_mlp *net, size_t l,
                                             const sac_adam_step *adam, const float *g, float tau) {
  const sac_layer *layer = &net->layer[l];
  if (layer->biasless) return 0.0;
  return sac_mlp_step_bias(k, net, layer->offset + layer->in * layer->ld, layer->ld, adam, g, tau);
}

#endif
