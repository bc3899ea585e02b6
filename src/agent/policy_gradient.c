/* The actor's gradient of a head that is computed by its distribution: through the sample, by the
 * score function, or from measure-valued pairs. Each sample ("draw") adds its share to dtheta. */
#include "agent/policy.h"
#include "grad/estimators.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { PARAMS_MAX = SAC_DIST_MAX_PARAMS };

/* 0 where one of the two is, even if the other one is infinite */
static double product(double g, double v) {
  return g == 0.0 || v == 0.0 ? 0.0 : g * v;
}

/* da/dz, and d/dz of its logarithm */
static double stretch(sac_squash squash, double z, double *dlog) {
  *dlog = 0.0;
  switch (squash) {
  case SAC_SQUASH_TANH:
    *dlog = -2.0 * tanh(z);
    return exp(sac_log_sech2(z));
  case SAC_SQUASH_INTERVAL:
    return 2.0;
  case SAC_SQUASH_TURN:
    return 1.0 / sac_pi;
  default:
    return 1.0;
  }
}

/* --- pathwise -------------------------------------------------------------------------------- */

/* The velocity's product with g (D) in z and, for D = 1, g_latent in the first latent. */
static void transport(const sac_head *head, size_t p, const double g[], double g_latent,
                      double out[]) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const double *theta = w->theta + p * d->params, *z = w->z + p * d->dim;
  const double *v = w->velocity + p * d->params * (1 + d->latents);
  if (head->opt.transport == SAC_TRANSPORT_OPTIMAL && w->kind->joint && !d->component) {
    double q[SAC_DIST_MAX_DIM * SAC_DIST_MAX_DIM], lambda[SAC_DIST_MAX_DIM];
    (void)sac_dist_mvn_eigen(d, theta, q, lambda, NULL);
    (void)sac_dist_mvn_omt(d, 1, theta, q, lambda, z, g, out, NULL);
    return;
  }
  if (!d->velocity) {
    d->vjp(d, theta, z, sac_work_latent(w, p), g, out);
    return;
  }
  for (size_t i = 0; i < d->params; i++) {
    out[i] = product(g[0], v[i]);
    if (d->latents) out[i] += product(g_latent, v[d->params + i]);
  }
}

/* alpha grad log pi + (alpha d_z log pi - d_z Q) dz/dtheta of point p, added to dtheta */
static void pathwise_point(sac_head *head, size_t p, double alpha, const double dq[]) {
  sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const size_t D = d->dim, P = d->params;
  const double *z = w->z + p * D, *slope = w->slope_z + p * (D + d->latents);
  double g[SAC_DIST_MAX_DIM], moved[PARAMS_MAX];
  for (size_t i = 0; i < D; i++) {
    double dlog;
    const double da_dz = stretch(w->kind->squash, z[i], &dlog);
    g[i] = -alpha * dlog - product(dq[i], da_dz);
    if (!d->latents) g[i] += alpha * slope[i]; /* else by the latent, which keeps its digits */
  }
  transport(head, p, g, d->latents ? alpha * slope[D] : 0.0, moved);
  for (size_t i = p * P; i < (p + 1) * P; i++)
    w->dtheta[i] += product(alpha, w->score[i]) + moved[i - p * P];
}

static void pathwise_row(sac_head *head, size_t b, const sac_head_critics *c) {
  const size_t D = head->work.d.dim;
  double dq[SAC_DIST_MAX_DIM];
  for (size_t j = 0; j < head->work.units; j++) {
    for (size_t i = 0; i < D; i++) dq[i] = (double)c->dq_da[b * c->ld + j * D + i];
    pathwise_point(head, b * head->work.units + j, (double)c->alpha, dq);
  }
}

/* --- score function -------------------------------------------------------------------------- */

/* sums of f, grad log pi and f grad log pi, with f = alpha log pi - Q */
static void score_row(sac_head *head, size_t b, const sac_head_critics *c) {
  sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const double f = (double)c->alpha * (double)head->logp[b] - (double)c->q[b];
  w->cost[b] += f;
  for (size_t i = b * w->units * d->params; i < (b + 1) * w->units * d->params; i++) {
    w->scores[i] += w->score[i];
    w->dtheta[i] += product(f, w->score[i]);
  }
}

/* --- measure-valued -------------------------------------------------------------------------- */

/* Draws 2 t and 2 t + 1 are z+ and z- of parameter t of the row, coupled; the other dimensions are
 * those of one sample. The last draw of all is a plain sample, for log pi and the metrics. */
static size_t pair_draws(const sac_head *head) {
  return 2 * head->work.units * head->work.d.params;
}

void sac_work_pair(sac_head *head, size_t draw, size_t b) {
  sac_head_work *w = &head->work;
  const size_t P = w->d.params, t = draw % pair_draws(head) / 2, j = t / P, at = b * head->A + j;
  if (draw % 2 == 0) {
    sac_work_draw(head, b);
    w->weight[b] = sac_grad_measure_valued_pair(&w->d, w->theta + (b * w->units + j) * P, t % P,
                                                &w->stream[b], &w->z[at], &w->minus[b]);
  } else {
    w->z[at] = w->minus[b];
  }
}

/* c (f(z+) - f(z-)), f = alpha log pi - Q; E d_theta log pi = 0 is all that f's own theta adds */
static void pair_row(sac_head *head, size_t draw, size_t b, const sac_head_critics *c) {
  sac_head_work *w = &head->work;
  const double f = (double)c->alpha * (double)head->logp[b] - (double)c->q[b];
  const size_t t = draw % pair_draws(head) / 2;
  w->dtheta[b * w->units * w->d.params + t] += w->weight[b] * (draw % 2 ? -f : f);
}

/* --- all of them ----------------------------------------------------------------------------- */

size_t sac_work_draws(const sac_head *head) {
  const size_t samples = (size_t)head->opt.actor_samples;
  const int pairs = head->opt.actor_estimator == SAC_ESTIMATOR_MEASURE_VALUED;
  return pairs ? samples * pair_draws(head) + 1 : samples;
}

/* The mean over the draws; with the others as baseline f_i - sum_{j != i} f_j/(n-1) is
 * n/(n-1) (f_i - mean f). */
static double mean_gradient(const sac_head *head, size_t b, size_t i) {
  const sac_head_work *w = &head->work;
  const double n = (double)head->opt.actor_samples;
  if (head->opt.actor_estimator != SAC_ESTIMATOR_SCORE_LOO) return w->dtheta[i] / n;
  return (w->dtheta[i] - w->cost[b] / n * w->scores[i]) / (n - 1.0);
}

static void pull_row(sac_head *head, size_t b, size_t B) {
  const sac_head_work *w = &head->work;
  const size_t P = w->d.params;
  float *dout = head->dout + b * head->ld_out;
  double raw[PARAMS_MAX], dtheta[PARAMS_MAX], draw[PARAMS_MAX];
  for (size_t j = 0; j < w->units; j++) {
    const size_t p = b * w->units + j;
    for (size_t i = 0; i < P; i++) dtheta[i] = mean_gradient(head, b, p * P + i);
    for (size_t i = 0; i < w->outputs; i++) {
      raw[i] = (double)head->out[b * head->ld_out + sac_work_place(head, j, i)];
      draw[i] = product(dtheta[i], w->slope[p * w->outputs + i]);
    }
    if (w->kind->pull) w->kind->pull(&w->d, &head->opt, raw, w->theta + p * P, dtheta, draw);
    for (size_t i = 0; i < w->outputs; i++)
      dout[sac_work_place(head, j, i)] = w->bad[b] ? NAN : (float)(draw[i] / (double)B);
  }
}

/* What the gradients of rows [first, last) are made of. */
static void look(sac_head *head, size_t first, size_t last) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  sac_dist_batch *fast = d->velocity_fast_n ? d->velocity_fast_n : d->velocity_n;
  if (head->opt.actor_estimator == SAC_ESTIMATOR_MEASURE_VALUED) return;
  sac_work_rows(head, d->score, d->score_fast_n ? d->score_fast_n : d->score_n, d->params, first,
                last, w->score);
  if (!sac_head_is_pathwise(head)) return;
  sac_work_rows(head, d->dlog_density, NULL, d->dim + d->latents, first, last, w->slope_z);
  if (d->velocity)
    sac_work_rows(head, d->velocity, fast, d->params * (1 + d->latents), first, last, w->velocity);
}

void sac_work_gradient(sac_head *head, size_t draw, size_t B, const sac_head_critics *c,
                       size_t first, size_t last) {
  sac_head_work *w = &head->work;
  const size_t width = w->units * w->d.params;
  look(head, first, last);
  for (size_t b = first; b < last; b++) {
    if (draw == 0) {
      memset(w->dtheta + b * width, 0, width * sizeof *w->dtheta);
      memset(w->scores + b * width, 0, width * sizeof *w->scores);
      w->cost[b] = 0.0;
    }
    const int is_last = draw + 1 == w->draws;
    if (sac_head_is_pathwise(head))
      pathwise_row(head, b, c);
    else if (head->opt.actor_estimator != SAC_ESTIMATOR_MEASURE_VALUED)
      score_row(head, b, c);
    else if (!is_last)
      pair_row(head, draw, b, c);
    if (is_last) pull_row(head, b, B);
  }
}
