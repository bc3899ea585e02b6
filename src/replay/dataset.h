/* Inside a data set: what dataset.c and the agent share. */
#ifndef SAC_REPLAY_DATASET_H
#define SAC_REPLAY_DATASET_H

#include "base/checksum.h"
#include "sac/replay.h"

struct sac_dataset {
  size_t count, obs_dim, act_dim; /* N, O, A */
  float *obs, *next_obs;          /* (N, O) */
  float *act;                     /* (N, A) */
  float *reward;                  /* (N) */
  uint8_t *terminated;            /* (N) 0 or 1 */
  char checksum[SAC_CHECKSUM_HEX + 1];
};

#endif
