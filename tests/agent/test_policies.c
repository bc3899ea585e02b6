/* Agents with every head and estimator: the same bits for any number of threads and after a save
 * and a load, a policy file that acts as its agent does, learning that goes where it should, and
 * what is refused at the start. */
#include "agents.h"

enum { UPDATES = 6, N = 7 };

static const double turn = 3.14159265358979323846;

/* An agent with actions in [-pi, pi]^ACT, which every head can take; B = 16. */
static sac_agent *agent_of(const sac_agent_options *o, size_t threads) {
  static const double low[ACT] = {-3.14159265358979, -3.14159265358979, -3.14159265358979},
                      high[ACT] = {3.14159265358979, 3.14159265358979, 3.14159265358979};
  sac_agent *agent;
  sac_error err = {0};
  assert_ok(sac_agent_create(o, OBS, ACT, low, high, AGENT_SEED, threads, &agent, &err), err);
  return agent;
}

/* the head and, beside the pathwise one, an estimator that it has */
static sac_agent_options options_of(int policy, int estimator) {
  sac_agent_options o = small_options();
  o.policy = policy;
  o.actor_estimator = estimator;
  o.actor_samples = estimator == SAC_ESTIMATOR_PATHWISE ? 1 : 3;
  return o;
}

#define FOR_EACH_HEAD(o)                                                       \
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++)                    \
    for (int estimator = 0; estimator <= SAC_ESTIMATOR_SCORE_LOO; estimator++) \
      for (sac_agent_options o = options_of(policy, estimator), *once = &o; once; once = NULL)

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  sac_replay *replay = make_replay(100, 1.0f);
  FOR_EACH_HEAD(o) {
    uint64_t one = 0;
    for (size_t threads = 1; threads <= 3; threads++) {
      sac_agent *agent = agent_of(&o, threads);
      update(agent, replay, UPDATES);
      if (threads == 1) one = agent_hash(agent);
      assert_int_equal(agent_hash(agent), one);
      sac_agent_destroy(agent);
    }
  }
  sac_replay_destroy(replay);
}

/* Half the updates, a file, another agent, the other half: the same as all of them. */
static void a_file_goes_on_with_the_same_bits(void **state) {
  (void)state;
  static const char path[] = "test_policies.safetensors";
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  FOR_EACH_HEAD(o) {
    sac_agent *whole = agent_of(&o, 1), *half = agent_of(&o, 1), *rest = agent_of(&o, 1);
    update(whole, replay, UPDATES);
    update(half, replay, UPDATES / 2);
    assert_ok(sac_agent_save(half, path, &err), err);
    assert_ok(sac_agent_load(rest, path, &err), err);
    update(rest, replay, UPDATES - UPDATES / 2);
    assert_int_equal(agent_hash(rest), agent_hash(whole));
    sac_agent_destroy(whole), sac_agent_destroy(half), sac_agent_destroy(rest);
  }
  remove(path);
  sac_replay_destroy(replay);
}

/* With noise, without, and by each kind of deterministic action. */
static void a_policy_file_acts_as_its_agent(void **state) {
  (void)state;
  static const char path[] = "test_policies_file.safetensors";
  sac_error err = {0};
  float obs[N * OBS], noise[N * ACT], want[N * ACT], got[ACT];
  sac_stream s = sac_stream_make(5, SAC_STREAM_USER, 0);
  for (int i = 0; i < N * OBS; i++) obs[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (int i = 0; i < N * ACT; i++) noise[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++)
    for (int kind = 0; kind <= SAC_DETERMINISTIC_MODE; kind++) {
      sac_agent_options o = options_of(policy, SAC_ESTIMATOR_PATHWISE);
      o.deterministic = kind;
      sac_agent *agent = agent_of(&o, 1);
      sac_policy *alone;
      assert_ok(sac_agent_save(agent, path, &err), err);
      assert_ok(sac_policy_load(path, &alone, &err), err);
      for (int noisy = 0; noisy < 2; noisy++) {
        assert_ok(sac_agent_act(agent, N, obs, noisy ? noise : NULL, want, &err), err);
        for (size_t b = 0; b < N; b++) {
          assert_ok(sac_policy_act(alone, obs + b * OBS, noisy ? noise + b * ACT : NULL, got, &err),
                    err);
          assert_memory_equal(got, want + b * ACT, sizeof got);
          for (size_t i = 0; i < ACT; i++)
            assert_true(policy == SAC_POLICY_NORMAL || fabs((double)got[i]) <= turn);
        }
      }
      double entropy = 10.0; /* at most log 2pi a dimension, a normal's at most 3.419 */
      assert_ok(sac_policy_entropy(alone, obs, &entropy, &err), err);
      assert_true(entropy > -30.0 && entropy < 3.5 * ACT);
      sac_policy_destroy(alone), sac_agent_destroy(agent);
    }
  remove(path);
}

/* --- what is refused ----------------------------------------------------------------------------
 */

static void refuse(const sac_agent_options *o, double bound, const char *words) {
  const double low[ACT] = {-bound, -bound, -bound}, high[ACT] = {bound, bound, bound};
  sac_agent *agent = NULL;
  sac_error err = {0};
  check_refused(sac_agent_create(o, OBS, ACT, low, high, 1, 1, &agent, &err), SAC_ERR_ARG, &err,
                words);
  assert_null(agent);
}

static void a_head_that_does_not_fit_is_refused(void **state) {
  (void)state;
  sac_agent_options o = options_of(SAC_POLICY_VON_MISES, SAC_ESTIMATOR_PATHWISE);
  refuse(&o, 2.0, "policy = von_mises|[-2, 2]|full turn|tanh_normal, normal, beta");
  o = options_of(SAC_POLICY_BETA, SAC_ESTIMATOR_MEASURE_VALUED);
  refuse(&o, 1.0, "measure_valued|policy = beta|tanh_normal, normal, tanh_laplace");
  o = options_of(SAC_POLICY_BETA, SAC_ESTIMATOR_SCORE_LOO);
  o.actor_samples = 1;
  refuse(&o, 1.0, "actor_samples = 1|score_loo|2 or more");
  o = options_of(SAC_POLICY_BETA, SAC_ESTIMATOR_PATHWISE);
  o.concentration_log_min = 7.0;
  refuse(&o, 1.0, "concentration_log_min = 7|below concentration_log_max = 6");
}

/* Ranges: log 2 a dimension is the entropy of the level density on [-1, 1]; a tanh-normal's largest
 * is .6836 (at sigma .87, by the quadrature of dist). A beta of (1 + e^2, 1) has
 * log(1/b) + 1 - 1/b + log 2 = -.553, b = 1 + e^2: the published range cannot reach -1. */
static void a_target_entropy_out_of_reach_is_refused(void **state) {
  (void)state;
  sac_agent_options o = options_of(SAC_POLICY_TANH_NORMAL, SAC_ESTIMATOR_PATHWISE);
  o.target_entropy_scale = 0.69;
  refuse(&o, 1.0, "target_entropy_scale = 0.69|2.07 nats for 3 actions|-inf to 2.051|0.6836");
  o.temperature = SAC_TEMPERATURE_FIXED; /* no target then */
  sac_agent_destroy(agent_of(&o, 1));
  o = options_of(SAC_POLICY_BETA, SAC_ESTIMATOR_PATHWISE);
  o.concentration_log_max = 2.0;
  refuse(&o, 1.0, "policy = beta|-1.659 to 2.079|between -0.553 and 0.6931");
  o.target_entropy_scale = -0.5;
  sac_agent_destroy(agent_of(&o, 1));
  o.entropy_space = SAC_ENTROPY_ENVIRONMENT; /* bounds of +-e: one nat more a dimension */
  o.target_entropy_scale = 0.4;
  refuse(&o, 1.0 / exp(1.0), "between -1.553 and -0.3069");
}

/* --- learning -----------------------------------------------------------------------------------
 */

/* A reward of 1 for actions below 0 and of 0 above, no discount: every head moves its actions down.
 * Fixed observations, so that nothing but the reward tells actions apart. */
static void every_head_learns_where_the_reward_is(void **state) {
  (void)state;
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(600, 1, OBS, ACT, &replay, &err), err);
  sac_stream s = sac_stream_make(8, SAC_STREAM_USER, 0);
  const float obs[OBS] = {1};
  for (int t = 0; t < 500; t++) {
    float act[ACT], reward = 0.0f;
    for (size_t i = 0; i < ACT; i++) {
      act[i] = (float)(2.0 * turn * sac_stream_uniform(&s) - turn);
      reward += act[i] < 0.0f && act[i] > -3.0f ? 1.0f : 0.0f;
    }
    assert_ok(sac_replay_push(replay, 0, obs, act, reward, obs, 1, 0, &err), err);
  }
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    sac_agent_options o = options_of(policy, SAC_ESTIMATOR_PATHWISE);
    o.temperature = SAC_TEMPERATURE_FIXED;
    o.alpha = 0.02;
    o.lr_actor = o.lr_critic = 3e-3;
    sac_agent *agent = agent_of(&o, 1);
    float act[ACT];
    update(agent, replay, 400);
    assert_ok(sac_agent_act(agent, 1, obs, NULL, act, &err), err);
    for (size_t i = 0; i < ACT; i++)
      if (!(act[i] < -0.3f)) fail_msg("policy %d: action %zu is %g", policy, i, (double)act[i]);
    sac_agent_destroy(agent);
  }
  sac_replay_destroy(replay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(a_file_goes_on_with_the_same_bits),
      cmocka_unit_test(a_policy_file_acts_as_its_agent),
      cmocka_unit_test(a_head_that_does_not_fit_is_refused),
      cmocka_unit_test(a_target_entropy_out_of_reach_is_refused),
      cmocka_unit_test(every_head_learns_where_the_reward_is),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
