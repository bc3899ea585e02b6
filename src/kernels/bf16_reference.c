/* The kernels on bf16 as their formulas, one element at a time, in double: the oracle. */
#include "kernels/bf16.h"

#include <math.h>
#include <string.h>

/* A float to bf16: to nearest, ties to even, by adding just below half of what is cut off. */
static uint32_t to_bf16(float x) {
  uint32_t u;
  if (isnan(x)) return 0x7fc0;
  if (fabsf(x) < 0x1p-126f) x = copysignf(0.0f, x);
  memcpy(&u, &x, sizeof u);
  return (u + 0x7fff + ((u >> 16) & 1)) >> 16;
}

static double half_of(uint32_t word, size_t second) {
  return (double)sac_bf16_float(word, (int)second);
}

/* Element (i,j) of either form: only one half of a word is written, so that the order does not
 * matter; the second half of an odd row is made zero by its first. */
static void put_across(uint32_t *X, size_t ld, size_t i, size_t j, float x) {
  uint32_t *word = X + i * ld + j / 2;
  *word = j % 2 ? (*word & 0xffff) | to_bf16(x) << 16 : to_bf16(x);
}
static void put_down(uint32_t *X, size_t ld, size_t i, size_t j, float x) {
  uint32_t *word = X + i / 2 * ld + j;
  *word = i % 2 ? (*word & 0xffff) | to_bf16(x) << 16 : to_bf16(x);
}

static int is_on(const uint32_t *mask, size_t ldm, size_t i, size_t j) {
  return !mask || half_of(mask[i * ldm + j / 2], j % 2) > 0.0;
}

static double product(const sac_gemm_bf16 *g, size_t i, size_t n, int pairs) {
  const size_t row = i * g->a_row;
  const uint32_t *A = g->A, *B = g->B;
  const float *a = g->A, *b = g->B;
  double c = g->bias ? (double)g->bias[n] : 0.0;
  for (size_t p = 0; p < g->K; p++) {
    const size_t at = row + p * g->a_col, bt = p * g->ldb + n;
    if (pairs)
      c += half_of(A[at], 0) * half_of(B[bt], 0) + half_of(A[at], 1) * half_of(B[bt], 1);
    else
      c += (double)a[at] * (double)b[bt];
  }
  return c;
}

static void gemm(const sac_gemm_bf16 *g, int pairs) {
  for (size_t i = 0; i < g->M; i++)
    for (size_t n = 0; n < g->N; n++) {
      const size_t row = g->mask_row ? g->mask_row[i] : i;
      double c = product(g, i, n, pairs);
      if (g->scale) c = (double)g->scale[n] * c + (g->shift ? (double)g->shift[n] : 0.0);
      if (g->slope) c += (double)g->slope[n] * half_of(g->mask[row * g->ldm + n / 2], n % 2);
      if (g->relu && !(c > 0.0)) c = 0.0;
      if (!is_on(g->mask, g->ldm, row, n)) c = 0.0;
      if (g->C) g->C[i * g->ldc + n] = (float)c;
      if (g->across) put_across(g->across, g->ld_across, i, n, (float)c);
      if (g->down) put_down(g->down, g->ld_down, i, n, (float)c);
    }
}

static void gemm_pairs(const sac_gemm_bf16 *g) {
  gemm(g, 1);
}
static void gemm_floats(const sac_gemm_bf16 *g) {
  gemm(g, 0);
}

static void dot_rows(size_t M, size_t K, const uint32_t *A, size_t lda, const float *w, float bias,
                     float *y) {
  for (size_t i = 0; i < M; i++) {
    double sum = (double)bias;
    for (size_t k = 0; k < K; k++) sum += half_of(A[i * lda + k / 2], k % 2) * (double)w[k];
    y[i] = (float)sum;
  }
}

static void outer_masked(const sac_outer_bf16 *o) {
  for (size_t i = 0; i < o->M; i++)
    for (size_t n = 0; n < o->N; n++) {
      const int on = is_on(o->mask, o->ldm, o->mask_row ? o->mask_row[i] : i, n);
      const float d = on ? (o->g ? o->g[i] : 1.0f) * o->w[n] : 0.0f;
      if (o->across) put_across(o->across, o->ld_across, i, n, d);
      if (o->down) put_down(o->down, o->ld_down, i, n, d);
    }
}

static void sum_columns(size_t M, size_t N, const float *g, const uint32_t *A, size_t lda,
                        float *y) {
  for (size_t n = 0; n < N; n++) {
    double sum = 0.0;
    for (size_t i = 0; i < M; i++)
      sum += (g ? (double)g[i] : 1.0) * half_of(A[i / 2 * lda + n], i % 2);
    y[n] = (float)sum;
  }
}

static void moments(size_t M, size_t N, const uint32_t *A, size_t lda, float *mean, float *var) {
  for (size_t n = 0; n < N; n++) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < M; i++) sum += half_of(A[i / 2 * lda + n], i % 2);
    const double center = sum / (double)M;
    for (size_t i = 0; i < M; i++) squares += pow(half_of(A[i / 2 * lda + n], i % 2) - center, 2);
    mean[n] = (float)center;
    var[n] = (float)(squares / (double)M);
  }
}

static void fold(const sac_fold_bf16 *f) {
  for (size_t n = 0; n < f->N; n++) {
    double y = (double)f->bias[n];
    for (size_t i = 0; i < f->M; i++) {
      const float W = f->W[i * f->ldw + n], folded = f->s[i] * W;
      put_down(f->F, f->ldf, i, n, folded);
      const double off = (double)folded - half_of(f->F[i / 2 * f->ldf + n], i % 2);
      y += (double)f->t[i] * (double)W + (double)f->mean[i] * off;
    }
    f->y[n] = (float)y;
  }
}

static void unfold(const sac_unfold *u) {
  for (size_t i = 0; i < u->M; i++) {
    double dgamma = 0.0, dbeta = 0.0;
    for (size_t n = 0; n < u->N; n++) {
      const double db = (double)u->db[n], w = half_of(to_bf16(u->W[i * u->ldw + n]), 0);
      const double g = (double)u->a[i] * (double)u->H[i * u->ldh + n] + (double)u->c[i] * db;
      dgamma += w * g;
      dbeta += w * db;
      u->H[i * u->ldh + n] = (float)((double)u->gamma[i] * g + (double)u->beta[i] * db);
    }
    u->dgamma[i] = (float)dgamma;
    u->dbeta[i] = (float)dbeta;
  }
}

static void pack_across(size_t M, size_t N, const float *W, size_t ldw, uint32_t *across,
                        size_t ld) {
  for (size_t i = 0; i < M; i++)
    for (size_t n = 0; n < N; n++) put_across(across, ld, i, n, W[i * ldw + n]);
}

static void pack_down(size_t M, size_t N, const float *W, size_t ldw, uint32_t *down, size_t ld) {
  for (size_t i = 0; i < M; i++)
    for (size_t n = 0; n < N; n++) put_down(down, ld, i, n, W[i * ldw + n]);
}

static void pack_turned(size_t M, size_t N, const float *W, size_t ldw, uint32_t *turned,
                        size_t ld) {
  for (size_t i = 0; i < sac_padded(M); i++)
    for (size_t n = 0; n < N; n++) put_down(turned, ld, n, i, i < M ? W[i * ldw + n] : 0.0f);
}

static float dot_chains(size_t rounds, uint32_t x, uint32_t y) {
  const double step = half_of(x, 0) * half_of(y, 0) + half_of(x, 1) * half_of(y, 1);
  return (float)(12.0 * 128.0 * (double)rounds * step);
}

const sac_kernels_bf16 sac_bf16_reference = {
    .gemm_pairs = gemm_pairs,
    .gemm_floats = gemm_floats,
    .dot_rows = dot_rows,
    .outer_masked = outer_masked,
    .sum_columns = sum_columns,
    .moments = moments,
    .fold = fold,
    .unfold = unfold,
    .pack_across = pack_across,
    .pack_down = pack_down,
    .pack_turned = pack_turned,
    .dot_chains = dot_chains,
};
