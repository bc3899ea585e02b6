/* The passes of mlp.h for networks whose activations lie on the unit sphere: what each does is said
 * there. */
#ifndef SAC_NN_MLP_SPHERE_H
#define SAC_NN_MLP_SPHERE_H

#include "nn/network.h"

/* The place of layer l's gain; adds it to net->count. */
void sac_gain_place(sac_mlp *net, size_t l);

/* Every gain at its start. */
void sac_gain_init(sac_mlp *net);

/* What passes over B rows need besides activations. */
void sac_sphere_layout_trace(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B);

void sac_mlp_forward_sphere(const sac_kernels *k, const sac_mlp *net, const float *w,
                            const float *x, size_t ldx, size_t first, size_t last, sac_trace *trace,
                            float *y, size_t ldy);
void sac_mlp_backward_sphere(const sac_kernels *k, const sac_mlp *net, const float *dy, size_t ldy,
                             size_t first, size_t last, sac_trace *trace);
void sac_mlp_input_gradient_sphere(const sac_kernels *k, const sac_mlp *net, size_t n,
                                   const size_t row[], const float *dy, size_t ldy, size_t first,
                                   sac_trace *trace, size_t column, size_t columns, float *dx,
                                   size_t ldx);

/* The step of a gain's unit; returns the gradient's squared norm. scratch: a padded width. */
double sac_mlp_step_gain(const sac_kernels *k, sac_mlp *net, const sac_unit *unit, size_t B,
                         const sac_trace *trace, const sac_adam_step *adam, float tau,
                         float *scratch);

#endif
