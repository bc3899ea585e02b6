/* Draws that several families share. */
#include "dist/family.h"

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
