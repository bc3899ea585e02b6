/* Baselines and control variates: what turns g, f and w into the whole gradient in g. */
#ifndef SAC_GRAD_BASELINE_H
#define SAC_GRAD_BASELINE_H

#include "grad/estimators.h"

/* Apply the baseline of job->o; average (2): the moving average, moved on. */
sac_status sac_grad_baseline(sac_grad_job *job, double average[2], sac_error *err);

/* The smallest number of groups (samples, or antithetic pairs) that the baseline can do with. */
size_t sac_grad_baseline_groups(int baseline);

#endif
