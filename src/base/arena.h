/* Bump arena over one block. With base == NULL it only counts, so that one layout function first
 * measures and then carves: the two cannot disagree. */
#ifndef SAC_BASE_ARENA_H
#define SAC_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SAC_ALIGN 64 /* one cache line, one AVX-512 register */

typedef struct sac_arena {
  unsigned char *base;
  size_t used;
} sac_arena;

static inline void *sac_arena_take(sac_arena *m, size_t count, size_t elem_size) {
  const size_t at = (m->used + SAC_ALIGN - 1) & ~(size_t)(SAC_ALIGN - 1);
  m->used = at + count * elem_size;
  return m->base ? m->base + at : NULL;
}
#define SAC_TAKE(m, type, count) ((type *)sac_arena_take((m), (count), sizeof(type)))

/* A zeroed block of at least `size` bytes, aligned for the arena, or NULL; release with free(). */
static inline void *sac_arena_block(size_t size) {
  const size_t rounded = (size + SAC_ALIGN - 1) & ~(size_t)(SAC_ALIGN - 1);
  void *block = aligned_alloc(SAC_ALIGN, rounded ? rounded : SAC_ALIGN);
  if (block) memset(block, 0, rounded);
  return block;
}

#endif
