/* What a head can do in an action space: which it fits, and which entropies it reaches. */
#include "agent/policy.h"
#include "agent/schedule.h"
#include "base/try.h"
#include "dist/family.h"
#include "grad/estimators.h"

#include <stdio.h>
#include <string.h>

/* --- fit ------------------------------------------------------------------------------------- */

static int is_turn(double low, double high) {
  const double turn = 6.28318530717958647693;
  return fabs((high - low) - turn) < 1e-5;
}

void sac_head_fitting(int turn, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = 0; i < SAC_POLICY_COUNT; i++) {
    const sac_agent_options o = {.policy = i};
    if (i == SAC_POLICY_VON_MISES && !turn) continue;
    const int n =
        snprintf(text + used, size - used, "%s%s", used ? ", " : "", sac_head_kind_of(&o)->name);
    if (n > 0 && (size_t)n < size - used) used += (size_t)n;
  }
}

/* What gsde reads in the actor's last hidden layer has to be there. */
static sac_status check_features(const sac_agent_options *o, size_t A, sac_error *err) {
  if (o->precision == SAC_PRECISION_BF16)
    return sac_fail(
        err, SAC_ERR_ARG,
        "precision = bf16: policy = gsde makes its noise of the last hidden layer, which "
        "bf16 does not keep in float; set precision = fp32");
  if (o->actor_norm != SAC_NORMS_NONE)
    return sac_fail(err, SAC_ERR_ARG,
                    "policy = gsde: not with a normaliser of the actor, whose last hidden layer is "
                    "what the noise is made of; set actor_norm = none");
  if (A <= SAC_GSDE_ACTIONS_MAX) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "policy = gsde with %zu actions: at most %d", A,
                  SAC_GSDE_ACTIONS_MAX);
}

static sac_status check_fit(const sac_agent_options *o, size_t A, const double low[],
                            const double high[], sac_error *err) {
  const sac_head_kind *kind = sac_head_kind_of(o);
  char others[300];
  sac_dist d;
  if (kind->features) SAC_TRY(check_features(o, A, err));
  sac_head_fitting(0, others, sizeof others);
  for (size_t j = 0; kind->squash == SAC_SQUASH_TURN && j < A; j++)
    if (!is_turn(low[j], high[j]))
      return sac_fail(
          err, SAC_ERR_ARG,
          "policy = %s: action %zu has bounds [%g, %g], which are no full turn of 2 pi; "
          "what fits: %s",
          kind->name, j, low[j], high[j], others);
  sac_error cause = {.msg = ""};
  if (sac_head_dist(kind, o, A, &d, &cause) == SAC_OK) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "policy = %s with %zu actions: %.200s", kind->name, A,
                  cause.msg);
}

/* The measure-valued estimator needs a pair of densities for every parameter. */
static int has_pairs(const sac_head_kind *kind) {
  const sac_dist *f = sac_dist_find(kind->family);
  if (kind->joint || kind->map) return 0;
  for (size_t i = 0; i < f->params; i++)
    if (!sac_grad_measure_valued_has(f, i)) return 0;
  return 1;
}

static sac_status check_estimator(const sac_agent_options *o, sac_error *err) {
  const sac_head_kind *kind = sac_head_kind_of(o);
  char with[300] = "";
  if (o->actor_estimator != SAC_ESTIMATOR_MEASURE_VALUED || has_pairs(kind)) return SAC_OK;
  for (int i = 0; i < SAC_POLICY_COUNT; i++) {
    const sac_agent_options other = {.policy = i};
    const sac_head_kind *row = sac_head_kind_of(&other);
    const size_t used = strlen(with);
    if (has_pairs(row))
      snprintf(with + used, sizeof with - used, "%s%s", used ? ", " : "", row->name);
  }
  return sac_fail(err, SAC_ERR_ARG,
                  "actor_estimator = measure_valued: policy = %s has parameters without it; it is "
                  "there for %s",
                  kind->name, with);
}

/* --- entropy of one dimension, as log pi measures it ------------------------------------------ */

static double log_sech2(const void *context, const double z[], const double latent[]) {
  (void)context, (void)latent;
  const double a = fabs(z[0]);
  return 2.0 * (sac_log_2 - a - log1p(exp(-2.0 * a)));
}

double sac_squashed_entropy(const sac_agent_options *o, const sac_dist *f, const double theta[]) {
  const sac_head_kind *kind = sac_head_kind_of(o);
  double out;
  if (kind->squash == SAC_SQUASH_TANH && f->data && f->data == sac_dist_normal.data) {
    sac_dist_tanh_normal.entropy(&sac_dist_tanh_normal, theta, NULL, NULL, &out);
    return out;
  }
  f->entropy(f, theta, NULL, NULL, &out);
  if (kind->squash == SAC_SQUASH_TANH) {
    double splits[2] = {0.0, 0.0};
    f->mode(f, theta, NULL, NULL, &splits[1]);
    return out + sac_dist_expect(f, theta, splits, log_sech2, NULL);
  }
  if (kind->squash == SAC_SQUASH_TURN) return out - log(sac_pi);
  const int unit = o->interval_density == SAC_INTERVAL_DENSITY_UNIT;
  return kind->squash == SAC_SQUASH_INTERVAL && !unit ? out + sac_log_2 : out;
}

/* E log T'(z) of one dimension */
static double mean_stretch(const sac_agent_options *o, const sac_dist *f, const double theta[]) {
  double plain;
  f->entropy(f, theta, NULL, NULL, &plain);
  return sac_squashed_entropy(o, f, theta) - plain;
}

static double full_normal_stretch(const sac_head *head, const double theta[]) {
  const sac_dist *d = &head->work.d;
  double variance[SAC_DIST_MAX_DIM], sum = 0.0;
  d->variance(d, theta, NULL, NULL, variance);
  for (size_t i = 0; i < d->dim; i++) {
    const double one[2] = {theta[i], sqrt(variance[i])};
    sum += mean_stretch(&head->opt, &sac_dist_normal, one);
  }
  return sum;
}

static double mixture_stretch(const sac_head *head, const double theta[]) {
  const sac_dist *d = &head->work.d, *f = d->component;
  double top = -HUGE_VAL, sum = 0.0, weights = 0.0;
  for (size_t k = 0; k < d->components; k++) top = fmax(top, theta[k]);
  for (size_t k = 0; k < d->components; k++) {
    const double weight = exp(theta[k] - top);
    weights += weight;
    for (size_t i = 0; i < d->dim; i++)
      sum += weight *
             mean_stretch(&head->opt, f, theta + d->components + (k * d->dim + i) * f->params);
  }
  return sum / weights;
}

double sac_head_entropy(const sac_head *head, size_t b) {
  const sac_head_work *w = &head->work;
  const sac_dist *d = &w->d;
  const double *theta = w->theta + b * w->units * d->params;
  double sum = head->log_scale, own;
  if (w->bad[b] || !d->entropy) return (double)NAN;
  for (size_t j = 0; !w->kind->joint && j < w->units; j++)
    sum += sac_squashed_entropy(&head->opt, d, theta + j * d->params);
  if (!w->kind->joint) return sum;
  d->entropy(d, theta, NULL, NULL, &own);
  return sum + own +
         (d->component ? mixture_stretch(head, theta) : full_normal_stretch(head, theta));
}

/* --- the entropies that a dimension can have ---------------------------------------------------
 */

typedef struct range {
  double low, high;
} range;

/* a parameter at the ends of its map */
static range ends_of(const sac_agent_options *o, sac_param_map *map) {
  double slope;
  return (range){map(o, -1e3, &slope), map(o, 1e3, &slope)};
}

static double with_scale(const sac_agent_options *o, const sac_dist *f, double log_scale) {
  const double nine[] = {9.0, 0.0, exp(log_scale)}; /* df: the nearest to a level density */
  return sac_squashed_entropy(o, f, f->params == 3 ? nine : nine + 1);
}

/* A location far out leaves nothing of the action's spread; at 0 the entropy has one peak in the
 * scale, found by golden section. */
static range tanh_range(const sac_agent_options *o, const sac_dist *f) {
  const int gsde = o->policy == SAC_POLICY_GSDE; /* sigma from 1e-3 up: agent/gsde.h */
  const range scale = gsde ? (range){1e-3, HUGE_VAL} : ends_of(o, sac_map_scale);
  double a = log(scale.low), b = fmin(log(scale.high), 5.0);
  for (int step = 0; step < 60 && b - a > 1e-6; step++) {
    const double gap = 0.38196601125010515 * (b - a);
    if (with_scale(o, f, a + gap) > with_scale(o, f, b - gap))
      b -= gap;
    else
      a += gap;
  }
  return (range){-HUGE_VAL, with_scale(o, f, 0.5 * (a + b))};
}

/* of two parameters, at the corners of what they can be and, if inside, where both are `level` */
static range corner_range(const sac_agent_options *o, const sac_dist *f, range first, range second,
                          double level) {
  const double one[] = {first.low, first.high, fmin(fmax(level, first.low), first.high)};
  const double two[] = {second.low, second.high, fmin(fmax(level, second.low), second.high)};
  range r = {HUGE_VAL, -HUGE_VAL};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      const double theta[] = {one[i], two[j], -1.0, 1.0};
      const double entropy = sac_squashed_entropy(o, f, theta);
      r.low = fmin(r.low, entropy);
      r.high = fmax(r.high, entropy);
    }
  return r;
}

static range dimension_range(const sac_agent_options *o) {
  const sac_head_kind *kind = sac_head_kind_of(o);
  const sac_dist *f = sac_dist_find(kind->family);
  if (kind->squash == SAC_SQUASH_TURN) {
    const range kappa = ends_of(o, sac_map_turn_concentration);
    const double narrow[] = {0.0, kappa.high}, wide[] = {0.0, kappa.low};
    return (range){sac_squashed_entropy(o, f, narrow), sac_squashed_entropy(o, f, wide)};
  }
  range r;
  if (kind->squash == SAC_SQUASH_TANH) {
    r = tanh_range(o, f);
  } else if (kind->squash == SAC_SQUASH_INTERVAL) {
    const range c = ends_of(o, sac_map_concentration);
    r = corner_range(o, f, c, c, 1.0);
  } else {
    const range c = f->params == 2 ? (range){0.0, 0.0} : ends_of(o, kind->param[0]);
    r = corner_range(o, f, c, ends_of(o, kind->param[1]), 0.0);
  }
  /* components side by side can be as level as one likes */
  if (kind->joint == sac_head_mixture)
    r.high = fmax(r.high, o->policy == SAC_POLICY_BETA_MIXTURE &&
                                  o->interval_density == SAC_INTERVAL_DENSITY_UNIT
                              ? 0.0
                              : sac_log_2);
  return r;
}

static sac_status check_entropy(const sac_agent_options *o, size_t A, const double low[],
                                const double high[], sac_error *err) {
  if (o->temperature == SAC_TEMPERATURE_FIXED) return SAC_OK;
  const range each = dimension_range(o);
  const double target = sac_target_entropy_each(o) * (double)A;
  double shift = 0.0;
  for (size_t j = 0; o->entropy_space == SAC_ENTROPY_ENVIRONMENT && j < A; j++)
    shift += log(0.5 * (high[j] - low[j]));
  const double least = each.low * (double)A + shift, most = each.high * (double)A + shift;
  if (target > least && target < most) return SAC_OK;
  const int by_std = o->target_entropy_std > 0.0;
  return sac_fail(err, SAC_ERR_ARG,
                  "%s = %g: a target of %g nats for %zu actions, but policy = %s "
                  "reaches only %.4g to %.4g: set target_entropy_scale between %.4g and %.4g%s, or "
                  "temperature=fixed",
                  by_std ? "target_entropy_std" : "target_entropy_scale",
                  by_std ? o->target_entropy_std : o->target_entropy_scale, target, A,
                  sac_head_kind_of(o)->name, least, most, least / (double)A, most / (double)A,
                  by_std ? " (with target_entropy_std=0)" : "");
}

sac_status sac_head_check(const sac_agent_options *o, size_t A, const double low[],
                          const double high[], sac_error *err) {
  SAC_TRY(check_fit(o, A, low, high, err));
  SAC_TRY(check_estimator(o, err));
  return check_entropy(o, A, low, high, err);
}
