#include "agent/critic_head.h"

const sac_critic_head *sac_critic_head_of(const sac_agent_options *options) {
  switch (options->critic_head) {
  case SAC_CRITIC_CATEGORICAL:
    return &sac_critic_categorical;
  case SAC_CRITIC_QUANTILE:
    return &sac_critic_quantile;
  default:
    return NULL;
  }
}
