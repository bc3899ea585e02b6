/* Soft Actor-Critic: one update, as in the paper [SAC2, algorithm 1].
 *
 * Work on rows of the batch (passes through the networks) and work on weights (gradients of the
 * batch, Adam, targets) alternate; each is shared among the threads without a sum across threads,
 * so that the same bits come out for any number of them. */
#include "agent/critic_head.h"
#include "agent/critics.h"
#include "agent/discrete.h"
#include "agent/schedule.h"
#include "agent/update.h"
#include "base/try.h"
#include "replay/buffer.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Thread t's rows of the batch, in whole pairs: bf16 keeps two rows in a word. */
static void share_rows(const sac_agent *g, size_t t, size_t T, size_t *first, size_t *last) {
  sac_share((g->B + 1) / 2, t, T, first, last);
  *first *= 2;
  *last = 2 * *last < g->B ? 2 * *last : g->B;
}

enum { CHUNK_ROWS = 256 };

/* Where a chunk ends that begins at row `first`: so many rows at a time that what one layer leaves
 * is still in the second-level cache when the next one reads it. */
static size_t chunk_end(size_t first, size_t last) {
  return last - first > CHUNK_ROWS + CHUNK_ROWS / 2 ? first + CHUNK_ROWS : last;
}

/* Run on thread t's rows. */
static void in_chunks(const struct update *u, size_t t, size_t T, sac_chunk *run) {
  size_t first, last;
  share_rows(u->agent, t, T, &first, &last);
  for (size_t end; first < last; first = end) {
    end = chunk_end(first, last);
    run(u, first, end);
  }
}

/* A phase's work on rows [first, last) of one critic, j of all or of this update's subset. */
typedef void critic_chunk(const struct update *u, size_t j, size_t first, size_t last);

/* Run on thread t's share of all rows of so many critics, critic after critic: where there are as
 * many critics as threads, each thread has its own, whose weights and activations stay in the
 * caches of its core. */
static void in_critics(const struct update *u, size_t critics, size_t t, size_t T,
                       critic_chunk *run) {
  const size_t B = u->agent->B, pairs = (B + 1) / 2;
  size_t at, end;
  sac_share(critics * pairs, t, T, &at, &end);
  while (at < end) {
    const size_t j = at / pairs, next = (j + 1) * pairs < end ? (j + 1) * pairs : end;
    const size_t to = 2 * (next - j * pairs), last = to < B ? to : B;
    for (size_t first = 2 * (at - j * pairs), stop; first < last; first = stop) {
      stop = chunk_end(first, last);
      run(u, j, first, stop);
    }
    at = next;
  }
}

/* --- batch ----------------------------------------------------------------------------------- */

static size_t draw_row(const sac_agent *g, const sac_replay *replay, size_t b) {
  sac_stream s = sac_stream_make(g->seed, SAC_STREAM_BATCH, g->updates * g->B + b);
  if (b >= g->data_rows) return sac_replay_draw(replay, &s);
  return (size_t)sac_stream_below(&s, sac_dataset_size(g->data));
}

static sac_transition drawn_row(const sac_agent *g, const sac_replay *replay, size_t b,
                                double *discount) {
  if (b >= g->data_rows)
    return sac_replay_get_n(replay, g->drawn[b], (size_t)g->opt.n_step, g->opt.gamma, discount);
  const sac_transition step = sac_dataset_get(g->data, g->drawn[b]);
  *discount = step.terminated ? 0.0 : g->opt.gamma;
  return step;
}

void sac_update_gather(sac_agent *g, const sac_replay *replay, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) g->drawn[b] = draw_row(g, replay, b);
  for (size_t b = first > g->data_rows ? first : g->data_rows; b < last; b++)
    sac_replay_touch(replay, g->drawn[b]);
  for (size_t b = first; b < last; b++) {
    double discount;
    const sac_transition step = drawn_row(g, replay, b, &discount);
    float *x = g->x + b * g->ldx, *x_next = g->x_next + b * g->ldx;
    sac_normalize(&g->norm, step.obs, x);
    sac_normalize(&g->norm, step.next_obs, x_next);
    for (size_t j = 0; j < g->A; j++) x[g->O + j] = (step.act[j] - g->pi.mid[j]) / g->pi.half[j];
    sac_head_show(&g->pi, x + g->O, x + g->O);
    g->reward[b] = g->reward_scale * step.reward;
    g->discount[b] = (float)discount;
  }
}

void sac_update_place(const sac_agent *g, float *x, size_t first, size_t last) {
  for (size_t b = first; b < last; b++)
    sac_head_show(&g->pi, g->pi.act + b * g->A, x + b * g->ldx + g->O);
}

/* --- 1. y = r + gamma (1 - d) (min_j Qbar_j(s',a') - alpha log pi(a'|s')),  a' ~ pi(.|s') ----
 *
 * over all critics j, or over the subset of this update [REDQ, algorithm 1] */

/* a' into x_next; of discrete actions pi(.|s') is enough. */
static void next_actions(sac_agent *g, size_t first, size_t last) {
  if (g->K) {
    sac_discrete_forward(g->k, &g->pi, g->x_next, g->ldx, first, last);
    return;
  }
  sac_head_noise(g->k, &g->pi, first, last, g->seed, SAC_STREAM_TARGET, g->updates * g->B);
  sac_head_forward(g->k, &g->pi, g->x_next, g->ldx, first, last);
  sac_head_sample(g->k, &g->pi, first, last);
  sac_update_place(g, g->x_next, first, last);
}

/* y, after the policy and the critics have seen s'. */
static void targets(sac_agent *g, float alpha, size_t first, size_t last) {
  if (g->K) {
    sac_discrete_targets(g, alpha, first, last);
    return;
  }
  if (g->critic_head) {
    g->critic_head->targets(g, alpha, first, last);
    return;
  }
  for (size_t b = first; b < last; b++) {
    const float q_min = sac_critics_least(g, b);
    g->y[b] = g->reward[b] + g->discount[b] * (q_min - alpha * g->pi.logp[b]);
  }
}

/* --- 2. Q_j <- Adam of 1/B sum_b l(Q_j(s,a) - y),  l(e) = e^2/2, e^2 or Huber's -------------- */

static double critic_loss(int kind, double e) {
  switch (kind) {
  case SAC_CRITIC_HALF_MSE:
    return 0.5 * e * e;
  case SAC_CRITIC_MSE:
    return e * e;
  default:
    return fabs(e) < 1.0 ? 0.5 * e * e : fabs(e) - 0.5;
  }
}

/* The loss gradient in the critic's outputs. */
static void slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  if (g->K) {
    sac_discrete_slopes(g, c, first, last);
    return;
  }
  if (g->critic_head) {
    g->critic_head->slopes(g, c, first, last);
    return;
  }
  const float inv_B = 1.0f / (float)g->B;
  for (size_t b = first; b < last; b++)
    c->slope[b] = sac_critic_slope(g->opt.critic_loss, c->value[b] - g->y[b]) * inv_B;
}

static void next_chunk(const struct update *u, size_t first, size_t last) {
  sac_update_gather(u->agent, u->replay, first, last);
  next_actions(u->agent, first, last);
}

static void ahead_chunk(const struct update *u, size_t m, size_t first, size_t last) {
  sac_critic_next(u->agent, u->agent->subset[m], first, last);
}

static void targets_chunk(const struct update *u, size_t first, size_t last) {
  targets(u->agent, u->alpha, first, last);
}

static void regress_chunk(const struct update *u, size_t j, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_critic *c = &g->q[j];
  sac_mlp_forward(g->k, &c->net, c->net.w, g->x, g->ldx, first, last, &c->trace, c->out, g->ld_out);
  slopes(g, c, first, last);
  sac_mlp_backward(g->k, &c->net, c->slope, g->ld_out, first, last, &c->trace);
}

static void single_critic_rows(const struct update *u, size_t t, size_t T) {
  sac_agent *g = u->agent;
  in_chunks(u, t, T, next_chunk);
  sac_pool_barrier(g->pool);
  in_critics(u, g->M, t, T, ahead_chunk);
  sac_pool_barrier(g->pool);
  in_chunks(u, t, T, targets_chunk);
  sac_pool_barrier(g->pool);
  in_critics(u, g->N, t, T, regress_chunk);
}

static void slopes_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  targets(g, u->alpha, first, last);
  for (size_t j = 0; j < g->N; j++) slopes(g, &g->q[j], first, last);
}

/* The same where the critics normalise over the batch: they see [s,a] and [s',a'] as one, since the
 * statistics of either alone would be wrong for the other [CROSSQ]. */
static void joint_critic_rows(const struct update *u, size_t t, size_t T) {
  sac_agent *g = u->agent;
  in_chunks(u, t, T, next_chunk);
  sac_pool_barrier(g->pool);
  sac_critics_joint_pass(g, t, T);
  in_chunks(u, t, T, slopes_chunk);
}

static void critic_rows(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  if (u->agent->joint)
    joint_critic_rows(u, t, T);
  else if (u->agent->opt.value == SAC_VALUE_V)
    in_chunks(u, t, T, sac_v_critic_chunk);
  else
    single_critic_rows(u, t, T);
}

/* --- 5. Qbar_j <- (1 - tau) Qbar_j + tau Q_j, in the same pass over the weights -------------- */

static void critic_weights(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  sac_critics_step(u->agent, &u->adam, sac_projects(u->agent) ? 0.0f : u->tau, t, T);
}

/* --- 3. pi <- Adam of 1/B sum_b [alpha log pi(a|s) - Q(s,a)],  a ~ pi(.|s) ------------------- */

/* The network's outputs, where rows are independent. */
static void policy_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  if (g->K)
    sac_discrete_forward(g->k, &g->pi, g->x, g->ldx, first, last);
  else
    sac_head_forward(g->k, &g->pi, g->x, g->ldx, first, last);
}

static void noise_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_head_noise(g->k, &g->pi, first, last, g->seed, u->purpose, u->noise);
}

static void draw_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_head_draw(g->k, &g->pi, u->draw, first, last);
  sac_update_place(g, g->x, first, last);
}

static void value_chunk(const struct update *u, size_t j, size_t first, size_t last) {
  sac_critic_values(u->agent, j, u->agent->x, first, last);
}

/* Q(s,a) of the policy's last sample; and dQ/da, if its gradient needs that, of as many rows. */
static void climb_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  for (size_t b = first; b < last; b++) g->q_climbed[b] = sac_critics_climbed(g, b);
  if (sac_head_is_pathwise(&g->pi)) sac_critics_seen_gradient(g, g->B, first, last);
}

static void gradient_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  const sac_head_critics critics = {u->alpha, g->q_climbed, g->dq_da, g->ld_da};
  for (size_t b = first; b < last && sac_head_is_pathwise(&g->pi); b++)
    sac_head_show_back(&g->pi, g->pi.act + b * g->A, g->dq_da + b * g->ld_da);
  sac_head_gradient(&g->pi, u->draw, g->B, &critics, first, last);
}

static void summed_gradient_chunk(const struct update *u, size_t first, size_t last) {
  sac_discrete_actor_gradient(u->agent, u->alpha, first, last);
}

static void back_chunk(const struct update *u, size_t first, size_t last) {
  sac_head_backward(u->agent->k, &u->agent->pi, first, last);
}

/* From the network's outputs to the loss gradient in them: draw, ask the critics, climb. */
static void sampled_gradient(const struct update *shared, size_t t, size_t T) {
  struct update u = *shared;
  sac_agent *g = u.agent;
  in_chunks(&u, t, T, noise_chunk);
  for (u.draw = 0; u.draw < sac_head_draws(&g->pi); u.draw++) {
    in_chunks(&u, t, T, draw_chunk);
    sac_pool_barrier(g->pool);
    in_critics(&u, g->N, t, T, value_chunk);
    sac_pool_barrier(g->pool);
    in_chunks(&u, t, T, climb_chunk);
    sac_pool_barrier(g->pool);
    in_chunks(&u, t, T, gradient_chunk);
  }
}

/* The same by a sum over discrete actions. */
static void summed_gradient(const struct update *u, size_t t, size_t T) {
  in_critics(u, u->agent->N, t, T, value_chunk);
  sac_pool_barrier(u->agent->pool);
  in_chunks(u, t, T, summed_gradient_chunk);
}

/* The actor that normalises over the batch, in training mode: all rows at once. With actor_joint
 * those of s' follow, which have a part in the statistics and no loss [FLASHSAC]. */
static sac_mlp_batch actor_batch(const struct update *u) {
  sac_agent *g = u->agent;
  return (sac_mlp_batch){.net = &g->pi.net,
                         .rows = sac_head_rows(&g->opt, g->B),
                         .x = g->x,
                         .ldx = g->ldx,
                         .trace = &g->pi.trace,
                         .y = g->pi.out,
                         .ldy = g->pi.ld_out,
                         .dy = g->pi.dout,
                         .adam = &u->adam};
}

static void read_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  if (g->K)
    sac_discrete_read(&g->pi, first, last);
  else
    sac_head_read(&g->pi, first, last);
}

static void actor_rows(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  sac_agent *g = u->agent;
  const int joint = sac_norm_is_batch(&g->pi.net.norm);
  if (joint) {
    const sac_mlp_batch batch = actor_batch(u);
    sac_mlp_train_forward(g->k, g->pool, 1, &batch, t, T, g->scratch + t * g->ld_scratch);
  }
  in_chunks(u, t, T, joint ? read_chunk : policy_chunk);
  (g->K ? summed_gradient : sampled_gradient)(u, t, T);
  if (!joint) in_chunks(u, t, T, back_chunk);
}

static void actor_weights(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  sac_agent *g = u->agent;
  if (sac_norm_is_batch(&g->pi.net.norm)) {
    const sac_mlp_batch batch = actor_batch(u);
    sac_mlp_train_step(g->k, g->pool, 1, &batch, t, T, g->scratch + t * g->ld_scratch);
    return;
  }
  sac_head_step(g->k, &g->pi, g->B, g->x, g->ldx, &u->adam, t, T, g->scratch + t * g->ld_scratch);
}

/* Only log pi of a fresh sample, for the temperature. */
static void fresh_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  if (g->K) {
    sac_discrete_forward(g->k, &g->pi, g->x, g->ldx, first, last);
    return;
  }
  sac_head_noise(g->k, &g->pi, first, last, g->seed, SAC_STREAM_ALPHA, u->noise);
  sac_head_forward(g->k, &g->pi, g->x, g->ldx, first, last);
  sac_head_sample(g->k, &g->pi, first, last);
}

static void fresh_rows(void *ctx, size_t t, size_t T) {
  in_chunks(ctx, t, T, fresh_chunk);
}

/* --- the update ------------------------------------------------------------------------------ */

static double mean(size_t n, const float *p) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += (double)p[i];
  return sum / (double)n;
}

/* The first row whose number is not finite, named. */
static sac_status check_rows(const sac_agent *g, const char *what, const float *p, sac_error *err) {
  for (size_t b = 0; b < g->B; b++)
    if (!isfinite(p[b]))
      return sac_fail(err, SAC_ERR_DIVERGED,
                      "%s is %g at update %llu, batch row %zu: training diverged", what,
                      (double)p[b], (unsigned long long)g->updates, b);
  return SAC_OK;
}

/* The same for the value of every critic; `of` is what it is a value of. */
static sac_status check_values(const sac_agent *g, const char *of, sac_error *err) {
  for (size_t j = 0; j < g->N; j++) {
    char what[32];
    snprintf(what, sizeof what, "Q_%zu(%s)", j + 1, of);
    SAC_TRY(check_rows(g, what, g->q[j].value, err));
  }
  return SAC_OK;
}

/* The step's whole gradient; if it is not finite, the first row whose part is not. */
static sac_status check_gradient(const sac_agent *g, const char *what, const sac_mlp *net,
                                 const sac_trace *trace, sac_error *err) {
  if (isfinite(sac_mlp_grad_square(net))) return SAC_OK;
  const size_t row = sac_norm_is_batch(&net->norm) ? g->B : sac_trace_bad_row(net, trace, g->B);
  char where[64] = "in the sum over the batch";
  if (row < g->B) snprintf(where, sizeof where, "first in batch row %zu", row);
  return sac_fail(err, SAC_ERR_DIVERGED,
                  "the %s's gradient is not finite at update %llu, %s: training diverged", what,
                  (unsigned long long)g->updates, where);
}

/* `sum` and the loss of every row, of a critic or of V: its values against what they should be. */
static double sum_of_losses(const sac_agent *g, const float *value, const float *wanted,
                            double sum) {
  for (size_t b = 0; b < g->B; b++)
    sum += critic_loss(g->opt.critic_loss, (double)value[b] - (double)wanted[b]);
  return sum;
}

static sac_status check_critics(const sac_agent *g, sac_error *err) {
  for (size_t j = 0; j < g->N; j++) {
    char what[32];
    snprintf(what, sizeof what, "critic %zu", j + 1);
    SAC_TRY(check_gradient(g, what, &g->q[j].net, &g->q[j].trace, err));
  }
  return SAC_OK;
}

static sac_status update_critics(sac_agent *g, struct update *u, sac_update_metrics *out,
                                 sac_error *err) {
  const int target_due = (g->updates + 1) % (uint64_t)g->opt.target_interval == 0;
  const double lr_share = sac_lr_share(&g->opt, g->updates);
  const uint64_t steps = g->updates - sac_reset_at(&g->opt, g->updates) + 1;
  u->adam = sac_adam_at(&g->opt, g->opt.lr_critic * lr_share, g->opt.critic_beta1, steps);
  u->tau = target_due ? (float)g->opt.tau : 0.0f;
  const int with_v = g->opt.value == SAC_VALUE_V;
  sac_critics_choose(g);
  g->reward_scale = (float)sac_reward_norm_scale(&g->reward_norm);
  sac_pool_run(g->pool, critic_rows, u);
  if (g->K) SAC_TRY(sac_discrete_check_batch(g, err));
  SAC_TRY(check_rows(g, with_v ? "log pi(a|s)" : "log pi(a'|s')", g->pi.logp, err));
  if (with_v) SAC_TRY(check_rows(g, "V(s)", g->v_value, err));
  if (with_v) SAC_TRY(check_rows(g, "the target of V", g->v_soft, err));
  SAC_TRY(check_rows(g, "the target y", g->y, err));
  SAC_TRY(check_values(g, "s,a", err));
  sac_pool_run(g->pool, critic_weights, u);
  sac_project_critics(u);
  SAC_TRY(check_critics(g, err));
  if (with_v) sac_pool_run(g->pool, sac_v_weights, u);
  if (with_v) SAC_TRY(check_gradient(g, "value network", &g->v, &g->v_trace, err));

  double loss = 0.0, q_sum = 0.0;
  for (size_t j = 0; j < g->N; j++) {
    if (g->critic_head)
      for (size_t b = 0; b < g->B; b++) loss += g->q[j].loss[b];
    else
      loss = sum_of_losses(g, g->q[j].value, g->y, loss);
    q_sum += mean(g->B, g->q[j].value);
  }
  if (with_v) loss = sum_of_losses(g, g->v_value, g->v_soft, loss);
  out->critic_loss = loss / (double)g->B;
  out->q_mean = q_sum / (double)g->N;
  out->target_mean = mean(g->B, g->y);
  out->critic_grad_norm =
      sqrt(sac_critics_grad_square(g) + (with_v ? sac_mlp_grad_square(&g->v) : 0.0));
  return SAC_OK;
}

/* --- 4. log alpha <- Adam of -(log pi + target entropy) -------------------------------------- */

static sac_status update_temperature(sac_agent *g, struct update *u, sac_update_metrics *out,
                                     sac_error *err) {
  if (g->opt.temperature == SAC_TEMPERATURE_FIXED) return SAC_OK;
  if (g->opt.alpha_sample == SAC_ALPHA_SAMPLE_FRESH) {
    sac_pool_run(g->pool, fresh_rows, u);
    SAC_TRY(check_rows(g, "log pi(a|s) of the fresh sample", g->pi.logp, err));
  }
  out->alpha_loss = sac_temperature_step(&g->temperature, &g->opt,
                                         g->opt.lr_alpha * sac_lr_share(&g->opt, g->updates),
                                         mean(g->B, g->pi.logp), sac_target_entropy(g));
  if (isfinite(out->alpha_loss) && !isnan(g->temperature.log_alpha)) return SAC_OK;
  return sac_fail(err, SAC_ERR_DIVERGED,
                  "the temperature's loss is %g at update %llu: training diverged", out->alpha_loss,
                  (unsigned long long)g->updates);
}

static sac_status update_actor(sac_agent *g, struct update *u, sac_update_metrics *out,
                               sac_error *err) {
  g->actor_updates++;
  const double lr_share = sac_lr_share(&g->opt, g->updates);
  const uint64_t steps = sac_actor_updates_since_reset(&g->opt, g->updates, g->actor_updates);
  u->adam = sac_adam_at(&g->opt, g->opt.lr_actor * lr_share, g->opt.actor_beta1, steps);
  u->alpha = (float)exp(g->temperature.log_alpha);
  u->noise = g->actor_updates * g->B;
  u->purpose = SAC_STREAM_ACTOR;
  sac_pool_run(g->pool, actor_rows, u);
  SAC_TRY(check_rows(g, "log pi(a|s)", g->pi.logp, err));
  SAC_TRY(check_values(g, "s,pi(s)", err));
  sac_pool_run(g->pool, actor_weights, u);
  sac_project_actor(u);
  SAC_TRY(check_gradient(g, "actor", &g->pi.net, &g->pi.trace, err));

  double loss = 0.0;
  for (size_t b = 0; b < g->B; b++)
    loss += (double)u->alpha * (double)g->pi.logp[b] - (double)g->q_climbed[b];
  out->actor_loss = loss / (double)g->B;
  out->entropy = -mean(g->B, g->pi.logp);
  out->actor_grad_norm = sqrt(sac_head_grad_square(&g->pi));
  return update_temperature(g, u, out, err);
}

static sac_status check_replay(const sac_agent *g, const sac_replay *replay, sac_error *err) {
  if (replay->obs_dim != g->O || replay->act_dim != g->A)
    return sac_fail(err, SAC_ERR_ARG,
                    "the replay holds observations and actions of %zu + %zu numbers: must be of "
                    "%zu + %zu, as the agent's are",
                    replay->obs_dim, replay->act_dim, g->O, g->A);
  if (!sac_replay_size(replay))
    return sac_fail(err, SAC_ERR_ARG, "the replay is empty: an update needs a transition");
  return SAC_OK;
}

static sac_status update(sac_agent *g, const sac_replay *replay, sac_update_metrics *metrics,
                         sac_error *err) {
  struct update u = {.agent = g, .replay = replay, .alpha = (float)exp(g->temperature.log_alpha)};
  const double nan = (double)NAN;
  sac_update_metrics out = {nan, nan, nan, nan, nan, nan, nan, nan, nan};
  SAC_TRY(update_critics(g, &u, &out, err));
  if ((g->updates + 1) % (uint64_t)g->opt.policy_delay == 0)
    for (int64_t i = 0; i < g->opt.policy_updates; i++) SAC_TRY(update_actor(g, &u, &out, err));
  out.alpha = exp(g->temperature.log_alpha);
  g->updates++;
  if (g->updates == sac_reset_at(&g->opt, g->updates)) sac_agent_fresh(g);
  if (metrics) *metrics = out;
  return SAC_OK;
}

sac_status sac_agent_update(sac_agent *g, const sac_replay *replay, sac_update_metrics *metrics,
                            sac_error *err) {
  SAC_TRY(check_replay(g, replay, err));
  sac_critics_thin(g, 1);
  const sac_status status = update(g, replay, metrics, err);
  sac_critics_thin(g, 0); /* between updates the critics are whole */
  return status;
}
