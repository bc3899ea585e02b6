/* Inside the replay buffer: what replay.c and segments.c share. */
#ifndef SAC_REPLAY_BUFFER_H
#define SAC_REPLAY_BUFFER_H

#include "sac/replay.h"

enum {
  SAC_FRAME_ACTED = 1,      /* the frame begins a transition; its successor is stored too */
  SAC_FRAME_TERMINATED = 2, /* that transition ends the decision process */
  SAC_FRAME_FLAGS = 3       /* all of them */
};

/* One environment's frames. Frame number g since the start stands in slot g % per_env of the ring;
 * the last min(frames, per_env) of them are stored. */
typedef struct sac_ring {
  uint64_t frames; /* pushed since the start, the open one included */
  int open;        /* the last frame waits for its action: the episode goes on from there */
} sac_ring;

struct sac_replay {
  size_t capacity, envs, per_env; /* frames asked for; rings; frames a ring */
  size_t obs_dim, act_dim;        /* O, A */
  size_t transitions;             /* frames that carry SAC_FRAME_ACTED */
  size_t filled;                  /* slots in use in the fullest ring */
  sac_ring *rings;                /* (E) */
  float *obs;                     /* (E, per_env, O) */
  float *act;                     /* (E, per_env, A), zero where there is no action */
  float *reward;                  /* (E, per_env) */
  uint8_t *flags;                 /* (E, per_env) SAC_FRAME_... */
  void *store;                    /* what segments.c keeps from save to save, one block, or NULL */
};

/* Where frame g of environment env stands in the arrays above. */
static inline size_t sac_replay_slot(const sac_replay *replay, size_t env, uint64_t g) {
  return env * replay->per_env + (size_t)(g % replay->per_env);
}

static inline void sac_touch(const volatile float *p, size_t n) {
  for (size_t i = 0; i < n; i += 64 / sizeof *p) (void)p[i];
  (void)p[n - 1];
}

/* Read a number of each cache line of the transition that begins in slot `index`, for nothing: a
 * batch lies anywhere in the buffer, and of reads that need nothing of each other many are under
 * way at once. (A prefetch has no effect where the page is not in the TLB.) */
static inline void sac_replay_touch(const sac_replay *replay, size_t index) {
  const size_t O = replay->obs_dim, A = replay->act_dim;
  const size_t frames = index + 1 < replay->envs * replay->per_env ? 2 : 1;
  sac_touch(replay->obs + index * O, frames * O); /* s, and s' behind it */
  sac_touch(replay->act + index * A, A);
  sac_touch(replay->reward + index, 1);
}

/* The first frame of a ring that is still stored. */
static inline uint64_t sac_replay_first(const sac_replay *replay, size_t env) {
  const uint64_t frames = replay->rings[env].frames;
  return frames > replay->per_env ? frames - replay->per_env : 0;
}

#endif
