/* Student's t (df, loc, scale). With x = (z - loc)/scale, w = x^2/df: w/(1+w) is Beta(1/2, df/2).
 */
#include "dist/family.h"
#include "special/incomplete.h"

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

enum { BLOCK = SAC_LANES };

/* n <= BLOCK rows of one method; row i's answer is d|x|/ddf */
typedef struct lanes {
  size_t n, row[BLOCK];
  double df[BLOCK], x[BLOCK]; /* |x| */
} lanes;

static void push(lanes *l, size_t row, double df, double x) {
  l->row[l->n] = row;
  l->df[l->n] = df;
  l->x[l->n++] = x;
}

/* repeat the last one up to whole registers */
static void pad(size_t n, double x[]) {
  for (size_t k = n; k < sac_lanes_padded(n); k++) x[k] = x[n - 1];
}

/* where df is small or x far out, by the beta: |x| = sqrt(df) e^(y/2), y its logit */
static void by_beta(lanes *l, double speed[]) {
  double a[BLOCK], b[BLOCK], u[BLOCK], um[BLOCK], lu[BLOCK], lum[BLOCK], va[BLOCK], vb[BLOCK];
  double mills[BLOCK];
  for (size_t i = 0; i < l->n; i++) {
    a[i] = 0.5;
    b[i] = 0.5 * l->df[i];
    beta_latent(l->df[i], l->x[i], &lu[i], &lum[i]);
    lum[i] = fmax(lum[i], -1e300);
    u[i] = exp(lu[i]);
    um[i] = exp(lum[i]);
  }
  double *const arrays[] = {a, b, u, um, lu, lum};
  for (size_t k = 0; k < SAC_COUNT(arrays); k++) pad(l->n, arrays[k]);
  sac_transport_get()->beta(l->n, a, b, u, um, lu, lum, va, vb, mills);
  for (size_t i = 0; i < l->n; i++)
    speed[l->row[i]] = isinf(l->x[i]) ? -HUGE_VAL : 0.5 * l->x[i] * (1.0 / l->df[i] + 0.5 * vb[i]);
}

static void by_own_kernel(lanes *l, double speed[]) {
  double v[BLOCK];
  pad(l->n, l->df);
  pad(l->n, l->x);
  sac_transport_get()->student(l->n, l->df, l->x, v);
  for (size_t i = 0; i < l->n; i++) speed[l->row[i]] = v[i];
}

static void velocity_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double z[], SAC_UNUSED const double latent[], double out[]) {
  double speed[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    lanes heavy = {.n = 0}, usual = {.n = 0};
    for (size_t i = 0; i < rows; i++) {
      const double *th = theta + (at + i) * step, x = fabs(reduce(th, z + at + i));
      push(th[0] < 2.0 || x > 1e3 * sqrt(th[0]) ? &heavy : &usual, i, th[0], x);
    }
    if (heavy.n) by_beta(&heavy, speed);
    if (usual.n) by_own_kernel(&usual, speed);
    for (size_t i = 0; i < rows; i++) {
      const double *th = theta + (at + i) * step, x = reduce(th, z + at + i);
      double *row = out + 3 * (at + i);
      row[0] = x == 0.0 ? 0.0 : th[2] * (x < 0.0 ? -speed[i] : speed[i]);
      row[1] = 1.0;
      row[2] = x;
    }
  }
}

static SAC_ROW(velocity) {
  velocity_n(d, 1, theta, 0, z, latent, out);
}

static void cdf_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                  const double z[], SAC_UNUSED const double latent[], double out[]) {
  double a[BLOCK], b[BLOCK], lx[BLOCK], lxm[BLOCK], inside[BLOCK], outside[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++) {
      const double *th = theta + (at + i) * step;
      a[i] = 0.5;
      b[i] = 0.5 * th[0];
      beta_latent(th[0], reduce(th, z + at + i), &lx[i], &lxm[i]);
    }
    sac_beta_pq_n(rows, a, b, lx, lxm, inside, outside);
    for (size_t i = 0; i < rows; i++) {
      const size_t left = reduce(theta + (at + i) * step, z + at + i) < 0.0;
      out[2 * (at + i) + 1 - left] = 0.5 * outside[i];
      out[2 * (at + i) + left] = 0.5 + 0.5 * inside[i];
    }
  }
}

static SAC_ROW(cdf) {
  cdf_n(d, 1, theta, 0, z, latent, out);
}

static SAC_ROW(quantile) {
  const double tail = z[0] < z[1] ? z[0] : z[1], gap = fabs(z[1] - z[0]);
  const double y = sac_beta_logit_inverse(0.5, 0.5 * theta[0], gap, 2.0 * tail);
  const double t = exp(0.5 * (y + log(theta[0])));
  out[0] = theta[1] + theta[2] * (z[0] < z[1] ? -t : t);
}

/* normal/sqrt(chi^2/df), the quotient in logs so that a small df loses nothing */
static void sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                     double z[], SAC_UNUSED double latent[], sac_stream *stream) {
  const double largest = 1.79769313486231570e308;
  double half[BLOCK], G[BLOCK], log_G[BLOCK], x[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++) half[i] = 0.5 * theta[(at + i) * step];
    sac_draw_log_gammas(rows, half, G, log_G, stream);
    sac_transport_get()->normals(stream, rows, x);
    for (size_t i = 0; i < rows; i++) {
      const double *th = theta + (at + i) * step;
      const double widen =
          G[i] > 1e-290 ? sqrt(half[i] / G[i]) : exp(0.5 * (log(half[i]) - log_G[i]));
      z[at + i] = fmin(fmax(th[1] + th[2] * x[i] * widen, -largest), largest);
    }
  }
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
    SAC_SHAPE("df", SAC_DIST_IMPLICIT),
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
    .sample_n = sample_n,
    .velocity_n = velocity_n,
    .cdf_n = cdf_n,
};
