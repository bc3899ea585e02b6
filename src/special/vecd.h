/* vd: one SIMD register of doubles, vm: a mask of its lanes, vi: its lanes as 64-bit integers. The
 * templates of this folder are written in these words and in + - * / only; a file per instruction
 * set includes them. The generic lane is a plain double. */
#ifndef SAC_SPECIAL_VECD_H
#define SAC_SPECIAL_VECD_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#if defined SAC_ISA_AVX512
#  include <immintrin.h>
#  define VD_LANES 8
typedef __m512d vd;
typedef __m512i vi;
typedef __mmask8 vm;
static inline vd vd_load(const double *p) {
  return _mm512_loadu_pd(p);
}
static inline void vd_store(double *p, vd a) {
  _mm512_storeu_pd(p, a);
}
static inline vd vd_set1(double a) {
  return _mm512_set1_pd(a);
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return _mm512_fmadd_pd(a, b, c);
}
static inline vd vd_min(vd a, vd b) {
  return _mm512_min_pd(a, b);
}
static inline vd vd_max(vd a, vd b) {
  return _mm512_max_pd(a, b);
}
static inline vd vd_abs(vd a) {
  return _mm512_abs_pd(a);
}
static inline vd vd_sqrt(vd a) {
  return _mm512_sqrt_pd(a);
}
static inline vm vd_lt(vd a, vd b) {
  return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}
static inline vm vd_le(vd a, vd b) {
  return _mm512_cmp_pd_mask(a, b, _CMP_LE_OQ);
}
static inline vd vd_select(vm m, vd a, vd b) {
  return _mm512_mask_blend_pd(m, b, a);
}
static inline vm vm_and(vm a, vm b) {
  return (vm)(a & b);
}
static inline vm vm_or(vm a, vm b) {
  return (vm)(a | b);
}
static inline vm vm_not(vm a) {
  return (vm)~a;
}
static inline int vm_any(vm a) {
  return a != 0;
}
/* at -O0 gcc's intrinsic is a macro that converts a mask's sign */
#  pragma GCC diagnostic push
#  pragma GCC diagnostic ignored "-Wsign-conversion"
static inline vd vd_round(vd a) {
  return _mm512_roundscale_pd(a, 0);
}
#  pragma GCC diagnostic pop
static inline vd vd_scale(vd a, vd n) {
  return _mm512_scalef_pd(a, n);
}
/* 1/a to 28 bits: the hardware's 14 and one step of Newton */
static inline vd vd_recip_fast(vd a) {
  const vd r = _mm512_rcp14_pd(a);
  return _mm512_fmadd_pd(_mm512_fnmadd_pd(a, r, _mm512_set1_pd(1.0)), r, r);
}
static inline vi vi_bits(vd a) {
  return _mm512_castpd_si512(a);
}
static inline vd vd_bits(vi a) {
  return _mm512_castsi512_pd(a);
}
static inline vi vi_set1(uint64_t a) {
  return _mm512_set1_epi64((long long)a);
}
static inline vi vi_ramp(void) {
  return _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
}
static inline vi vi_add(vi a, vi b) {
  return _mm512_add_epi64(a, b);
}
static inline vi vi_sub(vi a, vi b) {
  return _mm512_sub_epi64(a, b);
}
static inline vi vi_mul32(vi a, vi b) {
  return _mm512_mul_epu32(a, b);
}
static inline vi vi_and(vi a, vi b) {
  return _mm512_and_si512(a, b);
}
static inline vi vi_or(vi a, vi b) {
  return _mm512_or_si512(a, b);
}
static inline vi vi_xor(vi a, vi b) {
  return _mm512_xor_si512(a, b);
}
#  define vi_shl(a, k) _mm512_slli_epi64(a, k)
#  define vi_shr(a, k) _mm512_srli_epi64(a, k)
#elif defined SAC_ISA_AVX2
#  include <immintrin.h>
#  define VD_LANES     4
typedef __m256d vd;
typedef __m256i vi;
typedef __m256d vm;
static inline vd vd_load(const double *p) {
  return _mm256_loadu_pd(p);
}
static inline void vd_store(double *p, vd a) {
  _mm256_storeu_pd(p, a);
}
static inline vd vd_set1(double a) {
  return _mm256_set1_pd(a);
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return _mm256_fmadd_pd(a, b, c);
}
static inline vd vd_min(vd a, vd b) {
  return _mm256_min_pd(a, b);
}
static inline vd vd_max(vd a, vd b) {
  return _mm256_max_pd(a, b);
}
static inline vd vd_abs(vd a) {
  return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a);
}
static inline vd vd_sqrt(vd a) {
  return _mm256_sqrt_pd(a);
}
static inline vm vd_lt(vd a, vd b) {
  return _mm256_cmp_pd(a, b, _CMP_LT_OQ);
}
static inline vm vd_le(vd a, vd b) {
  return _mm256_cmp_pd(a, b, _CMP_LE_OQ);
}
static inline vd vd_select(vm m, vd a, vd b) {
  return _mm256_blendv_pd(b, a, m);
}
static inline vm vm_and(vm a, vm b) {
  return _mm256_and_pd(a, b);
}
static inline vm vm_or(vm a, vm b) {
  return _mm256_or_pd(a, b);
}
static inline vm vm_not(vm a) {
  return _mm256_xor_pd(a, _mm256_castsi256_pd(_mm256_set1_epi64x(-1)));
}
static inline int vm_any(vm a) {
  return _mm256_movemask_pd(a) != 0;
}
static inline vd vd_round(vd a) {
  return _mm256_round_pd(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline vi vi_bits(vd a) {
  return _mm256_castpd_si256(a);
}
static inline vd vd_bits(vi a) {
  return _mm256_castsi256_pd(a);
}
static inline vi vi_set1(uint64_t a) {
  return _mm256_set1_epi64x((long long)a);
}
static inline vi vi_ramp(void) {
  return _mm256_set_epi64x(3, 2, 1, 0);
}
static inline vi vi_add(vi a, vi b) {
  return _mm256_add_epi64(a, b);
}
static inline vi vi_sub(vi a, vi b) {
  return _mm256_sub_epi64(a, b);
}
static inline vi vi_mul32(vi a, vi b) {
  return _mm256_mul_epu32(a, b);
}
static inline vi vi_and(vi a, vi b) {
  return _mm256_and_si256(a, b);
}
static inline vi vi_or(vi a, vi b) {
  return _mm256_or_si256(a, b);
}
static inline vi vi_xor(vi a, vi b) {
  return _mm256_xor_si256(a, b);
}
#  define vi_shl(a, k) _mm256_slli_epi64(a, k)
#  define vi_shr(a, k) _mm256_srli_epi64(a, k)
#elif defined SAC_ISA_NEON
#  include <arm_neon.h>
#  define VD_LANES     2
typedef float64x2_t vd;
typedef uint64x2_t vi;
typedef uint64x2_t vm;
static inline vd vd_load(const double *p) {
  return vld1q_f64(p);
}
static inline void vd_store(double *p, vd a) {
  vst1q_f64(p, a);
}
static inline vd vd_set1(double a) {
  return vdupq_n_f64(a);
}
static inline vd vd_fma(vd a, vd b, vd c) {
  return vfmaq_f64(c, a, b);
}
static inline vd vd_min(vd a, vd b) {
  return vminq_f64(a, b);
}
static inline vd vd_max(vd a, vd b) {
  return vmaxq_f64(a, b);
}
static inline vd vd_abs(vd a) {
  return vabsq_f64(a);
}
static inline vd vd_sqrt(vd a) {
  return vsqrtq_f64(a);
}
static inline vm vd_lt(vd a, vd b) {
  return vcltq_f64(a, b);
}
static inline vm vd_le(vd a, vd b) {
  return vcleq_f64(a, b);
}
static inline vd vd_select(vm m, vd a, vd b) {
  return vbslq_f64(m, a, b);
}
static inline vm vm_and(vm a, vm b) {
  return vandq_u64(a, b);
}
static inline vm vm_or(vm a, vm b) {
  return vorrq_u64(a, b);
}
static inline vm vm_not(vm a) {
  return veorq_u64(a, vdupq_n_u64(~UINT64_C(0)));
}
static inline int vm_any(vm a) {
  return vmaxvq_u32(vreinterpretq_u32_u64(a)) != 0;
}
static inline vd vd_round(vd a) {
  return vrndnq_f64(a);
}
static inline vi vi_bits(vd a) {
  return vreinterpretq_u64_f64(a);
}
static inline vd vd_bits(vi a) {
  return vreinterpretq_f64_u64(a);
}
static inline vi vi_set1(uint64_t a) {
  return vdupq_n_u64(a);
}
static inline vi vi_ramp(void) {
  return (vi){0, 1};
}
static inline vi vi_add(vi a, vi b) {
  return vaddq_u64(a, b);
}
static inline vi vi_sub(vi a, vi b) {
  return vsubq_u64(a, b);
}
static inline vi vi_mul32(vi a, vi b) {
  return vmull_u32(vmovn_u64(a), vmovn_u64(b));
}
static inline vi vi_and(vi a, vi b) {
  return vandq_u64(a, b);
}
static inline vi vi_or(vi a, vi b) {
  return vorrq_u64(a, b);
}
static inline vi vi_xor(vi a, vi b) {
  return veorq_u64(a, b);
}
#  define vi_shl(a, k) vshlq_n_u64(a, k)
#  define vi_shr(a, k) vshrq_n_u64(a, k)
#else
#  define VD_LANES     1
typedef double vd;
typedef uint64_t vi;
typedef int vm;
static inline vd vd_load(const double *p) {
  return *p;
}
static inline void vd_store(double *p, vd a) {
  *p = a;
}
static inline vd vd_set1(double a) {
  return a;
}
/* Not fma(): without an FMA target that is a libm call. */
static inline vd vd_fma(vd a, vd b, vd c) {
  return a * b + c;
}
static inline vd vd_min(vd a, vd b) {
  return a < b ? a : b;
}
static inline vd vd_max(vd a, vd b) {
  return a > b ? a : b;
}
static inline vd vd_abs(vd a) {
  return fabs(a);
}
static inline vd vd_sqrt(vd a) {
  return sqrt(a);
}
static inline vm vd_lt(vd a, vd b) {
  return a < b;
}
static inline vm vd_le(vd a, vd b) {
  return a <= b;
}
static inline vd vd_select(vm m, vd a, vd b) {
  return m ? a : b;
}
static inline vm vm_and(vm a, vm b) {
  return a & b;
}
static inline vm vm_or(vm a, vm b) {
  return a | b;
}
static inline vm vm_not(vm a) {
  return !a;
}
static inline int vm_any(vm a) {
  return a;
}
static inline vd vd_round(vd a) {
  return (a + 0x1.8p52) - 0x1.8p52;
} /* |a| < 2^51 */
static inline vi vi_bits(vd a) {
  vi b;
  memcpy(&b, &a, sizeof b);
  return b;
}
static inline vd vd_bits(vi a) {
  vd b;
  memcpy(&b, &a, sizeof b);
  return b;
}
static inline vi vi_set1(uint64_t a) {
  return a;
}
static inline vi vi_ramp(void) {
  return 0;
}
static inline vi vi_add(vi a, vi b) {
  return a + b;
}
static inline vi vi_sub(vi a, vi b) {
  return a - b;
}
static inline vi vi_mul32(vi a, vi b) {
  return (a & 0xffffffffu) * (b & 0xffffffffu);
}
static inline vi vi_and(vi a, vi b) {
  return a & b;
}
static inline vi vi_or(vi a, vi b) {
  return a | b;
}
static inline vi vi_xor(vi a, vi b) {
  return a ^ b;
}
#  define vi_shl(a, k) ((a) << (k))
#  define vi_shr(a, k) ((a) >> (k))
#endif

#if !defined SAC_ISA_AVX512
static inline vd vd_recip_fast(vd a) {
  return vd_set1(1.0) / a;
}

/* a 2^n for whole n in -1022 ... 1023: n goes into the exponent bits of 1. */
static inline vd vd_scale(vd a, vd n) {
  const vi shifted = vi_shl(vi_bits(n + vd_set1(0x1.8p52 + 1023.0)), 52);
  return a * vd_bits(shifted);
}
#endif

#endif
