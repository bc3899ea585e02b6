/* Pendulum-v1: swing a pendulum up and hold it there; equal to Gymnasium 1.4.0's to the last bit
 * where the C library's sin, cos and pow are the ones that NumPy calls. */
#include "env/builtin.h"
#include "sac/random.h"

#include <math.h>

enum { OBS = 3, ACT = 1, LIMIT = 200 };

static const double PI = 3.14159265358979323846;
static const double MAX_SPEED = 8.0, DT = 0.05;
static const float MAX_TORQUE = 2.0f;

static const double act_low[ACT] = {-2.0}, act_high[ACT] = {2.0};
static const double obs_low[OBS] = {-1.0, -1.0, -8.0}, obs_high[OBS] = {1.0, 1.0, 8.0};

struct state {
  double angle, speed; /* rad, 0 is upright; rad/s */
  uint64_t elapsed;    /* steps of this episode */
};

#define TASK_ID "Pendulum-v1"
#include "env/instance_template.h"

static void space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){.obs_dim = OBS,
                     .act_dim = ACT,
                     .act_low = act_low,
                     .act_high = act_high,
                     .obs_low = obs_low,
                     .obs_high = obs_high,
                     .max_steps = LIMIT};
}

/* Gymnasium's observation is float32. */
static void observe(const struct state *s, double obs[]) {
  obs[0] = sac_round_f32(cos(s->angle));
  obs[1] = sac_round_f32(sin(s->angle));
  obs[2] = sac_round_f32(s->speed);
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  const double u = sac_stream_uniform(&stream), v = sac_stream_uniform(&stream);
  env->now = (struct state){.angle = -PI + 2.0 * PI * u, .speed = -1.0 + 2.0 * v};
  observe(&env->now, obs);
  return SAC_OK;
}

/* Python's x % y for y > 0: in [0, y). */
static double floor_mod(double x, double y) {
  const double m = fmod(x, y);
  return m < 0.0 ? m + y : m;
}

/* The cost of the state before the step; the torque's term is float32, as its action is. */
static double cost(const struct state *s, float torque) {
  const double angle = floor_mod(s->angle + PI, 2.0 * PI) - PI;
  const float effort = 0.001f * powf(torque, (float)sac_two);
  return pow(angle, sac_two) + 0.1 * pow(s->speed, sac_two) + (double)effort;
}

static double clip(double x, double limit) {
  return x < -limit ? -limit : x > limit ? limit : x;
}

static float clip_torque(float u) {
  return u < -MAX_TORQUE ? -MAX_TORQUE : u > MAX_TORQUE ? MAX_TORQUE : u;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  struct state *s = &env->now;
  const float torque = clip_torque(act[0]);
  *reward = -cost(s, torque);
  s->speed = clip(s->speed + (15.0 * sin(s->angle) + (double)(3.0f * torque)) * DT, MAX_SPEED);
  s->angle += s->speed * DT;
  s->elapsed++;
  observe(s, obs);
  *terminated = 0;
  *truncated = s->elapsed >= LIMIT;
  return SAC_OK;
}

const sac_env_api sac_pendulum = {
    TASK_INSTANCE,  .summary = "swing a pendulum up and hold it upright",
    .space = space, .reset = reset,
    .step = step,
};
