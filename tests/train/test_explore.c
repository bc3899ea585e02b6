/* Exploration noise and warm-up actions: distribution, correlation in time, no state. */
#include "check.h"

#include "sac/agent.h"
#include "train/explore.h"

#include <string.h>

enum { N = 65536 };

static double series[N];

static sac_train_options noise_of(int kind) {
  sac_train_options o = sac_run_options_default().train;
  o.noise = kind;
  o.noise_hold = 8;
  o.seed = 3;
  return o;
}

/* The first component of environment 1 over N steps. */
static void record(int kind) {
  const sac_train_options o = noise_of(kind);
  for (size_t t = 0; t < N; t++) {
    double z[2];
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 1, t, 2, z);
    series[t] = z[0];
  }
}

static double mean_product(size_t lag) {
  double sum = 0.0;
  for (size_t t = 0; t + lag < N; t++) sum += series[t] * series[t + lag];
  return sum / (double)(N - lag);
}

/* White: mean 0, variance 1, lag-1 correlation 0, each within 5 standard errors (false alarm 6e-7).
 */
static void white_is_white(void **state) {
  (void)state;
  record(SAC_NOISE_WHITE);
  double mean = 0.0;
  for (size_t t = 0; t < N; t++) mean += series[t] / N;
  assert_close(mean, 0.0, 5.0 / sqrt(N), 0.0);
  assert_close(mean_product(0), 1.0, 5.0 * sqrt(2.0 / N), 0.0);
  assert_close(mean_product(1), 0.0, 5.0 / sqrt(N), 0.0);
}

/* Held: constant within blocks of 8 that begin at multiples of 8, independent between blocks: the
 * correlation at lag 4 is the share of pairs in one block, 1/2, over N/8 independent draws. */
static void held_stays(void **state) {
  (void)state;
  record(SAC_NOISE_HELD);
  for (size_t t = 0; t < N; t++) assert_true(series[t] == series[t / 8 * 8]);
  assert_close(mean_product(0), 1.0, 5.0 * sqrt(2.0 * 8 / N), 0.0);
  assert_close(mean_product(4), 0.5, 5.0 * sqrt(2.0 * 8 / N), 0.0);
  assert_close(mean_product(8), 0.0, 5.0 * sqrt(2.0 * 8 / N), 0.0);
}

/* Zeta: runs of equal values are independent draws of a length n with P(n) = n^-2 / sum of m^-2 up
 * to 8, each share within 5 standard errors of a binomial over the runs; and no run follows from
 * the one before: the lengths' lag-1 correlation is 0 within 5 standard errors. */
static void zeta_stays_for_drawn_lengths(void **state) {
  (void)state;
  record(SAC_NOISE_ZETA);
  int count[9] = {0}, runs = 0;
  double total = 0.0, mean = 0.0, square = 0.0, sum = 0.0, sum2 = 0.0, before = 0.0;
  for (int n = 1; n <= 8; n++) total += 1.0 / (n * n);
  for (int n = 1; n <= 8; n++) mean += 1.0 / (n * total), square += 1.0 / total;
  size_t t = 0;
  while (t < N) {
    size_t n = 1;
    while (t + n < N && series[t + n] == series[t]) n++;
    t += n;
    if (t == N) break; /* cut short by the end */
    assert_in_range(n, 1, 8);
    count[n]++, runs++;
    if (runs > 1) sum += ((double)n - mean) * (before - mean);
    before = (double)n;
  }
  for (int n = 1; n <= 8; n++) {
    const double p = 1.0 / (n * n * total);
    assert_close(count[n], p * runs, 5.0 * sqrt(p * (1.0 - p) * runs), 0.0);
  }
  sum2 = square - mean * mean; /* the variance of a length */
  assert_close(sum / runs, 0.0, 5.0 * sum2 / sqrt(runs), 0.0);
  assert_close(mean_product(0), 1.0, 5.0 * sqrt(2.0 * 8 / N), 0.0);
}

/* The lengths asked for at random steps and for the longest hold are those of the sequence. */
static void zeta_is_found_from_any_step(void **state) {
  (void)state;
  sac_train_options o = noise_of(SAC_NOISE_ZETA);
  o.noise_hold = SAC_EXPLORE_ZETA_MAX;
  enum { STEPS = 3000 };
  for (size_t t = 0; t < STEPS; t++)
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 1, t, 1, &series[t]);
  size_t longest = 1, n = 1;
  for (size_t t = 1; t < STEPS; t++) {
    n = series[t] == series[t - 1] ? n + 1 : 1;
    if (n > longest) longest = n;
    if (n == 1) /* a value that is over does not come back */
      for (size_t k = 0; k < t; k++) assert_true(series[k] != series[t]);
  }
  assert_in_range(longest, 30, SAC_EXPLORE_ZETA_MAX); /* 800 holds: P(all below 30) ~ e^-16 */
  double warm[2];
  for (size_t t = 0; t < 2; t++) sac_explore_normals(&o, SAC_STREAM_WARMUP, 1, t, 1, &warm[t]);
  o.noise = SAC_NOISE_WHITE;
  for (size_t t = 0; t < 2; t++) {
    double z;
    sac_explore_normals(&o, SAC_STREAM_WARMUP, 1, t, 1, &z);
    assert_true(z == warm[t]);
  }
}

/* Pink: octave k has correlation max(0, 1 - lag/2^k) with itself, so ten octaves have the mean of
 * those: at lag d, 1/10 sum_k max(0, 1 - d/2^k). The slowest octave has N/512 = 128 independent
 * draws, which dominates the error: 1/10 sqrt(2/128) of its own and less of the others, below 0.03.
 */
static void pink_has_the_correlation_of_its_octaves(void **state) {
  (void)state;
  record(SAC_NOISE_PINK);
  for (size_t lag = 0; lag <= 64; lag += 16) {
    double expected = 0.0;
    for (int k = 0; k < 10; k++) expected += fmax(0.0, 1.0 - (double)lag / (double)(1 << k)) / 10;
    assert_close(mean_product(lag), expected, 5 * 0.03, 0.0);
  }
}

/* 1/f: an octave of frequencies has the same power as the next, so block means over 2^j steps lose
 * variance slowly. White noise's fall to 1/64 at 64 steps, pink's stay above 1/4: the five octaves
 * that are slower than 64 steps hold at least 4 of 10 parts of it. */
static void pink_has_slow_power(void **state) {
  (void)state;
  double power[2] = {0, 0};
  for (int kind = 0; kind < 2; kind++) {
    record(kind ? SAC_NOISE_PINK : SAC_NOISE_WHITE);
    for (size_t b = 0; b < N / 64; b++) {
      double mean = 0.0;
      for (size_t t = 0; t < 64; t++) mean += series[b * 64 + t] / 64;
      power[kind] += mean * mean / (N / 64);
    }
  }
  assert_true(power[0] < 0.03);
  assert_true(power[1] > 0.25);
}

/* A draw depends on (seed, purpose, environment, step) alone: asked again, in any order, it is the
 * same; with any of them changed it is another. */
static void draws_have_no_state(void **state) {
  (void)state;
  for (int kind = SAC_NOISE_WHITE; kind <= SAC_NOISE_ZETA; kind++) {
    sac_train_options o = noise_of(kind);
    double a[3], b[3];
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 2, 1000, 3, a);
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 2, 7, 3, b);
    assert_true(a[0] != b[0]);
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 2, 1000, 3, b);
    assert_memory_equal(a, b, sizeof a);
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 3, 1000, 3, b);
    assert_true(a[0] != b[0]);
    sac_explore_normals(&o, SAC_STREAM_WARMUP, 2, 1000, 3, b);
    assert_true(a[0] != b[0]);
    o.seed++;
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, 2, 1000, 3, b);
    assert_true(a[0] != b[0]);
  }
}

/* Warm-up actions are uniform between the bounds of their dimension: every tenth of the range gets
 * a tenth of the draws within 5 standard errors of a binomial, and no draw leaves the range. */
static void warmup_is_uniform(void **state) {
  (void)state;
  const double low[] = {-1.0, 2.0}, high[] = {1.0, 12.0};
  const sac_space space = {.act_dim = 2, .act_low = low, .act_high = high};
  const sac_train_options o = noise_of(SAC_NOISE_WHITE);
  int bins[2][10] = {{0}};
  for (size_t t = 0; t < N; t++) {
    float act[2];
    sac_explore_warmup(&o, &space, 0, 1, t, act);
    for (int i = 0; i < 2; i++) {
      const double u = ((double)act[i] - low[i]) / (high[i] - low[i]);
      assert_true(u >= 0.0 && u <= 1.0);
      bins[i][u < 1.0 ? (int)(10 * u) : 9]++;
    }
  }
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 10; j++) assert_close(bins[i][j], 0.1 * N, 5 * sqrt(0.1 * 0.9 * N), 0.0);
}

/* Of K discrete actions each comes as often, within 5 standard errors, for any kind of noise whose
 * draws are independent enough: white here. */
static void discrete_warmup_is_uniform(void **state) {
  (void)state;
  enum { K = 5 };
  const double low[] = {0.0}, high[] = {K - 1};
  const sac_space space = {.act_dim = 1, .act_low = low, .act_high = high};
  const sac_train_options o = noise_of(SAC_NOISE_WHITE);
  int count[K] = {0};
  for (size_t t = 0; t < N; t++) {
    float act;
    sac_explore_warmup(&o, &space, K, 1, t, &act);
    assert_true(act >= 0.0f && act < (float)K && act == rintf(act));
    count[(int)act]++;
  }
  for (int i = 0; i < K; i++) assert_close(count[i], N / K, 5 * sqrt(0.2 * 0.8 * N), 0.0);
}

/* The rows of a noise matrix are the environments' own draws. */
static void rows_are_environments(void **state) {
  (void)state;
  const sac_train_options o = noise_of(SAC_NOISE_PINK);
  float noise[3 * 2];
  sac_explore_noise(&o, 3, 2, 99, noise);
  for (size_t e = 0; e < 3; e++) {
    double z[2];
    sac_explore_normals(&o, SAC_STREAM_EXPLORE, e, 99, 2, z);
    for (size_t i = 0; i < 2; i++) assert_true(noise[e * 2 + i] == (float)z[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(white_is_white),
      cmocka_unit_test(held_stays),
      cmocka_unit_test(zeta_stays_for_drawn_lengths),
      cmocka_unit_test(zeta_is_found_from_any_step),
      cmocka_unit_test(pink_has_the_correlation_of_its_octaves),
      cmocka_unit_test(pink_has_slow_power),
      cmocka_unit_test(draws_have_no_state),
      cmocka_unit_test(warmup_is_uniform),
      cmocka_unit_test(discrete_warmup_is_uniform),
      cmocka_unit_test(rows_are_environments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
