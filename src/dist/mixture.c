/* Mixtures of one family: q(z) = sum_k pi_k prod_i q_k(z_i), pi = softmax(logits), in D dimensions.
 *
 * Velocity [IRG18]: the distributional transform u_i = F(z_i | z_1 ... z_{i-1}) = sum_k w_ik
 * F_k(z_i), w_ik ~ pi_k prod_{j<i} q_k(z_j), held fixed. Its product with a vector comes from one
 * backward pass over the coordinates, O(K D); no Jacobian is formed. In one dimension that is
 *   dz/dtheta_k = r_k v_k,  dz/dlogit_k = -pi_k (F_k - F)/q,
 * with the responsibilities r_k = pi_k q_k/q and the components' own velocities v_k. */
#include "dist/mixture.h"

enum { MAX_K = SAC_DIST_MAX_COMPONENTS, MAX_D = SAC_DIST_MAX_DIM, MAX_P = 8 };

/* component k, coordinate i: its theta, and what is known of it at z_i */
typedef struct cell {
  const double *theta;
  double z, latent[2];
  int inside; /* z_i is in this component's support */
} cell;

static size_t place(const sac_dist *d, size_t k, size_t i) {
  return sac_mixture_place(d, k, i);
}

void sac_mixture_ends(const sac_dist *family, const double theta[], double ends[2]) {
  if (family->support) {
    family->support(family, theta, NULL, NULL, ends);
    return;
  }
  /* its density has period 2 pi, its samples and its F have not */
  const int angle = family == &sac_dist_von_mises;
  ends[0] = angle ? theta[0] - sac_pi : family->low;
  ends[1] = angle ? theta[0] + sac_pi : family->high;
}

static cell cell_at(const sac_dist *d, const double theta[], const double z[], size_t k, size_t i) {
  const sac_dist *f = d->component;
  cell c = {.theta = theta + place(d, k, i), .z = z[i]};
  double ends[2];
  sac_mixture_ends(f, c.theta, ends);
  c.inside = c.z >= ends[0] && c.z <= ends[1];
  if (f->latents && c.inside) f->to_latent(f, c.theta, &c.z, NULL, c.latent);
  return c;
}

static double log_density_of(const sac_dist *f, const cell *c) {
  double out = -HUGE_VAL;
  if (c->inside) f->log_density(f, c->theta, &c->z, c->latent, &out);
  return out;
}

static void cdf_of(const sac_dist *f, const cell *c, double out[2]) {
  if (c->inside) {
    f->cdf(f, c->theta, &c->z, c->latent, out);
    return;
  }
  double ends[2];
  sac_mixture_ends(f, c->theta, ends);
  out[0] = c->z > ends[1] ? 1.0 : 0.0;
  out[1] = 1.0 - out[0];
}

/* log sum e^x, and w = the share of each; an infinite density takes all */
static double shares(size_t K, const double x[], double w[]) {
  double top = x[0], sum = 0.0;
  for (size_t k = 1; k < K; k++) top = fmax(top, x[k]);
  for (size_t k = 0; k < K; k++) {
    w[k] = x[k] == top ? 1.0 : isinf(top) ? 0.0 : exp(x[k] - top);
    sum += w[k];
  }
  for (size_t k = 0; k < K; k++) w[k] /= sum;
  return isinf(top) ? top : top + log(sum);
}

double sac_mixture_factor(const sac_dist *family, const double theta[], double z) {
  cell c = {.theta = theta, .z = z};
  double ends[2];
  sac_mixture_ends(family, theta, ends);
  c.inside = z >= ends[0] && z <= ends[1];
  if (family->latents && c.inside) family->to_latent(family, theta, &z, NULL, c.latent);
  return log_density_of(family, &c);
}

void sac_mixture_log_weights(const sac_dist *d, const double theta[], double out[]) {
  double pi[MAX_K];
  const double total = shares(d->components, theta, pi);
  for (size_t k = 0; k < d->components; k++) out[k] = theta[k] - total;
}

/* log(pi_k q_k(z)) of all components, normalised into r; returns log q(z) */
static double responsibilities(const sac_dist *d, const double theta[], const double z[],
                               double r[]) {
  double logs[MAX_K];
  const double total = shares(d->components, theta, logs);
  for (size_t k = 0; k < d->components; k++) {
    logs[k] = theta[k] - total;
    for (size_t i = 0; i < d->dim && logs[k] > -HUGE_VAL; i++) {
      const cell c = cell_at(d, theta, z, k, i);
      logs[k] += log_density_of(d->component, &c);
    }
  }
  return shares(d->components, logs, r);
}

static SAC_ROW(log_density) {
  double r[MAX_K];
  out[0] = responsibilities(d, theta, z, r);
}

static SAC_ROW(dlog_density) {
  const sac_dist *f = d->component;
  double r[MAX_K], slope[3];
  (void)responsibilities(d, theta, z, r);
  for (size_t i = 0; i < d->dim; i++) {
    out[i] = 0.0;
    for (size_t k = 0; k < d->components; k++) {
      const cell c = cell_at(d, theta, z, k, i);
      if (r[k] == 0.0 || !c.inside) continue;
      f->dlog_density(f, c.theta, &c.z, c.latent, slope);
      out[i] += r[k] * slope[0];
    }
  }
}

static SAC_ROW(score) {
  const sac_dist *f = d->component;
  double r[MAX_K], pi[MAX_K];
  (void)responsibilities(d, theta, z, r);
  (void)shares(d->components, theta, pi);
  for (size_t k = 0; k < d->components; k++) {
    out[k] = r[k] - pi[k];
    for (size_t i = 0; i < d->dim; i++) {
      const cell c = cell_at(d, theta, z, k, i);
      double *at = out + place(d, k, i);
      if (c.inside) f->score(f, c.theta, &c.z, c.latent, at);
      for (size_t p = 0; p < f->params; p++) at[p] = r[k] == 0.0 ? 0.0 : r[k] * at[p];
    }
  }
}

/* sum_k w_k F_k and F_k - that, on whichever side is the smaller */
static void spread(size_t K, const double w[], double F[][2], double total[2], double gap[]) {
  total[0] = total[1] = 0.0;
  for (size_t k = 0; k < K; k++) {
    total[0] += w[k] * F[k][0];
    total[1] += w[k] * F[k][1];
  }
  for (size_t k = 0; k < K; k++)
    gap[k] = total[0] < total[1] ? F[k][0] - total[0] : total[1] - F[k][1];
}

static void vjp(const sac_dist *d, const double theta[], const double z[],
                SAC_UNUSED const double latent[], const double g[], double out[]) {
  const sac_dist *f = d->component;
  const size_t K = d->components, D = d->dim;
  double w[MAX_D + 1][MAX_K], logs[MAX_K], log_m[MAX_D], B[MAX_K] = {0};
  /* forward: w_i, the responsibilities after i - 1 coordinates, and the density of z_i given them
   */
  double total = shares(K, theta, w[0]), last = 0.0;
  for (size_t k = 0; k < K; k++) logs[k] = theta[k] - total;
  for (size_t i = 0; i < D; i++) {
    for (size_t k = 0; k < K; k++) {
      const cell c = cell_at(d, theta, z, k, i);
      if (logs[k] > -HUGE_VAL) logs[k] += log_density_of(f, &c);
    }
    total = shares(K, logs, w[i + 1]);
    log_m[i] = total - last;
    last = total;
  }
  /* backward: B_k gathers what z_i, z_{i+1}, ... owe to log(pi_k q_k) of the earlier ones */
  for (size_t i = D; i-- > 0;) {
    double F[MAX_K][2], sums[2], gap[MAX_K], pull = g[i];
    for (size_t k = 0; k < K; k++) {
      const cell c = cell_at(d, theta, z, k, i);
      double slope[3] = {0};
      cdf_of(f, &c, F[k]);
      if (B[k] != 0.0 && c.inside) f->dlog_density(f, c.theta, &c.z, c.latent, slope);
      pull -= B[k] * slope[0];
    }
    spread(K, w[i], F, sums, gap);
    for (size_t k = 0; k < K; k++) {
      const cell c = cell_at(d, theta, z, k, i);
      double velocity[3 * MAX_P] = {0}, slope[MAX_P] = {0}, *at = out + place(d, k, i);
      const double weight = pull * w[i + 1][k];
      if (c.inside && weight != 0.0) f->velocity(f, c.theta, &c.z, c.latent, velocity);
      if (c.inside && B[k] != 0.0) f->score(f, c.theta, &c.z, c.latent, slope);
      for (size_t p = 0; p < f->params; p++) {
        const double direct = weight == 0.0 ? 0.0 : weight * velocity[p];
        at[p] = direct - (B[k] == 0.0 ? 0.0 : B[k] * slope[p]);
      }
      const double owed = pull * w[i][k] * gap[k];
      if (owed != 0.0) B[k] += owed * exp(-log_m[i]);
    }
  }
  for (size_t k = 0; k < K; k++) out[k] = -B[k];
}

static SAC_ROW(velocity) {
  const double one = 1.0;
  vjp(d, theta, z, NULL, &one, out);
}

static void sample(const sac_dist *d, const double theta[], double z[], SAC_UNUSED double latent[],
                   sac_stream *stream) {
  const sac_dist *f = d->component;
  double pi[MAX_K], u = sac_stream_uniform(stream), unused[2];
  (void)shares(d->components, theta, pi);
  size_t k = 0, last = 0;
  for (; k < d->components; k++) {
    if (pi[k] > 0.0) last = k;
    if (pi[k] > 0.0 && (u -= pi[k]) < 0.0) break;
  }
  if (k == d->components) k = last;
  for (size_t i = 0; i < d->dim; i++)
    (void)sac_dist_sample(f, 1, theta + place(d, k, i), 0, z + i, unused, stream, NULL);
}

static SAC_ROW(cdf) {
  double pi[MAX_K], F[MAX_K][2], gap[MAX_K];
  (void)shares(d->components, theta, pi);
  for (size_t k = 0; k < d->components; k++) {
    const cell c = cell_at(d, theta, z, k, 0);
    cdf_of(d->component, &c, F[k]);
  }
  spread(d->components, pi, F, out, gap);
}

/* between the smallest and the largest of the components' quantiles: Newton on the log of the
 * smaller tail, kept in its bracket */
static SAC_ROW(quantile) {
  const sac_dist *f = d->component;
  double low = HUGE_VAL, high = -HUGE_VAL, pi[MAX_K];
  (void)shares(d->components, theta, pi);
  for (size_t k = 0; k < d->components; k++) {
    double one[3];
    if (pi[k] == 0.0) continue;
    f->quantile(f, theta + place(d, k, 0), z, NULL, one);
    low = fmin(low, one[0]);
    high = fmax(high, one[0]);
  }
  const int side = z[1] < z[0];
  double x = 0.5 * (low + high);
  if (!(low < high) || isinf(low) || isinf(high)) x = side ? high : low;
  for (int step = 0; step < 200 && low < high; step++) {
    double tails[2], log_q;
    cdf(d, theta, &x, NULL, tails);
    log_density(d, theta, &x, NULL, &log_q);
    const double gap = side ? z[1] - tails[1] : tails[0] - z[0]; /* rises with x */
    if (gap > 0.0) {
      high = x;
    } else {
      low = x;
    }
    if (gap == 0.0) break;
    /* a Newton step of log tail is tail log(tail/target)/q */
    const double ratio = tails[side] > 0.0 ? log(tails[side] / z[side]) : 0.0;
    double next = x - (side ? -1.0 : 1.0) * tails[side] * ratio * exp(-log_q);
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (fabs(next - x) <= 2.3e-16 * fabs(x)) break;
    x = next;
  }
  out[0] = x;
}

static SAC_ROW(mean) {
  const sac_dist *f = d->component;
  double pi[MAX_K];
  (void)shares(d->components, theta, pi);
  for (size_t i = 0; i < d->dim; i++) {
    out[i] = 0.0;
    for (size_t k = 0; k < d->components; k++) {
      double one;
      f->mean(f, theta + place(d, k, i), NULL, NULL, &one);
      out[i] += pi[k] == 0.0 ? 0.0 : pi[k] * one;
    }
  }
}

static SAC_ROW(variance) {
  const sac_dist *f = d->component;
  double pi[MAX_K], centre[MAX_D];
  (void)shares(d->components, theta, pi);
  mean(d, theta, NULL, NULL, centre);
  for (size_t i = 0; i < d->dim; i++) {
    out[i] = 0.0;
    for (size_t k = 0; k < d->components; k++) {
      double m, v;
      f->mean(f, theta + place(d, k, i), NULL, NULL, &m);
      f->variance(f, theta + place(d, k, i), NULL, NULL, &v);
      out[i] += pi[k] == 0.0 ? 0.0 : pi[k] * (v + (m - centre[i]) * (m - centre[i]));
    }
  }
}

/* the highest of a grid of quantiles and the components' modes, refined by golden section */
static SAC_ROW(mode) {
  const sac_dist *f = d->component;
  enum { GRID = 128 };
  double best = -HUGE_VAL, at = 0.0, points[GRID + MAX_K];
  size_t count = 0;
  for (size_t k = 0; k < d->components; k++)
    f->mode(f, theta + place(d, k, 0), NULL, NULL, &points[count++]);
  for (int j = 0; j < GRID; j++) {
    const double u = (j + 0.5) / GRID, pair[2] = {u, 1.0 - u};
    quantile(d, theta, pair, NULL, &points[count++]);
  }
  double low = points[0], high = points[0];
  for (size_t j = 0; j < count; j++) {
    double value;
    log_density(d, theta, &points[j], NULL, &value);
    if (value > best) {
      best = value;
      at = points[j];
    }
    low = fmin(low, points[j]);
    high = fmax(high, points[j]);
  }
  double a = low, b = high; /* the neighbours of the best point */
  for (size_t j = 0; j < count; j++) {
    if (points[j] < at) a = fmax(a, points[j]);
    if (points[j] > at) b = fmin(b, points[j]);
  }
  for (int step = 0; step < 100 && isfinite(best); step++) {
    const double gap = 0.38196601125010515 * (b - a), x = a + gap, y = b - gap;
    double fx, fy;
    log_density(d, theta, &x, NULL, &fx);
    log_density(d, theta, &y, NULL, &fy);
    if (fx > best) best = fx, at = x;
    if (fy > best) best = fy, at = y;
    if (fx > fy) {
      b = y;
    } else {
      a = x;
    }
  }
  out[0] = at;
}

/* two mixtures, the second one NULL for an entropy */
typedef struct two_mixtures {
  const sac_dist *d;
  const double *theta, *other;
} two_mixtures;

static double surprise(const void *context, const double z[], SAC_UNUSED const double latent[]) {
  const two_mixtures *p = context;
  double here, there;
  log_density(p->d, p->theta, z, NULL, &here);
  if (!p->other) return -here;
  log_density(p->d, p->other, z, NULL, &there);
  return here - there;
}

/* medians of the outermost components, where one hands over to the next */
static void hand_overs(const sac_dist *d, const double theta[], double splits[2]) {
  const sac_dist *f = d->component;
  const double half[2] = {0.5, 0.5};
  splits[0] = HUGE_VAL;
  splits[1] = -HUGE_VAL;
  for (size_t k = 0; k < d->components; k++) {
    double one[3];
    f->quantile(f, theta + place(d, k, 0), half, NULL, one);
    splits[0] = fmin(splits[0], one[0]);
    splits[1] = fmax(splits[1], one[0]);
  }
}

/* E of the surprise, component by component: under one of them it is smooth in u = F_k, which it is
 * not under the mixture, whose quantile jumps from one component to the next */
static double mean_surprise(const sac_dist *d, const double theta[], const double other[]) {
  const two_mixtures both = {d, theta, other};
  double splits[2], pi[MAX_K], sum = 0.0;
  (void)shares(d->components, theta, pi);
  hand_overs(d, theta, splits);
  for (size_t k = 0; k < d->components; k++)
    if (pi[k] > 0.0)
      sum += pi[k] * sac_dist_expect(d->component, theta + place(d, k, 0), splits, surprise, &both);
  return sum;
}

static SAC_ROW(entropy) {
  out[0] = mean_surprise(d, theta, NULL);
}

static SAC_ROW(support) {
  const sac_dist *f = d->component;
  out[0] = HUGE_VAL;
  out[1] = -HUGE_VAL;
  for (size_t j = 0; j < d->components * d->dim; j++) {
    double ends[2];
    sac_mixture_ends(f, theta + d->components + j * f->params, ends);
    out[0] = fmin(out[0], ends[0]);
    out[1] = fmax(out[1], ends[1]);
  }
}

/* whether the other mixture's components leave out a stretch where this one has mass */
static int misses(const sac_dist *d, const double theta[], const double other[]) {
  enum { GRID = 64 };
  for (int j = 0; j < GRID; j++) {
    const double u = (j + 0.5) / GRID, pair[2] = {u, 1.0 - u};
    double z, log_q;
    quantile(d, theta, pair, NULL, &z);
    log_density(d, other, &z, NULL, &log_q);
    if (log_q == -HUGE_VAL) return 1;
  }
  double ends[2], others[2];
  support(d, theta, NULL, NULL, ends);
  support(d, other, NULL, NULL, others);
  return ends[0] < others[0] || ends[1] > others[1];
}

static SAC_ROW(kl) {
  out[0] = misses(d, theta, z) ? HUGE_VAL : fmax(mean_surprise(d, theta, z), 0.0);
}

static const char *check(const sac_dist *d, const double theta[]) {
  const sac_dist *f = d->component;
  for (size_t j = 0; f->check && j < d->components * d->dim; j++) {
    const char *wrong = f->check(f, theta + d->components + j * f->params);
    if (wrong) return wrong;
  }
  return NULL;
}

static size_t kind(SAC_UNUSED const sac_dist *d, SAC_UNUSED size_t i) {
  return 0;
}
static const sac_dist_param logit[] = {
    {"logit", -HUGE_VAL, HUGE_VAL, 1, 1, SAC_DIST_IMPLICIT | SAC_DIST_SCORE}};

sac_status sac_dist_mixture(const sac_dist *family, size_t K, size_t D, sac_dist *out,
                            sac_error *err) {
  if (family->dim != 1 || family->discrete || family->component || !family->velocity)
    return sac_fail(err, SAC_ERR_ARG, "mixture: %s: must be a continuous one-dimensional family",
                    family->name);
  if (K < 1 || K > MAX_K)
    return sac_fail(err, SAC_ERR_ARG, "mixture: %zu components: must be in [1, %d]", K, MAX_K);
  if (D < 1 || D > MAX_D)
    return sac_fail(err, SAC_ERR_ARG, "mixture: %zu dimensions: must be in [1, %d]", D, MAX_D);
  const size_t P = K + K * D * family->params;
  if (P > SAC_DIST_MAX_PARAMS || family->params > MAX_P)
    return sac_fail(err, SAC_ERR_ARG, "mixture: %zu parameters: must be at most %d", P,
                    SAC_DIST_MAX_PARAMS);
  const int line = D == 1, few = D <= SAC_MIXTURE_QUADRATURE_DIM;
  *out = (sac_dist){
      .name = "mixture",
      .dim = D,
      .params = P,
      .param = logit,
      .kind = kind,
      .component = family,
      .components = K,
      .low = family->low,
      .high = family->high,
      .check = check,
      .support = support,
      .log_density = log_density,
      .dlog_density = dlog_density,
      .score = score,
      .velocity = line ? velocity : NULL,
      .vjp = vjp,
      .cdf = line ? cdf : NULL,
      .quantile = line ? quantile : NULL,
      .mean = mean,
      .variance = variance,
      .mode = line ? mode : sac_mixture_mode,
      .entropy = line  ? entropy
                 : few ? sac_mixture_entropy
                       : NULL,
      .kl = line  ? kl
            : few ? sac_mixture_kl
                  : NULL,
      .sample = sample,
  };
  return SAC_OK;
}
