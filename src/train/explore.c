#include "train/explore.h"

#include <math.h>

enum { OCTAVES = 10, STEP_BITS = 40, ENV_BITS = 12 };

/* One draw of A normals: octave (4 bits), environment (12) and block (40) make the stream's index.
 */
static void draw(const sac_train_options *o, uint32_t purpose, unsigned octave, size_t env,
                 uint64_t block, size_t A, double out[]) {
  const uint64_t index =
      (uint64_t)octave << (STEP_BITS + ENV_BITS) | (uint64_t)env << STEP_BITS | block;
  sac_stream stream = sac_stream_make((uint64_t)o->seed, purpose, index);
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

void sac_explore_normals(const sac_train_options *o, uint32_t purpose, size_t env, uint64_t t,
                         size_t A, double out[]) {
  switch (o->noise) {
  case SAC_NOISE_PINK:
    pink(o, purpose, env, t, A, out);
    return;
  case SAC_NOISE_HELD:
    t /= (uint64_t)o->noise_hold;
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
