/* How to add a head to the policy: the example of docs/policies.md, compiled, and its gradient held
 * to differences of the exact loss. */
#include "agents.h"

/* begin: example */
/* A squashed logistic distribution, u = loc + scale log(q/(1 - q)), with the scale as a share of 2:
 * two outputs a dimension, the second one through a map of its own. `dist` has the family, so its
 * samples, log density, velocities, quantiles and entropy are there already. */
static double share_of_2(const sac_agent_options *o, double raw, double *slope) {
  (void)o; /* or an option of your own: a row in SAC_AGENT_OPTIONS */
  const double share = 1.0 / (1.0 + exp(-raw));
  *slope = 2.0 * share * (1.0 - share); /* d theta/d raw */
  return 0.01 + 2.0 * share;
}

/* The row of the table in src/agent/heads.c; its word goes to the option `policy` in sac/agent.h.
 */
static const sac_head_kind tanh_logistic = {
    .name = "tanh_logistic",
    .family = "logistic",                /* of each dimension */
    .squash = SAC_SQUASH_TANH,           /* a = tanh u */
    .param = {sac_map_real, share_of_2}, /* (loc, scale) from the outputs */
};
/* end: example */

static const double alpha = 0.2, q = 1.5; /* Q(a) = q a */

/* the loss of one sample at fixed noise x = log(u/(1 - u)) */
static double J(double out0, double out1, double x) {
  double slope;
  const double scale = share_of_2(NULL, out1, &slope), u = out0 + scale * x;
  const double log_p = -x - 2.0 * log1p(exp(-x)) - log(scale); /* of the logistic */
  return alpha * (log_p + 2.0 * log(cosh(u))) - q * tanh(u);
}

static void the_example_has_the_right_gradient(void **state) {
  (void)state;
  enum { B = 50 };
  const sac_agent_options o = small_options();
  const sac_kernels *k = sac_kernels_get();
  sac_head head;
  sac_arena m = {0};
  sac_head_layout_kind(&m, &head, &tanh_logistic, 1, 1, &o, B, 1);
  void *block = sac_arena_block(m.used);
  m = (sac_arena){.base = block};
  sac_head_layout_kind(&m, &head, &tanh_logistic, 1, 1, &o, B, 1);
  const double low = -1, high = 1;
  sac_head_set(&head, &o, &low, &high);
  assert_int_equal(head.outputs, 2);
  sac_stream s = sac_stream_make(4, SAC_STREAM_USER, 0);
  float dq[B];
  for (size_t b = 0; b < B; b++) {
    for (size_t i = 0; i < 2; i++)
      head.out[b * head.ld_out + i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
    dq[b] = (float)q;
  }
  sac_head_noise(k, &head, 0, B, 1, SAC_STREAM_USER, 0);
  sac_work_map(&head, 0, B);
  sac_head_sample(k, &head, 0, B);
  sac_head_gradient(&head, 0, 1, &(sac_head_critics){(float)alpha, NULL, dq, 1}, 0, B);
  for (size_t b = 0; b < B; b++) {
    const double o0 = (double)head.out[b * head.ld_out], o1 = (double)head.out[b * head.ld_out + 1];
    const double x = (head.work.z[b] - o0) / head.work.theta[2 * b + 1], h = 1e-4;
    const float *d = head.dout + b * head.ld_out;
    assert_close((double)d[0], (J(o0 + h, o1, x) - J(o0 - h, o1, x)) / (2.0 * h), 1e-6, 1e-5);
    assert_close((double)d[1], (J(o0, o1 + h, x) - J(o0, o1 - h, x)) / (2.0 * h), 1e-6, 1e-5);
  }
  free(block);
}

/* The text of a file under the source tree. */
static char *text_of(const char *name) {
  char path[500];
  snprintf(path, sizeof path, "%s/%s", SAC_SOURCE_DIR, name);
  FILE *file = fopen(path, "rb");
  if (!file) fail_msg("no file %s", path);
  char *text = calloc(1, 1 << 16);
  assert_true(fread(text, 1, (1 << 16) - 1, file) > 0);
  fclose(file);
  return text;
}

/* docs/policies.md shows these very lines, 40 at most. */
static void the_example_is_the_documented_one(void **state) {
  (void)state;
  char *source = text_of("tests/agent/test_new_head.c"), *page = text_of("docs/policies.md");
  char *begin = strchr(strstr(source, "/* begin: example */"), '\n') + 1;
  char *end = strstr(begin, "/* end: example */");
  size_t lines = 0;
  *end = '\0';
  for (const char *at = begin; *at; at++) lines += *at == '\n';
  assert_true(lines > 10 && lines <= 40);
  assert_non_null(strstr(page, begin));
  free(source), free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_example_has_the_right_gradient),
                                     cmocka_unit_test(the_example_is_the_documented_one)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
