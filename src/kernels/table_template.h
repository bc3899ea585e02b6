/* All kernels in the words of vec.h; the including file has chosen the instruction set, and names
 * the table with SAC_TABLE and SAC_TABLE_ISA. */
#include "kernels/kernels.h"
#include "kernels/vec.h"
#include "kernels/vec_math.h"

#include "kernels/gemm_template.h"

#include "kernels/norm_template.h"

#include "kernels/sphere_template.h"

#include "kernels/elementwise_template.h"

#include "kernels/peak_template.h"

const sac_kernels SAC_TABLE = {
    .isa = SAC_TABLE_ISA,
    .gemm = gemm,
    .dot_rows = dot_rows,
    .outer_masked = outer_masked,
    .sum_columns = sum_columns,
    .transpose = transpose,
    .moments = moments,
    .column_norm = column_norm,
    .column_affine = column_affine,
    .fold = fold,
    .unfold = unfold,
    .affine = affine,
    .sum_products = sum_products,
    .combine = combine,
    .row_norm = row_norm,
    .row_norm_back = row_norm_back,
    .scale_rows = scale_rows,
    .scale_rows_back = scale_rows_back,
    .sphere = sphere,
    .sphere_back = sphere_back,
    .lerp = lerp,
    .lerp_back = lerp_back,
    .adam = adam,
    .normals = normals,
    .log_std = log_std,
    .tanh_normal = tanh_normal,
    .tanh = tanh_all,
    .softmax = softmax,
    .fma_chains = fma_chains,
};
