/* Draws that several families share. */
#include "dist/family.h"
#include "special/lanes.h"

/* [MT00] Marsaglia and Tsang: with d = a - 1/3, c = 1/sqrt(9 d), x normal and t = 1 + c x, accept
 * z = d t^3 if log U < x^2/2 + d (1 - t^3 + 3 log t). */
double sac_draw_log_gamma(double a, double *z, sac_stream *stream) {
  const double shape = a < 1.0 ? a + 1.0 : a, d = shape - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
  double t, log_t;
  for (;;) {
    const double x = sac_draw_normal(stream), u = sac_stream_uniform(stream);
    t = 1.0 + c * x;
    if (t <= 0.0) continue;
    log_t = log1p(c * x);
    if (log(u) < 0.5 * x * x + d * (1.0 - t * t * t + 3.0 * log_t)) break;
  }
  const double log_z = log(d) + 3.0 * log_t;
  if (a >= 1.0) {
    *z = d * t * t * t;
    return log_z;
  }
  const double boosted = log_z + log(sac_stream_uniform(stream)) / a;
  *z = exp(boosted);
  return boosted;
}

/* as sac_draw_log_gamma; the few that are refused are drawn again */
void sac_draw_log_gammas(size_t n, const double a[], double G[], double log_G[],
                         sac_stream *stream) {
  const sac_transport *kernels = sac_transport_get();
  double x[SAC_LANES], u[SAC_LANES], boost[SAC_LANES], again[SAC_LANES];
  kernels->normals(stream, n, x);
  kernels->uniforms(stream, n, u);
  size_t refused = 0, small = 0;
  for (size_t i = 0; i < n; i++) {
    const double d = (a[i] < 1.0 ? a[i] + 1.0 : a[i]) - 1.0 / 3.0;
    const double t = 1.0 + x[i] / sqrt(9.0 * d), square = x[i] * x[i];
    G[i] = d * t * t * t;
    /* the squeeze 1 - 0.0331 x^4 lies below the bound: [MT00] */
    if (t <= 0.0 || !(u[i] < 1.0 - 0.0331 * square * square)) again[refused++] = (double)i;
    small += a[i] < 1.0;
  }
  for (size_t k = 0; k < refused; k++) {
    const size_t i = (size_t)again[k];
    const double shape = a[i] < 1.0 ? a[i] + 1.0 : a[i], d = shape - 1.0 / 3.0;
    const double t = 1.0 + x[i] / sqrt(9.0 * d);
    if (t > 0.0 && log(u[i]) < 0.5 * x[i] * x[i] + d * (1.0 - t * t * t + 3.0 * log(t))) continue;
    (void)sac_draw_log_gamma(shape, &G[i], stream);
  }
  for (size_t i = n; i % SAC_VECTOR_PAD; i++) G[i] = u[i] = 1.0;
  kernels->log(n, G, log_G);
  if (!small) return;
  kernels->uniforms(stream, n, u);
  kernels->log(n, u, boost);
  for (size_t i = 0; i < n; i++) log_G[i] += a[i] < 1.0 ? boost[i] / a[i] : 0.0;
  kernels->exp(n, log_G, u);
  for (size_t i = 0; i < n; i++)
    if (a[i] < 1.0) G[i] = log_G[i] < -708.0 ? exp(log_G[i]) : u[i];
}
