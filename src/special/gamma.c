/* The gamma function's logarithm and its derivatives. */
#include "sac/special.h"
#include "special/constants.h"

#include <math.h>

static const double half_log_2pi = 0.91893853320467274178;
enum { LARGE = 10 }; /* the asymptotic series serve from here on */

/* log Gamma(1+x) = -log(1+x) + x (1 - gamma) + sum_k (-1)^k (zeta(k) - 1) x^k/k, |x| <= 1/2 */
static double lgamma1p_series(double x) {
  const double one_minus_euler = 0.42278433509846713939;
  double sum = 0.0;
  for (int k = 41; k >= 2; k--) sum = zeta_minus_1[k - 2] / k - sum * x;
  /* now sum = sum_k (-1)^k (zeta(k) - 1) x^(k-2)/k */
  return x * (one_minus_euler + x * sum) - log1p(x);
}

double sac_stirling(double x) {
  if (!(x > 0.0)) return (double)NAN;
  if (x < LARGE) return sac_lgamma(x) - ((x - 0.5) * log(x) - x + half_log_2pi);
  const double r = 1.0 / x, w = r * r;
  double sum = 0.0;
  for (int k = 9; k >= 0; k--) sum = sum * w + stirling[k];
  return sum * r;
}

double sac_lgamma1p(double x) {
  if (!(x > -1.0)) return (double)NAN;
  if (fabs(x) <= 0.5) return lgamma1p_series(x);
  return sac_lgamma(1.0 + x);
}

double sac_lgamma(double x) {
  if (!(x > 0.0)) return (double)NAN;
  if (x < 0.5) return lgamma1p_series(x) - log(x);
  if (x <= 1.5) return lgamma1p_series(x - 1.0);
  if (x >= LARGE) {
    if (x > 1e300) return x * (log(x) - 1.0); /* the rest is below an ulp; may be infinite */
    return (x - 0.5) * log(x) - x + half_log_2pi + sac_stirling(x);
  }
  /* down to [1.5, 2.5] around 2: log Gamma(x) = log((x-1)(x-2)...) + log Gamma(rest) */
  double product = 1.0, rest = x;
  while (rest > 2.5) product *= rest -= 1.0;
  return log(product) + lgamma1p_series(rest - 2.0) + log1p(rest - 2.0);
}

double sac_lgamma_difference(double a, double b) {
  if (!(a > 0.0 && b > 0.0)) return (double)NAN;
  if (a < LARGE) {
    if (b < 3e-5 && a > 0.5) { /* by Taylor: the difference itself is small */
      return b * (sac_digamma(a) + b * (sac_trigamma(a) / 2 + b * sac_tetragamma(a) / 6));
    }
    return sac_lgamma(a + b) - sac_lgamma(a);
  }
  const double sum = a + b;
  return (a - 0.5) * log1p(b / a) + b * (log(sum) - 1.0) + (sac_stirling(sum) - sac_stirling(a));
}

double sac_lbeta(double a, double b) {
  if (!(a > 0.0 && b > 0.0)) return (double)NAN;
  const double p = a < b ? a : b, q = a < b ? b : a;
  if (p >= LARGE) { /* Stirling on all three: the large terms cancel by hand */
    return half_log_2pi - 0.5 * (log(p) + log(q) - log(p + q)) - p * log1p(q / p) -
           q * log1p(p / q) + (sac_stirling(p) + sac_stirling(q) - sac_stirling(p + q));
  }
  if (q >= LARGE) return sac_lgamma(p) - sac_lgamma_difference(q, p);
  return sac_lgamma(p) + (sac_lgamma(q) - sac_lgamma(p + q));
}

/* sum_k B_2k/(2k) x^-2k, x >= LARGE: log x - psi(x) - 1/(2x) */
static double digamma_rest(double x) {
  const double w = 1.0 / (x * x);
  double sum = 0.0;
  for (int k = 8; k >= 1; k--) sum = sum * w + bernoulli_even[k - 1] / (2 * k);
  return w * sum;
}

static double digamma_tail(double x) {
  return 0.5 / x + digamma_rest(x);
}

double sac_digamma(double x) {
  if (!(x > 0.0)) return (double)NAN;
  double shift = 0.0;
  for (; x < LARGE; x += 1.0) shift += 1.0 / x;
  return log(x) - digamma_tail(x) - shift;
}

double sac_log_minus_digamma(double x) {
  if (!(x > 0.0)) return (double)NAN;
  return x >= LARGE ? digamma_tail(x) : log(x) - sac_digamma(x);
}

double sac_digamma_difference(double a, double b) {
  if (!(a > 0.0 && b >= 0.0)) return (double)NAN;
  double shift = 0.0;
  for (; a < LARGE; a += 1.0) shift += b / (a * (a + b));
  return shift + log1p(b / a) + 0.5 * b / (a * (a + b)) + (digamma_rest(a) - digamma_rest(a + b));
}

/* psi'(x) = 1/x + 1/(2x^2) + sum_k B_2k x^-(2k+1) */
double sac_trigamma(double x) {
  if (!(x > 0.0)) return (double)NAN;
  double shift = 0.0;
  for (; x < LARGE; x += 1.0) shift += 1.0 / (x * x);
  const double r = 1.0 / x, w = r * r;
  double sum = 0.0;
  for (int k = 9; k >= 1; k--) sum = sum * w + bernoulli_even[k - 1];
  return shift + r * (1.0 + 0.5 * r + w * sum);
}

/* psi''(x) = -1/x^2 - 1/x^3 - sum_k (2k+1) B_2k x^-(2k+2) */
double sac_tetragamma(double x) {
  if (!(x > 0.0)) return (double)NAN;
  double shift = 0.0;
  for (; x < LARGE; x += 1.0) shift -= 2.0 / (x * x * x);
  const double r = 1.0 / x, w = r * r;
  double sum = 0.0;
  for (int k = 9; k >= 1; k--) sum = sum * w + (2 * k + 1) * bernoulli_even[k - 1];
  return shift - w * (1.0 + r + w * sum);
}
