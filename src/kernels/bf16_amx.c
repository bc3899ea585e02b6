/* The kernels on bf16 where the CPU has matrix tiles (AMX-BF16): the product is theirs, the rest is
 * AVX-512's. */
#if defined __x86_64__
#  if defined __clang__
#    pragma clang attribute push(                                                                 \
        __attribute__((                                                                           \
            target("amx-tile,amx-bf16,avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
        apply_to = function)
#  else
#    pragma GCC target("amx-tile,amx-bf16,avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#  endif
#  define SAC_ISA_AVX512
#  include "kernels/bf16.h"
#  include "kernels/vec_bf16.h"

#  include "kernels/bf16_template.h"

#  include "kernels/amx_template.h"

const sac_kernels_bf16 sac_bf16_amx = {
    .gemm_pairs = gemm_tiles,
    .gemm_floats = gemm_floats,
    .dot_rows = dot_rows,
    .outer_masked = outer_masked,
    .sum_columns = sum_columns,
    .moments = moments,
    .fold = fold,
    .unfold = unfold,
    .pack_across = pack_across,
    .pack_down = pack_down,
    .pack_turned = pack_turned,
    .dot_chains = tile_chains,
};
#  if defined __clang__
#    pragma clang attribute pop
#  endif
#else
typedef int sac_no_amx; /* ISO C wants a declaration */
#endif
