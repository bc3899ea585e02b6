/* config.json: what a run is. */
#ifndef SAC_TRAIN_CONFIG_H
#define SAC_TRAIN_CONFIG_H

#include <jansson.h>

#include "sac/train.h"

/* The facts of config.json. The strings live as long as the document. */
typedef struct sac_config {
  json_t *document; /* the whole file, with one entry of "sittings" a process that trained */
  sac_run_options options;
  const char *task;
  const char *plugin; /* the path as the user gave it, or NULL; for the reader only */
  size_t obs_dim, act_dim;
  int exact_resume; /* the task can save its state */
} sac_config;

/* A document of these facts, without a sitting. */
sac_status sac_config_make(sac_config *config, const sac_env_api *task, const sac_space *space,
                           const sac_run_options *options, const char *plugin, sac_error *err);

/* Read dir/config.json. Errors: SAC_ERR_IO, SAC_ERR_FORMAT naming the file and what is wrong with
 * it. */
sac_status sac_config_read(sac_config *config, const char *dir, sac_error *err);

/* Note that a process goes on from `step` with `threads`, and the options' present number of steps.
 */
sac_status sac_config_add_sitting(sac_config *config, int64_t step, size_t threads, sac_error *err);

/* Write dir/config.json, all or nothing. */
sac_status sac_config_write(const sac_config *config, const char *dir, sac_error *err);
void sac_config_free(sac_config *config);

#endif
