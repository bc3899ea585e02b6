/* NumPy's arithmetic where its last bit depends on how it is done. */
#ifndef SAC_MUJOCO_NUMPY_H
#define SAC_MUJOCO_NUMPY_H

#include <math.h>
#include <stddef.h>

/* np.sum(np.square(x)), n <= 128: below 8 in order, else in eight columns that are added as a tree,
 * then the rest [numpy/_core/src/umath/loops_utils.h.src, pairwise_sum]. */
static inline double sum_of_squares(size_t n, const double x[]) {
  double r[8] = {0}, sum = 0.0;
  size_t i = 0;
  for (; n >= 8 && i + 8 <= n; i += 8)
    for (size_t k = 0; k < 8; k++) r[k] += x[i + k] * x[i + k];
  if (n >= 8) sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; i++) sum += x[i] * x[i];
  return sum;
}

/* The same of float32, in float32: actions keep their width in NumPy's arithmetic. */
static inline float sum_of_squares_f32(size_t n, const float x[]) {
  float r[8] = {0}, sum = 0.0f;
  size_t i = 0;
  for (; n >= 8 && i + 8 <= n; i += 8)
    for (size_t k = 0; k < 8; k++) r[k] += x[i + k] * x[i + k];
  if (n >= 8) sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
  for (; i < n; i++) sum += x[i] * x[i];
  return sum;
}

/* np.clip(x, -limit, limit); NaN stays. */
static inline double clip(double x, double limit) {
  return x < -limit ? -limit : x > limit ? limit : x;
}

/* A scalar's x ** 2 is a call of pow, whose last bit is not always x * x's; the compiler may not
 * know the exponent, or it would make a product of it. */
static const volatile double numpy_two = 2.0;
static inline double square(double x) {
  return pow(x, numpy_two);
}

/* x rounded to float32. gcc 12's vectoriser takes two neighbouring (double)(float)x for no change
 * at all, hence the volatile. */
static inline double round_f32(double x) {
  const volatile float rounded = (float)x;
  return (double)rounded;
}

/* |a - b| of three coordinates. */
static inline double distance(const double a[3], const double b[3]) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return sqrt(x * x + y * y + z * z);
}

#endif
