#include "train/explore.h"

#include <math.h>

enum { OCTAVES = 10, MATRIX = 14, LENGTHS = 15, STEP_BITS = 40, ENV_BITS = 12 };

/* Octave (4 bits; MATRIX for what gsde holds, LENGTHS for what zeta holds), environment (12) and
 * block (40) make the index. */
static sac_stream stream_of(const sac_train_options *o, uint32_t purpose, unsigned octave,
                            size_t env, uint64_t block) {
  const uint64_t index =
      (uint64_t)octave << (STEP_BITS + ENV_BITS) | (uint64_t)env << STEP_BITS | block;
  return sac_stream_make((uint64_t)o->seed, purpose, index);
}

/* One draw of A normals. */
static void draw(const sac_train_options *o, uint32_t purpose, unsigned octave, size_t env,
                 uint64_t block, size_t A, double out[]) {
  sac_stream stream = stream_of(o, purpose, octave, env, block);
  sac_stream_normals(&stream, A, out);
}

/* Octave k changes every 2^k steps; its clock is half a period late, so that no two octaves change
 * at the same step. */
static void pink(const sac_train_options *o, uint32_t purpose, size_t env, uint64_t t, size_t A,
                 double out[]) {
  double z[SAC_EXPLORE_ACTIONS_MAX];
  for (size_t i = 0; i < A; i++) out[i] = 0.0;
  for (unsigned k = 0; k < OCTAVES; k++) {
    const uint64_t half = (UINT64_C(1) << k) / 2;
    draw(o, purpose, k, env, (t + half) >> k, A, z);
    for (size_t i = 0; i < A; i++) out[i] += z[i];
  }
  for (size_t i = 0; i < A; i++) out[i] /= sqrt((double)OCTAVES);
}

/* --- zeta: a draw stays n steps, P(n) ~ n^-2, n <= noise_hold
 * -------------------------------------
 *
 * A length n(t) is named for every step, whether a draw begins there or not; draws begin at 0, and
 * where the one before ends. */

struct lengths {
  const sac_train_options *o;
  uint32_t purpose;
  size_t env;
  uint64_t most;
  double total; /* sum of n^-2 */
};

static uint64_t length_at(const struct lengths *l, uint64_t t) {
  sac_stream stream = stream_of(l->o, l->purpose, LENGTHS, l->env, t);
  double u = l->total * sac_stream_uniform(&stream);
  for (uint64_t n = 1; n < l->most; n++) {
    u -= 1.0 / (double)(n * n);
    if (u < 0.0) return n;
  }
  return l->most;
}

/* The last step before s whose length would reach beyond s, or s if there is none: then a draw
 * begins at s, whatever came before. */
static uint64_t overlapping(const struct lengths *l, uint64_t s) {
  for (uint64_t j = 1; j < l->most && j <= s; j++)
    if (length_at(l, s - j) > j) return s - j;
  return s;
}

/* The step at which the draw that holds at step t began: back to a step where one begins for
 * certain (no step after an overlapping one and up to s is), then from draw to draw. */
static uint64_t zeta_start(const struct lengths *l, uint64_t t) {
  uint64_t s = t, before;
  while ((before = overlapping(l, s)) != s) s = before;
  for (uint64_t next; (next = s + length_at(l, s)) <= t;) s = next;
  return s;
}

static uint64_t zeta_block(const sac_train_options *o, uint32_t purpose, size_t env, uint64_t t) {
  struct lengths l = {o, purpose, env, (uint64_t)o->noise_hold, 0.0};
  for (uint64_t n = 1; n <= l.most; n++) l.total += 1.0 / (double)(n * n);
  return zeta_start(&l, t);
}

void sac_explore_normals(const sac_train_options *o, uint32_t purpose, size_t env, uint64_t t,
                         size_t A, double out[]) {
  switch (o->noise) {
  case SAC_NOISE_PINK:
    pink(o, purpose, env, t, A, out);
    return;
  case SAC_NOISE_HELD:
    t /= (uint64_t)o->noise_hold;
    break;
  case SAC_NOISE_ZETA:
    if (purpose != SAC_STREAM_WARMUP) t = zeta_block(o, purpose, env, t);
    break;
  default:
    break;
  }
  draw(o, purpose, 0, env, t, A, out);
}

void sac_explore_noise(const sac_train_options *o, size_t E, size_t A, uint64_t t, float noise[]) {
  double z[SAC_EXPLORE_ACTIONS_MAX];
  for (size_t e = 0; e < E; e++) {
    sac_explore_normals(o, SAC_STREAM_EXPLORE, e, t, A, z);
    for (size_t i = 0; i < A; i++) noise[e * A + i] = (float)z[i];
  }
}

uint64_t sac_explore_drawn_at(const sac_train_options *o, uint64_t t, uint64_t length) {
  return t - (o->sde_sample_freq > 0 ? length % (uint64_t)o->sde_sample_freq : length);
}

void sac_explore_matrix(const sac_train_options *o, size_t env, uint64_t t, size_t rows, size_t A,
                        float z[]) {
  double row[SAC_EXPLORE_ACTIONS_MAX];
  sac_stream stream = stream_of(o, SAC_STREAM_EXPLORE, MATRIX, env, t);
  for (size_t i = 0; i < rows; i++) {
    sac_stream_normals(&stream, A, row);
    for (size_t j = 0; j < A; j++) z[i * A + j] = (float)row[j];
  }
}

static double normal_cdf(double z) {
  return 0.5 * erfc(-z * 0.70710678118654752440);
}

/* u in [0, 1], uniform, to one of K numbers, each as likely. */
static float choice(double u, size_t K) {
  const size_t i = (size_t)(u * (double)K);
  return (float)(i < K ? i : K - 1);
}

/* The float nearest to a that lies in [low, high]; a float's width is enough room for one. */
static float float_within(double a, double low, double high) {
  const float f = (float)a;
  if ((double)f < low) return nextafterf(f, HUGE_VALF);
  if ((double)f > high) return nextafterf(f, -HUGE_VALF);
  return f;
}

void sac_explore_cut(const sac_space *space, const float act[], float within[]) {
  for (size_t i = 0; i < space->act_dim; i++) {
    const double low = space->act_low[i], high = space->act_high[i], a = (double)act[i];
    within[i] = a < low    ? float_within(low, low, high)
                : a > high ? float_within(high, low, high)
                           : act[i];
  }
}

void sac_explore_warmup(const sac_train_options *o, const sac_space *space, size_t actions,
                        size_t E, uint64_t t, float act[]) {
  const size_t A = space->act_dim;
  double z[SAC_EXPLORE_ACTIONS_MAX];
  for (size_t e = 0; e < E; e++) {
    sac_explore_normals(o, SAC_STREAM_WARMUP, e, t, A, z);
    for (size_t i = 0; i < A; i++) {
      const double low = space->act_low[i], high = space->act_high[i];
      const double u = normal_cdf(z[i]), a = low + (high - low) * u;
      act[e * A + i] = actions ? choice(u, actions) : float_within(a, low, high);
    }
  }
}
