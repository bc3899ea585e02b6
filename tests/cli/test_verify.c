/* The checker of the derivation: it passes the library's gamma, and for every function that is
 * broken it fails the lines that rest on it, and no others. */
#include "check.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

static const sac_dist *real; /* the gamma behind the broken ones */

static void wrong_velocity(const sac_dist *d, const double theta[], const double z[],
                           const double latent[], double out[]) {
  (void)d;
  real->velocity(real, theta, z, latent, out);
  for (size_t i = 0; i < 4; i++) out[i] *= 1.0 + 1e-6;
}

static void wrong_score(const sac_dist *d, const double theta[], const double z[],
                        const double latent[], double out[]) {
  (void)d;
  real->score(real, theta, z, latent, out);
  out[0] += 1e-6;
}

/* a density that is too large everywhere, as with a wrong constant */
static void wrong_density(const sac_dist *d, const double theta[], const double z[],
                          const double latent[], double out[]) {
  (void)d;
  real->log_density(real, theta, z, latent, out);
  out[0] += 1e-6;
}

static void wrong_cdf(const sac_dist *d, const double theta[], const double z[],
                      const double latent[], double out[]) {
  (void)d;
  real->cdf(real, theta, z, latent, out);
  out[0] *= 1.0 + 1e-6;
  out[1] *= 1.0 + 1e-6;
}

static void wrong_quantile(const sac_dist *d, const double theta[], const double z[],
                           const double latent[], double out[]) {
  (void)d;
  real->quantile(real, theta, z, latent, out);
  out[0] *= 1.0 + 1e-6;
  out[1] += log1p(1e-6);
}

/* the equations that fail for gamma with one function replaced, as bits */
static unsigned failures(const sac_dist *d) {
  const verify_case c = {
      .d = d, .label = "gamma", .theta = {2.3, 1.4}, .count = 2, .param = {0, 1}};
  verify_report r = {.status = SAC_OK};
  verify_distribution(&r, &c);
  if (r.status != SAC_OK) fail_msg("%s", r.err.msg);
  assert_int_equal(r.count, 3 + 7 * VERIFY_COSTS); /* inverse, path, golden; a row a cost */
  unsigned failed = 0;
  size_t count = 0;
  for (size_t i = 0; i < r.count; i++) {
    assert_true(r.row[i].error >= 0.0);
    if (r.row[i].pass) continue;
    failed |= 1u << r.row[i].equation;
    count++;
  }
  assert_int_equal(count, r.failed);
  free(r.row);
  return failed;
}

static sac_dist copy_of_gamma(void) {
  real = sac_dist_find("gamma");
  sac_dist d = *real; /* without the batched forms, which would go round the broken function */
  d.log_density_n = d.velocity_n = d.score_n = d.cdf_n = NULL;
  return d;
}

#define BIT(name) (1u << VERIFY_##name)

static void gamma_passes(void **state) {
  (void)state;
  const sac_dist d = copy_of_gamma();
  assert_int_equal(failures(real), 0);
  assert_int_equal(failures(&d), 0);
}

static void wrong_functions_are_found(void **state) {
  (void)state;
  sac_dist d = copy_of_gamma();
  d.velocity = wrong_velocity;
  assert_int_equal(failures(&d), BIT(PATH) | BIT(GOLDEN) | BIT(IMPLICIT) | BIT(FINAL));
  d = copy_of_gamma();
  d.score = wrong_score;
  assert_int_equal(failures(&d), BIT(SCORE));
  d = copy_of_gamma();
  d.log_density = wrong_density;
  assert_int_equal(failures(&d), BIT(LEIBNIZ) | BIT(SCORE) | BIT(GOLDEN) | BIT(IMPLICIT));
  d = copy_of_gamma();
  d.cdf = wrong_cdf;
  assert_int_equal(failures(&d), BIT(INVERSE) | BIT(GOLDEN));
  d = copy_of_gamma();
  d.quantile = wrong_quantile; /* a sample that is off moves both sides of the others */
  assert_true(failures(&d) & BIT(INVERSE));
}

/* the worst parameter stays, NaN is a failure, and the error is relative above 1 */
static void rows_are_kept(void **state) {
  (void)state;
  verify_report r = {.status = SAC_OK};
  verify_add(&r, VERIFY_FINAL, "d", "a", "cos", 2.0 + 2e-11, 2.0);
  verify_add(&r, VERIFY_FINAL, "d", "b", "cos", 2.0 + 1e-11, 2.0);
  assert_int_equal(r.count, 1);
  assert_string_equal(r.row[0].parameter, "a");
  assert_close(r.row[0].error, 1e-11, 1e-15, 0.0);
  assert_int_equal(r.failed, 0);
  verify_add(&r, VERIFY_FINAL, "d", "c", "cos", 3.0, 2.0);
  assert_int_equal(r.failed, 1);
  verify_add(&r, VERIFY_FINAL, "d", "a", "tanh", (double)NAN, 2.0);
  assert_int_equal(r.failed, 2);
  verify_add(&r, VERIFY_FINAL, "d", "b", "tanh", 2.0, 2.0); /* does not hide it */
  assert_int_equal(r.failed, 2);
  assert_int_equal(r.count, 2);
  free(r.row);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gamma_passes),
      cmocka_unit_test(wrong_functions_are_found),
      cmocka_unit_test(rows_are_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
