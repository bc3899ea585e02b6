/* The matrix product, in tiles of 6 rows by VF_TILE_COLUMNS registers that stay in accumulators
 * while the sum over k runs: a row of B is loaded once and meets 6 broadcasts of A. */

enum { TILE_ROWS = 6, PART = 512 };

/* How many rows the next tile takes, of `left`: 6, or less so that no tile of 1 or 2 is left over
 * (a tile of few rows waits for its own sums). */
static inline size_t tile_rows(size_t left) {
  if (left >= TILE_ROWS + 4 || left <= TILE_ROWS) return left < TILE_ROWS ? left : TILE_ROWS;
  return (left + 1) / 2; /* 7 ... 9: two tiles of 4 or 5 */
}

/* The epilogue of a product beside a norm. */
VF_INLINE vf normed(const sac_gemm *g, vf c, size_t i, size_t n) {
  const vf zero = vf_set1(0.0f), scale = vf_load(g->scale + n);
  const vf shift = g->shift ? vf_load(g->shift + n) : zero;
  if (!g->late) c = vf_fma(scale, c, shift);
  if (g->relu) c = vf_max(zero, c);
  if (g->late) c = vf_fma(scale, c, shift);
  if (!g->mask) return c;
  const vf mask = vf_load(g->mask + (g->mask_row ? g->mask_row[i] : i) * g->ldm + n);
  if (g->slope) c = vf_fma(vf_load(g->slope + n), mask, c);
  const vi on = g->mask_at ? mask != vf_load(g->mask_at + n) : mask > zero;
  return (vf)((vi)c & on);
}

VF_INLINE vf epilogue(const sac_gemm *g, vf c, size_t i, size_t n) {
  if (g->scale) return normed(g, c, i, n);
  if (g->relu) c = vf_max(vf_set1(0.0f), c); /* in this order a NaN stays one */
  if (g->mask) {
    const vf mask = vf_load(g->mask + (g->mask_row ? g->mask_row[i] : i) * g->ldm + n);
    c = (vf)((vi)c & (mask > vf_set1(0.0f)));
  }
  return c;
}

/* A part of the sum over k, [from, to): a product with many k is done in parts, so that the part of
 * B that all rows read stays in the cache. C keeps the sums in between, which changes no bit. */
typedef struct part {
  size_t from, to;
} part;

VF_INLINE vf begin(const sac_gemm *g, const part *k, size_t i, size_t n) {
  if (k->from) return vf_load(g->C + i * g->ldc + n);
  return g->bias ? vf_load(g->bias + n) : vf_set1(0.0f);
}

/* C[i .. i+rows, n .. n+columns VF_LANES); rows and columns are constants where this is inlined. */
VF_INLINE void tile(const size_t rows, const size_t columns, const sac_gemm *g, const part *k,
                    size_t i, size_t n) {
  vf acc[TILE_ROWS][VF_TILE_COLUMNS];
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) acc[r][c] = begin(g, k, i + r, n + c * VF_LANES);
  }
  const size_t a_row = g->a_row, a_col = g->a_col, ldb = g->ldb;
  const float *a = g->A + i * a_row + k->from * a_col, *b = g->B + k->from * ldb + n;
  for (size_t p = k->to - k->from; p > 0; p--, a += a_col, b += ldb) {
    vf row[VF_TILE_COLUMNS];
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) row[c] = vf_load(b + c * VF_LANES);
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) {
      const vf x = vf_set1(a[r * a_row]);
      VF_UNROLL
      for (size_t c = 0; c < columns; c++) acc[r][c] = vf_fma(x, row[c], acc[r][c]);
    }
  }
  const int last = k->to == g->K;
  VF_UNROLL
  for (size_t r = 0; r < rows; r++) {
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) {
      const vf sum = acc[r][c];
      vf_store(g->C + (i + r) * g->ldc + n + c * VF_LANES,
               last ? epilogue(g, sum, i + r, n + c * VF_LANES) : sum);
    }
  }
}

/* All rows of the columns [n, n + columns VF_LANES). */
VF_INLINE void panel(const size_t columns, const sac_gemm *g, const part *k, size_t n) {
  for (size_t i = 0; i < g->M;) {
    const size_t rows = tile_rows(g->M - i);
    switch (rows) {
    case 6:
      tile(6, columns, g, k, i, n);
      break;
    case 5:
      tile(5, columns, g, k, i, n);
      break;
    case 4:
      tile(4, columns, g, k, i, n);
      break;
    case 3:
      tile(3, columns, g, k, i, n);
      break;
    case 2:
      tile(2, columns, g, k, i, n);
      break;
    default:
      tile(1, columns, g, k, i, n);
      break;
    }
    i += rows;
  }
}

static void gemm(const sac_gemm *g) {
  part k = {0, 0};
  do {
    k.from = k.to;
    k.to = g->K - k.from > PART + PART / 2 ? k.from + PART : g->K; /* the last: up to 1.5 */
    size_t n = 0;
    for (; n + VF_TILE_COLUMNS * VF_LANES <= g->N; n += VF_TILE_COLUMNS * VF_LANES)
      panel(VF_TILE_COLUMNS, g, &k, n);
    for (; n < g->N; n += VF_LANES) panel(1, g, &k, n);
  } while (k.to < g->K);
}

static void dot_rows(size_t M, size_t K, const float *A, size_t lda, const float *w, float bias,
                     float *y) {
  for (size_t i = 0; i < M; i++) {
    const float *a = A + i * lda;
    vf even = vf_set1(0.0f), odd = even; /* two sums, so that one does not wait for the other */
    size_t k = 0;
    for (; k + 2 * VF_LANES <= K; k += 2 * VF_LANES) {
      even = vf_fma(vf_load(a + k), vf_load(w + k), even);
      odd = vf_fma(vf_load(a + k + VF_LANES), vf_load(w + k + VF_LANES), odd);
    }
    float sum = vf_sum(even + odd);
    for (; k < K; k++) sum += a[k] * w[k];
    y[i] = bias + sum;
  }
}

static void outer_masked(size_t M, size_t N, const float *g, const float *w, const float *mask,
                         size_t ldm, float *C, size_t ldc) {
  for (size_t i = 0; i < M; i++) {
    const vf x = vf_set1(g[i]);
    for (size_t n = 0; n < N; n += VF_LANES) {
      const vi on = vf_load(mask + i * ldm + n) > vf_set1(0.0f);
      vf_store(C + i * ldc + n, (vf)((vi)(x * vf_load(w + n)) & on));
    }
  }
}

static void sum_columns(size_t M, size_t N, const float *g, const float *A, size_t lda, float *y) {
  size_t n = 0;
  for (; n + 4 * VF_LANES <= N; n += 4 * VF_LANES) {
    vf s0 = vf_set1(0.0f), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < M; i++) {
      const vf x = vf_set1(g ? g[i] : 1.0f);
      const float *a = A + i * lda + n;
      s0 = vf_fma(x, vf_load(a), s0);
      s1 = vf_fma(x, vf_load(a + VF_LANES), s1);
      s2 = vf_fma(x, vf_load(a + 2 * VF_LANES), s2);
      s3 = vf_fma(x, vf_load(a + 3 * VF_LANES), s3);
    }
    vf_store(y + n, s0);
    vf_store(y + n + VF_LANES, s1);
    vf_store(y + n + 2 * VF_LANES, s2);
    vf_store(y + n + 3 * VF_LANES, s3);
  }
  for (; n < N; n += VF_LANES) {
    vf s = vf_set1(0.0f);
    for (size_t i = 0; i < M; i++)
      s = vf_fma(vf_set1(g ? g[i] : 1.0f), vf_load(A + i * lda + n), s);
    vf_store(y + n, s);
  }
}

/* One block of VF_LANES x VF_LANES in registers. */
VF_INLINE void transpose_block(const float *W, size_t ldw, float *T, size_t ldt) {
  vf r[VF_LANES];
  VF_UNROLL
  for (int i = 0; i < VF_LANES; i++) r[i] = vf_load(W + (size_t)i * ldw);
  vf_turn(r);
  VF_UNROLL
  for (int i = 0; i < VF_LANES; i++) vf_store(T + (size_t)i * ldt, r[i]);
}

static void transpose(size_t K, size_t N, const float *W, size_t ldw, float *T, size_t ldt) {
  const size_t whole_K = K - K % VF_LANES, whole_N = N - N % VF_LANES;
  for (size_t n = 0; n < whole_N; n += VF_LANES)
    for (size_t k = 0; k < whole_K; k += VF_LANES)
      transpose_block(W + k * ldw + n, ldw, T + n * ldt + k, ldt);
  for (size_t n = 0; n < N; n++) /* what is left on both edges */
    for (size_t k = n < whole_N ? whole_K : 0; k < K; k++) T[n * ldt + k] = W[k * ldw + n];
}
