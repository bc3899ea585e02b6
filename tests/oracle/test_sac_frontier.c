/* Updates with the parts of the papers after SAC against the oracle: see sac_oracle.h.
 *
 * Each case is one part, or some of them together in a way that a preset has. Statistics of a small
 * batch are far from the running ones, so that a pass in the wrong mode is seen at once; gains,
 * shifts and running statistics are set to random numbers, so that their places are seen too. */
#define _POSIX_C_SOURCE 200809L
#include "sac_oracle.h"

#define MIDDLE "batch=32 actor_hidden=48,40 critic_hidden=40,48 "
#define CROSSQ                                                                                  \
  "critic_target=none critic_norm=renorm actor_norm=renorm norm_place=inputs critic_beta1=0.5 " \
  "actor_beta1=0.5 adam_eps=1e-4 lr_critic=1e-3 lr_actor=1e-3 policy_delay=2 norm_momentum=0.9 "

static const struct test_case cases[] = {
    /* batch statistics */
    {.name = "batch", .obs = 6, .act = 2, .set = MIDDLE "critic_norm=batch actor_norm=batch"},
    {.name = "batch, inputs",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "critic_norm=batch actor_norm=batch norm_place=inputs",
     .threads = 3},
    {.name = "batch, input too",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "critic_norm=batch actor_norm=batch norm_input=yes norm_momentum=0.7"},
    {.name = "batch in the critics only",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "critic_norm=batch critic_target=none critic_loss=mse actor_q=mean"},
    {.name = "batch in the actor only",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "actor_norm=batch alpha_sample=fresh policy_updates=2 policy_delay=2"},
    {.name = "crossq", .obs = 17, .act = 6, .set = CROSSQ "batch=64 renorm_warmup=100"},
    {.name = "crossq after its warm-up",
     .obs = 17,
     .act = 6,
     .set = CROSSQ "batch=64 renorm_warmup=0",
     .threads = 2},
    {.name = "crossq, warm-up in between",
     .obs = 6,
     .act = 2,
     .set = CROSSQ MIDDLE "renorm_warmup=2 renorm_r_max=1.1 renorm_d_max=0.2"},
    {.name = "crossq, odd, generic",
     .obs = 3,
     .act = 1,
     .set = CROSSQ "batch=7 actor_hidden=30,17,5 critic_hidden=30,17,5 renorm_warmup=1",
     .isa = "generic"},
    {.name = "crossq, odd, avx2",
     .obs = 3,
     .act = 1,
     .set = CROSSQ "batch=7 actor_hidden=30,17,5 critic_hidden=30,17,5 renorm_warmup=1",
     .isa = "avx2"},
    {.name = "crossq, two rows, wide input",
     .obs = 376,
     .act = 17,
     .set = CROSSQ "batch=2 actor_hidden=9 critic_hidden=8",
     .threads = 2},
    {.name = "renorm with targets",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "critic_norm=renorm actor_norm=renorm norm_place=hidden renorm_warmup=1 tau=0.3 "
                   "renorm_r_max=1.2 renorm_d_max=0.3 target_interval=2",
     .target_offset = 0.05f},
    {.name = "crossq, three critics, a subset of two",
     .obs = 6,
     .act = 2,
     .set = CROSSQ MIDDLE "critics=3 critic_subset=2"},
    {.name = "crossq, weight decay", .obs = 6, .act = 2, .set = CROSSQ MIDDLE "weight_decay=20"},
    /* rewards by their returns: by the deviation, by the largest */
    {.name = "reward_norm",
     .obs = 6,
     .act = 2,
     .set = MIDDLE "reward_norm=return reward_norm_max=100 gamma=0.9 n_step=2",
     .reward = 3.0f},
    {.name = "reward_norm, largest",
     .obs = 6,
     .act = 2,
     .set = CROSSQ MIDDLE "reward_norm=return reward_norm_max=2",
     .reward = 30.0f},
    {.name = "crossq, obs_norm, n_step",
     .obs = 6,
     .act = 2,
     .set = CROSSQ MIDDLE "obs_norm=running n_step=3 critic_loss=huber",
     .reward = 3.0f},
};

int main(int argc, char **argv) {
  return run_cases(sizeof cases / sizeof *cases, cases, NULL, argc, argv);
}
