/* Words on pairs of bf16, beside those of vec.h: a register of VF_LANES words, two bf16 each. They
 * are there where the instruction set is AVX-512 with AVX512-BF16. */
#ifndef SAC_KERNELS_VEC_BF16_H
#define SAC_KERNELS_VEC_BF16_H

#include "kernels/vec.h"

typedef int16_t vs __attribute__((vector_size(VF_BYTES)));

VF_INLINE vu vu_set1(uint32_t a) {
  return (vu)_mm512_set1_epi32((int)a);
}
VF_INLINE void vu_store(uint32_t *p, vu a) {
  *(vu_unaligned *)p = a;
}
/* half a register: the columns of one vf */
VF_INLINE vu vu_load_half(const uint32_t *p) {
  return (vu)_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)p));
}
VF_INLINE void vu_store_half(uint32_t *p, vu a) {
  _mm256_storeu_si256((__m256i *)p, _mm512_castsi512_si256((__m512i)a));
}

/* c + a's first bf16 times b's + the second times the second, in each lane. The two products are
 * exact; the sums are rounded to nearest, subnormals are zero. */
VF_INLINE vf vf_dot_pairs(vf c, vu a, vu b) {
  return _mm512_dpbf16_ps(c, (__m512bh)(__m512i)a, (__m512bh)(__m512i)b);
}

/* Two registers of consecutive floats to 2 VF_LANES consecutive bf16. */
VF_INLINE vu vf_to_bf16(vf first, vf second) {
  return (vu)(__m512i)_mm512_cvtne2ps_pbh(second, first);
}

/* Consecutive bf16 to floats. */
VF_INLINE vf vf_from_bf16(const uint32_t *p) {
  const __m256i half = _mm256_loadu_si256((const __m256i *)p);
  return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

/* Each float to the nearest bf16, as a float. */
VF_INLINE vf vf_rounded(vf a) {
  const __m256i half = (__m256i)_mm512_cvtneps_pbh(a);
  return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

/* Rows x and y of consecutive bf16 to words: x's bf16 number i beside y's, for i in the first or in
 * the second half of a register. */
VF_INLINE vu vu_pair_low(vu x, vu y) {
  return (vu)__builtin_shufflevector((vs)x, (vs)y, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38,
                                     7, 39, 8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46,
                                     15, 47);
}
VF_INLINE vu vu_pair_high(vu x, vu y) {
  return (vu)__builtin_shufflevector((vs)x, (vs)y, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53,
                                     22, 54, 23, 55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61,
                                     30, 62, 31, 63);
}

/* The first half of a register beside its second half. */
VF_INLINE vu vu_interleave(vu x) {
  return (vu)__builtin_shufflevector((vs)x, (vs)x, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22,
                                     7, 23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30,
                                     15, 31);
}

/* a where the bf16 of mask is > 0, else 0 */
VF_INLINE vu vu_where_positive(vu a, vu mask) {
  return (vu)((vs)a & ((vs)mask > 0));
}

#endif
