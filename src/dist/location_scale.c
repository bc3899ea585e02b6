/* Location-scale families, z = loc + scale x with x of a standard density: normal, Laplace,
 * logistic, Cauchy, Gumbel. A family is its standard form; what is written here once serves all. */
#include "dist/family.h"
#include "special/transport.h"

typedef struct standard {
  double (*log_density)(double x);
  double (*slope)(double x); /* d log p/dx */
  void (*cdf)(double x, double out[2]);
  double (*quantile)(double lower, double upper);
  double mean, variance, mode, entropy; /* NaN where it does not exist */
} standard;

static const standard *form(const sac_dist *d) {
  return d->data;
}
static double reduce(const double theta[], const double z[]) {
  return (z[0] - theta[0]) / theta[1];
}

static SAC_ROW(log_density) {
  out[0] = form(d)->log_density(reduce(theta, z)) - log(theta[1]);
}

static SAC_ROW(dlog_density) {
  out[0] = form(d)->slope(reduce(theta, z)) / theta[1];
}

static SAC_ROW(score) {
  const double x = reduce(theta, z), slope = form(d)->slope(x);
  out[0] = -slope / theta[1];
  out[1] = isinf(x) ? HUGE_VAL : -(1.0 + x * slope) / theta[1];
}

static SAC_ROW(velocity) {
  out[0] = 1.0;
  out[1] = reduce(theta, z);
}

static SAC_ROW(cdf) {
  form(d)->cdf(reduce(theta, z), out);
}

static SAC_ROW(quantile) {
  out[0] = theta[0] + theta[1] * form(d)->quantile(z[0], z[1]);
}

static SAC_ROW(mean) {
  out[0] = theta[0] + theta[1] * form(d)->mean;
}
static SAC_ROW(variance) {
  out[0] = theta[1] * theta[1] * form(d)->variance;
}
static SAC_ROW(mode) {
  out[0] = theta[0] + theta[1] * form(d)->mode;
}
static SAC_ROW(entropy) {
  out[0] = form(d)->entropy + log(theta[1]);
}

#define LOCATION_SCALE(family, location, spread, bits)                                       \
  static const sac_dist_param family##_param[] = {                                           \
      SAC_REAL(location, SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP | (bits)),    \
      SAC_POSITIVE(spread, SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP | (bits))}; \
  const sac_dist sac_dist_##family = {                                                       \
      .name = #family,                                                                       \
      .dim = 1,                                                                              \
      .params = 2,                                                                           \
      .param = family##_param,                                                               \
      .data = &family##_form,                                                                \
      .low = -HUGE_VAL,                                                                      \
      .high = HUGE_VAL,                                                                      \
      .log_density = log_density,                                                            \
      .dlog_density = dlog_density,                                                          \
      .score = score,                                                                        \
      .velocity = velocity,                                                                  \
      .cdf = cdf,                                                                            \
      .quantile = quantile,                                                                  \
      .mean = mean,                                                                          \
      .variance = variance,                                                                  \
      .mode = mode,                                                                          \
      .entropy = entropy,                                                                    \
      .kl = family##_kl,                                                                     \
      .sample_n = family##_sample_n,                                                         \
  }

/* inversion serves as the sampler */
#define logistic_sample_n NULL
#define laplace_sample_n  NULL
#define cauchy_sample_n   NULL
#define gumbel_sample_n   NULL

/* ---- normal --------------------------------------------------------------------------------- */

static double normal_log_density(double x) {
  return -0.5 * x * x - 0.5 * sac_log_2pi;
}
static double normal_slope(double x) {
  return -x;
}
static void normal_cdf(double x, double out[2]) {
  out[0] = sac_ndtr(x);
  out[1] = sac_ndtr(-x);
}
static double normal_quantile(double lower, double upper) {
  return lower < upper ? sac_ndtri(lower) : -sac_ndtri(upper);
}

/* with r = sd/sd2 and m = (mean - mean2)/sd2: (r^2 - 1 - log r^2 + m^2)/2 */
static SAC_ROW(normal_kl) {
  const double r = theta[1] / z[1], m = (theta[0] - z[0]) / z[1];
  out[0] = 0.5 * (m * m - sac_log1pmx((r - 1.0) * (r + 1.0)));
  if (r * r < 0.5) out[0] = 0.5 * (m * m + (r - 1.0) * (r + 1.0)) - log(r);
}

static void normal_sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[],
                            size_t step, double z[], SAC_UNUSED double latent[],
                            sac_stream *stream) {
  sac_transport_get()->normals(stream, n, z);
  for (size_t i = 0; i < n; i++) z[i] = theta[i * step] + theta[i * step + 1] * z[i];
}

static const standard normal_form = {
    normal_log_density,     normal_slope, normal_cdf, normal_quantile, 0.0, 1.0, 0.0,
    1.41893853320467274178, /* (1 + log 2 pi)/2 */
};
LOCATION_SCALE(normal, "mean", "sd", SAC_DIST_MVD);

/* ---- Laplace -------------------------------------------------------------------------------- */

static double laplace_log_density(double x) {
  return -fabs(x) - sac_log_2;
}
static double laplace_slope(double x) {
  return x > 0.0 ? -1.0 : x < 0.0 ? 1.0 : 0.0;
}
static void laplace_cdf(double x, double out[2]) {
  const double tail = 0.5 * exp(-fabs(x)), rest = 1.0 - tail;
  out[0] = x < 0.0 ? tail : rest;
  out[1] = x < 0.0 ? rest : tail;
}
static double laplace_quantile(double lower, double upper) {
  return lower < upper ? log(2.0 * lower) : -log(2.0 * upper);
}

/* log(b2/b) + |m|/b2 + b/b2 e^(-|m|/b) - 1, m the difference of the locations */
static SAC_ROW(laplace_kl) {
  const double m = fabs(theta[0] - z[0]), r = theta[1] / z[1], t = m / theta[1];
  out[0] = r * (t + expm1(-t)) + (r - 1.0) - log(r);
}

static const standard laplace_form = {
    laplace_log_density,    laplace_slope, laplace_cdf, laplace_quantile, 0.0, 2.0, 0.0,
    1.69314718055994530942, /* 1 + log 2 */
};
LOCATION_SCALE(laplace, "loc", "scale", SAC_DIST_MVD);

/* ---- logistic ------------------------------------------------------------------------------- */

static double logistic_log_density(double x) {
  return -fabs(x) - 2.0 * log1p(exp(-fabs(x)));
}
static double logistic_slope(double x) {
  return -tanh(0.5 * x);
}
static void logistic_cdf(double x, double out[2]) {
  out[0] = sac_logistic(x);
  out[1] = sac_logistic(-x);
}
static double logistic_quantile(double lower, double upper) {
  return log(lower) - log(upper);
}

/* E log p - E log q: the first is minus the entropy, the second by quadrature */
static SAC_ROW(logistic_kl) {
  out[0] = sac_dist_kl_quadrature(d, theta, z, theta[0], z[0]);
}

static const standard logistic_form = {
    logistic_log_density,
    logistic_slope,
    logistic_cdf,
    logistic_quantile,
    0.0,
    3.28986813369645287295, /* pi^2/3 */
    0.0,
    2.0,
};
LOCATION_SCALE(logistic, "loc", "scale", 0);

/* ---- Cauchy --------------------------------------------------------------------------------- */

static double cauchy_log_density(double x) {
  return fabs(x) > 1e150 ? -log(sac_pi) - 2.0 * log(fabs(x)) : -log(sac_pi) - log1p(x * x);
}
static double cauchy_slope(double x) {
  return fabs(x) > 1e150 ? -2.0 / x : -2.0 * x / (1.0 + x * x);
}
static void cauchy_cdf(double x, double out[2]) { /* atan(1/|x|)/pi is the nearer tail */
  const double tail = atan2(1.0, fabs(x)) / sac_pi;
  out[0] = x < 0.0 ? tail : 1.0 - tail;
  out[1] = x < 0.0 ? 1.0 - tail : tail;
}
static double cauchy_quantile(double lower, double upper) {
  const double tail = lower < upper ? lower : upper;
  if (tail == 0.0) return lower < upper ? -HUGE_VAL : HUGE_VAL;
  const double x = tail > 0.4 ? tan(sac_pi * (0.5 - tail)) : 1.0 / tan(sac_pi * tail);
  return lower < upper ? -x : x;
}

/* log((s + s2)^2 + m^2) - log(4 s s2) */
static SAC_ROW(cauchy_kl) {
  const double m = theta[0] - z[0], s = theta[1], t = z[1];
  out[0] = log1p(((s - t) * (s - t) + m * m) / (4.0 * s * t));
}

static const standard cauchy_form = {
    cauchy_log_density, cauchy_slope, cauchy_cdf, cauchy_quantile,
    (double)NAN,        (double)NAN,  0.0,        2.53102424696929079070, /* log(4 pi) */
};
LOCATION_SCALE(cauchy, "loc", "scale", 0);

/* ---- Gumbel --------------------------------------------------------------------------------- */

static double gumbel_log_density(double x) {
  return x == HUGE_VAL || x == -HUGE_VAL ? -HUGE_VAL : -x - exp(-x);
}
static double gumbel_slope(double x) {
  return expm1(-x);
}
static void gumbel_cdf(double x, double out[2]) {
  const double t = exp(-x);
  out[0] = exp(-t);
  out[1] = -expm1(-t);
}
static double gumbel_quantile(double lower, double upper) {
  return -log(lower < upper ? -log(lower) : -log1p(-upper));
}

/* E x = loc + euler s; E e^-(x - loc2)/s2 = e^-(m/s2) Gamma(1 + s/s2), m = loc - loc2 */
static SAC_ROW(gumbel_kl) {
  const double r = theta[1] / z[1], m = (theta[0] - z[0]) / z[1];
  out[0] = -log(r) + sac_euler * (r - 1.0) - 1.0 + m + exp(sac_lgamma1p(r) - m);
}

static const standard gumbel_form = {
    gumbel_log_density,
    gumbel_slope,
    gumbel_cdf,
    gumbel_quantile,
    0.57721566490153286061,
    1.64493406684822643647, /* pi^2/6 */
    0.0,
    1.57721566490153286061, /* 1 + euler */
};
LOCATION_SCALE(gumbel, "loc", "scale", 0);
