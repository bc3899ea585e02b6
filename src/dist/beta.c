/* Beta (a, b). The latent is (log z, log(1-z)); velocities come from the transport quadrature in
 * logit z, the direct route through the distribution function. */
#include "dist/family.h"
#include "special/incomplete.h"

#define BITS (SAC_DIST_IMPLICIT | SAC_DIST_GREP | SAC_DIST_RSVI)
enum { BLOCK = 64, L = 2, P = 2, WIDTH = P + L * P };

static SAC_ROW(to_latent) {
  out[0] = log(z[0]);
  out[1] = log1p(-z[0]);
}

/* z and 1 - z with full relative accuracy */
static double value(const double z[], const double latent[]) {
  return z[0] > 1e-290 ? z[0] : exp(latent[0]);
}
static double complement(const double z[], const double latent[]) {
  return z[0] < 0.999 ? 1.0 - z[0] : exp(latent[1]);
}

/* the density at an end where it is z^(power-1)/B: its log's limit */
static double end_log_density(double power, double other) {
  return power < 1.0 ? HUGE_VAL : power > 1.0 ? -HUGE_VAL : log(other);
}

static SAC_ROW(log_density) {
  const double a = theta[0], b = theta[1];
  if (latent[0] == -HUGE_VAL) {
    out[0] = end_log_density(a, b);
  } else if (latent[1] == -HUGE_VAL) {
    out[0] = end_log_density(b, a);
  } else {
    out[0] = sac_beta_log_kernel(a, b, latent[0], latent[1]) - latent[0] - latent[1];
  }
}

static SAC_ROW(dlog_density) {
  const double a = theta[0] - 1.0, b = theta[1] - 1.0;
  const double x = value(z, latent), xm = complement(z, latent);
  /* as log z moves, log(1-z) moves by -z/(1-z) of it */
  out[0] = (a == 0.0 ? 0.0 : a / x) - (b == 0.0 ? 0.0 : b / xm);
  if (isnan(out[0])) out[0] = 0.0;
  out[1] = a - (b == 0.0 || x == 0.0 ? 0.0 : b * x / xm);
  out[2] = b - (a == 0.0 || xm == 0.0 ? 0.0 : a * xm / x);
}

/* log x - psi(a) + psi(a+b), through x/x0 - 1 = e/a for a large a, e = b x - a (1-x) */
static double side_score(double a, double b, double log_x, double e) {
  const double r = e / a;
  if (a > 10.0 && r > -0.5 && r < 1.0)
    return log1p(r) + (sac_log_minus_digamma(a) - sac_log_minus_digamma(a + b));
  return log_x + sac_digamma_difference(a, b);
}

static SAC_ROW(score) {
  const double a = theta[0], b = theta[1];
  const double e = b * value(z, latent) - a * complement(z, latent);
  out[0] = side_score(a, b, latent[0], e);
  out[1] = side_score(b, a, latent[1], -e);
}

typedef struct lanes { /* in the kernel's order */
  double a[BLOCK], b[BLOCK], x[BLOCK], xm[BLOCK], lx[BLOCK], lxm[BLOCK];
  double va[BLOCK], vb[BLOCK], mills[BLOCK];
  size_t slot[BLOCK]; /* where a row went */
} lanes;

/* n <= BLOCK rows through the kernel */
static void transport(size_t n, const double theta[], size_t step, const double z[],
                      const double latent[], lanes *l) {
  double a[BLOCK], b[BLOCK], x[BLOCK], xm[BLOCK], lx[BLOCK], lxm[BLOCK];
  unsigned char series[BLOCK];
  for (size_t i = 0; i < n; i++) {
    const double *at = latent + L * i;
    a[i] = theta[i * step];
    b[i] = theta[i * step + 1];
    x[i] = value(z + i, at);
    xm[i] = complement(z + i, at);
    lx[i] = at[0] > -1e300 ? at[0] : -1e300;
    lxm[i] = at[1] > -1e300 ? at[1] : -1e300;
    series[i] = (x[i] <= 0.5 ? b[i] * x[i] : a[i] * xm[i]) <= SAC_BETA_EDGE;
  }
  sac_lanes_arrange(n, series, l->slot);
  sac_lanes_place(n, l->slot, a, l->a);
  sac_lanes_place(n, l->slot, b, l->b);
  sac_lanes_place(n, l->slot, x, l->x);
  sac_lanes_place(n, l->slot, xm, l->xm);
  sac_lanes_place(n, l->slot, lx, l->lx);
  sac_lanes_place(n, l->slot, lxm, l->lxm);
  sac_transport_get()->beta(n, l->a, l->b, l->x, l->xm, l->lx, l->lxm, l->va, l->vb, l->mills);
}

static void velocity_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double z[], const double latent[], double out[]) {
  lanes l;
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    transport(rows, theta + at * step, step, z + at, latent + at * L, &l);
    for (size_t i = 0; i < rows; i++) {
      const size_t k = l.slot[i];
      const double x = l.x[k], xm = l.xm[k], both = x * xm;
      double *row = out + (at + i) * WIDTH;
      row[0] = both == 0.0 ? 0.0 : both * l.va[k];
      row[1] = both == 0.0 ? 0.0 : both * l.vb[k];
      row[2] = xm == 0.0 ? 0.0 : xm * l.va[k];
      row[3] = xm == 0.0 ? 0.0 : xm * l.vb[k];
      row[4] = x == 0.0 ? 0.0 : -x * l.va[k];
      row[5] = x == 0.0 ? 0.0 : -x * l.vb[k];
    }
  }
}

static SAC_ROW(velocity) {
  velocity_n(d, 1, theta, 0, z, latent, out);
}

static void cdf_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                  SAC_UNUSED const double z[], const double latent[], double out[]) {
  double a[BLOCK], b[BLOCK], lx[BLOCK], lxm[BLOCK], lower[BLOCK], upper[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++) {
      a[i] = theta[(at + i) * step];
      b[i] = theta[(at + i) * step + 1];
      lx[i] = latent[L * (at + i)];
      lxm[i] = latent[L * (at + i) + 1];
    }
    sac_beta_pq_n(rows, a, b, lx, lxm, lower, upper);
    for (size_t i = 0; i < rows; i++) {
      out[2 * (at + i)] = lower[i];
      out[2 * (at + i) + 1] = upper[i];
    }
  }
}

static SAC_ROW(cdf) {
  cdf_n(d, 1, theta, 0, z, latent, out);
}

static SAC_ROW(quantile) {
  const double y = sac_beta_logit_inverse(theta[0], theta[1], z[0], z[1]);
  out[0] = sac_logistic(y);
  out[1] = -sac_log1pexp(-y);
  out[2] = -sac_log1pexp(y);
}

/* z and its latents from y = logit z, t = e^-|y| */
static void write_row(double y, double t, double *z, double latent[]) {
  const double share = 1.0 / (1.0 + t), rest = log1p(t);
  *z = y > 0.0 ? share : t * share;
  latent[0] = y > 0.0 ? -rest : y - rest;
  latent[1] = y > 0.0 ? -y - rest : -rest;
}

static void sample_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[], size_t step,
                     double z[], double latent[], sac_stream *stream) {
  double a[BLOCK], b[BLOCK], G[BLOCK], x[BLOCK], y[BLOCK], t[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++) {
      a[i] = theta[(at + i) * step];
      b[i] = theta[(at + i) * step + 1];
    }
    sac_draw_log_gammas(rows, a, G, x, stream);
    sac_draw_log_gammas(rows, b, G, y, stream);
    for (size_t i = 0; i < rows; i++) {
      y[i] = x[i] - y[i]; /* logit z */
      x[i] = -fabs(y[i]);
    }
    for (size_t i = rows; i < sac_lanes_padded(rows); i++) x[i] = 0.0;
    sac_transport_get()->exp(rows, x, t);
    for (size_t i = 0; i < rows; i++)
      write_row(y[i], x[i] < -700.0 ? exp(x[i]) : t[i], z + at + i, latent + (at + i) * L);
  }
}

static SAC_ROW(mean) {
  out[0] = theta[0] / (theta[0] + theta[1]);
}
static SAC_ROW(variance) {
  const double s = theta[0] + theta[1];
  out[0] = theta[0] / s * (theta[1] / s) / (s + 1.0);
}
/* The peak; of two infinite ends the heavier one, and the middle where the density is level. */
static SAC_ROW(mode) {
  const double a = theta[0], b = theta[1];
  if (a >= 1.0 && b >= 1.0) {
    out[0] = a + b == 2.0 ? 0.5 : (a - 1.0) / (a + b - 2.0);
  } else {
    out[0] = a < b ? 0.0 : b < a ? 1.0 : 0.5;
  }
}
/* log B - (a-1)(psi(a) - psi(a+b)) - (b-1)(psi(b) - psi(a+b)) */
static SAC_ROW(entropy) {
  const double a = theta[0], b = theta[1];
  const double da = sac_digamma_difference(a, b), db = sac_digamma_difference(b, a);
  if (a > 10.0 && b > 10.0) { /* of logit z by Stirling, plus E log z (1-z) */
    const double s = a + b;
    const double logit = -0.5 * (log(a) + log(b) - log(s) - sac_log_2pi) + sac_stirling(a) +
                         sac_stirling(b) - sac_stirling(s) + a * sac_log_minus_digamma(a) +
                         b * sac_log_minus_digamma(b) - s * sac_log_minus_digamma(s);
    out[0] = logit - da - db;
    return;
  }
  out[0] = sac_lbeta(a, b) + (a - 1.0) * da + (b - 1.0) * db;
}
/* log B2 - log B + (a-a2)(psi(a)-psi(a+b)) + (b-b2)(psi(b)-psi(a+b)) */
static SAC_ROW(kl) {
  const double a = theta[0], b = theta[1];
  const double sum = sac_lbeta(z[0], z[1]) - sac_lbeta(a, b) +
                     (z[0] - a) * sac_digamma_difference(a, b) +
                     (z[1] - b) * sac_digamma_difference(b, a);
  out[0] = sum > 0.0 ? sum : 0.0;
}

static const sac_dist_param param[] = {SAC_SHAPE("a", BITS), SAC_SHAPE("b", BITS)};
const sac_dist sac_dist_beta = {
    .name = "beta",
    .latent_names = {"log z", "log(1-z)"},
    .dim = 1,
    .latents = L,
    .params = P,
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
    .sample_n = sample_n,
    .velocity_n = velocity_n,
    .cdf_n = cdf_n,
    .log_density_fast_n = sac_beta_log_density_fast_n,
    .score_fast_n = sac_beta_score_fast_n,
};
