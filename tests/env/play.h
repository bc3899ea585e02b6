/* Playing episodes with any task, for the tests of this folder. */
#ifndef SAC_TESTS_ENV_PLAY_H
#define SAC_TESTS_ENV_PLAY_H

#include "check.h"

#include "sac/env.h"
#include "sac/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLAY_OBS = 400, PLAY_ACT = 20 };

/* One instance with what its last call returned. */
struct player {
  const sac_env_api *task;
  sac_env *env;
  sac_space space;
  double obs[PLAY_OBS], reward;
  uint8_t terminated, truncated;
  uint64_t episode; /* number of resets, the seed of the next one */
  uint64_t step;    /* of all episodes, names the action */
};

static inline void player_open(struct player *p, const sac_env_api *task) {
  sac_error err;
  *p = (struct player){.task = task};
  assert_ok(task->create(&p->env, &err), err);
  task->space(p->env, &p->space);
  assert_in_range(p->space.obs_dim, 1, PLAY_OBS);
  assert_in_range(p->space.act_dim, 1, PLAY_ACT);
}

static inline void player_close(struct player *p) {
  p->task->destroy(p->env);
}

static inline void player_reset(struct player *p, uint64_t seed) {
  sac_error err;
  assert_ok(p->task->reset(p->env, seed, p->obs, &err), err);
  p->terminated = p->truncated = 0;
  p->reward = 0.0;
}

static inline void player_step(struct player *p, const float act[]) {
  sac_error err;
  assert_ok(p->task->step(p->env, act, p->obs, &p->reward, &p->terminated, &p->truncated, &err),
            err);
}

/* One step with the action that is the step number's own, after a reset where an episode is over.
 */
static inline void player_go(struct player *p) {
  float act[PLAY_ACT];
  sac_stream stream = sac_stream_make(77, SAC_STREAM_USER, p->step++);
  if (p->terminated || p->truncated || !p->episode) player_reset(p, p->episode++);
  for (size_t i = 0; i < p->space.act_dim; i++)
    act[i] = (float)(p->space.act_low[i] +
                     (p->space.act_high[i] - p->space.act_low[i]) * sac_stream_uniform(&stream));
  if (sac_env_actions(p->task, p->env)) act[0] = rintf(act[0]);
  player_step(p, act);
}

/* Both came to the same bits. */
static inline void assert_same(const struct player *p, const struct player *q) {
  assert_memory_equal(p->obs, q->obs, p->space.obs_dim * sizeof p->obs[0]);
  assert_memory_equal(&p->reward, &q->reward, sizeof p->reward);
  assert_int_equal(p->terminated, q->terminated);
  assert_int_equal(p->truncated, q->truncated);
}

/* The saved state, in a block that the caller frees. */
static inline void *player_save(const struct player *p) {
  void *state = malloc(p->task->state_size(p->env));
  assert_non_null(state);
  p->task->save(p->env, state);
  return state;
}

static inline void player_load(struct player *p, const void *state) {
  sac_error err;
  assert_ok(p->task->load(p->env, state, p->task->state_size(p->env), &err), err);
}

#endif
