/* Critics of distributions: their targets against the definitions written out another way, their
 * losses in double, and the slopes against differences of those. */
#define _POSIX_C_SOURCE 200809L
#include "agent/critic_head.h"
#include "agent/critics.h"
#include "agents.h"

enum { ROWS = 16, ATOMS = 11, QUANTILES = 7, CRITICS = 3 };

static double uniform(sac_stream *s, double low, double high) {
  return low + (high - low) * sac_stream_uniform(s);
}

/* An agent whose batch and outputs are random numbers: outputs of size `spread`. */
static sac_agent *make_case(const char *head, double spread, int64_t drop) {
  sac_agent_options o = small_options();
  set_option(&o, "critic_head", head);
  o.critics = CRITICS, o.critic_atoms = ATOMS, o.critic_quantiles = QUANTILES;
  o.value_min = -3.0, o.value_max = 2.0, o.quantile_drop = drop;
  sac_agent *g = make_agent(&o, 1);
  sac_stream s = sac_stream_make(17, SAC_STREAM_USER, 0);
  const size_t outputs = g->critic_head->outputs(&g->opt);
  sac_critics_choose(g);
  for (size_t b = 0; b < ROWS; b++) {
    g->reward[b] = (float)uniform(&s, -1.0, 1.0);
    g->discount[b] = b % 4 == 3 ? 0.0f : 0.8f;
    g->pi.logp[b] = (float)uniform(&s, -2.0, 2.0);
    for (size_t j = 0; j < g->N; j++)
      for (size_t i = 0; i < outputs; i++)
        g->q[j].out[b * g->ld_out + i] = (float)uniform(&s, -spread, spread);
  }
  return g;
}

/* softmax of n numbers, and its mean over the atoms */
static double probabilities(const float logit[], double p[ATOMS]) {
  double sum = 0.0, mean = 0.0;
  for (size_t i = 0; i < ATOMS; i++) sum += exp((double)logit[i]);
  for (size_t i = 0; i < ATOMS; i++) {
    p[i] = exp((double)logit[i]) / sum;
    mean += p[i] * (-3.0 + 0.5 * (double)i);
  }
  return mean;
}

/* --- categorical ----------------------------------------------------------------------------- */

/* The share of an atom that moved to y in the atom at z is 1 - |y - z|/width or 0: a triangle,
 * instead of the two neighbours. */
static void check_row(const sac_agent *g, size_t b, double alpha, const double next[ATOMS]) {
  const double shift =
      (double)g->reward[b] - (double)g->discount[b] * alpha * (double)g->pi.logp[b];
  double total = 0.0, mean = 0.0;
  for (size_t j = 0; j < ATOMS; j++) {
    const double z = -3.0 + 0.5 * (double)j;
    double want = 0.0;
    for (size_t i = 0; i < ATOMS; i++) {
      const double y = shift + (double)g->discount[b] * (-3.0 + 0.5 * (double)i);
      want += next[i] * fmax(0.0, 1.0 - fabs(fmin(fmax(y, -3.0), 2.0) - z) / 0.5);
    }
    const double got = (double)g->wanted[b * g->ld_wanted + j];
    assert_close(got, want, 1e-6, 1e-5);
    total += got;
    mean += got * z;
  }
  assert_close(total, 1.0, 1e-6, 0.0);
  assert_close((double)g->y[b], mean, 1e-5, 0.0);
}

static void the_categorical_target_is_projected(void **state) {
  (void)state;
  const float alpha = 0.7f;
  sac_agent *g = make_case("categorical", 3.0, 0);
  static double p[CRITICS][ROWS][ATOMS];
  size_t smallest[ROWS], chosen[CRITICS] = {0};
  for (size_t b = 0; b < ROWS; b++) {
    double least = (double)INFINITY;
    for (size_t j = 0; j < CRITICS; j++) {
      const double mean = probabilities(g->q[j].next + b * g->ld_out, p[j][b]);
      if (mean < least) least = mean, smallest[b] = j;
    }
    chosen[smallest[b]]++;
  }
  g->critic_head->targets(g, alpha, 0, ROWS);
  for (size_t b = 0; b < ROWS; b++) check_row(g, b, (double)alpha, p[smallest[b]][b]);
  for (size_t j = 0; j < CRITICS; j++) assert_true(chosen[j] > 0); /* all were the smallest once */
  sac_agent_destroy(g);
}

/* By hand: 3 atoms -1, 0, 1, of which all probability is at 0. r = 0.25, gamma = 0.5: at 0.25, so a
 * quarter goes to 1. A reward of 7 ends at 1, the last; of -7 at -1. */
static void the_projection_is_the_one_by_hand(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  set_option(&o, "critic_head", "categorical");
  o.critic_atoms = 3, o.value_min = -1.0, o.value_max = 1.0;
  sac_agent *g = make_agent(&o, 1);
  sac_critics_choose(g);
  const float rewards[] = {0.25f, 7.0f, -7.0f},
              want[3][3] = {{0, 0.75f, 0.25f}, {0, 0, 1}, {1, 0, 0}};
  for (size_t b = 0; b < 3; b++) {
    g->reward[b] = rewards[b], g->discount[b] = 0.5f;
    for (size_t j = 0; j < 2; j++) {
      float *logit = g->q[j].next + b * g->ld_out;
      logit[0] = logit[2] = -80.0f, logit[1] = 80.0f;
    }
  }
  g->critic_head->targets(g, 0.0f, 0, 3);
  for (size_t b = 0; b < 3; b++)
    for (size_t i = 0; i < 3; i++)
      assert_close((double)g->wanted[b * g->ld_wanted + i], (double)want[b][i], 1e-7, 0.0);
  sac_agent_destroy(g);
}

/* --- quantile -------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void the_pooled_quantiles_are_cut(void **state) {
  (void)state;
  const float alpha = 0.7f;
  for (int64_t drop = 0; drop < QUANTILES; drop += 3) {
    sac_agent *g = make_case("quantile", 5.0, drop);
    const size_t kept = (size_t)(QUANTILES - drop) * CRITICS;
    g->critic_head->targets(g, alpha, 0, ROWS);
    for (size_t b = 0; b < ROWS; b++) {
      float pool[CRITICS * QUANTILES];
      double mean = 0.0;
      for (size_t j = 0; j < CRITICS; j++)
        memcpy(pool + j * QUANTILES, g->q[j].next + b * g->ld_out, QUANTILES * sizeof *pool);
      qsort(pool, CRITICS * QUANTILES, sizeof *pool, ascending);
      for (size_t i = 0; i < kept; i++) {
        const double z = (double)pool[i] - (double)alpha * (double)g->pi.logp[b];
        const double want = (double)g->reward[b] + (double)g->discount[b] * z;
        assert_close((double)g->wanted[b * g->ld_wanted + i], want, 1e-6, 1e-6);
        mean += want / (double)kept;
      }
      assert_close((double)g->y[b], mean, 1e-6, 1e-5);
    }
    sac_agent_destroy(g);
  }
}

/* --- losses and their slopes ----------------------------------------------------------------- */

/* Row b's loss at the outputs x. */
typedef double row_loss(const sac_agent *g, size_t b, const double x[]);

static double cross_entropy(const sac_agent *g, size_t b, const double x[]) {
  double sum = 0.0, loss = 0.0;
  for (size_t i = 0; i < ATOMS; i++) sum += exp(x[i]);
  for (size_t i = 0; i < ATOMS; i++)
    loss -= (double)g->wanted[b * g->ld_wanted + i] * (x[i] - log(sum));
  return loss;
}

static double quantile_huber(const sac_agent *g, size_t b, const double x[]) {
  const size_t kept = (QUANTILES - (size_t)g->opt.quantile_drop) * CRITICS;
  double loss = 0.0;
  for (size_t i = 0; i < QUANTILES; i++)
    for (size_t k = 0; k < kept; k++) {
      const double tau = (2.0 * (double)i + 1.0) / (2.0 * QUANTILES);
      const double delta = (double)g->wanted[b * g->ld_wanted + k] - x[i], size = fabs(delta);
      const double huber = size <= 1.0 ? 0.5 * delta * delta : size - 0.5;
      loss += fabs(tau - (delta < 0.0)) * huber / (double)(QUANTILES * kept);
    }
  return loss;
}

static void check_slopes(const char *head, double spread, int64_t drop, row_loss *loss) {
  sac_agent *g = make_case(head, spread, drop);
  const size_t outputs = g->critic_head->outputs(&g->opt);
  double x[16];
  g->critic_head->targets(g, 0.3f, 0, ROWS);
  sac_stream s = sac_stream_make(18, SAC_STREAM_USER, 0);
  for (size_t b = 0; b < ROWS; b++) {
    sac_critic *c = &g->q[1];
    for (size_t i = 0; i < outputs; i++)
      c->out[b * g->ld_out + i] = (float)(x[i] = (double)(float)uniform(&s, -spread, spread));
    g->critic_head->slopes(g, c, b, b + 1);
    assert_close(c->loss[b], loss(g, b, x), 1e-6, 1e-5);
    for (size_t i = 0; i < outputs;
         i++) { /* Huber's slope is continuous, its kinks are in the 2nd */
      const double at = x[i], h = 1e-5;
      x[i] = at + h;
      const double up = loss(g, b, x);
      x[i] = at - h;
      const double down = loss(g, b, x);
      x[i] = at;
      assert_close((double)c->slope[b * g->ld_out + i] * ROWS, (up - down) / (2.0 * h), 1e-6, 2e-5);
    }
  }
  sac_agent_destroy(g);
}

static void slopes_match_differences_of_the_losses(void **state) {
  (void)state;
  check_slopes("categorical", 1.0, 0, cross_entropy);
  check_slopes("categorical", 8.0, 0, cross_entropy);
  check_slopes("quantile", 0.5, 0, quantile_huber);
  check_slopes("quantile", 4.0, 2, quantile_huber);
}

/* --- what goes wrong ------------------------------------------------------------------------- */

/* An update whose target is not a number says so, wherever the number is: in a quantile that the
 * truncation would leave out too. */
static void check_diverges(const char *head, const char *tensor) {
  sac_agent_options o = small_options();
  set_option(&o, "critic_head", head);
  o.quantile_drop = 2;
  sac_agent *agent = make_agent(&o, 1);
  sac_replay *replay = make_replay(100, 1.0f);
  sac_error err = {0};
  assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
  scale_tensor(agent, tensor, NAN);
  check_refused(sac_agent_update(agent, replay, NULL, &err), SAC_ERR_DIVERGED, &err,
                strstr(tensor, "target") ? "the target y|nan|batch row 0" : "Q_1(s,a)|nan");
  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
}

static void divergence_is_named(void **state) {
  (void)state;
  check_diverges("categorical", "critic2.target.1.weight");
  check_diverges("categorical", "critic1.2.bias");
  check_diverges("quantile", "critic2.target.1.weight");
  check_diverges("quantile", "critic1.2.bias");
}

static void check_refusal(const char *settings, const char *words) {
  sac_agent_options o = small_options();
  sac_error err = {0};
  char text[200], *rest = text;
  snprintf(text, sizeof text, "%s", settings);
  for (char *key; (key = strtok_r(rest, " ", &rest));) {
    char *value = strchr(key, '=');
    *value++ = '\0';
    set_option(&o, key, value);
  }
  check_refused(sac_agent_options_check(&o, &err), SAC_ERR_ARG, &err, words);
}

static void what_makes_no_sense_is_refused(void **state) {
  (void)state;
  check_refusal("critic_head=categorical value=v", "critic_head = categorical|value = v");
  check_refusal("critic_head=quantile policy=categorical", "critic_head = quantile|discrete");
  check_refusal("critic_head=quantile critic_loss=huber", "critic_loss|quantile");
  check_refusal("critic_head=categorical value_min=2 value_max=2", "value_min = 2|value_max = 2");
  check_refusal("critic_head=quantile quantile_drop=25",
                "quantile_drop = 25|critic_quantiles = 25");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_categorical_target_is_projected),
      cmocka_unit_test(the_projection_is_the_one_by_hand),
      cmocka_unit_test(the_pooled_quantiles_are_cut),
      cmocka_unit_test(slopes_match_differences_of_the_losses),
      cmocka_unit_test(divergence_is_named),
      cmocka_unit_test(what_makes_no_sense_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
