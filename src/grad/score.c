/* The score function: dE/dtheta = E[f(z) s(z)], s = d log q/dtheta, for any q and any f. */
#include "grad/estimators.h"

/* Where a parameter is itself an end of the support, Leibniz' rule has a boundary term, and s does
 * not have mean zero. */
static int moves_the_support(const sac_dist *d, size_t i) {
  if (d->component)
    return i >= d->components &&
           moves_the_support(d->component, (i - d->components) % d->component->params);
  return sac_grad_is(d, &sac_dist_truncated_normal) && i >= 2;
}

int sac_grad_score_has(const sac_dist *d, size_t i) {
  return d->score && (sac_dist_estimators(d, i) & SAC_DIST_SCORE) != 0 && !moves_the_support(d, i);
}

sac_status sac_grad_score(sac_grad_job *job, sac_error *err) {
  SAC_TRY(sac_grad_draw(job, err));
  SAC_TRY(sac_grad_call_f(job, job->theta, job->z, job->f, err));
  for (size_t i = 0; i < job->n * job->P; i++) job->g[i] = 0.0; /* nothing but f w */
  return sac_dist_score(job->d, job->n, job->theta, 0, job->z, job->latent, job->w, err);
}
