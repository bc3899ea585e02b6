/* For tests of random numbers. Every seed is fixed, so a test that passes goes on passing; the
 * rates below say how likely a correct generator would have failed under a seed picked blindly. */
#ifndef SAC_TESTS_STATISTICS_H
#define SAC_TESTS_STATISTICS_H

#include "check.h"

#include <stdlib.h>

/* How many times as many draws as usual: the environment variable SAC_TEST_MULTIPLIER, or 1. */
static inline size_t test_multiplier(void) {
  const char *text = getenv("SAC_TEST_MULTIPLIER");
  const long n = text ? strtol(text, NULL, 10) : 1;
  return n > 0 ? (size_t)n : 1;
}

/* Fail unless |z| < 5 for a z that is standard normal when all is well: false alarm 5.7e-7. */
#define assert_z(z)                                                                   \
  do {                                                                                \
    const double z_ = (z);                                                            \
    if (!(fabs(z_) < 5.0)) fail_msg("%s: |z| = %.2f, must be below 5", #z, fabs(z_)); \
  } while (0)

/* Pearson's chi-square of `count` equally likely cells as a standard normal, by the cube root of
 * Wilson and Hilferty, which is good to a few percent of the tail from 3 degrees of freedom up. */
static inline double chi_square_z(const size_t seen[], size_t count) {
  double total = 0, chi2 = 0;
  for (size_t i = 0; i < count; i++) total += (double)seen[i];
  const double want = total / (double)count, df = (double)count - 1;
  for (size_t i = 0; i < count; i++)
    chi2 += ((double)seen[i] - want) * ((double)seen[i] - want) / want;
  return (cbrt(chi2 / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
}

static inline int compare_doubles(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Kolmogorov and Smirnov's sqrt(n) D of x against the distribution function cdf; sorts x. The
 * limit's tail is 2 exp(-2 d^2): above 2.75 with probability 5.4e-7. */
static inline double ks_statistic(size_t n, double x[], double (*cdf)(double)) {
  double d = 0;
  qsort(x, n, sizeof *x, compare_doubles);
  for (size_t i = 0; i < n; i++) {
    const double f = cdf(x[i]), below = (double)i / (double)n, upto = (double)(i + 1) / (double)n;
    d = fmax(d, fmax(f - below, upto - f));
  }
  return d * sqrt((double)n);
}
#define KS_LIMIT 2.75

#endif
