/* The kernels of norms over a batch. A column is summed in the same order wherever it lies: in a
 * panel of four registers or in one alone. */

enum { PANEL = 4, SUM_ROWS = 128 }; /* a float sum runs over so many rows, then goes to the total */

/* Sums over the rows of a panel of columns: of A; of (A - center)^2; of (A - center) G. */
enum sum_kind { SUM_PLAIN, SUM_SQUARES, SUM_PAIRED };

/* total[c] = sum_i f(A[i, c]); rows by turns in two sums, so that none waits for the other. */
VF_INLINE void column_sums(const enum sum_kind kind, const size_t columns, size_t M, const float *A,
                           size_t lda, const vf *center, const float *G, size_t ldg, vf *total) {
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) total[c] = vf_set1(0.0f);
  for (size_t from = 0; from < M; from += SUM_ROWS) {
    const size_t to = M - from < SUM_ROWS ? M : from + SUM_ROWS;
    vf sum[2][PANEL];
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) sum[0][c] = sum[1][c] = vf_set1(0.0f);
    size_t i = from;
    for (; i + 2 <= to; i += 2) {
      VF_UNROLL
      for (size_t r = 0; r < 2; r++) {
        VF_UNROLL
        for (size_t c = 0; c < columns; c++) {
          vf x = vf_load(A + (i + r) * lda + c * VF_LANES), y = vf_set1(1.0f);
          if (kind != SUM_PLAIN) x = x - center[c], y = x;
          if (kind == SUM_PAIRED) y = vf_load(G + (i + r) * ldg + c * VF_LANES);
          sum[r][c] = kind == SUM_PLAIN ? sum[r][c] + x : vf_fma(x, y, sum[r][c]);
        }
      }
    }
    for (; i < to; i++) {
      VF_UNROLL
      for (size_t c = 0; c < columns; c++) {
        vf x = vf_load(A + i * lda + c * VF_LANES), y = vf_set1(1.0f);
        if (kind != SUM_PLAIN) x = x - center[c], y = x;
        if (kind == SUM_PAIRED) y = vf_load(G + i * ldg + c * VF_LANES);
        sum[0][c] = kind == SUM_PLAIN ? sum[0][c] + x : vf_fma(x, y, sum[0][c]);
      }
    }
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) total[c] = total[c] + (sum[0][c] + sum[1][c]);
  }
}

VF_INLINE void moments_panel(const size_t columns, size_t M, const float *A, size_t lda,
                             float *mean, float *var) {
  const vf count = vf_set1((float)M);
  vf center[PANEL], square[PANEL];
  column_sums(SUM_PLAIN, columns, M, A, lda, NULL, NULL, 0, center);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) center[c] = center[c] / count;
  column_sums(SUM_SQUARES, columns, M, A, lda, center, NULL, 0, square);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    vf_store(mean + c * VF_LANES, center[c]);
    vf_store(var + c * VF_LANES, square[c] / count);
  }
}

static void moments(size_t M, size_t N, const float *A, size_t lda, float *mean, float *var) {
  size_t n = 0;
  for (; n + PANEL * VF_LANES <= N; n += PANEL * VF_LANES)
    moments_panel(PANEL, M, A + n, lda, mean + n, var + n);
  for (; n < N; n += VF_LANES) moments_panel(1, M, A + n, lda, mean + n, var + n);
}

VF_INLINE void products_panel(const size_t columns, size_t M, const float *center, const float *G,
                              size_t ldg, const float *A, size_t lda, float *sum, float *dot) {
  vf plain[PANEL], paired[PANEL], middle[PANEL];
  VF_UNROLL
  for (size_t c = 0; c < columns; c++)
    middle[c] = center ? vf_load(center + c * VF_LANES) : vf_set1(0.0f);
  column_sums(SUM_PLAIN, columns, M, G, ldg, NULL, NULL, 0, plain);
  column_sums(SUM_PAIRED, columns, M, A, lda, middle, G, ldg, paired);
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    vf_store(sum + c * VF_LANES, plain[c]);
    vf_store(dot + c * VF_LANES, paired[c]);
  }
}

static void sum_products(size_t M, size_t N, const float *center, const float *G, size_t ldg,
                         const float *A, size_t lda, float *sum, float *dot) {
  size_t n = 0;
  for (; n + PANEL * VF_LANES <= N; n += PANEL * VF_LANES)
    products_panel(PANEL, M, center ? center + n : NULL, G + n, ldg, A + n, lda, sum + n, dot + n);
  for (; n < N; n += VF_LANES)
    products_panel(1, M, center ? center + n : NULL, G + n, ldg, A + n, lda, sum + n, dot + n);
}

VF_INLINE vf between(vf low, vf x, vf high) {
  return vf_min(high, vf_max(low, x)); /* in this order a NaN stays one */
}

static void column_norm(const sac_column_norm *k) {
  const vf one = vf_set1(1.0f), eps = vf_set1(k->eps), keep = vf_set1(k->keep);
  const vf r_max = vf_set1(k->r_max), d_max = vf_set1(k->d_max), take = vf_set1(1.0f - k->keep);
  const vf take_var = vf_set1((1.0f - k->keep) * k->unbias);
  for (size_t n = 0; n < k->N; n += VF_LANES) {
    const vf mean = vf_load(k->mean + n), var = vf_load(k->var + n);
    const vf mean_run = vf_load(k->run_mean + n), var_run = vf_load(k->run_var + n);
    const vf gamma = vf_load(k->gamma + n), beta = vf_load(k->beta + n);
    const vf sigma = vf_sqrt(var + eps), rstd = one / sigma;
    vf r = one, d = vf_set1(0.0f);
    if (k->renorm) {
      const vf rstd_run = one / vf_sqrt(var_run + eps);
      r = between(one / r_max, sigma * rstd_run, r_max);
      d = between(-d_max, (mean - mean_run) * rstd_run, d_max);
    }
    const vf a = r * rstd, c = d - a * mean;
    vf_store(k->rstd + n, rstd);
    vf_store(k->r + n, r);
    vf_store(k->d + n, d);
    vf_store(k->a + n, a);
    vf_store(k->c + n, c);
    vf_store(k->s + n, gamma * a);
    vf_store(k->t + n, vf_fma(gamma, c, beta));
    vf_store(k->run_mean + n, vf_fma(keep, mean_run, take * mean));
    vf_store(k->run_var + n, vf_fma(keep, var_run, take_var * var));
  }
}

static void column_affine(size_t N, float eps, const float *mean, const float *var,
                          const float *gamma, const float *beta, float *scale, float *shift) {
  for (size_t n = 0; n < N; n += VF_LANES) {
    const vf s = vf_load(gamma + n) / vf_sqrt(vf_load(var + n) + vf_set1(eps));
    vf_store(scale + n, s);
    vf_store(shift + n, vf_load(beta + n) - s * vf_load(mean + n));
  }
}

VF_INLINE void fold_panel(const size_t columns, size_t M, const float *s, const float *t,
                          const float *W, size_t ldw, const float *bias, float *F, size_t ldf,
                          float *y) {
  vf sum[2][PANEL];
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    sum[0][c] = vf_load(bias + c * VF_LANES);
    sum[1][c] = vf_set1(0.0f);
  }
  size_t i = 0;
  for (; i + 2 <= M; i += 2) {
    VF_UNROLL
    for (size_t r = 0; r < 2; r++) {
      const vf by = vf_set1(s[i + r]), along = vf_set1(t[i + r]);
      VF_UNROLL
      for (size_t c = 0; c < columns; c++) {
        const vf w = vf_load(W + (i + r) * ldw + c * VF_LANES);
        vf_store(F + (i + r) * ldf + c * VF_LANES, by * w);
        sum[r][c] = vf_fma(along, w, sum[r][c]);
      }
    }
  }
  VF_UNROLL
  for (size_t c = 0; c < columns; c++) {
    if (i < M) {
      const vf w = vf_load(W + i * ldw + c * VF_LANES);
      vf_store(F + i * ldf + c * VF_LANES, vf_set1(s[i]) * w);
      sum[0][c] = vf_fma(vf_set1(t[i]), w, sum[0][c]);
    }
    vf_store(y + c * VF_LANES, sum[0][c] + sum[1][c]);
  }
}

static void fold(size_t M, size_t N, const float *s, const float *t, const float *W, size_t ldw,
                 const float *bias, float *F, size_t ldf, float *y) {
  size_t n = 0;
  for (; n + PANEL * VF_LANES <= N; n += PANEL * VF_LANES)
    fold_panel(PANEL, M, s, t, W + n, ldw, bias + n, F + n, ldf, y + n);
  for (; n < N; n += VF_LANES) fold_panel(1, M, s, t, W + n, ldw, bias + n, F + n, ldf, y + n);
}

static void unfold(const sac_unfold *u) {
  for (size_t i = 0; i < u->M; i++) {
    const vf a = vf_set1(u->a[i]), c = vf_set1(u->c[i]);
    const vf gamma = vf_set1(u->gamma[i]), beta = vf_set1(u->beta[i]);
    vf dgamma = vf_set1(0.0f), dbeta = dgamma;
    for (size_t n = 0; n < u->N; n += VF_LANES) {
      float *h = u->H + i * u->ldh + n;
      const vf db = vf_load(u->db + n), w = vf_load(u->W + i * u->ldw + n);
      const vf g = vf_fma(a, vf_load(h), c * db);
      dgamma = vf_fma(w, g, dgamma);
      dbeta = vf_fma(w, db, dbeta);
      vf_store(h, vf_fma(gamma, g, beta * db));
    }
    u->dgamma[i] = vf_sum(dgamma);
    u->dbeta[i] = vf_sum(dbeta);
  }
}

static void affine(size_t M, size_t N, const float *center, const float *scale, const float *shift,
                   int relu, const float *A, size_t lda, float *C, size_t ldc) {
  const vf zero = vf_set1(0.0f);
  for (size_t n = 0; n < N; n += VF_LANES) {
    const vf middle = center ? vf_load(center + n) : zero;
    const vf by = vf_load(scale + n), to = vf_load(shift + n);
    for (size_t i = 0; i < M; i++) {
      const vf x = vf_fma(by, vf_load(A + i * lda + n) - middle, to);
      vf_store(C + i * ldc + n, relu ? vf_max(zero, x) : x);
    }
  }
}

static void combine(size_t M, size_t N, const float *scale, const float *shift, const float *slope,
                    const float *A, size_t lda, float *G, size_t ldg) {
  for (size_t n = 0; n < N; n += VF_LANES) {
    const vf by = vf_load(scale + n), to = vf_load(shift + n), along = vf_load(slope + n);
    for (size_t i = 0; i < M; i++) {
      const vf x = vf_fma(by, vf_load(G + i * ldg + n), to);
      vf_store(G + i * ldg + n, vf_fma(along, vf_load(A + i * lda + n), x));
    }
  }
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The lanes of a row's register at column n that are within its width; the others become 0. */
VF_INLINE vf within(vf x, size_t n, size_t width) {
  static const int32_t order[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  if (n + VF_LANES <= width) return x;
  const vi lane = (vi)vu_load((const uint32_t *)order);
  return (vf)((vi)x & (lane < (int32_t)(width - n)));
}

static void row_norm(const sac_row_norm *r) {
  const vf zero = vf_set1(0.0f);
  const float count = (float)r->width;
  for (size_t i = 0; i < r->M; i++) {
    const float *x = r->X + i * r->ldx;
    vf sum = zero, square = zero;
    for (size_t n = 0; r->center && n < r->width; n += VF_LANES)
      sum = sum + within(vf_load(x + n), n, r->width);
    const vf mean = vf_set1(vf_sum(sum) / count);
    for (size_t n = 0; n < r->width; n += VF_LANES) {
      const vf from_mean = within(vf_load(x + n) - mean, n, r->width);
      square = vf_fma(from_mean, from_mean, square);
    }
    const vf one = vf_set1(1.0f), var = vf_set1(vf_sum(square) / count + r->eps);
    const vf rstd = one / vf_sqrt(var);
    r->rstd[i] = rstd[0];
    for (size_t n = 0; n < r->width; n += VF_LANES) {
      const vf xn = within((vf_load(x + n) - mean) * rstd, n, r->width);
      const vf beta = r->beta ? vf_load(r->beta + n) : zero;
      const vf y = vf_fma(vf_load(r->gamma + n), xn, beta);
      vf_store(r->xn + i * r->ldn + n, xn);
      vf_store(r->Y + i * r->ldy + n, r->relu ? vf_max(zero, y) : y);
    }
  }
}

static void row_norm_back(const sac_row_norm_back *r) {
  const vf zero = vf_set1(0.0f);
  const float count = (float)r->width;
  for (size_t i = 0; i < r->M; i++) {
    const size_t from = r->row ? r->row[i] : i;
    const float *dy = r->dy + i * r->ldy, *xn = r->xn + from * r->ldn;
    vf sum = zero, dot = zero;
    for (size_t n = 0; n < r->width; n += VF_LANES) {
      const vf g = vf_load(r->gamma + n) * vf_load(dy + n);
      sum = sum + g;
      dot = vf_fma(g, vf_load(xn + n), dot);
    }
    const vf rstd = vf_set1(r->rstd[from]), along = vf_set1(vf_sum(dot) / count);
    const vf mean = r->center ? vf_set1(vf_sum(sum) / count) : zero;
    for (size_t n = 0; n < r->width; n += VF_LANES) {
      const vf g = vf_load(r->gamma + n) * vf_load(dy + n);
      vf dx = rstd * (g - mean - vf_load(xn + n) * along);
      if (r->mask) dx = (vf)((vi)dx & (vf_load(r->mask + from * r->ldm + n) > zero));
      vf_store(r->dx + i * r->ldx + n, within(dx, n, r->width));
    }
  }
}
