/* Which table of kernels runs. */
#include "base/cpu.h"
#include "kernels/bf16.h"

#include <stdatomic.h>
#include <string.h>

static const sac_kernels *table_of(sac_cpu_isa isa) {
#if defined __x86_64__
  if (isa == SAC_CPU_AVX512) return &sac_kernels_avx512;
  if (isa == SAC_CPU_AVX2) return &sac_kernels_avx2;
#elif defined __aarch64__
  if (isa == SAC_CPU_NEON) return &sac_kernels_neon;
#else
  (void)isa;
#endif
  return &sac_kernels_generic;
}

const sac_kernels *sac_kernels_find(const char *name) {
  for (int isa = 0; isa < SAC_CPU_ISAS; isa++)
    if (!strcmp(name, sac_cpu_isa_name((sac_cpu_isa)isa)))
      return sac_cpu_has((sac_cpu_isa)isa) ? table_of((sac_cpu_isa)isa) : NULL;
  return NULL;
}

const sac_kernels_bf16 *sac_kernels_bf16_of(const sac_kernels *k) {
#if defined __x86_64__
  if (k == &sac_kernels_avx512 && sac_cpu_has_bf16()) return &sac_bf16_avx512;
#else
  (void)k;
#endif
  return NULL;
}

const sac_kernels *sac_kernels_get(void) {
  static _Atomic(const sac_kernels *) chosen;
  const sac_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
  if (!k) {
    k = table_of(sac_cpu_best());
    atomic_store_explicit(&chosen, k, memory_order_release);
  }
  return k;
}

const char *sac_isa(void) {
  return sac_kernels_get()->isa;
}
