#if defined __x86_64__
#  if defined __clang__
#    pragma clang attribute push(                                                          \
        __attribute__((target("avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), \
        apply_to = function)
#  else
#    pragma GCC target("avx512bf16,avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")
#  endif
#  define SAC_ISA_AVX512
#  include "kernels/bf16.h"
#  include "kernels/vec_bf16.h"

#  include "kernels/bf16_template.h"
#  include "kernels/peak_bf16_template.h"

static void gemm_pairs(const sac_gemm_bf16 *g) {
  gemm(1, g);
}

const sac_kernels_bf16 sac_bf16_avx512 = {
    .gemm_pairs = gemm_pairs,
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
    .dot_chains = dot_chains,
};
#  if defined __clang__
#    pragma clang attribute pop
#  endif
#else
typedef int sac_no_avx512_bf16; /* ISO C wants a declaration */
#endif
