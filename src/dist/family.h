/* What the families share: how a row function is declared, and the helpers that more than one uses.
 */
#ifndef SAC_DIST_FAMILY_H
#define SAC_DIST_FAMILY_H

#include "sac/dist.h"
#include "sac/special.h"

#include <math.h>

#if defined __GNUC__
#  define SAC_UNUSED __attribute__((unused))
#else
#  define SAC_UNUSED
#endif

/* A sac_dist_row; its body sees d, theta, z, latent and out, and need not use all of them. */
#define SAC_ROW(name)                                                      \
  void name(SAC_UNUSED const sac_dist *d, SAC_UNUSED const double theta[], \
            SAC_UNUSED const double z[], SAC_UNUSED const double latent[], double out[])

#define SAC_COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A real, a positive and a bounded parameter. */
#define SAC_REAL(name, bits) \
  { name, -HUGE_VAL, HUGE_VAL, 1, 1, (bits) | SAC_DIST_SCORE }
#define SAC_POSITIVE(name, bits) \
  { name, 0.0, HUGE_VAL, 1, 1, (bits) | SAC_DIST_SCORE }
/* A shape: beyond these, its squares and cubes leave the range of a double. */
#define SAC_SHAPE(name, bits) \
  { name, 1e-100, 1e100, 0, 0, (bits) | SAC_DIST_SCORE }

static const double sac_euler = 0.57721566490153286061;
static const double sac_log_2 = 0.69314718055994530942;
static const double sac_log_2pi = 1.83787706640934548356;
static const double sac_pi = 3.14159265358979323846;

/* x log y and x log1p(y), 0 where x is 0 */
static inline double sac_xlogy(double x, double y) {
  return x == 0.0 ? 0.0 : x * log(y);
}
static inline double sac_xlog1py(double x, double y) {
  return x == 0.0 ? 0.0 : x * log1p(y);
}

/* one standard normal */
static inline double sac_draw_normal(sac_stream *stream) {
  double x;
  sac_stream_normals(stream, 1, &x);
  return x;
}

/* log of a Gamma(a, 1) draw and, in *z, the draw (0 where it underflows): Marsaglia and Tsang's
 * rejection, with log(U)/a for a < 1. */
double sac_draw_log_gamma(double a, double *z, sac_stream *stream);

/* The same for n <= SAC_LANES shapes at once: G and log_G (n), which must have room for whole
 * registers. Its draws are not those of n single calls. */
void sac_draw_log_gammas(size_t n, const double a[], double G[], double log_G[],
                         sac_stream *stream);

/* E[g(z)] under d at theta, D = 1, by the tanh-sinh rule in u = F(z), one rule between each two of
 * the points where g is not smooth: about 1e-12 for a g that is smooth elsewhere. */
typedef double sac_dist_integrand(const void *context, const double z[], const double latent[]);
double sac_dist_expect(const sac_dist *d, const double theta[], const double splits[2],
                       sac_dist_integrand *g, const void *context);

/* KL by that rule, for families without a closed form; a and b are where one of the two log
 * densities is not smooth, or where the other one has its bulk. */
double sac_dist_kl_quadrature(const sac_dist *d, const double theta[], const double other[],
                              double a, double b);

/* Beta's, for many rows: src/dist/beta_fast.c. */
sac_dist_batch sac_beta_log_density_fast_n, sac_beta_score_fast_n;

extern const sac_dist sac_dist_normal, sac_dist_laplace, sac_dist_logistic, sac_dist_cauchy,
    sac_dist_gumbel, sac_dist_log_normal, sac_dist_tanh_normal, sac_dist_half_normal,
    sac_dist_exponential, sac_dist_weibull, sac_dist_gamma, sac_dist_inverse_gamma,
    sac_dist_chi_squared, sac_dist_beta, sac_dist_kumaraswamy, sac_dist_student_t,
    sac_dist_von_mises, sac_dist_truncated_normal, sac_dist_inverse_gaussian,
    sac_dist_generalized_normal, sac_dist_bernoulli, sac_dist_poisson;

#endif
