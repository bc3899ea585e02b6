#define _POSIX_C_SOURCE 200809L
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_TEXT = 100 };

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- the peak -------------------------------------------------------------------------------- */

enum { FMA = 0, DOT_BF16 = 1 }; /* of sac_bench_kernels */

/* The best rate of a kernel so far, in GFLOP/s. */
static sac_status best_rate(size_t kernel, int64_t threads, double *best, sac_error *err) {
  const double long_enough = 0.01;
  size_t count;
  const double flops = sac_bench_kernels(&count)[kernel].flops * (double)threads;
  double seconds = 0.0;
  for (size_t calls = 64; seconds < long_enough; calls *= 4) {
    const sac_status status = sac_bench_run(kernel, (size_t)threads, calls, &seconds, err);
    if (status != SAC_OK) return status;
    *best = fmax(*best, 1e-9 * flops * (double)calls / seconds);
  }
  return SAC_OK;
}

int bench_peak(const bench_setup *setup, bench_row *row) {
  sac_error err = {.msg = ""};
  sac_status status = best_rate(FMA, setup->threads, &row->peak, &err);
  if (status == SAC_OK && !strcmp(setup->precision, "bf16"))
    status = best_rate(DOT_BF16, setup->threads, &row->peak_bf16, &err);
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}

/* --- a row ----------------------------------------------------------------------------------- */

void bench_add(bench_row *row, double value) {
  if (row->count < BENCH_REPEATS_MAX) row->values[row->count++] = value;
}

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* What a row comes to. */
struct summary {
  double best, median;
  double microseconds; /* of one unit, at the best */
  double gflops;       /* at the best, or NaN */
  double share;        /* of the FMA peak, or NaN */
  double share_bf16;   /* of bf16's, or NaN */
};

static struct summary summarise(bench_row *row) {
  struct summary s;
  const size_t n = row->count;
  qsort(row->values, n, sizeof *row->values, ascending);
  s.median = 0.5 * (row->values[(n - 1) / 2] + row->values[n / 2]);
  s.best = row->smaller_is_better ? row->values[0] : row->values[n - 1];
  s.microseconds = row->smaller_is_better ? s.best : 1e6 / s.best;
  s.gflops = row->flops > 0.0 ? 1e-3 * row->flops / s.microseconds : (double)NAN;
  s.share = s.gflops / row->peak;
  s.share_bf16 = row->peak_bf16 > 0.0 ? s.gflops / row->peak_bf16 : (double)NAN;
  return s;
}

static json_t *number_or_null(double x) {
  return isfinite(x) ? json_real(x) : json_null();
}

/* "update"; and what is not usual behind it: "update beta", "update crossq batch=512" */
static void name_row(const bench_setup *setup, const bench_row *row, char name[NAME_TEXT]) {
  const int usual = !setup->policy || !strcmp(setup->policy, "tanh_normal");
  const char *words[2] = {setup->preset, usual ? NULL : setup->policy};
  int used = snprintf(name, NAME_TEXT, "%s", row->what);
  for (size_t i = 0; i < 2; i++)
    if (words[i] && used < NAME_TEXT)
      used += snprintf(name + used, NAME_TEXT - (size_t)used, " %s", words[i]);
  for (size_t i = 0; i < setup->settings_count && used < NAME_TEXT; i++)
    used += snprintf(name + used, NAME_TEXT - (size_t)used, " %s", setup->settings[i]);
}

static int print_line(const bench_setup *setup, const bench_row *row, const struct summary *s) {
  char name[NAME_TEXT];
  name_row(setup, row, name);
  json_t *line =
      json_pack("{s:s s:f s:f s:s s:I s:s s:s s:o s:o s:o s:s}", "what", name, "rate_best", s->best,
                "rate_median", s->median, "unit", row->unit, "threads", (json_int_t)setup->threads,
                "precision", setup->precision, "isa", sac_isa(), "gflops",
                number_or_null(s->gflops), "peak_share", number_or_null(s->share),
                "peak_share_bf16", number_or_null(s->share_bf16), "commit", sac_commit());
  char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
  json_decref(line);
  if (!text) {
    fputs("sac: no memory for the JSON text\n", stderr);
    return EXIT_FAILED;
  }
  puts(text);
  free(text);
  fflush(stdout); /* a line is there when its measurement is done */
  return EXIT_DONE;
}

void bench_head(const bench_setup *setup) {
  if (setup->json) return;
  printf("%s, %s, %s, %lld thread%s, commit %s; best and median of %lld\n", sac_isa(),
         setup->precision, setup->preset ? setup->preset : setup->policy, (long long)setup->threads,
         setup->threads == 1 ? "" : "s", sac_commit(), (long long)setup->repeats);
  printf("%-16s %-12s %12s %12s %12s %10s %11s\n", "what", "unit", "best", "median", "us",
         "GFLOP/s", "of FMA peak");
}

int bench_print(const bench_setup *setup, bench_row *row) {
  const struct summary s = summarise(row);
  if (setup->json) return print_line(setup, row, &s);
  printf("%-16s %-12s %12.6g %12.6g %12.5g", row->what, row->unit, s.best, s.median,
         s.microseconds);
  if (isfinite(s.gflops)) printf(" %10.1f %9.1f %%", s.gflops, 100.0 * s.share);
  putchar('\n');
  fflush(stdout);
  return EXIT_DONE;
}

/* --- settings -------------------------------------------------------------------------------- */

/* The widths of a network's hidden layers, with --layers and --width where they are given. */
static sac_widths resized(const bench_setup *setup, sac_widths hidden) {
  const uint32_t first = hidden.width[0];
  if (setup->layers) hidden.count = (uint32_t)setup->layers;
  for (uint32_t i = 0; i < hidden.count; i++) {
    if (setup->layers) hidden.width[i] = first;
    if (setup->width) hidden.width[i] = (uint32_t)setup->width;
  }
  return hidden;
}

/* KEY=VALUE */
static sac_status apply_setting(sac_run_options *options, const char *setting, sac_error *err) {
  char key[NAME_TEXT];
  const char *equals = strchr(setting, '=');
  if (!equals || equals - setting >= NAME_TEXT)
    return sac_fail(err, SAC_ERR_ARG, "--set %s: must be of the form KEY=VALUE", setting);
  snprintf(key, sizeof key, "%.*s", (int)(equals - setting), setting);
  return sac_run_options_set(options, key, equals + 1, err);
}

int bench_options(const bench_setup *setup, sac_run_options *options) {
  sac_error err = {.msg = ""};
  sac_status status = SAC_OK;
  *options = sac_run_options_default();
  if (setup->preset) status = sac_preset_apply(setup->preset, options, &err);
  options->agent.actor_hidden = resized(setup, options->agent.actor_hidden);
  options->agent.critic_hidden = resized(setup, options->agent.critic_hidden);
  if (setup->batch) options->agent.batch = setup->batch;
  if (status == SAC_OK) status = sac_run_options_set(options, "precision", setup->precision, &err);
  if (status == SAC_OK && setup->policy)
    status = sac_run_options_set(options, "policy", setup->policy, &err);
  for (size_t i = 0; i < setup->settings_count && status == SAC_OK; i++)
    status = apply_setting(options, setup->settings[i], &err);
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}

double bench_flops(const bench_setup *s) {
  if (s->preset || s->settings_count) return 0.0;
  return sac_bench_update_flops((size_t)s->obs, (size_t)s->act, (size_t)s->width, (size_t)s->layers,
                                (size_t)s->batch);
}

int bench_auto(bench_setup *setup) {
  if (setup->threads) return EXIT_DONE;
  sac_run_options options;
  const int code = bench_options(setup, &options);
  if (code != EXIT_DONE) return code;
  const size_t A = (size_t)setup->act;
  double *bounds = calloc(2 * A, sizeof *bounds);
  if (!bounds) return usage_error("bench: no memory for %zu actions", A);
  for (size_t j = 0; j < A; j++) bounds[j] = -setup->reach, bounds[A + j] = setup->reach;
  sac_error err = {.msg = ""};
  size_t threads = 1;
  const sac_status status =
      sac_bench_threads(&options.agent, (size_t)setup->obs, A, bounds, bounds + A, &threads, &err);
  free(bounds);
  setup->threads = (int64_t)threads;
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}
