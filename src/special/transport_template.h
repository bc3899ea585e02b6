/* The kernels of transport.h in vd words; included once per instruction set. */
#include "special/transport.h"
#include "special/vecmath.h"

enum {
  SERIES_GAMMA = 24, /* terms at z <= 1.5: 1.5^24/24! < 1e-19 */
  SERIES_BETA = 64,  /* terms at x <= 1/2, b x <= 1.5 */
  SHIFT = 10,        /* psi's asymptotic series from here on */
  SHIFT_FAST = 5     /* and from here to 1e-10 */
};

static const double window = 38.0; /* e^-38 < 2^-54 */

/* ---- log x - psi(x) ------------------------------------------------------------------------- */

/* B_2k/(2k), k = 1 ... 8 */
static const double psi_series[8] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                     1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};

/* log x - psi(x), x >= SHIFT */
static inline vd psi_tail(vd x) {
  const vd r = vd_set1(1.0) / x, w = r * r;
  return vd_fma(w, vd_poly(psi_series, VD_COUNT(psi_series), w), vd_set1(0.5) * r);
}

/* psi_tail(x) - psi_tail(x + b), the leading term by hand: 1/(2x) - 1/(2(x+b)) */
static inline vd psi_tail_drop(vd x, vd b) {
  const vd one = vd_set1(1.0), sum = x + b, r = one / (x * sum);
  const vd u = sum * r, v = x * r, p = u * u, q = v * v;
  const vd far = vd_poly(psi_series, VD_COUNT(psi_series), p) * p;
  return vd_fma(vd_set1(0.5) * b, r, far - vd_poly(psi_series, VD_COUNT(psi_series), q) * q);
}

/* u/v + p/q as one fraction: u and v change */
static inline void add_fraction(vd *u, vd *v, vd p, vd q) {
  *u = vd_fma(*u, q, p * *v);
  *v = *v * q;
}

/* sum_{k=from}^{to} 1/(a+k) with one division */
static inline vd reciprocal_sum(vd a, int from, int to) {
  vd u = vd_set1(1.0), v = a + vd_set1(from);
  for (int k = from + 1; k <= to; k++) add_fraction(&u, &v, vd_set1(1.0), a + vd_set1(k));
  return u / v;
}

/* X >= SHIFT and sum, so that psi(a) = log X - psi_tail(X) - sum - 1/a: for small a the term 1/a
 * stands apart, because the formulas near z = 0 cancel it by hand. */
static inline vd psi_shift(vd a, vd *sum) {
  const vm small = vd_lt(a, vd_set1(SHIFT));
  *sum = vd_set1(0.0) - vd_set1(1.0) / a;
  if (!vm_any(small)) return a;
  vd total = vd_set1(0.0); /* one division each: a common denominator would lose the last digits */
  for (int k = 1; k < SHIFT; k++) total = total + vd_set1(1.0) / (a + vd_set1(k));
  *sum = vd_select(small, total, *sum);
  return vd_select(small, a + vd_set1(SHIFT), a);
}

/* ---- gamma ---------------------------------------------------------------------------------- */

/* where z <= 1.5: P = z^a e^-z/Gamma(a+1) S, so d log z/da = -((log z - psi(a+1)) S + S')/a */
static inline vd gamma_series(vd a, vd z, vd y, vd psi_a1, int terms, vd *lower) {
  const vd one = vd_set1(1.0);
  vd term = one, S = one, harmonic = vd_set1(0.0), dS = harmonic;
  for (int k = 1; k < terms; k++) {
    const vd u = one / (a + vd_set1(k));
    term = term * z * u;
    harmonic = harmonic + u;
    S = S + term;
    dS = dS - term * harmonic;
  }
  *lower = S / a;
  return vd_set1(0.0) - vd_fma(y - psi_a1, S, dS) / a;
}

/* The depth T at which p(y + sigma T)/p(y) has fallen to e^-limit: from above, so never too short.
 *   up:   h = z (e^t - 1) - a t,   h >= (z-a) t + z t^2/2,   and t <= log1p((limit + a t)/z)
 *   down: h = a t - z (1 - e^-t),  h >= (a-z) t + z t^2/(2+t)
 * Then Newton on the convex h, which stays above the root. */
static inline vd gamma_window(vd a, vd z, vm up, vd limit, int newton) {
  const vd two = vd_set1(2.0), one = vd_set1(1.0), zero = vd_set1(0.0);
  const vd A = z - a;
  const vd first = two * limit / (A + vd_sqrt(vd_fma(A, A, two * limit * z)));
  const vd second = vd_log1p(vd_fma(a, first, limit) / z);
  const vd B = vd_fma(two, A, limit); /* limit - 2 (a - z) */
  const vd root = vd_sqrt(vd_fma(B, B, vd_set1(8.0) * limit * a));
  const vd deep = vd_select(vd_lt(zero, B), (B + root) / (two * a),
                            vd_set1(4.0) * limit / (root - vd_min(B, zero)));
  vd t = vd_select(up, vd_min(first, second), deep);
  const vd sigma = vd_select(up, one, zero - one);
  for (int k = 0; k < newton; k++) {
    vd rest;
    const vd d = sigma * t, e = vd_expm1_rest(d, &rest);
    const vd h = vd_fma(A, d, z * rest), dh = sigma * vd_fma(z, e, A);
    t = t - (h - limit) / dh;
  }
  return t;
}

static inline vd gamma_quadrature(vd a, vd z, vd c, const double x[], const double w[], int nodes,
                                  double limit, vd *mills) {
  const vd zero = vd_set1(0.0), one = vd_set1(1.0);
  const vm up = vd_lt(zero, c);
  const vd sigma = vd_select(up, one, zero - one);
  const vd T = gamma_window(a, z, up, vd_set1(limit), 3), A = a - z;
  vd mass = zero, moment = zero;
  for (int k = 0; k < nodes; k++) {
    vd rest;
    const vd d = sigma * T * vd_set1(x[k]);
    (void)vd_expm1_rest(d, &rest);
    const vd weight = vd_set1(w[k]) * vd_exp(vd_fma(A, d, zero - z * rest));
    mass = mass + weight;
    moment = vd_fma(weight, c + d, moment);
  }
  *mills = sigma * T * mass;
  return sigma * T * moment;
}

/* c = log z - psi(a) for the quadrature and psi(a + 1) for the series */
static inline vd gamma_score(vd a, vd z, vd y, vd *psi_a1) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0);
  vd sum;
  const vd X = psi_shift(a, &sum), log_X = vd_log(X), tail = psi_tail(X);
  *psi_a1 = log_X - tail - sum;
  /* log(z/a) through (z - a)/a where the two are close */
  const vd r = (z - a) / a, bounded = vd_min(vd_max(r, vd_set1(-0.5)), vd_set1(1.0));
  const vm close = vd_le(vd_abs(r - bounded), zero);
  const vd log_ratio = vd_select(close, vd_log1p(bounded), y - log_X);
  const vm large = vd_le(vd_set1(SHIFT), a);
  return vd_select(large, log_ratio + tail, y - *psi_a1 + one / a);
}

static void gamma_kernel(size_t n, const double a[], const double z[], const double y[], double v[],
                         double mills[]) {
  for (size_t i = 0; i < n; i += VD_LANES) {
    const vd va = vd_load(a + i), vz = vd_load(z + i), vy = vd_load(y + i);
    const vm small = vd_le(vz, vd_set1(SAC_GAMMA_EDGE));
    vd psi_a1, velocity = vd_set1(0.0), tail = velocity;
    const vd c = gamma_score(va, vz, vy, &psi_a1);
    if (vm_any(vm_not(small))) {
      const vd safe = vd_max(vz, vd_set1(SAC_GAMMA_EDGE));
      velocity = gamma_quadrature(va, safe, c, tilted32_x, tilted32_w, VD_COUNT(tilted32_x), window,
                                  &tail);
    }
    if (vm_any(small)) {
      vd lower;
      const vd near =
          gamma_series(va, vd_min(vz, vd_set1(SAC_GAMMA_EDGE)), vy, psi_a1, SERIES_GAMMA, &lower);
      velocity = vd_select(small, near, velocity);
      tail = vd_select(small, vd_set1(0.0) - lower, tail);
    }
    vd_store(v + i, velocity);
    vd_store(mills + i, tail);
  }
}

/* ---- gamma, to a relative 1e-6: behind the float entry points ------------------------------- */

/* log(1 + r), -1/2 <= r <= 1: 2 atanh(r/(2+r)) by its series */
static inline vd log1p_fast(vd r) {
  const vd s = r * vd_recip_fast(vd_set1(2.0) + r), w = s * s;
  vd sum = vd_set1(1.0 / 15);
  for (int k = 13; k >= 1; k -= 2) sum = vd_fma(sum, w, vd_set1(1.0 / k));
  return vd_set1(2.0) * s * sum;
}

/* log x, x > 0 normal */
static inline vd log_fast(vd x) {
  vd k;
  const vd m = vd_split(x, &k);
  return vd_fma(k, vd_set1(0.69314718055994531), log1p_fast(m - vd_set1(1.0)));
}

/* as gamma_window, and as gamma_quadrature with a window of e^-16.4; h = z (e^d - 1) - a d */
static inline vd gamma_quadrature_fast(vd a, vd z, vd c) {
  const vd zero = vd_set1(0.0), one = vd_set1(1.0), two = vd_set1(2.0), limit = vd_set1(16.4);
  const vm up = vd_lt(zero, c);
  const vd sigma = vd_select(up, one, zero - one), A = a - z;
  /* one square root serves both sides: up 2l/(R - A), down (l - 2A + R)/(2a) or 4l/(R - l + 2A) */
  const vd B = vd_fma(zero - two, A, limit);
  const vd under =
      vd_select(up, vd_fma(A, A, two * limit * z), vd_fma(B, B, vd_set1(8.0) * limit * a));
  const vd root = vd_sqrt(under);
  const vm direct = vd_lt(zero, B);
  const vd top = vd_select(up, two * limit, vd_select(direct, B + root, vd_set1(4.0) * limit));
  const vd bottom = vd_select(up, root - A, vd_select(direct, two * a, root - vd_min(B, zero)));
  const vd bound = top * vd_recip_fast(bottom);
  const vd other = log_fast(vd_fma(vd_fma(a, bound, limit), vd_recip_fast(z), one));
  const vd d0 = sigma * vd_select(up, vd_min(bound, other), bound);
  const vd minus_z = zero - z;
  vd step = d0;
  for (int k = 0; k < 2; k++) { /* Newton on the convex h */
    const vd e = vd_expm1_fast(step), h = vd_fma(z, e, zero - a * step);
    step = vd_fma(limit - h, vd_recip_fast(vd_fma(z, e, zero - A)), step);
  }
  vd moment = zero;
  for (int k = 0; k < VD_COUNT(tilted10_x); k++) {
    const vd d = step * vd_set1(tilted10_x[k]);
    const vd g = vd_fma(minus_z, vd_expm1_fast(d), a * d);
    moment = vd_fma(vd_set1(tilted10_w[k]) * vd_exp_fast(g), c + d, moment);
  }
  return step * moment;
}

/* as gamma_series; with 20 terms for z <= 2.5, where the quadrature's 10 nodes do not suffice */
static inline vd gamma_series_fast(vd a, vd z, vd y, vd psi_a1) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0);
  vd term = one, S = one, harmonic = zero, dS = zero;
  for (int k = 1; k < 20; k++) {
    const vd u = vd_recip_fast(a + vd_set1(k));
    term = term * z * u;
    harmonic = harmonic + u;
    S = S + term;
    dS = vd_fma(zero - term, harmonic, dS);
  }
  return zero - vd_fma(y - psi_a1, S, dS) / a;
}

/* as gamma_score; psi's series has 4 terms from SHIFT_FAST on, 1e-9 */
static inline vd gamma_score_fast(vd a, vd z, vd y, vd *psi_a1) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0), half = vd_set1(0.5);
  const vm small = vd_lt(a, vd_set1(SHIFT_FAST));
  const vd inverse = vd_recip_fast(a);
  vd sum = zero - inverse;
  if (vm_any(small)) {
    const vd bounded = vd_min(a, vd_set1(SHIFT_FAST));
    sum = vd_select(small, reciprocal_sum(bounded, 1, SHIFT_FAST - 1), sum);
  }
  const vd X = vd_select(small, a + vd_set1(SHIFT_FAST), a), log_X = log_fast(X);
  const vd r = vd_recip_fast(X), w = r * r;
  const vd tail = vd_fma(w, vd_poly(psi_series, 4, w), half * r);
  *psi_a1 = log_X - tail - sum;
  const vd ratio = (z - a) * inverse, bounded = vd_min(vd_max(ratio, zero - half), one);
  const vm close = vd_le(vd_abs(ratio - bounded), zero);
  const vd log_ratio = vd_select(close, log1p_fast(bounded), y - log_X);
  return vd_select(small, y - *psi_a1 + inverse, log_ratio + tail);
}

static void gamma_fast_kernel(size_t n, const double a[], const double z[], const double y[],
                              double v[]) {
  const vd edge = vd_set1(SAC_GAMMA_EDGE_FAST);
  for (size_t i = 0; i < n; i += VD_LANES) {
    const vd va = vd_load(a + i), vz = vd_load(z + i), vy = vd_load(y + i);
    const vm small = vd_le(vz, edge);
    vd psi_a1, velocity = vd_set1(0.0);
    const vd c = gamma_score_fast(va, vz, vy, &psi_a1);
    /* past 1e60 rounding is all that is left of the window: the limit log(z) - psi(a) over z */
    const vd huge = vd_set1(1e60), bounded = vd_min(vd_max(vz, edge), huge);
    if (vm_any(vm_not(small))) velocity = gamma_quadrature_fast(va, bounded, c);
    if (vm_any(small))
      velocity = vd_select(small, gamma_series_fast(va, vd_min(vz, edge), vy, psi_a1), velocity);
    vd_store(v + i, vd_select(vd_lt(vz, huge), velocity, c / vz));
  }
}

/* ---- beta ----------------------------------------------------------------------------------- */

/* psi(a+b) - psi(a) - 1/a and, in *whole, psi(a+b) - psi(a), each without the cancellation that the
 * other one would bring for a small b or a small a: the shift's differences term by term */
static inline vd psi_difference(vd a, vd b, vd *whole) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0);
  const vm small = vd_lt(a, vd_set1(SHIFT));
  vd shift = zero, first = zero;
  if (vm_any(small)) {
    for (int k = 1; k < SHIFT; k++) {
      const vd u = a + vd_set1(k);
      shift = shift + b / (u * (u + b));
    }
    shift = vd_select(small, shift, zero);
    first = vd_select(small, b / (a * (a + b)), zero);
  }
  const vd X = vd_select(small, a + vd_set1(SHIFT), a);
  const vd rest = shift + (vd_log1p(b / X) + psi_tail_drop(X, b));
  *whole = rest + first;
  return rest - vd_select(small, one / (a + b), one / a);
}

/* one side of a beta: everything that the swap x <-> 1 - x exchanges */
typedef struct beta_side {
  vd a, b, x, xm, lx, lxm;
  vd da, db; /* psi(a+b) - psi(a) - 1/a, and the same for b */
  vd Da, Db; /* psi(a+b) - psi(a), and the same for b */
} beta_side;

static inline beta_side beta_swap(vm swap, beta_side s) {
  return (beta_side){
      .a = vd_select(swap, s.b, s.a),
      .b = vd_select(swap, s.a, s.b),
      .x = vd_select(swap, s.xm, s.x),
      .xm = vd_select(swap, s.x, s.xm),
      .lx = vd_select(swap, s.lxm, s.lx),
      .lxm = vd_select(swap, s.lx, s.lxm),
      .da = vd_select(swap, s.db, s.da),
      .db = vd_select(swap, s.da, s.db),
      .Da = vd_select(swap, s.Db, s.Da),
      .Db = vd_select(swap, s.Da, s.Db),
  };
}

/* x <= 1/2, b x <= 1.5: I_x = x^a/B sum t_n/(a+n), t_n = (1-b)_n x^n/n!
 *   d logit x/da = -(1-x)^-b ((log x + psi(a+b) - psi(a)) T + T_a), T_a = -sum t_n/(a+n)^2
 *   d logit x/db = -(1-x)^-b ((psi(a+b) - psi(b)) T + T_b),         T_b = sum dt_n/db/(a+n)
 * with the terms n = 0 taken apart, where 1/a cancels. */
static inline void beta_series(beta_side s, vd *va, vd *vb, vd *lower) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0);
  const vd inverse_a = one / s.a;
  vd t = one, dt = zero, T = zero, Ta = zero, Tb = zero;
  for (int k = 1; k < SERIES_BETA; k++) {
    const vd factor = (vd_set1(k) - s.b) * vd_set1(1.0 / k) * s.x;
    dt = vd_fma(dt, factor, zero - t * s.x * vd_set1(1.0 / k));
    t = t * factor;
    const vd u = one / (s.a + vd_set1(k)), term = t * u;
    T = T + term;
    Ta = vd_fma(zero - term, u, Ta);
    Tb = vd_fma(dt, u, Tb);
    const vm running = vd_lt(vd_set1(1e-18), vd_abs(t) + vd_abs(dt));
    if (k > 3 && !vm_any(running)) break;
  }
  const vd scale =
      zero - vd_exp(vd_max(vd_set1(-700.0), vd_min(zero - s.b * s.lxm, vd_set1(700.0))));
  const vd first = (s.lx + s.da) * inverse_a; /* log x + psi(a+b) - psi(a) - 1/a, over a */
  *va = scale * (first + vd_fma(s.lx + s.da + inverse_a, T, Ta));
  *vb = scale * vd_fma(s.Db, inverse_a + T, Tb);
  *lower = zero - scale * (inverse_a + T);
}

/* h(t) = -log(p(y+t)/p(y)) = a L1 + b L2, with L1 = log x - log x(t), L2 likewise for 1 - x. As
 * L2 = L1 + t, the smaller one is worked out: L2 = log1p(x (e^t - 1)) for x <= 1/2, else
 * L1 = log1p((1-x) (e^-t - 1)). */
static inline vd beta_drop(beta_side s, vd t, vd *L1, vd *L2) {
  const vd zero = vd_set1(0.0);
  const vm left = vd_le(s.x, vd_set1(0.5));
  const vd e = vd_expm1(vd_select(left, t, zero - t));
  const vd L = vd_log1p(vd_select(left, s.x, s.xm) * e);
  *L1 = vd_select(left, L - t, L);
  *L2 = vd_select(left, L, L + t);
  return vd_fma(s.a, *L1, s.b * *L2);
}

/* The depth at which h is `window`, from above: h >= A t + V t^2/(2+t) with A = b x - a (1-x) >= 0,
 * V = (a+b) x (1-x); t <= log1p(expm1((window + a t)/b)/x); then Newton on the convex h. */
static inline vd beta_window(beta_side s, vd A) {
  const vd two = vd_set1(2.0), one = vd_set1(1.0), zero = vd_set1(0.0), limit = vd_set1(window);
  const vd N = s.a + s.b, slope = vd_fma(N * s.x, s.xm, A);
  const vd B = limit - two * A;
  const vd root = vd_sqrt(vd_fma(B, B, vd_set1(8.0) * limit * slope));
  vd t = vd_select(vd_lt(zero, B), (B + root) / (two * slope),
                   vd_set1(4.0) * limit / (root - vd_min(B, zero)));
  const vd inner = vd_min(vd_fma(s.a, t, limit) / s.b, vd_set1(300.0));
  t = vd_min(vd_min(t, vd_log1p(vd_expm1(inner) / s.x)), vd_set1(60.0));
  for (int k = 0; k < 3; k++) {
    vd L1, L2;
    const vd h = beta_drop(s, t, &L1, &L2);
    const vd rise = vd_exp(zero - L1) * s.x; /* x(t) */
    const vd slope_t = vd_max(vd_fma(N, rise, zero - s.a), slope * vd_set1(1e-3));
    t = vd_max(t - (h - limit) / slope_t, vd_set1(0.1) * t);
  }
  return vd_select(vd_lt(t, one * vd_set1(1e-300)), vd_set1(1e-300), t);
}

/* log x - psi(a) + psi(a+b), which is small near the mode */
static inline vd beta_score(vd a, vd lx, vd Da, vd b, vd e) {
  const vd one = vd_set1(1.0), zero = vd_set1(0.0);
  const vd r = e / a, bounded = vd_min(vd_max(r, vd_set1(-0.5)), one);
  const vm close = vm_and(vd_le(vd_abs(r - bounded), zero), vd_le(vd_set1(SHIFT), a));
  const vd near = vd_log1p(bounded) + psi_tail_drop(vd_max(a, vd_set1(SHIFT)), b);
  return vd_select(close, near, lx + Da);
}

/* towards larger x, where b x >= a (1 - x) */
static inline void beta_quadrature(beta_side s, vd e, vd *va, vd *vb, vd *upper) {
  const vd zero = vd_set1(0.0);
  const vd ca = beta_score(s.a, s.lx, s.Da, s.b, e);
  const vd cb = beta_score(s.b, s.lxm, s.Db, s.a, zero - e);
  const vd T = beta_window(s, e);
  vd mass = zero, A = zero, B = zero;
  for (int k = 0; k < VD_COUNT(tilted40_x); k++) {
    vd L1, L2;
    const vd h = beta_drop(s, T * vd_set1(tilted40_x[k]), &L1, &L2);
    const vd weight = vd_set1(tilted40_w[k]) * vd_exp(vd_max(zero - h, vd_set1(-700.0)));
    mass = mass + weight;
    A = vd_fma(weight, ca - L1, A);
    B = vd_fma(weight, cb - L2, B);
  }
  *va = T * A;
  *vb = T * B;
  *upper = T * mass;
}

static void beta_kernel(size_t n, const double a[], const double b[], const double x[],
                        const double xm[], const double lx[], const double lxm[], double va[],
                        double vb[], double mills[]) {
  const vd zero = vd_set1(0.0), half = vd_set1(0.5), edge = vd_set1(SAC_BETA_EDGE);
  for (size_t i = 0; i < n; i += VD_LANES) {
    beta_side s = {.a = vd_load(a + i),
                   .b = vd_load(b + i),
                   .x = vd_load(x + i),
                   .xm = vd_load(xm + i),
                   .lx = vd_load(lx + i),
                   .lxm = vd_load(lxm + i)};
    s.da = psi_difference(s.a, s.b, &s.Da);
    s.db = psi_difference(s.b, s.a, &s.Db);
    const vm right = vd_lt(half, s.x);
    const beta_side near = beta_swap(right, s);
    /* the series gives the side of the nearer end; where that is nearly everything and the rest is
     * smooth enough, the quadrature gives the rest, which is then the tail that counts */
    const vd reach = near.b * near.x;
    const vm rest = vm_and(vm_and(vd_lt(near.a * near.xm, reach), vd_lt(vd_set1(0.3), reach)),
                           vd_lt(vd_set1(2.0), near.b));
    const vm series = vm_and(vd_le(reach, edge), vm_not(rest));
    const vd e = vd_fma(s.b, s.x, zero - s.a * s.xm);
    vm swap = vd_lt(e, zero);
    vd A = zero, B = zero, tail = zero;
    if (vm_any(vm_not(series))) {
      beta_side side = beta_swap(swap, s);
      const vd one = vd_set1(1.0); /* lanes of the series get a harmless point */
      side.a = vd_select(series, one + one, side.a);
      side.b = vd_select(series, one + one, side.b);
      side.x = vd_select(series, half, side.x);
      side.xm = vd_select(series, half, side.xm);
      beta_quadrature(side, vd_select(series, zero, vd_abs(e)), &A, &B, &tail);
    }
    if (vm_any(series)) {
      vd A2, B2, lower;
      beta_side side = near;
      side.x = vd_select(series, near.x, zero);
      beta_series(side, &A2, &B2, &lower);
      A = vd_select(series, A2, A);
      B = vd_select(series, B2, B);
      tail = vd_select(series, zero - lower, tail);
      swap = vm_or(vm_and(series, right), vm_and(vm_not(series), swap));
    }
    vd_store(va + i, vd_select(swap, zero - B, A));
    vd_store(vb + i, vd_select(swap, zero - A, B));
    vd_store(mills + i, vd_select(swap, zero - tail, tail));
  }
}

/* ---- Student's t ---------------------------------------------------------------------------- */

/* log(1+w) - w/(1+w) without cancellation: with u = w/(1+w), -log(1-u) - u = u^2/2 + u^3/3 + ... */
static inline vd t_drop(vd w, vd log1p_w) {
  const vd one = vd_set1(1.0), u = w / (one + w);
  vd series = vd_set1(1.0 / 22);
  for (int k = 21; k >= 2; k--) series = vd_fma(series, u, vd_set1(1.0 / k));
  return vd_select(vd_lt(u, vd_set1(0.15)), u * u * series, log1p_w - u);
}

/* psi((nu+1)/2) - psi(nu/2) - 1/nu: after the shift by m = nu/2 + k, differences
 * psi(m+1/2) - psi(m) - 1/(2m) = 1/(8 m^2) - 1/(64 m^4) + 1/(128 m^6) - 17/(2048 m^8) + ... */
static const double psi_half_series[10] = {1.0 / 8,
                                           -1.0 / 64,
                                           1.0 / 128,
                                           -17.0 / 2048,
                                           31.0 / 2048,
                                           -691.0 / 16384,
                                           5461.0 / 32768,
                                           -929569.0 / 1048576,
                                           3202291.0 / 524288,
                                           -221930581.0 / 4194304};

static inline vd psi_half(vd nu) {
  const vd half = vd_set1(0.5), m0 = half * nu;
  const vm small = vd_lt(m0, vd_set1(12));
  vd sum = vd_set1(0.0);
  if (vm_any(small)) {
    for (int k = 0; k < 12; k++) { /* 1/m - 1/(m+1/2) - 1/(2m) + 1/(2(m+1)) */
      const vd m = m0 + vd_set1(k), q = m + half, r = m + vd_set1(1.0);
      sum = sum + half / (vd_set1(2.0) * m * q * r);
    }
    sum = vd_select(small, sum, vd_set1(0.0));
  }
  const vd m = vd_select(small, m0 + vd_set1(12), m0), r = vd_set1(1.0) / m, w = r * r;
  return vd_fma(w, vd_poly(psi_half_series, VD_COUNT(psi_half_series), w), sum);
}

/* s = (c - (log(1+w) - w/(1+w)) + w/(1+w)/nu)/2, w = t^2/nu, is positive up to some t, then
 * negative: integrate [0, t] in t where it is positive, else [t, inf) in log t. */
static void student_kernel(size_t n, const double nu_[], const double t_[], double v[]) {
  const vd zero = vd_set1(0.0), half = vd_set1(0.5), one = vd_set1(1.0);
  for (size_t i = 0; i < n; i += VD_LANES) {
    const vd nu = vd_load(nu_ + i), t = vd_load(t_ + i), power = half * (nu + one);
    const vd w0 = t * t / nu, log0 = vd_log1p(w0), c = psi_half(nu);
    const vd score = c - t_drop(w0, log0) + w0 / (one + w0) / nu;
    const vm middle = vd_lt(zero, score);
    /* outside: in log t, ratio e^(d - power (log(1 + w e^2d) - log(1+w))), down to e^-window: the
     * slope at infinity is nu, and t^2 grows no faster than e^2d */
    vd T = t;
    if (vm_any(vm_not(middle))) {
      const vd gain = (vd_set1(window) + vd_set1(1.0)) / power;
      const vd reach = vd_expm1(vd_min(gain + log0, vd_set1(600.0))) / vd_max(w0, vd_set1(1e-300));
      T = half * vd_log(vd_max(reach, vd_set1(1.0 + 1e-9)));
      for (int k = 0; k < 3; k++) { /* the density's factor t: h = power(...) - d = window */
        const vd lift = vd_min((vd_set1(window) + T) / power + log0, vd_set1(600.0));
        T = half *
            vd_log(vd_max(vd_expm1(lift) / vd_max(w0, vd_set1(1e-300)), vd_set1(1.0 + 1e-9)));
      }
      T = vd_select(middle, t, T);
    }
    vd moment = zero;
    for (int k = 0; k < VD_COUNT(legendre40_x); k++) {
      const vd x = vd_set1(legendre40_x[k]);
      const vd d = T * x;
      const vd grow = vd_expm1(vd_select(middle, zero, d + d));
      const vd w = vd_select(middle, d * d / nu, vd_fma(w0, grow, w0));
      const vd ratio = vd_select(middle, (d - t) * (d + t) / nu, w0 * grow) / (one + w0);
      const vd g = vd_fma(zero - power, vd_log1p(ratio), vd_select(middle, zero, d));
      const vd s = c - t_drop(w, vd_log1p(w)) + w / (one + w) / nu;
      moment = vd_fma(vd_set1(legendre40_w[k]) * vd_exp(vd_max(g, vd_set1(-700.0))), s, moment);
    }
    const vd integral = half * T * moment;
    vd_store(v + i, vd_select(middle, zero - integral, t * integral));
  }
}

/* ---- von Mises ------------------------------------------------------------------------------ */

/* 1 - A(kappa), A = I1/I0: trapezoid rule in e^(-kappa (1 - cos)) up to 30, then in powers of
 * 1/kappa */
static inline vd one_minus_bessel_ratio(vd kappa) {
  const vd zero = vd_set1(0.0), edge = vd_set1(30.0);
  const vm large = vd_lt(edge, kappa);
  vd result = zero;
  if (vm_any(large)) {
    const vd r = vd_set1(1.0) / vd_max(kappa, edge);
    result = r * vd_poly(bessel_ratio_asymptotic, 22, r);
  }
  if (vm_any(vm_not(large))) {
    const vd k = vd_min(kappa, edge);
    vd mass = vd_set1(0.5), moment = zero;
    for (int j = 1; j <= 32; j++) {
      const vd drop = vd_set1(von_mises_1mcos[j]);
      const vd weight = vd_exp(zero - k * drop) * vd_set1(j < 32 ? 1.0 : 0.5);
      mass = mass + weight;
      moment = vd_fma(weight, drop, moment);
    }
    result = vd_select(large, result, moment / mass);
  }
  return result;
}

/* towards pi: the depth at which kappa (cos z - cos(z+t)) = window, or pi - z */
static inline vd von_mises_window(vd kappa, vd z, vd rest) {
  const vd half = vd_set1(0.5), two = vd_set1(2.0), limit = vd_set1(window);
  const vd slope = kappa * vd_sin_0_pi(z);
  const vd start =
      two * limit / (slope + vd_sqrt(vd_fma(slope, slope, two * limit * kappa)) + vd_set1(1e-300));
  vd t = vd_min(start, rest);
  for (int k = 0; k < 4; k++) {
    const vd h = two * kappa * vd_sin_0_pi(half * t) * vd_sin_0_pi(vd_fma(half, t, z));
    const vd dh = kappa * vd_sin_0_pi(vd_min(z + t, vd_set1(3.14159265358979312)));
    const vd step = (limit - h) / vd_max(dh, vd_set1(1e-3) * kappa + vd_set1(1e-300));
    t = vd_min(vd_max(t + step, start), rest);
  }
  return t;
}

static void von_mises_kernel(size_t n, const double kappa_[], const double z_[], double v[],
                             double mills[]) {
  const vd zero = vd_set1(0.0), half = vd_set1(0.5), two = vd_set1(2.0);
  const vd pi_high = vd_set1(3.14159265358979311600), pi_low = vd_set1(1.2246467991473532e-16);
  for (size_t i = 0; i < n; i += VD_LANES) {
    const vd kappa = vd_load(kappa_ + i), z = vd_min(vd_load(z_ + i), pi_high);
    const vd complement = one_minus_bessel_ratio(kappa), rest = (pi_high - z) + pi_low;
    const vd sine = vd_sin_0_pi(half * z), drop = two * sine * sine; /* 1 - cos z */
    const vm inside = vd_le(drop, complement);
    vd T = z;
    if (vm_any(vm_not(inside))) T = vd_select(inside, z, von_mises_window(kappa, z, rest));
    vd mass = zero, moment = zero;
    for (int k = 0; k < VD_COUNT(legendre32_x); k++) {
      /* inside: the point x T of [0, z], |z - t| = T (1 - x); outside: z + x T */
      const vd x = vd_set1(legendre32_x[k]);
      const vd t = vd_select(inside, T * x, vd_fma(T, x, z));
      const vd gap = vd_select(inside, T - T * x, T * x);
      const vd mean = vd_min(half * (t + z), pi_high);
      const vd fall = two * kappa * vd_sin_0_pi(half * gap) * vd_sin_0_pi(mean);
      const vd s = vd_sin_0_pi(vd_min(half * t, pi_high));
      const vd weight = vd_set1(legendre32_w[k]) *
                        vd_exp(vd_select(inside, fall, vd_max(zero - fall, vd_set1(-700.0))));
      mass = mass + weight;
      moment = vd_fma(weight, complement - two * s * s, moment);
    }
    vd_store(v + i, T * vd_select(inside, zero - moment, moment));
    vd_store(mills + i, T * vd_select(inside, zero - mass, mass));
  }
}

/* ---- random numbers: Philox4x32-10, a block a lane [R123] ---------------------------------------
 */

typedef struct philox_lanes {
  vi w0, w1, w2, w3; /* 32-bit words in 64-bit lanes */
} philox_lanes;

static inline philox_lanes philox_blocks(const sac_stream *s, uint32_t block) {
  const vi low32 = vi_set1(0xffffffffu);
  philox_lanes c = {vi_and(vi_add(vi_set1(block), vi_ramp()), low32), vi_set1(s->counter[1]),
                    vi_set1(s->counter[2]), vi_set1(s->counter[3])};
  uint32_t k0 = s->key[0], k1 = s->key[1];
  for (int round = 0; round < 10; round++) {
    const vi p0 = vi_mul32(c.w0, vi_set1(0xd2511f53u)), p1 = vi_mul32(c.w2, vi_set1(0xcd9e8d57u));
    c.w0 = vi_xor(vi_xor(vi_shr(p1, 32), c.w1), vi_set1(k0));
    c.w1 = vi_and(p1, low32);
    c.w2 = vi_xor(vi_xor(vi_shr(p0, 32), c.w3), vi_set1(k1));
    c.w3 = vi_and(p0, low32);
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  return c;
}

/* two words -> (0, 1), 52 bits, as sac_stream_uniform */
static inline vd uniform_of(vi low, vi high) {
  const vi word = vi_or(low, vi_shl(high, 32));
  const vi bits = vi_or(vi_shr(word, 12), vi_set1(0x3ff0000000000000u));
  return (vd_bits(bits) - vd_set1(1.0)) + vd_set1(0x1p-53);
}

/* out pairs (first[i], second[i]) -> interleaved, at most n numbers */
static inline void store_pairs(vd first, vd second, double *out, size_t n) {
  double a[VD_LANES], b[VD_LANES];
  vd_store(a, first);
  vd_store(b, second);
  for (int i = 0; i < VD_LANES; i++) {
    if ((size_t)(2 * i) < n) out[2 * i] = a[i];
    if ((size_t)(2 * i + 1) < n) out[2 * i + 1] = b[i];
  }
}

static void uniforms_kernel(sac_stream *s, size_t n, double out[]) {
  for (size_t i = 0; i < n; i += 2 * VD_LANES) {
    const philox_lanes c = philox_blocks(s, s->counter[0] + (uint32_t)(i / 2));
    store_pairs(uniform_of(c.w0, c.w1), uniform_of(c.w2, c.w3), out + i, n - i);
  }
  s->counter[0] += (uint32_t)((n + 1) / 2);
  s->used = 4;
}

static void normals_kernel(sac_stream *s, size_t n, double out[]) {
  for (size_t i = 0; i < n; i += 2 * VD_LANES) {
    const philox_lanes c = philox_blocks(s, s->counter[0] + (uint32_t)(i / 2));
    const vd u = uniform_of(c.w0, c.w1), angle = uniform_of(c.w2, c.w3);
    const vd radius = vd_sqrt(vd_set1(-2.0) * vd_log(u));
    vd sine, cosine;
    vd_sincos_quarter(vd_set1(4.0) * angle, &sine, &cosine);
    store_pairs(radius * cosine, radius * sine, out + i, n - i);
  }
  s->counter[0] += (uint32_t)((n + 1) / 2);
  s->used = 4;
}

static void log_kernel(size_t n, const double x[], double out[]) {
  for (size_t i = 0; i < n; i += VD_LANES) vd_store(out + i, vd_log(vd_load(x + i)));
}

static void exp_kernel(size_t n, const double x[], double out[]) {
  const vd low = vd_set1(-708.0), high = vd_set1(709.0);
  for (size_t i = 0; i < n; i += VD_LANES)
    vd_store(out + i, vd_exp(vd_min(vd_max(vd_load(x + i), low), high)));
}

#define SAC_TRANSPORT_TABLE(isa)                                                         \
  {                                                                                      \
    isa, gamma_kernel, gamma_fast_kernel, beta_kernel, student_kernel, von_mises_kernel, \
        uniforms_kernel, normals_kernel, log_kernel, exp_kernel                          \
  }
