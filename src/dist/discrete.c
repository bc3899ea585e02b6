/* Bernoulli, Poisson, categorical: no velocity, but a score function and measure-valued pairs. */
#include "dist/family.h"

/* x log(x/y), 0 at x = 0 */
static double relative(double x, double y) {
  return x == 0.0 ? 0.0 : x * log(x / y);
}

/* ---- Bernoulli ------------------------------------------------------------------------------ */

static SAC_ROW(be_log_density) {
  out[0] = z[0] > 0.0 ? log(theta[0]) : log1p(-theta[0]);
}
static SAC_ROW(be_score) {
  out[0] = z[0] > 0.0 ? 1.0 / theta[0] : -1.0 / (1.0 - theta[0]);
}
static SAC_ROW(be_cdf) {
  out[0] = z[0] > 0.0 ? 1.0 : 1.0 - theta[0];
  out[1] = z[0] > 0.0 ? 0.0 : theta[0];
}
static SAC_ROW(be_quantile) {
  out[0] = z[1] < theta[0] ? 1.0 : 0.0;
}
static SAC_ROW(be_mean) {
  out[0] = theta[0];
}
static SAC_ROW(be_variance) {
  out[0] = theta[0] * (1.0 - theta[0]);
}
static SAC_ROW(be_mode) {
  out[0] = theta[0] > 0.5 ? 1.0 : 0.0;
}
static SAC_ROW(be_entropy) {
  const double p = theta[0];
  out[0] = -p * log(p) - (1.0 - p) * log1p(-p);
}
static SAC_ROW(be_kl) {
  out[0] = fmax(relative(theta[0], z[0]) + relative(1.0 - theta[0], 1.0 - z[0]), 0.0);
}

static const sac_dist_param be_param[] = {{"p", 0.0, 1.0, 1, 1, SAC_DIST_MVD | SAC_DIST_SCORE}};
const sac_dist sac_dist_bernoulli = {
    .name = "bernoulli",
    .dim = 1,
    .params = 1,
    .discrete = 1,
    .param = be_param,
    .low = 0.0,
    .high = 1.0,
    .log_density = be_log_density,
    .score = be_score,
    .cdf = be_cdf,
    .quantile = be_quantile,
    .mean = be_mean,
    .variance = be_variance,
    .mode = be_mode,
    .entropy = be_entropy,
    .kl = be_kl,
};

/* ---- Poisson -------------------------------------------------------------------------------- */

/* through the gamma density of rate at shape k: k log rate - rate - log k! */
static SAC_ROW(po_log_density) {
  const double k = z[0], rate = theta[0];
  out[0] = k == 0.0 ? -rate : sac_gamma_log_kernel(k, rate, log(rate)) - log(k);
}
static SAC_ROW(po_score) {
  out[0] = (z[0] - theta[0]) / theta[0];
}
static SAC_ROW(po_cdf) { /* P(Z <= k) = Q(k+1, rate) */
  sac_gamma_pq(z[0] + 1.0, theta[0], log(theta[0]), &out[1], &out[0]);
}

/* whether P(Z <= k) reaches the target, told on its smaller side */
static int reaches(double rate, double k, const double pair[2]) {
  double lower, upper;
  sac_gamma_pq(k + 1.0, rate, log(rate), &upper, &lower);
  return pair[0] < pair[1] ? lower >= pair[0] : upper <= pair[1];
}

/* the smallest k that reaches it: a normal guess with a skewness term, a bracket by doubling, and
 * bisection, so the steps grow only with the log of the guess's error */
static SAC_ROW(po_quantile) {
  const double rate = theta[0];
  if (z[0] == 0.0 || z[1] == 0.0) {
    out[0] = z[0] == 0.0 ? 0.0 : HUGE_VAL;
    return;
  }
  const double x = z[0] < z[1] ? sac_ndtri(z[0]) : -sac_ndtri(z[1]);
  const double guess = fmax(floor(rate + x * sqrt(rate) + (x * x - 1.0) / 6.0), 0.0);
  double low = guess - 1.0, high = guess, step = 1.0; /* low fails or is -1, high reaches */
  while (!reaches(rate, high, z)) {
    low = high;
    high += step;
    step *= 2.0;
  }
  step = 1.0;
  while (low >= 0.0 && reaches(rate, low, z)) {
    high = low;
    low = fmax(low - step, -1.0);
    step *= 2.0;
  }
  while (high - low > 1.0) {
    const double middle = floor(0.5 * (low + high));
    if (reaches(rate, middle, z)) {
      high = middle;
    } else {
      low = middle;
    }
  }
  out[0] = high;
}

/* by counting up from 0: 10 steps or so */
static double po_count(double rate, sac_stream *stream) {
  const double u = sac_stream_uniform(stream);
  double k = 0.0, p = exp(-rate), sum = p;
  for (; sum < u && p > 1e-20; sum += p) p *= rate / ++k;
  return k;
}

/* [H93] Hoermann's transformed rejection PTRS: at most 1.13 tries at rate 10, 1.11 at most beyond
 */
static void po_sample(SAC_UNUSED const sac_dist *d, const double theta[], double z[],
                      SAC_UNUSED double latent[], sac_stream *stream) {
  const double rate = theta[0];
  if (rate < 10.0) {
    z[0] = po_count(rate, stream);
    return;
  }
  const double b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), squeeze = 0.9277 - 3.6224 / (b - 2.0);
  for (;;) {
    const double u = sac_stream_uniform(stream) - 0.5, v = sac_stream_uniform(stream);
    const double us = 0.5 - fabs(u), k = floor((2.0 * a / us + b) * u + rate + 0.43);
    z[0] = k;
    if (us >= 0.07 && v <= squeeze) return;
    if (k < 0.0 || k > d->high || (us < 0.013 && v > us)) continue;
    double log_p;
    po_log_density(d, theta, &k, NULL, &log_p);
    if (log(v * inverse_alpha / (a / (us * us) + b)) <= log_p) return;
  }
}

static SAC_ROW(po_mean) {
  out[0] = theta[0];
}
static SAC_ROW(po_mode) {
  out[0] = floor(theta[0]);
}

/* the sum over +-12 sd; from 1e4 on the expansion log(2 pi e rate)/2 - 1/(12 rate) - ... */
static SAC_ROW(po_entropy) {
  const double rate = theta[0];
  if (rate > 1e4) {
    const double r = 1.0 / rate;
    out[0] =
        0.5 * (sac_log_2pi + 1.0 + log(rate)) - r * (1.0 / 12 + r * (1.0 / 24 + r * (19.0 / 360)));
    return;
  }
  const double reach = 12.0 * sqrt(rate) + 40.0, last = floor(rate + reach);
  double sum = 0.0;
  for (double k = fmax(0.0, floor(rate - reach)); k <= last; k += 1.0) {
    double log_p;
    po_log_density(d, theta, &k, NULL, &log_p);
    sum -= exp(log_p) * log_p;
  }
  out[0] = sum;
}
static SAC_ROW(po_kl) { /* rate log(rate/rate2) + rate2 - rate */
  const double r = (z[0] - theta[0]) / theta[0];
  out[0] = theta[0] * (r > -0.5 && r < 1.0 ? -sac_log1pmx(r) : r - log1p(r));
}

static const sac_dist_param po_param[] = {{"rate", 0.0, 1e15, 1, 0, SAC_DIST_MVD | SAC_DIST_SCORE}};
const sac_dist sac_dist_poisson = {
    .name = "poisson",
    .dim = 1,
    .params = 1,
    .discrete = 1,
    .param = po_param,
    .low = 0.0,
    .high = 9007199254740992.0,
    .log_density = po_log_density,
    .score = po_score,
    .cdf = po_cdf,
    .quantile = po_quantile,
    .mean = po_mean,
    .variance = po_mean,
    .mode = po_mode,
    .entropy = po_entropy,
    .kl = po_kl,
    .sample = po_sample,
};

/* ---- categorical: logits -------------------------------------------------------------------- */

/* log sum_k e^logit */
static double log_total(size_t K, const double logits[]) {
  double top = logits[0], sum = 0.0;
  for (size_t k = 1; k < K; k++) top = fmax(top, logits[k]);
  for (size_t k = 0; k < K; k++) sum += exp(logits[k] - top);
  return top + log(sum);
}

static SAC_ROW(ca_support) {
  out[0] = 0.0;
  out[1] = (double)(d->params - 1);
}
static SAC_ROW(ca_log_density) {
  out[0] = theta[(size_t)z[0]] - log_total(d->params, theta);
}
static SAC_ROW(ca_score) {
  const double total = log_total(d->params, theta);
  for (size_t k = 0; k < d->params; k++)
    out[k] = (k == (size_t)z[0] ? 1.0 : 0.0) - exp(theta[k] - total);
}
static SAC_ROW(ca_cdf) {
  const double total = log_total(d->params, theta);
  out[0] = out[1] = 0.0;
  for (size_t k = 0; k < d->params; k++) out[k <= (size_t)z[0] ? 0 : 1] += exp(theta[k] - total);
}
static SAC_ROW(ca_quantile) {
  const double total = log_total(d->params, theta);
  double below = 0.0;
  size_t k = 0, last = 0;
  for (; k < d->params; k++) {
    const double p = exp(theta[k] - total);
    if (p > 0.0) last = k;
    below += p;
    if (p > 0.0 && below >= z[0]) break;
  }
  out[0] = (double)(k < d->params ? k : last);
}
static double ca_moment(const sac_dist *d, const double theta[], double origin, int power) {
  const double total = log_total(d->params, theta);
  double sum = 0.0;
  for (size_t k = 0; k < d->params; k++) {
    const double gap = (double)k - origin;
    sum += exp(theta[k] - total) * (power == 1 ? gap : gap * gap);
  }
  return sum;
}
static SAC_ROW(ca_mean) {
  out[0] = ca_moment(d, theta, 0.0, 1);
}
static SAC_ROW(ca_variance) {
  out[0] = ca_moment(d, theta, ca_moment(d, theta, 0.0, 1), 2);
}
static SAC_ROW(ca_mode) {
  size_t best = 0;
  for (size_t k = 1; k < d->params; k++)
    if (theta[k] > theta[best]) best = k;
  out[0] = (double)best;
}
static SAC_ROW(ca_entropy) {
  const double total = log_total(d->params, theta);
  out[0] = 0.0;
  for (size_t k = 0; k < d->params; k++) out[0] -= exp(theta[k] - total) * (theta[k] - total);
}
static SAC_ROW(ca_kl) {
  const double total = log_total(d->params, theta), other = log_total(d->params, z);
  double sum = 0.0;
  for (size_t k = 0; k < d->params; k++)
    sum += exp(theta[k] - total) * ((theta[k] - total) - (z[k] - other));
  out[0] = fmax(sum, 0.0);
}

static size_t ca_kind(SAC_UNUSED const sac_dist *d, SAC_UNUSED size_t i) {
  return 0;
}
static const sac_dist_param ca_param[] = {
    {"logit", -HUGE_VAL, HUGE_VAL, 1, 1, SAC_DIST_MVD | SAC_DIST_SCORE}};

sac_status sac_dist_categorical(size_t K, sac_dist *out, sac_error *err) {
  if (K == 0 || K > SAC_DIST_MAX_PARAMS)
    return sac_fail(err, SAC_ERR_ARG, "categorical: %zu classes: must be in [1, %d]", K,
                    SAC_DIST_MAX_PARAMS);
  *out = (sac_dist){
      .name = "categorical",
      .dim = 1,
      .params = K,
      .discrete = 1,
      .param = ca_param,
      .kind = ca_kind,
      .support = ca_support,
      .log_density = ca_log_density,
      .score = ca_score,
      .cdf = ca_cdf,
      .quantile = ca_quantile,
      .mean = ca_mean,
      .variance = ca_variance,
      .mode = ca_mode,
      .entropy = ca_entropy,
      .kl = ca_kl,
  };
  return SAC_OK;
}
