/* Standardising transforms z = T(eps; theta): explicit ones, whose eps is free of theta, and those
 * of [GREP16], whose eps has mean 0 and variance 1 whatever theta. Each is given by its derivatives
 * at fixed eps, in the y (log z, the u of tanh u) in which it is simplest. */
#include "grad/transform.h"

#define TRANSFORM(name)                                                            \
  static double name(SAC_UNUSED const sac_dist *d, const double theta[], double z, \
                     SAC_UNUSED const double latent[], double rate[], double stretch[])

/* z = loc + scale eps */
static double shift_and_scale(const double theta[], double z, double rate[], double stretch[]) {
  rate[0] = 1.0;
  rate[1] = (z - theta[0]) / theta[1];
  stretch[0] = 0.0;
  stretch[1] = 1.0 / theta[1];
  return 1.0;
}
TRANSFORM(location_scale) {
  return shift_and_scale(theta, z, rate, stretch);
}
TRANSFORM(student_t) { /* df, loc, scale */
  rate[0] = stretch[0] = 0.0;
  return shift_and_scale(theta + 1, z, rate + 1, stretch + 1);
}
TRANSFORM(generalized_normal) { /* loc, scale, shape */
  rate[2] = stretch[2] = 0.0;
  return shift_and_scale(theta, z, rate, stretch);
}
TRANSFORM(von_mises) { /* z = loc + eps */
  (void)theta, (void)z;
  rate[0] = 1.0;
  rate[1] = stretch[0] = stretch[1] = 0.0;
  return 1.0;
}

/* z = exp(y), y = mean + sd eps: dz/deps = sd z */
TRANSFORM(log_normal) {
  shift_and_scale(theta, latent[0], rate, stretch);
  for (int j = 0; j < 2; j++) stretch[j] += rate[j];
  return z;
}
/* z = tanh y, y = mean + sd eps: dz/deps = sd (1 - z^2) */
TRANSFORM(tanh_normal) {
  shift_and_scale(theta, latent[0], rate, stretch);
  for (int j = 0; j < 2; j++) stretch[j] -= 2.0 * z * rate[j];
  const double sech = 1.0 / cosh(latent[0]);
  return sech * sech;
}

/* z = scale eps; z = eps/rate */
TRANSFORM(half_normal) {
  rate[0] = z / theta[0];
  stretch[0] = 1.0 / theta[0];
  return 1.0;
}
TRANSFORM(exponential) {
  rate[0] = -z / theta[0];
  stretch[0] = -1.0 / theta[0];
  return 1.0;
}

/* z = scale eps^(1/shape), y = log z: dz/deps = z/(shape eps), log eps = shape (y - log scale) */
TRANSFORM(weibull) {
  const double x = latent[0] - log(theta[1]);
  rate[0] = -x / theta[0];
  rate[1] = 1.0 / theta[1];
  stretch[0] = rate[0] - 1.0 / theta[0];
  stretch[1] = rate[1];
  return z;
}

/* 1 - z^a = w = exp(-eps/b), eps exponential; y = log z = log(1 - w)/a:
 * dz/deps = z w/(a b (1 - w)) */
TRANSFORM(kumaraswamy) {
  const double a = theta[0], b = theta[1], y = latent[0], log_w = sac_log1mexp(a * y);
  const double odds = exp(log_w - a * y); /* w/(1 - w) */
  rate[0] = -y / a;
  rate[1] = odds * log_w / (a * b);
  stretch[0] = rate[0] - 1.0 / a;
  stretch[1] = rate[1] - (1.0 + odds) * log_w / b - 1.0 / b;
  return z;
}

/* truncated normal: eps = F(z), in all four parameters */
TRANSFORM(by_inversion) {
  d->velocity(d, theta, &z, latent, rate);
  for (size_t j = 0; j < d->params; j++) stretch[j] = 0.0; /* has no generalized estimator */
  return 1.0;
}

void sac_grad_standardised_log_gamma(double a, double y, double *rate, double *stretch) {
  const double v = sac_trigamma(a), v_rate = sac_tetragamma(a),
               eps = (y - sac_digamma(a)) / sqrt(v);
  *rate = v + eps * v_rate / (2.0 * sqrt(v));
  *stretch = v_rate / (2.0 * v);
}
/* y = log x - log rate: dz/deps = z dy/deps */
TRANSFORM(gamma) {
  const double log_x = latent[0] + log(theta[1]);
  sac_grad_standardised_log_gamma(theta[0], log_x, rate, stretch);
  stretch[0] += rate[0];
  rate[1] = stretch[1] = -1.0 / theta[1];
  return z;
}
/* y = log scale - log x */
TRANSFORM(inverse_gamma) {
  const double log_x = log(theta[1]) - latent[0];
  sac_grad_standardised_log_gamma(theta[0], log_x, rate, stretch);
  rate[0] = -rate[0];
  stretch[0] += rate[0];
  rate[1] = stretch[1] = 1.0 / theta[1];
  return z;
}
/* y = log x + log 2, x ~ Gamma(df/2, 1) */
TRANSFORM(chi_squared) {
  sac_grad_standardised_log_gamma(0.5 * theta[0], latent[0] - sac_log_2, rate, stretch);
  rate[0] *= 0.5;
  stretch[0] = 0.5 * stretch[0] + rate[0];
  return z;
}

/* logit z = psi(a) - psi(b) + eps s, s^2 = psi'(a) + psi'(b); y = log z, dy = (1 - z) dlogit:
 * dz/deps = z (1 - z) s */
TRANSFORM(beta) {
  const double v[2] = {sac_trigamma(theta[0]), sac_trigamma(theta[1])}, s2 = v[0] + v[1];
  const double centre = sac_digamma(theta[0]) - sac_digamma(theta[1]);
  const double eps = (latent[0] - latent[1] - centre) / sqrt(s2), one_minus_z = exp(latent[1]);
  for (int j = 0; j < 2; j++) {
    const double s2_rate = sac_tetragamma(theta[j]);
    const double logit_rate = (j ? -v[j] : v[j]) + eps * s2_rate / (2.0 * sqrt(s2));
    rate[j] = one_minus_z * logit_rate;
    stretch[j] = (one_minus_z - z) * logit_rate + s2_rate / (2.0 * s2);
  }
  return z;
}

static const struct {
  const sac_dist *family;
  sac_grad_transform *transform;
} table[] = {
    {&sac_dist_normal, location_scale},
    {&sac_dist_laplace, location_scale},
    {&sac_dist_logistic, location_scale},
    {&sac_dist_cauchy, location_scale},
    {&sac_dist_gumbel, location_scale},
    {&sac_dist_student_t, student_t},
    {&sac_dist_generalized_normal, generalized_normal},
    {&sac_dist_von_mises, von_mises},
    {&sac_dist_log_normal, log_normal},
    {&sac_dist_tanh_normal, tanh_normal},
    {&sac_dist_half_normal, half_normal},
    {&sac_dist_exponential, exponential},
    {&sac_dist_weibull, weibull},
    {&sac_dist_kumaraswamy, kumaraswamy},
    {&sac_dist_truncated_normal, by_inversion},
    {&sac_dist_gamma, gamma},
    {&sac_dist_inverse_gamma, inverse_gamma},
    {&sac_dist_chi_squared, chi_squared},
    {&sac_dist_beta, beta},
};

sac_grad_transform *sac_grad_transform_of(const sac_dist *d) {
  for (size_t k = 0; d->dim == 1 && k < SAC_COUNT(table); k++)
    if (sac_grad_is(d, table[k].family)) return table[k].transform;
  return NULL;
}
