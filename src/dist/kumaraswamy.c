/* Kumaraswamy (a, b): F = 1 - (1 - z^a)^b, all in logs. */
#include "dist/family.h"

#define BITS (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP)

static SAC_ROW(to_latent) {
  out[0] = log(z[0]);
  out[1] = log1p(-z[0]);
}

/* log(1 - z^a), from log(1-z) where z is 1 to the last bit */
static double log_rest(double a, const double latent[]) {
  return latent[1] < -30.0 ? latent[1] + log(a) : sac_log1mexp(a * latent[0]);
}

static SAC_ROW(log_density) {
  const double a = theta[0], b = theta[1];
  if (isinf(latent[0])) {
    out[0] = a < 1.0 ? HUGE_VAL : a > 1.0 ? -HUGE_VAL : log(b);
  } else if (isinf(latent[1])) {
    out[0] = b < 1.0 ? HUGE_VAL : b > 1.0 ? -HUGE_VAL : log(a);
  } else {
    out[0] = log(a) + log(b) + (a - 1.0) * latent[0] + (b - 1.0) * log_rest(a, latent);
  }
}

/* (a-1)/z - (b-1) a z^(a-1)/(1 - z^a) */
static SAC_ROW(dlog_density) {
  const double a = theta[0], b = theta[1], l = latent[0], m = log_rest(a, latent);
  const double odds = exp(a * l - m); /* z^a/(1 - z^a) */
  const double slope = a - 1.0 - (b == 1.0 || odds == 0.0 ? 0.0 : (b - 1.0) * a * odds);
  const double at_zero = a > 1.0 ? HUGE_VAL : a < 1.0 ? -HUGE_VAL : -(b - 1.0);
  out[0] = isinf(l) ? at_zero : slope == 0.0 ? 0.0 : slope * exp(-l); /* d/dz = d/dlog z / z */
  out[1] = slope;
  const double ratio = exp(latent[1] - l); /* dlog z/dlog(1-z) = -(1-z)/z */
  out[2] = isinf(latent[1]) || ratio == 0.0 ? b - 1.0 : slope == 0.0 ? 0.0 : -slope * ratio;
  if (isinf(l)) out[2] = a == 1.0 ? b - 1.0 : a > 1.0 ? -HUGE_VAL : HUGE_VAL;
}

static SAC_ROW(score) {
  const double a = theta[0], b = theta[1], l = latent[0], m = log_rest(a, latent);
  const double odds = exp(a * l - m);
  const double pull = latent[1] < -30.0 ? -1.0 / a : l * odds; /* log z z^a/(1-z^a) */
  out[0] = 1.0 / a + (isinf(l) || b == 1.0 ? l : l - (b - 1.0) * pull);
  out[1] = 1.0 / b + m;
}

/* at fixed u: log z = log(1 - e^t)/a with t = log(1-u)/b */
static SAC_ROW(velocity) {
  const double a = theta[0], b = theta[1], l = latent[0], t = log_rest(a, latent);
  const double x = exp(l), near_one = latent[1] < -30.0;
  /* t e^t/(1 - e^t) -> -1 as z -> 0 */
  const double pull = t == 0.0 ? -1.0 : t < -745.0 ? 0.0 : t * exp(t) / -expm1(t);
  const double da = -l / a, db = pull / a / b;
  out[0] = x == 0.0 ? 0.0 : x * da;
  out[1] = x == 0.0 ? 0.0 : x * db;
  out[2] = da;
  out[3] = db;
  /* dlog(1-z) = -z/(1-z) dlog z */
  const double odds = exp(l - latent[1]);
  out[4] = near_one != 0.0 ? -1.0 / a : odds == 0.0 ? 0.0 : -odds * da;
  out[5] = near_one != 0.0 ? -t / b : odds == 0.0 ? 0.0 : -odds * db;
}

static SAC_ROW(cdf) {
  const double t = theta[1] * log_rest(theta[0], latent);
  out[0] = -expm1(t);
  out[1] = exp(t);
}

static SAC_ROW(quantile) {
  const double a = theta[0], b = theta[1];
  const double t = (z[0] < z[1] ? log1p(-z[0]) : log(z[1])) / b;
  out[1] = sac_log1mexp(t) / a;
  out[2] = t < -30.0 ? t - log(a) : sac_log1mexp(out[1]);
  out[0] = exp(out[1]);
}

/* log E z^k = log b + log B(1 + k/a, b) */
static double log_moment(const double theta[], double k) {
  return log(theta[1]) + sac_lbeta(1.0 + k / theta[0], theta[1]);
}
static SAC_ROW(mean) {
  out[0] = exp(log_moment(theta, 1.0));
}
static SAC_ROW(variance) {
  const double one = log_moment(theta, 1.0);
  out[0] = exp(2.0 * one) * expm1(log_moment(theta, 2.0) - 2.0 * one);
}
static SAC_ROW(mode) {
  const double a = theta[0], b = theta[1];
  if (a >= 1.0 && b >= 1.0) {
    out[0] = a * b == 1.0 ? 0.5 : pow((a - 1.0) / (a * b - 1.0), 1.0 / a);
  } else {
    out[0] = a >= 1.0 ? 1.0 : 0.0;
  }
}
static SAC_ROW(entropy) { /* H_b = psi(b+1) + euler, the harmonic number */
  const double a = theta[0], b = theta[1], harmonic = sac_digamma_difference(1.0, b);
  out[0] = (1.0 - 1.0 / b) + (1.0 - 1.0 / a) * harmonic - log(a * b);
}
static SAC_ROW(kl) {
  out[0] = sac_dist_kl_quadrature(d, theta, z, 0.5, 0.5);
}

static const sac_dist_param param[] = {SAC_SHAPE("a", BITS), SAC_SHAPE("b", BITS)};
const sac_dist sac_dist_kumaraswamy = {
    .name = "kumaraswamy",
    .latent_names = {"log z", "log(1-z)"},
    .dim = 1,
    .latents = 2,
    .params = 2,
    .param = param,
    .low = 0.0,
    .high = 1.0,
    .to_latent = to_latent,
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
};
