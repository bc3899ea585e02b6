/* Heading-v0: turn five times as far as what is seen has turned.
 *
 * The state is an angle x, drawn anew each step, all directions alike; the observation is its
 * cosine and sine, the action an angle in [-pi, pi], the reward cos(action - 5 x): 50 steps of 1 at
 * most.
 *
 * The direction to be named is a smooth function of what is seen, but its angle in [-pi, pi] is a
 * sawtooth: five times in a turn of x it jumps from one end to the other. A policy on an interval
 * must make its mean jump too, and between the ends it runs through every wrong direction. On a
 * circle nothing jumps. Which policies fit such an action: docs/policies.md. */
#include "env/builtin.h"
#include "sac/random.h"

#include <math.h>

enum { OBS = 2, ACT = 1, LIMIT = 50 };

static const double act_low[ACT] = {-3.14159265358979323846};
static const double act_high[ACT] = {3.14159265358979323846};
static const double obs_low[OBS] = {-1.0, -1.0}, obs_high[OBS] = {1.0, 1.0};

struct state {
  double angle;     /* rad, what is seen */
  uint64_t seed;    /* of the episode: every angle */
  uint64_t elapsed; /* steps of this episode */
};

#define TASK_ID "Heading-v0"
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

static void draw(struct state *s, double obs[]) {
  sac_stream stream = sac_stream_make(s->seed, SAC_STREAM_RESET, s->elapsed);
  s->angle = 2.0 * act_high[0] * sac_stream_uniform(&stream);
  obs[0] = cos(s->angle);
  obs[1] = sin(s->angle);
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  env->now = (struct state){.seed = seed};
  draw(&env->now, obs);
  return SAC_OK;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  struct state *s = &env->now;
  *reward = cos((double)act[0] - 5.0 * s->angle);
  s->elapsed++;
  draw(s, obs);
  *terminated = 0;
  *truncated = s->elapsed >= LIMIT;
  return SAC_OK;
}

const sac_env_api sac_heading = {
    TASK_INSTANCE,  .summary = "turn five times as far as what is seen: an action that is an angle",
    .space = space, .reset = reset,
    .step = step,
};
