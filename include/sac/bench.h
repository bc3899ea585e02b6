/* Benchmarks: pieces of the library's work, timed alone, and the peak that they are held to. For
 * `sac bench`; nothing here is needed to train. */
#ifndef SAC_BENCH_H
#define SAC_BENCH_H

#include "sac/agent.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One kernel at the sizes of a HalfCheetah update: 17 + 6 inputs, two layers of 256, batch 256. */
typedef struct sac_bench_kernel {
  const char *name;    /* "gemm_forward" */
  const char *summary; /* "256 x 256 x 256, bias and ReLU" */
  double flops;        /* of one call; 0 where operations are not what it takes */
  int bf16;            /* it is of precision = bf16, and is not on every CPU */
} sac_bench_kernel;

/* The kernels; *count: how many. The first is "fma": fused multiply-adds in registers and nothing
 * else, whose rate is the core's peak; the second "dot_bf16": bf16's, of its dot products. Static
 * storage. */
SAC_API const sac_bench_kernel *sac_bench_kernels(size_t *count);

/* Run kernel `index` `calls` times on each of `threads` (1 ... 256) threads at once, each on data
 * of its own, after one call that is not timed. *seconds: until all were done. Errors: SAC_ERR_ARG
 * for an index, a number of threads or of calls (at least 1) that is out of range, and for a bf16
 * kernel that the CPU or SAC_ISA has not; SAC_ERR_NOMEM. */
SAC_API sac_status sac_bench_run(size_t index, size_t threads, size_t calls, double *seconds,
                                 sac_error *err);

/* Floating-point operations of one update by an agent of the default algorithm, batch B, obs_dim O,
 * act_dim A, every hidden layer `width` wide, `layers` of them. Counted: the matrix products that
 * the equations need, at 2 a multiply-add; each layer's product forward, its weights' gradient
 * where it is stepped, its input's gradient where one is needed. The critics are passed once with
 * the targets' weights, once forward and backward, once forward and backward to their input; the
 * actor forward, and forward and backward. 582e6 at O = 17, A = 6, width 256, 2 layers, B = 256. */
SAC_API double sac_bench_update_flops(size_t obs_dim, size_t act_dim, size_t width, size_t layers,
                                      size_t batch);

/* How many threads suit an agent of these options and sizes (as sac_agent_create takes them) on
 * this machine: updates of an agent of its own are timed with 1, 2, 4, ... threads, up to the CPUs
 * that the process's affinity and its control group's quota allow and at most 8, until more save
 * less than 5 %. Takes milliseconds, ten times that with wide networks; other work on the machine
 * counts. The bits of a training are the same for any number. *threads is untouched on an error;
 * errors as sac_agent_create. */
SAC_API sac_status sac_bench_threads(const sac_agent_options *options, size_t obs_dim,
                                     size_t act_dim, const double act_low[],
                                     const double act_high[], size_t *threads, sac_error *err);

/* Was the library compiled with optimisation? Timings of one that was not mean nothing. */
SAC_API int sac_bench_optimized(void);

#ifdef __cplusplus
}
#endif
#endif
