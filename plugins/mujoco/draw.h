/* The first states of episodes: Gymnasium's distributions, this library's streams. */
#ifndef SAC_MUJOCO_DRAW_H
#define SAC_MUJOCO_DRAW_H

#include "sac/random.h"

/* One number of the uniform distribution on (low, high). */
static inline double uniform(sac_stream *stream, double low, double high) {
  return low + (high - low) * sac_stream_uniform(stream);
}

/* x[i] += U(-scale, scale) */
static inline void add_uniform(sac_stream *stream, double scale, int n, double x[]) {
  for (int i = 0; i < n; i++) x[i] += uniform(stream, -scale, scale);
}

/* x[i] += scale N(0, 1) */
static inline void add_normal(sac_stream *stream, double scale, int n, double x[]) {
  double z[32];
  sac_stream_normals(stream, (size_t)n, z);
  for (int i = 0; i < n; i++) x[i] += scale * z[i];
}

#endif
