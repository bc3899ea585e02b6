/* The points that the tests of distributions visit: a few thetas of every continuous family. */
#ifndef SAC_TESTS_DIST_FAMILIES_H
#define SAC_TESTS_DIST_FAMILIES_H

#include "check.h"
#include "sac/dist.h"
#include "sac/random.h"

#include <stdlib.h>

typedef struct visit {
  const char *name;
  double theta[4];
} visit;

static const visit visits[] = {
    {"normal", {0.3, 1.7}},
    {"normal", {-2.0, 0.05}},
    {"log_normal", {0.2, 0.6}},
    {"log_normal", {-1.0, 1.1}},
    {"tanh_normal", {0.3, 0.5}},
    {"tanh_normal", {-0.8, 1.4}},
    {"laplace", {0.4, 0.7}},
    {"logistic", {-0.6, 0.5}},
    {"cauchy", {0.1, 0.8}},
    {"gumbel", {0.5, 0.9}},
    {"weibull", {1.7, 0.8}},
    {"weibull", {0.7, 2.0}},
    {"exponential", {1.6}},
    {"half_normal", {0.9}},
    {"gamma", {0.4, 1.5}},
    {"gamma", {3.0, 0.7}},
    {"gamma", {60.0, 20.0}},
    {"inverse_gamma", {3.5, 2.0}},
    {"inverse_gamma", {20.0, 9.0}},
    {"chi_squared", {3.0}},
    {"chi_squared", {0.9}},
    {"beta", {2.0, 3.0}},
    {"beta", {0.6, 0.8}},
    {"beta", {30.0, 7.5}},
    {"kumaraswamy", {2.0, 3.0}},
    {"kumaraswamy", {0.8, 1.4}},
    {"student_t", {5.0, 0.3, 0.8}},
    {"student_t", {1.5, -0.2, 1.1}},
    {"student_t", {80.0, 0.0, 2.0}},
    {"von_mises", {0.3, 0.7}},
    {"von_mises", {-1.0, 12.0}},
    {"von_mises", {0.0, 150.0}},
    {"truncated_normal", {0.2, 1.0, -1.0, 1.5}},
    {"truncated_normal", {0.0, 0.5, 1.0, 2.0}},
    {"truncated_normal", {1.0, 2.0, -HUGE_VAL, 0.5}},
    {"inverse_gaussian", {1.0, 1.5}},
    {"inverse_gaussian", {0.4, 6.0}},
    {"generalized_normal", {0.2, 0.8, 1.6}},
    {"generalized_normal", {-0.1, 1.1, 4.0}},
};
enum { VISITS = sizeof visits / sizeof *visits };

static inline const sac_dist *family_of(const visit *v) {
  const sac_dist *d = sac_dist_find(v->name);
  if (!d) fail_msg("no distribution %s", v->name);
  return d;
}

/* how many times the usual number of draws: SAC_TEST_MULTIPLIER */
static inline size_t draws(size_t usual) {
  const char *text = getenv("SAC_TEST_MULTIPLIER");
  const double factor = text ? atof(text) : 1.0;
  return (size_t)((double)usual * (factor > 0.0 ? factor : 1.0));
}

#define assert_near(got, want, tolerance, visit, what)                                             \
  do {                                                                                             \
    const double got_ = (got), want_ = (want), tolerance_ = (tolerance);                           \
    if (!(fabs(got_ - want_) <= tolerance_))                                                       \
      fail_msg("%s(%g, %g, %g, %g) %s: %.17g, want %.17g, off by %.3g", (visit)->name,             \
               (visit)->theta[0], (visit)->theta[1], (visit)->theta[2], (visit)->theta[3], (what), \
               got_, want_, got_ - want_);                                                         \
  } while (0)

#endif
