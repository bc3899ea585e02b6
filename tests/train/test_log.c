/* The tables of a run's folder: exact numbers, and cutting back to a checkpoint. */
#define _GNU_SOURCE /* mkdtemp */
#include "scratch.h"

#include "base/file.h"
#include "train/log.h"

static const char header[] = "step,seconds,value";

static int every_ten(const void *user, double step) {
  (void)user;
  return (int64_t)step % 10 == 0;
}

static void assert_content(const char *path, const char *want) {
  sac_error err;
  char *text;
  size_t size;
  assert_ok(sac_file_read(path, &text, &size, &err), err);
  assert_string_equal(text, want);
  free(text);
}

/* Numbers are the shortest text that reads back to the same bits; NaN is an empty cell. */
static void rows_are_exact(void **state) {
  (void)state;
  sac_error err;
  char dir[SCRATCH_PATH];
  sac_log log;
  scratch_make(dir);
  assert_ok(sac_log_create(&log, dir, "a.csv", header, &err), err);
  assert_ok(sac_log_row(&log, 3, (double[]){1e6, 0.1, -1.0 / 3.0}, &err), err);
  assert_ok(sac_log_row(&log, 3, (double[]){2e6, 12, (double)NAN}, &err), err);
  assert_ok(sac_log_sync(&log, &err), err);
  sac_log_close(&log);
  assert_content(scratch_path(dir, "a.csv"),
                 "step,seconds,value\n1000000,0.1,-0.3333333333333333\n2000000,12,\n");
  assert_int_equal(sac_log_create(&log, dir, "a.csv", header, &err), SAC_ERR_IO); /* it exists */
  scratch_remove(dir);
}

/* Rows after the checkpoint's step go, rows off the schedule go, a torn last line goes; what stays
 * is byte for byte what it was, and more rows can follow. */
static void a_resume_cuts_back(void **state) {
  (void)state;
  sac_error err;
  char dir[SCRATCH_PATH];
  static const char old[] = "step,seconds,value\n10,1.5,a b\n20,2.5,\n25,3,x\n30,3.5,y\n4";
  scratch_make(dir);
  const char *path = scratch_path(dir, "a.csv");
  scratch_write(path, old, sizeof old - 1);
  sac_log_history h;
  assert_ok(sac_log_read(&h, dir, "a.csv", header, 29, every_ten, NULL, &err), err);
  assert_content(path, old); /* reading changes nothing */
  assert_close(h.step, 20, 0, 0);
  assert_close(h.seconds, 2.5, 0, 0);
  sac_log log;
  assert_ok(sac_log_reopen(&log, &h, &err), err);
  assert_ok(sac_log_row(&log, 3, (double[]){30, 4, 5}, &err), err);
  sac_log_close(&log);
  sac_log_history_free(&h);
  assert_content(path, "step,seconds,value\n10,1.5,a b\n20,2.5,\n30,4,5\n");
  scratch_remove(dir);
}

/* A table without rows has no last step: -1. */
static void an_empty_table_has_no_step(void **state) {
  (void)state;
  sac_error err;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  scratch_write(scratch_path(dir, "a.csv"), "step,seconds,value\n", 19);
  sac_log_history h;
  assert_ok(sac_log_read(&h, dir, "a.csv", header, 100, every_ten, NULL, &err), err);
  assert_close(h.step, -1, 0, 0);
  assert_int_equal(h.removed, 0);
  sac_log_history_free(&h);
  scratch_remove(dir);
}

/* What is wrong is named with its file: no file, another header, a line that is no row. */
static void damage_is_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *word;
  } cases[] = {
      {"", "first line"},
      {"step,seconds\n", "first line"},
      {"step,seconds,value", "first line"},
      {"step,seconds,value\n10,1,1\nhello\n20,1,1\n", "line 3"},
      {"step,seconds,value\n10\n", "line 2"},
  };
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "a.csv");
  sac_error err;
  sac_log_history h;
  assert_int_equal(sac_log_read(&h, dir, "a.csv", header, 100, every_ten, NULL, &err), SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "a.csv"));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    scratch_write(path, cases[i].text, strlen(cases[i].text));
    assert_int_equal(sac_log_read(&h, dir, "a.csv", header, 100, every_ten, NULL, &err),
                     SAC_ERR_FORMAT);
    assert_non_null(strstr(err.msg, "a.csv"));
    assert_non_null(strstr(err.msg, cases[i].word));
    sac_log_history_free(&h);
  }
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_exact),
      cmocka_unit_test(a_resume_cuts_back),
      cmocka_unit_test(an_empty_table_has_no_step),
      cmocka_unit_test(damage_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
