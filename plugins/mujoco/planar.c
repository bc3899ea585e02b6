/* Robots that move in a plane: HalfCheetah, Hopper, Walker2d, Swimmer (all -v5).
 * Source: gymnasium 1.4.0, envs/mujoco/{half_cheetah,hopper,walker2d,swimmer}_v5.py. */
#include "draw.h"
#include "numpy.h"
#include "task.h"

/* qpos without its first `skip`, then qvel. */
static void observe_state(const sac_env *env, int skip, double obs[]) {
  for (int i = skip; i < env->m->nq; i++) *obs++ = env->d->qpos[i];
  for (int i = 0; i < env->m->nv; i++) *obs++ = env->d->qvel[i];
}

static void observe_without_x(const sac_env *env, double obs[]) {
  observe_state(env, 1, obs);
}
static void observe_without_xy(const sac_env *env, double obs[]) {
  observe_state(env, 2, obs);
}

static void observe_clipped(const sac_env *env, double obs[]) {
  observe_state(env, 1, obs);
  double *velocity = obs + env->m->nq - 1;
  for (int i = 0; i < env->m->nv; i++) velocity[i] = clip(velocity[i], 10.0);
}

static double x_of_root(const sac_env *env) {
  return env->d->qpos[0];
}

/* weight * sum(a^2) in float32, the action's width. */
static double control_cost(const sac_env *env, float weight, const float act[]) {
  return (double)(weight * sum_of_squares_f32((size_t)env->task->nu, act));
}

/* --- HalfCheetah */

static void draw_half_cheetah(sac_stream *stream, double qpos[], double qvel[],
                              const struct task *task) {
  add_uniform(stream, 0.1, task->nq, qpos);
  add_normal(stream, 0.1, task->nv, qvel);
}

static double reward_half_cheetah(const sac_env *env, const float act[], int terminated) {
  (void)terminated;
  return env->velocity - control_cost(env, 0.1f, act);
}

DEFINE_TASK(half_cheetah, "HalfCheetah-v5", "run forwards with a two-legged cheetah in a plane",
            .model = "half_cheetah.xml", .nq = 9, .nv = 9, .nu = 6, .nbody = 8, .obs_dim = 17,
            .frame_skip = 5, .limit = 1000, .draw = draw_half_cheetah, .observe = observe_without_x,
            .place = x_of_root, .reward = reward_half_cheetah);

/* --- Hopper and Walker2d: one more for each step that does not end in a fall */

static void draw_small(sac_stream *stream, double qpos[], double qvel[], const struct task *task) {
  add_uniform(stream, 0.005, task->nq, qpos);
  add_uniform(stream, 0.005, task->nv, qvel);
}

static double reward_upright(const sac_env *env, const float act[], int terminated) {
  return env->velocity + (terminated ? 0.0 : 1.0) - control_cost(env, 0.001f, act);
}

static int within_100(const double x[], int n) {
  int all = 1;
  for (int i = 0; i < n; i++) all &= -100.0 < x[i] && x[i] < 100.0;
  return all;
}

static int hopper_falls(const sac_env *env) {
  const double *q = env->d->qpos, height = q[1], angle = q[2];
  const int sound = within_100(q + 2, env->task->nq - 2) && within_100(env->d->qvel, env->task->nv);
  return !(sound && height > 0.7 && isfinite(height) && -0.2 < angle && angle < 0.2);
}

DEFINE_TASK(hopper, "Hopper-v5", "hop forwards on one leg in a plane without falling",
            .model = "hopper.xml", .nq = 6, .nv = 6, .nu = 3, .nbody = 5, .obs_dim = 11,
            .frame_skip = 4, .limit = 1000, .draw = draw_small, .observe = observe_clipped,
            .place = x_of_root, .fails = hopper_falls, .reward = reward_upright);

static int walker_falls(const sac_env *env) {
  const double height = env->d->qpos[1], angle = env->d->qpos[2];
  return !(0.8 < height && height < 2.0 && -1.0 < angle && angle < 1.0);
}

DEFINE_TASK(walker2d, "Walker2d-v5", "walk forwards on two legs in a plane without falling",
            .model = "walker2d_v5.xml", .nq = 9, .nv = 9, .nu = 6, .nbody = 8, .obs_dim = 17,
            .frame_skip = 4, .limit = 1000, .draw = draw_small, .observe = observe_clipped,
            .place = x_of_root, .fails = walker_falls, .reward = reward_upright);

/* --- Swimmer */

static void draw_swimmer(sac_stream *stream, double qpos[], double qvel[],
                         const struct task *task) {
  add_uniform(stream, 0.1, task->nq, qpos);
  add_uniform(stream, 0.1, task->nv, qvel);
}

static double reward_swimmer(const sac_env *env, const float act[], int terminated) {
  (void)terminated;
  return env->velocity - control_cost(env, 0.0001f, act);
}

DEFINE_TASK(swimmer, "Swimmer-v5", "swim forwards with three links in a viscous fluid",
            .model = "swimmer.xml", .nq = 5, .nv = 5, .nu = 2, .nbody = 4, .obs_dim = 8,
            .frame_skip = 4, .limit = 1000, .draw = draw_swimmer, .observe = observe_without_xy,
            .place = x_of_root, .reward = reward_swimmer);
