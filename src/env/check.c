/* sac_env_check: does a task keep the rules of sac/env.h? A function a rule.
 *
 * Two instances play the same episodes in turn, so that what they share shows. Actions come from
 * streams keyed by the number of the step, so that any part of an episode can be played again. */
#include "sac/env.h"
#include "sac/random.h"

#include "base/try.h"
#include "env/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  GUARD = 64,       /* bytes behind each buffer that must stay as they are */
  FOLLOWED = 20,    /* steps compared after load */
  SAVES = 6,        /* snapshots tried */
  ENDINGS = 8,      /* last steps looked at for a reset of the task's own */
  STARTS = 64,      /* first observations that say where episodes begin */
  OTHER_ACTIONS = 3 /* tried in the place of a last one */
};
static const unsigned char MARK = 0xA5;

/* Where an episode stands. */
struct point {
  uint64_t seed;  /* of its reset */
  uint64_t first; /* number of its first step in the whole check */
  uint64_t age;   /* steps taken */
};

/* What a step returned. */
struct result {
  double reward;
  uint8_t terminated, truncated;
};

struct check {
  const sac_env_api *task;
  sac_space space;
  uint64_t seed;
  sac_env *a, *b;
  size_t actions;                            /* discrete ones; 0: continuous */
  double *obs_a, *obs_b, *last, *low, *high; /* (O) each, obs_a and obs_b with guards */
  float *act;                                /* (A) */
  unsigned char *state;                      /* (state_size) and a guard, NULL without snapshots */
  size_t state_size;
  unsigned saves, endings; /* how many were tried */
  sac_error *err;
};

#define BREACH(c, ...) sac_fail((c)->err, SAC_ERR_ENV, __VA_ARGS__)

/* --- sizes and bounds */

static sac_status check_bounds(const struct check *c, const char *what, size_t n, const double *low,
                               const double *high) {
  const char *id = c->task->id;
  if (!low != !high) return BREACH(c, "%s: one of %s_low and %s_high is NULL", id, what, what);
  for (size_t i = 0; low && i < n; i++)
    if (!(low[i] < high[i]))
      return BREACH(c, "%s: %s_low[%zu] = %g is not below %s_high[%zu] = %g", id, what, i, low[i],
                    what, i, high[i]);
  return SAC_OK;
}

/* Discrete actions are numbers from 0 on, and the bounds say so to who knows no discrete ones. */
static sac_status check_actions(const struct check *c) {
  const char *id = c->task->id;
  const sac_space *s = &c->space;
  if (!c->actions) return SAC_OK;
  if (c->actions < 2 || c->actions > SAC_ENV_ACTIONS_MAX)
    return BREACH(c, "%s: %zu discrete actions; there must be 2 to %d", id, c->actions,
                  SAC_ENV_ACTIONS_MAX);
  if (s->act_dim != 1 || s->act_low[0] != 0.0 || s->act_high[0] != (double)(c->actions - 1))
    return BREACH(c,
                  "%s: %zu discrete actions, but act_dim is %zu and the first bounds are [%g, %g]; "
                  "they must be 1 and [0, %zu]",
                  id, c->actions, s->act_dim, s->act_low[0], s->act_high[0], c->actions - 1);
  return SAC_OK;
}

static sac_status check_space(const struct check *c) {
  const char *id = c->task->id;
  const sac_space *s = &c->space;
  if (!s->obs_dim) return BREACH(c, "%s: obs_dim is 0, want 1 or more", id);
  if (!s->act_dim) return BREACH(c, "%s: act_dim is 0, want 1 or more", id);
  if (!s->act_low) return BREACH(c, "%s: act_low is NULL; actions need bounds", id);
  SAC_TRY(check_bounds(c, "act", s->act_dim, s->act_low, s->act_high));
  for (size_t i = 0; i < s->act_dim; i++)
    if (!isfinite(s->act_low[i]) || !isfinite(s->act_high[i]))
      return BREACH(c, "%s: action %zu has the bounds [%g, %g]; they must be finite", id, i,
                    s->act_low[i], s->act_high[i]);
  SAC_TRY(check_actions(c));
  return check_bounds(c, "obs", s->obs_dim, s->obs_low, s->obs_high);
}

/* --- what one call writes */

static int is_marked(const void *bytes, size_t size) {
  const unsigned char *b = bytes;
  size_t i = 0;
  while (i < size && b[i] == MARK) i++;
  return i == size;
}

static void mark(const struct check *c, double obs[]) {
  memset(obs, MARK, c->space.obs_dim * sizeof *obs + GUARD);
}

static sac_status check_obs(const struct check *c, const double obs[], const struct point *at) {
  const sac_space *s = &c->space;
  const char *id = c->task->id;
  const unsigned long long age = at->age, seed = at->seed;
  if (!is_marked(obs + s->obs_dim, GUARD))
    return BREACH(c, "%s: step %llu of seed %llu writes behind its %zu observations", id, age, seed,
                  s->obs_dim);
  for (size_t i = 0; i < s->obs_dim; i++) {
    if (is_marked(obs + i, sizeof *obs))
      return BREACH(c, "%s: step %llu of seed %llu leaves observation %zu unwritten", id, age, seed,
                    i);
    if (!isfinite(obs[i]))
      return BREACH(c, "%s: observation %zu is %g after step %llu of seed %llu", id, i, obs[i], age,
                    seed);
    if (s->obs_low && !(s->obs_low[i] <= obs[i] && obs[i] <= s->obs_high[i]))
      return BREACH(c, "%s: observation %zu is %g after step %llu of seed %llu, outside [%g, %g]",
                    id, i, obs[i], age, seed, s->obs_low[i], s->obs_high[i]);
  }
  return SAC_OK;
}

static sac_status check_result(const struct check *c, const struct result *r,
                               const struct point *at) {
  const char *id = c->task->id;
  const unsigned long long age = at->age, seed = at->seed;
  const uint32_t limit = c->space.max_steps;
  if (is_marked(&r->reward, sizeof r->reward) || !isfinite(r->reward))
    return BREACH(c, "%s: step %llu of seed %llu: the reward is %s", id, age, seed,
                  isnan(r->reward)   ? "nan"
                  : isinf(r->reward) ? "infinite"
                                     : "not written");
  if (r->terminated > 1 || r->truncated > 1)
    return BREACH(c,
                  "%s: step %llu of seed %llu: terminated = %d and truncated = %d; each is 0 or 1",
                  id, age, seed, r->terminated, r->truncated);
  const int over = limit && at->age >= limit;
  if (r->truncated && !over)
    return BREACH(c,
                  "%s: step %llu of seed %llu: truncated, but max_steps is %u; only the time "
                  "limit truncates, an end of the process is `terminated`",
                  id, age, seed, limit);
  if (!r->truncated && over)
    return BREACH(c, "%s: step %llu of seed %llu: not truncated, though max_steps is %u", id, age,
                  seed, limit);
  return SAC_OK;
}

/* --- calls */

/* The action of step `number`; `other` > 0: another one. */
static void draw_action(const struct check *c, uint64_t number, uint32_t other) {
  sac_stream stream = sac_stream_make(c->seed, SAC_STREAM_USER + other, number);
  for (size_t i = 0; i < c->space.act_dim; i++) {
    const double low = c->space.act_low[i], high = c->space.act_high[i];
    const double drawn = low + (high - low) * sac_stream_uniform(&stream);
    c->act[i] = (float)drawn;
    if (c->actions) c->act[i] = (float)sac_stream_below(&stream, c->actions);
  }
}

static sac_status call_reset(const struct check *c, sac_env *env, double obs[],
                             const struct point *at) {
  sac_error cause = {.msg = ""};
  mark(c, obs);
  if (c->task->reset(env, at->seed, obs, &cause) != SAC_OK)
    return BREACH(c, "%s: reset with seed %llu fails: %s", c->task->id,
                  (unsigned long long)at->seed, cause.msg);
  return check_obs(c, obs, at);
}

/* Step with c->act; at->age counts it already. */
static sac_status call_step(const struct check *c, sac_env *env, double obs[], struct result *r,
                            const struct point *at) {
  sac_error cause = {.msg = ""};
  mark(c, obs);
  memset(r, MARK, sizeof *r);
  if (c->task->step(env, c->act, obs, &r->reward, &r->terminated, &r->truncated, &cause) != SAC_OK)
    return BREACH(c, "%s: step %llu of seed %llu fails: %s", c->task->id,
                  (unsigned long long)at->age, (unsigned long long)at->seed, cause.msg);
  SAC_TRY(check_obs(c, obs, at));
  return check_result(c, r, at);
}

static int same_obs(const struct check *c, const double x[], const double y[]) {
  return memcmp(x, y, c->space.obs_dim * sizeof *x) == 0;
}

/* The two instances came to the same, bit by bit; r, q: NULL after a reset. */
static sac_status check_same(const struct check *c, const struct result *r, const struct result *q,
                             const struct point *at, const char *when) {
  if (!(c->task->flags & SAC_ENV_DETERMINISTIC)) return SAC_OK;
  const char *what = !same_obs(c, c->obs_a, c->obs_b)                             ? "observation"
                     : r && memcmp(&r->reward, &q->reward, sizeof r->reward) != 0 ? "reward"
                     : r && (r->terminated != q->terminated)                      ? "terminated"
                                                                                  : NULL;
  if (!what) return SAC_OK;
  return BREACH(c, "%s: not deterministic: another %s %s, step %llu of seed %llu", c->task->id,
                what, when, (unsigned long long)at->age, (unsigned long long)at->seed);
}

/* --- snapshots */

/* Take FOLLOWED steps with both, or fewer if the episode ends: they must agree. */
static sac_status follow(const struct check *c, struct point at, const char *when) {
  for (int i = 0; i < FOLLOWED; i++) {
    struct result r, q;
    draw_action(c, at.first + at.age++, 0);
    SAC_TRY(call_step(c, c->a, c->obs_a, &r, &at));
    SAC_TRY(call_step(c, c->b, c->obs_b, &q, &at));
    SAC_TRY(check_same(c, &r, &q, &at, when));
    if (r.terminated || r.truncated) break;
  }
  return SAC_OK;
}

static sac_status call_load(const struct check *c, sac_env *env) {
  sac_error cause = {.msg = ""};
  if (c->task->load(env, c->state, c->state_size, &cause) != SAC_OK)
    return BREACH(c, "%s: load refuses what save wrote: %s", c->task->id, cause.msg);
  return SAC_OK;
}

static sac_status call_save(const struct check *c, sac_env *env) {
  const char *id = c->task->id;
  if (c->task->state_size(env) != c->state_size)
    return BREACH(c, "%s: state_size was %zu and is %zu now; it may not change", id, c->state_size,
                  c->task->state_size(env));
  memset(c->state, MARK, c->state_size + GUARD);
  c->task->save(env, c->state);
  if (!is_marked(c->state + c->state_size, GUARD))
    return BREACH(c, "%s: save writes behind its %zu bytes", id, c->state_size);
  return SAC_OK;
}

/* Save here; a new instance that loads it must go on as the old one does; then the old one, gone on
 * and loaded again, must as well. Both stand at `at` again afterwards. */
static sac_status check_snapshot(struct check *c, const struct point *at) {
  sac_error cause = {.msg = ""};
  sac_env *fresh = NULL;
  SAC_TRY(call_save(c, c->a));
  if (c->task->create(&fresh, &cause) != SAC_OK)
    return BREACH(c, "%s: a third instance cannot be made: %s", c->task->id, cause.msg);
  c->task->destroy(c->b);
  c->b = fresh;
  if (c->task->load(c->b, c->state, c->state_size - 1, &cause) == SAC_OK)
    return BREACH(c, "%s: load accepts a state that is one byte short", c->task->id);
  SAC_TRY(call_load(c, c->b));
  SAC_TRY(follow(c, *at, "after load into a new instance"));
  SAC_TRY(call_load(c, c->a));
  SAC_TRY(call_load(c, c->b));
  SAC_TRY(follow(c, *at, "after load into an old instance"));
  SAC_TRY(call_load(c, c->a));
  return call_load(c, c->b);
}

/* --- the last observation is the episode's own, not the next one's first */

/* Where episodes begin: the range of first observations, half as wide again. */
static sac_status find_starts(const struct check *c) {
  for (uint64_t k = 0; k < STARTS; k++) {
    const struct point at = {.seed = c->seed + 1000 + k};
    SAC_TRY(call_reset(c, c->a, c->obs_a, &at));
    for (size_t i = 0; i < c->space.obs_dim; i++) {
      c->low[i] = k ? fmin(c->low[i], c->obs_a[i]) : c->obs_a[i];
      c->high[i] = k ? fmax(c->high[i], c->obs_a[i]) : c->obs_a[i];
    }
  }
  for (size_t i = 0; i < c->space.obs_dim; i++) {
    const double margin = (c->high[i] - c->low[i]) / 4.0;
    c->low[i] -= margin;
    c->high[i] += margin;
  }
  return SAC_OK;
}

static int like_a_start(const struct check *c, const double obs[]) {
  size_t i = 0;
  while (i < c->space.obs_dim && c->low[i] <= obs[i] && obs[i] <= c->high[i]) i++;
  return i == c->space.obs_dim;
}

/* Play the episode `at` again on b, but its last step with another action: what comes is in obs_b.
 */
static sac_status replay(const struct check *c, const struct point *at, uint32_t other,
                         struct result *r) {
  struct point now = {.seed = at->seed, .first = at->first};
  SAC_TRY(call_reset(c, c->b, c->obs_b, &now));
  while (now.age < at->age) {
    draw_action(c, now.first + now.age, now.age + 1 == at->age ? other : 0);
    now.age++;
    SAC_TRY(call_step(c, c->b, c->obs_b, r, &now));
  }
  return SAC_OK;
}

/* The episode ended with obs_a. A task that resets itself returns the next episode's first
 * observation there: one that looks like a beginning and does not depend on the last action, though
 * the one before it (c->last) did depend on the action before. */
static sac_status check_ending(struct check *c, const struct point *at) {
  struct result r;
  unsigned ended = 0;
  struct point before = *at;
  if (!(c->task->flags & SAC_ENV_DETERMINISTIC) || c->endings++ >= ENDINGS) return SAC_OK;
  if (at->age < 2 || !like_a_start(c, c->obs_a)) return SAC_OK;
  before.age--;
  SAC_TRY(replay(c, &before, 1, &r));
  if (same_obs(c, c->last, c->obs_b)) return SAC_OK;
  for (uint32_t other = 1; other <= OTHER_ACTIONS; other++) {
    SAC_TRY(replay(c, at, other, &r));
    if (!r.terminated && !r.truncated) continue;
    if (!same_obs(c, c->obs_a, c->obs_b)) return SAC_OK;
    ended++;
  }
  if (!ended) return SAC_OK;
  return BREACH(c,
                "%s: step %llu of seed %llu ends the episode and returns what looks like the first "
                "observation of the next one: step must not reset",
                c->task->id, (unsigned long long)at->age, (unsigned long long)at->seed);
}

/* --- episodes */

static sac_status begin(const struct check *c, struct point *at, uint64_t episode, uint64_t step) {
  *at = (struct point){.seed = c->seed + episode, .first = step};
  SAC_TRY(call_reset(c, c->a, c->obs_a, at));
  SAC_TRY(call_reset(c, c->b, c->obs_b, at));
  SAC_TRY(check_same(c, NULL, NULL, at, "from another instance"));
  /* once more from the middle of an episode, of which nothing may be left */
  struct point aside = {.seed = at->seed, .age = 1};
  struct result r;
  draw_action(c, step, 1);
  SAC_TRY(call_step(c, c->b, c->obs_b, &r, &aside));
  SAC_TRY(call_reset(c, c->b, c->obs_b, at));
  return check_same(c, NULL, NULL, at, "from a second reset");
}

static sac_status play(struct check *c, uint64_t steps) {
  struct point at = {0};
  int running = 0;
  for (uint64_t step = 0, episode = 0; step < steps; step++) {
    struct result r, q;
    if (!running) SAC_TRY(begin(c, &at, episode++, step));
    if (c->state && at.age % 50 == 3 && c->saves++ < SAVES) SAC_TRY(check_snapshot(c, &at));
    memcpy(c->last, c->obs_a, c->space.obs_dim * sizeof *c->last);
    draw_action(c, step, 0);
    at.age++;
    SAC_TRY(call_step(c, c->a, c->obs_a, &r, &at));
    SAC_TRY(call_step(c, c->b, c->obs_b, &q, &at));
    SAC_TRY(check_same(c, &r, &q, &at, "from another instance"));
    running = !r.terminated && !r.truncated;
    if (!running) SAC_TRY(check_ending(c, &at));
  }
  return SAC_OK;
}

/* --- the whole check */

static sac_status make(struct check *c) {
  const char *id = c->task->id;
  sac_error cause = {.msg = ""};
  if (c->task->create(&c->a, &cause) != SAC_OK || c->task->create(&c->b, &cause) != SAC_OK)
    return BREACH(c, "%s: cannot be made: %s", id, cause.msg);
  c->task->space(c->a, &c->space);
  c->actions = sac_env_actions(c->task, c->a);
  SAC_TRY(check_space(c));
  const size_t obs = c->space.obs_dim;
  double *block = malloc(5 * obs * sizeof *block + 2 * GUARD);
  c->obs_a = block;
  c->act = malloc(c->space.act_dim * sizeof *c->act);
  if (!block || !c->act) return sac_fail(c->err, SAC_ERR_NOMEM, "%s: no memory for the check", id);
  c->obs_b = block + obs + GUARD / sizeof *block;
  c->last = c->obs_b + obs + GUARD / sizeof *block;
  c->low = c->last + obs;
  c->high = c->low + obs;
  if (!(c->task->flags & SAC_ENV_SNAPSHOT)) return SAC_OK;
  c->state_size = c->task->state_size(c->a);
  if (!c->state_size) return BREACH(c, "%s: state_size is 0", id);
  c->state = malloc(c->state_size + GUARD);
  if (!c->state) return sac_fail(c->err, SAC_ERR_NOMEM, "%s: no memory for the check", id);
  return SAC_OK;
}

sac_status sac_env_check(const sac_env_api *task, uint64_t seed, size_t steps, sac_error *err) {
  struct check c = {.task = task, .seed = seed, .err = err};
  SAC_TRY(sac_task_table_check("the task", task, err));
  sac_status status = make(&c);
  if (status == SAC_OK) status = find_starts(&c);
  if (status == SAC_OK) status = play(&c, steps);
  task->destroy(c.a);
  task->destroy(c.b);
  free(c.obs_a);
  free(c.act);
  free(c.state);
  return status;
}
