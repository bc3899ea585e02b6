/* The oracle is a list of every frame ever pushed, from which the stored transitions follow by the
 * definition alone: those of the last per_env frames of each environment. Observations are a
 * running number, so that any mix-up of frames shows. */
#include "statistics.h"

#include "replay/buffer.h"

#include <stdio.h>
#include <string.h>

#if defined __has_feature
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define SANITIZED 1 // memory is counted otherwise, and a refused block ends the process
#  endif
#endif
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#  define SANITIZED 1
#endif
#ifndef SANITIZED
#  define SANITIZED 0
#endif

enum { O = 3, A = 2, ENVS_MAX = 4 };

struct frame {
  float id; /* obs = id, id + 1/4, id + 1/2 */
  int acted, terminated;
};

struct model {
  size_t envs, per_env;
  struct frame *frames[ENVS_MAX]; /* all, in order */
  size_t count[ENVS_MAX];
  int open[ENVS_MAX];
  float next_id;
};

static void make_obs(float id, float obs[O]) {
  for (int i = 0; i < O; i++) obs[i] = id + 0.25f * (float)i;
}

static void make_act(float id, float act[A]) {
  for (int i = 0; i < A; i++) act[i] = -id - 0.5f * (float)i;
}

static float make_reward(float id) {
  return 2.0f * id;
}

static void model_init(struct model *m, size_t envs, size_t per_env, size_t most) {
  *m = (struct model){.envs = envs, .per_env = per_env, .next_id = 1};
  for (size_t e = 0; e < envs; e++) m->frames[e] = calloc(2 * most, sizeof *m->frames[e]);
}

static void model_free(struct model *m) {
  for (size_t e = 0; e < m->envs; e++) free(m->frames[e]);
}

/* One step in both the model and the buffer. */
static void step(struct model *m, sac_replay *replay, size_t env, int terminated, int truncated) {
  float obs[O], act[A], next_obs[O];
  sac_error err;
  if (!m->open[env]) m->frames[env][m->count[env]++] = (struct frame){.id = m->next_id++};
  struct frame *last = &m->frames[env][m->count[env] - 1];
  last->acted = 1;
  last->terminated = terminated;
  m->frames[env][m->count[env]++] = (struct frame){.id = m->next_id++};
  m->open[env] = !terminated && !truncated;
  make_obs(last->id, obs);
  make_act(last->id, act);
  make_obs(last[1].id, next_obs);
  assert_ok(sac_replay_push(replay, env, obs, act, make_reward(last->id), next_obs, terminated,
                            truncated, &err),
            err);
}

/* The index that a stored transition has among all frames of its environment, or -1. */
static long find(const struct model *m, size_t env, float id) {
  const size_t count = m->count[env];
  for (size_t i = count > m->per_env ? count - m->per_env : 0; i < count; i++)
    if (m->frames[env][i].id == id && m->frames[env][i].acted) return (long)i;
  return -1;
}

static void assert_transition(const struct model *m, size_t env, sac_transition t) {
  const long i = find(m, env, t.obs[0]);
  if (i < 0) fail_msg("observation %g of environment %zu is not stored", (double)t.obs[0], env);
  const struct frame *f = &m->frames[env][i];
  float obs[O], act[A], next_obs[O];
  make_obs(f->id, obs);
  make_act(f->id, act);
  make_obs(f[1].id, next_obs);
  assert_memory_equal(t.obs, obs, sizeof obs);
  assert_memory_equal(t.act, act, sizeof act);
  assert_memory_equal(t.next_obs, next_obs, sizeof next_obs);
  assert_true(t.reward == make_reward(f->id));
  assert_int_equal(t.terminated, f->terminated);
}

static size_t model_size(const struct model *m) {
  size_t n = 0;
  for (size_t e = 0; e < m->envs; e++) {
    const size_t count = m->count[e];
    for (size_t i = count > m->per_env ? count - m->per_env : 0; i < count; i++)
      n += (size_t)m->frames[e][i].acted;
  }
  return n;
}

/* Every stored transition is the model's, and there are as many; no two slots hold the same. */
static void assert_same(const struct model *m, const sac_replay *replay) {
  size_t seen = 0;
  for (size_t slot = 0; slot < m->envs * m->per_env; slot++) {
    if (!(replay->flags[slot] & SAC_FRAME_ACTED)) continue;
    assert_transition(m, slot / m->per_env, sac_replay_get(replay, slot));
    seen++;
  }
  assert_int_equal(seen, model_size(m));
  assert_int_equal(sac_replay_size(replay), model_size(m));
}

/* Of every stored transition: the sum over the model's frames from it on, to the n-th step, to the
 * first that terminated, or to the last that has a successor in the same episode. */
static void assert_n_steps(const struct model *m, const sac_replay *replay, size_t n,
                           double gamma) {
  for (size_t slot = 0; slot < m->envs * m->per_env; slot++) {
    if (!(replay->flags[slot] & SAC_FRAME_ACTED)) continue;
    const size_t env = slot / m->per_env;
    double discount = -1.0, sum = 0.0, weight = 1.0;
    const sac_transition t = sac_replay_get_n(replay, slot, n, gamma, &discount);
    const struct frame *f = &m->frames[env][find(m, env, t.obs[0])], *last = f;
    for (size_t i = 0; i < n && f->acted; i++, f++) {
      sum += weight * (double)make_reward(f->id);
      weight *= gamma;
      last = f; /* an acted frame's successor belongs to its episode; a last frame never acts */
    }
    assert_close(t.reward, sum, 0.0, 1e-6);
    assert_close(discount, last->terminated ? 0.0 : weight, 1e-15, 0.0);
    assert_true(t.next_obs[0] == last[1].id && t.act[0] == -t.obs[0]);
    assert_int_equal(t.terminated, last->terminated);
  }
}

/* Histories of all shapes: episodes of length 1 and long ones, one ring far ahead of another, rings
 * of two frames, many times round. */
static void random_histories_match_the_oracle(void **state) {
  (void)state;
  enum { HISTORIES = 60, STEPS = 400 };
  sac_error err;
  for (uint64_t h = 0; h < HISTORIES * test_multiplier(); h++) {
    sac_stream s = sac_stream_make(7, SAC_STREAM_USER, h);
    const size_t envs = 1 + sac_stream_below(&s, ENVS_MAX);
    const size_t per_env = 2 + sac_stream_below(&s, h % 2 ? 5 : 60);
    const double p_end = sac_stream_uniform(&s);
    struct model m;
    sac_replay *replay;
    model_init(&m, envs, per_env, STEPS);
    const size_t spare = sac_stream_below(&s, envs); // a remainder that no ring can use
    assert_ok(sac_replay_create(envs * per_env + spare, envs, O, A, &replay, &err), err);
    for (int i = 0; i < STEPS; i++) {
      const size_t env = h % 3 ? (size_t)i % envs : sac_stream_below(&s, envs);
      const int terminated = sac_stream_uniform(&s) < p_end / 2;
      const int truncated = sac_stream_uniform(&s) < p_end / 2;
      step(&m, replay, env, terminated, truncated);
      if (i % 7 == 0 || i < 20) assert_same(&m, replay);
      if (i % 29 == 0) assert_n_steps(&m, replay, 1 + (size_t)(i / 29) % 6, 0.9);
      sac_stream draw = sac_stream_make(8, SAC_STREAM_USER, (uint64_t)i);
      for (int k = 0; k < 4; k++) {
        const size_t index = sac_replay_draw(replay, &draw);
        assert_transition(&m, index / per_env, sac_replay_get(replay, index));
      }
    }
    sac_replay_destroy(replay);
    model_free(&m);
  }
}

/* A truncated episode's last transition leads to its own last observation, does not count as
 * terminated, and the next episode begins apart from it. */
static void truncation_keeps_its_own_last_observation(void **state) {
  (void)state;
  sac_replay *replay;
  sac_error err;
  const float s0[1] = {10}, s1[1] = {11}, s2[1] = {12}, r0[1] = {20}, r1[1] = {21}, a[1] = {0.5f};
  assert_ok(sac_replay_create(100, 1, 1, 1, &replay, &err), err);
  assert_ok(sac_replay_push(replay, 0, s0, a, 1, s1, 0, 0, &err), err);
  assert_ok(sac_replay_push(replay, 0, s1, a, 2, s2, 0, 1, &err), err);
  assert_ok(sac_replay_push(replay, 0, r0, a, 3, r1, 1, 1, &err), err); // both flags: terminated
  assert_int_equal(sac_replay_size(replay), 3);
  sac_stream stream = sac_stream_make(3, SAC_STREAM_USER, 0);
  for (int k = 0; k < 200; k++) {
    const sac_transition t = sac_replay_get(replay, sac_replay_draw(replay, &stream));
    if (t.obs[0] == 10)
      assert_true(t.next_obs[0] == 11 && !t.terminated && t.reward == 1);
    else if (t.obs[0] == 11)
      assert_true(t.next_obs[0] == 12 && !t.terminated && t.reward == 2);
    else
      assert_true(t.obs[0] == 20 && t.next_obs[0] == 21 && t.terminated && t.reward == 3);
  }
  sac_replay_destroy(replay);
}

/* Three steps from each place of an episode of four that was truncated, and of one that terminated:
 * both stop the sum, only the second stops the bootstrap. And at the newest step the sum stops,
 * too, where the oldest frames of a ring that has gone round lie behind it. */
static void n_steps_stop_at_both_ends_and_mask_at_one(void **state) {
  (void)state;
  sac_error err;
  const float a[1] = {0};
  for (int terminated = 0; terminated < 2; terminated++) {
    sac_replay *replay;
    assert_ok(sac_replay_create(5, 1, 1, 1, &replay, &err), err); /* the episode's five frames */
    for (int i = 0; i < 7 + 4; i++) {
      const float s = (float)(i < 7 ? i - 7 : i - 7 + 10), next = s + 1;
      const int end = i == 6 || i == 10;
      assert_ok(
          sac_replay_push(replay, 0, &s, a, s, &next, end && terminated, end && !terminated, &err),
          err);
    }
    int seen = 0;
    for (size_t slot = 0; slot < 5; slot++) {
      if (!(replay->flags[slot] & SAC_FRAME_ACTED)) continue;
      double discount;
      const sac_transition t = sac_replay_get_n(replay, slot, 3, 0.5, &discount);
      const double s = (double)t.obs[0];
      const int m = s < 12.0 ? 3 : s < 13.0 ? 2 : 1; /* steps until 14, where it ended */
      const double sum[] = {s, s + 0.5 * (s + 1), s + 0.5 * (s + 1) + 0.25 * (s + 2)};
      assert_true((double)t.reward == sum[m - 1] && (double)t.next_obs[0] == s + m);
      assert_true(discount == (terminated && s + m == 14.0 ? 0.0 : pow(0.5, m)));
      seen++;
    }
    assert_int_equal(seen, 4);
    const float s = 20, next = 21; /* an episode under way, over the oldest two frames */
    assert_ok(sac_replay_push(replay, 0, &s, a, 7, &next, 0, 0, &err), err);
    for (size_t slot = 0; slot < 5; slot++) {
      double discount;
      if (!(replay->flags[slot] & SAC_FRAME_ACTED) || replay->obs[slot] < 20) continue;
      const sac_transition t = sac_replay_get_n(replay, slot, 3, 0.5, &discount);
      assert_true(t.reward == 7 && t.next_obs[0] == 21 && discount == 0.5);
      seen++;
    }
    assert_int_equal(seen, 5);
    sac_replay_destroy(replay);
  }
}

/* Two rings of unequal fill, holes at every episode's end, one ring gone round: each stored
 * transition is drawn equally often. Pearson's chi-square, false alarm 6e-7. */
static void draws_are_uniform_over_transitions(void **state) {
  (void)state;
  enum { PER_ENV = 64, DRAWS = 200000 };
  sac_replay *replay;
  sac_error err;
  struct model m;
  model_init(&m, 3, PER_ENV, 300);
  assert_ok(sac_replay_create((size_t)3 * PER_ENV, 3, O, A, &replay, &err), err);
  for (int i = 0; i < 300; i++) step(&m, replay, 0, 0, i % 5 == 4);
  for (int i = 0; i < 20; i++) step(&m, replay, 2, i % 3 == 2, 0); // ring 1 stays empty
  assert_same(&m, replay);

  size_t seen[3 * PER_ENV] = {0}, cells[3 * PER_ENV], count = 0;
  sac_stream stream = sac_stream_make(11, SAC_STREAM_USER, 0);
  for (size_t k = 0; k < DRAWS * test_multiplier(); k++) seen[sac_replay_draw(replay, &stream)]++;
  for (size_t slot = 0; slot < (size_t)3 * PER_ENV; slot++) {
    if (replay->flags[slot] & SAC_FRAME_ACTED)
      cells[count++] = seen[slot];
    else
      assert_int_equal(seen[slot], 0);
  }
  assert_int_equal(count, model_size(&m));
  assert_z(chi_square_z(cells, count));
  sac_replay_destroy(replay);
  model_free(&m);
}

/* A cut episode is a truncated one: the next push is free to begin anywhere. */
static void a_cut_ends_the_episode(void **state) {
  (void)state;
  sac_replay *replay;
  sac_error err;
  const float s0[1] = {10}, s1[1] = {11}, r0[1] = {20}, r1[1] = {21}, a[1] = {0.5f};
  assert_ok(sac_replay_create(100, 1, 1, 1, &replay, &err), err);
  sac_replay_cut(replay, 0); // nothing is under way
  assert_ok(sac_replay_push(replay, 0, s0, a, 1, s1, 0, 0, &err), err);
  sac_replay_cut(replay, 0);
  assert_ok(sac_replay_push(replay, 0, r0, a, 2, r1, 0, 0, &err), err);
  assert_int_equal(sac_replay_size(replay), 2);
  const sac_transition first = sac_replay_get(replay, 0);
  assert_true(first.obs[0] == 10 && first.next_obs[0] == 11 && !first.terminated);
  sac_replay_destroy(replay);
}

static void bad_steps_are_refused_and_store_nothing(void **state) {
  (void)state;
  sac_replay *replay;
  sac_error err;
  const float good[2] = {1, 2}, next[2] = {3, 4}, act[1] = {0};
  const float nan_at_1[2] = {1, NAN}, inf_at_0[2] = {-INFINITY, 0}, nan_act[1] = {NAN};
  assert_ok(sac_replay_create(10, 2, 2, 1, &replay, &err), err);
  assert_int_equal(sac_replay_push(replay, 0, nan_at_1, act, 0, next, 0, 0, &err),
                   SAC_ERR_DIVERGED);
  assert_string_equal(err.msg, "observation 1 = nan: not finite");
  assert_int_equal(sac_replay_push(replay, 0, good, nan_act, 0, next, 0, 0, &err),
                   SAC_ERR_DIVERGED);
  assert_string_equal(err.msg, "action 0 = nan: not finite");
  assert_int_equal(sac_replay_push(replay, 0, good, act, 0, inf_at_0, 0, 0, &err),
                   SAC_ERR_DIVERGED);
  assert_string_equal(err.msg, "next observation 0 = -inf: not finite");
  assert_int_equal(sac_replay_push(replay, 0, good, act, NAN, next, 0, 0, &err), SAC_ERR_DIVERGED);
  assert_string_equal(err.msg, "reward = nan: not finite");
  assert_int_equal(sac_replay_push(replay, 2, good, act, 0, next, 0, 0, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "environment = 2: must be below 2");
  assert_int_equal(sac_replay_size(replay), 0);

  // an episode that goes on from elsewhere; another environment and a new episode are free
  assert_ok(sac_replay_push(replay, 0, good, act, 0, next, 0, 0, &err), err);
  assert_int_equal(sac_replay_push(replay, 0, good, act, 0, next, 0, 0, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "environment 0: observation 0 = 1, but the step before led to 3 and "
                               "did not end the episode");
  assert_int_equal(sac_replay_size(replay), 1);
  assert_ok(sac_replay_push(replay, 1, good, act, 0, next, 0, 0, &err), err);
  assert_ok(sac_replay_push(replay, 0, next, act, 0, good, 0, 1, &err), err);
  assert_ok(sac_replay_push(replay, 0, next, act, 0, good, 0, 0, &err), err);
  assert_int_equal(sac_replay_size(replay), 4);
  sac_replay_destroy(replay);
}

static void sizes_that_cannot_be_are_refused(void **state) {
  (void)state;
  sac_replay *replay = NULL;
  sac_error err;
  const size_t bad[][4] = {
      {3, 2, 1, 1},        {1, 1, 1, 1},         {0, 1, 1, 1},
      {10, 0, 1, 1},       {10, 1, 0, 1},        {10, 1, 1, 0},
      {SIZE_MAX, 1, 1, 1}, {10, 1, SIZE_MAX, 1}, {10, 1, SIZE_MAX / 2, SIZE_MAX / 2}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(sac_replay_create(bad[i][0], bad[i][1], bad[i][2], bad[i][3], &replay, &err),
                     SAC_ERR_ARG);
    assert_int_equal(sac_replay_bytes(bad[i][0], bad[i][1], bad[i][2], bad[i][3]), 0);
  }
  assert_int_equal(sac_replay_create(3, 2, 1, 1, &replay, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg,
                      "replay: capacity = 3 for 2 environments: must be at least 2 frames each");
  sac_replay_destroy(NULL);
}

/* 2^50 frames: the address space has no room. */
static void too_much_memory_is_an_error_with_its_size(void **state) {
  (void)state;
  sac_replay *replay = NULL;
  sac_error err;
  if (SANITIZED) skip();
  assert_int_equal(sac_replay_create((size_t)1 << 50, 1, 1, 1, &replay, &err), SAC_ERR_NOMEM);
  assert_string_equal(err.msg, "replay of 1125899906842624 frames: no memory for 14636698788954304 "
                               "bytes");
  assert_null(replay);
}

/* HalfCheetah: 17 observations, 6 actions; 1,000,000 frames x (24 floats + 1 byte) = 97 MB, where a
 * buffer that stores s' as well would take 165. */
static void a_million_half_cheetah_frames_take_97_megabytes(void **state) {
  (void)state;
  const size_t bytes = sac_replay_bytes(1000000, 1, 17, 6);
  assert_in_range(bytes, 97000000, 97001000);
}

static long resident_pages(void) {
  long size = 0, resident = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f || fscanf(f, "%ld %ld", &size, &resident) != 2) resident = -1;
  if (f) fclose(f);
  return resident;
}

/* 10,000 of 10,000,000 frames used: under 1 % of the 970 MB may be resident, 4 KiB a page. */
static void memory_is_touched_only_as_it_fills(void **state) {
  (void)state;
  sac_replay *replay;
  sac_error err;
  const long before = resident_pages();
  if (before < 0 || SANITIZED) skip(); // no /proc here
  const float obs[17] = {0}, act[6] = {0};
  assert_ok(sac_replay_create(10000000, 1, 17, 6, &replay, &err), err);
  for (int i = 0; i < 9999; i++)
    assert_ok(sac_replay_push(replay, 0, obs, act, 0, obs, 0, 0, &err), err);
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  for (int i = 0; i < 1000; i++) (void)sac_replay_draw(replay, &stream);
  assert_true(resident_pages() - before < 2400);
  sac_replay_destroy(replay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_histories_match_the_oracle),
      cmocka_unit_test(truncation_keeps_its_own_last_observation),
      cmocka_unit_test(n_steps_stop_at_both_ends_and_mask_at_one),
      cmocka_unit_test(draws_are_uniform_over_transitions),
      cmocka_unit_test(a_cut_ends_the_episode),
      cmocka_unit_test(bad_steps_are_refused_and_store_nothing),
      cmocka_unit_test(sizes_that_cannot_be_are_refused),
      cmocka_unit_test(too_much_memory_is_an_error_with_its_size),
      cmocka_unit_test(a_million_half_cheetah_frames_take_97_megabytes),
      cmocka_unit_test(memory_is_touched_only_as_it_fills),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
