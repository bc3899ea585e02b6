/* Kernels on bf16, the upper half of a float: operands of 8 significant bits, sums in float.
 *
 * A word holds two bf16, the first in its lower half. A matrix X of bf16 lies in one of two forms:
 *   across   word (i,k) = X[i,2k], X[i,2k+1]     pairs along a row: a product's first operand
 *   down     word (k,j) = X[2k,j], X[2k+1,j]     pairs down a column: its second operand, and the
 *                                                first of one with X transposed
 * so that one instruction multiplies and adds both halves. Where a size is odd the second half is
 * zero. Rounding to bf16 is to nearest, ties to even; a subnormal float becomes zero; a NaN stays
 * one. As in kernels.h an output depends on its own row or column alone. */
#ifndef SAC_KERNELS_BF16_H
#define SAC_KERNELS_BF16_H

#include "kernels/kernels.h"

/* C (M,N) = epilogue(A (M,K) B (K,N)); N a multiple of SAC_LANES. `gemm_pairs` takes words: element
 * (i,p) of A is word A[i a_row + p a_col], a_row or a_col being 1; B is a `down` form, and K counts
 * words. `gemm_floats`
 * takes floats in the same places. Of C, `across` and `down` those that are not NULL are written;
 * the bf16 forms are rounded from the float that C gets. */
typedef struct sac_gemm_bf16 {
  size_t M, N, K;
  const void *A;
  size_t a_row, a_col;
  const void *B;
  size_t ldb;
  float *C;
  size_t ldc;
  uint32_t *across, *down; /* not in a product that writes C */
  size_t ld_across, ld_down;
  const float *bias;    /* (N) or NULL */
  int relu;             /* C = max(C, 0) */
  const uint32_t *mask; /* an `across` form or NULL: zero where row mask_row[i] (or i) is not > 0 */
  size_t ldm;
  const size_t *mask_row; /* (M) or NULL */

  /* a norm's part, if `scale` is not NULL: C = scale C + shift + slope mask, before the ReLU and
   * the mask */
  const float *scale, *shift; /* (N); shift may be NULL */
  const float *slope;         /* (N) or NULL; with mask only */
} sac_gemm_bf16;

/* d[i,n] = mask[i,n] > 0 ? g[i] w[n] : 0 with g = 1 if NULL, in one or both forms; N as above. */
typedef struct sac_outer_bf16 {
  size_t M, N;
  const float *g, *w;
  const uint32_t *mask; /* across */
  size_t ldm;
  const size_t *mask_row; /* (M) or NULL */
  uint32_t *across, *down;
  size_t ld_across, ld_down;
} sac_outer_bf16;

/* The weights of a product x F + y that is (s x + t) W + bias: F[i,n] = s[i] W[i,n], rounded, and
 *   y[n] = bias[n] + sum_i (t[i] W[i,n] + mean[i] (s[i] W[i,n] - F[i,n])).
 * So what is rounded away meets x - mean instead of x: where mean is x's, no mean of the product
 * moves by it. N as above. */
typedef struct sac_fold_bf16 {
  size_t M, N;
  const float *s, *t, *mean; /* (M) */
  const float *W;            /* (M, ldw) */
  size_t ldw;
  const float *bias; /* (N) */
  uint32_t *F;       /* down */
  size_t ldf;
  float *y; /* (N) */
} sac_fold_bf16;

typedef struct sac_kernels_bf16 {
  void (*gemm_pairs)(const sac_gemm_bf16 *g);
  void (*gemm_floats)(const sac_gemm_bf16 *g);

  /* y[i] = bias + sum_k A[i,k] w[k];  A (M,K) across, K a multiple of SAC_LANES */
  void (*dot_rows)(size_t M, size_t K, const uint32_t *A, size_t lda, const float *w, float bias,
                   float *y);
  void (*outer_masked)(const sac_outer_bf16 *o);
  /* y[n] = sum_i g[i] A[i,n], or sum_i A[i,n] if g is NULL;  A (M,N) down, N as above */
  void (*sum_columns)(size_t M, size_t N, const float *g, const uint32_t *A, size_t lda, float *y);

  /* mean[n] and var[n] (biased) of the column n of A (M,N), down; the mean first, then the squares
   */
  void (*moments)(size_t M, size_t N, const uint32_t *A, size_t lda, float *mean, float *var);
  void (*fold)(const sac_fold_bf16 *f);
  /* kernels.h's, of W rounded: the one that products back through the layer are made with */
  void (*unfold)(const sac_unfold *u);

  /* W (M,N) of floats to bf16: N a multiple of SAC_LANES. `turned` is W's transpose, down: word
   * (k,i) = W[i,2k], W[i,2k+1]; it is written for whole SAC_LANES of i, zero beyond M. */
  void (*pack_across)(size_t M, size_t N, const float *W, size_t ldw, uint32_t *across, size_t ld);
  void (*pack_down)(size_t M, size_t N, const float *W, size_t ldw, uint32_t *down, size_t ld);
  void (*pack_turned)(size_t M, size_t N, const float *W, size_t ldw, uint32_t *turned, size_t ld);

  /* kernels.h's fma_chains, of SAC_DOT_FLOPS operations a round: a <- a + x's two bf16 . y's two,
   * 128 times on 12 chains of a register, or 16 times on 6 of a matrix tile. Returns what one sum
   * of each chain has gained, all chains together. */
  float (*dot_chains)(size_t rounds, uint32_t x, uint32_t y);
} sac_kernels_bf16;
enum { SAC_DOT_FLOPS = 4 * 12 * 128 * SAC_LANES };

extern const sac_kernels_bf16 sac_bf16_reference; /* plain C in double: the oracle */
extern const sac_kernels_bf16 sac_bf16_avx512, sac_bf16_amx;

/* The bf16 kernels in use, or those of the instruction set named, or NULL: there are some of avx512
 * where the CPU has AVX512-BF16, and of amx. As sac_kernels_get and sac_kernels_find. */
const sac_kernels_bf16 *sac_kernels_bf16_get(void);
const sac_kernels_bf16 *sac_kernels_bf16_find(const char *isa);

/* One half of a word as a float: bf16 is a float's upper half. */
static inline float sac_bf16_float(uint32_t word, int second) {
  const union {
    uint32_t u;
    float f;
  } x = {second ? word & 0xffff0000u : word << 16};
  return x.f;
}

#endif
