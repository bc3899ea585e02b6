/* Expectations by quadrature over u = F(z), and the costs whose gradients are compared. */
#ifndef SAC_TESTS_DIST_QUADRATURE_H
#define SAC_TESTS_DIST_QUADRATURE_H

#include "dist/families.h"

typedef double function_of_z(const sac_dist *d, const double theta[], double z, double latent[2],
                             int index);

/* E f(z) under theta: int f(Q(u)) du over each half, so that a kink at the median does no harm;
 * quantiles from whichever end is nearer */
static inline double expect(const sac_dist *d, const double theta[], function_of_z *f, int index) {
  const double h = 1.0 / 24.0, pi = 3.14159265358979323846;
  double sum = 0.0;
  for (int upper = 0; upper < 2; upper++) {
    for (int k = -120; k <= 120; k++) {
      const double t = h * k, q = exp(-pi * fabs(sinh(t)));
      const double near = 0.5 * q / (1.0 + q), weight = pi * cosh(t) * q / ((1.0 + q) * (1.0 + q));
      const double u = k < 0 ? near : 0.5 - near;
      if (near < 1e-290) continue;
      double z, latent[2];
      sac_error err;
      assert_ok(sac_dist_quantile(d, 1, theta, 0, &u, upper, &z, latent, &err), err);
      const double value = f(d, theta, z, latent, index);
      if (isfinite(value)) sum += weight * value;
    }
  }
  return 0.5 * sum * h;
}

enum { COSTS = 3 };
/* odd, even and neither; none oscillates, so that the quadrature of a heavy tail converges */
static inline double cost(int which, double z) {
  return which == 0 ? tanh(z) : which == 1 ? (1.0 + z) * exp(-0.5 * z * z) : 1.0 / (1.0 + z * z);
}
static inline double cost_slope(int which, double z) {
  if (which == 0) return 1.0 - tanh(z) * tanh(z);
  if (which == 1) return (1.0 - z - z * z) * exp(-0.5 * z * z);
  return -2.0 * z / ((1.0 + z * z) * (1.0 + z * z));
}

static inline double pathwise(const sac_dist *d, const double theta[], double z, double latent[2],
                              int index) {
  double v[4];
  sac_error err;
  assert_ok(sac_dist_velocity(d, 1, theta, 0, &z, latent, v, NULL, &err), err);
  return v[index / COSTS] * cost_slope(index % COSTS, z);
}

static inline double with_score(const sac_dist *d, const double theta[], double z, double latent[2],
                                int index) {
  double s[4];
  sac_error err;
  assert_ok(sac_dist_score(d, 1, theta, 0, &z, latent, s, &err), err);
  return s[index / COSTS] * cost(index % COSTS, z);
}

static inline double density(const sac_dist *d, const double theta[], double z) {
  double out;
  sac_error err;
  assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, NULL, &out, &err), err);
  return exp(out);
}

/* E[f' dz/dtheta] = d/dtheta E f, and the latter is E[f d log q/dtheta], plus what a moving end of
 * the support carries: p(high) f(high) and -p(low) f(low) */
static inline double derivative_of_expectation(const sac_dist *d, const visit *v, int index) {
  double sum = expect(d, v->theta, with_score, index);
  if (d == sac_dist_find("von_mises") && index / COSTS == 0) { /* loc -+ pi move with loc */
    const double pi = 3.14159265358979312, loc = v->theta[0];
    sum += density(d, v->theta, loc + pi) *
           (cost(index % COSTS, loc + pi) - cost(index % COSTS, loc - pi));
  }
  if (!d->support) return sum;
  const double low = v->theta[2], high = v->theta[3];
  if (index / COSTS == 2) sum -= density(d, v->theta, low) * cost(index % COSTS, low);
  if (index / COSTS == 3) sum += density(d, v->theta, high) * cost(index % COSTS, high);
  return sum;
}

#endif
