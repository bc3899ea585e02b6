/* The call: check, choose, estimate, take the baseline off, average. */
#include "grad/baseline.h"
#include "grad/control.h"
#include "grad/delta.h"
#include "grad/estimators.h"

#include <stdio.h>
#include <string.h>

/* ---- the workspace -------------------------------------------------------------------------- */

/* Runs twice: at NULL it measures, else it hands out. */
static size_t layout(sac_grad_job *job, double *at) {
  const size_t n = job->n, P = job->P, D = job->D;
  const struct {
    double **array;
    size_t size;
  } parts[] = {
      {&job->z, n * D},       {&job->latent, n * job->L}, {&job->f, n},
      {&job->df, n * D},      {&job->g, n * P},           {&job->w, n * P},
      {&job->other_z, n * D}, {&job->other_f, n},         {&job->spare, 2 * n * P},
      {&job->moved, P},
  };
  size_t used = 0;
  for (size_t k = 0; k < SAC_COUNT(parts); k++) {
    if (at) *parts[k].array = at + used;
    used += parts[k].size;
  }
  return used;
}

size_t sac_grad_work_size(const sac_dist *d, size_t n) {
  sac_grad_job job = {.n = 1, .P = d->params, .D = d->dim, .L = d->latents};
  if (n > SIZE_MAX / layout(&job, NULL)) return SIZE_MAX; /* n times that of one is no less */
  job.n = n;
  return layout(&job, NULL);
}

/* ---- what auto means ------------------------------------------------------------------------ */

enum { AFFORDABLE = 4 }; /* wanted parameters for which 2 P n calls of f are fine */

/* every wanted parameter has it */
static int all_have(const sac_grad_job *job, int estimator) {
  for (size_t i = 0; i < job->P; i++)
    if (sac_grad_wanted(job, i) && !sac_grad_has(job->d, estimator, i)) return 0;
  return 1;
}

static int choose(const sac_grad_job *job) {
  static const int with_slope[] = {SAC_GRAD_EXPLICIT, SAC_GRAD_TRANSPORT, SAC_GRAD_IMPLICIT,
                                   SAC_GRAD_PATHWISE};
  for (size_t k = 0; job->p->cost.df && k < SAC_COUNT(with_slope); k++)
    if (all_have(job, with_slope[k])) return with_slope[k];
  size_t wanted = 0;
  for (size_t i = 0; i < job->P; i++) wanted += sac_grad_wanted(job, i) != 0;
  if (wanted <= AFFORDABLE && all_have(job, SAC_GRAD_MEASURE_VALUED))
    return SAC_GRAD_MEASURE_VALUED;
  return SAC_GRAD_SCORE;
}

static void resolve(sac_grad_job *job) {
  sac_grad_options *o = &job->o;
  if (o->estimator == SAC_GRAD_AUTO) o->estimator = choose(job);
  if (o->baseline != SAC_GRAD_BASELINE_AUTO) return;
  const int useful = sac_grad_estimator_row(o->estimator)->weighted && job->n >= 2 * job->group;
  o->baseline = useful ? SAC_GRAD_BASELINE_LEAVE_ONE_OUT : SAC_GRAD_BASELINE_NONE;
}

/* ---- checks --------------------------------------------------------------------------------- */

/* the names of what parameter i has, as "score, implicit" */
static void names_of_all(const sac_dist *d, size_t i, char text[], size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int e = 1; e < SAC_GRAD_ESTIMATORS; e++) {
    char name[SAC_GRAD_NAME];
    if (!sac_grad_has(d, e, i) || used >= size) continue;
    sac_grad_estimator_name(e, name);
    used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
  }
}

static sac_status check_estimator(const sac_grad_job *job, sac_error *err) {
  const int e = job->o.estimator;
  char name[SAC_GRAD_NAME], all[300];
  sac_grad_estimator_name(e, name);
  for (size_t i = 0; i < job->P; i++) {
    if (!sac_grad_wanted(job, i) || sac_grad_has(job->d, e, i)) continue;
    names_of_all(job->d, i, all, sizeof all);
    return sac_fail(err, SAC_ERR_ARG, "grad: %s: parameter %zu, %s, has no estimator %s: it has %s",
                    job->d->name, i, sac_dist_parameter(job->d, i)->name, name, all);
  }
  if (sac_grad_estimator_row(e)->needs_df && !job->p->cost.df)
    return sac_fail(err, SAC_ERR_ARG, "grad: estimator %s needs df, the cost's derivative in z",
                    name);
  if (sac_grad_estimator_row(e)->own_pairs && job->group != 1)
    return sac_fail(err, SAC_ERR_ARG, "grad: antithetic: estimator %s draws pairs of its own",
                    name);
  return SAC_OK;
}

/* whether the estimator has a use for the baseline */
static int fits(const sac_grad_estimator *row, int estimator, int baseline) {
  switch (baseline) {
  case SAC_GRAD_BASELINE_NONE:
    return 1;
  case SAC_GRAD_BASELINE_CONTROL:
    return estimator == SAC_GRAD_SCORE;
  case SAC_GRAD_BASELINE_DELTA:
    return estimator == SAC_GRAD_SCORE || (row->carry && estimator != SAC_GRAD_GAMMA_RATIO);
  default:
    return row->weighted;
  }
}

static sac_status check_baseline(const sac_grad_job *job, sac_error *err) {
  const int e = job->o.estimator, b = job->o.baseline;
  char estimator[SAC_GRAD_NAME], baseline[SAC_GRAD_NAME];
  sac_grad_estimator_name(e, estimator);
  sac_grad_baseline_name(b, baseline);
  if (!fits(sac_grad_estimator_row(e), e, b))
    return sac_fail(err, SAC_ERR_ARG, "grad: estimator %s has no use for baseline %s", estimator,
                    baseline);
  const size_t least = sac_grad_baseline_groups(b) * job->group;
  if (job->n < least)
    return sac_fail(err, SAC_ERR_ARG, "grad: n = %zu: baseline %s must have at least %zu%s", job->n,
                    baseline, least, job->group == 2 ? " with antithetic pairs" : "");
  if (b == SAC_GRAD_BASELINE_CONTROL) return sac_grad_control_check(job, err);
  if (b == SAC_GRAD_BASELINE_DELTA) return sac_grad_delta_check(job, err);
  return SAC_OK;
}

static sac_status check_sizes(const sac_grad_job *job, size_t work_size, sac_error *err) {
  if (!job->p->cost.f && !job->p->cost.df)
    return sac_fail(err, SAC_ERR_ARG, "grad: the cost has neither f nor df");
  if (job->D > SAC_DIST_MAX_DIM)
    return sac_fail(err, SAC_ERR_ARG, "grad: %s has %zu dimensions: must be in [1, %d]",
                    job->d->name, job->D, SAC_DIST_MAX_DIM);
  if (job->n == 0 || job->n % job->group)
    return sac_fail(err, SAC_ERR_ARG, "grad: n = %zu: must be %s", job->n,
                    job->group == 2 ? "even and positive with antithetic pairs" : "positive");
  const size_t needed = sac_grad_work_size(job->d, job->n);
  if (work_size < needed || needed == SIZE_MAX)
    return sac_fail(err, SAC_ERR_ARG, "grad: a workspace of %zu doubles: must have %zu", work_size,
                    needed);
  return SAC_OK;
}

static sac_status check(sac_grad_job *job, size_t work_size, sac_error *err) {
  size_t rows;
  const sac_option *table = sac_grad_option_table(&rows);
  SAC_TRY(sac_option_check(table, rows, &job->o, err));
  SAC_TRY(sac_dist_check(job->d, 1, job->theta, 0, err));
  SAC_TRY(check_sizes(job, work_size, err));
  resolve(job);
  SAC_TRY(check_estimator(job, err));
  SAC_TRY(check_baseline(job, err));
  if (!job->p->cost.f && !sac_grad_estimator_row(job->o.estimator)->carry)
    return sac_fail(err, SAC_ERR_ARG, "grad: the cost has no f");
  return SAC_OK;
}

/* ---- estimate ------------------------------------------------------------------------------- */

/* E[f'(z) dz/dtheta] */
static sac_status pathwise(sac_grad_job *job, const sac_grad_estimator *e, sac_error *err) {
  SAC_TRY((e->draw ? e->draw : sac_grad_draw)(job, err));
  SAC_TRY(sac_grad_call_df(job, job->z, job->df, err));
  return e->carry(job, job->df, job->g, err);
}

/* g <- g + df/dtheta at the samples, if f sees theta */
static sac_status add_direct(sac_grad_job *job, const sac_grad_estimator *e, sac_error *err) {
  const sac_grad_cost *cost = &job->p->cost;
  double *direct = job->spare;
  if (!cost->dtheta || e->whole) return SAC_OK;
  if (!e->carry && !e->weighted) SAC_TRY(sac_grad_draw(job, err)); /* it drew from other laws */
  cost->dtheta(cost->context, job->n, job->theta, job->z, direct);
  SAC_TRY(sac_grad_check_finite(job, "df/dtheta", job->P, direct, job->z, err));
  for (size_t i = 0; i < job->n * job->P; i++) job->g[i] += direct[i];
  return SAC_OK;
}

static void clear_unwanted(sac_grad_job *job) {
  for (size_t j = 0; j < job->P; j++) {
    if (sac_grad_wanted(job, j)) continue;
    for (size_t i = 0; i < job->n; i++) job->g[i * job->P + j] = 0.0;
  }
}

static sac_status estimate(sac_grad_job *job, double average[2], sac_error *err) {
  const sac_grad_estimator *e = sac_grad_estimator_row(job->o.estimator);
  memset(job->g, 0, job->n * job->P * sizeof *job->g);
  SAC_TRY(e->carry ? pathwise(job, e, err) : e->run(job, err));
  SAC_TRY(sac_grad_baseline(job, average, err));
  SAC_TRY(add_direct(job, e, err));
  clear_unwanted(job);
  return sac_grad_check_finite(job, "the gradient", job->P, job->g, job->z, err);
}

/* the mean, and its standard error from the groups: with antithetic pairs the pairs' means */
static void average_parameter(const sac_grad_job *job, size_t j, double *mean, double *error) {
  const size_t m = job->group, groups = job->n / m, P = job->P;
  double sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < job->n; i++) sum += job->g[i * P + j];
  *mean = sum / (double)job->n;
  for (size_t at = 0; at < job->n; at += m) {
    double gap = -*mean;
    for (size_t i = at; i < at + m; i++) gap += job->g[i * P + j] / (double)m;
    squares += gap * gap;
  }
  *error = groups > 1 ? sqrt(squares / (double)(groups - 1) / (double)groups) : HUGE_VAL;
}

static void publish(const sac_grad_job *job, sac_grad_result *result) {
  for (size_t j = 0; j < job->P; j++) {
    double error;
    average_parameter(job, j, &result->gradient[j], &error);
    if (result->std_error) result->std_error[j] = sac_grad_wanted(job, j) ? error : 0.0;
  }
  if (result->jacobian) memcpy(result->jacobian, job->g, job->n * job->P * sizeof *job->g);
  result->estimator = job->o.estimator;
  result->baseline = job->o.baseline;
  result->calls = job->calls;
  result->slope_calls = job->slope_calls;
}

sac_status sac_grad(const sac_grad_problem *problem, const sac_grad_options *options, size_t n,
                    sac_grad_result *result, double work[], size_t work_size, sac_stream *stream,
                    sac_error *err) {
  const sac_dist *d = problem->d;
  sac_grad_job job = {
      .p = problem,
      .o = options ? *options : sac_grad_options_default(),
      .d = d,
      .theta = problem->theta,
      .n = n,
      .P = d->params,
      .D = d->dim,
      .L = d->latents,
      .stream = stream,
  };
  job.group = job.o.antithetic ? 2 : 1;
  SAC_TRY(check(&job, work_size, err));
  (void)layout(&job, work);
  double average[2] = {problem->average ? problem->average[0] : 0.0,
                       problem->average ? problem->average[1] : 0.0};
  SAC_TRY(estimate(&job, average, err));
  if (problem->average) memcpy(problem->average, average, sizeof average);
  publish(&job, result);
  return SAC_OK;
}
