/* erfcx and the standard normal's distribution function. */
#include "sac/special.h"

#include <math.h>

static const double sqrt_half = 0.70710678118654752440, sqrt_2pi = 2.50662827463100050242,
                    log_sqrt_2pi = 0.91893853320467274178;

/* e^(scale x^2), |scale| 1 or 1/2: x^2 exactly as high^2 + (x - high)(x + high), high of 26 bits */
static double exp_square(double x, double scale) {
  if (fabs(x) > 1e3) return scale > 0 ? HUGE_VAL : 0.0;
  const double high = (double)(float)x;
  return exp(scale * high * high) * exp(scale * (x - high) * (x + high));
}

/* e^(x^2) erfc(x), x >= 0: libm's erfc while it has all its bits, then
 * 1/(x sqrt pi) (1 - 1/(2x^2) + 3/(4x^4) - ...) */
static double erfcx_positive(double x) {
  if (x < 25.0) return exp_square(x, 1.0) * erfc(x);
  const double w = 0.5 / (x * x);
  double sum = 1.0;
  for (int k = 11; k >= 1; k--) sum = 1.0 - (2 * k - 1) * w * sum;
  return sum / (x * 1.77245385090551602730);
}

double sac_erfcx(double x) {
  if (x >= 0.0) return erfcx_positive(x);
  return x < -26.7 ? HUGE_VAL : 2.0 * exp_square(x, 1.0) - erfcx_positive(-x);
}

double sac_mills(double x) {
  if (x < 0.0) return 1.25331413731550025121 * erfcx_positive(-x * sqrt_half);
  return sac_ndtr(x) * sqrt_2pi * exp_square(x, 0.5);
}

double sac_ndtr(double x) {
  if (x < -1.0) return isinf(x) ? 0.0 : exp_square(x, -0.5) / sqrt_2pi * sac_mills(x);
  return 0.5 * erfc(-x * sqrt_half);
}

double sac_log_ndtr(double x) {
  if (x > 0.0) return log1p(-sac_ndtr(-x));
  if (x > -1.0) return log(sac_ndtr(x));
  if (isinf(x)) return -HUGE_VAL;
  return log(sac_mills(x)) - log_sqrt_2pi - 0.5 * x * x;
}

/* x <= 0 with log Phi(x) = l: Newton on log Phi, which is concave and close to a parabola; the
 * start is right within a few percent. */
static double lower_half(double l) {
  const double y = -2.0 * l;
  double x = l > -1.2 ? sqrt_2pi * (exp(l) - 0.5)
                      : -sqrt(fmax(y - log(6.283185307179586 * fmax(y - 1.4, 0.2)), 0.1));
  if (x > 0.0) x = 0.0;
  for (int k = 0; k < 40; k++) {
    const double mills = sac_mills(x), f = sac_log_ndtr(x) - l;
    /* Halley: (log Phi)' = 1/mills, (log Phi)'' = -(x + 1/mills)/mills */
    const double step = f * mills / (1.0 + 0.5 * f * (x * mills + 1.0));
    x -= step;
    if (!(fabs(step) > 4e-16 * fabs(x))) break;
  }
  return x;
}

double sac_ndtri_log(double l) {
  if (!(l <= 0.0)) return (double)NAN;
  if (l == 0.0) return HUGE_VAL;
  if (isinf(l)) return -HUGE_VAL;
  return l < -0.69314718055994531 ? lower_half(l) : -lower_half(sac_log1mexp(l));
}

double sac_ndtri(double p) {
  if (!(p >= 0.0 && p <= 1.0)) return (double)NAN;
  if (p == 0.0 || p == 1.0) return p == 0.0 ? -HUGE_VAL : HUGE_VAL;
  return p < 0.5 ? lower_half(log(p)) : -lower_half(log1p(-p));
}
