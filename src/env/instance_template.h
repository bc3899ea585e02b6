/* The instance of a built-in task, whose whole state is one struct: its life and its snapshot.
 *
 * A task's file defines `struct state` without padding (save() writes it as it is) and the macro
 * TASK_ID, includes this, and lists TASK_INSTANCE in its sac_env_api. */
#include <stdlib.h>
#include <string.h>

struct sac_env {
  struct state now;
};

static sac_status create(sac_env **out, sac_error *err) {
  sac_env *env = calloc(1, sizeof *env);
  if (!env) return sac_fail(err, SAC_ERR_NOMEM, TASK_ID ": no memory for an instance");
  *out = env;
  return SAC_OK;
}

static void destroy(sac_env *env) {
  free(env);
}

static size_t state_size(const sac_env *env) {
  (void)env;
  return sizeof(struct state);
}

static void save(const sac_env *env, void *state) {
  memcpy(state, &env->now, sizeof env->now);
}

static sac_status load(sac_env *env, const void *state, size_t size, sac_error *err) {
  if (size != sizeof env->now)
    return sac_fail(err, SAC_ERR_FORMAT, TASK_ID ": the saved state has %zu bytes, want %zu", size,
                    sizeof env->now);
  memcpy(&env->now, state, size);
  return SAC_OK;
}

#define TASK_INSTANCE                                                                      \
  .abi = SAC_ENV_ABI, .struct_size = sizeof(sac_env_api), .id = TASK_ID,                   \
  .flags = SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT, .create = create, .destroy = destroy, \
  .state_size = state_size, .save = save, .load = load
