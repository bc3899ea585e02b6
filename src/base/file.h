/* Files: whole reads, and writes that leave either the old content or the new. */
#ifndef SAC_BASE_FILE_H
#define SAC_BASE_FILE_H

#include "sac/base.h"

enum { SAC_PATH_MAX = 4096 };

/* SAC_ERR_IO with "PATH: cannot VERB: CAUSE", the cause being the error number `code` in words. The
 * end of a very long path is what is shown. */
sac_status sac_fail_io(sac_error *err, const char *path, const char *verb, int code);

/* dir/name into path (SAC_PATH_MAX); SAC_ERR_ARG if it does not fit. */
sac_status sac_path_join(char path[SAC_PATH_MAX], const char *dir, const char *name,
                         sac_error *err);

/* Make a folder and its parents, durably; one that exists is fine. */
sac_status sac_make_folder(const char *path, sac_error *err);

/* One piece of what a file is to hold. */
typedef struct sac_piece {
  const void *data;
  size_t size;
} sac_piece;

/* Write the pieces, in order, to the temporary file `path`.tmp; fsync; rename; fsync the folder.
 * After an error of any of these but the last the old file is as it was and the temporary is gone;
 * after an error of the last the new file is in place, but might not outlast a loss of power. After
 * a crash the temporary may be left, and the next call overwrites it. Two callers must not write
 * one path at the same time. */
sac_status sac_file_replace(const char *path, const sac_piece pieces[], size_t count,
                            sac_error *err);

/* Read a whole file into a fresh zero-terminated block (*size without the zero); free() it. */
sac_status sac_file_read(const char *path, char **data, size_t *size, sac_error *err);

/* Write all of data at offset `at` of the open file fd (`path` in the message). */
sac_status sac_write_at(int fd, const char *path, const void *data, size_t size, uint64_t at,
                        sac_error *err);

/* Read exactly `size` bytes at offset `at`; SAC_ERR_FORMAT if the file ends before. */
sac_status sac_read_at(int fd, const char *path, void *data, size_t size, uint64_t at,
                       sac_error *err);

/* Make the names in a folder durable: fsync on it, where the file system knows that. */
sac_status sac_folder_sync(const char *path, sac_error *err);

#endif
