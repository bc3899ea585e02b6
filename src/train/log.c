#define _POSIX_C_SOURCE 200809L
#include "train/log.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/try.h"

enum { CELL = 40, ROW_TEXT = SAC_LOG_COLUMNS_MAX * CELL };

static sac_status io_error(const char *path, const char *verb, sac_error *err) {
  return sac_fail(err, SAC_ERR_IO, "%s: cannot %s: %s", path, verb, strerror(errno));
}

/* All of the bytes or an error; a row cut short by a full disk is taken back, so that the table
 * stays readable. */
static sac_status append(sac_log *log, const char *text, size_t size, sac_error *err) {
  const off_t before = lseek(log->file, 0, SEEK_END);
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(log->file, text + done, size - done);
    if (n > 0) {
      done += (size_t)n;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    const sac_status status = io_error(log->path, "write", err);
    if (before >= 0 && ftruncate(log->file, before)) return status;
    return status;
  }
  return SAC_OK;
}

static sac_status open_log(sac_log *log, int flags, sac_error *err) {
  log->file = open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC | flags, 0666);
  return log->file < 0 ? io_error(log->path, flags & O_CREAT ? "create" : "open", err) : SAC_OK;
}

sac_status sac_log_create(sac_log *log, const char *dir, const char *name, const char *header,
                          sac_error *err) {
  SAC_TRY(sac_path_join(log->path, dir, name, err));
  SAC_TRY(open_log(log, O_CREAT | O_EXCL, err));
  SAC_TRY(append(log, header, strlen(header), err));
  return append(log, "\n", 1, err);
}

sac_status sac_log_row(sac_log *log, size_t count, const double values[], sac_error *err) {
  char text[ROW_TEXT];
  size_t used = 0;
  for (size_t i = 0; i < count && i < SAC_LOG_COLUMNS_MAX; i++) {
    if (i) text[used++] = ',';
    if (isnan(values[i])) continue;
    sac_real_text(values[i], text + used, CELL);
    used += strlen(text + used);
  }
  text[used++] = '\n';
  return append(log, text, used, err);
}

sac_status sac_log_sync(sac_log *log, sac_error *err) {
  return fsync(log->file) ? io_error(log->path, "bring to the disk", err) : SAC_OK;
}

void sac_log_close(sac_log *log) {
  if (log->file >= 0) close(log->file);
  log->file = -1;
}

/* The number at the beginning of *at, up to a comma or the line's end; *at moves past it. */
static int cell(const char **at, const char *end, double *value) {
  char text[CELL];
  const char *stop = *at;
  while (stop < end && *stop != ',') stop++;
  const size_t size = (size_t)(stop - *at);
  if (!size || size >= sizeof text) return 0;
  memcpy(text, *at, size);
  text[size] = '\0';
  *at = stop < end ? stop + 1 : end;
  return sac_real_parse(text, value);
}

/* Keep the rows that stay by moving them together, in place. */
static sac_status keep(sac_log_history *h, size_t header, double step,
                       int (*scheduled)(const void *, double), const void *user, sac_error *err) {
  size_t kept = header, line = 1;
  for (size_t at = header; at < h->size; line++) {
    const char *begin = h->text + at, *end = memchr(begin, '\n', h->size - at);
    if (!end) break; /* torn by a crash */
    const char *next = begin;
    double row_step, seconds;
    if (!cell(&next, end, &row_step) || !cell(&next, end, &seconds))
      return sac_fail(err, SAC_ERR_FORMAT, "%s: line %zu does not begin with a step and seconds",
                      h->path, line + 1);
    const size_t size = (size_t)(end + 1 - begin);
    at += size;
    h->at_step |= row_step == step;
    if (row_step > step || !scheduled(user, row_step)) continue;
    memmove(h->text + kept, begin, size);
    kept += size;
    h->step = row_step;
    h->seconds = seconds;
  }
  h->removed = h->size - kept;
  h->size = kept;
  return SAC_OK;
}

sac_status sac_log_read(sac_log_history *h, const char *dir, const char *name, const char *header,
                        double step, int (*scheduled)(const void *user, double step),
                        const void *user, sac_error *err) {
  *h = (sac_log_history){.step = -1.0};
  SAC_TRY(sac_path_join(h->path, dir, name, err));
  SAC_TRY(sac_file_read(h->path, &h->text, &h->size, err));
  const size_t size = strlen(header);
  if (h->size < size + 1 || memcmp(h->text, header, size) || h->text[size] != '\n')
    return sac_fail(err, SAC_ERR_FORMAT, "%s: its first line is not '%.60s...'", h->path, header);
  return keep(h, size + 1, step, scheduled, user, err);
}

sac_status sac_log_reopen(sac_log *log, const sac_log_history *h, sac_error *err) {
  if (h->removed) SAC_TRY(sac_file_replace(h->path, &(sac_piece){h->text, h->size}, 1, err));
  memcpy(log->path, h->path, sizeof log->path);
  return open_log(log, 0, err);
}

void sac_log_history_free(sac_log_history *h) {
  free(h->text);
  h->text = NULL;
}
