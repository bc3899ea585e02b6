/* Saving and loading the replay buffer. Two buffers are the same if the live frames, the counts and
 * so every draw are; a walk is a random history that can be walked again from its seed. */
#define _POSIX_C_SOURCE 200809L // mkdtemp, fork
#include "scratch.h"
#include "statistics.h"

#include "base/file.h"
#include "replay/buffer.h"
#include "replay/segments.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { O = 3, A = 2, ENVS = 2, LENGTH = 256 /* frames a segment, of a ring below 4096 */ };
enum { RECORD = 4 * (O + A + 2), HEAD = 64 };

static char dir[SCRATCH_PATH];

static int setup(void **state) {
  (void)state;
  scratch_make(dir);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  scratch_remove(dir);
  return 0;
}

/* --- walks and comparisons ------------------------------------------------------------------- */

typedef struct walk {
  uint64_t seed, step;
  float obs[ENVS][O];
  int open[ENVS];
} walk;

static float draw_float(sac_stream *s) {
  return (float)sac_stream_uniform(s);
}

/* One push, a function of the seed and the step's number. Environment 1 is pushed half as often. */
static void advance(walk *w, sac_replay *replay) {
  sac_stream s = sac_stream_make(w->seed, SAC_STREAM_USER, w->step++);
  const size_t env = sac_stream_below(&s, 3) == 2;
  float act[A], next[O];
  sac_error err;
  if (!w->open[env])
    for (int i = 0; i < O; i++) w->obs[env][i] = draw_float(&s);
  for (int i = 0; i < A; i++) act[i] = draw_float(&s);
  for (int i = 0; i < O; i++) next[i] = draw_float(&s);
  const int terminated = sac_stream_below(&s, 20) == 0, truncated = sac_stream_below(&s, 20) == 0;
  assert_ok(sac_replay_push(replay, env, w->obs[env], act, draw_float(&s), next, terminated,
                            truncated, &err),
            err);
  memcpy(w->obs[env], next, sizeof next);
  w->open[env] = !terminated && !truncated;
}

static void advance_to(walk *w, sac_replay *replay, uint64_t step) {
  while (w->step < step) advance(w, replay);
}

static sac_replay *fresh(size_t per_env) {
  sac_replay *replay = NULL;
  sac_error err;
  assert_ok(sac_replay_create(ENVS * per_env, ENVS, O, A, &replay, &err), err);
  return replay;
}

static void assert_same_buffer(const sac_replay *a, const sac_replay *b) {
  assert_int_equal(a->transitions, b->transitions);
  assert_int_equal(a->filled, b->filled);
  for (size_t e = 0; e < a->envs; e++) {
    assert_int_equal(a->rings[e].frames, b->rings[e].frames);
    assert_int_equal(a->rings[e].open, b->rings[e].open);
  }
  const size_t slots = a->envs * a->per_env;
  assert_memory_equal(a->flags, b->flags, slots);
  assert_memory_equal(a->obs, b->obs, slots * O * sizeof(float));
  assert_memory_equal(a->act, b->act, slots * A * sizeof(float));
  assert_memory_equal(a->reward, b->reward, slots * sizeof(float));
  sac_stream s = sac_stream_make(5, SAC_STREAM_USER, 0), t = s;
  for (int k = 0; k < 100 && a->transitions; k++)
    assert_int_equal(sac_replay_draw(a, &s), sac_replay_draw(b, &t));
}

/* A state that outlives the replay. */
typedef struct kept {
  uint64_t *words;
  size_t count;
} kept;

static kept save(sac_replay *replay, const char *where) {
  sac_tensor t;
  sac_error err;
  assert_ok(sac_replay_save(replay, where, &t, &err), err);
  assert_int_equal(t.dtype, SAC_U64);
  assert_int_equal(t.rows, 1);
  const kept k = {malloc(t.cols * sizeof(uint64_t)), t.cols};
  memcpy(k.words, t.data, t.cols * sizeof(uint64_t));
  return k;
}

static void prune(const sac_replay *replay, const char *where) {
  sac_error err;
  assert_ok(sac_replay_prune(replay, where, &err), err);
}

static sac_replay *load(size_t per_env, const char *where, kept k) {
  sac_replay *replay = fresh(per_env);
  sac_error err;
  assert_ok(sac_replay_load(replay, where, k.words, k.count, &err), err);
  return replay;
}

/* The state loads to what the walk gives without any disk. */
static void assert_loads(size_t per_env, const char *where, kept k, uint64_t seed, uint64_t step) {
  sac_replay *loaded = load(per_env, where, k), *want = fresh(per_env);
  walk w = {.seed = seed};
  advance_to(&w, want, step);
  assert_same_buffer(loaded, want);
  sac_replay_destroy(loaded);
  sac_replay_destroy(want);
}

/* Of every ring, the last segment ends with the last frame that is final. */
static void assert_no_bytes_left_over(const sac_replay *replay, const char *where) {
  for (size_t e = 0; e < ENVS; e++) {
    char name[64];
    struct stat info;
    const uint64_t last = replay->rings[e].frames - (replay->rings[e].open ? 1 : 0) - 1;
    snprintf(name, sizeof name, "env%zu.%08llu.frames", e, (unsigned long long)(last / LENGTH));
    assert_int_equal(stat(scratch_path(where, name), &info), 0);
    assert_int_equal(info.st_size, HEAD + (last % LENGTH + 1) * RECORD);
  }
}

static void assert_same_file(const char *a, const char *b) {
  char *x = NULL, *y = NULL;
  size_t x_size = 0, y_size = 0;
  sac_error err;
  assert_ok(sac_file_read(a, &x, &x_size, &err), err);
  assert_ok(sac_file_read(b, &y, &y_size, &err), err);
  assert_int_equal(x_size, y_size);
  assert_memory_equal(x, y, x_size);
  free(x);
  free(y);
}

/* The same names with the same bytes in both. */
static void assert_same_folder(const char *a, const char *b) {
  assert_int_equal(scratch_count(a), scratch_count(b));
  DIR *list = opendir(a);
  for (struct dirent *e; (e = readdir(list)) != NULL;) {
    char x[3 * SCRATCH_PATH], y[3 * SCRATCH_PATH];
    if (e->d_name[0] == '.') continue;
    snprintf(x, sizeof x, "%s/%s", a, e->d_name);
    snprintf(y, sizeof y, "%s/%s", b, e->d_name);
    assert_same_file(x, y);
  }
  closedir(list);
}

/* --- round trips ----------------------------------------------------------------------------- */

/* From an empty buffer to one that has gone round several times, rings of an odd size among them;
 * the loaded buffer then goes on as the saved one does, and saves the same. */
static void what_is_loaded_goes_on_as_what_was_saved(void **state) {
  (void)state;
  const size_t rings[] = {2, 3, 256, 257, 700, 1500};
  const uint64_t steps[] = {0, 1, 50, 1000, 3333};
  for (size_t i = 0; i < sizeof rings / sizeof *rings; i++)
    for (size_t j = 0; j < sizeof steps / sizeof *steps; j++) {
      walk w = {.seed = 1 + i};
      sac_replay *a = fresh(rings[i]);
      scratch_remove(dir);
      mkdir(dir, 0777);
      advance_to(&w, a, steps[j]);
      const kept k = save(a, dir);
      sac_replay *b = load(rings[i], dir, k);
      assert_same_buffer(a, b);
      walk v = w;
      advance_to(&w, a, steps[j] + 300);
      advance_to(&v, b, steps[j] + 300);
      assert_same_buffer(a, b);
      const kept ka = save(a, dir), kb = save(b, dir); // b over what a wrote: the same bytes
      assert_int_equal(ka.count, kb.count);
      assert_memory_equal(ka.words, kb.words, ka.count * sizeof(uint64_t));
      assert_loads(rings[i], dir, kb, 1 + i, steps[j] + 300);
      free(k.words);
      free(ka.words);
      free(kb.words);
      sac_replay_destroy(a);
      sac_replay_destroy(b);
    }
}

/* Saved every `every` steps, the last time at `steps`, and saved once there: the same state and the
 * same files, byte for byte. */
static void assert_no_trace(size_t per_env, uint64_t steps, uint64_t every, int segments_least) {
  char often[SCRATCH_PATH + 8], once[SCRATCH_PATH + 8];
  walk w = {.seed = 9}, v = w;
  sac_replay *a = fresh(per_env), *b = fresh(per_env);
  kept ka = {0};
  snprintf(often, sizeof often, "%s/often", dir);
  snprintf(once, sizeof once, "%s/once", dir);
  mkdir(often, 0777);
  mkdir(once, 0777);
  for (uint64_t step = 0; step <= steps; step += every) {
    advance_to(&w, a, step);
    free(ka.words);
    ka = save(a, often);
    prune(a, often);
    assert_loads(per_env, often, ka, 9, step);
  }
  advance_to(&v, b, steps);
  const kept kb = save(b, once);
  prune(b, once);
  assert_int_equal(ka.count, kb.count);
  assert_memory_equal(ka.words, kb.words, ka.count * sizeof(uint64_t));
  assert_true(scratch_count(once) >= segments_least); // or the test says little
  assert_same_folder(often, once);
  assert_loads(per_env, once, kb, 9, steps);
  free(ka.words);
  free(kb.words);
  sac_replay_destroy(a);
  sac_replay_destroy(b);
}

static void the_times_of_saving_leave_no_trace(void **state) {
  (void)state;
  assert_no_trace(2000, 1900, 190, 8);
}

/* The ring has gone round: some frames left it before a save ever saw them, others were written.
 * Saved more often than the ring turns, less often, and so that whole segments are never written.
 */
static void nor_do_they_when_the_ring_has_gone_round(void **state) {
  (void)state;
  const uint64_t every[] = {100, 250, 500, 1000, 2500, 5000};
  for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
    scratch_remove(dir);
    mkdir(dir, 0777);
    assert_no_trace(700, 5000, every[i], 4);
  }
}

/* --- crashes and full disks ------------------------------------------------------------------ */

enum { CRASH_RING = 600, BEFORE = 1500, AFTER = 2500 };

/* A save whose checkpoint never came to be: the old one loads, goes another way, and is saved. */
static void a_save_without_its_checkpoint_does_no_harm(void **state) {
  (void)state;
  walk w = {.seed = 20};
  sac_replay *a = fresh(CRASH_RING);
  advance_to(&w, a, BEFORE);
  const kept old = save(a, dir);
  prune(a, dir);
  for (uint64_t step = BEFORE; step <= AFTER; step += 100) { // whole segments leave the ring
    advance_to(&w, a, step);
    const kept lost = save(a, dir);
    assert_loads(CRASH_RING, dir, old, 20, BEFORE);
    free(lost.words);
  }
  sac_replay_destroy(a);

  sac_replay *b = load(CRASH_RING, dir, old);
  walk v = {.seed = 20};
  sac_replay *shadow = fresh(CRASH_RING);
  advance_to(&v, shadow, BEFORE);
  v.seed = 21; // another future than the one whose bytes lie behind
  walk u = v;
  advance_to(&u, b, BEFORE + 70);
  advance_to(&v, shadow, BEFORE + 70);
  const kept new = save(b, dir);
  assert_loads(CRASH_RING, dir, old, 20, BEFORE); // until the prune
  prune(b, dir);
  sac_replay *c = load(CRASH_RING, dir, new);
  assert_same_buffer(c, shadow);
  // of the lost future nothing is left: 600 frames lie in 4 segments at most
  assert_no_bytes_left_over(b, dir);
  assert_true(scratch_count(dir) <= 4 * ENVS);
  free(old.words);
  free(new.words);
  sac_replay_destroy(b);
  sac_replay_destroy(c);
  sac_replay_destroy(shadow);
}

static void limit_files(uint64_t bytes) {
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = bytes;
  setrlimit(RLIMIT_FSIZE, &limit);
}

static void unlimit_files(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
}

/* In a child: save until a file reaches `bytes`, where the system ends the process. */
static void die_at(uint64_t bytes, sac_replay *replay) {
  sac_tensor t;
  const pid_t child = fork();
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGXFSZ, SIG_DFL);
    limit_files(bytes);
    (void)sac_replay_save(replay, dir, &t, NULL);
    _exit(0);
  }
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

/* Killed in the middle of a write, at every place of a segment in steps of 1700 bytes: the
 * checkpoint before still loads, and saving again makes good what the dead process left. */
static void a_process_killed_while_it_writes_leaves_the_checkpoint(void **state) {
  (void)state;
  for (uint64_t at = 0; at < HEAD + LENGTH * RECORD; at += 1700) {
    walk w = {.seed = 30};
    sac_replay *a = fresh(CRASH_RING);
    scratch_remove(dir);
    mkdir(dir, 0777);
    advance_to(&w, a, BEFORE);
    const kept old = save(a, dir);
    advance_to(&w, a, AFTER);
    die_at(at, a);
    assert_loads(CRASH_RING, dir, old, 30, BEFORE);
    const kept new = save(a, dir);
    assert_loads(CRASH_RING, dir, new, 30, AFTER);
    assert_loads(CRASH_RING, dir, old, 30, BEFORE);
    free(old.words);
    free(new.words);
    sac_replay_destroy(a);
  }
}

enum { FILES_MOST = 64 };

/* The size of each segment's file, -1 where there is none. */
static void sizes_of(const char *where, long long sizes[ENVS][FILES_MOST]) {
  for (size_t e = 0; e < ENVS; e++)
    for (int k = 0; k < FILES_MOST; k++) {
      char name[64];
      struct stat info;
      snprintf(name, sizeof name, "env%zu.%08d.frames", e, k);
      sizes[e][k] = stat(scratch_path(where, name), &info) == 0 ? (long long)info.st_size : -1;
    }
}

/* The same places, with an error instead of an end: it names file and cause, the room on the disk
 * comes back, the old checkpoint loads, and a later save succeeds. */
static void a_full_disk_is_an_error_that_harms_nothing(void **state) {
  (void)state;
  void (*const handler)(int) = signal(SIGXFSZ, SIG_IGN);
  for (uint64_t at = 0; at < HEAD + LENGTH * RECORD; at += 1700) {
    walk w = {.seed = 31};
    sac_replay *a = fresh(CRASH_RING);
    sac_tensor t = {.name = "untouched"};
    sac_error err;
    scratch_remove(dir);
    mkdir(dir, 0777);
    advance_to(&w, a, BEFORE);
    const kept old = save(a, dir);
    long long before[ENVS][FILES_MOST], after[ENVS][FILES_MOST];
    sizes_of(dir, before);
    advance_to(&w, a, AFTER);
    limit_files(at);
    const sac_status status = sac_replay_save(a, dir, &t, &err);
    unlimit_files();
    assert_int_equal(status, SAC_ERR_IO);
    assert_non_null(strstr(err.msg, ".frames: cannot write: File too large"));
    assert_string_equal(t.name, "untouched");
    size_t env = ENVS;
    int segment = FILES_MOST;
    assert_int_equal(sscanf(strstr(err.msg, "/env"), "/env%zu.%d", &env, &segment), 2);
    sizes_of(dir, after);
    assert_int_equal(after[env][segment], before[env][segment]);
    assert_loads(CRASH_RING, dir, old, 31, BEFORE);
    const kept new = save(a, dir);
    assert_loads(CRASH_RING, dir, new, 31, AFTER);
    free(old.words);
    free(new.words);
    sac_replay_destroy(a);
  }
  signal(SIGXFSZ, handler);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* A load that must fail: the message begins with the file and contains `cause`, the buffer stays
 * empty and usable. */
static void assert_load_fails(size_t per_env, kept k, sac_status want, const char *cause) {
  sac_replay *replay = fresh(per_env);
  sac_error err = {0};
  const sac_status status = sac_replay_load(replay, dir, k.words, k.count, &err);
  if (status != want || !strstr(err.msg, cause)) fail_msg("%d: %s", status, err.msg);
  assert_int_equal(sac_replay_size(replay), 0);
  walk w = {.seed = 40};
  advance_to(&w, replay, 10);
  assert_int_equal(sac_replay_size(replay), 10);
  sac_replay_destroy(replay);
}

static void every_damaged_byte_of_a_segment_is_found(void **state) {
  (void)state;
  enum { PER_ENV = 5000, STEPS = 40 };
  walk w = {.seed = 41};
  sac_replay *a = fresh(PER_ENV);
  char *data = NULL, name[SCRATCH_PATH];
  size_t size = 0;
  sac_error err;
  advance_to(&w, a, STEPS);
  const kept k = save(a, dir);
  snprintf(name, sizeof name, "%s", scratch_path(dir, "env0.00000000.frames"));
  assert_ok(sac_file_read(name, &data, &size, &err), err);
  for (size_t i = 0; i < size; i++) {
    data[i] ^= 0x10;
    scratch_write(name, data, size);
    assert_load_fails(PER_ENV, k, SAC_ERR_FORMAT,
                      i < HEAD ? "frames: its head is damaged, or of another buffer"
                               : "env0.00000000.frames: damaged: frames 0 to ");
    data[i] ^= 0x10;
  }
  for (size_t shorter = 0; shorter < size; shorter++) {
    scratch_write(name, data, shorter);
    assert_load_fails(PER_ENV, k, SAC_ERR_FORMAT, "env0.00000000.frames: truncated: ");
  }
  unlink(name);
  assert_load_fails(PER_ENV, k, SAC_ERR_IO,
                    "env0.00000000.frames: cannot read: No such file or directory");
  scratch_write(name, data, size);
  assert_loads(PER_ENV, dir, k, 41, STEPS);
  free(data);
  free(k.words);
  sac_replay_destroy(a);
}

/* The checkpoint's own checksum covers the state; still no number in it may lead astray. All but
 * the open observation's are checked against the frames. */
static void a_damaged_state_is_refused(void **state) {
  (void)state;
  enum { PER_ENV = 600, STEPS = 2000, STATE_HEAD = 6, OPEN_WORDS = (O + 1) / 2 };
  walk w = {.seed = 42};
  sac_replay *a = fresh(PER_ENV);
  advance_to(&w, a, STEPS);
  const kept k = save(a, dir);
  const uint64_t bad[] = {0, 1, 2, 3, 1000, UINT64_MAX / 2, 1u << 20};
  // the second ring begins after the first one's 2 numbers, observation, and 2 numbers a segment
  const uint64_t frames = k.words[STATE_HEAD], open = k.words[STATE_HEAD + 1];
  const size_t segments =
      (size_t)((frames - open + LENGTH - 1) / LENGTH - (frames - PER_ENV) / LENGTH);
  const size_t rings[] = {STATE_HEAD, STATE_HEAD + 2 + OPEN_WORDS + 2 * segments};
  for (size_t i = 0; i < k.count; i++) {
    int in_open = 0;
    for (int e = 0; e < ENVS; e++) in_open |= i >= rings[e] + 2 && i < rings[e] + 2 + OPEN_WORDS;
    for (size_t j = 0; j < sizeof bad / sizeof *bad && !in_open; j++) {
      const uint64_t right = k.words[i];
      k.words[i] = right + 1 + bad[j];
      sac_replay *b = fresh(PER_ENV);
      assert_int_not_equal(sac_replay_load(b, dir, k.words, k.count, NULL), SAC_OK);
      k.words[i] = right;
      sac_replay_destroy(b);
    }
  }
  for (size_t count = 0; count < k.count; count++)
    assert_load_fails(PER_ENV, (kept){k.words, count}, SAC_ERR_FORMAT, "damaged: too short");
  kept longer = {calloc(k.count + 1, sizeof(uint64_t)), k.count + 1};
  memcpy(longer.words, k.words, k.count * sizeof(uint64_t));
  assert_load_fails(PER_ENV, longer, SAC_ERR_FORMAT, "damaged: too long");
  assert_load_fails(PER_ENV + 1, k, SAC_ERR_FORMAT,
                    "replay: the checkpoint's is of 1200 frames, 2 environments, 3 + 2 numbers a "
                    "frame; this one of 1202, 2, 3 + 2");
  sac_error err;
  assert_int_equal(sac_replay_load(a, dir, k.words, k.count, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "replay: a load needs an empty buffer");
  free(longer.words);
  free(k.words);
  sac_replay_destroy(a);
}

/* Someone shortened a file between two saves: said, not papered over. */
static void a_file_that_shrank_since_the_last_save_is_named(void **state) {
  (void)state;
  walk w = {.seed = 43};
  sac_replay *a = fresh(CRASH_RING);
  sac_tensor t;
  sac_error err;
  advance_to(&w, a, 100);
  free(save(a, dir).words);
  assert_int_equal(truncate(scratch_path(dir, "env0.00000000.frames"), HEAD + RECORD), 0);
  advance_to(&w, a, 150);
  assert_int_equal(sac_replay_save(a, dir, &t, &err), SAC_ERR_FORMAT);
  assert_non_null(strstr(err.msg, "env0.00000000.frames: 92 bytes, but "));
  assert_int_equal(sac_replay_save(a, scratch_path(dir, "none"), &t, &err), SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "none/env0.00000000.frames: cannot write: No such file"));
  sac_replay_destroy(a);
}

/* Only files of the exact names go, and only those that the last save does not need. */
static void prune_deletes_nothing_but_old_segments(void **state) {
  (void)state;
  const char *const others[] = {"notes.txt", "env0.0.frames", "env0.00000000.frames.bak",
                                "env00.00000000.frames", "env-1.00000000.frames"};
  const char *const orphans[] = {"env0.00000000.frames", "env7.00000001.frames",
                                 "env0.00099999.frames"};
  walk w = {.seed = 44};
  sac_replay *a = fresh(CRASH_RING);
  advance_to(&w, a, 3000);
  prune(a, dir); // nothing was saved yet: nothing to do
  const kept k = save(a, dir);
  const int needed = scratch_count(dir);
  for (int i = 0; i < 5; i++) scratch_write(scratch_path(dir, others[i]), "x", 1);
  for (int i = 0; i < 3; i++) scratch_write(scratch_path(dir, orphans[i]), "x", 1);
  prune(a, dir);
  assert_int_equal(scratch_count(dir), needed + 5);
  for (int i = 0; i < 5; i++) assert_int_equal(access(scratch_path(dir, others[i]), F_OK), 0);
  assert_loads(CRASH_RING, dir, k, 44, 3000);
  free(k.words);
  sac_replay_destroy(a);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(what_is_loaded_goes_on_as_what_was_saved),
      IN_SCRATCH(the_times_of_saving_leave_no_trace),
      IN_SCRATCH(nor_do_they_when_the_ring_has_gone_round),
      IN_SCRATCH(a_save_without_its_checkpoint_does_no_harm),
      IN_SCRATCH(a_process_killed_while_it_writes_leaves_the_checkpoint),
      IN_SCRATCH(a_full_disk_is_an_error_that_harms_nothing),
      IN_SCRATCH(every_damaged_byte_of_a_segment_is_found),
      IN_SCRATCH(a_damaged_state_is_refused),
      IN_SCRATCH(a_file_that_shrank_since_the_last_save_is_named),
      IN_SCRATCH(prune_deletes_nothing_but_old_segments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
