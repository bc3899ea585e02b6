/* sac bench dist: nanoseconds a sample, in batches of 4,096 on one core. */
#include "bench.h"
#include "dist.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 4096, REPEATS = 25 };

/* thetas that differ from row to row, and what the functions read and write */
typedef struct bench {
  const sac_dist *d;
  double theta[ROWS * 4], z[ROWS], latent[ROWS * 2], out[ROWS * 4];
  float theta32[ROWS * 4], z32[ROWS], latent32[ROWS * 2], out32[ROWS * 4];
  sac_stream stream;
  sac_error err;
} bench;

static sac_status run_sample(bench *b) {
  return sac_dist_sample(b->d, ROWS, b->theta, b->d->params, b->z, b->latent, &b->stream, &b->err);
}
static sac_status run_log_density(bench *b) {
  return sac_dist_log_density(b->d, ROWS, b->theta, b->d->params, b->z, b->latent, b->out, &b->err);
}
static sac_status run_velocity(bench *b) {
  return sac_dist_velocity(b->d, ROWS, b->theta, b->d->params, b->z, b->latent, b->out, NULL,
                           &b->err);
}
static sac_status run_velocity_f32(bench *b) {
  return sac_dist_velocity_f32(b->d, ROWS, b->theta32, b->d->params, b->z32, b->latent32, b->out32,
                               NULL, &b->err);
}

/* the best of REPEATS, in nanoseconds a row; negative if the library refused */
static double best_of(bench *b, sac_status (*f)(bench *)) {
  double best = HUGE_VAL;
  for (int r = 0; r < REPEATS; r++) {
    const double start = bench_now();
    if (f(b) != SAC_OK) return -1.0;
    best = fmin(best, bench_now() - start);
  }
  return 1e9 * best / ROWS;
}

/* parameter j of a row: spread over what is usual for it, u uniform in (0, 1) */
static double typical(const sac_dist *d, size_t j, double u) {
  const sac_dist_param *p = sac_dist_parameter(d, j);
  if (!strcmp(d->name, "truncated_normal") && j >= 2) return j == 2 ? -1.0 - u : 1.0 + u;
  if (p->high < 1e50) return p->low + (p->high - p->low) * (0.05 + 0.9 * u);
  if (!isfinite(p->low)) return 2.0 * u - 1.0;
  return pow(10.0, 3.0 * u - 1.0); /* 0.1 ... 100 */
}

static void fill(bench *b, const double *fixed) {
  const size_t P = b->d->params;
  for (size_t i = 0; i < ROWS * P; i++) {
    b->theta[i] = fixed ? fixed[i % P] : typical(b->d, i % P, sac_stream_uniform(&b->stream));
    b->theta32[i] = (float)b->theta[i];
    b->theta[i] = (double)b->theta32[i];
  }
}

int bench_dist(const char *name, const double *fixed) {
  bench *b = calloc(1, sizeof *b);
  sac_dist d;
  if (!b) return usage_error("bench: out of memory");
  const int code = dist_named(name, 2, 2, &d);
  int wrong = code != -1;
  if (!wrong && (d.dim != 1 || d.params > 4)) {
    wrong = 1;
    usage_error("bench dist: %s has a size: the one-dimensional ones only", name);
  }
  if (wrong) {
    free(b);
    return EXIT_USAGE;
  }
  b->d = &d;
  b->stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  fill(b, fixed);
  const double sample = best_of(b, run_sample);
  for (size_t i = 0; i < ROWS; i++) b->z32[i] = (float)b->z[i];
  for (size_t i = 0; i < ROWS * d.latents; i++) b->latent32[i] = (float)b->latent[i];
  const double density = sample < 0 ? -1.0 : best_of(b, run_log_density);
  const double velocity = d.velocity ? best_of(b, run_velocity) : HUGE_VAL;
  const double fast = d.velocity ? best_of(b, run_velocity_f32) : HUGE_VAL;
  const int refused = sample < 0 || density < 0 || velocity < 0 || fast < 0;
  if (refused) {
    fprintf(stderr, "sac: %s\n", b->err.msg);
  } else {
    printf("%s,sample,%.4g\n%s,log_density,%.4g\n", name, sample, name, density);
    if (d.velocity) printf("%s,velocity,%.4g\n%s,velocity_f32,%.4g\n", name, velocity, name, fast);
  }
  free(b);
  return refused ? EXIT_FAILED : EXIT_DONE;
}
