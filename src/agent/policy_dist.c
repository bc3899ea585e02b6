/* A head by its distribution: parameters, samples, log-density and gradients, in double.
 *
 * A row of the batch has `units` distributions of D = d->dim numbers each: A of one dimension, or
 * one of A. What lies behind each other in memory is a list of "points": point p = row * units +
 * unit has theta (P), z (D) and latent (L). */
#include "agent/policy.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double log_2 = 0.69314718055994530942, log_pi = 1.14472988584940017414;
static const double pi = 3.14159265358979323846;

size_t sac_head_outputs(const sac_agent_options *options, size_t A) {
  const sac_head_kind *kind = sac_head_kind_of(options);
  sac_dist d;
  if (sac_head_dist(kind, options, A, &d, NULL) != SAC_OK) return 0;
  return sac_head_unit_outputs(kind, &d) * (kind->joint ? 1 : A);
}

void sac_work_layout(sac_arena *arena, sac_head *head, size_t B) {
  sac_head_work *w = &head->work;
  w->kind = sac_head_kind_of(&head->opt);
  if (sac_head_dist(w->kind, &head->opt, head->A, &w->d, NULL) != SAC_OK)
    return; /* checked before */
  w->units = w->kind->joint ? 1 : head->A;
  w->outputs = sac_head_unit_outputs(w->kind, &w->d);
  w->draws = (size_t)head->opt.actor_samples;
  const size_t n = B * w->units, P = w->d.params;
  w->theta = SAC_TAKE(arena, double, n *P);
  w->slope = SAC_TAKE(arena, double, n * w->outputs);
  w->z = SAC_TAKE(arena, double, B * head->A);
  w->latent = SAC_TAKE(arena, double, n * w->d.latents);
  w->dtheta = SAC_TAKE(arena, double, n *P);
  w->score = SAC_TAKE(arena, double, n *P);
  w->cost = SAC_TAKE(arena, double, B);
  w->stream = SAC_TAKE(arena, sac_stream, B);
  w->bad = SAC_TAKE(arena, uint8_t, B);
}

/* --- parameters ------------------------------------------------------------------------------ */

enum { OUTPUTS_MAX = SAC_DIST_MAX_PARAMS };

/* Where output i of unit j lies in a row of the network's: [mean of all | raw of all | ...]. */
static size_t place(const sac_head *head, size_t j, size_t i) {
  return i * head->work.units + j;
}

static void map_unit(sac_head *head, const double raw[], double theta[], double slope[]) {
  const sac_head_work *w = &head->work;
  if (w->kind->map) {
    w->kind->map(&w->d, &head->opt, raw, theta);
    return;
  }
  for (size_t i = 0; i < w->d.params; i++) {
    double unused;
    const int given = i < w->outputs;
    theta[i] = sac_head_param(w->kind, &w->d, i)(&head->opt, given ? raw[i] : 0.0,
                                                 given ? &slope[i] : &unused);
  }
}

void sac_work_map(sac_head *head, size_t first, size_t last) {
  sac_head_work *w = &head->work;
  double raw[OUTPUTS_MAX];
  for (size_t b = first; b < last; b++) {
    const float *out = head->out + b * head->ld_out;
    w->bad[b] = 0;
    for (size_t i = 0; i < head->outputs; i++)
      if (!isfinite(out[i])) w->bad[b] = 1;
    for (size_t j = 0; j < w->units; j++) {
      const size_t p = b * w->units + j;
      for (size_t i = 0; i < w->outputs; i++)
        raw[i] = w->bad[b] ? 0.0 : (double)out[place(head, j, i)]; /* legal, whatever it is */
      map_unit(head, raw, w->theta + p * w->d.params, w->slope + p * w->outputs);
    }
  }
}

/* a component's place among the others, in [-1, 1]: where its location begins, or which of its two
 * concentrations is the larger */
static double spread(const sac_head_work *w, size_t i) {
  const sac_dist *d = &w->d;
  if (!d->component || i < d->components || d->components < 2) return 0.0;
  const size_t P = d->component->params, k = (i - d->components) / (d->dim * P);
  const double at = 2.0 * (double)k / (double)(d->components - 1) - 1.0;
  const size_t which = (i - d->components) % P;
  if (w->kind->param[0] == sac_map_concentration) return which ? -at : at;
  return which ? 0.0 : at;
}

void sac_head_bias(sac_head *head) {
  const sac_head_work *w = &head->work;
  float *bias = sac_mlp_output_bias(&head->net);
  for (size_t j = 0; j < w->units; j++)
    for (size_t i = 0; i < w->outputs; i++) {
      const int scale = w->kind->map ? 0 : sac_head_param(w->kind, &w->d, i) == sac_map_scale;
      if (scale) bias[place(head, j, i)] += (float)head->opt.log_std_bias;
      bias[place(head, j, i)] += (float)spread(w, i);
    }
}

/* --- the last step, a = T(z) ----------------------------------------------------------------- */

/* log(1 - tanh(u)^2) */
static double log_sech2(double u) {
  const double a = fabs(u);
  return 2.0 * (log_2 - a - log1p(exp(-2.0 * a)));
}

double sac_squashed(sac_squash squash, double z) {
  switch (squash) {
  case SAC_SQUASH_TANH:
    return tanh(z);
  case SAC_SQUASH_INTERVAL:
    return 2.0 * z - 1.0;
  case SAC_SQUASH_TURN:
    return remainder(z, 2.0 * pi) / pi;
  default:
    return z;
  }
}

/* log da/dz */
double sac_log_stretch(const sac_head *head, double z) {
  switch (head->work.kind->squash) {
  case SAC_SQUASH_TANH:
    return log_sech2(z);
  case SAC_SQUASH_INTERVAL:
    return head->opt.interval_density == SAC_INTERVAL_DENSITY_UNIT ? 0.0 : log_2;
  case SAC_SQUASH_TURN:
    return -log_pi;
  default:
    return 0.0;
  }
}

/* da/dz, and d/dz of its logarithm */
static double stretch(sac_squash squash, double z, double *dlog) {
  *dlog = 0.0;
  switch (squash) {
  case SAC_SQUASH_TANH:
    *dlog = -2.0 * tanh(z);
    return exp(log_sech2(z));
  case SAC_SQUASH_INTERVAL:
    return 2.0;
  case SAC_SQUASH_TURN:
    return 1.0 / pi;
  default:
    return 1.0;
  }
}

/* --- sample and log-density ------------------------------------------------------------------ */

static void draw_row(sac_head *head, size_t b) {
  sac_head_work *w = &head->work;
  const size_t p = b * w->units, P = w->d.params;
  (void)sac_dist_sample(&w->d, w->units, w->theta + p * P, P, w->z + b * head->A,
                        w->latent + p * w->d.latents, &w->stream[b], NULL);
}

static const double *latent_at(const sac_head_work *w, size_t p) {
  return w->d.latents ? w->latent + p * w->d.latents : NULL;
}

static double log_density(const sac_head *head, size_t b) {
  const sac_head_work *w = &head->work;
  const size_t D = w->d.dim, P = w->d.params;
  double sum = -head->log_scale;
  for (size_t j = 0; j < w->units; j++) {
    const size_t p = b * w->units + j;
    double one;
    w->d.log_density(&w->d, w->theta + p * P, w->z + p * D, latent_at(w, p), &one);
    sum += one;
  }
  for (size_t i = 0; i < head->A; i++) sum -= sac_log_stretch(head, w->z[b * head->A + i]);
  return sum;
}

static void finish_row(sac_head *head, size_t b) {
  const size_t A = head->A;
  const sac_head_work *w = &head->work;
  for (size_t i = b * A; i < (b + 1) * A; i++)
    head->act[i] = w->bad[b] ? NAN : (float)sac_squashed(w->kind->squash, w->z[i]);
}

void sac_work_sample(sac_head *head, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) {
    draw_row(head, b);
    finish_row(head, b);
    head->logp[b] = head->work.bad[b] ? NAN : (float)log_density(head, b);
  }
}

/* --- gradients ------------------------------------------------------------------------------- */

/* 0 where one of the two is, even if the other one is infinite */
static double product(double g, double v) {
  return g == 0.0 || v == 0.0 ? 0.0 : g * v;
}

/* The velocity's product with g (D) in z and, for D = 1, g_latent in the first latent. */
static void transport(const sac_head *head, size_t p, const double g[], double g_latent,
                      double out[]) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const double *theta = w->theta + p * d->params, *z = w->z + p * d->dim;
  if (!d->velocity) {
    d->vjp(d, theta, z, latent_at(w, p), g, out);
    return;
  }
  double v[3 * SAC_HEAD_PARAMS];
  d->velocity(d, theta, z, latent_at(w, p), v);
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
  const double *theta = w->theta + p * P, *z = w->z + p * D;
  double slope[SAC_DIST_MAX_DIM + 2], g[SAC_DIST_MAX_DIM], score[OUTPUTS_MAX], moved[OUTPUTS_MAX];
  d->dlog_density(d, theta, z, latent_at(w, p), slope);
  for (size_t i = 0; i < D; i++) {
    double dlog;
    const double da_dz = stretch(w->kind->squash, z[i], &dlog);
    g[i] = -alpha * dlog - product(dq[i], da_dz);
    if (!d->latents) g[i] += alpha * slope[i]; /* else by the latent, which keeps its digits */
  }
  transport(head, p, g, d->latents ? alpha * slope[D] : 0.0, moved);
  d->score(d, theta, z, latent_at(w, p), score);
  for (size_t i = 0; i < P; i++) w->dtheta[p * P + i] += product(alpha, score[i]) + moved[i];
}

static void pathwise_row(sac_head *head, size_t b, const sac_head_critics *c) {
  const size_t D = head->work.d.dim;
  double dq[SAC_DIST_MAX_DIM];
  for (size_t j = 0; j < head->work.units; j++) {
    for (size_t i = 0; i < D; i++) dq[i] = (double)c->dq_da[b * c->ld + j * D + i];
    pathwise_point(head, b * head->work.units + j, (double)c->alpha, dq);
  }
}

/* sums of f, grad log pi and f grad log pi, with f = alpha log pi - Q */
static void score_row(sac_head *head, size_t b, const sac_head_critics *c) {
  sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const double f = (double)c->alpha * (double)head->logp[b] - (double)c->q[b];
  double score[OUTPUTS_MAX];
  w->cost[b] += f;
  for (size_t j = 0; j < w->units; j++) {
    const size_t p = b * w->units + j, at = p * d->params;
    d->score(d, w->theta + at, w->z + p * d->dim, latent_at(w, p), score);
    for (size_t i = 0; i < d->params; i++) {
      w->score[at + i] += score[i];
      w->dtheta[at + i] += product(f, score[i]);
    }
  }
}

/* The mean over the draws; with the others as baseline f_i - sum_{j != i} f_j/(n-1) is
 * n/(n-1) (f_i - mean f). */
static double mean_gradient(const sac_head *head, size_t b, size_t i) {
  const sac_head_work *w = &head->work;
  const double n = (double)w->draws;
  if (head->opt.actor_estimator != SAC_ESTIMATOR_SCORE_LOO) return w->dtheta[i] / n;
  return (w->dtheta[i] - w->cost[b] / n * w->score[i]) / (n - 1.0);
}

static void pull_row(sac_head *head, size_t b, size_t B) {
  const sac_head_work *w = &head->work;
  const size_t P = w->d.params;
  float *dout = head->dout + b * head->ld_out;
  double raw[OUTPUTS_MAX], dtheta[OUTPUTS_MAX], draw[OUTPUTS_MAX];
  for (size_t j = 0; j < w->units; j++) {
    const size_t p = b * w->units + j;
    for (size_t i = 0; i < P; i++) dtheta[i] = mean_gradient(head, b, p * P + i);
    for (size_t i = 0; i < w->outputs; i++) {
      raw[i] = (double)head->out[b * head->ld_out + place(head, j, i)];
      draw[i] = product(dtheta[i], w->slope[p * w->outputs + i]);
    }
    if (w->kind->pull) w->kind->pull(&w->d, &head->opt, raw, w->theta + p * P, dtheta, draw);
    for (size_t i = 0; i < w->outputs; i++)
      dout[place(head, j, i)] = w->bad[b] ? NAN : (float)(draw[i] / (double)B);
  }
}

void sac_work_gradient(sac_head *head, size_t draw, size_t B, const sac_head_critics *c,
                       size_t first, size_t last) {
  sac_head_work *w = &head->work;
  const size_t width = w->units * w->d.params;
  for (size_t b = first; b < last; b++) {
    if (draw == 0) {
      memset(w->dtheta + b * width, 0, width * sizeof *w->dtheta);
      memset(w->score + b * width, 0, width * sizeof *w->score);
      w->cost[b] = 0.0;
    }
    if (sac_head_is_pathwise(head))
      pathwise_row(head, b, c);
    else
      score_row(head, b, c);
    if (draw + 1 == w->draws) pull_row(head, b, B);
  }
}
