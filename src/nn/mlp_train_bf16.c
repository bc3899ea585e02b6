/* Training mode with bf16 products, for norms of a batch before every product: see mlp_train.c for
 * what is done and mlp_bf16.c for the forms in which activations and gradients are kept.
 *
 * A hidden layer's moments are those of its activations as they are kept, rounded: then xn has mean
 * 0 and variance 1 in the numbers that products multiply, and H = x^T dz, the bias's gradient and
 * the sums of the gradient through the statistics are of the same numbers. The weights are folded
 * in float and rounded once; statistics, running moments, all sums, the product that reads the
 * input and a critic's last layer are floats, as is the input behind its norm. */
#include "nn/mlp_bf16.h"
#include "nn/mlp_train.h"

static size_t halved(size_t n) {
  return (n + 1) / 2;
}

static int is_head(const sac_mlp_batch *b, size_t l) {
  return l + 1 == b->net->layers;
}

/* What weights' gradients read: layer l's input, and the gradient in its output. */
static const uint32_t *input_down(const sac_mlp_batch *b, size_t l, size_t *ld) {
  *ld = l ? b->trace->ld_down[l - 1] : b->trace->ld_x;
  return l ? b->trace->h_down[l - 1] : b->trace->x_down;
}
static const uint32_t *gradient_down(const sac_mlp_batch *b, size_t l, size_t *ld) {
  *ld = is_head(b, l) ? b->trace->ld_dy_down : b->trace->ld_down[l];
  return is_head(b, l) ? b->trace->dy_down : b->trace->d_down[l];
}

/* The input is normalised in float, and rounded for the weights' gradient alone. */
static void input_block(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                        size_t n) {
  const sac_trace *trace = b->trace;
  sac_train_fp32.input(p, b, l, first, n);
  trace->bf16->pack_down(b->rows, n, trace->xn + first, trace->ld_xn, trace->x_down + first,
                         trace->ld_x);
}

/* The product's second operand and its bias, of the input's weights in float. */
static void fold_floats(const sac_train_pass *p, const sac_mlp_batch *b, size_t first,
                        sac_gemm_bf16 *g) {
  const sac_layer *layer = b->net->layer;
  const sac_norm_pass *at = b->trace->before;
  const float *w = sac_train_parameters(b), *bias = sac_layer_bias(layer, w) + first;
  float *F = p->scratch, *f = F + layer->in * g->N;
  p->k->fold(layer->in, g->N, at->s, at->t, w + layer->offset + first, layer->ld, bias, F, g->N, f);
  g->K = layer->in;
  g->A = b->trace->xn, g->a_row = b->trace->ld_xn;
  g->B = F, g->ldb = g->N;
  g->bias = f;
}

/* The same of layer l > 0, rounded. */
static void fold_pairs(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                       sac_gemm_bf16 *g) {
  const sac_layer *layer = &b->net->layer[l];
  const sac_trace *trace = b->trace;
  const sac_norm_pass *at = &trace->before[l];
  const float *w = sac_train_parameters(b);
  uint32_t *F = (uint32_t *)p->scratch;
  float *f = p->scratch + halved(layer->in) * g->N;
  trace->bf16->fold(&(sac_fold_bf16){.M = layer->in,
                                     .N = g->N,
                                     .s = at->s,
                                     .t = at->t,
                                     .mean = at->mean,
                                     .W = w + layer->offset + first,
                                     .ldw = layer->ld,
                                     .bias = sac_layer_bias(layer, w) + first,
                                     .F = F,
                                     .ldf = g->N,
                                     .y = f});
  g->K = halved(layer->in);
  g->A = trace->h_across[l - 1], g->a_row = trace->ld_across[l - 1];
  g->B = F, g->ldb = g->N;
  g->bias = f;
}

static void forward_block(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                          size_t n) {
  const sac_trace *trace = b->trace;
  const sac_kernels_bf16 *bf16 = trace->bf16;
  sac_gemm_bf16 g = {.M = b->rows, .N = n, .a_col = 1};
  if (is_head(b, l)) {
    g.C = b->y + first;
    g.ldc = b->ldy;
  } else {
    g.relu = 1;
    g.across = trace->h_across[l] + first / 2;
    g.ld_across = trace->ld_across[l];
    g.down = trace->h_down[l] + first;
    g.ld_down = trace->ld_down[l];
  }
  if (l) {
    fold_pairs(p, b, l, first, &g);
    bf16->gemm_pairs(&g);
  } else {
    fold_floats(p, b, first, &g);
    bf16->gemm_floats(&g);
  }
  if (is_head(b, l)) return;
  const sac_norm_pass *next = &trace->before[l + 1];
  bf16->moments(b->rows, n, g.down, g.ld_down, next->mean + first, next->var + first);
  sac_train_norm(p, b, &b->net->layer[l + 1].before, next, first, n);
}

static void output_rows(const sac_train_pass *p, const sac_mlp_batch *b, size_t first, size_t last,
                        const float *w, float bias) {
  (void)p;
  const sac_trace *trace = b->trace;
  const size_t top = b->net->layers - 2, ld = trace->ld_across[top];
  trace->bf16->dot_rows(last - first, sac_padded(b->net->layer[top].out),
                        trace->h_across[top] + first * ld, ld, w, bias, b->y + first);
}

/* The bias's gradient is the sum of what the products read. */
static void begin_outputs(const sac_train_pass *p, const sac_mlp_batch *b) {
  (void)p;
  const sac_trace *trace = b->trace;
  const sac_kernels_bf16 *bf16 = trace->bf16;
  const size_t N = sac_padded(b->net->out), down = trace->ld_dy_down;
  bf16->pack_across(b->rows, N, b->dy, b->ldy, trace->dy_across, trace->ld_dy_across);
  bf16->pack_down(b->rows, N, b->dy, b->ldy, trace->dy_down, down);
  bf16->sum_columns(b->rows, N, NULL, trace->dy_down, down, trace->db[b->net->layers - 1]);
}

static void weight_gradient(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                            size_t rows, float *H) {
  (void)p;
  const sac_layer *layer = &b->net->layer[l];
  const sac_kernels_bf16 *bf16 = b->trace->bf16;
  size_t ld_in, ld_d;
  const uint32_t *in = input_down(b, l, &ld_in);
  if (layer->ld == 1) {
    bf16->sum_columns(b->rows, sac_padded(rows), b->dy, in, ld_in, H);
    return;
  }
  const uint32_t *d = gradient_down(b, l, &ld_d);
  bf16->gemm_pairs(&(sac_gemm_bf16){.M = rows,
                                    .N = layer->ld,
                                    .K = halved(b->rows),
                                    .A = in + first,
                                    .a_row = 1,
                                    .a_col = ld_in,
                                    .B = d,
                                    .ldb = ld_d,
                                    .C = H,
                                    .ldc = layer->ld});
}

static void backward_block(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                           size_t n) {
  (void)p;
  const sac_layer *layer = &b->net->layer[l];
  const sac_trace *trace = b->trace;
  const sac_norm_pass *at = &trace->before[l];
  sac_gemm_bf16 g = {.M = b->rows,
                     .N = n,
                     .a_col = 1,
                     .ldb = layer->ldt,
                     .across = l > 1 ? trace->d_across[l - 1] + first / 2 : NULL,
                     .ld_across = trace->ld_across[l - 1],
                     .down = trace->d_down[l - 1] + first,
                     .ld_down = trace->ld_down[l - 1],
                     .mask = trace->h_across[l - 1] + first / 2,
                     .ldm = trace->ld_across[l - 1],
                     .scale = at->s + first,
                     .shift = at->shift + first,
                     .slope = at->slope + first};
  if (layer->ld == 1) {
    g.K = 1;
    g.A = b->dy, g.a_row = b->ldy;
    g.B = trace->head + first;
    trace->bf16->gemm_floats(&g);
  } else {
    g.K = halved(layer->out);
    g.A = is_head(b, l) ? trace->dy_across : trace->d_across[l];
    g.a_row = is_head(b, l) ? trace->ld_dy_across : trace->ld_across[l];
    g.B = layer->turned + first;
    trace->bf16->gemm_pairs(&g);
  }
  trace->bf16->sum_columns(b->rows, n, NULL, g.down, g.ld_down, trace->db[l - 1] + first);
}

static void evaluate_block(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                           size_t n) {
  (void)p;
  sac_mlp_fold_bf16(b->net, l, first, n);
}

static void turn_rows(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                      size_t rows) {
  (void)p;
  sac_mlp_turn_bf16(b->net, l, first, rows);
}

const sac_train_work sac_train_bf16 = {
    .input = input_block,
    .forward = forward_block,
    .backward = backward_block,
    .evaluate = evaluate_block,
    .outputs = output_rows,
    .begin = begin_outputs,
    .gradient = weight_gradient,
    .turn = turn_rows,
};
