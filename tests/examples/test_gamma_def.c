/* The parts of the variational example: the slopes of its log joint density against differences,
 * and both gradients in the shape against the derivative of an expectation that is known. */
#include "check.h"

int gamma_def_main(int argc, char **argv);
#define main gamma_def_main
#include "../../examples/gamma_def.c"
#undef main

/* a small model with counts of its own and a sample */
static void make(model *m, posterior *q) {
  *m = (model){.N = 3, .V = 4, .x = numbers(12)};
  for (size_t i = 0; i < 12; i++) m->x[i] = (double)(i * 5 % 7);
  prepare(m, q, 3);
  sac_stream stream = sac_stream_make(4, SAC_STREAM_USER, 0);
  draw(m, q, &stream);
}

static void release(model *m, posterior *q) {
  free(m->x);
  free(m->z);
  free(m->lambda);
  free(m->mu);
  free(q->free);
}

/* d log p/d log z, and that `local` has all that an unknown changes: central differences */
static void slopes_match_differences(void **state) {
  (void)state;
  model m;
  posterior q;
  make(&m, &q);
  const double h = 1e-5;
  log_joint(&m);
  double *slope = numbers(m.n);
  memcpy(slope, m.slope, m.n * sizeof *slope);
  for (size_t i = 0; i < m.n; i++) {
    const double at = m.log_z[i];
    double whole[2], local[2];
    for (int k = 0; k < 2; k++) {
      m.log_z[i] = at + (k ? h : -h);
      m.z[i] = exp(m.log_z[i]);
      whole[k] = log_joint(&m);
      local[k] = m.local[i];
    }
    m.log_z[i] = at;
    m.z[i] = exp(at);
    assert_close(slope[i], (whole[1] - whole[0]) / (2.0 * h), 1e-6, 1e-6);
    assert_close(slope[i], (local[1] - local[0]) / (2.0 * h), 1e-6, 1e-6);
  }
  free(slope);
  release(&m, &q);
}

/* With log p = z^2 the gradient in the shape a at fixed mean is that of E z^2 = mean^2 (1 + 1/a):
 * the estimates' own expectation by the tanh-sinh rule in u. */
static void gradients_are_unbiased(void **state) {
  (void)state;
  model m;
  posterior q;
  make(&m, &q);
  const sac_dist *gamma = sac_dist_find("gamma");
  for (size_t i = 0; i < m.n; i++) q.free[2 * i] = -2.0 + 5.0 * (double)i / (double)m.n;
  set_theta(&m, &q); /* shapes from 0.15 to 3 */
  double *sum = numbers(2 * m.n), *u = numbers(m.n);
  const double step_size = 1.0 / 24.0, pi = 3.14159265358979323846;
  for (int k = -108; k <= 108; k++) {
    const double t = step_size * k, p = exp(-pi * fabs(sinh(t))), near = p / (1.0 + p);
    const double w = step_size * pi * cosh(t) * p / ((1.0 + p) * (1.0 + p));
    sac_error err;
    for (size_t i = 0; i < m.n; i++) u[i] = near;
    assert_ok(sac_dist_quantile(gamma, m.n, q.theta, 2, u, k > 0, m.z, m.log_z, &err), err);
    for (size_t i = 0; i < m.n; i++) {
      m.local[i] = m.z[i] * m.z[i];
      m.slope[i] = 2.0 * m.local[i];
    }
    implicit(&m, &q);
    for (size_t i = 0; i < m.n; i++) sum[2 * i] += w * q.grad[2 * i];
    generalized(&m, &q, 1, 0.0);
    for (size_t i = 0; i < m.n; i++) sum[2 * i + 1] += w * q.grad[2 * i];
  }
  for (size_t i = 0; i < m.n; i++) {
    const double a = q.theta[2 * i], want = -pow(mean_of(&q, i) / a, 2);
    assert_close(sum[2 * i], want, 1e-9, 1e-9);
    assert_close(sum[2 * i + 1], want, 1e-9, 1e-9);
  }
  free(sum);
  free(u);
  release(&m, &q);
}

/* E log z etc. are closed forms of the library: the example's entropy is their sum */
static void entropy_matches(void **state) {
  (void)state;
  model m;
  posterior q;
  make(&m, &q);
  double *each = numbers(m.n), sum = 0.0;
  sac_error err;
  assert_ok(sac_dist_entropy(sac_dist_find("gamma"), m.n, q.theta, 2, each, &err), err);
  for (size_t i = 0; i < m.n; i++) sum += each[i];
  assert_close(entropy(&m, &q), sum, 0.0, 1e-12);
  free(each);
  release(&m, &q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(slopes_match_differences),
      cmocka_unit_test(gradients_are_unbiased),
      cmocka_unit_test(entropy_matches),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
