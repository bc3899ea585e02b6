/* All of libsac. */
#ifndef SAC_SAC_H
#define SAC_SAC_H

#include "sac/agent.h"
#include "sac/base.h"
#include "sac/bench.h"
#include "sac/dist.h"
#include "sac/env.h"
#include "sac/grad.h"
#include "sac/options.h"
#include "sac/random.h"
#include "sac/replay.h"
#include "sac/special.h"
#include "sac/train.h"

#endif
