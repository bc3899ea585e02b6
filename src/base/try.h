/* Pass an error on to the caller; for functions with nothing to release. */
#ifndef SAC_BASE_TRY_H
#define SAC_BASE_TRY_H

#include "sac/base.h"

#define SAC_TRY(call)                      \
  do {                                     \
    const sac_status status_ = (call);     \
    if (status_ != SAC_OK) return status_; \
  } while (0)

#endif
