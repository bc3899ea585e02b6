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

size_t sac_head_kind_outputs(const sac_head_kind *kind, const sac_agent_options *options,
                             size_t A) {
  sac_dist d;
  if (sac_head_dist(kind, options, A, &d, NULL) != SAC_OK) return 0;
  return sac_head_unit_outputs(kind, &d) * (kind->joint ? 1 : A);
}

void sac_work_layout(sac_arena *arena, sac_head *head, size_t B) {
  sac_head_work *w = &head->work;
  if (sac_head_dist(w->kind, &head->opt, head->A, &w->d, NULL) != SAC_OK)
    return; /* checked before */
  w->units = w->kind->joint ? 1 : head->A;
  w->outputs = sac_head_unit_outputs(w->kind, &w->d);
  w->draws = sac_work_draws(head);
  const size_t n = B * w->units, P = w->d.params;
  w->theta = SAC_TAKE(arena, double, n *P);
  w->slope = SAC_TAKE(arena, double, n * w->outputs);
  w->z = SAC_TAKE(arena, double, B * head->A);
  w->latent = SAC_TAKE(arena, double, n * w->d.latents);
  w->log_p = SAC_TAKE(arena, double, n);
  w->slope_z = SAC_TAKE(arena, double, n *(w->d.dim + w->d.latents));
  w->velocity = SAC_TAKE(arena, double, w->d.velocity ? n *P *(1 + w->d.latents) : 0);
  w->score = SAC_TAKE(arena, double, n *P);
  w->dtheta = SAC_TAKE(arena, double, n *P);
  w->scores = SAC_TAKE(arena, double, n *P);
  w->cost = SAC_TAKE(arena, double, B);
  w->stream = SAC_TAKE(arena, sac_stream, B);
  w->bad = SAC_TAKE(arena, uint8_t, B);
  w->minus = SAC_TAKE(arena, double, B);
  w->weight = SAC_TAKE(arena, double, B);
}

/* --- parameters ------------------------------------------------------------------------------ */

enum { OUTPUTS_MAX = SAC_DIST_MAX_PARAMS };

size_t sac_work_place(const sac_head *head, size_t j, size_t i) {
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
        raw[i] =
            w->bad[b] ? 0.0 : (double)out[sac_work_place(head, j, i)]; /* legal, whatever it is */
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

void sac_head_bias(const sac_kernels *k, sac_head *head) {
  const sac_head_work *w = &head->work;
  float *bias = sac_mlp_output_bias(&head->net);
  if (w->kind->features) return; /* the scale has no output */
  for (size_t j = 0; j < w->units; j++)
    for (size_t i = 0; i < w->outputs; i++) {
      const int scale = w->kind->map ? 0 : sac_head_param(w->kind, &w->d, i) == sac_map_scale;
      if (scale) bias[sac_work_place(head, j, i)] += (float)head->opt.log_std_bias;
      bias[sac_work_place(head, j, i)] += (float)spread(w, i);
    }
  sac_mlp_refresh(k, &head->net);
}

/* --- the last step, a = T(z) ----------------------------------------------------------------- */

double sac_log_sech2(double u) {
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
    return sac_log_sech2(z);
  case SAC_SQUASH_INTERVAL:
    return head->opt.interval_density == SAC_INTERVAL_DENSITY_UNIT ? 0.0 : log_2;
  case SAC_SQUASH_TURN:
    return -log_pi;
  default:
    return 0.0;
  }
}

/* --- sample and log-density ------------------------------------------------------------------ */

void sac_work_draw(sac_head *head, size_t b) {
  sac_head_work *w = &head->work;
  const size_t p = b * w->units, P = w->d.params;
  (void)sac_dist_sample(&w->d, w->units, w->theta + p * P, P, w->z + b * head->A,
                        w->latent + p * w->d.latents, &w->stream[b], NULL);
}

void sac_work_rows(const sac_head *head, sac_dist_row *f, sac_dist_batch *f_n, size_t width,
                   size_t first, size_t last, double out[]) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const size_t D = d->dim, L = d->latents, P = d->params;
  const size_t at = first * w->units, end = last * w->units;
  if (f_n) {
    f_n(d, end - at, w->theta + at * P, P, w->z + at * D, w->latent + at * L, out + at * width);
    return;
  }
  for (size_t p = at; p < end; p++)
    f(d, w->theta + p * P, w->z + p * D, w->latent + p * L, out + p * width);
}

/* a and log pi of row b, whose log p is known */
static void finish_row(sac_head *head, size_t b) {
  const sac_head_work *w = &head->work;
  double sum = -head->log_scale;
  for (size_t j = b * w->units; j < (b + 1) * w->units; j++) sum += w->log_p[j];
  for (size_t i = b * head->A; i < (b + 1) * head->A; i++) {
    sum -= sac_log_stretch(head, w->z[i]);
    head->act[i] = w->bad[b] ? NAN : (float)sac_squashed(w->kind->squash, w->z[i]);
  }
  head->logp[b] = w->bad[b] ? NAN : (float)sum;
}

void sac_work_finish(sac_head *head, size_t first, size_t last) {
  const sac_dist *d = &head->work.d;
  sac_dist_batch *fast = d->log_density_fast_n ? d->log_density_fast_n : d->log_density_n;
  sac_work_rows(head, d->log_density, fast, 1, first, last, head->work.log_p);
  for (size_t b = first; b < last; b++) finish_row(head, b);
}

void sac_work_sample(sac_head *head, size_t first, size_t last) {
  for (size_t b = first; b < last; b++) sac_work_draw(head, b);
  sac_work_finish(head, first, last);
}
