/* A share of every batch from a given data set [RLPD]. */
#include "agent/discrete.h"
#include "agent/handle.h"

/* Actions of another scale are a common mistake, and would teach the critics nothing of use. A head
 * that can leave the bounds may have left them in the data too. */
static sac_status check_action(const sac_agent *g, size_t row, const float act[], sac_error *err) {
  const float within = 1.0f + 1e-4f;
  for (size_t j = 0; j < g->A; j++) {
    const double low = (double)(g->pi.mid[j] - g->pi.half[j]);
    const double high = (double)(g->pi.mid[j] + g->pi.half[j]);
    if (fabsf(act[j] - g->pi.mid[j]) > within * g->pi.half[j])
      return sac_fail(err, SAC_ERR_ARG,
                      "data: action %zu of row %zu is %g: must be within the task's bounds [%g, "
                      "%g], in the environment's units",
                      j, row, (double)act[j], low, high);
    if (g->K && act[j] != rintf(act[j]))
      return sac_fail(err, SAC_ERR_ARG,
                      "data: action %zu of row %zu is %g: must be a whole number, the action's", j,
                      row, (double)act[j]);
  }
  return SAC_OK;
}

static sac_status check_data(const sac_agent *g, const sac_dataset *data, sac_error *err) {
  if (data->obs_dim != g->O || data->act_dim != g->A)
    return sac_fail(err, SAC_ERR_ARG,
                    "the data set holds observations and actions of %zu + %zu numbers: must be of "
                    "%zu + %zu, as the agent's are",
                    data->obs_dim, data->act_dim, g->O, g->A);
  if (g->opt.policy == SAC_POLICY_NORMAL) return SAC_OK;
  for (size_t i = 0; i < data->count; i++) {
    const sac_status status = check_action(g, i, data->act + i * data->act_dim, err);
    if (status != SAC_OK) return status;
  }
  return SAC_OK;
}

sac_status sac_agent_use_data(sac_agent *g, const sac_dataset *data, sac_error *err) {
  const sac_status status = data ? check_data(g, data, err) : SAC_OK;
  if (status != SAC_OK) return status;
  g->data = data;
  g->data_rows = data ? (size_t)lrint(g->opt.data_share * (double)g->B) : 0;
  return SAC_OK;
}
