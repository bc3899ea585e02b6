/* Scaled rewards: the scale against the moments of the returns written out, and an update with it
 * against an update of rewards that were multiplied beforehand. */
#define _POSIX_C_SOURCE 200809L
#include "agents.h"
#include "scratch.h"

enum { STEPS = 60, ENVS = 3 };

static sac_agent_options scaled_options(double most) {
  sac_agent_options o = small_options();
  set_option(&o, "reward_norm", "return");
  o.reward_norm_max = most, o.gamma = 0.9;
  return o;
}

static int ends(int t, int env) {
  return t % (7 + env) == 6;
}

static double reward_at(int t, int env) {
  return sin(0.7 * t + env) + (t == 41 && env == 1 ? 25.0 : 0.0);
}

static void observe(sac_agent *agent, int from, int to) {
  sac_error err = {0};
  for (int t = from; t < to; t++)
    for (int e = 0; e < ENVS; e++)
      assert_ok(sac_agent_observe_reward(agent, (size_t)e, reward_at(t, e), ends(t, e), &err), err);
}

/* All G = gamma (1 - end) G + r written out; their two moments in two passes. */
static double scale_by_hand(double most, double gamma) {
  static double all[STEPS * ENVS];
  double now[ENVS] = {0}, mean = 0.0, squares = 0.0, largest = 0.0;
  int n = 0;
  for (int t = 0; t < STEPS; t++)
    for (int e = 0; e < ENVS; e++) {
      now[e] = (ends(t, e) ? 0.0 : gamma * now[e]) + reward_at(t, e);
      all[n++] = now[e];
    }
  for (int i = 0; i < n; i++) mean += all[i] / n;
  for (int i = 0; i < n; i++) squares += (all[i] - mean) * (all[i] - mean);
  for (int i = 0; i < n; i++) largest = fmax(largest, fabs(all[i]));
  return 1.0 / fmax(sqrt(squares / n + 1e-8), largest / most);
}

static void the_scale_is_that_of_the_returns(void **state) {
  (void)state;
  const double most[] = {5.0, 1000.0}; /* the largest return rules; the deviation rules */
  for (int i = 0; i < 2; i++) {
    const sac_agent_options o = scaled_options(most[i]);
    sac_agent *agent = make_agent(&o, 1);
    assert_true(sac_reward_norm_scale(&agent->reward_norm) == 1.0);
    observe(agent, 0, STEPS);
    assert_close(sac_reward_norm_scale(&agent->reward_norm), scale_by_hand(most[i], 0.9), 0.0,
                 1e-12);
    sac_agent_destroy(agent);
  }
  assert_true(fabs(scale_by_hand(5.0, 0.9) - scale_by_hand(1000.0, 0.9)) > 0.05);
}

/* A batch of n-step rewards is what the scale's multiple of every reward gives. */
static void a_batch_is_scaled(void **state) {
  (void)state;
  sac_agent_options o = scaled_options(5.0);
  o.n_step = 3;
  sac_agent *scaled = make_agent(&o, 1);
  observe(scaled, 0, STEPS);
  const float scale = (float)sac_reward_norm_scale(&scaled->reward_norm);
  o.reward_norm = SAC_REWARD_NORM_NONE;
  sac_agent *plain = make_agent(&o, 1);
  sac_error err = {0};
  observe(plain, 0, STEPS); /* nothing happens */
  sac_replay *replay = make_replay(100, 1.0f), *multiplied = make_replay(100, scale);
  for (int i = 0; i < 5; i++) {
    sac_update_metrics a, b;
    assert_ok(sac_agent_update(scaled, replay, &a, &err), err);
    assert_ok(sac_agent_update(plain, multiplied, &b, &err), err);
    assert_close(a.critic_loss, b.critic_loss, 0.0, 1e-4);
    assert_close(a.target_mean, b.target_mean, 1e-5, 1e-4);
  }
  sac_replay_destroy(replay), sac_replay_destroy(multiplied);
  sac_agent_destroy(scaled), sac_agent_destroy(plain);
}

/* The running returns are part of the file: observed in one sitting or in two, the same bits. */
static void a_file_keeps_the_returns(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options o = scaled_options(5.0);
  sac_agent *whole = make_agent(&o, 1), *first = make_agent(&o, 1), *second = make_agent(&o, 1);
  sac_error err = {0};
  observe(whole, 0, STEPS);
  observe(first, 0, 23);
  assert_ok(sac_agent_save(first, path, &err), err);
  assert_ok(sac_agent_load(second, path, &err), err);
  observe(second, 23, STEPS);
  assert_true(agent_hash(second) == agent_hash(whole));
  sac_agent_destroy(whole), sac_agent_destroy(first), sac_agent_destroy(second);
  scratch_remove(dir);
}

static void bad_rewards_are_refused(void **state) {
  (void)state;
  const sac_agent_options o = scaled_options(5.0);
  sac_agent *agent = make_agent(&o, 1);
  const uint64_t before = agent_hash(agent);
  sac_error err = {0};
  check_refused(sac_agent_observe_reward(agent, 2, (double)NAN, 0, &err), SAC_ERR_DIVERGED, &err,
                "reward|environment 2|nan");
  check_refused(sac_agent_observe_reward(agent, SAC_AGENT_ENVS, 1.0, 0, &err), SAC_ERR_ARG, &err,
                "environment 4096|below 4096");
  assert_true(agent_hash(agent) == before);
  sac_agent_destroy(agent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_scale_is_that_of_the_returns),
      cmocka_unit_test(a_batch_is_scaled),
      cmocka_unit_test(a_file_keeps_the_returns),
      cmocka_unit_test(bad_rewards_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
