/* No estimator and no baseline allocates: every way to memory is counted, and the counter stands
 * still; the caller's workspace is all there is. */
#include "allocations.h"
#include "cases.h"

enum { N = 24 };

static void check(const sac_dist *d, const double theta[], int estimator, int baseline) {
  static double work[N * 400], gradient[64], std_error[64], jacobian[N * 64];
  test_cost c = {.which = 0, .D = d->dim};
  unsigned char wanted[64];
  size_t count = 0;
  for (size_t j = 0; j < d->params; j++) count += wanted[j] = sac_grad_has(d, estimator, j) != 0;
  if (count == 0) return;
  const sac_grad_control control = {test_f, test_df, NULL, &c};
  const sac_grad_problem p = {.d = d,
                              .theta = theta,
                              .cost = {test_f, test_df, NULL, &c},
                              .control = &control,
                              .wanted = wanted};
  sac_grad_options o = sac_grad_options_default();
  o.estimator = estimator, o.baseline = baseline;
  sac_grad_result r = {.gradient = gradient, .std_error = std_error, .jacobian = jacobian};
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  sac_error err = {.msg = ""};
  assert_true(sac_grad_work_size(d, N) <= sizeof work / sizeof *work);
  const unsigned long before = atomic_load(&allocations);
  const sac_status status =
      sac_grad(&p, &o, N, &r, work, sizeof work / sizeof *work, &stream, &err);
  assert_int_equal(atomic_load(&allocations) - before, 0); /* an error does not either */
  assert_true(status == SAC_OK || status == SAC_ERR_ARG || status == SAC_ERR_DOMAIN);
}

static void check_all(const sac_dist *d, const double theta[]) {
  for (int e = 0; e < SAC_GRAD_ESTIMATORS; e++)
    for (int b = 0; b < SAC_GRAD_BASELINES; b++) check(d, theta, e, b);
}

static void nothing_is_allocated(void **state) {
  (void)state;
  if (!COUNTED) {
    print_message("the allocator is not glibc's own here: skipped\n");
    skip();
  }
  void *volatile block = malloc(1);
  assert_true(atomic_load(&allocations) > 0); /* the counter works */
  free(block);
  for (int i = 0; i < VISITS; i++) check_all(family_of(visits + i), visits[i].theta);
  static const double normals[] = {0.1, -0.2, 1.0, 0.3, 0.8}, shapes[] = {0.7, 2.0, 1.2};
  static const double mixed[] = {0.1, -0.1, 0, 1, 0.5, 0.4, -1, 0.6, 1, 1.3};
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mvn(2, &d, &err), err);
  check_all(&d, normals);
  assert_ok(sac_dist_dirichlet(3, &d, &err), err);
  check_all(&d, shapes);
  assert_ok(sac_dist_mixture(sac_dist_find("normal"), 2, 2, &d, &err), err);
  check_all(&d, mixed);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_allocated)};
  return cmocka_run_group_tests_name("grad.allocations", tests, NULL, NULL);
}
