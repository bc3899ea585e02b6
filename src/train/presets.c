#include "sac/train.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/try.h"

#define CROSSQ                                                                                \
  "lr=1e-3 actor_beta1=0.5 critic_beta1=0.5 batch=256 hidden=256,256 gamma=0.99 "             \
  "critic_norm=renorm actor_norm=renorm norm_place=inputs critic_target=none policy_delay=3 " \
  "alpha_loss=alpha warmup=5000 utd=1"

/* In each, what is not said is the default of its option: 256,256 ReLU, gamma .99, tau .005, replay
 * 1e6, learned temperature from 1 with target -A, half mean square, the smaller critic. */
static const sac_preset presets[] = {
    {"sac", "lr=3e-4 batch=256 hidden=256,256 gamma=0.99 tau=0.005 warmup=10000 utd=1 init=glorot",
     "Haarnoja et al. 2018b and the authors' code (rail-berkeley/softlearning); the smaller critic "
     "as in the paper"},
    {"sac-fast", "lr=1e-3 batch=256 hidden=256,256 gamma=0.99 tau=0.005 warmup=5000 utd=1",
     "the settings of the reference curves in SimbaV2's results (baseline/sac.csv)"},
    {"spinup",
     "lr=1e-3 batch=100 hidden=256,256 temperature=fixed alpha=0.2 critic_loss=mse init=torch "
     "warmup=10000 update_after=1000 update_every=50 utd=1",
     "OpenAI Spinning Up, spinup/algos/pytorch/sac/sac.py"},
    {"cleanrl",
     "lr_actor=3e-4 lr_critic=1e-3 lr_alpha=1e-3 batch=256 hidden=256,256 critic_loss=mse "
     "log_std_map=tanh log_std_min=-5 log_std_max=2 alpha_loss=alpha alpha_sample=fresh "
     "entropy_space=environment policy_delay=2 policy_updates=2 init=torch warmup=5000 utd=1",
     "CleanRL, cleanrl/sac_continuous_action.py"},
    {"sac-beta",
     "lr=1e-3 batch=256 hidden=256,256 temperature=fixed alpha=0.2 critic_loss=mse init=torch "
     "warmup=10000 utd=1 policy=beta concentration_offset=1 concentration_log_min=-20 "
     "concentration_log_max=2 interval_density=unit deterministic=mean "
     "normal_mean=real",
     "Della Libera 2024 (arXiv 2409.04971), lucadellalib/sac-beta, scripts/sac_beta_omt.py"},
    {"sac-beta-wide",
     "lr=1e-3 batch=256 hidden=256,256 critic_loss=mse init=torch warmup=10000 utd=1 policy=beta "
     "deterministic=mode",
     "sac-beta with concentrations to e^6 + 1, the mode in evaluations, a learned temperature"},
    {"crossq", CROSSQ,
     "Bhatt et al. 2024 (arXiv 1902.05605), adityab/CrossQ, train.py; critics 256 wide, not 2,048"},
    {"crossq-wide", CROSSQ " critic_hidden=2048,2048",
     "Bhatt et al. 2024 (arXiv 1902.05605), adityab/CrossQ, train.py"},
    {"fast",
     CROSSQ " lr=2e-3 hidden=256,256,256 policy_delay=2 alpha_loss=log_alpha alpha=0.01 "
            "critic_head=categorical critic_atoms=101 value_min=-5 value_max=5 reward_norm=return",
     "ours: crossq with what a search on four tasks found, docs/results/frontier.md"},
    {"sb3", "lr=3e-4 batch=256 hidden=256,256 init=torch warmup=100 utd=1",
     "Stable-Baselines3, stable_baselines3/sac/sac.py"},
    {"sb3-sde",
     "lr=3e-4 batch=512 hidden=64,64 gamma=0.9999 tau=0.01 init=torch temperature=fixed alpha=0.1 "
     "policy=gsde sde_sample_freq=32 sde_log_std_init=-3.67 update_every=32 utd=1 warmup=0 "
     "replay_capacity=50000",
     "Stable-Baselines3's zoo, hyperparams/sac.yml, MountainCarContinuous-v0: use_sde"},
    {"redq",
     "lr=3e-4 batch=256 hidden=256,256 critics=10 critic_subset=2 actor_q=mean critic_loss=mse "
     "init=glorot utd=20 policy_delay=20 target_entropy_scale=-0.5 warmup=5000",
     "Chen et al. 2021 (arXiv 2101.05982), watchernyu/REDQ, redq/algos/redq_sac.py"},
    {"droq",
     "lr=3e-4 batch=256 hidden=256,256 critic_dropout=0.01 critic_norm=layer norm_eps=1e-5 "
     "actor_q=mean critic_loss=mse init=glorot utd=20 policy_delay=20 target_entropy_scale=-0.5 "
     "warmup=5000",
     "Hiraoka et al. 2022 (arXiv 2110.02034), TakuyaHiraoka/Dropout-Q-Functions-for-Doubly-"
     "Efficient-Reinforcement-Learning, OriginalREDQCodebase"},
    {"tqc",
     "lr=3e-4 batch=256 actor_hidden=256,256 critic_hidden=512,512,512 critics=5 "
     "critic_head=quantile critic_quantiles=25 quantile_drop=2 actor_q=mean init=torch warmup=0 "
     "update_after=256 utd=1",
     "Kuznetsov et al. 2020 (arXiv 2005.04269), SamsungLabs/tqc_pytorch, main.py and tqc/"},
    {"xqc",
     "lr=3e-4 lr_schedule=linear lr_horizon=2000000 lr_end=0.1 batch=256 gamma=0.995 tau=0.005 "
     "actor_hidden=256,256,256,256 critic_hidden=512,512,512,512 critic_norm=batch "
     "actor_norm=batch norm_place=hidden norm_input=yes norm_momentum=0.99 norm_eps=1e-3 "
     "weight_projection=unit init=orthogonal critic_head=categorical critic_atoms=101 "
     "value_min=-5 value_max=5 reward_norm=return reward_norm_max=1e6 policy_delay=3 alpha=0.01 "
     "alpha_loss=alpha target_entropy_scale=-0.5 log_std_min=-10 warmup=5000 utd=2",
     "Palenicek et al. 2025 (arXiv 2509.25174), danielpalenicek/xqc, conf/ and xqc/agents/xqc/"},
    {"simba",
     "lr=1e-4 batch=256 gamma=0.995 tau=0.005 body=simba actor_hidden=128 critic_hidden=512,512 "
     "norm_eps=1e-6 init=body weight_decay=0.01 weight_decay_of=all critic_loss=mse "
     "obs_norm=running obs_clip=1e6 log_std_map=tanh log_std_min=-10 alpha=0.01 alpha_loss=alpha "
     "target_entropy_scale=-0.5 warmup=5000 utd=2",
     "Lee et al. 2024 (arXiv 2410.09754), SonyResearch/simba, configs/ and scale_rl/"},
    {"simbav2",
     "lr=1e-4 lr_schedule=linear lr_horizon=1000000 lr_end=0.5 batch=256 gamma=0.995 tau=0.005 "
     "body=simbav2 actor_hidden=128 critic_hidden=512,512 weight_projection=unit init=body "
     "critic_head=categorical critic_atoms=101 value_min=-5 value_max=5 reward_norm=return "
     "reward_norm_max=5 obs_norm=running obs_clip=1e6 log_std_map=tanh log_std_min=-10 "
     "alpha=0.01 alpha_loss=alpha target_entropy_scale=-0.5 warmup=5000 utd=1",
     "Lee et al. 2025 (arXiv 2502.15280), dojeon-ai/SimbaV2, configs/ and scale_rl/"},
    {"flashsac",
     "lr=3e-4 lr_schedule=cosine lr_horizon=1000000 lr_end=0.5 batch=512 gamma=0.99 tau=0.01 "
     "body=flash actor_hidden=128,128 critic_hidden=256,256 norm_momentum=0.99 norm_eps=1e-5 "
     "norm_unbiased=yes actor_joint=yes weight_projection=unit_norms init=body "
     "critic_head=categorical critic_atoms=101 value_min=-5 value_max=5 reward_norm=return "
     "reward_norm_max=5 policy_delay=2 log_std_map=tanh log_std_min=-10 alpha=0.01 "
     "alpha_loss=alpha target_entropy_std=0.15 noise=zeta noise_hold=16 warmup=10000 utd=1",
     "FlashSAC (arXiv 2604.04539), Holiday-Robot/FlashSAC, configs/ and scripts/run_mujoco.sh"},
};

#define SAC_FAST        "lr=1e-3 warmup=5000"
#define SAC_FAST_SOURCE "preset sac-fast"
#define SMALL                                                                             \
  "steps=10000 warmup=1000 lr=1e-3 tau=0.01 gamma=0.9 hidden=64,64 batch=100 init=torch " \
  "eval_every=2000 replay_capacity=100000"

static const sac_preset tasks[] = {
    {"Pendulum-v1",
     "steps=10000 warmup=500 lr=1e-3 tau=0.01 hidden=64,64 batch=100 init=torch eval_every=2000 "
     "replay_capacity=100000",
     "network and batch of RLtools' Pendulum; the rest tried on seeds from 100 up"},
    {"MountainCarContinuous-v0",
     "steps=50000 warmup=5000 noise=held noise_hold=30 lr=1e-3 hidden=64,64 "
     "replay_capacity=100000",
     "tried on seeds from 100 up; 30 steps are about half a swing of the car"},
    {"Heading-v0", SMALL, "written for policy=von_mises; docs/policies.md"},
    {"TwoHills-v0", SMALL, "written for the mixtures; docs/policies.md"},
    {"CartPole-v1",
     "policy=categorical target_entropy_discrete=0.7 obs_norm=running n_step=3 gamma=0.98 "
     "steps=15000 warmup=1000 lr=1e-3 tau=0.01 hidden=64,64 batch=128 eval_every=2000 "
     "replay_capacity=100000",
     "tried on seeds from 100 up"},
    {"HalfCheetah-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Hopper-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Walker2d-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Ant-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Humanoid-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"HumanoidStandup-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Swimmer-v5", SAC_FAST " steps=300000 gamma=0.999 noise=held noise_hold=16",
     "preset sac-fast; the rest tried on seeds from 100 up, docs/presets.md"},
    {"Reacher-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"Pusher-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"InvertedPendulum-v5", SAC_FAST, SAC_FAST_SOURCE},
    {"InvertedDoublePendulum-v5", SAC_FAST, SAC_FAST_SOURCE},
};

enum {
  PRESETS = sizeof presets / sizeof *presets,
  TASKS = sizeof tasks / sizeof *tasks,
  WORD_MAX = 100
};

const sac_preset *sac_presets(size_t *count) {
  *count = PRESETS;
  return presets;
}

const sac_preset *sac_task_presets(size_t *count) {
  *count = TASKS;
  return tasks;
}

/* Apply "name=value name=value ..." in order. */
static sac_status apply(const char *settings, sac_run_options *options, sac_error *err) {
  for (const char *at = settings; *at;) {
    char word[WORD_MAX];
    const size_t size = strcspn(at, " ");
    snprintf(word, sizeof word, "%.*s", (int)size, at);
    at += size + strspn(at + size, " ");
    char *value = strchr(word, '=');
    if (!value) return sac_fail(err, SAC_ERR_ARG, "'%s' is not of the form NAME=VALUE", word);
    *value++ = '\0';
    SAC_TRY(sac_run_options_set(options, word, value, err));
  }
  return SAC_OK;
}

static const sac_preset *find(const sac_preset list[], size_t count, const char *name) {
  for (size_t i = 0; i < count; i++)
    if (!strcmp(list[i].name, name)) return &list[i];
  return NULL;
}

static sac_status unknown_preset(const char *name, sac_error *err) {
  const char *names[PRESETS];
  for (size_t i = 0; i < PRESETS; i++) names[i] = presets[i].name;
  return sac_fail_unknown("preset", name, names, PRESETS, "`sac presets` lists them", err);
}

/* The defaults, but a run's own length and bookkeeping kept. */
static sac_run_options fresh(const sac_run_options *options) {
  const sac_train_options *old = &options->train;
  sac_run_options o = sac_run_options_default();
  o.train.steps = old->steps;
  o.train.seed = old->seed;
  o.train.envs = old->envs;
  o.train.eval_every = old->eval_every;
  o.train.eval_episodes = old->eval_episodes;
  o.train.checkpoint_every = old->checkpoint_every;
  o.train.log_every = old->log_every;
  return o;
}

sac_status sac_preset_apply(const char *name, sac_run_options *options, sac_error *err) {
  const sac_preset *preset = find(presets, PRESETS, name);
  if (!preset) return unknown_preset(name, err);
  sac_run_options o = fresh(options);
  SAC_TRY(apply(preset->settings, &o, err));
  snprintf(o.origin, sizeof o.origin, "preset %s", preset->name);
  *options = o;
  return SAC_OK;
}

sac_status sac_task_preset_apply(const char *id, sac_run_options *options, sac_error *err) {
  const sac_preset *row = find(tasks, TASKS, id);
  if (!row) return SAC_OK;
  sac_run_options o = *options;
  SAC_TRY(apply(row->settings, &o, err));
  snprintf(o.origin, sizeof o.origin, "task defaults");
  *options = o;
  return SAC_OK;
}
