/* The policy: a network from states to a tanh-normal distribution of actions in [-1, 1]^A.
 *   (mean, raw) = net(s),  log sigma = map(raw),  u = mean + sigma eps,  a = tanh u   [SAC2]
 * The pre-squash u never has to be recovered from a: all that is needed is computed from u. */
#ifndef SAC_AGENT_POLICY_H
#define SAC_AGENT_POLICY_H

#include "nn/mlp.h"
#include "sac/agent.h"

typedef struct sac_head {
  size_t O, A;
  sac_mlp net; /* O -> hidden -> 2 A */
  sac_log_std_map map;
  float *mid, *half; /* (A) environment action = mid + half a */
  double log_scale; /* sum of log half, if entropy is measured in the environment's units; else 0 */

  /* of the last pass, a row a sample */
  sac_trace trace;
  size_t ld_out;
  float *out, *dout;              /* (B, ld_out) [mean | raw] and the loss gradient */
  float *mean, *raw, *log_std;    /* (B,A) */
  float *slope;                   /* (B,A) d log_std / d raw */
  float *eps, *std, *act, *da_du; /* (B,A) */
  float *logp_terms;              /* (B,A) */
  float *logp;                    /* (B) log pi(a|s) */
  uint32_t *words;                /* (B, 2A) random words behind eps */
} sac_head;

/* Lay out a policy for B rows; `trained` as in sac_mlp_layout. */
void sac_head_layout(sac_arena *arena, sac_head *head, size_t O, size_t A,
                     const sac_agent_options *options, size_t B, int trained);

/* The map from the network's output to log sigma. */
sac_log_std_map sac_head_map(const sac_agent_options *options);

/* The scale of one action: mid - half and mid + half are floats within [low, high], so an action
 * that is clamped to them is too. */
void sac_action_scale(double low, double high, float *mid, float *half);

/* Set the map and the scale of the actions from options and bounds. */
void sac_head_set(sac_head *head, const sac_agent_options *options, const double low[],
                  const double high[]);

/* eps for rows [first, last): row b from stream (seed, purpose, index + b). */
void sac_head_noise(const sac_kernels *k, sac_head *head, size_t first, size_t last, uint64_t seed,
                    uint32_t purpose, uint64_t index);

/* The network's outputs for rows [first, last) of s (B, lds); fills mean and raw. */
void sac_head_forward(const sac_kernels *k, sac_head *head, const float *s, size_t lds,
                      size_t first, size_t last);

/* After sac_head_forward, and with eps set: sample a, log pi(a|s) and what their gradients need. */
void sac_head_sample(const sac_kernels *k, sac_head *head, size_t first, size_t last);

/* The policy gradient of J = 1/B sum_b [alpha log pi(a|s) - Q(s,a)], from the critics' dq_da (B,
 * ld): grad log pi + (d_a log pi - d_a Q) da/dtheta, here in u: dJ/du = (alpha 2a - dQ/da da/du) /
 * B,  dJ/dmean = dJ/du,  dJ/dlog_std = dJ/du std eps - alpha/B and back through the network. B: the
 * batch, rows [first, last) of it. */
void sac_head_backward(const sac_kernels *k, sac_head *head, size_t B, float alpha,
                       const float *dq_da, size_t ld, size_t first, size_t last);

/* Act on rows [first, last) of obs (n,O): a = tanh(mean + std noise), noise (n,A), or tanh(mean) if
 * noise is NULL. Leaves a in head->act. */
void sac_head_act(const sac_kernels *k, sac_head *head, const float *obs, const float *noise,
                  size_t first, size_t last);

/* act (n,A): head->act in the environment's units, within its bounds. SAC_ERR_DIVERGED names an
 * observation or action that is not finite; act is untouched then. */
sac_status sac_head_result(const sac_head *head, size_t n, const float *obs, float *act,
                           sac_error *err);

#endif
