/* Bad input comes back as a status and a message that names the thing, and touches nothing. */
#include "cases.h"

static const double gamma_theta[2] = {2.0, 1.0};

static test_cost plain = {.which = 0, .D = 1};

static sac_grad_problem gamma_problem(void) {
  return (sac_grad_problem){
      .d = sac_dist_find("gamma"), .theta = gamma_theta, .cost = {test_f, test_df, NULL, &plain}};
}

/* the call fails with that status, says the words, and leaves every output as it was */
static void refuses(const sac_grad_problem *p, const sac_grad_options *o, size_t n, sac_status want,
                    const char *words) {
  static double work[20000], gradient[64], std_error[64], jacobian[2000];
  for (int i = 0; i < 64; i++) gradient[i] = std_error[i] = jacobian[i] = 7.0;
  sac_grad_result r = {.gradient = gradient,
                       .std_error = std_error,
                       .jacobian = jacobian,
                       .estimator = -3,
                       .calls = 99};
  sac_stream stream = sac_stream_make(4, SAC_STREAM_USER, 0);
  sac_error err = {.msg = ""};
  const sac_status status = sac_grad(p, o, n, &r, work, sizeof work / sizeof *work, &stream, &err);
  if (status != want || !strstr(err.msg, words))
    fail_msg("%s: '%s' does not say '%s'", sac_status_name(status), err.msg, words);
  for (int i = 0; i < 64; i++)
    assert_true(gradient[i] == 7.0 && std_error[i] == 7.0 && jacobian[i] == 7.0);
  assert_true(r.estimator == -3 && r.calls == 99);
}

static sac_grad_options with(int estimator, int baseline) {
  sac_grad_options o = sac_grad_options_default();
  o.estimator = estimator, o.baseline = baseline;
  return o;
}

static void estimators_that_a_parameter_has_not_are_named(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  sac_grad_options o = with(SAC_GRAD_EXPLICIT, SAC_GRAD_BASELINE_AUTO);
  refuses(&p, &o, 10, SAC_ERR_ARG,
          "gamma: parameter 0, shape, has no estimator explicit: it has score, implicit, "
          "generalized, rejection, finite_difference");
  const unsigned char rate_only[2] = {0, 1};
  p.wanted = rate_only; /* the rate has it */
  assert_int_equal(ask(&p, &o, 10, NULL, 1).status, SAC_OK);
  p.wanted = NULL;
  o.estimator = SAC_GRAD_TRANSPORT;
  refuses(&p, &o, 10, SAC_ERR_ARG, "has no estimator transport");
  const double half = 0.5;
  p.d = sac_dist_find("bernoulli"), p.theta = &half;
  o.estimator = SAC_GRAD_IMPLICIT;
  refuses(&p, &o, 10, SAC_ERR_ARG, "it has score, measure_valued");
  /* an end of the support is no parameter for the score function: Leibniz' boundary term */
  const double cut[4] = {0.0, 1.0, -1.0, 1.0};
  p.d = sac_dist_find("truncated_normal"), p.theta = cut;
  o.estimator = SAC_GRAD_SCORE;
  refuses(&p, &o, 10, SAC_ERR_ARG, "parameter 2, low, has no estimator score");
}

static void what_the_cost_lacks_is_named(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  p.cost.df = NULL;
  sac_grad_options o = with(SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_AUTO);
  refuses(&p, &o, 10, SAC_ERR_ARG, "implicit needs df");
  o.estimator = SAC_GRAD_REJECTION;
  refuses(&p, &o, 10, SAC_ERR_ARG, "rejection needs df");
  p.cost = (sac_grad_cost){NULL, test_df, NULL, &plain};
  o.estimator = SAC_GRAD_SCORE;
  refuses(&p, &o, 10, SAC_ERR_ARG, "no f");
  o.estimator = SAC_GRAD_IMPLICIT; /* asks df alone */
  assert_int_equal(ask(&p, &o, 10, NULL, 1).status, SAC_OK);
  p.cost.df = NULL;
  refuses(&p, &o, 10, SAC_ERR_ARG, "neither f nor df");
}

/* a cost that is not finite at its 3rd point */
static void third_is_bad(void *context, size_t n, const double theta[], const double z[],
                         double out[]) {
  (void)theta, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = i == 3 ? *(double *)context : 1.0;
}

static void costs_that_are_not_finite_are_located(void **state) {
  (void)state;
  double bad[2] = {(double)NAN, HUGE_VAL};
  for (int k = 0; k < 2; k++) {
    sac_grad_problem p = gamma_problem();
    sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_AUTO);
    p.cost = (sac_grad_cost){third_is_bad, third_is_bad, NULL, &bad[k]};
    refuses(&p, &o, 10, SAC_ERR_DIVERGED, k ? "sample 3: f is inf at z = " : "sample 3: f is ");
    o.estimator = SAC_GRAD_FINITE_DIFFERENCE;
    refuses(&p, &o, 10, SAC_ERR_DIVERGED, "sample 3: f is ");
    o.estimator = SAC_GRAD_IMPLICIT;
    refuses(&p, &o, 10, SAC_ERR_DIVERGED, "sample 3: df is ");
  }
}

static void infinite_direct(void *context, size_t n, const double theta[], const double z[],
                            double out[]) {
  (void)context, (void)theta, (void)z;
  for (size_t i = 0; i < 2 * n; i++) out[i] = i == 11 ? -HUGE_VAL : 0.0;
}

static void other_callbacks_are_located_too(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  sac_grad_options o = with(SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_AUTO);
  p.cost.dtheta = infinite_direct;
  refuses(&p, &o, 10, SAC_ERR_DIVERGED, "sample 5: df/dtheta is -inf");
  p = gamma_problem();
  double nan = (double)NAN;
  const sac_grad_control control = {third_is_bad, test_df, NULL, &nan};
  p.control = &control;
  o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_CONTROL);
  refuses(&p, &o, 10, SAC_ERR_DIVERGED, "sample 3: the control variate is ");
}

static void sizes_are_checked(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_LEAVE_ONE_OUT);
  refuses(&p, &o, 1, SAC_ERR_ARG, "n = 1: baseline leave_one_out must have at least 2");
  refuses(&p, &o, 0, SAC_ERR_ARG, "n = 0");
  o.antithetic = 1;
  refuses(&p, &o, 2, SAC_ERR_ARG, "at least 4 with antithetic pairs");
  refuses(&p, &o, 5, SAC_ERR_ARG, "n = 5: must be even");
  o.antithetic = 0, o.baseline = SAC_GRAD_BASELINE_OPTIMAL;
  refuses(&p, &o, 1, SAC_ERR_ARG, "baseline optimal must have at least 2");
  o.baseline = SAC_GRAD_BASELINE_DELTA;
  refuses(&p, &o, 2, SAC_ERR_ARG, "baseline delta must have at least 3");
  double work[4], gradient[2];
  sac_grad_result r = {.gradient = gradient};
  sac_stream stream = sac_stream_make(4, SAC_STREAM_USER, 0);
  sac_error err;
  assert_int_equal(sac_grad(&p, NULL, 10, &r, work, 4, &stream, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "workspace of 4"));
  /* a number of doubles that a size_t cannot hold must not wrap around to a small one */
  for (int bits = 40; bits < 64; bits++) {
    const size_t n = (size_t)1 << bits, needed = sac_grad_work_size(p.d, n);
    assert_true(needed > n); /* 2^61 * 16 doubles and so on: SIZE_MAX */
    assert_int_equal(sac_grad(&p, NULL, n, &r, work, 4, &stream, &err), SAC_ERR_ARG);
  }
  assert_true(sac_grad_work_size(p.d, SIZE_MAX / 2) == SIZE_MAX);
}

static void baselines_must_fit(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  sac_grad_options o = with(SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_LEAVE_ONE_OUT);
  refuses(&p, &o, 10, SAC_ERR_ARG, "implicit has no use for baseline leave_one_out");
  o = with(SAC_GRAD_FINITE_DIFFERENCE, SAC_GRAD_BASELINE_DELTA);
  refuses(&p, &o, 10, SAC_ERR_ARG, "finite_difference has no use for baseline delta");
  o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_CONTROL);
  refuses(&p, &o, 10, SAC_ERR_ARG, "control needs c, and one of dc and k");
  const double cauchy[2] = {0.0, 1.0};
  p.d = sac_dist_find("cauchy"), p.theta = cauchy;
  o.baseline = SAC_GRAD_BASELINE_DELTA;
  refuses(&p, &o, 10, SAC_ERR_DOMAIN, "mean");
}

static void ranges_are_checked(void **state) {
  (void)state;
  sac_grad_problem p = gamma_problem();
  sac_grad_options o = sac_grad_options_default();
  const double negative[2] = {2.0, -1.0};
  p.theta = negative;
  refuses(&p, &o, 10, SAC_ERR_DOMAIN, "rate = -1: must be in (0, inf)");
  p.theta = gamma_theta;
  o.fd_step = 0.5;
  refuses(&p, &o, 10, SAC_ERR_ARG, "fd_step");
  o = sac_grad_options_default();
  o.estimator = 99;
  refuses(&p, &o, 10, SAC_ERR_ARG, "estimator");
  o = with(SAC_GRAD_REJECTION, SAC_GRAD_BASELINE_AUTO);
  o.rejection_boost = 0;
  const double small[2] = {0.4, 1.0};
  p.theta = small;
  refuses(&p, &o, 10, SAC_ERR_ARG, "rejection_boost = 0");
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mixture(sac_dist_find("normal"), 2, 2, &d, &err), err);
  const double mixed[10] = {0, 0, 0, 1, 0, 1, 0, 1, 0, 1};
  test_cost two = {.which = 0, .D = 2};
  p = (sac_grad_problem){.d = &d, .theta = mixed, .cost = {test_f, test_df, NULL, &two}};
  o = sac_grad_options_default();
  o.antithetic = 1;
  refuses(&p, &o, 10, SAC_ERR_ARG, "antithetic: mixture in 2 dimensions has no quantile");
}

/* d/da E[z^2] = 2 a + 1, but nothing of Gamma(1e-100, 1) lies where a quadrature in u can see it:
 * all z are 0 in double precision but for a mass of 1e-97. No answer is better than 0. */
static void exact_gradients_that_nothing_can_see_are_refused(void **state) {
  (void)state;
  static const double small[3] = {1e-50, 1e-70, 1e-100};
  for (int k = 0; k < 3; k++) {
    const double theta[2] = {small[k], 1.0};
    sac_grad_problem p = gamma_problem();
    p.theta = theta;
    double out[2] = {7.0, 7.0};
    sac_error err = {.msg = ""};
    assert_int_equal(sac_grad_exact(&p, 0, NULL, out, &err), SAC_ERR_DIVERGED);
    assert_non_null(strstr(err.msg, "has not settled"));
    assert_true(out[0] == 7.0 && out[1] == 7.0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(estimators_that_a_parameter_has_not_are_named),
      cmocka_unit_test(what_the_cost_lacks_is_named),
      cmocka_unit_test(costs_that_are_not_finite_are_located),
      cmocka_unit_test(other_callbacks_are_located_too),
      cmocka_unit_test(sizes_are_checked),
      cmocka_unit_test(baselines_must_fit),
      cmocka_unit_test(ranges_are_checked),
      cmocka_unit_test(exact_gradients_that_nothing_can_see_are_refused),
  };
  return cmocka_run_group_tests_name("grad.errors", tests, NULL, NULL);
}
