/* The delta method. */
#ifndef SAC_GRAD_DELTA_H
#define SAC_GRAD_DELTA_H

#include "grad/job.h"

/* Whether the distribution and the cost have what it needs. */
sac_status sac_grad_delta_check(const sac_grad_job *job, sac_error *err);

/* h (n,P), E[h] = 0: the gradient of f's second-order expansion c at the mean m, less its own mean.
 * carry NULL: by the score function, h = c s - d E[c]; else by that pathwise map, h = carry(dc) -
 * d E[c]. Calls of f and df at the mean are counted. */
sac_status sac_grad_delta_variate(sac_grad_job *job, sac_grad_carry *carry, double h[],
                                  sac_error *err);

#endif
