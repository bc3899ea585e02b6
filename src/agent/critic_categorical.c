/* A critic with a categorical distribution of the return [C51]: probabilities p = softmax(logits)
 * of fixed atoms z_1 ... z_n between value_min and value_max, learned by cross-entropy.
 *
 * The target is the distribution of the critic whose mean is the smallest [SIMBAV2], each of its
 * atoms moved to r + gamma (1 - d)(z - alpha log pi), cut to the support, and its probability
 * shared between the two atoms beside that place in proportion to nearness. */
#include "agent/critic_head.h"

#include <math.h>
#include <string.h>

static size_t atoms(const sac_agent_options *o) {
  return (size_t)o->critic_atoms;
}

static void set_support(sac_agent *g) {
  const size_t n = atoms(&g->opt);
  const double low = g->opt.value_min, width = (g->opt.value_max - low) / (double)(n - 1);
  for (size_t i = 0; i < n; i++) g->support[i] = (float)(low + width * (double)i);
}

/* sum_i p_i z_i */
static float mean_of(const sac_agent *g, const float p[]) {
  double sum = 0.0;
  for (size_t i = 0; i < atoms(&g->opt); i++) sum += (double)p[i] * (double)g->support[i];
  return (float)sum;
}

/* Logits become probabilities. */
static void read(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  float *p = c->out + first * g->ld_out;
  g->k->softmax(last - first, atoms(&g->opt), p, g->ld_out, c->log_sum + first);
  for (size_t b = first; b < last; b++) c->value[b] = mean_of(g, c->out + b * g->ld_out);
}

/* Probabilities at [s',a'] of the critic of the subset whose mean is the smallest there. */
static const float *least(const sac_agent *g, size_t b) {
  const float *found = g->q[g->subset[0]].next + b * g->ld_out;
  float q = mean_of(g, found);
  for (size_t m = 1; m < g->M; m++) {
    const float *p = g->q[g->subset[m]].next + b * g->ld_out, mean = mean_of(g, p);
    if (mean < q || isnan(mean)) found = p, q = mean;
  }
  return found;
}

/* wanted (n): the probabilities p of atoms that have moved to scale z + shift. */
static void project(const sac_agent *g, const float p[], double scale, double shift,
                    float wanted[]) {
  const size_t n = atoms(&g->opt);
  const double low = g->opt.value_min, width = (g->opt.value_max - low) / (double)(n - 1);
  memset(wanted, 0, n * sizeof *wanted);
  for (size_t i = 0; i < n; i++) {
    const double at = (shift + scale * (double)g->support[i] - low) / width;
    const double place = at < 0.0 ? 0.0 : at > (double)(n - 1) ? (double)(n - 1) : at;
    const size_t below = (size_t)place, above = below + 1 < n ? below + 1 : below;
    const double share = place - (double)below;
    wanted[below] += (float)((1.0 - share) * (double)p[i]);
    wanted[above] += (float)(share * (double)p[i]);
  }
}

static void targets(sac_agent *g, float alpha, size_t first, size_t last) {
  for (size_t m = 0; m < g->M; m++) {
    sac_critic *c = &g->q[g->subset[m]];
    g->k->softmax(last - first, atoms(&g->opt), c->next + first * g->ld_out, g->ld_out,
                  c->log_sum + first);
  }
  for (size_t b = first; b < last; b++) {
    const double discount = (double)g->discount[b];
    const double shift = (double)g->reward[b] - discount * (double)alpha * (double)g->pi.logp[b];
    const float *p = least(g, b);
    float *wanted = g->wanted + b * g->ld_wanted;
    g->y[b] = (float)(shift + discount * (double)mean_of(g, p)); /* before the cut */
    if (!isfinite(g->y[b])) continue;                            /* the update ends */
    project(g, p, discount, shift, wanted);
    g->y[b] = mean_of(g, wanted);
  }
}

/* -sum_i wanted_i log p_i = log_sum - sum_i wanted_i logit_i, since the wanted sum to 1; its slope
 * in logit i is p_i - wanted_i. */
static void slopes(const sac_agent *g, sac_critic *c, size_t first, size_t last) {
  const size_t n = atoms(&g->opt);
  const float inv_B = 1.0f / (float)g->B;
  for (size_t b = first; b < last; b++) {
    const float *wanted = g->wanted + b * g->ld_wanted, *logit = c->out + b * g->ld_out;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)wanted[i] * (double)logit[i];
    c->loss[b] = -sum;
  }
  read(g, c, first, last);
  for (size_t b = first; b < last; b++) {
    const float *wanted = g->wanted + b * g->ld_wanted, *p = c->out + b * g->ld_out;
    float *slope = c->slope + b * g->ld_out;
    for (size_t i = 0; i < n; i++) slope[i] = (p[i] - wanted[i]) * inv_B;
    c->loss[b] += (double)c->log_sum[b];
  }
}

/* dQ/dlogit_i = p_i (z_i - Q) */
static void gradient(const sac_agent *g, const sac_critic *c, size_t n, const size_t row[],
                     float dq[]) {
  for (size_t i = 0; i < n; i++) {
    const float *p = c->out + row[i] * g->ld_out, q = c->value[row[i]];
    for (size_t a = 0; a < atoms(&g->opt); a++) dq[i * g->ld_out + a] = p[a] * (g->support[a] - q);
  }
}

const sac_critic_head sac_critic_categorical = {.outputs = atoms,
                                                .wanted = atoms,
                                                .begin = set_support,
                                                .read = read,
                                                .targets = targets,
                                                .slopes = slopes,
                                                .gradient = gradient};
