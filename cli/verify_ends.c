/* Where a boundary term does not vanish, and what then goes wrong: an end of the support that moves
 * with theta, and a cost that jumps. A row passes if the gap is the one that the term predicts. */
#include "verify.h"

#include <math.h>
#include <stdlib.h>

enum { COSTS = VERIFY_COSTS, HIGH = 3 /* the truncated normal's upper end */ };

/* ---- a moving end -----------------------------------------------------------------------------
 */

/* dF/dtheta_j at z = high, where only larger ends leave z in the support: a one-sided difference of
 * sixth order */
static int end_slope(verify_report *r, const verify_case *c, double *out) {
  static const double weights[7] = {-49.0 / 20, 6,       -15.0 / 2, 20.0 / 3,
                                    -15.0 / 4,  6.0 / 5, -1.0 / 6};
  const double z = c->theta[HIGH];
  double sum = 0.0, theta[VERIFY_PARAMS], h = 1.0;
  for (int k = 0; k < 7; k++) {
    double lower;
    verify_shifted(c, HIGH, k, theta, &h);
    if (!verify_ok(r, sac_dist_cdf(c->d, 1, theta, 0, &z, NULL, &lower, NULL, &r->err))) return 0;
    sum += weights[k] * lower;
  }
  *out = sum / h;
  return 1;
}

/* E f score and E f' dz/dtheta for each cost, in the parameter HIGH */
static int both_estimators(verify_report *r, const verify_case *c, double score[COSTS],
                           double implicit[COSTS], double direct[COSTS]) {
  verify_nodes at;
  if (!verify_nodes_make(r, c->d, c->theta, 0.0, &at)) return 0;
  const size_t P = c->d->params;
  const double shift = verify_shift(c, c->theta);
  double *s = verify_block(r, 2 * at.n * P), *v = s ? s + at.n * P : NULL;
  const int good =
      s && verify_ok(r, sac_dist_score(c->d, at.n, c->theta, 0, at.z, NULL, s, &r->err)) &&
      verify_ok(r, sac_dist_velocity(c->d, at.n, c->theta, 0, at.z, NULL, v, NULL, &r->err));
  for (size_t f = 0; f < COSTS && good; f++) {
    score[f] = implicit[f] = direct[f] = 0.0;
    for (size_t i = 0; i < at.n; i++) {
      const double x = at.z[i] - shift, slope = verify_costs[f].df(x);
      direct[f] -= at.w[i] * VERIFY_SHIFT * slope;
      score[f] += at.w[i] * verify_costs[f].f(x) * s[i * P + HIGH];
      implicit[f] += at.w[i] * slope * v[i * P + HIGH];
    }
  }
  free(s);
  free(at.z);
  return good;
}

static void moving_end(verify_report *r) {
  const verify_case c = {.d = sac_dist_find("truncated_normal"),
                         .label = "truncated_normal(0.2,1,-1,1.5)",
                         .theta = {0.2, 1.0, -1.0, 1.5}};
  const double z = c.theta[HIGH], shift = verify_shift(&c, c.theta);
  double whole[COSTS], score[COSTS], implicit[COSTS], direct[COSTS], slope, log_q;
  if (!verify_loss_slope(r, &c, HIGH, whole) || !both_estimators(r, &c, score, implicit, direct) ||
      !end_slope(r, &c, &slope) ||
      !verify_ok(r, sac_dist_log_density(c.d, 1, c.theta, 0, &z, NULL, &log_q, &r->err)))
    return;
  for (size_t k = 0; k < COSTS; k++) {
    const char *cost = verify_costs[k].name;
    const double f = verify_costs[k].f(z - shift), flow = f * exp(log_q);
    verify_add(r, VERIFY_END_BOUNDARY, c.label, "high", cost, f * slope, -flow);
    verify_add(r, VERIFY_END_SCORE, c.label, "high", cost, whole[k] - direct[k] - score[k], flow);
    verify_add(r, VERIFY_END_FINAL, c.label, "high", cost, whole[k], direct[k] + implicit[k]);
  }
}

/* ---- a jump: f = 1 where z > at, else 0 --------------------------------------------------------
 */

/* d/dtheta_j E f = d(1 - F(at))/dtheta_j by differences */
static int tail_slope(verify_report *r, const verify_case *c, size_t j, double at, double *out) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double value[6], theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_ok(r, sac_dist_cdf(c->d, 1, theta, 0, &at, NULL, NULL, value + k, &r->err)))
      return 0;
  }
  *out = verify_difference(value, h);
  return 1;
}

/* E f score: the integral of the score over the tail */
static int tail_score(verify_report *r, const verify_case *c, size_t j, double at, double *out) {
  verify_nodes nodes;
  double mass;
  if (!verify_ok(r, sac_dist_cdf(c->d, 1, c->theta, 0, &at, NULL, NULL, &mass, &r->err)) ||
      !verify_nodes_make(r, c->d, c->theta, mass, &nodes))
    return 0;
  const size_t P = c->d->params;
  double *s = verify_block(r, nodes.n * P), sum = 0.0;
  const int good =
      s && verify_ok(r, sac_dist_score(c->d, nodes.n, c->theta, 0, nodes.z,
                                       c->d->latents ? nodes.latent : NULL, s, &r->err));
  for (size_t i = 0; i < nodes.n && good; i++) sum += nodes.w[i] * s[i * P + j];
  free(s);
  free(nodes.z);
  *out = sum;
  return good;
}

/* f' = 0 wherever it exists, so E f' dz/dtheta = 0, and what is missing is the flow over the jump
 */
static void jump(verify_report *r, const char *family, const char *label, double a, double b,
                 double at) {
  const verify_case c = {.d = sac_dist_find(family), .theta = {a, b}};
  double v[VERIFY_PARAMS], log_q;
  if (!verify_ok(r, sac_dist_velocity(c.d, 1, c.theta, 0, &at, NULL, v, NULL, &r->err)) ||
      !verify_ok(r, sac_dist_log_density(c.d, 1, c.theta, 0, &at, NULL, &log_q, &r->err)))
    return;
  for (size_t j = 0; j < 2; j++) {
    double whole, score;
    const char *name = sac_dist_parameter(c.d, j)->name;
    if (!tail_slope(r, &c, j, at, &whole) || !tail_score(r, &c, j, at, &score)) return;
    const double implicit = 0.0;
    verify_add(r, VERIFY_JUMP_IMPLICIT, label, name, "step", whole - implicit, exp(log_q) * v[j]);
    verify_add(r, VERIFY_JUMP_SCORE, label, name, "step", whole, score);
  }
}

void verify_ends(verify_report *r) {
  moving_end(r);
  jump(r, "normal", "normal(0.3,1.2)", 0.3, 1.2, 0.7);
  jump(r, "gamma", "gamma(2.3,1.4)", 2.3, 1.4, 1.1);
}
