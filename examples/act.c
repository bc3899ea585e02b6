/* Loads a trained policy and acts with it: all that a program on a robot needs.
 *
 *   act RUN/checkpoint/state.safetensors [EPISODES]
 *
 * The policy must be one for Pendulum-v1, for instance that of script/quickstart. Prints the mean
 * return and the time that one action takes. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sac/sac.h>

enum { OBS = 3, ACT = 1 }; /* of Pendulum-v1 */

static double seconds(void) {
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* One episode from `seed`: adds to the return, the time spent on actions, and their number. */
static sac_status run_episode(const sac_env_api *task, sac_env *env, sac_policy *policy,
                              uint64_t seed, double *total, double *spent, size_t *actions,
                              sac_error *err) {
  double obs[OBS], reward;
  uint8_t terminated = 0, truncated = 0;
  sac_status status = task->reset(env, seed, obs, err);
  while (status == SAC_OK && !terminated && !truncated) {
    const float seen[OBS] = {(float)obs[0], (float)obs[1], (float)obs[2]};
    float act[ACT];
    const double began = seconds();
    status = sac_policy_act(policy, seen, NULL, act, err);
    *spent += seconds() - began;
    *actions += 1;
    if (status == SAC_OK) status = task->step(env, act, obs, &reward, &terminated, &truncated, err);
    if (status == SAC_OK) *total += reward;
  }
  return status;
}

static sac_status act_for(sac_registry *registry, sac_policy *policy, unsigned long episodes,
                          sac_error *err) {
  if (sac_policy_obs_dim(policy) != OBS || sac_policy_act_dim(policy) != ACT)
    return sac_fail(err, SAC_ERR_ARG,
                    "this policy sees %zu numbers and sets %zu; Pendulum-v1 has 3, 1",
                    sac_policy_obs_dim(policy), sac_policy_act_dim(policy));
  const sac_env_api *task = sac_registry_find(registry, "Pendulum-v1", err);
  sac_env *env = NULL;
  sac_status status = task ? task->create(&env, err) : SAC_ERR_ENV;
  double total = 0.0, spent = 0.0;
  size_t actions = 0;
  for (unsigned long i = 0; status == SAC_OK && i < episodes; i++)
    status = run_episode(task, env, policy, 1000 + i, &total, &spent, &actions, err);
  if (status == SAC_OK)
    printf("mean return %.1f over %lu episodes, %.2f microseconds per action\n",
           total / (double)episodes, episodes, 1e6 * spent / (double)actions);
  if (task) task->destroy(env);
  return status;
}

int main(int argc, char **argv) {
  const unsigned long episodes = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
  if (argc < 2 || argc > 3 || episodes == 0) {
    fprintf(stderr, "usage: act RUN/checkpoint/state.safetensors [EPISODES]\n");
    return 2;
  }
  sac_error err = {0};
  sac_policy *policy = NULL;
  sac_registry *registry = NULL;
  sac_status status = sac_policy_load(argv[1], &policy, &err);
  if (status == SAC_OK) status = sac_registry_create(&registry, &err);
  if (status == SAC_OK) status = act_for(registry, policy, episodes, &err);
  if (status) fprintf(stderr, "act: %s\n", err.msg);
  sac_registry_destroy(registry);
  sac_policy_destroy(policy);
  return status ? EXIT_FAILURE : EXIT_SUCCESS;
}
