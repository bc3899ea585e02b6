/* The pool of threads. The plain (not atomic) variables are the point: ThreadSanitizer, under which
 * CI runs this file, sees a race in any of them that phases and barriers fail to order. */
#define _POSIX_C_SOURCE 200809L // nanosleep
#include "check.h"

#include "base/threads.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum { THREADS_MOST = 8, ITEMS = 1000 };

static sac_pool *pool_of(size_t threads) {
  sac_pool *pool = NULL;
  sac_error err;
  assert_ok(sac_pool_create(threads, &pool, &err), err);
  assert_int_equal(sac_pool_threads(pool), threads);
  return pool;
}

/* --- phases ---------------------------------------------------------------------------------- */

struct count {
  int ran[THREADS_MOST]; // by thread
  int items[ITEMS];      // by item
  size_t threads[THREADS_MOST];
};

static void count_runs(void *ctx, size_t t, size_t T) {
  struct count *c = ctx;
  size_t first, last;
  c->ran[t]++;
  c->threads[t] = T;
  sac_share(ITEMS, t, T, &first, &last);
  for (size_t i = first; i < last; i++) c->items[i]++;
}

/* Each thread runs once a phase, all items are someone's, and the caller sees the result. */
static void every_thread_runs_once_a_phase(void **state) {
  (void)state;
  enum { PHASES = 60 };
  for (size_t T = 1; T <= THREADS_MOST; T++) {
    sac_pool *pool = pool_of(T);
    struct count c = {{0}, {0}, {0}};
    for (int phase = 1; phase <= PHASES; phase++) {
      sac_pool_run(pool, count_runs, &c);
      for (size_t t = 0; t < T; t++) assert_int_equal(c.ran[t], phase);
      for (size_t i = 0; i < ITEMS; i++) assert_int_equal(c.items[i], phase);
    }
    for (size_t t = 0; t < T; t++) assert_int_equal(c.threads[t], T);
    for (size_t t = T; t < THREADS_MOST; t++) assert_int_equal(c.ran[t], 0);
    sac_pool_destroy(pool);
  }
}

/* The shares cover 0 ... n-1 in order, and differ by one item at most. */
static void shares_cover_everything_once(void **state) {
  (void)state;
  for (size_t n = 0; n < 70; n++)
    for (size_t T = 1; T <= 9; T++) {
      size_t at = 0;
      for (size_t t = 0; t < T; t++) {
        size_t first, last;
        sac_share(n, t, T, &first, &last);
        assert_int_equal(first, at);
        assert_true(last - first == n / T || last - first == n / T + 1);
        at = last;
      }
      assert_int_equal(at, n);
    }
}

/* --- barriers -------------------------------------------------------------------------------- */

enum { ROUNDS = 40 };

struct relay {
  sac_pool *pool;
  unsigned value[2][THREADS_MOST]; // plain memory, written and read in turns
};

/* A cellular automaton: each thread adds its neighbours' values of the round before. One barrier a
 * round is enough with two buffers; without it a neighbour would be read too early or too late. */
static void run_relay(void *ctx, size_t t, size_t T) {
  struct relay *r = ctx;
  for (unsigned round = 0; round < ROUNDS; round++) {
    const unsigned *old = r->value[round % 2];
    r->value[(round + 1) % 2][t] = old[t] + old[(t + 1) % T] * 3 + (unsigned)t;
    sac_pool_barrier(r->pool);
  }
}

static void what_was_written_before_a_barrier_is_seen_after(void **state) {
  (void)state;
  for (size_t T = 1; T <= THREADS_MOST; T++) {
    struct relay r = {.pool = pool_of(T)};
    unsigned want[2][THREADS_MOST] = {{0}};
    for (int run = 0; run < 3; run++) {
      sac_pool_run(r.pool, run_relay, &r);
      for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t t = 0; t < T; t++)
          want[(round + 1) % 2][t] =
              want[round % 2][t] + want[round % 2][(t + 1) % T] * 3 + (unsigned)t;
      assert_memory_equal(r.value, want, sizeof want);
    }
    sac_pool_destroy(r.pool);
  }
}

/* --- sleep ----------------------------------------------------------------------------------- */

static void pause_ms(long ms) {
  const struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};
  nanosleep(&t, NULL);
}

/* Workers that have long gone to sleep wake for the next phase: a wake-up that is lost would hang
 * here. Pauses of all lengths around the time at which they stop spinning. */
static void sleeping_workers_wake(void **state) {
  (void)state;
  sac_pool *pool = pool_of(4);
  struct count c = {{0}, {0}, {0}};
  int phases = 0;
  for (int round = 0; round < 24; round++) {
    pause_ms(round % 4);
    for (int k = 0; k < round % 3 + 1; k++, phases++) sac_pool_run(pool, count_runs, &c);
  }
  for (size_t t = 0; t < 4; t++) assert_int_equal(c.ran[t], phases);
  pause_ms(20);
  sac_pool_destroy(pool); // and for the end
}

static void count_slowly(void *ctx, size_t t, size_t T) {
  atomic_int *sum = ctx;
  (void)T;
  if (t == 0) pause_ms(5); // the others wait in the barrier
  atomic_fetch_add(sum, 1);
}

static void a_phase_ends_with_its_last_thread(void **state) {
  (void)state;
  for (size_t T = 1; T <= 4; T++) {
    sac_pool *pool = pool_of(T);
    atomic_int sum = 0;
    for (int phase = 1; phase <= 5; phase++) {
      sac_pool_run(pool, count_slowly, &sum);
      assert_int_equal(atomic_load(&sum), phase * (int)T);
    }
    sac_pool_destroy(pool);
  }
}

/* --- life ------------------------------------------------------------------------------------ */

/* Pools that end at once, before their workers have begun, or live side by side. */
static void pools_come_and_go(void **state) {
  (void)state;
  for (int i = 0; i < 40; i++) sac_pool_destroy(pool_of(1 + (size_t)i % THREADS_MOST));
  sac_pool *a = pool_of(3), *b = pool_of(2);
  struct count c = {{0}, {0}, {0}}, d = c;
  for (int i = 0; i < 30; i++) {
    sac_pool_run(a, count_runs, &c);
    sac_pool_run(b, count_runs, &d);
  }
  assert_int_equal(c.ran[2], 30);
  assert_int_equal(d.ran[1], 30);
  sac_pool_destroy(a);
  sac_pool_destroy(b);
  sac_pool_destroy(NULL);
}

static void impossible_numbers_of_threads_are_refused(void **state) {
  (void)state;
  sac_pool *pool = NULL;
  sac_error err;
  assert_int_equal(sac_pool_create(0, &pool, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "threads = 0: must be in [1, 256]");
  assert_int_equal(sac_pool_create(257, &pool, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "threads = 257: must be in [1, 256]");
  assert_null(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_thread_runs_once_a_phase),
      cmocka_unit_test(shares_cover_everything_once),
      cmocka_unit_test(what_was_written_before_a_barrier_is_seen_after),
      cmocka_unit_test(sleeping_workers_wake),
      cmocka_unit_test(a_phase_ends_with_its_last_thread),
      cmocka_unit_test(pools_come_and_go),
      cmocka_unit_test(impossible_numbers_of_threads_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
