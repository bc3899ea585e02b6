#include "agent/critics.h"

#include "agent/critic_head.h"
#include "agent/update.h"

#include <string.h>

sac_mlp_spec sac_critic_network(const sac_agent *g, size_t in, size_t out, int with_target) {
  return (sac_mlp_spec){.in = in,
                        .out = out,
                        .hidden = &g->opt.critic_hidden,
                        .trained = 1,
                        .with_target = with_target,
                        .bf16 = g->pi.net.bf16,
                        .body = g->opt.body,
                        .norm = sac_norm_of(&g->opt, g->opt.critic_norm),
                        .dropout = g->opt.critic_dropout};
}

int sac_critics_joint(const sac_agent_options *o) {
  return o->critic_norm == SAC_NORMS_BATCH || o->critic_norm == SAC_NORMS_RENORM ||
         o->body == SAC_BODY_FLASH;
}

static int has_target(const sac_agent_options *o) {
  return o->value == SAC_VALUE_Q && o->critic_target == SAC_CRITIC_TARGET_EMA;
}

/* What an update of distributions needs besides. */
static void layout_head(sac_arena *m, sac_agent *g, size_t outputs) {
  g->ld_wanted = g->critic_head->wanted(&g->opt);
  g->support = SAC_TAKE(m, float, outputs);
  g->wanted = SAC_TAKE(m, float, g->B * g->ld_wanted);
  g->dq = SAC_TAKE(m, float, g->B * g->ld_out);
}

void sac_critics_layout(sac_arena *m, sac_agent *g, size_t in) {
  const sac_agent_options *o = &g->opt;
  g->critic_head = sac_critic_head_of(o);
  const size_t outputs = g->critic_head ? g->critic_head->outputs(o) : g->K ? g->K : 1;
  g->N = (size_t)o->critics;
  g->M = o->critic_subset ? (size_t)o->critic_subset : g->N;
  g->subset = SAC_TAKE(m, size_t, g->N);
  g->ld_out = outputs > 1 ? sac_row(outputs) : 1;
  g->q = SAC_TAKE(m, sac_critic, g->N);
  g->joint = sac_critics_joint(o);
  const size_t R = g->joint ? 2 * g->B : g->B;
  const sac_mlp_spec spec = sac_critic_network(g, in, outputs, has_target(o));
  for (size_t j = 0; j < g->N; j++) {
    sac_critic *self = g->q ? &g->q[j] : NULL, measuring;
    sac_critic *c = self ? self : &measuring;
    sac_mlp_layout(m, &c->net, &spec);
    sac_trace_layout_training(m, &c->trace, &c->net, R);
    c->out = SAC_TAKE(m, float, R * g->ld_out);
    c->value = outputs > 1 ? SAC_TAKE(m, float, R) : c->out;
    c->slope = SAC_TAKE(m, float, R * g->ld_out);
    c->ahead = g->joint && has_target(o) ? SAC_TAKE(m, float, R * g->ld_out) : NULL;
    c->next = c->ahead ? c->ahead : c->out;
    if (g->joint && c->next) c->next += g->B * g->ld_out;
    c->loss = g->critic_head ? SAC_TAKE(m, double, g->B) : NULL;
    c->log_sum = g->critic_head ? SAC_TAKE(m, float, g->B) : NULL;
    if (c->net.scratch > g->ld_scratch) g->ld_scratch = c->net.scratch;
  }
  if (g->critic_head) layout_head(m, g, outputs);
}

uint64_t sac_critics_init_index(size_t j) {
  return (uint64_t)(j < 2 ? j + 1 : j + 2) * SAC_INIT_STREAMS;
}

void sac_critics_init(sac_agent *g, uint64_t base) {
  if (g->critic_head) g->critic_head->begin(g);
  for (size_t j = 0; j < g->N; j++)
    sac_mlp_init(g->k, &g->q[j].net, g->opt.init, g->seed, base + sac_critics_init_index(j));
}

/* The first M of a shuffle of 0 ... N-1. */
void sac_critics_choose(sac_agent *g) {
  for (size_t j = 0; j < g->N; j++) g->subset[j] = j;
  if (g->M == g->N) return;
  sac_stream s = sac_stream_make(g->seed, SAC_STREAM_SUBSET, g->updates);
  for (size_t i = 0; i < g->M; i++) {
    const size_t at = i + (size_t)sac_stream_below(&s, g->N - i), chosen = g->subset[at];
    g->subset[at] = g->subset[i];
    g->subset[i] = chosen;
  }
}

/* --- passes ---------------------------------------------------------------------------------- */

/* Which passes through a critic draw their own dropout: its target's, its regression's and, with
 * the actor's updates for a count, the actor's. */
enum { THIN_TARGET, THIN_REGRESSION, THIN_ACTOR };

static uint64_t thin_index(const sac_agent *g, int pass, size_t j) {
  const uint64_t n = pass == THIN_ACTOR ? g->actor_updates : g->updates;
  return ((uint64_t)pass << 62) + (n * SAC_CRITICS_MAX + j) * g->B;
}

void sac_critics_thin(sac_agent *g, int on) {
  for (size_t j = 0; j < g->N; j++) {
    sac_trace *trace = &g->q[j].trace;
    trace->thin = on && g->q[j].net.dropout > 0.0f;
    trace->thin_seed = g->seed;
    trace->thin_index = thin_index(g, THIN_REGRESSION, j);
  }
}

static void values(sac_agent *g, size_t j, const float *w, const sac_trace *room, int pass,
                   const float *x, size_t first, size_t last) {
  sac_trace trace = sac_trace_values(room);
  trace.thin_index = thin_index(g, pass, j);
  sac_mlp_forward(g->k, &g->q[j].net, w, x, g->ldx, first, last, &trace, g->q[j].out, g->ld_out);
}

/* Nothing goes back through them: on one thread all in one trace, which stays in the cache. */
void sac_critic_next(sac_agent *g, size_t j, size_t first, size_t last) {
  const size_t room = sac_pool_threads(g->pool) > 1 ? j : 0;
  values(g, j, sac_critic_target(&g->q[j]), &g->q[room].trace, THIN_TARGET, g->x_next, first, last);
}

void sac_critic_values(sac_agent *g, size_t j, const float *x, size_t first, size_t last) {
  values(g, j, g->q[j].net.w, &g->q[j].trace, THIN_ACTOR, x, first, last);
  if (g->critic_head) g->critic_head->read(g, &g->q[j], first, last);
}

void sac_critics_values(sac_agent *g, const float *x, size_t first, size_t last) {
  for (size_t j = 0; j < g->N; j++) sac_critic_values(g, j, x, first, last);
}

/* Critic j and the joint batch. */
static sac_mlp_batch joint_batch(sac_agent *g, size_t j, int target) {
  sac_critic *c = &g->q[j];
  return (sac_mlp_batch){.net = &c->net,
                         .target = target,
                         .rows = 2 * g->B,
                         .x = g->x,
                         .ldx = g->ldx,
                         .trace = &c->trace,
                         .y = target ? c->ahead : c->out,
                         .ldy = g->ld_out,
                         .dy = c->slope};
}

/* The target first: the critic's own pass leaves in the trace what its step goes back through. */
void sac_critics_joint_pass(sac_agent *g, size_t t, size_t T) {
  sac_mlp_batch batch[SAC_CRITICS_MAX];
  float *scratch = g->scratch + t * g->ld_scratch;
  if (g->q[0].ahead) {
    for (size_t m = 0; m < g->M; m++) batch[m] = joint_batch(g, g->subset[m], 1);
    sac_mlp_train_forward(g->k, g->pool, g->M, batch, t, T, scratch);
  }
  for (size_t j = 0; j < g->N; j++) batch[j] = joint_batch(g, j, 0);
  sac_mlp_train_forward(g->k, g->pool, g->N, batch, t, T, scratch);
}

/* --- what the critics say together ----------------------------------------------------------- */

float sac_critics_least(const sac_agent *g, size_t i) {
  float least = g->q[g->subset[0]].next[i];
  for (size_t m = 1; m < g->M; m++) least = sac_smaller(least, g->q[g->subset[m]].next[i]);
  return least;
}

size_t sac_critics_smallest(const sac_agent *g, size_t b) {
  size_t smallest = 0;
  for (size_t j = 1; j < g->N; j++)
    if (g->q[j].value[b] < g->q[smallest].value[b]) smallest = j;
  return smallest;
}

float sac_critics_climbed(const sac_agent *g, size_t i) {
  const int mean = g->opt.actor_q == SAC_ACTOR_Q_MEAN;
  float q = 0.0f;
  for (size_t j = 0; j < g->N; j++) {
    const float each = g->K ? g->q[j].out[i] : g->q[j].value[i];
    q = j == 0 ? each : mean ? q + each : sac_smaller(q, each);
  }
  return mean ? q * (1.0f / (float)g->N) : q;
}

/* dQ_j/dseen for the listed rows, times `weight`, into dq_da: added there unless it is the first.
 */
static void add_gradient(sac_agent *g, size_t j, size_t n, const size_t rows[], size_t first,
                         float weight, int is_first) {
  float *dx = g->dx + first * g->ld_da, *dq = g->dq ? g->dq + first * g->ld_out : NULL;
  if (g->critic_head) g->critic_head->gradient(g, &g->q[j], n, rows, dq);
  sac_mlp_input_gradient(g->k, &g->q[j].net, n, rows, dq, g->ld_out, first, &g->q[j].trace, g->O,
                         g->C, dx, g->ld_da);
  for (size_t i = 0; i < n; i++) {
    float *dq_da = g->dq_da + rows[i] * g->ld_da;
    if (is_first) memset(dq_da, 0, g->ld_da * sizeof *dq_da);
    for (size_t c = 0; c < g->C; c++) dq_da[c] += weight * dx[i * g->ld_da + c];
  }
}

static void mean_gradient(sac_agent *g, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) g->rows[b] = b;
  for (size_t j = 0; j < g->N; j++)
    add_gradient(g, j, last - first, g->rows + first, first, 1.0f / (float)g->N, j == 0);
}

/* Critic by critic, so that every thread has as many rows, and as few critics as can be. */
void sac_critics_seen_gradient(sac_agent *g, size_t rows, size_t first, size_t last) {
  if (g->opt.actor_q == SAC_ACTOR_Q_MEAN) {
    mean_gradient(g, first, last);
    return;
  }
  for (size_t j = 0, at = 0; j < g->N && at < last; j++) {
    size_t n = 0;
    for (size_t b = 0; b < rows && at < last; b++) {
      if (sac_critics_smallest(g, b) != j) continue;
      if (at++ >= first) g->rows[first + n++] = b;
    }
    add_gradient(g, j, n, g->rows + first, first, 1.0f, 1);
  }
}

/* --- weights --------------------------------------------------------------------------------- */

static void joint_step(sac_agent *g, const sac_adam_step *adam, float tau, size_t t, size_t T) {
  sac_mlp_batch batch[SAC_CRITICS_MAX];
  for (size_t j = 0; j < g->N; j++) {
    batch[j] = joint_batch(g, j, 0);
    batch[j].adam = adam;
    batch[j].tau = tau;
  }
  sac_mlp_train_step(g->k, g->pool, g->N, batch, t, T, g->scratch + t * g->ld_scratch);
}

void sac_critics_step(sac_agent *g, const sac_adam_step *adam, float tau, size_t t, size_t T) {
  if (g->joint) {
    joint_step(g, adam, tau, t, T);
    return;
  }
  const size_t units = g->q[0].net.units;
  size_t first, last;
  sac_mlp_share(&g->q[0].net, g->N, t, T, &first, &last);
  for (size_t i = first; i < last; i++) {
    sac_critic *c = &g->q[i / units];
    sac_mlp_step(g->k, &c->net, i % units, g->B, g->x, g->ldx, &c->trace, c->slope, g->ld_out, adam,
                 tau, g->scratch + t * g->ld_scratch);
  }
}

double sac_critics_grad_square(const sac_agent *g) {
  double sum = 0.0;
  for (size_t j = 0; j < g->N; j++) sum += sac_mlp_grad_square(&g->q[j].net);
  return sum;
}
