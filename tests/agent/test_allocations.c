/* Acting and updating allocate nothing: every way to memory of the C library is counted in this
 * program, and the counter stands still. The sanitizers have their own allocators: skipped there.
 */
#include "agents.h"
#include "allocations.h"

static void check(const sac_agent_options *options, size_t threads) {
  sac_replay *replay = make_replay(200, 1.0f);
  const unsigned long before_create = atomic_load(&allocations);
  sac_agent *agent = make_agent(options, threads);
  assert_true(atomic_load(&allocations) > before_create); /* the counter works */
  float obs[16 * OBS] = {0}, noise[16 * ACT] = {0}, act[16 * ACT];
  sac_update_metrics metrics;
  sac_error err = {0};
  const unsigned long before = atomic_load(&allocations);
  for (int i = 0; i < 5; i++) {
    assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
    assert_ok(sac_agent_act(agent, 1, obs, NULL, act, &err), err);
    assert_ok(sac_agent_act(agent, 16, obs, noise, act, &err), err);
  }
  assert_int_equal(atomic_load(&allocations) - before, 0);
  obs[3] = NAN; /* an error does not either */
  assert_int_equal(sac_agent_act(agent, 1, obs, NULL, act, &err), SAC_ERR_DIVERGED);
  assert_int_equal(atomic_load(&allocations) - before, 0);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

static void act_and_update_allocate_nothing(void **state) {
  (void)state;
  if (!COUNTED) {
    print_message("the allocator is not glibc's own here: skipped\n");
    skip();
  }
  sac_agent_options o = small_options();
  check(&o, 1);
  check(&o, 3);
  o.actor_q = SAC_ACTOR_Q_MEAN, o.alpha_sample = SAC_ALPHA_SAMPLE_FRESH;
  o.policy_updates = 2, o.log_std_map = SAC_LOG_STD_SOFTPLUS, o.critic_loss = SAC_CRITIC_HUBER;
  check(&o, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(act_and_update_allocate_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
