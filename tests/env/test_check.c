/* sac_env_check finds each breach of the rules in a task that is broken on purpose, says which, and
 * finds none in sound tasks of unusual kinds. */
#include "check.h"

#include "sac/env.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum fault {
  NONE,
  NO_OBS,
  NO_ACTIONS,
  NO_BOUNDS,
  BOUNDS_SWAPPED,
  BOUNDS_INFINITE,
  HALF_OBS_BOUNDS,
  OUTSIDE_OBS_BOUNDS,
  NAN_OBS,
  UNWRITTEN_OBS,
  LONG_OBS,
  NAN_REWARD,
  UNWRITTEN_REWARD,
  FLAG_OF_TWO,
  EARLY_TRUNCATION,
  NO_TRUNCATION,
  GLOBAL_RANDOMNESS,
  SHARED_STATE,
  RESET_KEEPS_SPEED,
  RESETS_AT_END,
  RESETS_AT_LIMIT,
  RESETS_WITH_NEW_DRAW,
  SAVE_FORGETS,
  SAVE_TOO_LONG,
  STATE_GROWS,
  LOAD_TAKES_ANYTHING,
  LOAD_REFUSES,
  RESET_FAILS,
  STEP_FAILS,
  CREATE_FAILS,
  ONE_DISCRETE_ACTION,
  DISCRETE_BOUNDS,
};

/* the task below reads these; a test sets them */
static enum fault fault;
static uint32_t limit;
static double edge;

enum { OBS = 2, ACT = 1 };
static const double low[ACT] = {-1.0}, high[ACT] = {1.0}, infinite[ACT] = {(double)INFINITY};
static const double obs_low[OBS] = {-1.0, -1.0}, obs_high[OBS] = {1.0, 1.0};

/* A particle that is pushed about and leaves at |x| > edge. */
struct sac_env {
  double x, v;
  uint64_t elapsed, seed;
};

static double shared_x;
static int global_count;

static sac_status create(sac_env **out, sac_error *err) {
  if (fault == CREATE_FAILS) return sac_fail(err, SAC_ERR_ENV, "no particle today");
  *out = calloc(1, sizeof **out);
  return *out ? SAC_OK : sac_fail(err, SAC_ERR_NOMEM, "no memory");
}

static void destroy(sac_env *env) {
  free(env);
}

static void space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){.obs_dim = fault == NO_OBS ? 0 : OBS,
                     .act_dim = fault == NO_ACTIONS ? 0 : ACT,
                     .act_low = fault == NO_BOUNDS        ? NULL
                                : fault == BOUNDS_SWAPPED ? high
                                                          : low,
                     .act_high = fault == BOUNDS_SWAPPED    ? low
                                 : fault == BOUNDS_INFINITE ? infinite
                                                            : high,
                     .max_steps = limit};
  if (fault == HALF_OBS_BOUNDS || fault == OUTSIDE_OBS_BOUNDS) out->obs_low = obs_low;
  if (fault == OUTSIDE_OBS_BOUNDS) out->obs_high = obs_high;
}

static void begin(sac_env *env, uint64_t seed) {
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  env->x = shared_x = 0.1 * sac_stream_uniform(&stream);
  if (fault != RESET_KEEPS_SPEED) env->v = 0.0;
  env->elapsed = 0;
  env->seed = seed;
}

static void observe(const sac_env *env, double obs[]) {
  obs[0] = fault == SHARED_STATE ? shared_x : env->x;
  if (fault != UNWRITTEN_OBS || env->elapsed < 5) obs[1] = env->v;
  if (fault == NAN_OBS && env->elapsed == 5) obs[1] = (double)NAN;
  if (fault == LONG_OBS) obs[2] = 1.0;
  if (fault == GLOBAL_RANDOMNESS) obs[1] += 1e-9 * global_count++;
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  if (fault == RESET_FAILS) return sac_fail(err, SAC_ERR_ENV, "the particle is stuck");
  begin(env, seed);
  observe(env, obs);
  return SAC_OK;
}

/* of the particle as a discrete task: pushed by -1, 0 or 1 */
static size_t three_actions(const sac_env *env) {
  (void)env;
  return fault == ONE_DISCRETE_ACTION ? 1 : 3;
}

static void move(sac_env *env, float push) {
  env->v = 0.9 * env->v + 0.1 * (double)push;
  env->x += env->v;
  shared_x += env->v;
  env->elapsed++;
}

static int truncates(const sac_env *env) {
  if (fault == NO_TRUNCATION) return 0;
  if (fault == EARLY_TRUNCATION && env->elapsed == 4) return 1;
  return limit && env->elapsed >= limit;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  if (fault == STEP_FAILS && env->elapsed == 5) return sac_fail(err, SAC_ERR_ENV, "it broke");
  move(env, act[0]);
  *terminated = fabs(env->x) > edge;
  *truncated = (uint8_t)truncates(env);
  if (fault == FLAG_OF_TWO && env->elapsed == 5) *terminated = 2;
  if (fault != UNWRITTEN_REWARD) *reward = fault == NAN_REWARD ? (double)NAN : -env->x * env->x;
  const int by_itself = (fault == RESETS_AT_END && *terminated) ||
                        ((fault == RESETS_AT_LIMIT || fault == RESETS_WITH_NEW_DRAW) && *truncated);
  if (by_itself) begin(env, env->seed + (fault == RESETS_WITH_NEW_DRAW));
  observe(env, obs);
  return SAC_OK;
}

static size_t state_size(const sac_env *env) {
  return sizeof *env + (fault == STATE_GROWS ? env->elapsed : 0);
}

static void save(const sac_env *env, void *state) {
  memcpy(state, env, sizeof *env);
  if (fault == SAVE_FORGETS) memset((char *)state + offsetof(sac_env, v), 0, sizeof env->v);
  if (fault == SAVE_TOO_LONG) ((char *)state)[sizeof *env] = 0;
}

static sac_status load(sac_env *env, const void *state, size_t size, sac_error *err) {
  if (fault == LOAD_REFUSES && size == sizeof *env)
    return sac_fail(err, SAC_ERR_FORMAT, "not this one");
  if (size != sizeof *env && fault != LOAD_TAKES_ANYTHING)
    return sac_fail(err, SAC_ERR_FORMAT, "wrong size");
  memcpy(env, state, sizeof *env);
  return SAC_OK;
}

static const sac_env_api particle = {
    .abi = SAC_ENV_ABI,
    .struct_size = sizeof(sac_env_api),
    .id = "Particle-v0",
    .summary = "a particle with a fault",
    .flags = SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT,
    .create = create,
    .destroy = destroy,
    .space = space,
    .reset = reset,
    .step = step,
    .state_size = state_size,
    .save = save,
    .load = load,
};

static const double none[ACT] = {0.0}, two[ACT] = {2.0};

static void discrete_space(const sac_env *env, sac_space *out) {
  space(env, out);
  out->act_low = none;
  if (fault != DISCRETE_BOUNDS) out->act_high = two;
}

static sac_status discrete_step(sac_env *env, const float act[], double obs[], double *reward,
                                uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  if (act[0] != 0.0f && act[0] != 1.0f && act[0] != 2.0f)
    return sac_fail(err, SAC_ERR_ENV, "%g is none of the three actions", (double)act[0]);
  return step(env, (const float[]){act[0] - 1.0f}, obs, reward, terminated, truncated, err);
}

static void assert_found(const sac_env_api *task, const char *words) {
  sac_error err = {.msg = ""};
  global_count = 0;
  if (sac_env_check(task, 1, 1000, &err) == SAC_OK) fail_msg("nothing found, want \"%s\"", words);
  assert_int_equal(err.code, SAC_ERR_ENV);
  if (!strstr(err.msg, words)) fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
  assert_non_null(strstr(err.msg, "Particle-v0"));
}

static void assert_sound(const sac_env_api *task) {
  sac_error err = {.msg = ""};
  for (uint64_t seed = 0; seed < 20; seed++) assert_ok(sac_env_check(task, seed, 2000, &err), err);
}

static void the_sound_task_passes(void **state) {
  (void)state;
  fault = NONE;
  limit = 30, edge = 0.5;
  assert_sound(&particle);
  limit = 0; /* no limit */
  assert_sound(&particle);
  limit = 30, edge = 1e9; /* never terminates */
  assert_sound(&particle);
  limit = 1, edge = 1e9; /* episodes of one step */
  assert_sound(&particle);
}

static void every_fault_is_found(void **state) {
  (void)state;
  static const struct {
    enum fault fault;
    double edge;
    const char *words;
  } cases[] = {
      {NO_OBS, 0.5, "obs_dim is 0"},
      {NO_ACTIONS, 0.5, "act_dim is 0"},
      {NO_BOUNDS, 0.5, "act_low is NULL"},
      {BOUNDS_SWAPPED, 0.5, "act_low[0] = 1 is not below act_high[0] = -1"},
      {BOUNDS_INFINITE, 0.5, "[-1, inf]; they must be finite"},
      {HALF_OBS_BOUNDS, 0.5, "one of obs_low and obs_high is NULL"},
      {OUTSIDE_OBS_BOUNDS, 3.0, "outside [-1, 1]"},
      {NAN_OBS, 0.5, "observation 1 is nan after step 5"},
      {UNWRITTEN_OBS, 0.5, "step 5 of seed 1 leaves observation 1 unwritten"},
      {LONG_OBS, 0.5, "writes behind its 2 observations"},
      {NAN_REWARD, 0.5, "the reward is nan"},
      {UNWRITTEN_REWARD, 0.5, "the reward is not written"},
      {FLAG_OF_TWO, 0.5, "terminated = 2"},
      {EARLY_TRUNCATION, 0.5, "truncated, but max_steps is 30"},
      {NO_TRUNCATION, 1e9, "not truncated, though max_steps is 30"},
      {GLOBAL_RANDOMNESS, 0.5, "not deterministic"},
      {SHARED_STATE, 0.5, "not deterministic"},
      {RESET_KEEPS_SPEED, 0.5, "not deterministic"},
      {RESETS_AT_END, 0.5, "step must not reset"},
      {RESETS_AT_LIMIT, 1e9, "step must not reset"},
      {RESETS_WITH_NEW_DRAW, 1e9, "step must not reset"},
      {SAVE_FORGETS, 0.5, "after load into"},
      {SAVE_TOO_LONG, 0.5, "save writes behind its"},
      {STATE_GROWS, 0.5, "it may not change"},
      {LOAD_TAKES_ANYTHING, 0.5, "one byte short"},
      {LOAD_REFUSES, 0.5, "load refuses what save wrote: not this one"},
      {RESET_FAILS, 0.5, "reset with seed 1001 fails: the particle is stuck"},
      {STEP_FAILS, 1e9, "step 6 of seed 1 fails: it broke"},
      {CREATE_FAILS, 0.5, "cannot be made: no particle today"},
  };
  limit = 30;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    fault = cases[i].fault;
    edge = cases[i].edge;
    assert_found(&particle, cases[i].words);
  }
}

static void a_table_with_holes_is_found(void **state) {
  (void)state;
  sac_env_api broken = particle;
  fault = NONE;
  broken.step = NULL;
  assert_found(&broken, "lacks one of create, destroy, space, reset, step");
  broken = particle;
  broken.load = NULL;
  assert_found(&broken, "promises SAC_ENV_SNAPSHOT but lacks");
  broken.flags = SAC_ENV_DETERMINISTIC; /* no promise, no need */
  limit = 30, edge = 0.5;
  assert_sound(&broken);
}

/* Discrete actions: the checker plays whole numbers, and looks at their count and bounds. */
static void discrete_tasks_are_checked(void **state) {
  (void)state;
  sac_env_api discrete = particle;
  discrete.space = discrete_space;
  discrete.step = discrete_step;
  discrete.actions = three_actions;
  limit = 30, edge = 0.5;
  fault = NONE;
  assert_sound(&discrete);
  fault = ONE_DISCRETE_ACTION;
  assert_found(&discrete, "1 discrete actions; there must be 2 to 4096");
  fault = DISCRETE_BOUNDS;
  assert_found(&discrete, "first bounds are [0, 1]; they must be 1 and [0, 2]");
  fault = NONE;
  discrete.struct_size = offsetof(sac_env_api, actions); /* a table without them is continuous */
  assert_found(&discrete, "is none of the three actions");
}

/* A task that does not claim to be deterministic may draw its own numbers. */
static void randomness_that_is_declared_passes(void **state) {
  (void)state;
  sac_env_api random = particle;
  random.flags = 0;
  fault = GLOBAL_RANDOMNESS;
  limit = 30, edge = 0.5;
  assert_sound(&random);
}

/* --- a chain of places: rightly, its last observation does not depend on the last action ----- */

static sac_status chain_reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  *env = (sac_env){.seed = seed};
  obs[0] = obs[1] = 0.0;
  return SAC_OK;
}

static sac_status chain_step(sac_env *env, const float act[], double obs[], double *reward,
                             uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  env->x += act[0] > 0.0f ? 1.0 : env->x > 0.0 ? -1.0 : 0.0;
  env->elapsed++;
  obs[0] = env->x;
  obs[1] = 0.0;
  *reward = *terminated = env->x >= 4.0;
  *truncated = env->elapsed >= limit;
  return SAC_OK;
}

static void a_chain_passes(void **state) {
  (void)state;
  sac_env_api chain = particle;
  chain.reset = chain_reset;
  chain.step = chain_step;
  fault = NONE;
  limit = 30;
  assert_sound(&chain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_sound_task_passes),
      cmocka_unit_test(every_fault_is_found),
      cmocka_unit_test(a_table_with_holes_is_found),
      cmocka_unit_test(discrete_tasks_are_checked),
      cmocka_unit_test(randomness_that_is_declared_passes),
      cmocka_unit_test(a_chain_passes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
