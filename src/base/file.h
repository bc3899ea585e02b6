/* Files: whole reads, and writes that leave either the old content or the new. */
#ifndef SAC_BASE_FILE_H
#define SAC_BASE_FILE_H

#include "sac/base.h"

enum { SAC_PATH_MAX = 4096 };

/* dir/name into path (SAC_PATH_MAX); SAC_ERR_ARG if it does not fit. */
sac_status sac_path_join(char path[SAC_PATH_MAX], const char *dir, const char *name, sac_error *err);

/* Make a folder and its parents; one that exists is fine. */
sac_status sac_make_folder(const char *path, sac_error *err);

/* One piece of what a file is to hold. */
typedef struct sac_piece {
  const void *data;
  size_t size;
} sac_piece;

/* Write the pieces, in order, to a temporary file beside `path`; fsync; rename; fsync the folder. */
sac_status sac_file_replace(const char *path, const sac_piece pieces[], size_t count, sac_error *err);

/* Read a whole file into a fresh zero-terminated block (*size without the zero); free() it. */
sac_status sac_file_read(const char *path, char **data, size_t *size, sac_error *err);

#endif
