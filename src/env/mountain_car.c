/* MountainCarContinuous-v0: drive an underpowered car out of a valley; equal to Gymnasium 1.4.0's
 * to the last bit where the C library's cos is the one that Python calls.
 *
 * Gymnasium keeps the state as float32 from the first step on, and NumPy computes in the width of
 * its arrays, so the arithmetic below is float32, but for the first step of an episode, whose state
 * is still the float64 that reset drew, and for an action outside its bounds, which becomes a
 * double. */
#include "env/builtin.h"
#include "sac/random.h"

#include <math.h>

enum { OBS = 2, ACT = 1, LIMIT = 999 };

static const double MIN_POSITION = -1.2, MAX_POSITION = 0.6, MAX_SPEED = 0.07, GOAL = 0.45;
static const double POWER = 0.0015, GRAVITY = 0.0025;

static const double act_low[ACT] = {-1.0}, act_high[ACT] = {1.0};
/* the float32 bounds, which a float32 observation can reach */
static const double obs_low[OBS] = {(double)-1.2f, (double)-0.07f};
static const double obs_high[OBS] = {(double)0.6f, (double)0.07f};

struct state {
  double position, velocity; /* float32 values once elapsed > 0 */
  uint64_t elapsed;          /* steps of this episode */
};

#define TASK_ID "MountainCarContinuous-v0"
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

static void observe(const struct state *s, double obs[]) {
  obs[0] = sac_round_f32(s->position);
  obs[1] = sac_round_f32(s->velocity);
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  env->now = (struct state){.position = -0.6 + 0.2 * sac_stream_uniform(&stream)};
  observe(&env->now, obs);
  return SAC_OK;
}

/* The change of velocity as NumPy computes it: in float32 for a force that is one, in double for a
 * force that was clipped to a Python number. */
static double acceleration(float action, double slope) {
  if (action < -1.0f) return -POWER - GRAVITY * slope;
  if (action > 1.0f) return POWER - GRAVITY * slope;
  return (double)(action * (float)POWER - (float)(GRAVITY * slope));
}

/* The first step of an episode, in float64. */
static void first_move(struct state *s, float action) {
  s->velocity += acceleration(action, cos(3.0 * s->position));
  if (s->velocity > MAX_SPEED) s->velocity = MAX_SPEED;
  if (s->velocity < -MAX_SPEED) s->velocity = -MAX_SPEED;
  s->position += s->velocity;
  if (s->position > MAX_POSITION) s->position = MAX_POSITION;
  if (s->position < MIN_POSITION) s->position = MIN_POSITION;
  if (s->position == MIN_POSITION && s->velocity < 0.0) s->velocity = 0.0;
}

/* Every other step, in float32. */
static void later_move(struct state *s, float action) {
  const float fast = (float)MAX_SPEED, left = (float)MIN_POSITION, right = (float)MAX_POSITION;
  float p = (float)s->position, v = (float)s->velocity;
  v += (float)acceleration(action, cos((double)(3.0f * p)));
  if (v > fast) v = fast;
  if (v < -fast) v = -fast;
  p += v;
  if (p > right) p = right;
  if (p < left) p = left;
  if (p == left && v < 0.0f) v = 0.0f;
  s->position = (double)p;
  s->velocity = (double)v;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  struct state *s = &env->now;
  const double goal = s->elapsed ? (double)(float)GOAL : GOAL;
  if (s->elapsed)
    later_move(s, act[0]);
  else
    first_move(s, act[0]);
  *terminated = s->position >= goal && s->velocity >= 0.0;
  /* the price is that of the raw action, whatever the car made of it */
  *reward = (*terminated ? 100.0 : 0.0) - (double)act[0] * (double)act[0] * 0.1;
  s->position = sac_round_f32(s->position);
  s->velocity = sac_round_f32(s->velocity);
  s->elapsed++;
  *truncated = s->elapsed >= LIMIT;
  observe(s, obs);
  return SAC_OK;
}

const sac_env_api sac_mountain_car = {
    TASK_INSTANCE,  .summary = "drive an underpowered car out of a valley",
    .space = space, .reset = reset,
    .step = step,
};
