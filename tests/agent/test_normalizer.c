/* Normalised observations: the statistics against two passes in double, what acts, evaluates and
 * updates sees of them, and that nothing but sac_agent_observe moves them. */
#define _POSIX_C_SOURCE 200809L
#include "agents.h"
#include "scratch.h"

enum { SEEN = 500, N = 8 };

/* Observations of very different sizes; number 3 is far from 0, number 4 never changes. */
static void draw_observations(size_t n, uint64_t index, float obs[]) {
  static const double centre[OBS] = {0, 5, -0.01, 1e4, 7}, width[OBS] = {1, 100, 0.001, 1, 0};
  sac_stream s = sac_stream_make(9, SAC_STREAM_USER, index);
  for (size_t i = 0; i < n * OBS; i++)
    obs[i] = (float)(centre[i % OBS] + width[i % OBS] * (2.0 * sac_stream_uniform(&s) - 1.0));
}

static sac_agent_options normalising(void) {
  sac_agent_options o = small_options();
  o.obs_norm = SAC_OBS_NORM_RUNNING;
  o.obs_clip = 1.5;
  return o;
}

static void observe(sac_agent *agent, size_t n, const float obs[]) {
  sac_error err = {0};
  assert_ok(sac_agent_observe(agent, n, obs, &err), err);
}

/* Mean and variance of the columns, in two passes. */
static void two_passes(const float obs[], double mean[OBS], double variance[OBS]) {
  for (int i = 0; i < OBS; i++) {
    mean[i] = variance[i] = 0.0;
    for (int r = 0; r < SEEN; r++) mean[i] += (double)obs[r * OBS + i] / SEEN;
    for (int r = 0; r < SEEN; r++) variance[i] += pow((double)obs[r * OBS + i] - mean[i], 2) / SEEN;
  }
}

/* One pass in double is off by about 1e-16 of mean^2 in the variance: 1e-8 for number 3. */
static void statistics_are_those_of_two_passes(void **state) {
  (void)state;
  static float obs[SEEN * OBS];
  double mean[OBS], variance[OBS];
  const sac_agent_options o = normalising();
  sac_agent *agent = make_agent(&o, 1);
  draw_observations(SEEN, 0, obs);
  two_passes(obs, mean, variance);
  observe(agent, SEEN, obs);
  assert_true(*(double *)agent_tensor(agent, "obs_count").data == SEEN);
  const double *got = agent_tensor(agent, "obs_mean").data,
               *m2 = agent_tensor(agent, "obs_m2").data;
  for (int i = 0; i < OBS; i++) {
    assert_close(got[i], mean[i], 1e-12 * fabs(mean[i]) + 1e-15, 0.0);
    assert_close(m2[i] / SEEN, variance[i], 1e-14 * mean[i] * mean[i] + 1e-15, 1e-12);
  }
  sac_agent_destroy(agent);
}

/* Acting sees clip((obs - mean)/sqrt(variance + 1e-8)): as an agent that does not normalise and is
 * shown these numbers. So does a policy from the file, and the critics' value. */
static void all_see_normalised_numbers(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  static float obs[SEEN * OBS];
  float shown[N * OBS], noise[N * ACT], act[N * ACT], want[N * ACT], q[N], want_q[N];
  double mean[OBS], variance[OBS];
  sac_error err = {0};
  sac_policy *policy;
  sac_agent_options o = normalising();
  sac_agent *agent = make_agent(&o, 1);
  o.obs_norm = SAC_OBS_NORM_NONE;
  sac_agent *plain = make_agent(&o, 1); /* the same weights */
  draw_observations(SEEN, 0, obs);
  two_passes(obs, mean, variance);
  observe(agent, SEEN, obs);
  int cut = 0;
  for (int i = 0; i < N * OBS; i++) {
    const double z = ((double)obs[i] - mean[i % OBS]) / sqrt(variance[i % OBS] + 1e-8);
    shown[i] = (float)fmax(-1.5, fmin(1.5, z));
    cut += fabs(z) > 1.5;
  }
  assert_true(cut > 0 && cut < N * OBS);
  sac_stream s = sac_stream_make(5, SAC_STREAM_USER, 0);
  for (int i = 0; i < N * ACT; i++) noise[i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);

  assert_ok(sac_agent_act(agent, N, obs, noise, act, &err), err);
  assert_ok(sac_agent_act(plain, N, shown, noise, want, &err), err);
  for (int i = 0; i < N * ACT; i++) assert_close(act[i], want[i], 2e-6, 0.0);
  assert_ok(sac_agent_value(agent, N, obs, act, q, NULL, &err), err);
  assert_ok(sac_agent_value(plain, N, shown, act, want_q, NULL, &err), err);
  for (int i = 0; i < N; i++) assert_close(q[i], want_q[i], 2e-6, 0.0);

  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  assert_ok(sac_agent_save(agent, path, &err), err);
  assert_ok(sac_policy_load(path, &policy, &err), err);
  for (int i = 0; i < N; i++) { /* the same bits, one at a time */
    float one[ACT];
    assert_ok(sac_policy_act(policy, obs + i * OBS, noise + i * ACT, one, &err), err);
    assert_memory_equal(one, act + i * ACT, sizeof one);
  }
  sac_policy_destroy(policy);
  sac_agent_destroy(agent), sac_agent_destroy(plain);
  scratch_remove(dir);
}

/* Acting, asking for values and updating leave the statistics alone; how calls are split does not
 * matter; and what is not finite is refused, by name, before anything has moved. */
static void only_observe_moves_them(void **state) {
  (void)state;
  static float obs[SEEN * OBS];
  float act[N * ACT], q[N];
  sac_error err = {0};
  const sac_agent_options o = normalising();
  sac_agent *agent = make_agent(&o, 1), *other = make_agent(&o, 2);
  sac_replay *replay = make_replay(100, 1.0f);
  draw_observations(SEEN, 0, obs);
  observe(agent, SEEN, obs);
  for (size_t at = 0; at < SEEN;) {
    const size_t n = at % 7 + 1 < SEEN - at ? at % 7 + 1 : SEEN - at;
    observe(other, n, obs + at * OBS);
    at += n;
  }
  assert_int_equal(agent_hash(agent), agent_hash(other));
  assert_ok(sac_agent_act(agent, N, obs + 9, NULL, act, &err), err);
  assert_ok(sac_agent_value(agent, N, obs + 9, act, q, NULL, &err), err);
  assert_int_equal(agent_hash(agent), agent_hash(other));
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  const char *const names[] = {"obs_count", "obs_mean", "obs_m2"};
  for (int i = 0; i < 3; i++) {
    const sac_tensor a = agent_tensor(agent, names[i]), b = agent_tensor(other, names[i]);
    assert_memory_equal(a.data, b.data, a.cols * sizeof(double));
  }
  obs[OBS + 2] = NAN;
  check_refused(sac_agent_observe(other, 2, obs, &err), SAC_ERR_DIVERGED, &err,
                "observation 2 of row 1|nan");
  obs[0] = 1e30f;
  assert_int_equal(*(double *)agent_tensor(other, "obs_count").data == SEEN, 1);
  sac_agent_destroy(agent), sac_agent_destroy(other);
  sac_replay_destroy(replay);
}

/* A file brings the statistics back, and the agent goes on with the same bits; an agent without
 * them refuses the file. */
static void a_file_keeps_them(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  static float obs[SEEN * OBS];
  sac_error err = {0};
  sac_agent_options o = normalising();
  sac_agent *whole = make_agent(&o, 1), *second = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  draw_observations(SEEN, 0, obs);
  observe(whole, SEEN / 2, obs);
  assert_ok(sac_agent_update(whole, replay, NULL, &err), err);
  assert_ok(sac_agent_save(whole, path, &err), err);
  assert_ok(sac_agent_load(second, path, &err), err);
  sac_agent *const both[] = {whole, second};
  for (int i = 0; i < 2; i++) {
    assert_ok(sac_agent_update(both[i], replay, NULL, &err), err);
    observe(both[i], SEEN / 2, obs + SEEN / 2 * OBS);
    assert_ok(sac_agent_update(both[i], replay, NULL, &err), err);
  }
  assert_int_equal(agent_hash(whole), agent_hash(second));
  o.obs_norm = SAC_OBS_NORM_NONE;
  sac_agent *plain = make_agent(&o, 1);
  check_refused(sac_agent_load(plain, path, &err), SAC_ERR_FORMAT, &err, "obs_norm|running|none");
  assert_ok(sac_agent_observe(plain, 1, obs, &err), err); /* there, nothing happens */
  sac_agent_destroy(whole), sac_agent_destroy(second), sac_agent_destroy(plain);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statistics_are_those_of_two_passes),
      cmocka_unit_test(all_see_normalised_numbers),
      cmocka_unit_test(only_observe_moves_them),
      cmocka_unit_test(a_file_keeps_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
