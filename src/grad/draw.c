/* Samples from q_theta, alone or in antithetic pairs: z = F^-1(u) and F^-1(1 - u); for normals,
 * mean + L eps and mean - L eps. */
#include "grad/job.h"

void sac_grad_uniforms(sac_grad_job *job, double out[]) {
  for (size_t i = 0; i < job->n; i++) {
    /* 52 bits, so the complement is exact */
    const int partner = job->group == 2 && i % 2 == 1;
    out[i] = partner ? 1.0 - out[i - 1] : sac_stream_uniform(job->stream);
  }
}

static sac_status by_quantile(sac_grad_job *job, sac_error *err) {
  double *u = job->spare;
  sac_grad_uniforms(job, u);
  return sac_dist_quantile(job->d, job->n, job->theta, 0, u, 0, job->z, job->latent, err);
}

/* a symmetric density about its mean: 2 mean - z is as likely as z */
static sac_status by_reflection(sac_grad_job *job, sac_error *err) {
  const size_t pairs = job->n / 2, D = job->D;
  double mean[SAC_DIST_MAX_DIM], *half = job->other_z;
  SAC_TRY(sac_dist_mean(job->d, 1, job->theta, 0, mean, err));
  SAC_TRY(sac_dist_sample(job->d, pairs, job->theta, 0, half, NULL, job->stream, err));
  for (size_t i = 0; i < pairs; i++) {
    for (size_t k = 0; k < D; k++) {
      job->z[2 * i * D + k] = half[i * D + k];
      job->z[(2 * i + 1) * D + k] = 2.0 * mean[k] - half[i * D + k];
    }
  }
  return SAC_OK;
}

static int is_normal(const sac_dist *d) { /* mvn, mvn_diagonal */
  return d->dim > 1 && (sac_dist_estimators(d, 0) & SAC_DIST_EXPLICIT) != 0;
}

sac_status sac_grad_draw(sac_grad_job *job, sac_error *err) {
  const sac_dist *d = job->d;
  if (job->group == 1)
    return sac_dist_sample(d, job->n, job->theta, 0, job->z, job->latent, job->stream, err);
  if (d->quantile) return by_quantile(job, err);
  if (is_normal(d)) return by_reflection(job, err);
  return sac_fail(err, SAC_ERR_ARG, "grad: antithetic: %s in %zu dimensions has no quantile",
                  d->name, d->dim);
}
