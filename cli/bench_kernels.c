/* sac bench kernels: each kernel of an update alone, on all threads at once. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

/* Calls a second of all threads together, over about `seconds`. */
static sac_status time_calls(size_t index, size_t threads, double seconds, double *rate,
                             sac_error *err) {
  double elapsed = 0.0;
  size_t calls = 1;
  for (; elapsed < 0.5 * seconds; calls *= 2) {
    const sac_status status = sac_bench_run(index, threads, calls, &elapsed, err);
    if (status != SAC_OK) return status;
    *rate = (double)(calls * threads) / elapsed;
  }
  return SAC_OK;
}

static int run_kernel(const bench_setup *s, const sac_bench_kernel *kernel, size_t index) {
  sac_error err = {.msg = ""};
  const double seconds = s->seconds > 0.0 ? s->seconds : 0.02;
  char what[64];
  snprintf(what, sizeof what, "%s", kernel->name);
  bench_row row = {.what = what, .unit = "calls/s", .flops = kernel->flops};
  for (int64_t r = 0; r < s->repeats; r++) {
    const int code = bench_peak(s, &row);
    if (code != EXIT_DONE) return code;
    double rate = 0.0;
    const sac_status status = time_calls(index, (size_t)s->threads, seconds, &rate, &err);
    if (status != SAC_OK) return library_error(status, &err);
    bench_add(&row, rate);
  }
  if (index == 0) bench_head(s);
  return bench_print(s, &row);
}

int bench_kernels(const bench_setup *s) {
  size_t count;
  const sac_bench_kernel *kernels = sac_bench_kernels(&count);
  for (size_t i = 0; i < count; i++) {
    if (kernels[i].bf16 && strcmp(s->precision, "bf16") != 0) continue;
    const int code = run_kernel(s, &kernels[i], i);
    if (code != EXIT_DONE) return code;
  }
  return EXIT_DONE;
}
