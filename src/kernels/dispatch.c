/* Which table of kernels runs. */
#include "base/cpu.h"
#include "kernels/bf16.h"

#include <stdatomic.h>
#include <string.h>

static const sac_kernels *table_of(sac_cpu_isa isa) {
#if defined __x86_64__
  if (isa >= SAC_CPU_AVX512) return &sac_kernels_avx512; /* AMX has products of bf16 only */
  if (isa == SAC_CPU_AVX2) return &sac_kernels_avx2;
#elif defined __aarch64__
  if (isa == SAC_CPU_NEON) return &sac_kernels_neon;
#else
  (void)isa;
#endif
  return &sac_kernels_generic;
}

/* The set of that name, or SAC_CPU_ISAS if there is none or this CPU has not its instructions. */
static sac_cpu_isa set_of(const char *name) {
  for (int isa = 0; isa < SAC_CPU_ISAS; isa++)
    if (!strcmp(name, sac_cpu_isa_name((sac_cpu_isa)isa)) && sac_cpu_has((sac_cpu_isa)isa))
      return (sac_cpu_isa)isa;
  return SAC_CPU_ISAS;
}

static const sac_kernels_bf16 *bf16_of(sac_cpu_isa isa) {
#if defined __x86_64__
  if (isa == SAC_CPU_AMX) return &sac_bf16_amx;
  if (isa == SAC_CPU_AVX512 && sac_cpu_has_bf16()) return &sac_bf16_avx512;
#else
  (void)isa;
#endif
  return NULL;
}

const sac_kernels *sac_kernels_find(const char *name) {
  const sac_cpu_isa isa = set_of(name);
  return isa < SAC_CPU_ISAS ? table_of(isa) : NULL;
}

const sac_kernels_bf16 *sac_kernels_bf16_find(const char *name) {
  const sac_cpu_isa isa = set_of(name);
  return isa < SAC_CPU_ISAS ? bf16_of(isa) : NULL;
}

/* The best set, found at the first call and kept, whatever $SAC_ISA says later. */
static sac_cpu_isa chosen(void) {
  static atomic_int kept; /* 1 more than it; 0: not chosen yet */
  int isa = atomic_load_explicit(&kept, memory_order_relaxed);
  if (!isa) {
    isa = 1 + (int)sac_cpu_best();
    atomic_store_explicit(&kept, isa, memory_order_relaxed);
  }
  return (sac_cpu_isa)(isa - 1);
}

const sac_kernels *sac_kernels_get(void) {
  return table_of(chosen());
}

const sac_kernels_bf16 *sac_kernels_bf16_get(void) {
  return bf16_of(chosen());
}

const char *sac_isa(void) {
  return sac_cpu_isa_name(chosen());
}
