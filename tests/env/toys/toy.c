/* Plug-ins for test_registry.c, each compiled from this file with other definitions: a good one,
 * and one for each way in which a plug-in can be wrong. It needs nothing from the library. */
#include "sac/env.h"

#include <stdlib.h>

#ifndef TOY_SYMBOL
#  define TOY_SYMBOL sac_env_plugin
#endif
#ifndef TOY_ABI
#  define TOY_ABI SAC_ENV_ABI
#endif
#ifndef TOY_TABLE_SIZE
#  define TOY_TABLE_SIZE sizeof(sac_env_api)
#endif
#ifndef TOY_STEP
#  define TOY_STEP step
#endif
#ifndef TOY_ID
#  define TOY_ID "Toy-v0"
#endif
#ifndef TOY_RESULT
#  define TOY_RESULT &info
#endif

struct sac_env {
  double x;
};

static const double low[] = {-1.0}, high[] = {1.0};

static sac_status create(sac_env **out, sac_error *err) {
  (void)err;
  *out = calloc(1, sizeof **out);
  return *out ? SAC_OK : SAC_ERR_NOMEM;
}

static void destroy(sac_env *env) {
  free(env);
}

static void space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){.obs_dim = 1, .act_dim = 1, .act_low = low, .act_high = high};
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  obs[0] = env->x = (double)(seed % 10);
  return SAC_OK;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  obs[0] = env->x += (double)act[0];
  *reward = 0.0;
  *terminated = *truncated = 0;
  return SAC_OK;
}

static size_t actions(const sac_env *env) {
  (void)env;
  return 3;
}

static const sac_env_api toy = {
    .abi = SAC_ENV_ABI,
    .struct_size = TOY_TABLE_SIZE,
    .id = "Toy-v0",
    .summary = "a toy",
    .create = create,
    .destroy = destroy,
    .space = space,
    .reset = reset,
    .step = step,
    .actions = actions,
};
static const sac_env_api second = {
    .abi = SAC_ENV_ABI,
    .struct_size = TOY_TABLE_SIZE,
    .id = TOY_ID,
    .summary = "another toy",
    .create = create,
    .destroy = destroy,
    .space = space,
    .reset = reset,
    .step = TOY_STEP,
};

static const sac_env_api *const tasks[] = {&toy, &second};

SAC_API const sac_env_plugin_info info;
const sac_env_plugin_info info = {
    .abi = TOY_ABI, .name = "toys", .version = "1", .count = 2, .tasks = tasks};

SAC_API sac_env_plugin_fn TOY_SYMBOL;
const sac_env_plugin_info *TOY_SYMBOL(uint32_t host_abi) {
  (void)host_abi;
  return TOY_RESULT;
}
