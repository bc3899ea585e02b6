/* reset_every: what starts anew, what stays, and that the first step after it is a first step. */
#define _POSIX_C_SOURCE 200809L
#include "agents.h"
#include "scratch.h"

enum { EVERY = 4 };

static sac_agent_options resetting(void) {
  sac_agent_options o = small_options();
  o.reset_every = EVERY;
  return o;
}

/* The largest |a - b| of two tensors of one shape; b NULL: of zeros. */
static double largest_difference(const sac_tensor *a, const sac_tensor *b) {
  double most = 0.0;
  for (size_t i = 0; i < a->rows; i++)
    for (size_t j = 0; j < a->cols; j++) {
      const double x = (double)((const float *)a->data)[i * a->stride + j];
      const double y = b ? (double)((const float *)b->data)[i * b->stride + j] : 0.0;
      most = fmax(most, fabs(x - y));
    }
  return most;
}

/* At update EVERY: no moments, targets equal to weights, the temperature as set; weights of the
 * size that lecun draws and not those of the start; counters go on, and so do the observations'
 * numbers.
 */
static void everything_learned_is_drawn_anew(void **state) {
  (void)state;
  sac_agent_options o = resetting();
  o.obs_norm = SAC_OBS_NORM_RUNNING;
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1), *start = make_agent(&o, 1);
  sac_error err = {0};
  const float seen[2 * OBS] = {1, 2, 3, 4, 5, -1};
  assert_ok(sac_agent_observe(agent, 2, seen, &err), err);
  update(agent, replay, EVERY);
  static const char *const nets[] = {"actor", "critic1", "critic2"};
  for (size_t n = 0; n < 3; n++) {
    char name[64];
    snprintf(name, sizeof name, "%s.0.weight", nets[n]);
    const sac_tensor w = agent_tensor(agent, name), before = agent_tensor(start, name);
    assert_true(largest_difference(&w, &before) > 0.1); /* 1/sqrt(8) and more is the draws' size */
    assert_true(largest_difference(&w, NULL) < 2.0);
    snprintf(name, sizeof name, "%s.adam_m.1.weight", nets[n]);
    const sac_tensor m = agent_tensor(agent, name);
    assert_true(largest_difference(&m, NULL) == 0.0);
    if (n == 0) continue;
    snprintf(name, sizeof name, "%s.target.0.weight", nets[n]);
    const sac_tensor target = agent_tensor(agent, name);
    assert_true(largest_difference(&w, &target) == 0.0);
  }
  assert_true(agent->temperature.log_alpha == 0.0 && agent->temperature.steps == 0.0);
  assert_int_equal(sac_agent_updates(agent), EVERY);
  assert_int_equal(agent->actor_updates, EVERY);
  assert_true(*(double *)agent_tensor(agent, "obs_count").data == 2.0);
  sac_agent_destroy(agent), sac_agent_destroy(start);
  sac_replay_destroy(replay);
}

/* Adam's first step, corrected for step 1, is lr g/(|g| + eps): lr for every weight that counts.
 * With a later step's correction on empty moments it would be .52 lr (step 5: .1/.41 /
 * sqrt(.001/.005)). */
static void the_first_step_afterwards_is_a_first_step(void **state) {
  (void)state;
  sac_agent_options o = resetting();
  o.policy_delay = 2; /* updates 2 and 4 before, 6 after: the fifth sees no actor */
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1), *before = make_agent(&o, 1);
  update(agent, replay, EVERY), update(before, replay, EVERY);
  update(agent, replay, 1);
  sac_tensor w = agent_tensor(agent, "critic1.1.weight");
  sac_tensor w0 = agent_tensor(before, "critic1.1.weight");
  assert_close(largest_difference(&w, &w0), o.lr_critic, 0.0, 1e-3);
  w = agent_tensor(agent, "actor.1.weight"), w0 = agent_tensor(before, "actor.1.weight");
  assert_true(largest_difference(&w, &w0) == 0.0);
  update(agent, replay, 1);
  assert_close(largest_difference(&w, &w0), o.lr_actor, 0.0, 1e-3);
  sac_agent_destroy(agent), sac_agent_destroy(before);
  sac_replay_destroy(replay);
}

/* A file from before a reset, at it, or after it goes on to the same bits; each reset draws other
 * weights than the one before. */
static void a_file_goes_on_over_resets(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options o = resetting();
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  sac_agent *whole = make_agent(&o, 1);
  update(whole, replay, EVERY);
  const sac_tensor w = agent_tensor(whole, "actor.0.weight");
  const float once = *(float *)w.data;
  update(whole, replay, EVERY);
  assert_true(*(float *)w.data != once);
  update(whole, replay, 1);
  for (int at = EVERY - 1; at <= EVERY + 1; at++) {
    sac_agent *first = make_agent(&o, 1), *second = make_agent(&o, 2);
    update(first, replay, at);
    assert_ok(sac_agent_save(first, path, &err), err);
    assert_ok(sac_agent_load(second, path, &err), err);
    update(second, replay, 2 * EVERY + 1 - at);
    assert_int_equal(agent_hash(second), agent_hash(whole));
    sac_agent_destroy(first), sac_agent_destroy(second);
  }
  sac_agent_destroy(whole);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_learned_is_drawn_anew),
      cmocka_unit_test(the_first_step_afterwards_is_a_first_step),
      cmocka_unit_test(a_file_goes_on_over_resets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
