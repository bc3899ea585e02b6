/* Measure-valued gradients [MC20]: dq/dtheta = c (q+ - q-) with q+ and q- densities, so
 *   dE/dtheta = c E[f(z+) - f(z-)]:
 * no derivative of f, two calls of f for each parameter. Coupled, z+ and z- are made of the same
 * draws. With W ~ Rayleigh (density w e^(-w^2/2)), M ~ double-sided Maxwell (x^2 e^(-x^2/2) up to
 * its factor), N normal, U uniform, E exponential, G(a) ~ Gamma(a, 1):
 *
 *   normal       mean   1/(sd sqrt(2 pi))  mean + sd W            mean - sd W
 *                sd     1/sd               mean + sd M            mean + sd N,  N = M U
 *   half_normal  scale  1/scale            scale |M|              scale |N|
 *   exponential  rate   1/rate             E/rate                 (E + E')/rate
 *   gamma        rate   a/rate             G(a)/rate              (G(a) + E)/rate
 *   inv. gamma   scale  a/scale            scale/G(a)             scale/(G(a) + E)
 *   weibull      scale  shape/scale        scale (E + E')^(1/k)   scale E^(1/k),  k = shape
 *   laplace      loc    1/(2 scale)        loc + scale E          loc - scale E
 *                scale  1/scale            loc +- scale (E + E')  loc +- scale E
 *   bernoulli    p      1                  1                      0
 *   poisson      rate   1                  z + 1                  z
 *   categorical  logit  pi_j               j                      z
 *
 * log_normal and tanh_normal are a normal's z, mapped; mvn_diagonal moves one coordinate. */
#include "grad/estimators.h"

#include <string.h>

/* One draw for parameter j: plus and minus (D) from the same randomness; returns c. */
typedef double pair(const sac_dist *d, const double theta[], size_t j, sac_stream *stream,
                    double plus[], double minus[]);

/* ---- ingredients ---------------------------------------------------------------------------- */

static double draw_exponential(sac_stream *stream) {
  return -log(sac_stream_uniform(stream));
}
static double draw_gamma(double a, sac_stream *stream) {
  double z;
  (void)sac_draw_log_gamma(a, &z, stream);
  return z;
}
static double draw_rayleigh(sac_stream *stream) {
  return sqrt(2.0 * draw_exponential(stream));
}
static double draw_maxwell(sac_stream *stream) { /* the length of three normals, with a sign */
  const double x = sac_draw_normal(stream);
  const double length = sqrt(x * x + 2.0 * draw_exponential(stream));
  return sac_stream_u32(stream) & 1 ? length : -length;
}

static double normal_mean(double mean, double sd, sac_stream *stream, double *plus, double *minus) {
  const double w = draw_rayleigh(stream);
  *plus = mean + sd * w;
  *minus = mean - sd * w;
  return 1.0 / (sd * sqrt(2.0 * sac_pi));
}
static double normal_sd(double mean, double sd, sac_stream *stream, double *plus, double *minus) {
  const double m = draw_maxwell(stream);
  *plus = mean + sd * m;
  *minus = mean + sd * m * sac_stream_uniform(stream);
  return 1.0 / sd;
}

/* ---- the families --------------------------------------------------------------------------- */

#define PAIR(name)                                                                            \
  static double name(SAC_UNUSED const sac_dist *d, const double theta[], SAC_UNUSED size_t j, \
                     SAC_UNUSED sac_stream *stream, double plus[], double minus[])

PAIR(normal) {
  return (j ? normal_sd : normal_mean)(theta[0], theta[1], stream, plus, minus);
}
PAIR(log_normal) {
  const double c = normal(d, theta, j, stream, plus, minus);
  *plus = exp(*plus);
  *minus = exp(*minus);
  return c;
}
PAIR(tanh_normal) {
  const double c = normal(d, theta, j, stream, plus, minus);
  *plus = tanh(*plus);
  *minus = tanh(*minus);
  return c;
}
PAIR(half_normal) {
  const double c = normal_sd(0.0, theta[0], stream, plus, minus);
  *plus = fabs(*plus);
  *minus = fabs(*minus);
  return c;
}
PAIR(mvn_diagonal) {
  const size_t D = d->dim, k = j % D;
  (void)sac_dist_sample(d, 1, theta, 0, plus, NULL, stream, NULL);
  memcpy(minus, plus, D * sizeof *minus);
  return (j < D ? normal_mean : normal_sd)(theta[k], theta[D + k], stream, plus + k, minus + k);
}
PAIR(exponential) {
  *plus = draw_exponential(stream) / theta[0];
  *minus = *plus + draw_exponential(stream) / theta[0];
  return 1.0 / theta[0];
}
PAIR(gamma) { /* the rate */
  *plus = draw_gamma(theta[0], stream) / theta[1];
  *minus = *plus + draw_exponential(stream) / theta[1];
  return theta[0] / theta[1];
}
PAIR(inverse_gamma) { /* the scale, a rate of 1/z */
  const double c = gamma(d, theta, j, stream, plus, minus);
  *plus = 1.0 / *plus;
  *minus = 1.0 / *minus;
  return c;
}
PAIR(weibull) { /* the scale: (z/scale)^k ~ E, and more of it is z+ */
  const double e = draw_exponential(stream), k = theta[0];
  *minus = theta[1] * pow(e, 1.0 / k);
  *plus = theta[1] * pow(e + draw_exponential(stream), 1.0 / k);
  return k / theta[1];
}
PAIR(laplace) {
  double e = theta[1] * draw_exponential(stream);
  if (j) {
    if (sac_stream_u32(stream) & 1) e = -e;
    *minus = theta[0] + e;
    *plus = *minus + copysign(theta[1] * draw_exponential(stream), e);
    return 1.0 / theta[1];
  }
  *plus = theta[0] + e;
  *minus = theta[0] - e;
  return 0.5 / theta[1];
}
PAIR(bernoulli) {
  (void)theta;
  *plus = 1.0;
  *minus = 0.0;
  return 1.0;
}
PAIR(poisson) {
  (void)sac_dist_sample(d, 1, theta, 0, minus, NULL, stream, NULL);
  *plus = *minus + 1.0;
  return 1.0;
}
PAIR(categorical) { /* dq/dlogit_j = pi_j (delta_j - q) */
  const double here = (double)j;
  double log_pi;
  (void)sac_dist_sample(d, 1, theta, 0, minus, NULL, stream, NULL);
  (void)sac_dist_log_density(d, 1, theta, 0, &here, NULL, &log_pi, NULL);
  *plus = here;
  return exp(log_pi);
}

static pair *pair_of(const sac_dist *d) {
  static const struct {
    const sac_dist *family;
    pair *pair;
  } table[] = {
      {&sac_dist_normal, normal},           {&sac_dist_log_normal, log_normal},
      {&sac_dist_tanh_normal, tanh_normal}, {&sac_dist_half_normal, half_normal},
      {&sac_dist_exponential, exponential}, {&sac_dist_gamma, gamma},
      {&sac_dist_weibull, weibull},         {&sac_dist_inverse_gamma, inverse_gamma},
      {&sac_dist_laplace, laplace},         {&sac_dist_bernoulli, bernoulli},
      {&sac_dist_poisson, poisson},
  };
  for (size_t k = 0; k < SAC_COUNT(table); k++)
    if (sac_grad_is(d, table[k].family)) return table[k].pair;
  if (!strcmp(d->name, "mvn_diagonal")) return mvn_diagonal;
  return strcmp(d->name, "categorical") ? NULL : categorical;
}

int sac_grad_measure_valued_has(const sac_dist *d, size_t i) {
  return (sac_dist_estimators(d, i) & SAC_DIST_MVD) != 0 && pair_of(d) != NULL;
}

double sac_grad_measure_valued_pair(const sac_dist *d, const double theta[], size_t j,
                                    sac_stream *stream, double plus[], double minus[]) {
  return pair_of(d)(d, theta, j, stream, plus, minus);
}

/* ---- the estimator -------------------------------------------------------------------------- */

/* c (f(z+) - f(z-)) of all samples, for parameter j */
static sac_status one_parameter(sac_grad_job *job, size_t j, int coupled, sac_error *err) {
  pair *draw = pair_of(job->d);
  double *plus = job->z, *minus = job->other_z, c = 0.0;
  for (size_t i = 0; i < job->n; i++) {
    double *here = plus + i * job->D, *there = minus + i * job->D;
    double unused[SAC_DIST_MAX_DIM];
    c = draw(job->d, job->theta, j, job->stream, here, there);
    if (!coupled) c = draw(job->d, job->theta, j, job->stream, unused, there);
  }
  SAC_TRY(sac_grad_call_f(job, job->theta, plus, job->f, err));
  SAC_TRY(sac_grad_call_f(job, job->theta, minus, job->other_f, err));
  for (size_t i = 0; i < job->n; i++) job->g[i * job->P + j] = c * (job->f[i] - job->other_f[i]);
  return SAC_OK;
}

static sac_status estimate(sac_grad_job *job, int coupled, sac_error *err) {
  for (size_t j = 0; j < job->P; j++)
    if (sac_grad_wanted(job, j)) SAC_TRY(one_parameter(job, j, coupled, err));
  return SAC_OK;
}

sac_status sac_grad_measure_valued(sac_grad_job *job, sac_error *err) {
  return estimate(job, 1, err);
}
sac_status sac_grad_measure_valued_uncoupled(sac_grad_job *job, sac_error *err) {
  return estimate(job, 0, err);
}
