/* The agent's handle: what it learns, and the workspace of one update. */
#ifndef SAC_AGENT_HANDLE_H
#define SAC_AGENT_HANDLE_H

#include "agent/normalizer.h"
#include "agent/policy.h"
#include "agent/reward_norm.h"
#include "agent/schedule.h"
#include "agent/temperature.h"
#include "base/threads.h"
#include "replay/dataset.h"

#include <math.h>

/* One critic of the ensemble, and what a pass over the batch leaves of it. R is B, or 2B where
 * [s,a] and [s',a'] are one batch (sac_agent.joint). */
typedef struct sac_critic {
  sac_mlp net; /* with its target, if it has one */
  sac_trace trace;
  float *out;     /* (R, ld_out) the network's outputs */
  float *value;   /* (R) Q of the action: `out` itself where that is the one output */
  float *slope;   /* (R, ld_out) the loss gradient in the outputs; 0 in rows after the first B */
  double *loss;   /* (B) of each row, with a head; else NULL */
  float *log_sum; /* (B) of a categorical head's e^logit; else NULL */
  float *ahead;   /* (R, ld_out) the target network's outputs, of a joint batch; else NULL */
  float *next;    /* (B, ld_out) the outputs at [s',a'] for the target: rows of one of the above */
} sac_critic;

typedef struct sac_critic_head sac_critic_head;

struct sac_agent {
  sac_agent_options opt;
  size_t O, A, B;
  size_t N;  /* critics */
  int joint; /* the critics normalise over a batch, which is [s,a] and [s',a'] together [CROSSQ] */
  size_t C;  /* numbers of an action that the critics see: sac_head_seen */
  uint64_t seed;
  const sac_kernels *k;
  sac_pool *pool;
  size_t K; /* discrete actions; 0: continuous ones */

  /* learned */
  sac_head pi;
  sac_critic *q; /* (N) each with its target, */
  sac_mlp v;     /* or this one with its own: option value=v */
  sac_temperature temperature;
  sac_normalizer norm;             /* of observations, before every network */
  sac_reward_norm reward_norm;     /* of rewards, when a batch is drawn */
  uint64_t updates, actor_updates; /* done so far */

  float *seen; /* (B,O) normalised observations to act on; NULL if they are not */

  const sac_dataset *data; /* of the first data_rows rows of every batch, or NULL */
  size_t data_rows;

  /* one update */
  size_t ldx;
  float *x, *x_next;        /* (B, ldx) [s | a] and [s' | a'], which follows on x */
  float reward_scale;       /* what this update multiplies rewards by */
  float *reward, *discount; /* (B) r, scaled, and gamma (1 - terminated), of n steps */
  size_t *drawn;            /* (B) the replay's indices */
  size_t ld_out;            /* of the critics; 1 with continuous actions */
  size_t *subset, M;        /* (M) the critics whose minimum the target takes */
  float *y;                 /* (B) the critics' target, or the mean of it */
  float *q_climbed;         /* (B) what the actor climbs: the smallest critic or the mean */
  float *dq_da;             /* (B, ld_da) */
  float *dx;                /* (B, ld_da) rows of dq_da in the order of `rows` */
  size_t ld_da;
  float *x_soft;                /* (B, ldx) [s | a], a of the policy, for value=v */
  float *v_value, *v_soft, *dv; /* (B) V(s), what it should be, the loss gradient in it */
  sac_trace v_trace;
  const sac_critic_head *critic_head; /* of distributions; NULL: a critic's output is Q */
  float *support;                     /* (outputs) atoms, or the quantiles' levels */
  float *wanted;                      /* (B, ld_wanted) the distribution that critics learn */
  size_t ld_wanted;
  float *dq; /* (B, ld_out) dQ/doutputs, in the order of `rows` */

  size_t *rows;   /* (B) rows of the batch, grouped by their smallest critic */
  float *scratch; /* (threads, ld_scratch) a unit's gradient */
  size_t ld_scratch;
};

/* Networks, optimisers and temperature as at the start, from draws that depend on the number of
 * resets done; what is counted or measured on the way stays. */
void sac_agent_fresh(sac_agent *agent);

/* Of fresh networks, the targets too: what weight_projection says. */
void sac_project_fresh(sac_agent *agent);

/* The target entropy, in nats. */
static inline double sac_target_entropy(const sac_agent *agent) {
  if (agent->K) return agent->opt.target_entropy_discrete * log((double)agent->K);
  return sac_target_entropy_each(&agent->opt) * (double)agent->A;
}

#endif
