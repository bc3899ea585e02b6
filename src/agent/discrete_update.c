/* The rows of an update with discrete actions [SACD]: what src/agent/sac.c samples is summed here.
 * Sums over the actions run in order, in double. */
#include "agent/discrete.h"
#include "agent/update.h"
#include "base/try.h"

#include <string.h>

/* Both critics at the states x, all actions: g->q_all. */
static void all_values(sac_agent *g, const float *x, int target, size_t first, size_t last) {
  for (int j = 0; j < 2; j++) {
    sac_trace values = sac_trace_values(&g->q_trace[j]);
    sac_mlp_forward(g->k, &g->q[j], target ? g->q[j].target : g->q[j].w, x, g->ldx, first, last,
                    &values, g->q_all[j], g->ld_dq);
  }
}

/* --- 1. y = r + gamma (1 - d) sum_a pi(a|s') (min_j Qbar_j(s',a) - alpha log pi(a|s')) ---------
 */

static void target_rows(sac_agent *g, float alpha, size_t first, size_t last) {
  sac_discrete_forward(g->k, &g->pi, g->x_next, g->ldx, first, last);
  all_values(g, g->x_next, 1, first, last);
  for (size_t b = first; b < last; b++) {
    const float *log_pi = g->pi.out + b * g->pi.ld_out;
    double value = -(double)alpha * (double)g->pi.logp[b];
    for (size_t a = 0; a < g->K; a++) {
      const size_t i = b * g->ld_dq + a;
      value += exp((double)log_pi[a]) * (double)sac_smaller(g->q_all[0][i], g->q_all[1][i]);
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

void sac_discrete_critic_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  const float inv_B = 1.0f / (float)g->B;
  sac_update_gather(g, u->replay, first, last);
  target_rows(g, u->alpha, first, last);
  for (int j = 0; j < 2; j++) {
    sac_mlp_forward(g->k, &g->q[j], g->q[j].w, g->x, g->ldx, first, last, &g->q_trace[j],
                    g->q_all[j], g->ld_dq);
    memset(g->dq[j] + first * g->ld_dq, 0, (last - first) * g->ld_dq * sizeof *g->dq[j]);
    for (size_t b = first; b < last; b++) {
      const size_t i = b * g->ld_dq + taken(g, b);
      g->q_value[j][b] = g->q_all[j][i];
      g->dq[j][i] = sac_critic_slope(g->opt.critic_loss, g->q_all[j][i] - g->y[b]) * inv_B;
    }
    sac_mlp_backward(g->k, &g->q[j], g->dq[j], g->ld_dq, first, last, &g->q_trace[j]);
  }
}

/* --- 3. J = 1/B sum_b sum_a pi(a|s) (alpha log pi(a|s) - Q(s,a)) -------------------------------
 */

/* What the actor climbs: the smaller critic of each action, or the mean. */
static double climbed(const sac_agent *g, size_t i) {
  const float q1 = g->q_all[0][i], q2 = g->q_all[1][i];
  return g->opt.actor_q == SAC_ACTOR_Q_MEAN ? 0.5 * ((double)q1 + (double)q2)
                                            : (double)sac_smaller(q1, q2);
}

/* Row b: dJ/dlogit_a = pi(a) (c_a - sum pi c)/B with c_a = alpha log pi(a) - Q(a), since the sum of
 * pi d log pi is 0. And the means under pi of each critic and of what is climbed. */
static void actor_row(sac_agent *g, float alpha, size_t b) {
  const float *log_pi = g->pi.out + b * g->pi.ld_out;
  float *dout = g->pi.dout + b * g->pi.ld_out;
  double mean_cost = 0.0, q[2] = {0.0, 0.0}, q_climbed = 0.0;
  for (size_t a = 0; a < g->K; a++) {
    const size_t i = b * g->ld_dq + a;
    const double pi = exp((double)log_pi[a]), value = climbed(g, i);
    mean_cost += pi * ((double)alpha * (double)log_pi[a] - value);
    q_climbed += pi * value;
    for (int j = 0; j < 2; j++) q[j] += pi * (double)g->q_all[j][i];
  }
  for (size_t a = 0; a < g->K; a++) {
    const double pi = exp((double)log_pi[a]);
    const double cost = (double)alpha * (double)log_pi[a] - climbed(g, b * g->ld_dq + a);
    dout[a] = (float)(pi * (cost - mean_cost) / (double)g->B);
  }
  g->q_climbed[b] = (float)q_climbed;
  for (int j = 0; j < 2; j++) g->q_value[j][b] = (float)q[j];
}

void sac_discrete_actor_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_discrete_forward(g->k, &g->pi, g->x, g->ldx, first, last);
  all_values(g, g->x, 0, first, last);
  for (size_t b = first; b < last; b++) actor_row(g, u->alpha, b);
  sac_head_backward(g->k, &g->pi, first, last);
}

void sac_discrete_fresh_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_discrete_forward(g->k, &g->pi, g->x, g->ldx, first, last);
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
  all_values(g, g->x, 0, 0, n);
  for (size_t b = 0; b < n; b++)
    for (int j = 0; j < 2; j++)
      if (!isfinite(g->q_all[j][b * g->ld_dq + (size_t)act[b]]))
        return sac_fail(err, SAC_ERR_DIVERGED, "Q_%d(s,a) is %g in row %zu", j + 1,
                        (double)g->q_all[j][b * g->ld_dq + (size_t)act[b]], b);
  for (size_t b = 0; b < n; b++) q[b] = (float)climbed(g, b * g->ld_dq + (size_t)act[b]);
  return SAC_OK;
}
