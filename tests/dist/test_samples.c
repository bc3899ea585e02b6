/* Samples: Kolmogorov-Smirnov or chi-square against F, and unbiased gradients, with fixed seeds.
 * The draws are few by default; SAC_TEST_MULTIPLIER scales them (300 gives about 1e7 a family). */
#include "dist/quadrature.h"
#include "sac/special.h"

#include <string.h>

enum { BATCH = 1000 };

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* sqrt(n) sup|F_n - F| of n values of F, which should be uniform: P(> 3) = 2 e^-18 = 3e-8 */
static double kolmogorov(size_t n, double F[]) {
  qsort(F, n, sizeof *F, ascending);
  double worst = 0.0;
  for (size_t i = 0; i < n; i++) {
    worst = fmax(worst, (double)(i + 1) / (double)n - F[i]);
    worst = fmax(worst, F[i] - (double)i / (double)n);
  }
  return worst * sqrt((double)n);
}

static double statistic(const sac_dist *d, const double theta[], size_t n, uint64_t seed) {
  double *F = malloc(n * sizeof *F), z[BATCH], latent[2 * BATCH];
  assert_non_null(F);
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER, 0);
  for (size_t at = 0; at < n; at += BATCH) {
    const size_t rows = n - at < BATCH ? n - at : BATCH;
    sac_error err;
    assert_ok(sac_dist_sample(d, rows, theta, 0, z, latent, &stream, &err), err);
    assert_ok(sac_dist_cdf(d, rows, theta, 0, z, d->latents ? latent : NULL, F + at, NULL, &err),
              err);
    for (size_t i = 0; i < rows; i++) assert_true(z[i] == z[i]);
  }
  const double worst = kolmogorov(n, F);
  free(F);
  return worst;
}

static void samples_follow_the_distribution_function(void **state) {
  (void)state;
  for (int i = 0; i < VISITS; i++) {
    const double worst =
        statistic(family_of(visits + i), visits[i].theta, draws(20000), 11 + (uint64_t)i);
    assert_near(worst, 0.0, 3.0, visits + i, "Kolmogorov-Smirnov");
  }
}

/* Shapes from 1e-6 to 1e8: no draw is lost, NaN, or rounded to the middle; F comes from log z. */
static void extreme_shapes_lose_no_draw(void **state) {
  (void)state;
  static const visit extreme[] = {
      {"gamma", {1e-6, 1.0}},
      {"gamma", {1e-3, 2.0}},
      {"gamma", {1e8, 1.0}},
      {"beta", {1e-6, 1e-6}},
      {"beta", {1e-3, 1e-3}},
      {"beta", {1e-6, 3.0}},
      {"beta", {1e8, 1e8}},
      {"beta", {1e5, 0.01}},
      {"inverse_gamma", {1e-4, 1.0}},
      {"chi_squared", {1e-5}},
      {"student_t", {0.3, 0, 1}},
      {"student_t", {1e6, 0, 1}},
      {"von_mises", {0, 0}},
      {"von_mises", {0, 1e6}},
      {"von_mises", {0, 0.5}},
      {"inverse_gaussian", {1, 1e-6}},
      {"inverse_gaussian", {1, 1e6}},
      {"truncated_normal", {0, 1, 10, 12}},
      {"truncated_normal", {0, 1, 10, HUGE_VAL}},
      {"kumaraswamy", {0.01, 0.02}},
  };
  for (size_t i = 0; i < sizeof extreme / sizeof *extreme; i++) {
    const visit *v = extreme + i;
    const sac_dist *d = family_of(v);
    assert_near(statistic(d, v->theta, draws(10000), 500 + i), 0.0, 3.0, v, "Kolmogorov-Smirnov");
    double z[BATCH], latent[2 * BATCH];
    sac_stream stream = sac_stream_make(i, SAC_STREAM_USER, 1);
    sac_error err;
    assert_ok(sac_dist_sample(d, BATCH, v->theta, 0, z, latent, &stream, &err), err);
    for (size_t r = 0; r < BATCH * d->latents; r++) assert_true(isfinite(latent[r]));
    for (size_t r = 0; d == sac_dist_find("beta") && r < BATCH && v->theta[0] < 1e-2; r++)
      assert_true(z[r] != 0.5);
  }
}

static void discrete_samples_pass_chi_square(void **state) {
  (void)state;
  sac_dist categorical;
  sac_error err;
  assert_ok(sac_dist_categorical(5, &categorical, &err), err);
  const struct {
    const sac_dist *d;
    double theta[5];
  } cases[] = {{sac_dist_find("bernoulli"), {0.3}},
               {sac_dist_find("poisson"), {0.7}},
               {sac_dist_find("poisson"), {12.5}},
               {&categorical, {0.1, -1.0, 2.0, 0.0, 0.5}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const size_t n = draws(20000);
    enum { CELLS = 40 };
    double seen[CELLS] = {0}, z[BATCH];
    sac_stream stream = sac_stream_make(c, SAC_STREAM_USER, 2);
    for (size_t at = 0; at < n; at += BATCH) {
      const size_t rows = n - at < BATCH ? n - at : BATCH;
      assert_ok(sac_dist_sample(cases[c].d, rows, cases[c].theta, 0, z, NULL, &stream, &err), err);
      for (size_t r = 0; r < rows; r++) seen[(int)fmin(z[r], CELLS - 1)] += 1.0;
    }
    double sum = 0.0, cells = 0.0, left = (double)n, rest = (double)n;
    for (int k = 0; k < CELLS; k++) {
      const double at = k;
      double log_p;
      if (sac_dist_log_density(cases[c].d, 1, cases[c].theta, 0, &at, NULL, &log_p, &err) != SAC_OK)
        break;
      const double expected = (double)n * exp(log_p);
      if (expected < 10.0) continue;
      sum += (seen[k] - expected) * (seen[k] - expected) / expected;
      left -= expected;
      rest -= seen[k];
      cells += 1.0;
    }
    if (left > 10.0) sum += (rest - left) * (rest - left) / left;
    /* a chi-squared of `cells` degrees exceeds cells + 5.5 sqrt(2 cells) + 15 less than once in 1e6
     */
    assert_true(sum < cells + 5.5 * sqrt(2.0 * cells) + 15.0);
  }
}

/* The mean of f' dz/dtheta over samples is d/dtheta E f within 5 standard errors (a false alarm
 * once in 1.7e6 a comparison, 279 comparisons with one fixed seed). */
static void sample_gradients_are_unbiased(void **state) {
  (void)state;
  for (int i = 0; i < VISITS; i++) {
    const visit *v = visits + i;
    const sac_dist *d = family_of(v);
    const size_t n = draws(20000), P = d->params;
    double sum[12] = {0}, squares[12] = {0}, z[BATCH], latent[2 * BATCH], dz[4 * BATCH];
    sac_stream stream = sac_stream_make(77, SAC_STREAM_USER, (uint64_t)i);
    for (size_t at = 0; at < n; at += BATCH) {
      const size_t rows = n - at < BATCH ? n - at : BATCH;
      sac_error err;
      assert_ok(sac_dist_sample(d, rows, v->theta, 0, z, latent, &stream, &err), err);
      assert_ok(
          sac_dist_velocity(d, rows, v->theta, 0, z, d->latents ? latent : NULL, dz, NULL, &err),
          err);
      for (size_t r = 0; r < rows; r++)
        for (int index = 0; index < COSTS * (int)P; index++) {
          const double g = dz[r * P + (size_t)(index / COSTS)] * cost_slope(index % COSTS, z[r]);
          sum[index] += g;
          squares[index] += g * g;
        }
    }
    for (int index = 0; index < COSTS * (int)P; index++) {
      if (isinf(v->theta[index / COSTS])) continue;
      const double m = sum[index] / (double)n;
      const double error = sqrt((squares[index] / (double)n - m * m) / (double)n);
      const double want = derivative_of_expectation(d, v, index);
      assert_near(m, want, 5.0 * error + 1e-12, v, "mean of f' dz/dtheta");
    }
  }
}

/* The same (seed, purpose, index) gives the same draws, and a batch's draws do not depend on what
 * is asked for besides z. */
static void streams_decide_the_draws(void **state) {
  (void)state;
  for (int i = 0; i < VISITS; i++) {
    const sac_dist *d = family_of(visits + i);
    double a[70], b[70], latent[140];
    sac_stream one = sac_stream_make(5, SAC_STREAM_USER, 9), two = one;
    sac_error err;
    assert_ok(sac_dist_sample(d, 70, visits[i].theta, 0, a, latent, &one, &err), err);
    assert_ok(sac_dist_sample(d, 70, visits[i].theta, 0, b, NULL, &two, &err), err);
    assert_memory_equal(a, b, sizeof a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(samples_follow_the_distribution_function),
      cmocka_unit_test(extreme_shapes_lose_no_draw),
      cmocka_unit_test(discrete_samples_pass_chi_square),
      cmocka_unit_test(sample_gradients_are_unbiased),
      cmocka_unit_test(streams_decide_the_draws),
  };
  return cmocka_run_group_tests_name("dist.samples", tests, NULL, NULL);
}
