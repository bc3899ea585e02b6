/* Networks with norms of rows, dropout or sums of layers, a row at a time. Layer l > 0 reads what
 * lies in h[l - 1], through its own norm if it has one before it:
 *   u = norm(h[l-1]),  z = u W + b,  z = z keep,  a = relu(norm(z)),  h[l] = a + h[skip]  */
#include "nn/mlp_rows.h"

#include "nn/norm.h"
#include "nn/product.h"
#include "sac/random.h"

#include <math.h>
#include <string.h>

static int centered(const sac_norm *norm) {
  return norm->kind == SAC_NORM_LAYER;
}

static int is_hidden(const sac_mlp *net, size_t l) {
  return l + 1 < net->layers;
}

/* --- forward --------------------------------------------------------------------------------- */

/* One row's factors: units are dropped with probability p, one by one, but drawn as the gaps
 * between them, P(gap = i) = p (1 - p)^i: as many draws as units that go. */
static void draw_keep(const sac_mlp *net, const sac_trace *trace, size_t b) {
  const double p = (double)net->dropout, log_stay = log1p(-p);
  const float kept = (float)(1.0 / (1.0 - p));
  sac_stream s = sac_stream_make(trace->thin_seed, SAC_STREAM_DROPOUT, trace->thin_index + b);
  for (size_t l = 0; is_hidden(net, l); l++) {
    const size_t width = net->layer[l].out;
    float *keep = trace->keep[l] + b * trace->ld[l];
    for (size_t i = 0; i < width; i++) keep[i] = kept;
    double next = floor(log(sac_stream_uniform(&s)) / log_stay);
    for (; next < (double)width; next += 1.0 + floor(log(sac_stream_uniform(&s)) / log_stay))
      keep[(size_t)next] = 0.0f;
  }
}

/* Row i of x (rows, N) times row row[i] (or i) of the factors. */
static void thin(const sac_trace *trace, size_t l, size_t rows, const size_t row[], size_t N,
                 const float *keep, float *x) {
  const size_t ld = trace->ld[l];
  for (size_t i = 0; trace->thin && i < rows; i++)
    for (size_t c = 0; c < N; c++) x[i * ld + c] *= keep[(row ? row[i] : i) * ld + c];
}

static void normalise(const sac_kernels *k, const sac_mlp *net, const float *w,
                      const sac_norm *norm, const sac_row_pass *at, size_t first, size_t rows,
                      int relu, const float *x, size_t ldx, float *y, size_t ldy) {
  k->row_norm(&(sac_row_norm){.M = rows,
                              .width = norm->width,
                              .eps = (float)net->norm.eps,
                              .center = centered(norm),
                              .relu = relu,
                              .gamma = sac_norm_gamma(norm, w),
                              .beta = centered(norm) ? sac_norm_beta(norm, w) : NULL,
                              .X = x,
                              .ldx = ldx,
                              .xn = at->xn + first * at->ld,
                              .ldn = at->ld,
                              .rstd = at->rstd + first,
                              .Y = y,
                              .ldy = ldy});
}

/* h[l] from the product in `z`, which is h[l] itself if there is no norm. */
static void activate(const sac_kernels *k, const sac_mlp *net, const float *w, size_t l,
                     size_t first, size_t rows, const sac_trace *trace, float *z) {
  const sac_layer *layer = &net->layer[l];
  const size_t ld = trace->ld[l];
  float *h = trace->h[l] + first * ld;
  if (trace->thin) thin(trace, l, rows, NULL, layer->ld, trace->keep[l] + first * ld, z);
  if (layer->after.width)
    normalise(k, net, w, &layer->after, &trace->row_after[l], first, rows, layer->relu, z, ld, h,
              ld);
  if (!layer->skip) return;
  const float *from = trace->h[layer->skip - 1] + first * ld;
  for (size_t i = 0; i < rows; i++)
    for (size_t c = 0; c < layer->ld; c++) h[i * ld + c] += from[i * ld + c];
}

void sac_mlp_forward_rows(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                          size_t ldx, size_t first, size_t last, sac_trace *trace, float *y,
                          size_t ldy) {
  const size_t rows = last - first;
  const float *in = x + first * ldx;
  size_t ld_in = ldx;
  if (trace->thin)
    for (size_t b = first; b < last; b++) draw_keep(net, trace, b);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    if (layer->before.width) {
      const sac_row_pass *at = &trace->row_before[l];
      float *u = at->u + first * at->ld;
      if (l == 0) {
        sac_mlp_pad_rows(rows, net->in, in, ld_in, u, at->ld);
        in = u, ld_in = at->ld;
      }
      normalise(k, net, w, &layer->before, at, first, rows, 0, in, ld_in, u, at->ld);
      in = u, ld_in = at->ld;
    }
    if (layer->ld == 1) {
      k->dot_rows(rows, layer->in, in, ld_in, w + layer->offset, *sac_layer_bias(layer, w),
                  y + first);
      return;
    }
    const int hidden = is_hidden(net, l), after = layer->after.width > 0;
    const size_t ldc = hidden ? trace->ld[l] : ldy;
    float *C = (!hidden ? y : after ? trace->row_after[l].xn : trace->h[l]) + first * ldc;
    sac_gemm g = sac_product(layer, w, rows, in, ld_in, C, ldc);
    g.relu = hidden && layer->relu && !after;
    k->gemm(&g);
    if (!hidden) return;
    activate(k, net, w, l, first, rows, trace, C);
    in = trace->h[l] + first * ldc;
    ld_in = ldc;
  }
}

/* --- backward -------------------------------------------------------------------------------- */

/* The gradient behind a norm, at->g, to the one before it. */
static void back_through_norm(const sac_kernels *k, const sac_mlp *net, const sac_norm *norm,
                              const sac_row_pass *at, const sac_rows *r, const float *mask,
                              size_t ldm, float *dx, size_t ldx) {
  k->row_norm_back(&(sac_row_norm_back){.M = r->n,
                                        .width = norm->width,
                                        .center = centered(norm),
                                        .gamma = sac_norm_gamma(norm, net->w),
                                        .xn = sac_rows_of_batch(r, at->xn, at->ld),
                                        .ldn = at->ld,
                                        .rstd = sac_rows_of_batch(r, at->rstd, 1),
                                        .mask = mask,
                                        .ldm = ldm,
                                        .row = r->row,
                                        .dy = at->g + r->to * at->ld,
                                        .ldy = at->ld,
                                        .dx = dx,
                                        .ldx = ldx});
}

/* Through product l: C = A W^T, zero where `mask` of the batch's row is not > 0, if it is given. */
static void back_through_product(const sac_kernels *k, const sac_mlp *net, size_t l,
                                 const sac_rows *r, const float *A, size_t lda, const float *mask,
                                 float *C, size_t ldc) {
  sac_gemm g = sac_product_back(net, l, r->n, A, lda, C, ldc);
  g.mask = mask, g.ldm = ldc, g.mask_row = r->row;
  k->gemm(&g);
}

/* The gradient in what hidden layer l adds to its skip: behind its norm, if it has one. */
static float *behind(const sac_mlp *net, const sac_trace *trace, size_t l, const sac_rows *r) {
  float *e = net->layer[l].after.width ? trace->row_after[l].g : trace->d[l];
  return e + r->to * trace->ld[l];
}

/* Add what comes to h[l] over the sums of later layers; then, with a ReLU, close what is closed. */
static void add_skips(const sac_mlp *net, size_t l, const sac_rows *r, const sac_trace *trace,
                      float *e) {
  const size_t ld = trace->ld[l], N = net->layer[l].ld;
  for (size_t from = l + 1; is_hidden(net, from); from++) {
    if (net->layer[from].skip != l + 1) continue;
    const float *more = behind(net, trace, from, r);
    for (size_t i = 0; i < r->n; i++)
      for (size_t c = 0; c < N; c++) e[i * ld + c] += more[i * ld + c];
  }
  const float *h = sac_rows_of_batch(r, trace->h[l], ld);
  for (size_t i = 0; net->layer[l].relu && i < r->n; i++)
    for (size_t c = 0; c < N; c++)
      if (!(h[(r->row ? r->row[i] : i) * ld + c] > 0.0f)) e[i * ld + c] = 0.0f;
}

static int feeds_a_skip(const sac_mlp *net, size_t l) {
  for (size_t from = l + 1; is_hidden(net, from); from++)
    if (net->layer[from].skip == l + 1) return 1;
  return 0;
}

/* From the gradient at layer l + 1 (A, lda) to d[l]. */
static void back_to_hidden(const sac_kernels *k, const sac_mlp *net, size_t l, const sac_rows *r,
                           const float *A, size_t lda, const sac_trace *trace) {
  const sac_layer *layer = &net->layer[l], *next = layer + 1;
  const size_t ld = trace->ld[l];
  const int sum = feeds_a_skip(net, l);
  const float *mask = layer->relu && !sum ? sac_rows_of_batch(r, trace->h[l], ld) : NULL;
  float *e = behind(net, trace, l, r);
  if (next->before.width) {
    const sac_row_pass *at = &trace->row_before[l + 1];
    back_through_product(k, net, l + 1, r, A, lda, NULL, at->g + r->to * at->ld, at->ld);
    back_through_norm(k, net, &next->before, at, r, mask, ld, e, ld);
  } else {
    back_through_product(k, net, l + 1, r, A, lda, mask, e, ld);
  }
  if (sum) add_skips(net, l, r, trace, e);
  float *d = trace->d[l] + r->to * ld;
  if (layer->after.width)
    back_through_norm(k, net, &layer->after, &trace->row_after[l], r, NULL, 0, d, ld);
  if (trace->thin)
    thin(trace, l, r->n, r->row, layer->ld, sac_rows_of_batch(r, trace->keep[l], ld), d);
}

/* To d of every hidden layer; `dy` is of the first of the rows. */
static void back(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                 const sac_rows *r, const sac_trace *trace) {
  const size_t top = net->layers - 1;
  for (size_t l = top; l-- > 0;) {
    const float *d = l + 1 < top ? trace->d[l + 1] + r->to * trace->ld[l + 1] : dy;
    back_to_hidden(k, net, l, r, d, l + 1 < top ? trace->ld[l + 1] : ldy, trace);
  }
}

/* The gradient behind the norm of the network's input. */
static void back_to_input(const sac_kernels *k, const sac_mlp *net, const sac_rows *r,
                          const sac_trace *trace) {
  const sac_row_pass *at = &trace->row_before[0];
  back_through_product(k, net, 0, r, trace->d[0] + r->to * trace->ld[0], trace->ld[0], NULL,
                       at->g + r->to * at->ld, at->ld);
}

void sac_mlp_backward_rows(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                           size_t first, size_t last, sac_trace *trace) {
  const sac_rows r = {last - first, first, NULL};
  back(k, net, dy + first * ldy, ldy, &r, trace);
  if (net->layer[0].before.width) back_to_input(k, net, &r, trace);
}

void sac_mlp_input_gradient_rows(const sac_kernels *k, const sac_mlp *net, size_t n,
                                 const size_t row[], const float *dy, size_t ldy, size_t first,
                                 sac_trace *trace, size_t column, size_t columns, float *dx,
                                 size_t ldx) {
  const sac_rows r = {n, first, row};
  const sac_layer *layer = &net->layer[0];
  back(k, net, dy, ldy, &r, trace);
  if (!layer->before.width) {
    const sac_gemm g = sac_product_to_input(net, n, trace->d[0] + first * trace->ld[0],
                                            trace->ld[0], column, columns, dx, ldx);
    k->gemm(&g);
    return;
  }
  const sac_row_pass *at = &trace->row_before[0];
  float *du = at->g + first * at->ld;
  back_to_input(k, net, &r, trace);
  back_through_norm(k, net, &layer->before, at, &r, NULL, 0, du, at->ld);
  for (size_t i = 0; i < n; i++)
    memcpy(dx + i * ldx, du + i * at->ld + column, columns * sizeof *dx);
}

/* dL/dgamma = sum_b g xn, dL/dbeta = sum_b g; beyond the width g may hold anything */
double sac_mlp_step_norm(const sac_kernels *k, sac_mlp *net, const sac_unit *unit, size_t B,
                         const sac_trace *trace, const sac_adam_step *adam, float tau,
                         float *scratch) {
  const sac_layer *layer = &net->layer[unit->layer];
  const int before = unit->part == SAC_UNIT_BEFORE;
  const sac_norm *norm = before ? &layer->before : &layer->after;
  const sac_row_pass *at = &(before ? trace->row_before : trace->row_after)[unit->layer];
  const size_t N = sac_padded(norm->width);
  float *dbeta = scratch, *dgamma = scratch + N;
  k->sum_products(B, N, NULL, at->g, at->ld, at->xn, at->ld, dbeta, dgamma);
  double square = sac_mlp_step_bias(k, net, norm->offset, norm->width, adam, dgamma, tau);
  if (centered(norm))
    square += sac_mlp_step_bias(k, net, norm->offset + N, norm->width, adam, dbeta, tau);
  return square;
}
