/* Special functions in double, stable where their textbook forms are not. Every function is pure
 * and takes any double: outside its domain (said at each) it returns NaN, as libm does. Errors are
 * relative to the value unless "absolute" is said, measured by tests/special against mpmath. */
#ifndef SAC_SPECIAL_H
#define SAC_SPECIAL_H

#include "sac/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* log(1 - e^x), x <= 0; -inf at 0. */
SAC_API double sac_log1mexp(double x);
/* log(1 + e^x), any x: softplus. */
SAC_API double sac_log1pexp(double x);
/* 1/(1 + e^-x), any x. */
SAC_API double sac_logistic(double x);
/* log(1 + x) - x, x > -1, without cancellation at 0. */
SAC_API double sac_log1pmx(double x);

/* log Gamma(x), x > 0; relative error 1e-14, also next to its zeros 1 and 2. */
SAC_API double sac_lgamma(double x);
/* log Gamma(1 + x), x > -1; keeps the digits of a tiny x. */
SAC_API double sac_lgamma1p(double x);
/* log Gamma(x) - ((x - 1/2) log x - x + log(2 pi)/2), x > 0: Stirling's remainder. */
SAC_API double sac_stirling(double x);
/* log Gamma(a + b) - log Gamma(a), a, b > 0, without cancellation for large a. */
SAC_API double sac_lgamma_difference(double a, double b);
/* log B(a, b), a, b > 0. */
SAC_API double sac_lbeta(double a, double b);

/* psi, psi', psi'' of x > 0. psi's error is 1e-15 max(1, |psi|). */
SAC_API double sac_digamma(double x);
SAC_API double sac_trigamma(double x);
SAC_API double sac_tetragamma(double x);
/* log x - psi(x), x > 0, relative also for large x, where it is 1/(2x) + ... */
SAC_API double sac_log_minus_digamma(double x);
/* psi(a + b) - psi(a), a > 0, b >= 0, without cancellation. */
SAC_API double sac_digamma_difference(double a, double b);

/* e^(x^2) erfc(x), any x; infinite below -26.7. */
SAC_API double sac_erfcx(double x);
/* The standard normal: Phi(x); log Phi(x); Phi(x)/phi(x). Any x. */
SAC_API double sac_ndtr(double x);
SAC_API double sac_log_ndtr(double x);
SAC_API double sac_mills(double x);
/* The x with Phi(x) = p, 0 <= p <= 1, and with log Phi(x) = l, l <= 0; infinite at the ends. */
SAC_API double sac_ndtri(double p);
SAC_API double sac_ndtri_log(double l);

/* log(e^-k I0(k)) and 1 - I1(k)/I0(k), k >= 0. */
SAC_API double sac_log_bessel_i0e(double k);
SAC_API double sac_bessel_ratio_complement(double k);

/* Incomplete gamma: *lower = P(a, z), *upper = Q(a, z), each with full relative accuracy (1e-13)
 * for 1e-6 <= a <= 1e8; a > 0, z >= 0. log_z is log z, exact where z underflowed. */
SAC_API void sac_gamma_pq(double a, double z, double log_z, double *lower, double *upper);
/* log P and log Q. */
SAC_API void sac_gamma_log_pq(double a, double z, double log_z, double *lower, double *upper);
/* log(z^a e^-z/Gamma(a)): the density of log z. */
SAC_API double sac_gamma_log_kernel(double a, double z, double log_z);
/* log z with P(a, z) = lower, Q(a, z) = upper, lower + upper = 1; the smaller one is believed. */
SAC_API double sac_gamma_log_inverse(double a, double lower, double upper);

/* Incomplete beta: *lower = I_x(a, b), *upper = 1 - I_x. a, b > 0; log_x = log x and log_xm =
 * log(1 - x), of which x and 1 - x are computed. */
SAC_API void sac_beta_pq(double a, double b, double log_x, double log_xm, double *lower,
                         double *upper);
SAC_API void sac_beta_log_pq(double a, double b, double log_x, double log_xm, double *lower,
                             double *upper);
/* log(x^a (1-x)^b/B(a, b)): the density of logit x. */
SAC_API double sac_beta_log_kernel(double a, double b, double log_x, double log_xm);
/* logit x with I_x(a, b) = lower, 1 - I_x = upper; the smaller one is believed. */
SAC_API double sac_beta_logit_inverse(double a, double b, double lower, double upper);

#ifdef __cplusplus
}
#endif
#endif
