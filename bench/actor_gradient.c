/* actor_gradient RUN [--draws N] [--blocks N] ESTIMATOR:SAMPLES...: the actor's gradient of one
 * trained agent, drawn many times by each estimator. CSV, a row an estimator.
 *
 * Everything but the noise stands still: the agent of the folder RUN, its replay, and one batch.
 * The first estimator's mean is what the others are held against; it should be a precise one. With
 * g_1 ... g_N the draws of the gradient in all P parameters of the actor, m their mean and r the
 * first estimator's:
 *   variance        sum over the parameters of the variance of one draw, from blocks of draws
 *   standard_error  of that sum, from the spread of the blocks
 *   mean_square     |r|^2, less what the draws' own noise adds to it
 *   ratio           variance / mean_square: 1 when noise and signal are as large
 *   median_ratio    the median over the parameters of variance_p / r_p^2
 *   agreement       |m - r|^2 over its expectation if both have the same mean: about 1 then */
#include "agent/handle.h"
#include "agent/state.h"
#include "train/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(sac_status status, const sac_error *err) {
  if (status == SAC_OK) return;
  fprintf(stderr, "actor_gradient: %s\n", err->msg);
  exit(1);
}

static double *numbers(size_t n) {
  double *p = calloc(n, sizeof *p);
  if (p) return p;
  fputs("actor_gradient: no memory\n", stderr);
  exit(1);
}

/* The run's agent, whose updates move nothing: step sizes of 0. Adam's first moment with beta1 = 0
 * is the gradient itself. */
static sac_agent *still_agent(const sac_run *run, const char *estimator, const char *samples) {
  sac_run_options o = run->config.options;
  sac_error err = {.msg = ""};
  sac_agent *out;
  const char *const set[][2] = {{"lr", "0"},
                                {"tau", "0"},
                                {"actor_beta1", "0"},
                                {"actor_estimator", estimator},
                                {"actor_samples", samples}};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++)
    must(sac_run_options_set(&o, set[i][0], set[i][1], &err), &err);
  const sac_space *space = &run->rollout->space;
  must(sac_agent_create(&o.agent, space->obs_dim, space->act_dim, space->act_low, space->act_high,
                        (uint64_t)o.train.seed, 1, &out, &err),
       &err);
  const size_t n = sac_agent_tensors(out, NULL);
  sac_tensor *from = calloc(2 * n, sizeof *from), *to = from + n;
  if (!from) must(SAC_ERR_NOMEM, &(sac_error){.msg = "no memory"});
  (void)sac_agent_tensors(run->agent, from);
  (void)sac_agent_tensors(out, to);
  for (size_t i = 0; i < n; i++) {
    const size_t bytes = to[i].dtype == SAC_F32 ? sizeof(float) : sizeof(double);
    for (size_t r = 0; r < to[i].rows; r++)
      memcpy((char *)to[i].data + r * to[i].stride * bytes,
             (const char *)from[i].data + r * from[i].stride * bytes, to[i].cols * bytes);
  }
  sac_agent_restored(out);
  free(from);
  return out;
}

/* The moments of an estimator's draws. */
typedef struct moments {
  size_t P, N;
  double *mean, *variance; /* (P) of all draws */
  double sum, error;       /* the variances' sum, and its standard error */
} moments;

/* Add a draw to the running mean and squared deviations. [Welford 1962] */
static void add(size_t P, const float g[], size_t n, double mean[], double square[]) {
  for (size_t p = 0; p < P; p++) {
    const double from = (double)g[p] - mean[p];
    mean[p] += from / (double)n;
    square[p] += from * ((double)g[p] - mean[p]);
  }
}

static double sum_of(size_t n, const double x[]) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++) sum += x[i];
  return sum;
}

static moments draw(sac_agent *g, const sac_replay *replay, size_t N, size_t blocks) {
  moments out = {.P = g->pi.net.count, .N = N};
  const uint64_t batch = g->updates;
  double *mean = numbers(out.P), *square = numbers(out.P), *block = numbers(blocks);
  sac_error err = {.msg = ""};
  out.mean = numbers(out.P);
  out.variance = numbers(out.P);
  for (size_t n = 0; n < N; n++) {
    const size_t in_block = n % (N / blocks);
    if (in_block == 0) {
      memset(mean, 0, out.P * sizeof *mean);
      memset(square, 0, out.P * sizeof *square);
    }
    g->updates = batch; /* the same batch; the actor's noise goes on with its own count */
    must(sac_agent_update(g, replay, NULL, &err), &err);
    add(out.P, g->pi.net.m, in_block + 1, mean, square);
    add(out.P, g->pi.net.m, n + 1, out.mean, out.variance);
    block[n / (N / blocks)] = sum_of(out.P, square) / (double)(N / blocks - 1);
  }
  for (size_t p = 0; p < out.P; p++) out.variance[p] /= (double)(N - 1);
  out.sum = sum_of(blocks, block) / (double)blocks;
  for (size_t i = 0; i < blocks; i++) out.error += pow(block[i] - out.sum, 2.0);
  out.error = sqrt(out.error / (double)(blocks - 1) / (double)blocks);
  free(mean);
  free(square);
  free(block);
  return out;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* over the parameters that the gradient reaches: no padding, no units that are off in every row */
static double median_ratio(const moments *m, const moments *first) {
  double *ratio = numbers(m->P);
  size_t n = 0;
  for (size_t p = 0; p < m->P; p++)
    if (first->variance[p] > 0.0) ratio[n++] = m->variance[p] / (first->mean[p] * first->mean[p]);
  qsort(ratio, n, sizeof *ratio, ascending);
  const double out = n ? ratio[n / 2] : (double)NAN;
  free(ratio);
  return out;
}

static void put(const char *estimator, const char *samples, const moments *m,
                const moments *first) {
  double square = 0.0, apart = 0.0;
  size_t reached = 0;
  for (size_t p = 0; p < m->P; p++) {
    square += first->mean[p] * first->mean[p];
    apart += pow(m->mean[p] - first->mean[p], 2.0);
    reached += first->variance[p] > 0.0;
  }
  square -= first->sum / (double)first->N;
  const double expected = m->sum / (double)m->N + first->sum / (double)first->N;
  printf("%s,%s,%zu,%zu,%.9g,%.9g,%.9g,%.9g,%.9g,", estimator, samples, m->N, reached, m->sum,
         m->error, square, m->sum / square, median_ratio(m, first));
  if (m != first) printf("%.9g", apart / expected);
  putchar('\n');
  fflush(stdout);
}

static size_t take_flag(int *argc, char **argv, const char *flag, size_t otherwise) {
  for (int i = 2; i + 1 < *argc; i++) {
    if (strcmp(argv[i], flag) != 0) continue;
    otherwise = (size_t)strtoull(argv[i + 1], NULL, 10);
    memmove(argv + i, argv + i + 2, (size_t)(*argc - i - 2) * sizeof *argv);
    *argc -= 2;
  }
  return otherwise;
}

int main(int argc, char **argv) {
  const size_t blocks = take_flag(&argc, argv, "--blocks", 20);
  const size_t N = take_flag(&argc, argv, "--draws", 1000) / (blocks ? blocks : 1) * blocks;
  if (argc < 3 || blocks < 2 || N < 2 * blocks) {
    fputs("usage: actor_gradient RUN [--draws N] [--blocks N] ESTIMATOR:SAMPLES...\n"
          "       (2 blocks or more, each of 2 draws or more)\n",
          stderr);
    return 2;
  }
  sac_error err = {.msg = ""};
  sac_registry *registry;
  sac_run *run;
  must(sac_registry_create(&registry, &err), &err);
  must(sac_run_resume(registry, argv[1], INT64_C(1000000000), 1, &run, &err), &err);
  puts("estimator,samples,draws,parameters,variance,standard_error,mean_square,ratio,median_ratio,"
       "agreement");
  moments first = {.P = 0};
  for (int i = 2; i < argc; i++) {
    char *samples = strchr(argv[i], ':');
    if (samples) *samples++ = '\0';
    sac_agent *g = still_agent(run, argv[i], samples ? samples : "1");
    moments m = draw(g, run->replay, N, blocks);
    if (i == 2) first = m;
    put(argv[i], samples ? samples : "1", i == 2 ? &first : &m, &first);
    sac_agent_destroy(g);
    if (i == 2) continue;
    free(m.mean);
    free(m.variance);
  }
  free(first.mean);
  free(first.variance);
  sac_run_destroy(run);
  sac_registry_destroy(registry);
  return 0;
}
