#include "agent/heads.h"

#include "base/try.h"

#include <math.h>

/* --- one parameter from one output ----------------------------------------------------------- */

double sac_map_real(const sac_agent_options *o, double raw, double *slope) {
  (void)o;
  *slope = 1.0;
  return raw;
}

static double clamp(double x, double low, double high, double *slope) {
  *slope = x >= low && x <= high;
  return x < low ? low : x > high ? high : x;
}

/* log(1 + e^x) and its slope */
static double softplus(double x, double *slope) {
  *slope = 1.0 / (1.0 + exp(-x));
  return fmax(x, 0.0) + log1p(exp(-fabs(x)));
}

double sac_map_scale(const sac_agent_options *o, double raw, double *slope) {
  const double low = o->log_std_min, high = o->log_std_max;
  if (o->log_std_map == SAC_LOG_STD_SOFTPLUS) return softplus(raw, slope) + exp(low);
  double log_std;
  if (o->log_std_map == SAC_LOG_STD_CLAMP) {
    log_std = clamp(raw, low, high, slope);
  } else {
    const double t = tanh(raw), half = 0.5 * (high - low);
    log_std = low + half * (1.0 + t);
    *slope = half * (1.0 - t) * (1.0 + t);
  }
  const double scale = exp(log_std);
  *slope *= scale;
  return scale;
}

double sac_map_concentration(const sac_agent_options *o, double raw, double *slope) {
  const double e = exp(clamp(raw, o->concentration_log_min, o->concentration_log_max, slope));
  *slope *= e;
  return o->concentration_offset + e;
}

double sac_map_turn_concentration(const sac_agent_options *o, double raw, double *slope) {
  const double e = exp(clamp(raw, o->concentration_log_min, o->concentration_log_max, slope));
  *slope *= e;
  return e;
}

/* Student's t: above 2.5, so that E log(1 - tanh(u)^2)^2 is finite */
static double freedom(const sac_agent_options *o, double raw, double *slope) {
  (void)o;
  const double e = exp(clamp(raw, -4.0, 5.0, slope));
  *slope *= e;
  return 2.5 + e;
}

/* The mean of a normal that is cut to [-1, 1], in (-2, 2): past an end most of it is at that end.
 */
static double cut_mean(const sac_agent_options *o, double raw, double *slope) {
  if (o->policy == SAC_POLICY_NORMAL && o->normal_mean == SAC_NORMAL_MEAN_REAL)
    return sac_map_real(o, raw, slope);
  const double t = tanh(0.5 * raw);
  *slope = (1.0 - t) * (1.0 + t);
  return 2.0 * t;
}

/* Not below e^-5: with the mean past an end by many sd the score of dist loses its digits. */
static double cut_scale(const sac_agent_options *o, double raw, double *slope) {
  const double least = 0.006737946999085467, scale = sac_map_scale(o, raw, slope);
  if (!(scale < least)) return scale;
  *slope = 0.0;
  return least;
}

static double minus_one(const sac_agent_options *o, double raw, double *slope) {
  (void)o, (void)raw;
  *slope = 0.0;
  return -1.0;
}

static double plus_one(const sac_agent_options *o, double raw, double *slope) {
  (void)o, (void)raw;
  *slope = 0.0;
  return 1.0;
}

/* --- gsde: outputs (mean, variance), the latter of agent/gsde.h ---------------------------------
 */

static double clipped_mean(const sac_agent_options *o, double raw, double *slope) {
  if (o->sde_mean_clip == 0.0) return sac_map_real(o, raw, slope);
  return clamp(raw, -o->sde_mean_clip, o->sde_mean_clip, slope);
}

/* Never below what the feature that is always on leaves, whatever rounding does. */
static double root(const sac_agent_options *o, double raw, double *slope) {
  (void)o;
  const double least = 1e-3, sigma = sqrt(raw);
  const int is_least = !(sigma > least);
  *slope = is_least ? 0.0 : 0.5 / sigma;
  return is_least ? least : sigma;
}

/* --- von Mises: outputs (x, y, raw); loc = the direction of (x, y) ---------------------------- */

static void turn_map(const sac_dist *d, const sac_agent_options *o, const double raw[],
                     double theta[]) {
  (void)d;
  double slope;
  theta[0] = atan2(raw[1], raw[0]);
  theta[1] = sac_map_turn_concentration(o, raw[2], &slope);
}

static void turn_pull(const sac_dist *d, const sac_agent_options *o, const double raw[],
                      const double theta[], const double dtheta[], double draw[]) {
  (void)d, (void)theta;
  double slope;
  (void)sac_map_turn_concentration(o, raw[2], &slope);
  const double square = fmax(raw[0] * raw[0] + raw[1] * raw[1], 1e-12);
  draw[0] = -dtheta[0] * raw[1] / square;
  draw[1] = dtheta[0] * raw[0] / square;
  draw[2] = dtheta[1] * slope;
}

/* --- full normal: outputs as theta; L = diag(sigma) (I + strict lower triangle) --------------- */

static size_t row_at(size_t D, size_t i) {
  return D + i * (i + 1) / 2;
}

static void full_map(const sac_dist *d, const sac_agent_options *o, const double raw[],
                     double theta[]) {
  double slope;
  for (size_t i = 0; i < d->dim; i++) {
    const size_t at = row_at(d->dim, i);
    const double sigma = sac_map_scale(o, raw[at + i], &slope);
    theta[i] = raw[i];
    for (size_t j = 0; j < i; j++) theta[at + j] = sigma * raw[at + j];
    theta[at + i] = sigma;
  }
}

static void full_pull(const sac_dist *d, const sac_agent_options *o, const double raw[],
                      const double theta[], const double dtheta[], double draw[]) {
  for (size_t i = 0; i < d->dim; i++) {
    const size_t at = row_at(d->dim, i);
    double slope, dsigma = dtheta[at + i];
    (void)sac_map_scale(o, raw[at + i], &slope);
    draw[i] = dtheta[i];
    for (size_t j = 0; j < i; j++) {
      draw[at + j] = theta[at + i] * dtheta[at + j];
      dsigma += raw[at + j] * dtheta[at + j];
    }
    draw[at + i] = dsigma * slope;
  }
}

/* --- the table ------------------------------------------------------------------------------- */

sac_status sac_head_mixture(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                            sac_dist *out, sac_error *err) {
  return sac_dist_mixture(sac_dist_find(kind->family), (size_t)o->policy_components, A, out, err);
}

static sac_status full_normal(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                              sac_dist *out, sac_error *err) {
  (void)kind, (void)o;
  return sac_dist_mvn(A, out, err);
}

/* in the order of the option's words */
static const sac_head_kind table[] = {
    {"tanh_normal", "normal", .squash = SAC_SQUASH_TANH, .param = {sac_map_real, sac_map_scale}},
    {"normal", "normal", .squash = SAC_SQUASH_NONE, .param = {cut_mean, sac_map_scale}},
    {"beta", "beta", .squash = SAC_SQUASH_INTERVAL,
     .param = {sac_map_concentration, sac_map_concentration}},
    {"truncated_normal", "truncated_normal", .squash = SAC_SQUASH_NONE,
     .param = {cut_mean, cut_scale, minus_one, plus_one}, .outputs = 2},
    {"kumaraswamy", "kumaraswamy", .squash = SAC_SQUASH_INTERVAL,
     .param = {sac_map_concentration, sac_map_concentration}},
    {"tanh_student_t", "student_t", .squash = SAC_SQUASH_TANH,
     .param = {freedom, sac_map_real, sac_map_scale}},
    {"tanh_laplace", "laplace", .squash = SAC_SQUASH_TANH, .param = {sac_map_real, sac_map_scale}},
    {"tanh_normal_mixture", "normal", .joint = sac_head_mixture, .squash = SAC_SQUASH_TANH,
     .param = {sac_map_real, sac_map_scale}},
    {"beta_mixture", "beta", .joint = sac_head_mixture, .squash = SAC_SQUASH_INTERVAL,
     .param = {sac_map_concentration, sac_map_concentration}},
    {"tanh_full_normal", "normal", .joint = full_normal, .squash = SAC_SQUASH_TANH, .map = full_map,
     .pull = full_pull},
    {"von_mises", "von_mises", .squash = SAC_SQUASH_TURN, .map = turn_map, .pull = turn_pull,
     .outputs = 3},
    {"gsde", "normal", .squash = SAC_SQUASH_TANH, .param = {clipped_mean, root}, .features = 1},
};

_Static_assert(sizeof table / sizeof *table == SAC_POLICY_COUNT, "a row for each word of `policy`");

const sac_head_kind *sac_head_kind_of(const sac_agent_options *o) {
  return &table[o->policy];
}

sac_status sac_head_dist(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                         sac_dist *out, sac_error *err) {
  if (kind->joint) return kind->joint(kind, o, A, out, err);
  *out = *sac_dist_find(kind->family);
  return SAC_OK;
}

size_t sac_head_unit_outputs(const sac_head_kind *kind, const sac_dist *d) {
  return kind->outputs ? kind->outputs : d->params;
}

sac_param_map *sac_head_param(const sac_head_kind *kind, const sac_dist *d, size_t i) {
  if (!d->component) return kind->param[i];
  return i < d->components ? sac_map_real : kind->param[(i - d->components) % d->component->params];
}
