/* Poles on a cart: InvertedPendulum-v5 and InvertedDoublePendulum-v5.
 * Source: gymnasium 1.4.0, envs/mujoco/{inverted_pendulum,inverted_double_pendulum}_v5.py. */
#include "draw.h"
#include "numpy.h"
#include "task.h"

/* --- InvertedPendulum */

static void draw_pendulum(sac_stream *stream, double qpos[], double qvel[],
                          const struct task *task) {
  add_uniform(stream, 0.01, task->nq, qpos);
  add_uniform(stream, 0.01, task->nv, qvel);
}

static void observe_pendulum(const sac_env *env, double obs[]) {
  for (int i = 0; i < 2; i++) {
    obs[i] = env->d->qpos[i];
    obs[2 + i] = env->d->qvel[i];
  }
}

static int pendulum_falls(const sac_env *env) {
  const double *q = env->d->qpos, *v = env->d->qvel;
  const int finite = isfinite(q[0]) && isfinite(q[1]) && isfinite(v[0]) && isfinite(v[1]);
  return !finite || fabs(q[1]) > 0.2;
}

static double reward_pendulum(const sac_env *env, const float act[], int terminated) {
  (void)env, (void)act;
  return terminated ? 0.0 : 1.0;
}

DEFINE_TASK(inverted_pendulum, "InvertedPendulum-v5", "keep a pole upright on a cart",
            .model = "inverted_pendulum.xml", .nq = 2, .nv = 2, .nu = 1, .nbody = 3, .obs_dim = 4,
            .frame_skip = 2, .limit = 1000, .draw = draw_pendulum, .observe = observe_pendulum,
            .fails = pendulum_falls, .reward = reward_pendulum);

/* --- InvertedDoublePendulum: x and y are those of the tip, site 0, one substep ago */

static void draw_double(sac_stream *stream, double qpos[], double qvel[], const struct task *task) {
  add_uniform(stream, 0.1, task->nq, qpos);
  add_normal(stream, 0.1, task->nv, qvel);
}

static void observe_double(const sac_env *env, double obs[]) {
  const mjData *d = env->d;
  obs[0] = d->qpos[0];
  for (int i = 0; i < 2; i++) {
    obs[1 + i] = sin(d->qpos[1 + i]);
    obs[3 + i] = cos(d->qpos[1 + i]);
  }
  for (int i = 0; i < 3; i++) obs[5 + i] = clip(d->qvel[i], 10.0);
  obs[8] = clip(d->qfrc_constraint[0], 10.0);
}

static int double_falls(const sac_env *env) {
  return env->d->site_xpos[2] <= 1.0;
}

static double reward_double(const sac_env *env, const float act[], int terminated) {
  (void)act;
  const double x = env->d->site_xpos[0], y = env->d->site_xpos[2];
  const double v1 = env->d->qvel[1], v2 = env->d->qvel[2];
  const double off_target = 0.01 * square(x) + square(y - 2.0);
  const double too_fast = 0.001 * square(v1) + 0.005 * square(v2);
  return (terminated ? 0.0 : 10.0) - off_target - too_fast;
}

DEFINE_TASK(inverted_double_pendulum, "InvertedDoublePendulum-v5",
            "keep two joined poles upright on a cart", .model = "inverted_double_pendulum.xml",
            .nq = 3, .nv = 3, .nu = 1, .nbody = 4, .obs_dim = 9, .frame_skip = 5, .limit = 1000,
            .draw = draw_double, .observe = observe_double, .fails = double_falls,
            .reward = reward_double);
