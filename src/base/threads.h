/* A fixed pool of threads for short phases. Workers spin briefly for the next phase, then sleep. */
#ifndef SAC_BASE_THREADS_H
#define SAC_BASE_THREADS_H

#include "sac/base.h"

typedef struct sac_pool sac_pool;

/* A pool of `threads` (1 ... 256) including the caller's; 1 starts no thread. */
sac_status sac_pool_create(size_t threads, sac_pool **out, sac_error *err);
void sac_pool_destroy(sac_pool *pool); /* NULL ok */
size_t sac_pool_threads(const sac_pool *pool);

/* Run fn(ctx, t, T) once on each thread t = 0 ... T-1 (the caller is 0) and return when all are
 * done. */
typedef void sac_pool_fn(void *ctx, size_t t, size_t T);
void sac_pool_run(sac_pool *pool, sac_pool_fn *fn, void *ctx);

/* Inside fn: wait until all T threads are here. What they wrote before is visible after. */
void sac_pool_barrier(sac_pool *pool);

/* Thread t's share of n items: [first, last), contiguous, the same for the same (n, t, T). */
static inline void sac_share(size_t n, size_t t, size_t T, size_t *first, size_t *last) {
  *first = n * t / T;
  *last = n * (t + 1) / T;
}

#endif
