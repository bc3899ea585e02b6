/* The kernels on bf16 in the words of vec.h and vec_bf16.h. The product has the tile of
 * gemm_template.h: 6 rows by VF_TILE_COLUMNS registers; what it adds is the epilogue, which leaves
 * the result in the form or forms that the next product reads. */

enum { TILE_ROWS = 6 };

typedef vf tile_sums[TILE_ROWS][VF_TILE_COLUMNS];

/* How many rows the next tile takes: an even number unless it is the last, since rows are paired;
 * and so that no tile of 1 or 2 is left over. */
static inline size_t tile_rows(size_t left) {
  if (left <= TILE_ROWS) return left;
  return left < TILE_ROWS + 4 ? 4 : TILE_ROWS;
}

/* One register of the result, rounded to bf16 and masked; `two`: this one and the next. */
VF_INLINE vu rounded(const sac_gemm_bf16 *g, const int two, vf a, vf b, size_t i, size_t n) {
  vu x = vf_to_bf16(a, two ? b : vf_set1(0.0f));
  if (!g->mask) return x;
  const uint32_t *mask = g->mask + (g->mask_row ? g->mask_row[i] : i) * g->ldm + n / 2;
  return vu_where_positive(x, two ? vu_load(mask) : vu_load_half(mask));
}

VF_INLINE void store_across(uint32_t *p, const int two, vu x) {
  if (two)
    vu_store(p, x);
  else
    vu_store_half(p, x);
}

VF_INLINE void store_down(uint32_t *p, const int two, vu x, vu y) {
  vu_store(p, vu_pair_low(x, y));
  if (two) vu_store(p + VF_LANES, vu_pair_high(x, y));
}

/* Rows i + r and i + r + 1 (if it is there), the registers at column n. */
VF_INLINE void finish_pair(const sac_gemm_bf16 *g, const int two, const int odd, const vf *first,
                           const vf *second, size_t i, size_t n) {
  const vu x = rounded(g, two, first[0], first[two], i, n);
  const vu y = odd ? vu_set1(0) : rounded(g, two, second[0], second[two], i + 1, n);
  if (g->across) {
    store_across(g->across + i * g->ld_across + n / 2, two, x);
    if (!odd) store_across(g->across + (i + 1) * g->ld_across + n / 2, two, y);
  }
  if (g->down) store_down(g->down + i / 2 * g->ld_down + n, two, x, y);
}

VF_INLINE void begin(const size_t rows, const size_t columns, const sac_gemm_bf16 *g, size_t n,
                     tile_sums acc) {
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    const vf bias = g->bias ? vf_load(g->bias + n + c * VF_LANES) : vf_set1(0.0f);
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) acc[r][c] = bias;
  }
}

/* A norm's part of the epilogue, from the register at column n of `rows` rows on. */
VF_INLINE void normed(const size_t rows, const size_t columns, const sac_gemm_bf16 *g, size_t i,
                      size_t n, tile_sums acc) {
  const vf zero = vf_set1(0.0f);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++, n += VF_LANES) {
    const vf scale = vf_load(g->scale + n), shift = g->shift ? vf_load(g->shift + n) : zero;
    const vf slope = g->slope ? vf_load(g->slope + n) : zero;
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) {
      acc[r][c] = vf_fma(scale, acc[r][c], shift);
      if (!g->slope) continue;
      const size_t row = g->mask_row ? g->mask_row[i + r] : i + r;
      acc[r][c] = vf_fma(slope, vf_from_bf16(g->mask + row * g->ldm + n / 2), acc[r][c]);
    }
  }
}

VF_INLINE void finish(const size_t rows, const size_t columns, const sac_gemm_bf16 *g, size_t i,
                      size_t n, tile_sums acc) {
  if (g->scale) normed(rows, columns, g, i, n, acc);
  if (g->relu) {
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) {
      VF_UNROLL
      for (size_t c = 0; c < columns; c++)
        acc[r][c] = vf_max(vf_set1(0.0f), acc[r][c]); /* in this order a NaN stays one */
    }
  }
  if (g->C) {
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) {
      VF_UNROLL
      for (size_t c = 0; c < columns; c++)
        vf_store(g->C + (i + r) * g->ldc + n + c * VF_LANES, acc[r][c]);
    }
    return;
  }
  VF_UNROLL
  for (size_t r = 0; r < rows; r += 2) {
    VF_UNROLL
    for (size_t c = 0; c < columns; c += 2)
      finish_pair(g, c + 1 < columns, r + 1 == rows, &acc[r][c], &acc[r + 1 < rows ? r + 1 : r][c],
                  i + r, n + c * VF_LANES);
  }
}

/* C[i .. i+rows, n .. n+columns VF_LANES) from words. */
VF_INLINE void tile_pairs(const size_t rows, const size_t columns, const sac_gemm_bf16 *g, size_t i,
                          size_t n) {
  tile_sums acc;
  begin(rows, columns, g, n, acc);
  const size_t a_row = g->a_row, a_col = g->a_col, ldb = g->ldb;
  const uint32_t *a = (const uint32_t *)g->A + i * a_row, *b = (const uint32_t *)g->B + n;
  for (size_t p = g->K; p > 0; p--, a += a_col, b += ldb) {
    vu row[VF_TILE_COLUMNS];
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) row[c] = vu_load(b + c * VF_LANES);
    VF_UNROLL
    for (size_t r = 0; r < rows; r++) {
      const vu x = vu_set1(a[r * a_row]);
      VF_UNROLL
      for (size_t c = 0; c < columns; c++) acc[r][c] = vf_dot_pairs(acc[r][c], x, row[c]);
    }
  }
  finish(rows, columns, g, i, n, acc);
}

/* The same from floats. */
VF_INLINE void tile_floats(const size_t rows, const size_t columns, const sac_gemm_bf16 *g,
                           size_t i, size_t n) {
  tile_sums acc;
  begin(rows, columns, g, n, acc);
  const size_t a_row = g->a_row, a_col = g->a_col, ldb = g->ldb;
  const float *a = (const float *)g->A + i * a_row, *b = (const float *)g->B + n;
  for (size_t p = g->K; p > 0; p--, a += a_col, b += ldb) {
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
  finish(rows, columns, g, i, n, acc);
}

VF_INLINE void tile(const int pairs, const size_t rows, const size_t columns,
                    const sac_gemm_bf16 *g, size_t i, size_t n) {
  if (pairs)
    tile_pairs(rows, columns, g, i, n);
  else
    tile_floats(rows, columns, g, i, n);
}

/* All rows of the columns [n, n + columns VF_LANES). */
VF_INLINE void panel(const int pairs, const size_t columns, const sac_gemm_bf16 *g, size_t n) {
  for (size_t i = 0; i < g->M;) {
    const size_t rows = tile_rows(g->M - i);
    switch (rows) {
    case 6:
      tile(pairs, 6, columns, g, i, n);
      break;
    case 5:
      tile(pairs, 5, columns, g, i, n);
      break;
    case 4:
      tile(pairs, 4, columns, g, i, n);
      break;
    case 3:
      tile(pairs, 3, columns, g, i, n);
      break;
    case 2:
      tile(pairs, 2, columns, g, i, n);
      break;
    default:
      tile(pairs, 1, columns, g, i, n);
      break;
    }
    i += rows;
  }
}

VF_INLINE void gemm(const int pairs, const sac_gemm_bf16 *g) {
  size_t n = 0;
  for (; n + VF_TILE_COLUMNS * VF_LANES <= g->N; n += VF_TILE_COLUMNS * VF_LANES)
    panel(pairs, VF_TILE_COLUMNS, g, n);
  for (; n < g->N; n += VF_LANES) panel(pairs, 1, g, n);
}

static void gemm_floats(const sac_gemm_bf16 *g) {
  gemm(0, g);
}

static void dot_rows(size_t M, size_t K, const uint32_t *A, size_t lda, const float *w, float bias,
                     float *y) {
  for (size_t i = 0; i < M; i++) {
    const uint32_t *a = A + i * lda;
    vf sum = vf_set1(0.0f);
    for (size_t k = 0; k < K; k += VF_LANES)
      sum = vf_fma(vf_from_bf16(a + k / 2), vf_load(w + k), sum);
    y[i] = bias + vf_sum(sum);
  }
}

/* One row of the outer product at column n, two registers of it or one. */
VF_INLINE vu outer_row(const sac_outer_bf16 *o, const int two, size_t i, size_t n) {
  const vf g = vf_set1(o->g ? o->g[i] : 1.0f);
  const vf b = two ? g * vf_load(o->w + n + VF_LANES) : vf_set1(0.0f);
  const uint32_t *mask = o->mask + (o->mask_row ? o->mask_row[i] : i) * o->ldm + n / 2;
  return vu_where_positive(vf_to_bf16(g * vf_load(o->w + n), b),
                           two ? vu_load(mask) : vu_load_half(mask));
}

VF_INLINE void outer_pair(const sac_outer_bf16 *o, const int two, const int odd, size_t i,
                          size_t n) {
  const vu x = outer_row(o, two, i, n), y = odd ? vu_set1(0) : outer_row(o, two, i + 1, n);
  if (o->across) {
    store_across(o->across + i * o->ld_across + n / 2, two, x);
    if (!odd) store_across(o->across + (i + 1) * o->ld_across + n / 2, two, y);
  }
  if (o->down) store_down(o->down + i / 2 * o->ld_down + n, two, x, y);
}

static void outer_masked(const sac_outer_bf16 *o) {
  for (size_t i = 0; i < o->M; i += 2) {
    const int odd = i + 1 == o->M;
    size_t n = 0;
    for (; n + 2 * VF_LANES <= o->N; n += 2 * VF_LANES) outer_pair(o, 1, odd, i, n);
    if (n < o->N) outer_pair(o, 0, odd, i, n);
  }
}

/* The two floats of each word. */
VF_INLINE vf first_of(vu a) {
  return (vf)(a << 16);
}
VF_INLINE vf second_of(vu a) {
  return (vf)(a & 0xffff0000u);
}

static void sum_columns(size_t M, size_t N, const float *g, const uint32_t *A, size_t lda,
                        float *y) {
  for (size_t n = 0; n < N; n += VF_LANES) {
    vf even = vf_set1(0.0f), odd = even;
    for (size_t i = 0; i < M; i += 2) {
      const vu a = vu_load(A + i / 2 * lda + n);
      const float second = i + 1 == M ? 0.0f : g ? g[i + 1] : 1.0f;
      even = vf_fma(vf_set1(g ? g[i] : 1.0f), first_of(a), even);
      odd = vf_fma(vf_set1(second), second_of(a), odd);
    }
    vf_store(y + n, even + odd);
  }
}

enum { PANEL = 4, SUM_WORDS = 64 }; /* a float sum runs over so many words, then to the total */

/* total[c] = sum_i A[i,c] or, of squares, sum_i (A[i,c] - center[c])^2 over the rows of a panel of
 * columns; words by turns in two sums, so that none waits for the other. */
VF_INLINE void column_sums(const int squares, const size_t columns, size_t M, const uint32_t *A,
                           size_t lda, const vf *center, vf *total) {
  const vu ones = vu_set1(0x3f803f80u);
  const size_t words = M / 2;
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) total[c] = vf_set1(0.0f);
  for (size_t from = 0; from < words; from += SUM_WORDS) {
    const size_t to = words - from < SUM_WORDS ? words : from + SUM_WORDS;
    vf sum[2][PANEL];
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) sum[0][c] = sum[1][c] = vf_set1(0.0f);
    for (size_t i = from; i < to; i++) {
      VF_UNROLL
      for (size_t c = 0; c < columns; c++) {
        const vu a = vu_load(A + i * lda + c * VF_LANES);
        if (squares) {
          const vf x = first_of(a) - center[c], y = second_of(a) - center[c];
          sum[0][c] = vf_fma(x, x, sum[0][c]);
          sum[1][c] = vf_fma(y, y, sum[1][c]);
        } else {
          const vf kept = sum[0][c];
          sum[0][c] = vf_dot_pairs(sum[1][c], a, ones);
          sum[1][c] = kept;
        }
      }
    }
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) total[c] = total[c] + (sum[0][c] + sum[1][c]);
  }
  if (M % 2 == 0) return;
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    const vf last = first_of(vu_load(A + words * lda + c * VF_LANES));
    const vf x = squares ? last - center[c] : last, y = squares ? x : vf_set1(1.0f);
    total[c] = vf_fma(x, y, total[c]);
  }
}

VF_INLINE void moments_panel(const size_t columns, size_t M, const uint32_t *A, size_t lda,
                             float *mean, float *var) {
  const vf count = vf_set1((float)M);
  vf center[PANEL], square[PANEL];
  column_sums(0, columns, M, A, lda, NULL, center);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) center[c] = center[c] / count;
  column_sums(1, columns, M, A, lda, center, square);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    vf_store(mean + c * VF_LANES, center[c]);
    vf_store(var + c * VF_LANES, square[c] / count);
  }
}

static void moments(size_t M, size_t N, const uint32_t *A, size_t lda, float *mean, float *var) {
  size_t n = 0;
  for (; n + PANEL * VF_LANES <= N; n += PANEL * VF_LANES)
    moments_panel(PANEL, M, A + n, lda, mean + n, var + n);
  for (; n < N; n += VF_LANES) moments_panel(1, M, A + n, lda, mean + n, var + n);
}

/* Row i of W at column n by s[i]; 0 beyond M. */
VF_INLINE vf folded(const sac_fold_bf16 *f, size_t i, size_t n) {
  return i < f->M ? vf_set1(f->s[i]) * vf_load(f->W + i * f->ldw + n) : vf_set1(0.0f);
}

/* What row i adds to y: t W + mean (s W - F). */
VF_INLINE vf fold_left(const sac_fold_bf16 *f, size_t i, size_t n, vf exact, vf rounded, vf sum) {
  if (i >= f->M) return sum;
  sum = vf_fma(vf_set1(f->t[i]), vf_load(f->W + i * f->ldw + n), sum);
  return vf_fma(vf_set1(f->mean[i]), exact - rounded, sum);
}

VF_INLINE void fold_panel(const size_t columns, const sac_fold_bf16 *f, size_t n) {
  vf sum[2][PANEL];
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    sum[0][c] = vf_load(f->bias + n + c * VF_LANES);
    sum[1][c] = vf_set1(0.0f);
  }
  for (size_t i = 0; i < f->M; i += 2) {
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) {
      const size_t at = n + c * VF_LANES;
      const vf x = folded(f, i, at), y = folded(f, i + 1, at);
      const vu word = vu_interleave(vf_to_bf16(x, y));
      vu_store(f->F + i / 2 * f->ldf + at, word);
      sum[0][c] = fold_left(f, i, at, x, first_of(word), sum[0][c]);
      sum[1][c] = fold_left(f, i + 1, at, y, second_of(word), sum[1][c]);
    }
  }
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) vf_store(f->y + n + c * VF_LANES, sum[0][c] + sum[1][c]);
}

static void fold(const sac_fold_bf16 *f) {
  size_t n = 0;
  for (; n + PANEL * VF_LANES <= f->N; n += PANEL * VF_LANES) fold_panel(PANEL, f, n);
  for (; n < f->N; n += VF_LANES) fold_panel(1, f, n);
}

static void unfold(const sac_unfold *u) {
  for (size_t i = 0; i < u->M; i++) {
    const vf a = vf_set1(u->a[i]), c = vf_set1(u->c[i]);
    const vf gamma = vf_set1(u->gamma[i]), beta = vf_set1(u->beta[i]);
    vf dgamma = vf_set1(0.0f), dbeta = dgamma;
    for (size_t n = 0; n < u->N; n += VF_LANES) {
      float *h = u->H + i * u->ldh + n;
      const vf db = vf_load(u->db + n), w = vf_rounded(vf_load(u->W + i * u->ldw + n));
      const vf g = vf_fma(a, vf_load(h), c * db);
      dgamma = vf_fma(w, g, dgamma);
      dbeta = vf_fma(w, db, dbeta);
      vf_store(h, vf_fma(gamma, g, beta * db));
    }
    u->dgamma[i] = vf_sum(dgamma);
    u->dbeta[i] = vf_sum(dbeta);
  }
}

static void pack_across(size_t M, size_t N, const float *W, size_t ldw, uint32_t *across,
                        size_t ld) {
  for (size_t i = 0; i < M; i++, W += ldw, across += ld) {
    size_t n = 0;
    for (; n + 2 * VF_LANES <= N; n += 2 * VF_LANES)
      vu_store(across + n / 2, vf_to_bf16(vf_load(W + n), vf_load(W + n + VF_LANES)));
    if (n < N) vu_store_half(across + n / 2, vf_to_bf16(vf_load(W + n), vf_set1(0.0f)));
  }
}

static void pack_down(size_t M, size_t N, const float *W, size_t ldw, uint32_t *down, size_t ld) {
  for (size_t i = 0; i < M; i += 2, W += 2 * ldw, down += ld)
    for (size_t n = 0; n < N; n += VF_LANES) {
      const vf second = i + 1 < M ? vf_load(W + ldw + n) : vf_set1(0.0f);
      const vu x = vf_to_bf16(vf_load(W + n), second); /* the second half is the second row */
      vu_store(down + n, vu_interleave(x));
    }
}

/* A block of VF_LANES rows and 2 VF_LANES columns (or half of them): words across, turned. */
VF_INLINE void turn_block(const int two, size_t rows, const float *W, size_t ldw, uint32_t *turned,
                          size_t ld) {
  vf r[VF_LANES];
  VF_UNROLL
  for (size_t i = 0; i < VF_LANES; i++) {
    r[i] = vf_set1(0.0f);
    if (i < rows)
      r[i] = (vf)vf_to_bf16(vf_load(W + i * ldw),
                            two ? vf_load(W + i * ldw + VF_LANES) : vf_set1(0.0f));
  }
  vf_turn(r);
  VF_UNROLL
  for (size_t i = 0; i < VF_LANES; i++)
    if (two || i < VF_LANES / 2) vu_store(turned + i * ld, (vu)r[i]);
}

static void pack_turned(size_t M, size_t N, const float *W, size_t ldw, uint32_t *turned,
                        size_t ld) {
  for (size_t i = 0; i < M; i += VF_LANES)
    for (size_t n = 0; n < N; n += 2 * VF_LANES) {
      const size_t rows = M - i < VF_LANES ? M - i : VF_LANES;
      const float *block = W + i * ldw + n;
      uint32_t *to = turned + n / 2 * ld + i;
      if (rows == VF_LANES && n + 2 * VF_LANES <= N)
        turn_block(1, VF_LANES, block, ldw, to, ld);
      else if (n + 2 * VF_LANES <= N)
        turn_block(1, rows, block, ldw, to, ld);
      else
        turn_block(0, rows, block, ldw, to, ld);
    }
}
