/* Beta's log density and score for many rows at once, behind the float calls: log Gamma and psi by
 * eight shifts and Stirling's series, without a branch, so that registers of rows go side by side.
 * Absolute error below 1e-12 (1 + a + b), where the exact forms in beta.c keep every digit. */
#include "dist/family.h"
#include "special/transport.h"

enum { BLOCK = 64, SHIFT = 8, L = 2, P = 2 };

/* Of n numbers x > 0: y = x + 8, p = x (x+1) ... (x+7), and what Stirling's series leaves of
 * log Gamma(y) - (y - 1/2) log y + y - log(2 pi)/2 and of psi(y) - log y, less sum 1/(x+k). */
static void stirling(size_t n, const double x[], double y[], double p[], double gamma[],
                     double psi[]) {
  for (size_t i = 0; i < n; i++) {
    double product = 1.0, slope = 0.0;
    for (int k = 0; k < SHIFT; k++) {
      slope = slope * (x[i] + k) + product;
      product *= x[i] + k;
    }
    y[i] = x[i] + SHIFT;
    p[i] = product;
    const double r = 1.0 / y[i], w = r * r;
    gamma[i] =
        r * (1.0 / 12 -
             w * (1.0 / 360 -
                  w * (1.0 / 1260 - w * (1.0 / 1680 - w * (1.0 / 1188 - w * (691.0 / 360360))))));
    psi[i] = -0.5 * r - slope / product -
             w * (1.0 / 12 -
                  w * (1.0 / 120 -
                       w * (1.0 / 252 - w * (1.0 / 240 - w * (1.0 / 132 - w * (691.0 / 32760))))));
  }
}

/* A block of rows: log B(a, b), psi(a) - psi(a+b), psi(b) - psi(a+b). */
typedef struct block {
  double a[BLOCK], b[BLOCK], log_beta[BLOCK], da[BLOCK], db[BLOCK];
} block;

static void solve(size_t n, block *t) {
  double x[3 * BLOCK], y[3 * BLOCK], p[3 * BLOCK], gamma[3 * BLOCK], psi[3 * BLOCK];
  double log_y[3 * BLOCK], ratio[BLOCK], log_ratio[BLOCK];
  for (size_t i = 0; i < n; i++) {
    x[i] = t->a[i];
    x[BLOCK + i] = t->b[i];
    x[2 * BLOCK + i] = t->a[i] + t->b[i];
  }
  for (size_t k = 0; k < 3; k++) {
    const size_t at = k * BLOCK;
    stirling(n, x + at, y + at, p + at, gamma + at, psi + at);
    for (size_t i = n; i % SAC_VECTOR_PAD; i++) y[at + i] = 1.0;
    sac_transport_get()->log(n, y + at, log_y + at);
  }
  for (size_t i = 0; i < n; i++) ratio[i] = p[2 * BLOCK + i] / p[i] / p[BLOCK + i];
  for (size_t i = n; i % SAC_VECTOR_PAD; i++) ratio[i] = 1.0;
  sac_transport_get()->log(n, ratio, log_ratio);
  for (size_t i = 0; i < n; i++) {
    const double *g = gamma + i, *l = log_y + i, *v = y + i, *q = psi + i;
    /* the y of a and b add up to that of a + b and 8 more */
    t->log_beta[i] = (v[0] - 0.5) * l[0] + (v[BLOCK] - 0.5) * l[BLOCK] -
                     (v[2 * BLOCK] - 0.5) * l[2 * BLOCK] - SHIFT + 0.5 * sac_log_2pi + g[0] +
                     g[BLOCK] - g[2 * BLOCK] + log_ratio[i];
    t->da[i] = l[0] - l[2 * BLOCK] + q[0] - q[2 * BLOCK];
    t->db[i] = l[BLOCK] - l[2 * BLOCK] + q[BLOCK] - q[2 * BLOCK];
  }
}

static size_t load(size_t at, size_t n, const double theta[], size_t step, block *t) {
  const size_t rows = n - at < BLOCK ? n - at : BLOCK;
  for (size_t i = 0; i < rows; i++) {
    t->a[i] = theta[(at + i) * step];
    t->b[i] = theta[(at + i) * step + 1];
  }
  solve(rows, t);
  return rows;
}

/* 0 log 0 = 0: an end of the interval under a level density */
static double times(double power, double log_z) {
  return power == 0.0 ? 0.0 : power * log_z;
}

void sac_beta_log_density_fast_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[],
                                 size_t step, SAC_UNUSED const double z[], const double latent[],
                                 double out[]) {
  block t;
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = load(at, n, theta, step, &t);
    for (size_t i = 0; i < rows; i++) {
      const double *l = latent + L * (at + i);
      out[at + i] = times(t.a[i] - 1.0, l[0]) + times(t.b[i] - 1.0, l[1]) - t.log_beta[i];
    }
  }
}

void sac_beta_score_fast_n(SAC_UNUSED const sac_dist *d, size_t n, const double theta[],
                           size_t step, SAC_UNUSED const double z[], const double latent[],
                           double out[]) {
  block t;
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = load(at, n, theta, step, &t);
    for (size_t i = 0; i < rows; i++) {
      out[P * (at + i)] = latent[L * (at + i)] - t.da[i];
      out[P * (at + i) + 1] = latent[L * (at + i) + 1] - t.db[i];
    }
  }
}
