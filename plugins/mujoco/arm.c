/* Arms: Reacher-v5 and Pusher-v5.
 * Source: gymnasium 1.4.0, envs/mujoco/{reacher,pusher}_v5.py.
 * The bodies' places are MuJoCo's derived fields: those of the state before the last substep. */
#include "draw.h"
#include "numpy.h"
#include "task.h"

static const double *place_of(const sac_env *env, int body) {
  return env->d->xpos + 3 * env->body[body];
}

/* weight * -sum(a^2) in float32, the action's width. */
static double control_reward(const sac_env *env, float weight, const float act[]) {
  return (double)(-sum_of_squares_f32((size_t)env->task->nu, act) * weight);
}

/* --- Reacher */

enum { FINGERTIP, TARGET };

static void draw_reacher(sac_stream *stream, double qpos[], double qvel[],
                         const struct task *task) {
  double *goal = qpos + task->nq - 2;
  add_uniform(stream, 0.1, task->nq, qpos);
  do { /* uniform on the disc */
    goal[0] = uniform(stream, -0.2, 0.2);
    goal[1] = uniform(stream, -0.2, 0.2);
  } while (!(sqrt(goal[0] * goal[0] + goal[1] * goal[1]) < 0.2));
  add_uniform(stream, 0.005, task->nv, qvel);
  qvel[task->nv - 2] = qvel[task->nv - 1] = 0.0;
}

static void observe_reacher(const sac_env *env, double obs[]) {
  const mjData *d = env->d;
  const double *tip = place_of(env, FINGERTIP), *target = place_of(env, TARGET);
  for (int i = 0; i < 2; i++) {
    obs[i] = cos(d->qpos[i]);
    obs[2 + i] = sin(d->qpos[i]);
    obs[4 + i] = d->qpos[2 + i];
    obs[6 + i] = d->qvel[i];
    obs[8 + i] = tip[i] - target[i];
  }
}

static double reward_reacher(const sac_env *env, const float act[], int terminated) {
  (void)terminated;
  const double far = distance(place_of(env, FINGERTIP), place_of(env, TARGET));
  return -far + control_reward(env, 1.0f, act);
}

DEFINE_TASK(reacher, "Reacher-v5", "reach a point with an arm of two links", .model = "reacher.xml",
            .nq = 4, .nv = 4, .nu = 2, .nbody = 5, .obs_dim = 10, .frame_skip = 2, .limit = 50,
            .bodies = {"fingertip", "target"}, .draw = draw_reacher, .observe = observe_reacher,
            .reward = reward_reacher);

/* --- Pusher */

enum { TIP, OBJECT, GOAL };

static void draw_pusher(sac_stream *stream, double qpos[], double qvel[], const struct task *task) {
  double *object = qpos + task->nq - 4, *goal = qpos + task->nq - 2;
  do { /* not on the goal */
    object[0] = uniform(stream, -0.3, 0.0);
    object[1] = uniform(stream, -0.2, 0.2);
  } while (!(sqrt(object[0] * object[0] + object[1] * object[1]) > 0.17));
  goal[0] = goal[1] = 0.0;
  add_uniform(stream, 0.005, task->nv, qvel);
  for (int i = task->nv - 4; i < task->nv; i++) qvel[i] = 0.0;
}

static void observe_pusher(const sac_env *env, double obs[]) {
  for (int i = 0; i < 7; i++) {
    obs[i] = env->d->qpos[i];
    obs[7 + i] = env->d->qvel[i];
  }
  for (int i = 0; i < 3; i++) {
    obs[14 + i] = place_of(env, TIP)[i];
    obs[17 + i] = place_of(env, OBJECT)[i];
    obs[20 + i] = place_of(env, GOAL)[i];
  }
}

static double reward_pusher(const sac_env *env, const float act[], int terminated) {
  (void)terminated;
  const double near = -distance(place_of(env, OBJECT), place_of(env, TIP)) * 0.5;
  const double there = -distance(place_of(env, OBJECT), place_of(env, GOAL));
  return there + control_reward(env, 0.1f, act) + near;
}

DEFINE_TASK(pusher, "Pusher-v5", "push a cylinder to a goal with an arm of seven joints",
            .model = "pusher_v5.xml", .nq = 11, .nv = 11, .nu = 7, .nbody = 13, .obs_dim = 23,
            .frame_skip = 5, .limit = 100, .bodies = {"tips_arm", "object", "goal"},
            .draw = draw_pusher, .observe = observe_pusher, .reward = reward_pusher);
