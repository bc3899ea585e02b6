#if defined __x86_64__
#  if defined __clang__
#    pragma clang attribute push(                                               \
        __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
        apply_to = function)
#  else
#    pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#  endif
#  define SAC_ISA_AVX512
#  define SAC_TABLE     sac_kernels_avx512
#  define SAC_TABLE_ISA "avx512"
#  include "kernels/table_template.h"
#  if defined __clang__
#    pragma clang attribute pop
#  endif
#else
typedef int sac_no_avx512; /* ISO C wants a declaration */
#endif
