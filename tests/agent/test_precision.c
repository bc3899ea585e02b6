/* An agent's updates in bf16 beside the same in fp32, and which networks bf16 refuses. */
#include "agents.h"

enum { UPDATES = 12 };

/* A metric is a mean over the batch, of numbers that the roundings move by less than 1 % of their
 * size, both ways; and so few updates do not amplify that. Adam's first step divides a gradient by
 * itself, so that what is nearly 0 moves the other way: hence what is allowed is twice a percent.
 */
static void assert_alike(const char *what, double got, double want, double size) {
  if (isnan(want) && isnan(got)) return;
  if (!(fabs(got - want) <= 0.02 * size))
    fail_msg("%s is %.6g with bf16, %.6g in fp32", what, got, want);
}

static void check_alike(sac_agent_options o) {
  sac_replay *replay = make_replay(300, 1.0f);
  sac_error err = {0};
  sac_agent *plain = make_agent(&o, 1);
  set_option(&o, "precision", "bf16");
  sac_agent *agent = make_agent(&o, 1);
  for (int i = 0; i < UPDATES; i++) {
    sac_update_metrics got, want;
    assert_ok(sac_agent_update(agent, replay, &got, &err), err);
    assert_ok(sac_agent_update(plain, replay, &want, &err), err);
    assert_alike("critic_loss", got.critic_loss, want.critic_loss, want.critic_loss);
    assert_alike("q_mean", got.q_mean, want.q_mean, 1.0 + fabs(want.q_mean));
    assert_alike("critic_grad_norm", got.critic_grad_norm, want.critic_grad_norm,
                 5.0 * want.critic_grad_norm);
    assert_alike("actor_loss", got.actor_loss, want.actor_loss, 1.0 + fabs(want.actor_loss));
    assert_alike("actor_grad_norm", got.actor_grad_norm, want.actor_grad_norm,
                 5.0 * want.actor_grad_norm);
    assert_alike("entropy", got.entropy, want.entropy, 1.0 + fabs(want.entropy));
  }
  assert_true(agent_hash(agent) != agent_hash(plain));
  sac_agent_destroy(agent), sac_agent_destroy(plain);
  sac_replay_destroy(replay);
}

static sac_agent_options wide_options(void) {
  sac_agent_options o = small_options();
  o.batch = 64;
  o.actor_hidden = o.critic_hidden = (sac_widths){2, {96, 80}};
  return o;
}

static void updates_are_those_of_fp32_but_for_rounding(void **state) {
  (void)state;
  if (!sac_kernels_bf16_get()) {
    print_message("%s has no bf16 products: skipped\n", sac_isa());
    skip();
  }
  sac_agent_options o = wide_options();
  check_alike(o);
  set_option(&o, "critic_norm", "renorm");
  set_option(&o, "norm_place", "inputs");
  check_alike(o);
  set_option(&o, "actor_norm", "renorm");
  set_option(&o, "critic_target", "none");
  o.renorm_warmup = 4, o.policy_delay = 3;
  check_alike(o);
  set_option(&o, "critic_norm", "batch");
  set_option(&o, "critic_head", "quantile");
  set_option(&o, "actor_joint", "yes");
  check_alike(o);
}

static void norms_that_bf16_has_not_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *name, *value;
  } cases[] = {{"critic_norm", "layer"},
               {"critic_norm", "rms"},
               {"actor_norm", "layer"},
               {"norm_place", "hidden"},
               {"critic_dropout", "0.1"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sac_agent_options o = small_options();
    sac_error err = {0};
    set_option(&o, "precision", "bf16");
    set_option(&o, "critic_norm", "renorm");
    set_option(&o, "actor_norm", "batch");
    set_option(&o, "norm_place", "inputs");
    assert_ok(sac_agent_options_check(&o, &err), err);
    if (i == 4) set_option(&o, "critic_norm", "none");
    set_option(&o, cases[i].name, cases[i].value);
    check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err,
                  "precision = bf16|norm_place = inputs");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(updates_are_those_of_fp32_but_for_rounding),
      cmocka_unit_test(norms_that_bf16_has_not_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
