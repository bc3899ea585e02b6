/* Acting with a head by its distribution: noise becomes an action by quantiles, so that correlated
 * noise works with every head; without noise the action is the head's centre, mean or mode. */
#include "agent/policy.h"
#include "dist/family.h"

#include <float.h>

/* --- noise ----------------------------------------------------------------------------------- */

/* z of D = 1 with F(z) = Phi(x) */
static double quantile_of(const sac_dist *d, const double theta[], double x) {
  const double pair[2] = {sac_ndtr(x), sac_ndtr(-x)};
  double out[3];
  d->quantile(d, theta, pair, NULL, out);
  return out[0];
}

/* z_i given z_1 ... z_(i-1) is a mixture in one dimension, whose logits have the earlier densities
 * added: the inverse of the distributional transform by which mixtures have their gradient. */
static void mixture_quantiles(const sac_dist *d, const double theta[], const float noise[],
                              double z[]) {
  const sac_dist *f = d->component;
  const size_t K = d->components, P = f->params;
  sac_dist line;
  double one[SAC_DIST_MAX_COMPONENTS * (1 + SAC_HEAD_PARAMS)], log_q, latent[2];
  (void)sac_dist_mixture(f, K, 1, &line, NULL);
  for (size_t k = 0; k < K; k++) one[k] = theta[k];
  for (size_t i = 0; i < d->dim; i++) {
    for (size_t k = 0; k < K; k++)
      for (size_t p = 0; p < P; p++) one[K + k * P + p] = theta[K + (k * d->dim + i) * P + p];
    z[i] = quantile_of(&line, one, (double)noise[i]);
    for (size_t k = 0; k < K; k++) {
      if (f->latents) f->to_latent(f, one + K + k * P, &z[i], NULL, latent);
      f->log_density(f, one + K + k * P, &z[i], latent, &log_q);
      one[k] = fmax(one[k] + log_q, -DBL_MAX);
    }
  }
}

static void full_normal(const sac_dist *d, const double theta[], const float noise[], double z[]) {
  const double *row = theta + d->dim;
  for (size_t i = 0; i < d->dim; row += ++i) {
    z[i] = theta[i];
    for (size_t j = 0; j <= i; j++) z[i] += row[j] * (double)noise[j];
  }
}

static void noisy_row(sac_head *head, size_t b, const float noise[], double z[]) {
  const sac_head_work *w = &head->work;
  const double *theta = w->theta + b * w->units * w->d.params;
  if (w->d.component) {
    mixture_quantiles(&w->d, theta, noise, z);
  } else if (w->kind->joint) {
    full_normal(&w->d, theta, noise, z);
  } else {
    for (size_t j = 0; j < head->A; j++)
      z[j] = quantile_of(&w->d, theta + j * w->d.params, (double)noise[j]);
  }
}

/* --- without noise --------------------------------------------------------------------------- */

static double tanh_of(const void *context, const double z[], const double latent[]) {
  (void)context, (void)latent;
  return tanh(z[0]);
}

/* E tanh(u) of a family in one dimension */
static double tanh_mean(const sac_dist *f, const double theta[]) {
  double out;
  if (f->data && f->data == sac_dist_normal.data) {
    sac_dist_tanh_normal.mean(&sac_dist_tanh_normal, theta, NULL, NULL, &out);
    return out;
  }
  double splits[2] = {0.0, 0.0}; /* where tanh bends, and where the density may have a kink */
  f->mode(f, theta, NULL, NULL, &splits[1]);
  return sac_dist_expect(f, theta, splits, tanh_of, NULL);
}

/* The highest point of the density of tanh u. Student's t has none but the ends, whatever its
 * parameters, so its location stands for it. */
static double tanh_mode(const sac_dist *f, const double theta[]) {
  double out;
  if (f->data && f->data == sac_dist_normal.data) {
    sac_dist_tanh_normal.mode(&sac_dist_tanh_normal, theta, NULL, NULL, &out);
    return out;
  }
  f->mode(f, theta, NULL, NULL, &out);
  /* -|u - loc|/scale + 2 log cosh u rises to the ends from scale 1/2 on */
  if (f->data && f->data == sac_dist_laplace.data && theta[1] >= 0.5) return out < 0.0 ? -1.0 : 1.0;
  return tanh(out);
}

/* the action of one dimension that the option `deterministic` asks for */
static double point_of(const sac_dist *f, sac_squash squash, int kind, const double theta[]) {
  double out;
  if (squash == SAC_SQUASH_TANH) {
    if (kind == SAC_DETERMINISTIC_MEAN) return tanh_mean(f, theta);
    if (kind == SAC_DETERMINISTIC_MODE) return tanh_mode(f, theta);
    f->mode(f, theta, NULL, NULL, &out);
    return tanh(out);
  }
  if (kind == SAC_DETERMINISTIC_MODE || squash == SAC_SQUASH_TURN)
    f->mode(f, theta, NULL, NULL, &out);
  else
    f->mean(f, theta, NULL, NULL, &out);
  return sac_squashed(squash, out);
}

/* log pi at the action a, of a mixture */
static double mixture_density(const sac_head *head, const double theta[], const double a[]) {
  const sac_dist *d = &head->work.d;
  double z[SAC_DIST_MAX_DIM], out;
  for (size_t i = 0; i < d->dim; i++) {
    const int tanhs = head->work.kind->squash == SAC_SQUASH_TANH;
    const double near = fmin(fmax(a[i], -1.0 + 1e-15), 1.0 - 1e-15);
    z[i] = tanhs ? atanh(near) : 0.5 * (near + 1.0);
  }
  d->log_density(d, theta, z, NULL, &out);
  for (size_t i = 0; i < d->dim; i++) out -= sac_log_stretch(head, z[i]);
  return out;
}

/* Mean: of all components. Centre: of the heaviest one. Mode: the highest of the components' own,
 * which it is where they lie apart. */
static void mixture_point(const sac_head *head, const double theta[], double act[]) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d, *f = d->component;
  const int kind = head->opt.deterministic;
  double top = -HUGE_VAL, best = -HUGE_VAL, sum = 0.0, a[SAC_DIST_MAX_DIM];
  for (size_t k = 0; k < d->components; k++) top = fmax(top, theta[k]);
  for (size_t i = 0; i < d->dim; i++) act[i] = 0.0;
  for (size_t k = 0; k < d->components; k++) {
    for (size_t i = 0; i < d->dim; i++)
      a[i] =
          point_of(f, w->kind->squash, kind, theta + d->components + (k * d->dim + i) * f->params);
    const double weight = exp(theta[k] - top);
    const double height =
        kind == SAC_DETERMINISTIC_MODE ? mixture_density(head, theta, a) : theta[k];
    sum += weight;
    for (size_t i = 0; i < d->dim; i++) {
      if (kind == SAC_DETERMINISTIC_MEAN)
        act[i] += (weight * (a[i] - act[i])) / sum;
      else if (height > best)
        act[i] = a[i];
    }
    best = fmax(best, height);
  }
}

/* each dimension of a full normal is a normal: of its mean and the length of its row of L */
static void full_normal_point(const sac_head *head, const double theta[], double act[]) {
  const sac_dist *d = &head->work.d;
  double variance[SAC_DIST_MAX_DIM];
  d->variance(d, theta, NULL, NULL, variance);
  for (size_t i = 0; i < d->dim; i++) {
    const double one[2] = {theta[i], sqrt(variance[i])};
    act[i] = head->opt.deterministic == SAC_DETERMINISTIC_MEAN ? tanh_mean(&sac_dist_normal, one)
                                                               : tanh(theta[i]);
  }
}

static void quiet_row(const sac_head *head, size_t b, double act[]) {
  const sac_head_work *w = &head->work;
  const double *theta = w->theta + b * w->units * w->d.params;
  if (w->d.component) {
    mixture_point(head, theta, act);
  } else if (w->kind->joint) {
    full_normal_point(head, theta, act);
  } else {
    for (size_t j = 0; j < head->A; j++)
      act[j] = point_of(&w->d, w->kind->squash, head->opt.deterministic, theta + j * w->d.params);
  }
}

void sac_work_act(sac_head *head, const float *noise, size_t first, size_t last) {
  const size_t A = head->A;
  sac_head_work *w = &head->work;
  for (size_t b = first; b < last; b++) {
    double *z = w->z + b * A; /* the noisy z, or the action itself */
    if (noise)
      noisy_row(head, b, noise + b * A, z);
    else
      quiet_row(head, b, z);
    for (size_t i = 0; i < A; i++) {
      const double a = noise ? sac_squashed(w->kind->squash, z[i]) : z[i];
      head->act[b * A + i] = w->bad[b] ? NAN : (float)a;
    }
  }
}
