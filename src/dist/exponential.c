/* Powers of the exponential: exponential (rate) and Weibull (shape, scale). */
#include "dist/family.h"

#define BITS (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP)

/* ---- exponential ---------------------------------------------------------------------------- */

static const sac_dist_param rate_param[] = {SAC_POSITIVE("rate", BITS | SAC_DIST_MVD)};

static SAC_ROW(ex_log_density) {
  out[0] = log(theta[0]) - theta[0] * z[0];
}
static SAC_ROW(ex_dlog_density) {
  out[0] = -theta[0];
}
static SAC_ROW(ex_score) {
  out[0] = (1.0 - theta[0] * z[0]) / theta[0];
}
static SAC_ROW(ex_velocity) {
  out[0] = -z[0] / theta[0];
}
static SAC_ROW(ex_cdf) {
  out[0] = -expm1(-theta[0] * z[0]);
  out[1] = exp(-theta[0] * z[0]);
}
static SAC_ROW(ex_quantile) {
  out[0] = (z[0] < z[1] ? -log1p(-z[0]) : -log(z[1])) / theta[0];
}
static SAC_ROW(ex_mean) {
  out[0] = 1.0 / theta[0];
}
static SAC_ROW(ex_variance) {
  out[0] = 1.0 / theta[0] / theta[0];
}
static SAC_ROW(ex_mode) {
  out[0] = 0.0;
}
static SAC_ROW(ex_entropy) {
  out[0] = 1.0 - log(theta[0]);
}
static SAC_ROW(ex_kl) { /* r - 1 - log r, r = rate2/rate */
  const double r = z[0] / theta[0];
  out[0] = r < 0.5 ? r - 1.0 - log(r) : -sac_log1pmx(r - 1.0);
}

const sac_dist sac_dist_exponential = {
    .name = "exponential",
    .dim = 1,
    .params = 1,
    .param = rate_param,
    .low = 0.0,
    .high = HUGE_VAL,
    .log_density = ex_log_density,
    .dlog_density = ex_dlog_density,
    .score = ex_score,
    .velocity = ex_velocity,
    .cdf = ex_cdf,
    .quantile = ex_quantile,
    .mean = ex_mean,
    .variance = ex_variance,
    .mode = ex_mode,
    .entropy = ex_entropy,
    .kl = ex_kl,
};

/* ---- Weibull: z = scale E^(1/shape), E exponential ----------------------------------------------
 */

static const sac_dist_param weibull_param[] = {SAC_SHAPE("shape", BITS),
                                               SAC_POSITIVE("scale", BITS | SAC_DIST_MVD)};

/* log E = shape (log z - log scale) */
static double log_e(const double theta[], const double latent[]) {
  return theta[0] * (latent[0] - log(theta[1]));
}

static SAC_ROW(wb_to_latent) {
  out[0] = log(z[0]);
}
static SAC_ROW(wb_log_density) {
  const double l = log_e(theta, latent);
  if (isinf(l)) { /* z = 0: the limit depends on the shape; z = inf */
    const double sign = l > 0.0 ? -1.0 : 1.0 - theta[0];
    out[0] = sign == 0.0 ? -log(theta[1]) : sign > 0.0 ? HUGE_VAL : -HUGE_VAL;
    return;
  }
  out[0] = log(theta[0]) + l - exp(l) - latent[0];
}
static SAC_ROW(wb_dlog_density) {
  const double e = exp(log_e(theta, latent)), slope = theta[0] * (1.0 - e) - 1.0;
  out[0] = e == 0.0 && theta[0] == 1.0 ? -1.0 / theta[1] : slope / z[0];
  if (z[0] == HUGE_VAL)
    out[0] = theta[0] < 1.0 ? 0.0 : theta[0] > 1.0 ? -HUGE_VAL : -1.0 / theta[1];
  out[1] = slope;
}
static SAC_ROW(wb_score) {
  const double l = log_e(theta, latent), e = exp(l);
  out[0] = (1.0 + l * (1.0 - e)) / theta[0]; /* -inf at both ends */
  out[1] = theta[0] * (e - 1.0) / theta[1];
}
static SAC_ROW(wb_velocity) {
  const double ratio = latent[0] - log(theta[1]); /* log E = shape ratio stays fixed */
  out[0] = z[0] == 0.0 ? 0.0 : -z[0] * ratio / theta[0];
  out[1] = z[0] / theta[1];
  out[2] = -ratio / theta[0];
  out[3] = 1.0 / theta[1];
}
static SAC_ROW(wb_cdf) {
  const double e = exp(log_e(theta, latent));
  out[0] = -expm1(-e);
  out[1] = exp(-e);
}
static SAC_ROW(wb_quantile) {
  const double e = z[0] < z[1] ? -log1p(-z[0]) : -log(z[1]);
  out[1] = log(theta[1]) + log(e) / theta[0];
  out[0] = exp(out[1]);
}
static SAC_ROW(wb_mean) {
  out[0] = theta[1] * exp(sac_lgamma1p(1.0 / theta[0]));
}
static SAC_ROW(wb_variance) { /* Gamma(1+2s) - Gamma(1+s)^2, s = 1/shape */
  const double s = 1.0 / theta[0], g = sac_lgamma1p(s);
  out[0] = theta[1] * theta[1] * exp(2.0 * g) * expm1(sac_lgamma1p(2.0 * s) - 2.0 * g);
}
static SAC_ROW(wb_mode) {
  out[0] = theta[0] <= 1.0 ? 0.0 : theta[1] * exp(log1p(-1.0 / theta[0]) / theta[0]);
}
static SAC_ROW(wb_entropy) {
  out[0] = sac_euler * (1.0 - 1.0 / theta[0]) + log(theta[1] / theta[0]) + 1.0;
}
/* E of log(q) through E log z = log scale - euler/shape and E z^k2 = scale^k2 Gamma(1 + k2/k) */
static SAC_ROW(wb_kl) {
  const double r = z[0] / theta[0], gap = log(theta[1]) - log(z[1]);
  out[0] = -log(r) - z[0] * gap + sac_euler * (r - 1.0) - 1.0 + exp(z[0] * gap + sac_lgamma1p(r));
}

const sac_dist sac_dist_weibull = {
    .name = "weibull",
    .latent_names = {"log z"},
    .dim = 1,
    .latents = 1,
    .params = 2,
    .param = weibull_param,
    .low = 0.0,
    .high = HUGE_VAL,
    .to_latent = wb_to_latent,
    .log_density = wb_log_density,
    .dlog_density = wb_dlog_density,
    .score = wb_score,
    .velocity = wb_velocity,
    .cdf = wb_cdf,
    .quantile = wb_quantile,
    .mean = wb_mean,
    .variance = wb_variance,
    .mode = wb_mode,
    .entropy = wb_entropy,
    .kl = wb_kl,
};
