/* The same bits for any number of threads: XXH3 of everything that an agent has learned in 20
 * updates, on every instruction set. The sizes leave shares of unequal length, some empty. */
#include "agents.h"
#include "replay/buffer.h"

enum { UPDATES = 20 };

static uint64_t learned(const sac_agent_options *options, const sac_kernels *k, size_t threads,
                        const sac_replay *replay) {
  sac_agent *agent = make_agent(options, threads);
  sac_error err = {0};
  agent->k = k;
  assert_ok(sac_agent_observe(agent, 100, replay->obs, &err), err); /* where the option is on */
  for (int i = 0; i < UPDATES; i++) assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  const uint64_t hash = agent_hash(agent);
  sac_agent_destroy(agent);
  return hash;
}

static const size_t counts[] = {2, 3, 4, 8};

/* Thread counts, number [from, to) of the list. */
static void check_threads(const sac_agent_options *options, size_t from, size_t to) {
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  sac_replay *replay = make_replay(300, 1.0f);
  for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
    const sac_kernels *k = sac_kernels_find(isas[t]);
    if (!k) continue;
    const uint64_t one = learned(options, k, 1, replay);
    print_message("%-8s %016llx\n", k->isa, (unsigned long long)one);
    for (size_t i = from; i < to; i++)
      assert_int_equal(learned(options, k, counts[i], replay), one);
  }
  sac_replay_destroy(replay);
}

/* From the first or from the third on. */
static void check_settings(const sac_agent_options *options, size_t from) {
  check_threads(options, from, sizeof counts / sizeof *counts);
}

/* 2 and 3 threads, or 3: of passes with many barriers, which are slow where threads share cores. */
static void check_few(const sac_agent_options *options, size_t from) {
  check_threads(options, from, 2);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.batch = 33;
  o.actor_hidden = (sac_widths){2, {70, 33}};
  o.critic_hidden = (sac_widths){2, {100, 48}};
  check_settings(&o, 0);
}

/* The other branches of an update: the mean of the critics, a fresh sample, two actor steps in a
 * row; and a batch of fewer rows than threads. */
static void so_do_the_other_branches(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.batch = 5;
  o.actor_hidden = o.critic_hidden = (sac_widths){3, {40, 17, 9}};
  o.actor_q = SAC_ACTOR_Q_MEAN;
  o.alpha_sample = SAC_ALPHA_SAMPLE_FRESH;
  o.policy_delay = o.policy_updates = 2;
  o.n_step = 3;
  o.obs_norm = SAC_OBS_NORM_RUNNING;
  check_settings(&o, 2);
}

/* bf16 keeps two rows in a word: shares are of whole pairs, and the last row may be alone. */
static void so_does_bf16(void **state) {
  (void)state;
  if (!sac_kernels_bf16_get()) {
    print_message("%s has no bf16 products: skipped\n", sac_isa());
    skip();
  }
  sac_agent_options o = small_options();
  o.precision = SAC_PRECISION_BF16;
  o.batch = 33;
  o.actor_hidden = (sac_widths){2, {70, 33}};
  o.critic_hidden = (sac_widths){3, {100, 48, 17}};
  check_settings(&o, 0);
  o.batch = 6;
  o.actor_q = SAC_ACTOR_Q_MEAN;
  o.alpha_sample = SAC_ALPHA_SAMPLE_FRESH;
  check_settings(&o, 2);
  o.batch = 33;
  set_option(&o, "critic_norm", "renorm");
  set_option(&o, "actor_norm", "batch");
  set_option(&o, "norm_place", "inputs");
  check_few(&o, 0);
  set_option(&o, "actor_norm", "none");
  set_option(&o, "critic_target", "none");
  check_few(&o, 1);
}

/* The value network of the first paper. */
static void so_does_a_value_network(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.value = SAC_VALUE_V;
  o.batch = 33;
  check_settings(&o, 0);
}

/* An ensemble, with and without a subset of it. */
static void so_does_an_ensemble(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.critics = 5, o.critic_subset = 2;
  o.batch = 33;
  check_settings(&o, 0);
  o.critics = 1, o.critic_subset = 0;
  check_settings(&o, 2);
}

/* Networks that normalise over the batch: in critics with and without targets, in the actor. */
static void so_do_normalised_networks(void **state) {
  (void)state;
  static const char *const norms[] = {"renorm", "batch"};
  for (int i = 0; i < 2; i++) {
    sac_agent_options o = small_options();
    o.batch = 33;
    o.critic_hidden = (sac_widths){2, {100, 48}};
    set_option(&o, "critic_norm", norms[i]);
    set_option(&o, "actor_norm", norms[1 - i]);
    set_option(&o, "norm_place", i ? "hidden" : "inputs");
    set_option(&o, "critic_target", i ? "ema" : "none");
    o.critics = 3, o.critic_subset = 2, o.renorm_warmup = 5;
    check_few(&o, 0);
    o.actor_norm = SAC_NORMS_NONE;
    check_few(&o, 1);
  }
}

/* Critics of distributions, alone and in the joint batch. */
static void so_do_distributions(void **state) {
  (void)state;
  static const char *const heads[] = {"categorical", "quantile"};
  for (int i = 0; i < 2; i++) {
    sac_agent_options o = small_options();
    o.batch = 33, o.critics = 3, o.critic_atoms = 21, o.critic_quantiles = 9, o.quantile_drop = 2;
    set_option(&o, "critic_head", heads[i]);
    check_few(&o, 0);
    o.actor_q = SAC_ACTOR_Q_MEAN, o.critic_subset = 2;
    set_option(&o, "critic_norm", "batch");
    check_few(&o, 1);
    set_option(&o, "critic_target", "none");
    check_few(&o, 1);
  }
}

/* Norms of rows in every place, and dropout. */
static void so_do_norms_of_rows(void **state) {
  (void)state;
  for (int inputs = 0; inputs < 2; inputs++) {
    sac_agent_options o = small_options();
    o.batch = 33;
    o.critic_hidden = (sac_widths){2, {100, 48}};
    set_option(&o, "critic_norm", "layer");
    set_option(&o, "actor_norm", "rms");
    set_option(&o, "norm_place", inputs ? "inputs" : "hidden");
    o.critic_dropout = 0.1;
    set_option(&o, "actor_q", inputs ? "min" : "mean");
    check_settings(&o, 0);
  }
}

/* Blocks: each body, and the mean of its critics. */
static void so_do_bodies(void **state) {
  (void)state;
  for (int i = 0; small_bodies[i]; i++) {
    sac_agent_options o = small_body(small_bodies[i]);
    o.batch = 33;
    check_few(&o, 0);
    o.actor_q = SAC_ACTOR_Q_MEAN;
    check_few(&o, 1);
  }
}

/* Actions too, where a call is long enough to be shared among the threads. */
static void actions_do_not_depend_on_threads(void **state) {
  (void)state;
  enum { N = 61 };
  sac_agent_options o = small_options();
  o.batch = 64;
  float obs[N * OBS], noise[N * ACT], want[N * ACT], got[N * ACT];
  sac_stream s = sac_stream_make(5, SAC_STREAM_USER, 0);
  for (int i = 0; i < N * OBS; i++) obs[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (int i = 0; i < N * ACT; i++) noise[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (size_t threads = 1; threads <= 4; threads++) {
    sac_agent *agent = make_agent(&o, threads);
    sac_error err = {0};
    assert_ok(sac_agent_act(agent, N, obs, noise, got, &err), err);
    if (threads == 1) memcpy(want, got, sizeof want);
    assert_memory_equal(got, want, sizeof want);
    for (size_t i = 0; i < N; i++) { /* one row at a time gives the same as all */
      float one[ACT];
      assert_ok(sac_agent_act(agent, 1, obs + i * OBS, noise + i * ACT, one, &err), err);
      assert_memory_equal(one, want + i * ACT, sizeof one);
    }
    sac_agent_destroy(agent);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(so_do_the_other_branches),
      cmocka_unit_test(so_does_a_value_network),
      cmocka_unit_test(so_does_an_ensemble),
      cmocka_unit_test(so_do_normalised_networks),
      cmocka_unit_test(so_do_norms_of_rows),
      cmocka_unit_test(so_do_distributions),
      cmocka_unit_test(so_do_bodies),
      cmocka_unit_test(so_does_bf16),
      cmocka_unit_test(actions_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
