/* State-dependent exploration: the actor's gradient in every parameter against differences of the
 * exact loss in double, the held noise against the density that training uses, and that it is a
 * function of the state while a matrix is held. */
#include "agents.h"
#include "train/explore.h"

enum { B = 6, NOBS = 4, NACT = 3, H1 = 7, H2 = 9, TOP = 1 };

/* --- a policy of B rows, in double -------------------------------------------------------------
 */

/* The parameters by name, as a checkpoint has them. */
struct net {
  double W1[NOBS][H1], b1[H1], W2[H1][H2], b2[H2], W3[H2][NACT], b3[NACT], log_std[H2][NACT];
};
enum { PARAMETERS = sizeof(struct net) / sizeof(double) };

static double relu(double x) {
  return x > 0.0 ? x : 0.0;
}

static void features(const struct net *p, const float s[NOBS], double h[H2]) {
  double g[H1];
  for (int j = 0; j < H1; j++) {
    g[j] = p->b1[j];
    for (int i = 0; i < NOBS; i++) g[j] += (double)s[i] * p->W1[i][j];
  }
  for (int j = 0; j < H2; j++) {
    h[j] = p->b2[j];
    for (int i = 0; i < H1; i++) h[j] += relu(g[i]) * p->W2[i][j];
    h[j] = relu(h[j]);
  }
}

/* mean and variance of u; `clip` 0: the mean is not cut */
static void marginal(const struct net *p, const double h[H2], const double h_of_noise[H2],
                     double clip, double mean[NACT], double variance[NACT]) {
  for (int j = 0; j < NACT; j++) {
    mean[j] = p->b3[j];
    variance[j] = 1e-6;
    for (int i = 0; i < H2; i++) {
      mean[j] += h[i] * p->W3[i][j];
      variance[j] += h_of_noise[i] * h_of_noise[i] * exp(2.0 * p->log_std[i][j]);
    }
    if (clip > 0.0) mean[j] = fmax(-clip, fmin(clip, mean[j]));
  }
}

static const double alpha = 0.3;

struct batch {
  float s[B][NOBS], eps[B][NACT];
  double q[B][NACT]; /* Q = sum_j q_j a_j + sin(3 a_j)/3 */
  double clip;
  int fixed; /* the features of the noise do not move: those of `at` */
  struct net at;
};

/* J = 1/B sum_b [alpha log pi(a|s) - Q(s,a)], a = tanh(mean + sigma eps) */
static double J(const struct batch *x, const struct net *p) {
  double sum = 0.0;
  for (int b = 0; b < B; b++) {
    double h[H2], still[H2], mean[NACT], variance[NACT];
    features(p, x->s[b], h);
    features(x->fixed ? &x->at : p, x->s[b], still);
    marginal(p, h, still, x->clip, mean, variance);
    for (int j = 0; j < NACT; j++) {
      const double eps = (double)x->eps[b][j], u = mean[j] + sqrt(variance[j]) * eps, a = tanh(u);
      const double log_pi = -0.5 * eps * eps - 0.5 * log(2.0 * acos(-1.0)) -
                            0.5 * log(variance[j]) -
                            2.0 * (log(2.0) - fabs(u) - log1p(exp(-2.0 * fabs(u))));
      sum += alpha * log_pi - (x->q[b][j] * a + sin(3.0 * a) / 3.0);
    }
  }
  return sum / B;
}

/* --- the same policy of the library ------------------------------------------------------------
 */

struct fixture {
  sac_head head;
  const sac_kernels *k;
  float *scratch;
  void *block;
};

static sac_agent_options options_of(double clip, int fixed) {
  sac_agent_options o = small_options();
  o.policy = SAC_POLICY_GSDE;
  o.actor_hidden = (sac_widths){2, {H1, H2}};
  o.sde_mean_clip = clip;
  o.sde_features = fixed ? SAC_SDE_FEATURES_FIXED : SAC_SDE_FEATURES_LEARNED;
  return o;
}

static void lay_out(struct fixture *f, sac_arena *m, const sac_agent_options *o) {
  sac_head_layout(m, &f->head, NOBS, NACT, o, B, 1);
  f->scratch = SAC_TAKE(m, float, f->head.net.scratch);
}

/* Random weights, and deviations that differ in every place. */
static struct fixture make_fixture(const sac_agent_options *o) {
  static const double low[] = {-1, -1, -1}, high[] = {1, 1, 1};
  struct fixture f = {.k = sac_kernels_get()};
  sac_arena m = {0};
  lay_out(&f, &m, o);
  f.block = sac_arena_block(m.used);
  m = (sac_arena){.base = f.block};
  lay_out(&f, &m, o);
  sac_head_set(&f.head, o, low, high);
  sac_mlp_init(f.k, &f.head.net, SAC_MLP_TORCH, 5, 0); /* biases too */
  sac_gsde_init(&f.head.gsde, 0.0);
  sac_stream s = sac_stream_make(6, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < H2; i++)
    for (size_t j = 0; j < NACT; j++)
      f.head.gsde.log_std[i * f.head.gsde.ld + j] = (float)(2.0 * sac_stream_uniform(&s) - 2.0);
  float *bias = sac_mlp_output_bias(&f.head.net);
  bias[0] += 0.5f; /* so that a clip of .4 cuts some means and not others */
  sac_gsde_refresh(&f.head.gsde);
  return f;
}

/* Read a layer's numbers, or its gradient's, into the order of struct net. */
static void read_layer(const sac_layer *layer, const float *w, double *W, double *bias) {
  for (size_t i = 0; i < layer->in; i++)
    for (size_t j = 0; j < layer->out; j++)
      W[i * layer->out + j] = (double)w[layer->offset + i * layer->ld + j];
  for (size_t j = 0; j < layer->out; j++)
    bias[j] = (double)w[layer->offset + layer->in * layer->ld + j];
}

static struct net read_net(const sac_head *head, const float *w, const float *log_std) {
  struct net p;
  read_layer(&head->net.layer[0], w, &p.W1[0][0], p.b1);
  read_layer(&head->net.layer[1], w, &p.W2[0][0], p.b2);
  read_layer(&head->net.layer[2], w, &p.W3[0][0], p.b3);
  for (size_t i = 0; i < H2; i++)
    for (size_t j = 0; j < NACT; j++) p.log_std[i][j] = (double)log_std[i * head->gsde.ld + j];
  return p;
}

/* The library's gradient: Adam's first moment where beta1 is 0, and no step. */
static struct net gradient(struct fixture *f, struct batch *x) {
  sac_head *head = &f->head;
  const sac_adam_step still = {.lr = 0.0f, .beta2 = 0.5f, .eps = 1.0f, .c1 = 1.0f, .c2 = 2.0f};
  float dq[B][16] = {{0}};
  sac_head_noise(f->k, head, 0, B, 9, SAC_STREAM_ACTOR, 0);
  sac_head_forward(f->k, head, &x->s[0][0], NOBS, 0, B);
  sac_head_sample(f->k, head, 0, B);
  for (int b = 0; b < B; b++)
    for (int j = 0; j < NACT; j++) {
      x->eps[b][j] = head->eps[b * NACT + j];
      dq[b][j] = (float)(x->q[b][j] + cos(3.0 * (double)head->act[b * NACT + j]));
    }
  const sac_head_critics critics = {.alpha = (float)alpha, .dq_da = &dq[0][0], .ld = 16};
  sac_head_gradient(head, 0, B, &critics, 0, B);
  sac_head_backward(f->k, head, 0, B);
  sac_head_step(f->k, head, B, &x->s[0][0], NOBS, &still, 0, 1, f->scratch);
  return read_net(head, head->net.m, head->gsde.m);
}

/* Central differences of J in double, at 1e-6: their error is about 1e-10 of J; the library's is
 * that of float, a few 1e-7 of the terms that a sum is made of. */
static void check_gradient(double clip, int fixed) {
  const sac_agent_options o = options_of(clip, fixed);
  struct fixture f = make_fixture(&o);
  struct batch x = {.clip = clip, .fixed = fixed};
  sac_stream s = sac_stream_make(7, SAC_STREAM_USER, 0);
  for (int b = 0; b < B; b++) {
    for (int i = 0; i < NOBS; i++) x.s[b][i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
    for (int j = 0; j < NACT; j++) x.q[b][j] = 2.0 * sac_stream_uniform(&s) - 1.0;
  }
  const struct net got = gradient(&f, &x);
  x.at = read_net(&f.head, f.head.net.w, f.head.gsde.log_std);
  struct net p = x.at;
  const double *g = (const double *)&got, h = 1e-6;
  double *moved = (double *)&p, largest = 0.0, square = 0.0;
  for (int i = 0; i < PARAMETERS; i++) largest = fmax(largest, fabs(g[i]));
  for (int i = 0; i < PARAMETERS; i++) {
    const double at = moved[i];
    moved[i] = at + h;
    const double above = J(&x, &p);
    moved[i] = at - h;
    const double below = J(&x, &p);
    moved[i] = at;
    assert_close(g[i], (above - below) / (2.0 * h), 2e-6 * largest, 1e-5);
    square += g[i] * g[i];
  }
  assert_close(sac_head_grad_square(&f.head), square, 0.0, 1e-5);
  free(f.block);
}

static void the_gradient_is_that_of_the_exact_loss(void **state) {
  (void)state;
  check_gradient(0.0, 0);
  check_gradient(0.4, 0); /* some means are cut: their gradient is 0 */
}

/* With fixed features the loss's own derivative has h^2 in the variance held still. */
static void fixed_features_stay_out_of_the_variance(void **state) {
  (void)state;
  check_gradient(0.0, 1);
}

/* --- acting ------------------------------------------------------------------------------------
 */

static sac_agent *gsde_agent(size_t threads) {
  sac_agent_options o = options_of(2.0, 0);
  o.batch = 64;
  o.sde_log_std_init = -0.5;
  static const double low[] = {-1, -1, -1}, high[] = {1, 1, 1};
  sac_agent *agent;
  sac_error err = {0};
  assert_ok(sac_agent_create(&o, NOBS, NACT, low, high, AGENT_SEED, threads, &agent, &err), err);
  return agent;
}

/* Over matrices u = atanh(a) is normal, with the variance of the density: mean and variance within
 * 5 standard errors of N samples, and so is the share within one sigma (false alarm 6e-7 each). */
static void held_noise_has_the_density_that_is_trained(void **state) {
  (void)state;
  enum { N = 20000 };
  sac_agent *agent = gsde_agent(1);
  const sac_head *head = &agent->pi;
  const struct net p = read_net(head, head->net.w, head->gsde.log_std);
  const float obs[NOBS] = {0.5f, -1.0f, 2.0f, 0.1f};
  const size_t rows = sac_agent_noise_rows(agent);
  assert_int_equal(rows, H2 + 1);
  float z[(H2 + 1) * NACT], act[NACT];
  double h[H2], mean[NACT], variance[NACT], sum[NACT] = {0}, square[NACT] = {0}, in[NACT] = {0};
  features(&p, obs, h);
  marginal(&p, h, h, 2.0, mean, variance);
  const sac_train_options o = {.seed = 4};
  sac_error err = {0};
  for (uint64_t n = 0; n < N; n++) {
    sac_explore_matrix(&o, 0, n, rows, NACT, z);
    assert_ok(sac_agent_act_held(agent, 1, obs, z, act, &err), err);
    for (int j = 0; j < NACT; j++) {
      const double x = (atanh((double)act[j]) - mean[j]) / sqrt(variance[j]);
      sum[j] += x / N;
      square[j] += x * x / N;
      in[j] += fabs(x) < 1.0 ? 1.0 / N : 0.0;
    }
  }
  const double within = 0.6826894921370859;
  for (int j = 0; j < NACT; j++) {
    assert_close(sum[j], 0.0, 5.0 / sqrt(N), 0.0);
    assert_close(square[j], 1.0, 5.0 * sqrt(2.0 / N), 0.0);
    assert_close(in[j], within, 5.0 * sqrt(within * (1.0 - within) / N), 0.0);
  }
  sac_agent_destroy(agent);
}

/* One matrix: the same state gives the same bits, alone, among others and in any thread; u - mean
 * is the sum h^T (S z) in double; another matrix gives another action. */
static void a_held_matrix_makes_noise_a_function_of_the_state(void **state) {
  (void)state;
  enum { N = 40 }; /* enough rows for threads */
  const sac_train_options o = {.seed = 4};
  float obs[N][NOBS], z[N][(H2 + 1) * NACT], act[N][NACT], again[N][NACT], alone[NACT];
  sac_error err = {0};
  sac_stream s = sac_stream_make(8, SAC_STREAM_USER, 0);
  for (int b = 0; b < N; b++) {
    for (int i = 0; i < NOBS; i++) obs[b][i] = (float)(2.0 * sac_stream_uniform(&s) - 1.0);
    sac_explore_matrix(&o, 0, b % 2 ? 7 : 3, H2 + 1, NACT, z[b]);
  }
  memcpy(obs[2], obs[0], sizeof obs[0]);
  memcpy(obs[3], obs[0], sizeof obs[0]);
  sac_agent *agent = gsde_agent(1), *three = gsde_agent(3);
  assert_ok(sac_agent_act_held(agent, N, &obs[0][0], &z[0][0], &act[0][0], &err), err);
  assert_ok(sac_agent_act_held(three, N, &obs[0][0], &z[0][0], &again[0][0], &err), err);
  assert_memory_equal(act, again, sizeof act);
  assert_memory_equal(act[0], act[2], sizeof act[0]);
  assert_memory_not_equal(act[0], act[3], sizeof act[0]);
  const sac_head *head = &agent->pi;
  const struct net p = read_net(head, head->net.w, head->gsde.log_std);
  for (int b = 0; b < N; b++) {
    assert_ok(sac_agent_act_held(agent, 1, obs[b], z[b], alone, &err), err);
    assert_memory_equal(alone, act[b], sizeof alone);
    double h[H2], mean[NACT], variance[NACT];
    features(&p, obs[b], h);
    marginal(&p, h, h, 2.0, mean, variance);
    for (int j = 0; j < NACT; j++) {
      double u = mean[j] + 1e-3 * (double)z[b][H2 * NACT + j];
      for (int i = 0; i < H2; i++) u += h[i] * exp(p.log_std[i][j]) * (double)z[b][i * NACT + j];
      assert_close((double)act[b][j], tanh(u), 2e-6, 0.0);
    }
  }
  sac_agent_destroy(agent), sac_agent_destroy(three);
}

/* Without noise: tanh of the mean, cut to +-2. */
static void the_deterministic_action_is_the_mean(void **state) {
  (void)state;
  sac_agent *agent = gsde_agent(1);
  sac_error err = {0};
  float act[NACT];
  const float obs[NOBS] = {1.0f, 2.0f, -1.0f, 0.5f}, far[NOBS] = {900.0f, -800.0f, 700.0f, 600.0f};
  const sac_head *head = &agent->pi;
  const struct net p = read_net(head, head->net.w, head->gsde.log_std);
  for (int k = 0; k < 2; k++) {
    double h[H2], mean[NACT], variance[NACT];
    features(&p, k ? far : obs, h);
    marginal(&p, h, h, 2.0, mean, variance);
    assert_ok(sac_agent_act(agent, 1, k ? far : obs, NULL, act, &err), err);
    for (int j = 0; j < NACT; j++) assert_close((double)act[j], tanh(mean[j]), 1e-6, 0.0);
  }
  sac_agent_destroy(agent);
}

/* --- what is refused ---------------------------------------------------------------------------
 */

static void what_does_not_go_with_it_is_refused(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  float obs[OBS] = {0}, z[ACT] = {0}, act[ACT] = {7.0f, 7.0f, 7.0f};
  sac_error err = {0};
  assert_int_equal(sac_agent_noise_rows(agent), 0);
  check_refused(sac_agent_act_held(agent, 1, obs, z, act, &err), SAC_ERR_ARG, &err,
                "policy = tanh_normal|policy = gsde");
  assert_true(act[0] == 7.0f);
  sac_agent_destroy(agent);
  static const double low[ACT] = {-1, -1, -1}, high[ACT] = {1, 1, 1};
  o.policy = SAC_POLICY_GSDE;
  o.precision = SAC_PRECISION_BF16;
  check_refused(sac_agent_create(&o, OBS, ACT, low, high, 1, 1, &agent, &err), SAC_ERR_ARG, &err,
                "precision = bf16|policy = gsde|fp32");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_gradient_is_that_of_the_exact_loss),
      cmocka_unit_test(fixed_features_stay_out_of_the_variance),
      cmocka_unit_test(held_noise_has_the_density_that_is_trained),
      cmocka_unit_test(a_held_matrix_makes_noise_a_function_of_the_state),
      cmocka_unit_test(the_deterministic_action_is_the_mean),
      cmocka_unit_test(what_does_not_go_with_it_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
