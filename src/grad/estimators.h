/* The estimators, a file each; estimators.c has the table of them. */
#ifndef SAC_GRAD_ESTIMATORS_H
#define SAC_GRAD_ESTIMATORS_H

#include "grad/job.h"

/* A row is one of three kinds: `carry` (pathwise: linear in df), `run` with weighted = 1 (f meets a
 * factor w), `run` without (differences of f). */
typedef struct sac_grad_estimator {
  int (*has)(const sac_dist *d, size_t i); /* whether parameter i has it */
  sac_grad_carry *carry;
  sac_grad_step *draw; /* before carry; NULL: sac_grad_draw */
  sac_grad_step *run;
  int needs_df, weighted;
  int whole; /* differences of theta: df/dtheta is in it already */
} sac_grad_estimator;

const sac_grad_estimator *sac_grad_estimator_row(int estimator);

sac_grad_step sac_grad_score;
sac_grad_carry sac_grad_explicit, sac_grad_implicit;
sac_grad_step sac_grad_finite_difference;

int sac_grad_score_has(const sac_dist *d, size_t i);
int sac_grad_explicit_has(const sac_dist *d, size_t i);
int sac_grad_implicit_has(const sac_dist *d, size_t i);
int sac_grad_finite_difference_has(const sac_dist *d, size_t i);

/* The names of an estimator and a baseline, as the options' table has them. */
enum { SAC_GRAD_NAME = 40 };
void sac_grad_estimator_name(int estimator, char name[SAC_GRAD_NAME]);
void sac_grad_baseline_name(int baseline, char name[SAC_GRAD_NAME]);

#endif
