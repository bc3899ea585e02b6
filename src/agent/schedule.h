/* The optimisers' numbers at an update, and the entropy to reach: functions of the options alone.
 */
#ifndef SAC_AGENT_SCHEDULE_H
#define SAC_AGENT_SCHEDULE_H

#include "kernels/kernels.h"
#include "sac/agent.h"

/* The share of each step size that is left after `updates` of them: 1 at first, then as the option
 * lr_schedule says to lr_end at lr_horizon, where it stays. */
double sac_lr_share(const sac_agent_options *options, uint64_t updates);

/* The update at which the last reset was (option reset_every), of `updates` done; 0: none yet. */
uint64_t sac_reset_at(const sac_agent_options *options, uint64_t updates);

/* Of `actor_updates` after `updates`: those since the last reset. */
uint64_t sac_actor_updates_since_reset(const sac_agent_options *options, uint64_t updates,
                                       uint64_t actor_updates);

/* An optimiser's numbers at its step `steps` (1 is the first), its step size being lr. */
sac_adam_step sac_adam_at(const sac_agent_options *options, double lr, double beta1,
                          uint64_t steps);

/* The target entropy of one action dimension, in nats: that of a normal of the option's deviation,
 * (1/2) log(2 pi e std^2), or what target_entropy_scale says. */
double sac_target_entropy_each(const sac_agent_options *options);

#endif
