/* Training mode of norms of a batch kind, declared in mlp.h.
 *
 * A norm before a product costs no pass over activations: with y = s x + t by column the product is
 * y W + b = x F + f,  F = diag(s) W,  f = b + t W, so the weights are folded, block by block, as
 * the product needs them. Its gradient comes from H = x^T dz, which gives dW, dgamma and dbeta (the
 * kernel unfold), and with them the two sums that the gradient through the statistics needs:
 *   dL/dx = s (dz W^T) - a/N [S1 + xn S2],  xn = (x - mean)/sigma,  S1 = sum g = gamma dbeta,
 *   S2 = sum g xn = (gamma dgamma - d S1) / r,  g = dL/dxhat,
 * whose last part is affine in x and goes into the product's epilogue. A norm between product and
 * ReLU takes its sums from the columns that the same thread has just made. */
#include "nn/mlp_train.h"
#include "nn/mlp_blocks.h"
#include "nn/mlp_rows.h"
#include "nn/norm.h"

#include <string.h>

/* --- shares: consecutive items for a thread, so that a network stays with one where it can ------
 */

typedef struct share {
  size_t first, last, next;
} share;

static share share_of(size_t items, size_t t, size_t T) {
  share s = {0};
  sac_share(items, t, T, &s.first, &s.last);
  return s;
}

static int is_mine(share *s) {
  const size_t i = s->next++;
  return s->first <= i && i < s->last;
}

typedef struct sac_train_pass pass;

/* All networks of a pass are of one precision. */
static pass begin_pass(const sac_kernels *k, size_t n, const sac_mlp_batch batch[], size_t t,
                       size_t T, float *scratch) {
  return (pass){.k = k,
                .n = n,
                .batch = batch,
                .t = t,
                .T = T,
                .scratch = scratch,
                .work = batch->trace->bf16 ? &sac_train_bf16 : &sac_train_fp32};
}

static size_t most_layers(const pass *p) {
  size_t most = 0;
  for (size_t i = 0; i < p->n; i++)
    if (p->batch[i].net->layers > most) most = p->batch[i].net->layers;
  return most;
}

/* The columns of layer l's output, or of its input; none if it is a vector. */
static size_t columns_of(const sac_mlp *net, size_t l, int input) {
  if (l >= net->layers) return 0;
  if (input) return sac_padded(net->layer[l].in);
  return net->layer[l].ld == 1 ? 0 : net->layer[l].ld;
}

static size_t count_blocks(const pass *p, size_t l, int input, size_t width) {
  size_t count = 0;
  for (size_t i = 0; i < p->n; i++)
    count += (columns_of(p->batch[i].net, l, input) + width - 1) / width;
  return count;
}

/* Work on this thread's blocks of columns of layer l in every network. How wide a block is changes
 * no bit. */
static void by_columns(const pass *p, size_t l, int input, size_t width, sac_train_block *work) {
  if (count_blocks(p, l, input, width) < p->T) width = 2 * SAC_LANES;
  share s = share_of(count_blocks(p, l, input, width), p->t, p->T);
  for (size_t i = 0; i < p->n; i++) {
    const size_t N = columns_of(p->batch[i].net, l, input);
    for (size_t first = 0; first < N; first += width)
      if (is_mine(&s)) work(p, &p->batch[i], l, first, N - first < width ? N - first : width);
  }
}

/* --- forward --------------------------------------------------------------------------------- */

void sac_train_norm(const pass *p, const sac_mlp_batch *b, const sac_norm *norm,
                    const sac_norm_pass *at, size_t first, size_t n) {
  const sac_norm_spec *spec = &b->net->norm;
  const float *w = sac_train_parameters(b);
  const int warm = b->net->passes[b->target ? 1 : 0] >= spec->warmup;
  p->k->column_norm(
      &(sac_column_norm){.N = n,
                         .eps = (float)spec->eps,
                         .keep = (float)spec->momentum,
                         .unbias = spec->unbiased ? (float)b->rows / (float)(b->rows - 1) : 1.0f,
                         .renorm = spec->kind == SAC_NORM_RENORM && warm,
                         .r_max = (float)spec->r_max,
                         .d_max = (float)spec->d_max,
                         .mean = at->mean + first,
                         .var = at->var + first,
                         .gamma = sac_norm_gamma(norm, w) + first,
                         .beta = sac_norm_beta(norm, w) + first,
                         .run_mean = (b->target ? norm->target_mean : norm->mean) + first,
                         .run_var = (b->target ? norm->target_var : norm->var) + first,
                         .rstd = at->rstd + first,
                         .r = at->r + first,
                         .d = at->d + first,
                         .a = at->a + first,
                         .c = at->c + first,
                         .s = at->s + first,
                         .t = at->t + first});
}

/* The moments of n columns x (rows, ldx), and the norm's map of them. */
static void take_moments(const pass *p, const sac_mlp_batch *b, const sac_norm *norm,
                         const sac_norm_pass *at, const float *x, size_t ldx, size_t first,
                         size_t n) {
  p->k->moments(b->rows, n, x, ldx, at->mean + first, at->var + first);
  sac_train_norm(p, b, norm, at, first, n);
}

/* The network's input is normalised in so many words: its columns may lie far from zero, which a
 * fold would pay for in digits. What is left to fold is gamma and beta. */
static void input_block(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t n) {
  const sac_norm *norm = &b->net->layer[l].before;
  if (!norm->width) return;
  const sac_norm_pass *at = &b->trace->before[l];
  const size_t ld = b->trace->ld_xn;
  take_moments(p, b, norm, at, b->x + first, b->ldx, first, n);
  p->k->affine(b->rows, n, at->mean + first, at->a + first, at->d + first, 0, b->x + first, b->ldx,
               b->trace->xn + first, ld);
  for (size_t i = first; i < first + n; i++) at->a[i] = 1.0f, at->c[i] = 0.0f;
  memcpy(at->s + first, sac_norm_gamma(norm, sac_train_parameters(b)) + first, n * sizeof *at->s);
  memcpy(at->t + first, sac_norm_beta(norm, sac_train_parameters(b)) + first, n * sizeof *at->t);
}

/* The norm before product l that is folded into its weights, or NULL. */
static const sac_norm *folded(const sac_layer *layer) {
  return sac_norm_kind_is_batch(layer->before.kind) ? &layer->before : NULL;
}

/* What product l reads. */
static const float *input_of(const sac_mlp_batch *b, size_t l, size_t *ld) {
  if (sac_blocks_top(b->net, l)) {
    *ld = b->trace->row_before[l].ld;
    return b->trace->row_before[l].u;
  }
  const int normed = b->net->layer[0].before.width > 0;
  *ld = l ? b->trace->ld[l - 1] : normed ? b->trace->ld_xn : b->ldx;
  return l ? b->trace->h[l - 1] : normed ? b->trace->xn : b->x;
}

/* Columns [first, first + n) of layer l: product, its norm, ReLU, and the moments that the next
 * product's norm needs. */
static void forward_block(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t n) {
  const sac_layer *layer = &b->net->layer[l];
  const sac_trace *trace = b->trace;
  const int hidden = l + 1 < b->net->layers, after = layer->after.width > 0;
  const float *w = sac_train_parameters(b), *W = w + layer->offset + first;
  size_t ld_in, ldw = layer->ld;
  const float *in = input_of(b, l, &ld_in), *bias = sac_layer_bias(layer, w) + first;
  if (folded(layer)) {
    const sac_norm_pass *at = &trace->before[l];
    float *F = p->scratch, *f = F + layer->in * n;
    p->k->fold(layer->in, n, at->s, at->t, W, ldw, bias, F, n, f);
    W = F, ldw = n, bias = f;
  }
  const size_t ldc = hidden ? trace->ld[l] : b->ldy;
  float *C = (!hidden ? b->y : after ? trace->z[l] : trace->h[l]) + first;
  float *made = layer->skip ? trace->added[l] : trace->h[l];
  p->k->gemm(&(sac_gemm){.M = b->rows,
                         .N = n,
                         .K = layer->in,
                         .A = in,
                         .a_row = ld_in,
                         .a_col = 1,
                         .B = W,
                         .ldb = ldw,
                         .C = C,
                         .ldc = ldc,
                         .bias = bias,
                         .relu = layer->relu && !after});
  if (!hidden) return;
  if (after) {
    const sac_norm_pass *at = &trace->after[l];
    take_moments(p, b, &layer->after, at, C, ldc, first, n);
    p->k->affine(b->rows, n, NULL, at->s + first, at->t + first, 1, C, ldc, made + first, ldc);
  }
  if (layer->skip) sac_blocks_add(b->net, l, trace, 0, b->rows, first, n);
  const sac_norm *next = folded(&layer[1]);
  if (next) take_moments(p, b, next, &trace->before[l + 1], trace->h[l] + first, ldc, first, n);
}

static void output_rows(const pass *p, const sac_mlp_batch *b, size_t first, size_t last,
                        const float *w, float bias) {
  const size_t l = b->net->layers - 1;
  size_t ld;
  const float *in = input_of(b, l, &ld);
  p->k->dot_rows(last - first, b->net->layer[l].in, in + first * ld, ld, w, bias, b->y + first);
}

/* This thread's rows of a network's only output. */
static void forward_vector(const pass *p, const sac_mlp_batch *b) {
  const size_t l = b->net->layers - 1;
  const sac_layer *layer = &b->net->layer[l];
  const float *w = sac_train_parameters(b), *W = w + layer->offset;
  float bias = *sac_layer_bias(layer, w);
  size_t first, last;
  sac_share(b->rows, p->t, p->T, &first, &last);
  if (folded(layer)) {
    const sac_norm_pass *at = &b->trace->before[l];
    double sum = (double)bias;
    for (size_t i = 0; i < layer->in; i++) {
      p->scratch[i] = at->s[i] * W[i];
      sum += (double)at->t[i] * (double)W[i];
    }
    for (size_t i = layer->in; i < sac_padded(layer->in); i++) p->scratch[i] = 0.0f;
    W = p->scratch;
    bias = (float)sum;
  }
  p->work->outputs(p, b, first, last, W, bias);
}

/* Whether layer l of some network reads a sum through a norm of rows. */
static int any_top(const pass *p, size_t l) {
  for (size_t i = 0; i < p->n; i++)
    if (l < p->batch[i].net->layers && sac_blocks_top(p->batch[i].net, l)) return 1;
  return 0;
}

static void normalise_rows(const pass *p, size_t l) {
  for (size_t i = 0; i < p->n; i++) {
    const sac_mlp_batch *b = &p->batch[i];
    size_t first, last, ld;
    sac_share(b->rows, p->t, p->T, &first, &last);
    if (l < b->net->layers && sac_blocks_top(b->net, l))
      sac_blocks_normalise(p->k, b->net, sac_train_parameters(b), b->trace, first, last - first,
                           &ld);
  }
}

void sac_mlp_train_forward(const sac_kernels *k, sac_pool *pool, size_t n,
                           const sac_mlp_batch batch[], size_t t, size_t T, float *scratch) {
  const pass p = begin_pass(k, n, batch, t, T, scratch);
  by_columns(&p, 0, 1, SAC_LANES, p.work->input);
  sac_pool_barrier(pool);
  const size_t layers = most_layers(&p);
  for (size_t l = 0; l < layers; l++) {
    if (any_top(&p, l)) {
      normalise_rows(&p, l);
      sac_pool_barrier(pool);
    }
    by_columns(&p, l, 0, SAC_TRAIN_COLUMNS, p.work->forward);
    for (size_t i = 0; i < n; i++)
      if (l + 1 == batch[i].net->layers) {
        if (batch[i].net->out == 1) forward_vector(&p, &batch[i]);
        if (t == 0) batch[i].net->passes[batch[i].target ? 1 : 0]++; /* no norm is left to ask */
      }
    sac_pool_barrier(pool);
  }
}

/* --- backward, and the step ------------------------------------------------------------------ */

static const float *gradient_of(const sac_mlp_batch *b, size_t l, size_t *ld) {
  const int head = l + 1 == b->net->layers;
  *ld = head ? b->ldy : b->trace->ld[l];
  return head ? b->dy : b->trace->d[l];
}

static void begin_outputs(const pass *p, const sac_mlp_batch *b) {
  const size_t l = b->net->layers - 1;
  p->k->sum_columns(b->rows, b->net->layer[l].ld, NULL, b->dy, b->ldy, b->trace->db[l]);
}

/* The gradient in the last bias, and a copy of the last weights, which a step changes before they
 * are used for the last time. */
static void begin_step(const pass *p, const sac_mlp_batch *b) {
  const size_t l = b->net->layers - 1;
  const sac_layer *layer = &b->net->layer[l];
  if (layer->ld > 1) {
    p->work->begin(p, b);
    return;
  }
  double sum = 0.0;
  for (size_t i = 0; i < b->rows; i++) sum += (double)b->dy[i];
  b->trace->db[l][0] = (float)sum;
  memcpy(b->trace->head, b->net->w + layer->offset, layer->in * sizeof *b->trace->head);
}

static double adam_on(const pass *p, const sac_mlp_batch *b, size_t at, size_t n, const float *g) {
  return sac_mlp_step_span(p->k, b->net, at, n, b->adam, g, b->tau);
}

/* The same for parameters of norms, which decay where all do. */
static double adam_on_norm(const pass *p, const sac_mlp_batch *b, size_t at, size_t n,
                           const float *g) {
  return sac_mlp_step_bias(p->k, b->net, at, n, b->adam, g, b->tau);
}

/* With the sums that the gradient through the statistics needs: what the epilogue adds. */
static void set_slopes(const sac_norm_pass *at, size_t i, size_t rows, float S1, float S2) {
  const float by = at->a[i] / (float)rows;
  at->slope[i] = -by * at->rstd[i] * S2;
  at->shift[i] = -by * S1 - at->mean[i] * at->slope[i];
}

/* The norm before product l, columns [first, first + n), from its parameters' gradient. */
static double step_before(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t n,
                          const float *dgamma, const float *dbeta) {
  const sac_norm *norm = &b->net->layer[l].before;
  const sac_norm_pass *at = &b->trace->before[l];
  const float *gamma = sac_norm_gamma(norm, b->net->w);
  for (size_t i = 0; l > 0 && i < n; i++) {
    const size_t j = first + i;
    const float S1 = gamma[j] * dbeta[i];
    set_slopes(at, j, b->rows, S1, (gamma[j] * dgamma[i] - at->d[j] * S1) / at->r[j]);
  }
  double square = adam_on_norm(p, b, norm->offset + first, n, dgamma);
  square += adam_on_norm(p, b, norm->offset + sac_padded(norm->width) + first, n, dbeta);
  sac_norm_refresh_columns(p->k, b->net, norm, first, sac_padded(n));
  return square;
}

/* H = x^T dz, some rows of layer l's. */
static void weight_gradient(const pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                            size_t rows, float *H) {
  const sac_layer *layer = &b->net->layer[l];
  size_t ld_in, ld_d;
  const float *in = input_of(b, l, &ld_in), *d = gradient_of(b, l, &ld_d);
  if (layer->ld == 1) {
    p->k->sum_columns(b->rows, sac_padded(rows), d, in, ld_in, H);
    return;
  }
  p->k->gemm(&(sac_gemm){.M = rows,
                         .N = layer->ld,
                         .K = b->rows,
                         .A = in + first,
                         .a_row = 1,
                         .a_col = ld_in,
                         .B = d,
                         .ldb = ld_d,
                         .C = H,
                         .ldc = layer->ld});
}

/* A last layer with one output. */
static double step_vector(const pass *p, const sac_mlp_batch *b, size_t l) {
  const sac_layer *layer = &b->net->layer[l];
  const size_t in = layer->in, N = sac_padded(in);
  const float *w = b->trace->head, *db = b->trace->db[l];
  float *H = p->scratch, *dgamma = H + N, *dbeta = dgamma + N;
  double square = sac_mlp_step_layer_bias(p->k, b->net, l, b->adam, db, b->tau);
  p->work->gradient(p, b, l, 0, in, H);
  if (folded(layer)) {
    const sac_norm_pass *at = &b->trace->before[l];
    const float *gamma = sac_norm_gamma(&layer->before, b->net->w);
    const float *beta = sac_norm_beta(&layer->before, b->net->w);
    for (size_t i = 0; i < in; i++) {
      const float G = at->a[i] * H[i] + at->c[i] * *db;
      dgamma[i] = w[i] * G;
      dbeta[i] = w[i] * *db;
      H[i] = gamma[i] * G + beta[i] * *db;
    }
    square += step_before(p, b, l, 0, in, dgamma, dbeta);
  }
  return square + adam_on(p, b, layer->offset, in, H);
}

/* Some rows of layer l's weights, and the norm of the columns that they meet. */
static double step_rows(const pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                        size_t rows) {
  const sac_layer *layer = &b->net->layer[l];
  float *H = p->scratch, *dgamma = H + rows * layer->ld, *dbeta = dgamma + sac_padded(rows);
  const size_t at_row = layer->offset + first * layer->ld;
  double square = 0.0;
  if (first == 0) /* a bias before a norm of the batch has no gradient, and db stays 0 */
    square += sac_mlp_step_layer_bias(p->k, b->net, l, b->adam, b->trace->db[l], b->tau);
  p->work->gradient(p, b, l, first, rows, H);
  if (folded(layer)) {
    const sac_norm_pass *at = &b->trace->before[l];
    const sac_unfold u = {.M = rows,
                          .N = layer->ld,
                          .a = at->a + first,
                          .c = at->c + first,
                          .gamma = sac_norm_gamma(&layer->before, b->net->w) + first,
                          .beta = sac_norm_beta(&layer->before, b->net->w) + first,
                          .db = b->trace->db[l],
                          .W = b->net->w + at_row,
                          .ldw = layer->ld,
                          .H = H,
                          .ldh = layer->ld,
                          .dgamma = dgamma,
                          .dbeta = dbeta};
    const sac_kernels_bf16 *bf16 = b->trace->bf16;
    (bf16 ? bf16->unfold : p->k->unfold)(&u);
    square += step_before(p, b, l, first, rows, dgamma, dbeta);
  }
  return square + adam_on(p, b, at_row, rows * layer->ld, H);
}

static void turn_rows(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t rows) {
  sac_mlp_refresh_rows(p->k, b->net, l, first, rows);
}

/* This thread's units of layer l, or, of a layer that all products have been through, their
 * transposes. */
static void by_units(const pass *p, size_t l, int turn) {
  size_t items = 0;
  for (size_t i = 0; i < p->n; i++)
    for (size_t u = 0; u < p->batch[i].net->units; u++)
      items += p->batch[i].net->unit[u].layer == l;
  share s = share_of(items, p->t, p->T);
  for (size_t i = 0; i < p->n; i++) {
    const sac_mlp_batch *b = &p->batch[i];
    for (size_t u = 0; u < b->net->units; u++) {
      const sac_unit *unit = &b->net->unit[u];
      if (unit->layer != l || !is_mine(&s) || unit->part != SAC_UNIT_WEIGHTS) continue;
      if (turn)
        p->work->turn(p, b, l, unit->first, unit->rows);
      else
        b->net->unit_square[u] = b->net->layer[l].ld == 1
                                     ? step_vector(p, b, l)
                                     : step_rows(p, b, l, unit->first, unit->rows);
    }
  }
}

/* The norm between product l and its ReLU: from the gradient behind the norm, in trace->d, to the
 * one before it. */
static void step_after(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t n) {
  const sac_norm *norm = &b->net->layer[l].after;
  const sac_norm_pass *at = &b->trace->after[l];
  const size_t ld = b->trace->ld[l], N = sac_padded(norm->width);
  float *d = b->trace->d[l] + first, *dbeta = p->scratch, *dgamma = dbeta + n;
  const float *z = b->trace->z[l] + first, *gamma = sac_norm_gamma(norm, b->net->w) + first;
  p->k->sum_products(b->rows, n, at->mean + first, d, ld, z, ld, dbeta, dgamma);
  for (size_t i = 0; i < n; i++) {
    const size_t j = first + i;
    const float dot = at->rstd[j] * dgamma[i]; /* sum g xn */
    set_slopes(at, j, b->rows, gamma[i] * dbeta[i], gamma[i] * dot);
    dgamma[i] = at->r[j] * dot + at->d[j] * dbeta[i];
  }
  p->k->combine(b->rows, n, at->s + first, at->shift + first, at->slope + first, z, ld, d, ld);
  for (size_t i = 0; i < n; i += SAC_LANES) { /* a sum a register: the same for any block */
    double square = adam_on_norm(p, b, norm->offset + first + i, SAC_LANES, dgamma + i);
    square += adam_on_norm(p, b, norm->offset + N + first + i, SAC_LANES, dbeta + i);
    b->net->norm_square[l * b->net->norm_blocks + (first + i) / SAC_LANES] = square;
  }
  sac_norm_refresh_columns(p->k, b->net, norm, first, n);
}

/* What hidden layer l does with its gradient behind the norm, in d. */
static void back_from_hidden(const pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                             size_t n) {
  if (b->net->layer[l].after.width)
    step_after(p, b, l, first, n);
  else
    p->k->sum_columns(b->rows, n, NULL, b->trace->d[l] + first, b->trace->ld[l],
                      b->trace->db[l] + first);
}

/* Columns [first, first + n) of layer l's input, l > 0: the gradient through product l, the norm
 * before it, the ReLU and the norm before that. */
static void backward_block(const pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                           size_t n) {
  const sac_layer *layer = &b->net->layer[l];
  const sac_norm_pass *at = &b->trace->before[l];
  const int normed = folded(layer) != NULL, top = sac_blocks_top(b->net, l);
  const int sum = sac_blocks_reads_sum(b->net, l);
  const size_t ld = top ? b->trace->row_before[l].ld : b->trace->ld[l - 1];
  float *d = (top ? b->trace->row_before[l].g : b->trace->d[l - 1]) + first;
  size_t lda;
  const float *A = gradient_of(b, l, &lda);
  p->k->gemm(&(sac_gemm){.M = b->rows,
                         .N = n,
                         .K = layer->out,
                         .A = A,
                         .a_row = lda,
                         .a_col = 1,
                         .B = (layer->ld == 1 ? b->trace->head : layer->Wt) + first,
                         .ldb = layer->ldt,
                         .C = d,
                         .ldc = ld,
                         .mask = sum ? NULL : b->trace->h[l - 1] + first,
                         .ldm = ld,
                         .scale = normed ? at->s + first : NULL,
                         .shift = normed ? at->shift + first : NULL,
                         .slope = normed ? at->slope + first : NULL});
  if (top) return; /* the rows' norm comes first */
  if (sum) sac_blocks_back(b->net, l - 1, b->trace, b->rows, 0, NULL, first, n, NULL, 1);
  back_from_hidden(p, b, l - 1, first, n);
}

/* From behind the rows' norm that the last product l reads to the hidden layer before. */
static void backward_sum(const pass *p, const sac_mlp_batch *b, size_t l, size_t first, size_t n) {
  if (!sac_blocks_top(b->net, l)) return;
  sac_blocks_back(b->net, l - 1, b->trace, b->rows, 0, NULL, first, n, NULL, 0);
  back_from_hidden(p, b, l - 1, first, n);
}

/* All of the way back through the rows' norms that layer l reads; g is there. */
static void back_through_rows(const pass *p, sac_pool *pool, size_t l) {
  for (size_t i = 0; i < p->n; i++) {
    const sac_mlp_batch *b = &p->batch[i];
    size_t first, last;
    sac_share(b->rows, p->t, p->T, &first, &last);
    if (l < b->net->layers && sac_blocks_top(b->net, l))
      sac_blocks_normalise_back(p->k, b->net, b->trace, last - first, first, NULL);
  }
  sac_pool_barrier(pool);
  by_columns(p, l, 1, SAC_TRAIN_COLUMNS, backward_sum);
  for (size_t i = 0; i < p->n; i++) {
    const sac_mlp_batch *b = &p->batch[i];
    for (size_t u = 0; u < b->net->units; u++)
      if (b->net->unit[u].part != SAC_UNIT_WEIGHTS && i % p->T == p->t)
        b->net->unit_square[u] = sac_mlp_step_norm(p->k, b->net, &b->net->unit[u], b->rows,
                                                   b->trace, b->adam, b->tau, p->scratch);
  }
  sac_pool_barrier(pool);
}

/* What passes read that the step of layer l has changed. */
static void refresh(const pass *p, size_t l) {
  by_units(p, l, 1);
  if (p->work->evaluate) by_columns(p, l, 0, SAC_TRAIN_COLUMNS, p->work->evaluate);
}

void sac_mlp_train_step(const sac_kernels *k, sac_pool *pool, size_t n, const sac_mlp_batch batch[],
                        size_t t, size_t T, float *scratch) {
  const pass p = begin_pass(k, n, batch, t, T, scratch);
  for (size_t i = t; i < n; i += T) begin_step(&p, &batch[i]);
  sac_pool_barrier(pool);
  const size_t layers = most_layers(&p);
  for (size_t l = layers; l-- > 0;) {
    by_units(&p, l, 0);
    if (l + 1 < layers) refresh(&p, l + 1);
    sac_pool_barrier(pool);
    if (l > 0) {
      by_columns(&p, l, 1, SAC_TRAIN_COLUMNS, p.work->backward);
      sac_pool_barrier(pool);
      if (any_top(&p, l)) back_through_rows(&p, pool, l);
    }
  }
  refresh(&p, 0);
  sac_pool_barrier(pool);
}

const sac_train_work sac_train_fp32 = {
    .input = input_block,
    .forward = forward_block,
    .backward = backward_block,
    .outputs = output_rows,
    .begin = begin_outputs,
    .gradient = weight_gradient,
    .turn = turn_rows,
};
