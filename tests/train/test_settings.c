/* Options, presets and the settings of single tasks. */
#include "check.h"

#include "sac/train.h"
#include "train/options.h"

#include <string.h>

/* Every value of the two tables is the same. */
static void assert_same_values(const sac_run_options *a, const sac_run_options *b) {
  size_t trains, agents;
  const sac_option *train = sac_train_option_table(&trains);
  const sac_option *agent = sac_agent_option_table(&agents);
  char x[128], y[128];
  for (size_t i = 0; i < trains + agents; i++) {
    const sac_option *row = i < trains ? &train[i] : &agent[i - trains];
    sac_option_get(row, i < trains ? (const void *)&a->train : &a->agent, x, sizeof x);
    sac_option_get(row, i < trains ? (const void *)&b->train : &b->agent, y, sizeof y);
    if (strcmp(x, y) != 0) fail_msg("%s: %s is not %s", row->name, x, y);
  }
}

/* Every name of both tables sets its own field, and no name stands in both. */
static void every_option_has_one_table(void **state) {
  (void)state;
  size_t trains, agents;
  const sac_option *train = sac_train_option_table(&trains);
  const sac_option *agent = sac_agent_option_table(&agents);
  for (size_t i = 0; i < trains; i++)
    for (size_t j = 0; j < agents; j++) assert_string_not_equal(train[i].name, agent[j].name);
  sac_error err;
  sac_run_options o = sac_run_options_default();
  assert_ok(sac_run_options_set(&o, "steps", "123", &err), err);
  assert_int_equal(o.train.steps, 123);
  assert_ok(sac_run_options_set(&o, "gamma", "0.5", &err), err);
  assert_close(o.agent.gamma, 0.5, 0, 0);
  assert_ok(sac_run_options_set(&o, "noise", "pink", &err), err);
  assert_int_equal(o.train.noise, SAC_NOISE_PINK);
}

/* "lr" is three step sizes, "adam_beta1" three optimisers' and "hidden" two networks; a bad value
 * changes none of them. */
static void aliases_set_all_or_none(void **state) {
  (void)state;
  sac_error err;
  sac_run_options o = sac_run_options_default();
  assert_ok(sac_run_options_set(&o, "lr", "0.25", &err), err);
  assert_close(o.agent.lr_actor, 0.25, 0, 0);
  assert_close(o.agent.lr_critic, 0.25, 0, 0);
  assert_close(o.agent.lr_alpha, 0.25, 0, 0);
  assert_ok(sac_run_options_set(&o, "hidden", "7,5", &err), err);
  assert_int_equal(o.agent.actor_hidden.count, 2);
  assert_int_equal(o.agent.critic_hidden.width[1], 5);
  assert_ok(sac_run_options_set(&o, "adam_beta1", "0.5", &err), err);
  assert_close(o.agent.actor_beta1, 0.5, 0, 0);
  assert_close(o.agent.critic_beta1, 0.5, 0, 0);
  assert_close(o.agent.alpha_beta1, 0.5, 0, 0);
  const sac_run_options before = o;
  assert_int_equal(sac_run_options_set(&o, "lr", "2", &err), SAC_ERR_ARG);
  assert_same_values(&before, &o);
}

static const sac_option *find_row(const sac_option rows[], size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  return NULL;
}

/* What the list of aliases says of them is true: options of one kind, range and default, all of
 * which take a value that the alias is given. */
static void aliases_are_of_like_options(void **state) {
  (void)state;
  size_t count, rows;
  const sac_option_alias *aliases = sac_option_aliases(&count);
  const sac_option *table = sac_agent_option_table(&rows);
  sac_error err;
  assert_true(count >= 3);
  for (size_t a = 0; a < count; a++) {
    const sac_option *first = find_row(table, rows, aliases[a].options[0]);
    assert_non_null(first);
    const char *value = first->kind == SAC_OPTION_WIDTHS ? "7,5" : "0.125";
    sac_run_options o = sac_run_options_default();
    assert_ok(sac_run_options_set(&o, aliases[a].name, value, &err), err);
    assert_in_range(aliases[a].count, 2, SAC_ALIAS_MAX);
    for (size_t i = 0; i < aliases[a].count; i++) {
      const sac_option *row = find_row(table, rows, aliases[a].options[i]);
      assert_non_null(row);
      assert_int_equal(row->kind, first->kind);
      assert_string_equal(row->def, first->def);
      assert_true(row->low <= first->low && first->low <= row->low);
      assert_true(row->high <= first->high && first->high <= row->high);
      char text[64];
      sac_option_get(row, &o.agent, text, sizeof text);
      assert_string_equal(text, value);
    }
  }
}

/* A misspelt option of either table is answered with its neighbours. */
static void unknown_names_get_the_nearest(void **state) {
  (void)state;
  static const struct {
    const char *given, *near;
  } cases[] = {
      {"gama", "gamma"}, {"step", "steps"}, {"hiden", "hidden"}, {"noise_hld", "noise_hold"}};
  sac_run_options o = sac_run_options_default();
  sac_error err;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(sac_run_options_set(&o, cases[i].given, "1", &err), SAC_ERR_ARG);
    assert_non_null(strstr(err.msg, cases[i].given));
    assert_non_null(strstr(err.msg, cases[i].near));
  }
  assert_int_equal(sac_preset_apply("sac-fats", &o, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "sac-fast"));
}

static int64_t *lengths(sac_train_options *o, size_t i) {
  int64_t *const all[] = {&o->steps,      &o->seed,          &o->envs,
                          &o->eval_every, &o->eval_episodes, &o->checkpoint_every,
                          &o->log_every};
  return i < sizeof all / sizeof *all ? all[i] : NULL;
}

/* A preset states the whole algorithm: over any task's settings it gives the same options, but for
 * a run's length and bookkeeping, which stay. */
static void presets_do_not_depend_on_the_task(void **state) {
  (void)state;
  size_t presets, tasks;
  const sac_preset *preset = sac_presets(&presets), *task = sac_task_presets(&tasks);
  sac_error err;
  for (size_t p = 0; p < presets; p++) {
    sac_run_options plain = sac_run_options_default();
    assert_ok(sac_preset_apply(preset[p].name, &plain, &err), err);
    assert_ok(sac_run_options_check(&plain, &err), err);
    for (size_t t = 0; t < tasks; t++) {
      sac_run_options o = sac_run_options_default();
      assert_ok(sac_task_preset_apply(task[t].name, &o, &err), err);
      assert_ok(sac_run_options_check(&o, &err), err);
      sac_run_options over = o;
      assert_ok(sac_preset_apply(preset[p].name, &over, &err), err);
      for (size_t i = 0; lengths(&o.train, i); i++) {
        assert_true(*lengths(&over.train, i) == *lengths(&o.train, i));
        *lengths(&over.train, i) = *lengths(&plain.train, i);
      }
      assert_same_values(&over, &plain);
      assert_string_equal(over.origin, plain.origin);
    }
  }
}

/* The numbers of the published trainers, as docs/presets.md and their sources have them. */
static void presets_say_what_their_sources_say(void **state) {
  (void)state;
  sac_error err;
  sac_run_options o = sac_run_options_default();
  assert_ok(sac_preset_apply("sac", &o, &err), err);
  assert_close(o.agent.lr_actor, 3e-4, 0, 0);
  assert_int_equal(o.train.warmup, 10000);
  assert_int_equal(o.agent.init, SAC_INIT_GLOROT);
  assert_ok(sac_preset_apply("sac-fast", &o, &err), err);
  assert_close(o.agent.lr_alpha, 1e-3, 0, 0);
  assert_int_equal(o.train.warmup, 5000);
  assert_ok(sac_preset_apply("spinup", &o, &err), err);
  assert_int_equal(o.agent.batch, 100);
  assert_int_equal(o.agent.temperature, SAC_TEMPERATURE_FIXED);
  assert_close(o.agent.alpha, 0.2, 0, 0);
  assert_int_equal(o.train.update_every, 50);
  assert_int_equal(sac_run_first_update(&o.train), 1000);
  assert_ok(sac_preset_apply("cleanrl", &o, &err), err);
  assert_close(o.agent.lr_actor, 3e-4, 0, 0);
  assert_close(o.agent.lr_critic, 1e-3, 0, 0);
  assert_close(o.agent.log_std_min, -5, 0, 0);
  assert_int_equal(o.agent.policy_delay, 2);
  assert_int_equal(o.agent.policy_updates, 2);
  assert_int_equal(o.agent.temperature, SAC_TEMPERATURE_LEARNED); /* spinup's is gone */
  assert_ok(sac_preset_apply("sb3", &o, &err), err);
  assert_int_equal(o.train.warmup, 100);
  assert_int_equal(sac_run_first_update(&o.train), 100);
  assert_close(o.agent.log_std_min, -20, 0, 0);
  assert_ok(sac_preset_apply("sb3-sde", &o, &err), err);
  assert_int_equal(o.agent.policy, SAC_POLICY_GSDE);
  assert_int_equal(o.train.sde_sample_freq, 32);
  assert_close(o.agent.sde_log_std_init, -3.67, 0, 0);
  assert_close(o.agent.gamma, 0.9999, 0, 0);
  assert_int_equal(o.train.warmup, 0);
}

/* The same for what came after SAC: numbers of the authors' code, whose file docs/presets.md names.
 */
static void frontier_presets_say_what_their_sources_say(void **state) {
  (void)state;
  sac_error err;
  sac_run_options o = sac_run_options_default();
  for (int wide = 0; wide < 2; wide++) {
    assert_ok(sac_preset_apply(wide ? "crossq-wide" : "crossq", &o, &err), err);
    assert_int_equal(o.agent.critic_norm, SAC_NORMS_RENORM);
    assert_int_equal(o.agent.actor_norm, SAC_NORMS_RENORM);
    assert_int_equal(o.agent.norm_place, SAC_NORM_PLACE_INPUTS);
    assert_int_equal(o.agent.critic_target, SAC_CRITIC_TARGET_NONE);
    assert_close(o.agent.norm_momentum, 0.99, 0, 0);
    assert_close(o.agent.norm_eps, 1e-3, 0, 0);
    assert_close(o.agent.renorm_r_max, 3, 0, 0);
    assert_close(o.agent.renorm_d_max, 5, 0, 0);
    assert_int_equal(o.agent.renorm_warmup, 100000);
    assert_close(o.agent.lr_actor, 1e-3, 0, 0);
    assert_close(o.agent.actor_beta1, 0.5, 0, 0);
    assert_close(o.agent.critic_beta1, 0.5, 0, 0);
    assert_close(o.agent.alpha_beta1, 0.9, 0, 0);
    assert_int_equal(o.agent.alpha_loss, SAC_ALPHA_LOSS_ALPHA);
    assert_int_equal(o.agent.policy_delay, 3);
    assert_int_equal(o.agent.actor_hidden.width[1], 256);
    assert_int_equal(o.agent.critic_hidden.width[1], wide ? 2048 : 256);
    assert_close(o.train.utd, 1, 0, 0);
    assert_int_equal(sac_run_first_update(&o.train), 5000);
  }
  assert_ok(sac_preset_apply("fast", &o, &err), err);
  assert_int_equal(o.agent.critic_norm, SAC_NORMS_RENORM);
  assert_int_equal(o.agent.critic_target, SAC_CRITIC_TARGET_NONE);
  assert_close(o.agent.lr_actor, 2e-3, 0, 0);
  assert_close(o.agent.lr_critic, 2e-3, 0, 0);
  assert_close(o.agent.lr_alpha, 2e-3, 0, 0);
  assert_int_equal(o.agent.actor_hidden.count, 3);
  assert_int_equal(o.agent.critic_hidden.count, 3);
  assert_int_equal(o.agent.critic_hidden.width[2], 256);
  assert_int_equal(o.agent.critic_head, SAC_CRITIC_CATEGORICAL);
  assert_int_equal(o.agent.critic_atoms, 101);
  assert_close(o.agent.value_max, 5, 0, 0);
  assert_close(o.agent.alpha, 0.01, 0, 0);
  assert_int_equal(o.agent.reward_norm, SAC_REWARD_NORM_RETURN);
  assert_int_equal(o.agent.policy_delay, 2);
  assert_int_equal(o.agent.alpha_loss, SAC_ALPHA_LOSS_LOG_ALPHA);
  assert_ok(sac_preset_apply("redq", &o, &err), err);
  assert_int_equal(o.agent.critics, 10);
  assert_int_equal(o.agent.critic_subset, 2);
  assert_int_equal(o.agent.actor_q, SAC_ACTOR_Q_MEAN);
  assert_int_equal(o.agent.policy_delay, 20);
  assert_close(o.train.utd, 20, 0, 0);
  assert_close(o.agent.target_entropy_scale, -0.5, 0, 0);
  assert_int_equal(sac_run_first_update(&o.train), 5000);
  assert_int_equal(o.agent.init, SAC_INIT_GLOROT);
  assert_int_equal(o.agent.critic_loss, SAC_CRITIC_MSE);
  assert_ok(sac_preset_apply("droq", &o, &err), err);
  assert_int_equal(o.agent.critics, 2);
  assert_close(o.agent.critic_dropout, 0.01, 0, 0);
  assert_int_equal(o.agent.critic_norm, SAC_NORMS_LAYER);
  assert_int_equal(o.agent.norm_place, SAC_NORM_PLACE_HIDDEN);
  assert_int_equal(o.agent.actor_norm, SAC_NORMS_NONE);
  assert_close(o.agent.norm_eps, 1e-5, 0, 0);
  assert_int_equal(o.agent.actor_q, SAC_ACTOR_Q_MEAN);
  assert_int_equal(o.agent.policy_delay, 20);
  assert_close(o.train.utd, 20, 0, 0);
  assert_ok(sac_preset_apply("tqc", &o, &err), err);
  assert_int_equal(o.agent.critic_head, SAC_CRITIC_QUANTILE);
  assert_int_equal(o.agent.critics, 5);
  assert_int_equal(o.agent.critic_quantiles, 25);
  assert_int_equal(o.agent.quantile_drop, 2);
  assert_int_equal(o.agent.critic_hidden.count, 3);
  assert_int_equal(o.agent.critic_hidden.width[2], 512);
  assert_int_equal(o.agent.actor_hidden.count, 2);
  assert_int_equal(o.train.warmup, 0);
  assert_int_equal(sac_run_first_update(&o.train), 256);
  assert_ok(sac_preset_apply("xqc", &o, &err), err);
  assert_int_equal(o.agent.critic_head, SAC_CRITIC_CATEGORICAL);
  assert_int_equal(o.agent.critic_norm, SAC_NORMS_BATCH);
  assert_int_equal(o.agent.norm_input, SAC_NORM_INPUT_YES);
  assert_int_equal(o.agent.critic_target, SAC_CRITIC_TARGET_EMA);
  assert_int_equal(o.agent.norm_place, SAC_NORM_PLACE_HIDDEN);
  assert_int_equal(o.agent.weight_projection, SAC_WEIGHT_PROJECTION_UNIT);
  assert_int_equal(o.agent.init, SAC_INIT_ORTHOGONAL);
  assert_int_equal(o.agent.critic_atoms, 101);
  assert_int_equal(o.agent.critic_hidden.count, 4);
  assert_close(o.agent.lr_critic * o.agent.lr_end, 3e-5, 0, 1e-12);
  assert_int_equal(o.agent.lr_horizon, 2000000);
  assert_close(o.agent.alpha, 0.01, 0, 0);
  assert_int_equal(o.agent.policy_delay, 3);
  assert_close(o.train.utd, 2, 0, 0);
}

static int has_widths(const sac_widths *w, uint32_t count, uint32_t width) {
  for (uint32_t l = 0; l < w->count; l++)
    if (w->width[l] != width) return 0;
  return w->count == count;
}

/* Of those with residual bodies. */
static void body_presets_say_what_their_sources_say(void **state) {
  (void)state;
  sac_error err;
  sac_run_options o = sac_run_options_default();
  assert_ok(sac_preset_apply("simba", &o, &err), err);
  assert_int_equal(o.agent.body, SAC_BODY_SIMBA);
  assert_true(has_widths(&o.agent.actor_hidden, 1, 128));
  assert_true(has_widths(&o.agent.critic_hidden, 2, 512));
  assert_close(o.agent.norm_eps, 1e-6, 0, 0);
  assert_close(o.agent.lr_actor, 1e-4, 0, 0);
  assert_close(o.agent.lr_critic, 1e-4, 0, 0);
  assert_close(o.agent.lr_alpha, 1e-4, 0, 0);
  assert_close(o.agent.weight_decay, 1e-2, 0, 0);
  assert_int_equal(o.agent.weight_decay_of, SAC_WEIGHT_DECAY_OF_ALL);
  assert_int_equal(o.agent.init, SAC_INIT_BODY);
  assert_close(o.agent.gamma, 0.995, 0, 0);
  assert_close(o.agent.tau, 0.005, 0, 0);
  assert_close(o.agent.alpha, 0.01, 0, 0);
  assert_close(o.agent.log_std_min, -10, 0, 0);
  assert_close(o.agent.log_std_max, 2, 0, 0);
  assert_int_equal(o.agent.log_std_map, SAC_LOG_STD_TANH);
  assert_int_equal(o.agent.alpha_loss, SAC_ALPHA_LOSS_ALPHA);
  assert_close(o.agent.target_entropy_scale, -0.5, 0, 0);
  assert_int_equal(o.agent.obs_norm, SAC_OBS_NORM_RUNNING);
  assert_int_equal(o.agent.critic_loss, SAC_CRITIC_MSE);
  assert_int_equal(o.agent.critics, 2);
  assert_close(o.train.utd, 2, 0, 0);
  assert_int_equal(sac_run_first_update(&o.train), 5000);
  assert_ok(sac_preset_apply("simbav2", &o, &err), err);
  assert_int_equal(o.agent.body, SAC_BODY_SIMBAV2);
  assert_true(has_widths(&o.agent.actor_hidden, 1, 128));
  assert_true(has_widths(&o.agent.critic_hidden, 2, 512));
  assert_close(o.agent.lr_actor, 1e-4, 0, 0);
  assert_close(o.agent.lr_alpha * o.agent.lr_end, 5e-5, 0, 1e-12);
  assert_int_equal(o.agent.lr_schedule, SAC_LR_LINEAR);
  assert_int_equal(o.agent.lr_horizon, 1000000);
  assert_close(o.agent.weight_decay, 0, 0, 0);
  assert_int_equal(o.agent.weight_projection, SAC_WEIGHT_PROJECTION_UNIT);
  assert_int_equal(o.agent.norm_place, SAC_NORM_PLACE_HIDDEN);
  assert_int_equal(o.agent.init, SAC_INIT_BODY);
  assert_int_equal(o.agent.critic_head, SAC_CRITIC_CATEGORICAL);
  assert_int_equal(o.agent.critic_atoms, 101);
  assert_close(o.agent.value_max, 5, 0, 0);
  assert_close(o.agent.reward_norm_max, 5, 0, 0);
  assert_int_equal(o.agent.obs_norm, SAC_OBS_NORM_RUNNING);
  assert_close(o.agent.gamma, 0.995, 0, 0);
  assert_close(o.agent.tau, 0.005, 0, 0);
  assert_close(o.agent.log_std_min, -10, 0, 0);
  assert_close(o.train.utd, 1, 0, 0);
  assert_ok(sac_preset_apply("flashsac", &o, &err), err);
  assert_int_equal(o.agent.body, SAC_BODY_FLASH);
  assert_true(has_widths(&o.agent.actor_hidden, 2, 128));
  assert_true(has_widths(&o.agent.critic_hidden, 2, 256));
  assert_close(o.agent.norm_eps, 1e-5, 0, 0);
  assert_close(o.agent.norm_momentum, 0.99, 0, 0);
  assert_int_equal(o.agent.norm_unbiased, SAC_NORM_UNBIASED_YES);
  assert_int_equal(o.agent.actor_joint, SAC_ACTOR_JOINT_YES);
  assert_int_equal(o.agent.weight_projection, SAC_WEIGHT_PROJECTION_UNIT_NORMS);
  assert_int_equal(o.agent.norm_place, SAC_NORM_PLACE_HIDDEN);
  assert_int_equal(o.agent.init, SAC_INIT_BODY);
  assert_int_equal(o.agent.batch, 512);
  assert_close(o.agent.tau, 0.01, 0, 0);
  assert_close(o.agent.gamma, 0.99, 0, 0);
  assert_int_equal(o.agent.lr_schedule, SAC_LR_COSINE);
  assert_close(o.agent.lr_critic * o.agent.lr_end, 1.5e-4, 0, 1e-12);
  assert_int_equal(o.agent.policy_delay, 2);
  assert_close(o.agent.target_entropy_std, 0.15, 0, 0);
  assert_close(o.agent.alpha, 0.01, 0, 0);
  assert_int_equal(o.train.noise, SAC_NOISE_ZETA);
  assert_int_equal(o.train.noise_hold, 16);
  assert_int_equal(sac_run_first_update(&o.train), 10000);
  assert_close(o.train.utd, 1, 0, 0);
}

/* A replay needs two observations an environment; noise of drawn length has a longest. */
static void combinations_are_checked(void **state) {
  (void)state;
  sac_error err;
  sac_run_options o = sac_run_options_default();
  o.train.envs = 64;
  o.train.replay_capacity = 127;
  assert_int_equal(sac_run_options_check(&o, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "replay_capacity = 127"));
  o.train.replay_capacity = 128;
  assert_ok(sac_run_options_check(&o, &err), err);
  o.train.noise_hold = 257;
  assert_ok(sac_run_options_check(&o, &err), err);
  o.train.noise = SAC_NOISE_ZETA;
  assert_int_equal(sac_run_options_check(&o, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "noise_hold = 257"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_option_has_one_table),
      cmocka_unit_test(aliases_set_all_or_none),
      cmocka_unit_test(aliases_are_of_like_options),
      cmocka_unit_test(unknown_names_get_the_nearest),
      cmocka_unit_test(presets_do_not_depend_on_the_task),
      cmocka_unit_test(presets_say_what_their_sources_say),
      cmocka_unit_test(frontier_presets_say_what_their_sources_say),
      cmocka_unit_test(body_presets_say_what_their_sources_say),
      cmocka_unit_test(combinations_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
