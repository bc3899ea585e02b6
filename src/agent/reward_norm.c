#include "agent/reward_norm.h"

#include <math.h>

enum { COUNT, MEAN, SQUARES, LARGEST, MOMENTS };

void sac_reward_norm_layout(sac_arena *arena, sac_reward_norm *n,
                            const sac_agent_options *options) {
  *n = (sac_reward_norm){.on = options->reward_norm == SAC_REWARD_NORM_RETURN,
                         .gamma = options->gamma,
                         .most = options->reward_norm_max};
  if (!n->on) return;
  n->now = SAC_TAKE(arena, double, SAC_AGENT_ENVS);
  n->moments = SAC_TAKE(arena, double, MOMENTS);
}

void sac_reward_norm_observe(sac_reward_norm *n, size_t env, double reward, int ended) {
  double *m = n->moments, *G = &n->now[env];
  *G = (ended ? 0.0 : n->gamma * *G) + reward;
  const double before = *G - m[MEAN];
  m[COUNT] += 1.0;
  m[MEAN] += before / m[COUNT];
  m[SQUARES] += before * (*G - m[MEAN]);
  m[LARGEST] = fmax(m[LARGEST], fabs(*G));
}

double sac_reward_norm_scale(const sac_reward_norm *n) {
  if (!n->on || n->moments[COUNT] == 0.0) return 1.0;
  const double sigma = sqrt(n->moments[SQUARES] / n->moments[COUNT] + 1e-8);
  return 1.0 / fmax(sigma, n->moments[LARGEST] / n->most);
}

size_t sac_reward_norm_tensors(const sac_reward_norm *n, sac_tensor out[SAC_REWARD_NORM_TENSORS]) {
  if (!n->on) return 0;
  out[0] = (sac_tensor){"returns_now", SAC_F64, 1, SAC_AGENT_ENVS, SAC_AGENT_ENVS, n->now};
  out[1] = (sac_tensor){"returns_moments", SAC_F64, 1, MOMENTS, MOMENTS, n->moments};
  return SAC_REWARD_NORM_TENSORS;
}
