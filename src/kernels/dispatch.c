/* Which table runs: the best that the CPU has, capped by $SAC_ISA so that tests can run each. */
#include "kernels/kernels.h"
#include "sac/base.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
  const sac_kernels *table;
  int supported;
};

enum { CANDIDATES = 3 };

/* From the least to the best. */
static void candidates(struct candidate out[CANDIDATES]) {
  memset(out, 0, CANDIDATES * sizeof *out);
  out[0] = (struct candidate){&sac_kernels_generic, 1};
#if defined __x86_64__
  __builtin_cpu_init();
  out[1] = (struct candidate){&sac_kernels_avx2,
                              __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")};
  out[2] = (struct candidate){&sac_kernels_avx512, __builtin_cpu_supports("avx512f") &&
                                                       __builtin_cpu_supports("avx512dq") &&
                                                       __builtin_cpu_supports("avx512bw") &&
                                                       __builtin_cpu_supports("avx512vl")};
#endif
}

const sac_kernels *sac_kernels_find(const char *isa) {
  struct candidate c[CANDIDATES];
  candidates(c);
  for (int i = 0; i < CANDIDATES; i++)
    if (c[i].supported && !strcmp(c[i].table->isa, isa)) return c[i].table;
  return NULL;
}

static const sac_kernels *choose(void) {
  struct candidate c[CANDIDATES];
  candidates(c);
  const char *cap = getenv("SAC_ISA");
  const sac_kernels *best = c[0].table;
  for (int i = 0; i < CANDIDATES; i++) {
    if (c[i].supported) best = c[i].table;
    if (cap && c[i].table && !strcmp(cap, c[i].table->isa)) break;
  }
  return best;
}

const sac_kernels *sac_kernels_get(void) {
  static _Atomic(const sac_kernels *) chosen;
  const sac_kernels *k = atomic_load_explicit(&chosen, memory_order_acquire);
  if (!k) atomic_store_explicit(&chosen, k = choose(), memory_order_release);
  return k;
}

const char *sac_isa(void) {
  return sac_kernels_get()->isa;
}
