/* Passes with bf16 products. A product leaves its result in the forms that the next ones read, and
 * the optimiser leaves the weights in theirs; nothing is converted on its own but the batch's input
 * and the loss gradient of several outputs. Weights, moments, targets, gradients of weights and all
 * sums are floats; so is the layer that reads the input, whose numbers may need their digits.
 *
 * A norm of a batch before a product is in evaluation mode part of its weights: h W' + b' with
 * W' = diag(scale) W and b' = b + shift W. So h is what the ReLU has left, in either mode. */
#include "nn/mlp_bf16.h"

#include "nn/norm.h"

#include <string.h>

static size_t halved(size_t n) {
  return (n + 1) / 2;
}

static int is_vector(const sac_layer *layer) {
  return layer->ld == 1;
}

void sac_mlp_layout_bf16(sac_arena *arena, sac_mlp *net, int with_target) {
  for (size_t l = 0; l < net->layers; l++) {
    sac_layer *layer = &net->layer[l];
    const int folded = l > 0 && layer->before.width > 0;
    if (folded) layer->folded = SAC_TAKE(arena, float, sac_padded(layer->in) + layer->ld);
    if (is_vector(layer)) continue;
    layer->ld_down = sac_row(layer->out);
    layer->turned = SAC_TAKE(arena, uint32_t, layer->ld / 2 * layer->ldt);
    if (l == 0) continue;
    layer->down = SAC_TAKE(arena, uint32_t, halved(layer->in) * layer->ld_down);
    if (with_target && !folded)
      layer->target_down = SAC_TAKE(arena, uint32_t, halved(layer->in) * layer->ld_down);
  }
}

void sac_trace_layout_bf16(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  *trace = (sac_trace){.bf16 = net->bf16, .keep_down = 1, .ld_x = sac_row(net->in)};
  const size_t pairs = halved(B);
  for (size_t l = 0; l + 1 < net->layers; l++) {
    const size_t width = net->layer[l].out;
    trace->ld_across[l] = sac_padded(width) / 2 + SAC_LANES;
    trace->ld_down[l] = sac_row(width);
    trace->h_across[l] = SAC_TAKE(arena, uint32_t, B * trace->ld_across[l]);
    trace->d_across[l] = SAC_TAKE(arena, uint32_t, B * trace->ld_across[l]);
    trace->h_down[l] = SAC_TAKE(arena, uint32_t, pairs * trace->ld_down[l]);
    trace->d_down[l] = SAC_TAKE(arena, uint32_t, pairs * trace->ld_down[l]);
  }
  trace->x_down = SAC_TAKE(arena, uint32_t, pairs * trace->ld_x);
  sac_norm_layout_trace(arena, trace, net, B);
  if (net->out == 1) return;
  trace->ld_dy_across = sac_padded(net->out) / 2 + SAC_LANES;
  trace->ld_dy_down = sac_row(net->out);
  trace->dy_across = SAC_TAKE(arena, uint32_t, B * trace->ld_dy_across);
  trace->dy_down = SAC_TAKE(arena, uint32_t, pairs * trace->ld_dy_down);
}

/* Rows [first, first + rows) of layer l in their bf16 forms; first is even. */
static void pack_rows(const sac_mlp *net, size_t l, size_t first, size_t rows, int target) {
  const sac_layer *layer = &net->layer[l];
  if (is_vector(layer)) return;
  const size_t at = layer->offset + first * layer->ld, to = first / 2 * layer->ld_down;
  const sac_kernels_bf16 *b = net->bf16;
  b->pack_turned(rows, layer->ld, net->w + at, layer->ld, layer->turned + first, layer->ldt);
  if (!layer->down) return;
  b->pack_down(rows, layer->ld, net->w + at, layer->ld, layer->down + to, layer->ld_down);
  if (target && layer->target_down)
    b->pack_down(rows, layer->ld, net->target + at, layer->ld, layer->target_down + to,
                 layer->ld_down);
}

/* w' = scale w and, behind it, b' = b + sum shift w. */
static void fold_vector(const sac_mlp *net, const sac_layer *layer) {
  const size_t in = layer->in, N = sac_padded(in);
  const float *w = net->w + layer->offset;
  double bias = (double)w[in];
  for (size_t i = 0; i < in; i++) {
    layer->folded[i] = layer->before.scale[i] * w[i];
    bias += (double)layer->before.shift[i] * (double)w[i];
  }
  memset(layer->folded + in, 0, (N - in) * sizeof *layer->folded);
  layer->folded[N] = (float)bias;
}

void sac_mlp_fold_bf16(const sac_mlp *net, size_t l, size_t first, size_t n) {
  const sac_layer *layer = &net->layer[l];
  if (!layer->folded || is_vector(layer)) return;
  net->bf16->fold(&(sac_fold_bf16){.M = layer->in,
                                   .N = n,
                                   .s = layer->before.scale,
                                   .t = layer->before.shift,
                                   .mean = layer->before.mean,
                                   .W = net->w + layer->offset + first,
                                   .ldw = layer->ld,
                                   .bias = sac_layer_bias(layer, net->w) + first,
                                   .F = layer->down + first,
                                   .ldf = layer->ld_down,
                                   .y = layer->folded + first});
}

void sac_mlp_turn_bf16(const sac_mlp *net, size_t l, size_t first, size_t rows) {
  const sac_layer *layer = &net->layer[l];
  if (is_vector(layer)) {
    if (layer->folded) fold_vector(net, layer);
    return;
  }
  net->bf16->pack_turned(rows, layer->ld, net->w + layer->offset + first * layer->ld, layer->ld,
                         layer->turned + first, layer->ldt);
}

void sac_mlp_refresh_bf16(sac_mlp *net) {
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    if (!layer->before.width) {
      pack_rows(net, l, 0, layer->in, 1);
      continue;
    }
    sac_mlp_fold_bf16(net, l, 0, layer->ld);
    sac_mlp_turn_bf16(net, l, 0, layer->in);
  }
}

/* Layer l > 0 of rows [first, last): from h_across[l - 1] to the next h, or to y. */
static void forward_layer(const sac_mlp *net, size_t l, const float *w, sac_gemm_bf16 *g,
                          size_t first, const sac_trace *trace) {
  const sac_layer *layer = &net->layer[l];
  g->K = halved(layer->in);
  g->A = trace->h_across[l - 1] + first * trace->ld_across[l - 1];
  g->a_row = trace->ld_across[l - 1];
  g->B = w == net->target ? layer->target_down : layer->down;
  g->ldb = layer->ld_down;
  trace->bf16->gemm_pairs(g);
}

void sac_mlp_forward_bf16(const sac_kernels *k, const sac_mlp *net, const float *w, const float *x,
                          size_t ldx, size_t first, size_t last, sac_trace *trace, float *y,
                          size_t ldy) {
  const size_t rows = last - first;
  const int normed = net->layer[0].before.width > 0, keep_down = trace->keep_down && !normed;
  const float *in = x + first * ldx;
  size_t ld_in = ldx;
  if (normed) in = sac_norm_input(k, net, x, ldx, first, rows, trace), ld_in = trace->ld_xn;
  if (keep_down)
    trace->bf16->pack_down(rows, sac_padded(net->in), x + first * ldx, ldx,
                           trace->x_down + first / 2 * trace->ld_x, trace->ld_x);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const float *W = w + layer->offset, *bias = sac_layer_bias(layer, w);
    if (is_vector(layer)) {
      if (layer->folded) W = layer->folded, bias = W + sac_padded(layer->in);
      trace->bf16->dot_rows(rows, sac_padded(layer->in),
                            trace->h_across[l - 1] + first * trace->ld_across[l - 1],
                            trace->ld_across[l - 1], W, *bias, y + first);
      return;
    }
    sac_gemm_bf16 g = {.M = rows, .N = layer->ld, .a_col = 1, .bias = bias};
    if (layer->folded) g.bias = layer->folded;
    if (l + 1 < net->layers) {
      g.relu = 1;
      g.across = trace->h_across[l] + first * trace->ld_across[l];
      g.ld_across = trace->ld_across[l];
      g.down = keep_down ? trace->h_down[l] + first / 2 * trace->ld_down[l] : NULL;
      g.ld_down = trace->ld_down[l];
    } else {
      g.C = y + first * ldy;
      g.ldc = ldy;
    }
    if (l) {
      forward_layer(net, l, w, &g, first, trace);
      continue;
    }
    g.K = layer->in;
    g.A = in, g.a_row = ld_in;
    g.B = W, g.ldb = layer->ld;
    trace->bf16->gemm_floats(&g);
  }
}

void sac_mlp_backward_bf16(const sac_mlp *net, const float *dy, size_t ldy, size_t first,
                           size_t last, sac_trace *trace) {
  const sac_kernels_bf16 *b = trace->bf16;
  const size_t rows = last - first, top = net->layers - 1;
  if (!is_vector(&net->layer[top])) {
    const size_t N = sac_padded(net->out);
    b->pack_across(rows, N, dy + first * ldy, ldy, trace->dy_across + first * trace->ld_dy_across,
                   trace->ld_dy_across);
    b->pack_down(rows, N, dy + first * ldy, ldy, trace->dy_down + first / 2 * trace->ld_dy_down,
                 trace->ld_dy_down);
  }
  for (size_t l = top; l > 0; l--) {
    const sac_layer *layer = &net->layer[l];
    const size_t N = net->layer[l - 1].ld, ld = trace->ld_across[l - 1];
    const uint32_t *mask = trace->h_across[l - 1] + first * ld;
    uint32_t *across = l > 1 ? trace->d_across[l - 1] + first * ld : NULL;
    uint32_t *down = trace->d_down[l - 1] + first / 2 * trace->ld_down[l - 1];
    if (is_vector(layer)) {
      b->outer_masked(&(sac_outer_bf16){.M = rows,
                                        .N = N,
                                        .g = dy + first,
                                        .w = net->w + layer->offset,
                                        .mask = mask,
                                        .ldm = ld,
                                        .across = across,
                                        .down = down,
                                        .ld_across = ld,
                                        .ld_down = trace->ld_down[l - 1]});
      continue;
    }
    const size_t lda = l == top ? trace->ld_dy_across : trace->ld_across[l];
    b->gemm_pairs(
        &(sac_gemm_bf16){.M = rows,
                         .N = N,
                         .K = halved(layer->out),
                         .A = (l == top ? trace->dy_across : trace->d_across[l]) + first * lda,
                         .a_row = lda,
                         .a_col = 1,
                         .B = layer->turned,
                         .ldb = layer->ldt,
                         .across = across,
                         .down = down,
                         .ld_across = ld,
                         .ld_down = trace->ld_down[l - 1],
                         .mask = mask,
                         .ldm = ld});
  }
}

/* From dy (n, ldy), or ones, back to what lies before the last ReLU of the listed rows. */
static void listed_rows(const sac_mlp *net, size_t n, const size_t row[], const float *dy,
                        size_t ldy, size_t first, sac_trace *trace) {
  const sac_kernels_bf16 *b = trace->bf16;
  const size_t top = net->layers - 2, ld = trace->ld_across[top]; /* the last hidden layer */
  const sac_layer *head = &net->layer[top + 1];
  uint32_t *d = trace->d_across[top] + first * ld;
  if (is_vector(head)) {
    b->outer_masked(&(sac_outer_bf16){.M = n,
                                      .N = net->layer[top].ld,
                                      .g = dy,
                                      .w = head->folded ? head->folded : net->w + head->offset,
                                      .mask = trace->h_across[top],
                                      .ldm = ld,
                                      .mask_row = row,
                                      .across = d,
                                      .ld_across = ld});
    return;
  }
  const size_t lda = trace->ld_dy_across;
  b->pack_across(n, sac_padded(net->out), dy, ldy, trace->dy_across + first * lda, lda);
  b->gemm_pairs(&(sac_gemm_bf16){.M = n,
                                 .N = net->layer[top].ld,
                                 .K = halved(head->out),
                                 .A = trace->dy_across + first * lda,
                                 .a_row = lda,
                                 .a_col = 1,
                                 .B = head->turned,
                                 .ldb = head->ldt,
                                 .across = d,
                                 .ld_across = ld,
                                 .mask = trace->h_across[top],
                                 .ldm = ld,
                                 .mask_row = row,
                                 .scale = head->before.scale});
}

void sac_mlp_input_gradient_bf16(const sac_mlp *net, size_t n, const size_t row[], const float *dy,
                                 size_t ldy, size_t first, sac_trace *trace, size_t column,
                                 size_t columns, float *dx, size_t ldx) {
  const sac_kernels_bf16 *b = trace->bf16;
  const size_t top = net->layers - 2;
  listed_rows(net, n, row, dy, ldy, first, trace);
  for (size_t l = top; l > 0; l--) {
    const size_t ld = trace->ld_across[l - 1];
    b->gemm_pairs(&(sac_gemm_bf16){.M = n,
                                   .N = net->layer[l - 1].ld,
                                   .K = halved(net->layer[l].out),
                                   .A = trace->d_across[l] + first * trace->ld_across[l],
                                   .a_row = trace->ld_across[l],
                                   .a_col = 1,
                                   .B = net->layer[l].turned,
                                   .ldb = net->layer[l].ldt,
                                   .across = trace->d_across[l - 1] + first * ld,
                                   .ld_across = ld,
                                   .mask = trace->h_across[l - 1],
                                   .ldm = ld,
                                   .mask_row = row,
                                   .scale = net->layer[l].before.scale});
  }
  const sac_norm *input = &net->layer[0].before;
  b->gemm_pairs(&(sac_gemm_bf16){.M = n,
                                 .N = sac_padded(columns),
                                 .K = halved(net->layer[0].out),
                                 .A = trace->d_across[0] + first * trace->ld_across[0],
                                 .a_row = trace->ld_across[0],
                                 .a_col = 1,
                                 .B = net->layer[0].turned + column,
                                 .ldb = net->layer[0].ldt,
                                 .C = dx,
                                 .ldc = ldx,
                                 .scale = input->width ? input->scale + column : NULL});
}

void sac_mlp_step_bf16(const sac_kernels *k, sac_mlp *net, size_t u, size_t B,
                       const sac_trace *trace, const float *dy, const sac_adam_step *adam,
                       float tau, float *scratch) {
  const sac_unit *unit = &net->unit[u];
  const sac_layer *layer = &net->layer[unit->layer];
  const sac_kernels_bf16 *b = trace->bf16;
  const int head = unit->layer + 1 == net->layers;
  const uint32_t *in = unit->layer ? trace->h_down[unit->layer - 1] : trace->x_down;
  const size_t ld_in = unit->layer ? trace->ld_down[unit->layer - 1] : trace->ld_x;
  double square = 0.0;

  if (is_vector(layer)) { /* a critic's head: dL/dw = sum_b dy_b h_b, dL/db = sum_b dy_b */
    b->sum_columns(B, sac_padded(layer->in), dy, in, ld_in, scratch);
    square = sac_mlp_step_span(k, net, layer->offset, layer->in, adam, scratch, tau);
    double sum = 0.0;
    for (size_t i = 0; i < B; i++) sum += (double)dy[i];
    const float db = (float)sum;
    net->unit_square[u] = square + sac_mlp_step_layer_bias(k, net, unit->layer, adam, &db, tau);
    return;
  }
  const uint32_t *d = head ? trace->dy_down : trace->d_down[unit->layer];
  const size_t ld_d = head ? trace->ld_dy_down : trace->ld_down[unit->layer];
  if (unit->first == 0 && !layer->biasless) { /* dL/db = sum_b d_b */
    b->sum_columns(B, layer->ld, NULL, d, ld_d, scratch);
    square += sac_mlp_step_layer_bias(k, net, unit->layer, adam, scratch, tau);
  }
  /* dL/dW = in^T d, some rows of it */
  b->gemm_pairs(&(sac_gemm_bf16){.M = unit->rows,
                                 .N = layer->ld,
                                 .K = halved(B),
                                 .A = in + unit->first,
                                 .a_row = 1,
                                 .a_col = ld_in,
                                 .B = d,
                                 .ldb = ld_d,
                                 .C = scratch,
                                 .ldc = layer->ld});
  square += sac_mlp_step_span(k, net, layer->offset + unit->first * layer->ld,
                              unit->rows * layer->ld, adam, scratch, tau);
  pack_rows(net, unit->layer, unit->first, unit->rows, tau > 0.0f);
  net->unit_square[u] = square;
}

/* Infinite or NaN: an exponent of ones, in one half of the word. */
static int is_bad(uint32_t word, size_t second) {
  return ((second ? word >> 16 : word) & 0x7f80) == 0x7f80;
}

size_t sac_trace_bad_row_bf16(const sac_mlp *net, const sac_trace *trace, size_t B) {
  for (size_t b = 0; b < B; b++)
    for (size_t l = 0; l + 1 < net->layers; l++)
      for (size_t i = 0; i < net->layer[l].out; i++)
        if (is_bad(trace->d_down[l][b / 2 * trace->ld_down[l] + i], b % 2)) return b;
  return B;
}
