/* Gamma(alpha, 1) with f = z^2, the derivative in alpha: one-sample variances of the implicit
 * gradient [IRG18], the score function and the generalized reparameterization [GREP16]. */
#include "replicate.h"

#include <math.h>
#include <stdio.h>

static void square(void *context, size_t n, const double t[], const double z[], double out[]) {
  (void)context, (void)t;
  for (size_t i = 0; i < n; i++) out[i] = z[i] * z[i];
}

static void slope(void *context, size_t n, const double t[], const double z[], double out[]) {
  (void)context, (void)t;
  for (size_t i = 0; i < n; i++) out[i] = 2.0 * z[i];
}

enum { IMPLICIT, SCORE, GENERALIZED, ESTIMATORS };
static const char *const names[ESTIMATORS] = {"implicit", "score", "generalized"};
static const int kinds[ESTIMATORS] = {SAC_GRAD_IMPLICIT, SAC_GRAD_SCORE, SAC_GRAD_GENERALIZED};

/* One sample's estimates at z. Generalized: eps = (log z - psi)/sqrt(psi'), z = T(eps) = e^(psi +
 * eps sqrt(psi')); f' h + f (score + d log q/dz h + d log|dT/deps|/dalpha), h = dT/dalpha. */
static void estimates(double alpha, double z, double log_z, double out[ESTIMATORS]) {
  const double theta[2] = {alpha, 1.0};
  const sac_dist *d = sac_dist_find("gamma");
  double v[2], s[2], dlog;
  sac_error err;
  must(sac_dist_velocity(d, 1, theta, 0, &z, &log_z, v, NULL, &err), &err);
  must(sac_dist_score(d, 1, theta, 0, &z, &log_z, s, &err), &err);
  must(sac_dist_dlog_density(d, 1, theta, 0, &z, &log_z, NULL, &dlog, &err), &err);
  const double psi1 = sac_trigamma(alpha), psi2 = sac_tetragamma(alpha);
  const double eps = (log_z - sac_digamma(alpha)) / sqrt(psi1);
  const double h = psi1 + eps * psi2 / (2.0 * sqrt(psi1)); /* d log z/dalpha at fixed eps */
  out[IMPLICIT] = 2.0 * z * v[0];
  out[SCORE] = z * z * s[0];
  out[GENERALIZED] = 2.0 * z * z * h + z * z * (s[0] + dlog * h + h + psi2 / (2.0 * psi1));
}

static void exact(double alpha, double *mean, double variance[ESTIMATORS]) {
  static grid g;
  const double theta[2] = {alpha, 1.0};
  double first[ESTIMATORS] = {0.0}, second[ESTIMATORS] = {0.0};
  make_grid(sac_dist_find("gamma"), theta, 64, &g);
  for (size_t i = 0; i < g.n; i++) {
    double value[ESTIMATORS];
    estimates(alpha, g.z[i], g.latent[i], value);
    for (int e = 0; e < ESTIMATORS; e++) {
      first[e] += g.w[i] * value[e];
      second[e] += g.w[i] * value[e] * value[e];
    }
  }
  for (int e = 0; e < ESTIMATORS; e++) variance[e] = second[e] - first[e] * first[e];
  *mean = first[IMPLICIT];
}

/* E z^2 = alpha (alpha + 1); E z^4 s^2 and E z^2 s by the moments of z^4 and z^2 under a gamma of a
 * larger shape, where log z has mean psi and variance psi' */
static double score_variance(double a) {
  const double shift = sac_digamma(a + 4.0) - sac_digamma(a), mean = 2.0 * a + 1.0;
  return a * (a + 1.0) * (a + 2.0) * (a + 3.0) * (sac_trigamma(a + 4.0) + shift * shift) -
         mean * mean;
}

static const struct {
  double alpha;
  const char *reference[ESTIMATORS];
} rows[] = {
    {0.1, {"27.94", "96.92", ""}},      {0.5, {"16.82", "71.38", ""}},
    {1.0, {"19.54", "100.5", "114.3"}}, {2.0, {"27.69", "194.4", "62.9"}},
    {5.0, {"54.2", "752.8", "69.62"}},  {10.0, {"99.04", "2946", "110.4"}},
    {20.0, {"189", "1.476e4", "199"}},
};

void table_gamma(void) {
  const double none = (double)NAN;
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    static const unsigned char wanted[2] = {1, 0};
    const double theta[2] = {rows[r].alpha, 1.0};
    double mean, variance[ESTIMATORS];
    exact(theta[0], &mean, variance);
    char what[32];
    snprintf(what, sizeof what, "z^2 %g", theta[0]);
    put(&(entry){.table = "gamma",
                 .what = what,
                 .parameter = "shape",
                 .estimator = "the gradient",
                 .exact = mean,
                 .closed = 2.0 * theta[0] + 1.0,
                 .reference = "",
                 .sampled = none,
                 .error = none});
    for (int e = 0; e < ESTIMATORS; e++) {
      const sac_grad_problem problem = {.d = sac_dist_find("gamma"),
                                        .theta = theta,
                                        .cost = {.f = square, .df = slope},
                                        .wanted = wanted};
      sac_grad_options options = sac_grad_options_default();
      const double about[2] = {mean, 0.0};
      double sampled[2], error[2];
      options.estimator = kinds[e];
      options.baseline = SAC_GRAD_BASELINE_NONE;
      sample_variance(&problem, &options, about, sampled, error);
      if (e == GENERALIZED && theta[0] < 1.0) /* so rare and large that samples do not show it */
        sampled[0] = error[0] = none;
      put(&(entry){.table = "gamma",
                   .what = what,
                   .parameter = "shape",
                   .estimator = names[e],
                   .exact = variance[e],
                   .closed = e == SCORE ? score_variance(theta[0]) : none,
                   .reference = rows[r].reference[e],
                   .sampled = sampled[0],
                   .error = error[0]});
    }
  }
}
