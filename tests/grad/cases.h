/* What the tests of the gradient estimators share: costs of several coordinates, and one call of
 * sac_grad. The costs, places and exact derivatives in one dimension are those of tests/dist. */
#ifndef SAC_TESTS_GRAD_CASES_H
#define SAC_TESTS_GRAD_CASES_H

#include "dist/quadrature.h"
#include "sac/grad.h"
#include "statistics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* sum_k weight_k cost(which, z_k) */
typedef struct test_cost {
  int which;
  size_t D;
} test_cost;

static inline double weight_of(size_t k) {
  return 1.0 - 0.3 * (double)k;
}
static inline void test_f(void *context, size_t n, const double theta[], const double z[],
                          double out[]) {
  const test_cost *c = context;
  (void)theta;
  for (size_t i = 0; i < n; i++) {
    out[i] = 0.0;
    for (size_t k = 0; k < c->D; k++) out[i] += weight_of(k) * cost(c->which, z[i * c->D + k]);
  }
}
static inline void test_df(void *context, size_t n, const double theta[], const double z[],
                           double out[]) {
  const test_cost *c = context;
  (void)theta;
  for (size_t i = 0; i < n * c->D; i++) out[i] = weight_of(i % c->D) * cost_slope(c->which, z[i]);
}

/* one call, from the stream (seed, USER, 0) */
typedef struct answer {
  double gradient[64], std_error[64];
  size_t calls, slope_calls;
  int estimator, baseline;
  sac_status status;
  sac_error err;
} answer;

static inline answer ask(const sac_grad_problem *p, const sac_grad_options *o, size_t n,
                         double jacobian[], uint64_t seed) {
  answer a = {.err = {.msg = ""}};
  const size_t size = sac_grad_work_size(p->d, n);
  double *work = malloc((size + 1) * sizeof *work);
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER, 0);
  sac_grad_result r = {.gradient = a.gradient, .std_error = a.std_error, .jacobian = jacobian};
  work[size] = 12345.0;
  a.status = sac_grad(p, o, n, &r, work, size, &stream, &a.err);
  assert_true(work[size] == 12345.0); /* nothing is written behind the workspace */
  free(work);
  a.calls = r.calls, a.slope_calls = r.slope_calls;
  a.estimator = r.estimator, a.baseline = r.baseline;
  return a;
}

/* the name of a choice, for messages */
static inline const char *name_of(int row, int value) {
  static char text[2][64];
  size_t count;
  const sac_option *table = sac_grad_option_table(&count);
  sac_grad_options o = sac_grad_options_default();
  if (row == 0) o.estimator = value;
  if (row == 1) o.baseline = value;
  sac_option_get(&table[row], &o, text[row], sizeof text[row]);
  return text[row];
}

#endif
