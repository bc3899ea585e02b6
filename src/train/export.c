/* The replay of a run's folder as a data file. */
#include "base/safetensors.h"
#include "base/try.h"
#include "train/run.h"

static sac_status fill(sac_replay *replay, const char *dir, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_safetensors *file = NULL;
  SAC_TRY(sac_run_state_path(path, dir, err));
  SAC_TRY(sac_safetensors_open(path, &file, err));
  const sac_status status = sac_run_load_replay(replay, dir, file, err);
  sac_safetensors_close(file);
  return status;
}

/* The run's buffer, empty: its sizes are in config.json. */
static sac_status make(const char *dir, sac_replay **out, sac_error *err) {
  sac_config config;
  SAC_TRY(sac_config_read(&config, dir, err));
  const sac_train_options *o = &config.options.train;
  const sac_status status = sac_replay_create((size_t)o->replay_capacity, (size_t)o->envs,
                                              config.obs_dim, config.act_dim, out, err);
  sac_config_free(&config);
  return status;
}

sac_status sac_run_export_data(const char *dir, const char *path, size_t *count, sac_error *err) {
  sac_replay *replay;
  SAC_TRY(make(dir, &replay, err));
  sac_status status = fill(replay, dir, err);
  if (status == SAC_OK) status = sac_replay_export(replay, path, count, err);
  sac_replay_destroy(replay);
  return status;
}
