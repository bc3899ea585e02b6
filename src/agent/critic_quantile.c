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

/* The first numbers of a sorted list: those below some limit. */
typedef struct below {
  size_t count;
  double sum, square;
} below;

static void advance(below *p, size_t K, const float y[], double limit) {
  for (; p->count < K && (double)y[p->count] < limit; p->count++) {
    p->sum += (double)y[p->count];
    p->square += (double)y[p->count] * (double)y[p->count];
  }
}

/* sum_k (y_k - theta) and sum_k (y_k - theta)^2 over what lies between two limits. */
static void moments_between(const below *low, const below *high, double theta, double *first,
                            double *second) {
  const double n = (double)(high->count - low->count), sum = high->sum - low->sum;
  *first = sum - n * theta;
  *second = high->square - low->square - theta * (2.0 * sum - n * theta);
}

/* The loss of one quantile against all K of the target, and its slope, with delta = y_k - theta:
 *   1/K sum_k |tau - 1{delta < 0}| h(delta),  h(delta) = delta^2/2 within 1, |delta| - 1/2 beyond
 * edge: the numbers below theta - 1, theta and theta + 1, and all. */
static double quantile_loss(const below edge[4], double theta, double tau, float *slope) {
  static const below none = {0};
  const double K = (double)edge[3].count, left = (double)edge[0].count,
               right = K - (double)edge[2].count;
  double far_left, left_1, left_2, right_1, right_2, far_right, unused;
  moments_between(&none, &edge[0], theta, &far_left, &unused);
  moments_between(&edge[0], &edge[1], theta, &left_1, &left_2);
  moments_between(&edge[1], &edge[2], theta, &right_1, &right_2);
  moments_between(&edge[2], &edge[3], theta, &far_right, &unused);
  *slope = (float)(((1.0 - tau) * (left - left_1) - tau * (right + right_1)) / K);
  return ((1.0 - tau) * (0.5 * left_2 - far_left - 0.5 * left) +
          tau * (0.5 * right_2 + far_right - 0.5 * right)) /
         K;
}

/* rank (n): the places of theta in order upwards. They mostly are in order. */
static void rank_of(size_t n, const float theta[], size_t rank[]) {
  for (size_t i = 0; i < n; i++) {
    size_t at = i;
    for (; at > 0 && theta[rank[at - 1]] > theta[i]; at--) rank[at] = rank[at - 1];
    rank[at] = i;
  }
}

/* One row: the mean loss over its quantiles. Both lists are gone through once, upwards. */
static double row_slopes(size_t n, const float theta[], const float tau[], size_t K,
                         const float y[], float share, float slope[]) {
  size_t rank[SAC_CRITIC_QUANTILES_MAX];
  below edge[4] = {0};
  double loss = 0.0;
  rank_of(n, theta, rank);
  advance(&edge[3], K, y, HUGE_VAL);
  for (size_t i = 0; i < n; i++) {
    const size_t at = rank[i];
    for (int e = 0; e < 3; e++) advance(&edge[e], K, y, (double)theta[at] + e - 1.0);
    loss += quantile_loss(edge, (double)theta[at], (double)tau[at], &slope[at]);
    slope[at] *= share;
  }
  return loss / (double)n;
}

/* The mean over the quantiles. */
static void slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  const size_t n = quantiles(&g->opt), K = kept(g);
  const float share = 1.0f / (float)(n * g->B);
  for (size_t b = first; b < last; b++)
    c->loss[b] = row_slopes(n, c->out + b * g->ld_out, g->support, K, g->wanted + b * g->ld_wanted,
                            share, c->slope + b * g->ld_out);
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
