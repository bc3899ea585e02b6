/* Standardising transforms z = T(eps; theta), D = 1. */
#ifndef SAC_GRAD_TRANSFORM_H
#define SAC_GRAD_TRANSFORM_H

#include "grad/job.h"

/* With y the first latent or, if there is none, z itself: rate (P) = dy/dtheta and stretch (P) =
 * d log|dz/deps|/dtheta, both at fixed eps; returns dz/dy. stretch may be NULL. Parameters that
 * have neither an explicit nor a generalized estimator get 0. */
typedef double sac_grad_transform(const sac_dist *d, const double theta[], double z,
                                  const double latent[], double rate[], double stretch[]);

/* The distribution's, or NULL. */
sac_grad_transform *sac_grad_transform_of(const sac_dist *d);

/* [GREP16] for y = log x, x ~ Gamma(a, 1): y = psi(a) + eps sqrt(psi'(a)). *rate = dy/da and
 * *stretch = d log(dy/deps)/da, both at fixed eps. */
void sac_grad_standardised_log_gamma(double a, double y, double *rate, double *stretch);

#endif
