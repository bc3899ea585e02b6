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
#include <stdlib.h>
#include <string.h>

enum { OBS = 1, ACT = 2, LIMIT = 20 };

static const double act_low[ACT] = {-1.0, -1.0}, act_high[ACT] = {1.0, 1.0};
static const double obs_low[OBS] = {-1.0}, obs_high[OBS] = {1.0};

/* What save() writes, so it has no padding. */
struct state {
  double s;
  uint64_t seed;    /* of the episode: every s */
  uint64_t elapsed; /* steps of this episode */
};

struct sac_env {
  struct state now;
};

static sac_status create(sac_env **out, sac_error *err) {
  sac_env *env = calloc(1, sizeof *env);
  if (!env) return sac_fail(err, SAC_ERR_NOMEM, "TwoHills-v0: no memory for an instance");
  *out = env;
  return SAC_OK;
}

static void destroy(sac_env *env) {
  free(env);
}

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

static size_t state_size(const sac_env *env) {
  (void)env;
  return sizeof(struct state);
}

static void save(const sac_env *env, void *state) {
  memcpy(state, &env->now, sizeof env->now);
}

static sac_status load(sac_env *env, const void *state, size_t size, sac_error *err) {
  if (size != sizeof env->now)
    return sac_fail(err, SAC_ERR_FORMAT, "TwoHills-v0: the saved state has %zu bytes, want %zu",
                    size, sizeof env->now);
  memcpy(&env->now, state, size);
  return SAC_OK;
}

const sac_env_api sac_two_hills = {
    .abi = SAC_ENV_ABI,
    .struct_size = sizeof(sac_env_api),
    .id = "TwoHills-v0",
    .summary = "choose between a wide low hill of reward and a narrow high one",
    .flags = SAC_ENV_DETERMINISTIC | SAC_ENV_SNAPSHOT,
    .create = create,
    .destroy = destroy,
    .space = space,
    .reset = reset,
    .step = step,
    .state_size = state_size,
    .save = save,
    .load = load,
};
