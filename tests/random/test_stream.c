#include "statistics.h"

#include "sac/random.h"

#include <string.h>

/* --- the generator
 * -------------------------------------------------------------------------------- */

/* philox4x32-10 in kat_vectors of Random123, the authors' own: zeros, ones, and the digits of pi.
 */
static void philox_gives_its_authors_known_answers(void **state) {
  (void)state;
  static const struct {
    uint32_t counter[4], key[2], want[4];
  } cases[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
       {0xffffffff, 0xffffffff},
       {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
       {0xa4093822, 0x299f31d0},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint32_t *c = cases[i].counter, *k = cases[i].key;
    sac_stream s = sac_stream_make(k[0] | (uint64_t)k[1] << 32, c[1], c[2] | (uint64_t)c[3] << 32);
    s.counter[0] = c[0]; // the block number, which else begins at 0
    for (int j = 0; j < 4; j++) assert_int_equal(sac_stream_u32(&s), cases[i].want[j]);
  }
}

/* Block after block: word 4 is the first word of counter 1. */
static void blocks_follow_by_counter(void **state) {
  (void)state;
  sac_stream s = sac_stream_make(42, 7, 99), t = s, u = s;
  t.counter[0] = 1;
  for (int i = 0; i < 4; i++) (void)sac_stream_u32(&s);
  for (int i = 0; i < 4; i++) assert_int_equal(sac_stream_u32(&s), sac_stream_u32(&t));
  // 64 bits are two words, the low one first; a copy goes its own way
  sac_stream v = u;
  const uint64_t low = sac_stream_u32(&v), high = sac_stream_u32(&v);
  assert_true(sac_stream_u64(&u) == (low | high << 32));
  assert_int_equal(sac_stream_u32(&u), sac_stream_u32(&v));
}

/* --- distributions
 * -------------------------------------------------------------------------------- */

static double uniform_cdf(double x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double normal_cdf(double x) {
  return 0.5 * erfc(-x / sqrt(2));
}

/* z of the mean of x^p - want, whose standard deviation for one x is `sd`. */
static double moment_z(size_t n, const double x[], int p, double want, double sd) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += pow(x[i], p) - want;
  return sum / (sd * sqrt((double)n));
}

/* E u^p = 1/(p+1), so Var u^p = 1/(2p+1) - 1/(p+1)^2. False alarm 5.7e-7 a moment, 5.4e-7 for KS.
 */
static void uniforms_are_uniform(void **state) {
  (void)state;
  const size_t n = 200000 * test_multiplier();
  double *x = malloc(n * sizeof *x);
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < n; i++) {
    x[i] = sac_stream_uniform(&s);
    assert_true(x[i] > 0 && x[i] < 1);
  }
  for (int p = 1; p <= 4; p++) {
    const double mean = 1.0 / (p + 1);
    assert_z(moment_z(n, x, p, mean, sqrt(1.0 / (2 * p + 1) - mean * mean)));
  }
  assert_true(ks_statistic(n, x, uniform_cdf) < KS_LIMIT);
  free(x);
}

/* The extreme words: bits 0 and 2^64 - 1 give 2^-53 and 1 - 2^-53, never 0 or 1. */
static void uniforms_never_touch_the_ends(void **state) {
  (void)state;
  sac_stream s = {.used = 0}, t = {.block = {UINT32_MAX, UINT32_MAX}, .used = 0};
  assert_true(sac_stream_uniform(&s) == 0x1p-53);
  assert_true(sac_stream_uniform(&t) == 1 - 0x1p-53);
}

/* n = 3 2^62 is the hardest case: a bare remainder would give the first third twice as often. */
static void below_is_unbiased(void **state) {
  (void)state;
  const uint64_t ns[] = {2, 3, 7, 10, 64, 1000, (uint64_t)3 << 62, UINT64_MAX};
  for (size_t i = 0; i < sizeof ns / sizeof *ns; i++) {
    enum { CELLS_MOST = 1000 };
    const size_t cells = ns[i] <= CELLS_MOST ? (size_t)ns[i] : 12;
    const uint64_t width = ns[i] / cells;
    size_t seen[CELLS_MOST] = {0};
    sac_stream s = sac_stream_make(2, SAC_STREAM_USER, i);
    for (size_t k = 0; k < 100000 * test_multiplier(); k++) {
      const uint64_t x = sac_stream_below(&s, ns[i]);
      assert_true(x < ns[i]);
      // 2^64 - 1 is not a multiple of 12: its last values join the last cell, 2^-60 too many
      const uint64_t cell = x / width;
      seen[cell < cells ? cell : cells - 1]++;
    }
    if (cells == 2) { // a binomial; the chi-square's normal form needs more cells
      const double n = (double)(seen[0] + seen[1]);
      assert_z(((double)seen[0] - n / 2) / sqrt(n / 4));
    } else {
      assert_z(chi_square_z(seen, cells));
    }
  }
  sac_stream s = sac_stream_make(2, SAC_STREAM_USER, 99);
  for (int k = 0; k < 100; k++) assert_true(sac_stream_below(&s, 1) == 0);
}

/* Moments of N(0,1): E x^p = 0, 1, 0, 3 and Var x^p = E x^2p - (E x^p)^2 = 1, 2, 15, 96 [with
 * E x^4 = 3, E x^6 = 15, E x^8 = 105]. False alarm as above. */
static void normals_are_normal(void **state) {
  (void)state;
  const size_t n = 200000 * test_multiplier();
  double *x = malloc(n * sizeof *x);
  sac_stream s = sac_stream_make(3, SAC_STREAM_USER, 0);
  sac_stream_normals(&s, n, x);
  const double mean[] = {0, 1, 0, 3}, sd[] = {1, sqrt(2), sqrt(15), sqrt(96)};
  for (int p = 1; p <= 4; p++) assert_z(moment_z(n, x, p, mean[p - 1], sd[p - 1]));
  // the pair from one radius and angle is uncorrelated, and so are their squares
  double product = 0, squares = 0;
  for (size_t i = 0; i + 1 < n; i += 2) {
    product += x[i] * x[i + 1];
    squares += (x[i] * x[i] - 1) * (x[i + 1] * x[i + 1] - 1);
  }
  assert_z(product / sqrt((double)n / 2));
  assert_z(squares / (2 * sqrt((double)n / 2)));
  // beyond 3: probability 2 Phi(-3), so a binomial's count
  const double p3 = 2 * normal_cdf(-3);
  size_t beyond = 0;
  for (size_t i = 0; i < n; i++) beyond += fabs(x[i]) > 3;
  assert_z(((double)beyond - (double)n * p3) / sqrt((double)n * p3 * (1 - p3)));
  assert_true(ks_statistic(n, x, normal_cdf) < KS_LIMIT);
  free(x);
}

/* Box and Muller's formula on the stream's own uniforms. */
static void normals_are_box_and_mullers(void **state) {
  (void)state;
  sac_stream s = sac_stream_make(4, SAC_STREAM_USER, 5), t = s;
  double x[6];
  sac_stream_normals(&s, 6, x);
  for (int i = 0; i < 6; i += 2) {
    const double u = sac_stream_uniform(&t), v = sac_stream_uniform(&t);
    const double pi = acos(-1);
    assert_close(x[i], sqrt(-2 * log(u)) * cos(2 * pi * v), 1e-14, 1e-14);
    assert_close(x[i + 1], sqrt(-2 * log(u)) * sin(2 * pi * v), 1e-14, 1e-14);
  }
  assert_memory_equal(&s, &t, sizeof s); // and as many words were taken
}

static void a_longer_call_begins_as_a_shorter_one(void **state) {
  (void)state;
  double longer[9];
  sac_stream s = sac_stream_make(4, SAC_STREAM_USER, 6);
  sac_stream_normals(&s, 9, longer);
  for (size_t n = 0; n < 9; n++) {
    double shorter[10] = {[9] = 0};
    for (size_t i = 0; i < 10; i++) shorter[i] = 77;
    sac_stream t = sac_stream_make(4, SAC_STREAM_USER, 6);
    sac_stream_normals(&t, n, shorter);
    assert_memory_equal(shorter, longer, n * sizeof *longer);
    assert_true(shorter[n] == 77); // nothing is written past the end
  }
}

/* --- independence
 * --------------------------------------------------------------------------------- */

/* Two streams side by side: a chi-square on 8 x 8 cells of their pairs, and their correlation,
 * whose standard deviation for uniforms is 1/12 a pair. */
static void assert_independent(sac_stream a, sac_stream b) {
  enum { SIDE = 8 };
  const size_t n = 20000 * test_multiplier();
  size_t seen[SIDE * SIDE] = {0};
  double product = 0;
  for (size_t i = 0; i < n; i++) {
    const double u = sac_stream_uniform(&a), v = sac_stream_uniform(&b);
    seen[(size_t)(u * SIDE) * SIDE + (size_t)(v * SIDE)]++;
    product += (u - 0.5) * (v - 0.5);
  }
  assert_z(chi_square_z(seen, (size_t)SIDE * SIDE));
  assert_z(product * 12 / sqrt((double)n));
}

/* Names that differ in one part only, by one bit: every two purposes of the library, neighbouring
 * indices and seeds, the same number as seed and as index. 55 pairs, two tests each: false alarm
 * 6e-5. */
static void streams_of_different_names_are_independent(void **state) {
  (void)state;
  for (uint32_t p = SAC_STREAM_INIT; p <= SAC_STREAM_DROPOUT; p++)
    for (uint32_t q = p + 1; q <= SAC_STREAM_DROPOUT; q++)
      assert_independent(sac_stream_make(1, p, 0), sac_stream_make(1, q, 0));
  for (int bit = 0; bit < 64; bit += 9) {
    const uint64_t other = (uint64_t)1 << bit;
    assert_independent(sac_stream_make(1, SAC_STREAM_BATCH, 0),
                       sac_stream_make(1, SAC_STREAM_BATCH, other));
    assert_independent(sac_stream_make(0, SAC_STREAM_BATCH, 1),
                       sac_stream_make(other, SAC_STREAM_BATCH, 1));
  }
  assert_independent(sac_stream_make(3, SAC_STREAM_RESET, 4),
                     sac_stream_make(4, SAC_STREAM_RESET, 3));
}

/* The first words of streams with consecutive indices, as an update's rows use them, are a random
 * sequence themselves. */
static void first_draws_of_consecutive_indices_are_uniform(void **state) {
  (void)state;
  const size_t n = 100000 * test_multiplier();
  double *x = malloc(n * sizeof *x), product = 0;
  for (size_t i = 0; i < n; i++) {
    sac_stream s = sac_stream_make(1, SAC_STREAM_BATCH, i);
    x[i] = sac_stream_uniform(&s);
    if (i > 0) product += (x[i] - 0.5) * (x[i - 1] - 0.5);
  }
  assert_z(product * 12 / sqrt((double)n - 1));
  assert_true(ks_statistic(n, x, uniform_cdf) < KS_LIMIT);
  free(x);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(philox_gives_its_authors_known_answers),
      cmocka_unit_test(blocks_follow_by_counter),
      cmocka_unit_test(uniforms_are_uniform),
      cmocka_unit_test(uniforms_never_touch_the_ends),
      cmocka_unit_test(below_is_unbiased),
      cmocka_unit_test(normals_are_normal),
      cmocka_unit_test(normals_are_box_and_mullers),
      cmocka_unit_test(a_longer_call_begins_as_a_shorter_one),
      cmocka_unit_test(streams_of_different_names_are_independent),
      cmocka_unit_test(first_draws_of_consecutive_indices_are_uniform),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
