/* A folder of a test's own, in the folder that the test runs in. */
#ifndef SAC_TESTS_SCRATCH_H
#define SAC_TESTS_SCRATCH_H

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRATCH_PATH = 1024 };

/* Make a fresh folder; its name goes into dir. */
static inline void scratch_make(char dir[SCRATCH_PATH]) {
  snprintf(dir, SCRATCH_PATH, "scratch.XXXXXX");
  if (!mkdtemp(dir)) fail_msg("cannot make the folder %s", dir);
}

/* dir/name, in storage that lasts until the fourth call from now. */
static inline const char *scratch_path(const char *dir, const char *name) {
  static char paths[4][2 * SCRATCH_PATH];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", dir, name);
  return path;
}

/* Remove a folder with all in it. */
static inline void scratch_remove(const char *dir) {
  char path[2 * SCRATCH_PATH];
  DIR *list = opendir(dir);
  for (struct dirent *e; list && (e = readdir(list)) != NULL;) {
    if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
    snprintf(path, sizeof path, "%.1000s/%.1000s", dir, e->d_name);
    if (unlink(path) != 0) scratch_remove(path);
  }
  if (list) closedir(list);
  rmdir(dir);
}

/* How many names a folder has, "." and ".." apart. */
static inline int scratch_count(const char *dir) {
  int count = 0;
  DIR *list = opendir(dir);
  for (struct dirent *e; list && (e = readdir(list)) != NULL;)
    count += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
  if (list) closedir(list);
  return count;
}

/* Make a file of these bytes. One that is there is overwritten in place: some file systems write a
 * file that was truncated first to the disk at once, which makes a loop over many damaged files
 * slow. */
static inline void scratch_write(const char *path, const void *data, size_t size) {
  const int fd = open(path, O_WRONLY | O_CREAT, 0666);
  const int done = fd >= 0 && write(fd, data, size) == (ssize_t)size &&
                   ftruncate(fd, (off_t)size) == 0 && close(fd) == 0;
  if (!done) fail_msg("cannot write %s", path);
}

#endif
