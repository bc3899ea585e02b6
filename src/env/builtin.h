/* The tasks inside the library, in the order in which `sac envs` lists them. */
#ifndef SAC_ENV_BUILTIN_H
#define SAC_ENV_BUILTIN_H

#include "sac/env.h"

extern const sac_env_api sac_pendulum;
extern const sac_env_api sac_mountain_car;
extern const sac_env_api sac_cart_pole;
extern const sac_env_api sac_heading;
extern const sac_env_api sac_two_hills;

/* A number that the compiler may not know, so that pow(x, two) stays a call of the C library: it is
 * what NumPy's x ** 2 does for a scalar, and one time in a thousand its last bit is not x * x's. */
static const volatile double sac_two = 2.0;

/* x rounded to float32. gcc 12's vectoriser takes two neighbouring (double)(float)x for no change
 * at all, hence the volatile. */
static inline double sac_round_f32(double x) {
  const volatile float rounded = (float)x;
  return (double)rounded;
}

#endif
