/* The estimators, a file each; estimators.c has the table of them. */
#ifndef SAC_GRAD_ESTIMATORS_H
#define SAC_GRAD_ESTIMATORS_H

#include "grad/job.h"

/* Whether parameter i of d has the estimator. */
typedef int sac_grad_has_function(const sac_dist *d, size_t i);

/* A row is one of three kinds: `carry` (pathwise: linear in df), `run` with weighted = 1 (f meets a
 * factor w), `run` without (differences of f). */
typedef struct sac_grad_estimator {
  sac_grad_has_function *has;
  sac_grad_carry *carry;
  sac_grad_step *draw; /* before carry; NULL: sac_grad_draw */
  sac_grad_step *run;
  int needs_df, weighted;
  int own_pairs; /* draws z- and z+ itself: no antithetic pairs */
  int whole;     /* differences of theta: df/dtheta is in it already */
} sac_grad_estimator;

const sac_grad_estimator *sac_grad_estimator_row(int estimator);

sac_grad_step sac_grad_score, sac_grad_generalized, sac_grad_rejection, sac_grad_measure_valued,
    sac_grad_measure_valued_uncoupled, sac_grad_finite_difference, sac_grad_gamma_ratio_draw;
sac_grad_carry sac_grad_explicit, sac_grad_implicit, sac_grad_transport, sac_grad_pathwise,
    sac_grad_gamma_ratio;

sac_grad_has_function sac_grad_score_has, sac_grad_explicit_has, sac_grad_implicit_has,
    sac_grad_generalized_has, sac_grad_rejection_has, sac_grad_transport_has, sac_grad_pathwise_has,
    sac_grad_gamma_ratio_has, sac_grad_measure_valued_has, sac_grad_finite_difference_has;

/* One coupled measure-valued draw for parameter j of d, which has the estimator: z+ and z- (D);
 * returns c, dE/dtheta_j = c E[f(z+) - f(z-)]. */
double sac_grad_measure_valued_pair(const sac_dist *d, const double theta[], size_t j,
                                    sac_stream *stream, double plus[], double minus[]);

/* A step for theta_j that stays in its range: relative to max(1, |theta|), or to the distance to
 * the nearer end. 0 or not finite if there is none. */
double sac_grad_theta_step(const sac_grad_job *job, size_t j, double relative);

/* The names of an estimator and a baseline, as the options' table has them. */
enum { SAC_GRAD_NAME = 40 };
void sac_grad_estimator_name(int estimator, char name[SAC_GRAD_NAME]);
void sac_grad_baseline_name(int baseline, char name[SAC_GRAD_NAME]);

#endif
