/* The gradient of an expectation, d/dtheta E_{z ~ q_theta}[f_theta(z)], estimated from samples.
 *
 * One call, no tape and no hidden state: a distribution and its parameters, callbacks for the cost
 * f, a number of samples and a stream go in; the mean gradient, its standard error, the gradient of
 * each sample and the number of calls of f come out. Whatever estimator is chosen, the answer is
 * the whole gradient: that through q_theta, and E[df_theta(z)/dtheta] if f depends on theta.
 *
 * Shapes. n samples; P = d->params, D = d->dim, L = d->latents as in sac/dist.h; every array is
 * dense and row-major. One theta (P) for all samples.
 *
 * Threads: re-entrant; a stream, a workspace and a cost's context serve one call at a time. */
#ifndef SAC_GRAD_H
#define SAC_GRAD_H

#include "sac/dist.h"
#include "sac/options.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The options: C choice, I integer, R real.  C(name, default, "a|b", help)
 * I(name, default, min, max, help)  R(name, default, min, max, help)
 *
 * The estimators: what one sample gives, and [what it asks of the cost]. s = d log q/dtheta is the
 * score, v = dz/dtheta a velocity.
 *   score [f]                  f s
 *   explicit [df]              f' dh/dtheta, z = h(eps; theta), eps free of theta
 *   implicit [df]              f' v, v = -(dF/dtheta)/q at fixed F(z) [IRG18]; D = 1
 *   generalized [f, df]        f' dT/dtheta + f w, z = T(eps; theta), eps almost free of theta, and
 *                              w the derivative of its log density at fixed eps [GREP16]
 *   rejection [f, df]          the same, T the proposal of a rejection sampler [RSVI17]
 *   transport [df]             grad f . v, v of least kinetic energy [JO18]; normals, D > 1
 *   pathwise [df]              grad f . v, v a field that carries q_theta along [JO18]; D > 1
 *   gamma_ratio [df]           grad f . dz/dtheta, z a ratio of gammas; beta and dirichlet
 *   measure_valued [f, 2 P n times]     c (f(z+) - f(z-)), z+ and z- from the same draws, of the
 *                              densities in dq/dtheta = c (q+ - q-) [MC20]
 *   measure_valued_uncoupled   the same, z+ and z- independent
 *   finite_difference [f, 2 P n times]  (f(z(theta + h)) - f(z(theta - h)))/2h with common random
 *                              numbers: the yardstick, biased by O(h^2)
 *   auto                       with df the first of explicit, transport, implicit, pathwise that
 *                              every wanted parameter has; without, measure_valued if up to 4
 *                              parameters are wanted and have it; else score
 * Where a parameter is an end of the support there is no score. That of von_mises' loc is for costs
 * of period 2 pi. A df that misses a jump of f makes every estimator that asks for it wrong. */
#define SAC_GRAD_OPTIONS(C, I, R)                                                                  \
  C(estimator, auto,                                                                               \
    "auto|score|explicit|implicit|generalized|rejection|transport|pathwise|gamma_ratio|"           \
    "measure_valued|measure_valued_uncoupled|finite_difference",                                   \
    "how the gradient is estimated; auto: by what the cost offers")                                \
  C(baseline, auto, "auto|none|leave_one_out|moving_average|optimal|control|delta",                \
    "what is subtracted to lower the variance; auto: leave_one_out where f meets a score")         \
  C(antithetic, off, "off|on", "draw samples in pairs u, 1 - u (of mvn: eps, -eps); n is even")    \
  R(decay, 0.95, 0.0, 0.999999, "moving_average: what is kept at each sample")                     \
  R(fd_step, 1e-3, 1e-9, 0.1, "finite_difference: step, relative to max(1, |theta|) or the range") \
  I(rejection_boost, 1, 0, 16, "rejection: how often a gamma's shape is raised by 1 [RSVI17]")

enum {
  SAC_GRAD_AUTO,
  SAC_GRAD_SCORE,
  SAC_GRAD_EXPLICIT,
  SAC_GRAD_IMPLICIT,
  SAC_GRAD_GENERALIZED,
  SAC_GRAD_REJECTION,
  SAC_GRAD_TRANSPORT,
  SAC_GRAD_PATHWISE,
  SAC_GRAD_GAMMA_RATIO,
  SAC_GRAD_MEASURE_VALUED,
  SAC_GRAD_MEASURE_VALUED_UNCOUPLED,
  SAC_GRAD_FINITE_DIFFERENCE,
  SAC_GRAD_ESTIMATORS /* how many, auto included */
};

/* Baselines and control variates. With w the factor of f whose mean is zero (score: s; generalized
 * and rejection: the derivative of eps' log density), the first five need such a factor:
 *   none
 *   leave_one_out   (f_i - mean of the others' f) w_i; 2 samples or more
 *   moving_average  (f_i - m_i) w_i, m_i of the samples before i alone (0 before the first), or of
 *                   the calls before as well: sac_grad_problem.average
 *   optimal         g_i - b_i w_i, b_i = sum g w/sum w^2 over the others, a number for each
 *                   parameter: the constant of least variance; 2 samples or more
 *   control         score only: (f_i - c_i) s_i + k_i, the user's c with E[k] = E[c s]:
 *                   sac_grad_control
 *   delta           score, explicit, implicit, transport, pathwise: f's second-order expansion at
 *                   the mean (its cross terms left out), with df; regressed on the others; 3
 *                   samples or more. The distribution needs a mean and a variance.
 * All are unbiased for any n. With antithetic pairs "the others" are the other pairs. */
enum {
  SAC_GRAD_BASELINE_AUTO,
  SAC_GRAD_BASELINE_NONE,
  SAC_GRAD_BASELINE_LEAVE_ONE_OUT,
  SAC_GRAD_BASELINE_MOVING_AVERAGE,
  SAC_GRAD_BASELINE_OPTIMAL,
  SAC_GRAD_BASELINE_CONTROL,
  SAC_GRAD_BASELINE_DELTA,
  SAC_GRAD_BASELINES /* how many, auto included */
};

typedef struct sac_grad_options {
#define SAC_C(name, def, choices, help) int name;
#define SAC_I(name, def, lo, hi, help)  int64_t name;
#define SAC_R(name, def, lo, hi, help)  double name;
  SAC_GRAD_OPTIONS(SAC_C, SAC_I, SAC_R)
#undef SAC_C
#undef SAC_I
#undef SAC_R
} sac_grad_options;

/* The rows of the table above. *count: how many. Static storage. */
SAC_API const sac_option *sac_grad_option_table(size_t *count);

/* The defaults. */
SAC_API sac_grad_options sac_grad_options_default(void);

/* A function of n points z (n,D) at this theta (P). It is called with any n >= 1, and must give the
 * same answer for the same point. */
typedef void sac_grad_function(void *context, size_t n, const double theta[], const double z[],
                               double out[]);

/* The cost. */
typedef struct sac_grad_cost {
  sac_grad_function *f;      /* out (n): f_theta(z) */
  sac_grad_function *df;     /* out (n,D): df/dz; NULL: unknown */
  sac_grad_function *dtheta; /* out (n,P): df/dtheta at fixed z; NULL: f does not see theta */
  void *context;             /* handed to the three */
} sac_grad_cost;

/* A control variate for the score function, in the RELAX form (f - c) s + k with E[k] = E[c s].
 * Either dc, from which k = dc/dz . v with the distribution's own velocity; or k itself, from the
 * user: a known d E[c]/dtheta, or c(z~) and grad c(z) - grad c(z~) of a relaxation, where c and k
 * see the same points one after the other, c first. */
typedef struct sac_grad_control {
  sac_grad_function *c;  /* out (n) */
  sac_grad_function *dc; /* out (n,D): dc/dz; or NULL */
  sac_grad_function *k;  /* out (n,P); or NULL. One of dc and k. */
  void *context;         /* handed to the three */
} sac_grad_control;

/* What is asked. */
typedef struct sac_grad_problem {
  const sac_dist *d;
  const double *theta; /* (P) */
  sac_grad_cost cost;
  const sac_grad_control *control; /* for the baseline `control`, else NULL */
  const unsigned char *wanted; /* (P) 0: leave this parameter out, its answers are 0; NULL: all */
  double *average;             /* (2) in and out, for moving_average: weight and weighted mean of
                                * the samples seen so far, {0, 0} at first; NULL: of this call */
} sac_grad_problem;

/* What comes out. The caller sets the pointers; only gradient must not be NULL. */
typedef struct sac_grad_result {
  double *gradient;   /* (P) mean over the samples */
  double *std_error;  /* (P) its standard error, from the samples (with antithetic: from the pairs);
                       * infinite if there is but one */
  double *jacobian;   /* (n,P) each sample's own gradient: row i is sample i's */
  int estimator;      /* the one used: never auto */
  int baseline;       /* the one used: never auto */
  size_t calls;       /* points at which f was evaluated */
  size_t slope_calls; /* points at which df was */
} sac_grad_result;

/* Whether the distribution's parameter i (0 <= i < P) has the estimator; auto: always. */
SAC_API int sac_grad_has(const sac_dist *d, int estimator, size_t i);

/* How many doubles of workspace sac_grad needs for n samples, whatever the estimator; SIZE_MAX,
 * which no workspace has, if the number does not fit a size_t. */
SAC_API size_t sac_grad_work_size(const sac_dist *d, size_t n);

/* Estimate the gradient from n samples drawn from the stream. options NULL: the defaults. work:
 * work_size doubles, at least sac_grad_work_size; nothing is kept in it. Nothing is allocated.
 * Errors, with the outputs and *problem->average untouched (the stream may have moved):
 *
 * SAC_ERR_ARG: an option out of range; an estimator that a wanted parameter has not (named, with
 * those that it has); an estimator or baseline without what it needs of the cost; a baseline that
 * the estimator has no use for; n = 0, odd with antithetic, or too small for the baseline; a
 * workspace too small.
 *
 * SAC_ERR_DOMAIN: theta out of range, as in sac/dist.h; for the baseline delta, a mean or variance
 * that is not finite; for finite_difference, a theta so near an end that there is no step.
 *
 * SAC_ERR_DIVERGED: f, df or another callback is not finite, or the gradient of a sample is not.
 * The message names the sample, from 0, and where z was. */
SAC_API sac_status sac_grad(const sac_grad_problem *problem, const sac_grad_options *options,
                            size_t n, sac_grad_result *result, double work[], size_t work_size,
                            sac_stream *stream, sac_error *err);

/* The exact gradient, D = 1, by quadrature in u = F(z), to compare estimates with; out (P), 0 where
 * not wanted. Continuous: E[f' v] + sum_k (f(k+) - f(k-)) q(k) v(k) over the `count` points where f
 * jumps, at most 2; elsewhere f is smooth, and df must not be NULL. Discrete: sum_k p(k) s(k) f(k).
 * About 1e-10 where q and f are gentle; to know, E[f s] is computed as well where it applies.
 * Errors: SAC_ERR_ARG for D > 1, more than 2 jumps, a cost without df; SAC_ERR_DOMAIN as in
 * sac/dist.h; SAC_ERR_DIVERGED if the two differ by more than 1e-6, or if the quadrature sees no
 * sample move (a gamma's shape of 1e-100): it has not settled. Nothing is allocated. */
SAC_API sac_status sac_grad_exact(const sac_grad_problem *problem, size_t count,
                                  const double jumps[], double out[], sac_error *err);

/* ---- costs as plug-ins ---------------------------------------------------------------------- */

#define SAC_GRAD_PLUGIN_ABI    1u
#define SAC_GRAD_PLUGIN_SYMBOL "sac_grad_plugin_entry"

/* A cost in a shared library: it exports `const sac_grad_plugin *sac_grad_plugin_entry(void)`.
 * `sac grad --cost-plugin FILE.so` loads one, which runs its code. */
typedef struct sac_grad_plugin {
  uint32_t abi;       /* SAC_GRAD_PLUGIN_ABI */
  const char *name;   /* of the cost */
  size_t dim;         /* the D that it is for; 0: any */
  sac_grad_cost cost; /* context: the plug-in's own, or NULL */
} sac_grad_plugin;
typedef const sac_grad_plugin *sac_grad_plugin_function(void);

#ifdef __cplusplus
}
#endif
#endif
