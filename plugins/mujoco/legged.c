/* Robots with legs and a free body: Ant-v5, Humanoid-v5, HumanoidStandup-v5.
 * Source: gymnasium 1.4.0, envs/mujoco/{ant,humanoid,humanoidstandup}_v5.py.
 * Their positions, inertias and contact forces are MuJoCo's derived fields, which describe the
 * state before the last substep; contact forces are 0 until an episode's first step. */
#include "draw.h"
#include "numpy.h"
#include "task.h"

/* qpos without the place on the ground, then qvel; returns where the next number goes. */
static double *observe_joints(const sac_env *env, double obs[]) {
  for (int i = 2; i < env->m->nq; i++) *obs++ = env->d->qpos[i];
  for (int i = 0; i < env->m->nv; i++) *obs++ = env->d->qvel[i];
  return obs;
}

/* x[0 ... n-1]; returns where the next number goes. */
static double *put(double obs[], const double x[], int n) {
  for (int i = 0; i < n; i++) *obs++ = x[i];
  return obs;
}

/* --- Ant */

enum { ANT_BODIES = 14 };

static void draw_ant(sac_stream *stream, double qpos[], double qvel[], const struct task *task) {
  add_uniform(stream, 0.1, task->nq, qpos);
  add_normal(stream, 0.1, task->nv, qvel);
}

static void observe_ant(const sac_env *env, double obs[]) {
  obs = observe_joints(env, obs);
  for (int i = 6; i < 6 * ANT_BODIES; i++) *obs++ = clip(env->d->cfrc_ext[i], 1.0);
}

static double x_of_torso(const sac_env *env) {
  return env->d->xpos[3];
} /* of body 1 */

static int ant_fails(const sac_env *env) {
  int finite = 1;
  for (int i = 0; i < env->task->nq; i++) finite &= isfinite(env->d->qpos[i]) != 0;
  for (int i = 0; i < env->task->nv; i++) finite &= isfinite(env->d->qvel[i]) != 0;
  const double height = env->d->qpos[2];
  return !(finite && 0.2 <= height && height <= 1.0);
}

static double reward_ant(const sac_env *env, const float act[], int terminated) {
  double force[6 * ANT_BODIES];
  for (int i = 0; i < 6 * ANT_BODIES; i++) force[i] = clip(env->d->cfrc_ext[i], 1.0);
  const double control = (double)(0.5f * sum_of_squares_f32((size_t)env->task->nu, act));
  const double contact = 0.0005 * sum_of_squares(6 * ANT_BODIES, force);
  return env->velocity + (terminated ? 0.0 : 1.0) - (control + contact);
}

DEFINE_TASK(ant, "Ant-v5", "run forwards on four legs", .model = "ant.xml", .nq = 15, .nv = 14,
            .nu = 8, .nbody = ANT_BODIES, .obs_dim = 105, .frame_skip = 5, .limit = 1000,
            .contact_forces = 1, .draw = draw_ant, .observe = observe_ant, .place = x_of_torso,
            .fails = ant_fails, .reward = reward_ant);

/* --- Humanoid */

enum { HUMANOID_BODIES = 14 };

static void draw_humanoid(sac_stream *stream, double qpos[], double qvel[],
                          const struct task *task) {
  add_uniform(stream, 0.01, task->nq, qpos);
  add_uniform(stream, 0.01, task->nv, qvel);
}

static void observe_humanoid(const sac_env *env, double obs[]) {
  const mjData *d = env->d;
  const int bodies = HUMANOID_BODIES - 1; /* all but the world */
  obs = observe_joints(env, obs);
  obs = put(obs, d->cinert + 10, 10 * bodies);
  obs = put(obs, d->cvel + 6, 6 * bodies);
  obs = put(obs, d->qfrc_actuator + 6, env->task->nv - 6);
  put(obs, d->cfrc_ext + 6, 6 * bodies);
}

/* np.sum of a vector of the bodies' size. */
static double sum_of_masses(const double x[]) {
  const double tree = ((x[0] + x[1]) + (x[2] + x[3])) + ((x[4] + x[5]) + (x[6] + x[7]));
  double sum = tree;
  for (int i = 8; i < HUMANOID_BODIES; i++) sum += x[i];
  return sum;
}

static double x_of_mass_centre(const sac_env *env) {
  double sum = 0.0;
  for (int i = 0; i < HUMANOID_BODIES; i++) sum += env->m->body_mass[i] * env->d->xipos[3 * i];
  return sum / sum_of_masses(env->m->body_mass);
}

static double control_cost(const sac_env *env) {
  return 0.1 * sum_of_squares((size_t)env->task->nu, env->d->ctrl);
}

static double contact_cost(const sac_env *env) {
  const double cost = 5e-7 * sum_of_squares(6 * HUMANOID_BODIES, env->d->cfrc_ext);
  return cost > 10.0 ? 10.0 : cost;
}

static int humanoid_falls(const sac_env *env) {
  const double height = env->d->qpos[2];
  return !(1.0 < height && height < 2.0);
}

static double reward_humanoid(const sac_env *env, const float act[], int terminated) {
  (void)act;
  const double costs = control_cost(env) + contact_cost(env);
  return 1.25 * env->velocity + (terminated ? 0.0 : 5.0) - costs;
}

DEFINE_TASK(humanoid, "Humanoid-v5", "run forwards on two legs without falling",
            .model = "humanoid.xml", .nq = 24, .nv = 23, .nu = 17, .nbody = HUMANOID_BODIES,
            .obs_dim = 348, .frame_skip = 5, .limit = 1000, .contact_forces = 1,
            .draw = draw_humanoid, .observe = observe_humanoid, .place = x_of_mass_centre,
            .fails = humanoid_falls, .reward = reward_humanoid);

/* --- HumanoidStandup */

static double reward_standup(const sac_env *env, const float act[], int terminated) {
  (void)act, (void)terminated;
  const double height = env->d->qpos[2] / env->m->opt.timestep;
  return height - control_cost(env) - contact_cost(env) + 1.0;
}

DEFINE_TASK(humanoid_standup, "HumanoidStandup-v5", "stand up from lying on the ground",
            .model = "humanoidstandup.xml", .nq = 24, .nv = 23, .nu = 17, .nbody = HUMANOID_BODIES,
            .obs_dim = 348, .frame_skip = 5, .limit = 1000, .contact_forces = 1,
            .draw = draw_humanoid, .observe = observe_humanoid, .reward = reward_standup);
