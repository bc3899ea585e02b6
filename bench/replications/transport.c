/* [JO18]: the derivative in L21 of E cos(w . z), z ~ N(0, L L^T), by the Cholesky
 * reparameterization and by optimal transport; and beta with f = x^2, by the velocity and by a
 * ratio of gammas. */
#include "replicate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double none = (double)NAN;

static void put_ratio(const char *table, const char *what, const char *parameter, const char *name,
                      double ratio, const char *reference) {
  put(&(entry){.table = table,
               .what = what,
               .parameter = parameter,
               .estimator = name,
               .exact = ratio,
               .closed = none,
               .reference = reference,
               .slack = 0.02, /* these references are of 60,000 samples */
               .sampled = none,
               .error = none});
}

static void put_gradient(const char *table, const char *what, const char *parameter,
                         const char *name, double exact, double closed) {
  put(&(entry){.table = table,
               .what = what,
               .parameter = parameter,
               .estimator = name,
               .exact = exact,
               .closed = closed,
               .reference = "",
               .sampled = none,
               .error = none});
}

/* ---- multivariate normal, D = 2 ----------------------------------------------------------------
 */

enum { D = 2, P = 5, L21 = 3 }; /* mean (2), L11, L21, L22 */

/* f = cos(w . z), or |z|^2 if w is 0 */
typedef struct task {
  const char *name;
  double l[3], omega[D]; /* L11, L21, L22 */
  const char *ratio;     /* the reference */
} task;

static int is_square(const task *p) {
  return p->omega[0] == 0.0 && p->omega[1] == 0.0;
}

static void cost(void *context, size_t n, const double t[], const double z[], double out[]) {
  const task *p = context;
  (void)t;
  for (size_t i = 0; i < n; i++) {
    const double *x = z + D * i;
    out[i] =
        is_square(p) ? x[0] * x[0] + x[1] * x[1] : cos(p->omega[0] * x[0] + p->omega[1] * x[1]);
  }
}

static void cost_slope(void *context, size_t n, const double t[], const double z[], double out[]) {
  const task *p = context;
  (void)t;
  for (size_t i = 0; i < n; i++) {
    const double *x = z + D * i, s = -sin(p->omega[0] * x[0] + p->omega[1] * x[1]);
    for (size_t k = 0; k < D; k++) out[D * i + k] = is_square(p) ? 2.0 * x[k] : s * p->omega[k];
  }
}

/* d/dL21 of E cos(w . z) = e^(-|L^T w|^2/2), and of E |z|^2 = |L|^2 */
static double gradient(const task *p) {
  const double along = p->l[0] * p->omega[0] + p->l[1] * p->omega[1], down = p->l[2] * p->omega[1];
  if (is_square(p)) return 2.0 * p->l[1];
  return -along * p->omega[1] * exp(-0.5 * (along * along + down * down));
}

/* the trapezoidal rule over eps in the plane: exponentially accurate */
static void exact_variances(const task *p, const double theta[P], double mean[2],
                            double variance[2]) {
  const double h = 0.125;
  sac_dist d;
  sac_error err;
  double q[D * D], lambda[D], first[2] = {0.0, 0.0}, second[2] = {0.0, 0.0};
  task own = *p;
  must(sac_dist_mvn(D, &d, &err), &err);
  must(sac_dist_mvn_eigen(&d, theta, q, lambda, &err), &err);
  for (int i = -72; i <= 72; i++)
    for (int k = -72; k <= 72; k++) {
      const double e0 = h * i, e1 = h * k,
                   w = h * h * exp(-0.5 * (e0 * e0 + e1 * e1)) / 6.283185307179586;
      const double z[D] = {p->l[0] * e0, p->l[1] * e0 + p->l[2] * e1};
      double g[D], out[2][P];
      cost_slope(&own, 1, theta, z, g);
      must(sac_dist_vjp(&d, 1, theta, 0, z, NULL, g, NULL, out[0], &err), &err);
      must(sac_dist_mvn_omt(&d, 1, theta, q, lambda, z, g, out[1], &err), &err);
      for (int e = 0; e < 2; e++) {
        first[e] += w * out[e][L21];
        second[e] += w * out[e][L21] * out[e][L21];
      }
    }
  for (int e = 0; e < 2; e++) {
    mean[e] = first[e];
    variance[e] = second[e] - first[e] * first[e];
  }
}

static void from_samples(const task *p, const double theta[P], double mean, int kind,
                         double *variance, double *error) {
  sac_dist d;
  sac_error err;
  task own = *p;
  must(sac_dist_mvn(D, &d, &err), &err);
  const unsigned char wanted[P] = {[L21] = 1};
  const sac_grad_problem problem = {.d = &d,
                                    .theta = theta,
                                    .cost = {.f = cost, .df = cost_slope, .context = &own},
                                    .wanted = wanted};
  sac_grad_options options = sac_grad_options_default();
  double all[P] = {[L21] = mean}, variances[P], errors[P];
  options.estimator = kind;
  options.baseline = SAC_GRAD_BASELINE_NONE;
  sample_variance(&problem, &options, all, variances, errors);
  *variance = variances[L21];
  *error = errors[L21];
}

void table_transport(void) {
  static const task tasks[] = {
      {"cos L=(.6 .4 .8) w=(.5 .75)", {.6, .4, .8}, {.5, .75}, "1.97"},
      {"cos L=(.6 1.1 .8) w=(.5 .75)", {.6, 1.1, .8}, {.5, .75}, "1.41"},
      {"cos L=(1 0 1) w=(1 1)", {1, 0, 1}, {1, 1}, "2.71"},
      {"cos L=(1 1 1) w=(1 1)", {1, 1, 1}, {1, 1}, "1.14"},
      {"cos L=(1 2 1) w=(1 1)", {1, 2, 1}, {1, 1}, "1.05"},
      {"square L=(1 0 1)", {1, 0, 1}, {0, 0}, "1.00"},
      {"square L=(1 1 1)", {1, 1, 1}, {0, 0}, "1.04"},
  };
  static const char *const names[2] = {"reparameterization", "transport"};
  static const int kinds[2] = {SAC_GRAD_EXPLICIT, SAC_GRAD_TRANSPORT};
  for (size_t r = 0; r < sizeof tasks / sizeof *tasks; r++) {
    const task *p = tasks + r;
    const double theta[P] = {0.0, 0.0, p->l[0], p->l[1], p->l[2]};
    double mean[2], variance[2];
    exact_variances(p, theta, mean, variance);
    for (int e = 0; e < 2; e++) {
      double sampled, error;
      from_samples(p, theta, mean[e], kinds[e], &sampled, &error);
      char what[80];
      snprintf(what, sizeof what, "%s: gradient", p->name);
      put_gradient("transport", what, "L21", names[e], mean[e], gradient(p));
      put(&(entry){.table = "transport",
                   .what = p->name,
                   .parameter = "L21",
                   .estimator = names[e],
                   .exact = variance[e],
                   .closed = none,
                   .reference = "",
                   .sampled = sampled,
                   .error = error});
    }
    put_ratio("transport", p->name, "L21", "reparameterization/transport",
              variance[0] / variance[1], p->ratio);
  }
}

/* ---- beta -------------------------------------------------------------------------------------
 */

static void square(void *context, size_t n, const double t[], const double z[], double out[]) {
  (void)context, (void)t;
  for (size_t i = 0; i < n; i++) out[i] = z[i] * z[i];
}

static void slope(void *context, size_t n, const double t[], const double z[], double out[]) {
  (void)context, (void)t;
  for (size_t i = 0; i < n; i++) out[i] = 2.0 * z[i];
}

/* variances of d/da and d/db, direct: one integral over z */
static void direct(const double theta[2], const grid *g, double mean[2], double variance[2]) {
  const sac_dist *d = sac_dist_find("beta");
  double first[2] = {0.0, 0.0}, second[2] = {0.0, 0.0};
  sac_error err;
  for (size_t i = 0; i < g->n; i++) {
    double v[2];
    must(sac_dist_velocity(d, 1, theta, 0, g->z + i, g->latent + 2 * i, v, NULL, &err), &err);
    for (int j = 0; j < 2; j++) {
      const double x = 2.0 * g->z[i] * v[j];
      first[j] += g->w[i] * x;
      second[j] += g->w[i] * x * x;
    }
  }
  for (int j = 0; j < 2; j++) {
    mean[j] = first[j];
    variance[j] = second[j] - first[j] * first[j];
  }
}

/* by the ratio x/(x + y) of gammas: over z and, independent of it, the sum s ~ Gamma(a + b) */
static void ratio(const double theta[2], const grid *g, const double mean[2], double variance[2]) {
  static grid sum;
  const sac_dist *d = sac_dist_find("beta");
  const double shape[2] = {theta[0] + theta[1], 1.0};
  sac_error err;
  make_grid(sac_dist_find("gamma"), shape, 24, &sum);
  double *log_x = malloc(sum.n * 5 * sizeof *log_x), *slopes = log_x + 2 * sum.n;
  double *out = slopes + sum.n, second[2] = {0.0, 0.0};
  err.msg[0] = '\0';
  if (!log_x) must(SAC_ERR_NOMEM, &err);
  for (size_t i = 0; i < g->n; i++) {
    if (g->w[i] < 1e-25) continue; /* |gradient| is far below 1e5 */
    for (size_t k = 0; k < sum.n; k++) {
      log_x[2 * k] = g->latent[2 * i] + sum.latent[k];
      log_x[2 * k + 1] = g->latent[2 * i + 1] + sum.latent[k];
      slopes[k] = 2.0 * g->z[i];
    }
    must(sac_dist_gamma_ratio_vjp(d, sum.n, theta, 0, log_x, slopes, out, &err), &err);
    for (size_t k = 0; k < sum.n; k++)
      for (int j = 0; j < 2; j++)
        second[j] += g->w[i] * sum.w[k] * out[2 * k + (size_t)j] * out[2 * k + (size_t)j];
  }
  for (int j = 0; j < 2; j++) variance[j] = second[j] - mean[j] * mean[j];
  free(log_x);
}

/* of the derivative in a: its variance direct and by the ratio of gammas, and the second over the
 * first */
static const struct {
  double theta[2];
  const char *variance[2], *ratio;
} betas[] = {
    {{0.5, 0.5}, {".1287", ".2343"}, "1.82"}, {{1.0, 1.0}, {"", ""}, "1.66"},
    {{2.0, 5.0}, {"", ""}, "1.18"},           {{5.0, 1.0}, {"", ""}, "1.19"},
    {{10.0, 10.0}, {"", ""}, "1.78"},
};

static void one_route(const char *what, const double theta[2], int kind, const char *name,
                      const char *reference, const double mean[2], const double variance[2]) {
  const sac_grad_problem problem = {
      .d = sac_dist_find("beta"), .theta = theta, .cost = {.f = square, .df = slope}};
  sac_grad_options options = sac_grad_options_default();
  double sampled[2], error[2];
  options.estimator = kind;
  options.baseline = SAC_GRAD_BASELINE_NONE;
  sample_variance(&problem, &options, mean, sampled, error);
  for (int j = 0; j < 2; j++)
    put(&(entry){.table = "beta",
                 .what = what,
                 .parameter = j ? "b" : "a",
                 .estimator = name,
                 .exact = variance[j],
                 .closed = none,
                 .reference = j ? "" : reference,
                 .slack = 0.02,
                 .sampled = sampled[j],
                 .error = error[j]});
}

void table_beta(void) {
  static const char *const names[2] = {"direct", "gamma ratio"};
  static const int kinds[2] = {SAC_GRAD_IMPLICIT, SAC_GRAD_GAMMA_RATIO};
  static grid g;
  for (size_t r = 0; r < sizeof betas / sizeof *betas; r++) {
    const double *theta = betas[r].theta, a = theta[0], b = theta[1], n = a + b;
    double mean[2], variance[2][2];
    char what[40];
    make_grid(sac_dist_find("beta"), theta, 24, &g);
    direct(theta, &g, mean, variance[0]);
    ratio(theta, &g, mean, variance[1]);
    snprintf(what, sizeof what, "x^2 (%g %g)", a, b);
    /* E x^2 = a (a + 1)/(n (n + 1)) */
    const double da = (2 * a + 1) / (n * (n + 1)) - a * (a + 1) * (2 * n + 1) / pow(n * (n + 1), 2);
    const double db = -a * (a + 1) * (2 * n + 1) / pow(n * (n + 1), 2);
    put_gradient("beta", what, "a", "the gradient", mean[0], da);
    put_gradient("beta", what, "b", "the gradient", mean[1], db);
    for (int e = 0; e < 2; e++)
      one_route(what, theta, kinds[e], names[e], betas[r].variance[e], mean, variance[e]);
    put_ratio("beta", what, "a", "gamma ratio/direct", variance[1][0] / variance[0][0],
              betas[r].ratio);
    put_ratio("beta", what, "b", "gamma ratio/direct", variance[1][1] / variance[0][1], "");
  }
}
