/* The policy: a network from states to a distribution of actions in [-1, 1]^A.
 *
 * The default is the tanh-normal, in the float kernels of src/kernels:
 *   (mean, raw) = net(s),  log sigma = map(raw),  u = mean + sigma eps,  a = tanh u   [SAC2]
 * The pre-squash u never has to be recovered from a: all that is needed is computed from u. Every
 * other head (agent/heads.h), and every estimator but the pathwise one with one sample, is computed
 * in double from the distributions of src/dist: the fields under `work`. */
#ifndef SAC_AGENT_POLICY_H
#define SAC_AGENT_POLICY_H

#include "agent/gsde.h"
#include "agent/heads.h"
#include "nn/mlp.h"
#include "sac/agent.h"

/* A head by its distribution: a row has `units` of them, one a dimension or one of all. */
typedef struct sac_head_work {
  const sac_head_kind *kind;
  sac_dist d;
  size_t units, outputs;  /* of a row; of a unit */
  size_t draws;           /* samples that an actor's gradient takes, one after the other */
  double *theta, *slope;  /* (B, units P) parameters; (B, units outputs) d theta/d raw */
  double *z, *latent;     /* (B,A), (B, units L) the last sample */
  double *log_p, *score;  /* (B, units), (B, units P) its log density, and that in theta */
  double *slope_z;        /* (B, units (D + L)) its log density's slope in z and in each latent */
  double *velocity;       /* (B, units (P + L P)) dz/dtheta and dlatent/dtheta; D = 1 */
  double *dtheta;         /* (B, units P) the loss gradient, summed over the draws so far */
  double *scores;         /* (B, units P) sum of the scores over the draws so far */
  double *cost;           /* (B) sum of alpha log pi - Q */
  sac_stream *stream;     /* (B) what a row draws from */
  double *minus, *weight; /* (B) measure-valued: z- of the pair at hand, and its factor */
  uint8_t *bad;           /* (B) an output of the network is not finite: nothing else will be */
} sac_head_work;

typedef struct sac_head {
  size_t O, A, outputs; /* of a row: of the network and, of gsde, the variances behind them */
  sac_agent_options opt;
  int fused;     /* the kernels' tanh-normal */
  sac_mlp net;   /* O -> hidden -> outputs */
  sac_gsde gsde; /* where the policy has it: gsde.H > 0 */
  sac_log_std_map map;
  float *mid, *half; /* (A) environment action = mid + half a */
  double log_scale; /* sum of log half, if entropy is measured in the environment's units; else 0 */

  /* of the last pass, a row a sample */
  sac_trace trace, acting; /* acting is in fp32 always: as the policy's file acts */
  size_t ld_out;
  float *out, *dout; /* (B, ld_out) the network's and the loss gradient; fused: [mean | raw]; with
                        actor_joint (2B, ld_out), and the gradient of the rows of s' is 0 */
  float *act;        /* (B,A) */
  float *logp;       /* (B) log pi(a|s) */

  /* of the kernels' tanh-normal */
  float *mean, *raw, *log_std; /* (B,A) */
  float *slope;                /* (B,A) d log_std / d raw */
  float *eps, *std, *da_du;    /* (B,A) */
  float *logp_terms;           /* (B,A) */
  uint32_t *words;             /* (B, 2A) random words behind eps */

  sac_head_work work;
} sac_head;

/* Whether a policy with these options can act in these bounds, and learn: SAC_ERR_ARG names the
 * heads that fit, or the entropies that can be reached. */
sac_status sac_head_check(const sac_agent_options *options, size_t A, const double low[],
                          const double high[], sac_error *err);

/* The names of the heads that fit a continuous action space; all but von_mises fit every one. turn:
 * each action is an angle. text: (size) out. */
void sac_head_fitting(int turn, char *text, size_t size);

/* A head's outputs under these options, which sac_head_check has passed; the variances of gsde, of
 * which the network knows nothing, are among them. */
size_t sac_head_kind_outputs(const sac_head_kind *kind, const sac_agent_options *options, size_t A);

/* What the critics see of an action: itself; of an angle its cosines and its sines, so that Q has
 * no jump where the angle wraps, which a sample that moves across would not feel. C numbers. */
size_t sac_head_seen(const sac_agent_options *options, size_t A);

/* seen (C) of the action a (A) in [-1, 1]; they may begin at the same place. */
void sac_head_show(const sac_head *head, const float a[], float seen[]);

/* From dQ/dseen (C) to dQ/da (A), in place. */
void sac_head_show_back(const sac_head *head, const float a[], float dq[]);

/* What the options critic_norm or actor_norm (`kind`) and those beside it say to a network. */
sac_norm_spec sac_norm_of(const sac_agent_options *options, int kind);

/* The network of a policy with so many outputs; `options` must live until it is laid out. */
sac_mlp_spec sac_head_network(const sac_agent_options *options, size_t O, size_t outputs,
                              int trained);

/* Rows of the network's pass in the actor's update: B, or 2B with s' (option actor_joint). */
static inline size_t sac_head_rows(const sac_agent_options *options, size_t B) {
  return options->actor_joint == SAC_ACTOR_JOINT_YES ? 2 * B : B;
}

/* Lay out a policy for B rows; `trained` as in sac_mlp_layout. */
void sac_head_layout(sac_arena *arena, sac_head *head, size_t O, size_t A,
                     const sac_agent_options *options, size_t B, int trained);

/* The same with a head of the caller's own instead of the one that the options name. */
void sac_head_layout_kind(sac_arena *arena, sac_head *head, const sac_head_kind *kind, size_t O,
                          size_t A, const sac_agent_options *options, size_t B, int trained);

/* The map from the network's output to log sigma. */
sac_log_std_map sac_head_map(const sac_agent_options *options);

/* The scale of one action: mid - half and mid + half are floats within [low, high], so an action
 * that is clamped to them is too. */
void sac_action_scale(double low, double high, float *mid, float *half);

/* Set the map and the scale of the actions from options and bounds. */
void sac_head_set(sac_head *head, const sac_agent_options *options, const double low[],
                  const double high[]);

/* Add what the options and the head say to the fresh bias of the last layer: log_std_bias behind
 * log sigma; components of a mixture apart from each other. */
void sac_head_bias(const sac_kernels *k, sac_head *head);

/* The randomness of rows [first, last): row b's from stream (seed, purpose, index + b). */
void sac_head_noise(const sac_kernels *k, sac_head *head, size_t first, size_t last, uint64_t seed,
                    uint32_t purpose, uint64_t index);

/* The network's outputs for rows [first, last) of s (B, lds), and the parameters they stand for. */
void sac_head_forward(const sac_kernels *k, sac_head *head, const float *s, size_t lds,
                      size_t first, size_t last);

/* The same after another pass, one in training mode, has left the outputs in head->out. */
void sac_head_read(sac_head *head, size_t first, size_t last);

/* After sac_head_forward and sac_head_noise: sample a, log pi(a|s) and what their gradients need.
 * A head that is not fused goes on in its rows' streams at each call. */
void sac_head_sample(const sac_kernels *k, sac_head *head, size_t first, size_t last);

/* As sac_head_sample, but what the actor's gradient wants for its sample number `draw`. */
void sac_head_draw(const sac_kernels *k, sac_head *head, size_t draw, size_t first, size_t last);

/* Samples in an actor's gradient: sac_head_draw and sac_head_gradient are called that often. */
static inline size_t sac_head_draws(const sac_head *head) {
  return head->fused ? 1 : head->work.draws;
}

/* What the critics say of the last sample. */
typedef struct sac_head_critics {
  float alpha;
  const float *q;     /* (B) Q(s,a) */
  const float *dq_da; /* (B, ld), for the pathwise estimator */
  size_t ld;
} sac_head_critics;

/* The policy gradient of J = 1/B sum_b [alpha log pi(a|s) - Q(s,a)] in the network's outputs, from
 * sample `draw`: grad log pi + (d_a log pi - d_a Q) da/dtheta; or, by the score function,
 * (alpha log pi - Q - baseline) grad log pi. For the tanh-normal the former is, in u:
 *   dJ/du = (alpha 2a - dQ/da da/du)/B,  dJ/dmean = dJ/du,  dJ/dlog_std = dJ/du std eps - alpha/B.
 * B: the batch, rows [first, last) of it. Complete in head->dout after the last draw. */
void sac_head_gradient(sac_head *head, size_t draw, size_t B, const sac_head_critics *critics,
                       size_t first, size_t last);

/* Whether the gradient needs critics->dq_da. */
static inline int sac_head_is_pathwise(const sac_head *head) {
  return head->opt.actor_estimator == SAC_ESTIMATOR_PATHWISE;
}

/* From head->dout back through the network. */
void sac_head_backward(const sac_kernels *k, sac_head *head, size_t first, size_t last);

/* Thread t's share of the step with the gradient of all B rows of s (B, lds). scratch:
 * (net.scratch).
 */
void sac_head_step(const sac_kernels *k, sac_head *head, size_t B, const float *s, size_t lds,
                   const sac_adam_step *adam, size_t t, size_t T, float *scratch);

/* The squared 2-norm of the last step's whole gradient. */
double sac_head_grad_square(const sac_head *head);

/* Act on rows [first, last) of obs (n,O). noise (n,A), standard normals, becomes the action by the
 * head's own quantiles, dimension by dimension: a = tanh(mean + std noise). NULL: the deterministic
 * action. Leaves a in head->act. */
void sac_head_act(const sac_kernels *k, sac_head *head, const float *obs, const float *noise,
                  size_t first, size_t last);

/* The same of gsde with a matrix of noise each, z (n, gsde.H + 1, A). */
void sac_head_act_held(const sac_kernels *k, sac_head *head, const float *obs, const float *z,
                       size_t first, size_t last);

/* After sac_work_map: the entropy of row b's policy, in nats as log pi measures it. NaN if the
 * network's outputs are not finite, or where there is no formula: mixtures in 5 dimensions or more.
 */
double sac_head_entropy(const sac_head *head, size_t b);

/* act (n,A): head->act in the environment's units, within its bounds (but of policy `normal`, whose
 * actions the environment cuts off). SAC_ERR_DIVERGED names an observation or action that is not
 * finite; act is untouched then. */
sac_status sac_head_result(const sac_head *head, size_t n, const float *obs, float *act,
                           sac_error *err);

/* --- of a head that is not fused: src/agent/policy_dist.c --------------------------------------
 */

void sac_work_layout(sac_arena *arena, sac_head *head, size_t B);
void sac_work_map(sac_head *head, size_t first, size_t last);
void sac_work_sample(sac_head *head, size_t first, size_t last);

/* A sample of row b into z and latent; then the actions and log pi of rows [first, last). */
void sac_work_draw(sac_head *head, size_t b);
void sac_work_finish(sac_head *head, size_t first, size_t last);

/* out (B, units width) = f of each sample of rows [first, last), by f_n where that is not NULL. */
void sac_work_rows(const sac_head *head, sac_dist_row *f, sac_dist_batch *f_n, size_t width,
                   size_t first, size_t last, double out[]);

/* Where output i of unit j lies in a row of the network's: [mean of all | raw of all | ...]. */
size_t sac_work_place(const sac_head *head, size_t j, size_t i);

/* The latent of point p = row * units + unit. */
static inline const double *sac_work_latent(const sac_head_work *w, size_t p) {
  return w->d.latents ? w->latent + p * w->d.latents : NULL;
}

/* log(1 - tanh(u)^2) = -2 log cosh u, without cancellation */
double sac_log_sech2(double u);

/* a = T(z), and log da/dz as it enters log pi. */
double sac_squashed(sac_squash squash, double z);
double sac_log_stretch(const sac_head *head, double z);

/* --- src/agent/policy_gradient.c ---------------------------------------------------------------
 */

size_t sac_work_draws(const sac_head *head);

/* Draw number `draw` of row b for the measure-valued estimator, into z. */
void sac_work_pair(sac_head *head, size_t draw, size_t b);
void sac_work_gradient(sac_head *head, size_t draw, size_t B, const sac_head_critics *critics,
                       size_t first, size_t last);

/* --- of src/agent/policy_act.c --------------------------------------------------------------- */

/* After sac_work_map: the action of the noise (n,A), or the deterministic one; into head->act. */
void sac_work_act(sac_head *head, const float *noise, size_t first, size_t last);

#endif
