/* The agent's handle: made, used to act, released. */
#include "sac/agent.h"

#include "agent/critics.h"
#include "agent/discrete.h"
#include "agent/handle.h"
#include "base/cpu.h"
#include "base/try.h"

#include <math.h>
#include <stdlib.h>

_Static_assert((int)SAC_NORMS_NONE == SAC_NORM_NONE && (int)SAC_NORMS_LAYER == SAC_NORM_LAYER &&
                   (int)SAC_NORMS_RMS == SAC_NORM_RMS && (int)SAC_NORMS_BATCH == SAC_NORM_BATCH &&
                   (int)SAC_NORMS_RENORM == SAC_NORM_RENORM &&
                   (int)SAC_NORM_PLACE_HIDDEN == SAC_NORM_HIDDEN &&
                   (int)SAC_NORM_PLACE_INPUTS == SAC_NORM_INPUTS,
               "the options of the norms are handed to the networks as they are");
_Static_assert((int)SAC_INIT_LECUN == SAC_MLP_LECUN && (int)SAC_INIT_TORCH == SAC_MLP_TORCH &&
                   (int)SAC_INIT_GLOROT == SAC_MLP_GLOROT &&
                   (int)SAC_INIT_ORTHOGONAL == SAC_MLP_ORTHOGONAL &&
                   (int)SAC_INIT_BODY == SAC_MLP_BODY,
               "the option init is handed to the networks as it is");
_Static_assert((int)SAC_BODY_PLAIN == SAC_NET_PLAIN && (int)SAC_BODY_SIMBA == SAC_NET_SIMBA &&
                   (int)SAC_BODY_BRO == SAC_NET_BRO && (int)SAC_BODY_SIMBAV2 == SAC_NET_SIMBAV2 &&
                   (int)SAC_BODY_FLASH == SAC_NET_FLASH,
               "the option body is handed to the networks as it is");

/* The value network; its input is the critics' without the action. */
static void layout_value(sac_arena *m, sac_agent *g) {
  const sac_mlp_spec spec = sac_critic_network(g, g->O, 1, 1);
  sac_mlp_layout(m, &g->v, &spec);
  sac_trace_layout_training(m, &g->v_trace, &g->v, g->B);
  g->x_soft = SAC_TAKE(m, float, g->B * g->ldx);
  g->v_value = SAC_TAKE(m, float, g->B);
  g->v_soft = SAC_TAKE(m, float, g->B);
  g->dv = SAC_TAKE(m, float, g->B);
  if (g->v.scratch > g->ld_scratch) g->ld_scratch = g->v.scratch;
}

/* Where everything lies in the one block: measured with base == NULL, then carved. K discrete
 * actions, or 0. */
static sac_agent *layout(sac_arena *m, const sac_agent_options *opt, size_t O, size_t A, size_t K,
                         size_t threads) {
  sac_agent *self = SAC_TAKE(m, sac_agent, 1), measuring;
  sac_agent *g = self ? self : &measuring;
  const size_t B = (size_t)opt->batch;
  *g = (sac_agent){.opt = *opt, .O = O, .A = A, .B = B, .C = sac_head_seen(opt, A), .K = K};
  g->ldx = sac_row(O + g->C);
  g->ld_da = sac_row(g->C);
  if (K)
    sac_discrete_layout(m, &g->pi, O, K, opt, B, 1);
  else
    sac_head_layout(m, &g->pi, O, A, opt, B, 1);
  sac_normalizer_layout(m, &g->norm, O, opt);
  sac_reward_norm_layout(m, &g->reward_norm, opt);
  if (g->norm.on) g->seen = SAC_TAKE(m, float, B *O);
  g->ld_scratch = g->pi.net.scratch;
  sac_critics_layout(m, g, K ? O : O + g->C);
  if (opt->value == SAC_VALUE_V) layout_value(m, g);
  g->ld_scratch = sac_row(g->ld_scratch);
  g->x = SAC_TAKE(m, float, 2 * B * g->ldx);
  g->x_next = g->x ? g->x + B * g->ldx : NULL;
  g->reward = SAC_TAKE(m, float, B);
  g->discount = SAC_TAKE(m, float, B);
  g->y = SAC_TAKE(m, float, B);
  g->q_climbed = SAC_TAKE(m, float, B);
  g->drawn = SAC_TAKE(m, size_t, B);
  g->rows = SAC_TAKE(m, size_t, B);
  g->dq_da = SAC_TAKE(m, float, B * g->ld_da);
  g->dx = SAC_TAKE(m, float, B * g->ld_da);
  g->scratch = SAC_TAKE(m, float, threads * g->ld_scratch);
  return self;
}

static sac_status check_bounds(size_t A, const double low[], const double high[], sac_error *err) {
  for (size_t j = 0; j < A; j++) {
    if (!isfinite(low[j]) || !isfinite(high[j]) || !(low[j] < high[j]))
      return sac_fail(
          err, SAC_ERR_ARG,
          "action %zu has bounds [%g, %g]: SAC needs finite ones, low < high; bound the "
          "environment's action space, for example to [-1, 1]",
          j, low[j], high[j]);
    if (high[j] - low[j] < 1e-5 * fmax(fabs(low[j]), fabs(high[j])))
      return sac_fail(err, SAC_ERR_ARG,
                      "action %zu has bounds [%g, %g], too close for floats to tell actions apart: "
                      "let the environment shift and scale it",
                      j, low[j], high[j]);
    if (high[j] - low[j] > 1e6)
      return sac_fail(
          err, SAC_ERR_ARG,
          "action %zu has bounds [%g, %g], wider than 1e6: random actions would be huge; "
          "set the bounds to what the actuator can use",
          j, low[j], high[j]);
  }
  return SAC_OK;
}

static sac_status check_precision(const sac_agent_options *opt, sac_error *err) {
  if (opt->precision == SAC_PRECISION_FP32 || sac_kernels_bf16_get()) return SAC_OK;
  char have[64];
  sac_cpu_list(have, sizeof have);
  return sac_fail(err, SAC_ERR_ARG,
                  "precision = bf16: needs avx512 and a CPU with AVX512-BF16; in use is %s%s, and "
                  "this CPU has %s",
                  sac_isa(), sac_cpu_has_bf16() ? " (SAC_ISA)" : "", have);
}

/* Networks that are drawn anew begin so many streams further on, each time. */
enum { INIT_STREAMS = 1 << 20 };

void sac_agent_fresh(sac_agent *g) {
  const sac_agent_options *o = &g->opt;
  const uint64_t round = o->reset_every ? g->updates / (uint64_t)o->reset_every : 0;
  const uint64_t base = round * INIT_STREAMS;
  sac_mlp_init(g->k, &g->pi.net, o->init, g->seed, base);
  if (!g->K) sac_head_bias(g->k, &g->pi);
  if (g->pi.gsde.H) sac_gsde_init(&g->pi.gsde, o->sde_log_std_init);
  sac_critics_init(g, base);
  if (o->value == SAC_VALUE_V)
    sac_mlp_init(g->k, &g->v, o->init, g->seed, base + SAC_VALUE_INIT_INDEX);
  sac_project_fresh(g);
  g->temperature = (sac_temperature){.log_alpha = log(o->alpha)};
}

enum { LARGEST_DIM = 1 << 20 };

sac_status sac_agent_create(const sac_agent_options *opt, size_t O, size_t A, const double low[],
                            const double high[], uint64_t seed, size_t threads, sac_agent **out,
                            sac_error *err) {
  SAC_TRY(sac_agent_options_check(opt, err));
  if (O < 1 || O > LARGEST_DIM || A < 1 || A > LARGEST_DIM)
    return sac_fail(err, SAC_ERR_ARG, "obs_dim = %zu, act_dim = %zu: each must be in [1, %d]", O, A,
                    LARGEST_DIM);
  SAC_TRY(check_bounds(A, low, high, err));
  size_t K = 0;
  if (sac_is_discrete(opt))
    SAC_TRY(sac_discrete_check(opt, A, low, high, &K, err));
  else
    SAC_TRY(sac_head_check(opt, A, low, high, err));
  SAC_TRY(check_precision(opt, err));
  sac_pool *pool;
  SAC_TRY(sac_pool_create(threads, &pool, err));

  sac_arena m = {0};
  layout(&m, opt, O, A, K, threads);
  const size_t size = m.used;
  m = (sac_arena){.base = sac_arena_block(size)};
  if (!m.base) {
    sac_pool_destroy(pool);
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for an agent of %zu bytes", size);
  }
  sac_agent *g = layout(&m, opt, O, A, K, threads); /* first in the block */
  g->pool = pool;
  g->seed = seed;
  g->k = sac_kernels_get();
  sac_head_set(&g->pi, opt, low, high);
  sac_agent_fresh(g);
  sac_normalizer_restored(&g->norm);
  *out = g;
  return SAC_OK;
}

void sac_agent_destroy(sac_agent *g) {
  if (!g) return;
  sac_pool_destroy(g->pool);
  free(g);
}

uint64_t sac_agent_updates(const sac_agent *g) {
  return g->updates;
}

sac_status sac_agent_observe(sac_agent *g, size_t n, const float obs[], sac_error *err) {
  if (!g->norm.on) return SAC_OK;
  for (size_t i = 0; i < n * g->O; i++)
    if (!isfinite(obs[i]))
      return sac_fail(err, SAC_ERR_DIVERGED, "observation %zu of row %zu is %g", i % g->O, i / g->O,
                      (double)obs[i]);
  sac_normalizer_observe(&g->norm, n, obs);
  return SAC_OK;
}

sac_status sac_agent_observe_reward(sac_agent *g, size_t env, double reward, int ended,
                                    sac_error *err) {
  if (!g->reward_norm.on) return SAC_OK;
  if (env >= SAC_AGENT_ENVS)
    return sac_fail(err, SAC_ERR_ARG, "environment %zu: must be below %d", env, SAC_AGENT_ENVS);
  if (!isfinite(reward))
    return sac_fail(err, SAC_ERR_DIVERGED, "the reward of environment %zu is %g", env, reward);
  sac_reward_norm_observe(&g->reward_norm, env, reward, ended);
  return SAC_OK;
}

/* --- acting ---------------------------------------------------------------------------------- */

struct acting {
  sac_agent *agent;
  size_t n;
  const float *obs, *noise;
  int held; /* a row's noise is a matrix */
};

static void act_rows(void *ctx, size_t t, size_t T) {
  const struct acting *a = ctx;
  size_t first, last;
  sac_share(a->n, t, T, &first, &last);
  if (first == last) return;
  sac_agent *g = a->agent;
  for (size_t b = first; g->norm.on && b < last; b++)
    sac_normalize(&g->norm, a->obs + b * g->O, g->seen + b * g->O);
  const float *seen = g->norm.on ? g->seen : a->obs;
  if (g->K)
    sac_discrete_act(g->k, &g->pi, seen, a->noise, first, last);
  else if (a->held)
    sac_head_act_held(g->k, &g->pi, seen, a->noise, first, last);
  else
    sac_head_act(g->k, &g->pi, seen, a->noise, first, last);
}

static sac_status act_on(struct acting *a, float act[], sac_error *err) {
  enum { WORTH_THREADS = 32 };
  sac_agent *g = a->agent;
  if (a->n > g->B)
    return sac_fail(err, SAC_ERR_ARG, "n = %zu observations: must be at most batch = %zu", a->n,
                    g->B);
  if (a->n < WORTH_THREADS)
    act_rows(a, 0, 1);
  else
    sac_pool_run(g->pool, act_rows, a);
  return g->K ? sac_discrete_result(&g->pi, a->n, a->obs, act, err)
              : sac_head_result(&g->pi, a->n, a->obs, act, err);
}

sac_status sac_agent_act(sac_agent *g, size_t n, const float obs[], const float noise[],
                         float act[], sac_error *err) {
  struct acting a = {.agent = g, .n = n, .obs = obs, .noise = noise};
  return act_on(&a, act, err);
}

size_t sac_agent_noise_rows(const sac_agent *g) {
  return g->pi.gsde.H ? g->pi.gsde.H + 1 : 0;
}

sac_status sac_agent_act_held(sac_agent *g, size_t n, const float obs[], const float noise[],
                              float act[], sac_error *err) {
  struct acting a = {.agent = g, .n = n, .obs = obs, .noise = noise, .held = 1};
  if (g->pi.gsde.H) return act_on(&a, act, err);
  return sac_fail(err, SAC_ERR_ARG,
                  "policy = %s: held noise matrices are for policy = gsde; sac_agent_act takes "
                  "%zu normals an observation",
                  g->K ? "categorical" : g->pi.work.kind->name, g->A);
}
