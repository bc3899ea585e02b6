/* The ensemble: N critics of one shape, Q_1 ... Q_N, each trained towards the same target.
 *
 * The target takes the minimum over all of them, or over M that an update draws [REDQ]; the actor
 * climbs the minimum or the mean over all. Functions on rows [first, last) touch those rows only.
 */
#ifndef SAC_AGENT_CRITICS_H
#define SAC_AGENT_CRITICS_H

#include "agent/handle.h"

/* A critic's network, or V's. */
sac_mlp_spec sac_critic_network(const sac_agent *g, size_t in, size_t out, int with_target);

/* Lay out the critics of g, whose options and sizes are set, for `in` inputs. */
void sac_critics_layout(sac_arena *arena, sac_agent *g, size_t in);

/* Fresh weights; the streams of the draws begin at `base`. */
void sac_critics_init(sac_agent *g, uint64_t base);

/* Whether [s,a] and [s',a'] are one batch under these options. */
int sac_critics_joint(const sac_agent_options *options);

/* Where the stream (seed, SAC_STREAM_INIT) of a network's first layer begins: the actor's at 0,
 * then the first two critics', the value network's, and those of all further critics. */
uint64_t sac_critics_init_index(size_t j);
enum { SAC_VALUE_INIT_INDEX = 3 * SAC_INIT_STREAMS };

/* Draw this update's subset: M of N, each set of M equally likely, from stream (seed,
 * SAC_STREAM_SUBSET, update). */
void sac_critics_choose(sac_agent *g);

/* Passes through the critics from now on drop units [DROQ], every pass others, or none; without the
 * option critic_dropout nothing happens. */
void sac_critics_thin(sac_agent *g, int on);

/* The weights that a target is computed with: the slow copy, or the critic's own if it has none. */
static inline const float *sac_critic_target(const sac_critic *critic) {
  return critic->net.target ? critic->net.target : critic->net.w;
}

/* Critic j's `next`, from x_next: of critics that are not joint. */
void sac_critic_next(sac_agent *g, size_t j, size_t first, size_t last);

/* Outputs at x (B, ldx) of critic j, or of all, and their values, in a pass whose weights' gradient
 * is not wanted; in evaluation mode. */
void sac_critic_values(sac_agent *g, size_t j, const float *x, size_t first, size_t last);
void sac_critics_values(sac_agent *g, const float *x, size_t first, size_t last);

/* Joint critics: all outputs and critic->next, from x and x_next, in training mode. A collective of
 * all threads; ends with a barrier. */
void sac_critics_joint_pass(sac_agent *g, size_t t, size_t T);

/* min over the subset of element i of critic->next; NaN if one of them is. */
float sac_critics_least(const sac_agent *g, size_t i);

/* The critic whose value of row b is the smallest; the first of them. */
size_t sac_critics_smallest(const sac_agent *g, size_t b);

/* What the actor climbs: the minimum or the mean over all critics of row i's value; of discrete
 * actions, of element i of the outputs. */
float sac_critics_climbed(const sac_agent *g, size_t i);

/* d climbed/d seen (B, C) of the last sac_critics_values on `rows` rows into dq_da: a share through
 * each critic, rows [first, last); or through each row's smallest only, the rows at [first, last)
 * of their order by smallest critic. */
void sac_critics_seen_gradient(sac_agent *g, size_t rows, size_t first, size_t last);

/* Adam on thread t's share of all critics' weights, and their targets' step; of joint critics a
 * collective, which first goes back through the batch. */
void sac_critics_step(sac_agent *g, const sac_adam_step *adam, float tau, size_t t, size_t T);

/* Over all critics: the squared norm of the last step's gradient. */
double sac_critics_grad_square(const sac_agent *g);

#endif
