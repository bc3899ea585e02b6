#include "sac/agent.h"

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
  return SAC_OK;
}
