/* A trained policy alone: the actor of a saved agent, with room for one observation. */
#include "agent/discrete.h"
#include "agent/normalizer.h"
#include "agent/policy.h"
#include "agent/state.h"
#include "base/safetensors.h"
#include "base/try.h"
#include "sac/agent.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sac_policy {
  sac_head head;
  sac_normalizer norm;
  float *seen; /* (O) the normalised observation */
  const sac_kernels *k;
};

static sac_policy *layout(sac_arena *m, size_t O, size_t A, size_t K,
                          const sac_agent_options *options) {
  sac_policy *self = SAC_TAKE(m, sac_policy, 1), measuring;
  sac_policy *p = self ? self : &measuring;
  if (K)
    sac_discrete_layout(m, &p->head, O, K, options, 1, 0);
  else
    sac_head_layout(m, &p->head, O, A, options, 1, 0);
  sac_normalizer_layout(m, &p->norm, O, options);
  p->seen = SAC_TAKE(m, float, O);
  return self;
}

/* A size from the metadata; the file is checked, not trusted. */
static sac_status read_size(const sac_safetensors *file, const char *path, const char *key,
                            size_t *value, sac_error *err) {
  enum { LARGEST_DIM = 1 << 20 };
  const char *text;
  SAC_TRY(sac_safetensors_meta(file, key, &text, err));
  char *end;
  const unsigned long n = strtoul(text, &end, 10);
  if (*end || n < 1 || n > LARGEST_DIM)
    return sac_fail(err, SAC_ERR_FORMAT, "%s: %s = \"%s\": must be a number in [1, %d]", path, key,
                    text, LARGEST_DIM);
  *value = n;
  return SAC_OK;
}

static sac_status read_options(const sac_safetensors *file, const char *path,
                               sac_agent_options *options, sac_error *err) {
  size_t rows;
  const sac_option *table = sac_agent_option_table(&rows);
  *options = sac_agent_options_default();
  for (size_t i = 0; i < rows; i++) {
    char key[64];
    const char *text;
    sac_error cause = {0};
    snprintf(key, sizeof key, "option.%s", table[i].name);
    if (sac_safetensors_meta(file, key, &text, NULL) != SAC_OK) continue; /* newer than the file */
    if (sac_option_set(table, rows, options, table[i].name, text, &cause) != SAC_OK)
      return sac_fail(err, SAC_ERR_FORMAT, "%s: %s", path, cause.msg);
  }
  return SAC_OK;
}

static sac_status read_row(const sac_safetensors *file, const char *name, float *data, size_t n,
                           sac_error *err) {
  sac_tensor t = {.dtype = SAC_F32, .rows = 1, .cols = n, .stride = n, .data = data};
  snprintf(t.name, sizeof t.name, "%s", name);
  return sac_safetensors_read(file, &t, err);
}

static sac_status read_weights(const sac_safetensors *file, const sac_kernels *k, sac_head *head,
                               sac_error *err) {
  sac_tensor tensors[SAC_NETWORK_TENSORS_MAX];
  const size_t count = sac_network_tensors("actor", &head->net, tensors);
  for (size_t i = 0; i < count; i++) SAC_TRY(sac_safetensors_read(file, &tensors[i], err));
  sac_mlp_refresh(k, &head->net);
  if (head->gsde.H) {
    const sac_gsde *g = &head->gsde;
    sac_tensor t = {"actor.log_std", SAC_F32, g->H, g->A, g->ld, g->log_std};
    SAC_TRY(sac_safetensors_read(file, &t, err));
    sac_gsde_refresh(&head->gsde);
  }
  SAC_TRY(read_row(file, "action_mid", head->mid, head->A, err));
  return read_row(file, "action_half", head->half, head->A, err);
}

static sac_status read_normalizer(const sac_safetensors *file, sac_normalizer *n, sac_error *err) {
  sac_tensor tensors[SAC_NORMALIZER_TENSORS];
  const size_t count = sac_normalizer_tensors(n, tensors);
  for (size_t i = 0; i < count; i++) SAC_TRY(sac_safetensors_read(file, &tensors[i], err));
  sac_normalizer_restored(n);
  return SAC_OK;
}

/* How many discrete actions there are, by the bounds; 0 for a policy of continuous ones. */
static sac_status read_choices(const sac_safetensors *file, const char *path,
                               const sac_agent_options *options, size_t A, size_t *K,
                               sac_error *err) {
  float mid = 0.0f, half = 0.0f;
  if (!sac_is_discrete(options)) return SAC_OK;
  SAC_TRY(read_row(file, "action_mid", &mid, 1, err));
  SAC_TRY(read_row(file, "action_half", &half, 1, err));
  const double low = (double)mid - (double)half, high = (double)mid + (double)half;
  sac_error cause = {.msg = ""};
  if (sac_discrete_check(options, A, &low, &high, K, &cause) == SAC_OK) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%s: %.300s", path, cause.msg);
}

static sac_status check_head(const char *path, const sac_agent_options *options, size_t A,
                             sac_error *err) {
  if (sac_is_discrete(options)) return SAC_OK;
  sac_dist d;
  sac_error cause = {.msg = ""};
  if (sac_head_dist(sac_head_kind_of(options), options, A, &d, &cause) == SAC_OK) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%s: %s", path, cause.msg);
}

static sac_status load(const sac_safetensors *file, const char *path, sac_policy **out,
                       sac_error *err) {
  size_t O = 0, A = 0, K = 0;
  sac_agent_options options;
  SAC_TRY(read_size(file, path, "obs_dim", &O, err));
  SAC_TRY(read_size(file, path, "act_dim", &A, err));
  SAC_TRY(read_options(file, path, &options, err));
  SAC_TRY(check_head(path, &options, A, err));
  SAC_TRY(read_choices(file, path, &options, A, &K, err));
  sac_arena m = {0};
  layout(&m, O, A, K, &options);
  const size_t size = m.used;
  m = (sac_arena){.base = sac_arena_block(size)};
  if (!m.base) return sac_fail(err, SAC_ERR_NOMEM, "no memory for a policy of %zu bytes", size);
  sac_policy *p = layout(&m, O, A, K, &options);
  p->k = sac_kernels_get();
  p->head.map = sac_head_map(&options);
  sac_status status = read_weights(file, p->k, &p->head, err);
  if (status == SAC_OK) status = read_normalizer(file, &p->norm, err);
  for (size_t j = 0; options.entropy_space == SAC_ENTROPY_ENVIRONMENT && j < A; j++)
    p->head.log_scale += log((double)p->head.half[j]);
  if (status != SAC_OK)
    free(p);
  else
    *out = p;
  return status;
}

sac_status sac_policy_load(const char *path, sac_policy **out, sac_error *err) {
  sac_safetensors *file;
  SAC_TRY(sac_safetensors_open(path, &file, err));
  const sac_status status = load(file, path, out, err);
  sac_safetensors_close(file);
  return status;
}

void sac_policy_destroy(sac_policy *policy) {
  free(policy);
}

size_t sac_policy_obs_dim(const sac_policy *policy) {
  return policy->head.O;
}

size_t sac_policy_act_dim(const sac_policy *policy) {
  return policy->head.A;
}

sac_status sac_policy_entropy(sac_policy *policy, const float obs[], double *entropy,
                              sac_error *err) {
  sac_head *head = &policy->head;
  if (sac_is_discrete(&head->opt))
    return sac_fail(err, SAC_ERR_ARG, "the policy chooses among numbers: no entropy in [-1, 1]");
  sac_normalize(&policy->norm, obs, policy->seen);
  sac_head_forward(policy->k, head, policy->seen, head->O, 0, 1);
  sac_work_map(head, 0, 1);
  if (!head->work.d.entropy)
    return sac_fail(
        err, SAC_ERR_ARG,
        "policy = %s with %zu actions: there is no formula for its entropy; take the mean "
        "of -log pi",
        head->work.kind->name, head->A);
  const double value = sac_head_entropy(head, 0);
  if (!isfinite(value))
    return sac_fail(err, SAC_ERR_DIVERGED,
                    "the policy's entropy is %g: an observation or an output "
                    "of the network is not finite",
                    value);
  *entropy = value;
  return SAC_OK;
}

sac_status sac_policy_act(sac_policy *policy, const float obs[], const float noise[], float act[],
                          sac_error *err) {
  sac_normalize(&policy->norm, obs, policy->seen);
  if (sac_is_discrete(&policy->head.opt)) {
    sac_discrete_act(policy->k, &policy->head, policy->seen, noise, 0, 1);
    return sac_discrete_result(&policy->head, 1, obs, act, err);
  }
  sac_head_act(policy->k, &policy->head, policy->seen, noise, 0, 1);
  return sac_head_result(&policy->head, 1, obs, act, err);
}
