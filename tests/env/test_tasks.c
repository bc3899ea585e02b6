/* What every task must do: those built in and, where MuJoCo was found, its plug-in's. */
#include "play.h"

#include <stdio.h>

static sac_registry *registry;

static int open_registry(void **state) {
  (void)state;
  sac_error err;
  if (sac_registry_create(&registry, &err) != SAC_OK) return -1;
  if (sac_registry_count(registry) == 3) fprintf(stderr, "only the built-in tasks are there\n");
  return 0;
}

static int close_registry(void **state) {
  (void)state;
  sac_registry_destroy(registry);
  return 0;
}

typedef void test_of_task(const sac_env_api *task);

static void for_each_task(test_of_task *test) {
  assert_string_equal(sac_registry_note(registry), "");
  for (size_t i = 0; i < sac_registry_count(registry); i++)
    test(sac_registry_task(registry, i, NULL));
}

/* Equal seeds give equal bits, on a new instance and on one that has been played; other seeds do
 * not. */
static void reset_again(const sac_env_api *task) {
  struct player p, q;
  player_open(&p, task);
  player_open(&q, task);
  for (int i = 0; i < 60; i++) player_go(&q);
  player_reset(&p, 5);
  player_reset(&q, 5);
  assert_same(&p, &q);
  player_reset(&q, 6);
  assert_memory_not_equal(p.obs, q.obs, p.space.obs_dim * sizeof p.obs[0]);
  player_close(&p);
  player_close(&q);
}

static void resets_are_deterministic(void **state) {
  (void)state;
  for_each_task(reset_again);
}

/* 200 steps, save, 200 more; a new instance that loads the state takes the same 200, bit by bit.
 * The steps run over ends of episodes, and a state is saved whose last step was an end, too. */
static void go_on(const sac_env_api *task) {
  struct player p, q;
  player_open(&p, task);
  player_open(&q, task);
  for (int i = 0; i < 200; i++) player_go(&p);
  void *state = player_save(&p);
  q.episode = p.episode, q.step = p.step;
  q.terminated = p.terminated, q.truncated = p.truncated;
  player_load(&q, state);
  for (int i = 0; i < 200; i++) {
    player_go(&p);
    player_go(&q);
    assert_same(&p, &q);
  }
  free(state);
  player_close(&p);
  player_close(&q);
}

static void a_loaded_state_goes_on_bit_by_bit(void **state) {
  (void)state;
  for_each_task(go_on);
}

/* Saved in the middle of an episode each time: the state after k steps of the longest kind. */
static void come_back(const sac_env_api *task) {
  struct player p, q;
  player_open(&p, task);
  player_open(&q, task);
  player_reset(&q, 99);
  for (int k = 0; k < 40; k++) {
    player_go(&p);
    void *state = player_save(&p), *again = NULL;
    player_load(&q, state);
    again = player_save(&q);
    assert_memory_equal(state, again, task->state_size(p.env));
    free(state);
    free(again);
  }
  player_close(&p);
  player_close(&q);
}

static void what_is_loaded_is_what_is_saved(void **state) {
  (void)state;
  for_each_task(come_back);
}

static void refuse(const sac_env_api *task) {
  struct player p;
  sac_error err = {.msg = ""};
  char number[32];
  player_open(&p, task);
  for (int i = 0; i < 3; i++) player_go(&p);
  char *saved = player_save(&p);
  const size_t size = task->state_size(p.env);
  assert_int_equal(task->load(p.env, saved, size - 1, &err), SAC_ERR_FORMAT);
  assert_non_null(strstr(err.msg, task->id));
  snprintf(number, sizeof number, "want %zu", size);
  assert_non_null(strstr(err.msg, number));
  char *after = player_save(&p); /* nothing has changed */
  assert_memory_equal(saved, after, size);
  free(saved);
  free(after);
  player_close(&p);
}

static void a_state_of_another_size_is_refused(void **state) {
  (void)state;
  for_each_task(refuse);
}

static void check(const sac_env_api *task) {
  sac_error err = {.msg = ""};
  assert_ok(sac_env_check(task, 3, 1100, &err), err);
}

static void every_task_keeps_the_rules(void **state) {
  (void)state;
  for_each_task(check);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(resets_are_deterministic),
      cmocka_unit_test(a_loaded_state_goes_on_bit_by_bit),
      cmocka_unit_test(what_is_loaded_is_what_is_saved),
      cmocka_unit_test(a_state_of_another_size_is_refused),
      cmocka_unit_test(every_task_keeps_the_rules),
  };
  return cmocka_run_group_tests(tests, open_registry, close_registry);
}
