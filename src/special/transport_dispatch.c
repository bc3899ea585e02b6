/* Which of the transport tables this process runs on. */
#include "base/cpu.h"
#include "special/transport.h"

#include <stdatomic.h>

static const sac_transport *choose(void) {
#if defined __x86_64__
  const sac_cpu_isa isa = sac_cpu_best();
  if (isa >= SAC_CPU_AVX512) return &sac_transport_avx512;
  if (isa == SAC_CPU_AVX2) return &sac_transport_avx2;
#elif defined __aarch64__
  if (sac_cpu_best() == SAC_CPU_NEON) return &sac_transport_neon;
#endif
  return &sac_transport_generic;
}

const sac_transport *sac_transport_get(void) {
  static _Atomic(const sac_transport *) chosen;
  const sac_transport *table = atomic_load_explicit(&chosen, memory_order_acquire);
  if (!table) {
    table = choose();
    atomic_store_explicit(&chosen, table, memory_order_release);
  }
  return table;
}
