/* Which vector instructions this process may use. */
#ifndef SAC_BASE_CPU_H
#define SAC_BASE_CPU_H

#include "sac/base.h"

/* Instruction sets, from the least to the best; a table of each is written in the same words. */
typedef enum sac_cpu_isa {
  SAC_CPU_GENERIC,
  SAC_CPU_NEON,
  SAC_CPU_AVX2,
  SAC_CPU_AVX512,
  SAC_CPU_AMX,
  SAC_CPU_ISAS
} sac_cpu_isa;

/* "generic", "neon", "avx2", "avx512" or "amx". */
const char *sac_cpu_isa_name(sac_cpu_isa isa);

/* Has this CPU the instructions? Linux lets a process use AMX's registers after it has asked: the
 * first question about SAC_CPU_AMX asks, and holds for the process. Threads: safe. */
int sac_cpu_has(sac_cpu_isa isa);

/* Has this CPU instructions for dot products of bf16, beside those of SAC_CPU_AVX512? */
int sac_cpu_has_bf16(void);

/* The names of those that this CPU has, "generic, avx2", into text (size bytes). */
void sac_cpu_list(char *text, size_t size);

/* The best that the CPU has, at most what $SAC_ISA names; a word that names none caps nothing (the
 * program refuses it by sac_isa_check). */
sac_cpu_isa sac_cpu_best(void);

#endif
