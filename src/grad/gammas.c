#include "grad/gammas.h"

#include <string.h>

enum { MAX_GAMMAS = SAC_DIST_MAX_DIM, MAX_BOOST = 16 };

static int is_dirichlet(const sac_dist *d) {
  return !strcmp(d->name, "dirichlet");
}

size_t sac_grad_gammas(const sac_dist *d) {
  if (is_dirichlet(d)) return d->dim;
  if (sac_grad_is(d, &sac_dist_beta)) return 2;
  return sac_grad_is(d, &sac_dist_gamma) || sac_grad_is(d, &sac_dist_inverse_gamma) ||
         sac_grad_is(d, &sac_dist_chi_squared);
}

/* ---- draws ---------------------------------------------------------------------------------- */

/* a uniform, or the complement of the one drawn for the row's partner */
static double uniform(sac_grad_job *job, size_t row, double *last) {
  *last = job->group == 2 && row % 2 ? 1.0 - *last : sac_stream_uniform(job->stream);
  return *last;
}

static double draw_log_gamma(sac_grad_job *job, size_t row, double shape, double *last) {
  double x;
  if (job->group == 1) return sac_draw_log_gamma(shape, &x, job->stream);
  const double u = uniform(job, row, last);
  return sac_gamma_log_inverse(shape, u, 1.0 - u);
}

/* one gamma: y = log x, its rate and weight; last (1 + boost): the uniforms of the partner */
static double draw_one(sac_grad_job *job, size_t row, double a, int boost, sac_grad_move *move,
                       double last[], double *rate, double *weight) {
  double y = draw_log_gamma(job, row, a + boost, last);
  move(a + boost, exp(y), y, rate, weight);
  for (int b = 0; b < boost; b++) { /* log U/(a+b), whose U is free of a */
    const double log_u = log(uniform(job, row, last + 1 + b));
    y += log_u / (a + b);
    *rate -= log_u / (a + b) / (a + b);
  }
  return y;
}

/* ---- z of the gammas' logs ------------------------------------------------------------------ */

/* log z_i = y_i - log sum e^y */
static void normalise(size_t K, const double y[], double log_z[]) {
  double top = y[0], sum = 0.0;
  for (size_t i = 1; i < K; i++) top = fmax(top, y[i]);
  for (size_t i = 0; i < K; i++) sum += exp(y[i] - top);
  for (size_t i = 0; i < K; i++) {
    double others = 0.0; /* relative to x_i: its share may be 1 - 1e-30 */
    for (size_t j = 0; j < K && y[i] == top; j++) others += j == i ? 0.0 : exp(y[j] - top);
    log_z[i] = y[i] == top ? -log1p(others) : y[i] - top - log(sum);
  }
}

static void place(const sac_grad_job *job, const double y[], double z[], double latent[]) {
  const sac_dist *d = job->d;
  const double *theta = job->theta;
  if (is_dirichlet(d) || sac_grad_is(d, &sac_dist_beta)) { /* beta's latent is the pair's logs */
    normalise(sac_grad_gammas(d), y, latent);
  } else if (sac_grad_is(d, &sac_dist_gamma)) {
    latent[0] = y[0] - log(theta[1]);
  } else if (sac_grad_is(d, &sac_dist_inverse_gamma)) {
    latent[0] = log(theta[1]) - y[0];
  } else {
    latent[0] = y[0] + sac_log_2;
  }
  for (size_t i = 0; i < d->dim; i++) z[i] = exp(latent[i]);
}

void sac_grad_gammas_draw(sac_grad_job *job, int boost, sac_grad_move *move) {
  const size_t K = sac_grad_gammas(job->d), P = job->P;
  const double per_theta = sac_grad_is(job->d, &sac_dist_chi_squared) ? 0.5 : 1.0; /* a = df/2 */
  double y[MAX_GAMMAS], last[MAX_GAMMAS][1 + MAX_BOOST];
  for (size_t i = 0; i < job->n; i++) {
    double *rate = job->spare + i * P, *weight = job->w + i * P;
    for (size_t j = K; j < P; j++) rate[j] = weight[j] = 0.0;
    for (size_t k = 0; k < K; k++) {
      y[k] =
          draw_one(job, i, per_theta * job->theta[k], boost, move, last[k], rate + k, weight + k);
      rate[k] *= per_theta;
      weight[k] *= per_theta;
    }
    place(job, y, job->z + i * job->D, job->latent + i * job->L);
  }
}

/* ---- derivatives ---------------------------------------------------------------------------- */

/* z_i = x_i/sum x: out_i = rate_i z_i sum_k z_k (slope_i - slope_k) */
static void carry_ratio(size_t K, const double z[], const double slope[], const double rate[],
                        double out[]) {
  for (size_t i = 0; i < K; i++) {
    double bracket = 0.0;
    for (size_t k = 0; k < K; k++) bracket += sac_grad_product(z[k], slope[i] - slope[k]);
    out[i] = sac_grad_product(rate[i], sac_grad_product(z[i], bracket));
  }
}

/* z = e^y/rate, scale e^-y, 2 e^y */
static void carry_one(const sac_dist *d, const double theta[], double z, double slope,
                      const double rate[], double out[]) {
  const double sign = sac_grad_is(d, &sac_dist_inverse_gamma) ? -1.0 : 1.0;
  out[0] = sac_grad_product(slope, sac_grad_product(z, sign * rate[0]));
  if (d->params == 2) out[1] = -sign * sac_grad_product(slope, z / theta[1]);
}

void sac_grad_gammas_carry(sac_grad_job *job, const double slope[], double out[]) {
  const size_t P = job->P, D = job->D;
  for (size_t i = 0; i < job->n; i++) {
    const double *z = job->z + i * D, *g = slope + i * D, *rate = job->spare + i * P;
    const double pair_z[2] = {z[0], job->L == 2 ? exp(job->latent[2 * i + 1]) : 0.0};
    const double pair_g[2] = {g[0], 0.0};
    if (is_dirichlet(job->d)) {
      carry_ratio(D, z, g, rate, out + i * P);
    } else if (sac_grad_is(job->d, &sac_dist_beta)) {
      carry_ratio(2, pair_z, pair_g, rate, out + i * P);
    } else {
      carry_one(job->d, job->theta, z[0], g[0], rate, out + i * P);
    }
  }
}
