/* What 'sac dist' and 'sac bench dist' share. */
#ifndef CLI_DIST_H
#define CLI_DIST_H

#include "cli.h"

enum dist_function {
  DIST_LOGPDF,
  DIST_PDF,
  DIST_CDF,
  DIST_QUANTILE,
  DIST_SCORE,
  DIST_VELOCITY,
  DIST_SAMPLE,
  DIST_MEAN,
  DIST_MODE,
  DIST_VARIANCE,
  DIST_ENTROPY,
  DIST_KL
};

/* The functions by name; ends with a NULL name. */
extern const struct dist_what {
  const char *name;
  enum dist_function what;
} dist_whats[];

/* Whether the distribution has the function. */
int dist_has(const sac_dist *d, enum dist_function what);

/* The distribution of that name and size into *out; -1, or the exit code after a message. */
int dist_named(const char *name, size_t dim, size_t components, sac_dist *out);

/* Time the one-dimensional distribution `name`, at one theta or, if NULL, at typical ones; the exit
 * code. */
int bench_dist(const char *name, const double *theta);

#endif
