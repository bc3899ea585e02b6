/* Every vector table against the reference table, which is the formulas in double: all sizes around
 * the tile and register edges, so that each remainder path runs. */
#include "check.h"
#include "kernels/kernels.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { LARGEST = 40000 };

static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};

static void fill(float *p, size_t n, uint64_t seed) {
  sac_stream s = sac_stream_make(seed, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < n; i++) p[i] = (float)(2.0 * sac_stream_uniform(&s) - 1.0);
}

static void compare(const char *what, const char *isa, const float *got, const float *want,
                    size_t n, double atol, double rtol) {
  for (size_t i = 0; i < n; i++) {
    const double g = (double)got[i], w = (double)want[i];
    if (!(fabs(g - w) <= atol + rtol * fabs(w)))
      fail_msg("%s, %s: element %zu is %.9g, want %.9g", what, isa, i, g, w);
  }
}

/* Each table that this CPU has; the number that ran is printed, so a skipped one is seen. */
#define FOR_EACH_TABLE(k)                                    \
  for (size_t t_ = 0; t_ < sizeof isas / sizeof *isas; t_++) \
    for (const sac_kernels *k = sac_kernels_find(isas[t_]); k; k = NULL)

static void every_table_of_this_cpu_is_found(void **state) {
  (void)state;
  size_t ran = 0;
  FOR_EACH_TABLE(k) {
    assert_string_equal(k->isa, isas[t_]);
    print_message("table %s\n", k->isa);
    ran++;
  }
  assert_true(ran >= 1);
  assert_null(sac_kernels_find("avx1024"));
}

/* sum of K products of numbers in (-1,1): rounding grows like sqrt(K) ulp; 1e-5 is far above it and
 * far below any wrong element */
static void gemm_matches(const sac_kernels *k, size_t M, size_t N, size_t K, int transposed,
                         int relu, int masked) {
  static float A[LARGEST], B[LARGEST], C[LARGEST], want[LARGEST], mask[LARGEST], bias[512];
  const size_t lda = (transposed ? M : K) + 3, ldb = N + 16, ldc = N + 16;
  assert_true(lda * (transposed ? K : M) <= LARGEST && ldb * K <= LARGEST && ldc * M <= LARGEST);
  fill(A, LARGEST, 1);
  fill(B, LARGEST, 2);
  fill(mask, LARGEST, 3);
  fill(bias, 512, 4);
  memset(C, 0, sizeof C);
  memset(want, 0, sizeof want);
  sac_gemm g = {
      .M = M, .N = N, .K = K, .A = A, .B = B, .ldb = ldb, .C = C, .ldc = ldc, .relu = relu};
  g.a_row = transposed ? 1 : lda;
  g.a_col = transposed ? lda : 1;
  if (relu) g.bias = bias;
  size_t rows[32];
  for (size_t i = 0; i < M; i++) rows[i] = (i * 7) % M;
  if (masked) g.mask = mask, g.ldm = ldc;
  if (masked && (M & 1)) g.mask_row = rows;
  k->gemm(&g);
  g.C = want;
  sac_kernels_reference.gemm(&g);
  const double atol = K > 64 ? 1e-5 * (double)K / 64.0 : 1e-5;
  compare("gemm", k->isa, C, want, LARGEST, atol, 0.0); /* the gaps between rows too: untouched */
}

static void gemm_every_remainder(void **state) {
  (void)state;
  const size_t Ns[] = {16, 32, 48, 64, 80, 112}, Ks[] = {1, 2, 17, 64};
  FOR_EACH_TABLE(k)
  for (size_t M = 1; M <= 26; M++)
    for (size_t n = 0; n < 6; n++)
      for (size_t q = 0; q < 4; q++) {
        const size_t v = M + n + q;
        gemm_matches(k, M, Ns[n], Ks[q], v & 1, (v >> 1) & 1, (v >> 2) & 1);
      }
}

/* A sum of more than 768 is done in parts, and bias and epilogue are still there once. */
static void long_sums_are_done_in_parts(void **state) {
  (void)state;
  FOR_EACH_TABLE(k)
  for (size_t K = 767; K <= 1200; K += K < 770 ? 1 : 107)
    for (size_t M = 1; M <= 8; M++) {
      gemm_matches(k, M, 16, K, M & 1, 1, 0);
      gemm_matches(k, M, 16, K, !(M & 1), (M >> 1) & 1, 1);
    }
}

static void gemm_rows_do_not_depend_on_the_split(void **state) {
  (void)state;
  enum { M = 37, N = 64, K = 33 };
  static float A[M * K], B[K * N], whole[M * N], part[M * N];
  fill(A, M * K, 5);
  fill(B, K * N, 6);
  FOR_EACH_TABLE(k) {
    sac_gemm g = {.M = M,
                  .N = N,
                  .K = K,
                  .A = A,
                  .a_row = K,
                  .a_col = 1,
                  .B = B,
                  .ldb = N,
                  .C = whole,
                  .ldc = N};
    k->gemm(&g);
    for (size_t i = 0, rows = 1; i < M; i += rows, rows++) {
      g.M = rows < M - i ? rows : M - i;
      g.A = A + i * K;
      g.C = part + i * N;
      k->gemm(&g);
    }
    assert_memory_equal(whole, part, sizeof whole);
  }
}

static void products_with_vectors(void **state) {
  (void)state;
  enum { M = 19, LD = 160 };
  static float A[M * LD], w[LD], g[M], got[M * LD], want[M * LD];
  fill(A, M * LD, 7);
  fill(w, LD, 8);
  fill(g, M, 9);
  FOR_EACH_TABLE(k) {
    for (size_t K = 1; K <= 144; K += 1 + K / 9) {
      k->dot_rows(M, K, A, LD, w, 0.25f, got);
      sac_kernels_reference.dot_rows(M, K, A, LD, w, 0.25f, want);
      compare("dot_rows", k->isa, got, want, M, 1e-5, 0.0);
    }
    for (size_t N = 16; N <= 144; N += 16) {
      k->outer_masked(M, N, g, w, A, LD, got, LD);
      sac_kernels_reference.outer_masked(M, N, g, w, A, LD, want, LD);
      for (size_t i = 0; i < M; i++) compare("outer", k->isa, got + i * LD, want + i * LD, N, 0, 0);
      for (int weighted = 0; weighted < 2; weighted++) {
        k->sum_columns(M, N, weighted ? g : NULL, A, LD, got);
        sac_kernels_reference.sum_columns(M, N, weighted ? g : NULL, A, LD, want);
        compare("sum_columns", k->isa, got, want, N, 1e-5, 0.0);
      }
      k->transpose(N, M, A, M, got, LD);
      sac_kernels_reference.transpose(N, M, A, M, want, LD);
      for (size_t i = 0; i < M; i++)
        compare("transpose", k->isa, got + i * LD, want + i * LD, N, 0, 0);
    }
  }
}

static void adam_steps(void **state) {
  (void)state;
  enum { N = 2100 };
  static float g[N], m[2][N], v[2][N], w[2][N], t[2][N];
  const sac_adam_step step = {
      1e-3f, 0.9f, 0.999f, 1e-8f, 1.0f / (1.0f - 0.9f), 1.0f / (1.0f - 0.999f), 0.02f};
  FOR_EACH_TABLE(k)
  for (size_t n = 1; n <= N; n += 1 + n / 3) {
    for (int i = 0; i < 2; i++) {
      fill(m[i], N, 11);
      fill(w[i], N, 12);
      fill(t[i], N, 13);
      for (size_t j = 0; j < N; j++) v[i][j] = m[i][j] * m[i][j];
    }
    fill(g, N, 14);
    const double got = k->adam(n, &step, g, m[0], v[0], w[0], 0.005f, t[0]);
    const double want = sac_kernels_reference.adam(n, &step, g, m[1], v[1], w[1], 0.005f, t[1]);
    assert_close(got, want, 0.0, 1e-6);
    compare("adam m", k->isa, m[0], m[1], N, 1e-7, 2e-7);
    compare("adam v", k->isa, v[0], v[1], N, 1e-8, 3e-7);
    compare("adam w", k->isa, w[0], w[1], N, 1e-7, 2e-7);
    compare("adam target", k->isa, t[0], t[1], N, 1e-7, 2e-7);
  }
}

/* The element functions over the range that training meets and beyond; the bounds are the ones that
 * vec_math.h states. */
static void policy_functions(void **state) {
  (void)state;
  enum { N = 20001 };
  static float x[N], ls[N], e[N], got[4][N], want[4][N];
  for (size_t i = 0; i < N; i++) {
    x[i] = -20.0f + 40.0f * (float)i / (N - 1);
    ls[i] = -4.0f + 6.0f * (float)((i * 7919) % N) / N;
    e[i] = -1.0f + 2.0f * (float)((i * 104729) % N) / N;
  }
  FOR_EACH_TABLE(k) {
    k->tanh_normal(N, x, ls, e, got[0], got[1], got[2], got[3]);
    sac_kernels_reference.tanh_normal(N, x, ls, e, want[0], want[1], want[2], want[3]);
    compare("std", k->isa, got[0], want[0], N, 0.0, 3e-7);
    /* u itself is rounded once, by up to 2^-20 at |u| = 20: that is the error of what follows */
    compare("tanh", k->isa, got[1], want[1], N, 1e-6, 5e-7);
    compare("slope", k->isa, got[2], want[2], N, 1e-36, 8e-6);
    compare("logp", k->isa, got[3], want[3], N, 6e-6, 6e-7);
    k->tanh(N, x, got[0]);
    sac_kernels_reference.tanh(N, x, want[0]);
    compare("tanh", k->isa, got[0], want[0], N, 0.0, 4e-7);
    for (int kind = 0; kind < 3; kind++) {
      const sac_log_std_map map = {kind, -5.0f, 2.0f};
      k->log_std(N, &map, x, got[0], got[1]);
      sac_kernels_reference.log_std(N, &map, x, want[0], want[1]);
      compare("log_std", k->isa, got[0], want[0], N, 2e-6, 4e-7);
      compare("log_std slope", k->isa, got[1], want[1], N, 1e-7, 2e-6);
    }
  }
}

static void normals_match_and_are_normal(void **state) {
  (void)state;
  enum { N = 200001 };
  static uint32_t words[2 * N];
  static float got[N], want[N];
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 1);
  for (size_t i = 0; i < 2 * N; i++) words[i] = sac_stream_u32(&s);
  words[0] = words[3] = 0; /* the ends of both words' ranges */
  words[1] = words[2] = UINT32_MAX;
  sac_kernels_reference.normals(N, words, want);
  FOR_EACH_TABLE(k) {
    k->normals(N, words, got);
    compare("normals", k->isa, got, want, N, 3e-6, 3e-6);
    double mean = 0.0, square = 0.0;
    for (size_t i = 0; i < N; i++)
      mean += (double)got[i], square += (double)got[i] * (double)got[i];
    assert_true(fabs(mean / sqrt(N)) < 5.0); /* both are |z| < 5: false alarm 6e-7 */
    assert_true(fabs((square - N) / sqrt(2.0 * N)) < 5.0);
  }
}

/* A tail gives the same bits as the middle of a longer array: results do not depend on where a
 * thread's share ends. */
static void tails_have_the_same_bits(void **state) {
  (void)state;
  enum { N = 67 };
  float x[N], whole[N], part[N];
  fill(x, N, 21);
  FOR_EACH_TABLE(k) {
    k->tanh(N, x, whole);
    for (size_t i = 0; i < N; i++) k->tanh(1, x + i, part + i);
    assert_memory_equal(whole, part, sizeof whole);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_table_of_this_cpu_is_found),
      cmocka_unit_test(gemm_every_remainder),
      cmocka_unit_test(long_sums_are_done_in_parts),
      cmocka_unit_test(gemm_rows_do_not_depend_on_the_split),
      cmocka_unit_test(products_with_vectors),
      cmocka_unit_test(adam_steps),
      cmocka_unit_test(policy_functions),
      cmocka_unit_test(normals_match_and_are_normal),
      cmocka_unit_test(tails_have_the_same_bits),
  };
  return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
