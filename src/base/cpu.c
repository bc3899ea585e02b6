#define _GNU_SOURCE // syscall
#include "base/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__ && defined __linux__
#  include <cpuid.h>
#  include <sys/syscall.h>
#  include <unistd.h>
#endif

static const char *const names[SAC_CPU_ISAS] = {"generic", "neon", "avx2", "avx512", "amx"};

const char *sac_cpu_isa_name(sac_cpu_isa isa) {
  return names[isa];
}

/* AMX-TILE and AMX-BF16 by CPUID leaf 7, and Linux's leave to use the tiles' registers: arch_prctl
 * with ARCH_REQ_XCOMP_PERM for the state component XTILEDATA. */
static int ask_for_amx(void) {
#if defined __x86_64__ && defined __linux__ && defined SYS_arch_prctl
  enum { AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, REQUEST = 0x1023, XTILEDATA = 18 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(d & AMX_BF16) || !(d & AMX_TILE)) return 0;
  return syscall(SYS_arch_prctl, REQUEST, XTILEDATA) == 0;
#else
  return 0;
#endif
}

static int has_amx(void) {
  static atomic_int answer; /* 0: not asked yet, 1: no, 2: yes */
  int known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (!known) {
    known = 1 + (sac_cpu_has_bf16() && ask_for_amx());
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known == 2;
}

int sac_cpu_has(sac_cpu_isa isa) {
  if (isa == SAC_CPU_AMX) return has_amx();
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
