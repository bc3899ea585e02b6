/* A critic with quantiles of the return, theta_i at tau_i = (i - 1/2)/n, learned by the quantile
 * Huber loss [QRDQN, TQC].
 *
 * The target is r + gamma (1 - d)(z - alpha log pi) for each z of the pooled quantiles of all
 * critics, but of the largest, `quantile_drop` for each critic: what is left out is where they err
 * upwards [TQC]. */
#include "agent/critic_head.h"

#include <math.h>

static size_t quantiles(const sac_agent_options *o) {
  return (size_t)o->critic_quantiles;
}

static size_t pooled(const sac_agent_options *o) {
  return quantiles(o) * (size_t)(o->critic_subset ? o->critic_subset : o->critics);
}

/* The target's numbers are those that are kept; the rest of the room is for the pool. */
static size_t kept(const sac_agent *g) {
  return (quantiles(&g->opt) - (size_t)g->opt.quantile_drop) * g->M;
}

static void set_support(sac_agent *g) {
  const size_t n = quantiles(&g->opt);
  for (size_t i = 0; i < n; i++) g->support[i] = (float)(((double)i + 0.5) / (double)n);
}

/* Q = 1/n sum_i theta_i */
static void read(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  const size_t n = quantiles(&g->opt);
  for (size_t b = first; b < last; b++) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)c->out[b * g->ld_out + i];
    c->value[b] = (float)(sum / (double)n);
  }
}

/* Upwards, in place: Shell's sort with the gaps of Ciura. */
static void sort(size_t n, float x[]) {
  static const size_t gaps[] = {1750, 701, 301, 132, 57, 23, 10, 4, 1};
  for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
    for (size_t i = gaps[g]; i < n; i++) {
      const float moved = x[i];
      size_t at = i;
      for (; at >= gaps[g] && x[at - gaps[g]] > moved; at -= gaps[g]) x[at] = x[at - gaps[g]];
      x[at] = moved;
    }
}

/* The pool of row b, sorted, into wanted. */
static void pool(const sac_agent *g, size_t b, float wanted[]) {
  const size_t n = quantiles(&g->opt);
  for (size_t m = 0; m < g->M; m++)
    for (size_t i = 0; i < n; i++) wanted[m * n + i] = g->q[g->subset[m]].next[b * g->ld_out + i];
  sort(n * g->M, wanted);
}

static void targets(sac_agent *g, float alpha, size_t first, size_t last) {
  const size_t K = kept(g);
  for (size_t b = first; b < last; b++) {
    float *wanted = g->wanted + b * g->ld_wanted;
    const float discount = g->discount[b], shift = g->reward[b] - discount * alpha * g->pi.logp[b];
    double sum = 0.0, all = 0.0;
    pool(g, b, wanted);
    for (size_t i = 0; i < pooled(&g->opt); i++) all += (double)wanted[i];
    for (size_t i = 0; i < K; i++) {
      wanted[i] = shift + discount * wanted[i];
      sum += (double)wanted[i];
    }
    g->y[b] = (float)(sum / (double)K + 0.0 * all); /* one that is dropped may not be NaN either */
  }
}

/* The loss of one quantile against all K of the target, and its slope, with delta = y_k - theta:
 *   1/K sum_k |tau - 1{delta < 0}| h(delta),  h(delta) = delta^2/2 within 1, |delta| - 1/2 beyond
 */
static double quantile_loss(size_t K, const float y[], float theta, float tau, float *slope) {
  double loss = 0.0, sum = 0.0;
  for (size_t k = 0; k < K; k++) {
    const float delta = y[k] - theta, cut = delta < -1.0f ? -1.0f : delta > 1.0f ? 1.0f : delta;
    const float weight = delta < 0.0f ? 1.0f - tau : tau;
    loss += (double)(weight * cut * (delta - 0.5f * cut));
    sum -= (double)(weight * cut);
  }
  *slope = (float)(sum / (double)K);
  return loss / (double)K;
}

/* The mean over the quantiles. */
static void slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  const size_t n = quantiles(&g->opt), K = kept(g);
  const float share = 1.0f / (float)(n * g->B);
  for (size_t b = first; b < last; b++) {
    double loss = 0.0;
    for (size_t i = 0; i < n; i++) {
      const size_t at = b * g->ld_out + i;
      float slope;
      loss += quantile_loss(K, g->wanted + b * g->ld_wanted, c->out[at], g->support[i], &slope);
      c->slope[at] = share * slope;
    }
    c->loss[b] = loss / (double)n;
  }
  read(g, c, first, last);
}

static void gradient(const sac_agent *g, const sac_critic *c, size_t n, const size_t row[],
                     float dq[]) {
  (void)c, (void)row;
  const size_t outputs = quantiles(&g->opt);
  for (size_t i = 0; i < n; i++)
    for (size_t a = 0; a < outputs; a++) dq[i * g->ld_out + a] = 1.0f / (float)outputs;
}

const sac_critic_head sac_critic_quantile = {.outputs = quantiles,
                                             .wanted = pooled,
                                             .begin = set_support,
                                             .read = read,
                                             .targets = targets,
                                             .slopes = slopes,
                                             .gradient = gradient};
