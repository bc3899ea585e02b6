/* The agent's handle: what it refuses and how it says so, and what acting gives. */
#include "agents.h"

/* --- creation -------------------------------------------------------------------------------- */

static sac_status create(const sac_agent_options *o, size_t obs, size_t act, double low,
                         double high, size_t threads, sac_error *err) {
  const double lows[2] = {-1.0, low}, highs[2] = {1.0, high};
  sac_agent *agent = NULL;
  const sac_status status = sac_agent_create(o, obs, act, lows, highs, 1, threads, &agent, err);
  assert_int_equal(agent != NULL, status == SAC_OK); /* untouched on an error */
  sac_agent_destroy(agent);
  return status;
}

static void every_option_is_checked_by_name(void **state) {
  (void)state;
  size_t count;
  const sac_option *table = sac_agent_option_table(&count);
  for (size_t i = 0; i < count; i++) {
    sac_agent_options o = small_options();
    char *field = (char *)&o + table[i].offset, words[64];
    sac_error err = {0};
    switch (table[i].kind) {
    case SAC_OPTION_REAL:
      *(double *)(void *)field = table[i].high * 1.5 + 1.0;
      break;
    case SAC_OPTION_INT:
      *(int64_t *)(void *)field = (int64_t)table[i].high + 1;
      break;
    case SAC_OPTION_CHOICE:
      *(int *)(void *)field = 99;
      break;
    case SAC_OPTION_WIDTHS:
      ((sac_widths *)(void *)field)->width[1] = 0;
      break;
    case SAC_OPTION_TEXT: /* an agent has none */
      continue;
    }
    snprintf(words, sizeof words, "%s", table[i].name);
    check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, words);
    if (table[i].kind != SAC_OPTION_REAL) continue;
    *(double *)(void *)field = (double)NAN;
    check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, words);
    *(double *)(void *)field = table[i].low - 1.0;
    check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, words);
  }
}

/* A body has norms of its own, blocks of one width, and passes without dropout; the reason says so.
 */
static void what_a_body_cannot_have_is_refused(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"critic_norm", "layer", "body|critic_norm"},
      {"actor_norm", "batch", "body|actor_norm"},
      {"norm_place", "inputs", "body|norm_place"},
      {"norm_input", "yes", "body|norm_input"},
      {"critic_hidden", "64,32", "body|critic_hidden"},
      {"actor_hidden", "8,9", "body|actor_hidden"},
      {"critic_dropout", "0.1", "critic_dropout|body|thinned"},
      {"policy", "gsde", "gsde|body"},
  };
  for (int b = 0; small_bodies[b]; b++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      sac_error err = {0};
      sac_agent_options o = small_body(small_bodies[b]);
      assert_ok(sac_agent_options_check(&o, &err), err);
      set_option(&o, cases[i][0], cases[i][1]);
      check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, cases[i][2]);
    }
}

static void combinations_are_checked(void **state) {
  (void)state;
  sac_error err = {0};
  sac_agent_options o = small_options();
  o.log_std_min = 2.0;
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err,
                "log_std_min = 2|log_std_max = 2");
  o = small_options();
  o.alpha_min = o.alpha_max = 1.0;
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err,
                "alpha_min = 1|alpha_max = 1");
  o.alpha_max = 3.0;
  o.alpha = 4.0;
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "alpha = 4|[1, 3]");
  o.alpha = 0.5;
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "alpha = 0.5|[1, 3]");
  o.temperature = SAC_TEMPERATURE_FIXED; /* the bounds are those of a learned one */
  assert_ok(create(&o, OBS, 2, -1.0, 1.0, 1, &err), err);
}

static void bad_bounds_are_refused_with_advice(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  const double infinity = (double)INFINITY;
  sac_error err = {0};
  check_refused(create(&o, OBS, 2, -infinity, 1.0, 1, &err), SAC_ERR_ARG, &err,
                "action 1|[-inf, 1]|finite|bound");
  check_refused(create(&o, OBS, 2, -1.0, infinity, 1, &err), SAC_ERR_ARG, &err, "action 1|inf]");
  check_refused(create(&o, OBS, 2, (double)NAN, 1.0, 1, &err), SAC_ERR_ARG, &err, "action 1|nan");
  check_refused(create(&o, OBS, 2, 1.0, -1.0, 1, &err), SAC_ERR_ARG, &err,
                "action 1|[1, -1]|low < high");
  check_refused(create(&o, OBS, 2, 1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "action 1|[1, 1]");
  check_refused(create(&o, OBS, 2, -1e6, 1e6, 1, &err), SAC_ERR_ARG, &err,
                "action 1|-1e+06|wider than 1e6|actuator");
  check_refused(create(&o, OBS, 2, -1e300, 1.7e308, 1, &err), SAC_ERR_ARG, &err, "action 1");
  check_refused(create(&o, OBS, 2, 1e6, 1e6 + 1.0, 1, &err), SAC_ERR_ARG, &err, "action 1|close");
  assert_ok(create(&o, OBS, 2, -5e5, 5e5, 1, &err), err);
}

static void bad_sizes_are_refused(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  sac_error err = {0};
  check_refused(create(&o, 0, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "obs_dim = 0|1");
  check_refused(create(&o, OBS, 0, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "act_dim = 0|1");
  check_refused(create(&o, SIZE_MAX, 2, -1.0, 1.0, 1, &err), SAC_ERR_ARG, &err, "obs_dim");
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 0, &err), SAC_ERR_ARG, &err, "threads = 0");
  check_refused(create(&o, OBS, 2, -1.0, 1.0, 257, &err), SAC_ERR_ARG, &err, "threads = 257|256");
  assert_int_equal(create(&o, OBS, 0, -1.0, 1.0, 1, NULL), SAC_ERR_ARG); /* err may be NULL */
  sac_agent_destroy(NULL);
}

/* --- acting ---------------------------------------------------------------------------------- */

static void a_bad_observation_is_named(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  sac_error err = {0};
  float obs[3 * OBS] = {0}, act[3 * ACT] = {7.0f};
  obs[2 * OBS + 1] = NAN;
  check_refused(sac_agent_act(agent, 3, obs, NULL, act, &err), SAC_ERR_DIVERGED, &err,
                "observation 1 of row 2|nan");
  obs[4] = -INFINITY;
  check_refused(sac_agent_act(agent, 3, obs, NULL, act, &err), SAC_ERR_DIVERGED, &err,
                "observation 4 of row 0|-inf");
  assert_true(act[0] == 7.0f);
  check_refused(sac_agent_act(agent, 17, obs, NULL, act, &err), SAC_ERR_ARG, &err, "17|batch = 16");
  memset(obs, 0, sizeof obs);
  scale_tensor(agent, "actor.2.bias", NAN);
  check_refused(sac_agent_act(agent, 1, obs, NULL, act, &err), SAC_ERR_DIVERGED, &err,
                "action 0 of row 0|nan|policy");
  sac_agent_destroy(agent);
}

/* The mean is 0 at first for an observation of 0 (biases are 0): the deterministic action is the
 * middle of [-2, 1]. With noise eps, mean 0 and sigma 1 it is the middle plus 1.5 tanh(eps), and no
 * noise leads out of the bounds. */
static void actions_are_in_the_environments_units(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  sac_error err = {0};
  const float obs[OBS] = {0};
  float act[ACT];
  assert_ok(sac_agent_act(agent, 1, obs, NULL, act, &err), err);
  for (int i = 0; i < ACT; i++) assert_close((double)act[i], -0.5, 1e-7, 0.0);
  assert_ok(sac_agent_act(agent, 1, obs, (const float[]){0.5f, -1.0f, 2.0f}, act, &err), err);
  assert_close((double)act[0], -0.5 + 1.5 * tanh(0.5), 1e-6, 0.0);
  assert_close((double)act[1], -0.5 + 1.5 * tanh(-1.0), 1e-6, 0.0);
  assert_close((double)act[2], -0.5 + 1.5 * tanh(2.0), 1e-6, 0.0);
  assert_ok(sac_agent_act(agent, 1, obs, (const float[]){99.0f, -99.0f, 1e30f}, act, &err), err);
  assert_true(act[0] == 1.0f && act[1] == -2.0f && act[2] == 1.0f);
  sac_agent_destroy(agent);
}

/* Bounds that no float holds: a saturated action, tanh u = -1 or 1, is within them as doubles, and
 * within a few units in the last place of the bound. */
static void saturated_actions_stay_within_any_bounds(void **state) {
  (void)state;
  static const double low[ACT] = {-0.4, 0.1, -0.3}, high[ACT] = {0.4, 0.7, 1000.1};
  const sac_agent_options o = small_options();
  sac_agent *agent = NULL;
  sac_error err = {0};
  const float obs[OBS] = {0}, up[ACT] = {99, 99, 99}, down[ACT] = {-99, -99, -99};
  float act[ACT];
  assert_ok(sac_agent_create(&o, OBS, ACT, low, high, AGENT_SEED, 1, &agent, &err), err);
  assert_ok(sac_agent_act(agent, 1, obs, up, act, &err), err);
  for (int i = 0; i < ACT; i++) {
    assert_true((double)act[i] <= high[i]);
    assert_close((double)act[i], high[i], 0.0, 5e-7);
  }
  assert_ok(sac_agent_act(agent, 1, obs, down, act, &err), err);
  for (int i = 0; i < ACT; i++) {
    assert_true((double)act[i] >= low[i]);
    assert_close((double)act[i], low[i], 1e-4, 5e-7); /* -0.3 of 1,000: floats of 6e-5 */
  }
  sac_agent_destroy(agent);
}

/* Equal seeds give equal agents, others others; the two critics differ, and the targets begin as
 * their copies. */
static void the_seed_names_the_weights(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  const double low[ACT] = {-2, -2, -2}, high[ACT] = {1, 1, 1};
  sac_error err = {0};
  sac_agent *one = make_agent(&o, 1), *same = make_agent(&o, 2), *other;
  assert_ok(sac_agent_create(&o, OBS, ACT, low, high, AGENT_SEED + 1, 1, &other, &err), err);
  assert_int_equal(agent_hash(one), agent_hash(same));
  assert_true(agent_hash(one) != agent_hash(other));
  const float *const q1 = agent_tensor(one, "critic1.1.weight").data,
                     *const q2 = agent_tensor(one, "critic2.1.weight").data,
                     *const target = agent_tensor(one, "critic1.target.1.weight").data;
  assert_true(q1[0] != q2[0] && q1[1] != q2[1]);
  assert_true(q1[0] == target[0] && q1[1] == target[1]);
  sac_agent_destroy(one), sac_agent_destroy(same), sac_agent_destroy(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_option_is_checked_by_name),
      cmocka_unit_test(combinations_are_checked),
      cmocka_unit_test(what_a_body_cannot_have_is_refused),
      cmocka_unit_test(bad_bounds_are_refused_with_advice),
      cmocka_unit_test(bad_sizes_are_refused),
      cmocka_unit_test(a_bad_observation_is_named),
      cmocka_unit_test(actions_are_in_the_environments_units),
      cmocka_unit_test(saturated_actions_stay_within_any_bounds),
      cmocka_unit_test(the_seed_names_the_weights),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
