#define _POSIX_C_SOURCE 200809L
/* The rows of 'sac grad': each estimator with each of its baselines, from the same stream. */
#include "cli.h"
#include "grad.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void choice_name(const char *option, int value, char text[GRAD_NAME]) {
  size_t count;
  const sac_option *table = sac_grad_option_table(&count);
  sac_grad_options o = sac_grad_options_default();
  o.estimator = o.baseline = value;
  for (size_t i = 0; i < count; i++)
    if (!strcmp(table[i].name, option)) sac_option_get(&table[i], &o, text, GRAD_NAME);
}

void grad_estimator_name(int estimator, char text[GRAD_NAME]) {
  choice_name("estimator", estimator, text);
}
void grad_baseline_name(int baseline, char text[GRAD_NAME]) {
  choice_name("baseline", baseline, text);
}

double grad_variance(const grad_job *job, const grad_row *row, size_t j) {
  return row->std_error[j] * row->std_error[j] * (double)job->n;
}

/* The cost for this estimator: auto is not told of a slope that misses a jump. */
static sac_grad_cost cost_for(const grad_job *job, int estimator) {
  sac_grad_cost cost = job->cost.cost;
  if (job->cost.jumps && estimator == SAC_GRAD_AUTO) cost.df = NULL;
  return cost;
}

static sac_status estimate(const grad_job *job, grad_row *row, double *work, size_t size,
                           sac_error *err) {
  sac_grad_options o = job->options;
  o.estimator = row->estimator;
  o.baseline = row->baseline;
  const sac_grad_problem p = {.d = &job->d,
                              .theta = job->theta,
                              .cost = cost_for(job, row->estimator),
                              .wanted = row->wanted};
  sac_grad_result r = {.gradient = row->gradient, .std_error = row->std_error};
  sac_stream stream = sac_stream_make(job->seed, SAC_STREAM_USER, 0);
  const double start = now();
  const sac_status status = sac_grad(&p, &o, job->n, &r, work, size, &stream, err);
  row->seconds = now() - start;
  if (status != SAC_OK) return status;
  row->estimator = r.estimator;
  row->baseline = r.baseline;
  row->calls = r.calls;
  row->slope_calls = r.slope_calls;
  return SAC_OK;
}

/* in a list of all, a baseline that does not fit, or a mean that delta lacks, is no error */
static int may_skip(const grad_job *job, int baseline, sac_status status) {
  return job->all && (status == SAC_ERR_ARG ||
                      (status == SAC_ERR_DOMAIN && baseline == SAC_GRAD_BASELINE_DELTA));
}

/* the parameters that have it; all of them where a single estimator was asked for by name, so that
 * the library says which has not */
static size_t want(const grad_job *job, int estimator, grad_row *row) {
  size_t count = 0;
  for (size_t j = 0; j < job->d.params; j++) {
    row->wanted[j] = !job->all || sac_grad_has(&job->d, estimator, j);
    count += row->wanted[j];
  }
  return count;
}

int grad_rows(const grad_job *job, grad_sink *sink, void *context) {
  sac_error err = {.msg = ""};
  const size_t size = sac_grad_work_size(&job->d, job->n);
  double *work = size < SIZE_MAX / sizeof *work ? malloc(size * sizeof *work) : NULL;
  double exact[GRAD_PARAMS_MAX];
  if (!work) {
    fputs("sac: grad: out of memory: ask for fewer samples\n", stderr);
    return EXIT_FAILED;
  }
  sac_status status = sac_dist_check(&job->d, 1, job->theta, 0, &err);
  const int known = status == SAC_OK && grad_exact(job, exact);
  size_t shown = 0;
  sac_error refused = {.msg = ""}; /* the first one's: the last one's is of an exotic estimator */
  sac_status skipped = SAC_OK;
  const int first = job->all ? SAC_GRAD_AUTO + 1 : job->options.estimator;
  const int last = job->all ? SAC_GRAD_ESTIMATORS - 1 : first;
  for (int e = first; e <= last && status == SAC_OK; e++) {
    for (int b = 0; b < SAC_GRAD_BASELINES && status == SAC_OK; b++) {
      const int given = job->baseline_given || !job->all;
      const int usual = b != SAC_GRAD_BASELINE_AUTO && b != SAC_GRAD_BASELINE_CONTROL &&
                        (e == SAC_GRAD_SCORE || b == SAC_GRAD_BASELINE_NONE);
      if (given ? b != job->options.baseline : !usual) continue;
      grad_row row = {.estimator = e, .baseline = b, .exact_known = known};
      if (want(job, e, &row) == 0) continue;
      if (known) memcpy(row.exact, exact, sizeof exact);
      status = estimate(job, &row, work, size, &err);
      if (status == SAC_OK) {
        sink(context, &row);
        shown++;
      } else if (may_skip(job, b, status)) {
        if (skipped == SAC_OK) {
          skipped = status;
          refused = err;
        }
        status = SAC_OK;
      }
    }
  }
  free(work);
  if (status == SAC_OK && shown == 0) { /* what was wrong was wrong with all */
    status = skipped;
    err = refused;
  }
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}
