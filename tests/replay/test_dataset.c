/* Data files: what is written comes back, from libsac's file and from another program's; what is
 * wrong with a file is named. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include "scratch.h"

#include "base/file.h"
#include "base/safetensors.h"
#include "replay/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { O = 3, A = 2, ENVS = 2, STEPS = 37 };

/* Two environments; episodes of 5 steps, every second terminated; a ring that has gone round. */
static sac_replay *make_replay(void) {
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(ENVS * 20, ENVS, O, A, &replay, &err), err);
  for (size_t e = 0; e < ENVS; e++) {
    float obs[O] = {0}, next[O], act[A];
    for (int t = 0; t < STEPS; t++) {
      for (int i = 0; i < O; i++) next[i] = (float)(100 * (int)e + t + 1) + 0.1f * (float)i;
      for (int i = 0; i < A; i++) act[i] = 0.01f * (float)(t * (i + 1));
      const int ends = t % 5 == 4, terminated = ends && t % 10 == 4;
      assert_ok(sac_replay_push(replay, e, obs, act, (float)-t, next, terminated, ends, &err), err);
      memcpy(obs, next, sizeof obs);
    }
  }
  return replay;
}

/* Row i of the file is the i-th transition that the ring still holds, by the replay's own index:
 * with a slot for each frame the oldest comes after the newest. */
static void an_export_holds_every_transition(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "data.safetensors");
  sac_replay *replay = make_replay();
  sac_dataset *data;
  sac_error err = {0};
  size_t count = 0;
  assert_ok(sac_replay_export(replay, path, &count, &err), err);
  assert_int_equal(count, sac_replay_size(replay));
  assert_ok(sac_dataset_load(path, O, A, &data, &err), err);
  assert_int_equal(sac_dataset_size(data), count);
  for (size_t i = 0; i < count; i++) {
    const sac_transition t = sac_dataset_get(data, i);
    /* a reward is -step, and tells where in its ring the transition is */
    const int step = (int)-t.reward, env = t.next_obs[0] > 100.0f;
    assert_true(t.next_obs[0] == (float)(100 * env + step + 1));
    assert_true(t.act[1] == 0.01f * (float)(step * 2));
    assert_int_equal(t.terminated, step % 10 == 4);
    if (i == 0) continue;
    const sac_transition before = sac_dataset_get(data, i - 1);
    const int last = (int)-before.reward, changed = i == count / ENVS;
    assert_true(changed ? last == STEPS - 1 && env == 1 : last == step - 1);
    if (!changed && step % 5) assert_memory_equal(before.next_obs, t.obs, O * sizeof(float));
  }
  sac_dataset_destroy(data);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

/* --- another program's file ------------------------------------------------------------------- */

/* A file of a header and the bytes of obs (F32), then `rest`. */
static void write_file(const char *path, const char *header, const void *bytes, size_t size) {
  const uint64_t length = strlen(header);
  const sac_piece pieces[] = {{&length, 8}, {header, length}, {bytes, size}};
  sac_error err = {0};
  assert_ok(sac_file_replace(path, pieces, 3, &err), err);
}

/* Two transitions of one number each. */
struct two {
  float obs[2];
  double act[2];
  float reward[2], next_obs[2];
  uint8_t terminated[2];
};

static const char HEADER[] =
    "{\"obs\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]},"
    "\"act\":{\"dtype\":\"F64\",\"shape\":[2,1],\"data_offsets\":[8,24]},"
    "\"reward\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
    "\"next_obs\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[32,40]},"
    "\"terminated\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[40,42]}}  ";
enum { TWO_BYTES = 42 };

static struct two two(void) {
  return (struct two){{1, 2}, {0.5, -0.25}, {3, 4}, {5, 6}, {0, 1}};
}

static void a_foreign_file_is_read(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const struct two d = two();
  sac_dataset *data;
  sac_error err = {0};
  write_file(scratch_path(dir, "data"), HEADER, &d, TWO_BYTES);
  assert_ok(sac_dataset_load(scratch_path(dir, "data"), 1, 1, &data, &err), err);
  assert_int_equal(sac_dataset_size(data), 2);
  for (size_t i = 0; i < 2; i++) {
    const sac_transition t = sac_dataset_get(data, i);
    assert_true(*t.obs == d.obs[i] && *t.next_obs == d.next_obs[i] && t.reward == d.reward[i]);
    assert_true((double)*t.act == d.act[i]);
    assert_int_equal(t.terminated, d.terminated[i]);
  }
  /* the same content, written by libsac: the same checksum; another number: another one */
  float act[2] = {0.5f, -0.25f};
  struct two same = d;
  const sac_tensor tensors[] = {{"terminated", SAC_U8, 2, 1, 1, same.terminated},
                                {"act", SAC_F32, 2, 1, 1, act},
                                {"obs", SAC_F32, 2, 1, 1, same.obs},
                                {"more", SAC_F32, 2, 1, 1, same.obs},
                                {"next_obs", SAC_F32, 2, 1, 1, same.next_obs},
                                {"reward", SAC_F32, 2, 1, 1, same.reward}};
  sac_dataset *own, *other;
  const char *path = scratch_path(dir, "own");
  assert_ok(sac_safetensors_write(path, tensors, 6, NULL, 0, &err), err);
  assert_ok(sac_dataset_load(path, 1, 1, &own, &err), err);
  assert_string_equal(sac_dataset_checksum(own), sac_dataset_checksum(data));
  act[1] = 0.25f;
  assert_ok(sac_safetensors_write(path, tensors, 6, NULL, 0, &err), err);
  assert_ok(sac_dataset_load(path, 1, 1, &other, &err), err);
  assert_string_not_equal(sac_dataset_checksum(other), sac_dataset_checksum(data));
  sac_dataset_destroy(data), sac_dataset_destroy(own), sac_dataset_destroy(other);
  scratch_remove(dir);
}

/* --- what is wrong ---------------------------------------------------------------------------- */

static void check_refused(const char *path, size_t obs_dim, const char *words) {
  sac_dataset *data = NULL;
  sac_error err = {0};
  char text[200];
  assert_int_equal(sac_dataset_load(path, obs_dim, 1, &data, &err), SAC_ERR_FORMAT);
  assert_null(data);
  assert_non_null(strstr(err.msg, path));
  snprintf(text, sizeof text, "%s", words);
  for (char *word = strtok(text, "|"); word; word = strtok(NULL, "|"))
    if (!strstr(err.msg, word)) fail_msg("'%s' does not say '%s'", err.msg, word);
}

/* The header with `word` replaced by another of the same length. */
static void refused_header(const char *path, const char *word, const char *with,
                           const char *words) {
  char header[sizeof HEADER];
  memcpy(header, HEADER, sizeof HEADER);
  char *at = strstr(header, word);
  assert_non_null(at);
  assert_int_equal(strlen(word), strlen(with));
  memcpy(at, with, strlen(with));
  const struct two d = two();
  write_file(path, header, &d, TWO_BYTES);
  check_refused(path, 1, words);
}

static void what_is_wrong_is_named(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "data");
  struct two d = two();
  write_file(path, HEADER, &d, TWO_BYTES);
  check_refused(path, 2, "tensor obs is (2, 1)|must be (2, 2)");
  write_file(path, HEADER, &d, TWO_BYTES - 1);
  check_refused(path, 1, "truncated");
  refused_header(path, "\"next_obs\"", "\"nextobs_\"", "next_obs|missing|obs (N, O)");
  refused_header(path, "\"F64\"", "\"I64\"", "act|missing, or of another type");
  refused_header(path, "[2],\"data_offsets\":[24,32]", "[1],\"data_offsets\":[24,28]",
                 "reward is (1, 1)|must be (2, 1)");
  refused_header(path, "[2,1],\"data_offsets\":[0,8]", "[0,1],\"data_offsets\":[0,0]",
                 "no transition");
  refused_header(path, "{\"obs\"", "[\"obs\"", "not a safetensors file");
  d.reward[1] = NAN;
  write_file(path, HEADER, &d, TWO_BYTES);
  check_refused(path, 1, "reward of row 1|not finite");
  d = two(), d.act[0] = 1e300; /* beyond float */
  write_file(path, HEADER, &d, TWO_BYTES);
  check_refused(path, 1, "act of row 0|not finite");
  d = two(), d.terminated[1] = 2;
  write_file(path, HEADER, &d, TWO_BYTES);
  check_refused(path, 1, "terminated of row 1 is 2|0 or 1");
  sac_dataset *data = NULL;
  sac_error err = {0};
  assert_int_equal(sac_dataset_load(scratch_path(dir, "none"), 1, 1, &data, &err), SAC_ERR_IO);
  sac_replay *empty;
  assert_ok(sac_replay_create(10, 1, O, A, &empty, &err), err);
  assert_int_equal(sac_replay_export(empty, path, NULL, &err), SAC_ERR_ARG);
  sac_replay_destroy(empty);
  scratch_remove(dir);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_export_holds_every_transition),
      cmocka_unit_test(a_foreign_file_is_read),
      cmocka_unit_test(what_is_wrong_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
