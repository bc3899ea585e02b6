/* The incomplete gamma and beta functions of many rows at once. */
#ifndef SAC_SPECIAL_INCOMPLETE_H
#define SAC_SPECIAL_INCOMPLETE_H

#include "special/lanes.h"

/* sac_gamma_pq and sac_beta_pq of n <= SAC_LANES rows, with the same numbers as n calls of those.
 * Arguments are legal, and may be the ends of their ranges. */
void sac_gamma_pq_n(size_t n, const double a[], const double z[], const double log_z[],
                    double lower[], double upper[]);
void sac_beta_pq_n(size_t n, const double a[], const double b[], const double log_x[],
                   const double log_xm[], double lower[], double upper[]);

#endif
