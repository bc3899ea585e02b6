/* The guard of MuJoCo's calls, with MuJoCo's own mju_error and mju_warning. */
#include "guard.h"
#include "check.h"

#include <mujoco/mujoco.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int reached;

static void fails(void *arg) {
  mju_error("number %d is wrong", *(int *)arg);
  reached = 1; /* never: an error does not return */
}

static void an_error_comes_back(void **state) {
  (void)state;
  char text[100];
  int number = 7;
  guard_install();
  reached = 0;
  assert_false(guard_run(fails, &number, text, sizeof text));
  assert_non_null(strstr(text, "number 7 is wrong"));
  assert_false(reached);
}

static void is_fine(void *arg) {
  *(int *)arg += 1;
}

static void a_call_without_error_returns(void **state) {
  (void)state;
  char text[100] = "old";
  int number = 1;
  guard_install();
  assert_true(guard_run(is_fine, &number, text, sizeof text));
  assert_int_equal(number, 2);
  assert_string_equal(text, "");
}

/* Each thread sees its own errors: 4 of them, 2,000 calls each, every other one an error. */
static void *many_calls(void *arg) {
  const int number = *(int *)arg;
  char text[100], want[100];
  intptr_t wrong = 0;
  snprintf(want, sizeof want, "number %d is wrong", number);
  for (int i = 0; i < 2000; i++) {
    int copy = number;
    const int ok = guard_run(i % 2 ? fails : is_fine, &copy, text, sizeof text);
    wrong += i % 2 ? ok || !strstr(text, want) : !ok || copy != number + 1;
  }
  return (void *)wrong;
}

static void threads_have_their_own_guards(void **state) {
  (void)state;
  pthread_t threads[4];
  int numbers[4] = {100, 200, 300, 400};
  void *wrong;
  guard_install();
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, many_calls, &numbers[i]), 0);
  for (int i = 0; i < 4; i++) {
    pthread_join(threads[i], &wrong);
    assert_int_equal((intptr_t)wrong, 0);
  }
}

/* --- what is not ours goes to the handler that was there */

static char heard[1024];
static void listens(const mjLogMessage *message) {
  snprintf(heard, sizeof heard, "%s", message->subject);
}

static void warns(void *arg) {
  (void)arg;
  mju_warning("inside");
}

static void other_users_keep_their_handler(void **state) {
  (void)state;
  char text[100];
  const mjfLogHandler original = mju_setLogHandler(listens);
  guard_install();
  guard_install(); /* once more changes nothing */
  heard[0] = '\0';
  mju_warning("outside");
  assert_non_null(strstr(heard, "outside"));
  heard[0] = '\0';
  assert_true(guard_run(warns, NULL, text, sizeof text));
  assert_string_equal(heard, "");
  mju_setLogHandler(original);
}

static void nothing_is_logged(void **state) {
  (void)state;
  assert_int_equal(access("MUJOCO_LOG.TXT", F_OK), -1);
}

int main(void) {
  unlink("MUJOCO_LOG.TXT"); /* of another run */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_error_comes_back),
      cmocka_unit_test(a_call_without_error_returns),
      cmocka_unit_test(threads_have_their_own_guards),
      cmocka_unit_test(other_users_keep_their_handler),
      cmocka_unit_test(nothing_is_logged),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
