/* Beta and Dirichlet as ratios of gammas, z_i = x_i/sum x, each x_i moved by its own implicit
 * velocity: unbiased, and the way of most libraries. In one dimension the velocity of F is the mean
 * of this one given z, so the variance here is never the smaller. */
#include "grad/estimators.h"
#include "grad/gammas.h"

int sac_grad_gamma_ratio_has(const sac_dist *d, size_t i) {
  return sac_grad_gammas(d) > 1 && (sac_dist_estimators(d, i) & SAC_DIST_IMPLICIT) != 0;
}

/* dy/da of y = log x at fixed F */
static void implicit(double a, double x, double y, double *rate, double *weight) {
  const double theta[2] = {a, 1.0};
  double v[4]; /* dx/da, dx/drate, dy/da, dy/drate */
  sac_dist_gamma.velocity(&sac_dist_gamma, theta, &x, &y, v);
  *rate = v[2];
  *weight = 0.0;
}

sac_status sac_grad_gamma_ratio_draw(sac_grad_job *job, sac_error *err) {
  (void)err;
  sac_grad_gammas_draw(job, 0, implicit);
  return SAC_OK;
}

sac_status sac_grad_gamma_ratio(sac_grad_job *job, const double slope[], double out[],
                                sac_error *err) {
  (void)err;
  sac_grad_gammas_carry(job, slope, out);
  return SAC_OK;
}
