/* What single updates do, in cases whose answers are known: the bootstrap at the end of an episode,
 * the temperature's direction, the options of timing, and what is said when training diverges. The
 * numbers of a whole update are held against a second implementation in tests/oracle. */
#include "agents.h"

/* A fixed, vanishing temperature: y = r + gamma (1 - d) min Q'. */
static sac_agent_options without_entropy(void) {
  sac_agent_options o = small_options();
  o.temperature = SAC_TEMPERATURE_FIXED;
  o.alpha = 1e-12;
  o.gamma = 0.75;
  return o;
}

/* Critic j's target gives q for every input: its weights become 0, its last bias q. */
static void set_target(sac_agent *agent, int j, float q) {
  char name[48];
  for (int l = 0; l < 3; l++) {
    snprintf(name, sizeof name, "critic%d.target.%d.weight", j, l);
    scale_tensor(agent, name, 0.0f);
    snprintf(name, sizeof name, "critic%d.target.%d.bias", j, l);
    scale_tensor(agent, name, 0.0f);
  }
  snprintf(name, sizeof name, "critic%d.target.2.bias", j);
  ((float *)agent_tensor(agent, name).data)[0] = q;
}

/* The mean target of an update from one transition of reward 0.5, with target critics 3 and 2. */
static double target_of(int terminated, int truncated) {
  const float obs[OBS] = {1, 2, 3, 4, 5}, next[OBS] = {5, 4, 3, 2, 1}, act[ACT] = {0, -1, 0.5f};
  const sac_agent_options options = without_entropy();
  sac_agent *agent = make_agent(&options, 1);
  sac_replay *replay;
  sac_update_metrics metrics;
  sac_error err = {0};
  set_target(agent, 1, 3.0f);
  set_target(agent, 2, 2.0f);
  assert_ok(sac_replay_create(8, 1, OBS, ACT, &replay, &err), err);
  assert_ok(sac_replay_push(replay, 0, obs, act, 0.5f, next, terminated, truncated, &err), err);
  assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
  return metrics.target_mean;
}

/* r + gamma min(3, 2) = 0.5 + 0.75 * 2 = 2 where the episode goes on or was cut; r where it ended,
 * whether or not it would have been cut there too. */
static void terminated_masks_the_bootstrap_and_truncated_does_not(void **state) {
  (void)state;
  assert_close(target_of(0, 0), 2.0, 1e-6, 0.0);
  assert_close(target_of(0, 1), 2.0, 1e-6, 0.0);
  assert_close(target_of(1, 0), 0.5, 1e-6, 0.0);
  assert_close(target_of(1, 1), 0.5, 1e-6, 0.0);
}

/* --- the temperature ------------------------------------------------------------------------- */

static double alpha_after(const sac_agent_options *options, int updates) {
  sac_agent *agent = make_agent(options, 1);
  sac_replay *replay = make_replay(200, 1.0f);
  sac_update_metrics metrics;
  sac_error err = {0};
  for (int i = 0; i < updates; i++) assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
  return metrics.alpha;
}

/* A fresh policy has sigma about 1 and so an entropy of about 0.3 nats a dimension (the squashed
 * normal's; at most log 2): a target below that needs less temperature, one above more. */
static void the_temperature_follows_the_target_entropy(void **state) {
  (void)state;
  for (int form = 0; form < 2; form++)
    for (int sample = 0; sample < 2; sample++) {
      sac_agent_options o = small_options();
      o.alpha_loss = form, o.alpha_sample = sample, o.alpha = 0.5;
      o.target_entropy_scale = -1.0;
      assert_true(alpha_after(&o, 10) < 0.5 - 1e-3);
      o.target_entropy_scale = 0.6;
      assert_true(alpha_after(&o, 10) > 0.5 + 1e-3);
      o.temperature = SAC_TEMPERATURE_FIXED;
      assert_close(alpha_after(&o, 10), 0.5, 0.0, 1e-15);
    }
}

static void the_temperature_stays_in_its_bounds(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.alpha = 0.5, o.alpha_min = 0.49, o.alpha_max = 0.52, o.lr_alpha = 0.01;
  assert_close(alpha_after(&o, 10), 0.49, 0.0, 1e-12);
  o.target_entropy_scale = 0.6;
  assert_close(alpha_after(&o, 10), 0.52, 0.0, 1e-12);
}

/* --- timing ---------------------------------------------------------------------------------- */

static float first_number(sac_agent *agent, const char *name) {
  return ((const float *)agent_tensor(agent, name).data)[0];
}

/* policy_delay 3: the actor and the temperature move at updates 3 and 6 only, by policy_updates 2
 * steps each; without them their metrics are NaN. */
static void the_actor_moves_when_it_is_due(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.policy_delay = 3, o.policy_updates = 2;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  for (int u = 1; u <= 6; u++) {
    sac_update_metrics m;
    const float actor = first_number(agent, "actor.2.weight"),
                critic = first_number(agent, "critic1.2.weight");
    const double alpha = exp(agent->temperature.log_alpha);
    assert_ok(sac_agent_update(agent, replay, &m, &err), err);
    const int due = u % 3 == 0;
    assert_int_equal(first_number(agent, "actor.2.weight") != actor, due);
    assert_int_equal(m.alpha != alpha, due);
    assert_int_equal(!isnan(m.actor_loss), due);
    assert_int_equal(!isnan(m.alpha_loss), due);
    assert_int_equal(!isnan(m.entropy), due);
    assert_int_equal(!isnan(m.actor_grad_norm), due);
    assert_true(first_number(agent, "critic1.2.weight") != critic);
    assert_true(isfinite(m.critic_loss) && isfinite(m.q_mean) && isfinite(m.critic_grad_norm));
    assert_int_equal(sac_agent_updates(agent), u);
    assert_int_equal(agent->actor_updates, u / 3 * 2);
  }
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

/* target_interval 3: the targets move at updates 3 and 6 only. */
static void the_targets_move_when_they_are_due(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.target_interval = 3;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  for (int u = 1; u <= 6; u++) {
    const float target = first_number(agent, "critic2.target.2.weight");
    assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
    const double want =
        (double)target + 0.005 * ((double)first_number(agent, "critic2.2.weight") - (double)target);
    const float got = first_number(agent, "critic2.target.2.weight");
    if (u % 3)
      assert_true(got == target);
    else
      assert_close((double)got, want, 1e-7, 0.0);
  }
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

/* A linear schedule over 2 updates: steps of full, half and no size. */
static void a_linear_schedule_ends(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.lr_schedule = SAC_LR_LINEAR, o.lr_horizon = 2;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  for (int u = 0; u < 4; u++) {
    const float actor = first_number(agent, "actor.2.weight"),
                critic = first_number(agent, "critic1.2.weight");
    const double log_alpha = agent->temperature.log_alpha;
    assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
    assert_int_equal(first_number(agent, "actor.2.weight") != actor, u < 2);
    assert_int_equal(first_number(agent, "critic1.2.weight") != critic, u < 2);
    assert_int_equal(agent->temperature.log_alpha != log_alpha, u < 2);
  }
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

/* --- what goes wrong ------------------------------------------------------------------------- */

/* Two good updates; then a tensor of the agent becomes huge or NaN, and the third says what broke.
 */
static void check_divergence(const char *tensor, float factor, const char *words) {
  sac_agent_options o = small_options();
  o.target_interval = 1000;
  sac_agent *agent = make_agent(&o, 2);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_update_metrics metrics = {.alpha = 123.0};
  sac_error err = {0};
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  scale_tensor(agent, tensor, factor);
  check_refused(sac_agent_update(agent, replay, &metrics, &err), SAC_ERR_DIVERGED, &err, words);
  assert_true(metrics.alpha == 123.0);
  assert_int_equal(sac_agent_updates(agent), 2);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void divergence_names_term_update_and_row(void **state) {
  (void)state;
  check_divergence("actor.2.weight", NAN, "log pi(a'|s') is|nan|update 2|batch row 0");
  check_divergence("critic1.target.1.weight", NAN, "the target y is|nan|update 2|batch row 0");
  check_divergence("critic2.target.1.weight", NAN, "the target y is|nan|update 2|batch row 0");
  check_divergence("critic1.1.weight", NAN, "Q_1(s,a) is|nan|update 2|batch row 0");
  check_divergence("critic2.0.weight", INFINITY, "Q_2(s,a) is|update 2|batch row 0");
}

/* Rewards near the largest float: the gradient of the loss overflows, whatever the critics say.
 * With weights near 1 each row's part is still finite, and only their squares are not; with a head
 * of 1e10 the very first row's part, of 1e38 / B times 1e10, is infinite. */
static void check_huge_rewards(float head, const char *words) {
  const sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 3e38f);
  sac_error err = {0};
  scale_tensor(agent, "critic1.2.weight", head);
  check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_DIVERGED, &err, words);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void huge_rewards_diverge_by_name(void **state) {
  (void)state;
  check_huge_rewards(1.0f, "critic 1|gradient|not finite|update 0|sum over the batch");
  check_huge_rewards(1e10f, "critic 1|gradient|not finite|update 0|batch row 0");
}

static void a_replay_that_does_not_fit_is_refused(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(8, 1, OBS, ACT, &replay, &err), err);
  check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_ARG, &err, "empty");
  sac_replay_destroy(replay);

  const float obs[2 * OBS] = {0}, act[2 * ACT] = {0};
  for (size_t i = 0; i < 2; i++) {
    assert_ok(sac_replay_create(8, 1, OBS + i, ACT + 1 - i, &replay, &err), err);
    assert_ok(sac_replay_push(replay, 0, obs, act, 0.0f, obs, 0, 0, &err), err);
    check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_ARG, &err,
                  i ? "6 + 3|5 + 3" : "5 + 4|5 + 3");
    assert_int_equal(sac_agent_updates(agent), 0);
    sac_replay_destroy(replay);
  }
  sac_agent_destroy(agent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(terminated_masks_the_bootstrap_and_truncated_does_not),
      cmocka_unit_test(the_temperature_follows_the_target_entropy),
      cmocka_unit_test(the_temperature_stays_in_its_bounds),
      cmocka_unit_test(the_actor_moves_when_it_is_due),
      cmocka_unit_test(the_targets_move_when_they_are_due),
      cmocka_unit_test(a_linear_schedule_ends),
      cmocka_unit_test(divergence_names_term_update_and_row),
      cmocka_unit_test(huge_rewards_diverge_by_name),
      cmocka_unit_test(a_replay_that_does_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
