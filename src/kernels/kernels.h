/* The table of kernels: what the networks, the optimiser and the policy are computed with. One
 * table an instruction set; every kernel sums in an order that depends on its arguments' sizes
 * alone, and each output on its own row or column, so that any split of the work gives the same
 * bits. */
#ifndef SAC_KERNELS_KERNELS_H
#define SAC_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { SAC_LANES = 16 }; /* widths of matrices are padded to this many floats, on every table */

static inline size_t sac_padded(size_t n) {
  return (n + SAC_LANES - 1) / SAC_LANES * SAC_LANES;
}

/* C (M,N) = epilogue(A (M,K) B (K,N)).  Element (i,p) of A is A[i a_row + p a_col], so that A may
 * be a transpose; B and C are row-major; N is a multiple of SAC_LANES. The sum over p runs upwards
 * from the bias in one accumulator. */
typedef struct sac_gemm {
  size_t M, N, K;
  const float *A;
  size_t a_row, a_col;
  const float *B;
  size_t ldb;
  float *C;
  size_t ldc;
  const float *bias; /* (N) or NULL */
  int relu;          /* C = max(C, 0) */
  const float *mask; /* (*,N) or NULL: C[i] = 0 where row mask_row[i] of mask (or i) is <= 0 */
  size_t ldm;
  const size_t *mask_row; /* (M) or NULL */

  /* a norm's part, if `scale` is not NULL: C = scale C + shift, before the ReLU unless `late`; then
   * C += slope mask, before the mask, which is "!= mask_at" instead of "> 0" if that is given */
  const float *scale, *shift; /* (N); shift may be NULL */
  int late;
  const float *slope, *mask_at; /* (N) or NULL; with mask only */
} sac_gemm;

/* Columns normalised over a batch, of which mean and var are the moments (biased):
 *   rstd = 1 / sqrt(var + eps),  a = r rstd,  c = d - a mean,  so that xhat = a x + c
 *   s = gamma a,  t = beta + gamma c,  so that gamma xhat + beta = s x + t
 * and the running moments keep a share `keep` of themselves; what the running variance takes is
 * `unbias` var. r and d are 1 and 0, or if `renorm`
 *   r = sigma / sigma_run cut to [1 / r_max, r_max],  d = (mean - mean_run) / sigma_run cut to
 * +- d_max, by the running moments from before   [BRN]. N a multiple of SAC_LANES. */
typedef struct sac_column_norm {
  size_t N;
  float eps, keep, unbias;
  int renorm;
  float r_max, d_max;
  const float *mean, *var, *gamma, *beta;
  float *run_mean, *run_var;           /* in, out */
  float *rstd, *r, *d, *a, *c, *s, *t; /* out */
} sac_column_norm;

/* Rows normalised: with the mean of row i's `width` numbers if `center`, else 0,
 *   rstd[i] = 1 / sqrt(mean (x - mean)^2 + eps),  xn = (x - mean) rstd[i],
 *   Y = gamma xn + beta, then the ReLU if `relu`.
 * X, xn, Y (M, padded width), xn and Y zero beyond the width, X anything: an actor's input is the
 * front of [s,a]. xn may be X. gamma, beta (padded width); beta may be NULL. */
typedef struct sac_row_norm {
  size_t M, width;
  float eps;
  int center, relu;
  const float *gamma, *beta;
  const float *X;
  size_t ldx;
  float *xn;
  size_t ldn;
  float *rstd;
  float *Y;
  size_t ldy;
} sac_row_norm;

/* Back through the same: with g = gamma dy,
 *   dx = rstd (g - mean(g) - xn mean(g xn)),  without mean(g) if not `center`,
 * and 0 where mask is not > 0. Row i of dy and dx goes with row row[i] (or i) of xn, rstd and mask;
 * dx may be dy. */
typedef struct sac_row_norm_back {
  size_t M, width;
  int center;
  const float *gamma;
  const float *xn;
  size_t ldn;
  const float *rstd;
  const float *mask; /* or NULL */
  size_t ldm;
  const size_t *row; /* (M) or NULL */
  const float *dy;
  size_t ldy;
  float *dx;
  size_t ldx;
} sac_row_norm_back;

/* --- rows on the unit sphere [SIMBAV2]. X, Y, U, R (M, padded width), what is written zero beyond
 * the width; a gradient's row i goes with row row[i] (or i) of the others; all gradients have rows
 * of ldd floats, and dX may be dY. A length below SAC_LEAST_LENGTH counts as that. */
#define SAC_LEAST_LENGTH 1e-8f

/* Y = scale X, or max(scale X, 0) + more if `relu`; by column. */
typedef struct sac_scale_rows {
  size_t M, width;
  const float *scale;
  int relu;
  float more;
  const float *X;
  size_t ldx;
  float *Y;
  size_t ldy;
} sac_scale_rows;

/* dX = scale dY, and row i's part of dL/dscale, G = X dY, if it is not NULL; both 0 where a ReLU
 * was closed. G may not be dY. */
typedef struct sac_scale_rows_back {
  size_t M, width;
  const float *scale;
  int relu;
  const float *X;
  size_t ldx;
  const size_t *row;
  const float *dY;
  size_t ldd;
  float *G, *dX;
} sac_scale_rows_back;

/* v = scale X (scale NULL: 1),  Y = v / |v|,  inv = 1 / |v|.  X may be Y. */
typedef struct sac_sphere {
  size_t M, width;
  const float *scale;
  const float *X;
  size_t ldx;
  float *Y, *inv;
  size_t ldy;
} sac_sphere;

/* With dy = dY + more (more NULL: 0):  dv = inv (dy - (Y dy) Y),  dX = scale dv,  G = X dv, if it
 * is not NULL; then X is needed. */
typedef struct sac_sphere_back {
  size_t M, width;
  const float *scale;
  const float *X;
  size_t ldx;
  const float *Y, *inv;
  size_t ldy;
  const size_t *row;
  const float *dY, *more;
  size_t ldd;
  float *G, *dX;
} sac_sphere_back;

/* From X in U:  U <- X / |X|,  v = R + by alpha (U - R),  Y = v / |v|;  inv_x and inv are the
 * inverse lengths. */
typedef struct sac_lerp {
  size_t M, width;
  float by;
  const float *alpha;
  const float *R;
  size_t ldr;
  float *U, *inv_x;
  size_t ldu;
  float *Y, *inv;
  size_t ldy;
} sac_lerp;

/* With dy = dY + more:  dv = inv (dy - (Y dy) Y),  G = by dv (U - R), row i's part of dL/dalpha, if
 * it is not NULL,  dR = (1 - by alpha) dv,  dU = by alpha dv,  dX = inv_x (dU - (U dU) U). */
typedef struct sac_lerp_back {
  size_t M, width;
  float by;
  const float *alpha;
  const float *R;
  size_t ldr;
  const float *U, *inv_x;
  size_t ldu;
  const float *Y, *inv;
  size_t ldy;
  const size_t *row;
  const float *dY, *more;
  size_t ldd;
  float *G, *dR, *dX;
} sac_lerp_back;

/* The weight gradient of a product whose input is y = gamma (a x + c) + beta, from H = x^T dz:
 *   G = a H + c db^T = xhat^T dz,   H <- dW = gamma G + beta db^T,
 *   dgamma_i = sum_n W[i,n] G[i,n],  dbeta_i = sum_n W[i,n] db[n].
 * W, H (M,N), db (N), the others (M); N a multiple of SAC_LANES. */
typedef struct sac_unfold {
  size_t M, N;
  const float *a, *c, *gamma, *beta, *db;
  const float *W;
  size_t ldw;
  float *H;
  size_t ldh;
  float *dgamma, *dbeta;
} sac_unfold;

/* One step of Adam [ADAM, algorithm 1]; c1, c2 are the bias corrections 1/(1 - beta^t); decay is
 * the share of itself that a weight loses besides [ADAMW, algorithm 2: lr times lambda], or 0.
 * all: the networks' vectors lose it too, not the matrices alone; for the kernel no matter. */
typedef struct sac_adam_step {
  float lr, beta1, beta2, eps, c1, c2, decay;
  int all;
} sac_adam_step;

/* The map from the network's output to log sigma. */
typedef struct sac_log_std_map {
  int kind; /* SAC_LOG_STD_* of sac/agent.h */
  float low, high;
} sac_log_std_map;

typedef struct sac_kernels {
  const char *isa;

  void (*gemm)(const sac_gemm *g);

  /* y[i] = bias + sum_k A[i,k] w[k];  A (M,K), any K */
  void (*dot_rows)(size_t M, size_t K, const float *A, size_t lda, const float *w, float bias,
                   float *y);
  /* C[i,n] = mask[i,n] > 0 ? g[i] w[n] : 0;  N a multiple of SAC_LANES */
  void (*outer_masked)(size_t M, size_t N, const float *g, const float *w, const float *mask,
                       size_t ldm, float *C, size_t ldc);
  /* y[n] = sum_i g[i] A[i,n], or sum_i A[i,n] if g is NULL;  N a multiple of SAC_LANES */
  void (*sum_columns)(size_t M, size_t N, const float *g, const float *A, size_t lda, float *y);
  /* T[n,k] = W[k,n];  W (K,N), T (N,K) */
  void (*transpose)(size_t K, size_t N, const float *W, size_t ldw, float *T, size_t ldt);

  /* --- of norms: column by column, N a multiple of SAC_LANES */

  /* mean[n] and var[n] (biased) of the column n of A (M,N); the mean first, then the squares */
  void (*moments)(size_t M, size_t N, const float *A, size_t lda, float *mean, float *var);
  void (*column_norm)(const sac_column_norm *c);
  /* scale = gamma / sqrt(var + eps), shift = beta - scale mean */
  void (*column_affine)(size_t N, float eps, const float *mean, const float *var,
                        const float *gamma, const float *beta, float *scale, float *shift);
  /* F[i,n] = s[i] W[i,n] and y[n] = bias[n] + sum_i t[i] W[i,n];  W (M,N) */
  void (*fold)(size_t M, size_t N, const float *s, const float *t, const float *W, size_t ldw,
               const float *bias, float *F, size_t ldf, float *y);
  void (*unfold)(const sac_unfold *u);
  /* C = scale (A - center) + shift, then the ReLU if `relu`; center NULL: 0 */
  void (*affine)(size_t M, size_t N, const float *center, const float *scale, const float *shift,
                 int relu, const float *A, size_t lda, float *C, size_t ldc);
  /* sum[n] = sum_i G[i,n] and dot[n] = sum_i G[i,n] (A[i,n] - center[n]); center NULL: 0 */
  void (*sum_products)(size_t M, size_t N, const float *center, const float *G, size_t ldg,
                       const float *A, size_t lda, float *sum, float *dot);
  void (*row_norm)(const sac_row_norm *r);
  void (*row_norm_back)(const sac_row_norm_back *r);
  void (*scale_rows)(const sac_scale_rows *s);
  void (*scale_rows_back)(const sac_scale_rows_back *s);
  void (*sphere)(const sac_sphere *s);
  void (*sphere_back)(const sac_sphere_back *s);
  void (*lerp)(const sac_lerp *s);
  void (*lerp_back)(const sac_lerp_back *s);
  /* G = scale G + shift + slope A */
  void (*combine)(size_t M, size_t N, const float *scale, const float *shift, const float *slope,
                  const float *A, size_t lda, float *G, size_t ldg);

  /* Adam on w (n) with gradient g and moments m, v; if target is not NULL, then also
   * target <- target + tau (w - target), all in one pass. Moments below 2^-126 become zero. Returns
   * sum g^2, in double. */
  double (*adam)(size_t n, const sac_adam_step *step, const float *g, float *m, float *v, float *w,
                 float tau, float *target);

  /* out[i] ~ N(0,1) from two random words each, by Box-Muller, 23 bits of each word: |out| < 5.8 */
  void (*normals)(size_t n, const uint32_t *words, float *out);

  /* log_std[i] = map(raw[i]) and slope[i] = d log_std / d raw */
  void (*log_std)(size_t n, const sac_log_std_map *map, const float *raw, float *log_std,
                  float *slope);
  /* u = mean + std eps, a = tanh u:  std, act = a, da_du = 1 - a^2, and
   * logp[i] = -eps^2/2 - log_std - log(2 pi)/2 - log(1 - a^2), one term a dimension */
  void (*tanh_normal)(size_t n, const float *mean, const float *log_std, const float *eps,
                      float *std, float *act, float *da_du, float *logp);
  /* a = tanh u */
  void (*tanh)(size_t n, const float *u, float *a);
  /* x[i,n] <- e^(x[i,n] - log_sum[i]),  log_sum[i] = log sum_n e^x[i,n];  x (M,N), any N > 0. What
   * is below e^-87 of the row's largest may be anything from 0 to that. A NaN spreads in its row.
   */
  void (*softmax)(size_t M, size_t N, float *x, size_t ldx, float *log_sum);

  /* SAC_FMA_FLOPS operations a round, in registers alone: a <- a x + y on 12 chains that begin at
   * 0 ... 11. Returns the chains' sum. A round is SAC_LANES / lanes steps of each chain. */
  float (*fma_chains)(size_t rounds, float x, float y);
} sac_kernels;
enum { SAC_FMA_FLOPS = 2 * 12 * SAC_LANES };

extern const sac_kernels sac_kernels_reference; /* plain C in double: the oracle of the others */
extern const sac_kernels sac_kernels_generic, sac_kernels_avx2, sac_kernels_avx512;
extern const sac_kernels sac_kernels_neon;

/* The table in use: the best that the CPU has, at most $SAC_ISA; chosen once. Threads: safe. */
const sac_kernels *sac_kernels_get(void);

/* The table named `isa`, or NULL if there is none or this CPU has not its instructions. */
const sac_kernels *sac_kernels_find(const char *isa);

#endif
