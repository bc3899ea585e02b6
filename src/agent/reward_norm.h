/* Scaled rewards: r / max(sigma_G, max |G| / most), where G is the discounted return of training so
 * far, an environment at a time:  G <- gamma (1 - end) G + r,  end: this step ended its episode
 * [SIMBAV2, FLASHSAC code]. sigma_G^2 = Var G + 1e-8 over all G so far [WELFORD]. The replay keeps
 * rewards as they are; a batch is scaled when it is drawn. */
#ifndef SAC_AGENT_REWARD_NORM_H
#define SAC_AGENT_REWARD_NORM_H

#include "base/arena.h"
#include "base/safetensors.h"
#include "sac/agent.h"

typedef struct sac_reward_norm {
  int on; /* else the scale is 1 */
  double gamma, most;
  double *now;     /* (SAC_AGENT_ENVS) G of each environment */
  double *moments; /* of all G: how many, their mean, sum of squared deviations, max |G| */
} sac_reward_norm;

enum { SAC_REWARD_NORM_TENSORS = 2 };

void sac_reward_norm_layout(sac_arena *arena, sac_reward_norm *n, const sac_agent_options *options);

/* A step's reward in environment env. */
void sac_reward_norm_observe(sac_reward_norm *n, size_t env, double reward, int ended);

/* What a reward is multiplied by; 1 before the first. */
double sac_reward_norm_scale(const sac_reward_norm *n);

/* What a file keeps: returns_now, returns_moments; none of them if it is not on. Returns how many.
 */
size_t sac_reward_norm_tensors(const sac_reward_norm *n, sac_tensor out[SAC_REWARD_NORM_TENSORS]);

#endif
