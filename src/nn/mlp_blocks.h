/* What networks of blocks with norms of a batch (body=flash) have besides plain ones: the sum that
 * runs through their blocks, in evaluation mode and in training mode, and the norm of its rows that
 * the last product reads [FLASHSAC]. */
#ifndef SAC_NN_MLP_BLOCKS_H
#define SAC_NN_MLP_BLOCKS_H

#include "nn/norm.h"

/* Whether layer l is the last one and reads the sum through its norm of rows. */
static inline int sac_blocks_top(const sac_mlp *net, size_t l) {
  return sac_norm_has_unit(&net->layer[l].before);
}

/* Whether layer l reads the sum: the last one, or a block's first, whose second adds to it. */
static inline int sac_blocks_reads_sum(const sac_mlp *net, size_t l) {
  return sac_blocks_top(net, l) || (l > 0 && l + 1 < net->layers && net->layer[l + 1].skip == l);
}

/* Rows [first, first + rows), columns [column, column + n) of a block's end l: what it has made, in
 * trace->added, and the sum before it, to h[l]. */
void sac_blocks_add(const sac_mlp *net, size_t l, const sac_trace *trace, size_t first, size_t rows,
                    size_t column, size_t n);

/* Rows [first, first + rows) of what the last product reads, with parameters w; returned, with
 * the floats of a row. */
const float *sac_blocks_normalise(const sac_kernels *k, const sac_mlp *net, const float *w,
                                  const sac_trace *trace, size_t first, size_t rows, size_t *ld);

/* --- backwards: row i of a gradient lies in row to + i of its buffer, and belongs to row row[i] of
 * the batch, or to row to + i if row is NULL */

/* Through the last norm: from its g to the gradient in the sum, trace->dsum. */
void sac_blocks_normalise_back(const sac_kernels *k, const sac_mlp *net, const sac_trace *trace,
                               size_t n, size_t to, const size_t row[]);

/* To d[l] of the layer that the sum ends with at this place: with `add` what d[l] holds comes into
 * the sum's gradient; that goes back through the ReLU, times `scale` of its norm (of all columns)
 * unless NULL, or through nothing. */
void sac_blocks_back(const sac_mlp *net, size_t l, const sac_trace *trace, size_t n, size_t to,
                     const size_t row[], size_t column, size_t columns, const float *scale,
                     int add);

#endif
