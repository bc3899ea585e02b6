#if defined __x86_64__
#  if defined __clang__
#    pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#  else
#    pragma GCC target("avx2,fma")
#  endif
#  define SAC_ISA_AVX2
#  define SAC_TABLE     sac_kernels_avx2
#  define SAC_TABLE_ISA "avx2"
#  include "kernels/table_template.h"
#  if defined __clang__
#    pragma clang attribute pop
#  endif
#else
typedef int sac_no_avx2; /* ISO C wants a declaration */
#endif
