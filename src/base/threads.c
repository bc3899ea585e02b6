#define _GNU_SOURCE
#include "base/threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A barrier is passed within microseconds unless a thread has lost its core: then others must run.
 */
enum { PHASE_SPINS = 20000, BARRIER_SPINS = 2000, MAX_THREADS = 256, CACHE_LINE = 64 };

struct sac_pool {
  size_t threads;
  size_t started; /* workers that run */
  sac_pool_fn *fn;
  void *ctx;
  _Alignas(CACHE_LINE) atomic_uint phase;   /* raised for each run; workers wait for it */
  _Alignas(CACHE_LINE) atomic_uint arrived; /* at the present barrier */
  _Alignas(CACHE_LINE) atomic_uint round;   /* barriers passed */
  atomic_uint sleepers;                     /* workers that wait on `wake` */
  atomic_int quit;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_t *workers;
};

struct worker {
  sac_pool *pool;
  size_t t;
};

static void relax(void) {
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("yield");
#endif
}

/* Wait until *word differs from `old`: spin, then let others run. */
static void spin_while(atomic_uint *word, unsigned old) {
  for (unsigned n = 0; atomic_load_explicit(word, memory_order_acquire) == old; n++) {
    if (n < BARRIER_SPINS)
      relax();
    else
      sched_yield();
  }
}

void sac_pool_barrier(sac_pool *pool) {
  if (pool->threads == 1) return;
  const unsigned round = atomic_load_explicit(&pool->round, memory_order_relaxed);
  if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) + 1 == pool->threads) {
    atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->round, round + 1, memory_order_release);
  } else {
    spin_while(&pool->round, round);
  }
}

/* Wait for the next phase: spin first, then sleep on the condition. */
static void wait_phase(sac_pool *pool, unsigned seen) {
  for (unsigned n = 0; n < PHASE_SPINS; n++) {
    if (atomic_load_explicit(&pool->phase, memory_order_acquire) != seen) return;
    relax();
  }
  pthread_mutex_lock(&pool->lock);
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->phase) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->lock);
}

/* Begin a phase. The lock is taken only if someone sleeps: `sleepers` is raised under the lock and
 * before `phase` is read again, so a worker that missed the new phase is seen here. */
static void start_phase(sac_pool *pool) {
  atomic_fetch_add(&pool->phase, 1);
  if (!atomic_load(&pool->sleepers)) return;
  pthread_mutex_lock(&pool->lock);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->lock);
}

static void *work(void *arg) {
  const struct worker self = *(struct worker *)arg;
  sac_pool *pool = self.pool;
  free(arg);
  for (unsigned seen = 0;; seen++) {
    wait_phase(pool, seen);
    if (atomic_load(&pool->quit)) return NULL;
    pool->fn(pool->ctx, self.t, pool->threads);
    sac_pool_barrier(pool);
  }
}

void sac_pool_run(sac_pool *pool, sac_pool_fn *fn, void *ctx) {
  pool->fn = fn;
  pool->ctx = ctx;
  if (pool->threads > 1) start_phase(pool);
  fn(ctx, 0, pool->threads);
  sac_pool_barrier(pool);
}

size_t sac_pool_threads(const sac_pool *pool) {
  return pool->threads;
}

sac_status sac_pool_create(size_t threads, sac_pool **out, sac_error *err) {
  if (threads < 1 || threads > MAX_THREADS)
    return sac_fail(err, SAC_ERR_ARG, "threads = %zu: must be in [1, %d]", threads, MAX_THREADS);
  sac_pool *pool = aligned_alloc(CACHE_LINE, sizeof *pool);
  pthread_t *workers = calloc(threads, sizeof *workers);
  if (!pool || !workers) {
    free(pool);
    free(workers);
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for a pool of %zu threads", threads);
  }
  memset(pool, 0, sizeof *pool);
  pool->threads = threads;
  pool->workers = workers;
  pthread_mutex_init(&pool->lock, NULL);
  pthread_cond_init(&pool->wake, NULL);
  for (size_t t = 1; t < threads; t++) {
    struct worker *w = malloc(sizeof *w);
    if (w) *w = (struct worker){pool, t};
    if (!w || pthread_create(&workers[pool->started], NULL, work, w)) {
      free(w);
      sac_pool_destroy(pool);
      return sac_fail(err, SAC_ERR_NOMEM, "thread %zu of %zu cannot be started", t + 1, threads);
    }
    pool->started++;
  }
  *out = pool;
  return SAC_OK;
}

void sac_pool_destroy(sac_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->quit, 1);
  start_phase(pool);
  for (size_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i], NULL);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->lock);
  free(pool->workers);
  free(pool);
}
