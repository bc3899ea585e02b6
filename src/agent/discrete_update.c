/* The rows of an update with discrete actions [SACD]: what src/agent/sac.c samples is summed here.
 * Sums over the actions run in order, in double. */
#include "agent/critics.h"
#include "agent/discrete.h"
#include "agent/update.h"
#include "base/try.h"

#include <string.h>

/* --- 1. y = r + gamma (1 - d) sum_a pi(a|s') (min_j Qbar_j(s',a) - alpha log pi(a|s')) ---------
 */

void sac_discrete_targets(sac_agent *g, float alpha, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) {
    const float *log_pi = g->pi.out + b * g->pi.ld_out;
    double value = -(double)alpha * (double)g->pi.logp[b];
    for (size_t a = 0; a < g->K; a++) {
      const size_t i = b * g->ld_out + a;
      value += exp((double)log_pi[a]) * (double)sac_critics_least(g, i);
    }
    g->y[b] = (float)((double)g->reward[b] + (double)g->discount[b] * value);
  }
}

/* --- 2. the loss of Q_j(s,a) at the action that was taken ------------------------------------- */

/* The number of the action that stands normalised in x. */
static size_t taken(const sac_agent *g, size_t b) {
  const float number = g->pi.mid[0] + g->pi.half[0] * g->x[b * g->ldx + g->O];
  return number > 0.0f ? number < (float)(g->K - 1) ? (size_t)lrintf(number) : g->K - 1 : 0;
}

sac_status sac_discrete_check_batch(const sac_agent *g, sac_error *err) {
  for (size_t b = 0; b < g->B; b++) {
    const float number = g->pi.mid[0] + g->pi.half[0] * g->x[b * g->ldx + g->O];
    if (fabsf(number - (float)taken(g, b)) > 0.01f)
      return sac_fail(err, SAC_ERR_ARG,
                      "the replay holds the action %g: must be a number from 0 to %zu",
                      (double)number, g->K - 1);
  }
  return SAC_OK;
}

void sac_discrete_slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  const float inv_B = 1.0f / (float)g->B;
  memset(c->slope + first * g->ld_out, 0, (last - first) * g->ld_out * sizeof *c->slope);
  for (size_t b = first; b < last; b++) {
    const size_t i = b * g->ld_out + taken(g, b);
    c->value[b] = c->out[i];
    c->slope[i] = sac_critic_slope(g->opt.critic_loss, c->out[i] - g->y[b]) * inv_B;
  }
}

/* --- 3. J = 1/B sum_b sum_a pi(a|s) (alpha log pi(a|s) - Q(s,a)) -------------------------------
 */

/* Row b: dJ/dlogit_a = pi(a) (c_a - sum pi c)/B with c_a = alpha log pi(a) - Q(a), since the sum of
 * pi d log pi is 0. And the mean under pi of what is climbed. */
static void actor_row(sac_agent *g, float alpha, size_t b) {
  const float *log_pi = g->pi.out + b * g->pi.ld_out;
  float *dout = g->pi.dout + b * g->pi.ld_out;
  double mean_cost = 0.0, q_climbed = 0.0;
  for (size_t a = 0; a < g->K; a++) {
    const size_t i = b * g->ld_out + a;
    const double pi = exp((double)log_pi[a]), value = (double)sac_critics_climbed(g, i);
    mean_cost += pi * ((double)alpha * (double)log_pi[a] - value);
    q_climbed += pi * value;
  }
  for (size_t a = 0; a < g->K; a++) {
    const double pi = exp((double)log_pi[a]);
    const double value = (double)sac_critics_climbed(g, b * g->ld_out + a);
    const double cost = (double)alpha * (double)log_pi[a] - value;
    dout[a] = (float)(pi * (cost - mean_cost) / (double)g->B);
  }
  g->q_climbed[b] = (float)q_climbed;
}

/* The mean under pi of a critic. */
static void mean_value(const sac_agent *g, sac_critic *c, size_t b) {
  const float *log_pi = g->pi.out + b * g->pi.ld_out, *q = c->out + b * g->ld_out;
  double mean = 0.0;
  for (size_t a = 0; a < g->K; a++) mean += exp((double)log_pi[a]) * (double)q[a];
  c->value[b] = (float)mean;
}

void sac_discrete_actor_gradient(sac_agent *g, float alpha, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) {
    actor_row(g, alpha, b);
    for (size_t j = 0; j < g->N; j++) mean_value(g, &g->q[j], b);
  }
}

/* --- the value of single actions -------------------------------------------------------------- */

static sac_status check_actions(const sac_agent *g, size_t n, const float act[], sac_error *err) {
  for (size_t b = 0; b < n; b++)
    if (!(act[b] >= 0.0f && act[b] < (float)g->K && act[b] == floorf(act[b])))
      return sac_fail(err, SAC_ERR_ARG, "action %g of row %zu: must be a number from 0 to %zu",
                      (double)act[b], b, g->K - 1);
  return SAC_OK;
}

sac_status sac_discrete_value(sac_agent *g, size_t n, const float obs[], const float act[],
                              float q[], float dq_da[], sac_error *err) {
  if (dq_da)
    return sac_fail(err, SAC_ERR_ARG, "dq_da: a value has no gradient in a discrete action");
  SAC_TRY(check_actions(g, n, act, err));
  for (size_t b = 0; b < n; b++) sac_normalize(&g->norm, obs + b * g->O, g->x + b * g->ldx);
  sac_critics_values(g, g->x, 0, n);
  for (size_t b = 0; b < n; b++)
    for (size_t j = 0; j < g->N; j++) {
      const float value = g->q[j].out[b * g->ld_out + (size_t)act[b]];
      if (!isfinite(value))
        return sac_fail(err, SAC_ERR_DIVERGED, "Q_%zu(s,a) is %g in row %zu", j + 1, (double)value,
                        b);
    }
  for (size_t b = 0; b < n; b++) q[b] = sac_critics_climbed(g, b * g->ld_out + (size_t)act[b]);
  return SAC_OK;
}
