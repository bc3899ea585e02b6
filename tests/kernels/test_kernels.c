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

/* The epilogues beside a norm: before and after the ReLU, through a mask, along it, and with a mask
 * of its own, which every fifth element equals. */
static void gemm_beside_a_norm(void **state) {
  (void)state;
  enum { M = 13, N = 80, K = 17, LD = 96, FORMS = 6 };
  static float A[M * K], B[K * LD], mask[M * LD], got[M * LD], want[M * LD];
  float bias[LD], scale[LD], shift[LD], slope[LD], at[LD];
  size_t rows[M];
  fill(A, M * K, 11), fill(B, K * LD, 12), fill(mask, M * LD, 13), fill(bias, LD, 14);
  fill(scale, LD, 15), fill(shift, LD, 16), fill(slope, LD, 17), fill(at, LD, 18);
  for (size_t i = 0; i < M * LD; i += 5) mask[i] = at[i % LD];
  for (size_t i = 0; i < M; i++) rows[i] = (i * 7) % M;
  FOR_EACH_TABLE(k)
  for (int form = 0; form < FORMS; form++) {
    sac_gemm g = {.M = M, .N = N, .K = K, .A = A, .a_row = K, .a_col = 1, .B = B, .ldb = LD};
    g.ldc = g.ldm = LD;
    g.scale = scale;
    g.shift = form ? shift : NULL;
    g.relu = form == 1 || form == 2;
    g.late = form == 2;
    g.bias = g.relu ? bias : NULL;
    if (form > 2) g.mask = mask;
    if (form > 3) g.slope = slope, g.mask_row = rows;
    if (form > 4) g.mask_at = at;
    g.C = got;
    k->gemm(&g);
    g.C = want;
    sac_kernels_reference.gemm(&g);
    for (size_t i = 0; i < M; i++)
      compare("gemm", k->isa, got + i * LD, want + i * LD, N, 1e-5, 0.0);
  }
}

static void moments_and_sums_of_columns(void **state) {
  (void)state;
  enum { M = 300, LD = 160 };
  static float A[M * LD], G[M * LD], got[2][LD], want[2][LD], center[LD];
  fill(A, M * LD, 21), fill(G, M * LD, 22), fill(center, LD, 23);
  for (size_t i = 0; i < M * LD; i++) A[i] += 3.0f * center[i % LD]; /* means not zero */
  FOR_EACH_TABLE(k)
  for (size_t rows = 1; rows <= M; rows += 1 + rows / 3)
    for (size_t N = 16; N <= 144; N += 16) {
      k->moments(rows, N, A, LD, got[0], got[1]);
      sac_kernels_reference.moments(rows, N, A, LD, want[0], want[1]);
      compare("mean", k->isa, got[0], want[0], N, 1e-6, 1e-6);
      compare("var", k->isa, got[1], want[1], N, 1e-6, 1e-5);
      k->sum_products(rows, N, center, G, LD, A, LD, got[0], got[1]);
      sac_kernels_reference.sum_products(rows, N, center, G, LD, A, LD, want[0], want[1]);
      compare("sum", k->isa, got[0], want[0], N, 2e-5, 1e-6);
      compare("dot", k->isa, got[1], want[1], N, 1e-4, 1e-6);
      /* a column's bits do not depend on the block that it is in */
      k->moments(rows, 16, A + N - 16, LD, got[0], got[1]);
      k->moments(rows, N, A, LD, want[0], want[1]);
      assert_memory_equal(got[0], want[0] + N - 16, 16 * sizeof(float));
      assert_memory_equal(got[1], want[1] + N - 16, 16 * sizeof(float));
    }
}

static void columns_of_norms(void **state) {
  (void)state;
  enum { N = 48 };
  float mean[N], var[N], gamma[N], beta[N], first[2][N], run[2][2][N], out[2][7][N];
  fill(mean, N, 31), fill(var, N, 32), fill(gamma, N, 33), fill(beta, N, 34);
  fill(first[0], N, 35), fill(first[1], N, 36);
  for (size_t i = 0; i < N; i++) var[i] *= var[i], first[1][i] *= first[1][i];
  FOR_EACH_TABLE(k)
  for (int renorm = 0; renorm < 2; renorm++) {
    for (int i = 0; i < 2; i++) {
      memcpy(run[i], first, sizeof run[i]);
      const sac_column_norm c = {.N = N,
                                 .eps = 1e-3f,
                                 .keep = 0.9f,
                                 .unbias = renorm ? 1.25f : 1.0f,
                                 .renorm = renorm,
                                 .r_max = 1.5f,
                                 .d_max = 0.7f,
                                 .mean = mean,
                                 .var = var,
                                 .gamma = gamma,
                                 .beta = beta,
                                 .run_mean = run[i][0],
                                 .run_var = run[i][1],
                                 .rstd = out[i][0],
                                 .r = out[i][1],
                                 .d = out[i][2],
                                 .a = out[i][3],
                                 .c = out[i][4],
                                 .s = out[i][5],
                                 .t = out[i][6]};
      (i ? &sac_kernels_reference : k)->column_norm(&c);
    }
    for (size_t j = 0; j < 7; j++)
      compare("column_norm", k->isa, out[0][j], out[1][j], N, 1e-6, 2e-6);
    compare("running mean", k->isa, run[0][0], run[1][0], N, 1e-6, 1e-6);
    compare("running var", k->isa, run[0][1], run[1][1], N, 1e-6, 1e-6);
    k->column_affine(N, 1e-3f, mean, var, gamma, beta, out[0][0], out[0][1]);
    sac_kernels_reference.column_affine(N, 1e-3f, mean, var, gamma, beta, out[1][0], out[1][1]);
    compare("scale", k->isa, out[0][0], out[1][0], N, 0.0, 2e-6);
    compare("shift", k->isa, out[0][1], out[1][1], N, 1e-5, 2e-6);
  }
}

static void maps_beside_norms(void **state) {
  (void)state;
  enum { M = 21, LD = 160 };
  static float A[M * LD], W[M * LD], got[M * LD], want[M * LD];
  float v[6][LD], y[2][LD], dot[2][2][M];
  fill(A, M * LD, 41), fill(W, M * LD, 42);
  for (size_t i = 0; i < 6; i++) fill(v[i], LD, 43 + i);
  FOR_EACH_TABLE(k)
  for (size_t rows = 1; rows <= M; rows++)
    for (size_t N = 16; N <= 144; N += 32) {
      memset(got, 0, sizeof got), memset(want, 0, sizeof want);
      k->fold(rows, N, v[0], v[1], W, LD, v[2], got, LD, y[0]);
      sac_kernels_reference.fold(rows, N, v[0], v[1], W, LD, v[2], want, LD, y[1]);
      compare("fold", k->isa, got, want, LD * (rows - 1) + N, 0.0, 0.0);
      compare("fold's sum", k->isa, y[0], y[1], N, 1e-5, 0.0);
      for (int relu = 0; relu < 2; relu++) {
        k->affine(rows, N, relu ? NULL : v[0], v[1], v[2], relu, A, LD, got, LD);
        sac_kernels_reference.affine(rows, N, relu ? NULL : v[0], v[1], v[2], relu, A, LD, want,
                                     LD);
        compare("affine", k->isa, got, want, LD * (rows - 1) + N, 1e-6, 0.0);
      }
      memcpy(got, W, sizeof got), memcpy(want, W, sizeof want);
      k->combine(rows, N, v[0], v[1], v[2], A, LD, got, LD);
      sac_kernels_reference.combine(rows, N, v[0], v[1], v[2], A, LD, want, LD);
      compare("combine", k->isa, got, want, M * LD, 1e-6, 0.0);
      memcpy(got, A, sizeof got), memcpy(want, A, sizeof want);
      for (int i = 0; i < 2; i++)
        (i ? &sac_kernels_reference : k)
            ->unfold(&(sac_unfold){.M = rows,
                                   .N = N,
                                   .a = v[0],
                                   .c = v[1],
                                   .gamma = v[2],
                                   .beta = v[3],
                                   .db = v[4],
                                   .W = W,
                                   .ldw = LD,
                                   .H = i ? want : got,
                                   .ldh = LD,
                                   .dgamma = dot[i][0],
                                   .dbeta = dot[i][1]});
      compare("unfold", k->isa, got, want, M * LD, 1e-6, 0.0);
      compare("dgamma", k->isa, dot[0][0], dot[1][0], rows, 1e-5, 0.0);
      compare("dbeta", k->isa, dot[0][1], dot[1][1], rows, 1e-5, 0.0);
    }
}

static void rows_of_norms(void **state) {
  (void)state;
  enum { M = 9, LD = 96 };
  static float X[M * LD], dy[M * LD], mask[M * LD], xn[2][M * LD], Y[2][M * LD];
  float gamma[LD], beta[LD], rstd[2][M];
  size_t row[M];
  for (size_t i = 0; i < M; i++) row[i] = (4 * i + 1) % M;
  FOR_EACH_TABLE(k)
  for (size_t width = 1; width <= 80; width += 1 + width / 4)
    for (int form = 0; form < 4; form++) {
      const int center = form & 1, more = form >> 1;
      fill(X, M * LD, 61), fill(dy, M * LD, 62), fill(mask, M * LD, 63);
      fill(gamma, LD, 64), fill(beta, LD, 65);
      for (size_t n = width; n < LD; n++) {
        gamma[n] = beta[n] = 0.0f; /* X is what it is: an actor's input is the front of [s,a] */
        for (size_t i = 0; i < M; i++) dy[i * LD + n] = 0.0f;
      }
      memset(xn, 0, sizeof xn), memset(Y, 0, sizeof Y);
      for (int i = 0; i < 2; i++) {
        const sac_row_norm r = {.M = M,
                                .width = width,
                                .eps = 1e-3f,
                                .center = center,
                                .relu = more,
                                .gamma = gamma,
                                .beta = more ? beta : NULL,
                                .X = X,
                                .ldx = LD,
                                .xn = xn[i],
                                .ldn = LD,
                                .rstd = rstd[i],
                                .Y = Y[i],
                                .ldy = LD};
        (i ? &sac_kernels_reference : k)->row_norm(&r);
      }
      compare("rstd", k->isa, rstd[0], rstd[1], M, 0.0, 2e-6);
      compare("xn", k->isa, xn[0], xn[1], M * LD, 5e-6, 2e-6); /* of width 1 the mean cancels */
      compare("row_norm", k->isa, Y[0], Y[1], M * LD, 5e-6, 2e-6);
      for (int i = 0; i < 2; i++) {
        const sac_row_norm_back r = {.M = M,
                                     .width = width,
                                     .center = center,
                                     .gamma = gamma,
                                     .xn = xn[1],
                                     .ldn = LD,
                                     .rstd = rstd[1],
                                     .mask = more ? mask : NULL,
                                     .ldm = LD,
                                     .row = more ? row : NULL,
                                     .dy = dy,
                                     .ldy = LD,
                                     .dx = Y[i],
                                     .ldx = LD};
        (i ? &sac_kernels_reference : k)->row_norm_back(&r);
      }
      compare("row_norm_back", k->isa, Y[0], Y[1], M * LD, 2e-5, 5e-6);
    }
}

/* Rows on the sphere: of every width up to 80, with what lies beside them, rows of a batch in
 * another order, and a row of zeros, whose length counts as SAC_LEAST_LENGTH. */
enum { SPHERE_M = 9, SPHERE_LD = 96, SPHERE_ALL = SPHERE_M * SPHERE_LD };

struct sphere_case {
  size_t width;
  int more;
  size_t row[SPHERE_M];
  float X[SPHERE_ALL], R[SPHERE_ALL], dY[SPHERE_ALL], extra[SPHERE_ALL], scale[SPHERE_LD];
  /* of the table, of the reference */
  float U[2][SPHERE_ALL], Y[2][SPHERE_ALL], G[2][SPHERE_ALL], dR[2][SPHERE_ALL], dX[2][SPHERE_ALL];
  float inv[2][SPHERE_M], inv_x[2][SPHERE_M];
};

static void begin_sphere(struct sphere_case *c, size_t width, int more) {
  memset(c, 0, sizeof *c);
  c->width = width, c->more = more;
  fill(c->X, SPHERE_ALL, 71), fill(c->R, SPHERE_ALL, 72), fill(c->dY, SPHERE_ALL, 73);
  fill(c->extra, SPHERE_ALL, 74), fill(c->scale, SPHERE_LD, 75);
  for (size_t i = 0; i < SPHERE_M; i++) c->row[i] = (4 * i + 1) % SPHERE_M;
  memset(c->X + 3 * SPHERE_LD, 0, SPHERE_LD * sizeof *c->X);
  for (int i = 0; i < 2; i++) memcpy(c->U[i], c->X, sizeof c->X);
}

static void compare_rows(const struct sphere_case *c, const char *what, const char *isa,
                         const float *got, const float *want) {
  for (size_t i = 0; i < SPHERE_M; i++)
    compare(what, isa, got + i * SPHERE_LD, want + i * SPHERE_LD, c->width, 1e-5, 1e-5);
}

static void check_scale_rows(struct sphere_case *c, const sac_kernels *k) {
  for (int i = 0; i < 2; i++) {
    const sac_kernels *by = i ? &sac_kernels_reference : k;
    by->scale_rows(&(sac_scale_rows){SPHERE_M, c->width, c->scale, c->more, 0.25f, c->X, SPHERE_LD,
                                     c->Y[i], SPHERE_LD});
    by->scale_rows_back(&(sac_scale_rows_back){.M = SPHERE_M,
                                               .width = c->width,
                                               .scale = c->scale,
                                               .relu = c->more,
                                               .X = c->X,
                                               .ldx = SPHERE_LD,
                                               .row = c->more ? c->row : NULL,
                                               .dY = c->dY,
                                               .ldd = SPHERE_LD,
                                               .G = c->G[i],
                                               .dX = c->dX[i]});
  }
  compare("scale_rows", k->isa, c->Y[0], c->Y[1], SPHERE_ALL, 1e-7, 1e-6);
  compare_rows(c, "scale_rows_back G", k->isa, c->G[0], c->G[1]);
  compare("scale_rows_back", k->isa, c->dX[0], c->dX[1], SPHERE_ALL, 1e-7, 1e-6);
}

static void check_sphere(struct sphere_case *c, const sac_kernels *k) {
  const float *scale = c->more ? c->scale : NULL;
  for (int i = 0; i < 2; i++)
    (i ? &sac_kernels_reference : k)
        ->sphere(&(sac_sphere){SPHERE_M, c->width, scale, c->X, SPHERE_LD, c->Y[i], c->inv[i],
                               SPHERE_LD});
  compare("sphere", k->isa, c->Y[0], c->Y[1], SPHERE_ALL, 1e-6, 2e-6);
  compare("sphere inv", k->isa, c->inv[0], c->inv[1], SPHERE_M, 0.0, 2e-6);
  c->inv[1][3] = 1.0f; /* of the row of zeros 1e8 */
  for (int i = 0; i < 2; i++)
    (i ? &sac_kernels_reference : k)
        ->sphere_back(&(sac_sphere_back){.M = SPHERE_M,
                                         .width = c->width,
                                         .scale = scale,
                                         .X = c->X,
                                         .ldx = SPHERE_LD,
                                         .Y = c->Y[1],
                                         .inv = c->inv[1],
                                         .ldy = SPHERE_LD,
                                         .row = c->more ? c->row : NULL,
                                         .dY = c->dY,
                                         .more = c->more ? c->extra : NULL,
                                         .ldd = SPHERE_LD,
                                         .G = c->G[i],
                                         .dX = c->dX[i]});
  compare_rows(c, "sphere_back G", k->isa, c->G[0], c->G[1]);
  compare_rows(c, "sphere_back", k->isa, c->dX[0], c->dX[1]);
}

static void check_lerp(struct sphere_case *c, const sac_kernels *k) {
  for (int i = 0; i < 2; i++)
    (i ? &sac_kernels_reference : k)
        ->lerp(&(sac_lerp){.M = SPHERE_M,
                           .width = c->width,
                           .by = 0.7f,
                           .alpha = c->scale,
                           .R = c->R,
                           .ldr = SPHERE_LD,
                           .U = c->U[i],
                           .inv_x = c->inv_x[i],
                           .ldu = SPHERE_LD,
                           .Y = c->Y[i],
                           .inv = c->inv[i],
                           .ldy = SPHERE_LD});
  compare_rows(c, "lerp U", k->isa, c->U[0], c->U[1]);
  compare_rows(c, "lerp", k->isa, c->Y[0], c->Y[1]);
  compare("lerp inv", k->isa, c->inv[0], c->inv[1], SPHERE_M, 0.0, 5e-6);
  compare("lerp inv_x", k->isa, c->inv_x[0], c->inv_x[1], SPHERE_M, 0.0, 2e-6);
  c->inv_x[1][3] = 1.0f;
  for (int i = 0; i < 2; i++)
    (i ? &sac_kernels_reference : k)
        ->lerp_back(&(sac_lerp_back){.M = SPHERE_M,
                                     .width = c->width,
                                     .by = 0.7f,
                                     .alpha = c->scale,
                                     .R = c->R,
                                     .ldr = SPHERE_LD,
                                     .U = c->U[1],
                                     .inv_x = c->inv_x[1],
                                     .ldu = SPHERE_LD,
                                     .Y = c->Y[1],
                                     .inv = c->inv[1],
                                     .ldy = SPHERE_LD,
                                     .row = c->more ? c->row : NULL,
                                     .dY = c->dY,
                                     .more = c->more ? c->extra : NULL,
                                     .ldd = SPHERE_LD,
                                     .G = c->G[i],
                                     .dR = c->dR[i],
                                     .dX = c->dX[i]});
  compare_rows(c, "lerp_back G", k->isa, c->G[0], c->G[1]);
  compare_rows(c, "lerp_back dR", k->isa, c->dR[0], c->dR[1]);
  compare_rows(c, "lerp_back", k->isa, c->dX[0], c->dX[1]);
}

static void rows_on_the_sphere(void **state) {
  (void)state;
  static struct sphere_case c;
  FOR_EACH_TABLE(k)
  for (size_t width = 1; width <= 80; width += 1 + width / 4)
    for (int more = 0; more < 2; more++) {
      begin_sphere(&c, width, more), check_scale_rows(&c, k);
      begin_sphere(&c, width, more), check_sphere(&c, k);
      begin_sphere(&c, width, more), check_lerp(&c, k);
    }
}

static void adam_steps(void **state) {
  (void)state;
  enum { N = 2100 };
  static float g[N], m[2][N], v[2][N], w[2][N], t[2][N];
  const sac_adam_step step = {
      1e-3f, 0.9f, 0.999f, 1e-8f, 1.0f / (1.0f - 0.9f), 1.0f / (1.0f - 0.999f), 0.02f, 0};
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

/* Rows of any length, their logits up to 60 apart; a NaN spreads in its row and nowhere else. */
static void softmax_of_rows(void **state) {
  (void)state;
  enum { M = 7, LD = 140 };
  static float got[M * LD], want[M * LD], log_sum[2][M];
  FOR_EACH_TABLE(k)
  for (size_t n = 1; n <= 135; n += 1 + n / 4) {
    fill(got, M * LD, 31 + n);
    for (size_t i = 0; i < M * LD; i++) got[i] *= 30.0f;
    memcpy(want, got, sizeof want);
    k->softmax(M, n, got, LD, log_sum[0]);
    sac_kernels_reference.softmax(M, n, want, LD, log_sum[1]);
    compare("softmax", k->isa, got, want, M * LD, 1e-30, 8e-6); /* the logit is rounded once more */
    compare("log sum", k->isa, log_sum[0], log_sum[1], M, 1e-6, 5e-7);
    got[2 * LD + n - 1] = NAN;
    k->softmax(M, n, got, LD, log_sum[0]);
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < n; j++) assert_int_equal(isnan(got[i * LD + j]) != 0, i == 2);
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
      cmocka_unit_test(gemm_beside_a_norm),
      cmocka_unit_test(moments_and_sums_of_columns),
      cmocka_unit_test(columns_of_norms),
      cmocka_unit_test(maps_beside_norms),
      cmocka_unit_test(rows_of_norms),
      cmocka_unit_test(rows_on_the_sphere),
      cmocka_unit_test(adam_steps),
      cmocka_unit_test(policy_functions),
      cmocka_unit_test(softmax_of_rows),
      cmocka_unit_test(normals_match_and_are_normal),
      cmocka_unit_test(tails_have_the_same_bits),
  };
  return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
