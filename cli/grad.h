/* What the files of 'sac grad' share. */
#ifndef CLI_GRAD_H
#define CLI_GRAD_H

#include "costs.h"

enum { GRAD_PARAMS_MAX = 256, GRAD_NAME = 40 };

/* What to estimate. */
typedef struct grad_job {
  sac_dist d;
  double theta[GRAD_PARAMS_MAX];
  cost_choice cost;
  sac_grad_options options; /* of every row; estimator and baseline are the row's */
  int all;                  /* every estimator, else options.estimator */
  int baseline_given;       /* options.baseline for every row, else a choice of them */
  size_t n;
  uint64_t seed;
} grad_job;

/* One estimator with one baseline. */
typedef struct grad_row {
  int estimator, baseline;
  int exact_known;
  unsigned char wanted[GRAD_PARAMS_MAX]; /* the parameters that have the estimator */
  double gradient[GRAD_PARAMS_MAX], std_error[GRAD_PARAMS_MAX], exact[GRAD_PARAMS_MAX];
  size_t calls, slope_calls;
  double seconds;
} grad_row;

/* A function of each row, in the order of the options' table. */
typedef void grad_sink(void *context, const grad_row *row);

/* Estimate every row of the job; the exit code, EXIT_DONE if all is well. */
int grad_rows(const grad_job *job, grad_sink *sink, void *context);

/* The name of an estimator or a baseline, into text. */
void grad_estimator_name(int estimator, char text[GRAD_NAME]);
void grad_baseline_name(int baseline, char text[GRAD_NAME]);

/* The variance of one sample's estimate of parameter j. */
double grad_variance(const grad_job *job, const grad_row *row, size_t j);

/* grad_exact.c: the exact gradient (P); 0 if it is not known. theta is legal. */
int grad_exact(const grad_job *job, double out[]);

/* grad_plot.c: the variance against one parameter, or against the cost's k, as SVG into `path` and
 * as CSV on stdout. sweep: "NAME=LOW:HIGH" or NULL. The exit code. */
int grad_plot(grad_job *job, const char *path, const char *sweep);

#endif
