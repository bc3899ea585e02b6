/* Every kernel as its formula, one element at a time, in double: the oracle of the vector tables.
 */
#include "kernels/kernels.h"

#include <math.h>

static void gemm(const sac_gemm *g) {
  for (size_t i = 0; i < g->M; i++)
    for (size_t n = 0; n < g->N; n++) {
      double c = g->bias ? (double)g->bias[n] : 0.0;
      for (size_t p = 0; p < g->K; p++)
        c += (double)g->A[i * g->a_row + p * g->a_col] * (double)g->B[p * g->ldb + n];
      const double scale = g->scale ? (double)g->scale[n] : 1.0;
      const double shift = g->scale && g->shift ? (double)g->shift[n] : 0.0;
      if (!g->late) c = scale * c + shift;
      if (g->relu && !(c > 0.0)) c = 0.0;
      if (g->late) c = scale * c + shift;
      const size_t m = g->mask_row ? g->mask_row[i] : i;
      const float mask = g->mask ? g->mask[m * g->ldm + n] : 1.0f;
      if (g->slope) c += (double)g->slope[n] * (double)mask;
      if (g->mask && !(g->mask_at ? mask < g->mask_at[n] || mask > g->mask_at[n] : mask > 0.0f))
        c = 0.0;
      g->C[i * g->ldc + n] = (float)c;
    }
}

static void dot_rows(size_t M, size_t K, const float *A, size_t lda, const float *w, float bias,
                     float *y) {
  for (size_t i = 0; i < M; i++) {
    double sum = (double)bias;
    for (size_t k = 0; k < K; k++) sum += (double)A[i * lda + k] * (double)w[k];
    y[i] = (float)sum;
  }
}

static void outer_masked(size_t M, size_t N, const float *g, const float *w, const float *mask,
                         size_t ldm, float *C, size_t ldc) {
  for (size_t i = 0; i < M; i++)
    for (size_t n = 0; n < N; n++) C[i * ldc + n] = mask[i * ldm + n] > 0.0f ? g[i] * w[n] : 0.0f;
}

static void sum_columns(size_t M, size_t N, const float *g, const float *A, size_t lda, float *y) {
  for (size_t n = 0; n < N; n++) {
    double sum = 0.0;
    for (size_t i = 0; i < M; i++) sum += (g ? (double)g[i] : 1.0) * (double)A[i * lda + n];
    y[n] = (float)sum;
  }
}

static void transpose(size_t K, size_t N, const float *W, size_t ldw, float *T, size_t ldt) {
  for (size_t k = 0; k < K; k++)
    for (size_t n = 0; n < N; n++) T[n * ldt + k] = W[k * ldw + n];
}

static void moments(size_t M, size_t N, const float *A, size_t lda, float *mean, float *var) {
  for (size_t n = 0; n < N; n++) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < M; i++) sum += (double)A[i * lda + n];
    const double center = sum / (double)M;
    for (size_t i = 0; i < M; i++) squares += pow((double)A[i * lda + n] - center, 2);
    mean[n] = (float)center;
    var[n] = (float)(squares / (double)M);
  }
}

static void column_norm(const sac_column_norm *k) {
  for (size_t n = 0; n < k->N; n++) {
    const double mean = (double)k->mean[n], var = (double)k->var[n], keep = (double)k->keep;
    const double mean_run = (double)k->run_mean[n], var_run = (double)k->run_var[n];
    const double gamma = (double)k->gamma[n], beta = (double)k->beta[n];
    const double sigma = sqrt(var + (double)k->eps), sigma_run = sqrt(var_run + (double)k->eps);
    double r = 1.0, d = 0.0;
    if (k->renorm) {
      r = fmin(fmax(sigma / sigma_run, 1.0 / (double)k->r_max), (double)k->r_max);
      d = fmin(fmax((mean - mean_run) / sigma_run, -(double)k->d_max), (double)k->d_max);
    }
    const double a = r / sigma, c = d - a * mean;
    k->rstd[n] = (float)(1.0 / sigma);
    k->r[n] = (float)r;
    k->d[n] = (float)d;
    k->a[n] = (float)a;
    k->c[n] = (float)c;
    k->s[n] = (float)(gamma * a);
    k->t[n] = (float)(beta + gamma * c);
    k->run_mean[n] = (float)(keep * mean_run + (1.0 - keep) * mean);
    k->run_var[n] = (float)(keep * var_run + (1.0 - keep) * (double)k->unbias * var);
  }
}

static void column_affine(size_t N, float eps, const float *mean, const float *var,
                          const float *gamma, const float *beta, float *scale, float *shift) {
  for (size_t n = 0; n < N; n++) {
    const double s = (double)gamma[n] / sqrt((double)var[n] + (double)eps);
    scale[n] = (float)s;
    shift[n] = (float)((double)beta[n] - s * (double)mean[n]);
  }
}

static void fold(size_t M, size_t N, const float *s, const float *t, const float *W, size_t ldw,
                 const float *bias, float *F, size_t ldf, float *y) {
  for (size_t n = 0; n < N; n++) {
    double sum = (double)bias[n];
    for (size_t i = 0; i < M; i++) {
      F[i * ldf + n] = s[i] * W[i * ldw + n];
      sum += (double)t[i] * (double)W[i * ldw + n];
    }
    y[n] = (float)sum;
  }
}

static void unfold(const sac_unfold *u) {
  for (size_t i = 0; i < u->M; i++) {
    double dgamma = 0.0, dbeta = 0.0;
    for (size_t n = 0; n < u->N; n++) {
      const double db = (double)u->db[n], w = (double)u->W[i * u->ldw + n];
      const double g = (double)u->a[i] * (double)u->H[i * u->ldh + n] + (double)u->c[i] * db;
      dgamma += w * g;
      dbeta += w * db;
      u->H[i * u->ldh + n] = (float)((double)u->gamma[i] * g + (double)u->beta[i] * db);
    }
    u->dgamma[i] = (float)dgamma;
    u->dbeta[i] = (float)dbeta;
  }
}

static void affine(size_t M, size_t N, const float *center, const float *scale, const float *shift,
                   int relu, const float *A, size_t lda, float *C, size_t ldc) {
  for (size_t i = 0; i < M; i++)
    for (size_t n = 0; n < N; n++) {
      const double x = (double)A[i * lda + n] - (center ? (double)center[n] : 0.0);
      const double y = (double)scale[n] * x + (double)shift[n];
      C[i * ldc + n] = (float)(relu && !(y > 0.0) ? 0.0 : y);
    }
}

static void sum_products(size_t M, size_t N, const float *center, const float *G, size_t ldg,
                         const float *A, size_t lda, float *sum, float *dot) {
  for (size_t n = 0; n < N; n++) {
    double plain = 0.0, paired = 0.0;
    for (size_t i = 0; i < M; i++) {
      plain += (double)G[i * ldg + n];
      paired +=
          (double)G[i * ldg + n] * ((double)A[i * lda + n] - (center ? (double)center[n] : 0.0));
    }
    sum[n] = (float)plain;
    dot[n] = (float)paired;
  }
}

static void combine(size_t M, size_t N, const float *scale, const float *shift, const float *slope,
                    const float *A, size_t lda, float *G, size_t ldg) {
  for (size_t i = 0; i < M; i++)
    for (size_t n = 0; n < N; n++)
      G[i * ldg + n] = (float)((double)scale[n] * (double)G[i * ldg + n] + (double)shift[n] +
                               (double)slope[n] * (double)A[i * lda + n]);
}

static void row_norm(const sac_row_norm *r) {
  const size_t W = r->width;
  for (size_t i = 0; i < r->M; i++) {
    const float *x = r->X + i * r->ldx;
    double mean = 0.0, var = 0.0;
    for (size_t n = 0; r->center && n < W; n++) mean += (double)x[n] / (double)W;
    for (size_t n = 0; n < W; n++) var += pow((double)x[n] - mean, 2) / (double)W;
    const double rstd = 1.0 / sqrt(var + (double)r->eps);
    r->rstd[i] = (float)rstd;
    for (size_t n = 0; n < sac_padded(W); n++) {
      const double xn = n < W ? ((double)x[n] - mean) * rstd : 0.0;
      const double y = (double)r->gamma[n] * xn + (r->beta ? (double)r->beta[n] : 0.0);
      r->xn[i * r->ldn + n] = (float)xn;
      r->Y[i * r->ldy + n] = (float)(r->relu && !(y > 0.0) ? 0.0 : y);
    }
  }
}

static void row_norm_back(const sac_row_norm_back *r) {
  const size_t W = r->width;
  for (size_t i = 0; i < r->M; i++) {
    const size_t from = r->row ? r->row[i] : i;
    const float *dy = r->dy + i * r->ldy, *xn = r->xn + from * r->ldn;
    double mean = 0.0, along = 0.0;
    for (size_t n = 0; n < W; n++) {
      const double g = (double)r->gamma[n] * (double)dy[n];
      mean += r->center ? g / (double)W : 0.0;
      along += g * (double)xn[n] / (double)W;
    }
    for (size_t n = 0; n < sac_padded(W); n++) {
      const double g = (double)r->gamma[n] * (double)dy[n];
      const double dx = (double)r->rstd[from] * (g - mean - (double)xn[n] * along);
      const int open = n < W && (!r->mask || r->mask[from * r->ldm + n] > 0.0f);
      r->dx[i * r->ldx + n] = open ? (float)dx : 0.0f;
    }
  }
}

static void scale_rows(const sac_scale_rows *s) {
  for (size_t i = 0; i < s->M; i++)
    for (size_t n = 0; n < sac_padded(s->width); n++) {
      const double y = (double)s->scale[n] * (double)s->X[i * s->ldx + n];
      const double h = s->relu ? fmax(y, 0.0) + (double)s->more : y;
      s->Y[i * s->ldy + n] = n < s->width ? (float)h : 0.0f;
    }
}

static void scale_rows_back(const sac_scale_rows_back *s) {
  for (size_t i = 0; i < s->M; i++)
    for (size_t n = 0; n < sac_padded(s->width); n++) {
      const double x = (double)s->X[(s->row ? s->row[i] : i) * s->ldx + n];
      const double scale = (double)s->scale[n], dy = (double)s->dY[i * s->ldd + n];
      const int open = n < s->width && (!s->relu || scale * x > 0.0);
      if (s->G) s->G[i * s->ldd + n] = open ? (float)(x * dy) : 0.0f;
      s->dX[i * s->ldd + n] = open ? (float)(scale * dy) : 0.0f;
    }
}

/* 1 / |v| */
static double inverse_length(size_t width, const double v[]) {
  double square = 0.0;
  for (size_t n = 0; n < width; n++) square += v[n] * v[n];
  return 1.0 / fmax(sqrt(square), (double)SAC_LEAST_LENGTH);
}

/* d <- inv (d - (y d) y), by which a gradient goes back through y = v / |v|. */
static void off_sphere(size_t width, double inv, const float y[], double d[]) {
  double along = 0.0;
  for (size_t n = 0; n < width; n++) along += (double)y[n] * d[n];
  for (size_t n = 0; n < width; n++) d[n] = inv * (d[n] - along * (double)y[n]);
}

static void put_row(size_t width, const double v[], double by, float y[]) {
  for (size_t n = 0; n < sac_padded(width); n++) y[n] = n < width ? (float)(v[n] * by) : 0.0f;
}

enum { SPHERE_MAX = 4096 }; /* columns that these references are for */

static void sphere(const sac_sphere *s) {
  for (size_t i = 0; i < s->M; i++) {
    double v[SPHERE_MAX];
    for (size_t n = 0; n < s->width; n++)
      v[n] = (s->scale ? (double)s->scale[n] : 1.0) * (double)s->X[i * s->ldx + n];
    const double inv = inverse_length(s->width, v);
    s->inv[i] = (float)inv;
    put_row(s->width, v, inv, s->Y + i * s->ldy);
  }
}

/* dL/dv of row i. */
static void sphere_dv(size_t width, size_t from, size_t i, const float *dY, const float *more,
                      size_t ldd, const float *Y, size_t ldy, const float *inv, double dv[]) {
  for (size_t n = 0; n < width; n++)
    dv[n] = (double)dY[i * ldd + n] + (more ? (double)more[i * ldd + n] : 0.0);
  off_sphere(width, (double)inv[from], Y + from * ldy, dv);
}

static void sphere_back(const sac_sphere_back *s) {
  for (size_t i = 0; i < s->M; i++) {
    const size_t from = s->row ? s->row[i] : i;
    double dv[SPHERE_MAX], part[SPHERE_MAX];
    sphere_dv(s->width, from, i, s->dY, s->more, s->ldd, s->Y, s->ldy, s->inv, dv);
    for (size_t n = 0; s->G && n < s->width; n++) part[n] = dv[n] * (double)s->X[from * s->ldx + n];
    if (s->G) put_row(s->width, part, 1.0, s->G + i * s->ldd);
    for (size_t n = 0; s->scale && n < s->width; n++) dv[n] *= (double)s->scale[n];
    put_row(s->width, dv, 1.0, s->dX + i * s->ldd);
  }
}

static void lerp(const sac_lerp *s) {
  for (size_t i = 0; i < s->M; i++) {
    double x[SPHERE_MAX], v[SPHERE_MAX];
    for (size_t n = 0; n < s->width; n++) x[n] = (double)s->U[i * s->ldu + n];
    const double inv_x = inverse_length(s->width, x);
    for (size_t n = 0; n < s->width; n++) {
      const double r = (double)s->R[i * s->ldr + n];
      v[n] = r + (double)s->by * (double)s->alpha[n] * (x[n] * inv_x - r);
    }
    const double inv = inverse_length(s->width, v);
    s->inv_x[i] = (float)inv_x;
    s->inv[i] = (float)inv;
    put_row(s->width, x, inv_x, s->U + i * s->ldu);
    put_row(s->width, v, inv, s->Y + i * s->ldy);
  }
}

static void lerp_back(const sac_lerp_back *s) {
  for (size_t i = 0; i < s->M; i++) {
    const size_t from = s->row ? s->row[i] : i;
    const float *u = s->U + from * s->ldu, *r = s->R + from * s->ldr;
    double dv[SPHERE_MAX], part[SPHERE_MAX], dr[SPHERE_MAX];
    sphere_dv(s->width, from, i, s->dY, s->more, s->ldd, s->Y, s->ldy, s->inv, dv);
    for (size_t n = 0; n < s->width; n++) {
      const double alpha = (double)s->by * (double)s->alpha[n];
      part[n] = (double)s->by * dv[n] * ((double)u[n] - (double)r[n]);
      dr[n] = (1.0 - alpha) * dv[n];
      dv[n] *= alpha;
    }
    if (s->G) put_row(s->width, part, 1.0, s->G + i * s->ldd);
    put_row(s->width, dr, 1.0, s->dR + i * s->ldd);
    off_sphere(s->width, (double)s->inv_x[from], u, dv);
    put_row(s->width, dv, 1.0, s->dX + i * s->ldd);
  }
}

static double without_subnormals(double x) {
  return fabs(x) < 0x1p-126 ? 0.0 : x;
}

static double adam(size_t n, const sac_adam_step *step, const float *g, float *m, float *v,
                   float *w, float tau, float *target) {
  const double b1 = (double)step->beta1, b2 = (double)step->beta2;
  double total = 0.0;
  for (size_t i = 0; i < n; i++) {
    const double gi = (double)g[i];
    const double mi = without_subnormals(b1 * (double)m[i] + (1.0 - b1) * gi);
    const double vi = without_subnormals(b2 * (double)v[i] + (1.0 - b2) * gi * gi);
    const double wi = (double)w[i] -
                      (double)step->lr * (double)step->c1 * mi /
                          (sqrt((double)step->c2 * vi) + (double)step->eps) -
                      (double)step->decay * (double)w[i];
    m[i] = (float)mi;
    v[i] = (float)vi;
    w[i] = (float)wi;
    if (target) target[i] = (float)((double)target[i] + (double)tau * (wi - (double)target[i]));
    total += gi * gi;
  }
  return total;
}

static void normals(size_t n, const uint32_t *words, float *out) {
  const double two_pi = 6.283185307179586476925;
  for (size_t i = 0; i < n; i++) {
    const double u = ((double)(words[2 * i] >> 9) + 0.5) * 0x1p-23;
    const double v = ((double)(words[2 * i + 1] >> 9) + 0.5) * 0x1p-23;
    out[i] = (float)(sqrt(-2.0 * log(u)) * cos(two_pi * v));
  }
}

static void log_std(size_t n, const sac_log_std_map *map, const float *raw, float *out,
                    float *slope) {
  const double low = (double)map->low, high = (double)map->high;
  for (size_t i = 0; i < n; i++) {
    const double x = (double)raw[i];
    double y, dy;
    if (map->kind == 0) {
      y = fmin(fmax(x, low), high);
      dy = x >= low && x <= high;
    } else if (map->kind == 1) {
      y = low + 0.5 * (high - low) * (1.0 + tanh(x));
      dy = 0.5 * (high - low) / (cosh(x) * cosh(x));
    } else {
      const double s = fmax(x, 0.0) + log1p(exp(-fabs(x))) + exp(low);
      y = log(s);
      dy = 1.0 / ((1.0 + exp(-x)) * s);
    }
    out[i] = (float)y;
    slope[i] = (float)dy;
  }
}

static void tanh_normal(size_t n, const float *mean, const float *log_sigma, const float *eps,
                        float *std, float *act, float *da_du, float *logp) {
  for (size_t i = 0; i < n; i++) {
    const double e = (double)eps[i], ls = (double)log_sigma[i], s = exp(ls);
    const double u = (double)mean[i] + s * e;
    const double log_slope = 2.0 * (log(2.0) - fabs(u) - log1p(exp(-2.0 * fabs(u))));
    std[i] = (float)s;
    act[i] = (float)tanh(u);
    da_du[i] = (float)exp(log_slope);
    logp[i] = (float)(-0.5 * e * e - ls - 0.918938533204672742 - log_slope);
  }
}

static void tanh_each(size_t n, const float *u, float *a) {
  for (size_t i = 0; i < n; i++) a[i] = (float)tanh((double)u[i]);
}

static void softmax(size_t M, size_t N, float *x, size_t ldx, float *log_sum) {
  for (size_t i = 0; i < M; i++) {
    float *row = x + i * ldx;
    float largest = row[0]; /* not by fmax: gcc 12 for aarch64 fails on it, an internal error */
    for (size_t n = 1; n < N; n++)
      if (row[n] > largest) largest = row[n];
    const double top = (double)largest;
    double sum = 0.0;
    for (size_t n = 0; n < N; n++) sum += exp((double)row[n] - top);
    for (size_t n = 0; n < N; n++) row[n] = (float)(exp((double)row[n] - top) / sum);
    log_sum[i] = (float)(top + log(sum));
  }
}

static float fma_chains(size_t rounds, float x, float y) {
  double sum = 0.0;
  for (int i = 0; i < 12; i++) {
    double a = (double)i;
    for (size_t r = 0; r < rounds; r++) a = a * (double)x + (double)y;
    sum += a;
  }
  return (float)sum;
}

const sac_kernels sac_kernels_reference = {
    .isa = "reference",
    .gemm = gemm,
    .dot_rows = dot_rows,
    .outer_masked = outer_masked,
    .sum_columns = sum_columns,
    .transpose = transpose,
    .moments = moments,
    .column_norm = column_norm,
    .column_affine = column_affine,
    .fold = fold,
    .unfold = unfold,
    .affine = affine,
    .sum_products = sum_products,
    .combine = combine,
    .row_norm = row_norm,
    .row_norm_back = row_norm_back,
    .scale_rows = scale_rows,
    .scale_rows_back = scale_rows_back,
    .sphere = sphere,
    .sphere_back = sphere_back,
    .lerp = lerp,
    .lerp_back = lerp_back,
    .adam = adam,
    .normals = normals,
    .log_std = log_std,
    .tanh_normal = tanh_normal,
    .tanh = tanh_each,
    .softmax = softmax,
    .fma_chains = fma_chains,
};
