/* Generalised state-dependent exploration [GSDE]: the policy's noise is a linear function of the
 * state's features,
 *   u = mean(s) + h(s)^T E,  E_ij ~ N(0, S_ij^2),
 * where h(s) is the last hidden layer of the actor and S is learned. While E is held, the action is
 * a smooth function of the state. Over E each u_j is normal with the variance
 *   v_j(s) = sum_i h_i(s)^2 S_ij^2,
 * so the tanh-normal's log pi and gradient hold with log sigma_j = log(v_j)/2, and a loss's
 * derivative in v_j goes on into S and h.
 *
 * One more feature is always on: h_H = 1e-3 with S_Hj = 1, not learned. It is the 1e-6 that keeps v
 * above 0 where every unit is off, and part of E, so that what acts and what is trained agree. */
#ifndef SAC_AGENT_GSDE_H
#define SAC_AGENT_GSDE_H

#include "base/arena.h"
#include "nn/network.h"
#include "sac/agent.h"

enum { SAC_GSDE_ACTIONS_MAX = 4096 };

/* Outputs of the network: the means. One alone would have another layout (nn/mlp.h), so a second
 * one goes with it, of which nothing is made. */
static inline size_t sac_gsde_outputs(size_t A) {
  return A > 1 ? A : 2;
}

typedef struct sac_gsde {
  size_t H, A;       /* features (without the one that is always on); 0: the policy has none */
  size_t ld, ldh;    /* floats in a row of S, and of h */
  int learn;         /* the variance's gradient goes into the features too */
  float *log_std;    /* (H, ld) log S */
  float *m, *v;      /* (H, ld) its Adam moments */
  float *std;        /* (H, ld) S */
  float *var, *turn; /* (H, ld), (A, ldh) S^2 and its transpose; padding 0 */
  float *floor;      /* (ld) what the feature that is always on adds to a variance */
  double *square;    /* (units) the squared norm of each unit's gradient, from the last step */

  /* of the last pass, a row a sample */
  float *h2;       /* (B, ldh) squared features */
  float *variance; /* (B, ld) */
  float *dv;       /* (B, ld) the loss gradient in the variances; padding 0 */
  float *dh2;      /* (B, ldh) and in the squared features */
} sac_gsde;

/* Lay out for A actions behind the last hidden layer of `net`; trained: with moments and gradients.
 */
void sac_gsde_layout(sac_arena *arena, sac_gsde *g, const sac_mlp *net, size_t A, size_t B,
                     const sac_agent_options *options, int trained);

/* S = e^log_std everywhere, the moments zero. */
void sac_gsde_init(sac_gsde *g, double log_std);

/* Bring what is derived from log S up to date, after it was changed from outside. */
void sac_gsde_refresh(sac_gsde *g);

/* After a pass of the network on rows [first, last): their variances. */
void sac_gsde_forward(const sac_kernels *k, sac_gsde *g, const sac_mlp *net, const sac_trace *trace,
                      size_t first, size_t last);

/* In place of sac_mlp_backward: from dy = dL/dy (B, ldy), y the means, and g->dv, through the
 * network. Without norms, in fp32. */
void sac_gsde_backward(const sac_kernels *k, sac_gsde *g, const sac_mlp *net, const float *dy,
                       size_t ldy, size_t first, size_t last, sac_trace *trace);

/* Thread t's share of the step on log S, with the gradient of all B rows. scratch: as the network's
 * last layer needs. */
void sac_gsde_step(const sac_kernels *k, sac_gsde *g, size_t B, const sac_adam_step *adam, size_t t,
                   size_t T, float *scratch);

/* The squared 2-norm of the last step's whole gradient. */
double sac_gsde_grad_square(const sac_gsde *g);

/* noise (A) = h^T (S z): z (H + 1, A) standard normals, h (H). */
void sac_gsde_noise(const sac_gsde *g, const float h[], const float z[], double noise[]);

#endif
