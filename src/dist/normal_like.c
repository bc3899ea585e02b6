/* Images of the normal: log-normal, tanh-normal, half-normal. */
#include "dist/family.h"
#include "special/transport.h"

#define BITS (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP | SAC_DIST_MVD)

static const sac_dist_param mean_sd[] = {SAC_REAL("mean", BITS), SAC_POSITIVE("sd", BITS)};

static double reduce(const double theta[], double u) {
  return (u - theta[0]) / theta[1];
}

/* log of the density of u = mean + sd x at u */
static double normal_log(const double theta[], double u) {
  const double x = reduce(theta, u);
  return -0.5 * x * x - 0.5 * sac_log_2pi - log(theta[1]);
}

/* d log p/dtheta is that of the latent's density: the Jacobian does not hold theta */
static SAC_ROW(latent_score) {
  const double x = reduce(theta, latent[0]);
  out[0] = x / theta[1];
  out[1] = (x - 1.0) * (x + 1.0) / theta[1];
}

static SAC_ROW(latent_cdf) {
  const double x = reduce(theta, latent[0]);
  out[0] = sac_ndtr(x);
  out[1] = sac_ndtr(-x);
}

static double latent_quantile(const double theta[], const double pair[]) {
  const double x = pair[0] < pair[1] ? sac_ndtri(pair[0]) : -sac_ndtri(pair[1]);
  return theta[0] + theta[1] * x;
}

static SAC_ROW(latent_kl) {
  sac_dist_normal.kl(&sac_dist_normal, theta, z, NULL, out);
}

/* draw the latent of n rows */
static void draw_latents(size_t n, const double theta[], size_t step, double latent[],
                         sac_stream *stream) {
  sac_transport_get()->normals(stream, n, latent);
  for (size_t i = 0; i < n; i++) latent[i] = theta[i * step] + theta[i * step + 1] * latent[i];
}

/* ---- log-normal: z = e^u -------------------------------------------------------------------- */

static SAC_ROW(ln_to_latent) {
  out[0] = log(z[0]);
}

static SAC_ROW(ln_log_density) {
  out[0] = isinf(latent[0]) ? -HUGE_VAL : normal_log(theta, latent[0]) - latent[0];
}

static SAC_ROW(ln_dlog_density) {
  const double slope = -reduce(theta, latent[0]) / theta[1] - 1.0;
  out[0] = z[0] == HUGE_VAL ? 0.0 : slope / z[0];
  out[1] = slope;
}

static SAC_ROW(ln_velocity) {
  const double x = reduce(theta, latent[0]);
  out[0] = z[0];
  out[1] = z[0] == 0.0 || x == 0.0 ? 0.0 : z[0] * x;
  out[2] = 1.0;
  out[3] = x;
}

static SAC_ROW(ln_quantile) {
  out[1] = latent_quantile(theta, z);
  out[0] = exp(out[1]);
}

static void ln_sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                        double z[], double latent[], sac_stream *stream) {
  draw_latents(n, theta, step, latent, stream);
  for (size_t i = 0; i < n; i++) z[i] = exp(latent[i]);
}

static SAC_ROW(ln_mean) {
  out[0] = exp(theta[0] + 0.5 * theta[1] * theta[1]);
}
static SAC_ROW(ln_variance) {
  const double s2 = theta[1] * theta[1];
  out[0] = expm1(s2) * exp(2.0 * theta[0] + s2);
}
static SAC_ROW(ln_mode) {
  out[0] = exp(theta[0] - theta[1] * theta[1]);
}
static SAC_ROW(ln_entropy) {
  out[0] = theta[0] + log(theta[1]) + 0.5 * (1.0 + sac_log_2pi);
}

const sac_dist sac_dist_log_normal = {
    .name = "log_normal",
    .latent_names = {"log z"},
    .dim = 1,
    .latents = 1,
    .params = 2,
    .param = mean_sd,
    .low = 0.0,
    .high = HUGE_VAL,
    .to_latent = ln_to_latent,
    .log_density = ln_log_density,
    .dlog_density = ln_dlog_density,
    .score = latent_score,
    .velocity = ln_velocity,
    .cdf = latent_cdf,
    .quantile = ln_quantile,
    .mean = ln_mean,
    .variance = ln_variance,
    .mode = ln_mode,
    .entropy = ln_entropy,
    .kl = latent_kl,
    .sample_n = ln_sample_n,
};

/* ---- tanh-normal: z = tanh u ---------------------------------------------------------------- */

/* log(1 - tanh^2 u) = 2 (log 2 - |u| - log(1 + e^(-2|u|))) */
static double log_sech2(double u) {
  const double a = fabs(u);
  return 2.0 * (sac_log_2 - a - log1p(exp(-2.0 * a)));
}

static SAC_ROW(tn_to_latent) {
  out[0] = 0.5 * (log1p(z[0]) - log1p(-z[0]));
}

static SAC_ROW(tn_log_density) {
  out[0] = isinf(latent[0]) ? -HUGE_VAL : normal_log(theta, latent[0]) - log_sech2(latent[0]);
}

static SAC_ROW(tn_dlog_density) {
  const double slope = -reduce(theta, latent[0]) / theta[1] + 2.0 * tanh(latent[0]);
  out[0] = slope * exp(-log_sech2(latent[0]));
  out[1] = slope;
}

static SAC_ROW(tn_velocity) {
  const double x = reduce(theta, latent[0]), sech2 = exp(log_sech2(latent[0]));
  out[0] = sech2;
  out[1] = sech2 == 0.0 ? 0.0 : sech2 * x;
  out[2] = 1.0;
  out[3] = x;
}

static SAC_ROW(tn_quantile) {
  out[1] = latent_quantile(theta, z);
  out[0] = tanh(out[1]);
}

static void tn_sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                        double z[], double latent[], sac_stream *stream) {
  draw_latents(n, theta, step, latent, stream);
  for (size_t i = 0; i < n; i++) z[i] = tanh(latent[i]);
}

/* E f(mean + sd x): the trapezoid rule on |x| <= 9 converges like e^(-pi^2/(sd h)) for these f,
 * whose poles are at i pi/2; step 0.25/max(1, sd), up to sd = 500. */
static double normal_expectation(const double theta[], double (*f)(double u, double c), double c) {
  const double h = 0.25 / fmin(fmax(1.0, theta[1]), 500.0);
  const int half = (int)(9.0 / h);
  double sum = f(theta[0], c);
  for (int k = 1; k <= half; k++) {
    const double x = h * k, weight = exp(-0.5 * x * x);
    sum += weight * (f(theta[0] + theta[1] * x, c) + f(theta[0] - theta[1] * x, c));
  }
  return sum * h / 2.50662827463100050242;
}

static double tanh_of(double u, SAC_UNUSED double c) {
  return tanh(u);
}
static double square_gap(double u, double c) {
  return (tanh(u) - c) * (tanh(u) - c);
}
static double log_sech2_of(double u, SAC_UNUSED double c) {
  return log_sech2(u);
}

static SAC_ROW(tn_mean) {
  out[0] = normal_expectation(theta, tanh_of, 0.0);
}
static SAC_ROW(tn_variance) {
  out[0] = normal_expectation(theta, square_gap, normal_expectation(theta, tanh_of, 0.0));
}
static SAC_ROW(tn_entropy) {
  out[0] = 0.5 * (1.0 + sac_log_2pi) + log(theta[1]) + normal_expectation(theta, log_sech2_of, 0.0);
}

/* The root of (u - mean)/sd^2 = 2 tanh u on the mean's side of 0, where the density's highest peak
 * is: with m = |mean|, u <= m + 2 sd^2, from where Newton on a convex function falls monotonically.
 */
static SAC_ROW(tn_mode) {
  const double m = fabs(theta[0]), s2 = theta[1] * theta[1];
  double u = m + 2.0 * s2;
  for (int k = 0; k < 200; k++) {
    const double t = tanh(u), sech2 = exp(log_sech2(u));
    const double step = ((u - m) - 2.0 * s2 * t) / (1.0 - 2.0 * s2 * sech2);
    if (!(step > 1e-16 * u)) break;
    u -= step;
    if (u <= m) u = m; /* the peak is at 0 when m = 0 and sd^2 <= 1/2 */
    if (u <= 0.0) break;
  }
  out[0] = theta[0] < 0.0 ? -tanh(u) : tanh(u);
}

const sac_dist sac_dist_tanh_normal = {
    .name = "tanh_normal",
    .latent_names = {"u, z = tanh u"},
    .dim = 1,
    .latents = 1,
    .params = 2,
    .param = mean_sd,
    .low = -1.0,
    .high = 1.0,
    .to_latent = tn_to_latent,
    .log_density = tn_log_density,
    .dlog_density = tn_dlog_density,
    .score = latent_score,
    .velocity = tn_velocity,
    .cdf = latent_cdf,
    .quantile = tn_quantile,
    .mean = tn_mean,
    .variance = tn_variance,
    .mode = tn_mode,
    .entropy = tn_entropy,
    .kl = latent_kl,
    .sample_n = tn_sample_n,
};

/* ---- half-normal: z = scale |x| ------------------------------------------------------------- */

static const sac_dist_param half_param[] = {SAC_POSITIVE("scale", BITS)};

static SAC_ROW(hn_log_density) {
  const double x = z[0] / theta[0];
  out[0] = -0.5 * x * x + 0.5 * (2.0 * sac_log_2 - sac_log_2pi) - log(theta[0]);
}
static SAC_ROW(hn_dlog_density) {
  out[0] = -z[0] / theta[0] / theta[0];
}
static SAC_ROW(hn_score) {
  const double x = z[0] / theta[0];
  out[0] = (x - 1.0) * (x + 1.0) / theta[0];
}
static SAC_ROW(hn_velocity) {
  out[0] = z[0] / theta[0];
}
static SAC_ROW(hn_cdf) {
  const double x = z[0] / theta[0];
  out[0] = erf(x * 0.70710678118654752440);
  out[1] = 2.0 * sac_ndtr(-x);
}
static SAC_ROW(hn_quantile) { /* Phi(x) = (1 + F)/2 */
  if (z[0] < 1e-3) { /* erf's series: x = y (1 + y^2/6 + 7 y^4/120 + ...), y = F sqrt(pi/2) */
    const double y = z[0] * 1.25331413731550025121, w = y * y;
    out[0] = theta[0] * y * (1.0 + w * (1.0 / 6 + w * (7.0 / 120 + w * (127.0 / 5040))));
    return;
  }
  out[0] = theta[0] * -sac_ndtri(0.5 * z[1]);
}
static void hn_sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                        double z[], SAC_UNUSED double latent[], sac_stream *stream) {
  sac_transport_get()->normals(stream, n, z);
  for (size_t i = 0; i < n; i++) z[i] = theta[i * step] * fabs(z[i]);
}
static SAC_ROW(hn_mean) {
  out[0] = theta[0] * 0.79788456080286535588; /* sqrt(2/pi) */
}
static SAC_ROW(hn_variance) {
  out[0] = theta[0] * theta[0] * 0.36338022763241865692;
}
static SAC_ROW(hn_mode) {
  out[0] = 0.0;
}
static SAC_ROW(hn_entropy) {
  out[0] = log(theta[0]) + 0.5 * (1.0 + sac_log_2pi) - sac_log_2;
}
static SAC_ROW(hn_kl) {
  const double here[2] = {0.0, theta[0]}, there[2] = {0.0, z[0]};
  sac_dist_normal.kl(&sac_dist_normal, here, there, NULL, out);
}

const sac_dist sac_dist_half_normal = {
    .name = "half_normal",
    .dim = 1,
    .params = 1,
    .param = half_param,
    .low = 0.0,
    .high = HUGE_VAL,
    .log_density = hn_log_density,
    .dlog_density = hn_dlog_density,
    .score = hn_score,
    .velocity = hn_velocity,
    .cdf = hn_cdf,
    .quantile = hn_quantile,
    .mean = hn_mean,
    .variance = hn_variance,
    .mode = hn_mode,
    .entropy = hn_entropy,
    .kl = hn_kl,
    .sample_n = hn_sample_n,
};
