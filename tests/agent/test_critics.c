/* The ensemble: which critics a target takes the minimum of, in cases whose answer is known, and
 * what stays the same whatever their number. Whole updates are held against a second implementation
 * in tests/oracle. */
#include "agent/critics.h"
#include "agents.h"

enum { CRITICS = 5, SUBSET = 2 };

static sac_agent_options ensemble_options(void) {
  sac_agent_options o = small_options();
  o.critics = CRITICS, o.critic_subset = SUBSET;
  return o;
}

/* --- the subset ------------------------------------------------------------------------------ */

/* Each of the 10 pairs has probability 1/10: of n = 20,000 draws, n/10 +- sqrt(9 n)/10. The draws
 * of an update are those of its own stream: asked again, they are the same. */
static void every_pair_is_drawn_equally_often(void **state) {
  (void)state;
  enum { DRAWS = 20000 };
  const sac_agent_options o = ensemble_options();
  sac_agent *agent = make_agent(&o, 1);
  int count[CRITICS][CRITICS] = {{0}};
  for (int i = 0; i < DRAWS; i++) {
    agent->updates = (uint64_t)i;
    sac_critics_choose(agent);
    const size_t a = agent->subset[0], b = agent->subset[1];
    assert_true(a < CRITICS && b < CRITICS && a != b);
    count[a < b ? a : b][a < b ? b : a]++;
    sac_critics_choose(agent);
    assert_true(agent->subset[0] == a && agent->subset[1] == b);
  }
  for (int a = 0; a < CRITICS; a++)
    for (int b = a + 1; b < CRITICS; b++)
      assert_close(count[a][b], DRAWS / 10.0, 5.0 * sqrt(DRAWS * 0.09), 0.0);
  sac_agent_destroy(agent);
}

/* Critic j's target gives q for every input. */
static void set_target(sac_agent *agent, size_t j, float q) {
  sac_mlp *net = &agent->q[j].net;
  const sac_layer *last = &net->layer[net->layers - 1];
  memset(net->target, 0, net->count * sizeof *net->target);
  net->target[last->offset + last->in * last->ld] = q;
}

/* One transition of reward 0.5 and targets 1 ... 5 in a shuffled order: y = r + gamma min over the
 * subset, where it is one, and over all where it is not. */
static void check_target(int64_t subset) {
  static const float q[CRITICS] = {3, 5, 1, 4, 2};
  const float obs[OBS] = {1, 2, 3, 4, 5}, act[ACT] = {0, -1, 0.5f};
  sac_agent_options o = ensemble_options();
  o.critic_subset = subset, o.gamma = 0.75, o.tau = 0.0;
  o.temperature = SAC_TEMPERATURE_FIXED, o.alpha = 1e-12;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay;
  sac_error err = {0};
  for (size_t j = 0; j < CRITICS; j++) set_target(agent, j, q[j]);
  assert_ok(sac_replay_create(8, 1, OBS, ACT, &replay, &err), err);
  assert_ok(sac_replay_push(replay, 0, obs, act, 0.5f, obs, 0, 0, &err), err);
  for (int i = 0; i < 30; i++) {
    sac_update_metrics m;
    assert_ok(sac_agent_update(agent, replay, &m, &err), err);
    float least = q[agent->subset[0]];
    for (int64_t k = 1; k < (subset ? subset : CRITICS); k++)
      least = fminf(least, q[agent->subset[k]]);
    assert_close(m.target_mean, 0.5 + 0.75 * (double)least, 1e-6, 0.0);
    if (!subset) assert_true(least == 1.0f);
  }
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void the_target_takes_the_minimum_over_the_subset(void **state) {
  (void)state;
  check_target(0);
  check_target(1);
  check_target(SUBSET);
  check_target(CRITICS);
}

/* --- the number of critics ------------------------------------------------------------------- */

static void check_same_start(sac_agent *two, sac_agent *more, const char *name) {
  const sac_tensor a = agent_tensor(two, name), b = agent_tensor(more, name);
  for (size_t i = 0; i < a.rows; i++)
    assert_memory_equal((float *)a.data + i * a.stride, (float *)b.data + i * b.stride,
                        a.cols * sizeof(float));
}

/* Further critics move no draw of the others; and all begin apart from each other. */
static void more_critics_change_no_other_weight(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.value = SAC_VALUE_V;
  sac_agent *two = make_agent(&o, 1);
  o.critics = CRITICS;
  sac_agent *five = make_agent(&o, 1);
  check_same_start(two, five, "actor.0.weight");
  check_same_start(two, five, "critic1.1.weight");
  check_same_start(two, five, "critic2.2.weight");
  check_same_start(two, five, "value.0.weight");
  const float *value = agent_tensor(five, "value.1.weight").data;
  for (size_t j = 0; j < CRITICS; j++) {
    const sac_mlp *a = &five->q[j].net;
    assert_true(memcmp(a->w + a->layer[1].offset, value, 64) != 0);
    for (size_t i = 0; i < j; i++) assert_true(memcmp(a->w, five->q[i].net.w, 64) != 0);
  }
  sac_agent_destroy(two);
  sac_agent_destroy(five);
}

/* Critics that are copies of each other stay copies, and agree with one alone: the minimum and the
 * mean over equal numbers are those numbers. Three halves of a sum would not be. */
static uint64_t learned(int64_t critics, const char *actor_q) {
  sac_agent_options o = small_options();
  o.critics = critics;
  set_option(&o, "actor_q", actor_q);
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  for (size_t j = 1; j < agent->N; j++) {
    memcpy(agent->q[j].net.w, agent->q[0].net.w, agent->q[0].net.count * sizeof(float));
    memcpy(agent->q[j].net.target, agent->q[0].net.w, agent->q[0].net.count * sizeof(float));
  }
  sac_agent_restored(agent);
  for (int i = 0; i < 10; i++) assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  const sac_mlp *first = &agent->q[0].net;
  for (size_t j = 1; j < agent->N; j++)
    assert_memory_equal(agent->q[j].net.w, first->w, first->count * sizeof(float));
  const uint64_t hash = XXH3_64bits(first->w, first->count * sizeof(float)) ^
                        XXH3_64bits(agent->pi.net.w, agent->pi.net.count * sizeof(float));
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
  return hash;
}

static void equal_critics_agree_with_one(void **state) {
  (void)state;
  const uint64_t alone = learned(1, "min");
  assert_true(learned(1, "mean") == alone);
  assert_true(learned(2, "mean") == alone);
  assert_true(learned(5, "min") == alone);
  assert_true(learned(4, "mean") == alone); /* a power of 2: its sum and share are exact */
}

/* --- without a target network ---------------------------------------------------------------- */

/* Then y is what the critics themselves say of s' in this very pass. A step size of 0 leaves them
 * as they are, so y can be asked for after the update: of normalised rows in the same way; of a
 * batch, from the outputs that the joint pass left. */
static void check_own_target(const char *norm) {
  sac_agent_options o = small_options();
  set_option(&o, "critic_norm", norm);
  set_option(&o, "critic_target", "none");
  o.temperature = SAC_TEMPERATURE_FIXED, o.alpha = 1e-12;
  o.lr_critic = 0.0, o.policy_delay = 1000;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  const uint64_t before = agent_hash(agent);
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  assert_true(agent_hash(agent) != before); /* Adam's moments */
  for (size_t j = 0; j < agent->N && !agent->joint; j++) sac_critic_next(agent, j, 0, agent->B);
  for (size_t b = 0; b < agent->B; b++) {
    const size_t at = agent->joint ? agent->B + b : b; /* [s',a'] are the batch's second half */
    const float q = fminf(agent->q[0].out[at], agent->q[1].out[at]);
    assert_close(agent->y[b], (double)agent->reward[b] + (double)(agent->discount[b] * q), 1e-6,
                 1e-6);
  }
  size_t count;
  sac_tensor *tensors = agent_tensors(agent, &count);
  for (size_t i = 0; i < count; i++) assert_null(strstr(tensors[i].name, "target"));
  free(tensors);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void without_targets_the_critics_are_their_own(void **state) {
  (void)state;
  check_own_target("layer");
  check_own_target("rms");
  check_own_target("batch");
  check_own_target("renorm");
}

/* In the joint pass the columns of [s,a] and [s',a'] have the mean 0 and the deviation 1 together:
 * Q(s,a) depends on the rewards' next states. Halving the distance of all s' moves the values of
 * rows that were not touched. Alone, in the actor's loss, a row depends on nothing else. */
static void the_joint_batch_shares_its_statistics(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  set_option(&o, "critic_norm", "batch");
  o.lr_critic = o.lr_actor = 0.0;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  sac_critics_joint_pass(agent, 0, 1);
  const float joint = agent->q[0].value[0];
  sac_critics_values(agent, agent->x, 0, agent->B);
  const float alone = agent->q[0].value[0];
  for (size_t i = 0; i < agent->B * agent->ldx; i++) agent->x_next[i] *= 0.5f;
  sac_critics_values(agent, agent->x, 0, agent->B);
  assert_true(agent->q[0].value[0] == alone);
  sac_critics_joint_pass(agent, 0, 1);
  assert_true(fabsf(agent->q[0].value[0] - joint) > 1e-3f);
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void critics_without_target_and_norm_are_refused(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  sac_error err = {0};
  set_option(&o, "critic_target", "none");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err,
                "critic_target = none|critic_norm");
  set_option(&o, "critic_norm", "layer");
  assert_ok(sac_agent_options_check(&o, &err), err);
  set_option(&o, "value", "v");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "critic_target = none|value");
}

static void a_subset_larger_than_the_ensemble_is_refused(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  sac_error err = {0};
  o.critic_subset = 3;
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err,
                "critic_subset = 3|at most critics = 2");
  o.critics = 3;
  assert_ok(sac_agent_options_check(&o, &err), err);
  o.critics = 65;
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "critics|65|64");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pair_is_drawn_equally_often),
      cmocka_unit_test(the_target_takes_the_minimum_over_the_subset),
      cmocka_unit_test(more_critics_change_no_other_weight),
      cmocka_unit_test(equal_critics_agree_with_one),
      cmocka_unit_test(without_targets_the_critics_are_their_own),
      cmocka_unit_test(the_joint_batch_shares_its_statistics),
      cmocka_unit_test(critics_without_target_and_norm_are_refused),
      cmocka_unit_test(a_subset_larger_than_the_ensemble_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
