/* The user's control variate. */
#ifndef SAC_GRAD_CONTROL_H
#define SAC_GRAD_CONTROL_H

#include "grad/job.h"

/* Whether the problem has what the baseline needs. */
sac_status sac_grad_control_check(const sac_grad_job *job, sac_error *err);

/* g <- g + (f - c) w + k */
sac_status sac_grad_control_apply(sac_grad_job *job, sac_error *err);

#endif
