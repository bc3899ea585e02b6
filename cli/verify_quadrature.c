/* The two quadratures of 'sac verify', and differences in theta. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double verify_difference(const double v[6], double h) {
  return (45.0 * (v[3] - v[2]) - 9.0 * (v[4] - v[1]) + (v[5] - v[0])) / (60.0 * h);
}

void verify_shifted(const verify_case *c, size_t j, int k, double out[VERIFY_PARAMS], double *h) {
  memcpy(out, c->theta, sizeof c->theta);
  *h = 0.003 * fmax(fabs(c->theta[j]), 0.3);
  out[j] += k * *h;
}

/* ---- in u: the tanh-sinh rule, whose nodes crowd at both ends of a tail -----------------------
 */

enum { RULE = 132 }; /* nodes at t = k/32, |k| <= RULE */

/* the rule on (0, mass): u and weight; how many */
static size_t rule(double mass, double u[], double w[]) {
  const double pi = 3.14159265358979323846, h = 1.0 / 32.0;
  size_t n = 0;
  for (int k = -RULE; k <= RULE; k++) {
    const double t = h * k, q = exp(-pi * fabs(sinh(t))), near = mass * q / (1.0 + q);
    const double x = k < 0 ? near : mass - near;
    if (near < 1e-40 || !(x > 0.0) || !(x < 1.0)) continue;
    u[n] = x;
    w[n++] = mass * h * pi * cosh(t) * q / ((1.0 + q) * (1.0 + q));
  }
  return n;
}

int verify_nodes_make(verify_report *r, const sac_dist *d, const double theta[], double mass,
                      verify_nodes *out) {
  double u[2 * RULE + 1], w[2 * RULE + 1];
  const size_t n = rule(mass > 0.0 ? mass : 0.5, u, w), L = d->latents;
  const size_t total = mass > 0.0 ? n : 2 * n;
  double *block = verify_block(r, total * (2 + L));
  if (!block) return 0;
  *out = (verify_nodes){total, block, block + total, block + (1 + L) * total};
  int good = 1;
  for (size_t at = 0; at < total && good; at += n) {
    const int upper = mass > 0.0 || at;
    memcpy(out->w + at, w, n * sizeof *w);
    good = verify_ok(r, sac_dist_quantile(d, n, theta, 0, u, upper, out->z + at,
                                          L ? out->latent + at * L : NULL, &r->err));
  }
  if (!good) free(block);
  return good;
}

/* ---- in z: Gauss-Legendre on panels -----------------------------------------------------------
 */

enum { GL = VERIFY_ORDER_GL, PANELS = 50 };

/* nodes and weights on (0, 1): Newton on the Legendre polynomial */
static void gauss_legendre(double x[GL], double w[GL]) {
  const double pi = 3.14159265358979323846;
  for (int i = 0; i < GL; i++) {
    double t = cos(pi * (i + 0.75) / (GL + 0.5)), slope = 1.0;
    for (int step = 0; step < 50; step++) {
      double p = 1.0, before = 0.0;
      for (int k = 0; k < GL; k++) {
        const double next = ((2 * k + 1) * t * p - k * before) / (k + 1);
        before = p;
        p = next;
      }
      slope = GL * (t * p - before) / (t * t - 1.0);
      t -= p / slope;
      if (fabs(p / slope) < 1e-16) break;
    }
    x[i] = 0.5 * (1.0 - t);
    w[i] = 1.0 / ((1.0 - t * t) * slope * slope);
  }
}

/* one panel from `near`, its end at the median's side, to `far`: nodes and both rows of subnodes */
static void panel(verify_mesh *m, size_t at, double near, double far, const double x[GL],
                  const double w[GL]) {
  for (size_t i = 0; i < GL; i++) {
    const double z = near + (far - near) * x[i], width = fabs(far - near);
    m->z[at + i] = z;
    m->w[at + i] = width * w[i];
    for (size_t k = 0; k < GL; k++) {
      const size_t sub = (at + i) * GL + k;
      m->in[sub] = near + (z - near) * x[k];
      m->in_w[sub] = fabs(z - near) * w[k];
      m->out[sub] = z + (far - z) * x[k];
      m->out_w[sub] = fabs(far - z) * w[k];
    }
  }
}

int verify_mesh_make(verify_report *r, const sac_dist *d, const double theta[], verify_mesh *m) {
  double u[PANELS + 1], z[PANELS + 1], x[GL], w[GL];
  const size_t n = 2 * PANELS * GL;
  double *block = verify_block(r, n * (2 + 4 * GL));
  if (!block) return 0;
  *m = (verify_mesh){.n = n, .side = n / 2, .z = block, .w = block + n, .in = block + 2 * n};
  m->in_w = m->in + n * GL;
  m->out = m->in_w + n * GL;
  m->out_w = m->out + n * GL;
  gauss_legendre(x, w);
  u[0] = 0.5;
  for (int p = 1; p <= PANELS; p++) u[p] = 0.25 * u[p - 1];
  for (int upper = 0; upper < 2; upper++) {
    if (!verify_ok(r, sac_dist_quantile(d, PANELS + 1, theta, 0, u, upper, z, NULL, &r->err))) {
      free(block);
      return 0;
    }
    for (size_t p = 0; p < PANELS; p++)
      panel(m, ((size_t)upper * PANELS + p) * GL, z[p], z[p + 1], x, w);
  }
  return 1;
}

int verify_density_slope(verify_report *r, const verify_case *c, size_t j, size_t n,
                         const double z[], double work[], double out[]) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_ok(r, sac_dist_log_density(c->d, n, theta, 0, z, NULL, work + k * n, &r->err)))
      return 0;
  }
  for (size_t i = 0; i < n; i++) {
    double value[6];
    for (size_t k = 0; k < 6; k++) value[k] = exp(work[k * n + i]);
    out[i] = verify_difference(value, h);
  }
  return 1;
}
