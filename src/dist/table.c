/* The one-dimensional distributions by name. */
#include "dist/family.h"

#include <string.h>

static const sac_dist *const table[] = {
    &sac_dist_normal,
    &sac_dist_log_normal,
    &sac_dist_tanh_normal,
    &sac_dist_laplace,
    &sac_dist_logistic,
    &sac_dist_cauchy,
    &sac_dist_gumbel,
    &sac_dist_weibull,
    &sac_dist_exponential,
    &sac_dist_half_normal,
    &sac_dist_gamma,
    &sac_dist_inverse_gamma,
    &sac_dist_chi_squared,
    &sac_dist_beta,
    &sac_dist_kumaraswamy,
    &sac_dist_student_t,
    &sac_dist_von_mises,
    &sac_dist_truncated_normal,
    &sac_dist_inverse_gaussian,
    &sac_dist_generalized_normal,
    &sac_dist_bernoulli,
    &sac_dist_poisson,
};

const sac_dist *sac_dist_list(size_t i) {
  return i < SAC_COUNT(table) ? table[i] : NULL;
}

const sac_dist *sac_dist_find(const char *name) {
  for (size_t i = 0; name && i < SAC_COUNT(table); i++)
    if (!strcmp(table[i]->name, name)) return table[i];
  return NULL;
}

const sac_dist_param *sac_dist_parameter(const sac_dist *d, size_t i) {
  if (d->component && i >= d->components)
    return sac_dist_parameter(d->component, (i - d->components) % d->component->params);
  return &d->param[d->kind ? d->kind(d, i) : i];
}

unsigned sac_dist_estimators(const sac_dist *d, size_t i) {
  /* a component's parameter moves z through the mixture's F only */
  if (d->component) return SAC_DIST_IMPLICIT | SAC_DIST_SCORE;
  return sac_dist_parameter(d, i)->estimators;
}
