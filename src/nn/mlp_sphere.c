/* Networks whose activations lie on the unit sphere [SIMBAV2], a row at a time: body.c has the
 * formulas. A layer is a product without a bias, the last one apart, then one of
 *   h = s z;   h = relu(s z) + 1e-8;   h = v / |v|, v = s z;
 *   h = v / |v|, v = r + alpha (z / |z| - r), r = h[skip];
 * with s or alpha learned, a number a column. */
#include "nn/mlp_sphere.h"

#include "nn/product.h"

#include <string.h>

static const float more = 1e-8f; /* so that no row is zero */

/* --- layout ---------------------------------------------------------------------------------- */

void sac_gain_place(sac_mlp *net, size_t l) {
  sac_gain *const gain = &net->layer[l].gain;
  if (!gain->width) return;
  gain->offset = net->count;
  net->count += sac_padded(gain->width);
}

void sac_gain_init(sac_mlp *net) {
  for (size_t l = 0; l < net->layers; l++) {
    const sac_gain *gain = &net->layer[l].gain;
    for (size_t i = 0; i < gain->width; i++) net->w[gain->offset + i] = (float)gain->start;
  }
}

void sac_sphere_layout_trace(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  sac_sphere_pass *passes = SAC_TAKE(arena, sac_sphere_pass, net->layers);
  trace->sphere = passes;
  trace->ld_xn = sac_row(net->in + 1);
  trace->xn = SAC_TAKE(arena, float, B * trace->ld_xn);
  trace->dxn = SAC_TAKE(arena, float, B * trace->ld_xn);
  trace->inv = SAC_TAKE(arena, float, B);
  for (size_t l = 0; l + 1 < net->layers; l++) {
    const size_t all = B * trace->ld[l];
    sac_sphere_pass p = {.z = SAC_TAKE(arena, float, all), .g = SAC_TAKE(arena, float, all)};
    p.inv = SAC_TAKE(arena, float, B);
    if (net->layer[l].skip) {
      p.dr = SAC_TAKE(arena, float, all);
      p.inv_z = SAC_TAKE(arena, float, B);
    }
    if (passes) passes[l] = p;
  }
}

/* --- forward --------------------------------------------------------------------------------- */

/* [x, c] / |[x, c]| */
static void read_input(const sac_kernels *k, const sac_mlp *net, const float *x, size_t ldx,
                       size_t first, size_t rows, const sac_trace *trace) {
  const size_t ld = trace->ld_xn;
  float *u = trace->xn + first * ld;
  for (size_t i = 0; i < rows; i++) {
    memcpy(u + i * ld, x + i * ldx, net->in * sizeof *u);
    u[i * ld + net->in] = net->shift;
  }
  k->sphere(&(sac_sphere){.M = rows,
                          .width = net->in + 1,
                          .X = u,
                          .ldx = ld,
                          .Y = u,
                          .inv = trace->inv + first,
                          .ldy = ld});
}

/* h[l] from the product in z. */
static void activate(const sac_kernels *k, const sac_mlp *net, const float *w, size_t l,
                     size_t first, size_t rows, const sac_trace *trace) {
  const sac_layer *layer = &net->layer[l];
  const sac_sphere_pass *at = &trace->sphere[l];
  const size_t ld = trace->ld[l];
  const float *gain = w + layer->gain.offset;
  float *z = at->z + first * ld, *h = trace->h[l] + first * ld;
  if (layer->skip)
    k->lerp(&(sac_lerp){.M = rows,
                        .width = layer->out,
                        .by = (float)layer->gain.by,
                        .alpha = gain,
                        .R = trace->h[layer->skip - 1] + first * ld,
                        .ldr = ld,
                        .U = z,
                        .inv_x = at->inv_z + first,
                        .ldu = ld,
                        .Y = h,
                        .inv = at->inv + first,
                        .ldy = ld});
  else if (layer->unit)
    k->sphere(&(sac_sphere){.M = rows,
                            .width = layer->out,
                            .scale = gain,
                            .X = z,
                            .ldx = ld,
                            .Y = h,
                            .inv = at->inv + first,
                            .ldy = ld});
  else
    k->scale_rows(&(sac_scale_rows){.M = rows,
                                    .width = layer->out,
                                    .scale = gain,
                                    .relu = layer->relu,
                                    .more = more,
                                    .X = z,
                                    .ldx = ld,
                                    .Y = h,
                                    .ldy = ld});
}

void sac_mlp_forward_sphere(const sac_kernels *k, const sac_mlp *net, const float *w,
                            const float *x, size_t ldx, size_t first, size_t last, sac_trace *trace,
                            float *y, size_t ldy) {
  const size_t rows = last - first;
  read_input(k, net, x + first * ldx, ldx, first, rows, trace);
  const float *in = trace->xn + first * trace->ld_xn;
  size_t ld_in = trace->ld_xn;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const int hidden = l + 1 < net->layers;
    if (layer->ld == 1) {
      k->dot_rows(rows, layer->in, in, ld_in, w + layer->offset, *sac_layer_bias(layer, w),
                  y + first);
      return;
    }
    const size_t ldc = hidden ? trace->ld[l] : ldy;
    float *C = (hidden ? trace->sphere[l].z : y) + first * ldc;
    sac_gemm g = sac_product(layer, w, rows, in, ld_in, C, ldc);
    if (hidden) g.bias = NULL;
    k->gemm(&g);
    if (!hidden) return;
    activate(k, net, w, l, first, rows, trace);
    in = trace->h[l] + first * ldc;
    ld_in = ldc;
  }
}

/* --- backward -------------------------------------------------------------------------------- */

/* What layer l + 2 sends back to h[l] over its interpolation, or NULL. */
static const float *sent_back(const sac_mlp *net, const sac_trace *trace, size_t l,
                              const sac_rows *r) {
  if (l + 2 >= net->layers || net->layer[l + 2].skip != l + 1) return NULL;
  return trace->sphere[l + 2].dr + r->to * trace->ld[l];
}

/* From the gradient at h[l], in d[l], to that at product l, in place. */
static void back_to_product(const sac_kernels *k, const sac_mlp *net, size_t l, const sac_rows *r,
                            const sac_trace *trace) {
  const sac_layer *layer = &net->layer[l];
  const sac_sphere_pass *at = &trace->sphere[l];
  const size_t ld = trace->ld[l];
  const float *gain = net->w + layer->gain.offset, *z = sac_rows_of_batch(r, at->z, ld);
  float *d = trace->d[l] + r->to * ld, *g = at->g + r->to * ld;
  if (layer->skip)
    k->lerp_back(&(sac_lerp_back){.M = r->n,
                                  .width = layer->out,
                                  .by = (float)layer->gain.by,
                                  .alpha = gain,
                                  .R = sac_rows_of_batch(r, trace->h[layer->skip - 1], ld),
                                  .ldr = ld,
                                  .U = z,
                                  .inv_x = sac_rows_of_batch(r, at->inv_z, 1),
                                  .ldu = ld,
                                  .Y = sac_rows_of_batch(r, trace->h[l], ld),
                                  .inv = sac_rows_of_batch(r, at->inv, 1),
                                  .ldy = ld,
                                  .row = r->row,
                                  .dY = d,
                                  .more = sent_back(net, trace, l, r),
                                  .ldd = ld,
                                  .G = g,
                                  .dR = at->dr + r->to * ld,
                                  .dX = d});
  else if (layer->unit)
    k->sphere_back(&(sac_sphere_back){.M = r->n,
                                      .width = layer->out,
                                      .scale = gain,
                                      .X = z,
                                      .ldx = ld,
                                      .Y = sac_rows_of_batch(r, trace->h[l], ld),
                                      .inv = sac_rows_of_batch(r, at->inv, 1),
                                      .ldy = ld,
                                      .row = r->row,
                                      .dY = d,
                                      .more = sent_back(net, trace, l, r),
                                      .ldd = ld,
                                      .G = g,
                                      .dX = d});
  else
    k->scale_rows_back(&(sac_scale_rows_back){.M = r->n,
                                              .width = layer->out,
                                              .scale = gain,
                                              .relu = layer->relu,
                                              .X = z,
                                              .ldx = ld,
                                              .row = r->row,
                                              .dY = d,
                                              .ldd = ld,
                                              .G = g,
                                              .dX = d});
}

/* To d of every hidden layer; `dy` is of the first of the rows. */
static void back(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                 const sac_rows *r, const sac_trace *trace) {
  for (size_t l = net->layers - 1; l-- > 0;) {
    const int top = l + 2 == net->layers;
    const size_t ld = trace->ld[l], lda = top ? ldy : trace->ld[l + 1];
    const float *A = top ? dy : trace->d[l + 1] + r->to * lda;
    const sac_gemm g = sac_product_back(net, l + 1, r->n, A, lda, trace->d[l] + r->to * ld, ld);
    k->gemm(&g);
    back_to_product(k, net, l, r, trace);
  }
}

void sac_mlp_backward_sphere(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                             size_t first, size_t last, sac_trace *trace) {
  back(k, net, dy + first * ldy, ldy, &(sac_rows){last - first, first, NULL}, trace);
}

void sac_mlp_input_gradient_sphere(const sac_kernels *k, const sac_mlp *net, size_t n,
                                   const size_t row[], const float *dy, size_t ldy, size_t first,
                                   sac_trace *trace, size_t column, size_t columns, float *dx,
                                   size_t ldx) {
  const size_t ld = trace->ld_xn;
  float *du = trace->dxn + first * ld;
  back(k, net, dy, ldy, &(sac_rows){n, first, row}, trace);
  const sac_gemm g =
      sac_product_back(net, 0, n, trace->d[0] + first * trace->ld[0], trace->ld[0], du, ld);
  k->gemm(&g);
  k->sphere_back(&(sac_sphere_back){.M = n,
                                    .width = net->in + 1,
                                    .Y = trace->xn,
                                    .inv = trace->inv,
                                    .ldy = ld,
                                    .row = row,
                                    .dY = du,
                                    .ldd = ld,
                                    .dX = du});
  for (size_t i = 0; i < n; i++) memcpy(dx + i * ldx, du + i * ld + column, columns * sizeof *dx);
}

/* dL/ds = sum_b of the rows' parts */
double sac_mlp_step_gain(const sac_kernels *k, sac_mlp *net, const sac_unit *unit, size_t B,
                         const sac_trace *trace, const sac_adam_step *adam, float tau,
                         float *scratch) {
  const sac_gain *gain = &net->layer[unit->layer].gain;
  k->sum_columns(B, sac_padded(gain->width), NULL, trace->sphere[unit->layer].g,
                 trace->ld[unit->layer], scratch);
  return sac_mlp_step_bias(k, net, gain->offset, gain->width, adam, scratch, tau);
}
