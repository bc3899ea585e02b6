#include "nn/mlp_blocks.h"

#include <string.h>

/* of the norm of rows, beside norm_eps, which is that of the norms of a batch [FLASHSAC] */
static const float rms_eps = 1e-6f;

void sac_blocks_add(const sac_mlp *net, size_t l, const sac_trace *trace, size_t first, size_t rows,
                    size_t column, size_t n) {
  const size_t ld = trace->ld[l], at = first * ld + column;
  const float *made = trace->added[l] + at, *from = trace->h[net->layer[l].skip - 1] + at;
  float *h = trace->h[l] + at;
  for (size_t i = 0; i < rows; i++)
    for (size_t c = 0; c < n; c++) h[i * ld + c] = made[i * ld + c] + from[i * ld + c];
}

const float *sac_blocks_normalise(const sac_kernels *k, const sac_mlp *net, const float *w,
                                  const sac_trace *trace, size_t first, size_t rows, size_t *ld) {
  const size_t top = net->layers - 1;
  const sac_norm *norm = &net->layer[top].before;
  const sac_row_pass *at = &trace->row_before[top];
  float *u = at->u + first * at->ld;
  k->row_norm(&(sac_row_norm){.M = rows,
                              .width = norm->width,
                              .eps = rms_eps,
                              .gamma = sac_norm_gamma(norm, w),
                              .X = trace->h[top - 1] + first * trace->ld[top - 1],
                              .ldx = trace->ld[top - 1],
                              .xn = at->xn + first * at->ld,
                              .ldn = at->ld,
                              .rstd = at->rstd + first,
                              .Y = u,
                              .ldy = at->ld});
  *ld = at->ld;
  return u;
}

void sac_blocks_normalise_back(const sac_kernels *k, const sac_mlp *net, const sac_trace *trace,
                               size_t n, size_t to, const size_t row[]) {
  const size_t top = net->layers - 1, ld = trace->ld[top - 1], from = row ? 0 : to;
  const sac_norm *norm = &net->layer[top].before;
  const sac_row_pass *at = &trace->row_before[top];
  k->row_norm_back(&(sac_row_norm_back){.M = n,
                                        .width = norm->width,
                                        .gamma = sac_norm_gamma(norm, net->w),
                                        .xn = at->xn + from * at->ld,
                                        .ldn = at->ld,
                                        .rstd = at->rstd + from,
                                        .row = row,
                                        .dy = at->g + to * at->ld,
                                        .ldy = at->ld,
                                        .dx = trace->dsum + to * ld,
                                        .ldx = ld});
}

/* y = x where `made` is above 0, else 0; without a branch, which would be a guess. */
static void open_where(size_t n, const float *restrict made, const float *restrict x,
                       float *restrict y) {
  for (size_t c = 0; c < n; c++) {
    const float open = x[c];
    y[c] = made[c] > 0.0f ? open : 0.0f;
  }
}

void sac_blocks_back(const sac_mlp *net, size_t l, const sac_trace *trace, size_t n, size_t to,
                     const size_t row[], size_t column, size_t columns, const float *scale,
                     int add) {
  const size_t ld = trace->ld[l];
  for (size_t i = 0; i < n; i++) {
    const size_t at = (to + i) * ld + column;
    float *dsum = trace->dsum + at, *d = trace->d[l] + at;
    for (size_t c = 0; add && c < columns; c++) dsum[c] += d[c];
    if (!net->layer[l].skip) {
      memcpy(d, dsum, columns * sizeof *d);
      continue;
    }
    const float *made = trace->added[l] + (row ? row[i] : to + i) * ld + column;
    open_where(columns, made, dsum, d);
    for (size_t c = 0; scale && c < columns; c++) d[c] *= scale[column + c];
  }
}
