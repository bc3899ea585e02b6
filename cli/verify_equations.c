/* The derivation on one distribution, line by line; docs/derivation.md tells it. Derivatives in
 * theta are differences of densities, distribution functions, quantiles or expectations, unless the
 * line is about the library's own. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GL = VERIFY_ORDER_GL, COSTS = VERIFY_COSTS };

static double square(double x) {
  return x * x;
}
static double square_slope(double x) {
  return 2.0 * x;
}
static double bell(double x) {
  return exp(-x * x);
}
static double bell_slope(double x) {
  return -2.0 * x * exp(-x * x);
}
static double cosine_slope(double x) {
  return -sin(x);
}
static double tanh_slope(double x) {
  return 1.0 - tanh(x) * tanh(x);
}

const verify_cost verify_costs[VERIFY_COSTS] = {
    {"square", square, square_slope},
    {"exp", bell, bell_slope},
    {"cos", cos, cosine_slope},
    {"tanh", tanh, tanh_slope},
};

double verify_shift(const verify_case *c, const double theta[]) {
  double sum = 0.0;
  for (size_t i = 0; i < c->d->params; i++) sum += VERIFY_SHIFT * theta[i];
  return sum;
}

int verify_loss_slope(verify_report *r, const verify_case *c, size_t j, double out[COSTS]) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double value[COSTS][6], theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_nodes at;
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_nodes_make(r, c->d, theta, 0.0, &at)) return 0;
    const double shift = verify_shift(c, theta);
    for (size_t f = 0; f < COSTS; f++) {
      value[f][k] = 0.0;
      for (size_t i = 0; i < at.n; i++) value[f][k] += at.w[i] * verify_costs[f].f(at.z[i] - shift);
    }
    free(at.z);
  }
  for (size_t f = 0; f < COSTS; f++) out[f] = verify_difference(value[f], h);
  return 1;
}

/* ---- at single points -------------------------------------------------------------------------
 */

static void inverse(verify_report *r, const verify_case *c) {
  static const double us[] = {1e-6, 1e-4, 0.01, 0.05, 0.15, 0.25, 0.35, 0.5};
  for (int upper = 0; upper < 2; upper++)
    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
      double z, latent[2], f[2];
      if (!verify_ok(r,
                     sac_dist_quantile(c->d, 1, c->theta, 0, us + i, upper, &z, latent, &r->err)) ||
          !verify_ok(r, sac_dist_cdf(c->d, 1, c->theta, 0, &z, c->d->latents ? latent : NULL, f,
                                     f + 1, &r->err)))
        return;
      verify_add_relative(r, VERIFY_INVERSE, c->label, "", "", f[upper], us[i]);
    }
}

/* dF/dtheta_j at fixed z from the tail that z is in: the other one would lose its digits */
static int cdf_slope(verify_report *r, const verify_case *c, size_t j, double z, int upper,
                     double *out) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double value[6], theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_ok(r, sac_dist_cdf(c->d, 1, theta, 0, &z, NULL, upper ? NULL : value + k,
                                   upper ? value + k : NULL, &r->err)))
      return 0;
  }
  *out = (upper ? -1.0 : 1.0) * verify_difference(value, h);
  return 1;
}

static int quantile_slope(verify_report *r, const verify_case *c, size_t j, double u, int upper,
                          double *out) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double value[6], theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_ok(r, sac_dist_quantile(c->d, 1, theta, 0, &u, upper, value + k, NULL, &r->err)))
      return 0;
  }
  *out = verify_difference(value, h);
  return 1;
}

/* the derivative of F^-1(u), the golden equation and the library's velocity, at sixteen points */
static void golden(verify_report *r, const verify_case *c, size_t j) {
  static const double us[] = {1e-4, 1e-3, 0.01, 0.05, 0.15, 0.25, 0.35, 0.45};
  const char *name = sac_dist_parameter(c->d, j)->name;
  for (int upper = 0; upper < 2; upper++)
    for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
      double z, v[VERIFY_PARAMS], log_q, path, slope;
      if (!verify_ok(r,
                     sac_dist_quantile(c->d, 1, c->theta, 0, us + i, upper, &z, NULL, &r->err)) ||
          !verify_ok(r, sac_dist_velocity(c->d, 1, c->theta, 0, &z, NULL, v, NULL, &r->err)) ||
          !verify_ok(r, sac_dist_log_density(c->d, 1, c->theta, 0, &z, NULL, &log_q, &r->err)) ||
          !quantile_slope(r, c, j, us[i], upper, &path) || !cdf_slope(r, c, j, z, upper, &slope))
        return;
      verify_add(r, VERIFY_PATH, c->label, name, "", path, v[j]);
      verify_add(r, VERIFY_GOLDEN, c->label, name, "", -slope / exp(log_q), v[j]);
    }
}

/* f dF/dtheta at the two ends, which is as far out as u = 1e-60 */
static void boundary(verify_report *r, const verify_case *c, size_t j) {
  const double u = 1e-60, shift = verify_shift(c, c->theta);
  double z[2], slope[2];
  for (int upper = 0; upper < 2; upper++)
    if (!verify_ok(r,
                   sac_dist_quantile(c->d, 1, c->theta, 0, &u, upper, z + upper, NULL, &r->err)) ||
        !cdf_slope(r, c, j, z[upper], upper, slope + upper))
      return;
  for (size_t f = 0; f < COSTS; f++) {
    const verify_cost *cost = verify_costs + f;
    verify_add(r, VERIFY_BOUNDARY, c->label, sac_dist_parameter(c->d, j)->name, cost->name,
               cost->f(z[1] - shift) * slope[1] - cost->f(z[0] - shift) * slope[0], 0.0);
  }
}

/* ---- integrals --------------------------------------------------------------------------------
 */

/* What is computed once for a distribution (the first group) and once for a parameter. */
typedef struct tables {
  verify_nodes nodes;
  verify_mesh mesh;
  double *score, *velocity; /* (nodes, P) */
  double *rise[COSTS];      /* (mesh) the cost as the integral of its slope from the median */
  double *dq, *tail;  /* (mesh) dq/dtheta; its integral from z to the end, minus to the left */
  double *sub, *work; /* (mesh GL), (7 mesh GL) */
  double *block;
} tables;

static void free_tables(tables *t) {
  free(t->nodes.z);
  free(t->mesh.z);
  free(t->block);
}

static int make_tables(verify_report *r, const verify_case *c, tables *t) {
  *t = (tables){.block = NULL};
  if (!verify_nodes_make(r, c->d, c->theta, 0.0, &t->nodes) ||
      !verify_mesh_make(r, c->d, c->theta, &t->mesh))
    return 0;
  const size_t n = t->nodes.n, m = t->mesh.n, P = c->d->params;
  double *at = t->block = verify_block(r, 2 * n * P + (COSTS + 2) * m + 8 * m * GL);
  if (!at) return 0;
  t->score = at;
  t->velocity = (at += n * P);
  t->rise[0] = (at += n * P);
  for (size_t f = 1; f < COSTS; f++) t->rise[f] = (at += m);
  t->dq = (at += m);
  t->tail = (at += m);
  t->sub = (at += m);
  t->work = at + m * GL;
  const double *latent = c->d->latents ? t->nodes.latent : NULL;
  return verify_ok(r,
                   sac_dist_score(c->d, n, c->theta, 0, t->nodes.z, latent, t->score, &r->err)) &&
         verify_ok(r, sac_dist_velocity(c->d, n, c->theta, 0, t->nodes.z, latent, t->velocity, NULL,
                                        &r->err));
}

/* the integral of g over the row of subnodes of node i */
static double over_row(const double w[], const double g[], size_t i) {
  double sum = 0.0;
  for (size_t k = 0; k < GL; k++) sum += w[i * GL + k] * g[i * GL + k];
  return sum;
}

/* rise(z) = int from the median to z of f' */
static void fill_rise(tables *t, const verify_case *c, const verify_cost *cost, double rise[]) {
  const verify_mesh *m = &t->mesh;
  const double shift = verify_shift(c, c->theta);
  for (size_t i = 0; i < m->n * GL; i++) t->sub[i] = cost->df(m->in[i] - shift);
  double before = 0.0; /* the panels that lie between */
  for (size_t at = 0; at < m->n; at += GL) {
    const double sign = at >= m->side ? 1.0 : -1.0;
    if (at == m->side) before = 0.0;
    double whole = 0.0;
    for (size_t i = at; i < at + GL; i++) {
      rise[i] = sign * (before + over_row(m->in_w, t->sub, i));
      whole += m->w[i] * cost->df(m->z[i] - shift);
    }
    before += whole;
  }
}

/* tail(z) = int from z to the upper end of dq/dtheta, and to the left of the median minus the
 * integral from the lower end to z: the same number, without cancellation */
static int fill_tail(verify_report *r, const verify_case *c, size_t j, tables *t) {
  const verify_mesh *m = &t->mesh;
  if (!verify_density_slope(r, c, j, m->n, m->z, t->work, t->dq) ||
      !verify_density_slope(r, c, j, m->n * GL, m->out, t->work, t->sub))
    return 0;
  double beyond = 0.0;
  for (size_t at = m->n; at > 0; at -= GL) {
    const double sign = at > m->side ? 1.0 : -1.0;
    if (at == m->side) beyond = 0.0;
    double whole = 0.0;
    for (size_t i = at - GL; i < at; i++) {
      t->tail[i] = sign * (beyond + over_row(m->out_w, t->sub, i));
      whole += m->w[i] * t->dq[i];
    }
    beyond += whole;
  }
  return 1;
}

/* The integrals of one parameter and cost, named as in docs/derivation.md. */
typedef struct integrals {
  double direct;    /* E d_theta f */
  double intact;    /* int f d_theta q dz */
  double score;     /* E f d_theta log q */
  double primitive; /* int (int f') d_theta q dz */
  double exchanged; /* int f' (int d_theta q) dt */
  double implicit;  /* E f' dz/dtheta */
} integrals;

static integrals integrate(const tables *t, const verify_case *c, size_t j, size_t f) {
  const verify_cost *cost = verify_costs + f;
  const double shift = verify_shift(c, c->theta);
  const size_t P = c->d->params;
  integrals s = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
  for (size_t i = 0; i < t->nodes.n; i++) {
    const double x = t->nodes.z[i] - shift, w = t->nodes.w[i], slope = cost->df(x);
    s.direct += w * -VERIFY_SHIFT * slope;
    s.score += w * cost->f(x) * t->score[i * P + j];
    s.implicit += w * slope * t->velocity[i * P + j];
  }
  for (size_t i = 0; i < t->mesh.n; i++) {
    const double x = t->mesh.z[i] - shift, w = t->mesh.w[i];
    s.intact += w * cost->f(x) * t->dq[i];
    s.primitive += w * t->rise[f][i] * t->dq[i];
    s.exchanged += w * cost->df(x) * t->tail[i];
  }
  return s;
}

static void parameter(verify_report *r, const verify_case *c, size_t j, tables *t) {
  const char *name = sac_dist_parameter(c->d, j)->name;
  double whole[COSTS];
  golden(r, c, j);
  boundary(r, c, j);
  if (!fill_tail(r, c, j, t) || !verify_loss_slope(r, c, j, whole)) return;
  for (size_t f = 0; f < COSTS; f++) {
    const char *cost = verify_costs[f].name;
    const integrals s = integrate(t, c, j, f);
    verify_add(r, VERIFY_LEIBNIZ, c->label, name, cost, whole[f], s.direct + s.intact);
    verify_add(r, VERIFY_SCORE, c->label, name, cost, s.intact, s.score);
    verify_add(r, VERIFY_PRIMITIVE, c->label, name, cost, s.intact, s.primitive);
    verify_add(r, VERIFY_ORDER, c->label, name, cost, s.primitive, s.exchanged);
    verify_add(r, VERIFY_IMPLICIT, c->label, name, cost, s.exchanged, s.implicit);
    verify_add(r, VERIFY_FINAL, c->label, name, cost, whole[f], s.direct + s.implicit);
  }
}

void verify_distribution(verify_report *r, const verify_case *c) {
  tables t;
  inverse(r, c);
  if (make_tables(r, c, &t)) {
    for (size_t f = 0; f < COSTS; f++) fill_rise(&t, c, verify_costs + f, t.rise[f]);
    for (size_t i = 0; i < c->count; i++) parameter(r, c, c->param[i], &t);
  }
  free_tables(&t);
}
