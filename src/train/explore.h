/* Exploration: standard normals with a chosen correlation in time, as a function of (seed, purpose,
 * environment, step) alone. There is no state, so a resumed run draws what it would have drawn. */
#ifndef SAC_TRAIN_EXPLORE_H
#define SAC_TRAIN_EXPLORE_H

#include "sac/env.h"
#include "sac/train.h"

enum {
  SAC_EXPLORE_ACTIONS_MAX = 4096, /* A of the largest action */
  SAC_EXPLORE_ZETA_MAX = 256      /* steps: to find where a draw began looks at so many */
};

/* out: (A) standard normals of environment `env` at its step t < 2^40, for the option `noise`:
 * white: independent of every other step; held: the draw of block floor(t / noise_hold);
 * zeta: a draw stays n <= noise_hold <= SAC_EXPLORE_ZETA_MAX steps, P(n) ~ n^-2 [FLASHSAC], but
 * white in the warm-up; pink: a sum over ten octaves of draws that stay 2^k steps, of variance 1
 * and a spectrum that falls as 1/f between one step and 512 [Gardner 1978, the Voss algorithm]. */
void sac_explore_normals(const sac_train_options *options, uint32_t purpose, size_t env, uint64_t t,
                         size_t A, double out[]);

/* noise: (E,A) out, what sac_agent_act takes for step t. */
void sac_explore_noise(const sac_train_options *options, size_t E, size_t A, uint64_t t,
                       float noise[]);

/* Environment `env` is at its step t < 2^40, which is step `length` of its episode: the step at
 * which it drew the noise matrix that it holds, by the option sde_sample_freq. */
uint64_t sac_explore_drawn_at(const sac_train_options *options, uint64_t t, uint64_t length);

/* z: (rows,A) out, standard normals: the matrix that environment `env` drew at its step t < 2^40.
 */
void sac_explore_matrix(const sac_train_options *options, size_t env, uint64_t t, size_t rows,
                        size_t A, float z[]);

/* act: (E,A) out, random actions for step t, each uniform between its bounds, or one of `actions`
 * numbers from 0 where that is not 0: a normal z of the same kind as the exploration's goes through
 * its own distribution function, so held and pink warm-up actions are uniform too. */
void sac_explore_warmup(const sac_train_options *options, const sac_space *space, size_t actions,
                        size_t E, uint64_t t, float act[]);

/* within (A) = act (A), cut to the bounds: what reaches the environment of a policy that can leave
 * them. A NaN stays one. */
void sac_explore_cut(const sac_space *space, const float act[], float within[]);

#endif
