/* Every preset as a whole: it trains Pendulum, and its networks can be had at the size that it
 * says. That a preset learns is measured elsewhere (docs/results); here its parts must fit
 * together. */
#define _GNU_SOURCE /* mkdtemp */
#include "scratch.h"

#include "sac/train.h"

#include "agent/handle.h"
#include "train/run.h"

#include <math.h>

static void set(sac_run_options *o, const char *name, const char *value) {
  sac_error err;
  assert_ok(sac_run_options_set(o, name, value, &err), err);
}

static sac_run_options options_of(const sac_preset *preset) {
  sac_error err;
  sac_run_options o = sac_run_options_default();
  assert_ok(sac_preset_apply(preset->name, &o, &err), err);
  return o;
}

static void assert_finite(const sac_update_metrics *m) {
  const double all[] = {m->critic_loss, m->q_mean, m->target_mean, m->critic_grad_norm, m->alpha};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) assert_true(isfinite(all[i]));
  assert_true(m->critic_grad_norm > 0.0 && m->alpha > 0.0);
}

/* --- a short run of each, with networks as deep and 16 wide ----------------------------------- */

enum { WARMUP = 100, STEPS = 200 };

static void make_narrow(sac_widths *hidden) {
  for (uint32_t l = 0; l < hidden->count; l++) hidden->width[l] = 16;
}

static sac_run_options shortened(const sac_preset *preset) {
  static const char *const settings[][2] = {
      {"batch", "32"},        {"warmup", "100"},   {"update_after", "100"}, {"steps", "200"},
      {"eval_episodes", "1"}, {"eval_every", "0"}, {"log_every", "100"},    {"seed", "7"},
  };
  sac_run_options o = options_of(preset);
  make_narrow(&o.agent.actor_hidden);
  make_narrow(&o.agent.critic_hidden);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    set(&o, settings[i][0], settings[i][1]);
  return o;
}

static int keep_last(void *user, const sac_progress *p) {
  sac_update_metrics *last = user;
  *last = p->metrics;
  return 0;
}

/* floor(utd (steps - warm-up)) updates, the last of them after a multiple of update_every steps. */
static uint64_t expected_updates(const sac_train_options *o) {
  const int64_t last = STEPS / o->update_every * o->update_every;
  return (uint64_t)floor(o->utd * (double)(last - WARMUP));
}

static void each_trains_pendulum(void **state) {
  (void)state;
  size_t count;
  const sac_preset *preset = sac_presets(&count);
  sac_registry *registry;
  sac_error err;
  assert_ok(sac_registry_create(&registry, &err), err);
  const sac_env_api *task = sac_registry_find(registry, "Pendulum-v1", &err);
  assert_non_null(task);
  for (size_t i = 0; i < count; i++) {
    char dir[SCRATCH_PATH];
    scratch_make(dir);
    const sac_run_options o = shortened(&preset[i]);
    sac_run *run;
    sac_update_metrics last = {.critic_loss = (double)NAN};
    print_message("%s\n", preset[i].name);
    assert_ok(sac_run_create(task, &o, 1, dir, NULL, &run, &err), err);
    assert_ok(sac_run_train(run, keep_last, &last, &err), err);
    const uint64_t updates = expected_updates(&o.train);
    assert_int_equal(sac_agent_updates(run->agent), updates);
    assert_int_equal(run->agent->actor_updates,
                     updates / (uint64_t)o.agent.policy_delay * (uint64_t)o.agent.policy_updates);
    assert_finite(&last);
    sac_run_destroy(run);
    scratch_remove(dir);
  }
  sac_registry_destroy(registry);
}

/* --- one update of each at its own widths, with a batch of two rows --------------------------- */

static void each_updates_at_its_widths(void **state) {
  (void)state;
  enum { O = 17, A = 6, ROWS = 8 };
  static const double low[A] = {-1, -1, -1, -1, -1, -1}, high[A] = {1, 1, 1, 1, 1, 1};
  size_t count;
  const sac_preset *preset = sac_presets(&count);
  sac_error err;
  sac_replay *replay;
  assert_ok(sac_replay_create(ROWS, 1, O, A, &replay, &err), err);
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 0);
  for (size_t row = 0; row < ROWS; row++) {
    float obs[2][O], act[A];
    for (size_t j = 0; j < O; j++)
      for (int next = 0; next < 2; next++) obs[next][j] = (float)sac_stream_uniform(&s);
    for (size_t j = 0; j < A; j++) act[j] = (float)sac_stream_uniform(&s);
    assert_ok(sac_replay_push(replay, 0, obs[0], act, act[0], obs[1], 0, 1, &err), err);
  }
  for (size_t i = 0; i < count; i++) {
    sac_run_options o = options_of(&preset[i]);
    set(&o, "batch", "2");
    set(&o, "policy_delay", "1");
    sac_agent *agent;
    sac_update_metrics metrics;
    print_message("%s\n", preset[i].name);
    assert_ok(sac_agent_create(&o.agent, O, A, low, high, 1, 1, &agent, &err), err);
    assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
    assert_finite(&metrics);
    assert_true(isfinite(metrics.actor_loss) && isfinite(metrics.entropy));
    assert_true(metrics.actor_grad_norm > 0.0);
    sac_agent_destroy(agent);
  }
  sac_replay_destroy(replay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_trains_pendulum),
      cmocka_unit_test(each_updates_at_its_widths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
