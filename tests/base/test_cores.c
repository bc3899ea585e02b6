/* The quota of CPU time, from control groups made of plain files, and the affinity. */
#define _GNU_SOURCE // sched_setaffinity
#include "scratch.h"

#include "base/cores.h"

#include <sched.h>

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

static void put(const char *name, const char *text) {
  scratch_write(scratch_path(dir, name), text, strlen(text));
}

static void folder(const char *name) {
  assert_int_equal(mkdir(scratch_path(dir, name), 0777), 0);
}

static double quota(const char *self) {
  put("self", self);
  return sac_cores_quota(scratch_path(dir, "self"), dir);
}

/* Version 2: a group may use no more than any group above it. */
static void the_least_quota_up_the_tree_counts(void **state) {
  (void)state;
  folder("a");
  folder("a/b");
  put("a/cpu.max", "150000 100000\n");
  put("a/b/cpu.max", "max 100000\n");
  assert_close(quota("0::/a/b\n"), 1.5, 0, 0);
  put("a/b/cpu.max", "100000 200000\n");
  assert_close(quota("0::/a/b\n"), 0.5, 0, 0);
  assert_close(quota("0::/a\n"), 1.5, 0, 0);
  assert_true(isinf(quota("0::/\n")));
  assert_true(isinf(quota("nonsense\n")));
  /* a container: the path is the host's, the group's own files lie at the mount */
  put("cpu.max", "300000 100000\n");
  assert_close(quota("0::/not/here\n"), 3.0, 0, 0);
  assert_close(quota("0::/\n"), 3.0, 0, 0);
}

/* Version 1: two files, -1 for none, and groups of other kinds do not matter. */
static void version_1_is_read(void **state) {
  (void)state;
  folder("cpu,cpuacct");
  folder("cpu,cpuacct/a");
  folder("memory");
  put("memory/cpu.max", "1 1\n");
  put("cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
  put("cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  assert_true(isinf(quota("7:memory:/\n4:cpu,cpuacct:/a\n")));
  put("cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
  assert_close(quota("7:memory:/\n4:cpu,cpuacct:/a\n"), 2.5, 0, 0);
}

static void no_control_group_is_no_quota(void **state) {
  (void)state;
  assert_true(isinf(sac_cores_quota("/nowhere/self", "/nowhere")));
}

/* With one CPU allowed there is one core, whatever the machine has. */
static void the_affinity_is_kept(void **state) {
  (void)state;
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  const size_t cores = sac_cores();
  assert_true(cores >= 1 && cores <= (size_t)CPU_COUNT(&before));
  size_t first = 0;
  while (!CPU_ISSET(first, &before)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(sac_cores(), 1);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
  assert_int_equal(sac_cores(), cores);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_least_quota_up_the_tree_counts, setup, teardown),
      cmocka_unit_test_setup_teardown(version_1_is_read, setup, teardown),
      cmocka_unit_test(no_control_group_is_no_quota),
      cmocka_unit_test(the_affinity_is_kept),
  };
  return cmocka_run_group_tests_name("cores", tests, NULL, NULL);
}
