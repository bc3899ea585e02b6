/* Mode, entropy and KL of mixtures in more than one dimension. An expectation under one component
 * is a product of one-dimensional ones: a tanh-sinh rule in u = F(z_i) for each coordinate [TM74],
 * and the mixture's density at the points of their product from a table of the factors. */
#include "dist/mixture.h"

enum { MAX_K = SAC_DIST_MAX_COMPONENTS, MAX_D = SAC_DIST_MAX_DIM, MAX_N = 97 };

/* ---- expectations --------------------------------------------------------------------------- */

/* The rule in one coordinate: n points, F and 1 - F at each, and weights that sum to 1. */
typedef struct rule {
  int n;
  double pair[MAX_N][2], weight[MAX_N];
} rule;

/* 97, 61 and 37 points a coordinate for D = 2, 3 and 4: t in [-3, 3], where F comes to 2e-14 */
static void make_rule(size_t D, rule *r) {
  const double h = D <= 2 ? 1.0 / 16.0 : D == 3 ? 1.0 / 10.0 : 1.0 / 6.0;
  const int reach = (int)(3.0 / h + 0.5);
  double sum = 0.0;
  r->n = 2 * reach + 1;
  for (int k = -reach; k <= reach; k++) {
    const double t = h * k, q = exp(-sac_pi * fabs(sinh(t))), near = q / (1.0 + q);
    double *pair = r->pair[k + reach];
    pair[0] = k < 0 ? near : 1.0 - near;
    pair[1] = k < 0 ? 1.0 - near : near;
    r->weight[k + reach] = cosh(t) * q / ((1.0 + q) * (1.0 + q));
    sum += r->weight[k + reach];
  }
  for (int j = 0; j < r->n; j++) r->weight[j] /= sum;
}

/* factors[c][i][j]: log of component c's factor i at the rule's point j of the component `from` */
typedef struct factor_table {
  size_t K, D;
  double log_pi[MAX_K], factor[MAX_K * 2 * MAX_N]; /* D n is at most 2 MAX_N */
} factor_table;

static void fill_table(const sac_dist *d, const double theta[], const double points[],
                       const rule *r, factor_table *t) {
  const size_t n = (size_t)r->n;
  t->K = d->components;
  t->D = d->dim;
  sac_mixture_log_weights(d, theta, t->log_pi);
  for (size_t c = 0; c < t->K; c++)
    for (size_t i = 0; i < t->D; i++)
      for (size_t j = 0; j < n; j++)
        t->factor[(c * t->D + i) * n + j] =
            sac_mixture_factor(d->component, theta + sac_mixture_place(d, c, i), points[i * n + j]);
}

/* the mixture's log density at the point with these indices */
static double log_density_at(const factor_table *t, int n, const int index[]) {
  double logs[MAX_K], top = -HUGE_VAL, sum = 0.0;
  for (size_t c = 0; c < t->K; c++) {
    logs[c] = t->log_pi[c];
    for (size_t i = 0; i < t->D; i++)
      logs[c] += t->factor[(c * t->D + i) * (size_t)n + (size_t)index[i]];
    top = fmax(top, logs[c]);
  }
  if (isinf(top)) return top;
  for (size_t c = 0; c < t->K; c++) sum += exp(logs[c] - top);
  return top + log(sum);
}

/* the next index of the product, first coordinate fastest; 0 after the last */
static int advance(size_t D, int n, int index[]) {
  for (size_t i = 0; i < D; i++) {
    if (++index[i] < n) return 1;
    index[i] = 0;
  }
  return 0;
}

/* E under one component of -log p, and if q is given of log p - log q, by its points' tables */
static double expectation(const factor_table *p, const factor_table *q, const rule *r) {
  int index[MAX_D] = {0};
  double sum = 0.0;
  do {
    double weight = 1.0;
    for (size_t i = 0; i < p->D; i++) weight *= r->weight[index[i]];
    if (weight < 1e-17) continue;
    const double here = log_density_at(p, r->n, index);
    const double value = q ? here - log_density_at(q, r->n, index) : -here;
    if (value == HUGE_VAL && weight > 1e-14) return value; /* q has nothing where p has mass */
    if (isfinite(value)) sum += weight * value;
  } while (advance(p->D, r->n, index));
  return sum;
}

static double mixed_expectation(const sac_dist *d, const double theta[], const double other[]) {
  rule r;
  factor_table p, q;
  double points[2 * MAX_N], total = 0.0;
  make_rule(d->dim, &r);
  for (size_t k = 0; k < d->components; k++) {
    for (size_t i = 0; i < d->dim; i++)
      for (int j = 0; j < r.n; j++) {
        double out[3];
        d->component->quantile(d->component, theta + sac_mixture_place(d, k, i), r.pair[j], NULL,
                               out);
        points[i * (size_t)r.n + (size_t)j] = out[0];
      }
    fill_table(d, theta, points, &r, &p);
    if (other) fill_table(d, other, points, &r, &q);
    if (p.log_pi[k] > -700.0) total += exp(p.log_pi[k]) * expectation(&p, other ? &q : NULL, &r);
  }
  return total;
}

SAC_ROW(sac_mixture_entropy) {
  out[0] = mixed_expectation(d, theta, NULL);
}

SAC_ROW(sac_mixture_kl) {
  out[0] = fmax(mixed_expectation(d, theta, z), 0.0);
}

/* ---- mode ----------------------------------------------------------------------------------- */

/* a point and the log of every factor there */
typedef struct place {
  double z[MAX_D], factor[MAX_K][MAX_D], log_pi[MAX_K], height;
} place;

/* log density with coordinate i at x, from what the other coordinates give each component */
static double slice(const sac_dist *d, const double theta[], const double rest[], size_t i,
                    double x) {
  double logs[MAX_K], top = -HUGE_VAL, sum = 0.0;
  for (size_t k = 0; k < d->components; k++) {
    logs[k] =
        rest[k] == -HUGE_VAL
            ? rest[k]
            : rest[k] + sac_mixture_factor(d->component, theta + sac_mixture_place(d, k, i), x);
    top = fmax(top, logs[k]);
  }
  if (isinf(top)) return top;
  for (size_t k = 0; k < d->components; k++) sum += exp(logs[k] - top);
  return top + log(sum);
}

static void refresh(const sac_dist *d, const double theta[], size_t i, place *p) {
  for (size_t k = 0; k < d->components; k++)
    p->factor[k][i] = sac_mixture_factor(d->component, theta + sac_mixture_place(d, k, i), p->z[i]);
}

/* along coordinate i over [a, b]: the best of where it is, of a grid, and of golden section around
 * that */
static void climb(const sac_dist *d, const double theta[], size_t i, double a, double b, place *p) {
  enum { GRID = 24 };
  double rest[MAX_K];
  for (size_t k = 0; k < d->components; k++) {
    rest[k] = p->log_pi[k];
    for (size_t j = 0; j < d->dim; j++) rest[k] += j == i ? 0.0 : p->factor[k][j];
  }
  double best = slice(d, theta, rest, i, p->z[i]), at = p->z[i];
  const double step = (b - a) / GRID;
  for (int j = 0; j <= GRID; j++) {
    const double x = a + step * j, value = slice(d, theta, rest, i, x);
    if (value > best) best = value, at = x;
  }
  double low = fmax(at - step, a), high = fmin(at + step, b);
  for (int k = 0; k < 60 && isfinite(best); k++) {
    const double gap = 0.38196601125010515 * (high - low), x = low + gap, y = high - gap;
    const double fx = slice(d, theta, rest, i, x), fy = slice(d, theta, rest, i, y);
    if (fx > best) best = fx, at = x;
    if (fy > best) best = fy, at = y;
    if (fx > fy) {
      high = y;
    } else {
      low = x;
    }
  }
  p->z[i] = at;
  p->height = best;
  refresh(d, theta, i, p);
}

/* from component k's own mode, coordinate by coordinate until nothing rises any more */
static void ascend(const sac_dist *d, const double theta[], size_t k, const double low[],
                   const double high[], place *p) {
  const sac_dist *f = d->component;
  double before = -HUGE_VAL;
  sac_mixture_log_weights(d, theta, p->log_pi);
  for (size_t i = 0; i < d->dim; i++) {
    f->mode(f, theta + sac_mixture_place(d, k, i), NULL, NULL, &p->z[i]);
    refresh(d, theta, i, p);
  }
  d->log_density(d, theta, p->z, NULL, &p->height);
  for (int sweep = 0; sweep < 200; sweep++) {
    if (!isfinite(p->height) || !(p->height > before + 1e-15 * fabs(p->height))) return;
    before = p->height;
    for (size_t i = 0; i < d->dim; i++)
      if (high[i] > low[i]) climb(d, theta, i, low[i], high[i], p);
  }
}

/* The highest maximum that coordinate ascent reaches from the components' modes; every coordinate
 * is searched between the smallest and the largest of the components' modes there, which hold all
 * maxima of a mixture of unimodal factors. */
SAC_ROW(sac_mixture_mode) {
  const sac_dist *f = d->component;
  double low[MAX_D], high[MAX_D], best = -HUGE_VAL;
  for (size_t i = 0; i < d->dim; i++) {
    low[i] = HUGE_VAL;
    high[i] = -HUGE_VAL;
    for (size_t k = 0; k < d->components; k++) {
      double mode;
      f->mode(f, theta + sac_mixture_place(d, k, i), NULL, NULL, &mode);
      low[i] = fmin(low[i], mode);
      high[i] = fmax(high[i], mode);
    }
  }
  for (size_t k = 0; k < d->components; k++) {
    place p;
    ascend(d, theta, k, low, high, &p);
    if (k > 0 && !(p.height > best)) continue;
    best = p.height;
    for (size_t i = 0; i < d->dim; i++) out[i] = p.z[i];
  }
}
