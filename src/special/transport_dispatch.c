/* Which of the transport tables this process runs on. */
#include "special/transport.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
/* $SAC_ISA caps the choice, so that tests can run every table; unknown words do not. */
static int allowed(int rank) {
  static const char *const order[] = {"generic", "avx2", "avx512"};
  const char *cap = getenv("SAC_ISA");
  for (int i = 0; cap && i < 3; i++)
    if (!strcmp(cap, order[i])) return rank <= i;
  return 1;
}

static const sac_transport *choose(void) {
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  if (avx2 && avx512 && allowed(2)) return &sac_transport_avx512;
  if (avx2 && allowed(1)) return &sac_transport_avx2;
  return &sac_transport_generic;
}
#else
static const sac_transport *choose(void) {
  return &sac_transport_generic;
}
#endif

const sac_transport *sac_transport_get(void) {
  static _Atomic(const sac_transport *) chosen;
  const sac_transport *table = atomic_load_explicit(&chosen, memory_order_acquire);
  if (!table) {
    table = choose();
    atomic_store_explicit(&chosen, table, memory_order_release);
  }
  return table;
}
