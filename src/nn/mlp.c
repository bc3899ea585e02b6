#include "nn/mlp.h"

#include "nn/body.h"
#include "nn/mlp_bf16.h"
#include "nn/mlp_blocks.h"
#include "nn/mlp_rows.h"
#include "nn/mlp_sphere.h"
#include "nn/norm.h"
#include "nn/product.h"

#include <math.h>
#include <string.h>

enum { UNIT_ROWS = 32 }; /* a unit's gradient, 32 x 256 floats, stays in the first-level cache */

static size_t unit_count(size_t in) {
  return (in + UNIT_ROWS - 1) / UNIT_ROWS;
}

void sac_mlp_layout(sac_arena *arena, sac_mlp *net, const sac_mlp_spec *spec) {
  *net = (sac_mlp){.in = spec->in,
                   .out = spec->out,
                   .bf16 = spec->bf16,
                   .norm = spec->norm,
                   .dropout = (float)spec->dropout};
  sac_body_layers(net, spec->body, spec->hidden, spec->parts);
  for (size_t l = 0; l < net->layers; l++) {
    sac_layer *layer = &net->layer[l];
    layer->ld = layer->out == 1 && l + 1 == net->layers ? 1 : sac_padded(layer->out);
    layer->offset = net->count;
    layer->ldt = sac_row(layer->in);
    if (spec->trained && !spec->bf16 && layer->ld > 1)
      layer->Wt = SAC_TAKE(arena, float, layer->ld * layer->ldt);
    net->count += sac_padded((layer->in + 1) * layer->ld);
    sac_norm_place(net, l);
    sac_gain_place(net, l);
    net->units += layer->ld == 1 ? 1 : unit_count(layer->in);
    const size_t rows = layer->in < UNIT_ROWS ? layer->in : UNIT_ROWS;
    const size_t need = layer->ld == 1 ? sac_padded(layer->in) : rows * layer->ld;
    if (need > net->scratch) net->scratch = need;
    const size_t train = sac_mlp_train_scratch(layer, rows);
    if (sac_norm_is_batch(&net->norm) && train > net->scratch) net->scratch = train;
    net->units += sac_norm_units(layer) + (layer->gain.width > 0);
    const size_t columns = 2 * (sac_padded(layer->in) + layer->ld); /* for a norm's unit */
    const int vectors = sac_norm_units(layer) || layer->gain.width;
    if (vectors && columns > net->scratch) net->scratch = columns;
  }
  net->w = SAC_TAKE(arena, float, net->count);
  net->target = spec->with_target ? SAC_TAKE(arena, float, net->count) : NULL;
  sac_norm_layout(arena, net, spec->with_target);
  if (!spec->trained) return;
  net->m = SAC_TAKE(arena, float, net->count);
  net->v = SAC_TAKE(arena, float, net->count);
  net->unit_square = SAC_TAKE(arena, double, net->units);
  net->unit = SAC_TAKE(arena, sac_unit, net->units);
  if (spec->bf16) sac_mlp_layout_bf16(arena, net, spec->with_target);
  if (!net->unit) return; /* measuring */
  for (size_t l = 0, u = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const size_t rows = layer->ld == 1 ? layer->in : UNIT_ROWS;
    for (size_t first = 0; first < layer->in; first += rows)
      net->unit[u++] = (sac_unit){
          .layer = l, .first = first, .rows = rows < layer->in - first ? rows : layer->in - first};
    if (sac_norm_has_unit(&layer->before))
      net->unit[u++] = (sac_unit){.layer = l, .part = SAC_UNIT_BEFORE};
    if (sac_norm_has_unit(&layer->after))
      net->unit[u++] = (sac_unit){.layer = l, .part = SAC_UNIT_AFTER};
    if (layer->gain.width) net->unit[u++] = (sac_unit){.layer = l, .part = SAC_UNIT_GAIN};
  }
}

void sac_trace_layout(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  *trace = (sac_trace){0};
  for (size_t l = 0; l + 1 < net->layers; l++) {
    trace->ld[l] = sac_row(net->layer[l].out);
    trace->h[l] = SAC_TAKE(arena, float, B * trace->ld[l]);
    trace->d[l] = SAC_TAKE(arena, float, B * trace->ld[l]);
  }
  if (net->shift > 0.0f)
    sac_sphere_layout_trace(arena, trace, net, B);
  else
    sac_norm_layout_trace(arena, trace, net, B);
}

void sac_trace_layout_training(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  if (net->bf16)
    sac_trace_layout_bf16(arena, trace, net, B);
  else
    sac_trace_layout(arena, trace, net, B);
}

void sac_mlp_refresh(const sac_kernels *k, sac_mlp *net) {
  sac_norm_refresh(k, net);
  if (net->bf16) sac_mlp_refresh_bf16(net);
  for (size_t l = 0; l < net->layers; l++) sac_mlp_refresh_rows(k, net, l, 0, net->layer[l].in);
}

/* --- evaluation mode of a norm of a batch kind: an affine map of each column --------------------
 */

/* Hidden layer l's norm, or the one before the next product: h is then what that product reads. */
static void evaluate_forward(const sac_mlp *net, size_t l, sac_gemm *g) {
  const sac_norm *after = &net->layer[l].after, *next = &net->layer[l + 1].before;
  const sac_norm *norm = after->width ? after : next;
  g->scale = norm->scale;
  g->shift = norm->shift;
  g->late = !after->width;
}

/* The gradient at hidden layer l's product, from that in what forward left in h: a ReLU was open
 * where h is not what the norm makes of 0. */
static void evaluate_gradient(const sac_mlp *net, size_t l, sac_gemm *g) {
  const sac_norm *after = &net->layer[l].after, *next = &net->layer[l + 1].before;
  g->scale = after->width ? after->scale : next->scale;
  g->mask_at = after->width ? NULL : next->shift;
}

void sac_mlp_forward(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                     size_t ldx, size_t first, size_t last, sac_trace *trace, float *y,
                     size_t ldy) {
  if (trace->bf16) {
    sac_mlp_forward_bf16(k, net, w, x, ldx, first, last, trace, y, ldy);
    return;
  }
  if (net->shift > 0.0f) {
    sac_mlp_forward_sphere(k, net, w, x, ldx, first, last, trace, y, ldy);
    return;
  }
  if (sac_mlp_by_rows(net)) {
    sac_mlp_forward_rows(k, net, w, x, ldx, first, last, trace, y, ldy);
    return;
  }
  const size_t rows = last - first;
  const float *in = x + first * ldx;
  size_t ld_in = ldx;
  if (net->layer[0].before.width) {
    in = sac_norm_input(k, net, x, ldx, first, rows, trace);
    ld_in = trace->ld_xn;
  }
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const int hidden = l + 1 < net->layers;
    if (sac_blocks_top(net, l)) in = sac_blocks_normalise(k, net, w, trace, first, rows, &ld_in);
    if (layer->ld == 1) {
      k->dot_rows(rows, layer->in, in, ld_in, w + layer->offset, *sac_layer_bias(layer, w),
                  y + first);
      return;
    }
    const size_t ldc = hidden ? trace->ld[l] : ldy;
    float *C = (!hidden ? y : layer->skip ? trace->added[l] : trace->h[l]) + first * ldc;
    sac_gemm g = sac_product(layer, w, rows, in, ld_in, C, ldc);
    g.relu = layer->relu;
    if (hidden) evaluate_forward(net, l, &g);
    k->gemm(&g);
    if (layer->skip) sac_blocks_add(net, l, trace, first, rows, 0, layer->ld);
    in = hidden ? trace->h[l] + first * ldc : NULL;
    ld_in = ldc;
  }
}

void sac_mlp_backward(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                      size_t first, size_t last, sac_trace *trace) {
  if (trace->bf16) {
    sac_mlp_backward_bf16(net, dy, ldy, first, last, trace);
    return;
  }
  if (net->shift > 0.0f) {
    sac_mlp_backward_sphere(k, net, dy, ldy, first, last, trace);
    return;
  }
  if (sac_mlp_by_rows(net)) {
    sac_mlp_backward_rows(k, net, dy, ldy, first, last, trace);
    return;
  }
  const size_t rows = last - first;
  for (size_t l = net->layers - 1; l > 0; l--) {
    const sac_layer *layer = &net->layer[l];
    const int head = l + 1 == net->layers;
    const size_t ld = trace->ld[l - 1];
    const float *h = trace->h[l - 1] + first * ld;
    float *d = trace->d[l - 1] + first * ld;
    if (layer->ld == 1) {
      k->outer_masked(rows, net->layer[l - 1].ld, dy + first, net->w + layer->offset, h, ld, d, ld);
      continue;
    }
    const size_t lda = head ? ldy : trace->ld[l];
    sac_gemm g =
        sac_product_back(net, l, rows, (head ? dy : trace->d[l]) + first * lda, lda, d, ld);
    g.mask = h, g.ldm = ld;
    k->gemm(&g);
  }
}

/* Through product l, which `g` is without what lies before it, and what adds to the sum it reads.
 */
static void back_to_sum(const sac_kernels *k, const sac_mlp *net, size_t l, size_t n,
                        const size_t row[], size_t first, const sac_trace *trace, sac_gemm *g) {
  const int top = sac_blocks_top(net, l);
  g->mask = NULL;
  if (top) {
    g->ldc = trace->row_before[l].ld;
    g->C = trace->row_before[l].g + first * g->ldc;
  }
  k->gemm(g);
  if (top) sac_blocks_normalise_back(k, net, trace, n, first, row);
  sac_blocks_back(net, l - 1, trace, n, first, row, 0, net->layer[l - 1].ld,
                  net->layer[l - 1].after.scale, !top);
}

void sac_mlp_input_gradient(const sac_kernels *k, const sac_mlp *net, size_t n, const size_t row[],
                            const float *dy, size_t ldy, size_t first, sac_trace *trace,
                            size_t column, size_t columns, float *dx, size_t ldx) {
  if (trace->bf16) {
    sac_mlp_input_gradient_bf16(net, n, row, dy, ldy, first, trace, column, columns, dx, ldx);
    return;
  }
  if (net->shift > 0.0f) {
    sac_mlp_input_gradient_sphere(k, net, n, row, dy, ldy, first, trace, column, columns, dx, ldx);
    return;
  }
  if (sac_mlp_by_rows(net)) {
    sac_mlp_input_gradient_rows(k, net, n, row, dy, ldy, first, trace, column, columns, dx, ldx);
    return;
  }
  const size_t top = net->layers - 1;
  for (size_t l = top; l > 0; l--) { /* through product l and the ReLU before it */
    const size_t ld = trace->ld[l - 1], lda = l == top ? ldy : trace->ld[l];
    const float *A = l == top ? dy : trace->d[l] + first * lda;
    sac_gemm g = sac_product_back(net, l, n, A, lda, trace->d[l - 1] + first * ld, ld);
    g.mask = trace->h[l - 1], g.ldm = ld, g.mask_row = row;
    if (sac_blocks_reads_sum(net, l)) {
      back_to_sum(k, net, l, n, row, first, trace, &g);
      continue;
    }
    evaluate_gradient(net, l - 1, &g);
    k->gemm(&g);
  }
  const sac_norm *input = &net->layer[0].before;
  sac_gemm g = sac_product_to_input(net, n, trace->d[0] + first * trace->ld[0], trace->ld[0],
                                    column, columns, dx, ldx);
  g.scale = input->width ? input->scale + column : NULL;
  k->gemm(&g);
}

/* A norm's unit counts too: each unit has an owner. */
static size_t unit_weights(const sac_mlp *net, size_t u) {
  const sac_layer *layer = &net->layer[net->unit[u].layer];
  if (net->unit[u].part == SAC_UNIT_WEIGHTS) return net->unit[u].rows * layer->ld;
  return 4 * (layer->before.width + layer->after.width + layer->gain.width);
}

/* A unit is the thread's in whose part of all weights its middle lies. */
void sac_mlp_share(const sac_mlp *net, size_t networks, size_t t, size_t T, size_t *first,
                   size_t *last) {
  size_t one = 0, i = 0, twice = 0; /* weights of a network; unit i; twice those before it */
  for (size_t u = 0; u < net->units; u++) one += unit_weights(net, u);
  const size_t all = 2 * one * networks;
  *first = *last = 0;
  for (; i < networks * net->units; i++) {
    const size_t weights = unit_weights(net, i % net->units);
    const size_t owner = (twice + weights) * T / all;
    if (owner < t) *first = i + 1;
    if (owner <= t) *last = i + 1;
    twice += 2 * weights;
  }
}

/* A unit's gradient is zero where an input of one part meets an output of another. */
static void keep_parts_apart(const sac_unit *unit, const sac_layer *layer, float *g) {
  const size_t in = layer->in / layer->parts, out = layer->out / layer->parts;
  for (size_t i = 0; i < unit->rows; i++)
    for (size_t o = 0; o < layer->out; o++)
      if ((unit->first + i) / in != o / out) g[i * layer->ld + o] = 0.0f;
}

void sac_mlp_step(const sac_kernels *k, sac_mlp *net, size_t u, size_t B, const float *x,
                  size_t ldx, const sac_trace *trace, const float *dy, size_t ldy,
                  const sac_adam_step *adam, float tau, float *scratch) {
  if (trace->bf16) {
    sac_mlp_step_bf16(k, net, u, B, trace, dy, adam, tau, scratch);
    return;
  }
  const sac_unit *unit = &net->unit[u];
  const sac_layer *layer = &net->layer[unit->layer];
  if (unit->part == SAC_UNIT_GAIN) {
    net->unit_square[u] = sac_mlp_step_gain(k, net, unit, B, trace, adam, tau, scratch);
    return;
  }
  if (unit->part != SAC_UNIT_WEIGHTS) {
    net->unit_square[u] = sac_mlp_step_norm(k, net, unit, B, trace, adam, tau, scratch);
    return;
  }
  const int head = unit->layer + 1 == net->layers;
  const sac_row_pass *normed = layer->before.width ? &trace->row_before[unit->layer] : NULL;
  const float *input = trace->xn ? trace->xn : x;
  const size_t ld_input = trace->xn ? trace->ld_xn : ldx;
  const float *in = normed ? normed->u : unit->layer ? trace->h[unit->layer - 1] : input;
  const size_t ld_in = normed ? normed->ld : unit->layer ? trace->ld[unit->layer - 1] : ld_input;
  const float *d = head ? dy : trace->d[unit->layer];
  const size_t ld_d = head ? ldy : trace->ld[unit->layer];
  double square = 0.0;

  if (layer->ld == 1) { /* a critic's head: dL/dw = sum_b dy_b h_b, dL/db = sum_b dy_b */
    k->sum_columns(B, sac_padded(layer->in), dy, in, ld_in, scratch);
    square = sac_mlp_step_span(k, net, layer->offset, layer->in, adam, scratch, tau);
    double sum = 0.0;
    for (size_t b = 0; b < B; b++) sum += (double)dy[b];
    const float db = (float)sum;
    net->unit_square[u] = square + sac_mlp_step_layer_bias(k, net, unit->layer, adam, &db, tau);
    return;
  }
  if (unit->first == 0 && !layer->biasless) { /* dL/db = sum_b d_b */
    k->sum_columns(B, layer->ld, NULL, d, ld_d, scratch);
    square += sac_mlp_step_layer_bias(k, net, unit->layer, adam, scratch, tau);
  }
  /* dL/dW = in^T d, some rows of it */
  k->gemm(&(sac_gemm){.M = unit->rows,
                      .N = layer->ld,
                      .K = B,
                      .A = in + unit->first,
                      .a_row = 1,
                      .a_col = ld_in,
                      .B = d,
                      .ldb = ld_d,
                      .C = scratch,
                      .ldc = layer->ld});
  if (layer->apart) keep_parts_apart(unit, layer, scratch);
  square += sac_mlp_step_span(k, net, layer->offset + unit->first * layer->ld,
                              unit->rows * layer->ld, adam, scratch, tau);
  sac_mlp_refresh_rows(k, net, unit->layer, unit->first, unit->rows);
  net->unit_square[u] = square;
}

double sac_mlp_grad_square(const sac_mlp *net) {
  double sum = 0.0;
  for (size_t u = 0; u < net->units; u++) sum += net->unit_square[u];
  for (size_t i = 0; i < net->layers * net->norm_blocks; i++) sum += net->norm_square[i];
  return sum;
}

size_t sac_trace_bad_row(const sac_mlp *net, const sac_trace *trace, size_t B) {
  if (trace->bf16) return sac_trace_bad_row_bf16(net, trace, B);
  for (size_t b = 0; b < B; b++)
    for (size_t l = 0; l + 1 < net->layers; l++)
      for (size_t i = 0; i < net->layer[l].out; i++)
        if (!isfinite(trace->d[l][b * trace->ld[l] + i])) return b;
  return B;
}
