#include "agent/gsde.h"

#include "nn/mlp.h"
#include "nn/product.h"

#include <math.h>
#include <string.h>

enum { UNIT_ROWS = 32 }; /* as the network's units, so that its scratch is large enough */

static const double always_on = 1e-3;

static size_t unit_count(const sac_gsde *g) {
  return (g->H + UNIT_ROWS - 1) / UNIT_ROWS;
}

void sac_gsde_layout(sac_arena *arena, sac_gsde *g, const sac_mlp *net, size_t A, size_t B,
                     const sac_agent_options *options, int trained) {
  const size_t H = net->layer[net->layers - 1].in;
  *g = (sac_gsde){.H = H,
                  .A = A,
                  .ld = sac_padded(A),
                  .ldh = sac_row(H),
                  .learn = options->sde_features == SAC_SDE_FEATURES_LEARNED};
  float **const matrices[] = {&g->log_std, &g->std, &g->var};
  for (size_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
    *matrices[i] = SAC_TAKE(arena, float, H * g->ld);
  g->floor = SAC_TAKE(arena, float, g->ld);
  g->h2 = SAC_TAKE(arena, float, B * g->ldh);
  g->variance = SAC_TAKE(arena, float, B * g->ld);
  if (!trained) return;
  g->m = SAC_TAKE(arena, float, H * g->ld);
  g->v = SAC_TAKE(arena, float, H * g->ld);
  g->turn = SAC_TAKE(arena, float, A * g->ldh);
  g->dv = SAC_TAKE(arena, float, B * g->ld);
  g->dh2 = SAC_TAKE(arena, float, B * g->ldh);
  g->square = SAC_TAKE(arena, double, unit_count(g));
}

static void refresh_rows(sac_gsde *g, size_t first, size_t last) {
  for (size_t i = first; i < last; i++)
    for (size_t j = 0; j < g->A; j++) {
      const double std = exp((double)g->log_std[i * g->ld + j]);
      g->std[i * g->ld + j] = (float)std;
      g->var[i * g->ld + j] = (float)(std * std);
      if (g->turn) g->turn[j * g->ldh + i] = g->var[i * g->ld + j];
    }
}

void sac_gsde_refresh(sac_gsde *g) {
  for (size_t j = 0; j < g->ld; j++) g->floor[j] = (float)(always_on * always_on);
  refresh_rows(g, 0, g->H);
}

void sac_gsde_init(sac_gsde *g, double log_std) {
  for (size_t i = 0; i < g->H; i++)
    for (size_t j = 0; j < g->A; j++) g->log_std[i * g->ld + j] = (float)log_std;
  if (g->m) memset(g->m, 0, g->H * g->ld * sizeof *g->m);
  if (g->v) memset(g->v, 0, g->H * g->ld * sizeof *g->v);
  sac_gsde_refresh(g);
}

/* --- the pass: v = h^2 S^2 + 1e-6 --------------------------------------------------------------
 */

void sac_gsde_forward(const sac_kernels *k, sac_gsde *g, const sac_mlp *net, const sac_trace *trace,
                      size_t first, size_t last) {
  const size_t top = net->layers - 2;
  for (size_t b = first; b < last; b++) {
    const float *h = trace->h[top] + b * trace->ld[top];
    for (size_t i = 0; i < g->H; i++) g->h2[b * g->ldh + i] = h[i] * h[i];
  }
  k->gemm(&(sac_gemm){.M = last - first,
                      .N = g->ld,
                      .K = g->H,
                      .A = g->h2 + first * g->ldh,
                      .a_row = g->ldh,
                      .a_col = 1,
                      .B = g->var,
                      .ldb = g->ld,
                      .C = g->variance + first * g->ld,
                      .ldc = g->ld,
                      .bias = g->floor});
}

/* --- and back: dL/dh = W dL/dmean + 2 h (S^2 dL/dv) --------------------------------------------
 */

/* From the outputs to what lies before the last hidden layer's ReLU. The second term has h as a
 * factor, so it is 0 where the unit is off. */
static void last_layer(const sac_kernels *k, sac_gsde *g, const sac_mlp *net, const float *dy,
                       size_t ldy, size_t first, size_t last, sac_trace *trace) {
  const size_t top = net->layers - 2, ld = trace->ld[top];
  const float *h = trace->h[top] + first * ld;
  float *d = trace->d[top] + first * ld;
  sac_gemm back = sac_product_back(net, top + 1, last - first, dy + first * ldy, ldy, d, ld);
  back.mask = h, back.ldm = ld;
  k->gemm(&back);
  if (!g->learn) return;
  float *dh2 = g->dh2 + first * g->ldh;
  k->gemm(&(sac_gemm){.M = last - first,
                      .N = sac_padded(g->H),
                      .K = g->A,
                      .A = g->dv + first * g->ld,
                      .a_row = g->ld,
                      .a_col = 1,
                      .B = g->turn,
                      .ldb = g->ldh,
                      .C = dh2,
                      .ldc = g->ldh});
  for (size_t b = 0; b < last - first; b++)
    for (size_t i = 0; i < g->H; i++) d[b * ld + i] += 2.0f * h[b * ld + i] * dh2[b * g->ldh + i];
}

void sac_gsde_backward(const sac_kernels *k, sac_gsde *g, const sac_mlp *net, const float *dy,
                       size_t ldy, size_t first, size_t last, sac_trace *trace) {
  const size_t top = net->layers - 2;
  last_layer(k, g, net, dy, ldy, first, last, trace);
  sac_mlp body = *net; /* the network without its last layer, whose output is the hidden one */
  body.layers--;
  sac_mlp_backward(k, &body, trace->d[top], trace->ld[top], first, last, trace);
}

/* --- the step: dL/dlog S = 2 S^2 sum_b h_b^2 dL/dv_b -------------------------------------------
 */

static void step_unit(const sac_kernels *k, sac_gsde *g, size_t u, size_t B,
                      const sac_adam_step *adam, float *scratch) {
  const size_t first = u * UNIT_ROWS, rows = g->H - first < UNIT_ROWS ? g->H - first : UNIT_ROWS;
  const size_t at = first * g->ld, n = rows * g->ld;
  k->gemm(&(sac_gemm){.M = rows,
                      .N = g->ld,
                      .K = B,
                      .A = g->h2 + first,
                      .a_row = 1,
                      .a_col = g->ldh,
                      .B = g->dv,
                      .ldb = g->ld,
                      .C = scratch,
                      .ldc = g->ld});
  for (size_t i = 0; i < n; i++) scratch[i] *= 2.0f * g->var[at + i];
  sac_adam_step plain = *adam; /* 0 is no deviation to decay to */
  plain.decay = 0.0f;
  g->square[u] = k->adam(n, &plain, scratch, g->m + at, g->v + at, g->log_std + at, 0.0f, NULL);
  refresh_rows(g, first, first + rows);
}

void sac_gsde_step(const sac_kernels *k, sac_gsde *g, size_t B, const sac_adam_step *adam, size_t t,
                   size_t T, float *scratch) {
  for (size_t u = t; u < unit_count(g); u += T) step_unit(k, g, u, B, adam, scratch);
}

double sac_gsde_grad_square(const sac_gsde *g) {
  double sum = 0.0;
  for (size_t u = 0; u < unit_count(g); u++) sum += g->square[u];
  return sum;
}

/* --- acting ------------------------------------------------------------------------------------
 */

void sac_gsde_noise(const sac_gsde *g, const float h[], const float z[], double noise[]) {
  const size_t A = g->A;
  for (size_t j = 0; j < A; j++) noise[j] = always_on * (double)z[g->H * A + j];
  for (size_t i = 0; i < g->H; i++)
    for (size_t j = 0; j < A; j++)
      noise[j] += (double)h[i] * (double)g->std[i * g->ld + j] * (double)z[i * A + j];
}
