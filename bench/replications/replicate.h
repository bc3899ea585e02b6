/* Tables of the literature on gradient estimators, computed again: exactly by quadrature over the
 * library's scores and velocities, and from samples of sac_grad. What the files share. */
#ifndef REPLICATE_H
#define REPLICATE_H

#include "sac/sac.h"

#include <stddef.h>

/* One number of a table. */
typedef struct entry {
  const char *table, *what, *parameter, *estimator; /* "normal", "square -3", "mean", "score" */
  double exact;                                     /* by quadrature */
  double closed;                                    /* the closed form, NaN if there is none */
  const char *reference; /* an independent computation, as printed; "" if there is none */
  double slack;          /* relative, beyond half a unit of its last digit: its own error */
  double sampled, error; /* from samples, and its standard error; NaN without samples */
} entry;

/* Print the entry as a line of CSV. It fails if exact and closed differ by more than 1e-10 (1 +
 * |closed|), exact and reference by more than half a unit of the last printed digit and slack, or
 * sampled and exact by more than 5 standard errors; that is said on stderr and counted. */
void put(const entry *e);
void put_header(void);
size_t failures(void);

/* How many samples an estimator gets; 0: none are drawn. */
extern size_t samples;

/* Stop with a message if the library refuses. */
void must(sac_status status, const sac_error *err);

/* Variance of one sample's estimate of d/dtheta_j, for every parameter, about the mean `exact` (P),
 * from `samples` samples: variance (P) and its standard error (P). */
void sample_variance(const sac_grad_problem *problem, const sac_grad_options *options,
                     const double exact[], double variance[], double error[]);

/* Gauss-Legendre on panels: nodes and weights of int over (low, high), PANEL nodes a panel. */
enum { PANEL = 16 };
size_t panels(double low, double high, size_t count, double x[], double w[]);

/* E g under a one-dimensional distribution: z, latent and weights by the tanh-sinh rule in u, of
 * step 1/fine, fine <= 64. */
typedef struct grid {
  size_t n;
  double z[1200], latent[2 * 1200], w[1200];
} grid;
void make_grid(const sac_dist *d, const double theta[], int fine, grid *out);

/* The tables; each prints its lines. */
void table_normal(void);    /* [MC20] */
void curves_normal(void);   /* the same over k, variances alone: the survey's figures */
void table_gamma(void);     /* [GREP16], [RSVI17] */
void table_transport(void); /* [JO18] multivariate normal */
void table_beta(void);      /* beta, direct and by the gamma ratio */
void accuracy(size_t shapes, size_t draws); /* [IRG18], points and velocities; judged outside */

#endif
