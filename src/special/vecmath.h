/* exp, expm1, log, log1p, sine and cosine in vd words, about 1 ulp each. Arguments must be finite
 * and in the range stated; lanes outside it give a finite number without meaning, never a trap. */
#ifndef SAC_SPECIAL_VECMATH_H
#define SAC_SPECIAL_VECMATH_H

#include "special/constants.h"
#include "special/vecd.h"

#define VD_COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* sum_k c[k] x^k by Horner; unrolled, because count is a constant at every call. */
static inline vd vd_poly(const double c[], int count, vd x) {
  vd sum = vd_set1(c[count - 1]);
  for (int k = count - 2; k >= 0; k--) sum = vd_fma(sum, x, vd_set1(c[k]));
  return sum;
}

/* x = n log 2 + r, |r| <= log(2)/2; *moved is n + 1.5 2^52, whose low bits are those of the integer
 * n. |x| < 2^30 */
static inline vd vd_reduce_log2(vd x, vd *n, vd *moved) {
  const vd ln2_high = vd_set1(0x1.62e42feep-1), ln2_low = vd_set1(0x1.a39ef35793c76p-33);
  const vd magic = vd_set1(0x1.8p52);
  *moved = vd_fma(x, vd_set1(1.4426950408889634074), magic);
  *n = *moved - magic;
  return vd_fma(*n, vd_set1(0.0) - ln2_low, vd_fma(*n, vd_set1(0.0) - ln2_high, x));
}

/* x 2^n for a normal x and result: n goes onto the exponent bits */
static inline vd vd_times_power(vd x, vd moved) {
  return vd_bits(vi_add(vi_bits(x), vi_shl(vi_bits(moved), 52)));
}

/* e^x, -708 <= x <= 709 */
static inline vd vd_exp(vd x) {
  vd n, moved;
  const vd r = vd_reduce_log2(x, &n, &moved);
  const vd tail = r * r * vd_poly(exp_poly, VD_COUNT(exp_poly), r);
  return vd_times_power(vd_set1(1.0) + (r + tail), moved);
}

/* vd_reduce_log2 in one step, for the fast functions: an error of n 2^-53 in r */
static inline vd vd_reduce_fast(vd x, vd *moved) {
  const vd magic = vd_set1(0x1.8p52);
  *moved = vd_fma(x, vd_set1(1.4426950408889634074), magic);
  return vd_fma(magic - *moved, vd_set1(0.69314718055994531), x);
}

/* e^x within a relative 1e-7 */
static inline vd vd_exp_fast(vd x) {
  vd moved;
  const vd r = vd_reduce_fast(x, &moved);
  return vd_times_power(vd_poly(exp_fast, VD_COUNT(exp_fast), r), moved);
}

/* e^x - 1: its distance from x within a relative 3e-9 while |x| < log(2)/2 */
static inline vd vd_expm1_fast(vd x) {
  const vd one = vd_set1(1.0);
  vd moved;
  const vd r = vd_reduce_fast(x, &moved);
  const vd small = vd_fma(r * r, vd_poly(exp_poly_fast, VD_COUNT(exp_poly_fast), r), r);
  const vd power = vd_times_power(one, moved);
  return vd_fma(power, small, power - one);
}

/* e^x - 1 and, in *rest, e^x - 1 - x without cancellation near 0; -700 <= x <= 700 */
static inline vd vd_expm1_rest(vd x, vd *rest) {
  const vd one = vd_set1(1.0);
  vd n, moved;
  const vd r = vd_reduce_log2(x, &n, &moved);
  const vd tail = r * r * vd_poly(exp_poly, VD_COUNT(exp_poly), r);
  const vd power = vd_times_power(one, moved);
  const vd whole = vd_fma(power, r + tail, power - one);
  *rest = vd_select(vd_lt(vd_abs(n), vd_set1(0.5)), tail, whole - x);
  return whole;
}

static inline vd vd_expm1(vd x) {
  vd rest;
  return vd_expm1_rest(x, &rest);
}

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)), for x > 0 normal */
static inline vd vd_split(vd x, vd *k) {
  const vi offset = vi_set1(0x3fe6a09e667f3bcdu), bias = vi_set1(0x3ff0000000000000u);
  const vi moved = vi_add(vi_sub(vi_bits(x), offset), bias);
  const vi biased = vi_shr(moved, 52); /* k + 1023 */
  *k = vd_bits(vi_or(biased, vi_set1(0x4330000000000000u))) - vd_set1(0x1p52 + 1023.0);
  return vd_bits(vi_add(vi_sub(vi_bits(x), vi_shl(biased, 52)), bias));
}

/* log(2^k (1 + f)) + low: with s = f/(2+f), log(1+f) = f - (f^2/2 - s (f^2/2 + R(s^2))) */
static inline vd vd_log_parts(vd k, vd f, vd low) {
  const vd ln2_high = vd_set1(0x1.62e42feep-1), ln2_low = vd_set1(0x1.a39ef35793c76p-33);
  const vd s = f / (vd_set1(2.0) + f), w = s * s;
  const vd half_square = vd_set1(0.5) * f * f;
  const vd R = w * vd_poly(log_poly, VD_COUNT(log_poly), w);
  const vd minor = vd_fma(k, ln2_low, vd_fma(s, half_square + R, low));
  return vd_fma(k, ln2_high, f - (half_square - minor));
}

/* log x, x > 0 normal and finite */
static inline vd vd_log(vd x) {
  vd k;
  const vd m = vd_split(x, &k);
  return vd_log_parts(k, m - vd_set1(1.0), vd_set1(0.0));
}

/* log(1 + x), -1 < x finite; what 1 + x rounds away comes back as a correction */
static inline vd vd_log1p(vd x) {
  const vd one = vd_set1(1.0), sum = one + x;
  const vm big = vd_lt(one, vd_abs(x)); /* subtract from the larger one */
  const vd lost = vd_select(big, one - (sum - x), x - (sum - one));
  vd k;
  const vd m = vd_split(sum, &k);
  return vd_log_parts(k, m - one, lost / sum);
}

/* sin and cos of pi x / 2, |x| < 2^50 */
static inline void vd_sincos_quarter(vd x, vd *sine, vd *cosine) {
  const vd quadrant = vd_round(x);
  const vd t = (x - quadrant) * vd_set1(1.57079632679489661923), w = t * t;
  const vd s = vd_fma(t * w, vd_poly(sin_poly, VD_COUNT(sin_poly), w), t);
  const vd c = vd_fma(w * w, vd_poly(cos_poly, VD_COUNT(cos_poly), w),
                      vd_fma(vd_set1(-0.5), w, vd_set1(1.0)));
  const vd half = quadrant * vd_set1(0.5), whole = vd_round(half - vd_set1(0.25));
  const vm odd = vd_lt(vd_set1(0.25), vd_abs(half - whole)); /* sine and cosine change places */
  const vd quarter = vd_round((quadrant + vd_set1(0.5)) * vd_set1(0.25) - vd_set1(0.5));
  const vd turn = vd_fma(vd_set1(-4.0), quarter, quadrant); /* 0 ... 3 */
  const vm minus_s = vd_lt(vd_set1(1.5), turn);
  const vm minus_c = vm_and(vd_lt(vd_set1(0.5), turn), vd_lt(turn, vd_set1(2.5)));
  const vd zero = vd_set1(0.0), a = vd_select(odd, c, s), b = vd_select(odd, s, c);
  *sine = vd_select(minus_s, zero - a, a);
  *cosine = vd_select(minus_c, zero - b, b);
}

/* sin x for 0 <= x <= pi: x from the nearer multiple of pi, pi in two parts */
static inline vd vd_sin_0_pi(vd x) {
  const vd pi_high = vd_set1(3.14159265358979311600), pi_low = vd_set1(1.2246467991473532e-16);
  const vd folded = vd_select(vd_lt(vd_set1(1.57079632679489661923), x), (pi_high - x) + pi_low,
                              x); /* 0 ... pi/2 */
  const vd t = vd_set1(1.57079632679489661923) - folded;
  const vm steep = vd_lt(vd_set1(0.78539816339744831), folded);
  const vd arg = vd_select(steep, t + vd_set1(6.123233995736766e-17), folded), w = arg * arg;
  const vd s = vd_fma(arg * w, vd_poly(sin_poly, VD_COUNT(sin_poly), w), arg);
  const vd c = vd_fma(w * w, vd_poly(cos_poly, VD_COUNT(cos_poly), w),
                      vd_fma(vd_set1(-0.5), w, vd_set1(1.0)));
  return vd_select(steep, c, s);
}

#endif
