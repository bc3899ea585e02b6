/* The agent's handle: what it learns, and the workspace of one update. */
#ifndef SAC_AGENT_HANDLE_H
#define SAC_AGENT_HANDLE_H

#include "agent/normalizer.h"
#include "agent/policy.h"
#include "agent/schedule.h"
#include "agent/temperature.h"
#include "base/threads.h"

#include <math.h>

struct sac_agent {
  sac_agent_options opt;
  size_t O, A, B;
  size_t C; /* numbers of an action that the critics see: sac_head_seen */
  uint64_t seed;
  const sac_kernels *k;
  sac_pool *pool;
  size_t K; /* discrete actions; 0: continuous ones */

  /* learned */
  sac_head pi;
  sac_mlp q[2]; /* each with its target, */
  sac_mlp v;    /* or this one with its own: option value=v */
  sac_temperature temperature;
  sac_normalizer norm;             /* of observations, before every network */
  uint64_t updates, actor_updates; /* done so far */

  float *seen; /* (B,O) normalised observations to act on; NULL if they are not */

  /* one update */
  size_t ldx;
  float *x, *x_next;        /* (B, ldx) [s | a] and [s' | a'] */
  float *reward, *discount; /* (B) r, and gamma (1 - terminated), of n steps */
  size_t *drawn;            /* (B) the replay's indices */
  sac_trace q_trace[2];
  float *q_value[2]; /* (B) Q_j of the action */
  float *q_all[2];   /* (B, ld_dq) Q_j of every discrete action */
  float *dq[2];      /* (B, ld_dq) the loss gradient in the critics' output */
  size_t ld_dq;      /* 1 with continuous actions */
  float *y;          /* (B) the critics' target */
  float *q_climbed;  /* (B) what the actor climbs: the smaller critic or the mean */
  float *dq_da;      /* (B, ld_da) */
  float *dx;         /* (B, ld_da) rows of dq_da in the order of `rows` */
  size_t ld_da;
  float *x_soft;                /* (B, ldx) [s | a], a of the policy, for value=v */
  float *v_value, *v_soft, *dv; /* (B) V(s), what it should be, the loss gradient in it */
  sac_trace v_trace;
  size_t *rows;   /* (B) rows of the batch, grouped by their smaller critic */
  float *scratch; /* (threads, ld_scratch) a unit's gradient */
  size_t ld_scratch;
};

/* The target entropy, in nats. */
static inline double sac_target_entropy(const sac_agent *agent) {
  if (agent->K) return agent->opt.target_entropy_discrete * log((double)agent->K);
  return sac_target_entropy_each(&agent->opt) * (double)agent->A;
}

#endif
