/* The tables that the loop writes. */
#ifndef SAC_TRAIN_LOOP_H
#define SAC_TRAIN_LOOP_H

#include "train/run.h"

/* Begin metrics.csv and eval.csv in a new folder. */
sac_status sac_loop_create_logs(sac_run *run, sac_error *err);

/* Read both as far as the run's step, then cut them back on the disk and open them. */
sac_status sac_loop_reopen_logs(sac_run *run, sac_error *err);

#endif
