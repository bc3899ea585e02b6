#define _POSIX_C_SOURCE 200809L
#include "base/file.h"

#include "base/try.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  PATH_SHOWN = 300,        /* of a long path, so that the cause fits the message too */
  TRANSFER_MOST = 1 << 30, /* bytes a call: some systems refuse more */
  READ_FIRST = 4096        /* room for a file whose size is not known beforehand */
};

static const char *shown(const char *path) {
  const size_t length = strlen(path);
  return length > PATH_SHOWN ? path + length - PATH_SHOWN : path;
}

sac_status sac_fail_io(sac_error *err, const char *path, const char *verb, int code) {
  char cause[128];
  if (strerror_r(code, cause, sizeof cause) != 0) snprintf(cause, sizeof cause, "error %d", code);
  return sac_fail(err, SAC_ERR_IO, "%s: cannot %s: %s", shown(path), verb, cause);
}

/* --- paths and folders ----------------------------------------------------------------------- */

sac_status sac_path_join(char path[SAC_PATH_MAX], const char *dir, const char *name,
                         sac_error *err) {
  const size_t length = strlen(dir);
  const char *const slash = length == 0 || dir[length - 1] == '/' ? "" : "/";
  if (length + strlen(slash) + strlen(name) >= SAC_PATH_MAX)
    return sac_fail(err, SAC_ERR_ARG, "path ...%s/%.100s: longer than %d bytes", shown(dir), name,
                    SAC_PATH_MAX - 1);
  snprintf(path, SAC_PATH_MAX, "%s%s%s", dir, slash, name);
  return SAC_OK;
}

sac_status sac_folder_sync(const char *path, sac_error *err) {
  const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return sac_fail_io(err, path, "open the folder", errno);
  const int code = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  // EINVAL: a file system that has nothing to sync here
  return code == 0 || code == EINVAL ? SAC_OK : sac_fail_io(err, path, "sync the folder", code);
}

static sac_status sync_folder_of(const char *path, sac_error *err) {
  char folder[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(folder, "", path, err));
  char *const slash = strrchr(folder, '/');
  if (!slash) return sac_folder_sync(".", err);
  slash[slash == folder] = '\0'; // "/name" lies in "/"
  return sac_folder_sync(folder, err);
}

static sac_status make_one_folder(const char *path, sac_error *err) {
  struct stat info;
  if (stat(path, &info) == 0) {
    if (S_ISDIR(info.st_mode)) return SAC_OK;
    return sac_fail(err, SAC_ERR_IO, "%s: exists, and is not a folder", shown(path));
  }
  // another process may have made it since
  if (mkdir(path, 0777) != 0 && errno != EEXIST) return sac_fail_io(err, path, "make", errno);
  return sync_folder_of(path, err);
}

sac_status sac_make_folder(const char *path, sac_error *err) {
  char parent[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(parent, "", path, err));
  for (char *at = parent + 1; *parent && *at; at++) {
    if (*at != '/') continue;
    *at = '\0';
    SAC_TRY(make_one_folder(parent, err));
    *at = '/';
  }
  return make_one_folder(path, err);
}

/* --- writing --------------------------------------------------------------------------------- */

sac_status sac_write_at(int fd, const char *path, const void *data, size_t size, uint64_t at,
                        sac_error *err) {
  const char *from = data;
  while (size > 0) {
    const size_t most = size < TRANSFER_MOST ? size : TRANSFER_MOST;
    const ssize_t wrote = pwrite(fd, from, most, (off_t)at);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return sac_fail_io(err, path, "write", wrote < 0 ? errno : EIO);
    from += wrote;
    at += (uint64_t)wrote;
    size -= (size_t)wrote;
  }
  return SAC_OK;
}

static sac_status write_pieces(int fd, const char *path, const sac_piece pieces[], size_t count,
                               sac_error *err) {
  uint64_t at = 0;
  for (size_t i = 0; i < count; i++) {
    SAC_TRY(sac_write_at(fd, path, pieces[i].data, pieces[i].size, at, err));
    at += pieces[i].size;
  }
  return fsync(fd) == 0 ? SAC_OK : sac_fail_io(err, path, "write", errno);
}

/* A complete and durable file `path`, made anew. */
static sac_status write_file(const char *path, const sac_piece pieces[], size_t count,
                             sac_error *err) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return sac_fail_io(err, path, "write", errno);
  sac_status status = write_pieces(fd, path, pieces, count, err);
  if (close(fd) != 0 && status == SAC_OK) status = sac_fail_io(err, path, "write", errno);
  return status;
}

sac_status sac_file_replace(const char *path, const sac_piece pieces[], size_t count,
                            sac_error *err) {
  char temporary[SAC_PATH_MAX];
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.tmp", path) >= sizeof temporary)
    return sac_fail(err, SAC_ERR_ARG, "path ...%s: longer than %d bytes", shown(path),
                    SAC_PATH_MAX - 5);
  sac_status status = write_file(temporary, pieces, count, err);
  if (status == SAC_OK && rename(temporary, path) != 0)
    status = sac_fail_io(err, path, "replace", errno);
  if (status != SAC_OK) {
    unlink(temporary);
    return status;
  }
  return sync_folder_of(path, err);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Read to the end of fd into a block that grows; *data is to be freed even after an error. */
static sac_status read_all(int fd, const char *path, size_t room, char **data, size_t *size,
                           sac_error *err) {
  for (*size = 0;;) {
    if (*size + 1 >= room || !*data) { // one byte stays for the zero
      room = *data ? 2 * room : room;
      char *const larger = realloc(*data, room);
      if (!larger)
        return sac_fail(err, SAC_ERR_NOMEM, "%s: no memory for %zu bytes", shown(path), room);
      *data = larger;
    }
    const size_t left = room - 1 - *size;
    const ssize_t got = read(fd, *data + *size, left < TRANSFER_MOST ? left : TRANSFER_MOST);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sac_fail_io(err, path, "read", errno);
    if (got == 0) break;
    *size += (size_t)got;
  }
  (*data)[*size] = '\0';
  return SAC_OK;
}

static sac_status read_open_file(int fd, const char *path, char **data, size_t *size,
                                 sac_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0) return sac_fail_io(err, path, "read", errno);
  if (!S_ISREG(info.st_mode))
    return sac_fail(err, SAC_ERR_IO, "%s: is not a regular file", shown(path));
  // two spare bytes: the zero, and one more so that the end is met without growing
  const size_t room = info.st_size > 0 ? (size_t)info.st_size + 2 : READ_FIRST;
  return read_all(fd, path, room, data, size, err);
}

sac_status sac_read_at(int fd, const char *path, void *data, size_t size, uint64_t at,
                       sac_error *err) {
  char *to = data;
  while (size > 0) {
    const ssize_t got = pread(fd, to, size < TRANSFER_MOST ? size : TRANSFER_MOST, (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sac_fail_io(err, path, "read", errno);
    if (got == 0)
      return sac_fail(err, SAC_ERR_FORMAT, "%s: truncated: %zu bytes are missing", shown(path),
                      size);
    to += got;
    at += (uint64_t)got;
    size -= (size_t)got;
  }
  return SAC_OK;
}

sac_status sac_file_read(const char *path, char **data, size_t *size, sac_error *err) {
  char *block = NULL;
  size_t length = 0;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a named pipe must not stop us
  if (fd < 0) return sac_fail_io(err, path, "read", errno);
  const sac_status status = read_open_file(fd, path, &block, &length, err);
  close(fd);
  if (status != SAC_OK) {
    free(block);
    return status;
  }
  *data = block;
  *size = length;
  return SAC_OK;
}
