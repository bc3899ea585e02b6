/* The MuJoCo plug-in beyond what every task must do: its errors, its files, its threads. Skipped
 * where the plug-in was not built. */
#define _POSIX_C_SOURCE 200809L /* setenv, mkdtemp, dup2 */
#include "play.h"
#include "scratch.h"

#include <fcntl.h>
#include <pthread.h>

static sac_registry *registry;

static int open_registry(void **state) {
  (void)state;
  sac_error err;
  return sac_registry_create(&registry, &err) == SAC_OK ? 0 : -1;
}

static int close_registry(void **state) {
  (void)state;
  sac_registry_destroy(registry);
  return 0;
}

static const sac_env_api *find(const char *id) {
  sac_error err;
  const sac_env_api *task = sac_registry_find(registry, id, &err);
  if (!task && access(SAC_BINARY_DIR "/plugins/libsac_mujoco.so", F_OK) == 0)
    fail_msg("%s", err.msg);
  if (!task) skip();
  return task;
}

static void assert_says(const sac_error *err, const char *words) {
  if (!strstr(err->msg, words)) fail_msg("\"%s\" does not say \"%s\"", err->msg, words);
}

/* Where the saved state of a task has its qvel: behind the header, the time and qpos (docs/env.md).
 */
static double *qvel_of(void *state, size_t nq) {
  return (double *)((char *)state + 48) + 1 + nq;
}

/* The error of one step; its outputs stay as they were. */
static sac_error failing_step(struct player *p, const float act[]) {
  sac_error err = {.msg = ""};
  const struct player before = *p;
  assert_int_equal(
      p->task->step(p->env, act, p->obs, &p->reward, &p->terminated, &p->truncated, &err),
      SAC_ERR_ENV);
  assert_int_equal(err.code, SAC_ERR_ENV);
  assert_says(&err, p->task->id);
  assert_same(p, &before);
  return err;
}

/* An unstable simulation and a bad action are errors of their step; a reset heals the instance,
 * which then goes on as a new one does. */
static void errors_come_back_and_a_reset_heals(void **state) {
  (void)state;
  struct player p, q;
  const sac_env_api *task = find("HalfCheetah-v5");
  player_open(&p, task);
  player_open(&q, task);
  for (int i = 0; i < 30; i++) player_go(&p);
  const float bad[6] = {0.0f, NAN}, good[6] = {0.1f};
  sac_error err = failing_step(&p, bad);
  assert_says(&err, "step 31");
  assert_says(&err, "CTRL");
  player_reset(&p, 4);
  void *saved = player_save(&p);
  qvel_of(saved, 9)[3] = 1e12;
  player_load(&p, saved);
  err = failing_step(&p, good);
  assert_says(&err, "QVEL");
  free(saved);
  player_reset(&p, 4);
  player_reset(&q, 4);
  for (int i = 0; i < 50; i++) {
    player_step(&p, good);
    player_step(&q, good);
    assert_same(&p, &q);
  }
  player_close(&p);
  player_close(&q);
}

/* Neither a model that MuJoCo warns about, nor an error, prints or leaves a log file. */
static void nothing_is_printed_or_logged(void **state) {
  (void)state;
  char dir[SCRATCH_PATH], here[SCRATCH_PATH];
  struct player p;
  const float bad[6] = {NAN};
  const sac_env_api *task = find("HalfCheetah-v5");
  scratch_make(dir);
  assert_non_null(getcwd(here, sizeof here));
  assert_int_equal(chdir(dir), 0);
  const int out = dup(1), error = dup(2), file = open("said", O_CREAT | O_RDWR, 0600);
  fflush(NULL);
  dup2(file, 1), dup2(file, 2);
  player_open(&p, task); /* its model has a deprecated attribute */
  player_reset(&p, 1);
  failing_step(&p, bad);
  player_close(&p);
  fflush(NULL);
  dup2(out, 1), dup2(error, 2);
  const off_t said = lseek(file, 0, SEEK_END);
  close(out), close(error), close(file);
  assert_int_equal(chdir(here), 0);
  assert_int_equal(said, 0);
  assert_int_equal(scratch_count(dir), 1);
  scratch_remove(dir);
}

/* HalfCheetah and Walker2d have states of one size, but not one meaning. */
static void a_state_of_another_task_is_refused(void **state) {
  (void)state;
  struct player p, q;
  sac_error err;
  player_open(&p, find("HalfCheetah-v5"));
  player_open(&q, find("Walker2d-v5"));
  const size_t size = p.task->state_size(p.env);
  assert_int_equal(size, q.task->state_size(q.env));
  player_reset(&p, 1);
  player_reset(&q, 1);
  void *saved = player_save(&p), *before = player_save(&q), *after = NULL;
  assert_int_equal(q.task->load(q.env, saved, size, &err), SAC_ERR_FORMAT);
  assert_says(&err, "Walker2d-v5");
  assert_says(&err, "belongs to HalfCheetah-v5");
  after = player_save(&q);
  assert_memory_equal(before, after, size);
  free(saved), free(before), free(after);
  player_close(&p);
  player_close(&q);
}

static sac_error failing_create(const sac_env_api *task) {
  sac_error err = {.msg = ""};
  sac_env *env = NULL;
  assert_int_equal(task->create(&env, &err), SAC_ERR_ENV);
  assert_null(env);
  return err;
}

static void models_that_are_missing_or_wrong_are_named(void **state) {
  (void)state;
  static const char other[] = "<mujoco><worldbody><body><joint/><geom size='1'/></body></worldbody>"
                              "</mujoco>";
  char dir[SCRATCH_PATH];
  const sac_env_api *task = find("Hopper-v5");
  scratch_make(dir);
  setenv("SAC_MUJOCO_ASSETS", dir, 1);
  sac_error err = failing_create(task);
  assert_says(&err, "no model hopper.xml in");
  assert_says(&err, dir);
  assert_says(&err, "script/setup");
  scratch_write(scratch_path(dir, "hopper.xml"), "<mujoco><worl", 13);
  err = failing_create(task);
  assert_says(&err, "MuJoCo cannot load");
  assert_says(&err, "hopper.xml");
  scratch_write(scratch_path(dir, "hopper.xml"), other, sizeof other - 1);
  err = failing_create(task);
  assert_says(&err, "has nq 1, nv 1, nu 0, nbody 2");
  assert_says(&err, "6, 6, 3, 5");
  unsetenv("SAC_MUJOCO_ASSETS");
  scratch_remove(dir);
}

/* Gymnasium's bounds are float32: 0.4 is not representable. */
static void sizes_and_bounds_are_gymnasiums(void **state) {
  (void)state;
  struct player p;
  player_open(&p, find("Humanoid-v5"));
  assert_int_equal(p.space.obs_dim, 348);
  assert_int_equal(p.space.act_dim, 17);
  assert_int_equal(p.space.max_steps, 1000);
  for (size_t i = 0; i < 17; i++) {
    assert_true(p.space.act_low[i] == (double)-0.4f);
    assert_true(p.space.act_high[i] == (double)0.4f);
  }
  player_close(&p);
}

/* Contact forces are those before the last substep: none at the first observation, some when the
 * ant has landed on its feet. */
static void contact_forces_begin_with_the_first_step(void **state) {
  (void)state;
  struct player p;
  const float rest[8] = {0.0f};
  double most = 0.0;
  player_open(&p, find("Ant-v5"));
  player_reset(&p, 3);
  for (size_t i = 27; i < 105; i++) assert_true(p.obs[i] == 0.0);
  for (int i = 0; i < 40; i++) player_step(&p, rest);
  for (size_t i = 27; i < 105; i++) most = fmax(most, fabs(p.obs[i]));
  assert_true(0.1 < most && most <= 1.0);
  player_close(&p);
}

/* --- threads: what one does changes nothing for another */

enum { THREAD_STEPS = 300 };

struct worker {
  const sac_env_api *task;
  int breaks; /* 1: cause errors of MuJoCo all the time */
  double sum; /* of rewards */
};

static void *work(void *arg) {
  struct worker *w = arg;
  struct player p;
  const float bad[8] = {NAN};
  sac_error err;
  player_open(&p, w->task);
  for (int i = 0; i < THREAD_STEPS; i++) {
    if (w->breaks && i % 3 == 2) {
      w->task->step(p.env, bad, p.obs, &p.reward, &p.terminated, &p.truncated, &err);
      p.truncated = 1; /* the next step begins anew */
    }
    player_go(&p);
    w->sum += p.reward;
  }
  player_close(&p);
  return NULL;
}

static void threads_do_not_touch_each_other(void **state) {
  (void)state;
  const sac_env_api *task = find("Ant-v5");
  struct worker alone[2] = {{.task = task}, {.task = task, .breaks = 1}};
  struct worker together[4] = {alone[0], alone[1], alone[0], alone[1]};
  pthread_t threads[4];
  for (int i = 0; i < 2; i++) work(&alone[i]);
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, work, &together[i]), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 4; i++) assert_true(together[i].sum == alone[i % 2].sum);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_come_back_and_a_reset_heals),
      cmocka_unit_test(nothing_is_printed_or_logged),
      cmocka_unit_test(a_state_of_another_task_is_refused),
      cmocka_unit_test(models_that_are_missing_or_wrong_are_named),
      cmocka_unit_test(sizes_and_bounds_are_gymnasiums),
      cmocka_unit_test(contact_forces_begin_with_the_first_step),
      cmocka_unit_test(threads_do_not_touch_each_other),
  };
  return cmocka_run_group_tests(tests, open_registry, close_registry);
}
