/* Logs and exps whose plain forms cancel. */
#include "sac/special.h"

#include <math.h>

double sac_log1mexp(double x) {
  if (x > 0.0) return (double)NAN;
  return x > -0.69314718055994531 ? log(-expm1(x)) : log1p(-exp(x));
}

double sac_log1pexp(double x) {
  return x > 0.0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

double sac_logistic(double x) {
  const double e = exp(-fabs(x));
  return x > 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

/* With u = x/(2+x), log(1+x) = 2 atanh u and x - 2u = x u: what is left is
 * -x u + 2 u^3 (1/3 + u^2/5 + ...). */
double sac_log1pmx(double x) {
  if (x < -0.5 || x > 1.0) return log1p(x) - x;
  const double u = x / (2.0 + x), w = u * u;
  double sum = 0.0;
  for (int k = 16; k >= 0; k--) sum = sum * w + 1.0 / (2 * k + 3);
  return 2.0 * u * w * sum - x * u;
}
