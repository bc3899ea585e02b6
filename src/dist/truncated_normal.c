/* Truncated normal (mean, sd, low, high). In x = (z - mean)/sd on [a, b]; every probability is a
 * log, so that a truncation far out in a tail keeps its digits. */
#include "dist/family.h"
#include "special/constants.h"

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

/* ---- expectations by quadrature where the density is above e^-40 of its peak
 * ---------------------- */

enum { PANELS = 4 };

/* where offsets are counted from: the peak of the density, so that they keep the bulk's digits */
static double base_of(cut c) {
  return c.a > 0.0 ? c.a : c.b < 0.0 ? c.b : 0.0;
}
static double offset_of(cut c) {
  return c.a > 0.0 ? c.below : c.b < 0.0 ? -c.above : c.x;
}

/* E of (t - origin)^power, of offsets t; power -2: E t (2 base + t), which is x^2 - base^2. Over
 * the bulk, where the density is above e^-40 of its peak, and over its own sum of weights. */
static double moment(cut c, double origin, int power) {
  const double base = base_of(c), reach = 80.0 / (fabs(base) + sqrt(base * base + 80.0));
  const double from = c.a > 0.0 ? 0.0 : fmax(-reach, c.b < 0.0 ? -c.width : c.a);
  const double to = c.b < 0.0 ? 0.0 : fmin(reach, c.a > 0.0 ? c.width : c.b);
  const double width = (to - from) / PANELS;
  double sum = 0.0, mass = 0.0;
  for (int panel = 0; panel < PANELS; panel++) {
    for (int k = 0; k < 40; k++) {
      const double t = from + width * (panel + legendre40_x[k]), gap = t - origin;
      const double f = power == 1 ? gap : power == 2 ? gap * gap : t * (2.0 * base + t);
      const double weight = legendre40_w[k] * exp(-t * (base + 0.5 * t));
      mass += weight;
      sum += weight * f;
    }
  }
  return sum / mass;
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
  const int panels = length > 9.0 ? 2 : 1;
  out[0] = out[1] = 0.0;
  for (int panel = 0; panel < panels; panel++) {
    for (int k = 0; k < 40; k++) {
      const double gap = length * (panel + legendre40_x[k]) / panels, t = start + s * gap;
      const double weight = legendre40_w[k] * (length / panels) * exp(gap * (toward - 0.5 * gap));
      out[0] += weight * (t - m);
      out[1] += weight * (t * (2.0 * base + t) - q);
    }
  }
}

/* dmean and dsd as integrals of their scores t - m and t^2 - q, towards the side where those keep
 * their sign */
static void score_integrals(cut c, double out[2]) {
  const double base = base_of(c), m = moment(c, 0.0, 1), q = moment(c, 0.0, -2);
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

/* z of the base */
static double anchor(cut c, const double theta[]) {
  return c.a > 0.0 ? theta[2] : c.b < 0.0 ? theta[3] : theta[0];
}

static SAC_ROW(mean) {
  const cut c = cut_of(theta, NULL);
  out[0] = anchor(c, theta) + theta[1] * moment(c, 0.0, 1);
}
static SAC_ROW(variance) {
  const cut c = cut_of(theta, NULL);
  out[0] = theta[1] * theta[1] * moment(c, moment(c, 0.0, 1), 2);
}
static SAC_ROW(mode) {
  out[0] = fmin(fmax(theta[0], theta[2]), theta[3]);
}
static SAC_ROW(entropy) {
  const cut c = cut_of(theta, NULL);
  out[0] = 0.5 * sac_log_2pi + log(theta[1]) + c.log_mass + 0.5 * moment(c, -base_of(c), 2);
}
/* infinite where the other one's interval does not hold this one's */
static SAC_ROW(kl) {
  if (z[2] > theta[2] || z[3] < theta[3]) {
    out[0] = HUGE_VAL;
    return;
  }
  const cut p = cut_of(theta, NULL), q = cut_of(z, NULL);
  const double origin = (z[0] - theta[0]) / theta[1], ratio = theta[1] / z[1];
  const double sum = q.log_mass - p.log_mass - log(ratio) - 0.5 * moment(p, -base_of(p), 2) +
                     0.5 * ratio * ratio * moment(p, origin - base_of(p), 2);
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
};
