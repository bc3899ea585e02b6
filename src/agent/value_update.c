/* The rows of an update with a value network, as in the first paper [SAC1]: V and its target Vbar
 * beside critics that have none. src/agent/sac.c goes on with the actor as it always does. */
#include "agent/critics.h"
#include "agent/update.h"

#include <string.h>

/* y = r + gamma (1 - d) Vbar(s') */
static void target_rows(sac_agent *g, size_t first, size_t last) {
  sac_trace values = sac_trace_values(&g->v_trace);
  sac_mlp_forward(g->k, &g->v, g->v.target, g->x_next, g->ldx, first, last, &values, g->v_value, 1);
  for (size_t b = first; b < last; b++) g->y[b] = g->reward[b] + g->discount[b] * g->v_value[b];
}

/* What V should be: min_j Q_j(s,a) - alpha log pi(a|s), a ~ pi(.|s), by the critics of now. */
static void soft_value_rows(sac_agent *g, float alpha, size_t first, size_t last) {
  sac_head_noise(g->k, &g->pi, first, last, g->seed, SAC_STREAM_TARGET, g->updates * g->B);
  sac_head_forward(g->k, &g->pi, g->x, g->ldx, first, last);
  sac_head_sample(g->k, &g->pi, first, last);
  memcpy(g->x_soft + first * g->ldx, g->x + first * g->ldx, (last - first) * g->ldx * sizeof *g->x);
  sac_update_place(g, g->x_soft, first, last);
  for (size_t m = 0; m < g->M; m++) sac_critic_values(g, g->subset[m], g->x_soft, first, last);
  for (size_t b = first; b < last; b++)
    g->v_soft[b] = sac_critics_least(g, b) - alpha * g->pi.logp[b];
}

/* One network of one output towards `wanted` (B), on x: its value and gradient. */
static void regress(sac_agent *g, const sac_mlp *net, sac_trace *trace, const float *wanted,
                    float *value, float *slope, size_t first, size_t last) {
  const float inv_B = 1.0f / (float)g->B;
  sac_mlp_forward(g->k, net, net->w, g->x, g->ldx, first, last, trace, value, 1);
  for (size_t b = first; b < last; b++)
    slope[b] = sac_critic_slope(g->opt.critic_loss, value[b] - wanted[b]) * inv_B;
  sac_mlp_backward(g->k, net, slope, 1, first, last, trace);
}

void sac_v_critic_chunk(const struct update *u, size_t first, size_t last) {
  sac_agent *g = u->agent;
  sac_update_gather(g, u->replay, first, last);
  target_rows(g, first, last);
  soft_value_rows(g, u->alpha, first, last);
  regress(g, &g->v, &g->v_trace, g->v_soft, g->v_value, g->dv, first, last);
  for (size_t j = 0; j < g->N; j++)
    regress(g, &g->q[j].net, &g->q[j].trace, g->y, g->q[j].value, g->q[j].slope, first, last);
}

void sac_v_weights(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  sac_agent *g = u->agent;
  size_t first, last;
  sac_mlp_share(&g->v, 1, t, T, &first, &last);
  for (size_t i = first; i < last; i++)
    sac_mlp_step(g->k, &g->v, i, g->B, g->x, g->ldx, &g->v_trace, g->dv, 1, &u->adam, u->tau,
                 g->scratch + t * g->ld_scratch);
}
