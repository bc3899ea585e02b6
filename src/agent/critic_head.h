/* Critics that learn the distribution of the return, not its mean alone: what their outputs mean,
 * and how an update teaches them. Q is the distribution's mean; the rest of the update does not
 * know the difference. A plain critic has one output, Q itself, and no such head: src/agent/sac.c.
 */
#ifndef SAC_AGENT_CRITIC_HEAD_H
#define SAC_AGENT_CRITIC_HEAD_H

#include "agent/handle.h"

/* The functions work on rows [first, last) of the batch. */
struct sac_critic_head {
  size_t (*outputs)(const sac_agent_options *options);

  /* Numbers that a row of the target has: agent->wanted. */
  size_t (*wanted)(const sac_agent_options *options);

  /* What `outputs` needs besides, set once: agent->support. */
  void (*begin)(sac_agent *agent);

  /* critic->value from critic->out, which may become another form of itself. */
  void (*read)(const sac_agent *agent, sac_critic *critic, size_t first, size_t last);

  /* agent->wanted, and its mean agent->y, after the policy and the critics have seen s'. y is not
   * finite where something that it is made of is not. */
  void (*targets)(sac_agent *agent, float alpha, size_t first, size_t last);

  /* critic->value, critic->loss and critic->slope from critic->out. */
  void (*slopes)(const sac_agent *agent, sac_critic *critic, size_t first, size_t last);

  /* After `read`: dQ/doutput of n listed rows, dq (n, ld_out). */
  void (*gradient)(const sac_agent *agent, const sac_critic *critic, size_t n, const size_t row[],
                   float dq[]);
};

/* The head that the options name; NULL for a plain critic. */
const sac_critic_head *sac_critic_head_of(const sac_agent_options *options);

extern const sac_critic_head sac_critic_categorical, sac_critic_quantile;

#endif
