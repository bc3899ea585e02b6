#include "agent/state.h"

#include "agent/handle.h"
#include "base/try.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
  sac_tensor *out;
  size_t count;
};

static void add(struct list *list, const char *name, sac_dtype dtype, void *data, size_t rows,
                size_t cols, size_t stride) {
  const size_t at = list->count++;
  if (!list->out) return;
  sac_tensor *t = &list->out[at];
  *t = (sac_tensor){.dtype = dtype, .rows = rows, .cols = cols, .stride = stride, .data = data};
  snprintf(t->name, sizeof t->name, "%s", name);
}

static void add_columns(struct list *list, const char *name, size_t l, const char *what,
                        float *columns, size_t count) {
  char full[64];
  snprintf(full, sizeof full, "%s.%zu.%s", name, l, what);
  add(list, full, SAC_F32, columns, 1, count, count);
}

/* gamma and beta of one copy of a norm's parameters. */
static void add_norm(struct list *list, const char *name, size_t l, int after, const sac_mlp *net,
                     float *w) {
  const sac_norm *norm = after ? &net->layer[l].after : &net->layer[l].before;
  if (!norm->width) return;
  float *gamma = w + norm->offset, *beta = gamma + sac_padded(norm->width);
  add_columns(list, name, l, after ? "after.gamma" : "before.gamma", gamma, norm->width);
  if (norm->kind == SAC_NORM_RMS) return; /* it has no beta */
  add_columns(list, name, l, after ? "after.beta" : "before.beta", beta, norm->width);
}

/* The running statistics beside the parameters, or beside the target's. */
static void add_statistics(struct list *list, const char *name, const sac_mlp *net, int target) {
  for (size_t l = 0; l < net->layers; l++)
    for (int after = 0; after < 2; after++) {
      const sac_norm *norm = after ? &net->layer[l].after : &net->layer[l].before;
      float *mean = target ? norm->target_mean : norm->mean;
      float *var = target ? norm->target_var : norm->var;
      if (!mean) continue;
      add_columns(list, name, l, after ? "after.mean" : "before.mean", mean, norm->width);
      add_columns(list, name, l, after ? "after.var" : "before.var", var, norm->width);
    }
}

/* The weights (in, out) and biases (1, out) of one copy of a network's parameters; not the padding,
 * which is zero always. */
static void add_parameters(struct list *list, const char *name, const sac_mlp *net, float *w) {
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    float *W = w + layer->offset;
    char full[64];
    snprintf(full, sizeof full, "%s.%zu.weight", name, l);
    add(list, full, SAC_F32, W, layer->in, layer->out, layer->ld);
    snprintf(full, sizeof full, "%s.%zu.bias", name, l);
    if (!layer->biasless)
      add(list, full, SAC_F32, W + layer->in * layer->ld, 1, layer->out, layer->ld);
    if (layer->gain.width)
      add_columns(list, name, l, layer->skip ? "alpha" : "scaler", w + layer->gain.offset,
                  layer->gain.width);
    add_norm(list, name, l, 0, net, w);
    add_norm(list, name, l, 1, net, w);
  }
}

size_t sac_network_tensors(const char *name, sac_mlp *net, sac_tensor out[]) {
  struct list list = {out, 0};
  add_parameters(&list, name, net, net->w);
  add_statistics(&list, name, net, 0);
  return list.count;
}

static void add_network(struct list *list, const char *name, sac_mlp *net) {
  char full[48];
  list->count += sac_network_tensors(name, net, list->out ? list->out + list->count : NULL);
  snprintf(full, sizeof full, "%s.norm_passes", name);
  if (net->passes) add(list, full, SAC_U64, net->passes, 1, 2, 2);
  snprintf(full, sizeof full, "%s.adam_m", name);
  add_parameters(list, full, net, net->m);
  snprintf(full, sizeof full, "%s.adam_v", name);
  add_parameters(list, full, net, net->v);
  if (!net->target) return;
  snprintf(full, sizeof full, "%s.target", name);
  add_parameters(list, full, net, net->target);
  add_statistics(list, full, net, 1);
}

/* log S of state-dependent noise, and its moments */
static void add_noise(struct list *list, const sac_gsde *g) {
  add(list, "actor.log_std", SAC_F32, g->log_std, g->H, g->A, g->ld);
  add(list, "actor.adam_m.log_std", SAC_F32, g->m, g->H, g->A, g->ld);
  add(list, "actor.adam_v.log_std", SAC_F32, g->v, g->H, g->A, g->ld);
}

size_t sac_agent_tensors(sac_agent *g, sac_tensor out[]) {
  struct list list = {out, 0};
  add_network(&list, "actor", &g->pi.net);
  if (g->pi.gsde.H) add_noise(&list, &g->pi.gsde);
  for (size_t j = 0; j < g->N; j++) {
    char name[32];
    snprintf(name, sizeof name, "critic%zu", j + 1);
    add_network(&list, name, &g->q[j].net);
  }
  if (g->opt.value == SAC_VALUE_V) add_network(&list, "value", &g->v);
  add(&list, "temperature", SAC_F64, &g->temperature, 1, 4, 4);
  add(&list, "updates", SAC_U64, &g->updates, 1, 1, 1);
  add(&list, "actor_updates", SAC_U64, &g->actor_updates, 1, 1, 1);
  add(&list, "action_mid", SAC_F32, g->pi.mid, 1, g->A, g->A);
  add(&list, "action_half", SAC_F32, g->pi.half, 1, g->A, g->A);
  sac_tensor observed[SAC_NORMALIZER_TENSORS + SAC_REWARD_NORM_TENSORS];
  size_t count = sac_normalizer_tensors(&g->norm, observed);
  count += sac_reward_norm_tensors(&g->reward_norm, observed + count);
  for (size_t i = 0; i < count; i++, list.count++)
    if (out) out[list.count] = observed[i];
  return list.count;
}

void sac_agent_restored(sac_agent *g) {
  sac_normalizer_restored(&g->norm);
  sac_mlp_refresh(g->k, &g->pi.net);
  if (g->pi.gsde.H) sac_gsde_refresh(&g->pi.gsde);
  for (size_t j = 0; j < g->N; j++) sac_mlp_refresh(g->k, &g->q[j].net);
  if (g->opt.value == SAC_VALUE_V) sac_mlp_refresh(g->k, &g->v);
}

/* The metadata for these facts; returns how many. */
static size_t metas_of(const sac_agent_facts *f, sac_meta out[SAC_AGENT_METAS_MAX]) {
  size_t rows, n = 0;
  const sac_option *table = sac_agent_option_table(&rows);
  const struct {
    const char *key;
    uint64_t value;
  } sizes[] = {{"obs_dim", f->O}, {"act_dim", f->A}, {"seed", f->seed}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, n++) {
    snprintf(out[n].key, sizeof out[n].key, "%s", sizes[i].key);
    snprintf(out[n].value, sizeof out[n].value, "%llu", (unsigned long long)sizes[i].value);
  }
  for (size_t i = 0; i < rows && n < SAC_AGENT_METAS_MAX; i++, n++) {
    snprintf(out[n].key, sizeof out[n].key, "option.%s", table[i].name);
    sac_option_get(&table[i], f->options, out[n].value, sizeof out[n].value);
  }
  return n;
}

size_t sac_agent_metas(const sac_agent *g, sac_meta out[SAC_AGENT_METAS_MAX]) {
  const sac_agent_facts facts = {.options = &g->opt, .O = g->O, .A = g->A, .seed = g->seed};
  return metas_of(&facts, out);
}

/* --- checking a file ----------------------------------------------------------------------- */

static int is_option(const char *key) {
  return strncmp(key, "option.", 7) == 0;
}

/* What an option was called in older files, or NULL. */
static const char *former_key(const char *key) {
  static const char *const now[] = {"option.actor_beta1", "option.critic_beta1",
                                    "option.alpha_beta1"};
  for (size_t i = 0; i < sizeof now / sizeof *now; i++)
    if (!strcmp(key, now[i])) return "option.adam_beta1";
  return NULL;
}

static sac_status check_meta(const sac_safetensors *file, const char *path, const sac_meta *own,
                             const char *whose, sac_error *err) {
  const char *found = NULL;
  const char *former = former_key(own->key);
  sac_status status = sac_safetensors_meta(file, own->key, &found, err);
  if (status != SAC_OK && former) status = sac_safetensors_meta(file, former, &found, err);
  if (status != SAC_OK) return is_option(own->key) ? SAC_OK : status;
  if (strcmp(found, own->value) == 0) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%.200s: %s = %.100s, %s %.100s", path, own->key, found,
                  whose, own->value);
}

/* The file's actions are scaled as they are here: "action_mid" and "action_half" are derived from
 * the bounds, and a policy under other bounds would be another policy. */
static sac_status check_scale(const sac_safetensors *file, const char *path, const char *name,
                              size_t A, const float own[], sac_error *err) {
  sac_tensor found = {.dtype = SAC_F32, .rows = 1, .cols = A, .stride = A};
  snprintf(found.name, sizeof found.name, "%s", name);
  found.data = malloc(A * sizeof *own);
  if (!found.data) return sac_fail(err, SAC_ERR_NOMEM, "agent: no memory for the action bounds");
  sac_status status = sac_safetensors_read(file, &found, err);
  if (status == SAC_OK && memcmp(found.data, own, A * sizeof *own) != 0)
    status = sac_fail(err, SAC_ERR_FORMAT,
                      "%.200s: %s differs: the file's agent has other action bounds", path, name);
  free(found.data);
  return status;
}

sac_status sac_agent_check_file(const sac_safetensors *file, const char *path,
                                const sac_agent_facts *f, sac_error *err) {
  sac_meta metas[SAC_AGENT_METAS_MAX];
  const size_t count = metas_of(f, metas);
  for (size_t i = 0; i < count; i++) SAC_TRY(check_meta(file, path, &metas[i], f->whose, err));
  SAC_TRY(check_scale(file, path, "action_mid", f->A, f->mid, err));
  return check_scale(file, path, "action_half", f->A, f->half, err);
}
