/* Explicit reparameterization: z = h(eps; theta) with eps free of theta, dE/dtheta =
 * E[f'(z) dh/dtheta]. In one dimension by the transforms; mvn: z = mean + L eps. */
#include "grad/estimators.h"
#include "grad/transform.h"

int sac_grad_explicit_has(const sac_dist *d, size_t i) {
  const int it_is = (sac_dist_estimators(d, i) & SAC_DIST_EXPLICIT) != 0;
  return it_is && (d->dim == 1 ? sac_grad_transform_of(d) != NULL : d->vjp != NULL);
}

sac_status sac_grad_explicit(sac_grad_job *job, const double slope[], double out[],
                             sac_error *err) {
  const size_t n = job->n, P = job->P;
  if (job->D > 1)
    return sac_dist_vjp(job->d, n, job->theta, 0, job->z, job->latent, slope, NULL, out, err);
  sac_grad_transform *transform = sac_grad_transform_of(job->d);
  for (size_t i = 0; i < n; i++) {
    double *dh = out + i * P, unused[4];
    const double dz_dy =
        transform(job->d, job->theta, job->z[i], job->latent + i * job->L, dh, unused);
    for (size_t j = 0; j < P; j++)
      dh[j] = sac_grad_product(slope[i], sac_grad_product(dz_dy, dh[j]));
  }
  return SAC_OK;
}
