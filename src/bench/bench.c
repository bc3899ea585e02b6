#define _POSIX_C_SOURCE 200809L
/* The kernels by name, each on data of its own size in the first cache levels, as in an update. */
#include "sac/bench.h"

#include "base/arena.h"
#include "base/threads.h"
#include "base/try.h"
#include "kernels/bf16.h"
#include "sac/random.h"

#include <time.h>

/* HalfCheetah's sizes. A unit is the rows of weights that a thread steps at a time (src/nn). */
enum {
  O = 17,
  A = 6,
  H = 256,
  B = 256,
  UNIT = 32,
  LD = H + SAC_LANES,
  SIZE = (H + 1) * LD,
  LD_WORDS = H / 2 + SAC_LANES,
  FMA_ROUNDS = 4096,
  DOT_ROUNDS = 32
};

/* What one thread works on. */
typedef struct desk {
  float *x, *y, *z, *w, *bias, *m, *v, *target;
  uint32_t *words, *across, *down; /* the last two are x and w in bf16 */
  float sink;
} desk;

static void layout(sac_arena *arena, desk *d) {
  float **const matrix[] = {&d->x, &d->y, &d->z, &d->w, &d->m, &d->v, &d->target};
  for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++)
    *matrix[i] = SAC_TAKE(arena, float, SIZE);
  d->bias = SAC_TAKE(arena, float, LD);
  d->words = SAC_TAKE(arena, uint32_t, B * 2 * A);
  d->across = SAC_TAKE(arena, uint32_t, H * LD_WORDS);
  d->down = SAC_TAKE(arena, uint32_t, H / 2 * LD);
}

/* Numbers of the usual size, so that no kernel meets denormals or a mask of one kind. */
static void fill(desk *d) {
  enum { DRAWN = 1009 };
  float drawn[DRAWN];
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 0);
  float *const matrix[] = {d->x, d->y, d->z, d->w, d->m, d->target};
  for (size_t k = 0; k < DRAWN; k++) drawn[k] = (float)(0.2 * sac_stream_uniform(&s) - 0.1);
  for (size_t i = 0; i < sizeof matrix / sizeof *matrix; i++)
    for (size_t k = 0; k < SIZE; k++) matrix[i][k] = drawn[(k + 100 * i) % DRAWN];
  for (size_t k = 0; k < SIZE; k++) d->v[k] = drawn[k % DRAWN] + 0.2f;
  for (size_t k = 0; k < B * 2 * A; k++) d->words[k] = sac_stream_u32(&s);
  const sac_kernels_bf16 *bf16 = sac_kernels_bf16_get();
  if (!bf16) return;
  bf16->pack_across(H, H, d->x, LD, d->across, LD_WORDS);
  bf16->pack_down(H, H, d->w, LD, d->down, LD);
}

/* --- the kernels ----------------------------------------------------------------------------- */

static void fma_peak(const sac_kernels *k, desk *d) {
  d->sink += k->fma_chains(FMA_ROUNDS, 0.999f, 1e-3f);
}
static void dot_peak(const sac_kernels *k, desk *d) {
  (void)k;
  d->sink += sac_kernels_bf16_get()->dot_chains(DOT_ROUNDS, 0x3f803f80, 0x3a833a83);
}
static sac_gemm product(const desk *d, size_t M, size_t N, size_t K) {
  return (sac_gemm){.M = M,
                    .N = N,
                    .K = K,
                    .A = d->x,
                    .a_row = LD,
                    .a_col = 1,
                    .B = d->w,
                    .ldb = N == H ? H : LD,
                    .C = d->z,
                    .ldc = LD};
}
static void gemm_first(const sac_kernels *k, desk *d) {
  sac_gemm g = product(d, B, H, O + A);
  g.bias = d->bias;
  g.relu = 1;
  k->gemm(&g);
}
static void gemm_forward(const sac_kernels *k, desk *d) {
  sac_gemm g = product(d, B, H, H);
  g.bias = d->bias;
  g.relu = 1;
  k->gemm(&g);
}
static void gemm_backward(const sac_kernels *k, desk *d) {
  sac_gemm g = product(d, B, H, H);
  g.ldb = LD; /* the kept transposes have a row more, see sac_row */
  g.mask = d->y;
  g.ldm = LD;
  k->gemm(&g);
}
static void gemm_weights(const sac_kernels *k, desk *d) {
  sac_gemm g = product(d, UNIT, H, B);
  g.a_row = 1;
  g.a_col = LD;
  g.B = d->y;
  g.ldb = LD;
  g.ldc = H;
  k->gemm(&g);
}
static void gemm_actions(const sac_kernels *k, desk *d) {
  sac_gemm g = product(d, B, SAC_LANES, H);
  k->gemm(&g);
}
static void gemm_bf16(const sac_kernels *k, desk *d) {
  (void)k;
  sac_kernels_bf16_get()->gemm_pairs(&(sac_gemm_bf16){.M = B,
                                                      .N = H,
                                                      .K = H / 2,
                                                      .A = d->across,
                                                      .a_row = LD_WORDS,
                                                      .a_col = 1,
                                                      .B = d->down,
                                                      .ldb = LD,
                                                      .C = d->z,
                                                      .ldc = LD,
                                                      .bias = d->bias,
                                                      .relu = 1});
}
static void dot_rows(const sac_kernels *k, desk *d) {
  k->dot_rows(B, H, d->x, LD, d->w, 0.1f, d->z);
}
static void outer_masked(const sac_kernels *k, desk *d) {
  k->outer_masked(B, H, d->x, d->w, d->y, LD, d->z, LD);
}
static void sum_columns(const sac_kernels *k, desk *d) {
  k->sum_columns(B, H, NULL, d->x, LD, d->z);
}
static void transpose(const sac_kernels *k, desk *d) {
  k->transpose(UNIT, H, d->w, H, d->z, LD);
}
static void adam(const sac_kernels *k, desk *d) {
  const sac_adam_step step = {3e-4f, 0.9f, 0.999f, 1e-8f, 1.0f, 1.0f, 0.0f, 0};
  d->sink += (float)k->adam(UNIT * H, &step, d->x, d->m, d->v, d->w, 0.005f, d->target);
}
static void normals(const sac_kernels *k, desk *d) {
  k->normals(B * A, d->words, d->z);
}
static void log_std(const sac_kernels *k, desk *d) {
  const sac_log_std_map map = {0, -20.0f, 2.0f};
  k->log_std(B * A, &map, d->x, d->z, d->y);
}
static void tanh_normal(const sac_kernels *k, desk *d) {
  k->tanh_normal(B * A, d->x, d->m, d->target, d->z, d->z + B * A, d->z + 2 * B * A,
                 d->z + 3 * B * A);
}
static void tanh_each(const sac_kernels *k, desk *d) {
  k->tanh(B * A, d->x, d->z);
}

#define PRODUCT(m, n, k) (2.0 * (m) * (n) * (k))
static const sac_bench_kernel facts[] = {
    {"fma", "fused multiply-adds in registers: the peak", (double)SAC_FMA_FLOPS *FMA_ROUNDS, 0},
    {"dot_bf16", "dot products of pairs of bf16 in registers: bf16's peak",
     (double)SAC_DOT_FLOPS *DOT_ROUNDS, 1},
    {"gemm_first", "256 x 256 x 23, bias and ReLU", PRODUCT(B, H, O + A), 0},
    {"gemm_forward", "256 x 256 x 256, bias and ReLU", PRODUCT(B, H, H), 0},
    {"gemm_backward", "256 x 256 x 256, masked", PRODUCT(B, H, H), 0},
    {"gemm_weights", "32 x 256 x 256, the first operand a transpose", PRODUCT(UNIT, H, B), 0},
    {"gemm_actions", "256 x 16 x 256", PRODUCT(B, SAC_LANES, H), 0},
    {"gemm_bf16", "256 x 256 x 256 of bf16, bias and ReLU", PRODUCT(B, H, H), 1},
    {"dot_rows", "256 x 256 times a vector", PRODUCT(B, H, 1), 0},
    {"outer_masked", "256 x 256", 0.0, 0},
    {"sum_columns", "256 x 256", 0.0, 0},
    {"transpose", "32 x 256", 0.0, 0},
    {"adam", "8,192 weights, with target", 0.0, 0},
    {"normals", "1,536", 0.0, 0},
    {"log_std", "1,536, clamped", 0.0, 0},
    {"tanh_normal", "1,536", 0.0, 0},
    {"tanh", "1,536", 0.0, 0},
};
enum { KERNELS = sizeof facts / sizeof *facts };
static void (*const calls[KERNELS])(const sac_kernels *k, desk *d) = {
    fma_peak,     dot_peak,  gemm_first, gemm_forward, gemm_backward, gemm_weights,
    gemm_actions, gemm_bf16, dot_rows,   outer_masked, sum_columns,   transpose,
    adam,         normals,   log_std,    tanh_normal,  tanh_each};

const sac_bench_kernel *sac_bench_kernels(size_t *count) {
  *count = KERNELS;
  return facts;
}

/* --- timing ---------------------------------------------------------------------------------- */

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What the threads share. */
struct timing {
  size_t index, calls;
  const sac_kernels *k;
  desk *desks; /* one a thread */
};

static void run_calls(void *ctx, size_t t, size_t T) {
  const struct timing *work = ctx;
  (void)T;
  for (size_t i = 0; i < work->calls; i++) calls[work->index](work->k, &work->desks[t]);
}

/* Every thread's desk in one block. */
static desk *make_desks(size_t threads) {
  sac_arena arena = {0};
  desk measured;
  SAC_TAKE(&arena, desk, threads);
  for (size_t t = 0; t < threads; t++) layout(&arena, &measured);
  arena = (sac_arena){.base = sac_arena_block(arena.used)};
  desk *desks = arena.base ? SAC_TAKE(&arena, desk, threads) : NULL;
  for (size_t t = 0; desks && t < threads; t++) {
    layout(&arena, &desks[t]);
    fill(&desks[t]);
  }
  return desks;
}

sac_status sac_bench_run(size_t index, size_t threads, size_t count, double *seconds,
                         sac_error *err) {
  if (index >= KERNELS)
    return sac_fail(err, SAC_ERR_ARG, "kernel %zu: there are %d", index, (int)KERNELS);
  if (facts[index].bf16 && !sac_kernels_bf16_get())
    return sac_fail(err, SAC_ERR_ARG, "kernel %s: the CPU, or SAC_ISA, has no bf16 products",
                    facts[index].name);
  if (!count) return sac_fail(err, SAC_ERR_ARG, "calls = 0: must be at least 1");
  sac_pool *pool;
  SAC_TRY(sac_pool_create(threads, &pool, err));
  struct timing work = {index, 1, sac_kernels_get(), make_desks(threads)};
  if (!work.desks) {
    sac_pool_destroy(pool);
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for a benchmark on %zu threads", threads);
  }
  sac_pool_run(pool, run_calls, &work); /* wakes the threads, fills the caches */
  work.calls = count;
  const double start = now();
  sac_pool_run(pool, run_calls, &work);
  *seconds = now() - start;
  sac_pool_destroy(pool);
  free(work.desks);
  return SAC_OK;
}

/* --- counting -------------------------------------------------------------------------------- */

double sac_bench_update_flops(size_t obs, size_t act, size_t width, size_t layers, size_t batch) {
  const double h = (double)width, middle = h * h * (double)(layers - 1);
  const double actor_first = (double)obs * h, critic_first = (double)(obs + act) * h;
  const double actor = actor_first + middle + h * 2.0 * (double)act;
  const double critic = critic_first + middle + h;
  /* products of a weight matrix, each 2 operations a weight and sample: forward, its gradient, and
   * its input's gradient, which the first layer of a network that is stepped needs not */
  const double targets = actor + 2.0 * critic;
  const double critics = 2.0 * (3.0 * critic - critic_first);
  const double policy = 3.0 * actor - actor_first + 2.0 * 2.0 * critic;
  return 2.0 * (double)batch * (targets + critics + policy);
}

int sac_bench_optimized(void) {
#ifdef __OPTIMIZE__
  return 1;
#else
  return 0;
#endif
}
