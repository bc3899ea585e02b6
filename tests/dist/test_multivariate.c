/* Dirichlet, multivariate normals, mixtures: against their one-dimensional relatives, against
 * differences, and against the transport equation in D dimensions. */
#include "dist/quadrature.h"
#include "sac/special.h"

#include <string.h>

/* ---- the transport equation in D dimensions
 * ------------------------------------------------------ */

enum { MAX_P = 64 };

/* the whole velocity: row i is vjp with the unit vector e_i, (D,P) */
typedef void full_velocity(const sac_dist *d, const double theta[], const double z[], double v[]);

static void by_vjp(const sac_dist *d, const double theta[], const double z[], double v[]) {
  for (size_t i = 0; i < d->dim; i++) {
    double g[SAC_DIST_MAX_DIM] = {0};
    sac_error err;
    g[i] = 1.0;
    assert_ok(sac_dist_vjp(d, 1, theta, 0, z, NULL, g, NULL, v + i * d->params, &err), err);
  }
}

/* d_theta log q + v . grad log q + div v = 0 by fourth-order differences [JO18]. With `simplex`,
 * z_K is 1 minus the rest: only the first D - 1 coordinates move, and the last one with them. */
static void assert_transport(const sac_dist *d, const double theta[], const double z[],
                             full_velocity *velocity, int simplex, double tolerance) {
  const size_t D = d->dim, P = d->params, free_dims = simplex ? D - 1 : D;
  double s[MAX_P], v[MAX_P * 8], slope[16], sum[MAX_P], size[MAX_P];
  sac_error err;
  assert_ok(sac_dist_score(d, 1, theta, 0, z, NULL, s, &err), err);
  assert_ok(sac_dist_dlog_density(d, 1, theta, 0, z, NULL, slope, NULL, &err), err);
  velocity(d, theta, z, v);
  for (size_t p = 0; p < P; p++) size[p] = fabs(sum[p] = s[p]);
  for (size_t i = 0; i < free_dims; i++) {
    const double h = 2e-4 * (simplex ? fmin(z[i], z[D - 1]) : 1.0);
    double near[4][MAX_P * 8];
    for (int m = 0; m < 4; m++) {
      double moved[8];
      const double step = (m < 2 ? m - 2 : m - 1) * h;
      memcpy(moved, z, D * sizeof *z);
      moved[i] += step;
      if (simplex) moved[D - 1] -= step;
      velocity(d, theta, moved, near[m]);
    }
    for (size_t p = 0; p < P; p++) {
      const size_t at = i * P + p;
      const double div =
          (8.0 * (near[2][at] - near[1][at]) - (near[3][at] - near[0][at])) / (12.0 * h);
      const double drift = v[at] * (slope[i] - (simplex ? slope[D - 1] : 0.0));
      sum[p] += div + drift;
      size[p] += fabs(div) + fabs(drift);
    }
  }
  for (size_t p = 0; p < P; p++)
    if (!(fabs(sum[p]) <= tolerance * size[p] + 1e-12))
      fail_msg("%s, parameter %zu: transport residual %.3g of %.3g", d->name, p, sum[p], size[p]);
}

static void omt(const sac_dist *d, const double theta[], const double z[], double v[]) {
  double q[64], lambda[8];
  sac_error err;
  assert_ok(sac_dist_mvn_eigen(d, theta, q, lambda, &err), err);
  for (size_t i = 0; i < d->dim; i++) {
    double g[8] = {0};
    g[i] = 1.0;
    assert_ok(sac_dist_mvn_omt(d, 1, theta, q, lambda, z, g, v + i * d->params, &err), err);
  }
}

static const double mvn_theta[] = {0.3, -0.5, 1.0, 0.6, 0.4, 0.8, -0.3, 0.5, 0.9};
static const double mvn_z[] = {0.9, -0.7, 0.2};

static void every_velocity_solves_the_transport_equation(void **state) {
  (void)state;
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mvn(3, &d, &err), err);
  assert_transport(&d, mvn_theta, mvn_z, by_vjp, 0, 1e-9);
  assert_transport(&d, mvn_theta, mvn_z, omt, 0, 1e-9);
  assert_ok(sac_dist_mvn_diagonal(3, &d, &err), err);
  const double diagonal[] = {0.3, -0.5, 1.0, 0.6, 0.4, 0.8};
  assert_transport(&d, diagonal, mvn_z, by_vjp, 0, 1e-9);
  assert_ok(sac_dist_dirichlet(4, &d, &err), err);
  const double alpha[] = {0.7, 2.0, 3.5, 1.2}, p[] = {0.1, 0.25, 0.4, 0.25};
  assert_transport(&d, alpha, p, by_vjp, 1, 1e-8);
  assert_ok(sac_dist_mixture(sac_dist_find("normal"), 3, 2, &d, &err), err);
  const double normals[] = {0.2, -0.3, 0.5, -1.0, 0.7, 0.5, 0.9, 0.4,
                            1.1, -0.6, 0.5, 1.5,  0.8, 0.1, 0.6};
  assert_transport(&d, normals, mvn_z, by_vjp, 0, 1e-8);
  assert_ok(sac_dist_mixture(sac_dist_find("gamma"), 2, 3, &d, &err), err);
  const double gammas[] = {0.4, -0.1, 2.0, 1.5, 0.8, 0.6, 4.0, 3.0, 1.2, 2.0, 3.0, 1.0, 0.9, 0.7};
  const double positive[] = {1.1, 0.6, 1.9};
  assert_transport(&d, gammas, positive, by_vjp, 0, 1e-8);
  assert_ok(sac_dist_mixture(sac_dist_find("beta"), 2, 2, &d, &err), err);
  const double betas[] = {0.4, -0.1, 2.0, 1.5, 0.8, 1.6, 4.0, 3.0, 1.2, 2.0};
  const double inside[] = {0.3, 0.6};
  assert_transport(&d, betas, inside, by_vjp, 0, 1e-8);
}

/* ---- relatives ------------------------------------------------------------------------------ */

/* A Dirichlet of two is a beta, number by number. */
static void dirichlet_of_two_is_beta(void **state) {
  (void)state;
  sac_dist two;
  sac_error err;
  const sac_dist *beta = sac_dist_find("beta");
  assert_ok(sac_dist_dirichlet(2, &two, &err), err);
  const double thetas[][2] = {{2.0, 3.0}, {0.3, 0.6}, {1e-3, 40.0}, {500.0, 800.0}};
  for (int t = 0; t < 4; t++) {
    for (double x = 0.05; x < 1.0; x += 0.15) {
      const double z[] = {x, 1.0 - x}, g[] = {0.7, -1.1}, g_beta = 1.8, *theta = thetas[t];
      double a, b, s[2], s2[2], v[2], v2[2];
      assert_ok(sac_dist_log_density(&two, 1, theta, 0, z, NULL, &a, &err), err);
      assert_ok(sac_dist_log_density(beta, 1, theta, 0, z, NULL, &b, &err), err);
      assert_close(a, b, 1e-12, 1e-13);
      assert_ok(sac_dist_score(&two, 1, theta, 0, z, NULL, s, &err), err);
      assert_ok(sac_dist_score(beta, 1, theta, 0, z, NULL, s2, &err), err);
      assert_ok(sac_dist_vjp(&two, 1, theta, 0, z, NULL, g, NULL, v, &err), err);
      assert_ok(sac_dist_vjp(beta, 1, theta, 0, z, NULL, &g_beta, NULL, v2, &err), err);
      for (int j = 0; j < 2; j++) {
        assert_close(s[j], s2[j], 1e-12, 1e-12);
        assert_close(v[j], v2[j], 0.0, 1e-12);
      }
    }
    const double other[] = {1.5, 2.5};
    double a, b;
    assert_ok(sac_dist_entropy(&two, 1, thetas[t], 0, &a, &err), err);
    assert_ok(sac_dist_entropy(beta, 1, thetas[t], 0, &b, &err), err);
    assert_close(a, b, 1e-11, 1e-12);
    assert_ok(sac_dist_kl(&two, 1, thetas[t], 0, other, 0, &a, &err), err);
    assert_ok(sac_dist_kl(beta, 1, thetas[t], 0, other, 0, &b, &err), err);
    assert_close(a, b, 1e-12, 1e-12);
  }
}

/* The marginals of a Dirichlet are betas: their first two moments from samples, |z| < 5, also at
 * shapes where every number but one underflows. */
static void dirichlet_samples_have_beta_marginals(void **state) {
  (void)state;
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_dirichlet(3, &d, &err), err);
  const double thetas[][3] = {{0.5, 1.5, 3.0}, {1e-6, 2e-6, 3e-6}, {1e8, 2e8, 1e8}};
  for (int t = 0; t < 3; t++) {
    const size_t n = draws(20000);
    double sum[3] = {0}, squares[3] = {0}, want[3], variance[3];
    sac_stream stream = sac_stream_make(3, SAC_STREAM_USER, (uint64_t)t);
    for (size_t r = 0; r < n; r++) {
      double z[3], latent[3];
      assert_ok(sac_dist_sample(&d, 1, thetas[t], 0, z, latent, &stream, &err), err);
      for (int j = 0; j < 3; j++) {
        assert_true(isfinite(latent[j]) && latent[j] <= 0.0);
        sum[j] += z[j];
        squares[j] += z[j] * z[j];
      }
      assert_close(z[0] + z[1] + z[2], 1.0, 1e-14, 0.0);
    }
    assert_ok(sac_dist_mean(&d, 1, thetas[t], 0, want, &err), err);
    assert_ok(sac_dist_variance(&d, 1, thetas[t], 0, variance, &err), err);
    for (int j = 0; j < 3; j++) {
      const double m = sum[j] / (double)n;
      assert_close(m, want[j], 5.0 * sqrt(variance[j] / (double)n), 0.0);
      /* the sample variance itself: within 10 % at these sizes */
      if (t < 2) assert_close(squares[j] / (double)n - m * m, variance[j], 0.0, 0.1);
    }
  }
}

/* The direct route and the gamma ratio have the same mean gradient; for f = z^2 at (1/2, 1/2) the
 * ratio's variance is 0.2343/0.1287 = 1.82 times the direct one's (exact, by quadrature). */
static void the_gamma_ratio_agrees_with_more_variance(void **state) {
  (void)state;
  const sac_dist *beta = sac_dist_find("beta");
  const double theta[] = {0.5, 0.5};
  const size_t n = draws(40000);
  double direct[2] = {0}, ratio[2] = {0}; /* sums and sums of squares of d/da */
  sac_stream stream = sac_stream_make(8, SAC_STREAM_USER, 0);
  sac_error err;
  for (size_t r = 0; r < n; r++) {
    double z, log_x[2], a[2], b[2];
    assert_ok(sac_dist_gamma_ratio_sample(beta, 1, theta, 0, &z, log_x, &stream, &err), err);
    const double y = log_x[0] - log_x[1], latent[] = {-log1p(exp(-y)), -log1p(exp(y))}, g = 2.0 * z;
    assert_ok(sac_dist_vjp(beta, 1, theta, 0, &z, latent, &g, NULL, a, &err), err);
    assert_ok(sac_dist_gamma_ratio_vjp(beta, 1, theta, 0, log_x, &g, b, &err), err);
    direct[1] += a[0] * a[0];
    ratio[1] += b[0] * b[0];
    direct[0] += a[0];
    ratio[0] += b[0];
  }
  /* E z^2 = a(a+1)/((a+b)(a+b+1)); its derivative in a at (1/2, 1/2): 3/8 (2 + 2/3 - 1 - 1/2) */
  const double want = 0.375 * (2.0 + 2.0 / 3.0 - 1.0 - 0.5);
  assert_close(direct[0] / (double)n, want, 5.0 * sqrt(direct[1]) / (double)n, 0.0);
  assert_close(ratio[0] / (double)n, want, 5.0 * sqrt(ratio[1]) / (double)n, 0.0);
  const double mean2 = want * want;
  const double quotient = (ratio[1] / (double)n - mean2) / (direct[1] / (double)n - mean2);
  assert_close(quotient, 1.82, 0.0, 0.06);
}

/* One component is the family itself; equal components are too. */
static void mixtures_of_one_kind_are_the_family(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *f = family_of(v);
    sac_dist d;
    sac_error err;
    assert_ok(sac_dist_mixture(f, 2, 1, &d, &err), err);
    const size_t P = f->params;
    double theta[10] = {0.4, -0.7}, z, got[10], want[4], a[2], b[2];
    memcpy(theta + 2, v->theta, P * sizeof *theta);
    memcpy(theta + 2 + P, v->theta, P * sizeof *theta);
    const double u = 0.37;
    assert_ok(sac_dist_quantile(f, 1, v->theta, 0, &u, 0, &z, NULL, &err), err);
    double zm;
    assert_ok(sac_dist_quantile(&d, 1, theta, 0, &u, 0, &zm, NULL, &err), err);
    assert_near(zm, z, 1e-12 * (fabs(z) + 1e-3), v, "mixture quantile");
    assert_ok(sac_dist_velocity(&d, 1, theta, 0, &z, NULL, got, NULL, &err), err);
    assert_ok(sac_dist_velocity(f, 1, v->theta, 0, &z, NULL, want, NULL, &err), err);
    assert_near(got[0], 0.0, 1e-13, v, "logit velocity of equal components");
    for (size_t j = 0; j < P; j++)
      assert_near(got[2 + j] + got[2 + P + j], want[j], 1e-13 * (fabs(want[j]) + 1e-3), v,
                  "sum of the components' velocities");
    assert_ok(sac_dist_cdf(&d, 1, theta, 0, &z, NULL, &a[0], &a[1], &err), err);
    assert_ok(sac_dist_cdf(f, 1, v->theta, 0, &z, NULL, &b[0], &b[1], &err), err);
    assert_near(a[0], b[0], 1e-14, v, "mixture F");
    assert_ok(sac_dist_log_density(&d, 1, theta, 0, &z, NULL, &a[0], &err), err);
    assert_ok(sac_dist_log_density(f, 1, v->theta, 0, &z, NULL, &b[0], &err), err);
    assert_near(a[0], b[0], 1e-13 * (1.0 + fabs(b[0])), v, "mixture log density");
  }
}

/* E[v f'] = E[f score] by quadrature, as for the families, for a mixture of three. */
static void mixtures_are_unbiased(void **state) {
  (void)state;
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mixture(sac_dist_find("logistic"), 3, 1, &d, &err), err);
  const double theta[] = {0.3, -0.2, 0.5, -1.5, 0.4, 0.2, 0.8, 2.0, 0.3};
  for (int which = 0; which < COSTS; which++) {
    double got[9] = {0}, want[9] = {0};
    const double h = 1.0 / 24.0, pi = 3.14159265358979323846;
    for (int upper = 0; upper < 2; upper++)
      for (int k = -100; k <= 100; k++) {
        const double t = h * k, q = exp(-pi * fabs(sinh(t))), near = 0.5 * q / (1.0 + q);
        const double u = k < 0 ? near : 0.5 - near;
        const double weight = 0.5 * h * pi * cosh(t) * q / ((1.0 + q) * (1.0 + q));
        if (near < 1e-290) continue;
        double z, v[9], s[9];
        assert_ok(sac_dist_quantile(&d, 1, theta, 0, &u, upper, &z, NULL, &err), err);
        assert_ok(sac_dist_velocity(&d, 1, theta, 0, &z, NULL, v, NULL, &err), err);
        assert_ok(sac_dist_score(&d, 1, theta, 0, &z, NULL, s, &err), err);
        for (int j = 0; j < 9; j++) {
          got[j] += weight * v[j] * cost_slope(which, z);
          want[j] += weight * s[j] * cost(which, z);
        }
      }
    for (int j = 0; j < 9; j++) assert_close(got[j], want[j], 1e-9, 1e-9);
  }
}

/* A mixture whose components differ in coordinate 0 alone is a product: its entropy, KL and mode
 * are those of the one-dimensional mixture and of the common factors. */
static void products_of_mixtures_are_sums(void **state) {
  (void)state;
  const struct {
    const char *name;
    double one[2], two[2], other[2], rest[3][2];
    double tolerance[5]; /* for D = 2, 3, 4 */
  } cases[] = {{"normal",
                {-1.0, 0.6},
                {1.5, 0.9},
                {0.4, 1.3},
                {{0.3, 2.0}, {1.0, 0.2}, {-2.0, 1.0}},
                {0, 0, 1e-11, 1e-9, 1e-6}},
               {"gamma",
                {2.0, 1.5},
                {9.0, 2.0},
                {4.0, 1.0},
                {{3.0, 2.0}, {1.5, 0.2}, {6.0, 1.0}},
                {0, 0, 1e-11, 1e-9, 1e-6}},
               {"logistic",
                {-1.0, 0.5},
                {1.0, 0.7},
                {0.0, 1.0},
                {{0.3, 2.0}, {1.0, 0.2}, {-2.0, 1.0}},
                {0, 0, 1e-11, 1e-9, 1e-6}}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    const sac_dist *f = sac_dist_find(cases[c].name);
    for (size_t D = 2; D <= 4; D++) {
      sac_dist line, product;
      sac_error err;
      assert_ok(sac_dist_mixture(f, 2, 1, &line, &err), err);
      assert_ok(sac_dist_mixture(f, 2, D, &product, &err), err);
      double theta[20] = {0.3, -0.4}, theta2[20] = {0.0, 0.2}, sum, sum_kl, got, mode[4], want[4];
      const double flat[] = {
          0.3, -0.4, cases[c].one[0], cases[c].one[1], cases[c].two[0], cases[c].two[1]};
      const double flat2[] = {
          0.0, 0.2, cases[c].other[0], cases[c].other[1], cases[c].two[0], cases[c].two[1]};
      assert_ok(sac_dist_entropy(&line, 1, flat, 0, &sum, &err), err);
      assert_ok(sac_dist_kl(&line, 1, flat, 0, flat2, 0, &sum_kl, &err), err);
      assert_ok(sac_dist_mode(&line, 1, flat, 0, want, &err), err);
      for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < D; i++)
          for (size_t j = 0; j < 2; j++) {
            const size_t at = 2 + (k * D + i) * 2 + j;
            theta[at] = i ? cases[c].rest[i - 1][j] : flat[2 + 2 * k + j];
            theta2[at] = i ? cases[c].rest[i - 1][j] : flat2[2 + 2 * k + j];
          }
      for (size_t i = 1; i < D; i++) {
        double one;
        assert_ok(sac_dist_entropy(f, 1, cases[c].rest[i - 1], 0, &one, &err), err);
        assert_ok(sac_dist_mode(f, 1, cases[c].rest[i - 1], 0, &want[i], &err), err);
        sum += one;
      }
      assert_ok(sac_dist_entropy(&product, 1, theta, 0, &got, &err), err);
      assert_close(got, sum, cases[c].tolerance[D], 0.0);
      assert_ok(sac_dist_kl(&product, 1, theta, 0, theta2, 0, &got, &err), err);
      assert_close(got, sum_kl, cases[c].tolerance[D], 0.0);
      assert_ok(sac_dist_mode(&product, 1, theta, 0, mode, &err), err);
      for (size_t i = 0; i < D; i++) assert_close(mode[i], want[i], 1e-7, 0.0);
    }
  }
}

/* At a mode that no component has as its own, the log density is level in every coordinate. */
static void the_mode_of_a_mixture_is_level(void **state) {
  (void)state;
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mixture(sac_dist_find("normal"), 3, 5, &d, &err), err);
  double theta[33] = {0.2, -0.1, 0.0}, mode[5], slope[5], top, near;
  for (size_t k = 0; k < 3; k++)
    for (size_t i = 0; i < 5; i++) {
      theta[3 + (k * 5 + i) * 2] = 0.4 * sin(1.0 + (double)(7 * k + 3 * i));
      theta[4 + (k * 5 + i) * 2] = 0.8 + 0.1 * (double)(k + i);
    }
  assert_ok(sac_dist_mode(&d, 1, theta, 0, mode, &err), err);
  assert_ok(sac_dist_dlog_density(&d, 1, theta, 0, mode, NULL, slope, NULL, &err), err);
  assert_ok(sac_dist_log_density(&d, 1, theta, 0, mode, NULL, &top, &err), err);
  for (size_t i = 0; i < 5; i++) {
    assert_close(slope[i], 0.0, 1e-6, 0.0);
    mode[i] += 0.05;
    assert_ok(sac_dist_log_density(&d, 1, theta, 0, mode, NULL, &near, &err), err);
    assert_true(near < top);
    mode[i] -= 0.05;
  }
  /* and beyond 4 dimensions there is no entropy */
  assert_int_equal(sac_dist_entropy(&d, 1, theta, 0, &top, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "no entropy in 5 dimensions"));
}

/* Where the other mixture has no mass at all, KL is infinite. */
static void kl_to_a_narrower_support_is_infinite(void **state) {
  (void)state;
  const double wide[] = {0, 0, 0, 1, -1, 1, 0, 1, -2, 2},
               narrow[] = {0, 0, 0, 1, -1, 1, 0, 1, -1, 1};
  sac_dist d;
  sac_error err;
  double kl;
  assert_ok(sac_dist_mixture(sac_dist_find("truncated_normal"), 2, 1, &d, &err), err);
  assert_ok(sac_dist_kl(&d, 1, wide, 0, narrow, 0, &kl, &err), err);
  assert_true(kl == HUGE_VAL);
  assert_ok(sac_dist_kl(&d, 1, narrow, 0, wide, 0, &kl, &err), err);
  assert_true(kl > 0.0 && isfinite(kl));
}

/* A von Mises component ends at its location plus and minus pi, as its samples do: the mixture's F
 * rises from 0 to 1, and its velocity is the derivative of its quantile. */
static void mixed_angles_have_ends(void **state) {
  (void)state;
  const double pi = 3.14159265358979312, theta[] = {0.3, 0.0, -0.4, 2.0, 0.6, 5.0};
  const double ends[] = {-0.4 - pi, 0.6 + pi};
  sac_dist d;
  sac_error err;
  double lower, upper;
  assert_ok(sac_dist_mixture(sac_dist_find("von_mises"), 2, 1, &d, &err), err);
  assert_ok(sac_dist_cdf(&d, 1, theta, 0, &ends[0], NULL, &lower, &upper, &err), err);
  assert_close(lower, 0.0, 1e-15, 0.0);
  assert_ok(sac_dist_cdf(&d, 1, theta, 0, &ends[1], NULL, &lower, &upper, &err), err);
  assert_close(upper, 0.0, 1e-15, 0.0);
  for (double u = 0.001; u < 1.0; u += 0.0333) {
    double z, up, down, v[6], moved[6];
    assert_ok(sac_dist_quantile(&d, 1, theta, 0, &u, 0, &z, NULL, &err), err);
    assert_ok(sac_dist_velocity(&d, 1, theta, 0, &z, NULL, v, NULL, &err), err);
    for (int j = 0; j < 6; j++) {
      memcpy(moved, theta, sizeof moved);
      moved[j] += 1e-5;
      assert_ok(sac_dist_quantile(&d, 1, moved, 0, &u, 0, &up, NULL, &err), err);
      moved[j] -= 2e-5;
      assert_ok(sac_dist_quantile(&d, 1, moved, 0, &u, 0, &down, NULL, &err), err);
      assert_close(v[j], (up - down) / 2e-5, 1e-7, 1e-7);
    }
  }
}

/* ---- multivariate normal -------------------------------------------------------------------- */

/* f = cos(w.z): E f = cos(w.mean) exp(-|L^T w|^2/2), so d/dL_ij = -w_i (L^T w)_j E f. Both routes'
 * means lie within 5 standard errors of it, and the batch form is the mean of the single ones. */
static void both_normal_routes_are_unbiased(void **state) {
  (void)state;
  sac_dist d;
  sac_error err;
  assert_ok(sac_dist_mvn(3, &d, &err), err);
  const double w[] = {0.5, 0.75, 0.0}, *theta = mvn_theta;
  double q[9], lambda[3], p[3] = {0}, phase = 0.0, square = 0.0;
  assert_ok(sac_dist_mvn_eigen(&d, theta, q, lambda, &err), err);
  for (size_t i = 0, at = 3; i < 3; i++) {
    phase += w[i] * theta[i];
    for (size_t j = 0; j <= i; j++) p[j] += theta[at++] * w[i];
  }
  for (int j = 0; j < 3; j++) square += p[j] * p[j];
  const double Ef = cos(phase) * exp(-0.5 * square);
  enum { N = 20000 };
  double *z = malloc(N * 3 * sizeof *z), *g = malloc(N * 3 * sizeof *g), mean[9], one[9];
  assert_true(z && g);
  double plain[9] = {0}, plain2[9] = {0}, transport[9] = {0}, transport2[9] = {0};
  sac_stream stream = sac_stream_make(21, SAC_STREAM_USER, 0);
  assert_ok(sac_dist_sample(&d, N, theta, 0, z, NULL, &stream, &err), err);
  for (size_t r = 0; r < N; r++) {
    const double s = -sin(w[0] * z[3 * r] + w[1] * z[3 * r + 1] + w[2] * z[3 * r + 2]);
    for (size_t i = 0; i < 3; i++) g[3 * r + i] = s * w[i];
    assert_ok(sac_dist_vjp(&d, 1, theta, 0, z + 3 * r, NULL, g + 3 * r, NULL, one, &err), err);
    for (int j = 0; j < 9; j++) plain[j] += one[j], plain2[j] += one[j] * one[j];
    assert_ok(sac_dist_mvn_omt(&d, 1, theta, q, lambda, z + 3 * r, g + 3 * r, one, &err), err);
    for (int j = 0; j < 9; j++) transport[j] += one[j], transport2[j] += one[j] * one[j];
  }
  assert_ok(sac_dist_mvn_omt(&d, N, theta, q, lambda, z, g, mean, &err), err);
  for (size_t i = 0, at = 3; i < 3; i++)
    for (size_t j = 0; j <= i; j++, at++) {
      const double want = -w[i] * p[j] * Ef;
      assert_close(plain[at] / N, want, 5.0 * sqrt(plain2[at]) / N, 0.0);
      assert_close(transport[at] / N, want, 5.0 * sqrt(transport2[at]) / N, 0.0);
      assert_close(mean[at], transport[at] / N, 1e-12, 1e-11);
    }
  free(z);
  free(g);
}

/* Log density, score and KL of the full normal through those of a diagonal one, and by differences.
 */
static void the_full_normal_contains_the_diagonal_one(void **state) {
  (void)state;
  sac_dist full, diagonal;
  sac_error err;
  assert_ok(sac_dist_mvn(2, &full, &err), err);
  assert_ok(sac_dist_mvn_diagonal(2, &diagonal, &err), err);
  const double a[] = {0.3, -0.5, 0.6, 0.0, 0.8}, b[] = {0.3, -0.5, 0.6, 0.8};
  const double a2[] = {0.1, 0.2, 1.1, 0.0, 0.7}, b2[] = {0.1, 0.2, 1.1, 0.7}, z[] = {0.9, -0.7};
  double x, y;
  assert_ok(sac_dist_log_density(&full, 1, a, 0, z, NULL, &x, &err), err);
  assert_ok(sac_dist_log_density(&diagonal, 1, b, 0, z, NULL, &y, &err), err);
  assert_close(x, y, 1e-15, 1e-15);
  assert_ok(sac_dist_kl(&full, 1, a, 0, a2, 0, &x, &err), err);
  assert_ok(sac_dist_kl(&diagonal, 1, b, 0, b2, 0, &y, &err), err);
  assert_close(x, y, 1e-15, 1e-14);
  assert_ok(sac_dist_entropy(&full, 1, a, 0, &x, &err), err);
  assert_ok(sac_dist_entropy(&diagonal, 1, b, 0, &y, &err), err);
  assert_close(x, y, 1e-15, 1e-14);
  sac_dist d;
  assert_ok(sac_dist_mvn(3, &d, &err), err);
  double s[9];
  assert_ok(sac_dist_score(&d, 1, mvn_theta, 0, mvn_z, NULL, s, &err), err);
  for (int j = 0; j < 9; j++) {
    double t[9], up, down;
    memcpy(t, mvn_theta, sizeof t);
    t[j] += 1e-6;
    assert_ok(sac_dist_log_density(&d, 1, t, 0, mvn_z, NULL, &up, &err), err);
    t[j] -= 2e-6;
    assert_ok(sac_dist_log_density(&d, 1, t, 0, mvn_z, NULL, &down, &err), err);
    assert_close(s[j], (up - down) / 2e-6, 1e-8, 1e-8);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_velocity_solves_the_transport_equation),
      cmocka_unit_test(dirichlet_of_two_is_beta),
      cmocka_unit_test(dirichlet_samples_have_beta_marginals),
      cmocka_unit_test(the_gamma_ratio_agrees_with_more_variance),
      cmocka_unit_test(mixtures_of_one_kind_are_the_family),
      cmocka_unit_test(mixtures_are_unbiased),
      cmocka_unit_test(products_of_mixtures_are_sums),
      cmocka_unit_test(the_mode_of_a_mixture_is_level),
      cmocka_unit_test(kl_to_a_narrower_support_is_infinite),
      cmocka_unit_test(mixed_angles_have_ends),
      cmocka_unit_test(both_normal_routes_are_unbiased),
      cmocka_unit_test(the_full_normal_contains_the_diagonal_one),
  };
  return cmocka_run_group_tests_name("dist.multivariate", tests, NULL, NULL);
}
