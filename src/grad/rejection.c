/* Rejection-sampling reparameterization [RSVI17], for what is made of gammas. Marsaglia and Tsang's
 * proposal [MT00] for x ~ Gamma(a, 1) is x = h(eps; a) = d t^3, t = 1 + eps/sqrt(9 d), d = a - 1/3.
 * An accepted eps has the density pi(eps; a) = q(h) |dh/deps|, nearly normal, so
 *   dE/da = E[f'(z) dz/dx dh/da + f(z) w],  w = d log pi/da at fixed eps.
 * The second term is small, and smaller the larger a is: `boost` draws at a + boost, and comes back
 * by powers of uniforms, which are free of a. */
#include "grad/estimators.h"
#include "grad/gammas.h"

int sac_grad_rejection_has(const sac_dist *d, size_t i) {
  return sac_grad_gammas(d) > 0 && (sac_dist_estimators(d, i) & SAC_DIST_RSVI) != 0;
}

/* y = log h = log d + 3 log t, at fixed eps dt/da = -(t - 1)/(2 d);
 * log pi = log q_y + log(dy/deps) = a y - e^y - log Gamma(a) + log(3/(t sqrt(9 d))) */
static void marsaglia_tsang(double a, double x, double y, double *rate, double *weight) {
  const double d = a - 1.0 / 3.0, t = exp((y - log(d)) / 3.0),
               dt_over_t = -(1.0 - 1.0 / t) / (2.0 * d);
  *rate = 1.0 / d + 3.0 * dt_over_t;
  *weight = (y - sac_digamma(a)) + (a - x) * *rate - 1.0 / (2.0 * d) - dt_over_t;
}

sac_status sac_grad_rejection(sac_grad_job *job, sac_error *err) {
  const int boost = (int)job->o.rejection_boost;
  const double half = sac_grad_is(job->d, &sac_dist_chi_squared) ? 0.5 : 1.0;
  for (size_t k = 0; k < sac_grad_gammas(job->d); k++)
    if (!(half * job->theta[k] + boost >= 1.0))
      return sac_fail(err, SAC_ERR_ARG,
                      "grad: rejection_boost = %d: must raise the gamma's shape %g to 1 or more",
                      boost, half * job->theta[k]);
  sac_grad_gammas_draw(job, boost, marsaglia_tsang);
  SAC_TRY(sac_grad_call_f(job, job->theta, job->z, job->f, err));
  SAC_TRY(sac_grad_call_df(job, job->z, job->df, err));
  sac_grad_gammas_carry(job, job->df, job->g);
  return SAC_OK;
}
