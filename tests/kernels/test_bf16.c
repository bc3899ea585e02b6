/* The bf16 kernels against the reference, which is the formulas in double on the same bf16 numbers:
 * all sizes around the tile and register edges, both forms, odd rows. What only moves bits
 * (packing) must agree in every bit; a rounded result may differ by one unit of bf16, 2^-7 of
 * itself, since the sum in float before it may fall on the other side of a tie. */
#include "check.h"
#include "kernels/bf16.h"
#include "sac/random.h"

#include <string.h>

enum { LARGEST = 40000, TAG = 0x5a5a5a5a };

static const char *const isas[] = {"generic", "avx2", "avx512", "amx"};

/* Each set of bf16 kernels that this CPU has. */
#define FOR_EACH_SET(b)                                      \
  for (size_t t_ = 0; t_ < sizeof isas / sizeof *isas; t_++) \
    for (const sac_kernels_bf16 *b = sac_kernels_bf16_find(isas[t_]); b; b = NULL)

static void fill(float *p, size_t n, uint64_t seed) {
  sac_stream s = sac_stream_make(seed, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < n; i++) p[i] = (float)(2.0 * sac_stream_uniform(&s) - 1.0);
}

/* Two random bf16 a word, their sizes in [2^-7, 2), both signs. */
static void fill_words(uint32_t *p, size_t n, uint64_t seed) {
  sac_stream s = sac_stream_make(seed, SAC_STREAM_USER, 1);
  for (size_t i = 0; i < n; i++) p[i] = (sac_stream_u32(&s) & 0x83ff83ffu) | 0x3c003c00u;
}

static void tag(uint32_t *p, size_t n) {
  for (size_t i = 0; i < n; i++) p[i] = TAG;
}

/* Words as bf16 numbers. A sum that is near zero by cancellation has the error of its terms: 1e-4
 * is above that of 70 pairs of numbers below 4, and far below a wrong element. */
static void compare_words(const char *what, const uint32_t *got, const uint32_t *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (int half = 0; half < 2; half++) {
      const double g = (double)sac_bf16_float(got[i], half),
                   w = (double)sac_bf16_float(want[i], half);
      if (!(fabs(g - w) <= 1e-4 + 0x1p-7 * fabs(w)))
        fail_msg("%s: word %zu, half %d is %.9g, want %.9g", what, i, half, g, w);
    }
}

static void compare_floats(const char *what, const float *got, const float *want, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!(fabs((double)got[i] - (double)want[i]) <= 1e-4 + 1e-6 * fabs((double)want[i])))
      fail_msg("%s: element %zu is %.9g, want %.9g", what, i, (double)got[i], (double)want[i]);
}

/* --- rounding -------------------------------------------------------------------------------- */

/* 1 + 2^-8 is half way between 1 and 1 + 2^-7: to the even one, 1; 1 + 3 2^-8 to 1 + 2^-6. */
static void rounding_is_to_nearest_ties_to_even(void **state) {
  (void)state;
  static const struct {
    float x;
    uint32_t bits;
  } cases[] = {{1.0f, 0x3f80},
               {1.0f + 0x1p-8f, 0x3f80},
               {1.0f + 0x1.8p-7f, 0x3f82},
               {1.0f + 0x1p-8f + 0x1p-20f, 0x3f81},
               {-1.0f - 0x1.8p-7f, 0xbf82},
               {3.4e38f, 0x7f80}, /* above the largest bf16, 0x1.fep127, by more than half */
               {-INFINITY, 0xff80},
               {0x1p-126f, 0x0080},
               {0x1p-127f, 0x0000}, /* subnormal */
               {-0x1p-140f, 0x8000}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    float row[2][SAC_LANES] = {{0}};
    uint32_t across[SAC_LANES / 2] = {0}, down[SAC_LANES] = {0}, want[SAC_LANES] = {0};
    row[0][3] = row[1][5] = cases[i].x;
    sac_bf16_reference.pack_across(1, SAC_LANES, row[0], SAC_LANES, want, 0);
    assert_int_equal(want[1], cases[i].bits << 16);
    FOR_EACH_SET(b) {
      b->pack_across(1, SAC_LANES, row[0], SAC_LANES, across, 0);
      assert_int_equal(across[1], cases[i].bits << 16);
      b->pack_down(2, SAC_LANES, row[0], SAC_LANES, down, 0);
      assert_int_equal(down[3], cases[i].bits);
      assert_int_equal(down[5], cases[i].bits << 16);
    }
  }
  float row[SAC_LANES] = {NAN};
  uint32_t across[SAC_LANES / 2];
  FOR_EACH_SET(b) {
    b->pack_across(1, SAC_LANES, row, SAC_LANES, across, 0);
    assert_true(isnan(sac_bf16_float(across[0], 0)));
  }
}

static void packing_moves_every_number_to_its_place(void **state) {
  (void)state;
  enum { ROWS = 37, LD = 128 };
  static float W[ROWS * LD];
  static uint32_t got[LARGEST], want[LARGEST];
  fill(W, ROWS * LD, 1);
  FOR_EACH_SET(b)
  for (size_t M = 1; M <= ROWS; M++)
    for (size_t N = 16; N <= 112; N += 16) {
      tag(got, LARGEST), tag(want, LARGEST);
      b->pack_across(M, N, W, LD, got, 72);
      sac_bf16_reference.pack_across(M, N, W, LD, want, 72);
      assert_memory_equal(got, want, sizeof got);
      tag(got, LARGEST), tag(want, LARGEST);
      b->pack_down(M, N, W, LD, got, LD + 16);
      sac_bf16_reference.pack_down(M, N, W, LD, want, LD + 16);
      assert_memory_equal(got, want, sizeof got);
      tag(got, LARGEST), tag(want, LARGEST);
      b->pack_turned(M, N, W, LD, got, 64);
      sac_bf16_reference.pack_turned(M, N, W, LD, want, 64);
      assert_memory_equal(got, want, sizeof got);
    }
}

/* --- products -------------------------------------------------------------------------------- */

struct result {
  float C[LARGEST];
  uint32_t across[LARGEST], down[LARGEST];
};

static void clear(struct result *r) {
  memset(r->C, 0, sizeof r->C);
  tag(r->across, LARGEST), tag(r->down, LARGEST);
}

/* Variant bits: 1 A transposed, 2 bias and ReLU, 4 mask, 8 C instead of the forms, 16 no `down`,
 * 32 no `across`, 64 a norm's scale, 128 its shift, 256 with a mask its slope. */
static void gemm_matches(const sac_kernels_bf16 *b, int pairs, size_t M, size_t N, size_t K,
                         unsigned variant) {
  static float A[LARGEST], B[LARGEST], bias[256], norm[3][256];
  static uint32_t wA[LARGEST], wB[LARGEST], mask[LARGEST];
  static struct result got, want;
  fill(A, LARGEST, 2), fill(B, LARGEST, 3), fill(bias, 256, 4), fill(norm[0], 3 * 256, 13);
  fill_words(wA, LARGEST, 5), fill_words(wB, LARGEST, 6), fill_words(mask, LARGEST, 7);
  clear(&got), clear(&want);
  const size_t lda = ((variant & 1) ? M : K) + 3, ld = N + 16;
  assert_true(lda * ((variant & 1) ? K : M) <= LARGEST && ld * K <= LARGEST && ld * M <= LARGEST);
  size_t rows[64];
  for (size_t i = 0; i < M; i++) rows[i] = (i * 7) % M;
  sac_gemm_bf16 g = {.M = M, .N = N, .K = K, .ldb = ld, .ldc = ld, .ld_across = ld, .ld_down = ld};
  g.A = pairs ? (const void *)wA : A, g.B = pairs ? (const void *)wB : B;
  g.a_row = (variant & 1) ? 1 : lda, g.a_col = (variant & 1) ? lda : 1;
  if (variant & 2) g.bias = bias, g.relu = 1;
  if (variant & 4 && !(variant & 8)) g.mask = mask, g.ldm = ld;
  if (g.mask && (M & 1)) g.mask_row = rows;
  if (variant & 64) g.scale = norm[0];
  if (variant & 64 && variant & 128) g.shift = norm[1];
  if (variant & 64 && variant & 256 && g.mask) g.slope = norm[2];
  for (int i = 0; i < 2; i++) {
    struct result *r = i ? &want : &got;
    g.C = (variant & 8) ? r->C : NULL;
    g.down = (variant & (8 | 16)) ? NULL : r->down;
    g.across = (variant & 8 || (variant & 48) == 32) ? NULL : r->across;
    const sac_kernels_bf16 *set = i ? &sac_bf16_reference : b;
    (pairs ? set->gemm_pairs : set->gemm_floats)(&g);
  }
  compare_floats("C", got.C, want.C, LARGEST); /* the gaps between rows too: untouched */
  compare_words("across", got.across, want.across, LARGEST);
  compare_words("down", got.down, want.down, LARGEST);
}

static void gemm_every_remainder(void **state) {
  (void)state;
  const size_t Ns[] = {16, 32, 48, 64, 80, 112}, Ks[] = {1, 2, 17, 64};
  FOR_EACH_SET(b)
  for (size_t M = 1; M <= 26; M++)
    for (size_t n = 0; n < 6; n++)
      for (size_t q = 0; q < 4; q++) {
        const unsigned v = (unsigned)(M * 5 + n * 3 + q);
        gemm_matches(b, 1, M, Ns[n], Ks[q], v & 63);
        gemm_matches(b, 0, M, Ns[n], Ks[q], (v + 7) & 63);
      }
}

/* Rows of more than one block of matrix tiles, and more pairs than it packs at a time, 512; sums of
 * 1,090 products below 4 have an error of 1e-4 and more only where they are large themselves. */
static void gemm_of_many_pairs(void **state) {
  (void)state;
  const size_t Ms[] = {5, 32, 33, 49}, Ks[] = {511, 512, 513, 545};
  FOR_EACH_SET(b)
  for (size_t m = 0; m < 4; m++)
    for (size_t q = 0; q < 4; q++)
      for (unsigned transposed = 0; transposed < 2; transposed++)
        gemm_matches(b, 1, Ms[m], 48, Ks[q], 8 | transposed);
}

static void gemm_beside_a_norm(void **state) {
  (void)state;
  const size_t Ns[] = {16, 64, 80};
  FOR_EACH_SET(b)
  for (unsigned v = 64; v < 512; v++) {
    if (!(v & 64)) continue;
    const size_t M = 1 + v * 7 % 26, N = Ns[v * 5 % 3];
    gemm_matches(b, 1, M, N, 1 + v % 19, v);
    gemm_matches(b, 0, M, N, 1, v); /* as the gradient of a layer with one output is taken */
  }
}

static void gemm_rows_do_not_depend_on_the_split(void **state) {
  (void)state;
  enum { M = 37, N = 80, K = 33 };
  static uint32_t A[M * K], B[K * N], whole[2][M * N], part[2][M * N];
  fill_words(A, M * K, 8), fill_words(B, K * N, 9);
  FOR_EACH_SET(b) {
    sac_gemm_bf16 g = {.M = M, .N = N, .K = K, .A = A, .a_row = K, .a_col = 1, .B = B, .ldb = N};
    g.across = whole[0], g.down = whole[1], g.ld_across = g.ld_down = N;
    b->gemm_pairs(&g);
    for (size_t i = 0, rows = 2; i < M; i += rows, rows += 2) { /* from an even row on */
      g.M = rows < M - i ? rows : M - i;
      g.A = A + i * K;
      g.across = part[0] + i * N, g.down = part[1] + i / 2 * N;
      b->gemm_pairs(&g);
    }
    assert_memory_equal(whole, part, sizeof whole);
  }
}

/* What the instruction itself is: subnormal results are zero, and NaN stays. */
static void subnormal_products_vanish_and_nan_stays(void **state) {
  (void)state;
  static const uint32_t small = 0x1f801f80u, one = 0x3f803f80u, nan = 0x7fc07fc0u; /* 2^-64 */
  uint32_t B[SAC_LANES];
  float C[SAC_LANES];
  FOR_EACH_SET(b) {
    sac_gemm_bf16 g = {.M = 1, .N = SAC_LANES, .K = 1, .A = &small, .B = B, .C = C, .ldc = 1};
    for (int i = 0; i < SAC_LANES; i++) B[i] = small;
    b->gemm_pairs(&g);
    assert_true(C[0] == 0.0f); /* 2 x 2^-128 is subnormal */
    g.A = &one, B[1] = nan, g.relu = 1;
    b->gemm_pairs(&g);
    assert_true(C[0] == 0x1p-63f && isnan(C[1]));
  }
}

static void products_with_vectors(void **state) {
  (void)state;
  enum { M = 19, LD = 160 };
  static uint32_t A[M * LD], got[2][M * LD], want[2][M * LD];
  static float w[LD], g[M], y[2][LD];
  size_t rows[M];
  for (size_t i = 0; i < M; i++) rows[i] = (i * 7) % M;
  fill_words(A, M * LD, 10);
  fill(w, LD, 11), fill(g, M, 12);
  FOR_EACH_SET(b)
  for (size_t N = 16; N <= 144; N += 16)
    for (size_t m = M - 3; m <= M; m++) {
      b->dot_rows(m, N, A, LD, w, 0.25f, y[0]);
      sac_bf16_reference.dot_rows(m, N, A, LD, w, 0.25f, y[1]);
      compare_floats("dot_rows", y[0], y[1], m);
      for (int weighted = 0; weighted < 2; weighted++) {
        b->sum_columns(m, N, weighted ? g : NULL, A, LD, y[0]);
        sac_bf16_reference.sum_columns(m, N, weighted ? g : NULL, A, LD, y[1]);
        compare_floats("sum_columns", y[0], y[1], N);
        tag(got[0], 2 * M * LD), tag(want[0], 2 * M * LD);
        sac_outer_bf16 o = {.M = m, .N = N, .w = w, .mask = A, .ldm = LD, .ld_across = LD};
        o.g = weighted ? g : NULL, o.mask_row = weighted ? rows : NULL, o.ld_down = LD;
        o.across = got[0], o.down = weighted ? NULL : got[1];
        b->outer_masked(&o);
        o.across = want[0], o.down = weighted ? NULL : want[1];
        sac_bf16_reference.outer_masked(&o);
        assert_memory_equal(got, want, sizeof got);
      }
    }
}

/* --- norms of a batch ------------------------------------------------------------------------ */

static void moments_of_columns(void **state) {
  (void)state;
  enum { ROWS = 261, LD = 160 };
  static uint32_t A[ROWS * LD];
  float mean[2][LD], var[2][LD];
  fill_words(A, ROWS * LD, 14);
  FOR_EACH_SET(b)
  for (size_t N = 16; N <= 144; N += 16)
    for (size_t M = 1; M <= ROWS; M += M < 8 ? 1 : 23) {
      b->moments(M, N, A, LD, mean[0], var[0]);
      sac_bf16_reference.moments(M, N, A, LD, mean[1], var[1]);
      compare_floats("mean", mean[0], mean[1], N);
      compare_floats("var", var[0], var[1], N);
    }
}

/* The variance is of what lies about the mean: of numbers 1 and 1 + 2^-7, far from 0, it is 2^-16;
 * squares less the mean's square would have lost half of its digits. */
static void moments_far_from_zero(void **state) {
  (void)state;
  enum { ROWS = 512 };
  static uint32_t A[ROWS / 2 * SAC_LANES];
  float mean[SAC_LANES], var[SAC_LANES];
  for (size_t i = 0; i < ROWS / 2 * SAC_LANES; i++) A[i] = 0x3f803f81u;
  FOR_EACH_SET(b) {
    b->moments(ROWS, SAC_LANES, A, SAC_LANES, mean, var);
    assert_true(mean[3] == 1.0f + 0x1p-8f && var[3] == 0x1p-16f);
  }
}

/* F in every bit; y, a sum of M terms, as a float. Far from 0 the product of `mean` with the folded
 * weights is what it would have been unrounded, which is what y is for. */
static void folding_keeps_the_mean_of_the_product(void **state) {
  (void)state;
  enum { M = 37, LD = 160 };
  static float W[M * LD], s[M], t[M], mean[M], bias[LD], y[2][LD];
  static uint32_t F[2][M * LD];
  fill(W, M * LD, 15), fill(s, M, 16), fill(t, M, 17), fill(bias, LD, 18);
  for (size_t i = 0; i < M; i++) mean[i] = 50.0f + (float)i;
  FOR_EACH_SET(b)
  for (size_t N = 16; N <= 144; N += 16)
    for (size_t m = M - 2; m <= M; m++) {
      sac_fold_bf16 f = {m, N, s, t, mean, W, LD, bias, F[0], LD, y[0]};
      tag(F[0], 2 * M * LD);
      b->fold(&f);
      f.F = F[1], f.y = y[1];
      sac_bf16_reference.fold(&f);
      assert_memory_equal(F[0], F[1], sizeof F[0]);
      compare_floats("y", y[0], y[1], N);
      for (size_t n = 0; n < N; n++) {
        double got = (double)y[0][n], want = (double)bias[n];
        for (size_t i = 0; i < m; i++) {
          const double w = (double)W[i * LD + n];
          got += (double)mean[i] * (double)sac_bf16_float(F[0][i / 2 * LD + n], (int)(i % 2));
          want += ((double)s[i] * (double)mean[i] + (double)t[i]) * w;
        }
        assert_close(got, want, 1e-3, 0.0); /* 37 floats of size 80; rounding alone moves it by 1 */
      }
    }
}

static void unfolding_is_of_rounded_weights(void **state) {
  (void)state;
  enum { M = 9, LD = 160 };
  static float W[M * LD], H[2][M * LD], v[5][LD], sums[2][2][M];
  fill(W, M * LD, 19), fill(v[0], 5 * LD, 20);
  FOR_EACH_SET(b)
  for (size_t N = 16; N <= 144; N += 16) {
    for (int i = 0; i < 2; i++) {
      fill(H[i], M * LD, 21);
      (i ? &sac_bf16_reference : b)
          ->unfold(&(sac_unfold){.M = M,
                                 .N = N,
                                 .a = v[0],
                                 .c = v[1],
                                 .gamma = v[2],
                                 .beta = v[3],
                                 .db = v[4],
                                 .W = W,
                                 .ldw = LD,
                                 .H = H[i],
                                 .ldh = LD,
                                 .dgamma = sums[i][0],
                                 .dbeta = sums[i][1]});
    }
    for (size_t i = 0; i < M * LD; i++) assert_close(H[0][i], H[1][i], 1e-6, 0.0);
    for (size_t i = 0; i < M; i++) { /* floats; by weights that are not rounded, 1e-3 away */
      assert_close(sums[0][0][i], sums[1][0][i], 2e-6, 1e-6);
      assert_close(sums[0][1][i], sums[1][1][i], 2e-6, 1e-6);
    }
  }
}

int main(void) {
  size_t sets = 0;
  FOR_EACH_SET(b) sets++;
  print_message("%zu sets of bf16 kernels beside the reference\n", sets);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rounding_is_to_nearest_ties_to_even),
      cmocka_unit_test(packing_moves_every_number_to_its_place),
      cmocka_unit_test(gemm_every_remainder),
      cmocka_unit_test(gemm_of_many_pairs),
      cmocka_unit_test(gemm_rows_do_not_depend_on_the_split),
      cmocka_unit_test(subnormal_products_vanish_and_nan_stays),
      cmocka_unit_test(products_with_vectors),
      cmocka_unit_test(gemm_beside_a_norm),
      cmocka_unit_test(moments_of_columns),
      cmocka_unit_test(moments_far_from_zero),
      cmocka_unit_test(folding_keeps_the_mean_of_the_product),
      cmocka_unit_test(unfolding_is_of_rounded_weights),
  };
  return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
