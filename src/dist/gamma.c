/* Gamma (shape, rate), inverse gamma (shape, scale), chi-squared (df). All three are one gamma
 * variable G of rate 1: z = G/rate, scale/G, 2 G with shape df/2; velocities come from the
 * transport quadrature in log G. */
#include "dist/family.h"
#include "special/incomplete.h"

#define SHAPE_BITS (SAC_DIST_IMPLICIT | SAC_DIST_GREP | SAC_DIST_RSVI)
#define SCALE_BITS \
  (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_GREP | SAC_DIST_RSVI | SAC_DIST_MVD)

enum { BLOCK = SAC_LANES };

static SAC_ROW(to_latent) {
  out[0] = log(z[0]);
}

/* the sample's G: log z = offset + sign log G */
typedef struct gamma_map {
  double shape_per_theta; /* a = shape_per_theta theta[0] */
  double sign;            /* of log G in log z */
} gamma_map;

static const gamma_map gamma_of = {1.0, 1.0}, inverse_of = {1.0, -1.0}, chi_of = {0.5, 1.0};

static const gamma_map *map_of(const sac_dist *d) {
  return d->data;
}

/* log z = offset + sign log G */
static double offset_of(const sac_dist *d, const double theta[]) {
  if (d->params == 1) return sac_log_2;
  return map_of(d)->sign < 0.0 ? log(theta[1]) : -log(theta[1]);
}

/* a, G and log G of one row */
static void reduce(const sac_dist *d, const double theta[], const double latent[], double *a,
                   double *G, double *log_G) {
  *a = map_of(d)->shape_per_theta * theta[0];
  *log_G = map_of(d)->sign * (latent[0] - offset_of(d, theta));
  *G = exp(*log_G);
}

/* G straight from z, where log G would lose digits for a large shape */
static double G_of(const sac_dist *d, const double theta[], double z) {
  if (d->params == 1) return 0.5 * z;
  return map_of(d)->sign < 0.0 ? theta[1] / z : theta[1] * z;
}

static void point(const sac_dist *d, const double theta[], const double z[], const double latent[],
                  double *a, double *G, double *log_G) {
  reduce(d, theta, latent, a, G, log_G);
  const double direct = G_of(d, theta, z[0]);
  if (direct > 1e-290 && direct < 1e290) *G = direct;
}

/* the gamma density's limit at an end, times log z's Jacobian e^-log z */
static SAC_ROW(log_density) {
  double a, G, log_G;
  point(d, theta, z, latent, &a, &G, &log_G);
  if (isinf(log_G)) {                               /* an end of the support */
    const double power = map_of(d)->sign * a - 1.0; /* z^(a-1), or z^(-a-1) at infinity */
    const int at_power_end = log_G < 0.0;
    if (!at_power_end || isinf(z[0])) {
      out[0] = -HUGE_VAL;
    } else {
      out[0] = power > 0.0 ? -HUGE_VAL : power < 0.0 ? HUGE_VAL : -offset_of(d, theta);
    }
    return;
  }
  out[0] = sac_gamma_log_kernel(a, G, log_G) - latent[0];
}

static SAC_ROW(dlog_density) {
  double a, G, log_G;
  point(d, theta, z, latent, &a, &G, &log_G);
  const double slope = map_of(d)->sign * (a - G) - 1.0; /* d log p/d log z */
  out[1] = slope;
  if (z[0] == HUGE_VAL) {
    out[0] = map_of(d)->sign < 0.0 ? 0.0 : -exp(-offset_of(d, theta));
  } else if (z[0] == 0.0) {
    const double limit = a - 1.0; /* inverse gamma falls like e^(-scale/z) */
    out[0] = map_of(d)->sign < 0.0 || limit > 0.0 ? HUGE_VAL
             : limit < 0.0                        ? -HUGE_VAL
                                                  : -exp(-offset_of(d, theta));
  } else {
    out[0] = slope / z[0];
  }
}

/* d/da log p = log G - psi(a), through log(G/a) for a large shape */
static SAC_ROW(score) {
  double a, G, log_G;
  point(d, theta, z, latent, &a, &G, &log_G);
  const double r = (G - a) / a;
  const double ratio = r > -0.5 && r < 1.0 ? log1p(r) : log_G - log(a);
  const double s = a > 10.0 ? ratio + sac_log_minus_digamma(a) : log_G - sac_digamma(a);
  out[0] = map_of(d)->shape_per_theta * s;
  if (d->params == 2) out[1] = (a - G) / theta[1];
}

/* offset_of n <= BLOCK rows, and of the padding behind them */
static void offsets(const sac_dist *d, size_t n, const double theta[], size_t step,
                    double offset[]) {
  const size_t padded = sac_lanes_padded(n);
  if (d->params == 1 || step == 0) {
    const double shared = offset_of(d, theta);
    for (size_t i = 0; i < padded; i++) offset[i] = shared;
    return;
  }
  double rate[BLOCK];
  for (size_t i = 0; i < padded; i++) rate[i] = theta[(i < n ? i : 0) * step + 1];
  sac_transport_get()->log(padded, rate, offset);
  for (size_t i = 0; i < padded; i++)
    offset[i] = -map_of(d)->sign * (rate[i] < 1e-300 ? log(rate[i]) : offset[i]);
}

/* Rows on their way to a kernel and back. */
typedef struct lanes {
  double a[BLOCK], G[BLOCK], y[BLOCK], v[BLOCK]; /* in the kernel's order */
  size_t slot[BLOCK];                            /* where a row went */
} lanes;

static double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

/* n rows of (a, G, log G) into slots */
static void place(size_t n, double edge, const double a[], const double G[], const double y[],
                  lanes *l) {
  unsigned char series[BLOCK];
  for (size_t i = 0; i < n; i++) series[i] = G[i] <= edge;
  sac_lanes_arrange(n, series, l->slot);
  sac_lanes_place(n, l->slot, a, l->a);
  sac_lanes_place(n, l->slot, G, l->G);
  sac_lanes_place(n, l->slot, y, l->y);
}

/* rows for the kernels; what they cannot take is clamped to where the answer is its limit */
static void gather(const sac_dist *d, size_t n, const double theta[], size_t step, const double z[],
                   const double latent[], double edge, lanes *l) {
  const gamma_map *m = map_of(d);
  double offset[BLOCK], a[BLOCK], G[BLOCK], y[BLOCK];
  offsets(d, n, theta, step, offset);
  for (size_t i = 0; i < n; i++) {
    a[i] = m->shape_per_theta * theta[i * step];
    y[i] = m->sign * (latent[i] - offset[i]);
    const double direct = G_of(d, theta + i * step, z[i]);
    G[i] = direct > 1e-290 && direct < 1e290 ? direct : y[i] > 0.0 ? 1e290 : 0.0;
    y[i] = clamp(y[i], -1e300, 700.0);
  }
  place(n, edge, a, G, y, l);
}

/* dz/dtheta = z d log z/dtheta; a z of 0 or infinity stays there when theta moves */
static void scatter(const sac_dist *d, size_t n, const double theta[], size_t step,
                    const double z[], const lanes *l, double out[]) {
  const gamma_map *m = map_of(d);
  const size_t P = d->params;
  for (size_t i = 0; i < n; i++) {
    double *row = out + i * 2 * P;
    const double shape = m->sign * m->shape_per_theta * l->v[l->slot[i]];
    row[0] = z[i] == 0.0 || shape == 0.0 ? 0.0 : z[i] * shape;
    row[P] = shape;
    if (P == 1) continue;
    const double spread = -m->sign / theta[i * step + 1];
    row[1] = z[i] == 0.0 || spread == 0.0 ? 0.0 : z[i] * spread;
    row[3] = spread;
  }
}

static void velocity_n(const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double z[], const double latent[], double out[]) {
  lanes l;
  double mills[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    gather(d, rows, theta + at * step, step, z + at, latent + at, SAC_GAMMA_EDGE, &l);
    sac_transport_get()->gamma(rows, l.a, l.G, l.y, l.v, mills);
    scatter(d, rows, theta + at * step, step, z + at, &l, out + at * 2 * d->params);
  }
}

static void velocity_fast_n(const sac_dist *d, size_t n, const double theta[], size_t step,
                            const double z[], const double latent[], double out[]) {
  lanes l;
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    gather(d, rows, theta + at * step, step, z + at, latent + at, SAC_GAMMA_EDGE_FAST, &l);
    sac_transport_get()->gamma_fast(rows, l.a, l.G, l.y, l.v);
    scatter(d, rows, theta + at * step, step, z + at, &l, out + at * 2 * d->params);
  }
}

static SAC_ROW(velocity) {
  velocity_n(d, 1, theta, 0, z, latent, out);
}

/* gather for floats; spread out (n): the rates, an inverse gamma's scales, 1/2 for chi-squared. Log
 * G comes from G, because a float's log z has lost digits that the series needs; where the float z
 * has lost some or all of its own it is the other way round. */
static void gather_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                       const float z[], const float latent[], double spread[], lanes *l) {
  const gamma_map *m = map_of(d);
  const size_t padded = sac_lanes_padded(n);
  double a[BLOCK], G[BLOCK], y[BLOCK];
  int lost = 0;
  for (size_t i = 0; i < n; i++) {
    const double x = (double)z[i];
    a[i] = m->shape_per_theta * (double)theta[i * step];
    spread[i] = d->params == 1 ? 0.5 : (double)theta[i * step + 1];
    lost |= !(x > 1e-37 && x < 3e38);
    G[i] = m->sign > 0.0 ? spread[i] * x : spread[i] / x;
    if (!(G[i] > 1e-300 && G[i] < 1e300)) G[i] = 1.0;
  }
  for (size_t i = n; i < padded; i++) G[i] = 1.0;
  sac_transport_get()->log(padded, G, y);
  for (size_t i = 0; lost && i < n; i++) {
    if ((double)z[i] > 1e-37 && (double)z[i] < 3e38) continue;
    const double log_G = m->sign * (double)latent[i] + log(spread[i]);
    G[i] = log_G < -69.0 ? 0.0 : exp(clamp(log_G, -69.0, 600.0));
    y[i] = clamp(log_G, -1e300, 690.0);
  }
  place(n, SAC_GAMMA_EDGE_FAST, a, G, y, l);
}

/* velocity_fast_n from and to floats, without arrays of doubles in between */
static void velocity_f32_n(const sac_dist *d, size_t n, const float theta[], size_t step,
                           const float z[], const float latent[], float dz[], float dlatent[]) {
  const gamma_map *m = map_of(d);
  const size_t P = d->params;
  double spread[BLOCK];
  lanes l;
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    gather_f32(d, rows, theta + at * step, step, z + at, latent + at, spread, &l);
    sac_transport_get()->gamma_fast(rows, l.a, l.G, l.y, l.v);
    for (size_t i = 0; i < rows; i++) {
      const double x = (double)z[at + i];
      const double shape = m->sign * m->shape_per_theta * l.v[l.slot[i]];
      const double turn = -m->sign / spread[i];
      float *row = dz + (at + i) * P, *rest = dlatent ? dlatent + (at + i) * P : NULL;
      row[0] = x == 0.0 ? 0.0f : (float)(x * shape);
      if (P == 2) row[1] = x == 0.0 ? 0.0f : (float)(x * turn);
      if (rest) rest[0] = (float)shape;
      if (rest && P == 2) rest[1] = (float)turn;
    }
  }
}

/* x y - fl(x y), by Dekker's splitting */
static double product_error(double x, double y) {
  const double xs = 134217729.0 * x, ys = 134217729.0 * y;
  const double xh = xs - (xs - x), yh = ys - (ys - y), xl = x - xh, yl = y - yh;
  return ((xh * yh - x * y) + xh * yl + xl * yh) + xl * yl;
}

/* What rounding took off G, relative: at a large shape F moves by sqrt(shape) times that. */
static double rounding_of(const sac_dist *d, const double theta[], double z, double G) {
  if (d->params == 1 || !(G > 1e-250 && G < 1e250 && z < 1e250 && z > 1e-250)) return 0.0;
  if (map_of(d)->sign > 0.0) return product_error(theta[1], z) / G;
  return ((theta[1] - G * z) - product_error(G, z)) / (G * z); /* theta/z = G + remainder/z */
}

static void cdf_n(const sac_dist *d, size_t n, const double theta[], size_t step, const double z[],
                  const double latent[], double out[]) {
  double a[BLOCK], G[BLOCK], log_G[BLOCK], lower[BLOCK], upper[BLOCK];
  const int rising = map_of(d)->sign > 0.0;
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++)
      point(d, theta + (at + i) * step, z + at + i, latent + at + i, &a[i], &G[i], &log_G[i]);
    sac_gamma_pq_n(rows, a, G, log_G, lower, upper);
    for (size_t i = 0; i < rows; i++) {
      const double *t = theta + (at + i) * step;
      const double off = a[i] > 1e3 ? rounding_of(d, t, z[at + i], G[i]) : 0.0;
      if (off != 0.0) { /* a step of log G times its density */
        const double moved = off * exp(sac_gamma_log_kernel(a[i], G[i], log_G[i]));
        lower[i] = fmax(lower[i] + moved, 0.0);
        upper[i] = fmax(upper[i] - moved, 0.0);
      }
      out[2 * (at + i)] = rising ? lower[i] : upper[i];
      out[2 * (at + i) + 1] = rising ? upper[i] : lower[i];
    }
  }
}

static SAC_ROW(cdf) {
  cdf_n(d, 1, theta, 0, z, latent, out);
}

static SAC_ROW(quantile) {
  const int rising = map_of(d)->sign > 0.0;
  const double a = map_of(d)->shape_per_theta * theta[0];
  const double y = sac_gamma_log_inverse(a, rising ? z[0] : z[1], rising ? z[1] : z[0]);
  out[1] = offset_of(d, theta) + map_of(d)->sign * y;
  out[0] = exp(out[1]);
  if (a < 100.0 || isinf(out[1])) return;
  /* a large shape: log z has fewer digits of F than z has, so one Newton step in z */
  double tails[2], at, G, log_G;
  const int side = z[1] < z[0];
  cdf(d, theta, out, out + 1, tails);
  point(d, theta, out, out + 1, &at, &G, &log_G);
  const double step =
      tails[side] * log(tails[side] / z[side]) * exp(-sac_gamma_log_kernel(at, G, log_G));
  if (!(fabs(step) < 1e-3)) return;
  out[0] -= (side ? -1.0 : 1.0) * step * out[0];
  out[1] = log(out[0]);
}

static void sample_n(const sac_dist *d, size_t n, const double theta[], size_t step, double z[],
                     double latent[], sac_stream *stream) {
  const gamma_map *m = map_of(d);
  double a[BLOCK], G[BLOCK], y[BLOCK], offset[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    const size_t rows = n - at < BLOCK ? n - at : BLOCK;
    for (size_t i = 0; i < rows; i++) a[i] = m->shape_per_theta * theta[(at + i) * step];
    sac_draw_log_gammas(rows, a, G, y, stream);
    offsets(d, rows, theta + at * step, step, offset);
    for (size_t i = 0; i < rows; i++) {
      const double *t = theta + (at + i) * step;
      latent[at + i] = offset[i] + m->sign * y[i];
      const double p = d->params == 1 ? 2.0 : t[1];
      z[at + i] = m->sign < 0.0 ? p / G[i] : d->params == 1 ? p * G[i] : G[i] / p;
    }
  }
}

static SAC_ROW(gamma_mean) {
  out[0] = theta[0] / theta[1];
}
static SAC_ROW(gamma_variance) {
  out[0] = theta[0] / theta[1] / theta[1];
}
static SAC_ROW(gamma_mode) {
  out[0] = theta[0] > 1.0 ? (theta[0] - 1.0) / theta[1] : 0.0;
}

/* the entropy of log G: log Gamma(a) - a psi(a) + a, from Stirling's remainder for a large a */
static double log_entropy(double a) {
  if (a < 10.0) return sac_lgamma(a) + a * (1.0 - sac_digamma(a));
  return sac_stirling(a) - 0.5 * log(a) + 0.5 * sac_log_2pi + a * sac_log_minus_digamma(a);
}

static SAC_ROW(entropy) { /* of log z plus E log z */
  const double a = map_of(d)->shape_per_theta * theta[0];
  out[0] = log_entropy(a) + offset_of(d, theta) + map_of(d)->sign * sac_digamma(a);
}

/* (a-b) psi(a) - log Gamma(a) + log Gamma(b) + b log(rate/rate2) + a (rate2/rate - 1), where for an
 * inverse gamma the scales stand for the rates */
static SAC_ROW(kl) {
  const double scale = map_of(d)->shape_per_theta;
  const double a = scale * theta[0], b = scale * z[0];
  const double r = d->params == 1 ? 1.0 : z[1] / theta[1];
  /* b log(rate/rate2) + a (r - 1) = (a - b)(r - 1) + b (r - 1 - log r) */
  const double same = r > 0.5 && r < 2.0 ? -b * sac_log1pmx(r - 1.0) : b * (r - 1.0 - log(r));
  const double rates = (a - b) * (r - 1.0) + same;
  double shapes;
  if (a > 10.0 && b > 10.0) {
    const double t = (a - b) / b; /* a/b - 1 */
    const double close = t > -0.5 && t < 1.0 ? sac_log1pmx(t) : log(a / b) - t;
    /* (a-b) psi(a) - log G(a) + log G(b) with both expanded by Stirling */
    shapes = -b * close - (a - b) * sac_log_minus_digamma(a) + 0.5 * log(a / b) - sac_stirling(a) +
             sac_stirling(b);
  } else {
    shapes = (a - b) * sac_digamma(a) - sac_lgamma(a) + sac_lgamma(b);
  }
  const double sum = rates + shapes;
  out[0] = sum > 0.0 ? sum : 0.0;
}

#define GAMMA_MEMBERS(map)                                                                         \
  .latent_names = {"log z"}, .dim = 1, .latents = 1, .data = &(map), .low = 0.0, .high = HUGE_VAL, \
  .to_latent = to_latent, .log_density = log_density, .dlog_density = dlog_density,                \
  .score = score, .velocity = velocity, .cdf = cdf, .quantile = quantile, .entropy = entropy,      \
  .kl = kl, .velocity_n = velocity_n, .cdf_n = cdf_n, .velocity_fast_n = velocity_fast_n,          \
  .velocity_f32_n = velocity_f32_n, .sample_n = sample_n

static const sac_dist_param gamma_param[] = {SAC_SHAPE("shape", SHAPE_BITS),
                                             SAC_POSITIVE("rate", SCALE_BITS)};
const sac_dist sac_dist_gamma = {
    .name = "gamma",
    GAMMA_MEMBERS(gamma_of),
    .params = 2,
    .param = gamma_param,
    .mean = gamma_mean,
    .variance = gamma_variance,
    .mode = gamma_mode,
};

static SAC_ROW(inverse_mean) {
  out[0] = theta[0] > 1.0 ? theta[1] / (theta[0] - 1.0) : HUGE_VAL;
}
static SAC_ROW(inverse_variance) {
  const double a = theta[0], m = theta[1] / (a - 1.0);
  out[0] = a > 2.0 ? m * m / (a - 2.0) : a > 1.0 ? HUGE_VAL : (double)NAN;
}
static SAC_ROW(inverse_mode) {
  out[0] = theta[1] / (theta[0] + 1.0);
}

static const sac_dist_param inverse_param[] = {SAC_SHAPE("shape", SHAPE_BITS),
                                               SAC_POSITIVE("scale", SCALE_BITS)};
const sac_dist sac_dist_inverse_gamma = {
    .name = "inverse_gamma",
    GAMMA_MEMBERS(inverse_of),
    .params = 2,
    .param = inverse_param,
    .mean = inverse_mean,
    .variance = inverse_variance,
    .mode = inverse_mode,
};

static SAC_ROW(chi_mean) {
  out[0] = theta[0];
}
static SAC_ROW(chi_variance) {
  out[0] = 2.0 * theta[0];
}
static SAC_ROW(chi_mode) {
  out[0] = theta[0] > 2.0 ? theta[0] - 2.0 : 0.0;
}

static const sac_dist_param chi_param[] = {SAC_SHAPE("df", SHAPE_BITS)};
const sac_dist sac_dist_chi_squared = {
    .name = "chi_squared",
    GAMMA_MEMBERS(chi_of),
    .params = 1,
    .param = chi_param,
    .mean = chi_mean,
    .variance = chi_variance,
    .mode = chi_mode,
};
