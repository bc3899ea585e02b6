/* A share of every batch from a data set: how many rows, which, and that nothing else changes. */
#define _POSIX_C_SOURCE 200809L
#include "agents.h"
#include "scratch.h"

enum { N = 40 };

/* A data set of N transitions whose rewards are 1000 + i and whose last terminates. */
static sac_dataset *make_data(double action) {
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "data");
  sac_replay *replay;
  sac_dataset *data;
  sac_error err = {0};
  assert_ok(sac_replay_create(2 * N, 1, OBS, ACT, &replay, &err), err);
  for (int i = 0; i < N; i++) {
    const float obs[OBS] = {(float)i}, next[OBS] = {(float)i + 1};
    float act[ACT] = {0.5f, -0.5f, (float)action};
    assert_ok(sac_replay_push(replay, 0, obs, act, 1000.0f + (float)i, next, i == N - 1, 0, &err),
              err);
  }
  assert_ok(sac_replay_export(replay, path, NULL, &err), err);
  assert_ok(sac_dataset_load(path, OBS, ACT, &data, &err), err);
  sac_replay_destroy(replay);
  scratch_remove(dir);
  return data;
}

/* Row b of the last batch came from the data: only its rewards are that large. */
static int from_data(const sac_agent *agent, size_t b) {
  return agent->reward[b] > 500.0f;
}

/* round(share * 16) rows; each is one of the set's transitions, whole: the observation counts the
 * reward, the discount is gamma even where the replay's rows are of three steps, 0 at the last. */
static void the_share_of_a_batch_is_the_sets(void **state) {
  (void)state;
  static const struct {
    double share;
    size_t rows;
  } cases[] = {{0.0, 0}, {0.1, 2}, {0.5, 8}, {1.0, 16}};
  sac_dataset *data = make_data(0.0);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    sac_agent_options o = small_options();
    o.data_share = cases[c].share;
    o.n_step = 3;
    sac_agent *agent = make_agent(&o, 1);
    assert_ok(sac_agent_use_data(agent, data, &err), err);
    int ended = 0;
    for (int u = 0; u < 30; u++) {
      size_t rows = 0;
      update(agent, replay, 1);
      for (size_t b = 0; b < agent->B; b++) {
        if (!from_data(agent, b)) continue;
        rows++;
        const int i = (int)agent->reward[b] - 1000;
        assert_true(agent->x[b * agent->ldx] == (float)i);
        assert_true(agent->x_next[b * agent->ldx] == (float)i + 1);
        assert_true(agent->discount[b] == (i == N - 1 ? 0.0f : 0.99f));
        ended += i == N - 1;
      }
      assert_int_equal(rows, cases[c].rows);
    }
    assert_true(cases[c].rows < 8 || ended > 0);
    sac_agent_destroy(agent);
  }
  sac_dataset_destroy(data);
  sac_replay_destroy(replay);
}

/* Each of the N transitions comes as often as another: chi-square of 39 degrees of freedom, below
 * 39 + 5 sqrt(78). */
static void draws_are_uniform(void **state) {
  (void)state;
  enum { UPDATES = 500, DRAWS = UPDATES * 16 };
  sac_agent_options o = small_options();
  o.data_share = 1.0;
  sac_dataset *data = make_data(0.0);
  sac_replay *replay = make_replay(10, 1.0f);
  sac_agent *agent = make_agent(&o, 1);
  sac_error err = {0};
  int count[N] = {0};
  assert_ok(sac_agent_use_data(agent, data, &err), err);
  for (int u = 0; u < UPDATES; u++) {
    update(agent, replay, 1);
    for (size_t b = 0; b < agent->B; b++) count[(int)agent->reward[b] - 1000]++;
  }
  double chi2 = 0.0;
  for (int i = 0; i < N; i++) {
    const double want = (double)DRAWS / N, off = (double)count[i] - want;
    chi2 += off * off / want;
  }
  assert_true(chi2 < 39.0 + 5.0 * sqrt(78.0));
  sac_agent_destroy(agent);
  sac_dataset_destroy(data);
  sac_replay_destroy(replay);
}

/* Any number of threads gives the same bits; taken away again, the next update is a plain one; and
 * a share of none is as good as no set. */
static void nothing_else_changes(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  sac_agent_options none = o;
  none.data_share = 0.0;
  sac_dataset *data = make_data(0.0);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *plain = make_agent(&o, 1), *one = make_agent(&o, 1), *three = make_agent(&o, 3),
            *without = make_agent(&none, 1);
  sac_error err = {0};
  assert_ok(sac_agent_use_data(one, data, &err), err);
  assert_ok(sac_agent_use_data(three, data, &err), err);
  assert_ok(sac_agent_use_data(without, data, &err), err);
  update(plain, replay, 4), update(without, replay, 4);
  update(one, replay, 4), update(three, replay, 4);
  assert_int_equal(agent_hash(one), agent_hash(three));
  assert_int_equal(agent_hash(plain), agent_hash(without));
  assert_int_not_equal(agent_hash(plain), agent_hash(one));
  assert_ok(sac_agent_use_data(one, NULL, &err), err);
  update(one, replay, 1);
  for (size_t b = 0; b < one->B; b++) assert_false(from_data(one, b));
  sac_agent_destroy(plain), sac_agent_destroy(one);
  sac_agent_destroy(three), sac_agent_destroy(without);
  sac_dataset_destroy(data);
  sac_replay_destroy(replay);
}

/* Action 2 has bounds [-2, 1]. */
static void actions_out_of_bounds_are_refused(void **state) {
  (void)state;
  static const struct {
    double action;
    int fine;
  } cases[] = {{1.0, 1}, {1.00001, 1}, {-2.0, 1}, {1.01, 0}, {-2.01, 0}, {100.0, 0}};
  sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  o.policy = SAC_POLICY_NORMAL; /* its own actions can be anywhere */
  sac_agent *normal = make_agent(&o, 1);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    sac_dataset *data = make_data(cases[c].action);
    sac_error err = {0};
    const sac_status status = sac_agent_use_data(agent, data, &err);
    if (cases[c].fine)
      assert_ok(status, err);
    else
      check_refused(status, SAC_ERR_ARG, &err, "action 2 of row 0|[-2, 1]");
    assert_ok(sac_agent_use_data(agent, NULL, &err), err);
    assert_ok(sac_agent_use_data(normal, data, &err), err);
    assert_ok(sac_agent_use_data(normal, NULL, &err), err);
    sac_dataset_destroy(data);
  }
  sac_agent_destroy(agent), sac_agent_destroy(normal);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_share_of_a_batch_is_the_sets),
      cmocka_unit_test(draws_are_uniform),
      cmocka_unit_test(nothing_else_changes),
      cmocka_unit_test(actions_out_of_bounds_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
