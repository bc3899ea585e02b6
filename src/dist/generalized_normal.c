/* Generalized normal (loc, scale, shape): p ~ e^(-|x|^shape), x = (z - loc)/scale; |x|^shape is a
 * Gamma(1/shape, 1) variable G. */
#include "dist/family.h"
#include "special/transport.h"

static double reduce(const double theta[], const double z[]) {
  return (z[0] - theta[0]) / theta[1];
}

/* log G = shape log|x| */
static double log_G_of(const double theta[], double x) {
  return theta[2] * log(fabs(x));
}

static SAC_ROW(log_density) {
  const double x = reduce(theta, z);
  out[0] = -exp(log_G_of(theta, x)) - sac_log_2 - log(theta[1]) - sac_lgamma1p(1.0 / theta[2]);
}

static double sign_of(double x) {
  return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
}

/* -shape |x|^(shape-1) sign x */
static double slope_of(const double theta[], double x) {
  if (x == 0.0) return 0.0; /* the middle of a kink */
  return -sign_of(x) * theta[2] * pow(fabs(x), theta[2] - 1.0);
}

static SAC_ROW(dlog_density) {
  out[0] = slope_of(theta, reduce(theta, z)) / theta[1];
}

static SAC_ROW(score) {
  const double x = reduce(theta, z), shape = theta[2], log_G = log_G_of(theta, x), G = exp(log_G);
  out[0] = -slope_of(theta, x) / theta[1];
  out[1] = (shape * G - 1.0) / theta[1];
  /* d/dshape: 1/shape + psi(1/shape)/shape^2 - G log|x| */
  const double pull = G == 0.0 ? 0.0 : G * (log_G / shape);
  out[2] = (shape + sac_digamma(1.0 / shape)) / (shape * shape) - pull;
}

/* log|x| = log(G)/shape, with dlog G/da at a = 1/shape */
static SAC_ROW(velocity) {
  const double x = reduce(theta, z), shape = theta[2];
  out[0] = 1.0;
  out[1] = x;
  if (x == 0.0 || isinf(x)) {
    out[2] = x == 0.0 ? 0.0 : x < 0.0 ? HUGE_VAL : -HUGE_VAL;
    return;
  }
  const double y = fmin(log_G_of(theta, x), 700.0);
  double v[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD];
  sac_transport_get()->gamma(1, SAC_LANE(1.0 / shape), SAC_LANE(exp(y)), SAC_LANE(y), v, mills);
  out[2] = -theta[1] * x * (y + v[0] / shape) / (shape * shape);
}

static SAC_ROW(cdf) {
  const double x = reduce(theta, z), y = log_G_of(theta, x);
  double inside, outside;
  sac_gamma_pq(1.0 / theta[2], exp(y), y, &inside, &outside);
  const double tail = 0.5 * outside, rest = 0.5 + 0.5 * inside;
  out[0] = x < 0.0 ? tail : rest;
  out[1] = x < 0.0 ? rest : tail;
}

static SAC_ROW(quantile) {
  const double tail = z[0] < z[1] ? z[0] : z[1], gap = fabs(z[1] - z[0]);
  const double y = sac_gamma_log_inverse(1.0 / theta[2], gap, 2.0 * tail);
  const double x = theta[1] * exp(y / theta[2]);
  out[0] = theta[0] + (z[0] < z[1] ? -x : x);
}

static void sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                   SAC_UNUSED double latent[], sac_stream *stream) {
  double G;
  const double x = exp(sac_draw_log_gamma(1.0 / theta[2], &G, stream) / theta[2]);
  z[0] = theta[0] + (sac_stream_u32(stream) & 1 ? theta[1] * x : -theta[1] * x);
}

static SAC_ROW(mean) {
  out[0] = theta[0];
}
static SAC_ROW(variance) { /* scale^2 Gamma(3/shape)/Gamma(1/shape) */
  const double a = 1.0 / theta[2];
  out[0] = theta[1] * theta[1] * exp(sac_lgamma1p(3.0 * a) - sac_lgamma1p(a)) / 3.0;
}
static SAC_ROW(mode) {
  out[0] = theta[0];
}
static SAC_ROW(entropy) {
  const double a = 1.0 / theta[2];
  out[0] = a + sac_log_2 + log(theta[1]) + sac_lgamma1p(a);
}
static SAC_ROW(kl) {
  if (theta[0] != z[0]) {
    out[0] = sac_dist_kl_quadrature(d, theta, z, theta[0], z[0]);
    return;
  }
  /* one centre: E |x|^shape2 = Gamma((shape2 + 1)/shape)/Gamma(1/shape) */
  const double a = 1.0 / theta[2], log_scale = log(theta[1] / z[1]);
  const double power = exp(z[2] * log_scale + sac_lgamma(a * (z[2] + 1.0)) - sac_lgamma(a));
  out[0] = fmax(sac_lgamma1p(1.0 / z[2]) - sac_lgamma1p(a) - log_scale - a + power, 0.0);
}

static const sac_dist_param param[] = {
    SAC_REAL("loc", SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP),
    SAC_POSITIVE("scale", SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP),
    SAC_SHAPE("shape", SAC_DIST_IMPLICIT)};
const sac_dist sac_dist_generalized_normal = {
    .name = "generalized_normal",
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
};
