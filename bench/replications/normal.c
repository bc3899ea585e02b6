/* The survey's comparison [MC20]: z ~ N(1, 1), costs (z - k)^2, exp(-k z^2), cos(k z); the variance
 * of one sample's estimate of the derivatives in the mean and the standard deviation. */
#include "replicate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double pi = 3.14159265358979323846;
static const double theta[2] = {1.0, 1.0};

/* ---- the costs --------------------------------------------------------------------------------
 */

typedef struct cost {
  const char *name;
  double k;
  double (*f)(double k, double z), (*df)(double k, double z);
} cost;

static double square(double k, double z) {
  return (z - k) * (z - k);
}
static double square_slope(double k, double z) {
  return 2.0 * (z - k);
}
static double bell(double k, double z) {
  return exp(-k * z * z);
}
static double bell_slope(double k, double z) {
  return -2.0 * k * z * exp(-k * z * z);
}
static double wave(double k, double z) {
  return cos(k * z);
}
static double wave_slope(double k, double z) {
  return -k * sin(k * z);
}

static void many_f(void *context, size_t n, const double t[], const double z[], double out[]) {
  const cost *c = context;
  (void)t;
  for (size_t i = 0; i < n; i++) out[i] = c->f(c->k, z[i]);
}

static void many_df(void *context, size_t n, const double t[], const double z[], double out[]) {
  const cost *c = context;
  (void)t;
  for (size_t i = 0; i < n; i++) out[i] = c->df(c->k, z[i]);
}

/* ---- exact variances --------------------------------------------------------------------------
 */

/* in the order of the table's columns */
enum { SCORE, SCORE_OPTIMAL, PATH, MEASURE, ESTIMATORS };
static const char *const names[ESTIMATORS] = {"score", "score with optimal constant", "pathwise",
                                              "coupled measure-valued"};

/* score, its optimal constant b = E f s^2/E s^2, and pathwise: the library's score and velocity on
 * the trapezoidal rule, which converges exponentially for what is analytic and falls off */
static void by_density(const cost *c, size_t j, double *mean, double variance[ESTIMATORS]) {
  const sac_dist *d = sac_dist_find("normal");
  const double h = 1.0 / 64.0;
  double e_fs = 0.0, e_ffss = 0.0, e_fss = 0.0, e_ss = 0.0, e_p = 0.0, e_pp = 0.0;
  for (int i = -800; i <= 800; i++) {
    const double z = theta[0] + theta[1] * h * i, f = c->f(c->k, z);
    double s[2], v[2], log_q;
    sac_error err;
    must(sac_dist_score(d, 1, theta, 0, &z, NULL, s, &err), &err);
    must(sac_dist_velocity(d, 1, theta, 0, &z, NULL, v, NULL, &err), &err);
    must(sac_dist_log_density(d, 1, theta, 0, &z, NULL, &log_q, &err), &err);
    const double w = h * theta[1] * exp(log_q), path = c->df(c->k, z) * v[j];
    e_fs += w * f * s[j];
    e_ffss += w * f * f * s[j] * s[j];
    e_fss += w * f * s[j] * s[j];
    e_ss += w * s[j] * s[j];
    e_p += w * path;
    e_pp += w * path * path;
  }
  *mean = e_p;
  variance[SCORE] = e_ffss - e_fs * e_fs;
  variance[SCORE_OPTIMAL] = e_ffss - e_fss * e_fss / e_ss - e_fs * e_fs;
  variance[PATH] = e_pp - e_p * e_p;
}

enum { ROOM = 200 * PANEL };

/* d q/d mean = (q+ - q-)/(sd sqrt(2 pi)), z+- = mean +- sd w, w of the Rayleigh density w
 * e^(-w^2/2); the same w in both */
static double measure_mean(const cost *c) {
  static double x[ROOM], w[ROOM];
  const size_t n = panels(0.0, 13.0, 60, x, w);
  const double scale = 1.0 / (theta[1] * sqrt(2.0 * pi));
  double first = 0.0, second = 0.0;
  for (size_t i = 0; i < n; i++) {
    const double p = w[i] * x[i] * exp(-0.5 * x[i] * x[i]);
    const double g =
        scale * (c->f(c->k, theta[0] + theta[1] * x[i]) - c->f(c->k, theta[0] - theta[1] * x[i]));
    first += p * g;
    second += p * g * g;
  }
  return second - first * first;
}

/* d q/d sd = (q+ - q-)/sd, z+ = mean + sd m, m of the double-sided Maxwell density
 * m^2 e^(-m^2/2)/sqrt(2 pi), z- = mean + sd m u, u uniform: then m u is standard normal */
static double measure_sd(const cost *c) {
  static double x[ROOM], w[ROOM], u[ROOM], wu[ROOM];
  const size_t n = panels(-13.0, 13.0, 60, x, w), nu = panels(0.0, 1.0, 8, u, wu);
  double first = 0.0, second = 0.0;
  for (size_t i = 0; i < n; i++) {
    const double p = w[i] * x[i] * x[i] * exp(-0.5 * x[i] * x[i]) / sqrt(2.0 * pi);
    const double plus = c->f(c->k, theta[0] + theta[1] * x[i]);
    for (size_t k = 0; k < nu; k++) {
      const double g = (plus - c->f(c->k, theta[0] + theta[1] * x[i] * u[k])) / theta[1];
      first += p * wu[k] * g;
      second += p * wu[k] * g * g;
    }
  }
  return second - first * first;
}

static void exact(const cost *c, size_t j, double *mean, double variance[ESTIMATORS]) {
  by_density(c, j, mean, variance);
  variance[MEASURE] = j ? measure_sd(c) : measure_mean(c);
}

/* ---- samples ----------------------------------------------------------------------------------
 */

static void from_samples(const cost *c, const double mean[2], double variance[ESTIMATORS][2],
                         double error[ESTIMATORS][2]) {
  static const int estimators[ESTIMATORS] = {SAC_GRAD_SCORE, SAC_GRAD_SCORE, SAC_GRAD_EXPLICIT,
                                             SAC_GRAD_MEASURE_VALUED};
  for (int e = 0; e < ESTIMATORS; e++) {
    cost own = *c;
    const sac_grad_problem problem = {.d = sac_dist_find("normal"),
                                      .theta = theta,
                                      .cost = {.f = many_f, .df = many_df, .context = &own}};
    sac_grad_options options = sac_grad_options_default();
    options.estimator = estimators[e];
    options.baseline = e == SCORE_OPTIMAL ? SAC_GRAD_BASELINE_OPTIMAL : SAC_GRAD_BASELINE_NONE;
    sample_variance(&problem, &options, mean, variance[e], error[e]);
  }
}

/* ---- the table --------------------------------------------------------------------------------
 */

/* E[f s^a], s the score of the mean (j = 0: eps) or of the standard deviation (1: eps^2 - 1), and
 * E[f^2 s^2], for sd = 1; and E[(f' v)^2], v the velocity (1 or eps). From these follow the
 * variances. */
typedef struct moments {
  double fs, fss, ffss, pp;
} moments;

/* delta = mean - k: moments of a normal */
static moments square_moments(double k, size_t j) {
  const double d2 = square(k, theta[0]), d4 = d2 * d2;
  if (!j) return (moments){2.0 * (theta[0] - k), d2 + 3.0, d4 + 18.0 * d2 + 15.0, 4.0 * (d2 + 1.0)};
  return (moments){2.0, 2.0 * d2 + 10.0, 2.0 * d4 + 60.0 * d2 + 78.0, 4.0 * (d2 + 3.0)};
}

/* E eps^m e^(it eps) is a polynomial in t times e^(-t^2/2); cos^2 and sin^2 by the double angle */
static moments wave_moments(double k, size_t j) {
  const double m = theta[0], k2 = k * k, one = exp(-0.5 * k2),
               two = exp(-2.0 * k2) * cos(2.0 * k * m);
  if (!j)
    return (moments){-k * one * sin(k * m), (1.0 - k2) * one * cos(k * m),
                     0.5 * (1.0 + (1.0 - 4.0 * k2) * two), 0.5 * k2 * (1.0 - two)};
  return (moments){-k2 * one * cos(k * m), (2.0 - 4.0 * k2 + k2 * k2) * one * cos(k * m),
                   0.5 * (2.0 + (2.0 - 16.0 * k2 + 16.0 * k2 * k2) * two),
                   0.5 * k2 * (1.0 - (1.0 - 4.0 * k2) * two)};
}

/* e^(-a z^2) times the density is scale times that of N(m/(1 + 2a), 1/(1 + 2a)): moments m[1 ... 4]
 * of eps = z - mean under it */
static void bell_times(double a, double *scale, double m[5]) {
  const double v = 1.0 / (1.0 + 2.0 * a), e = theta[0] * (v - 1.0);
  *scale = sqrt(v) * exp(-a * theta[0] * theta[0] * v);
  m[1] = e;
  m[2] = v + e * e;
  m[3] = e * (3.0 * v + e * e);
  m[4] = 3.0 * v * v + 6.0 * v * e * e + e * e * e * e;
}

static moments bell_moments(double k, size_t j) {
  double one, two, a[5], b[5];
  bell_times(k, &one, a);
  bell_times(2.0 * k, &two, b);
  const double m = theta[0], slope = 4.0 * k * k * two; /* f'^2 = 4 k^2 z^2 f^2 */
  if (!j)
    return (moments){one * a[1], one * a[2], two * b[2], slope * (b[2] + 2.0 * m * b[1] + m * m)};
  return (moments){one * (a[2] - 1.0), one * (a[4] - 2.0 * a[2] + 1.0),
                   two * (b[4] - 2.0 * b[2] + 1.0), slope * (b[4] + 2.0 * m * b[3] + m * m * b[2])};
}

static double closed_form(const cost *c, size_t j, int e) {
  const moments m = c->f == square ? square_moments(c->k, j)
                    : c->f == wave ? wave_moments(c->k, j)
                                   : bell_moments(c->k, j);
  const double d2 = square(c->k, theta[0]), ss = j ? 2.0 : 1.0;
  switch (e) {
  case SCORE:
    return m.ffss - m.fs * m.fs;
  case SCORE_OPTIMAL:
    return m.ffss - m.fss * m.fss / ss - m.fs * m.fs;
  case PATH:
    return m.pp - m.fs * m.fs;
  default:
    if (c->f != square) return (double)NAN;
    return j ? 4.0 * d2 + 4.0 : d2 * (16.0 / pi - 4.0);
  }
}

static const struct {
  cost c;
  const char *reference[2][ESTIMATORS]; /* of the mean, of the standard deviation */
} rows[] = {
    {{"square", -3.0, square, square_slope},
     {{"495", "134", "4", "17.49"}, {"1546", "664", "72", "68"}}},
    {{"square", 0.0, square, square_slope}, {{"30", "14", "4", "1.093"}, {"136", "64", "12", "8"}}},
    {{"square", 3.0, square, square_slope},
     {{"87", "38", "4", "4.372"}, {"346", "184", "24", "20"}}},
    {{"exp", 0.1, bell, bell_slope},
     {{".5635", ".04047", ".01629", ".002509"}, {".9354", ".1410", ".02777", ".02197"}}},
    {{"exp", 1.0, bell, bell_slope},
     {{".1758", ".07222", ".2117", ".01257"}, {".1767", ".1128", ".1757", ".07065"}}},
    {{"exp", 10.0, bell, bell_slope},
     {{".07694", ".0602", ".9416", ".02066"}, {".009035", ".008739", ".892", ".1167"}}},
    {{"cos", 0.5, wave, wave_slope},
     {{".4552", ".1179", ".03928", ".008275"}, {".7987", ".4601", ".08751", ".06526"}}},
    {{"cos", 1.0, wave, wave_slope},
     {{".324", ".324", ".2677", ".028"}, {".8363", ".7826", ".3081", ".2026"}}},
    {{"cos", 2.0, wave, wave_slope},
     {{".4411", ".4125", "1.94", ".2241"}, {".928", ".9216", "1.943", ".7275"}}},
    {{"cos", 5.0, wave, wave_slope}, {{".5", ".5", "12.5", ".2957"}, {"1", "1", "12.5", "1"}}},
};

void table_normal(void) {
  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    const cost *c = &rows[r].c;
    double mean[2], variance[2][ESTIMATORS], sampled[ESTIMATORS][2], error[ESTIMATORS][2];
    for (size_t j = 0; j < 2; j++) exact(c, j, mean + j, variance[j]);
    from_samples(c, mean, sampled, error);
    char what[32];
    snprintf(what, sizeof what, "%s %g", c->name, c->k);
    for (size_t j = 0; j < 2; j++)
      for (int e = 0; e < ESTIMATORS; e++)
        put(&(entry){.table = "normal",
                     .what = what,
                     .parameter = j ? "sd" : "mean",
                     .estimator = names[e],
                     .exact = variance[j][e],
                     .closed = closed_form(c, j, e),
                     .reference = rows[r].reference[j][e],
                     .slack = e == MEASURE && j ? 3e-4 : 0.0, /* a double integral of few nodes */
                     .sampled = sampled[e][j],
                     .error = error[e][j]});
  }
}

/* ---- the figures' curves ----------------------------------------------------------------------
 */

static void curve(cost c, double low, double high, int logarithmic) {
  enum { POINTS = 49 };
  for (int i = 0; i < POINTS; i++) {
    const double x = (double)i / (POINTS - 1);
    c.k = logarithmic ? low * pow(high / low, x) : low + (high - low) * x;
    for (size_t j = 0; j < 2; j++) {
      double mean, variance[ESTIMATORS];
      exact(&c, j, &mean, variance);
      printf("%s,%.9g,%s,%.9g", c.name, c.k, j ? "sd" : "mean", mean);
      for (int e = 0; e < ESTIMATORS; e++) printf(",%.9g", variance[e]);
      putchar('\n');
    }
  }
}

void curves_normal(void) {
  puts("cost,k,parameter,gradient,score,score_optimal,pathwise,measure_valued");
  curve((cost){"square", 0.0, square, square_slope}, -3.0, 3.0, 0);
  curve((cost){"exp", 0.0, bell, bell_slope}, 0.1, 10.0, 1);
  curve((cost){"cos", 0.0, wave, wave_slope}, 0.5, 5.0, 1);
}
