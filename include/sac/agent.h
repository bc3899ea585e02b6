/* The agent: Soft Actor-Critic [SAC1 Haarnoja et al. 2018a, SAC2 Haarnoja et al. 2018b].
 *
 * Actions cross this interface in the environment's units; inside, a policy acts in [-1, 1]^A and
 * each dimension is scaled by its bounds. One handle serves one thread at a time; it may use a pool
 * of its own threads, and gives the same bits for any number of them. After _create nothing
 * allocates. */
#ifndef SAC_AGENT_H
#define SAC_AGENT_H

#include "sac/options.h"
#include "sac/replay.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The most that the options of these names allow. */
enum { SAC_CRITICS_MAX = 64, SAC_CRITIC_QUANTILES_MAX = 200 };

/* The agent's options: R real, I integer, C choice, W widths.
 * R(name, default, min, max, help)  C(name, default, "a|b", help)  W(name, default, help) */
#define SAC_AGENT_OPTIONS(R, I, C, W)                                                             \
  W(actor_hidden, "256,256", "widths of the actor's hidden layers, or of a body's blocks")        \
  W(critic_hidden, "256,256", "widths of each critic's hidden layers, or of a body's blocks")     \
  C(body, plain, "plain|simba|bro|simbav2|flash",                                                 \
    "networks: layer after layer | blocks that are added to what they read, with norms of their " \
    "own [SIMBA, BRO, SIMBAV2, FLASHSAC]; docs/nn.md")                                            \
  C(init, lecun, "lecun|torch|glorot|orthogonal|body",                                            \
    "weights: truncated normal 1/sqrt(in) | uniform 1/sqrt(in), biases too | glorot uniform | "   \
    "orthogonal | as the body's authors draw them")                                               \
  C(critic_norm, none, "none|layer|rms|batch|renorm",                                             \
    "critics' normaliser: of a row's numbers [LN, RMSN], or of a column's over the batch [BN, "   \
    "BRN]")                                                                                       \
  C(actor_norm, none, "none|layer|rms|batch|renorm", "the actor's normaliser")                    \
  C(norm_place, hidden, "hidden|inputs",                                                          \
    "between a hidden product and its ReLU | before every product, the input's too [CROSSQ]")     \
  C(norm_input, no, "no|yes", "norm_place=hidden of batch and renorm: the network's input too")   \
  R(norm_momentum, 0.99, 0.0, 1.0, "batch, renorm: what running statistics keep per pass")        \
  R(norm_eps, 1e-3, 1e-12, 1.0, "added to a normaliser's variance")                               \
  C(norm_unbiased, no, "no|yes",                                                                  \
    "running variances: of the batch | unbiased, times rows/(rows-1) [FLASHSAC]")                 \
  R(renorm_r_max, 3.0, 1.0, 1e6, "renorm: largest ratio of deviations, and its inverse [BRN]")    \
  R(renorm_d_max, 5.0, 0.0, 1e6, "renorm: largest shift, in running deviations [BRN]")            \
  I(renorm_warmup, 100000, 0, 1000000000000, "renorm: passes with the batch's statistics alone")  \
  C(actor_joint, no, "no|yes",                                                                    \
    "actor_norm of a batch, or body=flash, the actor's update: over s | over s and s' as one "    \
    "batch [FLASHSAC]")                                                                           \
  C(weight_projection, none, "none|unit|unit_norms",                                              \
    "after each step each output's weights are scaled to length 1 [XQC, SIMBAV2] | and each "     \
    "norm's parameters to the root of its width [FLASHSAC]")                                      \
  R(critic_dropout, 0.0, 0.0, 0.99, "share of a critic's hidden products set to 0 [DROQ]")        \
  C(precision, fp32, "fp32|bf16",                                                                 \
    "the products of an update: in float | of bf16, summed in float, where the CPU has them")     \
  C(obs_norm, none, "none|running",                                                               \
    "observations as they are | less their running mean, by their running deviation [SB3]")       \
  R(obs_clip, 10.0, 0.01, 1e6, "normalised observations are cut to +- this [SB3]")                \
  C(reward_norm, none, "none|return",                                                             \
    "rewards as they are | by the deviation of their discounted return so far [SIMBAV2]")         \
  R(reward_norm_max, 5.0, 1e-6, 1e6, "and at least by its largest size over this [SIMBAV2]")      \
  I(batch, 256, 1, 65536, "transitions per update [SAC2]")                                        \
  R(gamma, 0.99, 0.0, 1.0, "discount per environment step [SAC2]")                                \
  R(data_share, 0.5, 0.0, 1.0,                                                                    \
    "share of each batch drawn from a given data set, if there is one, as single steps [RLPD]")   \
  I(n_step, 1, 1, 10000, "steps of reward before the bootstrap, fewer at an episode's end [SB3]") \
  R(tau, 0.005, 0.0, 1.0, "target smoothing per target update [SAC2]")                            \
  I(target_interval, 1, 1, 1000000, "updates between two target updates")                         \
  R(lr_actor, 3e-4, 0.0, 1.0, "Adam step size of the actor [SAC2]")                               \
  R(lr_critic, 3e-4, 0.0, 1.0, "Adam step size of the critics [SAC2]")                            \
  R(lr_alpha, 3e-4, 0.0, 1.0, "Adam step size of the temperature [SAC2]")                         \
  C(lr_schedule, constant, "constant|linear|cosine",                                              \
    "every step size stays | falls in a line | by half a cosine, to its share lr_end")            \
  I(lr_horizon, 1000000, 1, 1000000000000, "updates at which a schedule ends, and stays")         \
  R(lr_end, 0.0, 0.0, 1.0, "share of each step size that is left at lr_horizon")                  \
  R(actor_beta1, 0.9, 0.0, 0.9999, "Adam of the actor, decay of the first moment")                \
  R(critic_beta1, 0.9, 0.0, 0.9999, "Adam of the critics, decay of the first moment")             \
  R(alpha_beta1, 0.9, 0.0, 0.9999, "Adam of the temperature, decay of the first moment")          \
  R(adam_beta2, 0.999, 0.0, 0.9999, "Adam, decay of the second moment")                           \
  R(adam_eps, 1e-8, 1e-30, 1.0, "Adam, added to the root of the second moment")                   \
  R(weight_decay, 0.0, 0.0, 100.0,                                                                \
    "weights of actor and critics shrink by lr * this a step [ADAMW]")                            \
  C(weight_decay_of, matrices, "matrices|all",                                                    \
    "what shrinks: products' weights | biases, normalisers and simbav2's factors too "            \
    "[SIMBA, BRO]")                                                                               \
  I(reset_every, 0, 0, 1000000000000,                                                             \
    "updates between fresh draws of networks, optimisers and temperature [SRSAC]; 0: never")      \
  C(temperature, learned, "learned|fixed", "learned towards the target entropy, or fixed [SAC2]") \
  R(alpha, 1.0, 1e-12, 1e6, "temperature, at the start if it is learned")                         \
  R(alpha_min, 0.0, 0.0, 1e6, "the learned temperature does not fall below this")                 \
  R(alpha_max, 1e6, 1e-12, 1e12, "the learned temperature does not rise above this")              \
  C(alpha_loss, log_alpha, "log_alpha|alpha",                                                     \
    "-log(alpha) (log pi + H) as in most code | -alpha (log pi + H) as in the paper [SAC2]")      \
  C(alpha_sample, actor, "actor|fresh",                                                           \
    "log pi of the actor step's sample | of a fresh one after it [CleanRL]")                      \
  R(target_entropy_scale, -1.0, -1000.0, 1000.0, "target entropy per action dimension [SAC2]")    \
  R(target_entropy_std, 0.0, 0.0, 100.0,                                                          \
    "if > 0: the target is the entropy of a normal of this deviation [FLASHSAC]")                 \
  R(target_entropy_discrete, 0.98, 0.0, 1.0,                                                      \
    "policy=categorical: target entropy as a share of log K [SACD]")                              \
  C(entropy_space, normalized, "normalized|environment",                                          \
    "entropy of the action in [-1,1] | in the environment's units")                               \
  C(log_std_map, clamp, "clamp|tanh|softplus",                                                    \
    "log sigma: clamped | tanh to [min,max] [CleanRL] | log(softplus + exp(min)) [Brax]")         \
  R(log_std_min, -20.0, -40.0, 10.0, "lower end of log sigma")                                    \
  R(log_std_max, 2.0, -40.0, 10.0, "upper end of log sigma (clamp and tanh)")                     \
  R(log_std_bias, 0.0, -40.0, 40.0, "added to the initial bias of the output behind log sigma")   \
  C(policy, tanh_normal,                                                                          \
    "tanh_normal|normal|beta|truncated_normal|kumaraswamy|tanh_student_t|tanh_laplace|"           \
    "tanh_normal_mixture|beta_mixture|tanh_full_normal|von_mises|gsde|categorical",               \
    "the action's distribution given the state; docs/policies.md")                                \
  I(policy_components, 2, 1, 64, "components of a mixture")                                       \
  R(concentration_offset, 1.0, 0.0, 1000.0, "beta, kumaraswamy: parameter = offset + e^clamp")    \
  R(concentration_log_min, -20.0, -40.0, 20.0, "lower end of that clamp; of von_mises too")       \
  R(concentration_log_max, 6.0, -40.0, 20.0, "upper end of that clamp; of von_mises too")         \
  C(normal_mean, bounded, "bounded|real", "normal: mean in (-2,2) by tanh | the output itself")   \
  R(sde_log_std_init, -3.0, -20.0, 5.0, "gsde: initial log of the noise's deviations [SB3]")      \
  R(sde_mean_clip, 2.0, 0.0, 1000.0, "gsde: mean cut to +- this before tanh; 0: not [SB3]")       \
  C(sde_features, learned, "learned|fixed",                                                       \
    "gsde: whether the noise's variance moves the features that it is made of [SB3: in SAC]")     \
  C(interval_density, action, "action|unit",                                                      \
    "beta, kumaraswamy: log pi of a in [-1,1] | of (a+1)/2, without log 2 a dimension")           \
  C(deterministic, center, "center|mean|mode",                                                    \
    "the action without noise: the head's centre (tanh of the location) | mean | mode")           \
  C(transport, explicit, "explicit|optimal",                                                      \
    "tanh_full_normal: gradient through the Cholesky factor | of least energy")                   \
  C(actor_estimator, pathwise, "pathwise|score|score_loo|measure_valued",                         \
    "the actor's gradient: through a sample | log-derivative | with the others as baseline | "    \
    "differences of two densities")                                                               \
  I(actor_samples, 1, 1, 1024, "samples a state in the actor's gradient")                         \
  C(value, q, "q|v",                                                                              \
    "the bootstrap: target critics at a fresh action [SAC2] | a value network's target [SAC1]")   \
  I(critics, 2, 1, SAC_CRITICS_MAX, "critics trained towards the same target [SAC2: 2]")          \
  I(critic_subset, 0, 0, SAC_CRITICS_MAX,                                                         \
    "the target takes the minimum of so many, drawn an update [REDQ]; 0: of all")                 \
  C(critic_target, ema, "ema|none",                                                               \
    "the bootstrap's critics: slow copies | the critics themselves, normalised [CROSSQ]")         \
  C(critic_head, scalar, "scalar|categorical|quantile",                                           \
    "critics learn Q | probabilities of fixed returns [C51] | quantiles of the return [TQC]")     \
  I(critic_atoms, 101, 2, 1001, "categorical: returns that have a probability [SIMBAV2]")         \
  R(value_min, -5.0, -1e9, 1e9, "categorical: the least of them [SIMBAV2]")                       \
  R(value_max, 5.0, -1e9, 1e9, "categorical: the largest of them [SIMBAV2]")                      \
  I(critic_quantiles, 25, 1, SAC_CRITIC_QUANTILES_MAX, "quantile: quantiles a critic [TQC]")      \
  I(quantile_drop, 0, 0, SAC_CRITIC_QUANTILES_MAX - 1,                                            \
    "quantile: the target leaves out the largest, so many a critic")                              \
  C(critic_loss, half_mse, "half_mse|mse|huber", "1/2 mean square | mean square | Huber at 1")    \
  C(actor_q, min, "min|mean", "which value the actor climbs: the smallest critic's or the mean")  \
  I(policy_delay, 1, 1, 1000000, "critic updates for each time that the actor is updated")        \
  I(policy_updates, 1, 1, 1000, "actor (and temperature) updates in a row at that time [CleanRL]")

enum { SAC_INIT_LECUN, SAC_INIT_TORCH, SAC_INIT_GLOROT, SAC_INIT_ORTHOGONAL, SAC_INIT_BODY };
enum { SAC_BODY_PLAIN, SAC_BODY_SIMBA, SAC_BODY_BRO, SAC_BODY_SIMBAV2, SAC_BODY_FLASH };
enum { SAC_NORMS_NONE, SAC_NORMS_LAYER, SAC_NORMS_RMS, SAC_NORMS_BATCH, SAC_NORMS_RENORM };
enum { SAC_WEIGHT_PROJECTION_NONE, SAC_WEIGHT_PROJECTION_UNIT, SAC_WEIGHT_PROJECTION_UNIT_NORMS };
enum { SAC_NORM_PLACE_HIDDEN, SAC_NORM_PLACE_INPUTS };
enum { SAC_NORM_INPUT_NO, SAC_NORM_INPUT_YES };
enum { SAC_NORM_UNBIASED_NO, SAC_NORM_UNBIASED_YES };
enum { SAC_ACTOR_JOINT_NO, SAC_ACTOR_JOINT_YES };
enum { SAC_PRECISION_FP32, SAC_PRECISION_BF16 };
enum { SAC_OBS_NORM_NONE, SAC_OBS_NORM_RUNNING };
enum { SAC_REWARD_NORM_NONE, SAC_REWARD_NORM_RETURN };
enum { SAC_LR_CONSTANT, SAC_LR_LINEAR, SAC_LR_COSINE };
enum { SAC_WEIGHT_DECAY_OF_MATRICES, SAC_WEIGHT_DECAY_OF_ALL };
enum { SAC_TEMPERATURE_LEARNED, SAC_TEMPERATURE_FIXED };
enum { SAC_ALPHA_LOSS_LOG_ALPHA, SAC_ALPHA_LOSS_ALPHA };
enum { SAC_ALPHA_SAMPLE_ACTOR, SAC_ALPHA_SAMPLE_FRESH };
enum { SAC_ENTROPY_NORMALIZED, SAC_ENTROPY_ENVIRONMENT };
enum { SAC_LOG_STD_CLAMP, SAC_LOG_STD_TANH, SAC_LOG_STD_SOFTPLUS };
enum {
  SAC_POLICY_TANH_NORMAL,
  SAC_POLICY_NORMAL,
  SAC_POLICY_BETA,
  SAC_POLICY_TRUNCATED_NORMAL,
  SAC_POLICY_KUMARASWAMY,
  SAC_POLICY_TANH_STUDENT_T,
  SAC_POLICY_TANH_LAPLACE,
  SAC_POLICY_TANH_NORMAL_MIXTURE,
  SAC_POLICY_BETA_MIXTURE,
  SAC_POLICY_TANH_FULL_NORMAL,
  SAC_POLICY_VON_MISES,
  SAC_POLICY_GSDE,
  SAC_POLICY_COUNT, /* of those for continuous actions */
  SAC_POLICY_CATEGORICAL = SAC_POLICY_COUNT
};
enum { SAC_NORMAL_MEAN_BOUNDED, SAC_NORMAL_MEAN_REAL };
enum { SAC_SDE_FEATURES_LEARNED, SAC_SDE_FEATURES_FIXED };
enum { SAC_INTERVAL_DENSITY_ACTION, SAC_INTERVAL_DENSITY_UNIT };
enum { SAC_DETERMINISTIC_CENTER, SAC_DETERMINISTIC_MEAN, SAC_DETERMINISTIC_MODE };
enum { SAC_TRANSPORT_EXPLICIT, SAC_TRANSPORT_OPTIMAL };
enum {
  SAC_ESTIMATOR_PATHWISE,
  SAC_ESTIMATOR_SCORE,
  SAC_ESTIMATOR_SCORE_LOO,
  SAC_ESTIMATOR_MEASURE_VALUED
};
enum { SAC_VALUE_Q, SAC_VALUE_V };
enum { SAC_CRITIC_TARGET_EMA, SAC_CRITIC_TARGET_NONE };
enum { SAC_CRITIC_SCALAR, SAC_CRITIC_CATEGORICAL, SAC_CRITIC_QUANTILE };
enum { SAC_CRITIC_HALF_MSE, SAC_CRITIC_MSE, SAC_CRITIC_HUBER };
enum { SAC_ACTOR_Q_MIN, SAC_ACTOR_Q_MEAN };

typedef struct sac_agent_options {
#define SAC_R(name, def, lo, hi, help)  double name;
#define SAC_I(name, def, lo, hi, help)  int64_t name;
#define SAC_C(name, def, choices, help) int name;
#define SAC_W(name, def, help)          sac_widths name;
  SAC_AGENT_OPTIONS(SAC_R, SAC_I, SAC_C, SAC_W)
#undef SAC_R
#undef SAC_I
#undef SAC_C
#undef SAC_W
} sac_agent_options;

/* The rows of the table above. *count: how many. Static storage. */
SAC_API const sac_option *sac_agent_option_table(size_t *count);

/* The defaults: the settings of SAC2 with 1/sqrt(in) initial weights. */
SAC_API sac_agent_options sac_agent_options_default(void);

/* Check ranges and combinations; SAC_ERR_ARG names option, value and range. */
SAC_API sac_status sac_agent_options_check(const sac_agent_options *options, sac_error *err);

typedef struct sac_agent sac_agent;

/* An agent with fresh weights from `seed`, for O = obs_dim observations and A = act_dim actions in
 * act_low ... act_high (A). threads: how many update and act use, 1 ... 256, the caller's included.
 * Errors: SAC_ERR_ARG for options, bf16 where the instruction set in use has none, sizes, or bounds
 * that are not finite, reversed or wider than 1e6; SAC_ERR_NOMEM. *out is untouched then. */
SAC_API sac_status sac_agent_create(const sac_agent_options *options, size_t obs_dim,
                                    size_t act_dim, const double act_low[], const double act_high[],
                                    uint64_t seed, size_t threads, sac_agent **out, sac_error *err);
SAC_API void sac_agent_destroy(sac_agent *agent); /* NULL ok */

/* Tell the agent of n observations of training, obs (n,O), for the option obs_norm: nothing else
 * moves its mean and deviation. Row after row: any split of a call, and any number of threads,
 * gives the same bits. Without that option nothing happens. Errors: SAC_ERR_DIVERGED names an
 * observation that is not finite; nothing has changed then. */
SAC_API sac_status sac_agent_observe(sac_agent *agent, size_t n, const float obs[], sac_error *err);

enum { SAC_AGENT_ENVS = 4096 };

/* Tell the agent of a step's reward in environment env of training, and whether the step ended its
 * episode (terminated or truncated), for the option reward_norm: nothing else moves what rewards
 * are scaled by. Without that option nothing happens. Errors: SAC_ERR_ARG for env >=
 * SAC_AGENT_ENVS; SAC_ERR_DIVERGED for a reward that is not finite; nothing has changed then. */
SAC_API sac_status sac_agent_observe_reward(sac_agent *agent, size_t env, double reward, int ended,
                                            sac_error *err);

/* Actions for n observations. obs: (n,O) in; noise: (n,A) standard normals in, or NULL for the
 * deterministic action tanh(mean); act: (n,A) out, environment units, within the bounds.
 * n <= the batch option. Errors: SAC_ERR_DIVERGED if an observation or action is not finite. */
SAC_API sac_status sac_agent_act(sac_agent *agent, size_t n, const float obs[], const float noise[],
                                 float act[], sac_error *err);

/* Rows of a noise matrix of policy=gsde: a feature of the actor each, and one that is always on. 0
 * for any other policy. */
SAC_API size_t sac_agent_noise_rows(const sac_agent *agent);

/* Actions of policy=gsde for n observations with state-dependent noise [GSDE]: u = mean(s) + h(s)^T
 * (S z), a = tanh u. noise: (n, sac_agent_noise_rows, A) standard normals z in, a matrix for each
 * row. The caller who keeps a matrix for several steps has noise that is a function of the state;
 * over matrices the action has the distribution that sac_agent_act gives with (n,A) normals. The
 * rest as sac_agent_act. Errors: SAC_ERR_ARG for another policy. */
SAC_API sac_status sac_agent_act_held(sac_agent *agent, size_t n, const float obs[],
                                      const float noise[], float act[], sac_error *err);

/* The value that the actor climbs, of n actions: q (n) out = Q(s,a), the smallest of all critics or
 * their mean, as the option actor_q says; dq_da (n,A) out or NULL: its gradient in the action, that
 * of the smallest critic in each row. obs (n,O) and act (n,A) in, actions in the environment's
 * units and in no need to be within the bounds; n <= the batch option. Learned numbers stay
 * untouched. Errors: SAC_ERR_ARG for n; SAC_ERR_DIVERGED names critic and row where a value is not
 * finite; the outputs are untouched then. A discrete action has no gradient: dq_da must be NULL,
 * and act (n) numbers of actions. */
SAC_API sac_status sac_agent_value(sac_agent *agent, size_t n, const float obs[], const float act[],
                                   float q[], float dq_da[], sac_error *err);

/* From the next update on, round(data_share * batch) rows of each batch are drawn uniformly from
 * `data`, which must outlive the agent or the call that takes it away (data NULL). It is no part of
 * the agent's file. Errors: SAC_ERR_ARG for other sizes, or an action outside the bounds, by row.
 */
SAC_API sac_status sac_agent_use_data(sac_agent *agent, const sac_dataset *data, sac_error *err);

/* What one update saw; means over the batch. NaN where this update had no such step. */
typedef struct sac_update_metrics {
  double critic_loss; /* sum of all critics' losses (and V's), as critic_loss or critic_head say */
  double actor_loss;  /* mean of alpha log pi - Q */
  double alpha_loss;  /* the chosen form */
  double alpha;       /* the temperature after the update */
  double entropy;     /* -mean log pi at s */
  double q_mean;      /* mean over all critics of Q(s,a) */
  double target_mean; /* mean of y */
  double critic_grad_norm; /* 2-norm over all critics' parameters (and V's) */
  double actor_grad_norm;
} sac_update_metrics;

/* One update from `replay` (not empty): critics, then the actor and the temperature where due, then
 * the targets. Update number t draws from streams (seed, purpose, t) only. metrics may be NULL.
 * Errors: SAC_ERR_DIVERGED names the term and the batch row; SAC_ERR_ARG for a replay of other
 * sizes or an empty one. */
SAC_API sac_status sac_agent_update(sac_agent *agent, const sac_replay *replay,
                                    sac_update_metrics *metrics, sac_error *err);

/* Updates done so far. */
SAC_API uint64_t sac_agent_updates(const sac_agent *agent);

/* Write or read everything that the agent's next update depends on (not the replay), as one
 * safetensors file, written beside and renamed into place. A load refuses other sizes or options.
 */
SAC_API sac_status sac_agent_save(const sac_agent *agent, const char *path, sac_error *err);
SAC_API sac_status sac_agent_load(sac_agent *agent, const char *path, sac_error *err);

/* --- a trained policy alone, for use without training ---------------------------------------- */

typedef struct sac_policy sac_policy;

/* The policy in a file that sac_agent_save or a run's checkpoint wrote
 * ("DIR/checkpoint/state.safetensors"). Errors: SAC_ERR_IO or SAC_ERR_FORMAT, naming file and
 * cause. */
SAC_API sac_status sac_policy_load(const char *path, sac_policy **out, sac_error *err);
SAC_API void sac_policy_destroy(sac_policy *policy); /* NULL ok */

/* O and A of the policy. */
SAC_API size_t sac_policy_obs_dim(const sac_policy *policy);
SAC_API size_t sac_policy_act_dim(const sac_policy *policy);

/* The entropy of the policy at obs (O), in nats as log pi measures it. Errors: SAC_ERR_DIVERGED if
 * an observation is not finite; SAC_ERR_ARG where there is no formula: mixtures in 5 dimensions or
 * more, discrete actions. *entropy is untouched then. */
SAC_API sac_status sac_policy_entropy(sac_policy *policy, const float obs[], double *entropy,
                                      sac_error *err);

/* One action: obs (O) in, noise (A) standard normals or NULL for deterministic, act (A) out in the
 * environment's units. Allocates nothing. SAC_ERR_DIVERGED if an observation is not finite. */
SAC_API sac_status sac_policy_act(sac_policy *policy, const float obs[], const float noise[],
                                  float act[], sac_error *err);

#ifdef __cplusplus
}
#endif
#endif
