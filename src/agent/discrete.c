#include "agent/discrete.h"

#include "base/try.h"

#include <math.h>

enum { CHOICES_MAX = 4096 }; /* SAC_ENV_ACTIONS_MAX, which a layer further up declares */

/* --- checks ---------------------------------------------------------------------------------- */

static sac_status check_space(size_t A, const double low[], const double high[], sac_error *err) {
  const double top = high[0];
  if (A == 1 && low[0] == 0.0 && top >= 1.0 && top < CHOICES_MAX && top == floor(top))
    return SAC_OK;
  char others[300];
  sac_head_fitting(0, others, sizeof others);
  return sac_fail(err, SAC_ERR_ARG,
                  "policy = categorical: needs one action of 2 to %d numbers from 0 on, but there "
                  "are %zu and the first has bounds [%g, %g]; what fits: %s",
                  CHOICES_MAX, A, low[0], top, others);
}

static sac_status check_target(const sac_agent_options *o, size_t K, sac_error *err) {
  const double share = o->target_entropy_discrete, most = log((double)K);
  if (o->temperature == SAC_TEMPERATURE_FIXED || (share > 0.0 && share < 1.0)) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG,
                  "target_entropy_discrete = %g: a target of %g nats, but a choice among %zu "
                  "reaches only what is above 0 and below %.4g: set it between 0 and 1, or "
                  "temperature=fixed",
                  share, share * most, K, most);
}

sac_status sac_discrete_check(const sac_agent_options *o, size_t A, const double low[],
                              const double high[], size_t *K, sac_error *err) {
  SAC_TRY(check_space(A, low, high, err));
  if (o->entropy_space != SAC_ENTROPY_NORMALIZED)
    return sac_fail(err, SAC_ERR_ARG,
                    "entropy_space = environment: the entropy of a discrete action has no units; "
                    "policy = categorical needs entropy_space = normalized");
  if (o->actor_estimator != SAC_ESTIMATOR_PATHWISE || o->actor_samples != 1)
    return sac_fail(err, SAC_ERR_ARG,
                    "actor_estimator and actor_samples: policy = categorical takes its gradient "
                    "exactly, over all actions; leave them at pathwise and 1");
  if (o->deterministic == SAC_DETERMINISTIC_MEAN)
    return sac_fail(err, SAC_ERR_ARG,
                    "deterministic = mean: a discrete action has none; policy = categorical takes "
                    "the likeliest, center or mode");
  if (o->value != SAC_VALUE_Q)
    return sac_fail(
        err, SAC_ERR_ARG,
        "value = v: the expectation that a value network learns is a sum here; policy = "
        "categorical needs value = q");
  *K = (size_t)high[0] + 1;
  return check_target(o, *K, err);
}

/* --- the policy ------------------------------------------------------------------------------ */

void sac_discrete_layout(sac_arena *arena, sac_head *head, size_t O, size_t K,
                         const sac_agent_options *options, size_t B, int trained) {
  *head = (sac_head){.O = O, .A = 1, .outputs = K, .ld_out = sac_row(K), .opt = *options};
  const sac_mlp_spec spec = sac_head_network(options, O, K, trained);
  sac_mlp_layout(arena, &head->net, &spec);
  const size_t R = trained ? sac_head_rows(options, B) : B;
  sac_trace_layout(arena, &head->acting, &head->net, R);
  head->trace = head->acting;
  if (spec.bf16) sac_trace_layout_training(arena, &head->trace, &head->net, R);
  head->out = SAC_TAKE(arena, float, R * head->ld_out);
  head->dout = SAC_TAKE(arena, float, R * head->ld_out);
  head->logp = SAC_TAKE(arena, float, B);
  head->act = SAC_TAKE(arena, float, B);
  head->mid = SAC_TAKE(arena, float, 1);
  head->half = SAC_TAKE(arena, float, 1);
}

/* K logits become log pi; returns the sum of pi log pi. A NaN spreads to all of them. */
static double log_softmax(size_t K, float logit[]) {
  double top = (double)logit[0], sum = 0.0, mean = 0.0;
  for (size_t a = 1; a < K; a++) top = (double)logit[a] > top ? (double)logit[a] : top;
  for (size_t a = 0; a < K; a++) sum += exp((double)logit[a] - top);
  const double norm = top + log(sum);
  for (size_t a = 0; a < K; a++) {
    const double log_pi = (double)logit[a] - norm;
    mean += exp(log_pi) * log_pi;
    logit[a] = (float)log_pi;
  }
  return mean;
}

void sac_discrete_read(sac_head *head, size_t first, size_t last) {
  for (size_t b = first; b < last; b++)
    head->logp[b] = (float)log_softmax(head->outputs, head->out + b * head->ld_out);
}

static void forward(const sac_kernels *k, sac_head *head, sac_trace *trace, const float *s,
                    size_t lds, size_t first, size_t last) {
  sac_mlp_forward(k, &head->net, head->net.w, s, lds, first, last, trace, head->out, head->ld_out);
  sac_discrete_read(head, first, last);
}

void sac_discrete_forward(const sac_kernels *k, sac_head *head, const float *s, size_t lds,
                          size_t first, size_t last) {
  forward(k, head, &head->trace, s, lds, first, last);
}

/* --- acting ---------------------------------------------------------------------------------- */

static size_t likeliest(size_t K, const float log_pi[]) {
  size_t best = 0;
  for (size_t a = 1; a < K; a++)
    if (log_pi[a] > log_pi[best]) best = a;
  return best;
}

/* The first action at which the distribution function is above that of the normal z. */
static size_t quantile(size_t K, const float log_pi[], float z) {
  const double u = 0.5 * erfc(-(double)z * 0.70710678118654752440);
  double below = 0.0;
  for (size_t a = 0; a + 1 < K; a++) {
    below += exp((double)log_pi[a]);
    if (u < below) return a;
  }
  return K - 1;
}

void sac_discrete_act(const sac_kernels *k, sac_head *head, const float *obs, const float *noise,
                      size_t first, size_t last) {
  const size_t K = head->outputs;
  forward(k, head, &head->acting, obs, head->O, first, last);
  for (size_t b = first; b < last; b++) {
    const float *log_pi = head->out + b * head->ld_out;
    head->act[b] = (float)(noise ? quantile(K, log_pi, noise[b]) : likeliest(K, log_pi));
  }
}

sac_status sac_discrete_result(const sac_head *head, size_t n, const float *obs, float *act,
                               sac_error *err) {
  const size_t O = head->O;
  for (size_t i = 0; i < n * O; i++)
    if (!isfinite(obs[i]))
      return sac_fail(err, SAC_ERR_DIVERGED, "observation %zu of row %zu is %g", i % O, i / O,
                      (double)obs[i]);
  for (size_t b = 0; b < n; b++)
    if (!isfinite(head->logp[b]))
      return sac_fail(err, SAC_ERR_DIVERGED,
                      "the probabilities of row %zu are not finite: the policy has diverged", b);
  for (size_t b = 0; b < n; b++) act[b] = head->act[b];
  return SAC_OK;
}
