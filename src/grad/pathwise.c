/* Pathwise gradients in more than one dimension [JO18]: any field v with d_theta q + div(q v) = 0
 * carries q_theta along, and dE/dtheta = E[grad f(z) . v]. Dirichlet: the marginal betas'
 * velocities, the other coordinates keeping their proportions. Mixtures [IRG18]: the distributional
 * transform, F(z_i | z_1 ... z_(i-1)) held fixed. Normals have `explicit` and `transport`. */
#include "grad/estimators.h"

int sac_grad_pathwise_has(const sac_dist *d, size_t i) {
  const unsigned bits = sac_dist_estimators(d, i);
  return d->dim > 1 && d->vjp && (bits & SAC_DIST_IMPLICIT) && !(bits & SAC_DIST_EXPLICIT);
}

sac_status sac_grad_pathwise(sac_grad_job *job, const double slope[], double out[],
                             sac_error *err) {
  return sac_dist_vjp(job->d, job->n, job->theta, 0, job->z, job->latent, slope, NULL, out, err);
}
