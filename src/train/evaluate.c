#include "train/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/try.h"
#include "sac/random.h"
#include "train/explore.h"

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

/* An episode under way. */
struct episode {
  sac_stream stream; /* of (series, number): the seed, then the noise */
  uint64_t t;        /* steps done */
  double total;
  uint8_t terminated, truncated;
};

static sac_status take_step(const sac_evaluation *v, struct work *w, struct episode *e,
                            sac_error *err) {
  double reward = 0.0;
  SAC_TRY(choose(v, w, &e->stream, err));
  sac_explore_cut(&w->space, w->act, w->act);
  SAC_TRY(v->task->step(v->env, w->act, w->wide, &reward, &e->terminated, &e->truncated, err));
  if (!isfinite(reward)) return sac_fail(err, SAC_ERR_DIVERGED, "reward = %g: not finite", reward);
  e->total += reward;
  e->t++;
  return SAC_OK;
}

static sac_status play_to_end(const sac_evaluation *v, struct work *w, struct episode *e,
                              sac_error *err) {
  const uint64_t limit = w->space.max_steps ? UINT64_MAX : ENDLESS;
  SAC_TRY(v->task->reset(v->env, sac_stream_u64(&e->stream), w->wide, err));
  while (e->t < limit && !e->terminated && !e->truncated) {
    if (v->stop && e->t % STOP_EVERY == 0 && v->stop(v->stop_user))
      return sac_fail(err, SAC_ERR_STOPPED, "stopped on request");
    SAC_TRY(take_step(v, w, e, err));
  }
  return SAC_OK;
}

static sac_status play(const sac_evaluation *v, struct work *w, size_t number, sac_error *err) {
  const uint64_t index = (uint64_t)number << SERIES_BITS | v->series;
  struct episode e = {.stream = sac_stream_make(v->seed, SAC_STREAM_EVALUATE, index)};
  sac_error cause = {.msg = ""};
  const sac_status status = play_to_end(v, w, &e, &cause);
  if (status != SAC_OK)
    return sac_fail(err, status, "evaluation, episode %zu, step %llu: %.400s", number,
                    (unsigned long long)e.t, cause.msg);
  w->total[number] = e.total;
  w->length += (double)e.t;
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
