#define _POSIX_C_SOURCE 200809L
/* How many threads suit an agent's update here: measured, since it depends on the networks, the
 * batch, the cores and what else they do. */
#include "sac/bench.h"

#include "base/cores.h"
#include "base/try.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS_MAX = 8, FRAMES = 64, UPDATES = 2 };

static const double clearly_enough = 0.02; /* seconds: such an update is worth every core */
static const double worth = 0.95;          /* more threads must save this much of the time */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A few transitions: what they hold does not change how long an update takes. */
static sac_status fill(sac_replay *replay, size_t O, size_t A, const double low[], sac_error *err) {
  float *obs = calloc(O + A, sizeof *obs), *act = obs ? obs + O : NULL;
  if (!obs) return sac_fail(err, SAC_ERR_NOMEM, "no memory for an observation");
  for (size_t j = 0; j < A; j++) act[j] = (float)low[j]; /* a discrete one too */
  sac_status status = SAC_OK;
  for (size_t t = 1; t < FRAMES && status == SAC_OK; t++)
    status = sac_replay_push(replay, 0, obs, act, 0.0f, obs, 0, 0, err);
  free(obs);
  return status;
}

/* The best of a few updates; the first is not counted, it fills the caches. */
static sac_status time_updates(sac_agent *agent, const sac_replay *replay, double *best,
                               sac_error *err) {
  *best = HUGE_VAL;
  for (int i = 0; i <= UPDATES; i++) {
    const double start = now();
    SAC_TRY(sac_agent_update(agent, replay, NULL, err));
    const double seconds = now() - start;
    if (i > 0 || seconds > clearly_enough) *best = fmin(*best, seconds);
    if (*best > clearly_enough) break;
  }
  return SAC_OK;
}

/* What is measured: an agent of its own, so that the caller's is as it was. */
struct trial {
  const sac_agent_options *options;
  size_t O, A;
  const double *low, *high;
  sac_replay *replay;
};

static sac_status time_threads(const struct trial *t, size_t threads, double *seconds,
                               sac_error *err) {
  sac_agent *agent = NULL;
  SAC_TRY(sac_agent_create(t->options, t->O, t->A, t->low, t->high, 0, threads, &agent, err));
  const sac_status status = time_updates(agent, t->replay, seconds, err);
  sac_agent_destroy(agent);
  return status;
}

/* 1, 2, 4, ... and all cores, for as long as it gets faster. */
static sac_status climb(const struct trial *t, size_t cores, size_t *threads, sac_error *err) {
  double best;
  SAC_TRY(time_threads(t, 1, &best, err));
  *threads = 1;
  if (best > clearly_enough) {
    *threads = cores;
    return SAC_OK;
  }
  for (size_t n = 2;; n = 2 * n < cores ? 2 * n : cores) {
    double seconds;
    SAC_TRY(time_threads(t, n, &seconds, err));
    if (seconds > worth * best) return SAC_OK;
    best = seconds;
    *threads = n;
    if (n == cores) return SAC_OK;
  }
}

sac_status sac_bench_threads(const sac_agent_options *options, size_t O, size_t A,
                             const double low[], const double high[], size_t *threads,
                             sac_error *err) {
  const size_t all = sac_cores(), cores = all < THREADS_MAX ? all : THREADS_MAX;
  sac_agent_options quick = *options;
  quick.init = SAC_INIT_GLOROT; /* the draws of the others take longer than the updates */
  struct trial t = {&quick, O, A, low, high, NULL};
  size_t chosen = 1;
  if (cores > 1) {
    SAC_TRY(sac_replay_create(FRAMES, 1, O, A, &t.replay, err));
    sac_status status = fill(t.replay, O, A, low, err);
    if (status == SAC_OK) status = climb(&t, cores, &chosen, err);
    sac_replay_destroy(t.replay);
    if (status == SAC_ERR_DIVERGED) /* on numbers made up; the real ones will show */
      chosen = 1;
    else
      SAC_TRY(status);
  }
  *threads = chosen;
  return SAC_OK;
}
