/* What the passes of training mode are made of: mlp_train.c has the order of the work and the
 * norms, a table says how a block of it is computed. */
#ifndef SAC_NN_MLP_TRAIN_H
#define SAC_NN_MLP_TRAIN_H

#include "nn/mlp.h"

typedef struct sac_train_work sac_train_work;

/* What the threads of a pass share. */
typedef struct sac_train_pass {
  const sac_kernels *k;
  size_t n;
  const sac_mlp_batch *batch;
  size_t t, T;
  float *scratch;
  const sac_train_work *work;
} sac_train_pass;

/* Work on the columns [first, first + n) of layer l's output or input. */
typedef void sac_train_block(const sac_train_pass *p, const sac_mlp_batch *b, size_t l,
                             size_t first, size_t n);

/* What depends on the precision of a network's products. */
struct sac_train_work {
  sac_train_block *input;    /* the network's input, normalised */
  sac_train_block *forward;  /* a product and its ReLU, and the moments that the next norm needs */
  sac_train_block *backward; /* the gradient at a hidden layer, and in its bias */
  sac_train_block *evaluate; /* after a step: weights of evaluation mode, or NULL */
  /* y = x w + bias for rows [first, last) of a last layer with one output; w is padded */
  void (*outputs)(const sac_train_pass *p, const sac_mlp_batch *b, size_t first, size_t last,
                  const float *w, float bias);
  /* of a last layer with several outputs: its bias's gradient, and dy as products read it */
  void (*begin)(const sac_train_pass *p, const sac_mlp_batch *b);
  /* H = x^T dz, rows [first, first + rows) of layer l's; of one output into (padded) */
  void (*gradient)(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
                   size_t rows, float *H);
  /* after a step of these rows of layer l: what products read transposed */
  void (*turn)(const sac_train_pass *p, const sac_mlp_batch *b, size_t l, size_t first,
               size_t rows);
};

extern const sac_train_work sac_train_fp32, sac_train_bf16;

static inline const float *sac_train_parameters(const sac_mlp_batch *b) {
  return b->target ? b->net->target : b->net->w;
}

/* From the moments of the columns [first, first + n), in `at`: the norm's map of them, and the
 * running moments. */
void sac_train_norm(const sac_train_pass *p, const sac_mlp_batch *b, const sac_norm *norm,
                    const sac_norm_pass *at, size_t first, size_t n);

#endif
