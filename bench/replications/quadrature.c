/* The quadratures, and variances from samples. */
#include "replicate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

/* one panel's nodes on (-1, 1): Newton on the Legendre polynomial */
static void legendre(double x[PANEL], double w[PANEL]) {
  for (int i = 0; i < PANEL; i++) {
    double t = cos(pi * (i + 0.75) / (PANEL + 0.5)), slope = 1.0;
    for (int step = 0; step < 8; step++) {
      double p = 1.0, before = 0.0;
      for (int k = 0; k < PANEL; k++) {
        const double next = ((2 * k + 1) * t * p - k * before) / (k + 1);
        before = p;
        p = next;
      }
      slope = PANEL * (t * p - before) / (t * t - 1.0);
      t -= p / slope;
    }
    x[i] = t;
    w[i] = 2.0 / ((1.0 - t * t) * slope * slope);
  }
}

size_t panels(double low, double high, size_t count, double x[], double w[]) {
  double node[PANEL], weight[PANEL];
  const double half = 0.5 * (high - low) / (double)count;
  legendre(node, weight);
  for (size_t p = 0; p < count; p++)
    for (size_t i = 0; i < PANEL; i++) {
      x[p * PANEL + i] = low + half * ((double)(2 * p + 1) + node[i]);
      w[p * PANEL + i] = half * weight[i];
    }
  return count * PANEL;
}

void make_grid(const sac_dist *d, const double theta[], int fine, grid *g) {
  const double h = 1.0 / fine;
  sac_error err;
  g->n = 0;
  for (int upper = 0; upper < 2; upper++)
    for (int k = -9 * fine / 2; k <= 9 * fine / 2; k++) {
      const double t = h * k, q = exp(-pi * fabs(sinh(t))), near = 0.5 * q / (1.0 + q);
      const double u = k < 0 ? near : 0.5 - near;
      const size_t i = g->n++;
      g->w[i] = 0.5 * h * pi * cosh(t) * q / ((1.0 + q) * (1.0 + q));
      must(sac_dist_quantile(d, 1, theta, 0, &u, upper, g->z + i, g->latent + i * d->latents, &err),
           &err);
    }
}

/* ---- samples ----------------------------------------------------------------------------------
 */

enum { BLOCK = 1 << 13 };

void sample_variance(const sac_grad_problem *problem, const sac_grad_options *options,
                     const double exact[], double variance[], double error[]) {
  const size_t P = problem->d->params, size = sac_grad_work_size(problem->d, BLOCK);
  double *work = malloc((size + BLOCK * P + 3 * P) * sizeof *work);
  sac_error err = {.msg = "no memory"};
  if (!work) must(SAC_ERR_NOMEM, &err);
  double *jacobian = work + size, *gradient = jacobian + BLOCK * P, *sum = gradient + P;
  double *squares = sum + P;
  memset(sum, 0, 2 * P * sizeof *sum);
  size_t n = 0;
  for (; n < samples; n += BLOCK) {
    sac_grad_result result = {.gradient = gradient, .jacobian = jacobian};
    sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, n / BLOCK);
    must(sac_grad(problem, options, BLOCK, &result, work, size, &stream, &err), &err);
    for (size_t i = 0; i < BLOCK; i++)
      for (size_t j = 0; j < P; j++) {
        const double d = jacobian[i * P + j] - exact[j];
        sum[j] += d * d;
        squares[j] += d * d * d * d;
      }
  }
  for (size_t j = 0; j < P; j++) {
    variance[j] = n ? sum[j] / (double)n : (double)NAN;
    error[j] =
        n ? sqrt((squares[j] / (double)n - variance[j] * variance[j]) / (double)n) : (double)NAN;
  }
  free(work);
}
