/* The plug-in's list of tasks and its one exported symbol. */
#include "task.h"

static const sac_env_api *const tasks[] = {
    &inverted_pendulum_api,
    &inverted_double_pendulum_api,
    &half_cheetah_api,
    &hopper_api,
    &walker2d_api,
    &ant_api,
    &humanoid_api,
    &humanoid_standup_api,
    &swimmer_api,
    &reacher_api,
    &pusher_api,
};

static const sac_env_plugin_info info = {
    .abi = SAC_ENV_ABI,
    .name = "mujoco",
    .version = "MuJoCo " SAC_MUJOCO_VERSION ", tasks of gymnasium 1.4.0",
    .count = sizeof tasks / sizeof tasks[0],
    .tasks = tasks,
};

SAC_API sac_env_plugin_fn sac_env_plugin;

const sac_env_plugin_info *sac_env_plugin(uint32_t host_abi) {
  return host_abi == SAC_ENV_ABI ? &info : NULL;
}
