/* The delta method as a control variate [MC20]: near the mean m of q,
 *   c(z) = f(m) + sum_k f'_k(m) x_k + 1/2 sum_k f''_kk(m) x_k^2,  x = z - m,
 * behaves like f, and its expectation's gradient is known: with m held fixed,
 *   dE[c]/dtheta = sum_k f'_k dmean_k/dtheta + 1/2 f''_kk dvariance_k/dtheta.
 * The cross terms are left out: they would need the covariances. */
#include "grad/delta.h"

#include "grad/estimators.h"

enum { MAX = SAC_DIST_MAX_DIM };

typedef struct expansion {
  double mean[MAX], variance[MAX];
  double value, slope[MAX], curve[MAX]; /* f, f', f'' at the mean */
} expansion;

sac_status sac_grad_delta_check(const sac_grad_job *job, sac_error *err) {
  if (!job->p->cost.f || !job->p->cost.df)
    return sac_fail(err, SAC_ERR_ARG, "grad: baseline delta needs f and df");
  if (job->d->mean && job->d->variance) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "grad: baseline delta: %s has no mean and variance",
                  job->d->name);
}

static sac_status moments(const sac_grad_job *job, const double theta[], double mean[],
                          double variance[], sac_error *err) {
  SAC_TRY(sac_dist_mean(job->d, 1, theta, 0, mean, err));
  SAC_TRY(sac_dist_variance(job->d, 1, theta, 0, variance, err));
  for (size_t k = 0; k < job->D; k++)
    if (!isfinite(mean[k]) || !isfinite(variance[k]))
      return sac_fail(err, SAC_ERR_DOMAIN,
                      "grad: baseline delta: %s has mean %g and variance %g: must be finite",
                      job->d->name, mean[k], variance[k]);
  return SAC_OK;
}

/* f, f' and the diagonal of f'' at the mean, the last by central differences of df */
static sac_status expand(sac_grad_job *job, expansion *e, sac_error *err) {
  const sac_grad_cost *cost = &job->p->cost;
  const size_t D = job->D;
  SAC_TRY(moments(job, job->theta, e->mean, e->variance, err));
  cost->f(cost->context, 1, job->theta, e->mean, &e->value);
  cost->df(cost->context, 1, job->theta, e->mean, e->slope);
  for (size_t k = 0; k < D; k++) {
    double points[2 * MAX], slopes[2 * MAX];
    const double h = 1e-4 * sqrt(e->variance[k]);
    for (size_t i = 0; i < 2 * D; i++) points[i] = e->mean[i % D];
    points[k] -= h;
    points[D + k] += h;
    cost->df(cost->context, 2, job->theta, points, slopes);
    e->curve[k] = (slopes[D + k] - slopes[k]) / (points[D + k] - points[k]);
    if (!isfinite(e->value) || !isfinite(e->slope[k]) || !isfinite(e->curve[k]))
      return sac_fail(
          err, SAC_ERR_DIVERGED,
          "grad: baseline delta: the cost or its derivatives are not finite at the mean "
          "%g",
          e->mean[k]);
  }
  job->calls += 1;
  job->slope_calls += 1 + 2 * D;
  return SAC_OK;
}

/* E[c] less f(m), for a theta nearby: f' (mean - m) + f''/2 (variance + (mean - m)^2) */
static sac_status expected(sac_grad_job *job, const expansion *e, double *out, sac_error *err) {
  double mean[MAX], variance[MAX];
  SAC_TRY(moments(job, job->moved, mean, variance, err));
  *out = 0.0;
  for (size_t k = 0; k < job->D; k++) {
    const double x = mean[k] - e->mean[k];
    *out += e->slope[k] * x + 0.5 * e->curve[k] * (variance[k] + x * x);
  }
  return SAC_OK;
}

/* dE[c]/dtheta_j by a fourth-order difference of closed forms: good to 1e-12 of its size */
static sac_status expected_rate(sac_grad_job *job, const expansion *e, size_t j, double *rate,
                                sac_error *err) {
  const double h = sac_grad_theta_step(job, j, 1e-3);
  double at[4];
  for (int k = 0; k < 4; k++) {
    for (size_t i = 0; i < job->P; i++) job->moved[i] = job->theta[i];
    job->moved[j] += (k < 2 ? k - 2 : k - 1) * h; /* -2 -1 1 2 */
    SAC_TRY(expected(job, e, &at[k], err));
  }
  *rate = (8.0 * (at[2] - at[1]) - (at[3] - at[0])) / (12.0 * h);
  return SAC_OK;
}

static double value_of(const sac_grad_job *job, const expansion *e, const double z[]) {
  double c = e->value;
  for (size_t k = 0; k < job->D; k++) {
    const double x = z[k] - e->mean[k];
    c += x * (e->slope[k] + 0.5 * e->curve[k] * x);
  }
  return c;
}

static void slope_of(const sac_grad_job *job, const expansion *e, const double z[], double out[]) {
  for (size_t k = 0; k < job->D; k++) out[k] = e->slope[k] + e->curve[k] * (z[k] - e->mean[k]);
}

sac_status sac_grad_delta_variate(sac_grad_job *job, sac_grad_carry *carry, double h[],
                                  sac_error *err) {
  const size_t n = job->n, P = job->P, D = job->D;
  expansion e;
  SAC_TRY(expand(job, &e, err));
  for (size_t i = 0; i < n; i++) {
    const double c = value_of(job, &e, job->z + i * D);
    slope_of(job, &e, job->z + i * D, job->other_z + i * D);
    for (size_t j = 0; j < P && !carry; j++) h[i * P + j] = c * job->w[i * P + j];
  }
  if (carry) SAC_TRY(carry(job, job->other_z, h, err));
  for (size_t j = 0; j < P; j++) {
    double rate = 0.0;
    if (sac_grad_wanted(job, j) && !isinf(job->theta[j]))
      SAC_TRY(expected_rate(job, &e, j, &rate, err));
    for (size_t i = 0; i < n; i++) h[i * P + j] -= rate;
  }
  return SAC_OK;
}
