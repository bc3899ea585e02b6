/* Student's t (df, loc, scale). With x = (z - loc)/scale, w = x^2/df: w/(1+w) is Beta(1/2, df/2).
 */
#include "dist/family.h"
#include "special/transport.h"

static double reduce(const double theta[], const double z[]) {
  return (z[0] - theta[1]) / theta[2];
}

/* log(1 + x^2/df) */
static double log_growth(double df, double x) {
  return fabs(x) < 1e100 ? log1p(x * x / df) : 2.0 * log(fabs(x)) - log(df);
}

static SAC_ROW(log_density) {
  const double df = theta[0], x = reduce(theta, z);
  out[0] = sac_lgamma_difference(0.5 * df, 0.5) - 0.5 * log(df * sac_pi) -
           0.5 * (df + 1.0) * log_growth(df, x) - log(theta[2]);
}

/* -(df+1) x/(df + x^2) */
static double slope_of(double df, double x) {
  return fabs(x) < 1e100 ? -(df + 1.0) * x / (df + x * x) : -(df + 1.0) / x;
}

static SAC_ROW(dlog_density) {
  out[0] = slope_of(theta[0], reduce(theta, z)) / theta[2];
}

/* psi((df+1)/2) - psi(df/2) - 1/df without cancellation for a large df */
static double half_difference(double df) {
  double sum = 0.0, m = 0.5 * df;
  for (; m < 12.0; m += 1.0) sum += 0.25 / (m * (m + 0.5) * (m + 1.0));
  const double w = 1.0 / (m * m);
  return sum + w * (1.0 / 8 -
                    w * (1.0 / 64 -
                         w * (1.0 / 128 -
                              w * (17.0 / 2048 - w * (31.0 / 2048 - w * (691.0 / 16384 -
                                                                         w * (5461.0 / 32768)))))));
}

/* log(1+w) - w/(1+w) = u^2/2 + u^3/3 + ..., u = w/(1+w) */
static double drop(double log_1w, double u) {
  if (u > 0.15) return log_1w - u;
  double sum = 0.0;
  for (int k = 22; k >= 2; k--) sum = sum * u + 1.0 / k;
  return u * u * sum;
}

static SAC_ROW(score) {
  const double df = theta[0], x = reduce(theta, z), log_1w = log_growth(df, x);
  const double u = -expm1(-log_1w), slope = slope_of(df, x);
  out[0] = 0.5 * (half_difference(df) - drop(log_1w, u) + u / df);
  out[1] = -slope / theta[2];
  out[2] = isinf(x) ? df / theta[2] : -(1.0 + x * slope) / theta[2];
}

/* log(w/(1+w)) and log(1/(1+w)): the latent of the beta variable */
static void beta_latent(double df, double x, double *lx, double *lxm) {
  const double y = 2.0 * log(fabs(x)) - log(df);
  *lx = -sac_log1pexp(-y);
  *lxm = -sac_log1pexp(y);
}

/* d|x|/ddf where df is small or x far out, by the beta: |x| = sqrt(df) e^(y/2), y its logit */
static double velocity_by_beta(double df, double t) {
  double va[SAC_VECTOR_PAD], vb[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD], lx, lxm;
  if (isinf(t)) return -HUGE_VAL;
  beta_latent(df, t, &lx, &lxm);
  sac_transport_get()->beta(1, SAC_LANE(0.5), SAC_LANE(0.5 * df), SAC_LANE(exp(lx)),
                            SAC_LANE(exp(lxm)), SAC_LANE(lx), SAC_LANE(lxm), va, vb, mills);
  return 0.5 * t * (1.0 / df + 0.5 * vb[0]);
}

enum { BLOCK = 64 };

static void velocity_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double z[], SAC_UNUSED const double latent[], double out[]) {
  double df[BLOCK], t[BLOCK], v[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < (rows + SAC_VECTOR_PAD - 1) / SAC_VECTOR_PAD * SAC_VECTOR_PAD; i++) {
      const size_t row = at + (i < rows ? i : 0);
      df[i] = fmax(theta[row * step], 2.0);
      t[i] = fmin(fabs(reduce(theta + row * step, z + row)), 1e3 * sqrt(df[i]));
    }
    sac_transport_get()->student(rows, df, t, v);
    for (size_t i = 0; i < rows; i++) {
      const double *th = theta + (at + i) * step;
      const double x = reduce(th, z + at + i), far = fabs(x);
      double *row = out + 3 * (at + i);
      double speed = v[i];
      if (th[0] < 2.0 || far > t[i]) speed = velocity_by_beta(th[0], far);
      row[0] = far == 0.0 ? 0.0 : th[2] * (x < 0.0 ? -speed : speed);
      row[1] = 1.0;
      row[2] = x;
    }
  }
}

static SAC_ROW(velocity) {
  velocity_n(d, 1, theta, 0, z, latent, out);
}

static SAC_ROW(cdf) {
  const double x = reduce(theta, z);
  double lx, lxm, inside, outside;
  beta_latent(theta[0], x, &lx, &lxm);
  sac_beta_pq(0.5, 0.5 * theta[0], lx, lxm, &inside, &outside);
  const double tail = 0.5 * outside, rest = 0.5 + 0.5 * inside;
  out[0] = x < 0.0 ? tail : rest;
  out[1] = x < 0.0 ? rest : tail;
}

static SAC_ROW(quantile) {
  const double tail = z[0] < z[1] ? z[0] : z[1], gap = fabs(z[1] - z[0]);
  const double y = sac_beta_logit_inverse(0.5, 0.5 * theta[0], gap, 2.0 * tail);
  const double t = exp(0.5 * (y + log(theta[0])));
  out[0] = theta[1] + theta[2] * (z[0] < z[1] ? -t : t);
}

/* normal/sqrt(chi^2/df), the quotient in logs so that a small df loses nothing */
static void sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                   SAC_UNUSED double latent[], sac_stream *stream) {
  double G;
  const double log_G = sac_draw_log_gamma(0.5 * theta[0], &G, stream);
  const double x = sac_draw_normal(stream) * exp(0.5 * (log(0.5 * theta[0]) - log_G));
  const double drawn = theta[1] + theta[2] * x, largest = 1.79769313486231570e308;
  z[0] = fmin(fmax(drawn, -largest), largest);
}

static SAC_ROW(mean) {
  out[0] = theta[0] > 1.0 ? theta[1] : (double)NAN;
}
static SAC_ROW(variance) {
  const double df = theta[0], s = theta[2];
  out[0] = df > 2.0 ? s * s * (df / (df - 2.0)) : df > 1.0 ? HUGE_VAL : (double)NAN;
}
static SAC_ROW(mode) {
  out[0] = theta[1];
}
static SAC_ROW(entropy) {
  const double df = theta[0];
  out[0] = 0.5 * (df + 1.0) * (half_difference(df) + 1.0 / df) -
           sac_lgamma_difference(0.5 * df, 0.5) + 0.5 * log(df * sac_pi) + log(theta[2]);
}
static SAC_ROW(kl) {
  out[0] = sac_dist_kl_quadrature(d, theta, z, theta[1], z[1]);
}

static const sac_dist_param param[] = {
    SAC_POSITIVE("df", SAC_DIST_IMPLICIT),
    SAC_REAL("loc", SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP),
    SAC_POSITIVE("scale", SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP)};
const sac_dist sac_dist_student_t = {
    .name = "student_t",
    .dim = 1,
    .params = 3,
    .param = param,
    .low = -HUGE_VAL,
    .high = HUGE_VAL,
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
    .velocity_n = velocity_n,
};
