/* The order in which rows go to a vector kernel. Each kernel has two methods, and a register whose
 * lanes want both costs both: rows of its series go first, those of its quadrature behind. */
#ifndef SAC_SPECIAL_LANES_H
#define SAC_SPECIAL_LANES_H

#include "special/transport.h"

#include <stddef.h>

enum { SAC_LANES = 64 }; /* rows at a time */

/* n rounded up to whole registers */
static inline size_t sac_lanes_padded(size_t n) {
  return (n + SAC_VECTOR_PAD - 1) / SAC_VECTOR_PAD * SAC_VECTOR_PAD;
}

/* slot (n) = a permutation of 0 ... n - 1, rows with series[i] = 1 in front */
static inline void sac_lanes_arrange(size_t n, const unsigned char series[], size_t slot[]) {
  size_t front = 0, back = n;
  for (size_t i = 0; i < n; i++) {
    const size_t first = series[i];
    slot[i] = first ? front : back - 1;
    front += first;
    back -= 1 - first;
  }
}

/* out[slot[i]] = in[i], and harmless copies up to whole registers; 0 < n <= SAC_LANES */
static inline void sac_lanes_place(size_t n, const size_t slot[], const double in[], double out[]) {
  for (size_t i = 0; i < n; i++) out[slot[i]] = in[i];
  for (size_t k = n; k < sac_lanes_padded(n); k++) out[k] = out[n - 1];
}

#endif
