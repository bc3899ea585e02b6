#define _POSIX_C_SOURCE 200809L
#include "replay/segments.h"

#include "base/arena.h"
#include "base/checksum.h"
#include "base/file.h"
#include "base/try.h"
#include "replay/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  VERSION = 1,    // of the files and of the state
  HEAD_WORDS = 8, // 64-bit numbers before a segment's frames
  HEAD_BYTES = 8 * HEAD_WORDS,
  STATE_HEAD = 6,       // numbers of the state before its rings
  RING_HEAD = 2,        // numbers of a ring before its open observation
  SEGMENT_WORDS = 2,    // a segment's checksum, low and high
  LENGTH_MOST = 65536,  // frames a segment at most,
  BYTES_MOST = 8 << 20, // so that no segment is longer than this,
  LENGTH_LEAST = 256,   // and a small ring is not one segment,
  SEGMENTS_A_RING = 8,  // but about as many as this
  NAME_SIZE = 64
};

static const char MAGIC[8] = "SACFRAME";

/* A checksum that need not be computed again: that of a segment that is whole in the ring. */
typedef struct known {
  uint64_t segment_plus_1; // 0: none
  uint64_t low, high;
} known;

/* What is on the disk of one ring. */
typedef struct stored {
  uint64_t frames;       // final frames of the last save or load: [0, frames)
  uint64_t live;         // of them, those in the ring: [live, frames)
  uint64_t first, after; // the segments [first, after) that hold these
  uint64_t blank;        // frames that need no blanking any more: [0, blank)
} stored;

/* What the replay keeps from save to save, in one block. */
typedef struct store {
  char dir[SAC_PATH_MAX]; // where to; "" at first
  uint64_t length;        // frames a segment
  size_t segments;        // most segments a ring can need
  uint64_t *state;        // the tensor's data
  stored *rings;          // (E)
  known *known;           // (E, segments), segment s at s % segments
} store;

/* --- sizes ----------------------------------------------------------------------------------- */

/* A frame on disk: s, a, r and the flags, 4 bytes each. */
static size_t record_floats(const sac_replay *r) {
  return r->obs_dim + r->act_dim + 2;
}
static size_t record_bytes(const sac_replay *r) {
  return 4 * record_floats(r);
}

/* Frames a segment: a power of two that depends on the buffer's sizes alone. */
static uint64_t segment_length(const sac_replay *r) {
  const size_t share = r->per_env / SEGMENTS_A_RING;
  const size_t most = share > LENGTH_LEAST ? share : LENGTH_LEAST;
  uint64_t length = LENGTH_MOST;
  while (length > 1 && (length > most || length * record_bytes(r) > BYTES_MOST)) length /= 2;
  return length;
}

static size_t open_words(const sac_replay *r) {
  return (r->obs_dim + 1) / 2;
}

/* A ring's frames that have their action, or never will: all but an open one. */
static uint64_t final_frames(const sac_replay *r, size_t env) {
  return r->rings[env].frames - (r->rings[env].open ? 1 : 0);
}

/* The segments [*first, *after) that hold the ring's final frames. */
static void segments_of(const sac_replay *r, size_t env, uint64_t length, uint64_t *first,
                        uint64_t *after) {
  *first = sac_replay_first(r, env) / length;
  *after = (final_frames(r, env) + length - 1) / length;
}

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}
static uint64_t greatest(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* --- the store ------------------------------------------------------------------------------- */

/* Measure or carve. */
static void layout(sac_arena *m, const sac_replay *r, store *s) {
  const size_t ring = RING_HEAD + open_words(r) + SEGMENT_WORDS * s->segments;
  (void)SAC_TAKE(m, store, 1);
  s->state = SAC_TAKE(m, uint64_t, STATE_HEAD + r->envs * ring);
  s->rings = SAC_TAKE(m, stored, r->envs);
  s->known = SAC_TAKE(m, known, r->envs * s->segments);
}

static sac_status ensure_store(sac_replay *r, sac_error *err) {
  if (r->store) return SAC_OK;
  store plan = {.length = segment_length(r)};
  plan.segments = (size_t)(r->per_env / plan.length) + 2; // a part of one at either end
  sac_arena m = {0};
  layout(&m, r, &plan);
  void *const block = calloc(1, m.used);
  if (!block) return sac_fail(err, SAC_ERR_NOMEM, "replay: no memory for %zu bytes", m.used);
  m = (sac_arena){.base = block};
  layout(&m, r, &plan);
  memcpy(block, &plan, sizeof plan);
  r->store = block;
  return SAC_OK;
}

static known *known_of(const store *s, size_t env, uint64_t segment) {
  return &s->known[env * s->segments + segment % s->segments];
}

/* --- one segment ----------------------------------------------------------------------------- */

/* The frames [begin, end) of one segment that the ring still holds. */
typedef struct span {
  size_t env;
  uint64_t segment, begin, end;
} span;

static span live_span(const sac_replay *r, size_t env, uint64_t segment, uint64_t length) {
  return (span){.env = env,
                .segment = segment,
                .begin = greatest(segment * length, sac_replay_first(r, env)),
                .end = least((segment + 1) * length, final_frames(r, env))};
}

static uint64_t offset_of(const sac_replay *r, const store *s, uint64_t frame) {
  return HEAD_BYTES + frame % s->length * record_bytes(r);
}

/* As offset_of for the frame after the last one, which may be the next segment's first. */
static uint64_t end_offset(const sac_replay *r, const store *s, uint64_t end) {
  return offset_of(r, s, end - 1) + record_bytes(r);
}

static sac_status segment_path(char path[SAC_PATH_MAX], const char *dir, size_t env,
                               uint64_t segment, sac_error *err) {
  char name[NAME_SIZE];
  snprintf(name, sizeof name, "env%zu.%08llu.frames", env, (unsigned long long)segment);
  return sac_path_join(path, dir, name, err);
}

static void head_of(const sac_replay *r, const store *s, const span *p, uint64_t head[HEAD_WORDS]) {
  memcpy(head, MAGIC, sizeof MAGIC);
  head[1] = VERSION;
  head[2] = p->env;
  head[3] = p->segment;
  head[4] = s->length;
  head[5] = r->obs_dim;
  head[6] = r->act_dim;
  head[7] = record_bytes(r);
}

/* Frames as they lie in a file. */
static void pack(const sac_replay *r, const span *p, char *out) {
  for (uint64_t g = p->begin; g < p->end; g++, out += record_bytes(r)) {
    const size_t slot = sac_replay_slot(r, p->env, g);
    const uint32_t flags = r->flags[slot];
    float *const to = (float *)(void *)out;
    memcpy(to, r->obs + slot * r->obs_dim, 4 * r->obs_dim);
    memcpy(to + r->obs_dim, r->act + slot * r->act_dim, 4 * r->act_dim);
    to[r->obs_dim + r->act_dim] = r->reward[slot];
    memcpy(to + r->obs_dim + r->act_dim + 1, &flags, sizeof flags);
  }
}

/* The inverse; 0 if a frame's flags cannot be. */
static int unpack(sac_replay *r, const span *p, const char *in) {
  for (uint64_t g = p->begin; g < p->end; g++, in += record_bytes(r)) {
    const size_t slot = sac_replay_slot(r, p->env, g);
    const float *const from = (const float *)(const void *)in;
    uint32_t flags;
    memcpy(r->obs + slot * r->obs_dim, from, 4 * r->obs_dim);
    memcpy(r->act + slot * r->act_dim, from + r->obs_dim, 4 * r->act_dim);
    r->reward[slot] = from[r->obs_dim + r->act_dim];
    memcpy(&flags, from + r->obs_dim + r->act_dim + 1, sizeof flags);
    if (flags & ~(uint32_t)SAC_FRAME_FLAGS) return 0;
    r->flags[slot] = (uint8_t)flags;
    r->transitions += flags & SAC_FRAME_ACTED ? 1 : 0;
  }
  return 1;
}

/* --- saving ---------------------------------------------------------------------------------- */

/* Is the part of the segment that an earlier save wrote still there? */
static sac_status check_stored(int fd, const char *path, uint64_t want, sac_error *err) {
  struct stat info;
  if (fstat(fd, &info) != 0) return sac_fail_io(err, path, "read", errno);
  if ((uint64_t)info.st_size >= want) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%.300s: %lld bytes, but %llu had been saved", path,
                  (long long)info.st_size, (unsigned long long)want);
}

/* Write the span's frames that are new, cut off what a crash left behind them, and sync. `had`: the
 * end of what an earlier save wrote of the segment; if that is its beginning it gets its head. */
static sac_status fill_segment(const sac_replay *r, const store *s, const span *p, uint64_t had,
                               const char *packed, int fd, const char *path, sac_error *err) {
  const uint64_t from = greatest(had, p->begin); // frames between them have left the ring unsaved
  if (had > p->segment * s->length) {
    SAC_TRY(check_stored(fd, path, offset_of(r, s, had), err));
  } else {
    uint64_t head[HEAD_WORDS];
    head_of(r, s, p, head);
    SAC_TRY(sac_write_at(fd, path, head, sizeof head, 0, err));
  }
  SAC_TRY(sac_write_at(fd, path, packed + (from - p->begin) * record_bytes(r),
                       (size_t)(p->end - from) * record_bytes(r), offset_of(r, s, from), err));
  if (ftruncate(fd, (off_t)end_offset(r, s, p->end)) != 0 || fsync(fd) != 0)
    return sac_fail_io(err, path, "write", errno);
  return SAC_OK;
}

/* After a failed write: give back the room on the disk, as far as that goes. */
static void undo_segment(const sac_replay *r, const store *s, const span *p, uint64_t had, int fd,
                         const char *path) {
  const int begun_here = had == p->segment * s->length;
  const int done = begun_here ? unlink(path) : ftruncate(fd, (off_t)offset_of(r, s, had));
  (void)done; // the first error is the one to tell
}

static sac_status write_segment(const sac_replay *r, const store *s, const span *p,
                                const char *packed, sac_error *err) {
  char path[SAC_PATH_MAX];
  const uint64_t had = greatest(s->rings[p->env].frames, p->segment * s->length);
  SAC_TRY(segment_path(path, s->dir, p->env, p->segment, err));
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return sac_fail_io(err, path, "write", errno);
  sac_status status = fill_segment(r, s, p, had, packed, fd, path, err);
  if (status == SAC_ERR_IO) undo_segment(r, s, p, had, fd, path);
  if (close(fd) != 0 && status == SAC_OK) status = sac_fail_io(err, path, "write", errno);
  return status;
}

/* Bring one segment to the disk and its checksum into words[2]. *wrote is set if there was anything
 * to write. */
static sac_status save_segment(const sac_replay *r, store *s, const span *p, char *buffer,
                               uint64_t words[SEGMENT_WORDS], int *wrote, sac_error *err) {
  known *const k = known_of(s, p->env, p->segment);
  const int whole = p->end - p->begin == s->length;
  const int new = p->end > s->rings[p->env].frames;
  if (!whole || k->segment_plus_1 != p->segment + 1 || new) {
    pack(r, p, buffer);
    const XXH128_hash_t hash = XXH3_128bits(buffer, (size_t)(p->end - p->begin) * record_bytes(r));
    *k = (known){whole ? p->segment + 1 : 0, hash.low64, hash.high64};
  }
  if (new) {
    SAC_TRY(write_segment(r, s, p, buffer, err));
    *wrote = 1;
  }
  words[0] = k->low;
  words[1] = k->high;
  return SAC_OK;
}

/* One ring's segments and its part of the state; *words moves on. */
static sac_status save_ring(const sac_replay *r, store *s, size_t env, char *buffer,
                            uint64_t **words, int *wrote, sac_error *err) {
  uint64_t first, after, *to = *words;
  segments_of(r, env, s->length, &first, &after);
  *to++ = r->rings[env].frames;
  *to++ = (uint64_t)r->rings[env].open;
  memset(to, 0, open_words(r) * sizeof *to);
  if (r->rings[env].open)
    memcpy(to, r->obs + sac_replay_slot(r, env, r->rings[env].frames - 1) * r->obs_dim,
           4 * r->obs_dim);
  to += open_words(r);
  for (uint64_t k = first; k < after; k++, to += SEGMENT_WORDS) {
    const span p = live_span(r, env, k, s->length);
    SAC_TRY(save_segment(r, s, &p, buffer, to, wrote, err));
  }
  *words = to;
  return SAC_OK;
}

/* A store that begins anew if the folder is another one than last time. */
static sac_status aim(store *s, size_t envs, const char *dir, sac_error *err) {
  if (strcmp(s->dir, dir) == 0) return SAC_OK;
  SAC_TRY(sac_path_join(s->dir, "", dir, err));
  memset(s->rings, 0, envs * sizeof *s->rings);
  return SAC_OK;
}

static void remember(const sac_replay *r, store *s) {
  for (size_t e = 0; e < r->envs; e++) {
    s->rings[e].frames = final_frames(r, e);
    s->rings[e].live = sac_replay_first(r, e);
    segments_of(r, e, s->length, &s->rings[e].first, &s->rings[e].after);
  }
}

static void state_head(const sac_replay *r, const store *s, uint64_t head[STATE_HEAD]) {
  const uint64_t numbers[STATE_HEAD] = {VERSION,    r->capacity, r->envs,
                                        r->obs_dim, r->act_dim,  s->length};
  memcpy(head, numbers, sizeof numbers);
}

sac_status sac_replay_save(sac_replay *r, const char *dir, sac_tensor *state, sac_error *err) {
  SAC_TRY(ensure_store(r, err));
  store *const s = r->store;
  SAC_TRY(aim(s, r->envs, dir, err));
  char *const buffer = malloc((size_t)s->length * record_bytes(r));
  if (!buffer)
    return sac_fail(err, SAC_ERR_NOMEM, "replay: no memory for a segment of %llu frames",
                    (unsigned long long)s->length);
  uint64_t *words = s->state + STATE_HEAD;
  sac_status status = SAC_OK;
  int wrote = 0;
  state_head(r, s, s->state);
  for (size_t e = 0; e < r->envs && status == SAC_OK; e++)
    status = save_ring(r, s, e, buffer, &words, &wrote, err);
  free(buffer);
  if (status == SAC_OK && wrote) status = sac_folder_sync(dir, err);
  if (status != SAC_OK) return status;
  remember(r, s);
  const size_t count = (size_t)(words - s->state);
  *state = (sac_tensor){.name = "replay",
                        .dtype = SAC_U64,
                        .rows = 1,
                        .cols = count,
                        .stride = count,
                        .data = s->state};
  return SAC_OK;
}

/* --- pruning --------------------------------------------------------------------------------- */

/* The environment and number of a segment's file name; 0 for any other name. */
static int parse_name(const char *name, size_t *env, uint64_t *segment) {
  unsigned long long e, k;
  char again[NAME_SIZE];
  if (sscanf(name, "env%llu.%llu.frames", &e, &k) != 2) return 0;
  snprintf(again, sizeof again, "env%llu.%08llu.frames", e, k);
  if (strcmp(name, again) != 0) return 0; // not written by us
  *env = (size_t)e;
  *segment = k;
  return 1;
}

static int needed(const sac_replay *r, const store *s, size_t env, uint64_t segment) {
  return env < r->envs && segment >= s->rings[env].first && segment < s->rings[env].after;
}

static sac_status prune_files(const sac_replay *r, const store *s, const char *dir,
                              sac_error *err) {
  DIR *const list = opendir(dir);
  if (!list) return sac_fail_io(err, dir, "list", errno);
  sac_status status = SAC_OK;
  for (const struct dirent *e; status == SAC_OK && (e = readdir(list)) != NULL;) {
    char path[SAC_PATH_MAX];
    size_t env;
    uint64_t segment;
    if (!parse_name(e->d_name, &env, &segment) || needed(r, s, env, segment)) continue;
    status = sac_path_join(path, dir, e->d_name, err);
    if (status == SAC_OK && unlink(path) != 0 && errno != ENOENT)
      status = sac_fail_io(err, path, "delete", errno);
  }
  closedir(list);
  return status;
}

static sac_status write_zeros(int fd, const char *path, uint64_t from, uint64_t to,
                              sac_error *err) {
  static const char zeros[4096];
  while (from < to) {
    const uint64_t size = least(to - from, sizeof zeros);
    SAC_TRY(sac_write_at(fd, path, zeros, (size_t)size, from, err));
    from += size;
  }
  return SAC_OK;
}

/* Zeros over the frames of a ring's first segment that have left the ring: whether an earlier save
 * wrote them or not, the file is the same. */
static sac_status blank_ring(const sac_replay *r, store *s, size_t env, sac_error *err) {
  stored *const d = &s->rings[env];
  const uint64_t from = greatest(d->blank, d->first * s->length);
  char path[SAC_PATH_MAX];
  if (from >= d->live) return SAC_OK;
  SAC_TRY(segment_path(path, s->dir, env, d->first, err));
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return sac_fail_io(err, path, "write", errno);
  sac_status status = write_zeros(fd, path, offset_of(r, s, from), end_offset(r, s, d->live), err);
  if (close(fd) != 0 && status == SAC_OK) status = sac_fail_io(err, path, "write", errno);
  if (status == SAC_OK) d->blank = d->live;
  return status;
}

sac_status sac_replay_prune(const sac_replay *r, const char *dir, sac_error *err) {
  store *const s = r->store;
  if (!s || strcmp(s->dir, dir) != 0) return SAC_OK; // nothing of ours is there
  SAC_TRY(prune_files(r, s, dir, err));
  for (size_t e = 0; e < r->envs; e++) SAC_TRY(blank_ring(r, s, e, err));
  return SAC_OK;
}

/* --- loading --------------------------------------------------------------------------------- */

/* The state, read number by number. */
typedef struct reader {
  const uint64_t *at, *end;
} reader;

static sac_status bad_state(const char *what, sac_error *err) {
  return sac_fail(err, SAC_ERR_FORMAT, "replay: the checkpoint's state of it is damaged: %s", what);
}

static sac_status load_head(const sac_replay *r, const store *s, reader *in, sac_error *err) {
  uint64_t want[STATE_HEAD];
  state_head(r, s, want);
  if (in->end - in->at < STATE_HEAD) return bad_state("too short", err);
  const uint64_t *const got = in->at;
  if (got[0] != VERSION)
    return sac_fail(err, SAC_ERR_FORMAT, "replay: version %llu of the files, this library reads %d",
                    (unsigned long long)got[0], VERSION);
  if (memcmp(got, want, sizeof want) != 0)
    return sac_fail(err, SAC_ERR_FORMAT,
                    "replay: the checkpoint's is of %llu frames, %llu environments, %llu + %llu "
                    "numbers a frame; this one of %zu, %zu, %zu + %zu",
                    (unsigned long long)got[1], (unsigned long long)got[2],
                    (unsigned long long)got[3], (unsigned long long)got[4], r->capacity, r->envs,
                    r->obs_dim, r->act_dim);
  in->at += STATE_HEAD;
  return SAC_OK;
}

/* The ring's counts and its open observation. */
static sac_status load_ring_head(sac_replay *r, size_t env, reader *in, sac_error *err) {
  sac_ring *const ring = &r->rings[env];
  if ((size_t)(in->end - in->at) < RING_HEAD + open_words(r)) return bad_state("too short", err);
  const uint64_t frames = in->at[0], open = in->at[1];
  // an episode begins with two frames; 2^56 leaves room for every product below
  if (frames == 1 || frames >> 56 || open > 1 || (open && !frames))
    return bad_state("a ring's counts", err);
  ring->frames = frames;
  ring->open = (int)open;
  if (open) {
    const size_t slot = sac_replay_slot(r, env, frames - 1);
    memcpy(r->obs + slot * r->obs_dim, in->at + RING_HEAD, 4 * r->obs_dim);
    memset(r->act + slot * r->act_dim, 0, 4 * r->act_dim);
    r->reward[slot] = 0;
  }
  in->at += RING_HEAD + open_words(r);
  return SAC_OK;
}

/* The head and the live frames of a segment's file. */
static sac_status read_segment(const sac_replay *r, const store *s, const span *p, char *buffer,
                               sac_error *err) {
  char path[SAC_PATH_MAX];
  uint64_t head[HEAD_WORDS], want[HEAD_WORDS];
  SAC_TRY(segment_path(path, s->dir, p->env, p->segment, err));
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return sac_fail_io(err, path, "read", errno);
  sac_status status = sac_read_at(fd, path, head, sizeof head, 0, err);
  if (status == SAC_OK)
    status = sac_read_at(fd, path, buffer, (size_t)(p->end - p->begin) * record_bytes(r),
                         offset_of(r, s, p->begin), err);
  close(fd);
  if (status != SAC_OK) return status;
  head_of(r, s, p, want);
  if (memcmp(head, want, sizeof head) != 0)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: its head is damaged, or of another buffer", path);
  return SAC_OK;
}

static sac_status load_segment(sac_replay *r, store *s, const span *p, char *buffer, reader *in,
                               sac_error *err) {
  if (in->end - in->at < SEGMENT_WORDS) return bad_state("too short", err);
  SAC_TRY(read_segment(r, s, p, buffer, err));
  const XXH128_hash_t hash = XXH3_128bits(buffer, (size_t)(p->end - p->begin) * record_bytes(r));
  if (hash.low64 != in->at[0] || hash.high64 != in->at[1] || !unpack(r, p, buffer)) {
    char path[SAC_PATH_MAX];
    SAC_TRY(segment_path(path, s->dir, p->env, p->segment, err));
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: damaged: frames %llu to %llu (checksum)", path,
                    (unsigned long long)p->begin, (unsigned long long)p->end - 1);
  }
  if (p->end - p->begin == s->length)
    *known_of(s, p->env, p->segment) = (known){p->segment + 1, hash.low64, hash.high64};
  in->at += SEGMENT_WORDS;
  return SAC_OK;
}

static sac_status load_ring(sac_replay *r, store *s, size_t env, char *buffer, reader *in,
                            sac_error *err) {
  uint64_t first, after;
  SAC_TRY(load_ring_head(r, env, in, err));
  segments_of(r, env, s->length, &first, &after);
  for (uint64_t k = first; k < after; k++) {
    const span p = live_span(r, env, k, s->length);
    SAC_TRY(load_segment(r, s, &p, buffer, in, err));
  }
  const sac_ring *const ring = &r->rings[env];
  r->filled = (size_t)greatest(r->filled, least(ring->frames, r->per_env));
  if (!ring->frames) return SAC_OK;
  // the last frame has no action, and the one before it leads there
  const size_t last = sac_replay_slot(r, env, ring->frames - 1);
  const size_t before = sac_replay_slot(r, env, ring->frames - 2);
  if (r->flags[last] || !(r->flags[before] & SAC_FRAME_ACTED))
    return bad_state("a ring's last frames", err);
  return SAC_OK;
}

/* Back to an empty buffer. */
static void empty(sac_replay *r) {
  memset(r->rings, 0, r->envs * sizeof *r->rings);
  memset(r->flags, 0, r->envs * r->per_env * sizeof *r->flags);
  r->transitions = r->filled = 0;
  free(r->store);
  r->store = NULL;
}

static sac_status load_all(sac_replay *r, char *buffer, reader *in, sac_error *err) {
  store *const s = r->store;
  SAC_TRY(load_head(r, s, in, err));
  for (size_t e = 0; e < r->envs; e++) SAC_TRY(load_ring(r, s, e, buffer, in, err));
  return in->at == in->end ? SAC_OK : bad_state("too long", err);
}

sac_status sac_replay_load(sac_replay *r, const char *dir, const uint64_t state[], size_t count,
                           sac_error *err) {
  for (size_t e = 0; e < r->envs; e++)
    if (r->rings[e].frames > 0)
      return sac_fail(err, SAC_ERR_ARG, "replay: a load needs an empty buffer");
  SAC_TRY(ensure_store(r, err));
  store *const s = r->store;
  SAC_TRY(aim(s, r->envs, dir, err));
  char *const buffer = malloc((size_t)s->length * record_bytes(r));
  if (!buffer)
    return sac_fail(err, SAC_ERR_NOMEM, "replay: no memory for a segment of %llu frames",
                    (unsigned long long)s->length);
  reader in = {state, state + count};
  const sac_status status = load_all(r, buffer, &in, err);
  free(buffer);
  if (status == SAC_OK)
    remember(r, s);
  else
    empty(r);
  return status;
}
