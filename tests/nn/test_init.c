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

/* Layer l of a network of 32 to 6 with two blocks of 12, the output in two parts. */
static sac_mlp body_network(sac_arena *m, int body) {
  static const sac_widths hidden = {2, {12, 12}};
  sac_mlp net;
  sac_mlp_layout(m, &net,
                 &(sac_mlp_spec){.in = 32,
                                 .out = 6,
                                 .hidden = &hidden,
                                 .trained = 1,
                                 .with_target = 1,
                                 .body = body,
                                 .parts = 2});
  return net;
}

/* Of W (n, m): the vectors of the side that has fewer have length `spread` and stand at right
 * angles. The sum of all weights, for the test of their mean. */
static double check_orthogonal(size_t n, size_t m, size_t ld, const float *W, double spread) {
  const int wide = n <= m;
  const size_t M = wide ? n : m, N = wide ? m : n, row = wide ? ld : 1, col = wide ? 1 : ld;
  double sum = 0.0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) {
      double dot = 0.0;
      for (size_t c = 0; c < N; c++)
        dot += (double)W[i * row + c * col] * (double)W[j * row + c * col];
      assert_close(dot, i == j ? spread * spread : 0.0, 2e-6, 0.0);
    }
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) sum += (double)W[i * ld + j];
  return sum;
}

/* Every layer, and each part of one by itself. Columns of a matrix at right angles that is drawn
 * uniformly have mean 0 and variance spread^2 / N, uncorrelated, N the longer side: |z| < 5. */
static void orthogonal_is_so(void **state) {
  (void)state;
  static const int bodies[] = {SAC_NET_PLAIN, SAC_NET_SIMBA, SAC_NET_BRO, SAC_NET_SIMBAV2,
                               SAC_NET_FLASH};
  for (int b = 0; b < 10; b++) {
    const int body = bodies[b % 5], kind = b < 5 ? SAC_INIT_ORTHOGONAL : SAC_INIT_BODY;
    if (body == SAC_NET_PLAIN && kind == SAC_INIT_BODY) continue;
    sac_arena m = {0};
    body_network(&m, body);
    void *block = sac_arena_block(m.used);
    m = (sac_arena){.base = block};
    sac_mlp net = body_network(&m, body);
    double sum = 0.0, variance = 0.0;
    for (uint64_t seed = 0; seed < SEEDS * test_multiplier(); seed++) {
      sac_mlp_init(sac_kernels_get(), &net, kind, seed, 0);
      for (size_t i = 0; i < net.count; i++) assert_true(net.m[i] == 0.0f && net.v[i] == 0.0f);
      for (size_t l = 0; l < net.layers; l++) {
        const sac_layer *layer = &net.layer[l];
        if (kind == SAC_INIT_BODY && body == SAC_NET_SIMBA && l && l + 1 < net.layers) continue;
        const double spread = kind == SAC_INIT_BODY && body == SAC_NET_BRO ? sqrt(2.0) : 1.0;
        const int two = body != SAC_NET_PLAIN && (l + 1 == net.layers || layer->parts > 1);
        const size_t out = layer->out / (two ? 2 : 1), in = layer->in / (layer->apart ? 2 : 1);
        for (size_t p = 0; p < (two ? 2u : 1u); p++) {
          const float *W = net.w + layer->offset + p * (out + (layer->apart ? in * layer->ld : 0));
          sum += check_orthogonal(in, out, layer->ld, W, spread);
          variance += spread * spread * (double)(in < out ? in : out);
        }
      }
    }
    assert_z(sum / sqrt(variance));
    free(block);
  }
}

/* Inside simba's blocks, init=body is a cut normal of variance 2/n [He et al. 2015]. */
static void blocks_of_simba_are_he_normal(void **state) {
  (void)state;
  for (size_t l = 1; l < 5; l++) {
    struct sums s = {0};
    sac_arena m = {0};
    body_network(&m, SAC_NET_SIMBA);
    void *block = sac_arena_block(m.used);
    m = (sac_arena){.base = block};
    sac_mlp net = body_network(&m, SAC_NET_SIMBA);
    for (uint64_t seed = 0; seed < SEEDS * test_multiplier(); seed++) {
      sac_mlp_init(&sac_kernels_generic, &net, SAC_INIT_BODY, seed, 0);
      const sac_layer *layer = &net.layer[l];
      for (size_t i = 0; i < layer->in; i++)
        for (size_t o = 0; o < layer->out; o++)
          add(&s, (double)net.w[layer->offset + i * layer->ld + o]);
    }
    check_cut_normal(&s, sqrt(2.0 / (l % 2 ? 12.0 : 48.0)));
    free(block);
  }
}

/* The weights of body=bro, 8 to 8, of 8 blocks of 8: 18 layers of one shape, a list each. */
enum { BLOCKS = 8, SIDE = 8, LAYERS = 2 * BLOCKS + 2 };
static void draw_layers(uint64_t index, float lists[LAYERS][SIDE * SIDE]) {
  static const sac_widths hidden = {BLOCKS, {SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE, SIDE}};
  const sac_mlp_spec spec = {
      .in = SIDE, .out = SIDE, .hidden = &hidden, .trained = 1, .body = SAC_NET_BRO};
  sac_mlp net;
  sac_arena m = {0};
  sac_mlp_layout(&m, &net, &spec);
  void *block = sac_arena_block(m.used);
  m = (sac_arena){.base = block};
  sac_mlp_layout(&m, &net, &spec);
  assert_int_equal(net.layers, LAYERS);
  sac_mlp_init(&sac_kernels_generic, &net, SAC_INIT_LECUN, 1, index);
  for (size_t l = 0; l < LAYERS; l++)
    for (size_t i = 0; i < SIDE * SIDE; i++)
      lists[l][i] = net.w[net.layer[l].offset + i / SIDE * net.layer[l].ld + i % SIDE];
  free(block);
}

/* A deep body has more layers than a network has indices; those beyond are its own as well: of two
 * networks that lie beside each other no two matrices are equal. */
static void layers_share_no_stream(void **state) {
  (void)state;
  static float W[2 * LAYERS][SIDE * SIDE];
  assert_true((int)LAYERS > (int)SAC_INIT_STREAMS);
  draw_layers(0, W);
  draw_layers(SAC_INIT_STREAMS, W + LAYERS);
  for (size_t i = 0; i < 2 * LAYERS; i++)
    for (size_t j = 0; j < i; j++) assert_memory_not_equal(W[i], W[j], sizeof W[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lecun_is_a_cut_normal),
      cmocka_unit_test(torch_is_uniform_biases_too),
      cmocka_unit_test(glorot_is_uniform),
      cmocka_unit_test(orthogonal_is_so),
      cmocka_unit_test(blocks_of_simba_are_he_normal),
      cmocka_unit_test(layers_share_no_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
