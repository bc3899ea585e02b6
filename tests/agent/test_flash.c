/* body=flash in the agent, with what FlashSAC has beside it: threads, files, what is refused. */
#define _POSIX_C_SOURCE 200809L
#include "ways.h"

static sac_agent_options flash_options(void) {
  sac_agent_options o = small_options();
  set_option(&o, "body", "flash");
  set_option(&o, "actor_hidden", "9");
  set_option(&o, "critic_hidden", "18,18");
  set_option(&o, "norm_unbiased", "yes");
  set_option(&o, "actor_joint", "yes");
  set_option(&o, "weight_projection", "unit_norms");
  set_option(&o, "critic_head", "categorical");
  o.batch = 33, o.policy_delay = 2, o.critic_atoms = 21;
  return o;
}

/* On every instruction set. */
static void bits_do_not_depend_on_the_way(void **state) {
  (void)state;
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  const sac_agent_options o = flash_options();
  for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
    const sac_kernels *k = sac_kernels_find(isas[i]);
    if (k) check_any_way(&o, k);
  }
}

/* A policy's file acts as its agent, whose running statistics it has. */
static void a_policy_file_gives_the_same_actions(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  const sac_agent_options o = flash_options();
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1);
  sac_policy *policy;
  sac_error err = {0};
  update(agent, replay, 4);
  assert_ok(sac_agent_save(agent, path, &err), err);
  assert_ok(sac_policy_load(path, &policy, &err), err);
  const float obs[OBS] = {0.3f, -1.0f, 2.0f, 0.0f, 0.7f};
  float want[ACT], got[ACT];
  assert_ok(sac_agent_act(agent, 1, obs, NULL, want, &err), err);
  assert_ok(sac_policy_act(policy, obs, NULL, got, &err), err);
  assert_memory_equal(got, want, sizeof got);
  assert_true(agent_tensor(agent, "actor.1.after.mean").cols == 4 * 9);
  sac_policy_destroy(policy);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

/* Products have no bias, the last one excepted; it is not in the file, and its place stays zero. */
static void products_have_no_bias(void **state) {
  (void)state;
  const sac_agent_options o = flash_options();
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1);
  update(agent, replay, 4);
  const sac_mlp *net = &agent->q[0].net;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    double size = 0.0;
    for (size_t i = 0; i < layer->out; i++) size += fabs((double)sac_layer_bias(layer, net->w)[i]);
    assert_true((size == 0.0) == (l + 1 < net->layers));
  }
  size_t count, biases = 0;
  sac_tensor *tensors = agent_tensors(agent, &count);
  for (size_t i = 0; i < count; i++) biases += strstr(tensors[i].name, ".bias") != NULL;
  assert_int_equal(biases, 3 + 4 + 4); /* weights and two moments; critics' targets too */
  free(tensors);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

static void what_does_not_go_with_it_is_refused(void **state) {
  (void)state;
  static const struct {
    const char *name, *value, *words;
  } wrong[] = {
      {"critic_norm", "layer", "body = flash|critic_norm"},
      {"actor_norm", "batch", "body = flash|actor_norm"},
      {"norm_place", "inputs", "body = flash|norm_place"},
      {"norm_input", "yes", "body = flash|norm_input"},
      {"critic_hidden", "18,19", "body = flash|critic_hidden"},
      {"critic_dropout", "0.1", "critic_dropout"},
      {"precision", "bf16", "precision = bf16|sums|fp32"},
      {"policy", "gsde", "policy = gsde"},
      {"value", "v", "value = v"},
      {"batch", "1", "batch = 1"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    sac_error err = {0};
    sac_agent_options o = flash_options();
    set_option(&o, "weight_projection", "none");
    set_option(&o, "critic_head", "scalar");
    assert_ok(sac_agent_options_check(&o, &err), err);
    set_option(&o, wrong[i].name, wrong[i].value);
    check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, wrong[i].words);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bits_do_not_depend_on_the_way),
      cmocka_unit_test(a_policy_file_gives_the_same_actions),
      cmocka_unit_test(products_have_no_bias),
      cmocka_unit_test(what_does_not_go_with_it_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
