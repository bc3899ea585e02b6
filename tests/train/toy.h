/* A task for tests of the loop: two numbers that drift, with faults on order. */
#ifndef SAC_TESTS_TRAIN_TOY_H
#define SAC_TESTS_TRAIN_TOY_H

#include "scratch.h"

#include "sac/env.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { TOY_OBS = 2, TOY_ACT = 2 };

/* What the task does; set before instances are made. Steps count from 1 within an instance's life.
 */
struct toy_plan {
  uint32_t limit;         /* truncate at this step of an episode; 0: never */
  uint32_t terminate_at;  /* terminate at this step of an episode; 0: never */
  uint64_t nan_reward_at; /* step of an instance; 0: never */
  uint64_t nan_obs_at;
  uint64_t fail_at;
  double reward; /* of every step, instead of -x0^2; 0: not */
};
static struct toy_plan toy;

struct sac_env {
  double x[TOY_OBS];
  uint64_t age;   /* steps of this instance */
  uint32_t steps; /* of this episode */
};

static const double toy_low[TOY_ACT] = {-1.0, -3.0}, toy_high[TOY_ACT] = {1.0, 5.0};

static inline sac_status toy_create(sac_env **out, sac_error *err) {
  sac_env *env = calloc(1, sizeof *env);
  if (!env) return sac_fail(err, SAC_ERR_NOMEM, "no memory");
  *out = env;
  return SAC_OK;
}

static inline void toy_destroy(sac_env *env) {
  free(env);
}

static inline void toy_space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){.obs_dim = TOY_OBS,
                     .act_dim = TOY_ACT,
                     .act_low = toy_low,
                     .act_high = toy_high,
                     .max_steps = toy.limit};
}

static inline sac_status toy_reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  for (int i = 0; i < TOY_OBS; i++) obs[i] = env->x[i] = sac_stream_uniform(&stream);
  env->steps = 0;
  return SAC_OK;
}

static inline sac_status toy_step(sac_env *env, const float act[], double obs[], double *reward,
                                  uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  env->age++;
  env->steps++;
  if (env->age == toy.fail_at) return sac_fail(err, SAC_ERR_ENV, "the spring broke");
  for (int i = 0; i < TOY_OBS; i++) obs[i] = env->x[i] = 0.9 * env->x[i] + 0.1 * (double)act[i];
  if (env->age == toy.nan_obs_at) obs[1] = (double)NAN;
  *reward = toy.reward != 0.0 ? toy.reward : -env->x[0] * env->x[0];
  if (env->age == toy.nan_reward_at) *reward = (double)NAN;
  *terminated = env->steps == toy.terminate_at;
  *truncated = env->steps == toy.limit;
  return SAC_OK;
}

static inline size_t toy_state_size(const sac_env *env) {
  return sizeof *env;
}

static inline void toy_save(const sac_env *env, void *state) {
  memcpy(state, env, sizeof *env);
}

static inline sac_status toy_load(sac_env *env, const void *state, size_t size, sac_error *err) {
  if (size != sizeof *env) return sac_fail(err, SAC_ERR_FORMAT, "another size");
  memcpy(env, state, size);
  return SAC_OK;
}

static const sac_env_api toy_task = {.abi = SAC_ENV_ABI,
                                     .struct_size = sizeof(sac_env_api),
                                     .id = "Toy-v0",
                                     .summary = "two numbers that drift",
                                     .flags = SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT,
                                     .create = toy_create,
                                     .destroy = toy_destroy,
                                     .space = toy_space,
                                     .reset = toy_reset,
                                     .step = toy_step,
                                     .state_size = toy_state_size,
                                     .save = toy_save,
                                     .load = toy_load};

#endif
