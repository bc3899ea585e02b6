/* An agent's file: loading it gives an agent that goes on with the same bits, and a policy that
 * acts with the same bits. */
#define _POSIX_C_SOURCE 200809L
#include "ways.h"

#include "agent/state.h"

enum { N = 12 };

static void a_loaded_agent_goes_on_with_the_same_bits(void **state) {
  (void)state;
  sac_agent_options options = small_options();
  check_any_way(&options, NULL);
  options.value = SAC_VALUE_V;
  check_any_way(&options, NULL);
  options = small_options();
  options.critics = 12, options.critic_subset = 2;
  check_any_way(&options, NULL);
  options.critics = 3;
  set_option(&options, "critic_head", "categorical");
  check_any_way(&options, NULL);
  set_option(&options, "critic_head", "quantile");
  options.quantile_drop = 2;
  check_any_way(&options, NULL);
  options = small_options();
  set_option(&options, "actor_norm", "renorm");
  set_option(&options, "critic_norm", "renorm");
  options.renorm_warmup = 4;
  check_any_way(&options, NULL);
  set_option(&options, "norm_place", "inputs");
  set_option(&options, "critic_target", "none");
  check_any_way(&options, NULL);
  options = small_options();
  set_option(&options, "actor_norm", "rms");
  set_option(&options, "critic_norm", "layer");
  options.critic_dropout = 0.1;
  check_any_way(&options, NULL);
  for (int i = 0; small_bodies[i]; i++) {
    options = small_body(small_bodies[i]);
    check_any_way(&options, NULL);
  }
  if (!sac_kernels_bf16_get()) return; /* some CPUs have no such products */
  options = small_options();
  set_option(&options, "precision", "bf16");
  check_any_way(&options, NULL);
  set_option(&options, "actor_norm", "renorm");
  set_option(&options, "critic_norm", "renorm");
  set_option(&options, "norm_place", "inputs");
  options.renorm_warmup = 4;
  check_any_way(&options, NULL);
  options.log_std_bias = 0.5, options.policy_delay = 5; /* no step of the actor before the file */
  check_any_way(&options, NULL);
}

/* The policy of the file acts as the agent does, with noise and without. */
static void check_policy(const sac_agent_options *options) {
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  sac_replay *replay = make_replay(200, 1.0f);
  sac_agent *agent = make_agent(options, 1);
  sac_policy *policy;
  sac_error err = {0};
  update(agent, replay, 3);
  assert_ok(sac_agent_save(agent, path, &err), err);
  assert_ok(sac_policy_load(path, &policy, &err), err);
  assert_int_equal(sac_policy_obs_dim(policy), OBS);
  assert_int_equal(sac_policy_act_dim(policy), ACT);

  float obs[N * OBS], noise[N * ACT], want[N * ACT], got[ACT];
  sac_stream s = sac_stream_make(5, SAC_STREAM_USER, 0);
  for (int i = 0; i < N * OBS; i++) obs[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (int i = 0; i < N * ACT; i++) noise[i] = (float)(6.0 * sac_stream_uniform(&s) - 3.0);
  for (int stochastic = 0; stochastic < 2; stochastic++) {
    assert_ok(sac_agent_act(agent, N, obs, stochastic ? noise : NULL, want, &err), err);
    for (int i = 0; i < N; i++) {
      const float *eps = stochastic ? noise + i * ACT : NULL;
      assert_ok(sac_policy_act(policy, obs + i * OBS, eps, got, &err), err);
      assert_memory_equal(got, want + i * ACT, sizeof got);
    }
  }
  sac_policy_destroy(policy);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

static void a_policy_file_gives_the_same_actions(void **state) {
  (void)state;
  static const char *const maps[] = {"clamp", "tanh", "softplus"};
  for (int m = 0; m < 3; m++) {
    sac_agent_options options = small_options();
    set_option(&options, "log_std_map", maps[m]);
    set_option(&options, "log_std_min", "-1.5");
    options.actor_hidden = (sac_widths){3, {17, 33, 8}};
    check_policy(&options);
  }
  static const char *const norms[] = {"layer", "rms", "batch", "renorm"};
  for (int i = 0; i < 8; i++) {
    sac_agent_options options = small_options();
    set_option(&options, "actor_norm", norms[i % 4]);
    set_option(&options, "norm_place", i < 4 ? "hidden" : "inputs");
    if (i % 4 >= 2) set_option(&options, "norm_input", "yes");
    check_policy(&options);
  }
  for (int i = 0; small_bodies[i]; i++) {
    const sac_agent_options options = small_body(small_bodies[i]);
    check_policy(&options);
  }
}

/* A file of other sizes or options is refused by name, and the agent is as it was. */
static void another_agents_file_is_refused(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  sac_agent_options options = small_options();
  sac_error err = {0};
  sac_agent *agent = make_agent(&options, 1);
  assert_ok(sac_agent_save(agent, path, &err), err);
  options.gamma = 0.5;
  sac_agent *other = make_agent(&options, 1);
  const uint64_t before = agent_hash(other);
  check_refused(sac_agent_load(other, path, &err), SAC_ERR_FORMAT, &err, "gamma|0.99|0.5");
  assert_int_equal(agent_hash(other), before);
  check_refused(sac_agent_load(other, scratch_path(dir, "none"), &err), SAC_ERR_IO, &err, "none");
  sac_agent_destroy(agent), sac_agent_destroy(other);
  scratch_remove(dir);
}

/* The same sizes and options, but one action reaches further. */
static void other_action_bounds_are_refused(void **state) {
  (void)state;
  static const double low[ACT] = {-2, -2, -2}, high[ACT] = {1, 1, 2};
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options options = small_options();
  sac_error err = {0};
  sac_agent *agent = make_agent(&options, 1), *wider = NULL;
  assert_ok(sac_agent_save(agent, path, &err), err);
  assert_ok(sac_agent_create(&options, OBS, ACT, low, high, AGENT_SEED, 1, &wider, &err), err);
  const uint64_t before = agent_hash(wider);
  check_refused(sac_agent_load(wider, path, &err), SAC_ERR_FORMAT, &err, "action_mid|bounds");
  assert_int_equal(agent_hash(wider), before);
  sac_agent_destroy(agent), sac_agent_destroy(wider);
  scratch_remove(dir);
}

/* A file from before an option existed loads; one without a size does not. */
static void an_older_file_lacks_options(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options options = small_options();
  sac_error err = {0};
  sac_agent *agent = make_agent(&options, 1);
  static sac_meta metas[SAC_AGENT_METAS_MAX];
  size_t n;
  sac_tensor *tensors = agent_tensors(agent, &n);
  const size_t m = sac_agent_metas(agent, metas);
  assert_string_equal(metas[0].key, "obs_dim");
  assert_ok(sac_safetensors_write(path, tensors, n, metas, m - 1, &err), err);
  assert_ok(sac_agent_load(agent, path, &err), err);
  assert_ok(sac_safetensors_write(path, tensors, n, metas + 1, m - 1, &err), err);
  check_refused(sac_agent_load(agent, path, &err), SAC_ERR_FORMAT, &err, "obs_dim");
  free(tensors);
  sac_agent_destroy(agent);
  scratch_remove(dir);
}

/* What was one option for the three optimisers counts for each of them. */
static void an_options_former_name_counts(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options options = small_options();
  sac_error err = {0};
  sac_agent *agent = make_agent(&options, 1);
  static sac_meta metas[SAC_AGENT_METAS_MAX];
  size_t n, m = 0;
  sac_tensor *tensors = agent_tensors(agent, &n);
  for (size_t i = 0, all = sac_agent_metas(agent, metas); i < all; i++)
    if (!strstr(metas[i].key, "_beta1")) metas[m++] = metas[i];
  metas[m] = (sac_meta){"option.adam_beta1", "0.9"};
  assert_ok(sac_safetensors_write(path, tensors, n, metas, m + 1, &err), err);
  assert_ok(sac_agent_load(agent, path, &err), err);
  metas[m] = (sac_meta){"option.adam_beta1", "0.5"};
  assert_ok(sac_safetensors_write(path, tensors, n, metas, m + 1, &err), err);
  check_refused(sac_agent_load(agent, path, &err), SAC_ERR_FORMAT, &err, "beta1|0.5|0.9");
  free(tensors);
  sac_agent_destroy(agent);
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_loaded_agent_goes_on_with_the_same_bits),
      cmocka_unit_test(a_policy_file_gives_the_same_actions),
      cmocka_unit_test(another_agents_file_is_refused),
      cmocka_unit_test(other_action_bounds_are_refused),
      cmocka_unit_test(an_older_file_lacks_options),
      cmocka_unit_test(an_options_former_name_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
