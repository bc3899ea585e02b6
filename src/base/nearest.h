/* Did you mean: sac_nearest, which the program uses too, is public. */
#ifndef SAC_BASE_NEAREST_H
#define SAC_BASE_NEAREST_H

#include "sac/options.h"

#endif
