/* Normalised observations: x = (obs - mean)/sqrt(variance + 1e-8), cut to [-clip, clip], where mean
 * and variance are those of every observation of training so far, in the order in which they came
 * [WELFORD]. The replay keeps observations as they are; a batch is normalised when it is drawn. */
#ifndef SAC_AGENT_NORMALIZER_H
#define SAC_AGENT_NORMALIZER_H

#include "base/arena.h"
#include "base/safetensors.h"
#include "sac/agent.h"

typedef struct sac_normalizer {
  int on; /* else every call below leaves numbers as they are */
  size_t O;
  double clip;
  double *count, *mean, *m2; /* (1), (O), (O): seen, their mean, sum of squared deviations */
  double *scale;             /* (O) 1/sqrt(m2/count + 1e-8), derived */
} sac_normalizer;

enum { SAC_NORMALIZER_TENSORS = 3 };

void sac_normalizer_layout(sac_arena *arena, sac_normalizer *n, size_t O,
                           const sac_agent_options *options);

/* Take in `rows` observations (rows, O), one after the other. */
void sac_normalizer_observe(sac_normalizer *n, size_t rows, const float obs[]);

/* One observation: obs (O) in, x (O) out; they may be the same. */
void sac_normalize(const sac_normalizer *n, const float obs[], float x[]);

/* What a file keeps: obs_count, obs_mean, obs_m2; none of them if it is not on. Returns how many.
 */
size_t sac_normalizer_tensors(const sac_normalizer *n, sac_tensor out[SAC_NORMALIZER_TENSORS]);

/* To call after the tensors were filled from a file, and at the start. */
void sac_normalizer_restored(sac_normalizer *n);

#endif
