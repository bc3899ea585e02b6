/* The options' table and the table of estimators. */
#include "grad/estimators.h"

#define C(name, def, choices, help) \
  {#name, SAC_OPTION_CHOICE, offsetof(sac_grad_options, name), #def, 0, 0, choices, help},
#define I(name, def, lo, hi, help) \
  {#name, SAC_OPTION_INT, offsetof(sac_grad_options, name), #def, lo, hi, NULL, help},
#define R(name, def, lo, hi, help) \
  {#name, SAC_OPTION_REAL, offsetof(sac_grad_options, name), #def, lo, hi, NULL, help},
static const sac_option options_table[] = {SAC_GRAD_OPTIONS(C, I, R)};
#undef C
#undef I
#undef R

const sac_option *sac_grad_option_table(size_t *count) {
  *count = SAC_COUNT(options_table);
  return options_table;
}

sac_grad_options sac_grad_options_default(void) {
  sac_grad_options options;
  sac_option_defaults(options_table, SAC_COUNT(options_table), &options);
  return options;
}

void sac_grad_estimator_name(int estimator, char name[SAC_GRAD_NAME]) {
  const sac_grad_options o = {.estimator = estimator};
  sac_option_get(&options_table[0], &o, name, SAC_GRAD_NAME);
}

void sac_grad_baseline_name(int baseline, char name[SAC_GRAD_NAME]) {
  const sac_grad_options o = {.baseline = baseline};
  sac_option_get(&options_table[1], &o, name, SAC_GRAD_NAME);
}

#define WEIGHTED(name) .has = sac_grad_##name##_has, .run = sac_grad_##name, .weighted = 1
#define CARRY(name)    .has = sac_grad_##name##_has, .carry = sac_grad_##name, .needs_df = 1
static const sac_grad_estimator table[SAC_GRAD_ESTIMATORS] = {
    [SAC_GRAD_SCORE] = {WEIGHTED(score)},
    [SAC_GRAD_EXPLICIT] = {CARRY(explicit)},
    [SAC_GRAD_IMPLICIT] = {CARRY(implicit)},
    [SAC_GRAD_GENERALIZED] = {WEIGHTED(generalized), .needs_df = 1},
    [SAC_GRAD_REJECTION] = {WEIGHTED(rejection), .needs_df = 1},
    [SAC_GRAD_TRANSPORT] = {CARRY(transport)},
    [SAC_GRAD_PATHWISE] = {CARRY(pathwise)},
    [SAC_GRAD_GAMMA_RATIO] = {CARRY(gamma_ratio), .draw = sac_grad_gamma_ratio_draw},
    [SAC_GRAD_MEASURE_VALUED] = {.has = sac_grad_measure_valued_has,
                                 .run = sac_grad_measure_valued,
                                 .own_pairs = 1},
    [SAC_GRAD_MEASURE_VALUED_UNCOUPLED] = {.has = sac_grad_measure_valued_has,
                                           .run = sac_grad_measure_valued_uncoupled,
                                           .own_pairs = 1},
    [SAC_GRAD_FINITE_DIFFERENCE] = {.has = sac_grad_finite_difference_has,
                                    .run = sac_grad_finite_difference,
                                    .whole = 1},
};

const sac_grad_estimator *sac_grad_estimator_row(int estimator) {
  return &table[estimator];
}

int sac_grad_has(const sac_dist *d, int estimator, size_t i) {
  if (estimator == SAC_GRAD_AUTO) return 1;
  return estimator > 0 && estimator < SAC_GRAD_ESTIMATORS && table[estimator].has &&
         table[estimator].has(d, i);
}
