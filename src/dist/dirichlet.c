/* Dirichlet (K concentrations). z_i ~ Beta(alpha_i, alpha_0 - alpha_i), and given z_i the others
 * keep their proportions: dz_i/dalpha_i = v_i, the beta's own velocity, and dz_j/dalpha_i = -z_j
 * v_i/(1 - z_i) [JO18]. Everything is kept in logs. */
#include "dist/family.h"
#include "special/transport.h"

#define BITS (SAC_DIST_IMPLICIT | SAC_DIST_GREP | SAC_DIST_RSVI)

static double total(size_t K, const double alpha[]) {
  double sum = 0.0;
  for (size_t i = 0; i < K; i++) sum += alpha[i];
  return sum;
}

/* the sum of all but one, without subtracting it */
static double others(size_t K, const double x[], size_t i) {
  double sum = 0.0;
  for (size_t j = 0; j < K; j++) sum += j == i ? 0.0 : x[j];
  return sum;
}

static SAC_ROW(to_latent) {
  for (size_t i = 0; i < d->dim; i++) out[i] = log(z[i]);
}

static const char *check_z(const sac_dist *d, const double z[]) {
  const double gap = fabs(total(d->dim, z) - 1.0);
  return gap < 1e-5 ? NULL : "the numbers of z must sum to 1 (within 1e-5)";
}

static double log_normaliser(size_t K, const double alpha[]) {
  /* the chain of betas B(alpha_i, alpha_{i+1} + ... + alpha_K): each without cancellation */
  double rest = alpha[K - 1], sum = 0.0;
  for (size_t i = K - 1; i-- > 0;) {
    sum += sac_lbeta(alpha[i], rest);
    rest += alpha[i];
  }
  return sum;
}

/* (alpha - 1) log z with 0 * inf = 0; infinities of both signs at one point have no limit, and
 * count as the density being 0 */
static SAC_ROW(log_density) {
  double sum = -log_normaliser(d->dim, theta);
  int up = 0, down = 0;
  for (size_t i = 0; i < d->dim; i++) {
    if (theta[i] == 1.0) continue;
    const double term = (theta[i] - 1.0) * latent[i];
    up += term == HUGE_VAL;
    down += term == -HUGE_VAL;
    sum += isinf(term) ? 0.0 : term;
  }
  out[0] = down ? -HUGE_VAL : up ? HUGE_VAL : sum;
}

/* the plain partial derivatives (alpha_i - 1)/z_i, then those in log z_i */
static SAC_ROW(dlog_density) {
  for (size_t i = 0; i < d->dim; i++) {
    const double power = theta[i] - 1.0;
    out[i] = power == 0.0 ? 0.0 : power / z[i];
    out[d->dim + i] = power;
  }
}

static SAC_ROW(score) {
  for (size_t i = 0; i < d->dim; i++)
    out[i] = latent[i] + sac_digamma_difference(theta[i], others(d->dim, theta, i));
}

/* d logit z_i/dalpha_i of Beta(alpha_i, rest) for all i, eight at a time */
static void logit_velocities(const sac_dist *d, const double alpha[], const double z[],
                             const double latent[], double v[]) {
  const size_t K = d->dim;
  double a[SAC_VECTOR_PAD], b[SAC_VECTOR_PAD], x[SAC_VECTOR_PAD], xm[SAC_VECTOR_PAD];
  double lx[SAC_VECTOR_PAD], lxm[SAC_VECTOR_PAD], va[SAC_VECTOR_PAD], vb[SAC_VECTOR_PAD];
  double mills[SAC_VECTOR_PAD];
  for (size_t at = 0; at < K; at += SAC_VECTOR_PAD) {
    const size_t count = K - at < SAC_VECTOR_PAD ? K - at : SAC_VECTOR_PAD;
    for (size_t k = 0; k < SAC_VECTOR_PAD; k++) {
      const size_t i = at + (k < count ? k : 0);
      a[k] = alpha[i];
      b[k] = others(K, alpha, i);
      lx[k] = fmax(fmin(latent[i], 0.0), -1e300);
      x[k] = z[i];
      xm[k] = x[k] < 0.5 ? 1.0 - x[k] : others(K, z, i);
      /* log(1 - z_i): from z_i, or from the others where z_i is all but 1, even 1e-400 of them */
      lxm[k] = x[k] < 0.5 ? log1p(-x[k]) : log(xm[k]);
      if (xm[k] < 1e-290) {
        double top = -1e300;
        for (size_t j = 0; j < K; j++) top = j == i ? top : fmax(top, latent[j]);
        double sum = 0.0;
        for (size_t j = 0; j < K; j++) sum += j == i ? 0.0 : exp(latent[j] - top);
        lxm[k] = top + log(sum);
      }
    }
    sac_transport_get()->beta(count, a, b, x, xm, lx, lxm, va, vb, mills);
    for (size_t k = 0; k < count; k++) v[at + k] = va[k];
  }
}

/* out_i = v_i/(1 - z_i) (g_i - sum_k z_k g_k), and v_i/(1 - z_i) = z_i d logit z_i/dalpha_i; the
 * bracket as sum_k z_k (g_i - g_k), which keeps its digits when z_i is near 1 */
static void vjp(const sac_dist *d, const double theta[], const double z[], const double latent[],
                const double g[], double out[]) {
  const size_t K = d->dim;
  logit_velocities(d, theta, z, latent, out);
  for (size_t i = 0; i < K; i++) {
    double bracket = 0.0;
    for (size_t k = 0; k < K; k++) bracket += z[k] == 0.0 ? 0.0 : z[k] * (g[i] - g[k]);
    out[i] = z[i] == 0.0 || bracket == 0.0 ? 0.0 : z[i] * out[i] * bracket;
  }
}

/* z = softmax of the gammas' logs */
static void normalise(size_t K, const double log_x[], double z[], double latent[]) {
  double top = log_x[0], sum = 0.0;
  for (size_t i = 1; i < K; i++) top = fmax(top, log_x[i]);
  for (size_t i = 0; i < K; i++) sum += exp(log_x[i] - top);
  const double log_sum = top + log(sum);
  for (size_t i = 0; i < K; i++) {
    /* the largest one through the others: its log may be -1e-30 */
    double rest = 0.0;
    for (size_t j = 0; j < K && log_x[i] == top; j++) rest += j == i ? 0.0 : exp(log_x[j] - top);
    const double l = log_x[i] == top ? -log1p(rest) : log_x[i] - log_sum;
    z[i] = exp(l);
    if (latent) latent[i] = l;
  }
}

static void sample(const sac_dist *d, const double theta[], double z[], double latent[],
                   sac_stream *stream) {
  double log_x[SAC_DIST_MAX_DIM], x;
  for (size_t i = 0; i < d->dim; i++) log_x[i] = sac_draw_log_gamma(theta[i], &x, stream);
  normalise(d->dim, log_x, z, latent);
}

static SAC_ROW(mean) {
  const double sum = total(d->dim, theta);
  for (size_t i = 0; i < d->dim; i++) out[i] = theta[i] / sum;
}
static SAC_ROW(variance) {
  const double sum = total(d->dim, theta);
  for (size_t i = 0; i < d->dim; i++)
    out[i] = theta[i] / sum * (others(d->dim, theta, i) / sum) / (sum + 1.0);
}
/* the peak if every alpha >= 1; else the corner of the largest one, as far as it is defined */
static SAC_ROW(mode) {
  const size_t K = d->dim;
  size_t largest = 0;
  double sum = 0.0;
  int inside = 1;
  for (size_t i = 0; i < K; i++) {
    if (theta[i] > theta[largest]) largest = i;
    inside &= theta[i] >= 1.0;
    sum += theta[i] - 1.0;
  }
  for (size_t i = 0; i < K; i++) {
    if (inside) {
      out[i] = sum > 0.0 ? (theta[i] - 1.0) / sum : 1.0 / (double)K;
    } else {
      out[i] = i == largest ? 1.0 : 0.0;
    }
  }
}
static SAC_ROW(entropy) {
  out[0] = log_normaliser(d->dim, theta);
  for (size_t i = 0; i < d->dim; i++)
    out[0] += (theta[i] - 1.0) * sac_digamma_difference(theta[i], others(d->dim, theta, i));
}
static SAC_ROW(kl) {
  double sum = log_normaliser(d->dim, z) - log_normaliser(d->dim, theta);
  for (size_t i = 0; i < d->dim; i++)
    sum += (z[i] - theta[i]) * sac_digamma_difference(theta[i], others(d->dim, theta, i));
  out[0] = fmax(sum, 0.0);
}

static size_t kind(SAC_UNUSED const sac_dist *d, SAC_UNUSED size_t i) {
  return 0;
}
static const sac_dist_param param[] = {SAC_SHAPE("concentration", BITS)};

sac_status sac_dist_dirichlet(size_t K, sac_dist *out, sac_error *err) {
  if (K < 2 || K > SAC_DIST_MAX_DIM)
    return sac_fail(err, SAC_ERR_ARG, "dirichlet: %zu concentrations: must be in [2, %d]", K,
                    SAC_DIST_MAX_DIM);
  *out = (sac_dist){
      .name = "dirichlet",
      .latent_names = {"log z"},
      .dim = K,
      .latents = K,
      .params = K,
      .param = param,
      .kind = kind,
      .low = 0.0,
      .high = 1.0,
      .check_z = check_z,
      .to_latent = to_latent,
      .log_density = log_density,
      .dlog_density = dlog_density,
      .score = score,
      .vjp = vjp,
      .mean = mean,
      .variance = variance,
      .mode = mode,
      .entropy = entropy,
      .kl = kl,
      .sample = sample,
  };
  return SAC_OK;
}

/* ---- the gamma-ratio route ------------------------------------------------------------------ */

static int is_ratio(const sac_dist *d) {
  return d->sample == sample || d == &sac_dist_beta;
}

static sac_status not_ratio(const sac_dist *d, sac_error *err) {
  return sac_fail(err, SAC_ERR_ARG, "%s is not a ratio of gammas: beta and dirichlet are", d->name);
}

sac_status sac_dist_gamma_ratio_sample(const sac_dist *d, size_t n, const double theta[],
                                       size_t step, double z[], double log_x[], sac_stream *stream,
                                       sac_error *err) {
  if (!is_ratio(d)) return not_ratio(d, err);
  const sac_status status = sac_dist_check(d, n, theta, step, err);
  if (status != SAC_OK) return status;
  const size_t K = d->params;
  for (size_t r = 0; r < n; r++) {
    double x, all[SAC_DIST_MAX_DIM];
    for (size_t i = 0; i < K; i++)
      log_x[r * K + i] = sac_draw_log_gamma(theta[r * step + i], &x, stream);
    normalise(K, log_x + r * K, all, NULL);
    for (size_t i = 0; i < d->dim; i++) z[r * d->dim + i] = all[i];
  }
  return SAC_OK;
}

/* z_i = x_i/sum x: dz_k/dlog x_i = z_k ([k = i] - z_i), so out_i = v_i z_i (g_i - sum_k z_k g_k)
 * with v_i = dlog x_i/dalpha_i */
sac_status sac_dist_gamma_ratio_vjp(const sac_dist *d, size_t n, const double theta[], size_t step,
                                    const double log_x[], const double g[], double out[],
                                    sac_error *err) {
  if (!is_ratio(d)) return not_ratio(d, err);
  const sac_status status = sac_dist_check(d, n, theta, step, err);
  if (status != SAC_OK) return status;
  const size_t K = d->params;
  for (size_t r = 0; r < n; r++) {
    double z[SAC_DIST_MAX_DIM], full[SAC_DIST_MAX_DIM] = {0};
    normalise(K, log_x + r * K, z, NULL);
    for (size_t i = 0; i < d->dim; i++) full[i] = g[r * d->dim + i];
    for (size_t i = 0; i < K; i++) {
      const double y = log_x[r * K + i];
      double v[SAC_VECTOR_PAD], mills[SAC_VECTOR_PAD], bracket = 0.0;
      sac_transport_get()->gamma(1, SAC_LANE(theta[r * step + i]), SAC_LANE(exp(y)), SAC_LANE(y), v,
                                 mills);
      for (size_t k = 0; k < K; k++) bracket += z[k] * (full[i] - full[k]);
      out[r * K + i] = z[i] == 0.0 ? 0.0 : v[0] * z[i] * bracket;
    }
  }
  return SAC_OK;
}
