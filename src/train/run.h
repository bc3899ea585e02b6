/* A run in memory: what create, resume, train and the checkpoints share. */
#ifndef SAC_TRAIN_RUN_H
#define SAC_TRAIN_RUN_H

#include "base/file.h"
#include "sac/train.h"
#include "train/config.h"
#include "train/log.h"
#include "train/rollout.h"

enum { SAC_METRICS = sizeof(sac_update_metrics) / sizeof(double) };

/* The loop's own counters, a row of the checkpoint. */
enum {
  SAC_COUNT_STEP,         /* environment steps done, over all environments */
  SAC_COUNT_EPISODES,     /* finished since the start */
  SAC_COUNT_LOG_EPISODES, /* finished since the last line of metrics.csv */
  SAC_COUNT_LOG_LENGTH,   /* their steps */
  SAC_COUNT_METRIC,       /* updates since the last line that had metric i, SAC_METRICS of them */
  SAC_COUNTS = SAC_COUNT_METRIC + SAC_METRICS
};

/* Sums since the last line of metrics.csv, a row of the checkpoint. */
enum { SAC_SUM_LOG_RETURN, SAC_SUM_METRIC, SAC_SUMS = SAC_SUM_METRIC + SAC_METRICS };

struct sac_run {
  sac_config config; /* options, task, sittings */
  char dir[SAC_PATH_MAX];
  int lock; /* the folder's file descriptor, locked against a second process */
  size_t threads;
  sac_agent *agent;
  sac_replay *replay;
  sac_dataset *data; /* of the option data, or NULL */
  sac_rollout *rollout;
  sac_env *eval_env;
  float *noise;       /* (E,A) of the present step; policy=gsde: (E,R,A), a matrix each, */
  size_t noise_rows;  /* R; 0 for any other policy */
  uint64_t *drawn_at; /* (E) and the step of its draw: it is a function of that */
  sac_log metrics_log, eval_log;

  uint64_t count[SAC_COUNTS]; /* in the checkpoint */
  double sum[SAC_SUMS];       /* in the checkpoint */

  int64_t saved_step;     /* of the last checkpoint; -1: none yet */
  uint64_t saved_updates; /* done then */
  int64_t eval_step;      /* of the last row of eval.csv; -1: none */
  double seconds_before;  /* of training, in earlier sittings */
  double report_seconds;  /* between two calls of the progress function; tests set 0 */
};

static inline int64_t sac_run_step(const sac_run *run) {
  return (int64_t)run->count[SAC_COUNT_STEP];
}

/* Whether a multiple of `every` was reached in the last `stride` steps up to `step`; every 0:
 * never. */
static inline int sac_run_due(int64_t step, int64_t stride, int64_t every) {
  return every > 0 && step / every != (step - stride) / every;
}

/* --- checkpoint.c */

/* Write the run's state: the replay's segments, then checkpoint/state.safetensors in one rename. */
sac_status sac_run_save(sac_run *run, sac_error *err);

/* Is the file at `path` the state of a run with these facts, on a task of this space?
 * SAC_ERR_FORMAT names what differs, in the file and in config.json. */
sac_status sac_run_check_file(const sac_config *config, const sac_space *space,
                              const sac_safetensors *file, const char *path, sac_error *err);

/* Fill a fresh run from its folder's checkpoint, which must be of the same task, sizes, bounds,
 * options and seed. Nothing is copied otherwise. */
sac_status sac_run_load(sac_run *run, sac_error *err);

/* Fill the empty `replay` from the folder dir's checkpoint, whose state `file` is. */
sac_status sac_run_load_replay(sac_replay *replay, const char *dir, const sac_safetensors *file,
                               sac_error *err);

/* dir/checkpoint/state.safetensors */
sac_status sac_run_state_path(char path[SAC_PATH_MAX], const char *dir, sac_error *err);

/* --- loop.c */

/* Begin metrics.csv and eval.csv in a new folder. */
sac_status sac_loop_create_logs(sac_run *run, sac_error *err);

/* Both tables as an earlier sitting left them. */
typedef struct sac_run_tables {
  sac_log_history metrics, eval;
} sac_run_tables;

/* Read both as far as the run's step; *tables is to be freed even after an error. Changes nothing
 * on the disk. */
sac_status sac_loop_read_logs(sac_run *run, sac_run_tables *tables, sac_error *err);

/* Cut both back on the disk to what was read, and open them. */
sac_status sac_loop_reopen_logs(sac_run *run, const sac_run_tables *tables, sac_error *err);
void sac_run_tables_free(sac_run_tables *tables);

#endif
