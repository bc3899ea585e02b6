/* The exact gradient in one dimension: what estimates are compared with. */
#include "grad/estimators.h"

#include <string.h>

enum { MAX_JUMPS = 2, TERMS_MAX = 2000000 };

/* one parameter's integrand */
typedef struct integrand {
  const sac_grad_problem *p;
  size_t j;
  int *moves; /* set where a velocity is not 0 */
} integrand;

static double call(sac_grad_function *f, const sac_grad_problem *p, double z) {
  double out = 0.0;
  f(p->cost.context, 1, p->theta, &z, &out);
  return out;
}

/* the row function's number j at z */
static double row_at(sac_dist_row *row, const sac_dist *d, const double theta[], size_t j,
                     const double z[], const double latent[]) {
  double out[SAC_DIST_MAX_PARAMS];
  row(d, theta, z, latent, out);
  return out[j];
}

/* df/dtheta_j, for a cost that sees theta */
static double direct(const integrand *in, double z) {
  double out[SAC_DIST_MAX_PARAMS];
  if (!in->p->cost.dtheta) return 0.0;
  in->p->cost.dtheta(in->p->cost.context, 1, in->p->theta, &z, out);
  return out[in->j];
}

/* f' v + df/dtheta */
static double pathwise(const void *context, const double z[], const double latent[]) {
  const integrand *in = context;
  const sac_dist *d = in->p->d;
  const double v = row_at(d->velocity, d, in->p->theta, in->j, z, latent);
  if (v != 0.0) *in->moves = 1;
  return sac_grad_product(call(in->p->cost.df, in->p, z[0]), v) + direct(in, z[0]);
}

/* f s + df/dtheta */
static double score(const void *context, const double z[], const double latent[]) {
  const integrand *in = context;
  const sac_dist *d = in->p->d;
  const double s = row_at(d->score, d, in->p->theta, in->j, z, latent);
  return sac_grad_product(call(in->p->cost.f, in->p, z[0]), s) + direct(in, z[0]);
}

/* (f(k+) - f(k-)) q(k) v(k): what a jump hands over as samples pass it */
static sac_status jump(const integrand *in, double k, double *out, sac_error *err) {
  const sac_dist *d = in->p->d;
  double log_q, v[SAC_DIST_MAX_PARAMS], ends[2] = {d->low, d->high};
  if (d->support) d->support(d, in->p->theta, NULL, NULL, ends);
  *out = 0.0;
  if (!(k > ends[0] && k < ends[1])) return SAC_OK;
  SAC_TRY(sac_dist_log_density(d, 1, in->p->theta, 0, &k, NULL, &log_q, err));
  SAC_TRY(sac_dist_velocity(d, 1, in->p->theta, 0, &k, NULL, v, NULL, err));
  const double above = call(in->p->cost.f, in->p, nextafter(k, HUGE_VAL));
  const double below = call(in->p->cost.f, in->p, nextafter(k, -HUGE_VAL));
  *out = (above - below) * exp(log_q) * v[in->j];
  return SAC_OK;
}

/* whether E[f s] is the same number: not where the support moves with the parameter */
static int comparable(const integrand *in) {
  const sac_dist *d = in->p->d;
  const int turns = sac_grad_is(d, &sac_dist_von_mises) && in->j == 0;
  return in->p->cost.f && sac_grad_score_has(d, in->j) && !turns;
}

static sac_status continuous(const integrand *in, size_t count, const double jumps[], double *out,
                             sac_error *err) {
  const sac_dist *d = in->p->d;
  double median[3], splits[MAX_JUMPS];
  const double half[2] = {0.5, 0.5};
  d->quantile(d, in->p->theta, half, NULL, median);
  for (size_t k = 0; k < MAX_JUMPS; k++) splits[k] = k < count ? jumps[k] : median[0];
  double sum = sac_dist_expect(d, in->p->theta, splits, pathwise, in);
  if (!*in->moves) /* all but less than 1e-60 of the mass has underflowed: Gamma(1e-100) */
    return sac_fail(err, SAC_ERR_DIVERGED,
                    "grad: the quadrature has not settled: it sees no sample move with %s",
                    sac_dist_parameter(d, in->j)->name);
  for (size_t k = 0; k < count; k++) {
    double more;
    SAC_TRY(jump(in, jumps[k], &more, err));
    sum += more;
  }
  if (comparable(in)) {
    const double other = sac_dist_expect(d, in->p->theta, splits, score, in);
    if (!(fabs(sum - other) <= 1e-6 * fmax(1.0, fabs(other))))
      return sac_fail(err, SAC_ERR_DIVERGED, "grad: the quadrature has not settled: %g and %g", sum,
                      other);
  }
  if (!isfinite(sum)) return sac_fail(err, SAC_ERR_DIVERGED, "grad: the exact gradient is %g", sum);
  *out = sum;
  return SAC_OK;
}

/* over all that has a probability above 1e-20 */
static sac_status discrete(const integrand *in, double *out, sac_error *err) {
  const sac_dist *d = in->p->d;
  const double low[2] = {1e-20, 1.0}, high[2] = {1.0, 1e-20};
  double first, last, log_p, sum = 0.0;
  d->quantile(d, in->p->theta, low, NULL, &first);
  d->quantile(d, in->p->theta, high, NULL, &last);
  if (!(last - first < TERMS_MAX))
    return sac_fail(err, SAC_ERR_DIVERGED, "grad: a sum of %g terms: must be below %d",
                    last - first, TERMS_MAX);
  for (double k = first; k <= last; k += 1.0) {
    d->log_density(d, in->p->theta, &k, NULL, &log_p);
    sum += exp(log_p) * score(in, &k, NULL);
  }
  *out = sum;
  return SAC_OK;
}

sac_status sac_grad_exact(const sac_grad_problem *p, size_t count, const double jumps[],
                          double out[], sac_error *err) {
  const sac_dist *d = p->d;
  SAC_TRY(sac_dist_check(d, 1, p->theta, 0, err));
  if (d->dim != 1 || !d->quantile || count > MAX_JUMPS ||
      d->params * (1 + d->latents) > SAC_DIST_MAX_PARAMS)
    return sac_fail(
        err, SAC_ERR_ARG,
        "grad: the exact gradient needs one dimension, a quantile, and at most %d jumps",
        MAX_JUMPS);
  if (d->discrete ? !p->cost.f || !d->score : !p->cost.df || !d->velocity || (count && !p->cost.f))
    return sac_fail(err, SAC_ERR_ARG, "grad: the exact gradient needs %s",
                    d->discrete ? "f and a score" : "df, a velocity, and f for its jumps");
  double found[SAC_DIST_MAX_PARAMS];
  for (size_t j = 0; j < d->params; j++) {
    int moves = 0;
    const integrand in = {p, j, &moves};
    found[j] = 0.0;
    if ((p->wanted && !p->wanted[j]) || isinf(p->theta[j])) continue;
    SAC_TRY(d->discrete ? discrete(&in, &found[j], err)
                        : continuous(&in, count, jumps, &found[j], err));
  }
  memcpy(out, found, d->params * sizeof *out);
  return SAC_OK;
}
