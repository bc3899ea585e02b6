#include "train/rollout.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/try.h"
#include "train/explore.h"

enum { EPISODE_BITS = 48 };

static void carve(sac_rollout *r, sac_arena *m) {
  const size_t E = r->E, O = r->O, A = r->A;
  r->env = SAC_TAKE(m, sac_env *, E);
  r->error = SAC_TAKE(m, sac_error, E);
  r->obs = SAC_TAKE(m, float, E *O);
  r->next = SAC_TAKE(m, float, E *O);
  r->first = SAC_TAKE(m, float, E *O);
  r->act = SAC_TAKE(m, float, E *A);
  r->wide = SAC_TAKE(m, double, E *O);
  r->reward = SAC_TAKE(m, double, E);
  r->terminated = SAC_TAKE(m, uint8_t, E);
  r->truncated = SAC_TAKE(m, uint8_t, E);
  r->episode = SAC_TAKE(m, uint64_t, E);
  r->length = SAC_TAKE(m, uint64_t, E);
  r->total = SAC_TAKE(m, double, E);
  r->state = SAC_TAKE(m, uint8_t, E * r->snapshot);
}

/* Row 0 is made first: its sizes are those of the block that holds all rows. */
static sac_status create_rows(sac_rollout *r, sac_env *first, sac_rollout **out, sac_error *err) {
  sac_arena measure = {0};
  sac_rollout sizes = *r;
  (void)sac_arena_take(&measure, 1, sizeof *r);
  carve(&sizes, &measure);
  sac_arena m = {.base = sac_arena_block(measure.used)};
  if (!m.base) {
    r->task->destroy(first);
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for %zu environments", r->E);
  }
  sac_rollout *made = sac_arena_take(&m, 1, sizeof *r);
  *made = *r;
  carve(made, &m);
  made->env[0] = first;
  for (size_t e = 1; e < made->E; e++) {
    const sac_status status = made->task->create(&made->env[e], err);
    if (status == SAC_OK) continue;
    sac_rollout_destroy(made);
    return status;
  }
  *out = made;
  return SAC_OK;
}

sac_status sac_rollout_create(const sac_env_api *task, size_t E, uint64_t seed, sac_rollout **out,
                              sac_error *err) {
  sac_env *first = NULL;
  SAC_TRY(task->create(&first, err));
  sac_rollout r = {.task = task, .E = E, .seed = seed}, *made = NULL;
  task->space(first, &r.space);
  r.actions = sac_env_actions(task, first);
  r.O = r.space.obs_dim;
  r.A = r.space.act_dim;
  if (task->flags & SAC_ENV_SNAPSHOT) r.snapshot = task->state_size(first);
  SAC_TRY(create_rows(&r, first, &made, err));
  const sac_status status = sac_rollout_set_threads(made, 1, err);
  if (status == SAC_OK)
    *out = made;
  else
    sac_rollout_destroy(made);
  return status;
}

sac_status sac_rollout_set_threads(sac_rollout *r, size_t threads, sac_error *err) {
  sac_pool *pool = NULL;
  SAC_TRY(sac_pool_create(threads < r->E ? threads : r->E, &pool, err));
  sac_pool_destroy(r->pool);
  r->pool = pool;
  return SAC_OK;
}

void sac_rollout_destroy(sac_rollout *r) {
  if (!r) return;
  sac_pool_destroy(r->pool);
  for (size_t e = 0; e < r->E; e++)
    if (r->env[e]) r->task->destroy(r->env[e]);
  free(r);
}

static void narrow(const sac_rollout *r, size_t e, float to[]) {
  const double *from = r->wide + e * r->O;
  for (size_t i = 0; i < r->O; i++) to[e * r->O + i] = (float)from[i];
}

/* Begin episode `number` of row e, whose seed is a draw of its own; its first observation goes to
 * row e of obs. */
static sac_status begin(sac_rollout *r, size_t e, uint64_t number, float obs[], sac_error *err) {
  sac_stream stream =
      sac_stream_make(r->seed, SAC_STREAM_RESET, (uint64_t)e << EPISODE_BITS | number);
  SAC_TRY(r->task->reset(r->env[e], sac_stream_u64(&stream), r->wide + e * r->O, err));
  narrow(r, e, obs);
  return SAC_OK;
}

sac_status sac_rollout_reset(sac_rollout *r, sac_error *err) {
  for (size_t e = 0; e < r->E; e++) {
    SAC_TRY(begin(r, e, r->episode[e], r->obs, err));
    r->length[e] = 0;
    r->total[e] = 0.0;
  }
  return SAC_OK;
}

static sac_status step_row(sac_rollout *r, size_t e, sac_error *err) {
  float within[SAC_EXPLORE_ACTIONS_MAX];
  sac_explore_cut(&r->space, r->act + e * r->A, within);
  SAC_TRY(r->task->step(r->env[e], within, r->wide + e * r->O, &r->reward[e], &r->terminated[e],
                        &r->truncated[e], err));
  narrow(r, e, r->next);
  return sac_rollout_ended(r, e) ? begin(r, e, r->episode[e] + 1, r->first, err) : SAC_OK;
}

static void step_share(void *ctx, size_t t, size_t T) {
  sac_rollout *r = ctx;
  size_t first, last;
  sac_share(r->E, t, T, &first, &last);
  for (size_t e = first; e < last; e++) {
    r->error[e] = (sac_error){.code = SAC_OK};
    const sac_status status = step_row(r, e, &r->error[e]);
    r->error[e].code = status;
  }
}

sac_status sac_rollout_step(sac_rollout *r, sac_error *err) {
  sac_pool_run(r->pool, step_share, r);
  for (size_t e = 0; e < r->E; e++)
    if (r->error[e].code != SAC_OK)
      return sac_fail(err, r->error[e].code, "environment %zu: %.400s", e, r->error[e].msg);
  return SAC_OK;
}

void sac_rollout_advance(sac_rollout *r) {
  for (size_t e = 0; e < r->E; e++) {
    const int ended = sac_rollout_ended(r, e);
    const float *from = ended ? r->first : r->next;
    memcpy(r->obs + e * r->O, from + e * r->O, r->O * sizeof *from);
    if (!ended) continue;
    r->episode[e]++;
    r->length[e] = 0;
    r->total[e] = 0.0;
  }
}

size_t sac_rollout_tensors(sac_rollout *r, sac_tensor out[SAC_ROLLOUT_TENSORS]) {
  size_t n = 0;
  out[n++] = (sac_tensor){"env.episode", SAC_U64, 1, r->E, r->E, r->episode};
  out[n++] = (sac_tensor){"env.length", SAC_U64, 1, r->E, r->E, r->length};
  out[n++] = (sac_tensor){"env.return", SAC_F64, 1, r->E, r->E, r->total};
  out[n++] = (sac_tensor){"env.obs", SAC_F32, r->E, r->O, r->O, r->obs};
  if (r->snapshot)
    out[n++] = (sac_tensor){"env.state", SAC_U8, r->E, r->snapshot, r->snapshot, r->state};
  return n;
}

void sac_rollout_save(sac_rollout *r) {
  for (size_t e = 0; e < r->E && r->snapshot; e++)
    r->task->save(r->env[e], r->state + e * r->snapshot);
}

sac_status sac_rollout_load(sac_rollout *r, sac_error *err) {
  if (!r->snapshot) {
    for (size_t e = 0; e < r->E; e++) r->episode[e]++;
    return sac_rollout_reset(r, err);
  }
  for (size_t e = 0; e < r->E; e++)
    SAC_TRY(r->task->load(r->env[e], r->state + e * r->snapshot, r->snapshot, err));
  return SAC_OK;
}
