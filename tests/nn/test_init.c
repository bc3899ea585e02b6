/* Initial weights as distributions: mean, variance, largest size, and the fourth moment, which
 * tells a uniform (9/5 sigma^4) from a normal cut at two sigma. Every z below is standard normal if
 * the weights are right, and the test fails at |z| = 5: false alarm 5.7e-7 each, under the fixed
 * seed. */
#include "nn/mlp.h"
#include "sac/agent.h"
#include "statistics.h"

enum { IN = 24, WIDE = 100, SEEDS = 20 };

struct sums {
  double n, s1, s2, s4, largest;
};

static void add(struct sums *s, double x) {
  s->n += 1.0;
  s->s1 += x;
  s->s2 += x * x;
  s->s4 += x * x * x * x;
  s->largest = fmax(s->largest, fabs(x));
}

/* Against a symmetric distribution with variance s2, fourth moment s4 and eighth moment s8. */
static void check_moments(const struct sums *s, double s2, double s4, double s8) {
  assert_z(s->s1 / sqrt(s->n * s2));
  assert_z((s->s2 / s->n - s2) / sqrt((s4 - s2 * s2) / s->n));
  assert_z((s->s4 / s->n - s4) / sqrt((s8 - s4 * s4) / s->n));
}

/* uniform on +-c: moments c^k / (k+1) */
static void check_uniform(const struct sums *s, double c) {
  check_moments(s, c * c / 3.0, pow(c, 4) / 5.0, pow(c, 8) / 9.0);
  assert_true(s->largest <= c * (1.0 + 1e-6) && s->largest > 0.99 * c);
}

/* A normal of standard deviation sigma / 0.8796256610 cut at twice that has standard deviation
 * sigma. By parts, with p = P(|z| < 2) and q = 2 phi(2): E z^k = (k-1) E z^(k-2) - 2^(k-1) 2 q / (2
 * p) on the cut standard normal. */
static void check_cut_normal(const struct sums *s, double sigma) {
  const double p = 0.954499736103642, q = 2.0 * 0.0539909665131881;
  double moment[9] = {1.0};
  for (int k = 2; k <= 8; k += 2) moment[k] = (k - 1) * moment[k - 2] - pow(2.0, k - 1) * q / p;
  const double scale = sigma / sqrt(moment[2]);
  check_moments(s, sigma * sigma, moment[4] * pow(scale, 4), moment[8] * pow(scale, 8));
  assert_true(s->largest <= 2.0 * scale * (1.0 + 1e-6) && s->largest > 1.9 * scale);
}

/* Weights (0) or biases (1) of layer l over many seeds. */
static struct sums collect(int kind, size_t l, int biases) {
  const sac_widths hidden = {2, {WIDE, WIDE}};
  struct sums s = {0};
  sac_mlp net;
  sac_arena m = {0};
  const sac_mlp_spec spec = {.in = IN, .out = 2, .hidden = &hidden, .trained = 1, .with_target = 1};
  sac_mlp_layout(&m, &net, &spec);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  void *block = m.base;
  sac_mlp_layout(&m, &net, &spec);
  for (uint64_t seed = 0; seed < SEEDS * test_multiplier(); seed++) {
    sac_mlp_init(&sac_kernels_generic, &net, kind, seed, 0);
    const sac_layer *layer = &net.layer[l];
    const float *W = net.w + layer->offset;
    for (size_t i = biases ? layer->in : 0; i < layer->in + (size_t)biases; i++)
      for (size_t o = 0; o < layer->out; o++) add(&s, (double)W[i * layer->ld + o]);
    for (size_t i = 0; i < net.count; i++)
      assert_true(net.target[i] == net.w[i] && net.m[i] == 0.0f && net.v[i] == 0.0f);
  }
  free(block);
  return s;
}

static const double fan_in[] = {IN, WIDE, WIDE}, fan_out[] = {WIDE, WIDE, 2};

static void lecun_is_a_cut_normal(void **state) {
  (void)state;
  for (size_t l = 0; l < 3; l++) {
    const struct sums w = collect(SAC_INIT_LECUN, l, 0), b = collect(SAC_INIT_LECUN, l, 1);
    check_cut_normal(&w, 1.0 / sqrt(fan_in[l]));
    assert_true(b.largest == 0.0);
  }
}

static void torch_is_uniform_biases_too(void **state) {
  (void)state;
  for (size_t l = 0; l < 3; l++) {
    const struct sums w = collect(SAC_INIT_TORCH, l, 0), b = collect(SAC_INIT_TORCH, l, 1);
    check_uniform(&w, 1.0 / sqrt(fan_in[l]));
    if (l < 2) check_uniform(&b, 1.0 / sqrt(fan_in[l]));
  }
}

static void glorot_is_uniform(void **state) {
  (void)state;
  for (size_t l = 0; l < 3; l++) {
    const struct sums w = collect(SAC_INIT_GLOROT, l, 0), b = collect(SAC_INIT_GLOROT, l, 1);
    check_uniform(&w, sqrt(6.0 / (fan_in[l] + fan_out[l])));
    assert_true(b.largest == 0.0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lecun_is_a_cut_normal),
      cmocka_unit_test(torch_is_uniform_biases_too),
      cmocka_unit_test(glorot_is_uniform),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
