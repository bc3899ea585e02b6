/* Samples: Kolmogorov-Smirnov or chi-square against F, with fixed seeds. SAC_TEST_MULTIPLIER scales
 * the number of draws. */
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
      {"truncated_normal", {0, 1, -HUGE_VAL, -30}},
      {"truncated_normal", {0, 1, 0.39, 0.7}},
      {"truncated_normal", {0, 1, -0.3, 40}},
      {"truncated_normal", {0, 1, 3, 3.01}},
      {"truncated_normal", {0, 1, -6, 6}},
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

static double discrete_F(const sac_dist *d, const double theta[], double z) {
  double lower;
  sac_error err;
  assert_ok(sac_dist_cdf(d, 1, theta, 0, &z, NULL, &lower, NULL, &err), err);
  return lower;
}

/* Chi-square over cells of `width` whole numbers from `low` on, what lies outside in one more. */
static void discrete_samples_pass_chi_square(void **state) {
  (void)state;
  sac_dist categorical;
  sac_error err;
  assert_ok(sac_dist_categorical(5, &categorical, &err), err);
  const sac_dist *bernoulli = sac_dist_find("bernoulli"), *poisson = sac_dist_find("poisson");
  const struct {
    const sac_dist *d;
    double theta[5], low, width;
  } cases[] = {{bernoulli, {0.3}, 0, 1},
               {poisson, {0.7}, 0, 1},
               {poisson, {9.9}, 0, 1},
               {poisson, {10.0}, 0, 1},
               {poisson, {25.0}, 6, 1},
               {poisson, {300.0}, 230, 4},
               {poisson, {1e6}, 995500, 220},
               {poisson, {1e12}, 1e12 - 4.5e6, 225000},
               {&categorical, {0.1, -1.0, 2.0, 0.0, 0.5}, 0, 1}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const size_t n = draws(20000);
    enum { CELLS = 40 };
    const sac_dist *d = cases[c].d;
    const double *theta = cases[c].theta, low = cases[c].low, width = cases[c].width;
    double seen[CELLS + 1] = {0}, z[BATCH];
    sac_stream stream = sac_stream_make(c, SAC_STREAM_USER, 2);
    for (size_t at = 0; at < n; at += BATCH) {
      const size_t rows = n - at < BATCH ? n - at : BATCH;
      assert_ok(sac_dist_sample(d, rows, theta, 0, z, NULL, &stream, &err), err);
      for (size_t r = 0; r < rows; r++) {
        const double cell = floor((z[r] - low) / width);
        seen[cell >= 0.0 && cell < CELLS ? (int)cell : CELLS] += 1.0;
      }
    }
    double sum = 0.0, cells = 0.0, left = (double)n, rest = (double)n;
    double before = low > 0.0 ? discrete_F(d, theta, low - 1.0) : 0.0;
    for (int k = 0; k < CELLS; k++) {
      const double last = low + width * (k + 1) - 1.0;
      if (d == &categorical && last > 4.0) break;
      if (d == bernoulli && last > 1.0) break;
      const double F = discrete_F(d, theta, last), expected = (double)n * (F - before);
      before = F;
      if (expected < 10.0) continue;
      sum += (seen[k] - expected) * (seen[k] - expected) / expected;
      left -= expected;
      rest -= seen[k];
      cells += 1.0;
    }
    if (left > 10.0) sum += (rest - left) * (rest - left) / left;
    /* a chi-squared of `cells` degrees exceeds cells + 5.5 sqrt(2 cells) + 15 less than once in 1e6
     */
    assert_true(cells >= 2.0 && sum < cells + 5.5 * sqrt(2.0 * cells) + 15.0);
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
      cmocka_unit_test(streams_decide_the_draws),
  };
  return cmocka_run_group_tests_name("dist.samples", tests, NULL, NULL);
}
