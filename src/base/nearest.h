/* Did you mean: sac_nearest, which the program uses too, is public. */
#ifndef SAC_BASE_NEAREST_H
#define SAC_BASE_NEAREST_H

#include "sac/options.h"

/* SAC_ERR_ARG: "unknown WHAT 'WORD': did you mean A, B", or with none of names[count] near,
 * "unknown WHAT 'WORD'; HINT". */
sac_status sac_fail_unknown(const char *what, const char *word, const char *const names[],
                            size_t count, const char *hint, sac_error *err);

#endif
