/* Adam against its closed form, on each instruction set.
 *
 * For a constant gradient g both corrected moments are constant, m = g and v = g^2, so that every
 * step is -lr g / (|g| + eps), whatever the betas: after t steps w = w0 - t lr g / (|g| + eps). */
#include "check.h"
#include "kernels/kernels.h"

#include <string.h>

enum { N = 37, STEPS = 200 };

static sac_adam_step at(double lr, double b1, double b2, double eps, int t) {
  return (sac_adam_step){.lr = (float)lr,
                         .beta1 = (float)b1,
                         .beta2 = (float)b2,
                         .eps = (float)eps,
                         .c1 = (float)(1.0 / (1.0 - pow(b1, t))),
                         .c2 = (float)(1.0 / (1.0 - pow(b2, t)))};
}

static void constant_gradient(const sac_kernels *k, double b1, double b2, double eps) {
  const double lr = 1e-3;
  float g[N], m[N] = {0}, v[N] = {0}, w[N], target[N];
  for (int i = 0; i < N; i++) { /* sizes from 1e-6 to 1e3, both signs */
    g[i] = (i % 2 ? -1.0f : 1.0f) * powf(10.0f, -6.0f + 0.25f * (float)i);
    w[i] = 0.01f * (float)i;
    target[i] = -1.0f;
  }
  for (int t = 1; t <= STEPS; t++) {
    const sac_adam_step step = at(lr, b1, b2, eps, t);
    k->adam(N, &step, g, m, v, w, 0.0f, NULL);
  }
  for (int i = 0; i < N; i++) {
    const double gi = (double)g[i], want = 0.01 * i - STEPS * lr * gi / (fabs(gi) + eps);
    assert_close((double)w[i], want, 2e-5, 0.0); /* of a way of 0.2: STEPS roundings and beta's */
    assert_close((double)m[i], gi * (1.0 - pow(b1, STEPS)), 0.0, 1e-5);
    assert_close((double)v[i], gi * gi * (1.0 - pow(b2, STEPS)), 0.0, 1e-4);
    assert_true(target[i] == -1.0f);
  }
}

#define FOR_EACH_TABLE(k)                                                                          \
  for (const char *const *isa_ = (const char *const[]){"generic", "neon", "avx2", "avx512", NULL}; \
       *isa_; isa_++)                                                                              \
    for (const sac_kernels *k = sac_kernels_find(*isa_); k; k = NULL)

static void a_constant_gradient_moves_by_equal_steps(void **state) {
  (void)state;
  FOR_EACH_TABLE(k) {
    constant_gradient(k, 0.9, 0.999, 1e-8);
    constant_gradient(k, 0.5, 0.99, 1e-8);
    constant_gradient(k, 0.9, 0.999, 1e-3);
    constant_gradient(k, 0.0, 0.9, 1e-5);
  }
}

/* The first step of an alternating gradient is as long; the second, with m = b1 (1-b1) g - (1-b1) g
 * and so m^ = -g (1-b1) / (1+b1), is shorter by (1-b1) / (1+b1), backwards. */
static void an_alternating_gradient_hardly_moves(void **state) {
  (void)state;
  FOR_EACH_TABLE(k) {
    float g = 0.3f, m = 0.0f, v = 0.0f, w = 0.0f;
    sac_adam_step step = at(0.1, 0.9, 0.999, 0.0, 1);
    k->adam(1, &step, &g, &m, &v, &w, 0.0f, NULL);
    assert_close((double)w, -0.1, 0.0, 1e-5); /* beta2 in float: 1 - beta2 is off by 1.3e-5 */
    g = -g;
    step = at(0.1, 0.9, 0.999, 0.0, 2);
    k->adam(1, &step, &g, &m, &v, &w, 0.0f, NULL);
    assert_close((double)w, -0.1 + 0.1 * 0.1 / 1.9, 0.0, 1e-5);
  }
}

/* Without a gradient only the decay is left: w_t = w_0 (1 - decay)^t, however small the moments'
 * own steps would be made to be [ADAMW: it is not divided by the root of the second moment]. */
static void decay_shrinks_a_weight_by_its_share(void **state) {
  (void)state;
  FOR_EACH_TABLE(k) {
    float g[N] = {0}, m[N] = {0}, v[N] = {0}, w[N];
    for (int i = 0; i < N; i++) w[i] = 0.3f * (float)(i - N / 2);
    for (int t = 1; t <= STEPS; t++) {
      sac_adam_step step = at(1e-3, 0.9, 0.999, 1e-8, t);
      step.decay = 1e-3f;
      k->adam(N, &step, g, m, v, w, 0.0f, NULL);
    }
    for (int i = 0; i < N; i++)
      assert_close((double)w[i], (double)(0.3f * (float)(i - N / 2)) * pow(1.0 - 1e-3, STEPS), 0.0,
                   STEPS * 0x1p-24);
  }
}

/* An element's result does not depend on where in an array it lies, and a zero gradient on zero
 * moments moves nothing: what keeps the padding zero. */
static void position_does_not_matter(void **state) {
  (void)state;
  FOR_EACH_TABLE(k) {
    const sac_adam_step step = at(0.1, 0.9, 0.999, 1e-8, 1);
    for (size_t n = 1; n < N; n++) {
      float g[N] = {0}, m[N] = {0}, v[N] = {0}, w[N] = {0}, target[N] = {0};
      g[n - 1] = 0.7f, w[n - 1] = 0.2f, target[n - 1] = 0.1f;
      float g1 = 0.7f, m1 = 0.0f, v1 = 0.0f, w1 = 0.2f, target1 = 0.1f;
      assert_close(k->adam(n, &step, g, m, v, w, 0.3f, target), 0.49, 0.0, 1e-6);
      k->adam(1, &step, &g1, &m1, &v1, &w1, 0.3f, &target1);
      assert_true(w[n - 1] == w1 && m[n - 1] == m1 && v[n - 1] == v1 && target[n - 1] == target1);
      for (size_t i = 0; i < N; i++)
        if (i != n - 1) assert_true(w[i] == 0.0f && m[i] == 0.0f && target[i] == 0.0f);
    }
  }
}

/* Without a gradient m shrinks by beta1 a step and would stay for good at a few units of the
 * smallest subnormal, 2^-149, where .9 of it rounds to itself; v by beta2. Below 2^-126 both become
 * zero, above they do not; a NaN stays one. */
static void moments_end_below_the_normal_numbers(void **state) {
  (void)state;
  FOR_EACH_TABLE(k) {
    const sac_adam_step step = at(0.1, 0.9, 0.999, 1e-8, 1);
    float g[N] = {0}, m[N] = {0}, v[N] = {0}, w[N] = {0};
    m[0] = 0x1p-126f, m[1] = -0x1p-126f, m[2] = 0x1p-125f, m[3] = 0x1p-149f, m[4] = NAN;
    v[0] = 0x1p-126f, v[1] = 0x1p-125f, v[2] = NAN;
    k->adam(N, &step, g, m, v, w, 0.0f, NULL);
    assert_true(m[0] == 0.0f && m[1] == 0.0f && m[3] == 0.0f && isnan(m[4]));
    assert_true(m[2] > 0x1p-126f && v[0] == 0.0f && v[1] > 0x1p-126f && isnan(v[2]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_constant_gradient_moves_by_equal_steps),
      cmocka_unit_test(an_alternating_gradient_hardly_moves),
      cmocka_unit_test(decay_shrinks_a_weight_by_its_share),
      cmocka_unit_test(position_does_not_matter),
      cmocka_unit_test(moments_end_below_the_normal_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
