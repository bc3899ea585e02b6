/* The special functions against tests/data/dist/special.csv (mpmath, 60 digits, made by
 * tests/oracle/dist_special.py), against each other, and outside their domains. */
#include "check.h"
#include "sac/special.h"
#include "special/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double gamma_p(double a, double z) {
  double lower, upper;
  sac_gamma_pq(a, z, log(z), &lower, &upper);
  return lower;
}
static double gamma_q(double a, double z) {
  double lower, upper;
  sac_gamma_pq(a, z, log(z), &lower, &upper);
  return upper;
}
static double beta_half(double a, double b) {
  double lower, upper;
  sac_beta_pq(a, b, log(0.5), log(0.5), &lower, &upper);
  return lower;
}

static const struct {
  const char *name;
  double (*one)(double x);
  double (*two)(double x, double y);
  double tolerance;
  double floor; /* errors are relative to max(|value|, floor) */
} functions[] = {
    {"lgamma", sac_lgamma, NULL, 2e-15, 0},
    {"lgamma1p", sac_lgamma1p, NULL, 2e-15, 0},
    {"stirling", sac_stirling, NULL, 1e-13, 0},
    {"digamma", sac_digamma, NULL, 2e-15, 1},
    {"trigamma", sac_trigamma, NULL, 2e-15, 0},
    {"tetragamma", sac_tetragamma, NULL, 2e-15, 0},
    {"log_minus_digamma", sac_log_minus_digamma, NULL, 2e-14, 0},
    {"digamma_difference", NULL, sac_digamma_difference, 2e-13, 0},
    {"lgamma_difference", NULL, sac_lgamma_difference, 5e-15, 1},
    {"lbeta", NULL, sac_lbeta, 1e-14, 1},
    {"log1mexp", sac_log1mexp, NULL, 1e-15, 0},
    {"log1pexp", sac_log1pexp, NULL, 1e-15, 0},
    {"logistic", sac_logistic, NULL, 1e-15, 0},
    {"log1pmx", sac_log1pmx, NULL, 2e-15, 0},
    {"erfcx", sac_erfcx, NULL, 2e-15, 0},
    {"ndtr", sac_ndtr, NULL, 2e-15, 0},
    {"log_ndtr", sac_log_ndtr, NULL, 2e-15, 0},
    {"mills", sac_mills, NULL, 2e-15, 0},
    {"log_bessel_i0e", sac_log_bessel_i0e, NULL, 2e-15, 1},
    {"bessel_ratio_complement", sac_bessel_ratio_complement, NULL, 3e-15, 0},
    {"gamma_p", NULL, gamma_p, 1e-13, 0},
    {"gamma_q", NULL, gamma_q, 1e-12, 0},
    {"beta_half", NULL, beta_half, 1e-12, 0},
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void values_match_the_table(void **state) {
  (void)state;
  char line[256];
  FILE *file = fopen(SAC_SOURCE_DIR "/tests/data/dist/special.csv", "r");
  assert_non_null(file);
  assert_non_null(fgets(line, sizeof line, file));
  size_t seen[FUNCTIONS] = {0};
  while (fgets(line, sizeof line, file)) {
    char *at = strchr(line, ',');
    assert_non_null(at);
    *at++ = '\0';
    const double x = strtod(at, &at), y = strtod(at + 1, &at), want = strtod(at + 1, &at);
    for (size_t i = 0; i < FUNCTIONS; i++) {
      if (strcmp(line, functions[i].name) != 0) continue;
      seen[i]++;
      const double got = functions[i].one ? functions[i].one(x) : functions[i].two(x, y);
      const double scale = fmax(fabs(want), functions[i].floor);
      if (!(fabs(got - want) <= functions[i].tolerance * scale))
        fail_msg("%s(%.17g, %.17g) = %.17g, want %.17g, relative %.2g", line, x, y, got, want,
                 fabs(got - want) / scale);
    }
  }
  fclose(file);
  for (size_t i = 0; i < FUNCTIONS; i++) assert_true(seen[i] >= 60);
}

/* Phi(Phi^-1(p)) = p far into both tails, and in logs where p itself underflows */
static void normal_quantiles_invert(void **state) {
  (void)state;
  for (double p = 1e-300; p < 0.5; p *= 1.7e3) {
    assert_close(sac_ndtr(sac_ndtri(p)), p, 0.0, 5e-13); /* x^2 times its last bit */
    if (p > 1e-12) assert_close(sac_ndtr(-sac_ndtri(1.0 - p)), p, 1e-16, 1e-13);
  }
  for (double l = -1e-9; l > -1e6; l *= 3.0)
    assert_close(sac_log_ndtr(sac_ndtri_log(l)), l, 0.0, 1e-14);
  assert_true(sac_ndtri(0.0) == -HUGE_VAL && sac_ndtri(1.0) == HUGE_VAL);
}

/* both inverses come back to the probability, and the tails add to 1 */
static void incomplete_functions_invert(void **state) {
  (void)state;
  const double tails[] = {1e-200, 1e-12, 1e-3, 0.3, 0.5},
               shapes[] = {1e-6, 0.02, 0.7, 1, 9, 400, 1e6};
  for (int t = 0; t < 5; t++) {
    for (int s = 0; s < 7; s++) {
      double lower, upper;
      double y = sac_gamma_log_inverse(shapes[s], tails[t], 1.0 - tails[t]);
      sac_gamma_pq(shapes[s], exp(y), y, &lower, &upper);
      /* log z has 53 bits: a large shape sees its last one */
      assert_close(lower, tails[t], 0.0, 1e-13 + 1e-14 * sqrt(shapes[s]) * 30.0);
      assert_close(lower + upper, 1.0, 1e-14, 0.0);
      for (int r = 0; r < 7; r++) {
        y = sac_beta_logit_inverse(shapes[s], shapes[r], 1.0 - tails[t], tails[t]);
        sac_beta_pq(shapes[s], shapes[r], -sac_log1pexp(-y), -sac_log1pexp(y), &lower, &upper);
        assert_close(upper, tails[t], 0.0, 1e-11);
        assert_close(lower + upper, 1.0, 1e-14, 0.0);
      }
    }
  }
}

static void outside_the_domain_is_nan(void **state) {
  (void)state;
  double lower, upper;
  assert_true(isnan(sac_lgamma(0.0)) && isnan(sac_lgamma(-1.0)) && isnan(sac_digamma(-0.5)));
  assert_true(isnan(sac_log1mexp(0.5)) && isnan(sac_ndtri(1.5)) && isnan(sac_ndtri_log(0.1)));
  assert_true(isnan(sac_log_bessel_i0e(-1.0)) && isnan(sac_lbeta(0.0, 1.0)));
  sac_gamma_pq(-1.0, 1.0, 0.0, &lower, &upper);
  assert_true(isnan(lower) && isnan(upper));
  sac_beta_pq(1.0, 1.0, 0.5, -1.0, &lower, &upper);
  assert_true(isnan(lower) && isnan(upper));
}

/* The bulk uniforms are the stream's own, block by block, whatever the instruction set. */
static void bulk_uniforms_are_the_streams_own(void **state) {
  (void)state;
  for (size_t n = 1; n < 40; n += 6) {
    sac_stream one = sac_stream_make(9, SAC_STREAM_USER, n), two = one;
    double bulk[48];
    sac_transport_get()->uniforms(&one, n, bulk);
    for (size_t i = 0; i < n; i++) assert_true(bulk[i] == sac_stream_uniform(&two));
    sac_transport_get()->normals(&one, n, bulk); /* goes on at the next block */
    if (n % 2) (void)sac_stream_uniform(&two);
    double normals[48];
    sac_stream_normals(&two, n, normals);
    for (size_t i = 0; i < n; i++) assert_close(bulk[i], normals[i], 1e-15, 1e-14);
  }
}

/* Every instruction set's kernels agree with the plain one to rounding. */
static void instruction_sets_agree(void **state) {
  (void)state;
  enum { N = 64 };
  const sac_transport *best = sac_transport_get(), *plain = &sac_transport_generic;
  double a[N], b[N], x[N], xm[N], lx[N], lxm[N], v[N], w[N], m[N], v2[N], w2[N], m2[N];
  sac_stream stream = sac_stream_make(4, SAC_STREAM_USER, 0);
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < N; i++) {
      a[i] = pow(10.0, 8.0 * sac_stream_uniform(&stream) - 3.0);
      b[i] = pow(10.0, 8.0 * sac_stream_uniform(&stream) - 3.0);
      x[i] = sac_stream_uniform(&stream);
      xm[i] = 1.0 - x[i];
      lx[i] = log(x[i]);
      lxm[i] = log1p(-x[i]);
    }
    best->beta(N, a, b, x, xm, lx, lxm, v, w, m);
    plain->beta(N, a, b, x, xm, lx, lxm, v2, w2, m2);
    /* 1e5-fold shapes magnify the last bit of the exponent */
    for (int i = 0; i < N; i++) {
      assert_close(v[i], v2[i], 0.0, 1e-11);
      assert_close(w[i], w2[i], 0.0, 1e-11);
    }
    for (int i = 0; i < N; i++)
      x[i] = a[i] * exp(2.0 * (x[i] - 0.5) / sqrt(a[i] + 1.0)), lx[i] = log(x[i]);
    best->gamma(N, a, x, lx, v, m);
    plain->gamma(N, a, x, lx, v2, m2);
    for (int i = 0; i < N; i++) assert_close(v[i], v2[i], 0.0, 1e-13);
    for (int i = 0; i < N; i++) assert_close(m[i], m2[i], 0.0, 1e-13);
  }
  print_message("%s\n", best->isa);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_match_the_table),
      cmocka_unit_test(normal_quantiles_invert),
      cmocka_unit_test(incomplete_functions_invert),
      cmocka_unit_test(outside_the_domain_is_nan),
      cmocka_unit_test(bulk_uniforms_are_the_streams_own),
      cmocka_unit_test(instruction_sets_agree),
  };
  return cmocka_run_group_tests_name("special", tests, NULL, NULL);
}
