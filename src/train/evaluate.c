#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/try.h"
#include "sac/random.h"

enum { SERIES_BITS = 40, ENDLESS = 100000, STOP_EVERY = 256 };

/* What one evaluation works in. */
struct work {
  sac_space space;
  double *wide;  /* (O) the environment's observation */
  float *obs;    /* (O) */
  float *act;    /* (A) */
  double *z;     /* (A) */
  float *noise;  /* (A) */
  double *total; /* (episodes) returns */
  double length; /* sum of the episodes' lengths */
};

static void carve(struct work *w, size_t episodes, sac_arena *m) {
  w->wide = SAC_TAKE(m, double, w->space.obs_dim);
  w->obs = SAC_TAKE(m, float, w->space.obs_dim);
  w->act = SAC_TAKE(m, float, w->space.act_dim);
  w->z = SAC_TAKE(m, double, w->space.act_dim);
  w->noise = SAC_TAKE(m, float, w->space.act_dim);
  w->total = SAC_TAKE(m, double, episodes);
}

static sac_status choose(const sac_evaluation *v, struct work *w, sac_stream *stream,
                         sac_error *err) {
  for (size_t i = 0; i < w->space.obs_dim; i++) w->obs[i] = (float)w->wide[i];
  if (!v->stochastic) return v->act(v->actor, w->obs, NULL, w->act, err);
  sac_stream_normals(stream, w->space.act_dim, w->z);
  for (size_t i = 0; i < w->space.act_dim; i++) w->noise[i] = (float)w->z[i];
  return v->act(v->actor, w->obs, w->noise, w->act, err);
}

/* One episode: its seed, then its noise, come from the stream of (series, number). */
static sac_status play(const sac_evaluation *v, struct work *w, size_t number, sac_error *err) {
  const uint64_t index = (uint64_t)number << SERIES_BITS | v->series;
  sac_stream stream = sac_stream_make(v->seed, SAC_STREAM_EVALUATE, index);
  SAC_TRY(v->task->reset(v->env, sac_stream_u64(&stream), w->wide, err));
  const uint64_t limit = w->space.max_steps ? UINT64_MAX : ENDLESS;
  uint8_t terminated = 0, truncated = 0;
  double total = 0.0;
  uint64_t t = 0;
  for (; t < limit && !terminated && !truncated; t++) {
    double reward = 0.0;
    if (v->stop && t % STOP_EVERY == 0 && v->stop(v->stop_user))
      return sac_fail(err, SAC_ERR_STOPPED, "stopped on request during an evaluation");
    SAC_TRY(choose(v, w, &stream, err));
    SAC_TRY(v->task->step(v->env, w->act, w->wide, &reward, &terminated, &truncated, err));
    if (!isfinite(reward))
      return sac_fail(err, SAC_ERR_DIVERGED, "the reward of step %llu of episode %zu is %g",
                      (unsigned long long)t, number, reward);
    total += reward;
  }
  w->total[number] = total;
  w->length += (double)t;
  return SAC_OK;
}

static sac_eval_result summary(const struct work *w, size_t n) {
  sac_eval_result r = {.episodes = n, .return_min = w->total[0], .return_max = w->total[0]};
  double sum = 0.0, squares = 0.0;
  for (size_t i = 0; i < n; i++) {
    sum += w->total[i];
    r.return_min = fmin(r.return_min, w->total[i]);
    r.return_max = fmax(r.return_max, w->total[i]);
  }
  r.return_mean = sum / (double)n;
  for (size_t i = 0; i < n; i++) squares += pow(w->total[i] - r.return_mean, 2.0);
  r.return_std = sqrt(squares / (double)n);
  r.length_mean = w->length / (double)n;
  return r;
}

sac_status sac_evaluate(const sac_evaluation *v, sac_eval_result *out, sac_error *err) {
  struct work w = {.length = 0.0};
  v->task->space(v->env, &w.space);
  sac_arena measure = {0};
  carve(&w, v->episodes, &measure);
  sac_arena m = {.base = sac_arena_block(measure.used)};
  if (!m.base)
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for an evaluation of %zu episodes", v->episodes);
  carve(&w, v->episodes, &m);
  sac_status status = SAC_OK;
  for (size_t i = 0; i < v->episodes && status == SAC_OK; i++) status = play(v, &w, i, err);
  if (status == SAC_OK) *out = summary(&w, v->episodes);
  free(m.base);
  return status;
}
