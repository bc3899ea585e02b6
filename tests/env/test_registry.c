/* The registry: what it lists, what it says about a task that is not there, and how it refuses a
 * file that is no plug-in. The toys are built from tests/env/toys/toy.c. */
#define _POSIX_C_SOURCE 200809L /* setenv, mkdtemp */
#include "check.h"
#include "scratch.h"

#include "sac/env.h"

enum { BUILT_IN = 5 }; /* tasks */
#define TOY(name) SAC_BINARY_DIR "/tests/env/toys/libtoy_" name ".so"

/* An empty folder of plug-ins, so that only the built-in tasks are there. */
static sac_registry *open_bare(void) {
  sac_registry *registry = NULL;
  sac_error err;
  setenv("SAC_PLUGIN_DIR", "", 1);
  assert_ok(sac_registry_create(&registry, &err), err);
  unsetenv("SAC_PLUGIN_DIR");
  return registry;
}

static void assert_says(const sac_error *err, const char *words) {
  if (!strstr(err->msg, words)) fail_msg("\"%s\" does not say \"%s\"", err->msg, words);
}

static void built_in_tasks_are_there(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  const char *plugin;
  assert_int_equal(sac_registry_count(r), BUILT_IN);
  assert_string_equal(sac_registry_task(r, 0, &plugin)->id, "Pendulum-v1");
  assert_string_equal(plugin, "built-in");
  assert_string_equal(sac_registry_task(r, 1, NULL)->id, "MountainCarContinuous-v0");
  assert_string_equal(sac_registry_task(r, 2, NULL)->id, "CartPole-v1");
  assert_string_equal(sac_registry_task(r, 3, NULL)->id, "Heading-v0");
  assert_string_equal(sac_registry_task(r, 4, NULL)->id, "TwoHills-v0");
  assert_string_equal(sac_registry_note(r), "");
  assert_ptr_equal(sac_registry_find(r, "Pendulum-v1", NULL), sac_registry_task(r, 0, NULL));
  sac_registry_destroy(r);
  sac_registry_destroy(NULL);
}

static void an_unknown_name_brings_the_nearest(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  sac_error err;
  assert_null(sac_registry_find(r, "pendulum", &err));
  assert_int_equal(err.code, SAC_ERR_ARG);
  assert_says(&err, "\"pendulum\"");
  assert_says(&err, "Pendulum-v1");
  assert_null(
      sac_registry_find(r, "HalfCheeta-v5", &err)); /* MuJoCo's names are known without it */
  assert_says(&err, "HalfCheetah-v5");
  assert_null(sac_registry_find(r, "Chess", &err));
  assert_says(&err, "no environment is called \"Chess\"");
  assert_null(sac_registry_find(r, "Chess", NULL));
  sac_registry_destroy(r);
}

static void a_missing_mujoco_says_how_to_get_it(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  sac_error err;
  assert_null(sac_registry_find(r, "Humanoid-v5", &err));
  assert_int_equal(err.code, SAC_ERR_ARG);
  assert_says(&err, "script/setup");
  assert_says(&err, "mujoco-core==4.0.0");
  assert_says(&err, "gymnasium==1.4.0");
  sac_registry_destroy(r);
}

static void a_plugin_adds_its_tasks(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  const char *plugin;
  sac_error err;
  assert_ok(sac_registry_load(r, TOY("good"), &err), err);
  assert_int_equal(sac_registry_count(r), BUILT_IN + 2);
  assert_string_equal(sac_registry_task(r, BUILT_IN, &plugin)->id, "Toy-v0");
  assert_string_equal(plugin, "toys");
  assert_string_equal(sac_registry_task(r, BUILT_IN + 1, NULL)->id, "Toy-v1");
  assert_non_null(sac_registry_find(r, "Toy-v1", &err));
  assert_string_equal(sac_registry_file(r, sac_registry_task(r, BUILT_IN + 1, NULL)), TOY("good"));
  assert_null(sac_registry_file(r, sac_registry_task(r, 0, NULL))); /* built-in */
  sac_registry_destroy(r);
}

/* A plug-in from before tables had `actions` is continuous, whatever lies behind its table. */
static void an_older_table_has_no_discrete_actions(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  sac_error err;
  sac_env *env = NULL;
  assert_ok(sac_registry_load(r, TOY("before_actions"), &err), err);
  const sac_env_api *task = sac_registry_find(r, "Toy-v0", &err);
  assert_non_null(task->actions); /* it is there, but not the table's */
  assert_ok(task->create(&env, &err), err);
  assert_int_equal(sac_env_actions(task, env), 0);
  assert_int_equal(task->actions(env), 3);
  task->destroy(env);
  assert_ok(sac_registry_load(r, TOY("good"), &err), err);
  task = sac_registry_find(r, "Toy-v0", &err);
  assert_int_equal(sac_env_actions(task, NULL), 3);
  task = sac_registry_find(r, "Pendulum-v1", &err);
  assert_int_equal(sac_env_actions(task, NULL), 0);
  sac_registry_destroy(r);
}

/* The same id again replaces the task and keeps its place; others stay. */
static void a_later_task_of_the_same_name_counts(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  const char *plugin;
  sac_error err;
  assert_ok(sac_registry_load(r, TOY("replaces"), &err), err);
  assert_int_equal(sac_registry_count(r), BUILT_IN + 1);
  assert_string_equal(sac_registry_task(r, 0, &plugin)->summary, "another toy");
  assert_string_equal(plugin, "toys");
  assert_ok(sac_registry_load(r, TOY("good"), &err), err); /* has Toy-v0 too */
  assert_int_equal(sac_registry_count(r), BUILT_IN + 2);
  assert_ok(sac_registry_load(r, TOY("good"), &err), err); /* twice is fine */
  assert_int_equal(sac_registry_count(r), BUILT_IN + 2);
  sac_registry_destroy(r);
}

/* Each refusal names the file and the cause, and leaves the list as it was. */
static void what_is_no_plugin_is_refused(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  scratch_write(scratch_path(dir, "text.so"), "not a library\n", 14);
  const char *text = scratch_path(dir, "text.so");
  const struct {
    const char *path, *words;
  } cases[] = {
      {"nowhere/libthing.so", "nowhere/libthing.so: No such file"},
      {dir, "not a file"},
      {text, "text.so cannot be loaded"},
      {TOY("no_symbol"), "it has no symbol sac_env_plugin"},
      {TOY("other_abi"), "the plug-in has ABI 99, this library 1"},
      {TOY("refuses"), "does not serve ABI 1"},
      {TOY("old_table"), "a table of 16 bytes"},
      {TOY("no_step"), "lacks one of create, destroy, space, reset, step"},
  };
  sac_registry *r = open_bare();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    sac_error err;
    assert_int_equal(sac_registry_load(r, cases[i].path, &err), SAC_ERR_ENV);
    assert_int_equal(err.code, SAC_ERR_ENV);
    assert_says(&err, cases[i].words);
    assert_says(&err, cases[i].path);
    assert_int_equal(sac_registry_count(r), BUILT_IN);
  }
  sac_registry_destroy(r);
  scratch_remove(dir);
}

/* A file without a slash is one of the present folder, never one that the system's search finds. */
static void a_bare_name_is_not_searched_for(void **state) {
  (void)state;
  sac_registry *r = open_bare();
  sac_error err;
  assert_int_equal(sac_registry_load(r, "libm.so.6", &err), SAC_ERR_ENV);
  assert_says(&err, "libm.so.6: No such file");
  sac_registry_destroy(r);
}

/* Of a plug-in folder what can be loaded is, and what cannot is a line of the note. */
static void the_folder_is_read_and_failures_are_noted(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  sac_registry *r = NULL;
  sac_error err;
  scratch_make(dir);
  scratch_write(scratch_path(dir, "libbroken.so"), "not a library\n", 14);
  scratch_write(scratch_path(dir, "notes.txt"), "not asked for\n", 14);
  assert_int_equal(symlink(TOY("good"), scratch_path(dir, "libgood.so")), 0);
  assert_int_equal(symlink(TOY("other_abi"), scratch_path(dir, "libother.so")), 0);
  setenv("SAC_PLUGIN_DIR", dir, 1);
  assert_ok(sac_registry_create(&r, &err), err);
  assert_int_equal(sac_registry_count(r), BUILT_IN + 2);
  assert_non_null(strstr(sac_registry_note(r), "libbroken.so"));
  assert_non_null(strstr(sac_registry_note(r), "\n")); /* two lines */
  assert_non_null(strstr(sac_registry_note(r), "ABI 99"));
  assert_null(strstr(sac_registry_note(r), "notes.txt"));
  assert_null(sac_registry_find(r, "Ant-v5", &err)); /* what was skipped may be why */
  assert_says(&err, "libbroken.so");
  sac_registry_destroy(r);
  setenv("SAC_PLUGIN_DIR", "no/such/folder", 1);
  assert_ok(sac_registry_create(&r, &err), err);
  assert_non_null(strstr(sac_registry_note(r), "no/such/folder: No such file"));
  sac_registry_destroy(r);
  unsetenv("SAC_PLUGIN_DIR");
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(built_in_tasks_are_there),
      cmocka_unit_test(an_unknown_name_brings_the_nearest),
      cmocka_unit_test(a_missing_mujoco_says_how_to_get_it),
      cmocka_unit_test(a_plugin_adds_its_tasks),
      cmocka_unit_test(an_older_table_has_no_discrete_actions),
      cmocka_unit_test(a_later_task_of_the_same_name_counts),
      cmocka_unit_test(what_is_no_plugin_is_refused),
      cmocka_unit_test(a_bare_name_is_not_searched_for),
      cmocka_unit_test(the_folder_is_read_and_failures_are_noted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
