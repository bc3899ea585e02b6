/* weight_projection=unit in the agent: at the start and after every update. */
#define _POSIX_C_SOURCE 200809L
#include "ways.h"

static sac_agent_options projecting(const char *norm) {
  sac_agent_options o = small_options();
  set_option(&o, "weight_projection", "unit");
  set_option(&o, "critic_norm", norm);
  set_option(&o, "actor_norm", norm);
  set_option(&o, "tau", "0.25");
  return o;
}

static void assert_unit_columns(sac_agent *agent, const char *name) {
  const sac_tensor t = agent_tensor(agent, name);
  for (size_t c = 0; c < t.cols; c++) {
    double square = 0.0;
    for (size_t i = 0; i < t.rows; i++) {
      const double x = (double)((const float *)t.data)[i * t.stride + c];
      square += x * x;
    }
    assert_close(square, 1.0, 1e-6, 0.0);
  }
}

static const char *const matrices[] = {"actor.0.weight",   "actor.1.weight",   "actor.2.weight",
                                       "critic1.0.weight", "critic2.1.weight", "critic1.2.weight"};

/* At the start the targets are unit too; afterwards they go tau of the way to what the weights are
 * after the projection. */
static void weights_stay_on_the_sphere(void **state) {
  (void)state;
  static const char *const norms[] = {"none", "layer", "batch"};
  for (size_t n = 0; n < 3; n++) {
    const sac_agent_options o = projecting(norms[n]);
    sac_replay *replay = make_replay(100, 1.0f);
    sac_agent *agent = make_agent(&o, 1);
    for (int u = 0; u <= 3; u++) {
      for (size_t i = 0; i < 6; i++) assert_unit_columns(agent, matrices[i]);
      if (u == 0) assert_unit_columns(agent, "critic1.target.1.weight");
      const sac_tensor w = agent_tensor(agent, "critic1.1.weight"),
                       target = agent_tensor(agent, "critic1.target.1.weight");
      const float before = ((float *)target.data)[target.stride + 1];
      update(agent, replay, 1);
      const float after = ((float *)target.data)[target.stride + 1];
      const float now = ((float *)w.data)[w.stride + 1];
      assert_true(before != after);
      assert_close((double)after, 0.75 * (double)before + 0.25 * (double)now, 1e-7, 0.0);
    }
    sac_agent_destroy(agent);
    sac_replay_destroy(replay);
  }
}

static double square_of(sac_agent *agent, const char *name) {
  const sac_tensor t = agent_tensor(agent, name);
  double square = 0.0;
  for (size_t i = 0; i < t.cols; i++)
    square += (double)((float *)t.data)[i] * (double)((float *)t.data)[i];
  return square;
}

/* With unit_norms each norm's (gamma, beta) has length sqrt(width) too, a norm of rows' as well. */
static void so_do_norms(void **state) {
  (void)state;
  static const struct {
    const char *gamma, *beta;
    double width;
  } norms[] = {{"critic1.1.after.gamma", "critic1.1.after.beta", 20.0},
               {"actor.0.after.gamma", NULL, 20.0}};
  sac_agent_options o = projecting("batch");
  set_option(&o, "actor_norm", "rms");
  set_option(&o, "weight_projection", "unit_norms");
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1);
  update(agent, replay, 3);
  for (size_t i = 0; i < 2; i++) {
    const double beta = norms[i].beta ? square_of(agent, norms[i].beta) : 0.0;
    assert_true(!norms[i].beta || beta > 0.0);
    assert_close(square_of(agent, norms[i].gamma) + beta, norms[i].width, 0.0, 1e-6);
  }
  assert_unit_columns(agent, "critic1.1.weight");
  sac_error err = {0};
  set_option(&o, "critic_norm", "none"), set_option(&o, "actor_norm", "none");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, "weight_projection|norm");
  set_option(&o, "value", "v");
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err,
                "weight_projection|value = q|value network");
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

static void bits_do_not_depend_on_the_way(void **state) {
  (void)state;
  sac_agent_options o = projecting("batch");
  o.reset_every = 5;
  check_any_way(&o, NULL);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_agent *agent = make_agent(&o, 1); /* past a reset */
  update(agent, replay, 6);
  for (size_t i = 0; i < 6; i++) assert_unit_columns(agent, matrices[i]);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(weights_stay_on_the_sphere),
      cmocka_unit_test(so_do_norms),
      cmocka_unit_test(bits_do_not_depend_on_the_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
