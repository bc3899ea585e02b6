/* One update: what its phases share. src/agent/sac.c has their order, and shares rows and weights
 * among the threads. */
#ifndef SAC_AGENT_UPDATE_H
#define SAC_AGENT_UPDATE_H

#include "agent/handle.h"

#include <math.h>

/* What the threads of one update share. */
struct update {
  sac_agent *agent;
  const sac_replay *replay;
  sac_adam_step adam;
  float tau; /* of the targets, or 0 */
  float alpha;
  uint64_t noise; /* index of the actor's noise */
  uint32_t purpose;
  size_t draw; /* of the actor's draws */
};

/* A phase's work on rows [first, last) of the batch. */
typedef void sac_chunk(const struct update *u, size_t first, size_t last);

/* Rows [first, last) of the batch: s, a, then r, gamma (1 - d) and s' of n steps. Actions become
 * normalised, and so do observations where the option says so. */
void sac_update_gather(sac_agent *g, const sac_replay *replay, size_t first, size_t last);

/* Put the policy's actions of rows [first, last) into the action columns of x (B, ldx). */
void sac_update_place(const sac_agent *g, float *x, size_t first, size_t last);

/* The smaller value, or NaN if one of them is: fminf would pass a broken critic over. */
static inline float sac_smaller(float a, float b) {
  return a < b || isnan(a) ? a : b;
}

/* The derivative of a critic's loss in its error e = Q - y: of e^2/2, e^2 or Huber's. */
static inline float sac_critic_slope(int kind, float e) {
  switch (kind) {
  case SAC_CRITIC_HALF_MSE:
    return e;
  case SAC_CRITIC_MSE:
    return 2.0f * e;
  default:
    return e < -1.0f ? -1.0f : e > 1.0f ? 1.0f : e;
  }
}

/* --- weight_projection: src/agent/projection.c; without it they do nothing -------------------- */

static inline int sac_projects(const sac_agent *agent) {
  return agent->opt.weight_projection != SAC_WEIGHT_PROJECTION_NONE;
}

/* After a step of the critics, whose targets have not moved; after one of the actor. */
void sac_project_critics(struct update *u);
void sac_project_actor(struct update *u);

/* --- with a value network: src/agent/value_update.c ------------------------------------------- */

sac_chunk sac_v_critic_chunk;
void sac_v_weights(void *update, size_t t, size_t T);

/* --- the same phases with discrete actions: src/agent/discrete_update.c ----------------------- */

/* As sac_agent_value: act (n) are numbers of actions, and dq_da must be NULL. */
sac_status sac_discrete_value(sac_agent *agent, size_t n, const float obs[], const float act[],
                              float q[], float dq_da[], sac_error *err);

/* After the rows of the critics: SAC_ERR_ARG names an action of the batch that is not one of the
 * numbers. */
sac_status sac_discrete_check_batch(const sac_agent *agent, sac_error *err);

/* y, after the policy's pass and the critics' next values. A critic's value of the action that was
 * taken, and the loss gradient, after its outputs. The actor's gradient, after the passes of its
 * policy and the critics.
 */
void sac_discrete_targets(sac_agent *g, float alpha, size_t first, size_t last);
void sac_discrete_slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last);
void sac_discrete_actor_gradient(sac_agent *g, float alpha, size_t first, size_t last);

#endif
