/* What the critics think of an action, and which way it should move. */
#include "agent/critics.h"
#include "agent/update.h"
#include "base/try.h"

#include <math.h>

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

static sac_status check_values(const sac_agent *g, size_t n, sac_error *err) {
  for (size_t b = 0; b < n; b++)
    for (size_t j = 0; j < g->N; j++)
      if (!isfinite(g->q[j].value[b]))
        return sac_fail(err, SAC_ERR_DIVERGED, "Q_%zu(s,a) is %g in row %zu", j + 1,
                        (double)g->q[j].value[b], b);
  return SAC_OK;
}

sac_status sac_agent_value(sac_agent *g, size_t n, const float obs[], const float act[], float q[],
                           float dq_da[], sac_error *err) {
  if (n > g->B)
    return sac_fail(err, SAC_ERR_ARG, "n = %zu rows: must be at most batch = %zu", n, g->B);
  if (g->K) return sac_discrete_value(g, n, obs, act, q, dq_da, err);
  place(g, n, obs, act);
  sac_critics_values(g, g->x, 0, n);
  SAC_TRY(check_values(g, n, err));
  for (size_t b = 0; b < n; b++) q[b] = sac_critics_climbed(g, b);
  if (!dq_da) return SAC_OK;
  sac_critics_seen_gradient(g, n, 0, n);
  for (size_t b = 0; b < n; b++) {
    normalise(g, act, b, dq_da + b * g->A); /* as a place for a: the gradient replaces it */
    sac_head_show_back(&g->pi, dq_da + b * g->A, g->dq_da + b * g->ld_da);
    for (size_t i = 0; i < g->A; i++)
      dq_da[b * g->A + i] = g->dq_da[b * g->ld_da + i] / g->pi.half[i];
  }
  return SAC_OK;
}
