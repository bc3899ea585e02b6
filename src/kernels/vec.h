/* vf: one SIMD register of floats; vi: as many 32-bit integers. The kernel templates are written in
 * these words and in + - * / on them (GNU vector extensions) only, and compiled once an instruction
 * set. A file that includes this has set at most one of SAC_ISA_AVX512, SAC_ISA_AVX2, SAC_ISA_NEON.
 */
#ifndef SAC_KERNELS_VEC_H
#define SAC_KERNELS_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#if defined SAC_ISA_AVX2 || defined SAC_ISA_AVX512
#  include <immintrin.h>
#elif defined SAC_ISA_NEON
#  include <arm_neon.h>
#endif

#if defined SAC_ISA_AVX512
#  define VF_LANES        16
#  define VF_TILE_COLUMNS 4 /* registers across in a matrix tile: 6 x 4 of the 32 accumulate */
#elif defined SAC_ISA_AVX2
#  define VF_LANES        8
#  define VF_TILE_COLUMNS 2 /* 6 x 2 of the 16 */
#elif defined SAC_ISA_NEON
#  define VF_LANES        4
#  define VF_TILE_COLUMNS 4 /* 6 x 4 of the 32 */
#else
#  define VF_LANES        4
#  define VF_TILE_COLUMNS 2
#endif
#define VF_BYTES (4 * VF_LANES)

/* before a loop with a small constant count: all of it, so that an array of registers stays in
 * registers */
#if defined __clang__
#  define VF_UNROLL _Pragma("clang loop unroll(full)")
#else
#  define VF_UNROLL _Pragma("GCC unroll 16")
#endif

#define VF_INLINE static inline __attribute__((always_inline, unused))

typedef float vf __attribute__((vector_size(VF_BYTES)));
typedef int32_t vi __attribute__((vector_size(VF_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VF_BYTES)));
typedef float vf_unaligned __attribute__((vector_size(VF_BYTES), aligned(4), may_alias));
typedef uint32_t vu_unaligned __attribute__((vector_size(VF_BYTES), aligned(4), may_alias));

VF_INLINE vf vf_load(const float *p) {
  return *(const vf_unaligned *)p;
}
VF_INLINE void vf_store(float *p, vf a) {
  *(vf_unaligned *)p = a;
}
VF_INLINE vu vu_load(const uint32_t *p) {
  return *(const vu_unaligned *)p;
}

#if defined SAC_ISA_AVX512
VF_INLINE vf vf_set1(float a) {
  return _mm512_set1_ps(a);
}
VF_INLINE vf vf_fma(vf a, vf b, vf c) {
  return _mm512_fmadd_ps(a, b, c);
}
VF_INLINE vf vf_max(vf a, vf b) {
  return _mm512_max_ps(a, b);
}
VF_INLINE vf vf_min(vf a, vf b) {
  return _mm512_min_ps(a, b);
}
VF_INLINE vf vf_sqrt(vf a) {
  return _mm512_sqrt_ps(a);
}
#elif defined SAC_ISA_AVX2
VF_INLINE vf vf_set1(float a) {
  return _mm256_set1_ps(a);
}
VF_INLINE vf vf_fma(vf a, vf b, vf c) {
  return _mm256_fmadd_ps(a, b, c);
}
VF_INLINE vf vf_max(vf a, vf b) {
  return _mm256_max_ps(a, b);
}
VF_INLINE vf vf_min(vf a, vf b) {
  return _mm256_min_ps(a, b);
}
VF_INLINE vf vf_sqrt(vf a) {
  return _mm256_sqrt_ps(a);
}
#elif defined SAC_ISA_NEON
VF_INLINE vf vf_set1(float a) {
  return vdupq_n_f32(a);
}
VF_INLINE vf vf_fma(vf a, vf b, vf c) {
  return vfmaq_f32(c, a, b);
}
/* these two give NaN if either operand is NaN, which keeps one in more places than x86 does */
VF_INLINE vf vf_max(vf a, vf b) {
  return vmaxq_f32(a, b);
}
VF_INLINE vf vf_min(vf a, vf b) {
  return vminq_f32(a, b);
}
VF_INLINE vf vf_sqrt(vf a) {
  return vsqrtq_f32(a);
}
#else
VF_INLINE vf vf_set1(float a) {
  return (vf){a, a, a, a};
}
/* not fmaf(): without an FMA target that is a libm call an element */
VF_INLINE vf vf_fma(vf a, vf b, vf c) {
  return a * b + c;
}
VF_INLINE vf vf_pick(vi mask, vf a, vf b) {
  return (vf)((mask & (vi)a) | (~mask & (vi)b));
}
VF_INLINE vf vf_max(vf a, vf b) {
  return vf_pick(a > b, a, b);
}
VF_INLINE vf vf_min(vf a, vf b) {
  return vf_pick(a < b, a, b);
}
VF_INLINE vf vf_sqrt(vf a) {
  for (int i = 0; i < VF_LANES; i++) a[i] = sqrtf(a[i]);
  return a;
}
#endif

/* a0 b0 a1 b1 ... from the lower halves of a and b, and from the upper ones */
#if VF_LANES == 16
VF_INLINE vf vf_zip_low(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
VF_INLINE vf vf_zip_high(vf a, vf b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                 31);
}
#elif VF_LANES == 8
VF_INLINE vf vf_zip_low(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
VF_INLINE vf vf_zip_high(vf a, vf b) {
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#else
VF_INLINE vf vf_zip_low(vf a, vf b) {
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
VF_INLINE vf vf_zip_high(vf a, vf b) {
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
#endif

/* The transpose of a square of registers. Zipping row i with row i + VF_LANES/2, for all i, is a
 * rotation of the index bits of (row, column) by one; after log2(VF_LANES) of them rows and columns
 * have changed places. */
VF_INLINE void vf_turn(vf r[VF_LANES]) {
  vf z[VF_LANES];
  VF_UNROLL
  for (int stage = 1; stage < VF_LANES; stage *= 2) {
    VF_UNROLL
    for (int i = 0; i < VF_LANES / 2; i++) {
      z[2 * i] = vf_zip_low(r[i], r[i + VF_LANES / 2]);
      z[2 * i + 1] = vf_zip_high(r[i], r[i + VF_LANES / 2]);
    }
    VF_UNROLL
    for (int i = 0; i < VF_LANES; i++) r[i] = z[i];
  }
}

/* a where mask is all ones, b where it is zero */
VF_INLINE vf vf_select(vi mask, vf a, vf b) {
  return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

VF_INLINE vf vf_abs(vf a) {
  return (vf)((vi)a & 0x7fffffff);
}

/* The sum of the lanes, in a fixed order: upper half to lower, until one is left. */
#if VF_LANES == 16
VF_INLINE float vf_sum(vf a) {
  a += __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
  a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3);
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
  return a[0] + a[1];
}
#elif VF_LANES == 8
VF_INLINE float vf_sum(vf a) {
  a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 2, 3, 0, 1);
  return a[0] + a[1];
}
#else
VF_INLINE float vf_sum(vf a) {
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1);
  return a[0] + a[1];
}
#endif

#endif
