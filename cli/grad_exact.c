/* The exact gradient of 'sac grad': by the library in one dimension; in several for costs that are
 * a sum over the coordinates, from the coordinates' own distributions. */
#include "grad.h"

#include <math.h>
#include <string.h>

/* the gradient of E[cost(z_i)] in the theta of one coordinate */
static int one(const grad_job *job, const sac_dist *d, const double theta[], double out[]) {
  cost_choice line;
  if (cost_named(job->cost.name, 1, &job->cost.k, &line) != -1) return 0;
  const sac_grad_problem p = {.d = d, .theta = theta, .cost = line.cost};
  return sac_grad_exact(&p, line.jumps, line.jump, out, NULL) == SAC_OK;
}

/* z_i ~ N(mean_i, |row i of L|): dE/dL_ij = dE/dsd_i L_ij/sd_i */
static int full_normal(const grad_job *job, double out[]) {
  const size_t D = job->d.dim;
  for (size_t i = 0, row = D; i < D; row += ++i) {
    const double *L = job->theta + row;
    double square = 0.0, slope[2];
    for (size_t j = 0; j <= i; j++) square += L[j] * L[j];
    const double theta[2] = {job->theta[i], sqrt(square)};
    if (!one(job, sac_dist_find("normal"), theta, slope)) return 0;
    out[i] = slope[0];
    for (size_t j = 0; j <= i; j++) out[row + j] = slope[1] * L[j] / theta[1];
  }
  return 1;
}

static int diagonal_normal(const grad_job *job, double out[]) {
  const size_t D = job->d.dim;
  for (size_t i = 0; i < D; i++) {
    const double theta[2] = {job->theta[i], job->theta[D + i]};
    double slope[2];
    if (!one(job, sac_dist_find("normal"), theta, slope)) return 0;
    out[i] = slope[0];
    out[D + i] = slope[1];
  }
  return 1;
}

/* z_i ~ Beta(a_i, sum of the others) */
static int dirichlet(const grad_job *job, double out[]) {
  const size_t K = job->d.dim;
  memset(out, 0, K * sizeof *out);
  for (size_t i = 0; i < K; i++) {
    double theta[2] = {job->theta[i], 0.0}, slope[2];
    for (size_t j = 0; j < K; j++) theta[1] += j == i ? 0.0 : job->theta[j];
    if (!one(job, sac_dist_find("beta"), theta, slope)) return 0;
    for (size_t j = 0; j < K; j++) out[j] += slope[j == i ? 0 : 1];
  }
  return 1;
}

/* z_i is a mixture with the same logits */
static int mixture(const grad_job *job, double out[]) {
  const size_t K = job->d.components, D = job->d.dim, P = job->d.component->params;
  sac_dist line;
  if (sac_dist_mixture(job->d.component, K, 1, &line, NULL) != SAC_OK) return 0;
  memset(out, 0, job->d.params * sizeof *out);
  for (size_t i = 0; i < D; i++) {
    double theta[GRAD_PARAMS_MAX], slope[GRAD_PARAMS_MAX];
    memcpy(theta, job->theta, K * sizeof *theta);
    for (size_t k = 0; k < K; k++)
      memcpy(theta + K + k * P, job->theta + K + (k * D + i) * P, P * sizeof *theta);
    if (!one(job, &line, theta, slope)) return 0;
    for (size_t k = 0; k < K; k++) {
      out[k] += slope[k];
      memcpy(out + K + (k * D + i) * P, slope + K + k * P, P * sizeof *out);
    }
  }
  return 1;
}

int grad_exact(const grad_job *job, double out[]) {
  const sac_dist *d = &job->d;
  if (!job->cost.smooth) return 0;
  if (d->dim > 1) {
    if (!job->cost.value) return 0; /* no sum over the coordinates */
    if (!strcmp(d->name, "mvn")) return full_normal(job, out);
    if (!strcmp(d->name, "mvn_diagonal")) return diagonal_normal(job, out);
    if (!strcmp(d->name, "dirichlet")) return dirichlet(job, out);
    return d->component ? mixture(job, out) : 0;
  }
  const sac_grad_problem p = {.d = d, .theta = job->theta, .cost = job->cost.cost};
  return sac_grad_exact(&p, job->cost.jumps, job->cost.jump, out, NULL) == SAC_OK;
}
