#include "sac/replay.h"

#include "base/arena.h"
#include "base/try.h"
#include "replay/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PER_ENV_MIN = 2 }; /* a transition needs two frames */

/* --- create and destroy ---------------------------------------------------------------------- */

/* Measure (base == NULL) or carve the arrays, whose total is below SIZE_MAX. */
static void layout(sac_arena *m, sac_replay *r) {
  const size_t slots = r->envs * r->per_env;
  (void)SAC_TAKE(m, sac_replay, 1); // the handle itself, first in the block
  r->rings = SAC_TAKE(m, sac_ring, r->envs);
  r->obs = SAC_TAKE(m, float, slots * r->obs_dim);
  r->act = SAC_TAKE(m, float, slots * r->act_dim);
  r->reward = SAC_TAKE(m, float, slots);
  r->flags = SAC_TAKE(m, uint8_t, slots);
}

/* The handle's sizes, without memory; SAC_ERR_ARG for those that cannot be. */
static sac_status sizes(size_t capacity, size_t envs, size_t obs_dim, size_t act_dim,
                        sac_replay *out, sac_error *err) {
  if (envs < 1) return sac_fail(err, SAC_ERR_ARG, "replay: environments = 0: must be at least 1");
  if (obs_dim < 1 || act_dim < 1)
    return sac_fail(err, SAC_ERR_ARG,
                    "replay: observations of %zu and actions of %zu numbers: must be at least 1",
                    obs_dim, act_dim);
  if (capacity / envs < PER_ENV_MIN)
    return sac_fail(err, SAC_ERR_ARG,
                    "replay: capacity = %zu for %zu environments: must be at least %d frames each",
                    capacity, envs, PER_ENV_MIN);
  // no product below may wrap, headers and alignment included
  const size_t most = SIZE_MAX / 64;
  if (obs_dim > most || act_dim > most ||
      capacity > most / (obs_dim + act_dim + 1 + sizeof(sac_ring)))
    return sac_fail(err, SAC_ERR_ARG, "replay: %zu frames of %zu + %zu numbers: too large",
                    capacity, obs_dim, act_dim);
  *out = (sac_replay){.capacity = capacity,
                      .envs = envs,
                      .per_env = capacity / envs,
                      .obs_dim = obs_dim,
                      .act_dim = act_dim};
  return SAC_OK;
}

size_t sac_replay_bytes(size_t capacity, size_t envs, size_t obs_dim, size_t act_dim) {
  sac_replay plan = {0};
  sac_arena m = {0};
  if (sizes(capacity, envs, obs_dim, act_dim, &plan, NULL) != SAC_OK) return 0;
  layout(&m, &plan);
  return m.used;
}

sac_status sac_replay_create(size_t capacity, size_t envs, size_t obs_dim, size_t act_dim,
                             sac_replay **out, sac_error *err) {
  sac_replay plan = {0};
  sac_arena m = {0};
  SAC_TRY(sizes(capacity, envs, obs_dim, act_dim, &plan, err));
  layout(&m, &plan);
  // calloc: the system hands out zero pages, which take memory only once they are written
  void *const block = calloc(1, m.used);
  if (!block)
    return sac_fail(err, SAC_ERR_NOMEM, "replay of %zu frames: no memory for %zu bytes", capacity,
                    m.used);
  m = (sac_arena){.base = block};
  layout(&m, &plan);
  sac_replay *const replay = block;
  *replay = plan;
  *out = replay;
  return SAC_OK;
}

void sac_replay_destroy(sac_replay *replay) {
  if (!replay) return;
  free(replay->store);
  free(replay);
}

/* --- push ------------------------------------------------------------------------------------ */

static sac_status all_finite(const char *what, size_t n, const float x[], sac_error *err) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i]))
      return sac_fail(err, SAC_ERR_DIVERGED, "%s %zu = %g: not finite", what, i, (double)x[i]);
  return SAC_OK;
}

static sac_status check_finite(const sac_replay *r, const float obs[], const float act[],
                               float reward, const float next_obs[], sac_error *err) {
  SAC_TRY(all_finite("observation", r->obs_dim, obs, err));
  SAC_TRY(all_finite("action", r->act_dim, act, err));
  SAC_TRY(all_finite("next observation", r->obs_dim, next_obs, err));
  if (!isfinite(reward))
    return sac_fail(err, SAC_ERR_DIVERGED, "reward = %g: not finite", (double)reward);
  return SAC_OK;
}

/* An episode that goes on must go on from the observation that it had reached, bit for bit. */
static sac_status check_continues(const sac_replay *r, size_t env, const float obs[],
                                  sac_error *err) {
  if (!r->rings[env].open) return SAC_OK;
  const float *last = r->obs + sac_replay_slot(r, env, r->rings[env].frames - 1) * r->obs_dim;
  for (size_t i = 0; i < r->obs_dim; i++)
    if (memcmp(&obs[i], &last[i], sizeof obs[i]) != 0)
      return sac_fail(
          err, SAC_ERR_ARG,
          "environment %zu: observation %zu = %.9g, but the step before led to %.9g and "
          "did not end the episode",
          env, i, (double)obs[i], (double)last[i]);
  return SAC_OK;
}

/* Append a frame that has no action yet, over the oldest one if the ring is full. */
static void append_frame(sac_replay *r, size_t env, const float obs[]) {
  sac_ring *const ring = &r->rings[env];
  const size_t slot = sac_replay_slot(r, env, ring->frames);
  if (r->flags[slot] & SAC_FRAME_ACTED) r->transitions--;
  memcpy(r->obs + slot * r->obs_dim, obs, r->obs_dim * sizeof *obs);
  memset(r->act + slot * r->act_dim, 0, r->act_dim * sizeof *r->act);
  r->reward[slot] = 0;
  r->flags[slot] = 0;
  ring->frames++;
  if (r->filled < r->per_env && ring->frames > r->filled) r->filled = (size_t)ring->frames;
}

sac_status sac_replay_push(sac_replay *r, size_t env, const float obs[], const float act[],
                           float reward, const float next_obs[], int terminated, int truncated,
                           sac_error *err) {
  if (env >= r->envs)
    return sac_fail(err, SAC_ERR_ARG, "environment = %zu: must be below %zu", env, r->envs);
  SAC_TRY(check_finite(r, obs, act, reward, next_obs, err));
  SAC_TRY(check_continues(r, env, obs, err));

  sac_ring *const ring = &r->rings[env];
  if (!ring->open) append_frame(r, env, obs);
  const size_t slot = sac_replay_slot(r, env, ring->frames - 1);
  memcpy(r->act + slot * r->act_dim, act, r->act_dim * sizeof *act);
  r->reward[slot] = reward;
  r->flags[slot] = (uint8_t)(SAC_FRAME_ACTED | (terminated ? SAC_FRAME_TERMINATED : 0));
  r->transitions++;
  append_frame(r, env, next_obs);
  ring->open = !terminated && !truncated;
  return SAC_OK;
}

void sac_replay_cut(sac_replay *r, size_t env) {
  assert(env < r->envs);
  r->rings[env].open = 0;
}

/* --- draw ------------------------------------------------------------------------------------ */

size_t sac_replay_size(const sac_replay *replay) {
  return replay->transitions;
}

/* Uniform over the slots in use, again until one begins a transition: so uniform over transitions.
 * The last frame of a ring and of an episode carries no action; a slot never written has no flags.
 */
size_t sac_replay_draw(const sac_replay *r, sac_stream *stream) {
  assert(r->transitions > 0);
  for (;;) {
    const size_t x = (size_t)sac_stream_below(stream, r->envs * r->filled);
    const size_t slot = r->envs == 1 ? x : x / r->filled * r->per_env + x % r->filled;
    if (r->flags[slot] & SAC_FRAME_ACTED) return slot;
  }
}

/* The slot of the frame after the one in slot `index`, in the same ring. */
static size_t next_slot(const sac_replay *r, size_t index) {
  const size_t after = index + 1;
  return after % r->per_env ? after : after - r->per_env;
}

sac_transition sac_replay_get(const sac_replay *r, size_t index) {
  assert(index < r->envs * r->per_env && r->flags[index] & SAC_FRAME_ACTED);
  const size_t next = next_slot(r, index);
  return (sac_transition){
      .obs = r->obs + index * r->obs_dim,
      .act = r->act + index * r->act_dim,
      .next_obs = r->obs + next * r->obs_dim,
      .reward = r->reward[index],
      .terminated = (r->flags[index] & SAC_FRAME_TERMINATED) != 0,
  };
}

/* A frame without an action ends the walk: it is an episode's last, terminated or truncated, or the
 * ring's newest, behind which the oldest frames lie. */
sac_transition sac_replay_get_n(const sac_replay *r, size_t index, size_t n, double gamma,
                                double *discount) {
  assert(n >= 1);
  sac_transition t = sac_replay_get(r, index);
  double sum = (double)t.reward, weight = gamma;
  for (size_t i = 1, at = next_slot(r, index); i < n && r->flags[at] & SAC_FRAME_ACTED;
       i++, at = next_slot(r, at)) {
    const sac_transition step = sac_replay_get(r, at);
    sum += weight * (double)step.reward;
    weight *= gamma;
    t.next_obs = step.next_obs;
    t.terminated = step.terminated;
  }
  t.reward = (float)sum;
  *discount = t.terminated ? 0.0 : weight;
  return t;
}
