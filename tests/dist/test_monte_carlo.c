/* Unbiased sample gradients by Monte Carlo: for every distribution, every parameter and three costs
 * f, the mean of f' dz/dtheta over draws with a fixed seed lies within 5 standard errors of
 * d/dtheta E f, which comes from a quadrature or a closed form. 100,000 draws by default, 20,000 of
 * the multivariate and discrete ones; SAC_TEST_MULTIPLIER scales them, up to 1e7. With
 * SAC_TEST_TABLE = a path, every comparison is appended there as a line of CSV
 * (tools/dist_monte_carlo.py runs 1e7 draws so). */
#include "dist/quadrature.h"

#include <stdio.h>
#include <string.h>

enum { BATCH = 1000, MAX_P = 16 };

static size_t up_to_1e7(size_t usual) {
  const size_t n = draws(usual);
  return n < 10000000 ? n : 10000000;
}

/* sums of what is averaged, and of its squares: parameter j, cost k at j COSTS + k */
typedef struct tally {
  size_t n;
  double sum[MAX_P * COSTS], squares[MAX_P * COSTS];
} tally;

static void add(tally *t, size_t at, double x) {
  t->sum[at] += x;
  t->squares[at] += x * x;
}

static void record(const char *name, size_t parameter, int which, size_t n, double mean,
                   double want, double score) {
  const char *path = getenv("SAC_TEST_TABLE");
  if (!path) return;
  FILE *file = fopen(path, "a");
  assert_non_null(file);
  fprintf(file, "\"%s\",%zu,%d,%zu,%.9g,%.9g,%.3f\n", name, parameter, which, n, mean, want, score);
  fclose(file);
}

/* |z| < 5: a false alarm once in 1.7e6 comparisons */
static void assert_unbiased(const char *name, const tally *t, size_t parameter, int which,
                            double want) {
  const size_t at = parameter * COSTS + (size_t)which;
  const double n = (double)t->n, mean = t->sum[at] / n;
  const double error = sqrt(fmax(t->squares[at] / n - mean * mean, 0.0) / n);
  const double off = mean - want, slack = 1e-12 * (1.0 + fabs(want));
  const double score = fabs(off) <= slack ? 0.0 : off / error;
  record(name, parameter, which, t->n, mean, want, score);
  if (!(fabs(score) < 5.0))
    fail_msg("%s, parameter %zu, cost %d: mean %.9g, want %.9g: %.2f standard errors", name,
             parameter, which, mean, want, score);
}

static void label(const visit *v, const sac_dist *d, char *text, size_t size) {
  size_t used = (size_t)snprintf(text, size, "%s(", v->name);
  for (size_t j = 0; j < d->params && used < size; j++)
    used += (size_t)snprintf(text + used, size - used, j ? ", %g" : "%g", v->theta[j]);
  if (used < size) snprintf(text + used, size - used, ")");
}

static void every_family_and_parameter(void **state) {
  (void)state;
  for (int i = 0; i < VISITS; i++) {
    const visit *v = visits + i;
    const sac_dist *d = family_of(v);
    const size_t P = d->params;
    double z[BATCH], latent[2 * BATCH], dz[4 * BATCH];
    tally t = {.n = up_to_1e7(100000)};
    sac_stream stream = sac_stream_make(77, SAC_STREAM_USER, (uint64_t)i);
    for (size_t at = 0; at < t.n; at += BATCH) {
      const size_t rows = t.n - at < BATCH ? t.n - at : BATCH;
      sac_error err;
      assert_ok(sac_dist_sample(d, rows, v->theta, 0, z, latent, &stream, &err), err);
      assert_ok(
          sac_dist_velocity(d, rows, v->theta, 0, z, d->latents ? latent : NULL, dz, NULL, &err),
          err);
      for (size_t r = 0; r < rows; r++)
        for (int k = 0; k < COSTS; k++) {
          const double slope = cost_slope(k, z[r]);
          for (size_t j = 0; j < P; j++) add(&t, j * COSTS + (size_t)k, dz[r * P + j] * slope);
        }
    }
    char name[128];
    label(v, d, name, sizeof name);
    for (size_t j = 0; j < P; j++)
      for (int k = 0; k < COSTS; k++)
        if (isfinite(v->theta[j]))
          assert_unbiased(name, &t, j, k, derivative_of_expectation(d, v, (int)j * COSTS + k));
  }
}

/* ---- more than one dimension ---------------------------------------------------------------- */

/* out (n,P) = g^T dz/dtheta of n rows */
typedef void route(const sac_dist *d, size_t n, const double theta[], const double z[],
                   const double latent[], const double g[], double out[]);

static void by_vjp(const sac_dist *d, size_t n, const double theta[], const double z[],
                   const double latent[], const double g[], double out[]) {
  sac_error err;
  assert_ok(sac_dist_vjp(d, n, theta, 0, z, latent, g, NULL, out, &err), err);
}

static void by_omt(const sac_dist *d, size_t n, const double theta[], const double z[],
                   const double latent[], const double g[], double out[]) {
  (void)latent;
  double q[16], lambda[4];
  sac_error err;
  assert_ok(sac_dist_mvn_eigen(d, theta, q, lambda, &err), err);
  for (size_t r = 0; r < n; r++)
    assert_ok(sac_dist_mvn_omt(d, 1, theta, q, lambda, z + r * d->dim, g + r * d->dim,
                               out + r * d->params, &err),
              err);
}

/* draws from d, f = cost(w.z), so g = cost'(w.z) w */
static tally tally_of(const sac_dist *d, const double theta[], const double w[], route *through,
                      uint64_t seed) {
  static double z[BATCH * 4], latent[BATCH * 8], g[BATCH * 4], out[BATCH * MAX_P];
  const size_t D = d->dim, P = d->params;
  tally t = {.n = up_to_1e7(20000)};
  sac_stream stream = sac_stream_make(78, SAC_STREAM_USER, seed);
  for (size_t at = 0; at < t.n; at += BATCH) {
    const size_t rows = t.n - at < BATCH ? t.n - at : BATCH;
    sac_error err;
    assert_ok(sac_dist_sample(d, rows, theta, 0, z, latent, &stream, &err), err);
    for (int k = 0; k < COSTS; k++) {
      for (size_t r = 0; r < rows; r++) {
        double dot = 0.0;
        for (size_t i = 0; i < D; i++) dot += w[i] * z[r * D + i];
        const double slope = cost_slope(k, dot);
        for (size_t i = 0; i < D; i++) g[r * D + i] = slope * w[i];
      }
      through(d, rows, theta, z, d->latents ? latent : NULL, g, out);
      for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < P; j++) add(&t, j * COSTS + (size_t)k, out[r * P + j]);
    }
  }
  return t;
}

/* E cost_k(x) and its derivatives in mean and sd of a normal x */
static void normal_slopes(double mean, double sd, int k, double *dmean, double *dsd) {
  const sac_dist *normal = sac_dist_find("normal");
  const visit v = {"normal", {mean, sd}};
  *dmean = derivative_of_expectation(normal, &v, k);
  *dsd = derivative_of_expectation(normal, &v, COSTS + k);
}

/* w.z is normal with mean w.mean and variance |L^T w|^2 */
static void multivariate_normals(void **state) {
  (void)state;
  const double theta[] = {0.3, -0.5, 1.0, 0.6, 0.4, 0.8, -0.3, 0.5, 0.9}, w[] = {0.5, 0.75, -0.4};
  double mean = 0.0, p[3] = {0}, sd = 0.0;
  sac_dist full, diagonal;
  sac_error err;
  assert_ok(sac_dist_mvn(3, &full, &err), err);
  assert_ok(sac_dist_mvn_diagonal(3, &diagonal, &err), err);
  for (size_t i = 0, at = 3; i < 3; i++) {
    mean += w[i] * theta[i];
    for (size_t j = 0; j <= i; j++) p[j] += theta[at++] * w[i];
  }
  sd = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
  const tally plain = tally_of(&full, theta, w, by_vjp, 1);
  const tally transport = tally_of(&full, theta, w, by_omt, 2);
  const double sds[] = {0.3, -0.5, 1.0, 0.6, 0.4, 0.8};
  double variance = 0.0;
  for (int i = 0; i < 3; i++) variance += w[i] * sds[3 + i] * w[i] * sds[3 + i];
  const tally split = tally_of(&diagonal, sds, w, by_vjp, 3);
  for (int k = 0; k < COSTS; k++) {
    double dmean, dsd;
    normal_slopes(mean, sd, k, &dmean, &dsd);
    for (size_t i = 0, at = 3; i < 3; i++) {
      assert_unbiased("mvn(3)", &plain, i, k, w[i] * dmean);
      assert_unbiased("mvn(3) by optimal transport", &transport, i, k, w[i] * dmean);
      for (size_t j = 0; j <= i; j++, at++) { /* dsd/dL_ij = w_i (L^T w)_j/sd */
        assert_unbiased("mvn(3)", &plain, at, k, dsd * w[i] * p[j] / sd);
        assert_unbiased("mvn(3) by optimal transport", &transport, at, k, dsd * w[i] * p[j] / sd);
      }
    }
    normal_slopes(mean, sqrt(variance), k, &dmean, &dsd);
    for (size_t i = 0; i < 3; i++) {
      assert_unbiased("mvn_diagonal(3)", &split, i, k, w[i] * dmean);
      assert_unbiased("mvn_diagonal(3)", &split, 3 + i, k,
                      dsd * w[i] * w[i] * sds[3 + i] / sqrt(variance));
    }
  }
}

/* f of z_0 alone, whose marginal is Beta(alpha_0, the rest): the rest's slopes are all d/db */
static void dirichlets(void **state) {
  (void)state;
  const double thetas[][3] = {{0.7, 2.0, 1.1}, {0.05, 0.4, 0.2}, {40.0, 3.0, 12.0}};
  const double w[] = {1.0, 0.0, 0.0};
  const sac_dist *beta = sac_dist_find("beta");
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_dirichlet(3, &d, &err), err);
  for (size_t c = 0; c < 3; c++) {
    const double *theta = thetas[c];
    const visit v = {"beta", {theta[0], theta[1] + theta[2]}};
    const tally t = tally_of(&d, theta, w, by_vjp, 10 + c);
    char name[64];
    snprintf(name, sizeof name, "dirichlet(%g, %g, %g)", theta[0], theta[1], theta[2]);
    for (int k = 0; k < COSTS; k++)
      for (size_t j = 0; j < 3; j++)
        assert_unbiased(name, &t, j, k, derivative_of_expectation(beta, &v, (j > 0) * COSTS + k));
  }
}

/* ---- mixtures ------------------------------------------------------------------------------- */

/* E cost_k under one component, and its derivative in parameter j */
static double component_mean(const sac_dist *d, const double theta[], double z, double latent[2],
                             int index) {
  (void)d;
  (void)theta;
  (void)latent;
  return cost(index, z);
}

/* f of z_0 alone in D dimensions: E f = sum pi_k m_k, m_k = E f under component k's first factor.
 * d/dlogit_k = pi_k (m_k - E f), d/dtheta_k0 = pi_k dm_k/dtheta, and nothing in the other factors.
 */
static void check_mixture(const char *name, const char *family, size_t D, const double theta[],
                          uint64_t seed) {
  enum { K = 2 };
  const sac_dist *f = sac_dist_find(family);
  const size_t P = f->params;
  const double pi[] = {1.0 / (1.0 + exp(theta[1] - theta[0])),
                       1.0 / (1.0 + exp(theta[0] - theta[1]))};
  const double w[4] = {1.0};
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mixture(f, K, D, &d, &err), err);
  const tally t = tally_of(&d, theta, w, by_vjp, seed);
  for (int k = 0; k < COSTS; k++) {
    double m[K];
    for (size_t c = 0; c < K; c++) m[c] = expect(f, theta + K + c * D * P, component_mean, k);
    const double all = pi[0] * m[0] + pi[1] * m[1];
    for (size_t c = 0; c < K; c++) {
      assert_unbiased(name, &t, c, k, pi[c] * (m[c] - all));
      for (size_t at = 0; at < D * P; at++) {
        visit v = {family, {0}};
        memcpy(v.theta, theta + K + c * D * P, P * sizeof *v.theta);
        const double slope = at < P ? derivative_of_expectation(f, &v, (int)at * COSTS + k) : 0.0;
        assert_unbiased(name, &t, K + c * D * P + at, k, pi[c] * slope);
      }
    }
  }
}

static void mixtures(void **state) {
  (void)state;
  const double normals[] = {0.4, -0.3, -0.8, 0.5, 1.2, 0.9};
  check_mixture("mixture of 2 normals", "normal", 1, normals, 20);
  const double gammas[] = {0.1, 0.5, 0.6, 1.0, 4.0, 2.0};
  check_mixture("mixture of 2 gammas", "gamma", 1, gammas, 21);
  const double betas[] = {-0.2, 0.2, 0.7, 1.5, 5.0, 2.0};
  check_mixture("mixture of 2 betas", "beta", 1, betas, 22);
  const double students[] = {0.0, 0.7, 3.0, -0.5, 0.8, 9.0, 0.9, 0.5};
  check_mixture("mixture of 2 Student t", "student_t", 1, students, 23);
  const double angles[] = {0.3, 0.0, -0.4, 2.0, 0.6, 5.0};
  check_mixture("mixture of 2 von Mises", "von_mises", 1, angles, 24);
  const double plane[] = {0.4, -0.3, -0.8, 0.5, 0.3, 1.0, 1.2, 0.9, -0.6, 0.7};
  check_mixture("mixture of 2 products of 2 normals", "normal", 2, plane, 25);
  const double wedge[] = {0.1, 0.5, 0.9, 1.0, 2.0, 1.5, 4.0, 2.0, 1.1, 0.8};
  check_mixture("mixture of 2 products of 2 gammas", "gamma", 2, wedge, 26);
}

/* ---- the discrete ones: E[f d log p/dtheta] ------------------------------------------------- */

static void discrete_scores(void **state) {
  (void)state;
  sac_dist categorical;
  sac_error err;
  assert_ok(sac_dist_categorical(4, &categorical, &err), err);
  const struct {
    const sac_dist *d;
    const char *name;
    double theta[4];
  } cases[] = {{sac_dist_find("bernoulli"), "bernoulli(0.3)", {0.3}},
               {sac_dist_find("poisson"), "poisson(2.5)", {2.5}},
               {sac_dist_find("poisson"), "poisson(40)", {40.0}},
               {&categorical, "categorical(4)", {0.1, -1.0, 2.0, 0.0}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const sac_dist *d = cases[c].d;
    const double *theta = cases[c].theta;
    const size_t P = d->params;
    double z[BATCH], s[4 * BATCH];
    tally t = {.n = up_to_1e7(20000)};
    sac_stream stream = sac_stream_make(79, SAC_STREAM_USER, c);
    for (size_t at = 0; at < t.n; at += BATCH) {
      const size_t rows = t.n - at < BATCH ? t.n - at : BATCH;
      assert_ok(sac_dist_sample(d, rows, theta, 0, z, NULL, &stream, &err), err);
      assert_ok(sac_dist_score(d, rows, theta, 0, z, NULL, s, &err), err);
      for (size_t r = 0; r < rows; r++)
        for (int k = 0; k < COSTS; k++)
          for (size_t j = 0; j < P; j++)
            add(&t, j * COSTS + (size_t)k, cost(k, z[r]) * s[r * P + j]);
    }
    for (int k = 0; k < COSTS; k++)
      for (size_t j = 0; j < P; j++) {
        /* d/dtheta sum p f: p' = p (z/rate - 1); +-1; p_z ([z = j] - p_j) */
        double want = d == cases[0].d ? cost(k, 1) - cost(k, 0) : 0.0, total = 0.0, pj = 0.0;
        for (int i = 0; d == &categorical && i < 4; i++) total += exp(theta[i]);
        if (d == &categorical) pj = exp(theta[j]) / total;
        for (int i = 0; d == &categorical && i < 4; i++)
          want += exp(theta[i]) / total * (((int)j == i) - pj) * cost(k, i);
        for (int i = 0; d == sac_dist_find("poisson") && i < 200; i++)
          want += exp(i * log(theta[0]) - theta[0] - lgamma(i + 1.0)) * (i / theta[0] - 1.0) *
                  cost(k, i);
        assert_unbiased(cases[c].name, &t, j, k, want);
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_and_parameter),
      cmocka_unit_test(multivariate_normals),
      cmocka_unit_test(dirichlets),
      cmocka_unit_test(mixtures),
      cmocka_unit_test(discrete_scores),
  };
  return cmocka_run_group_tests_name("dist.monte_carlo", tests, NULL, NULL);
}
