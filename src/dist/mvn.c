/* Multivariate normal: z = mean + L e, e standard normal. Full: theta is the mean, then the rows of
 * the lower triangle L; diagonal: the mean, then the standard deviations. */
#include "base/try.h"
#include "dist/family.h"

#define MEAN_BITS  (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_OMT)
#define SCALE_BITS (SAC_DIST_EXPLICIT | SAC_DIST_IMPLICIT | SAC_DIST_OMT)

enum { MAX = SAC_DIST_MAX_DIM };

/* where row i of the triangle begins in theta */
static size_t row_at(size_t D, size_t i) {
  return D + i * (i + 1) / 2;
}

/* e = L^-1 (z - mean) by forward substitution */
static void whiten(const sac_dist *d, const double theta[], const double z[], double e[]) {
  for (size_t i = 0; i < d->dim; i++) {
    const double *row = theta + row_at(d->dim, i);
    double rest = z[i] - theta[i];
    for (size_t j = 0; j < i; j++) rest -= row[j] * e[j];
    e[i] = rest / row[i];
  }
}

/* s = L^-T e */
static void back(const sac_dist *d, const double theta[], const double e[], double s[]) {
  for (size_t i = d->dim; i-- > 0;) {
    double rest = e[i];
    for (size_t j = i + 1; j < d->dim; j++) rest -= theta[row_at(d->dim, j) + i] * s[j];
    s[i] = rest / theta[row_at(d->dim, i) + i];
  }
}

static double log_det(const sac_dist *d, const double theta[]) {
  double sum = 0.0;
  for (size_t i = 0; i < d->dim; i++) sum += log(theta[row_at(d->dim, i) + i]);
  return sum;
}

static double square_norm(size_t n, const double x[]) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

static SAC_ROW(log_density) {
  double e[MAX];
  whiten(d, theta, z, e);
  out[0] = -0.5 * square_norm(d->dim, e) - 0.5 * (double)d->dim * sac_log_2pi - log_det(d, theta);
}

static SAC_ROW(dlog_density) {
  double e[MAX];
  whiten(d, theta, z, e);
  back(d, theta, e, out);
  for (size_t i = 0; i < d->dim; i++) out[i] = -out[i];
}

/* with s = Sigma^-1 (z - mean): d/dmean = s, d/dL = tril(s e^T) - diag(1/L) */
static SAC_ROW(score) {
  double e[MAX], s[MAX];
  whiten(d, theta, z, e);
  back(d, theta, e, s);
  for (size_t i = 0; i < d->dim; i++) {
    const size_t at = row_at(d->dim, i);
    out[i] = s[i];
    for (size_t j = 0; j <= i; j++) out[at + j] = s[i] * e[j];
    out[at + i] -= 1.0 / theta[at + i];
  }
}

/* z = mean + L e: dL = tril(g e^T) */
static void vjp(const sac_dist *d, const double theta[], const double z[],
                SAC_UNUSED const double latent[], const double g[], double out[]) {
  double e[MAX];
  whiten(d, theta, z, e);
  for (size_t i = 0; i < d->dim; i++) {
    out[i] = g[i];
    for (size_t j = 0; j <= i; j++) out[row_at(d->dim, i) + j] = g[i] * e[j];
  }
}

static void sample(const sac_dist *d, const double theta[], double z[], SAC_UNUSED double latent[],
                   sac_stream *stream) {
  double e[MAX];
  sac_stream_normals(stream, d->dim, e);
  for (size_t i = 0; i < d->dim; i++) {
    z[i] = theta[i];
    for (size_t j = 0; j <= i; j++) z[i] += theta[row_at(d->dim, i) + j] * e[j];
  }
}

static SAC_ROW(mean) {
  for (size_t i = 0; i < d->dim; i++) out[i] = theta[i];
}
static SAC_ROW(variance) {
  for (size_t i = 0; i < d->dim; i++) out[i] = square_norm(i + 1, theta + row_at(d->dim, i));
}
static SAC_ROW(entropy) {
  out[0] = 0.5 * (double)d->dim * (1.0 + sac_log_2pi) + log_det(d, theta);
}
/* (|L2^-1 L|^2 + |L2^-1 (mean - mean2)|^2 - D)/2 + log det L2 - log det L */
static SAC_ROW(kl) {
  const size_t D = d->dim;
  double column[MAX] = {0}, e[MAX], sum = -(double)D, zero[MAX + MAX * (MAX + 1) / 2];
  for (size_t i = 0; i < D; i++) zero[i] = 0.0;
  for (size_t i = D; i < d->params; i++) zero[i] = z[i];
  for (size_t j = 0; j < D; j++) { /* L2^-1 times column j of L */
    for (size_t i = 0; i < D; i++) column[i] = i < j ? 0.0 : theta[row_at(D, i) + j];
    whiten(d, zero, column, e);
    sum += square_norm(D, e);
  }
  whiten(d, z, theta, e); /* theta begins with this one's mean */
  sum += square_norm(D, e);
  out[0] = fmax(0.5 * sum + log_det(d, z) - log_det(d, theta), 0.0);
}

/* parameter i: 0 the mean, 1 the diagonal, 2 below it */
static size_t kind(const sac_dist *d, size_t i) {
  if (i < d->dim) return 0;
  size_t row = 0;
  while (row_at(d->dim, row + 1) <= i) row++;
  return i == row_at(d->dim, row) + row ? 1 : 2;
}

static const sac_dist_param full_param[] = {SAC_REAL("mean", MEAN_BITS),
                                            SAC_POSITIVE("diagonal of L", SCALE_BITS),
                                            SAC_REAL("L below its diagonal", SCALE_BITS)};

static sac_status check_dim(const char *name, size_t D, sac_error *err) {
  if (D >= 1 && D <= MAX) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "%s: %zu dimensions: must be in [1, %d]", name, D, MAX);
}

sac_status sac_dist_mvn(size_t D, sac_dist *out, sac_error *err) {
  SAC_TRY(check_dim("mvn", D, err));
  *out = (sac_dist){
      .name = "mvn",
      .dim = D,
      .params = row_at(D, D),
      .param = full_param,
      .kind = kind,
      .low = -HUGE_VAL,
      .high = HUGE_VAL,
      .log_density = log_density,
      .dlog_density = dlog_density,
      .score = score,
      .vjp = vjp,
      .mean = mean,
      .variance = variance,
      .mode = mean,
      .entropy = entropy,
      .kl = kl,
      .sample = sample,
  };
  return SAC_OK;
}

/* ---- diagonal: normals side by side --------------------------------------------------------- */

static SAC_ROW(diagonal_log_density) {
  out[0] = -0.5 * (double)d->dim * sac_log_2pi;
  for (size_t i = 0; i < d->dim; i++) {
    const double sd = theta[d->dim + i], x = (z[i] - theta[i]) / sd;
    out[0] -= 0.5 * x * x + log(sd);
  }
}
static SAC_ROW(diagonal_dlog_density) {
  for (size_t i = 0; i < d->dim; i++) {
    const double sd = theta[d->dim + i];
    out[i] = -(z[i] - theta[i]) / sd / sd;
  }
}
static SAC_ROW(diagonal_score) {
  for (size_t i = 0; i < d->dim; i++) {
    const double sd = theta[d->dim + i], x = (z[i] - theta[i]) / sd;
    out[i] = x / sd;
    out[d->dim + i] = (x - 1.0) * (x + 1.0) / sd;
  }
}
static void diagonal_vjp(const sac_dist *d, const double theta[], const double z[],
                         SAC_UNUSED const double latent[], const double g[], double out[]) {
  for (size_t i = 0; i < d->dim; i++) {
    const double x = (z[i] - theta[i]) / theta[d->dim + i];
    out[i] = g[i];
    out[d->dim + i] = g[i] == 0.0 ? 0.0 : g[i] * x;
  }
}
static void diagonal_sample(const sac_dist *d, const double theta[], double z[],
                            SAC_UNUSED double latent[], sac_stream *stream) {
  sac_stream_normals(stream, d->dim, z);
  for (size_t i = 0; i < d->dim; i++) z[i] = theta[i] + theta[d->dim + i] * z[i];
}
static SAC_ROW(diagonal_variance) {
  for (size_t i = 0; i < d->dim; i++) out[i] = theta[d->dim + i] * theta[d->dim + i];
}
static SAC_ROW(diagonal_entropy) {
  out[0] = 0.5 * (double)d->dim * (1.0 + sac_log_2pi);
  for (size_t i = 0; i < d->dim; i++) out[0] += log(theta[d->dim + i]);
}
static SAC_ROW(diagonal_kl) {
  out[0] = 0.0;
  for (size_t i = 0; i < d->dim; i++) {
    const double here[2] = {theta[i], theta[d->dim + i]}, there[2] = {z[i], z[d->dim + i]};
    double one;
    sac_dist_normal.kl(&sac_dist_normal, here, there, NULL, &one);
    out[0] += one;
  }
}
static size_t diagonal_kind(const sac_dist *d, size_t i) {
  return i >= d->dim;
}
static const sac_dist_param diagonal_param[] = {SAC_REAL("mean", MEAN_BITS | SAC_DIST_MVD),
                                                SAC_POSITIVE("sd", SCALE_BITS | SAC_DIST_MVD)};

sac_status sac_dist_mvn_diagonal(size_t D, sac_dist *out, sac_error *err) {
  SAC_TRY(check_dim("mvn_diagonal", D, err));
  *out = (sac_dist){
      .name = "mvn_diagonal",
      .dim = D,
      .params = 2 * D,
      .param = diagonal_param,
      .kind = diagonal_kind,
      .low = -HUGE_VAL,
      .high = HUGE_VAL,
      .log_density = diagonal_log_density,
      .dlog_density = diagonal_dlog_density,
      .score = diagonal_score,
      .vjp = diagonal_vjp,
      .mean = mean,
      .variance = diagonal_variance,
      .mode = mean,
      .entropy = diagonal_entropy,
      .kl = diagonal_kl,
      .sample = diagonal_sample,
  };
  return SAC_OK;
}

/* ---- optimal transport [JO18] -------------------------------------------------------------------
 */

static sac_status must_be_full(const sac_dist *d, sac_error *err) {
  if (d->sample == sample) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "%s: optimal transport is for mvn", d->name);
}

/* one Jacobi rotation: zero a_pq of the symmetric a, and turn q's columns along */
static void rotate(size_t D, double a[], double q[], size_t p, size_t r) {
  const double apr = a[p * D + r];
  if (apr == 0.0) return;
  const double t0 = (a[r * D + r] - a[p * D + p]) / (2.0 * apr);
  const double t = (t0 < 0.0 ? -1.0 : 1.0) / (fabs(t0) + sqrt(1.0 + t0 * t0));
  const double c = 1.0 / sqrt(1.0 + t * t), s = t * c;
  for (size_t k = 0; k < D; k++) { /* columns */
    const double x = a[k * D + p], y = a[k * D + r];
    a[k * D + p] = c * x - s * y;
    a[k * D + r] = s * x + c * y;
  }
  for (size_t k = 0; k < D; k++) { /* rows */
    const double x = a[p * D + k], y = a[r * D + k];
    a[p * D + k] = c * x - s * y;
    a[r * D + k] = s * x + c * y;
  }
  for (size_t k = 0; k < D; k++) {
    const double x = q[k * D + p], y = q[k * D + r];
    q[k * D + p] = c * x - s * y;
    q[k * D + r] = s * x + c * y;
  }
}

/* cyclic Jacobi: quadratically convergent, and every eigenvalue to nearly its last bit */
sac_status sac_dist_mvn_eigen(const sac_dist *d, const double theta[], double q[], double lambda[],
                              sac_error *err) {
  SAC_TRY(must_be_full(d, err));
  SAC_TRY(sac_dist_check(d, 1, theta, 0, err));
  const size_t D = d->dim;
  double a[MAX * MAX];
  for (size_t i = 0; i < D; i++) {
    for (size_t j = 0; j < D; j++) {
      const size_t shared = i < j ? i : j;
      double sum = 0.0;
      for (size_t k = 0; k <= shared; k++) sum += theta[row_at(D, i) + k] * theta[row_at(D, j) + k];
      a[i * D + j] = sum;
      q[i * D + j] = i == j;
    }
  }
  for (int sweep = 0; sweep < 40; sweep++) {
    double off = 0.0, on = 0.0;
    for (size_t i = 0; i < D; i++) {
      on += a[i * D + i] * a[i * D + i];
      for (size_t j = 0; j < i; j++) off += a[i * D + j] * a[i * D + j];
    }
    if (off <= 1e-36 * on) break;
    for (size_t p = 0; p + 1 < D; p++)
      for (size_t r = p + 1; r < D; r++) rotate(D, a, q, p, r);
  }
  for (size_t i = 0; i < D; i++) lambda[i] = a[i * D + i];
  return SAC_OK;
}

/* M <- q^T M q or, if back, q M q^T */
static void turn(size_t D, const double q[], int back_again, double M[]) {
  double half[MAX * MAX];
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) {
      double sum = 0.0;
      for (size_t k = 0; k < D; k++)
        sum += (back_again ? q[i * D + k] : q[k * D + i]) * M[k * D + j];
      half[i * D + j] = sum;
    }
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) {
      double sum = 0.0;
      for (size_t k = 0; k < D; k++)
        sum += half[i * D + k] * (back_again ? q[j * D + k] : q[k * D + j]);
      M[i * D + j] = sum;
    }
}

/* With X symmetric and Sigma X + X Sigma = (g x^T + x g^T)/2, x = z - mean: dL = tril(2 X L).
 * Linear in g x^T, so its mean over the batch is taken first. */
sac_status sac_dist_mvn_omt(const sac_dist *d, size_t n, const double theta[], const double q[],
                            const double lambda[], const double z[], const double g[], double out[],
                            sac_error *err) {
  SAC_TRY(must_be_full(d, err));
  SAC_TRY(sac_dist_check(d, 1, theta, 0, err));
  if (n == 0) return sac_fail(err, SAC_ERR_ARG, "mvn: the mean of no rows");
  const size_t D = d->dim;
  double M[MAX * MAX] = {0}, sums[MAX] = {0};
  for (size_t r = 0; r < n; r++)
    for (size_t i = 0; i < D; i++) {
      sums[i] += g[r * D + i];
      for (size_t j = 0; j < D; j++) M[i * D + j] += g[r * D + i] * (z[r * D + j] - theta[j]);
    }
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j <= i; j++)
      M[i * D + j] = M[j * D + i] = 0.5 * (M[i * D + j] + M[j * D + i]) / (double)n;
  turn(D, q, 0, M);
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < D; j++) M[i * D + j] /= lambda[i] + lambda[j];
  turn(D, q, 1, M);
  for (size_t i = 0; i < D; i++) {
    out[i] = sums[i] / (double)n;
    for (size_t j = 0; j <= i; j++) {
      double sum = 0.0; /* (X L)_ij, L lower */
      for (size_t k = j; k < D; k++) sum += M[i * D + k] * theta[row_at(D, k) + j];
      out[row_at(D, i) + j] = 2.0 * sum;
    }
  }
  return SAC_OK;
}
