#define _GNU_SOURCE // sched_setaffinity
/* What the benchmarks count and refuse; how fast anything is, no test says. */
#include "base/cores.h"
#include "check.h"
#include "kernels/bf16.h"
#include "sac/bench.h"

#include <sched.h>
#include <string.h>

/* With x = y = 1 a chain goes up by 1 a step: 0 + ... + 11 and 12 chains of 16/lanes steps a round.
 * So the sum says that the operations counted were done. */
static void a_round_of_the_peak_has_its_operations(void **state) {
  (void)state;
  static const struct {
    const char *isa;
    int lanes;
  } tables[] = {{"generic", 4}, {"neon", 4}, {"avx2", 8}, {"avx512", 16}};
  size_t ran = 0;
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    const sac_kernels *k = sac_kernels_find(tables[i].isa);
    if (!k) continue;
    const int steps = SAC_LANES / tables[i].lanes * 3;
    assert_int_equal(2 * 12 * tables[i].lanes * steps, 3 * SAC_FMA_FLOPS);
    assert_close(k->fma_chains(3, 1.0f, 1.0f), 66 + 12 * steps, 0, 0);
    /* a <- a/2 + 1 goes to 2 from anywhere */
    assert_close(k->fma_chains(100, 0.5f, 1.0f), 24, 0, 0);
    ran++;
  }
  assert_true(ran >= 1);
  assert_close(sac_kernels_reference.fma_chains(100, 0.5f, 1.0f), 24, 0, 0);
}

/* With two ones in x and y a chain goes up by 2 a step, with 1.5 and 2 by 3 + 3. So the sum says
 * how many steps there were. */
static void a_round_of_bf16s_peak_has_its_operations(void **state) {
  (void)state;
  const struct {
    const sac_kernels_bf16 *set;
    int chains, steps, sums; /* chains, their steps a round, and how many sums a chain is */
  } sets[] = {{&sac_bf16_reference, 12, 128, 16},
              {sac_kernels_bf16_find("avx512"), 12, 128, 16},
              {sac_kernels_bf16_find("amx"), 6, 16, 256}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    if (!sets[i].set) continue;
    const int steps = sets[i].chains * sets[i].steps;
    assert_int_equal(2 * 2 * steps * sets[i].sums, SAC_DOT_FLOPS);
    assert_close(sets[i].set->dot_chains(3, 0x3f803f80, 0x3f803f80), 3 * 2 * steps, 0, 0);
    assert_close(sets[i].set->dot_chains(5, 0x3fc03fc0, 0x40004000), 5 * 6 * steps, 0, 0);
  }
}

/* The products of an update one by one, as the equations have them; each is 2 B rows x columns. */
static double counted(double O, double A, double H, double layers, double B) {
  const double in_q = O + A, hidden = (layers - 1) * H * H;
  double weights = 0;
  weights += O * H + hidden + H * 2 * A;  /* pi(s') */
  weights += 2 * (in_q * H + hidden + H); /* both targets */
  weights += 2 * (in_q * H + hidden + H); /* Q(s,a) */
  weights += 2 * (hidden + H);            /* back to the first layer's output */
  weights += 2 * (in_q * H + hidden + H); /* dL/dW */
  weights += O * H + hidden + H * 2 * A;  /* pi(s) */
  weights += 2 * (in_q * H + hidden + H); /* Q(s,pi(s)) */
  weights += 2 * (in_q * H + hidden + H); /* back to the input */
  weights += hidden + H * 2 * A;          /* the actor, back */
  weights += O * H + hidden + H * 2 * A;  /* dL/dW of the actor */
  return 2 * B * weights;
}

static void an_update_is_582_megaflop(void **state) {
  (void)state;
  assert_close(sac_bench_update_flops(17, 6, 256, 2, 256), 582e6, 0.5e6, 0);
  assert_close(sac_bench_update_flops(17, 6, 256, 2, 256), counted(17, 6, 256, 2, 256), 0, 1e-15);
  assert_close(sac_bench_update_flops(3, 1, 64, 1, 100), counted(3, 1, 64, 1, 100), 0, 1e-15);
  assert_close(sac_bench_update_flops(376, 17, 512, 4, 32), counted(376, 17, 512, 4, 32), 0, 1e-15);
}

static void every_kernel_runs(void **state) {
  (void)state;
  size_t count;
  const sac_bench_kernel *kernels = sac_bench_kernels(&count);
  assert_string_equal(kernels[0].name, "fma");
  assert_string_equal(kernels[1].name, "dot_bf16");
  for (size_t i = 0; i < count; i++)
    for (size_t threads = 1; threads <= 2; threads++) {
      sac_error err = {.msg = ""};
      double seconds = -1.0;
      const sac_status status = sac_bench_run(i, threads, 2, &seconds, &err);
      if (kernels[i].bf16 && !sac_kernels_bf16_get()) {
        assert_int_equal(status, SAC_ERR_ARG);
        assert_non_null(strstr(err.msg, "no bf16 products"));
        continue;
      }
      assert_ok(status, err);
      assert_true(seconds > 0.0);
    }
}

static void wrong_arguments_are_named(void **state) {
  (void)state;
  size_t count;
  sac_error err = {.msg = ""};
  double seconds = 7.0;
  sac_bench_kernels(&count);
  assert_int_equal(sac_bench_run(count, 1, 1, &seconds, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "kernel"));
  assert_int_equal(sac_bench_run(0, 0, 1, &seconds, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "threads"));
  assert_int_equal(sac_bench_run(0, 1, 0, &seconds, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "calls"));
  assert_close(seconds, 7.0, 0, 0); /* untouched */
}

static sac_agent_options small_agent(void) {
  sac_agent_options o = sac_agent_options_default();
  o.actor_hidden = o.critic_hidden = (sac_widths){1, {16}};
  o.batch = 8;
  return o;
}

/* Which number is the fastest, no test can say; it must be one that the machine has. */
static void the_number_of_threads_is_one_there_is(void **state) {
  (void)state;
  const sac_agent_options o = small_agent();
  const double low[] = {-1, -2}, high[] = {1, 2};
  sac_error err = {.msg = ""};
  size_t threads = 0;
  assert_ok(sac_bench_threads(&o, 3, 2, low, high, &threads, &err), err);
  assert_true(threads >= 1 && threads <= sac_cores() && threads <= 8);
}

static void one_cpu_means_one_thread(void **state) {
  (void)state;
  const sac_agent_options o = small_agent();
  const double low[] = {-1}, high[] = {1};
  sac_error err = {.msg = ""};
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  size_t first = 0;
  while (!CPU_ISSET(first, &before)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  size_t threads = 0;
  assert_ok(sac_bench_threads(&o, 3, 1, low, high, &threads, &err), err);
  assert_int_equal(threads, 1);
  assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_round_of_the_peak_has_its_operations),
      cmocka_unit_test(a_round_of_bf16s_peak_has_its_operations),
      cmocka_unit_test(an_update_is_582_megaflop),
      cmocka_unit_test(every_kernel_runs),
      cmocka_unit_test(wrong_arguments_are_named),
      cmocka_unit_test(the_number_of_threads_is_one_there_is),
      cmocka_unit_test(one_cpu_means_one_thread),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
