/* The distributions that are functions of independent gammas x_k ~ Gamma(a_k, 1): gamma,
 * inverse_gamma, chi_squared (one), beta (two), dirichlet (K). What differentiates log x_k in a_k
 * differentiates them. */
#ifndef SAC_GRAD_GAMMAS_H
#define SAC_GRAD_GAMMAS_H

#include "grad/job.h"

/* How many gammas the distribution is made of; 0: it is not. */
size_t sac_grad_gammas(const sac_dist *d);

/* A way to move x ~ Gamma(a, 1), y = log x, with a: *rate = dy/da at fixed eps, *weight = d/da of
 * log density of eps at fixed eps (0 where eps is free of a). */
typedef void sac_grad_move(double a, double x, double y, double *rate, double *weight);

/* Draw the gammas at the shapes a_k + boost, take each down to a_k by x U^(1/(a+boost-1)) ...
 * U^(1/a), and fill z, latent, the rates of the log gammas (n,P) in spare and their weights in w;
 * w of a parameter that is no shape is 0. */
void sac_grad_gammas_draw(sac_grad_job *job, int boost, sac_grad_move *move);

/* out (n,P) = slope . dz/dtheta with the rates of the draw. */
void sac_grad_gammas_carry(sac_grad_job *job, const double slope[], double out[]);

#endif
