/* CartPole-v1: keep a pole upright on a cart that is pushed to the left or to the right; equal to
 * Gymnasium 1.4.0's to the last bit where the C library's sin and cos are the ones that NumPy
 * calls. Its two actions are discrete: 0 pushes to the left, 1 to the right. */
#include "env/builtin.h"
#include "sac/random.h"

#include <math.h>

enum { OBS = 4, ACTIONS = 2, LIMIT = 500 };

static const double GRAVITY = 9.8, CART = 1.0, POLE = 0.1;      /* m/s^2, kg, kg */
static const double HALF_LENGTH = 0.5, FORCE = 10.0, DT = 0.02; /* m, N, s */
static const double EDGE = 2.4; /* m: the episode ends where |x| is more, */
static const double LEAN = 12 * 2 * 3.14159265358979323846 / 360; /* rad: or |angle| is */

static const double act_low[1] = {0.0}, act_high[1] = {ACTIONS - 1};
/* twice the edges, as float32 */
static const double obs_low[OBS] = {(double)-4.8f, -(double)INFINITY, (double)-0.41887903f,
                                    -(double)INFINITY};
static const double obs_high[OBS] = {(double)4.8f, (double)INFINITY, (double)0.41887903f,
                                     (double)INFINITY};

struct state {
  double x, speed;    /* m, m/s */
  double angle, turn; /* rad, 0 is upright; rad/s */
  uint64_t elapsed;   /* steps of this episode */
  uint64_t over;      /* the pole fell or the cart left: what follows earns nothing */
};

#define TASK_ID "CartPole-v1"
#include "env/instance_template.h"

static void space(const sac_env *env, sac_space *out) {
  (void)env;
  *out = (sac_space){.obs_dim = OBS,
                     .act_dim = 1,
                     .act_low = act_low,
                     .act_high = act_high,
                     .obs_low = obs_low,
                     .obs_high = obs_high,
                     .max_steps = LIMIT};
}

static size_t actions(const sac_env *env) {
  (void)env;
  return ACTIONS;
}

/* Gymnasium's observation is float32. */
static void observe(const struct state *s, double obs[]) {
  obs[0] = sac_round_f32(s->x);
  obs[1] = sac_round_f32(s->speed);
  obs[2] = sac_round_f32(s->angle);
  obs[3] = sac_round_f32(s->turn);
}

static sac_status reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  (void)err;
  double u[OBS];
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  for (int i = 0; i < OBS; i++) u[i] = -0.05 + 0.1 * sac_stream_uniform(&stream);
  env->now = (struct state){.x = u[0], .speed = u[1], .angle = u[2], .turn = u[3]};
  observe(&env->now, obs);
  return SAC_OK;
}

/* One explicit Euler step; sums and products in Gymnasium's order. [Florian 2007, no friction] */
static void move(struct state *s, double force) {
  const double mass = POLE + CART, moment = POLE * HALF_LENGTH;
  const double c = cos(s->angle), n = sin(s->angle);
  const double push = (force + moment * (s->turn * s->turn) * n) / mass;
  const double turning =
      (GRAVITY * n - c * push) / (HALF_LENGTH * (4.0 / 3.0 - POLE * (c * c) / mass));
  const double speeding = push - moment * turning * c / mass;
  s->x += DT * s->speed;
  s->speed += DT * speeding;
  s->angle += DT * s->turn;
  s->turn += DT * turning;
}

static sac_status step(sac_env *env, const float act[], double obs[], double *reward,
                       uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  struct state *s = &env->now;
  if (act[0] != 0.0f && act[0] != 1.0f)
    return sac_fail(err, SAC_ERR_ENV,
                    TASK_ID ": action %g: must be 0 (push to the left) or 1 (to the right)",
                    (double)act[0]);
  move(s, act[0] == 1.0f ? FORCE : -FORCE);
  s->elapsed++;
  observe(s, obs);
  *terminated = s->x < -EDGE || s->x > EDGE || s->angle < -LEAN || s->angle > LEAN;
  *truncated = s->elapsed >= LIMIT;
  *reward = *terminated && s->over ? 0.0 : 1.0; /* the step that ends it still earns 1 */
  if (*terminated) s->over = 1;
  return SAC_OK;
}

const sac_env_api sac_cart_pole = {
    TASK_INSTANCE,  .summary = "keep a pole upright by pushes to the left and right",
    .space = space, .reset = reset,
    .step = step,   .actions = actions,
};
