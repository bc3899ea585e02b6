/* The temperature alpha: fixed, or learned so that the entropy reaches its target [SAC2]. */
#ifndef SAC_AGENT_TEMPERATURE_H
#define SAC_AGENT_TEMPERATURE_H

#include "sac/agent.h"

/* Saved with the agent as four doubles. */
typedef struct sac_temperature {
  double log_alpha, m, v; /* and its Adam moments */
  double steps;           /* Adam steps so far */
} sac_temperature;

/* One Adam step of J = -log(alpha) (log pi + H) or -alpha (log pi + H), both in log alpha, where
 * log pi is the batch mean and H the target entropy. Returns J before the step. */
double sac_temperature_step(sac_temperature *t, const sac_agent_options *options, double lr,
                            double logp_mean, double target_entropy);

#endif
