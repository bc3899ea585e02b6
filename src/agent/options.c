#include "sac/agent.h"

#include <string.h>

#include "base/try.h"

#define R(name, def, lo, hi, help) \
  {#name, SAC_OPTION_REAL, offsetof(sac_agent_options, name), #def, lo, hi, NULL, help},
#define I(name, def, lo, hi, help)       \
  {                                      \
      #name,                             \
      SAC_OPTION_INT,                    \
      offsetof(sac_agent_options, name), \
      #def,                              \
      (double)(lo),                      \
      (double)(hi),                      \
      NULL,                              \
      help},
#define C(name, def, choices, help) \
  {#name, SAC_OPTION_CHOICE, offsetof(sac_agent_options, name), #def, 0, 0, choices, help},
#define W(name, def, help) \
  {#name, SAC_OPTION_WIDTHS, offsetof(sac_agent_options, name), def, 1, 16384, NULL, help},
static const sac_option table[] = {SAC_AGENT_OPTIONS(R, I, C, W)};
#undef R
#undef I
#undef C
#undef W

enum { ROWS = sizeof table / sizeof *table };

const sac_option *sac_agent_option_table(size_t *count) {
  *count = ROWS;
  return table;
}

sac_agent_options sac_agent_options_default(void) {
  sac_agent_options options;
  sac_option_defaults(table, ROWS, &options);
  return options;
}

/* Whether a network with norms of this kind normalises over the batch; a body has its own. */
static int is_of_batch(const sac_agent_options *o, int kind) {
  return kind == SAC_NORMS_BATCH || kind == SAC_NORMS_RENORM || o->body == SAC_BODY_FLASH;
}

/* Norms of a batch that are folded into the product behind them. */
static int goes_with_bf16(const sac_agent_options *o) {
  const int some = o->critic_norm || o->actor_norm, inputs = o->norm_place == SAC_NORM_PLACE_INPUTS;
  const int critics = !o->critic_norm || is_of_batch(o, o->critic_norm);
  const int actor = !o->actor_norm || is_of_batch(o, o->actor_norm);
  return o->critic_dropout == 0.0 && critics && actor && (inputs || !some);
}

/* The norms, and what does not go with them. */
static sac_status check_norms(const sac_agent_options *o, sac_error *err) {
  const int dropout = o->critic_dropout > 0.0;
  const int batch = is_of_batch(o, o->critic_norm) || is_of_batch(o, o->actor_norm);
  if (o->precision == SAC_PRECISION_BF16 && !goes_with_bf16(o))
    return sac_fail(err, SAC_ERR_ARG,
                    "precision = bf16: only for networks without dropout and without normalisers, "
                    "or with batch or renorm at norm_place = inputs; set precision = fp32, or "
                    "critic_norm, actor_norm = none, batch or renorm, norm_place = inputs and "
                    "critic_dropout = 0");
  if (o->norm_input == SAC_NORM_INPUT_YES && !batch)
    return sac_fail(err, SAC_ERR_ARG,
                    "norm_input = yes: needs critic_norm or actor_norm = batch or renorm; the "
                    "input's columns are normalised over the batch");
  if (o->norm_unbiased == SAC_NORM_UNBIASED_YES && !batch)
    return sac_fail(
        err, SAC_ERR_ARG,
        "norm_unbiased = yes: needs critic_norm or actor_norm = batch or renorm, or body "
        "= flash, which have running variances");
  if (o->actor_joint == SAC_ACTOR_JOINT_YES && !is_of_batch(o, o->actor_norm))
    return sac_fail(err, SAC_ERR_ARG,
                    "actor_joint = yes: needs actor_norm = batch or renorm, or body = flash; "
                    "otherwise a row's output does not depend on the other rows");
  if (dropout && is_of_batch(o, o->critic_norm))
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_dropout = %g: not with critic_norm = batch or renorm, whose running "
                    "statistics would be of the thinned network only; set one of them off",
                    o->critic_dropout);
  if (dropout && o->value == SAC_VALUE_V)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_dropout = %g: not with value = v, whose value network would be whole; "
                    "set value = q",
                    o->critic_dropout);
  if (batch && o->batch < 2)
    return sac_fail(err, SAC_ERR_ARG,
                    "batch = %lld: norms of a batch take a variance over the batch, which needs 2 "
                    "or more",
                    (long long)o->batch);
  if (is_of_batch(o, o->critic_norm) && o->value == SAC_VALUE_V)
    return sac_fail(
        err, SAC_ERR_ARG,
        "value = v: not with critic_norm = batch or renorm or body = flash, whose target sees "
        "[s,a] and [s',a'] in one batch; set value = q");
  return SAC_OK;
}

static int all_equal(const sac_widths *w) {
  for (uint32_t i = 1; i < w->count; i++)
    if (w->width[i] != w->width[0]) return 0;
  return 1;
}

enum { WORD_MAX = 32 };

/* The value of the option `name` as its row of the table spells it. */
static void value_of(const sac_agent_options *o, const char *name, char text[WORD_MAX]) {
  for (size_t i = 0; i < ROWS; i++)
    if (!strcmp(table[i].name, name)) sac_option_get(&table[i], o, text, WORD_MAX);
}

/* A body has norms of its own, in places of its own. */
static sac_status check_body(const sac_agent_options *o, sac_error *err) {
  char name[WORD_MAX];
  value_of(o, "body", name);
  if (o->body == SAC_BODY_PLAIN && o->init == SAC_INIT_BODY)
    return sac_fail(err, SAC_ERR_ARG,
                    "init = body: weights as a body's authors draw them; body = plain has none, "
                    "choose another init");
  if (o->body == SAC_BODY_PLAIN) return SAC_OK;
  if (o->critic_norm || o->actor_norm || o->norm_place || o->norm_input)
    return sac_fail(err, SAC_ERR_ARG,
                    "body = %s: has normalisers of its own; leave critic_norm, actor_norm, "
                    "norm_place and norm_input as they are by default",
                    name);
  if (!all_equal(&o->actor_hidden) || !all_equal(&o->critic_hidden))
    return sac_fail(err, SAC_ERR_ARG,
                    "body = %s: actor_hidden and critic_hidden are one width a block, and all of "
                    "a network's blocks are as wide, such as 512,512",
                    name);
  if (o->critic_dropout > 0.0)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_dropout = %g: only with body = plain; the layers of other bodies are "
                    "not thinned, set critic_dropout = 0",
                    o->critic_dropout);
  if (o->precision == SAC_PRECISION_BF16)
    return sac_fail(err, SAC_ERR_ARG,
                    "precision = bf16: only with body = plain; the norms and the sums of other "
                    "bodies are in fp32 alone, set precision = fp32");
  if (o->policy == SAC_POLICY_GSDE)
    return sac_fail(err, SAC_ERR_ARG,
                    "policy = gsde: only with body = plain, whose last hidden layer its noise is "
                    "made of");
  return SAC_OK;
}

static sac_status check_projection(const sac_agent_options *o, sac_error *err) {
  const int norms = o->weight_projection == SAC_WEIGHT_PROJECTION_UNIT_NORMS;
  if (o->weight_projection == SAC_WEIGHT_PROJECTION_NONE) return SAC_OK;
  if (o->precision == SAC_PRECISION_BF16 || o->value == SAC_VALUE_V)
    return sac_fail(err, SAC_ERR_ARG,
                    "weight_projection = %s: only with precision = fp32 and value = q; neither "
                    "weights in bf16 nor those of a value network are projected",
                    norms ? "unit_norms" : "unit");
  if (norms && !o->critic_norm && !o->actor_norm &&
      (o->body == SAC_BODY_PLAIN || o->body == SAC_BODY_SIMBAV2))
    return sac_fail(err, SAC_ERR_ARG,
                    "weight_projection = unit_norms: there is no norm to project; set critic_norm "
                    "or actor_norm, or weight_projection = unit");
  return SAC_OK;
}

/* The ensemble, and where its target comes from. */
static sac_status check_critics(const sac_agent_options *o, sac_error *err) {
  if (o->critic_target == SAC_CRITIC_TARGET_NONE && o->critic_norm == SAC_NORMS_NONE &&
      o->body == SAC_BODY_PLAIN)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_target = none: critics that are their own target run away unless their "
                    "layers are normalised; set critic_norm, or critic_target = ema");
  if (o->critic_target == SAC_CRITIC_TARGET_NONE && o->value == SAC_VALUE_V)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_target = none: with value = v the bootstrap is the value network's "
                    "target, and critics have none; leave critic_target = ema");
  if (o->critic_subset > o->critics)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_subset = %lld: must be at most critics = %lld, of which it is drawn",
                    (long long)o->critic_subset, (long long)o->critics);
  return SAC_OK;
}

/* Critics of distributions. */
static sac_status check_distributions(const sac_agent_options *o, sac_error *err) {
  if (o->critic_head == SAC_CRITIC_SCALAR) return SAC_OK;
  const char *name = o->critic_head == SAC_CRITIC_CATEGORICAL ? "categorical" : "quantile";
  if (o->value == SAC_VALUE_V)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_head = %s: with value = v critics learn from V, which is one number; "
                    "set value = q",
                    name);
  if (o->policy == SAC_POLICY_CATEGORICAL)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_head = %s: critics of discrete actions have one output an action; "
                    "policy = categorical needs critic_head = scalar",
                    name);
  if (o->critic_loss != SAC_CRITIC_HALF_MSE)
    return sac_fail(err, SAC_ERR_ARG,
                    "critic_loss: critic_head = %s has a loss of its own; leave critic_loss = "
                    "half_mse",
                    name);
  if (o->critic_head == SAC_CRITIC_CATEGORICAL && !(o->value_min < o->value_max))
    return sac_fail(err, SAC_ERR_ARG, "value_min = %g: must be below value_max = %g", o->value_min,
                    o->value_max);
  if (o->critic_head == SAC_CRITIC_QUANTILE && o->quantile_drop >= o->critic_quantiles)
    return sac_fail(err, SAC_ERR_ARG,
                    "quantile_drop = %lld: must be below critic_quantiles = %lld, or no target is "
                    "left",
                    (long long)o->quantile_drop, (long long)o->critic_quantiles);
  return SAC_OK;
}

sac_status sac_agent_options_check(const sac_agent_options *options, sac_error *err) {
  SAC_TRY(sac_option_check(table, ROWS, options, err));
  if (!(options->log_std_min < options->log_std_max))
    return sac_fail(err, SAC_ERR_ARG, "log_std_min = %g: must be below log_std_max = %g",
                    options->log_std_min, options->log_std_max);
  if (!(options->alpha_min < options->alpha_max))
    return sac_fail(err, SAC_ERR_ARG, "alpha_min = %g: must be below alpha_max = %g",
                    options->alpha_min, options->alpha_max);
  if (options->temperature == SAC_TEMPERATURE_LEARNED &&
      !(options->alpha_min <= options->alpha && options->alpha <= options->alpha_max))
    return sac_fail(err, SAC_ERR_ARG,
                    "alpha = %g: a learned temperature must start in [alpha_min, alpha_max] = "
                    "[%g, %g]",
                    options->alpha, options->alpha_min, options->alpha_max);
  if (!(options->concentration_log_min < options->concentration_log_max))
    return sac_fail(err, SAC_ERR_ARG,
                    "concentration_log_min = %g: must be below concentration_log_max = %g",
                    options->concentration_log_min, options->concentration_log_max);
  if (options->actor_estimator == SAC_ESTIMATOR_SCORE_LOO && options->actor_samples < 2)
    return sac_fail(err, SAC_ERR_ARG,
                    "actor_samples = %lld: actor_estimator = score_loo needs 2 or more, since each "
                    "sample's baseline is the mean of the others",
                    (long long)options->actor_samples);
  SAC_TRY(check_body(options, err));
  SAC_TRY(check_projection(options, err));
  SAC_TRY(check_critics(options, err));
  SAC_TRY(check_distributions(options, err));
  return check_norms(options, err);
}
