/* Inverse Gaussian (mean m, shape c). With r = sqrt(c/z), s1 = r (z/m - 1), s2 = r (z/m + 1):
 * F = Phi(s1) + e^(2c/m) Phi(-s2), and phi(s1) = e^(2c/m) phi(s2). */
#include "dist/family.h"
#include "special/constants.h"
#include "special/solve.h"

typedef struct point {
  double r, s1, s2;
} point;

static point point_of(const double theta[], double z) {
  const double r = sqrt(theta[1]) / sqrt(z), m = theta[0];
  return (point){r, r * ((z - m) / m), r * (z / m + 1.0)};
}

static double log_density_of(const double theta[], double z, double log_z) {
  const double s1 = point_of(theta, z).s1;
  return 0.5 * (log(theta[1]) - sac_log_2pi) - 1.5 * log_z - 0.5 * s1 * s1;
}

static SAC_ROW(log_density) {
  out[0] = z[0] == 0.0 || isinf(z[0]) ? -HUGE_VAL : log_density_of(theta, z[0], log(z[0]));
}

static SAC_ROW(dlog_density) { /* -3/(2z) - c/(2m^2) + c/(2z^2) */
  const double m = theta[0], c = theta[1], x = z[0];
  if (isinf(x)) {
    out[0] = -0.5 * c / m / m;
    return;
  }
  out[0] = x == 0.0 ? HUGE_VAL : (0.5 * c * ((m - x) / m) * ((m + x) / m) / x - 1.5) / x;
}

static SAC_ROW(score) {
  const double m = theta[0], c = theta[1], gap = (z[0] - m) / m;
  out[0] = c * gap / m / m;
  out[1] = z[0] == 0.0 ? -HUGE_VAL : 0.5 / c - 0.5 * gap * gap / z[0];
  if (isinf(z[0])) out[1] = -HUGE_VAL;
}

/* 1 - s M(-s), s >= 0, M = Phi/phi: by the continued fraction M(-s) = 1/(s + 1/(s + 2/(s + ...)))
 * where the difference would cancel */
static double mills_gap(double s) {
  if (s < 2.0) return 1.0 - s * sac_mills(-s);
  double k = 0.0;
  for (int n = 90; n >= 2; n--) k = n / (s + k);
  const double rest = 1.0 / (s + k);
  return rest / (s + rest);
}

/* dz/dm = 2 sqrt(c) z^1.5 M(-s2)/m^2;  dz/dc = z/c (1 - 2q M(-s2)), q = sqrt(c z)/m, where
 * 1 - 2q M = ((s2 - 2q) + 2q (1 - s2 M))/s2 and s2 - 2q = -s1 */
static SAC_ROW(velocity) {
  const double m = theta[0], c = theta[1], x = z[0];
  if (x < 1e-290 || x / m > 1e290) { /* the limits: 0 and z/c, 2 z/m and -z/c */
    out[0] = x < 1e-290 ? 0.0 : 2.0 * x / m;
    out[1] = x < 1e-290 ? x / c : -x / c;
    return;
  }
  const point p = point_of(theta, x);
  const double q = p.r * (x / m);
  out[0] = 2.0 * q * sac_mills(-p.s2) * (x / m);
  const double gap =
      p.s2 < 1.0 ? 1.0 - 2.0 * q * sac_mills(-p.s2) : (2.0 * q * mills_gap(p.s2) - p.s1) / p.s2;
  out[1] = x / c * gap;
}

/* int_0^inf e^(-t^2/2 - s1 t) (1 - e^(-2rt)) dt = M(-s1) - M(-s2), without its cancellation */
static double upper_ratio(point p) {
  if (p.s2 > 2.0 * p.s1) return sac_mills(-p.s1) - sac_mills(-p.s2);
  const double s = p.s1, limit = 40.0;
  const double T = 2.0 * limit / (s + sqrt(s * s + 2.0 * limit)), scale = 0.5 / p.r;
  /* the factor 1 - e^(-2rt) turns within 1/(2r): a panel of its own where that is short */
  const double cut = fmin(T, 40.0 * scale), ends[3] = {0.0, cut, T};
  double sum = 0.0;
  for (int panel = 0; panel < 2; panel++) {
    const double width = ends[panel + 1] - ends[panel];
    for (int k = 0; k < 40 && width > 0.0; k++) {
      const double t = ends[panel] + width * legendre40_x[k];
      sum -= width * legendre40_w[k] * exp(-t * (0.5 * t + p.s1)) * expm1(-2.0 * p.r * t);
    }
  }
  return sum;
}

/* logs of F and 1 - F at 0 < z < inf */
static void log_tails(const double theta[], double z, double out[2]) {
  const point p = point_of(theta, z);
  const double log_phi = -0.5 * p.s1 * p.s1 - 0.5 * sac_log_2pi;
  if (p.s1 <= 0.0) {
    out[0] = fmin(log_phi + log(sac_mills(p.s1) + sac_mills(-p.s2)), 0.0);
    out[1] = sac_log1mexp(out[0]);
    if (out[0] < -0.4) return;
  }
  out[1] = fmin(log_phi + log(upper_ratio(p)), 0.0);
  out[0] = sac_log1mexp(out[1]);
}

static SAC_ROW(cdf) {
  if (z[0] == 0.0 || isinf(z[0])) {
    out[0] = z[0] == 0.0 ? 0.0 : 1.0;
    out[1] = 1.0 - out[0];
    return;
  }
  double log_both[2];
  log_tails(theta, z[0], log_both);
  out[0] = exp(log_both[0]);
  out[1] = exp(log_both[1]);
}

typedef struct target {
  const double *theta;
  int upper;
} target;

static void tail_at(const void *context, double y, double *log_tail, double *slope) {
  const target *t = context;
  const double z = exp(y);
  double both[2];
  log_tails(t->theta, z, both);
  *log_tail = both[t->upper];
  *slope = (t->upper ? -1.0 : 1.0) * exp(log_density_of(t->theta, z, y) + y - *log_tail);
}

static double mode_of(const double theta[]) {
  const double k = 1.5 * theta[0] / theta[1];
  return theta[0] / (sqrt(1.0 + k * k) + k);
}

static SAC_ROW(quantile) {
  if (z[0] == 0.0 || z[1] == 0.0) {
    out[0] = z[0] == 0.0 ? 0.0 : HUGE_VAL;
    return;
  }
  const target t = {theta, z[1] < z[0]};
  const double y =
      sac_solve_tail(tail_at, &t, !t.upper, log(z[t.upper]), -700.0, 700.0, log(mode_of(theta)));
  out[0] = exp(y);
}

/* Michael, Schucany and Haas [MSH76]: the smaller root of c (x-m)^2/(m^2 x) = y, a chi-squared of
 * one degree, or m^2 over it; the root in a form that does not cancel. */
static void sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                   SAC_UNUSED double latent[], sac_stream *stream) {
  const double m = theta[0], x = sac_draw_normal(stream), w = m * x * x / (2.0 * theta[1]);
  const double root = m / (1.0 + w + sqrt(w * (2.0 + w)));
  z[0] = sac_stream_uniform(stream) * (m + root) <= m ? root : m * (m / root);
}

/* e^x E1(x), x > 0 */
static double exp_e1(double x) {
  if (x < 1.5) { /* E1 = -euler - log x - sum (-x)^k/(k k!) */
    double sum = -sac_euler - log(x), term = 1.0;
    for (int k = 1; k < 40; k++) {
      term *= -x / k;
      sum -= term / k;
    }
    return sum * exp(x);
  }
  double f = 0.0; /* 1/(x + 1/(1 + 1/(x + 2/(1 + 2/(x + ...))))) */
  for (int k = 300; k >= 1; k--) f = k / (1.0 + k / (x + f));
  return 1.0 / (x + f);
}

static SAC_ROW(mean) {
  out[0] = theta[0];
}
static SAC_ROW(variance) {
  out[0] = theta[0] * theta[0] * (theta[0] / theta[1]);
}
static SAC_ROW(mode) {
  out[0] = mode_of(theta);
}
static SAC_ROW(entropy) { /* E log z = log m - e^t E1(t), t = 2c/m */
  const double log_mean = log(theta[0]) - exp_e1(2.0 * theta[1] / theta[0]);
  out[0] = 0.5 * (sac_log_2pi - log(theta[1]) + 1.0) + 1.5 * log_mean;
}
/* E z = m, E 1/z = 1/m + 1/c */
static SAC_ROW(kl) {
  const double m = theta[0], c = theta[1], r = z[1] / c, gap = (m - z[0]) / z[0];
  const double shapes = r > 0.5 && r < 2.0 ? -sac_log1pmx(r - 1.0) : r - 1.0 - log(r);
  out[0] = 0.5 * shapes + 0.5 * z[1] / m * gap * gap;
}

/* beyond, the terms of F and of the velocity leave the range of a double */
static const char *check(SAC_UNUSED const sac_dist *d, const double theta[]) {
  const double ratio = theta[1] / theta[0];
  return ratio >= 1e-200 && ratio <= 1e200 ? NULL : "shape/mean must lie in [1e-200, 1e+200]";
}

static const sac_dist_param param[] = {SAC_POSITIVE("mean", SAC_DIST_IMPLICIT),
                                       SAC_POSITIVE("shape", SAC_DIST_IMPLICIT)};
const sac_dist sac_dist_inverse_gaussian = {
    .name = "inverse_gaussian",
    .dim = 1,
    .params = 2,
    .param = param,
    .low = 0.0,
    .high = HUGE_VAL,
    .check = check,
    .log_density = log_density,
    .dlog_density = dlog_density,
    .score = score,
    .velocity = velocity,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .variance = variance,
    .mode = mode,
    .entropy = entropy,
    .kl = kl,
    .sample = sample,
};
