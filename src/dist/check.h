/* What the batched calls check before anything is written. */
#ifndef SAC_DIST_CHECK_H
#define SAC_DIST_CHECK_H

#include "sac/dist.h"

/* Rows first ... first + n - 1 of theta (the message counts rows from 0). */
sac_status sac_dist_check_theta(const sac_dist *d, size_t first, size_t n, const double theta[],
                                size_t step, sac_error *err);
/* Their z inside the support, and the latent (or NULL) not NaN. */
sac_status sac_dist_check_z(const sac_dist *d, size_t first, size_t n, const double theta[],
                            size_t step, const double z[], const double latent[], sac_error *err);

#endif
