/* The transport kernels for avx512. */
#if defined __x86_64__
#  if defined __clang__
#    pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx2,fma"))), \
                                 apply_to = function)
#  else
#    pragma GCC target("avx512f,avx512dq,avx2,fma")
#  endif
#  define SAC_ISA_AVX512
#  include "special/transport_template.h"

const sac_transport sac_transport_avx512 = SAC_TRANSPORT_TABLE("avx512");
#  if defined __clang__
#    pragma clang attribute pop
#  endif
#else
typedef int sac_transport_avx512_unused; /* a translation unit is never empty */
#endif
