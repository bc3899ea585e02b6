/* TwoHills-v0: a wide low hill and a narrow high one, on opposite sides of the action space.
 *
 * The observation is one number s in [-1, 1], drawn anew each step; the action is a point of the
 * square [-1, 1]^2. The reward is the higher of two bells,
 *   0.6 e^(-|a - (-0.5, -0.3 s)|^2/(2 0.4^2))  and  e^(-|a - (0.6, 0.3 s)|^2/(2 0.2^2)),
 * so 20 steps bring 12 to who stays on the wide hill and 20 to who finds the narrow one.
 *
 * A policy with one peak is spread over both at first; more of its actions land on the wide hill,
 * so its gradient takes it there, and from there the narrow one is out of sight. A mixture has a
 * component near each, and its weights compare them. */
#include "env/builtin.h"
#include "sac/random.h"

#include <math.h>

enum { OBS = 1, ACT = 2, LIMIT = 20 };

static const double act_low[ACT] = {-1.0, -1.0}, act_high[ACT] = {1.0, 1.0};
static const double obs_low[OBS] = {-1.0}, obs_high[OBS] = {1.0};

struct state {
  double s;
  uint64_t seed;    /* of the episode: every s */
  uint64_t elapsed; /* steps of this episode */
};

#define TASK_ID "TwoHills-v0"
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

static void draw(struct state *now, double obs[]) {
  sac_stream stream = sac_stream_make(now->seed, SAC_STREAM_RESET, now->elapsed);
  now->s = 2.0 * sac_stream_uniform(&stream) - 1.0;
  obs[0] = now->s;
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  env->now = (struct state){.seed = seed};
  draw(&env->now, obs);
  return SAC_OK;
}

/* height e^(-|a - (x, y)|^2/(2 width^2)) */
static double hill(const float a[], double x, double y, double height, double width) {
  const double dx = ((double)a[0] - x) / width, dy = ((double)a[1] - y) / width;
  return height * exp(-0.5 * (dx * dx + dy * dy));
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  (void)err;
  struct state *now = &env->now;
  const double wide = hill(act, -0.5, -0.3 * now->s, 0.6, 0.4);
  const double narrow = hill(act, 0.6, 0.3 * now->s, 1.0, 0.2);
  *reward = fmax(wide, narrow);
  now->elapsed++;
  draw(now, obs);
  *terminated = 0;
  *truncated = now->elapsed >= LIMIT;
  return SAC_OK;
}

const sac_env_api sac_two_hills = {
    TASK_INSTANCE,  .summary = "choose between a wide low hill of reward and a narrow high one",
    .space = space, .reset = reset,
    .step = step,
};
