/* Baselines of the factor w, E[w] = 0: any b that sample i has no part in leaves
 * E[(f_i - b) w_i] = E[f w]. With antithetic pairs a sample has part in its partner too. */
#include "grad/baseline.h"

#include "grad/control.h"
#include "grad/delta.h"

/* g <- g + (f - b) w for one sample */
static void add(sac_grad_job *job, size_t i, double b) {
  const size_t P = job->P;
  for (size_t j = 0; j < P; j++)
    job->g[i * P + j] += sac_grad_product(job->f[i] - b, job->w[i * P + j]);
}

static void none(sac_grad_job *job) {
  for (size_t i = 0; i < job->n; i++) add(job, i, 0.0);
}

/* b_i = the mean of the others' f */
static void leave_one_out(sac_grad_job *job) {
  const size_t n = job->n, m = job->group;
  double total = 0.0;
  for (size_t i = 0; i < n; i++) total += job->f[i];
  for (size_t at = 0; at < n; at += m) {
    double own = 0.0;
    for (size_t i = at; i < at + m; i++) own += job->f[i];
    for (size_t i = at; i < at + m; i++) add(job, i, (total - own) / (double)(n - m));
  }
}

/* m_i = sum over the samples before i of decay^age f, over the same of decay^age; average holds
 * the two sums, weight first */
static void moving_average(sac_grad_job *job, double average[2]) {
  const double keep = job->o.decay;
  for (size_t at = 0; at < job->n; at += job->group) {
    const double b = average[0] > 0.0 ? average[1] / average[0] : 0.0;
    for (size_t i = at; i < at + job->group; i++) add(job, i, b);
    for (size_t i = at; i < at + job->group; i++) {
      average[0] = keep * average[0] + 1.0 - keep;
      average[1] = keep * average[1] + (1.0 - keep) * job->f[i];
    }
  }
}

/* Sums over samples of one parameter's g and h. */
typedef struct sums {
  double n, g, h, gh, hh;
} sums;

static void gather(sums *s, double g, double h) {
  s->n += 1.0;
  s->g += g;
  s->h += h;
  s->gh += g * h;
  s->hh += h * h;
}

/* The slope of g over h: through the origin, or through the means. s is a difference of sums whose
 * squares were `total`: what is small beside that is the rounding of equal h (a discrete z), and
 * its quotient a number that the sample itself had a part in. */
static double slope_of(const sums *s, double total, int centred) {
  const double gh = s->gh - (centred ? s->g * s->h / s->n : 0.0);
  const double hh = s->hh - (centred ? s->h * s->h / s->n : 0.0);
  return hh > 1e-12 * total ? gh / hh : 0.0;
}

/* g <- g - b h with E[h] = 0, b_i from the others: the coefficient of least variance, a number for
 * each parameter */
static void regress(sac_grad_job *job, const double h[], int centred) {
  const size_t n = job->n, P = job->P, m = job->group;
  for (size_t j = 0; j < P; j++) {
    sums all = {0};
    for (size_t i = j; i < n * P; i += P) gather(&all, job->g[i], h[i]);
    for (size_t at = 0; at < n; at += m) {
      sums own = {0};
      for (size_t i = at; i < at + m; i++) gather(&own, job->g[i * P + j], h[i * P + j]);
      const sums others = {all.n - own.n, all.g - own.g, all.h - own.h, all.gh - own.gh,
                           all.hh - own.hh};
      const double b = slope_of(&others, all.hh, centred);
      for (size_t i = at; i < at + m; i++) job->g[i * P + j] -= b * h[i * P + j];
    }
  }
}

size_t sac_grad_baseline_groups(int baseline) {
  switch (baseline) {
  case SAC_GRAD_BASELINE_LEAVE_ONE_OUT:
  case SAC_GRAD_BASELINE_OPTIMAL:
    return 2;
  case SAC_GRAD_BASELINE_DELTA:
    return 3;
  default:
    return 1;
  }
}

static sac_status delta(sac_grad_job *job, const sac_grad_estimator *e, sac_error *err) {
  double *h = job->spare;
  if (e->weighted) none(job);
  SAC_TRY(sac_grad_delta_variate(job, e->carry, h, err));
  regress(job, h, 1);
  return SAC_OK;
}

sac_status sac_grad_baseline(sac_grad_job *job, double average[2], sac_error *err) {
  const sac_grad_estimator *e = sac_grad_estimator_row(job->o.estimator);
  switch (job->o.baseline) {
  case SAC_GRAD_BASELINE_LEAVE_ONE_OUT:
    leave_one_out(job);
    break;
  case SAC_GRAD_BASELINE_MOVING_AVERAGE:
    moving_average(job, average);
    break;
  case SAC_GRAD_BASELINE_OPTIMAL:
    none(job);
    regress(job, job->w, 0);
    break;
  case SAC_GRAD_BASELINE_CONTROL:
    return sac_grad_control_apply(job, err);
  case SAC_GRAD_BASELINE_DELTA:
    return delta(job, e, err);
  default:
    if (e->weighted) none(job);
  }
  return SAC_OK;
}
