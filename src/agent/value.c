/* What the critics think of an action, and which way it should move. */
#include "agent/update.h"
#include "base/try.h"

#include <math.h>
#include <string.h>

/* The action of row b, normalised. */
static void normalise(const sac_agent *g, const float act[], size_t b, float a[]) {
  for (size_t j = 0; j < g->A; j++) a[j] = (act[b * g->A + j] - g->pi.mid[j]) / g->pi.half[j];
}

/* (s, a) of n rows into the workspace. */
static void place(sac_agent *g, size_t n, const float obs[], const float act[]) {
  for (size_t b = 0; b < n; b++) {
    float *x = g->x + b * g->ldx;
    sac_normalize(&g->norm, obs + b * g->O, x);
    normalise(g, act, b, x + g->O);
    sac_head_show(&g->pi, x + g->O, x + g->O);
  }
}

/* Whether row b's value is critic j's, and with which weight. */
static float weight(const sac_agent *g, size_t b, int j) {
  if (g->opt.actor_q == SAC_ACTOR_Q_MEAN) return 0.5f;
  return (g->q_value[1][b] < g->q_value[0][b]) == j ? 1.0f : 0.0f;
}

static sac_status check_values(const sac_agent *g, size_t n, sac_error *err) {
  for (size_t b = 0; b < n; b++)
    for (int j = 0; j < 2; j++)
      if (!isfinite(g->q_value[j][b]))
        return sac_fail(err, SAC_ERR_DIVERGED, "Q_%d(s,a) is %g in row %zu", j + 1,
                        (double)g->q_value[j][b], b);
  return SAC_OK;
}

sac_status sac_agent_value(sac_agent *g, size_t n, const float obs[], const float act[], float q[],
                           float dq_da[], sac_error *err) {
  if (n > g->B)
    return sac_fail(err, SAC_ERR_ARG, "n = %zu rows: must be at most batch = %zu", n, g->B);
  if (g->K) return sac_discrete_value(g, n, obs, act, q, dq_da, err);
  place(g, n, obs, act);
  for (int j = 0; j < 2; j++)
    sac_mlp_forward(g->k, &g->q[j], g->q[j].w, g->x, g->ldx, 0, n, &g->q_trace[j], g->q_value[j],
                    1);
  SAC_TRY(check_values(g, n, err));
  for (size_t b = 0; b < n; b++)
    q[b] = weight(g, b, 0) * g->q_value[0][b] + weight(g, b, 1) * g->q_value[1][b];
  if (!dq_da) return SAC_OK;
  for (size_t b = 0; b < n; b++) g->rows[b] = b;
  memset(g->dq_da, 0, n * g->ld_da * sizeof *g->dq_da);
  for (int j = 0; j < 2; j++) {
    sac_mlp_input_gradient(g->k, &g->q[j], n, g->rows, NULL, 1, 0, &g->q_trace[j], g->O, g->C,
                           g->dx, g->ld_da);
    for (size_t b = 0; b < n; b++)
      for (size_t i = 0; i < g->C; i++)
        g->dq_da[b * g->ld_da + i] += weight(g, b, j) * g->dx[b * g->ld_da + i];
  }
  for (size_t b = 0; b < n; b++) {
    normalise(g, act, b, dq_da + b * g->A); /* as a place for a: the gradient replaces it */
    sac_head_show_back(&g->pi, dq_da + b * g->A, g->dq_da + b * g->ld_da);
    for (size_t i = 0; i < g->A; i++)
      dq_da[b * g->A + i] = g->dq_da[b * g->ld_da + i] / g->pi.half[i];
  }
  return SAC_OK;
}
