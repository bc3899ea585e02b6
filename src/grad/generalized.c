/* Generalized reparameterization [GREP16]: z = T(eps; theta), a transform whose eps still depends
 * on theta, but weakly. With q_eps the density of eps, dE/dtheta = E[f'(z) dT/dtheta + f(z) w], w =
 * d log q_eps(eps; theta)/dtheta at fixed eps = d log q/dtheta + d log q/dz dT/dtheta + d
 * log|dT/deps|/dtheta, and w = 0 where the transform is an explicit one. A Dirichlet is transformed
 * gamma by gamma. */
#include "grad/estimators.h"
#include "grad/gammas.h"
#include "grad/transform.h"

int sac_grad_generalized_has(const sac_dist *d, size_t i) {
  const int it_is = (sac_dist_estimators(d, i) & SAC_DIST_GREP) != 0;
  return it_is && (sac_grad_transform_of(d) != NULL || (d->dim > 1 && sac_grad_gammas(d) > 0));
}

/* D = 1: everything in y, the first latent or z itself */
static sac_status one_dimension(sac_grad_job *job, sac_error *err) {
  const sac_dist *d = job->d;
  const size_t n = job->n, P = job->P, L = job->L, width = L ? L : 1;
  double *drift = job->spare; /* (n,width): d log q/dy first in each row */
  sac_grad_transform *transform = sac_grad_transform_of(d);
  int exact[4]; /* eps is free of this parameter: w is 0, not the rounding errors of 0 */
  for (size_t j = 0; j < P; j++) exact[j] = sac_grad_explicit_has(d, j);
  SAC_TRY(sac_grad_draw(job, err));
  SAC_TRY(sac_grad_call_f(job, job->theta, job->z, job->f, err));
  SAC_TRY(sac_grad_call_df(job, job->z, job->df, err));
  SAC_TRY(sac_dist_score(d, n, job->theta, 0, job->z, job->latent, job->w, err));
  SAC_TRY(sac_dist_dlog_density(d, n, job->theta, 0, job->z, job->latent, L ? NULL : drift,
                                L ? drift : NULL, err));
  for (size_t i = 0; i < n; i++) {
    double *g = job->g + i * P, *w = job->w + i * P, stretch[4];
    const double dz_dy = transform(d, job->theta, job->z[i], job->latent + i * L, g, stretch);
    for (size_t j = 0; j < P; j++) {
      const double drifted = sac_grad_product(drift[i * width], g[j]);
      w[j] = exact[j] ? 0.0 : w[j] + drifted + stretch[j];
      g[j] = sac_grad_product(job->df[i], sac_grad_product(dz_dy, g[j]));
    }
  }
  return SAC_OK;
}

/* y = log x of Gamma(a, 1), log q_y = a y - e^y - log Gamma(a) */
static void standardised(double a, double x, double y, double *rate, double *weight) {
  sac_grad_standardised_log_gamma(a, y, rate, weight);
  *weight += (y - sac_digamma(a)) + (a - x) * *rate;
}

sac_status sac_grad_generalized(sac_grad_job *job, sac_error *err) {
  if (job->D == 1) return one_dimension(job, err);
  sac_grad_gammas_draw(job, 0, standardised);
  SAC_TRY(sac_grad_call_f(job, job->theta, job->z, job->f, err));
  SAC_TRY(sac_grad_call_df(job, job->z, job->df, err));
  sac_grad_gammas_carry(job, job->df, job->g);
  return SAC_OK;
}
