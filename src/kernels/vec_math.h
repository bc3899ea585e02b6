/* exp, log, tanh and their kin on a register of floats. Each names its error; the kernels made of
 * them are held against double precision in tests/kernels/test_kernels.c, on every instruction set.
 */
#ifndef SAC_KERNELS_VEC_MATH_H
#define SAC_KERNELS_VEC_MATH_H

#include "kernels/vec.h"

/* y = n log 2 + r with integer n and |r| <= log(2)/2: the nearest integer falls out of adding 1.5
 * 2^23, and log 2 is subtracted in two parts, the first of which n multiplies exactly. |y| < 2^21.
 */
VF_INLINE vf vf_reduce_log2(vf y, vi *n) {
  const vf magic = vf_set1(12582912.0f); /* 1.5 * 2^23 = 0x4b400000 */
  const vf shifted = y * vf_set1(1.44269504f) + magic;
  *n = (vi)shifted - 0x4b400000;
  const vf k = shifted - magic;
  return vf_fma(k, vf_set1(-1.42860677e-6f), vf_fma(k, vf_set1(-0.693145752f), y));
}

/* e^r - 1 for |r| <= 0.35: the Taylor series to r^8, relative error 1e-9 before rounding. */
VF_INLINE vf vf_expm1_near0(vf r) {
  vf p = vf_set1(1.0f / 40320.0f);
  p = vf_fma(p, r, vf_set1(1.0f / 5040.0f));
  p = vf_fma(p, r, vf_set1(1.0f / 720.0f));
  p = vf_fma(p, r, vf_set1(1.0f / 120.0f));
  p = vf_fma(p, r, vf_set1(1.0f / 24.0f));
  p = vf_fma(p, r, vf_set1(1.0f / 6.0f));
  p = vf_fma(p, r, vf_set1(0.5f));
  return vf_fma(p, r * r, r);
}

/* 2^n, -126 <= n <= 127 */
VF_INLINE vf vf_pow2(vi n) {
  return (vf)((n + 127) << 23);
}

/* e^y; y is clamped to [-87, 88]. Relative error < 2e-7. */
VF_INLINE vf vf_exp(vf y) {
  vi n;
  const vf r = vf_reduce_log2(vf_min(vf_set1(88.0f), vf_max(vf_set1(-87.0f), y)), &n);
  const vf s = vf_pow2(n);
  return vf_fma(s, vf_expm1_near0(r), s);
}

/* log x for normal x > 0: x = m 2^n with m in [sqrt(1/2), sqrt 2), log m = 2 atanh((m-1)/(m+1)).
 * Error < 2e-7 max(1, |log x|), and relative 2e-7 near x = 1. */
VF_INLINE vf vf_log(vf x) {
  const vi bits = (vi)x - 0x3f3504f3; /* the float sqrt(1/2) */
  const vi n = bits >> 23;            /* arithmetic shift: floor */
  const vf m = (vf)((bits & 0x007fffff) + 0x3f3504f3);
  const vf f = m - vf_set1(1.0f), s = f / (m + vf_set1(1.0f)), s2 = s * s;
  vf p = vf_set1(2.0f / 9.0f);
  p = vf_fma(p, s2, vf_set1(2.0f / 7.0f));
  p = vf_fma(p, s2, vf_set1(2.0f / 5.0f));
  p = vf_fma(p, s2, vf_set1(2.0f / 3.0f));
  const vf log_m = vf_fma(p * s2, s, s + s);
  return vf_fma(__builtin_convertvector(n, vf), vf_set1(0.693147181f), log_m);
}

/* What the squashing a = tanh u needs, all from t = e^(-2|u|) - 1:
 *   a        tanh u = -sign(u) t / (2 + t)                           relative error < 4e-7
 *   slope    da/du = 1 - a^2 = 4 (1+t) / (2+t)^2                     relative error < 6e-7, |u| <=
 * 43 log_slope  log(1 - a^2) = 2 (log 2 - |u| - log(2+t))             error < 6e-7 max(1, |u|) None
 * of them cancels, however large u is. */
VF_INLINE void vf_tanh_all(vf u, vf *a, vf *slope, vf *log_slope) {
  const vf size = vf_abs(u);
  vi n;
  const vf r = vf_reduce_log2(vf_max(vf_set1(-87.0f), vf_set1(-2.0f) * size), &n);
  const vf s = vf_pow2(n), q = vf_expm1_near0(r);
  const vf t = vf_fma(s, q, s - vf_set1(1.0f)), e = vf_fma(s, q, s);
  const vf two_t = t + vf_set1(2.0f), inverse = vf_set1(1.0f) / two_t;
  const vi sign = (vi)u & (int32_t)0x80000000;
  *a = (vf)((vi)(-t * inverse) | sign);
  *slope = vf_set1(4.0f) * e * inverse * inverse;
  *log_slope = vf_set1(2.0f) * (vf_set1(0.693147181f) - size - vf_log(two_t));
}

VF_INLINE vf vf_tanh(vf u) {
  vf a, slope, log_slope;
  vf_tanh_all(u, &a, &slope, &log_slope);
  return a;
}

/* log(1 + e) for 0 <= e <= 1, relative error < 5e-7: the rounding of y = 1 + e is undone by the
 * factor e / (y - 1), which differs from 1 by just that rounding. */
VF_INLINE vf vf_log1p(vf e) {
  const vf one = vf_set1(1.0f), y = one + e, d = y - one;
  return vf_select(d == vf_set1(0.0f), e, vf_log(y) * (e / d));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|); relative error < 6e-7. */
VF_INLINE vf vf_softplus(vf x) {
  return vf_max(x, vf_set1(0.0f)) + vf_log1p(vf_exp(-vf_abs(x)));
}

/* cos(2 pi v) for |v| <= 1: folded to sin(2 pi z), |z| <= 1/4, and its Taylor series to the 11th
 * power; absolute error < 3e-7. */
VF_INLINE vf vf_cos_2pi(vf v) {
  const vf magic = vf_set1(12582912.0f);
  const vf y = v - ((v + magic) - magic); /* in [-1/2, 1/2] */
  const vf w = (vf_set1(0.25f) - vf_abs(y)) * vf_set1(6.28318531f), w2 = w * w;
  vf p = vf_set1(-1.0f / 39916800.0f);
  p = vf_fma(p, w2, vf_set1(1.0f / 362880.0f));
  p = vf_fma(p, w2, vf_set1(-1.0f / 5040.0f));
  p = vf_fma(p, w2, vf_set1(1.0f / 120.0f));
  p = vf_fma(p, w2, vf_set1(-1.0f / 6.0f));
  return vf_fma(p * w2, w, w);
}

#endif
