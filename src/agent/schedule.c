#include "agent/schedule.h"

#include <math.h>

double sac_lr_share(const sac_agent_options *o, uint64_t updates) {
  const double pi = 3.14159265358979323846;
  const double way = fmin(1.0, (double)updates / (double)o->lr_horizon), off = 1.0 - o->lr_end;
  switch (o->lr_schedule) {
  case SAC_LR_LINEAR:
    return 1.0 - off * way;
  case SAC_LR_COSINE:
    return 1.0 - off * 0.5 * (1.0 - cos(pi * way));
  default:
    return 1.0;
  }
}

uint64_t sac_reset_at(const sac_agent_options *o, uint64_t updates) {
  const uint64_t every = (uint64_t)o->reset_every;
  return every ? updates / every * every : 0;
}

uint64_t sac_actor_updates_since_reset(const sac_agent_options *o, uint64_t updates,
                                       uint64_t actor_updates) {
  const uint64_t times = sac_reset_at(o, updates) / (uint64_t)o->policy_delay;
  return actor_updates - times * (uint64_t)o->policy_updates;
}

sac_adam_step sac_adam_at(const sac_agent_options *o, double lr, double beta1, uint64_t steps) {
  return (sac_adam_step){.lr = (float)lr,
                         .beta1 = (float)beta1,
                         .beta2 = (float)o->adam_beta2,
                         .eps = (float)o->adam_eps,
                         .c1 = (float)(1.0 / (1.0 - pow(beta1, (double)steps))),
                         .c2 = (float)(1.0 / (1.0 - pow(o->adam_beta2, (double)steps))),
                         .decay = (float)(lr * o->weight_decay),
                         .all = o->weight_decay_of == SAC_WEIGHT_DECAY_OF_ALL};
}

double sac_target_entropy_each(const sac_agent_options *o) {
  const double half_log_2_pi_e = 1.41893853320467274178;
  const double std = o->target_entropy_std;
  return std > 0.0 ? half_log_2_pi_e + log(std) : o->target_entropy_scale;
}
