/* Variational inference end to end: a sparse gamma deep exponential family with two layers
 * [GREP16], fitted to a table of counts x (N,V) by stochastic gradients of the evidence bound.
 *
 *   gamma_def COUNTS.csv [--estimator implicit|generalized|local] [--steps N] [--seed S] [--eta E]
 *
 * Model: z2[n,j] ~ Gamma(0.1, 0.1),  z1[n,k] ~ Gamma(0.1, rate 0.1/mu[n,k]), mu = 0.1 + z2 w1,
 *        x[n,v] ~ Poisson(lambda[n,v]), lambda = z1 w0,  every w ~ Gamma(0.1, 0.3).
 * Posterior: every unknown is a gamma of its own, with a shape a and a mean m.
 *
 * A gradient of E log p(x, unknowns) needs d(unknown)/d(a, m). In m it is explicit. In a there are
 *   - implicit: the velocity, sac_dist_velocity [IRG18];
 *   - generalized: eps = (log g - psi(a))/sqrt(psi'(a)) is nearly free of a (g: over its scale);
 *     the rest is log p times the derivative of eps' own log density [GREP16];
 *   - local: the same, but only with those terms of log p that the unknown occurs in.
 * The entropies are closed forms. Steps are Adam's, of size eta, one sample each.
 *
 * Prints CSV: step, seconds spent on the steps, evidence bound from 10 samples, its standard error.
 */
#include "sac/dist.h"
#include "sac/special.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { K1 = 20, K2 = 8, CHECK_SAMPLES = 10 };
enum { IMPLICIT, GENERALIZED, LOCAL };
static const char *const estimator_names[] = {"implicit", "generalized", "local"};
static const double z_shape = 0.1, w_shape = 0.1, w_rate = 0.3;
static const double least_mu = 0.1;                        /* without it E 1/mu may be infinite */
static const double least_shape = 0.02, least_mean = 1e-4; /* of the posteriors */

/* All unknowns lie one after the other: z1 (N,K1), z2 (N,K2), w0 (K1,V), w1 (K2,K1). */
typedef struct model {
  size_t N, V, n;        /* n: all unknowns */
  size_t z2, w0, w1;     /* where they begin; z1 is first */
  double *x, x_constant; /* (N,V) the counts; sum log x! */
  /* of the last sample */
  double *z, *log_z;     /* (n) */
  double *lambda, *like; /* (N,V) the Poisson's rate; log p(x|lambda), then its slope in lambda */
  double *mu, *layer;    /* (N,K1) the prior's mean of z1; log p(z1|mu), then its slope in mu */
  double *slope;         /* (n) d log p/d log z */
  double *local;         /* (n) the terms of log p that hold the unknown */
} model;

typedef struct posterior {
  double *free;  /* (n,2) what is optimised: shape and mean through softplus */
  double *theta; /* (n,2) shape and rate, as the library's gamma has them */
  double *m, *v; /* (n,2) Adam: moving averages of the gradient and its square */
  double *grad;  /* (n,2) in shape and mean */
  double *dlog;  /* (n,2) dlog z/d(shape, rate) */
  double *dz;    /* (n,2) unused by us, but asked for by the call */
} posterior;

static void must(sac_status status, const sac_error *err) {
  if (status == SAC_OK) return;
  fprintf(stderr, "gamma_def: %s\n", err->msg);
  exit(1);
}

static double *numbers(size_t n) {
  double *block = calloc(n, sizeof *block);
  if (!block) {
    fputs("gamma_def: no memory\n", stderr);
    exit(1);
  }
  return block;
}

/* ---- the model --------------------------------------------------------------------------------
 */

/* c (n,m) = a (n,k) b (k,m) */
static void product(size_t n, size_t k, size_t m, const double *a, const double *b, double *c) {
  memset(c, 0, n * m * sizeof *c);
  for (size_t i = 0; i < n; i++)
    for (size_t l = 0; l < k; l++)
      for (size_t j = 0; j < m; j++) c[i * m + j] += a[i * k + l] * b[l * m + j];
}

/* With c = a b and e = d log p/dc: da += e b^T, db += a^T e, both times their own a and b, since
 * the slopes are in the logarithms. */
static void product_slopes(size_t n, size_t k, size_t m, const double *a, const double *b,
                           const double *e, double *da, double *db) {
  for (size_t i = 0; i < n; i++)
    for (size_t l = 0; l < k; l++) {
      const double al = a[i * k + l];
      double sum = 0.0;
      for (size_t j = 0; j < m; j++) {
        sum += e[i * m + j] * b[l * m + j];
        db[l * m + j] += al * e[i * m + j] * b[l * m + j];
      }
      da[i * k + l] += al * sum;
    }
}

/* log Gamma(z; shape, rate), its slope in log z added to *slope */
static double log_gamma_prior(double shape, double rate, double z, double log_z, double *slope) {
  *slope += shape - 1.0 - rate * z;
  return shape * log(rate) - sac_lgamma(shape) + (shape - 1.0) * log_z - rate * z;
}

/* `like` and `layer`: log densities; the terms of each are added to the unknowns that they hold */
static double spread(size_t n, size_t k, size_t m, const double *logs, double *rows, double *cols) {
  double total = 0.0;
  for (size_t i = 0; i < n; i++) {
    double row = 0.0;
    for (size_t j = 0; j < m; j++) {
      const double term = logs[i * m + j];
      row += term;
      for (size_t l = 0; l < k; l++) cols[l * m + j] += term;
    }
    for (size_t l = 0; l < k; l++) rows[i * k + l] += row;
    total += row;
  }
  return total;
}

/* log p(x, unknowns) at m->z; fills m->slope and m->local */
static double log_joint(model *m) {
  double *z1 = m->z, *z2 = m->z + m->z2, *w0 = m->z + m->w0, *w1 = m->z + m->w1;
  memset(m->slope, 0, m->n * sizeof *m->slope);
  memset(m->local, 0, m->n * sizeof *m->local);
  product(m->N, K1, m->V, z1, w0, m->lambda);
  product(m->N, K2, K1, z2, w1, m->mu);
  for (size_t i = 0; i < m->z2; i++) m->mu[i] += least_mu;
  double total = -m->x_constant;
  for (size_t i = 0; i < m->n; i++) { /* the priors with constant parameters */
    if (i < m->z2) continue;
    const int weight = i >= m->w0;
    const double own = log_gamma_prior(weight ? w_shape : z_shape, weight ? w_rate : z_shape,
                                       m->z[i], m->log_z[i], m->slope + i);
    m->local[i] += own;
    total += own;
  }
  for (size_t i = 0; i < m->N * m->V; i++) m->like[i] = m->x[i] * log(m->lambda[i]) - m->lambda[i];
  total += spread(m->N, K1, m->V, m->like, m->local, m->local + m->w0);
  for (size_t i = 0; i < m->z2; i++) {
    m->layer[i] = log_gamma_prior(z_shape, z_shape / m->mu[i], z1[i], m->log_z[i], m->slope + i);
    m->local[i] += m->layer[i];
  }
  total += spread(m->N, K2, K1, m->layer, m->local + m->z2, m->local + m->w1);
  for (size_t i = 0; i < m->N * m->V; i++) m->like[i] = m->x[i] / m->lambda[i] - 1.0;
  for (size_t i = 0; i < m->z2; i++)
    m->layer[i] = z_shape * (z1[i] - m->mu[i]) / (m->mu[i] * m->mu[i]);
  product_slopes(m->N, K1, m->V, z1, w0, m->like, m->slope, m->slope + m->w0);
  product_slopes(m->N, K2, K1, z2, w1, m->layer, m->slope + m->z2, m->slope + m->w1);
  return total;
}

/* ---- the posterior ----------------------------------------------------------------------------
 */

static double shape_of(const posterior *q, size_t i) {
  return least_shape + sac_log1pexp(q->free[2 * i]);
}
static double mean_of(const posterior *q, size_t i) {
  return least_mean + sac_log1pexp(q->free[2 * i + 1]);
}

static void set_theta(const model *m, posterior *q) {
  for (size_t i = 0; i < m->n; i++) {
    q->theta[2 * i] = shape_of(q, i);
    q->theta[2 * i + 1] = shape_of(q, i) / mean_of(q, i);
  }
}

static void draw(model *m, const posterior *q, sac_stream *stream) {
  sac_error err;
  must(sac_dist_sample(sac_dist_find("gamma"), m->n, q->theta, 2, m->z, m->log_z, stream, &err),
       &err);
}

static double entropy(const model *m, const posterior *q) {
  double sum = 0.0;
  for (size_t i = 0; i < m->n; i++) {
    const double a = q->theta[2 * i];
    sum += a - log(q->theta[2 * i + 1]) + sac_lgamma(a) + (1.0 - a) * sac_digamma(a);
  }
  return sum;
}

/* Gradients of E log p in shape and mean from the sample in m. dlog z/da at fixed mean: the rate
 * a/mean moves too, by 1/mean, which is -1/a in log z. */
static void implicit(const model *m, posterior *q) {
  sac_error err;
  must(sac_dist_velocity(sac_dist_find("gamma"), m->n, q->theta, 2, m->z, m->log_z, q->dz, q->dlog,
                         &err),
       &err);
  for (size_t i = 0; i < m->n; i++)
    q->grad[2 * i] = m->slope[i] * (q->dlog[2 * i] - 1.0 / q->theta[2 * i]);
}

static void generalized(const model *m, posterior *q, int local, double whole) {
  for (size_t i = 0; i < m->n; i++) {
    const double a = q->theta[2 * i], psi1 = sac_trigamma(a), psi2 = sac_tetragamma(a);
    const double log_g = m->log_z[i] + log(q->theta[2 * i + 1]), s = log_g - sac_digamma(a);
    const double h = psi1 + s * psi2 / (2.0 * psi1); /* dlog g/da at fixed eps = s/sqrt(psi1) */
    const double correction = s + (a - exp(log_g)) * h + psi2 / (2.0 * psi1);
    q->grad[2 * i] = m->slope[i] * (h - 1.0 / a) + (local ? m->local[i] : whole) * correction;
  }
}

/* Adam's step number `count` (from 1) up the gradient, that of the entropy included */
static void step(const model *m, posterior *q, double eta, size_t count) {
  const double c1 = 1.0 - pow(0.9, (double)count), c2 = 1.0 - pow(0.999, (double)count);
  for (size_t i = 0; i < m->n; i++) {
    const double a = q->theta[2 * i], mean = mean_of(q, i);
    q->grad[2 * i] += 1.0 - 1.0 / a + (1.0 - a) * sac_trigamma(a);
    q->grad[2 * i + 1] =
        (m->slope[i] + 1.0) / mean; /* log z moves by 1/mean, so does the entropy */
    for (size_t k = 2 * i; k < 2 * i + 2; k++) {
      const double g = q->grad[k] * sac_logistic(q->free[k]); /* through softplus */
      q->m[k] += 0.1 * (g - q->m[k]);
      q->v[k] += 0.001 * (g * g - q->v[k]);
      q->free[k] += eta * (q->m[k] / c1) / (sqrt(q->v[k] / c2) + 1e-8);
    }
  }
  set_theta(m, q);
}

/* ---- the run ----------------------------------------------------------------------------------
 */

/* The counts: a line a row of x, parted by commas. */
static void read_counts(const char *path, model *m) {
  FILE *file = fopen(path, "r");
  char line[1 << 16];
  size_t room = 0;
  if (!file) {
    fprintf(stderr, "gamma_def: cannot read %s\n", path);
    exit(1);
  }
  while (fgets(line, sizeof line, file)) {
    size_t width = 0;
    int bad = 0;
    for (char *word = strtok(line, ",\n"); word; word = strtok(NULL, ",\n"), width++) {
      const size_t at = m->N * m->V + width;
      if (at >= room) {
        m->x = realloc(m->x, (room = 2 * room + 1024) * sizeof *m->x);
        if (!m->x) exit(1);
      }
      char *end;
      m->x[at] = strtod(word, &end);
      if (*end || !(m->x[at] >= 0.0)) bad = 1;
    }
    if (!m->N) m->V = width;
    if (bad || width != m->V || !width) {
      fprintf(stderr, "gamma_def: %s: row %zu is no row of counts as long as the first\n", path,
              m->N + 1);
      exit(1);
    }
    m->N++;
  }
  fclose(file);
}

static void prepare(model *m, posterior *q, uint64_t seed) {
  m->z2 = m->N * K1;
  m->w0 = m->z2 + m->N * K2;
  m->w1 = m->w0 + K1 * m->V;
  m->n = m->w1 + K2 * K1;
  m->z = numbers(4 * m->n);
  m->log_z = m->z + m->n;
  m->slope = m->log_z + m->n;
  m->local = m->slope + m->n;
  m->lambda = numbers(2 * m->N * m->V);
  m->like = m->lambda + m->N * m->V;
  m->mu = numbers(2 * m->N * K1);
  m->layer = m->mu + m->N * K1;
  double mean = 0.0;
  for (size_t i = 0; i < m->N * m->V; i++) {
    m->x_constant += sac_lgamma1p(m->x[i]);
    mean += m->x[i] / (double)(m->N * m->V);
  }
  q->free = numbers(14 * m->n);
  double **parts[] = {&q->theta, &q->m, &q->v, &q->grad, &q->dlog, &q->dz};
  for (size_t k = 0; k < 6; k++) *parts[k] = q->free + 2 * (k + 1) * m->n;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < m->n; i++) { /* shapes about 1, means that give the data's own mean */
    const double start = i < m->w0 ? 1.0 : i < m->w1 ? mean / K1 : 1.0 / K2;
    q->free[2 * i] = log(expm1(1.0)) + 0.1 * (sac_stream_uniform(&stream) - 0.5);
    q->free[2 * i + 1] = log(expm1(start * (0.5 + sac_stream_uniform(&stream))));
  }
  set_theta(m, q);
}

static double seconds(void) {
  struct timespec t;
  timespec_get(&t, TIME_UTC);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report(model *m, const posterior *q, uint64_t seed, size_t at, double spent) {
  double sum = 0.0, squares = 0.0;
  for (size_t s = 0; s < CHECK_SAMPLES; s++) { /* the same streams at every report */
    sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER + 1, s);
    draw(m, q, &stream);
    const double f = log_joint(m);
    sum += f / CHECK_SAMPLES;
    squares += f * f / CHECK_SAMPLES;
  }
  const double bound = sum + entropy(m, q);
  const double error = sqrt(fmax(0.0, squares - sum * sum) / (CHECK_SAMPLES - 1));
  if (!isfinite(bound)) {
    fprintf(stderr, "gamma_def: the bound is %g after %zu steps: diverged\n", bound, at);
    exit(1);
  }
  printf("%zu,%.3f,%.8g,%.3g\n", at, spent, bound, error);
  fflush(stdout);
}

static void fit(model *m, posterior *q, int estimator, size_t steps, uint64_t seed, double eta) {
  double spent = 0.0;
  puts("step,seconds,bound,standard_error");
  report(m, q, seed, 0, 0.0);
  for (size_t i = 0, next = 1; i < steps; i++) {
    const double began = seconds();
    sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER + 2, i);
    draw(m, q, &stream);
    const double whole = log_joint(m);
    if (estimator == IMPLICIT)
      implicit(m, q);
    else
      generalized(m, q, estimator == LOCAL, whole);
    step(m, q, eta, i + 1);
    spent += seconds() - began;
    if (i + 1 < next && i + 1 < steps) continue;
    report(m, q, seed, i + 1, spent);
    next = next < 10 ? next + 1 : next + next / 5;
  }
}

int main(int argc, char **argv) {
  model m = {.N = 0};
  posterior q;
  int estimator = IMPLICIT;
  size_t steps = 1000;
  uint64_t seed = 1;
  double eta = 0.05;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--steps")) steps = (size_t)strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--seed")) seed = (uint64_t)strtoull(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--eta")) eta = atof(argv[i + 1]);
    for (int e = 0; e < 3 && !strcmp(argv[i], "--estimator"); e++)
      if (!strcmp(argv[i + 1], estimator_names[e])) estimator = e;
  }
  if (argc < 2 || argc % 2) {
    fputs("usage: gamma_def COUNTS.csv [--estimator implicit|generalized|local] [--steps N] "
          "[--seed S] [--eta E]\n",
          stderr);
    return 2;
  }
  read_counts(argv[1], &m);
  prepare(&m, &q, seed);
  fit(&m, &q, estimator, steps, seed, eta);
  free(m.x);
  free(m.z);
  free(m.lambda);
  free(m.mu);
  free(q.free);
  return 0;
}
