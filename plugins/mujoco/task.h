/* One MuJoCo task as data, and the instance that all of them share. */
#ifndef SAC_MUJOCO_TASK_H
#define SAC_MUJOCO_TASK_H

#include "sac/env.h"
#include "sac/random.h"

#include <mujoco/mujoco.h>

enum { NQ_MAX = 24, NV_MAX = 23, NU_MAX = 17, BODIES_MAX = 3 };

struct task {
  const char *id;
  const char *model;     /* file in Gymnasium's folder of models */
  int nq, nv, nu, nbody; /* of that file: another one is refused */
  size_t obs_dim;
  int frame_skip;                 /* simulation steps a step */
  uint32_t limit;                 /* steps an episode */
  int contact_forces;             /* 1: observation or reward reads cfrc_ext */
  const char *bodies[BODIES_MAX]; /* that the functions below look at, NULL: none */

  /* The first state of an episode: fills qpos (nq) and qvel (nv), which hold the model's own. */
  void (*draw)(sac_stream *stream, double qpos[], double qvel[], const struct task *task);
  void (*observe)(const sac_env *env, double obs[]);
  /* Where the robot is, for rewards of its velocity; NULL: none. It is read after a step and kept,
   * since MuJoCo's derived fields describe the state before the last substep. */
  double (*place)(const sac_env *env);
  int (*fails)(const sac_env *env); /* the end of the decision process; NULL: never */
  double (*reward)(const sac_env *env, const float act[], int terminated);
};

struct sac_env {
  const struct task *task;
  mjModel *m;
  mjData *d;
  double *state; /* (mj_stateSize), what save and load copy through */
  int state_count;
  double init_qpos[NQ_MAX], init_qvel[NV_MAX];
  double act_low[NU_MAX], act_high[NU_MAX];
  int body[BODIES_MAX]; /* their numbers */
  double dt;            /* seconds a step */
  double place;         /* after the last step or reset */
  double velocity;      /* (place - place before) / dt of the last step */
  uint32_t elapsed;     /* steps of this episode */
};

/* Make an instance of the task. Errors: SAC_ERR_ENV with file and cause. */
sac_status task_create(const struct task *task, sac_env **out, sac_error *err);

/* The functions of sac_env_api, the same for every task. */
void task_destroy(sac_env *env);
void task_space(const sac_env *env, sac_space *out);
sac_status task_reset(sac_env *env, uint64_t seed, double obs[], sac_error *err);
sac_status task_step(sac_env *env, const float act[], double obs[], double *reward,
                     uint8_t *terminated, uint8_t *truncated, sac_error *err);
size_t task_state_size(const sac_env *env);
void task_save(const sac_env *env, void *state);
sac_status task_load(sac_env *env, const void *state, size_t size, sac_error *err);

/* The path of a model file into path (size bytes). Errors: SAC_ERR_ENV with what to do. */
sac_status model_path(const struct task *task, char path[], size_t size, sac_error *err);

/* A task by name: its description from designated initialisers, and its table of functions
 * `name_api`. A create function each, because create is not told which task is meant. */
#define DEFINE_TASK(name, task_id, task_summary, ...)              \
  static const struct task name = {.id = task_id, __VA_ARGS__};    \
  static sac_status name##_create(sac_env **out, sac_error *err) { \
    return task_create(&name, out, err);                           \
  }                                                                \
  const sac_env_api name##_api = {                                 \
      .abi = SAC_ENV_ABI,                                          \
      .struct_size = sizeof(sac_env_api),                          \
      .id = task_id,                                               \
      .summary = task_summary,                                     \
      .flags = SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT,           \
      .create = name##_create,                                     \
      .destroy = task_destroy,                                     \
      .space = task_space,                                         \
      .reset = task_reset,                                         \
      .step = task_step,                                           \
      .state_size = task_state_size,                               \
      .save = task_save,                                           \
      .load = task_load,                                           \
  }

extern const sac_env_api half_cheetah_api, hopper_api, walker2d_api, swimmer_api; /* planar.c */
extern const sac_env_api inverted_pendulum_api, inverted_double_pendulum_api;     /* balance.c */
extern const sac_env_api ant_api, humanoid_api, humanoid_standup_api;             /* legged.c */
extern const sac_env_api reacher_api, pusher_api;                                 /* arm.c */

#endif
