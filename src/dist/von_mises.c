/* Von Mises (loc, concentration). The density has period 2 pi; F is measured over one period around
 * loc, from loc - pi to loc + pi, which is where samples lie: they are not wrapped, so that z moves
 * smoothly with loc. */
#include "dist/family.h"
#include "special/constants.h"
#include "special/solve.h"
#include "special/transport.h"

/* z - loc in [-pi, pi] */
static double reduce(const double theta[], const double z[]) {
  return remainder(z[0] - theta[0], 6.28318530717958647693);
}

/* 1 - cos x */
static double rise(double x) {
  const double s = sin(0.5 * x);
  return 2.0 * s * s;
}

static double log_density_of(double kappa, double x) {
  return -kappa * rise(x) - sac_log_2pi - sac_log_bessel_i0e(kappa);
}

static SAC_ROW(log_density) {
  out[0] = log_density_of(theta[1], reduce(theta, z));
}
static SAC_ROW(dlog_density) {
  out[0] = -theta[1] * sin(reduce(theta, z));
}
static SAC_ROW(score) {
  const double x = reduce(theta, z);
  out[0] = theta[1] * sin(x);
  out[1] = sac_bessel_ratio_complement(theta[1]) - rise(x);
}

enum { BLOCK = 64 };

static void velocity_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double z[], SAC_UNUSED const double latent[], double out[]) {
  double kappa[BLOCK], x[BLOCK], t[BLOCK], v[BLOCK], mills[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < (rows + SAC_VECTOR_PAD - 1) / SAC_VECTOR_PAD * SAC_VECTOR_PAD; i++) {
      const size_t row = at + (i < rows ? i : 0);
      kappa[i] = theta[row * step + 1];
      x[i] = reduce(theta + row * step, z + row);
      t[i] = fabs(x[i]);
    }
    sac_transport_get()->von_mises(rows, kappa, t, v, mills);
    for (size_t i = 0; i < rows; i++) {
      out[2 * (at + i)] = 1.0;
      out[2 * (at + i) + 1] = x[i] < 0.0 ? -v[i] : v[i];
    }
  }
}

static SAC_ROW(velocity) {
  velocity_n(d, 1, theta, 0, z, latent, out);
}

/* log of P(X > t), 0 <= t <= pi */
static double log_tail_of(double kappa, double t, double log_p) {
  double v[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD];
  sac_transport_get()->von_mises(1, SAC_LANE(kappa), SAC_LANE(t), v, mills);
  return mills[0] > 0.0 ? log_p + log(mills[0]) : log(0.5 + exp(log_p) * mills[0]);
}

static SAC_ROW(cdf) {
  const double x = reduce(theta, z), t = fmin(fabs(x), sac_pi);
  const double tail = exp(log_tail_of(theta[1], t, log_density_of(theta[1], t)));
  const double bounded = t >= sac_pi ? 0.0 : fmin(tail, 0.5);
  out[0] = x < 0.0 ? bounded : 1.0 - bounded;
  out[1] = x < 0.0 ? 1.0 - bounded : bounded;
}

static void tail_at(const void *context, double t, double *log_tail, double *slope) {
  const double kappa = *(const double *)context, log_p = log_density_of(kappa, t);
  *log_tail = log_tail_of(kappa, t, log_p);
  *slope = -exp(log_p - *log_tail);
}

static SAC_ROW(quantile) {
  const double tail = z[0] < z[1] ? z[0] : z[1], kappa = theta[1];
  double t = sac_pi;
  if (tail >= 0.5) {
    t = 0.0;
  } else if (tail > 0.0) {
    const double normal = -sac_ndtri(tail) / sqrt(kappa), even = sac_pi * (1.0 - 2.0 * tail);
    t = sac_solve_tail(tail_at, &kappa, 0, log(tail), 0.0, sac_pi, fmin(normal, even));
  }
  out[0] = theta[0] + (z[0] < z[1] ? -t : t);
}

/* [BF79] Best and Fisher: a wrapped Cauchy of parameter rho proposes; its half-angle form keeps the
 * digits of a narrow peak. With r = (1 + rho^2)/(2 rho) and w = kappa (r - cos x), accept if
 * log U < log w + 1 - w. Below 1/2 a uniform proposal is accepted more often than not. */
static double draw(double kappa, sac_stream *stream) {
  const double root = sqrt(1.0 + 4.0 * kappa * kappa), tau = 1.0 + root;
  const double rho = kappa < 0.5 ? 0.0 : (tau - sqrt(2.0 * tau)) / (2.0 * kappa);
  for (;;) {
    const double even = sac_stream_uniform(stream) - 0.5;
    const double log_u = log(sac_stream_uniform(stream));
    if (kappa < 0.5) {
      const double x = 2.0 * sac_pi * even;
      if (log_u < -kappa * rise(x)) return x;
      continue;
    }
    const double x = 2.0 * atan((1.0 - rho) / (1.0 + rho) * tan(sac_pi * even));
    const double w = kappa * ((1.0 - rho) * (1.0 - rho) / (2.0 * rho) + rise(x));
    if (log_u < log(w) + 1.0 - w) return x;
  }
}

static void sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                   SAC_UNUSED double latent[], sac_stream *stream) {
  z[0] = theta[0] + draw(theta[1], stream);
}

static SAC_ROW(mean) {
  out[0] = theta[0];
}
/* of z as a number on loc -+ pi: int x^2 p by 64 Gauss-Legendre nodes where p is above e^-45 */
static SAC_ROW(variance) {
  const double kappa = theta[1], width = fmin(sac_pi, sqrt(220.0 / (kappa + 1e-9)));
  double mass = 0.0, moment = 0.0;
  for (int k = 0; k < 64; k++) {
    const double x = width * legendre64_x[k], weight = legendre64_w[k] * exp(-kappa * rise(x));
    mass += weight;
    moment += weight * x * x;
  }
  out[0] = moment / mass;
}
static SAC_ROW(mode) {
  out[0] = theta[0];
}
static SAC_ROW(entropy) {
  const double k = theta[1];
  out[0] = sac_log_2pi + sac_log_bessel_i0e(k) + k * sac_bessel_ratio_complement(k);
}
static SAC_ROW(kl) {
  const double k = theta[1], k2 = z[1], rest = sac_bessel_ratio_complement(k);
  const double apart = rest + (1.0 - rest) * rise(theta[0] - z[0]); /* 1 - A cos(loc - loc2) */
  const double sum = sac_log_bessel_i0e(k2) - sac_log_bessel_i0e(k) - k * rest + k2 * apart;
  out[0] = sum > 0.0 ? sum : 0.0;
}

static const sac_dist_param param[] = {
    SAC_REAL("loc", SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT),
    {"concentration", 0.0, 1e100, 0, 0, SAC_DIST_IMPLICIT | SAC_DIST_SCORE}};
const sac_dist sac_dist_von_mises = {
    .name = "von_mises",
    .dim = 1,
    .params = 2,
    .param = param,
    .low = -1.79769313486231570e308,
    .high = 1.79769313486231570e308,
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
