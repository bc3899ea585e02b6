/* Discrete actions 0 ... K - 1 [SACD]: a categorical policy, log pi(.|s) = log softmax(net(s)), and
 * critics with an output an action. Expectations over the action are sums, so that an update draws
 * no actions. The policy lies in a sac_head whose A is 1; head->outputs is K. */
#ifndef SAC_AGENT_DISCRETE_H
#define SAC_AGENT_DISCRETE_H

#include "agent/policy.h"

static inline int sac_is_discrete(const sac_agent_options *options) {
  return options->policy == SAC_POLICY_CATEGORICAL;
}

/* Whether bounds (A) are those of discrete actions and the options make sense for them; *K: how
 * many there are. SAC_ERR_ARG says what does not, and what would. */
sac_status sac_discrete_check(const sac_agent_options *options, size_t A, const double low[],
                              const double high[], size_t *K, sac_error *err);

/* Lay out a policy for B rows; `trained` as in sac_mlp_layout. */
void sac_discrete_layout(sac_arena *arena, sac_head *head, size_t O, size_t K,
                         const sac_agent_options *options, size_t B, int trained);

/* Rows [first, last) of s (B, lds): head->out (B, ld_out) becomes log pi(.|s), head->logp (B) its
 * mean under pi, minus the entropy. */
void sac_discrete_forward(const sac_kernels *k, sac_head *head, const float *s, size_t lds,
                          size_t first, size_t last);

/* The same after another pass, one in training mode, has left the logits in head->out. */
void sac_discrete_read(sac_head *head, size_t first, size_t last);

/* Act on rows [first, last) of obs (n,O): head->act becomes the action's number, that of noise (n),
 * a standard normal, by the quantile of pi; NULL: the likeliest, the first of them. */
void sac_discrete_act(const sac_kernels *k, sac_head *head, const float *obs, const float *noise,
                      size_t first, size_t last);

/* act (n): the numbers. SAC_ERR_DIVERGED names what is not finite; act is untouched then. */
sac_status sac_discrete_result(const sac_head *head, size_t n, const float *obs, float *act,
                               sac_error *err);

#endif
