#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>

#include "agent/policy.h"
#include "agent/state.h"
#include "base/try.h"
#include "replay/segments.h"
#include "train/run.h"

#define CHECKPOINT_DIR "checkpoint"
#define REPLAY_TENSOR  "replay.segments"

enum { RUN_METAS_MAX = SAC_AGENT_METAS_MAX + 2 };
enum { LOOP_TENSORS = 2 };

/* Room for the tensors of a run, the replay's among them; release with free(). */
static sac_status make_tensors(sac_run *run, sac_tensor **out, sac_error *err) {
  const size_t most = sac_agent_tensors(run->agent, NULL) + SAC_ROLLOUT_TENSORS + LOOP_TENSORS + 1;
  *out = calloc(most, sizeof **out);
  return *out ? SAC_OK : sac_fail(err, SAC_ERR_NOMEM, "no memory for a checkpoint's header");
}

/* Everything but the replay, as tensors that point into the run. */
static size_t run_tensors(sac_run *run, sac_tensor out[]) {
  size_t n = sac_agent_tensors(run->agent, out);
  n += sac_rollout_tensors(run->rollout, out + n);
  out[n++] = (sac_tensor){"loop.count", SAC_U64, 1, SAC_COUNTS, SAC_COUNTS, run->count};
  out[n++] = (sac_tensor){"loop.sum", SAC_F64, 1, SAC_SUMS, SAC_SUMS, run->sum};
  return n;
}

sac_status sac_run_state_path(char path[SAC_PATH_MAX], const char *dir, sac_error *err) {
  return sac_path_join(path, dir, CHECKPOINT_DIR "/state.safetensors", err);
}

static sac_status replay_path(char path[SAC_PATH_MAX], const char *dir, sac_error *err) {
  return sac_path_join(path, dir, CHECKPOINT_DIR "/replay", err);
}

static void set_meta(sac_meta *meta, const char *key, const char *value) {
  *meta = (sac_meta){.key = ""};
  strncpy(meta->key, key, sizeof meta->key - 1);
  strncpy(meta->value, value, sizeof meta->value - 1);
}

/* The agent's facts, the task, and the data set: what a reader of the file alone needs. */
static size_t run_metas(const sac_run *run, sac_meta out[RUN_METAS_MAX]) {
  size_t n = sac_agent_metas(run->agent, out);
  set_meta(&out[n++], "task", run->config.task);
  if (run->data) set_meta(&out[n++], "data", sac_dataset_checksum(run->data));
  return n;
}

static sac_status save_state(sac_run *run, const sac_tensor *replay, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_meta metas[RUN_METAS_MAX];
  sac_tensor *tensors = NULL;
  SAC_TRY(make_tensors(run, &tensors, err));
  sac_rollout_save(run->rollout);
  size_t n = run_tensors(run, tensors);
  tensors[n] = *replay;
  strncpy(tensors[n++].name, REPLAY_TENSOR, sizeof tensors->name - 1);
  sac_status status = sac_run_state_path(path, run->dir, err);
  if (status == SAC_OK)
    status = sac_safetensors_write(path, tensors, n, metas, run_metas(run, metas), err);
  free(tensors);
  return status;
}

static void note_saved(sac_run *run) {
  run->saved_step = sac_run_step(run);
  run->saved_updates = sac_agent_updates(run->agent);
}

/* The tables go to the disk first: a checkpoint never knows of a step whose rows could be lost. */
sac_status sac_run_save(sac_run *run, sac_error *err) {
  char dir[SAC_PATH_MAX];
  sac_tensor replay = {.data = NULL};
  SAC_TRY(sac_log_sync(&run->metrics_log, err));
  SAC_TRY(sac_log_sync(&run->eval_log, err));
  SAC_TRY(replay_path(dir, run->dir, err));
  SAC_TRY(sac_make_folder(dir, err));
  SAC_TRY(sac_replay_save(run->replay, dir, &replay, err));
  SAC_TRY(save_state(run, &replay, err));
  note_saved(run);
  return sac_replay_prune(run->replay, dir, err); // only now is the old checkpoint's part spare
}

static sac_status check_task(const sac_config *c, const sac_safetensors *file, const char *path,
                             sac_error *err) {
  const char *found;
  SAC_TRY(sac_safetensors_meta(file, "task", &found, err));
  if (strcmp(found, c->task) == 0) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%.200s: task = %.100s, config.json has %.100s", path, found,
                  c->task);
}

sac_status sac_run_check_file(const sac_config *c, const sac_space *space,
                              const sac_safetensors *file, const char *path, sac_error *err) {
  const size_t A = space->act_dim;
  SAC_TRY(check_task(c, file, path, err));
  float *scale = calloc(2 * A, sizeof *scale); /* mid, then half */
  if (!scale) return sac_fail(err, SAC_ERR_NOMEM, "no memory for the action bounds");
  for (size_t j = 0; j < A; j++)
    sac_action_scale(space->act_low[j], space->act_high[j], &scale[j], &scale[A + j]);
  const sac_agent_facts facts = {.whose = "config.json has",
                                 .options = &c->options.agent,
                                 .O = c->obs_dim,
                                 .A = A,
                                 .seed = (uint64_t)c->options.train.seed,
                                 .mid = scale,
                                 .half = scale + A};
  const sac_status status = sac_agent_check_file(file, path, &facts, err);
  free(scale);
  return status;
}

/* Whether every tensor is there is asked before any is copied. */
static sac_status load_tensors(sac_run *run, const sac_safetensors *file, sac_error *err) {
  sac_tensor *tensors = NULL;
  SAC_TRY(make_tensors(run, &tensors, err));
  const size_t n = run_tensors(run, tensors);
  sac_status status = SAC_OK;
  for (size_t i = 0; i < n && status == SAC_OK; i++)
    status = sac_safetensors_check(file, &tensors[i], err);
  for (size_t i = 0; i < n && status == SAC_OK; i++)
    status = sac_safetensors_read(file, &tensors[i], err);
  free(tensors);
  if (status == SAC_OK) sac_agent_restored(run->agent);
  return status;
}

sac_status sac_run_load_replay(sac_replay *replay, const char *run_dir, const sac_safetensors *file,
                               sac_error *err) {
  char dir[SAC_PATH_MAX];
  sac_tensor t = {.name = REPLAY_TENSOR, .dtype = SAC_U64};
  SAC_TRY(replay_path(dir, run_dir, err));
  SAC_TRY(sac_safetensors_shape(file, t.name, &t.rows, &t.cols, err));
  t.stride = t.cols;
  t.data = calloc(t.rows * t.cols + 1, sizeof(uint64_t));
  if (!t.data) return sac_fail(err, SAC_ERR_NOMEM, "no memory for %zu numbers", t.rows * t.cols);
  sac_status status = sac_safetensors_read(file, &t, err);
  if (status == SAC_OK) status = sac_replay_load(replay, dir, t.data, t.rows * t.cols, err);
  free(t.data);
  return status;
}

/* The transitions of the option data are those that the run began with. */
static sac_status check_data(const sac_run *run, const sac_safetensors *file, const char *path,
                             sac_error *err) {
  const char *had = "none", *has = run->data ? sac_dataset_checksum(run->data) : "none";
  const char *name = run->data ? run->config.options.train.data.at : "none";
  (void)sac_safetensors_meta(file, "data", &had, NULL); /* there is none without data */
  if (!strcmp(had, has)) return SAC_OK;
  return sac_fail(
      err, SAC_ERR_FORMAT,
      "%.200s: the run was trained with the data set of checksum %.32s; config.json has "
      "data = %.200s, checksum %.32s",
      path, had, name, has);
}

/* Without snapshots the environments begin anew, so the episodes under way end here: truncated. */
static void cut_episodes(sac_run *run) {
  if (run->rollout->snapshot) return;
  for (size_t e = 0; e < run->rollout->E; e++) sac_replay_cut(run->replay, e);
}

sac_status sac_run_load(sac_run *run, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_safetensors *file = NULL;
  SAC_TRY(sac_run_state_path(path, run->dir, err));
  SAC_TRY(sac_safetensors_open(path, &file, err));
  sac_status status = sac_run_check_file(&run->config, &run->rollout->space, file, path, err);
  if (status == SAC_OK) status = check_data(run, file, path, err);
  if (status == SAC_OK) status = load_tensors(run, file, err);
  if (status == SAC_OK) status = sac_run_load_replay(run->replay, run->dir, file, err);
  if (status == SAC_OK) status = sac_rollout_load(run->rollout, err);
  if (status == SAC_OK) cut_episodes(run);
  sac_safetensors_close(file);
  if (status == SAC_OK) note_saved(run);
  return status;
}
