/* Discrete actions: how the policy chooses, what the critics say of a choice, files, threads,
 * allocation-free by the same code as any agent, and what is refused. The update itself is held by
 * tests/oracle/test_sac_update.c. */
#define _POSIX_C_SOURCE 200809L
#include "agents.h"
#include "scratch.h"
#include "statistics.h"

enum { K = 5, N = 16 };

static sac_agent_options discrete_options(void) {
  sac_agent_options o = small_options();
  o.policy = SAC_POLICY_CATEGORICAL;
  return o;
}

static sac_status create(const sac_agent_options *o, size_t actions, double low, double high,
                         size_t threads, sac_agent **out, sac_error *err) {
  const double lows[3] = {low, low, low}, highs[3] = {high, high, high};
  return sac_agent_create(o, OBS, actions, lows, highs, AGENT_SEED, threads, out, err);
}

static sac_agent *make(const sac_agent_options *o, size_t threads) {
  sac_agent *agent;
  sac_error err = {0};
  assert_ok(create(o, 1, 0.0, K - 1, threads, &agent, &err), err);
  scale_tensor(agent, "actor.2.weight", 5.0f); /* probabilities that differ */
  return agent;
}

static void draw_observations(size_t n, float obs[]) {
  sac_stream s = sac_stream_make(4, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < n * OBS; i++) obs[i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
}

static sac_replay *make_choices(size_t n, float wrong) {
  sac_replay *replay;
  sac_error err = {0};
  float obs[2 * OBS];
  sac_stream s = sac_stream_make(3, SAC_STREAM_USER, 0);
  assert_ok(sac_replay_create(2 * n + 2, 1, OBS, 1, &replay, &err), err);
  for (size_t t = 0; t < n; t++) {
    for (int i = 0; i < 2 * OBS; i++) obs[i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
    const float act = (float)sac_stream_below(&s, K) + wrong;
    assert_ok(sac_replay_push(replay, 0, obs, &act, (float)sac_stream_uniform(&s), obs + OBS,
                              t % 3 == 0, 1, &err),
              err);
  }
  return replay;
}

/* The probabilities of one state, in double from the weights themselves. */
static void probabilities(sac_agent *agent, const float obs[], double p[K]) {
  double x[64], y[64], sum = 0.0, top = -HUGE_VAL;
  size_t width = OBS;
  for (size_t i = 0; i < OBS; i++) x[i] = (double)obs[i];
  for (int l = 0; l < 3; l++) {
    char name[2][32];
    snprintf(name[0], sizeof name[0], "actor.%d.weight", l);
    snprintf(name[1], sizeof name[1], "actor.%d.bias", l);
    const sac_tensor W = agent_tensor(agent, name[0]), b = agent_tensor(agent, name[1]);
    for (size_t j = 0; j < W.cols; j++) {
      y[j] = (double)((float *)b.data)[j];
      for (size_t i = 0; i < width; i++) y[j] += x[i] * (double)((float *)W.data)[i * W.stride + j];
      if (l < 2) y[j] = fmax(y[j], 0.0);
    }
    width = W.cols;
    memcpy(x, y, sizeof x);
  }
  assert_int_equal(width, K);
  for (int a = 0; a < K; a++) top = fmax(top, x[a]);
  for (int a = 0; a < K; a++) sum += p[a] = exp(x[a] - top);
  for (int a = 0; a < K; a++) p[a] /= sum;
}

/* Without noise the likeliest; with noise the action whose share of the distribution function holds
 * that of the noise: its ends are looked at from both sides. */
static void it_chooses_by_its_probabilities(void **state) {
  (void)state;
  const sac_agent_options o = discrete_options();
  sac_agent *agent = make(&o, 1);
  sac_error err = {0};
  float obs[N * OBS], act;
  draw_observations(N, obs);
  int seen[K] = {0};
  for (int n = 0; n < N; n++) {
    double p[K], below = 0.0;
    int best = 0;
    probabilities(agent, obs + n * OBS, p);
    for (int a = 1; a < K; a++) best = p[a] > p[best] ? a : best;
    assert_ok(sac_agent_act(agent, 1, obs + n * OBS, NULL, &act, &err), err);
    assert_true(act == (float)best);
    seen[best] = 1;
    for (int step = -400; step <= 400; step++) {
      const float z = 0.01f * (float)step;
      const double u = 0.5 * erfc(-(double)z / sqrt(2.0));
      assert_ok(sac_agent_act(agent, 1, obs + n * OBS, &z, &act, &err), err);
      below = 0.0;
      for (int a = 0; a < (int)act; a++) below += p[a];
      assert_true(u > below - 1e-5 && u < below + p[(int)act] + 1e-5);
    }
  }
  int kinds = 0;
  for (int a = 0; a < K; a++) kinds += seen[a];
  assert_true(kinds > 1); /* the states differ in their likeliest action */
  sac_agent_destroy(agent);
}

/* The smaller critic's value of the action that is asked for; anything but one of the numbers and
 * any wish for a gradient is refused. */
static void values_are_of_single_actions(void **state) {
  (void)state;
  sac_agent_options o = discrete_options();
  sac_agent *agent = make(&o, 1);
  o.actor_q = SAC_ACTOR_Q_MEAN;
  sac_agent *both = make(&o, 1);
  sac_error err = {0};
  float obs[OBS], q, mean, gradient, wrong = 1.5f;
  draw_observations(1, obs);
  for (int a = 0; a < K; a++) {
    const float act = (float)a;
    assert_ok(sac_agent_value(agent, 1, obs, &act, &q, NULL, &err), err);
    assert_ok(sac_agent_value(both, 1, obs, &act, &mean, NULL, &err), err);
    assert_true(q <= mean);
    assert_true(q == fminf(agent->q[0].out[a], agent->q[1].out[a]));
  }
  assert_true(agent->q[0].out[0] != agent->q[0].out[1]);
  check_refused(sac_agent_value(agent, 1, obs, &wrong, &q, NULL, &err), SAC_ERR_ARG, &err,
                "action 1.5|from 0 to 4");
  wrong = K;
  check_refused(sac_agent_value(agent, 1, obs, &wrong, &q, NULL, &err), SAC_ERR_ARG, &err,
                "action 5|from 0 to 4");
  wrong = 1;
  check_refused(sac_agent_value(agent, 1, obs, &wrong, &q, &gradient, &err), SAC_ERR_ARG, &err,
                "dq_da|no gradient");
  obs[2] = NAN;
  check_refused(sac_agent_act(agent, 1, obs, NULL, &q, &err), SAC_ERR_DIVERGED, &err,
                "observation 2 of row 0");
  sac_agent_destroy(agent), sac_agent_destroy(both);
}

/* Any number of threads, and a file in the middle, give the same bits; the policy of the file acts
 * as the agent does. */
static void bits_do_not_depend_on_threads_or_files(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  sac_agent_options o = discrete_options();
  o.batch = 33;
  o.alpha_sample = SAC_ALPHA_SAMPLE_FRESH;
  o.obs_norm = SAC_OBS_NORM_RUNNING;
  sac_replay *replay = make_choices(200, 0.0f);
  sac_error err = {0};
  float obs[N * OBS], noise[N], want[N], got;
  draw_observations(N, obs);
  for (int i = 0; i < N; i++) noise[i] = 0.3f * (float)(i - N / 2);
  sac_agent *first = make(&o, 1);
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  assert_ok(sac_agent_observe(first, N, obs, &err), err);
  for (int i = 0; i < 6; i++) {
    if (i == 3) assert_ok(sac_agent_save(first, path, &err), err);
    assert_ok(sac_agent_update(first, replay, NULL, &err), err);
  }
  for (size_t threads = 1; threads <= 8; threads += 3) {
    sac_agent *agent = make(&o, threads);
    assert_ok(sac_agent_load(agent, path, &err), err);
    for (int i = 0; i < 3; i++) assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
    assert_int_equal(agent_hash(agent), agent_hash(first));
    sac_agent_destroy(agent);
  }
  sac_policy *policy;
  assert_ok(sac_agent_save(first, path, &err), err);
  assert_ok(sac_policy_load(path, &policy, &err), err);
  assert_int_equal(sac_policy_act_dim(policy), 1);
  for (int stochastic = 0; stochastic < 2; stochastic++) {
    assert_ok(sac_agent_act(first, N, obs, stochastic ? noise : NULL, want, &err), err);
    for (int i = 0; i < N; i++) {
      assert_ok(sac_policy_act(policy, obs + i * OBS, stochastic ? &noise[i] : NULL, &got, &err),
                err);
      assert_true(got == want[i] && got == rintf(got) && got >= 0 && got < K);
    }
  }
  sac_policy_destroy(policy);
  sac_agent_destroy(first);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

/* A logit or a critic that breaks is named. */
static void what_breaks_is_named(void **state) {
  (void)state;
  const sac_agent_options o = discrete_options();
  sac_replay *replay = make_choices(50, 0.0f);
  sac_error err = {0};
  float obs[OBS], act;
  draw_observations(1, obs);
  sac_agent *agent = make(&o, 1);
  ((float *)agent_tensor(agent, "actor.2.bias").data)[3] = NAN;
  check_refused(sac_agent_act(agent, 1, obs, NULL, &act, &err), SAC_ERR_DIVERGED, &err,
                "probabilities of row 0|diverged");
  check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_DIVERGED, &err,
                "log pi(a'|s')|batch row 0");
  sac_agent_destroy(agent);
  agent = make(&o, 1);
  ((float *)agent_tensor(agent, "critic2.target.2.bias").data)[K - 1] = INFINITY;
  ((float *)agent_tensor(agent, "critic1.target.2.bias").data)[K - 1] = INFINITY;
  check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_DIVERGED, &err,
                "target y|inf");
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
  const float wrong[] = {0.5f, -6.0f, 1e6f};
  for (int i = 0; i < 3; i++) { /* and so is a replay of other actions */
    replay = make_choices(50, wrong[i]);
    agent = make(&o, 1);
    check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_ARG, &err,
                  "the replay holds the action|from 0 to 4");
    sac_agent_destroy(agent);
    sac_replay_destroy(replay);
  }
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  const struct {
    const char *option, *value;
    size_t actions;
    double low, high;
    const char *words;
  } cases[] = {
      {"policy", "categorical", 2, 0.0, 4.0, "there are 2|tanh_normal, normal, beta"},
      {"policy", "categorical", 1, -2.0, 2.0, "[-2, 2]|from 0 on|what fits"},
      {"policy", "categorical", 1, 0.0, 1.5, "[0, 1.5]"},
      {"policy", "categorical", 1, 0.0, 5000.0, "2 to 4096 numbers"},
      {"entropy_space", "environment", 1, 0.0, 4.0, "entropy_space|no units"},
      {"actor_estimator", "score", 1, 0.0, 4.0, "actor_estimator|exactly"},
      {"actor_samples", "4", 1, 0.0, 4.0, "actor_samples|exactly"},
      {"value", "v", 1, 0.0, 4.0, "value = v|is a sum here"},
      {"deterministic", "mean", 1, 0.0, 4.0, "deterministic = mean|likeliest"},
      {"target_entropy_discrete", "0", 1, 0.0, 4.0, "0 nats|among 5|below 1.609"},
      {"target_entropy_discrete", "1", 1, 0.0, 4.0, "1.60944 nats|temperature=fixed"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sac_agent_options o = discrete_options();
    sac_agent *agent = NULL;
    sac_error err = {0};
    set_option(&o, cases[i].option, cases[i].value);
    check_refused(create(&o, cases[i].actions, cases[i].low, cases[i].high, 1, &agent, &err),
                  SAC_ERR_ARG, &err, cases[i].words);
    assert_null(agent);
  }
  sac_agent_options o = discrete_options();
  sac_agent *agent = NULL;
  sac_error err = {0};
  o.temperature = SAC_TEMPERATURE_FIXED;
  o.target_entropy_discrete = 0.0; /* nobody aims at it */
  assert_ok(create(&o, 1, 0.0, 1.0, 1, &agent, &err), err);
  sac_agent_destroy(agent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_chooses_by_its_probabilities),
      cmocka_unit_test(values_are_of_single_actions),
      cmocka_unit_test(bits_do_not_depend_on_threads_or_files),
      cmocka_unit_test(what_breaks_is_named),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
