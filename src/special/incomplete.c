/* Incomplete gamma and beta: a tail is its density times the integral that the transport quadrature
 * gives, so both tails keep their relative accuracy. */
#include "special/incomplete.h"
#include "sac/special.h"
#include "special/solve.h"

#include <math.h>

static const double log_2pi = 1.83787706640934548356;
enum { LARGE = 10 };

/* ---- gamma ---------------------------------------------------------------------------------- */

double sac_gamma_log_kernel(double a, double z, double log_z) {
  if (a < LARGE) return a * log_z - z + log(a) - sac_lgamma1p(a);
  /* a large: deviance from z = a, plus what Stirling leaves */
  const double r = (z - a) / a;
  const double deviance = r > -0.5 && r < 1.0 ? a * sac_log1pmx(r) : a * (log_z - log(a)) - (z - a);
  return deviance + 0.5 * (log(a) - log_2pi) - sac_stirling(a);
}

/* Q for a < 1, z <= 1.5: P = z^a/Gamma(1+a) (1 + a R), R = sum (-z)^n/(n! (a+n)); then 1 - P is of
 * order a and is put together from terms of order a. */
static double upper_of_small(double a, double z, double log_z) {
  double term = 1.0, R = 0.0;
  for (int n = 1; n < 30; n++) {
    term *= -z / n;
    R += term / (a + n);
  }
  const double log_power = a * log_z - sac_lgamma1p(a);
  return -expm1(log_power) - exp(log_power) * a * R;
}

/* signed as the kernel's mills: log of the tail that was integrated */
static double gamma_tail(double a, double z, double log_z, int *is_upper) {
  double v[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD];
  sac_transport_get()->gamma(1, SAC_LANE(a), SAC_LANE(z), SAC_LANE(log_z), v, mills);
  *is_upper = mills[0] > 0.0;
  return sac_gamma_log_kernel(a, z, log_z) + log(fabs(mills[0]));
}

void sac_gamma_log_pq(double a, double z, double log_z, double *lower, double *upper) {
  if (!(a > 0.0 && z >= 0.0) || isnan(log_z)) {
    *lower = *upper = (double)NAN;
  } else if (log_z == -HUGE_VAL || z == HUGE_VAL) {
    *lower = log_z == -HUGE_VAL ? -HUGE_VAL : 0.0;
    *upper = log_z == -HUGE_VAL ? 0.0 : -HUGE_VAL;
  } else {
    int is_upper;
    const double tail = fmin(gamma_tail(a, z, log_z, &is_upper), 0.0);
    const double rest = a < 1.0 && z <= 1.5 ? log(upper_of_small(a, z, log_z)) : sac_log1mexp(tail);
    *lower = is_upper ? rest : tail;
    *upper = is_upper ? tail : rest;
  }
}

/* a tail's log -> the tail and its complement, which is `rest` unless that is NaN */
static void both_tails(double log_tail, int is_upper, double rest, double *lower, double *upper) {
  const double tail = exp(log_tail), other = isnan(rest) ? -expm1(log_tail) : rest;
  *lower = is_upper ? other : tail;
  *upper = is_upper ? tail : other;
}

void sac_gamma_pq_n(size_t n, const double a[], const double z[], const double log_z[],
                    double lower[], double upper[]) {
  double A[SAC_LANES], Z[SAC_LANES], Y[SAC_LANES], v[SAC_LANES], mills[SAC_LANES], at[SAC_LANES];
  unsigned char series[SAC_LANES];
  size_t slot[SAC_LANES];
  for (size_t i = 0; i < n; i++) {
    at[i] = z[i] < 1e290 ? z[i] : 1e290;
    series[i] = at[i] <= SAC_GAMMA_EDGE;
  }
  sac_lanes_arrange(n, series, slot);
  sac_lanes_place(n, slot, a, A);
  sac_lanes_place(n, slot, at, Z);
  for (size_t i = 0; i < n; i++) at[i] = log_z[i] > -1e300 ? fmin(log_z[i], 700.0) : -1e300;
  sac_lanes_place(n, slot, at, Y);
  sac_transport_get()->gamma(n, A, Z, Y, v, mills);
  for (size_t i = 0; i < n; i++) {
    if (log_z[i] == -HUGE_VAL || z[i] == HUGE_VAL) {
      lower[i] = log_z[i] == -HUGE_VAL ? 0.0 : 1.0;
      upper[i] = 1.0 - lower[i];
      continue;
    }
    const double m = mills[slot[i]];
    const double log_tail = fmin(sac_gamma_log_kernel(a[i], z[i], log_z[i]) + log(fabs(m)), 0.0);
    const int small = a[i] < 1.0 && z[i] <= SAC_GAMMA_EDGE;
    both_tails(log_tail, m > 0.0, small ? upper_of_small(a[i], z[i], log_z[i]) : (double)NAN,
               &lower[i], &upper[i]);
  }
}

void sac_gamma_pq(double a, double z, double log_z, double *lower, double *upper) {
  if (!(a > 0.0 && z >= 0.0) || isnan(log_z)) {
    *lower = *upper = (double)NAN;
    return;
  }
  sac_gamma_pq_n(1, &a, &z, &log_z, lower, upper);
}

typedef struct gamma_target {
  double a;
  int upper;
} gamma_target;

static void gamma_log_tail(const void *context, double y, double *log_tail, double *slope) {
  const gamma_target *t = context;
  const double z = exp(y);
  double l, u;
  sac_gamma_log_pq(t->a, z, y, &l, &u);
  *log_tail = t->upper ? u : l;
  *slope = (t->upper ? -1.0 : 1.0) * exp(sac_gamma_log_kernel(t->a, z, y) - *log_tail);
}

double sac_gamma_log_inverse(double a, double lower, double upper) {
  if (!(a > 0.0 && lower >= 0.0 && upper >= 0.0)) return (double)NAN;
  if (lower == 0.0) return -HUGE_VAL;
  if (upper == 0.0) return HUGE_VAL;
  const gamma_target target = {.a = a, .upper = upper < lower};
  const double goal = log(target.upper ? upper : lower);
  double start;
  if (a < 1.0) { /* P ~ z^a/Gamma(a+1) for small z */
    start = fmin((log(lower) + sac_lgamma1p(a)) / a, 1.0);
  } else { /* Wilson and Hilferty: a gamma's cube root is nearly normal */
    const double x = target.upper ? -sac_ndtri(upper) : sac_ndtri(lower), s = 1.0 / (9.0 * a);
    const double root = 1.0 - s + x * sqrt(s);
    start = root > 0.05 ? log(a) + 3.0 * log(root) : (log(lower) + sac_lgamma1p(a)) / a;
  }
  return sac_solve_tail(gamma_log_tail, &target, !target.upper, goal, -HUGE_VAL, 709.0, start);
}

/* ---- beta ----------------------------------------------------------------------------------- */

/* a (log x - log x0) - (linear part), x0 = a/(a+b), r = x/x0 - 1 */
static double beta_deviance(double a, double b, double r, double log_x) {
  if (r > -0.5 && r < 1.0) return a * sac_log1pmx(r);
  return a * (log_x + log1p(b / a) - r);
}

double sac_beta_log_kernel(double a, double b, double log_x, double log_xm) {
  if (a < LARGE || b < LARGE) return a * log_x + b * log_xm - sac_lbeta(a, b);
  const double x = exp(log_x), xm = exp(log_xm), e = b * x - a * xm;
  return beta_deviance(a, b, e / a, log_x) + beta_deviance(b, a, -e / b, log_xm) +
         0.5 * (log(a) + log(b) - log(a + b) - log_2pi) -
         (sac_stirling(a) + sac_stirling(b) - sac_stirling(a + b));
}

static double beta_tail(double a, double b, double log_x, double log_xm, int *is_upper) {
  double va[SAC_VECTOR_PAD], vb[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD];
  sac_transport_get()->beta(1, SAC_LANE(a), SAC_LANE(b), SAC_LANE(exp(log_x)),
                            SAC_LANE(exp(log_xm)), SAC_LANE(log_x), SAC_LANE(log_xm), va, vb,
                            mills);
  *is_upper = mills[0] > 0.0;
  return sac_beta_log_kernel(a, b, log_x, log_xm) + log(fabs(mills[0]));
}

void sac_beta_log_pq(double a, double b, double log_x, double log_xm, double *lower,
                     double *upper) {
  if (!(a > 0.0 && b > 0.0 && log_x <= 0.0 && log_xm <= 0.0)) {
    *lower = *upper = (double)NAN;
  } else if (log_x == -HUGE_VAL || log_xm == -HUGE_VAL) {
    *lower = log_x == -HUGE_VAL ? -HUGE_VAL : 0.0;
    *upper = log_x == -HUGE_VAL ? 0.0 : -HUGE_VAL;
  } else {
    int is_upper;
    const double tail = fmin(beta_tail(a, b, log_x, log_xm, &is_upper), 0.0);
    const double rest = sac_log1mexp(tail);
    *lower = is_upper ? rest : tail;
    *upper = is_upper ? tail : rest;
  }
}

void sac_beta_pq_n(size_t n, const double a[], const double b[], const double log_x[],
                   const double log_xm[], double lower[], double upper[]) {
  double in[6][SAC_LANES], sorted[6][SAC_LANES], va[SAC_LANES], vb[SAC_LANES], mills[SAC_LANES];
  unsigned char series[SAC_LANES];
  size_t slot[SAC_LANES];
  for (size_t i = 0; i < n; i++) {
    in[0][i] = a[i];
    in[1][i] = b[i];
    in[2][i] = exp(log_x[i]);
    in[3][i] = exp(log_xm[i]);
    in[4][i] = log_x[i] > -1e300 ? log_x[i] : -1e300;
    in[5][i] = log_xm[i] > -1e300 ? log_xm[i] : -1e300;
    series[i] = (in[2][i] <= 0.5 ? b[i] * in[2][i] : a[i] * in[3][i]) <= SAC_BETA_EDGE;
  }
  sac_lanes_arrange(n, series, slot);
  for (int k = 0; k < 6; k++) sac_lanes_place(n, slot, in[k], sorted[k]);
  sac_transport_get()->beta(n, sorted[0], sorted[1], sorted[2], sorted[3], sorted[4], sorted[5], va,
                            vb, mills);
  for (size_t i = 0; i < n; i++) {
    if (log_x[i] == -HUGE_VAL || log_xm[i] == -HUGE_VAL) {
      lower[i] = log_x[i] == -HUGE_VAL ? 0.0 : 1.0;
      upper[i] = 1.0 - lower[i];
      continue;
    }
    const double m = mills[slot[i]];
    const double log_tail =
        fmin(sac_beta_log_kernel(a[i], b[i], log_x[i], log_xm[i]) + log(fabs(m)), 0.0);
    both_tails(log_tail, m > 0.0, (double)NAN, &lower[i], &upper[i]);
  }
}

void sac_beta_pq(double a, double b, double log_x, double log_xm, double *lower, double *upper) {
  if (!(a > 0.0 && b > 0.0 && log_x <= 0.0 && log_xm <= 0.0)) {
    *lower = *upper = (double)NAN;
    return;
  }
  sac_beta_pq_n(1, &a, &b, &log_x, &log_xm, lower, upper);
}

typedef struct beta_target {
  double a, b;
  int upper;
} beta_target;

static void beta_log_tail(const void *context, double y, double *log_tail, double *slope) {
  const beta_target *t = context;
  const double log_x = -sac_log1pexp(-y), log_xm = -sac_log1pexp(y);
  double l, u;
  sac_beta_log_pq(t->a, t->b, log_x, log_xm, &l, &u);
  *log_tail = t->upper ? u : l;
  *slope =
      (t->upper ? -1.0 : 1.0) * exp(sac_beta_log_kernel(t->a, t->b, log_x, log_xm) - *log_tail);
}

double sac_beta_logit_inverse(double a, double b, double lower, double upper) {
  if (!(a > 0.0 && b > 0.0 && lower >= 0.0 && upper >= 0.0)) return (double)NAN;
  if (lower == 0.0) return -HUGE_VAL;
  if (upper == 0.0) return HUGE_VAL;
  const beta_target target = {.a = a, .b = b, .upper = upper < lower};
  const double goal = log(target.upper ? upper : lower);
  /* the power law of the end that the tail is at, or the mean */
  const double left = (log(lower) + log(a) + sac_lbeta(a, b)) / a;
  const double right = (log(upper) + log(b) + sac_lbeta(a, b)) / b;
  double start = log(a) - log(b);
  if (left < fmin(-2.0, start)) start = left;
  if (right < fmin(-2.0, -start)) start = -right;
  return sac_solve_tail(beta_log_tail, &target, !target.upper, goal, -HUGE_VAL, HUGE_VAL, start);
}
