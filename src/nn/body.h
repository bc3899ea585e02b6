/* The shapes of networks, by the agent's option body; body.c has the formulas. */
#ifndef SAC_NN_BODY_H
#define SAC_NN_BODY_H

#include "nn/network.h"

/* The layers of a network whose in, out and norm are set: widths, ReLUs, sums, norms, which of them
 * have no bias. `hidden`: a plain network's widths; of another, one number a block, all the same.
 * `parts` as in mlp.h.
 * Sets norm.kind to that of the body's norms. */
void sac_body_layers(sac_mlp *net, int body, const sac_widths *hidden, size_t parts);

#endif
