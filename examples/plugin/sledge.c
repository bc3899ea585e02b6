/* A user's own environment as a plug-in: push a sledge on ice to the origin and hold it there.
 *
 *   cc -shared -fPIC -I include sledge.c -o libsledge.so
 *   sac envs --check ./libsledge.so
 *   sac train Sledge-v0 --plugin ./libsledge.so */
#include "sac/env.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { OBS = 2, ACT = 1, LIMIT = 100 };
static const double act_low[ACT] = {-1.0}, act_high[ACT] = {1.0}; /* m/s^2 */
static const double DT = 0.1, EDGE = 4.0;                         /* s, m */

struct sac_env {
  double x, v;      /* m, m/s */
  uint64_t elapsed; /* steps of this episode */
};

static sac_status create(sac_env **out, sac_error *err) {
  *out = calloc(1, sizeof **out);
  return *out ? SAC_OK : sac_fail(err, SAC_ERR_NOMEM, "Sledge-v0: no memory");
}

static void destroy(sac_env *env) {
  free(env);
}

static void space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){
      .obs_dim = OBS, .act_dim = ACT, .act_low = act_low, .act_high = act_high, .max_steps = LIMIT};
}

static void observe(const sac_env *env, double obs[]) {
  obs[0] = env->x, obs[1] = env->v;
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  *env = (sac_env){.x = -2.0 + 4.0 * sac_stream_uniform(&stream)};
  observe(env, obs);
  return SAC_OK;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  const double push = act[0] < -1.0f ? -1.0 : act[0] > 1.0f ? 1.0 : (double)act[0];
  if (act[0] != act[0]) return sac_fail(err, SAC_ERR_ENV, "Sledge-v0: the action is nan");
  env->v += push * DT;
  env->x += env->v * DT;
  env->elapsed++;
  *reward = -(env->x * env->x + 0.1 * push * push);
  *terminated = env->x < -EDGE || env->x > EDGE; /* off the ice: nothing follows */
  if (*terminated) *reward -= 100.0;
  *truncated = env->elapsed >= LIMIT; /* the time is over: the process would go on */
  observe(env, obs);
  return SAC_OK;
}

static size_t state_size(const sac_env *env) {
  return sizeof *env;
}

static void save(const sac_env *env, void *state) {
  memcpy(state, env, sizeof *env);
}

static sac_status load(sac_env *env, const void *state, size_t size, sac_error *err) {
  if (size != sizeof *env)
    return sac_fail(err, SAC_ERR_FORMAT, "Sledge-v0: a state of %zu bytes, want %zu", size,
                    sizeof *env);
  memcpy(env, state, size);
  return SAC_OK;
}

static const sac_env_api sledge = {
    .abi = SAC_ENV_ABI,
    .struct_size = sizeof(sac_env_api),
    .id = "Sledge-v0",
    .summary = "push a sledge on ice to the origin and hold it there",
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
static const sac_env_api *const tasks[] = {&sledge};
static const sac_env_plugin_info info = {
    .abi = SAC_ENV_ABI, .name = "sledge", .version = "1.0", .count = 1, .tasks = tasks};

SAC_API sac_env_plugin_fn sac_env_plugin;
const sac_env_plugin_info *sac_env_plugin(uint32_t host_abi) {
  return host_abi == SAC_ENV_ABI ? &info : NULL;
}
