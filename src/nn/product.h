/* A layer's products as the matrix kernel takes them. What its epilogue does besides is the
 * caller's: a ReLU, a mask, a norm. */
#ifndef SAC_NN_PRODUCT_H
#define SAC_NN_PRODUCT_H

#include "nn/network.h"

/* C = A W + b with parameters w, for rows of A. */
static inline sac_gemm sac_product(const sac_layer *layer, const float *w, size_t rows,
                                   const float *A, size_t lda, float *C, size_t ldc) {
  return (sac_gemm){.M = rows,
                    .N = layer->ld,
                    .K = layer->in,
                    .A = A,
                    .a_row = lda,
                    .a_col = 1,
                    .B = w + layer->offset,
                    .ldb = layer->ld,
                    .C = C,
                    .ldc = ldc,
                    .bias = sac_layer_bias(layer, w)};
}

/* C = A W^T with the network's current weights; A NULL, for a layer with one output: ones. */
static inline sac_gemm sac_product_back(const sac_mlp *net, size_t l, size_t rows, const float *A,
                                        size_t lda, float *C, size_t ldc) {
  static const float one = 1.0f;
  const sac_layer *layer = &net->layer[l];
  return (sac_gemm){.M = rows,
                    .N = sac_padded(layer->in),
                    .K = layer->out,
                    .A = A ? A : &one,
                    .a_row = A ? lda : 0,
                    .a_col = 1,
                    .B = layer->ld == 1 ? net->w + layer->offset : layer->Wt,
                    .ldb = layer->ldt,
                    .C = C,
                    .ldc = ldc};
}

/* The same for some columns of the network's input. */
static inline sac_gemm sac_product_to_input(const sac_mlp *net, size_t rows, const float *A,
                                            size_t lda, size_t column, size_t columns, float *C,
                                            size_t ldc) {
  sac_gemm g = sac_product_back(net, 0, rows, A, lda, C, ldc);
  g.N = sac_padded(columns);
  g.B += column;
  return g;
}

/* Rows of a pass backwards: row i of a gradient lies in row to + i of its buffer, and belongs to
 * row row[i] of the batch, or to row to + i if row is NULL. */
typedef struct sac_rows {
  size_t n, to;
  const size_t *row;
} sac_rows;

/* Where the rows' activations begin, of a buffer with rows of ld floats. */
static inline const float *sac_rows_of_batch(const sac_rows *r, const float *buffer, size_t ld) {
  return r->row ? buffer : buffer + r->to * ld;
}

#endif
