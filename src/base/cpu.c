#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[SAC_CPU_ISAS] = {"generic", "neon", "avx2", "avx512"};

const char *sac_cpu_isa_name(sac_cpu_isa isa) {
  return names[isa];
}

int sac_cpu_has(sac_cpu_isa isa) {
#if defined __x86_64__
  __builtin_cpu_init();
  const int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                     __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (isa == SAC_CPU_AVX2) return avx2;
  return isa == SAC_CPU_GENERIC || (isa == SAC_CPU_AVX512 && avx2 && avx512);
#elif defined __aarch64__
  return isa == SAC_CPU_GENERIC || isa == SAC_CPU_NEON; /* every such CPU has it */
#else
  return isa == SAC_CPU_GENERIC;
#endif
}

int sac_cpu_has_bf16(void) {
#if defined __x86_64__
  return sac_cpu_has(SAC_CPU_AVX512) && __builtin_cpu_supports("avx512bf16");
#else
  return 0;
#endif
}

void sac_cpu_list(char *text, size_t size) {
  size_t at = 0;
  for (int i = 0; i < SAC_CPU_ISAS && at < size; i++)
    if (sac_cpu_has((sac_cpu_isa)i))
      at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", names[i]);
}

/* The set that $SAC_ISA names, or SAC_CPU_ISAS. */
static int named(void) {
  const char *word = getenv("SAC_ISA");
  int isa = 0;
  while (isa < SAC_CPU_ISAS && (!word || strcmp(word, names[isa]) != 0)) isa++;
  return isa;
}

sac_cpu_isa sac_cpu_best(void) {
  const int cap = named();
  int best = SAC_CPU_GENERIC;
  for (int isa = 0; isa < SAC_CPU_ISAS && isa <= cap; isa++)
    if (sac_cpu_has((sac_cpu_isa)isa)) best = isa;
  return (sac_cpu_isa)best;
}

sac_status sac_isa_check(sac_error *err) {
  const char *word = getenv("SAC_ISA");
  const int isa = named();
  if (!word || !*word || (isa < SAC_CPU_ISAS && sac_cpu_has((sac_cpu_isa)isa))) return SAC_OK;
  char have[64];
  sac_cpu_list(have, sizeof have);
  return sac_fail(err, SAC_ERR_ARG, "SAC_ISA = %.40s: %s; there are %s", word,
                  isa < SAC_CPU_ISAS ? "this CPU has not its instructions"
                                     : "no instruction set of that name",
                  have);
}
