/* What the files of `sac bench` share: what was asked for, how often a thing is timed, and the line
 * that says how fast it was. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli.h"

enum { BENCH_REPEATS_MAX = 100, BENCH_SETTINGS_MAX = 32 };

/* The command line. Sizes are of `update` and `act`; their defaults are HalfCheetah's. */
typedef struct bench_setup {
  int64_t threads /* 0: to be chosen by bench_auto */, repeats, obs, act;
  int64_t width, layers, batch; /* 0: as the preset has them */
  double seconds;               /* of a repeat; 0: what suits the benchmark */
  double reach;                 /* actions are in -reach ... reach */
  const char *precision;
  const char *policy;                       /* NULL: as the preset has it */
  const char *preset;                       /* NULL: none */
  const char *settings[BENCH_SETTINGS_MAX]; /* KEY=VALUE, in order */
  size_t settings_count;
  int json;
} bench_setup;

/* One line of the result. */
typedef struct bench_row {
  const char *what, *unit;
  double values[BENCH_REPEATS_MAX]; /* one a repeat */
  size_t count;
  int smaller_is_better; /* a latency, not a rate */
  double flops;     /* of one unit of a rate, or of one call whose latency it is, in us; or 0 */
  double peak;      /* GFLOP/s: the FMA peak of the threads, the best measured so far */
  double peak_bf16; /* that of dot products of bf16, with precision bf16; else 0 */
} bench_row;

/* Seconds on a clock that only goes forward. */
double bench_now(void);

/* Measure the peaks of the threads, for some milliseconds, and keep the best in the row. To be
 * called before each repeat, so that both see the same machine. Returns the exit code. */
int bench_peak(const bench_setup *setup, bench_row *row);

/* A repeat's value: a rate, or a latency. */
void bench_add(bench_row *row, double value);

/* The table's head on stdout, or nothing with --json, where every line is an object. */
void bench_head(const bench_setup *setup);

/* The row: best and median, time, GFLOP/s, share of the peak. Returns the exit code. */
int bench_print(const bench_setup *setup, bench_row *row);

/* The settings of an agent of the sizes asked for, and of the precision. Returns the exit code. */
int bench_options(const bench_setup *setup, sac_run_options *options);

/* Floating-point operations of an update of these sizes; 0, unknown, of a preset's or a changed
 * algorithm's. */
double bench_flops(const bench_setup *setup);

/* Choose the number of threads, if none was given, for the sizes asked for. Returns the exit code.
 */
int bench_auto(bench_setup *setup);

/* The benchmarks; each returns the exit code. */
int bench_update(const bench_setup *setup);
int bench_act(const bench_setup *setup);
int bench_kernels(const bench_setup *setup);
int bench_loop(const bench_setup *setup);  /* HalfCheetah-v5 */
int bench_small(const bench_setup *setup); /* Pendulum-v1 */

#endif
