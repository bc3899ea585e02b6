/* For the agent's tests: small agents, a replay of random transitions, and the hash of everything
 * that an agent has learned. */
#ifndef SAC_TESTS_AGENTS_H
#define SAC_TESTS_AGENTS_H

#include "agent/handle.h"
#include "agent/state.h"
#include "check.h"
#include "sac/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { OBS = 5, ACT = 3, EPISODE = 20, AGENT_SEED = 11 };

/* The defaults, small. */
static inline sac_agent_options small_options(void) {
  sac_agent_options o = sac_agent_options_default();
  o.batch = 16;
  o.actor_hidden = (sac_widths){2, {20, 18}};
  o.critic_hidden = (sac_widths){2, {18, 20}};
  return o;
}

static inline void set_option(sac_agent_options *o, const char *name, const char *value) {
  size_t count;
  const sac_option *table = sac_agent_option_table(&count);
  sac_error err = {0};
  assert_ok(sac_option_set(table, count, o, name, value, &err), err);
}

/* The bodies that there are besides plain, with blocks of 20 and 18; NULL at the end. */
static const char *const small_bodies[] = {"simba", "bro", "simbav2", NULL};

static inline sac_agent_options small_body(const char *name) {
  sac_agent_options o = small_options();
  set_option(&o, "body", name);
  o.actor_hidden = (sac_widths){1, {20}};
  o.critic_hidden = (sac_widths){2, {18, 18}};
  if (strcmp(name, "simbav2")) return o;
  set_option(&o, "weight_projection", "unit");
  set_option(&o, "critic_head", "categorical");
  o.critic_atoms = 21;
  return o;
}

/* OBS observations, ACT actions in [-2, 1], one thread. */
static inline sac_agent *make_agent(const sac_agent_options *o, size_t threads) {
  static const double low[ACT] = {-2, -2, -2}, high[ACT] = {1, 1, 1};
  sac_agent *agent;
  sac_error err = {0};
  assert_ok(sac_agent_create(o, OBS, ACT, low, high, AGENT_SEED, threads, &agent, &err), err);
  return agent;
}

/* n random transitions with rewards of size `reward`; every second episode terminates, the others
 * are truncated. */
static inline sac_replay *make_replay(size_t n, float reward) {
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(2 * n + 2, 1, OBS, ACT, &replay, &err), err);
  sac_stream s = sac_stream_make(3, SAC_STREAM_USER, 0);
  float obs[OBS] = {0}, next[OBS], act[ACT];
  for (size_t t = 0; t < n; t++) {
    for (size_t i = 0; i < OBS; i++) next[i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
    for (size_t i = 0; i < ACT; i++) act[i] = (float)(3.0 * sac_stream_uniform(&s) - 2.0);
    const float r = reward * (float)(2.0 * sac_stream_uniform(&s) - 1.0);
    const int ends = (t + 1) % EPISODE == 0, terminated = ends && (t + 1) % (2 * EPISODE) == 0;
    assert_ok(sac_replay_push(replay, 0, obs, act, r, next, terminated, ends && !terminated, &err),
              err);
    memcpy(obs, next, sizeof obs);
  }
  return replay;
}

static inline void update(sac_agent *agent, const sac_replay *replay, int times) {
  sac_error err = {0};
  for (int i = 0; i < times; i++) assert_ok(sac_agent_update(agent, replay, NULL, &err), err);
}

/* Every tensor of the agent, *count of them; release with free(). */
static inline sac_tensor *agent_tensors(sac_agent *agent, size_t *count) {
  sac_tensor *tensors = calloc(sac_agent_tensors(agent, NULL), sizeof *tensors);
  assert_non_null(tensors);
  *count = sac_agent_tensors(agent, tensors);
  return tensors;
}

/* XXH3 of every tensor, without the gaps between rows. */
static inline uint64_t agent_hash(sac_agent *agent) {
  static const size_t size[] = {[SAC_F32] = 4, [SAC_F64] = 8, [SAC_U8] = 1, [SAC_U64] = 8};
  size_t count;
  sac_tensor *tensors = agent_tensors(agent, &count);
  XXH3_state_t *state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < tensors[t].rows; i++)
      XXH3_64bits_update(
          state, (const char *)tensors[t].data + i * tensors[t].stride * size[tensors[t].dtype],
          tensors[t].cols * size[tensors[t].dtype]);
  const uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  free(tensors);
  return hash;
}

/* The tensor `name` of the agent. */
static inline sac_tensor agent_tensor(sac_agent *agent, const char *name) {
  size_t count, t = 0;
  sac_tensor *tensors = agent_tensors(agent, &count), found;
  while (t < count && strcmp(tensors[t].name, name) != 0) t++;
  if (t == count) fail_msg("the agent has no tensor %s", name);
  found = tensors[t];
  free(tensors);
  return found;
}

/* Multiply a tensor of floats, as if it had been loaded so. */
static inline void scale_tensor(sac_agent *agent, const char *name, float factor) {
  const sac_tensor t = agent_tensor(agent, name);
  for (size_t i = 0; i < t.rows; i++)
    for (size_t j = 0; j < t.cols; j++) ((float *)t.data)[i * t.stride + j] *= factor;
  sac_agent_restored(agent);
}

/* The call fails so, and its message has every word of the list (separated by '|'). */
static inline void check_refused(sac_status got, sac_status want, const sac_error *err,
                                 const char *words) {
  char text[400];
  if (got != want)
    fail_msg("status %s, must be %s: %s", sac_status_name(got), sac_status_name(want), err->msg);
  assert_int_equal(err->code, want);
  snprintf(text, sizeof text, "%s", words);
  for (char *word = strtok(text, "|"); word; word = strtok(NULL, "|"))
    if (!strstr(err->msg, word)) fail_msg("'%s' does not say '%s'", err->msg, word);
}

#endif
