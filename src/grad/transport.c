/* Optimal transport for multivariate normals [JO18]: among the fields v that carry q_theta along,
 * v = grad of a potential has the least kinetic energy, and here the least variance near L = I.
 * For mvn it comes from a Lyapunov equation in Sigma, whose eigenvectors are found once; for
 * mvn_diagonal the explicit field is such a gradient already. */
#include "grad/estimators.h"

#include <string.h>

int sac_grad_transport_has(const sac_dist *d, size_t i) {
  return d->dim > 1 && d->vjp && (sac_dist_estimators(d, i) & SAC_DIST_OMT) != 0;
}

sac_status sac_grad_transport(sac_grad_job *job, const double slope[], double out[],
                              sac_error *err) {
  const sac_dist *d = job->d;
  const size_t D = job->D, P = job->P;
  double q[SAC_DIST_MAX_DIM * SAC_DIST_MAX_DIM], lambda[SAC_DIST_MAX_DIM];
  if (!strcmp(d->name, "mvn_diagonal"))
    return sac_dist_vjp(d, job->n, job->theta, 0, job->z, NULL, slope, NULL, out, err);
  SAC_TRY(sac_dist_mvn_eigen(d, job->theta, q, lambda, err));
  for (size_t i = 0; i < job->n; i++)
    SAC_TRY(sac_dist_mvn_omt(d, 1, job->theta, q, lambda, job->z + i * D, slope + i * D,
                             out + i * P, err));
  return SAC_OK;
}
