/* Implicit reparameterization [IRG18], D = 1: F(z; theta) = u held fixed gives the golden equation
 * v = dz/dtheta = -(dF/dtheta)/q, and dE/dtheta = E[f'(z) v]. */
#include "grad/estimators.h"

int sac_grad_implicit_has(const sac_dist *d, size_t i) {
  return d->dim == 1 && d->velocity && (sac_dist_estimators(d, i) & SAC_DIST_IMPLICIT) != 0;
}

sac_status sac_grad_implicit(sac_grad_job *job, const double slope[], double out[],
                             sac_error *err) {
  return sac_dist_vjp(job->d, job->n, job->theta, 0, job->z, job->latent, slope, NULL, out, err);
}
