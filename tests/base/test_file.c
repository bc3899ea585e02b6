#define _GNU_SOURCE // unshare
#include "scratch.h"

#include "base/file.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

static char dir[SCRATCH_PATH];

static int setup(void **state) {
  (void)state;
  scratch_make(dir);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  scratch_remove(dir);
  return 0;
}

static sac_status replace(const char *path, const char *text, sac_error *err) {
  const sac_piece piece = {text, strlen(text)};
  return sac_file_replace(path, &piece, 1, err);
}

static void assert_content(const char *path, const char *text) {
  char *data = NULL;
  size_t size = 0;
  sac_error err;
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  assert_int_equal(size, strlen(text));
  assert_string_equal(data, text);
  free(data);
}

static void paths_are_joined_by_one_slash(void **state) {
  (void)state;
  char path[SAC_PATH_MAX], name[SAC_PATH_MAX + 1];
  sac_error err;
  assert_ok(sac_path_join(path, "a/b", "c", &err), err);
  assert_string_equal(path, "a/b/c");
  assert_ok(sac_path_join(path, "a/", "c", &err), err);
  assert_string_equal(path, "a/c");
  assert_ok(sac_path_join(path, "/", "c", &err), err);
  assert_string_equal(path, "/c");
  assert_ok(sac_path_join(path, "", "c", &err), err);
  assert_string_equal(path, "c");
  // the longest that fits: 4,095 characters, "a/" included
  memset(name, 'x', sizeof name);
  name[SAC_PATH_MAX - 1 - 2] = '\0';
  assert_ok(sac_path_join(path, "a", name, &err), err);
  assert_int_equal(strlen(path), SAC_PATH_MAX - 1);
  assert_int_equal(sac_path_join(path, "ab", name, &err), SAC_ERR_ARG);
}

static void folders_are_made_with_their_parents(void **state) {
  (void)state;
  struct stat info;
  sac_error err;
  assert_ok(sac_make_folder(scratch_path(dir, "a/b/c"), &err), err);
  assert_ok(sac_make_folder(scratch_path(dir, "a/b/c"), &err), err); // again
  assert_ok(sac_make_folder(scratch_path(dir, "a//b/d/"), &err), err);
  assert_int_equal(stat(scratch_path(dir, "a/b/d"), &info), 0);
  assert_ok(sac_make_folder("/", &err), err);
  assert_ok(sac_make_folder(".", &err), err);

  const char *file = scratch_path(dir, "file");
  scratch_write(file, "x", 1);
  assert_int_equal(sac_make_folder(file, &err), SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "/file: exists, and is not a folder"));
  assert_int_equal(sac_make_folder(scratch_path(dir, "file/b"), &err), SAC_ERR_IO);
  assert_int_equal(sac_make_folder("", &err), SAC_ERR_IO);
}

static void a_file_is_replaced_whole(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  sac_error err;
  assert_ok(replace(path, "first", &err), err);
  assert_content(path, "first");
  const sac_piece pieces[] = {{"sec", 3}, {NULL, 0}, {"ond", 3}};
  assert_ok(sac_file_replace(path, pieces, 3, &err), err);
  assert_content(path, "second");
  // a temporary that a crash left is no obstacle, and longer than what follows
  scratch_write(scratch_path(dir, "file.tmp"), "left by a crash", 15);
  assert_ok(replace(path, "third", &err), err);
  assert_content(path, "third");
  assert_int_equal(scratch_count(dir), 1);
}

static void reads_take_the_whole_file(void **state) {
  (void)state;
  enum { SIZE = 100000 };
  const char *path = scratch_path(dir, "file");
  char *bytes = malloc(SIZE), *data = NULL;
  size_t size = 0;
  sac_error err;
  for (int i = 0; i < SIZE; i++) bytes[i] = (char)(i * 7 % 256); // zeros among them
  scratch_write(path, bytes, SIZE);
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  assert_int_equal(size, SIZE);
  assert_memory_equal(data, bytes, SIZE);
  assert_int_equal(data[SIZE], 0);
  free(data);
  free(bytes);
  scratch_write(path, "", 0);
  assert_content(path, "");
}

static void what_cannot_be_read_is_named(void **state) {
  (void)state;
  char *data = NULL, message[2 * SCRATCH_PATH];
  size_t size = 7;
  sac_error err;
  const char *missing = scratch_path(dir, "missing"), *pipe = scratch_path(dir, "pipe");
  assert_int_equal(sac_file_read(missing, &data, &size, &err), SAC_ERR_IO);
  snprintf(message, sizeof message, "%s: cannot read: No such file or directory", missing);
  assert_string_equal(err.msg, message);
  assert_int_equal(sac_file_read(dir, &data, &size, &err), SAC_ERR_IO);
  snprintf(message, sizeof message, "%s: is not a regular file", dir);
  assert_string_equal(err.msg, message);
  assert_int_equal(mkfifo(pipe, 0600), 0); // would wait for a writer for ever
  assert_int_equal(sac_file_read(pipe, &data, &size, &err), SAC_ERR_IO);
  assert_null(data);
  assert_int_equal(size, 7);
}

static void what_cannot_be_written_is_named(void **state) {
  (void)state;
  char message[2 * SCRATCH_PATH];
  sac_error err;
  const char *path = scratch_path(dir, "no/such/file");
  assert_int_equal(replace(path, "x", &err), SAC_ERR_IO);
  snprintf(message, sizeof message, "%s.tmp: cannot write: No such file or directory", path);
  assert_string_equal(err.msg, message);
  // a folder stands in the way: it stays, the temporary goes
  path = scratch_path(dir, "folder");
  assert_ok(sac_make_folder(path, &err), err);
  assert_int_equal(replace(path, "x", &err), SAC_ERR_IO);
  snprintf(message, sizeof message, "%s: cannot replace: Is a directory", path);
  assert_string_equal(err.msg, message);
  assert_int_equal(scratch_count(dir), 1);
  // a path that is longer than the message
  char *longest = malloc(SAC_PATH_MAX + 100);
  memset(longest, 'y', SAC_PATH_MAX + 99);
  longest[SAC_PATH_MAX + 99] = '\0';
  assert_int_equal(replace(longest, "x", &err), SAC_ERR_ARG);
  longest[SAC_PATH_MAX - 100] = '\0';
  assert_int_equal(replace(longest, "x", &err), SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "File name too long"));
  free(longest);
}

/* A folder that may not be written to; root may everywhere. */
static void a_protected_folder_is_an_error(void **state) {
  (void)state;
  sac_error err;
  if (geteuid() == 0) skip();
  const char *path = scratch_path(dir, "file");
  assert_ok(replace(path, "old", &err), err);
  assert_int_equal(chmod(dir, 0555), 0);
  const sac_status status = replace(path, "new", &err);
  assert_int_equal(chmod(dir, 0755), 0);
  assert_int_equal(status, SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "file.tmp: cannot write: Permission denied"));
  assert_content(path, "old");
}

/* A limit on the size of files cuts a write short as a full disk does: EFBIG instead of ENOSPC. */
static void a_write_that_fails_half_way_leaves_the_old_file(void **state) {
  (void)state;
  enum { LIMIT = 3000, SIZE = 10000 };
  const char *path = scratch_path(dir, "file");
  char *bytes = calloc(1, SIZE);
  struct rlimit before, limited;
  sac_error err;
  assert_ok(replace(path, "old", &err), err);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limited = before;
  limited.rlim_cur = LIMIT;
  void (*const old_handler)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
  const sac_piece piece = {bytes, SIZE};
  const sac_status status = sac_file_replace(path, &piece, 1, &err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, old_handler);
  assert_int_equal(status, SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "file.tmp: cannot write: File too large"));
  assert_content(path, "old");
  assert_int_equal(scratch_count(dir), 1);
  free(bytes);
}

static void a_full_device_is_named(void **state) {
  (void)state;
  sac_error err;
  const int fd = open("/dev/full", O_WRONLY);
  if (fd < 0) skip(); // not a Linux
  assert_int_equal(sac_write_at(fd, "/dev/full", "x", 1, 0, &err), SAC_ERR_IO);
  assert_string_equal(err.msg, "/dev/full: cannot write: No space left on device");
  close(fd);
}

enum { DISK_FULL_SEEN = 0, DISK_WRONG = 1, DISK_NONE = 77 };

/* Write `id` as the one user (or group) of this process's own name space. */
static int map_id(const char *map, unsigned id) {
  char line[32];
  const int length = snprintf(line, sizeof line, "0 %u 1", id);
  const int fd = open(map, O_WRONLY);
  const int done = fd >= 0 && write(fd, line, (size_t)length) == length;
  if (fd >= 0) close(fd);
  return done;
}

/* A name space of our own for mounts; for users too if we are not root, where we become root. */
static int enter_own_name_space(void) {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (user == 0) return unshare(CLONE_NEWNS) == 0;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 0;
  const int fd = open("/proc/self/setgroups", O_WRONLY); // before a group may be mapped
  if (fd >= 0) {
    const int denied = write(fd, "deny", 4) == 4;
    close(fd);
    if (!denied) return 0;
  }
  return map_id("/proc/self/uid_map", user) && map_id("/proc/self/gid_map", group);
}

/* In a process of its own: a file system of 64 KiB, full after the first file. */
static int on_a_tiny_disk(void) {
  enum { SIZE = 200 * 1024 };
  if (!enter_own_name_space()) return DISK_NONE;
  if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) return DISK_NONE;
  if (mount("tmpfs", dir, "tmpfs", 0, "size=64k") != 0) return DISK_NONE;
  const char *path = scratch_path(dir, "file");
  char *bytes = calloc(1, SIZE), *data = NULL;
  size_t size;
  sac_error err;
  const sac_piece piece = {bytes, SIZE};
  if (replace(path, "old", &err) != SAC_OK) return DISK_WRONG;
  if (sac_file_replace(path, &piece, 1, &err) != SAC_ERR_IO) return DISK_WRONG;
  if (!strstr(err.msg, "file.tmp: cannot write: No space left on device")) return DISK_WRONG;
  if (sac_file_read(path, &data, &size, &err) != SAC_OK || strcmp(data, "old")) return DISK_WRONG;
  if (scratch_count(dir) != 1) return DISK_WRONG;
  return DISK_FULL_SEEN;
}

/* Needs a mount in a name space of its own, which root may have, and on many systems every user. */
static void a_full_disk_leaves_the_old_file(void **state) {
  (void)state;
  int status = 0;
  const pid_t child = fork();
  if (child == 0) _exit(on_a_tiny_disk());
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == DISK_NONE) skip();
  assert_int_equal(WEXITSTATUS(status), DISK_FULL_SEEN);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(paths_are_joined_by_one_slash),
      IN_SCRATCH(folders_are_made_with_their_parents),
      IN_SCRATCH(a_file_is_replaced_whole),
      IN_SCRATCH(reads_take_the_whole_file),
      IN_SCRATCH(what_cannot_be_read_is_named),
      IN_SCRATCH(what_cannot_be_written_is_named),
      IN_SCRATCH(a_protected_folder_is_an_error),
      IN_SCRATCH(a_write_that_fails_half_way_leaves_the_old_file),
      cmocka_unit_test(a_full_device_is_named),
      IN_SCRATCH(a_full_disk_leaves_the_old_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
