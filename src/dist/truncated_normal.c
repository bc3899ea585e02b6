/* Truncated normal (mean, sd, low, high). In x = (z - mean)/sd on [a, b]; every probability is a
 * log, so that a truncation far out in a tail keeps its digits. */
#include "dist/family.h"
#include "special/constants.h"
#include "special/transport.h"

typedef struct cut {
  double a, b, x;
  double below, above, width; /* x - a, b - x, b - a, each from its own difference */
  double log_mass;            /* log(Phi(b) - Phi(a)) */
} cut;

/* log of int_lo^hi phi for a short stretch, where a difference of two Phi would cancel */
static double short_log_interval(double lo, double width) {
  double sum = 0.0;
  for (int k = 0; k < 24; k++) {
    const double gap = width * legendre24_x[k];
    sum += legendre24_w[k] * exp(-gap * (lo + 0.5 * gap));
  }
  return log(sum) + log(width) - 0.5 * lo * lo - 0.5 * sac_log_2pi;
}

/* log(Phi(hi) - Phi(lo)), width = hi - lo >= 0 */
static double log_interval(double lo, double hi, double width) {
  if (width <= 0.0) return -HUGE_VAL;
  if (lo > 0.0) { /* on the left side both are small */
    const double swap = lo;
    lo = -hi;
    hi = -swap;
  }
  if (width < 1.0 && width * (fabs(lo) + fabs(hi)) < 2.0) return short_log_interval(lo, width);
  if (hi <= 0.0) {
    const double log_hi = sac_log_ndtr(hi);
    return log_hi + sac_log1mexp(sac_log_ndtr(lo) - log_hi);
  }
  return log1p(-sac_ndtr(lo) - sac_ndtr(-hi));
}

static cut cut_of(const double theta[], const double z[]) {
  const double sd = theta[1];
  cut c = {.a = (theta[2] - theta[0]) / sd, .b = (theta[3] - theta[0]) / sd};
  c.width = (theta[3] - theta[2]) / sd;
  if (z) {
    c.x = (z[0] - theta[0]) / sd;
    c.below = (z[0] - theta[2]) / sd;
    c.above = (theta[3] - z[0]) / sd;
  }
  c.log_mass = log_interval(c.a, c.b, c.width);
  return c;
}

static double log_lower(cut c) {
  return log_interval(c.a, c.x, c.below) - c.log_mass;
}
static double log_upper(cut c) {
  return log_interval(c.x, c.b, c.above) - c.log_mass;
}

/* phi(edge)/mass; 0 for an infinite edge */
static double edge_density(cut c, double edge) {
  return isinf(edge) ? 0.0 : exp(-0.5 * edge * edge - 0.5 * sac_log_2pi - c.log_mass);
}

static double times(double edge, double density) {
  return density == 0.0 ? 0.0 : edge * density;
}

static const char *check(SAC_UNUSED const sac_dist *d, const double theta[]) {
  if (!(theta[2] < theta[3])) return "low must be below high";
  const double a = (theta[2] - theta[0]) / theta[1], b = (theta[3] - theta[0]) / theta[1];
  if (a > 1e6 || b < -1e6) return "the interval must not be more than 1e6 sd from the mean";
  if (!(a < b)) return "the interval is too short to be told from a point";
  return NULL;
}

static SAC_ROW(support) {
  out[0] = theta[2];
  out[1] = theta[3];
}

static SAC_ROW(log_density) {
  const cut c = cut_of(theta, z);
  out[0] = -0.5 * c.x * c.x - 0.5 * sac_log_2pi - log(theta[1]) - c.log_mass;
}

static SAC_ROW(dlog_density) {
  out[0] = -(z[0] - theta[0]) / theta[1] / theta[1];
}

static SAC_ROW(score) {
  const cut c = cut_of(theta, z);
  const double pa = edge_density(c, c.a), pb = edge_density(c, c.b), sd = theta[1];
  out[0] = (c.x - (pa - pb)) / sd;
  out[1] =
      isinf(c.x) ? HUGE_VAL : ((c.x - 1.0) * (c.x + 1.0) - (times(c.a, pa) - times(c.b, pb))) / sd;
  out[2] = pa / sd;
  out[3] = -pb / sd;
}

static SAC_ROW(cdf) {
  const cut c = cut_of(theta, z);
  out[0] = fmin(exp(log_lower(c)), 1.0);
  out[1] = fmin(exp(log_upper(c)), 1.0);
}

/* log(e^p + e^q) */
static double log_sum(double p, double q) {
  const double top = fmax(p, q), low = fmin(p, q);
  return isinf(top) ? top : top + log1p(exp(low - top));
}

/* Invert on the side where the tail is small, then two Newton steps on F or 1 - F. */
static SAC_ROW(quantile) {
  const cut c = cut_of(theta, NULL);
  const double lower = z[0], upper = z[1];
  if (lower == 0.0 || upper == 0.0) {
    out[0] = lower == 0.0 ? theta[2] : theta[3];
    return;
  }
  double x;
  if (c.a > 0.0) {
    x = -sac_ndtri_log(fmin(log_sum(sac_log_ndtr(-c.b), log(upper) + c.log_mass), 0.0));
  } else {
    x = sac_ndtri_log(fmin(log_sum(sac_log_ndtr(c.a), log(lower) + c.log_mass), 0.0));
  }
  double at = fmin(fmax(theta[0] + theta[1] * x, theta[2]), theta[3]);
  for (int k = 0; k < 2; k++) {
    const cut here = cut_of(theta, &at);
    const double log_p = -0.5 * here.x * here.x - 0.5 * sac_log_2pi - c.log_mass;
    const double gap = lower < upper ? exp(log_lower(here)) - lower : upper - exp(log_upper(here));
    const double next = at - theta[1] * gap * exp(-log_p);
    if (next > theta[2] && next < theta[3]) at = next;
  }
  out[0] = at;
}

/* ---- quadrature where the density is above e^-40 of its peak -------------------------------- */

enum { PANEL = 32, NODES = 2 * PANEL };

/* nodes t, and weights that hold the density relative to that at t = 0 */
typedef struct nodes {
  size_t n;
  double t[NODES], w[NODES];
} nodes;

/* the panel from `peak` over `length` (of either sign), and in `rule` the bare weights */
static void add_panel(double peak, double length, nodes *q, double rule[]) {
  if (length == 0.0) return;
  for (int k = 0; k < PANEL; k++) {
    q->t[q->n + (size_t)k] = peak + length * tilted32_x[k];
    rule[q->n + (size_t)k] = fabs(length) * tilted32_w[k];
  }
  q->n += PANEL;
}

/* w = rule e^(t (slope - t/2)) */
static void weigh(double slope, const double rule[], nodes *q) {
  double x[NODES];
  for (size_t k = 0; k < q->n; k++) x[k] = q->t[k] * (slope - 0.5 * q->t[k]);
  sac_transport_get()->exp(q->n, x, q->w);
  for (size_t k = 0; k < q->n; k++) q->w[k] *= rule[k];
}

/* where offsets are counted from: the peak of the density, so that they keep the bulk's digits */
static double base_of(cut c) {
  return c.a > 0.0 ? c.a : c.b < 0.0 ? c.b : 0.0;
}
static double offset_of(cut c) {
  return c.a > 0.0 ? c.below : c.b < 0.0 ? -c.above : c.x;
}

/* the whole interval, t counted from the base, the weights' sum 1 */
static nodes whole(cut c) {
  const double base = base_of(c), reach = 80.0 / (fabs(base) + sqrt(base * base + 80.0));
  const double from = c.a > 0.0 ? 0.0 : fmax(-reach, c.b < 0.0 ? -c.width : c.a);
  const double to = c.b < 0.0 ? 0.0 : fmin(reach, c.a > 0.0 ? c.width : c.b);
  nodes q = {.n = 0};
  double rule[NODES], mass = 0.0;
  add_panel(0.0, from, &q, rule);
  add_panel(0.0, to, &q, rule);
  weigh(-base, rule, &q);
  for (size_t k = 0; k < q.n; k++) mass += q.w[k];
  for (size_t k = 0; k < q.n; k++) q.w[k] /= mass;
  return q;
}

/* E of (t - origin)^power, of offsets t */
static double moment(const nodes *q, double origin, int power) {
  double sum = 0.0;
  for (size_t k = 0; k < q->n; k++) {
    const double gap = q->t[k] - origin;
    sum += q->w[k] * (power == 1 ? gap : gap * gap);
  }
  return sum;
}

/* E x^2 - base^2 = E t (2 base + t) */
static double square_moment(cut c, const nodes *q) {
  const double twice = 2.0 * base_of(c);
  double sum = 0.0;
  for (size_t k = 0; k < q->n; k++) sum += q->w[k] * q->t[k] * (twice + q->t[k]);
  return sum;
}

/* ---- velocity ------------------------------------------------------------------------------- */

/* int of (t - m) and of (t^2 - q) times phi(t)/phi(x) over [a, x] (side -1) or [x, b] (side 1),
 * with m = E t, q = E t^2 given as offsets: the transport quadrature of a truncated normal */
static void side_moments(cut c, int side, double m, double q, double out[2]) {
  const double base = base_of(c), s = side, toward = -s * c.x; /* > 0: the peak lies that way */
  const double start = offset_of(c);
  const double reach = toward > 0.0 ? toward + sqrt(toward * toward + 80.0)
                                    : 80.0 / (-toward + sqrt(toward * toward + 80.0));
  const double length = fmin(side < 0 ? c.below : c.above, reach);
  const double peak = fmin(fmax(toward, 0.0), length);
  nodes gaps = {.n = 0};
  double rule[NODES];
  add_panel(peak, -peak, &gaps, rule);
  add_panel(peak, length - peak, &gaps, rule);
  weigh(toward, rule, &gaps);
  out[0] = out[1] = 0.0;
  for (size_t k = 0; k < gaps.n; k++) {
    const double t = start + s * gaps.t[k];
    out[0] += gaps.w[k] * (t - m);
    out[1] += gaps.w[k] * (t * (2.0 * base + t) - q);
  }
}

/* dmean and dsd as integrals of their scores t - m and t^2 - q, towards the side where those keep
 * their sign */
static void score_integrals(cut c, double out[2]) {
  const nodes all = whole(c);
  const double base = base_of(c), m = moment(&all, 0.0, 1), q = square_moment(c, &all);
  double sums[2];
  const int mean_side = offset_of(c) < m ? -1 : 1;
  side_moments(c, mean_side, m, q, sums);
  out[0] = mean_side * sums[0];
  /* t^2 - q has the roots -+root: a side is good if it has none behind x */
  const double root = sqrt(fmax(base * base + q, 0.0));
  const int low_good = c.x <= -root || (c.a >= -root && c.x <= root);
  const int high_good = c.x >= root || (c.b <= root && c.x >= -root);
  const int sd_side = low_good ? -1 : high_good ? 1 : c.x < 0.0 ? -1 : 1;
  if (sd_side != mean_side) side_moments(c, sd_side, m, q, sums);
  out[1] = sd_side * sums[1];
}

/* Each end pulls with what lies behind it, dlow = (1-u) phi(a)/phi(x), dhigh = u phi(b)/phi(x); a
 * shift and a stretch of everything move the ends too: dmean = 1 - dlow - dhigh, dsd = x - a dlow -
 * b dhigh. Where those cancel, near the ends, the integrals give them instead. */
static SAC_ROW(velocity) {
  const cut c = cut_of(theta, z);
  if (isinf(c.x)) {
    out[0] = 1.0;
    out[1] = c.x;
    out[2] = out[3] = 0.0;
    return;
  }
  if (c.below <= 0.0 || c.above <= 0.0) { /* an end moves with itself */
    out[0] = out[1] = 0.0;
    out[2] = c.below <= 0.0 ? 1.0 : 0.0;
    out[3] = c.below <= 0.0 ? 0.0 : 1.0;
    return;
  }
  out[2] = isinf(c.a) ? 0.0 : exp(log_upper(c) + 0.5 * c.below * (c.x + c.a));
  out[3] = isinf(c.b) ? 0.0 : exp(log_lower(c) - 0.5 * c.above * (c.x + c.b));
  const double low = times(c.a, out[2]), high = times(c.b, out[3]);
  out[0] = 1.0 - out[2] - out[3];
  out[1] = c.x - low - high;
  const double size = fmax(fabs(c.x), fmax(fabs(low), fabs(high)));
  const double least = 0.02 + 1e-3 * c.x * c.x; /* the exponents' rounding grows with x^2 */
  if (!(out[0] > least && fabs(out[1]) > least * size)) score_integrals(c, out);
}

/* ---- samples -------------------------------------------------------------------------------- */

/* x - a of a normal beyond a >= 0, within `width` of it: the exponential of rate a that touches the
 * density, cut at the width, where that is the better hat, else a level one */
static double draw_tail(double a, double width, sac_stream *stream) {
  const double rate = 0.5 * (a + sqrt(a * a + 4.0));
  const int level = width * rate < 1.0;
  const double kept = -expm1(-rate * width), best = level ? 0.0 : rate - a;
  for (;;) {
    const double u = sac_stream_uniform(stream), v = sac_stream_uniform(stream);
    const double t = level ? width * u : -log1p(-u * kept) / rate;
    /* log of density over hat, less its largest value, which is at t = best */
    const double drop = level ? t * (a + 0.5 * t) : 0.5 * (t - best) * (t - best);
    if (log(v) <= -drop) return fmin(t, width);
  }
}

/* By rejection, at most a few tries for any theta: plain normals where they seldom miss, a level
 * hat on a short interval around the mean, else a tail. */
static void sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                   SAC_UNUSED double latent[], sac_stream *stream) {
  const double mean = theta[0], sd = theta[1], low = theta[2], high = theta[3];
  const double a = (low - mean) / sd, b = (high - mean) / sd, width = (high - low) / sd;
  if (a >= 0.4) {
    z[0] = fmin(low + sd * draw_tail(a, width, stream), high);
  } else if (b <= -0.4) {
    z[0] = fmax(high - sd * draw_tail(-b, width, stream), low);
  } else if (width < 2.0) { /* holds a point within 0.4 of the mean: the density is level enough */
    double x, v;
    do {
      x = width * sac_stream_uniform(stream);
      v = sac_stream_uniform(stream);
    } while (log(v) > -0.5 * (a + x) * (a + x));
    z[0] = fmin(fmax(low + sd * x, low), high);
  } else {
    double x;
    do x = sac_draw_normal(stream);
    while (!(x >= a && x <= b));
    z[0] = fmin(fmax(mean + sd * x, low), high);
  }
}

/* z of the base */
static double anchor(cut c, const double theta[]) {
  return c.a > 0.0 ? theta[2] : c.b < 0.0 ? theta[3] : theta[0];
}

static SAC_ROW(mean) {
  const cut c = cut_of(theta, NULL);
  const nodes q = whole(c);
  out[0] = anchor(c, theta) + theta[1] * moment(&q, 0.0, 1);
}
static SAC_ROW(variance) {
  const nodes q = whole(cut_of(theta, NULL));
  out[0] = theta[1] * theta[1] * moment(&q, moment(&q, 0.0, 1), 2);
}
static SAC_ROW(mode) {
  out[0] = fmin(fmax(theta[0], theta[2]), theta[3]);
}
static SAC_ROW(entropy) {
  const cut c = cut_of(theta, NULL);
  const nodes q = whole(c);
  out[0] = 0.5 * sac_log_2pi + log(theta[1]) + c.log_mass + 0.5 * moment(&q, -base_of(c), 2);
}
/* infinite where the other one's interval does not hold this one's */
static SAC_ROW(kl) {
  if (z[2] > theta[2] || z[3] < theta[3]) {
    out[0] = HUGE_VAL;
    return;
  }
  const cut p = cut_of(theta, NULL), q = cut_of(z, NULL);
  const double origin = (z[0] - theta[0]) / theta[1], ratio = theta[1] / z[1];
  const nodes at = whole(p);
  const double sum = q.log_mass - p.log_mass - log(ratio) - 0.5 * moment(&at, -base_of(p), 2) +
                     0.5 * ratio * ratio * moment(&at, origin - base_of(p), 2);
  out[0] = sum > 0.0 ? sum : 0.0;
}

#define EDGE_BITS (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT)
static const sac_dist_param param[] = {
    SAC_REAL("mean", EDGE_BITS),
    SAC_POSITIVE("sd", EDGE_BITS),
    {"low", -HUGE_VAL, HUGE_VAL, 0, 1, EDGE_BITS | SAC_DIST_SCORE},
    {"high", -HUGE_VAL, HUGE_VAL, 1, 0, EDGE_BITS | SAC_DIST_SCORE}};
const sac_dist sac_dist_truncated_normal = {
    .name = "truncated_normal",
    .dim = 1,
    .params = 4,
    .param = param,
    .low = -HUGE_VAL,
    .high = HUGE_VAL,
    .check = check,
    .support = support,
    .log_density = log_density,
    .dlog_density = dlog_density,
    .score = score,
    .velocity = velocity,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .variance = variance,
    .mode = mode,
    .entropy = entropy,
    .kl = kl,
    .sample = sample,
};
