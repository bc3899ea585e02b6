/* Environments: the interface that a task implements, and the calls that use one.
 *
 * A task is one `const sac_env_api`, a table of functions. A plug-in is a shared library with one
 * exported symbol, `sac_env_plugin`, that lists its tasks. The rules, for authors:
 *   - `step` never resets: it returns the true last observation, and the caller resets.
 *   - `terminated` is the end of the decision process (nothing follows, no bootstrap);
 *     `truncated` is a time limit (the process would go on). Both may be true at once.
 *   - the caller owns every buffer; observations and rewards are float64, actions float32 in the
 *     environment's own units; training and evaluation cut them to the bounds before `step` (a NaN
 *     stays one), another caller need not; a discrete action is its number.
 *   - instances share nothing: two may be stepped in two threads. No global generator, no printing.
 *   - errors come back as a status and a message (sac_fail), never as exit();
 *   - sac_fail and sac/random.h are there when a plug-in is loaded: it need not link them. */
#ifndef SAC_ENV_H
#define SAC_ENV_H

#include "sac/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SAC_ENV_ABI 1u /* raised when this header changes incompatibly */

enum {
  SAC_ENV_DETERMINISTIC = 1, /* same state and actions give the same bits */
  SAC_ENV_SNAPSHOT = 2,      /* save and load are there: exact resume */
};

/* Sizes and bounds of one environment; the pointers live as long as the instance. */
typedef struct sac_space {
  size_t obs_dim;         /* O >= 1 */
  size_t act_dim;         /* A >= 1 */
  const double *act_low;  /* (A) finite, act_low < act_high */
  const double *act_high; /* (A) */
  const double *obs_low;  /* (O) or NULL: unbounded */
  const double *obs_high; /* (O) or NULL */
  uint32_t max_steps;     /* the time limit in steps, after which step truncates; 0: none */
} sac_space;

typedef struct sac_env sac_env; /* one instance, defined by the task */

/* One task. Members may be added at the end only: struct_size says how many a plug-in has. */
typedef struct sac_env_api {
  uint32_t abi;         /* SAC_ENV_ABI */
  uint32_t struct_size; /* sizeof(sac_env_api) */
  const char *id;       /* "HalfCheetah-v5" */
  const char *summary;  /* one line for `sac envs` */
  uint32_t flags;       /* SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT */

  /* Make an instance. *out is untouched on an error. */
  sac_status (*create)(sac_env **out, sac_error *err);
  void (*destroy)(sac_env *env); /* NULL is allowed */
  void (*space)(const sac_env *env, sac_space *out);

  /* Begin an episode; every draw comes from `seed`, so equal seeds give equal episodes.
   * obs: (O) out. */
  sac_status (*reset)(sac_env *env, uint64_t seed, double obs[], sac_error *err);

  /* One step. act: (A) in; obs: (O) out, the observation that the step led to. */
  sac_status (*step)(sac_env *env, const float act[], double obs[], double *reward,
                     uint8_t *terminated, uint8_t *truncated, sac_error *err);

  /* The whole state of an episode as bytes, equal bits after load: needs SAC_ENV_SNAPSHOT. */
  size_t (*state_size)(const sac_env *env);
  void (*save)(const sac_env *env, void *state);
  sac_status (*load)(sac_env *env, const void *state, size_t size, sac_error *err);

  /* How many actions there are to choose from, 2 or more, where they are discrete: then A = 1, the
   * bounds are 0 and one less than that, and step takes 0, 1, 2 ... as a float and refuses any
   * other number. NULL, 0, or a table that ends before this: continuous actions. */
  size_t (*actions)(const sac_env *env);
} sac_env_api;

enum { SAC_ENV_ACTIONS_MAX = 4096 }; /* discrete actions at most */

/* What `actions` of the task says of an instance; 0 where actions are continuous. */
SAC_API size_t sac_env_actions(const sac_env_api *task, const sac_env *env);

/* What a plug-in exports. */
typedef struct sac_env_plugin_info {
  uint32_t abi;                    /* SAC_ENV_ABI */
  const char *name;                /* "mujoco" */
  const char *version;             /* of the plug-in and of what it wraps */
  size_t count;                    /* tasks */
  const sac_env_api *const *tasks; /* (count) */
} sac_env_plugin_info;

/* The one exported symbol: `host_abi` is the library's SAC_ENV_ABI; a plug-in that cannot serve it
 * returns NULL. The result is static. */
typedef const sac_env_plugin_info *sac_env_plugin_fn(uint32_t host_abi);
#define SAC_ENV_PLUGIN_SYMBOL "sac_env_plugin"

/* --- the registry: built-in tasks, the library's plug-in folder, files named by the user ------ */

typedef struct sac_registry sac_registry;

/* The built-in tasks and those of every plug-in in the library's plug-in folder (SAC_PLUGIN_DIR in
 * the process environment replaces the folder). A plug-in there that cannot be loaded is skipped
 * and described by sac_registry_note. One thread at a time. */
SAC_API sac_status sac_registry_create(sac_registry **out, sac_error *err);
SAC_API void sac_registry_destroy(sac_registry *registry); /* after every environment; NULL ok */

/* Add the tasks of a shared library at `path`, which runs its code: only ever a path that the user
 * gave. A task of the same id replaces the earlier one. Errors: SAC_ERR_ENV, naming file and cause.
 */
SAC_API sac_status sac_registry_load(sac_registry *registry, const char *path, sac_error *err);

/* The tasks in order of registration; index < count. The plug-in's name is "built-in" or its own.
 */
SAC_API size_t sac_registry_count(const sac_registry *registry);
SAC_API const sac_env_api *sac_registry_task(const sac_registry *registry, size_t index,
                                             const char **plugin_name);

/* The path by which the user named the shared library that brought the task (sac_registry_load's);
 * NULL for a built-in one, and for the library's own plug-ins, which need no naming. It lives as
 * long as the registry. */
SAC_API const char *sac_registry_file(const sac_registry *registry, const sac_env_api *task);

/* The task `id`, or NULL and a message with the nearest names; for a MuJoCo task without the
 * plug-in the message says how to get it. */
SAC_API const sac_env_api *sac_registry_find(const sac_registry *registry, const char *id,
                                             sac_error *err);

/* What was skipped while the registry was made, one line each, "" if nothing. */
SAC_API const char *sac_registry_note(const sac_registry *registry);

/* Check that a task keeps the rules above: sizes and bounds sane, observations and rewards finite
 * under random actions, resets and steps deterministic, reset after reset, snapshot and return,
 * truncation at max_steps. The first breach is the error. steps: how many to take (1,000 is usual).
 */
SAC_API sac_status sac_env_check(const sac_env_api *task, uint64_t seed, size_t steps,
                                 sac_error *err);

#ifdef __cplusplus
}
#endif
#endif
