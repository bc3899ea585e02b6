/* The public calls: check everything, then go through the rows. */
#include "base/try.h"
#include "dist/check.h"
#include "dist/family.h"

#include <stdint.h>

enum { SCRATCH = 4096 }; /* doubles on the stack */

static sac_status missing(const sac_dist *d, const char *what, sac_error *err) {
  if (d->dim > 1)
    return sac_fail(err, SAC_ERR_ARG, "%s has no %s in %zu dimensions", d->name, what, d->dim);
  return sac_fail(err, SAC_ERR_ARG, "%s has no %s", d->name, what);
}

sac_status sac_dist_check(const sac_dist *d, size_t n, const double theta[], size_t step,
                          sac_error *err) {
  return sac_dist_check_theta(d, 0, n, theta, step, err);
}

static sac_status check_point(const sac_dist *d, size_t n, const double theta[], size_t step,
                              const double z[], const double latent[], sac_error *err) {
  SAC_TRY(sac_dist_check_theta(d, 0, n, theta, step, err));
  return sac_dist_check_z(d, 0, n, theta, step, z, latent, err);
}

/* The latents of `rows` rows: the caller's, or computed into scratch. */
static const double *latents_of(const sac_dist *d, size_t rows, const double theta[], size_t step,
                                const double z[], const double latent[], double scratch[]) {
  if (latent || d->latents == 0) return latent;
  for (size_t i = 0; i < rows; i++)
    d->to_latent(d, theta + i * step, z + i * d->dim, NULL, scratch + i * d->latents);
  return scratch;
}

/* how many rows fit when a row needs `width` numbers */
static size_t rows_of(size_t width, size_t left) {
  const size_t room = width ? SCRATCH / width : SCRATCH,
               fit = room < 256 ? room : 256; /* stays in L1 */
  return left < fit ? left : fit ? fit : 1;
}

/* out (n,width) = f of each row; batched where the family has it */
static void run(const sac_dist *d, sac_dist_row *f, sac_dist_batch *f_n, size_t n,
                const double theta[], size_t step, const double z[], const double latent[],
                size_t width, double out[]) {
  double scratch[SCRATCH];
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = rows_of(latent ? 0 : d->latents, n - at);
    const double *t = theta + at * step, *x = z + at * d->dim;
    const double *l =
        latents_of(d, rows, t, step, x, latent ? latent + at * d->latents : NULL, scratch);
    if (f_n) {
      f_n(d, rows, t, step, x, l, out + at * width);
      continue;
    }
    for (size_t i = 0; i < rows; i++)
      f(d, t + i * step, x + i * d->dim, l ? l + i * d->latents : NULL, out + (at + i) * width);
  }
}

sac_status sac_dist_log_density(const sac_dist *d, size_t n, const double theta[], size_t step,
                                const double z[], const double latent[], double out[],
                                sac_error *err) {
  if (!d->log_density) return missing(d, "log density", err);
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run(d, d->log_density, d->log_density_n, n, theta, step, z, latent, 1, out);
  return SAC_OK;
}

sac_status sac_dist_score(const sac_dist *d, size_t n, const double theta[], size_t step,
                          const double z[], const double latent[], double out[], sac_error *err) {
  if (!d->score) return missing(d, "score", err);
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run(d, d->score, d->score_n, n, theta, step, z, latent, d->params, out);
  return SAC_OK;
}

/* rows of (first, rest) -> two dense arrays, either of which may be NULL */
static void split(size_t rows, size_t first, size_t rest, const double in[], double a[],
                  double b[]) {
  const size_t width = first + rest;
  if (a && first == 2) { /* most families have two parameters */
    for (size_t i = 0; i < rows; i++) {
      a[2 * i] = in[i * width];
      a[2 * i + 1] = in[i * width + 1];
    }
    a = NULL;
  }
  for (size_t i = 0; i < rows; i++) {
    const double *row = in + i * width;
    for (size_t j = 0; a && j < first; j++) a[i * first + j] = row[j];
    for (size_t j = 0; b && j < rest; j++) b[i * rest + j] = row[first + j];
  }
}

static void run_split(const sac_dist *d, sac_dist_row *f, sac_dist_batch *f_n, size_t n,
                      const double theta[], size_t step, const double z[], const double latent[],
                      size_t first, size_t rest, double a[], double b[]) {
  double both[SCRATCH];
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = rows_of(first + rest, n - at);
    run(d, f, f_n, rows, theta + at * step, step, z + at * d->dim,
        latent ? latent + at * d->latents : NULL, first + rest, both);
    split(rows, first, rest, both, a ? a + at * first : NULL, b ? b + at * rest : NULL);
  }
}

sac_status sac_dist_dlog_density(const sac_dist *d, size_t n, const double theta[], size_t step,
                                 const double z[], const double latent[], double dz[],
                                 double dlatent[], sac_error *err) {
  if (!d->dlog_density) return missing(d, "derivative of its log density", err);
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run_split(d, d->dlog_density, NULL, n, theta, step, z, latent, d->dim, d->latents, dz, dlatent);
  return SAC_OK;
}

sac_status sac_dist_velocity(const sac_dist *d, size_t n, const double theta[], size_t step,
                             const double z[], const double latent[], double dz[], double dlatent[],
                             sac_error *err) {
  if (!d->velocity) return missing(d, d->discrete ? "velocity: it is discrete" : "velocity", err);
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run_split(d, d->velocity, d->velocity_n, n, theta, step, z, latent, d->params,
            d->latents * d->params, dz, dlatent);
  return SAC_OK;
}

/* Where an infinite or huge derivative meets a zero gradient the product is zero: the sample sits
 * at the end of its support, or its gradient is not asked for. */
static double product(double g, double v) {
  return g == 0.0 || v == 0.0 ? 0.0 : g * v;
}

static void vjp_scalar(const sac_dist *d, sac_dist_batch *velocity_n, size_t n,
                       const double theta[], size_t step, const double z[], const double latent[],
                       const double g[], const double glatent[], double out[]) {
  const size_t P = d->params, L = d->latents, width = P + L * P;
  double both[SCRATCH];
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = rows_of(width, n - at);
    run(d, d->velocity, velocity_n, rows, theta + at * step, step, z + at,
        latent ? latent + at * L : NULL, width, both);
    for (size_t i = 0; i < rows; i++) {
      for (size_t j = 0; j < P; j++) {
        double sum = g ? product(g[at + i], both[i * width + j]) : 0.0;
        for (size_t l = 0; glatent && l < L; l++)
          sum += product(glatent[(at + i) * L + l], both[i * width + P + l * P + j]);
        out[(at + i) * P + j] = sum;
      }
    }
  }
}

static void run_vjp(const sac_dist *d, size_t n, const double theta[], size_t step,
                    const double z[], const double latent[], const double g[],
                    const double glatent[], double out[]) {
  const size_t D = d->dim, L = d->latents;
  if (d->velocity) {
    vjp_scalar(d, d->velocity_n, n, theta, step, z, latent, g, glatent, out);
    return;
  }
  double scratch[SCRATCH];
  for (size_t i = 0; i < n; i++) {
    const double *t = theta + i * step, *x = z + i * D;
    const double *l = latents_of(d, 1, t, step, x, latent ? latent + i * L : NULL, scratch);
    d->vjp(d, t, x, l, g + i * D, out + i * d->params);
  }
}

/* The gradients that a vjp is given: finite numbers, and present where they must be. */
static sac_status check_gradient(const sac_dist *d, size_t first, size_t n, const double g[],
                                 const double glatent[], sac_error *err) {
  if (!d->velocity && !d->vjp) return missing(d, "velocity", err);
  if (!d->velocity && (!g || glatent))
    return sac_fail(err, SAC_ERR_ARG, "%s: vjp needs g, and takes no glatent", d->name);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; g && j < d->dim; j++)
      if (isnan(g[i * d->dim + j]))
        return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, g %zu is not a number", d->name,
                        first + i, j);
    for (size_t j = 0; glatent && j < d->latents; j++)
      if (isnan(glatent[i * d->latents + j]))
        return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, glatent %zu is not a number", d->name,
                        first + i, j);
  }
  return SAC_OK;
}

sac_status sac_dist_vjp(const sac_dist *d, size_t n, const double theta[], size_t step,
                        const double z[], const double latent[], const double g[],
                        const double glatent[], double out[], sac_error *err) {
  SAC_TRY(check_gradient(d, 0, n, g, glatent, err));
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run_vjp(d, n, theta, step, z, latent, g, glatent, out);
  return SAC_OK;
}

/* ---- samples -------------------------------------------------------------------------------- */

static void sample_row(const sac_dist *d, const double theta[], double z[], double latent[],
                       sac_stream *stream) {
  if (d->sample) {
    d->sample(d, theta, z, latent, stream);
    return;
  }
  /* by inversion; the uniform has 52 bits, so its complement is exact */
  const double u = sac_stream_uniform(stream), pair[2] = {u, 1.0 - u};
  double out[3];
  d->quantile(d, theta, pair, NULL, out);
  z[0] = out[0];
  for (size_t l = 0; l < d->latents; l++) latent[l] = out[1 + l];
}

static void run_sample(const sac_dist *d, size_t n, const double theta[], size_t step, double z[],
                       double latent[], sac_stream *stream) {
  const size_t D = d->dim, L = d->latents;
  double scratch[SCRATCH];
  for (size_t at = 0, rows; at < n; at += rows) {
    rows = rows_of(latent ? 0 : L, n - at);
    double *l = latent ? latent + at * L : scratch;
    if (d->sample_n) {
      d->sample_n(d, rows, theta + at * step, step, z + at * D, l, stream);
      continue;
    }
    for (size_t i = 0; i < rows; i++)
      sample_row(d, theta + (at + i) * step, z + (at + i) * D, l + i * L, stream);
  }
}

sac_status sac_dist_sample(const sac_dist *d, size_t n, const double theta[], size_t step,
                           double z[], double latent[], sac_stream *stream, sac_error *err) {
  if (!d->sample && !d->quantile && !d->sample_n) return missing(d, "sampler", err);
  SAC_TRY(sac_dist_check_theta(d, 0, n, theta, step, err));
  run_sample(d, n, theta, step, z, latent, stream);
  return SAC_OK;
}

/* ---- distribution function ------------------------------------------------------------------ */

sac_status sac_dist_cdf(const sac_dist *d, size_t n, const double theta[], size_t step,
                        const double z[], const double latent[], double lower[], double upper[],
                        sac_error *err) {
  if (!d->cdf) return missing(d, "distribution function", err);
  SAC_TRY(check_point(d, n, theta, step, z, latent, err));
  run_split(d, d->cdf, d->cdf_n, n, theta, step, z, latent, 1, 1, lower, upper);
  return SAC_OK;
}

sac_status sac_dist_quantile(const sac_dist *d, size_t n, const double theta[], size_t step,
                             const double u[], int upper, double z[], double latent[],
                             sac_error *err) {
  if (!d->quantile) return missing(d, "quantile", err);
  SAC_TRY(sac_dist_check_theta(d, 0, n, theta, step, err));
  for (size_t i = 0; i < n; i++)
    if (!(u[i] >= 0.0 && u[i] <= 1.0))
      return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, probability %.17g: must be in [0, 1]",
                      d->name, i, u[i]);
  for (size_t i = 0; i < n; i++) {
    const double pair[2] = {upper ? 1.0 - u[i] : u[i], upper ? u[i] : 1.0 - u[i]};
    double out[3];
    d->quantile(d, theta + i * step, pair, NULL, out);
    z[i] = out[0];
    for (size_t l = 0; latent && l < d->latents; l++) latent[i * d->latents + l] = out[1 + l];
  }
  return SAC_OK;
}

/* ---- functions of theta --------------------------------------------------------------------- */

/* every row's answer is looked at before the first is written */
static sac_status run_moment(const sac_dist *d, sac_dist_row *f, const char *what, size_t n,
                             const double theta[], size_t step, size_t width, double out[],
                             sac_error *err) {
  if (!f) return missing(d, what, err);
  SAC_TRY(sac_dist_check_theta(d, 0, n, theta, step, err));
  double row[SAC_DIST_MAX_DIM];
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < n; i++) {
      f(d, theta + i * step, NULL, NULL, pass ? out + i * width : row);
      for (size_t j = 0; !pass && j < width; j++)
        if (isnan(row[j]))
          return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu: the %s does not exist there", d->name,
                          i, what);
    }
  }
  return SAC_OK;
}

sac_status sac_dist_mean(const sac_dist *d, size_t n, const double theta[], size_t step,
                         double out[], sac_error *err) {
  return run_moment(d, d->mean, "mean", n, theta, step, d->dim, out, err);
}

sac_status sac_dist_variance(const sac_dist *d, size_t n, const double theta[], size_t step,
                             double out[], sac_error *err) {
  return run_moment(d, d->variance, "variance", n, theta, step, d->dim, out, err);
}

sac_status sac_dist_mode(const sac_dist *d, size_t n, const double theta[], size_t step,
                         double out[], sac_error *err) {
  return run_moment(d, d->mode, "mode", n, theta, step, d->dim, out, err);
}

sac_status sac_dist_entropy(const sac_dist *d, size_t n, const double theta[], size_t step,
                            double out[], sac_error *err) {
  return run_moment(d, d->entropy, "entropy", n, theta, step, 1, out, err);
}

sac_status sac_dist_kl(const sac_dist *d, size_t n, const double theta[], size_t step,
                       const double other[], size_t other_step, double out[], sac_error *err) {
  if (!d->kl) return missing(d, "KL divergence", err);
  SAC_TRY(sac_dist_check_theta(d, 0, n, theta, step, err));
  SAC_TRY(sac_dist_check_theta(d, 0, n, other, other_step, err));
  for (size_t i = 0; i < n; i++) d->kl(d, theta + i * step, other + i * other_step, NULL, out + i);
  return SAC_OK;
}

/* ---- the same in float ------------------------------------------------------------------------
 */

/* Rows in double: as many as fit. */
typedef struct float_rows {
  size_t rows, step;
  const double *latent; /* NULL, or in l */
  double theta[SCRATCH], z[SCRATCH], l[SCRATCH];
} float_rows;

static void widen(size_t n, const float in[], double out[]) {
  for (size_t i = 0; i < n; i++) out[i] = (double)in[i];
}

static void narrow(size_t n, const double in[], float out[]) {
  for (size_t i = 0; i < n; i++) out[i] = (float)in[i];
}

static void load_rows(const sac_dist *d, size_t at, size_t n, const float theta[], size_t step,
                      const float z[], const float latent[], float_rows *b) {
  const size_t P = d->params, L = d->latents;
  b->rows = rows_of(P * (1 + L) + d->dim, n - at);
  b->step = step ? P : 0;
  if (step == P) {
    widen(b->rows * P, theta + at * P, b->theta);
  } else {
    for (size_t i = 0; i < (step ? b->rows : 1); i++)
      widen(P, theta + (at + i) * step, b->theta + i * P);
  }
  if (z) widen(b->rows * d->dim, z + at * d->dim, b->z);
  if (latent) widen(b->rows * L, latent + at * L, b->l);
  b->latent = latent ? b->l : NULL;
}

static sac_status check_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                            const float z[], const float latent[], sac_error *err) {
  float_rows b;
  for (size_t at = 0; at < n; at += b.rows) {
    load_rows(d, at, n, theta, step, z, latent, &b);
    SAC_TRY(sac_dist_check_theta(d, at, b.rows, b.theta, b.step, err));
    if (z) SAC_TRY(sac_dist_check_z(d, at, b.rows, b.theta, b.step, b.z, b.latent, err));
  }
  return SAC_OK;
}

sac_status sac_dist_sample_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                               float z[], float latent[], sac_stream *stream, sac_error *err) {
  if (!d->sample && !d->quantile && !d->sample_n) return missing(d, "sampler", err);
  SAC_TRY(check_f32(d, n, theta, step, NULL, NULL, err));
  float_rows b;
  for (size_t at = 0; at < n; at += b.rows) {
    load_rows(d, at, n, theta, step, NULL, NULL, &b);
    run_sample(d, b.rows, b.theta, b.step, b.z, b.l, stream);
    narrow(b.rows * d->dim, b.z, z + at * d->dim);
    if (latent) narrow(b.rows * d->latents, b.l, latent + at * d->latents);
  }
  return SAC_OK;
}

/* Whether dense rows of one or two parameters and z are legal, in passes without branches; where it
 * says no, check_f32 knows why. */
static int plainly_legal_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                             const float z[], const float latent[]) {
  const size_t P = d->params;
  if (d->check || d->support || d->check_z || d->dim != 1 || P > 2 || step != P) return 0;
  const sac_dist_param *p = sac_dist_parameter(d, 0), *q = sac_dist_parameter(d, P - 1);
  int64_t bad = 0;
  for (size_t i = 0; i < n * P; i += P) {
    const double x = (double)theta[i], y = (double)theta[i + P - 1];
    bad += !(x > p->low) | !(x < p->high) | !(y > q->low) | !(y < q->high);
  }
  for (size_t i = 0; i < n; i++) bad += !((double)z[i] >= d->low) | !((double)z[i] <= d->high);
  for (size_t i = 0; i < n * d->latents; i++) bad += !(latent[i] == latent[i]);
  return !bad;
}

static sac_status run_f32(const sac_dist *d, sac_dist_row *f, sac_dist_batch *f_n, size_t n,
                          const float theta[], size_t step, const float z[], const float latent[],
                          size_t first, size_t rest, float a[], float c[], sac_error *err) {
  SAC_TRY(check_f32(d, n, theta, step, z, latent, err));
  float_rows b;
  double one[SCRATCH], two[SCRATCH];
  for (size_t at = 0; at < n; at += b.rows) {
    load_rows(d, at, n, theta, step, z, latent, &b);
    run_split(d, f, f_n, b.rows, b.theta, b.step, b.z, b.latent, first, rest, a ? one : NULL,
              c ? two : NULL);
    if (a) narrow(b.rows * first, one, a + at * first);
    if (c) narrow(b.rows * rest, two, c + at * rest);
  }
  return SAC_OK;
}

sac_status sac_dist_log_density_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                                    const float z[], const float latent[], float out[],
                                    sac_error *err) {
  if (!d->log_density) return missing(d, "log density", err);
  return run_f32(d, d->log_density, d->log_density_n, n, theta, step, z, latent, 1, 0, out, NULL,
                 err);
}

sac_status sac_dist_dlog_density_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                                     const float z[], const float latent[], float dz[],
                                     float dlatent[], sac_error *err) {
  if (!d->dlog_density) return missing(d, "derivative of its log density", err);
  return run_f32(d, d->dlog_density, NULL, n, theta, step, z, latent, d->dim, d->latents, dz,
                 dlatent, err);
}

sac_status sac_dist_score_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                              const float z[], const float latent[], float out[], sac_error *err) {
  if (!d->score) return missing(d, "score", err);
  return run_f32(d, d->score, d->score_n, n, theta, step, z, latent, d->params, 0, out, NULL, err);
}

sac_status sac_dist_velocity_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                                 const float z[], const float latent[], float dz[], float dlatent[],
                                 sac_error *err) {
  if (!d->velocity) return missing(d, d->discrete ? "velocity: it is discrete" : "velocity", err);
  if (d->velocity_f32_n && latent && dz) {
    if (!plainly_legal_f32(d, n, theta, step, z, latent))
      SAC_TRY(check_f32(d, n, theta, step, z, latent, err));
    d->velocity_f32_n(d, n, theta, step, z, latent, dz, dlatent);
    return SAC_OK;
  }
  return run_f32(d, d->velocity, d->velocity_fast_n ? d->velocity_fast_n : d->velocity_n, n, theta,
                 step, z, latent, d->params, d->latents * d->params, dz, dlatent, err);
}

sac_status sac_dist_vjp_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                            const float z[], const float latent[], const float g[],
                            const float glatent[], float out[], sac_error *err) {
  const size_t D = d->dim, L = d->latents, P = d->params;
  if (!d->velocity && !d->vjp) return missing(d, "velocity", err);
  SAC_TRY(check_f32(d, n, theta, step, z, latent, err));
  float_rows b;
  double dz[SCRATCH], dl[SCRATCH], out64[SCRATCH];
  for (int pass = 0; pass < 2; pass++) {
    for (size_t at = 0; at < n; at += b.rows) {
      load_rows(d, at, n, theta, step, z, latent, &b);
      if (g) widen(b.rows * D, g + at * D, dz);
      if (glatent) widen(b.rows * L, glatent + at * L, dl);
      const double *dz_at = g ? dz : NULL, *dl_at = glatent ? dl : NULL;
      if (pass == 0) {
        SAC_TRY(check_gradient(d, at, b.rows, dz_at, dl_at, err));
      } else if (d->velocity) {
        vjp_scalar(d, d->velocity_fast_n ? d->velocity_fast_n : d->velocity_n, b.rows, b.theta,
                   b.step, b.z, b.latent, dz_at, dl_at, out64);
        narrow(b.rows * P, out64, out + at * P);
      } else {
        run_vjp(d, b.rows, b.theta, b.step, b.z, b.latent, dz_at, dl_at, out64);
        narrow(b.rows * P, out64, out + at * P);
      }
    }
  }
  return SAC_OK;
}
