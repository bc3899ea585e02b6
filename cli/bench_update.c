/* sac bench update, act: an agent of given sizes, on random numbers of variance 1. */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FRAMES = 100000, EPISODE = 1000, FLOATS_MAX = 20000000, ACT_CALLS = 100000 };

/* What is timed, and what it works on. */
struct bed {
  sac_agent *agent;
  sac_replay *replay;
  float *obs, *next, *act, *noise;
  double *low, *high;
  double *latency; /* (ACT_CALLS) */
};

static void clear(struct bed *b) {
  sac_agent_destroy(b->agent);
  sac_replay_destroy(b->replay);
  free(b->obs);
  free(b->low);
  free(b->latency);
}

static void draw(sac_stream *s, size_t n, float *out) {
  const double root_3 = 1.7320508075688772;
  for (size_t i = 0; i < n; i++) out[i] = (float)(root_3 * (2.0 * sac_stream_uniform(s) - 1.0));
}

/* Episodes of random walks through unrelated observations; only their number of bytes matters. */
static sac_status fill_replay(const bench_setup *s, struct bed *b, size_t frames, sac_error *err) {
  const size_t O = (size_t)s->obs, A = (size_t)s->act;
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 1);
  draw(&stream, O, b->obs);
  for (size_t t = 1; t < frames; t++) {
    draw(&stream, O, b->next);
    draw(&stream, A, b->act);
    const sac_status status = sac_replay_push(b->replay, 0, b->obs, b->act, b->next[0], b->next, 0,
                                              t % EPISODE == 0, err);
    if (status != SAC_OK) return status;
    float *swap = b->obs;
    b->obs = b->next;
    b->next = swap;
  }
  return SAC_OK;
}

static sac_status fail_memory(sac_error *err) {
  return sac_fail(err, SAC_ERR_NOMEM, "no memory for the benchmark's numbers");
}

static sac_status make_numbers(const bench_setup *s, struct bed *b, sac_error *err) {
  const size_t O = (size_t)s->obs, A = (size_t)s->act;
  b->obs = calloc(2 * (O + A), sizeof *b->obs);
  b->low = calloc(2 * A, sizeof *b->low);
  if (!b->obs || !b->low) return fail_memory(err);
  b->next = b->obs + O;
  b->act = b->next + O;
  b->noise = b->act + A;
  b->high = b->low + A;
  for (size_t j = 0; j < A; j++) b->low[j] = -s->reach, b->high[j] = s->reach;
  return SAC_OK;
}

static int make_agent(const bench_setup *s, struct bed *b) {
  sac_run_options options;
  sac_error err = {.msg = ""};
  const int code = bench_options(s, &options);
  if (code != EXIT_DONE) return code;
  sac_status status = make_numbers(s, b, &err);
  if (status == SAC_OK)
    status = sac_agent_create(&options.agent, (size_t)s->obs, (size_t)s->act, b->low, b->high, 1,
                              (size_t)s->threads, &b->agent, &err);
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}

/* --- update ---------------------------------------------------------------------------------- */

static sac_status make_replay(const bench_setup *s, struct bed *b, sac_error *err) {
  const size_t O = (size_t)s->obs, A = (size_t)s->act;
  const size_t most = FLOATS_MAX / O, frames = most < FRAMES ? most : FRAMES;
  float *const numbers = b->obs; /* fill_replay swaps obs and next */
  sac_status status = sac_replay_create(frames, 1, O, A, &b->replay, err);
  if (status == SAC_OK) status = fill_replay(s, b, frames, err);
  b->obs = numbers;
  return status;
}

/* Updates a second, over at least `seconds`. */
static sac_status time_updates(struct bed *b, double seconds, double *rate, sac_error *err) {
  const double start = bench_now();
  double elapsed;
  size_t n = 0;
  do {
    const sac_status status = sac_agent_update(b->agent, b->replay, NULL, err);
    if (status != SAC_OK) return status;
    n++;
    elapsed = bench_now() - start;
  } while (elapsed < seconds);
  *rate = (double)n / elapsed;
  return SAC_OK;
}

static int run_updates(const bench_setup *s, struct bed *b) {
  sac_error err = {.msg = ""};
  const double seconds = s->seconds > 0.0 ? s->seconds : 0.3;
  bench_row row = {.what = "update", .unit = "updates/s", .flops = bench_flops(s)};
  double rate = 0.0;
  sac_status status = make_replay(s, b, &err);
  if (status == SAC_OK) status = time_updates(b, 0.2, &rate, &err); /* warm, not counted */
  for (int64_t r = 0; r < s->repeats && status == SAC_OK; r++) {
    const int code = bench_peak(s, &row);
    if (code != EXIT_DONE) return code;
    status = time_updates(b, seconds, &rate, &err);
    bench_add(&row, rate);
  }
  if (status != SAC_OK) return library_error(status, &err);
  bench_head(s);
  return bench_print(s, &row);
}

int bench_update(const bench_setup *s) {
  struct bed b = {.agent = NULL};
  int code = make_agent(s, &b);
  if (code == EXIT_DONE) code = run_updates(s, &b);
  clear(&b);
  return code;
}

/* --- act ------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* ACT_CALLS latencies in microseconds, in ascending order. */
static sac_status time_acts(const bench_setup *s, struct bed *b, sac_error *err) {
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 2);
  for (size_t i = 0; i < ACT_CALLS; i++) {
    draw(&stream, (size_t)s->obs, b->obs);
    draw(&stream, (size_t)s->act, b->noise);
    const double start = bench_now();
    const sac_status status = sac_agent_act(b->agent, 1, b->obs, b->noise, b->act, err);
    b->latency[i] = 1e6 * (bench_now() - start);
    if (status != SAC_OK) return status;
  }
  qsort(b->latency, ACT_CALLS, sizeof *b->latency, ascending);
  return SAC_OK;
}

static int run_acts(const bench_setup *s, struct bed *b) {
  sac_error err = {.msg = ""};
  const double w = (double)s->width;
  /* 0, unknown, of a preset's sizes */
  const double weights = w * ((double)s->obs + w * (double)(s->layers - 1) + 2.0 * (double)s->act);
  bench_row middle = {
      .what = "act_median", .unit = "us", .smaller_is_better = 1, .flops = 2.0 * weights};
  bench_row tail = {.what = "act_p99.9", .unit = "us", .smaller_is_better = 1};
  b->latency = calloc(ACT_CALLS, sizeof *b->latency);
  sac_status status = b->latency ? SAC_OK : fail_memory(&err);
  for (int64_t r = 0; r < s->repeats && status == SAC_OK; r++) {
    const int code = bench_peak(s, &middle);
    if (code != EXIT_DONE) return code;
    status = time_acts(s, b, &err);
    bench_add(&middle, b->latency[ACT_CALLS / 2]);
    bench_add(&tail, b->latency[ACT_CALLS - ACT_CALLS / 1000]);
  }
  if (status != SAC_OK) return library_error(status, &err);
  bench_head(s);
  const int code = bench_print(s, &middle);
  return code == EXIT_DONE ? bench_print(s, &tail) : code;
}

int bench_act(const bench_setup *setup) {
  bench_setup one = *setup; /* a call for one observation has no use for a second thread */
  one.threads = 1;
  struct bed b = {.agent = NULL};
  int code = make_agent(&one, &b);
  if (code == EXIT_DONE) code = run_acts(&one, &b);
  clear(&b);
  return code;
}
