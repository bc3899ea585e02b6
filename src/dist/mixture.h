/* What a mixture has in more than one dimension without a closed form. */
#ifndef SAC_DIST_MIXTURE_H
#define SAC_DIST_MIXTURE_H

#include "dist/family.h"

/* Entropy and KL are offered up to here: the product rule's points grow with a power of D. */
enum { SAC_MIXTURE_QUADRATURE_DIM = 4 };

/* Component k's numbers in coordinate i begin here in theta. */
static inline size_t sac_mixture_place(const sac_dist *d, size_t k, size_t i) {
  return d->components + (k * d->dim + i) * d->component->params;
}

/* The ends of a component's support; a von Mises angle lies within pi of its location. */
void sac_mixture_ends(const sac_dist *family, const double theta[], double ends[2]);

/* log density of one component's factor at z; -inf outside its support */
double sac_mixture_factor(const sac_dist *family, const double theta[], double z);

/* log pi, normalised: out (K) */
void sac_mixture_log_weights(const sac_dist *d, const double theta[], double out[]);

/* sac_dist_row functions for D > 1 */
void sac_mixture_mode(const sac_dist *d, const double theta[], const double z[],
                      const double latent[], double out[]);
void sac_mixture_entropy(const sac_dist *d, const double theta[], const double z[],
                         const double latent[], double out[]);
void sac_mixture_kl(const sac_dist *d, const double theta[], const double z[],
                    const double latent[], double out[]);

#endif
