/* Finite differences with common random numbers, the yardstick:
 *   dE/dtheta_j ~ E[f(z(u; theta + h e_j)) - f(z(u; theta - h e_j))]/2h,
 * with the same u on both sides: z = F^-1(u; theta) for D = 1, else the sampler from the same
 * streams. Biased by O(h^2). */
#include "grad/estimators.h"

int sac_grad_finite_difference_has(const sac_dist *d, size_t i) {
  return (sac_dist_parameter(d, i)->estimators & SAC_DIST_SCORE) != 0;
}

double sac_grad_theta_step(const sac_grad_job *job, size_t j, double relative) {
  const sac_dist_param *p = sac_dist_parameter(job->d, j);
  const double x = job->theta[j], to_end = fmin(x - p->low, p->high - x);
  return relative * (isinf(p->low) && isinf(p->high) ? fmax(1.0, fabs(x)) : to_end);
}

/* z at a theta nearby, from what `shared` holds: uniforms (n), or a seed for a stream a row */
static sac_status place(sac_grad_job *job, const double shared[], uint64_t seed, sac_error *err) {
  const sac_dist *d = job->d;
  if (d->quantile)
    return sac_dist_quantile(d, job->n, job->moved, 0, shared, 0, job->other_z, NULL, err);
  if (job->group != 1)
    return sac_fail(err, SAC_ERR_ARG, "grad: finite_difference: %s has no antithetic pairs",
                    d->name);
  for (size_t i = 0; i < job->n; i++) {
    sac_stream row = sac_stream_make(seed, SAC_STREAM_USER, i);
    SAC_TRY(sac_dist_sample(d, 1, job->moved, 0, job->other_z + i * job->D, NULL, &row, err));
  }
  return SAC_OK;
}

static sac_status difference(sac_grad_job *job, size_t j, const double shared[], uint64_t seed,
                             sac_error *err) {
  const double h = sac_grad_theta_step(job, j, job->o.fd_step);
  if (!(h > 0.0 && isfinite(h)))
    return sac_fail(err, SAC_ERR_DOMAIN, "grad: finite_difference: no step around %s = %g",
                    sac_dist_parameter(job->d, j)->name, job->theta[j]);
  for (int side = -1; side <= 1; side += 2) {
    for (size_t k = 0; k < job->P; k++) job->moved[k] = job->theta[k];
    job->moved[j] += side * h;
    SAC_TRY(place(job, shared, seed, err));
    SAC_TRY(sac_grad_call_f(job, job->moved, job->other_z, side < 0 ? job->f : job->other_f, err));
  }
  for (size_t i = 0; i < job->n; i++)
    job->g[i * job->P + j] = (job->other_f[i] - job->f[i]) / (2.0 * h);
  return SAC_OK;
}

sac_status sac_grad_finite_difference(sac_grad_job *job, sac_error *err) {
  double *u = job->spare;
  const uint64_t seed = sac_stream_u64(job->stream);
  sac_grad_uniforms(job, u);
  for (size_t j = 0; j < job->P; j++) /* an end at infinity stays there */
    if (sac_grad_wanted(job, j) && !isinf(job->theta[j])) SAC_TRY(difference(job, j, u, seed, err));
  return SAC_OK;
}
