/* The value of an action and its gradient: against a second evaluation of the critics in double
 * from their tensors, and against differences of that. */
#include "agents.h"

enum { ROWS = 7 };

typedef struct case_ {
  sac_agent *agent;
  float obs[ROWS * OBS], act[ROWS * ACT];
} case_;

static case_ make_case(const char *actor_q, int64_t critics, const char *head) {
  case_ c;
  sac_agent_options o = small_options();
  set_option(&o, "actor_q", actor_q);
  set_option(&o, "critic_head", head);
  o.critics = critics, o.critic_atoms = 21;
  c.agent = make_agent(&o, 1);
  sac_stream s = sac_stream_make(8, SAC_STREAM_USER, 1);
  for (size_t i = 0; i < ROWS * OBS; i++) c.obs[i] = (float)(2.0 * sac_stream_uniform(&s) - 1.0);
  for (size_t i = 0; i < ROWS * ACT; i++) c.act[i] = (float)(3.0 * sac_stream_uniform(&s) - 2.0);
  return c;
}

/* What a critic's outputs say of Q. */
static double mean_of(const sac_agent *agent, size_t outputs, const double out[]) {
  double sum = 0.0, mean = 0.0;
  if (agent->opt.critic_head == SAC_CRITIC_SCALAR) return out[0];
  for (size_t i = 0; i < outputs; i++) {
    const int atoms = agent->opt.critic_head == SAC_CRITIC_CATEGORICAL;
    const double p = atoms ? exp(out[i]) : 1.0, z = atoms ? -5.0 + 0.5 * (double)i : out[i];
    sum += p;
    mean += p * z;
  }
  return mean / sum;
}

/* critic j at one observation and action in [-2, 1]: W h + b, with ReLU between, in double */
static double critic(sac_agent *agent, size_t j, const float obs[], const double act[]) {
  const sac_mlp *net = &agent->q[j].net;
  double h[64], next[64];
  for (size_t i = 0; i < OBS; i++) h[i] = (double)obs[i];
  for (size_t i = 0; i < ACT; i++) h[OBS + i] = (act[i] + 0.5) / 1.5;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    for (size_t o = 0; o < layer->out; o++) {
      next[o] = (double)sac_layer_bias(layer, net->w)[o];
      for (size_t i = 0; i < layer->in; i++)
        next[o] += h[i] * (double)net->w[layer->offset + i * layer->ld + o];
      if (l + 1 < net->layers && next[o] < 0.0) next[o] = 0.0;
    }
    memcpy(h, next, sizeof h);
  }
  return mean_of(agent, net->out, h);
}

static double value(sac_agent *agent, const float obs[], const double act[]) {
  double least = (double)INFINITY, sum = 0.0;
  for (size_t j = 0; j < agent->N; j++) {
    const double q = critic(agent, j, obs, act);
    least = fmin(least, q);
    sum += q;
  }
  return agent->opt.actor_q == SAC_ACTOR_Q_MEAN ? sum / (double)agent->N : least;
}

static void check_case(const char *actor_q, int64_t critics, const char *head) {
  case_ c = make_case(actor_q, critics, head);
  const uint64_t before = agent_hash(c.agent);
  float q[ROWS], dq[ROWS * ACT], alone[ROWS];
  sac_error err = {0};
  assert_ok(sac_agent_value(c.agent, ROWS, c.obs, c.act, q, dq, &err), err);
  assert_ok(sac_agent_value(c.agent, ROWS, c.obs, c.act, alone, NULL, &err), err);
  assert_memory_equal(q, alone, sizeof q);
  for (size_t b = 0; b < ROWS; b++) {
    double act[ACT];
    for (size_t i = 0; i < ACT; i++) act[i] = (double)c.act[b * ACT + i];
    assert_close(q[b], value(c.agent, c.obs + b * OBS, act), 1e-6, 1e-5);
    for (size_t i = 0; i < ACT; i++) { /* all but linear within a short difference */
      const double h = 1e-6, at = act[i];
      act[i] = at + h;
      const double up = value(c.agent, c.obs + b * OBS, act);
      act[i] = at - h;
      const double down = value(c.agent, c.obs + b * OBS, act);
      act[i] = at;
      assert_close(dq[b * ACT + i], (up - down) / (2.0 * h), 1e-6, 1e-5);
    }
  }
  assert_int_equal(agent_hash(c.agent), before);
  sac_agent_destroy(c.agent);
}

static void value_and_gradient_match(void **state) {
  (void)state;
  for (int64_t critics = 1; critics <= 4; critics++) {
    check_case("min", critics, "scalar");
    check_case("mean", critics, "scalar");
  }
  check_case("min", 3, "categorical");
  check_case("mean", 2, "categorical");
  check_case("min", 2, "quantile");
  check_case("mean", 3, "quantile");
}

static void refusals(void **state) {
  (void)state;
  case_ c = make_case("min", 2, "scalar");
  float q[ROWS] = {3.0f}, dq[ROWS * ACT];
  sac_error err = {0};
  check_refused(sac_agent_value(c.agent, 17, c.obs, c.act, q, dq, &err), SAC_ERR_ARG, &err,
                "n = 17|batch = 16");
  c.act[4 * ACT] = NAN;
  check_refused(sac_agent_value(c.agent, ROWS, c.obs, c.act, q, dq, &err), SAC_ERR_DIVERGED, &err,
                "Q_1|row 4");
  assert_true(q[0] == 3.0f);
  sac_agent_destroy(c.agent);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(value_and_gradient_match),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
