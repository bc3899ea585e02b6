/* What must hold of any distribution, whatever the method: derivatives against differences, the
 * transport equation, the pathwise identity against the score function's, moments against
 * quadrature. */
#include "dist/quadrature.h"

/* ---- tools ---------------------------------------------------------------------------------- */

/* the z at probability u */
static double quantile(const sac_dist *d, const double theta[], double u) {
  double z;
  sac_error err;
  assert_ok(sac_dist_quantile(d, 1, theta, 0, &u, 0, &z, NULL, &err), err);
  return z;
}

static double log_density(const sac_dist *d, const double theta[], double z) {
  double out;
  sac_error err;
  assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, NULL, &out, &err), err);
  return out;
}

static void velocity(const sac_dist *d, const double theta[], double z, double v[]) {
  sac_error err;
  assert_ok(sac_dist_velocity(d, 1, theta, 0, &z, NULL, v, NULL, &err), err);
}

static void score(const sac_dist *d, const double theta[], double z, double s[]) {
  sac_error err;
  assert_ok(sac_dist_score(d, 1, theta, 0, &z, NULL, s, &err), err);
}

static double slope(const sac_dist *d, const double theta[], double z) {
  double out;
  sac_error err;
  assert_ok(sac_dist_dlog_density(d, 1, theta, 0, &z, NULL, &out, NULL, &err), err);
  return out;
}

static const double places[] = {0.001, 0.03, 0.2, 0.45, 0.62, 0.85, 0.97, 0.9995};
enum { PLACES = sizeof places / sizeof *places };

/* a step that is small against how fast things change around z: the distance to nearby quantiles */
static double step_at(const sac_dist *d, const double theta[], double u) {
  const double du = 0.02 * fmin(u, 1.0 - u);
  return 0.1 * fabs(quantile(d, theta, u + du) - quantile(d, theta, u - du));
}

/* where a density has a kink, differences across it mean nothing */
static int has_kink(const visit *v, double z, double h) {
  const sac_dist *d = family_of(v);
  const int kinked = d == sac_dist_find("laplace") || d == sac_dist_find("generalized_normal");
  return kinked && fabs(z - v->theta[0]) < 4.0 * h;
}

/* ---- derivatives ---------------------------------------------------------------------------- */

/* d log p/dz and the score are derivatives of the log density: fourth-order differences */
static void derivatives_match_differences(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (int k = 0; k < PLACES; k++) {
      const double z = quantile(d, v->theta, places[k]), h = step_at(d, v->theta, places[k]);
      if (has_kink(v, z, h)) continue;
      const double want =
          (8.0 * (log_density(d, v->theta, z + h) - log_density(d, v->theta, z - h)) -
           (log_density(d, v->theta, z + 2 * h) - log_density(d, v->theta, z - 2 * h))) /
          (12.0 * h);
      const double got = slope(d, v->theta, z);
      assert_near(got, want, 1e-7 * (1.0 + fabs(want)) + 1e-12 / h, v, "d log p/dz");
      double s[4];
      score(d, v->theta, z, s);
      for (size_t j = 0; j < d->params; j++) {
        if (isinf(v->theta[j])) {
          assert_true(s[j] == 0.0);
          continue;
        }
        double t[4], value[4];
        const double e = 2e-4 * fmax(fabs(v->theta[j]), 0.05);
        for (int m = 0; m < 4; m++) {
          for (int i = 0; i < 4; i++) t[i] = v->theta[i];
          t[j] += (m < 2 ? m - 2 : m - 1) * e; /* -2 -1 1 2 */
          double ends[2] = {d->low, d->high};
          if (d->support) d->support(d, t, NULL, NULL, ends);
          value[m] = z > ends[0] && z < ends[1] ? log_density(d, t, z) : (double)NAN;
        }
        const double slope4 = (8.0 * (value[2] - value[1]) - (value[3] - value[0])) / (12.0 * e);
        if (isnan(slope4)) continue; /* z is within a step of the end that moves */
        assert_near(s[j], slope4, 1e-7 * (1.0 + fabs(slope4)), v, "score");
      }
    }
  }
}

/* ---- transport ------------------------------------------------------------------------------ */

/* v' + v (log q)' + d_theta log q = 0: what makes v the derivative of a sample (estimators.md 3.1)
 */
static void velocities_solve_the_transport_equation(void **state) {
  (void)state;
  for (const visit *p = visits; p < visits + VISITS; p++) {
    const sac_dist *d = family_of(p);
    for (int k = 0; k < PLACES; k++) {
      const double z = quantile(d, p->theta, places[k]), h = step_at(d, p->theta, places[k]);
      if (has_kink(p, z, h)) continue;
      double near[5][4], s[4];
      for (int m = -2; m <= 2; m++) velocity(d, p->theta, z + m * h, near[m + 2]);
      score(d, p->theta, z, s);
      for (size_t j = 0; j < d->params; j++) {
        const double dv =
            (8.0 * (near[3][j] - near[1][j]) - (near[4][j] - near[0][j])) / (12.0 * h);
        const double drift = near[2][j] * slope(d, p->theta, z);
        const double size = fabs(dv) + fabs(drift) + fabs(s[j]);
        assert_near(dv + drift + s[j], 0.0, 2e-8 * size, p, "transport residual");
      }
    }
  }
}

/* ---- the pathwise identity ------------------------------------------------------------------ */

static void pathwise_gradients_are_unbiased(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (int index = 0; index < COSTS * (int)d->params; index++) {
      if (isinf(v->theta[index / COSTS])) continue;
      const double want = derivative_of_expectation(d, v, index);
      const double got = expect(d, v->theta, pathwise, index);
      assert_near(got, want, 1e-9 * (1.0 + fabs(want)), v, "E[v f']");
    }
  }
}

/* ---- F, quantiles, moments ------------------------------------------------------------------ */

static void quantiles_invert_the_distribution_function(void **state) {
  (void)state;
  static const double tails[] = {1e-12, 1e-6, 0.01, 0.3, 0.5};
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (int k = 0; k < 5; k++) {
      for (int upper = 0; upper < 2; upper++) {
        double z, latent[2], both[2];
        sac_error err;
        assert_ok(sac_dist_quantile(d, 1, v->theta, 0, &tails[k], upper, &z, latent, &err), err);
        assert_ok(sac_dist_cdf(d, 1, v->theta, 0, &z, latent, &both[0], &both[1], &err), err);
        /* z itself has 53 bits: where p z is large against the tail that is all it can say */
        const double grain = 4e-16 * fabs(z) * exp(log_density(d, v->theta, z));
        assert_near(both[upper], tails[k], 1e-12 * tails[k] + (d->latents ? 0.0 : grain), v,
                    upper ? "1 - F(Q)" : "F(Q)");
        assert_near(both[0] + both[1], 1.0, 1e-14, v, "F + (1 - F)");
      }
    }
  }
}

static double just_z(const sac_dist *d, const double theta[], double z, double latent[2], int i) {
  (void)d, (void)theta, (void)latent, (void)i;
  return z;
}

static double square_gap(const sac_dist *d, const double theta[], double z, double latent[2],
                         int i) {
  (void)latent, (void)i;
  double m;
  sac_error err;
  assert_ok(sac_dist_mean(d, 1, theta, 0, &m, &err), err);
  return (z - m) * (z - m);
}

static double surprise(const sac_dist *d, const double theta[], double z, double latent[2], int i) {
  (void)i;
  double out;
  sac_error err;
  assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, latent, &out, &err), err);
  return -out;
}

static void moments_match_quadrature(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    double m, s2, h;
    sac_error err;
    assert_ok(sac_dist_entropy(d, 1, v->theta, 0, &h, &err), err);
    assert_near(h, expect(d, v->theta, surprise, 0), 2e-11 * (1.0 + fabs(h)), v, "entropy");
    if (sac_dist_mean(d, 1, v->theta, 0, &m, &err) != SAC_OK || isinf(m)) continue;
    assert_near(m, expect(d, v->theta, just_z, 0), 1e-11 * (1.0 + fabs(m)), v, "mean");
    if (sac_dist_variance(d, 1, v->theta, 0, &s2, &err) != SAC_OK || isinf(s2)) continue;
    /* a tail like t^-5 gives the rule its last digits late */
    const double loose = d == sac_dist_find("student_t") ? 1e-8 : 1e-10;
    assert_near(s2, expect(d, v->theta, square_gap, 0), loose * (s2 + 1e-3), v, "variance");
  }
}

/* the other theta of a KL: every parameter a little larger */
static void neighbour(const sac_dist *d, const visit *v, double other[4]) {
  for (int j = 0; j < 4; j++) other[j] = v->theta[j] + 0.1 * fabs(v->theta[j]) + 0.01;
  if (d->support) { /* the other interval holds this one */
    other[2] = v->theta[2] - 0.1;
    other[3] = v->theta[3] + 0.3;
  }
}

static double log_ratio(const sac_dist *d, const double theta[], double z, double latent[2],
                        int i) {
  visit v = {.name = visits[i].name};
  double other[4], here, there;
  for (int j = 0; j < 4; j++) v.theta[j] = theta[j];
  neighbour(d, &v, other);
  sac_error err;
  assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, latent, &here, &err), err);
  assert_ok(sac_dist_log_density(d, 1, other, 0, &z, latent, &there, &err), err);
  return here - there;
}

static void kl_matches_quadrature(void **state) {
  (void)state;
  for (int i = 0; i < VISITS; i++) {
    const visit *v = visits + i;
    const sac_dist *d = family_of(v);
    double other[4], kl, self;
    sac_error err;
    neighbour(d, v, other);
    assert_ok(sac_dist_kl(d, 1, v->theta, 0, other, 0, &kl, &err), err);
    assert_ok(sac_dist_kl(d, 1, v->theta, 0, v->theta, 0, &self, &err), err);
    assert_near(self, 0.0, 1e-13, v, "KL to itself");
    assert_true(kl > 0.0);
    /* kinks at two places: the plain rule sees them late */
    const int kinked = d == sac_dist_find("laplace") || d == sac_dist_find("generalized_normal");
    assert_near(kl, expect(d, v->theta, log_ratio, i), kinked ? 2e-4 : 1e-9, v, "KL");
  }
}

/* no quantile is denser than the mode */
static void modes_are_the_densest_points(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    double mode;
    sac_error err;
    assert_ok(sac_dist_mode(d, 1, v->theta, 0, &mode, &err), err);
    const double peak = log_density(d, v->theta, mode);
    for (int k = 1; k < 200; k++)
      assert_true(log_density(d, v->theta, quantile(d, v->theta, k / 200.0)) <= peak + 1e-12);
  }
}

/* ---- vjp ------------------------------------------------------------------------------------ */

/* vjp is g times the velocity, and glatent times the latent's, which is dlatent/dz dz/dtheta */
static void vjp_is_the_product(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    const double z = quantile(d, v->theta, 0.3), g = -1.7, gl[2] = {0.4, -2.2}, h = 1e-5 * fabs(z);
    double dz[4], dl[8], out[4];
    sac_error err;
    assert_ok(sac_dist_velocity(d, 1, v->theta, 0, &z, NULL, dz, dl, &err), err);
    assert_ok(sac_dist_vjp(d, 1, v->theta, 0, &z, NULL, &g, d->latents ? gl : NULL, out, &err),
              err);
    for (size_t j = 0; j < d->params; j++) {
      double want = g * dz[j];
      for (size_t l = 0; l < d->latents; l++) {
        double up[2], down[2];
        const double a = z + h, b = z - h;
        d->to_latent(d, v->theta, &a, NULL, up);
        d->to_latent(d, v->theta, &b, NULL, down);
        assert_near(dl[l * d->params + j], (up[l] - down[l]) / (a - b) * dz[j],
                    1e-8 * (fabs(dl[l * d->params + j]) + 1e-12), v, "latent velocity");
        want += gl[l] * dl[l * d->params + j];
      }
      assert_near(out[j], want, 1e-14 * (1.0 + fabs(want)) * 10.0, v, "vjp");
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(derivatives_match_differences),
      cmocka_unit_test(velocities_solve_the_transport_equation),
      cmocka_unit_test(pathwise_gradients_are_unbiased),
      cmocka_unit_test(quantiles_invert_the_distribution_function),
      cmocka_unit_test(moments_match_quadrature),
      cmocka_unit_test(kl_matches_quadrature),
      cmocka_unit_test(modes_are_the_densest_points),
      cmocka_unit_test(vjp_is_the_product),
  };
  return cmocka_run_group_tests_name("dist.identities", tests, NULL, NULL);
}
