/* One call of sac_grad while it runs: what the files of this module hand to each other. An
 * estimator fills g and, where f meets a factor w of mean zero, w; a baseline makes the whole
 * gradient of g, f and w. */
#ifndef SAC_GRAD_JOB_H
#define SAC_GRAD_JOB_H

#include "base/try.h"
#include "dist/family.h"
#include "sac/grad.h"

typedef struct sac_grad_job {
  const sac_grad_problem *p;
  sac_grad_options o; /* auto is resolved */
  const sac_dist *d;
  const double *theta;
  size_t n, P, D, L;
  size_t group; /* samples that are drawn together: 2 if antithetic, else 1 */
  sac_stream *stream;
  /* the workspace */
  double *z, *latent; /* (n,D), (n,L) the samples */
  double *f, *df;     /* (n), (n,D) the cost there */
  double *g, *w;      /* (n,P) */
  double *other_z;    /* (n,D) */
  double *other_f;    /* (n) */
  double *spare;      /* (n, 2 P) */
  double *moved;      /* (P) a theta nearby */
  size_t calls, slope_calls;
} sac_grad_job;

typedef sac_status sac_grad_step(sac_grad_job *job, sac_error *err);

/* A pathwise estimator: out (n,P) = slope (n,D) . dz/dtheta at the samples drawn. */
typedef sac_status sac_grad_carry(sac_grad_job *job, const double slope[], double out[],
                                  sac_error *err);

/* --- call.c: the user's functions */

/* f or df at n points; a number that is not finite is an error that names the sample. */
sac_status sac_grad_call_f(sac_grad_job *job, const double theta[], const double z[], double out[],
                           sac_error *err);
sac_status sac_grad_call_df(sac_grad_job *job, const double z[], double out[], sac_error *err);

/* Refuse x (n,width) if not finite: "sample 3: f is nan at z = 0.5". */
sac_status sac_grad_check_finite(const sac_grad_job *job, const char *what, size_t width,
                                 const double x[], const double z[], sac_error *err);

/* --- draw.c: samples */

/* Draw z and latent from q_theta, in antithetic pairs if asked for. */
sac_grad_step sac_grad_draw;

/* n uniforms, in antithetic pairs if asked for: u in out[2 i], 1 - u in out[2 i + 1]. */
void sac_grad_uniforms(sac_grad_job *job, double out[]);

/* --- small helpers */

/* Whether parameter i is asked for. */
static inline int sac_grad_wanted(const sac_grad_job *job, size_t i) {
  return !job->p->wanted || job->p->wanted[i];
}

/* Whether d is the family `of`, be it a copy. */
static inline int sac_grad_is(const sac_dist *d, const sac_dist *of) {
  return d->log_density == of->log_density && d->data == of->data && d->cdf == of->cdf;
}

/* Where an infinite or huge derivative meets a zero, the product is zero: the end of a support. */
static inline double sac_grad_product(double x, double y) {
  return x == 0.0 || y == 0.0 ? 0.0 : x * y;
}

#endif
