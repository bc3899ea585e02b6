/* Evaluation: whole episodes in an environment of its own. */
#ifndef SAC_TRAIN_EVALUATE_H
#define SAC_TRAIN_EVALUATE_H

#include "sac/train.h"

/* Who acts: obs (O) and noise (A) or NULL in, act (A) out. */
typedef sac_status sac_actor_fn(void *actor, const float obs[], const float noise[], float act[],
                                sac_error *err);

/* What to evaluate and how. */
typedef struct sac_evaluation {
  const sac_env_api *task;
  sac_env *env; /* used by nothing else meanwhile */
  sac_actor_fn *act;
  void *actor;
  size_t episodes;
  uint64_t seed;
  uint64_t series;              /* < 2^40: another series, other episodes; the step of training */
  int stochastic;               /* act with noise, else deterministically */
  int (*stop)(void *stop_user); /* asked every few steps; non-zero abandons; NULL: never */
  void *stop_user;
} sac_evaluation;

/* Play the episodes. An episode of a task without a time limit is cut at 100,000 steps. The
 * standard deviation is that of the episodes themselves (divided by n). Errors: the task's;
 * SAC_ERR_DIVERGED for a reward that is not finite; SAC_ERR_STOPPED if stop asked for it; each with
 * the episode and its step, counted from 0. *out is untouched then. */
sac_status sac_evaluate(const sac_evaluation *evaluation, sac_eval_result *out, sac_error *err);

#endif
