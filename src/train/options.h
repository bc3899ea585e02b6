/* What the loop asks of a run's options besides their values. */
#ifndef SAC_TRAIN_OPTIONS_H
#define SAC_TRAIN_OPTIONS_H

#include "sac/train.h"

/* Ranges and combinations of both tables; SAC_ERR_ARG names option, value and what is legal. */
sac_status sac_run_options_check(const sac_run_options *options, sac_error *err);

/* The number of steps before updates begin. */
int64_t sac_run_first_update(const sac_train_options *options);

#endif
