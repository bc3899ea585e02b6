/* actor_joint: the actor's update sees s and s' as one batch, of which s' has no loss. */
#define _POSIX_C_SOURCE 200809L
#include "ways.h"

static sac_agent_options joint_options(const char *joint) {
  sac_agent_options o = small_options();
  set_option(&o, "actor_norm", "batch");
  set_option(&o, "norm_input", "yes");
  set_option(&o, "actor_joint", joint);
  o.critic_norm = SAC_NORMS_NONE;
  o.lr_actor = 1e-2;
  return o;
}

/* The running means of the input have taken the share 1 - k of the means over both halves. */
static void statistics_are_of_both_halves(void **state) {
  (void)state;
  const sac_agent_options o = joint_options("yes");
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1);
  update(agent, replay, 1);
  const float *mean = agent_tensor(agent, "actor.0.before.mean").data;
  for (size_t i = 0; i < OBS; i++) {
    double sum = 0.0;
    for (size_t b = 0; b < 2 * agent->B; b++) sum += (double)agent->x[b * agent->ldx + i];
    assert_close((double)mean[i], (1.0 - o.norm_momentum) * sum / (2.0 * (double)agent->B), 1e-7,
                 1e-5);
  }
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

/* A replay in which every s' is its s. */
static sac_replay *standing_replay(size_t n) {
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(n, 1, OBS, ACT, &replay, &err), err);
  sac_stream s = sac_stream_make(3, SAC_STREAM_USER, 0);
  float obs[OBS], act[ACT] = {0};
  for (size_t t = 0; t < n; t++) {
    for (size_t i = 0; i < OBS; i++) obs[i] = (float)sac_stream_uniform(&s);
    assert_ok(sac_replay_push(replay, 0, obs, act, (float)t, obs, 0, 1, &err), err);
  }
  return replay;
}

/* The largest difference between two agents' tensors of this name. */
static double difference(sac_agent *one, sac_agent *two, const char *name) {
  const sac_tensor a = agent_tensor(one, name), b = agent_tensor(two, name);
  double most = 0.0;
  for (size_t r = 0; r < a.rows; r++)
    for (size_t c = 0; c < a.cols; c++)
      most = fmax(most, fabs((double)((float *)a.data)[r * a.stride + c] -
                             (double)((float *)b.data)[r * b.stride + c]));
  return most;
}

/* Where s' is s, both halves have the moments of one, and the gradient through the statistics of
 * 2B rows, of which half have a loss, adds up to that through those of B: the first moments of
 * Adam, a tenth of the gradient, are the same. Elsewhere not. */
static void rows_that_stand_still_change_nothing(void **state) {
  (void)state;
  static const char *const names[] = {"actor.adam_m.0.weight", "actor.adam_m.1.after.gamma",
                                      "actor.adam_m.2.bias", "actor.1.after.var"};
  const sac_agent_options with = joint_options("yes"), without = joint_options("no");
  sac_replay *const replays[] = {standing_replay(60), make_replay(60, 1.0f)};
  for (int r = 0; r < 2; r++) {
    sac_agent *one = make_agent(&with, 1), *two = make_agent(&without, 1);
    update(one, replays[r], 1), update(two, replays[r], 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
      const double gap = difference(one, two, names[i]);
      if (r ? gap < 1e-4 : gap > 1e-6) fail_msg("%s, replay %d: %g", names[i], r, gap);
    }
    sac_agent_destroy(one), sac_agent_destroy(two);
    sac_replay_destroy(replays[r]);
  }
}

static void bits_do_not_depend_on_the_way(void **state) {
  (void)state;
  sac_agent_options o = joint_options("yes");
  o.batch = 33;
  set_option(&o, "critic_norm", "batch");
  set_option(&o, "norm_unbiased", "yes");
  set_option(&o, "weight_projection", "unit_norms");
  check_any_way(&o, NULL);
}

static void without_a_norm_of_a_batch_it_is_refused(void **state) {
  (void)state;
  sac_error err = {0};
  sac_agent_options o = small_options();
  set_option(&o, "actor_joint", "yes");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "actor_joint|actor_norm");
  set_option(&o, "actor_norm", "layer");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "actor_joint|actor_norm");
  set_option(&o, "actor_joint", "no");
  set_option(&o, "norm_unbiased", "yes");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "norm_unbiased|batch");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statistics_are_of_both_halves),
      cmocka_unit_test(rows_that_stand_still_change_nothing),
      cmocka_unit_test(bits_do_not_depend_on_the_way),
      cmocka_unit_test(without_a_norm_of_a_batch_it_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
