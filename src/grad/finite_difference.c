/* Finite differences with common random numbers, the yardstick:
 *   dE/dtheta_j ~ E[f(z(u; theta + h e_j)) - f(z(u; theta - h e_j))]/2h,
 * with the same u on both sides: F(z; theta +- h e_j) = u for D = 1, else the sampler from the same
 * streams. Biased by O(h^2). No score and no velocity is used. */
#include "grad/estimators.h"

int sac_grad_finite_difference_has(const sac_dist *d, size_t i) {
  return (sac_dist_parameter(d, i)->estimators & SAC_DIST_SCORE) != 0;
}

double sac_grad_theta_step(const sac_grad_job *job, size_t j, double relative) {
  const sac_dist_param *p = sac_dist_parameter(job->d, j);
  const double x = job->theta[j], to_end = fmin(x - p->low, p->high - x);
  return relative * (isinf(p->low) && isinf(p->high) ? fmax(1.0, fabs(x)) : to_end);
}

/* ---- the common random numbers -------------------------------------------------------------- */

typedef struct common {
  double *lower, *upper; /* (n) each: u and 1 - u; D = 1 */
  uint64_t seed;         /* of a stream a row; D > 1 */
} common;

/* u = F(z) of samples drawn at theta: cheaper than z = F^-1(u), and it starts the search nearby */
static sac_status draw(sac_grad_job *job, common *c, sac_error *err) {
  const sac_dist *d = job->d;
  c->lower = job->spare;
  c->upper = job->spare + job->n;
  c->seed = sac_stream_u64(job->stream);
  if (!d->quantile) return SAC_OK;
  if (!d->discrete) {
    SAC_TRY(sac_grad_draw(job, err));
    return sac_dist_cdf(d, job->n, job->theta, 0, job->z, job->latent, c->lower, c->upper, err);
  }
  sac_grad_uniforms(job, c->lower);
  for (size_t i = 0; i < job->n; i++) c->upper[i] = 1.0 - c->lower[i];
  return SAC_OK;
}

/* One Newton step of F(x) = u on the smaller tail, in tail lengths: the error after it is about the
 * square of what is returned. */
static double newton(const sac_dist *d, const double theta[], const double u[2], double *x) {
  double latent[2], tails[2], log_q;
  if (d->latents) d->to_latent(d, theta, x, NULL, latent);
  d->cdf(d, theta, x, latent, tails);
  d->log_density(d, theta, x, latent, &log_q);
  const double least = fmin(u[0], u[1]), gap = u[0] < u[1] ? tails[0] - u[0] : u[1] - tails[1];
  *x -= gap / exp(log_q);
  return fabs(gap) / least;
}

/* F(x; theta) = u, from an x nearby; where that fails, by the quantile */
static double solve(const sac_dist *d, const double theta[], const double u[2], double start) {
  double ends[2] = {d->low, d->high}, x = start, out[3];
  if (d->support) d->support(d, theta, NULL, NULL, ends);
  for (int step = 0; step < 5 && x > ends[0] && x < ends[1]; step++)
    if (newton(d, theta, u, &x) <= 1e-6 && x > ends[0] && x < ends[1]) return x;
  d->quantile(d, theta, u, NULL, out);
  return out[0];
}

/* z at the moved theta, into other_z */
static sac_status place(sac_grad_job *job, const common *c, sac_error *err) {
  const sac_dist *d = job->d;
  SAC_TRY(sac_dist_check(d, 1, job->moved, 0, err));
  for (size_t i = 0; i < job->n; i++) {
    if (d->quantile) {
      const double u[2] = {c->lower[i], c->upper[i]};
      job->other_z[i] = solve(d, job->moved, u, d->discrete ? (double)NAN : job->z[i]);
      continue;
    }
    sac_stream row = sac_stream_make(c->seed, SAC_STREAM_USER, i);
    SAC_TRY(sac_dist_sample(d, 1, job->moved, 0, job->other_z + i * job->D, NULL, &row, err));
  }
  return SAC_OK;
}

/* ---- the estimator -------------------------------------------------------------------------- */

static sac_status difference(sac_grad_job *job, size_t j, const common *c, sac_error *err) {
  const double h = sac_grad_theta_step(job, j, job->o.fd_step);
  if (!(h > 0.0 && isfinite(h)))
    return sac_fail(err, SAC_ERR_DOMAIN, "grad: finite_difference: no step around %s = %g",
                    sac_dist_parameter(job->d, j)->name, job->theta[j]);
  for (int side = -1; side <= 1; side += 2) {
    for (size_t k = 0; k < job->P; k++) job->moved[k] = job->theta[k];
    job->moved[j] += side * h;
    SAC_TRY(place(job, c, err));
    SAC_TRY(sac_grad_call_f(job, job->moved, job->other_z, side < 0 ? job->f : job->other_f, err));
  }
  for (size_t i = 0; i < job->n; i++)
    job->g[i * job->P + j] = (job->other_f[i] - job->f[i]) / (2.0 * h);
  return SAC_OK;
}

sac_status sac_grad_finite_difference(sac_grad_job *job, sac_error *err) {
  common c;
  if (!job->d->quantile && job->group != 1)
    return sac_fail(err, SAC_ERR_ARG, "grad: antithetic: finite_difference: %s has no quantile",
                    job->d->name);
  SAC_TRY(draw(job, &c, err));
  for (size_t j = 0; j < job->P; j++) /* an end at infinity stays there */
    if (sac_grad_wanted(job, j) && !isinf(job->theta[j])) SAC_TRY(difference(job, j, &c, err));
  return SAC_OK;
}
