/* E environments stepped side by side, one row each, in threads: the same bits for any number. */
#ifndef SAC_TRAIN_ROLLOUT_H
#define SAC_TRAIN_ROLLOUT_H

#include "base/safetensors.h"
#include "base/threads.h"
#include "sac/env.h"
#include "sac/random.h"

typedef struct sac_rollout {
  const sac_env_api *task;
  sac_space space;  /* of every row */
  size_t actions;   /* discrete ones to choose from; 0: continuous */
  size_t E, O, A;   /* rows, observation, action */
  uint64_t seed;    /* of the run */
  sac_env **env;    /* (E) */
  sac_pool *pool;   /* of at most E threads */
  size_t snapshot;  /* bytes of one environment's state; 0: the task has none */
  sac_error *error; /* (E) of the last step */

  float *obs;                      /* (E,O) what the policy sees now */
  float *next;                     /* (E,O) where the last step led */
  float *first;                    /* (E,O) where the episode after it begins, if it ended */
  float *act;                      /* (E,A) what to do, set by the caller */
  double *wide;                    /* (E,O) the environment's own float64 observation */
  double *reward;                  /* (E) of the last step */
  uint8_t *terminated, *truncated; /* (E) of the last step */

  uint64_t *episode; /* (E) number of the present episode: its reset's seed */
  uint64_t *length;  /* (E) its steps so far */
  double *total;     /* (E) its undiscounted return so far */
  uint8_t *state;    /* (E, snapshot) for checkpoints */
} sac_rollout;

/* E instances of `task`, not yet reset, stepped in the caller's thread. Errors: what the task
 * reports; SAC_ERR_NOMEM. */
sac_status sac_rollout_create(const sac_env_api *task, size_t E, uint64_t seed, sac_rollout **out,
                              sac_error *err);

/* Step in so many threads, at most E, from now on. */
sac_status sac_rollout_set_threads(sac_rollout *rollout, size_t threads, sac_error *err);
void sac_rollout_destroy(sac_rollout *rollout); /* NULL ok */

/* Begin every row's present episode. */
sac_status sac_rollout_reset(sac_rollout *rollout, sac_error *err);

/* Take act: fills next, reward, terminated, truncated, and first where the episode ended (that
 * environment is already in its next episode then). Errors name the row. */
sac_status sac_rollout_step(sac_rollout *rollout, sac_error *err);

/* Whether row e's episode ended with the last step. */
static inline int sac_rollout_ended(const sac_rollout *r, size_t e) {
  return r->terminated[e] || r->truncated[e];
}

/* Make the last step's outcome the present: obs, and the counters of episodes that ended. */
void sac_rollout_advance(sac_rollout *rollout);

enum { SAC_ROLLOUT_TENSORS = 5 };

/* The tensors that a checkpoint keeps, pointing into the rollout; returns how many. */
size_t sac_rollout_tensors(sac_rollout *rollout, sac_tensor out[SAC_ROLLOUT_TENSORS]);

/* Copy the environments' states into those tensors. */
void sac_rollout_save(sac_rollout *rollout);

/* Put the environments into the states of the tensors, after they were filled from a file. Without
 * snapshots every row begins a new episode, whose first observation is then obs. */
sac_status sac_rollout_load(sac_rollout *rollout, sac_error *err);

#endif
