/* Counter-based random streams: Philox4x32-10 [R123, Salmon et al. 2011].
 * A stream is a value: (seed, purpose, index) names it, so no stream can move another, and a run's
 * whole randomness is its seed and its counters. */
#ifndef SAC_RANDOM_H
#define SAC_RANDOM_H

#include "sac/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A position in one stream. Plain data: copy it to branch, compare it, keep it on the stack.
 * One stream serves one thread at a time. It gives 2^34 words before it repeats. */
typedef struct sac_stream {
  uint32_t key[2];     /* the seed */
  uint32_t counter[4]; /* block number, purpose, index (low, high) */
  uint32_t block[4];   /* the words of the present block */
  uint32_t used;       /* how many of them are spent, 0 ... 4 */
} sac_stream;

/* The purposes of the streams that the library itself draws from; a user's own begin at
 * SAC_STREAM_USER. Two streams with different purposes are independent. */
enum {
  SAC_STREAM_INIT = 1,     /* network weights; index = tensor */
  SAC_STREAM_RESET = 2,    /* episodes: their seeds in a run; within one, (that seed, RESET, 0) */
  SAC_STREAM_WARMUP = 3,   /* random actions; index = environment and step */
  SAC_STREAM_EXPLORE = 4,  /* exploration noise; index = environment and step */
  SAC_STREAM_BATCH = 5,    /* which transitions an update sees; index = update and row */
  SAC_STREAM_TARGET = 6,   /* policy noise at s' in the critic's target; index = update and row */
  SAC_STREAM_ACTOR = 7,    /* policy noise at s in the actor's loss; index = update and row */
  SAC_STREAM_EVALUATE = 8, /* evaluation: resets and, if stochastic, noise */
  SAC_STREAM_ALPHA = 9,    /* a fresh policy sample for the temperature's step */
  SAC_STREAM_SUBSET = 10,  /* the critics whose minimum a target takes; index = update */
  SAC_STREAM_DROPOUT = 11, /* a critic's units that a pass sets to 0; index = pass and row */
  SAC_STREAM_USER = 1024
};

/* The stream named (seed, purpose, index), at its beginning. All values are legal. */
SAC_API sac_stream sac_stream_make(uint64_t seed, uint32_t purpose, uint64_t index);

/* The next 32 or 64 random bits. */
SAC_API uint32_t sac_stream_u32(sac_stream *stream);
SAC_API uint64_t sac_stream_u64(sac_stream *stream);

/* Uniform on the open interval (0, 1), 52 random bits: never 0, never 1. */
SAC_API double sac_stream_uniform(sac_stream *stream);

/* Uniform on {0, ..., n - 1}, exactly (no modulo bias); n > 0. */
SAC_API uint64_t sac_stream_below(sac_stream *stream, uint64_t n);

/* n standard normals by Box-Muller, in double: two words a number, so that the first n of a longer
 * call are the same numbers. */
SAC_API void sac_stream_normals(sac_stream *stream, size_t n, double out[]);

#ifdef __cplusplus
}
#endif
#endif
