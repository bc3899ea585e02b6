#include "sac/train.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/try.h"
#include "train/explore.h"
#include "train/options.h"

#define SAC_R(name, def, lo, hi, help) \
  {#name, SAC_OPTION_REAL, offsetof(sac_train_options, name), #def, lo, hi, NULL, help},
#define SAC_I(name, def, lo, hi, help) \
  {#name, SAC_OPTION_INT, offsetof(sac_train_options, name), #def, lo, hi, NULL, help},
#define SAC_C(name, def, choices, help) \
  {#name, SAC_OPTION_CHOICE, offsetof(sac_train_options, name), #def, 0, 0, choices, help},
#define SAC_W(name, def, help) \
  {#name, SAC_OPTION_WIDTHS, offsetof(sac_train_options, name), def, 0, 0, NULL, help},
#define SAC_T(name, help) \
  {#name, SAC_OPTION_TEXT, offsetof(sac_train_options, name), "", 0, 0, NULL, help},
static const sac_option table[] = {SAC_TRAIN_OPTIONS(SAC_R, SAC_I, SAC_C, SAC_W, SAC_T)};

enum { TABLE = sizeof table / sizeof *table };

const sac_option *sac_train_option_table(size_t *count) {
  *count = TABLE;
  return table;
}

sac_run_options sac_run_options_default(void) {
  sac_run_options options = {.agent = sac_agent_options_default(), .origin = "defaults"};
  sac_option_defaults(table, TABLE, &options.train);
  return options;
}

static const sac_option_alias aliases[] = {
    {"hidden", 2, {"actor_hidden", "critic_hidden"}},
    {"lr", 3, {"lr_actor", "lr_critic", "lr_alpha"}},
    {"adam_beta1", 3, {"actor_beta1", "critic_beta1", "alpha_beta1"}},
};

enum { ALIASES = sizeof aliases / sizeof *aliases, NAMES_MAX = 256 };

const sac_option_alias *sac_option_aliases(size_t *count) {
  *count = ALIASES;
  return aliases;
}

static int has_row(const sac_option rows[], size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(rows[i].name, name)) return 1;
  return 0;
}

static sac_status unknown(const sac_option agent[], size_t agents, const char *name,
                          sac_error *err) {
  const char *names[NAMES_MAX];
  size_t n = 0;
  for (size_t i = 0; i < agents && n < NAMES_MAX; i++) names[n++] = agent[i].name;
  for (size_t i = 0; i < TABLE && n < NAMES_MAX; i++) names[n++] = table[i].name;
  for (size_t i = 0; i < ALIASES && n < NAMES_MAX; i++) names[n++] = aliases[i].name;
  return sac_fail_unknown("option", name, names, n, "`sac options` lists them all", err);
}

static sac_status set_one(sac_run_options *options, const char *name, const char *text,
                          sac_error *err) {
  size_t agents;
  const sac_option *agent = sac_agent_option_table(&agents);
  if (has_row(table, TABLE, name))
    return sac_option_set(table, TABLE, &options->train, name, text, err);
  if (has_row(agent, agents, name))
    return sac_option_set(agent, agents, &options->agent, name, text, err);
  return unknown(agent, agents, name, err);
}

sac_status sac_run_options_set(sac_run_options *options, const char *name, const char *text,
                               sac_error *err) {
  for (size_t a = 0; a < ALIASES; a++) {
    if (strcmp(name, aliases[a].name)) continue;
    sac_run_options changed = *options; /* all of them or none */
    for (size_t i = 0; i < aliases[a].count; i++)
      SAC_TRY(set_one(&changed, aliases[a].options[i], text, err));
    *options = changed;
    return SAC_OK;
  }
  return set_one(options, name, text, err);
}

sac_status sac_run_options_check(const sac_run_options *options, sac_error *err) {
  SAC_TRY(sac_agent_options_check(&options->agent, err));
  SAC_TRY(sac_option_check(table, TABLE, &options->train, err));
  const sac_train_options *o = &options->train;
  if (o->replay_capacity < 2 * o->envs)
    return sac_fail(err, SAC_ERR_ARG,
                    "replay_capacity = %lld: with envs = %lld it must be at least %lld",
                    (long long)o->replay_capacity, (long long)o->envs, (long long)(2 * o->envs));
  if (o->noise == SAC_NOISE_ZETA && o->noise_hold > SAC_EXPLORE_ZETA_MAX)
    return sac_fail(err, SAC_ERR_ARG, "noise_hold = %lld: with noise = zeta it must be at most %d",
                    (long long)o->noise_hold, SAC_EXPLORE_ZETA_MAX);
  if (o->sde_sample_freq == 0)
    return sac_fail(err, SAC_ERR_ARG,
                    "sde_sample_freq = 0: must be -1, for the whole episode, or in [1, 1000000]");
  return SAC_OK;
}

int64_t sac_run_first_update(const sac_train_options *o) {
  return o->update_after < 0 ? o->warmup : o->update_after;
}
