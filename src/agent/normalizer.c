#include "agent/normalizer.h"

#include <math.h>
#include <string.h>

static const double least_variance = 1e-8; /* added: a number that never changed stays 0 */

void sac_normalizer_layout(sac_arena *arena, sac_normalizer *n, size_t O,
                           const sac_agent_options *options) {
  *n = (sac_normalizer){
      .on = options->obs_norm == SAC_OBS_NORM_RUNNING, .O = O, .clip = options->obs_clip};
  if (!n->on) return;
  n->count = SAC_TAKE(arena, double, 1);
  n->mean = SAC_TAKE(arena, double, O);
  n->m2 = SAC_TAKE(arena, double, O);
  n->scale = SAC_TAKE(arena, double, O);
}

void sac_normalizer_restored(sac_normalizer *n) {
  for (size_t i = 0; n->on && i < n->O; i++)
    n->scale[i] = *n->count > 0.0 ? 1.0 / sqrt(n->m2[i] / *n->count + least_variance) : 1.0;
}

void sac_normalizer_observe(sac_normalizer *n, size_t rows, const float obs[]) {
  if (!n->on) return;
  for (size_t r = 0; r < rows; r++) {
    *n->count += 1.0;
    for (size_t i = 0; i < n->O; i++) {
      const double x = (double)obs[r * n->O + i], before = x - n->mean[i];
      n->mean[i] += before / *n->count;
      n->m2[i] += before * (x - n->mean[i]);
    }
  }
  sac_normalizer_restored(n);
}

void sac_normalize(const sac_normalizer *n, const float obs[], float x[]) {
  if (!n->on) {
    memmove(x, obs, n->O * sizeof *x);
    return;
  }
  for (size_t i = 0; i < n->O; i++) {
    const double z = ((double)obs[i] - n->mean[i]) * n->scale[i];
    x[i] = (float)(z < -n->clip ? -n->clip : z > n->clip ? n->clip : z); /* NaN stays one */
  }
}

size_t sac_normalizer_tensors(const sac_normalizer *n, sac_tensor out[SAC_NORMALIZER_TENSORS]) {
  if (!n->on) return 0;
  out[0] = (sac_tensor){"obs_count", SAC_F64, 1, 1, 1, n->count};
  out[1] = (sac_tensor){"obs_mean", SAC_F64, 1, n->O, n->O, n->mean};
  out[2] = (sac_tensor){"obs_m2", SAC_F64, 1, n->O, n->O, n->m2};
  return SAC_NORMALIZER_TENSORS;
}
