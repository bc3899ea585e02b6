/* Every estimator, with every baseline that fits it, on every one-dimensional family that has it:
 * the mean of n samples' gradients is the exact derivative of the expectation, by quadrature,
 * within five of its own standard errors. The seeds are fixed; blindly picked ones would fail once
 * in 1.7e6 comparisons, of which there are about 3,000. */
#include "cases.h"

static const int baselines[] = {SAC_GRAD_BASELINE_NONE, SAC_GRAD_BASELINE_LEAVE_ONE_OUT,
                                SAC_GRAD_BASELINE_MOVING_AVERAGE, SAC_GRAD_BASELINE_OPTIMAL,
                                SAC_GRAD_BASELINE_DELTA};

enum { BASELINES = sizeof baselines / sizeof *baselines };

/* The score function of von Mises' loc is for costs of period 2 pi: its support moves with loc. */
static int periodic_only(const sac_dist *d, int estimator, size_t j) {
  return d == sac_dist_find("von_mises") && estimator == SAC_GRAD_SCORE && j == 0;
}

static int compared; /* numbers, since a test began */

static void compare(const visit *v, const sac_dist *d, const answer *a, const double exact[],
                    const unsigned char wanted[], const char *what) {
  for (size_t j = 0; j < d->params; j++) {
    if (!wanted[j]) {
      assert_true(a->gradient[j] == 0.0 && a->std_error[j] == 0.0);
      continue;
    }
    compared++;
    /* a central difference's own error is far below its noise here, but not below a noise of 0 */
    assert_near(a->gradient[j], exact[j], 5.0 * a->std_error[j] + 2e-6, v, what);
  }
}

/* the exact derivatives of a visit, computed once */
static const double *exact_of(int place, int which) {
  static double exact[VISITS][COSTS][4];
  static char known[VISITS][COSTS];
  const visit *v = visits + place;
  const sac_dist *d = family_of(v);
  for (size_t j = 0; j < d->params && !known[place][which]; j++)
    if (!isinf(v->theta[j]))
      exact[place][which][j] = derivative_of_expectation(d, v, (int)j * COSTS + which);
  known[place][which] = 1;
  return exact[place][which];
}

static void visit_one(int place, int estimator, int b, int antithetic) {
  const visit *v = visits + place;
  const sac_dist *d = family_of(v);
  const int which = (place + b) % COSTS;
  test_cost c = {.which = which, .D = 1};
  unsigned char wanted[4];
  size_t count = 0;
  for (size_t j = 0; j < d->params; j++) {
    wanted[j] =
        sac_grad_has(d, estimator, j) && !isinf(v->theta[j]) && !periodic_only(d, estimator, j);
    count += wanted[j];
  }
  if (count == 0) return;
  const sac_grad_problem p = {
      .d = d, .theta = v->theta, .cost = {test_f, test_df, NULL, &c}, .wanted = wanted};
  sac_grad_options o = sac_grad_options_default();
  o.estimator = estimator, o.baseline = baselines[b], o.antithetic = antithetic;
  answer a = ask(&p, &o, draws(2000), NULL, 100 + (uint64_t)place);
  if (a.status == SAC_ERR_ARG && strstr(a.err.msg, "no use for baseline")) return;
  if (a.status == SAC_ERR_ARG && strstr(a.err.msg, "pairs of its own")) return;
  if (a.status != SAC_OK && baselines[b] == SAC_GRAD_BASELINE_DELTA)
    return; /* no mean or variance */
  if (a.status != SAC_OK) fail_msg("%s: %s", name_of(0, estimator), a.err.msg);
  if (baselines[b] == SAC_GRAD_BASELINE_DELTA) {
    /* what is left is carried by rare samples where the tails are heavy: its own error is too
     * small; a fifth of the bare estimator's is added */
    o.baseline = SAC_GRAD_BASELINE_NONE;
    const answer bare = ask(&p, &o, draws(2000), NULL, 100 + (uint64_t)place);
    for (size_t j = 0; j < d->params; j++)
      if (wanted[j]) a.std_error[j] += 0.2 * bare.std_error[j];
  }
  char what[160];
  snprintf(what, sizeof what, "cost %d, %s, %s%s", which, name_of(0, estimator),
           name_of(1, baselines[b]), antithetic ? ", antithetic" : "");
  compare(v, d, &a, exact_of(place, which), wanted, what);
}

/* at least `least` numbers are compared: a test that skips everything has failed */
static void all(int estimator, int least) {
  compared = 0;
  for (int i = 0; i < 2 * BASELINES * VISITS; i++)
    visit_one(i / (2 * BASELINES), estimator, i / 2 % BASELINES, i % 2);
  if (compared < least) fail_msg("only %d numbers were compared", compared);
}

#define TEST(name, estimator, least) \
  static void name(void **state) {   \
    (void)state;                     \
    all(estimator, least);           \
  }
TEST(score_is_unbiased, SAC_GRAD_SCORE, 500)
TEST(explicit_is_unbiased, SAC_GRAD_EXPLICIT, 140)
TEST(implicit_is_unbiased, SAC_GRAD_IMPLICIT, 220)
TEST(generalized_is_unbiased, SAC_GRAD_GENERALIZED, 400)
TEST(rejection_is_unbiased, SAC_GRAD_REJECTION, 120)
TEST(gamma_ratio_is_unbiased, SAC_GRAD_GAMMA_RATIO, 10)
TEST(measure_valued_is_unbiased, SAC_GRAD_MEASURE_VALUED, 20)
TEST(uncoupled_is_unbiased, SAC_GRAD_MEASURE_VALUED_UNCOUPLED, 20)
TEST(finite_difference_is_unbiased, SAC_GRAD_FINITE_DIFFERENCE, 140)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(score_is_unbiased),
      cmocka_unit_test(explicit_is_unbiased),
      cmocka_unit_test(implicit_is_unbiased),
      cmocka_unit_test(generalized_is_unbiased),
      cmocka_unit_test(rejection_is_unbiased),
      cmocka_unit_test(gamma_ratio_is_unbiased),
      cmocka_unit_test(measure_valued_is_unbiased),
      cmocka_unit_test(uncoupled_is_unbiased),
      cmocka_unit_test(finite_difference_is_unbiased),
  };
  return cmocka_run_group_tests_name("grad.unbiased", tests, NULL, NULL);
}
