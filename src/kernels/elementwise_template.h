/* The optimiser, the random normals and the policy's functions: one element after another. */

/* Run body(i) on whole registers, then on a padded copy of the tail: a tail element then gets the
 * very same instructions, and so the same bits, wherever in an array it lies. */
VF_INLINE vf load_tail(const float *p, size_t left) {
  vf a = vf_set1(0.0f);
  for (size_t i = 0; i < left && i < VF_LANES; i++) a[i] = p[i];
  return a;
}
VF_INLINE void store_tail(float *p, vf a, size_t left) {
  for (size_t i = 0; i < left && i < VF_LANES; i++) p[i] = a[i];
}
VF_INLINE vf load_some(const float *p, size_t left) {
  return left >= VF_LANES ? vf_load(p) : load_tail(p, left);
}
VF_INLINE void store_some(float *p, vf a, size_t left) {
  if (left >= VF_LANES)
    vf_store(p, a);
  else
    store_tail(p, a, left);
}

/* Subnormal numbers to zero; a NaN stays one. */
VF_INLINE vf without_subnormals(vf a) {
  return (vf)((vi)a & ~(vf_abs(a) < vf_set1(0x1p-126f)));
}

/* A weight that has no gradient any more leaves moments that fade below the normal numbers, where
 * rounding holds them for good and arithmetic is many times slower: there they end.
 * m <- b1 m + (1-b1) g,  v <- b2 v + (1-b2) g^2,
 * w <- w - lr c1 m / (sqrt(c2 v) + eps) - decay w   [ADAM, ADAMW] */
static double adam(size_t n, const sac_adam_step *step, const float *g, float *m, float *v,
                   float *w, float tau, float *target) {
  const vf b1 = vf_set1(step->beta1), b2 = vf_set1(step->beta2), eps = vf_set1(step->eps);
  const vf k1 = vf_set1(1.0f - step->beta1), k2 = vf_set1(1.0f - step->beta2);
  const vf rate = vf_set1(-step->lr * step->c1), c2 = vf_set1(step->c2), vtau = vf_set1(tau);
  const vf decay = vf_set1(-step->decay);
  double total = 0.0;
  vf squares = vf_set1(0.0f);
  for (size_t i = 0; i < n; i += VF_LANES) {
    const size_t left = n - i;
    const vf vg = load_some(g + i, left);
    const vf vm = without_subnormals(vf_fma(b1, load_some(m + i, left), k1 * vg));
    const vf vv = without_subnormals(vf_fma(b2, load_some(v + i, left), k2 * vg * vg));
    const vf old = load_some(w + i, left);
    const vf vw = vf_fma(rate, vm / (vf_sqrt(c2 * vv) + eps), vf_fma(decay, old, old));
    store_some(m + i, vm, left);
    store_some(v + i, vv, left);
    store_some(w + i, vw, left);
    if (target) {
      const vf t = load_some(target + i, left);
      store_some(target + i, vf_fma(vtau, vw - t, t), left);
    }
    squares = vf_fma(vg, vg, squares);
    if (i % (64 * VF_LANES) == 63 * VF_LANES) { /* into double before the float sum grows long */
      total += (double)vf_sum(squares);
      squares = vf_set1(0.0f);
    }
  }
  return total + (double)vf_sum(squares);
}

/* Two words to one normal: sqrt(-2 log u) cos(2 pi v), u and v on the midpoints of 2^23 cells. */
static void normals(size_t n, const uint32_t *words, float *out) {
  for (size_t i = 0; i < n; i += VF_LANES) {
    uint32_t even[VF_LANES] = {0}, odd[VF_LANES] = {0};
    for (size_t k = 0; k < VF_LANES && i + k < n; k++)
      even[k] = words[2 * (i + k)], odd[k] = words[2 * (i + k) + 1];
    const vf half = vf_set1(0.5f), cell = vf_set1(0x1p-23f);
    const vf u = (__builtin_convertvector((vi)(vu_load(even) >> 9), vf) + half) * cell;
    const vf v = (__builtin_convertvector((vi)(vu_load(odd) >> 9), vf) + half) * cell;
    store_some(out + i, vf_sqrt(vf_set1(-2.0f) * vf_log(u)) * vf_cos_2pi(v), n - i);
  }
}

/* clamp: min(max(x, low), high), slope 1 inside.   tanh: low + (high - low)(1 + tanh x)/2.
 * softplus: log(log(1 + e^x) + e^low).   The kinds are numbered as in sac/agent.h. */
static void log_std(size_t n, const sac_log_std_map *map, const float *raw, float *out,
                    float *slope) {
  const vf low = vf_set1(map->low), high = vf_set1(map->high), one = vf_set1(1.0f);
  const vf half = (high - low) * vf_set1(0.5f), floor_std = vf_exp(low);
  for (size_t i = 0; i < n; i += VF_LANES) {
    const vf x = load_some(raw + i, n - i);
    vf y, dy;
    if (map->kind == 0) {
      y = vf_min(high, vf_max(low, x)); /* in this order a NaN stays one */
      dy = (vf)((vi)one & (x >= low) & (x <= high));
    } else if (map->kind == 1) {
      vf a, da, log_da;
      vf_tanh_all(x, &a, &da, &log_da);
      y = vf_fma(half, one + a, low);
      dy = half * da;
    } else {
      const vf s = vf_softplus(x) + floor_std;
      y = vf_log(s) + (s - s); /* the sum shows a NaN, which the logarithm hides */
      dy = one / ((one + vf_exp(-x)) * s);
    }
    store_some(out + i, y, n - i);
    store_some(slope + i, dy, n - i);
  }
}

static void tanh_normal(size_t n, const float *mean, const float *log_sigma, const float *eps,
                        float *std, float *act, float *da_du, float *logp) {
  const vf half_log_2pi = vf_set1(0.918938533f);
  for (size_t i = 0; i < n; i += VF_LANES) {
    const size_t left = n - i;
    const vf e = load_some(eps + i, left), ls = load_some(log_sigma + i, left), s = vf_exp(ls);
    vf a, slope, log_slope;
    vf_tanh_all(vf_fma(s, e, load_some(mean + i, left)), &a, &slope, &log_slope);
    store_some(std + i, s, left);
    store_some(act + i, a, left);
    store_some(da_du + i, slope, left);
    store_some(logp + i, vf_set1(-0.5f) * e * e - ls - half_log_2pi - log_slope, left);
  }
}

static void tanh_all(size_t n, const float *u, float *a) {
  for (size_t i = 0; i < n; i += VF_LANES)
    store_some(a + i, vf_tanh(load_some(u + i, n - i)), n - i);
}

/* The row's largest number first, so that no exponential overflows. Lanes behind the last column
 * stand e^-87 below it, which a sum of 1 or more does not feel. */
static void softmax(size_t M, size_t N, float *x, size_t ldx, float *log_sum) {
  for (size_t i = 0; i < M; i++) {
    float *row = x + i * ldx, top = row[0];
    for (size_t n = 1; n < N; n++) top = row[n] > top ? row[n] : top;
    const vf most = vf_set1(top);
    vf sums = vf_set1(0.0f);
    for (size_t n = 0; n < N; n += VF_LANES) {
      vf a = load_some(row + n, N - n);
      for (size_t lane = N - n; lane < VF_LANES; lane++) a[lane] = top - 100.0f;
      const vf e = vf_exp(a - most);
      sums = sums + e;
      store_some(row + n, e, N - n);
    }
    const float sum = vf_sum(sums);
    const vf share = vf_set1(1.0f / sum);
    for (size_t n = 0; n < N; n += VF_LANES)
      store_some(row + n, load_some(row + n, N - n) * share, N - n);
    log_sum[i] = (float)((double)top + log((double)sum));
  }
}
