/* The tables of a run's folder, metrics.csv and eval.csv: one header, one row a time, first column
 * the step, second the seconds of training. */
#ifndef SAC_TRAIN_LOG_H
#define SAC_TRAIN_LOG_H

#include "base/file.h"

enum { SAC_LOG_COLUMNS_MAX = 32 };

typedef struct sac_log {
  int file; /* -1: closed */
  char path[SAC_PATH_MAX];
} sac_log;

/* Begin the table dir/name with `header` ("a,b,c"); it must not exist yet. */
sac_status sac_log_create(sac_log *log, const char *dir, const char *name, const char *header,
                          sac_error *err);

/* Append one row; a number is written with the digits that read back to the same bits, NaN as an
 * empty cell. Errors: SAC_ERR_IO names the file and the cause. */
sac_status sac_log_row(sac_log *log, size_t count, const double values[], sac_error *err);

/* Bring what was written to the disk. */
sac_status sac_log_sync(sac_log *log, sac_error *err);
void sac_log_close(sac_log *log);

/* A table as an earlier sitting left it, cut back to what a checkpoint knows. */
typedef struct sac_log_history {
  char path[SAC_PATH_MAX];
  char *text;     /* the rows that stay, header included */
  size_t size;    /* of text */
  size_t removed; /* bytes that go */
  double seconds; /* of the last row that stays; 0: none */
  double step;    /* of the last row that stays; -1: none */
  int at_step;    /* a row of the step asked for was there, whether it stays or not */
} sac_log_history;

/* Read dir/name. Rows stay up to `step` where scheduled(user, step) holds; the others are of steps
 * that will be trained again, or of an end that is no longer the end. A last line without its end
 * is dropped. Changes nothing on the disk. Errors: SAC_ERR_IO; SAC_ERR_FORMAT for another header or
 * a row that does not begin with two numbers. */
sac_status sac_log_read(sac_log_history *history, const char *dir, const char *name,
                        const char *header, double step,
                        int (*scheduled)(const void *user, double step), const void *user,
                        sac_error *err);

/* Cut the table on the disk back to the history and open it for more rows. */
sac_status sac_log_reopen(sac_log *log, const sac_log_history *history, sac_error *err);
void sac_log_history_free(sac_log_history *history);

#endif
