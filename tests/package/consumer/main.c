#include <math.h>
#include <sac/sac.h>
#include <stdio.h>

/* One action of a fresh agent on the built-in Pendulum: touches the registry, the agent, kernels.
 */
int main(void) {
  sac_error err = {0};
  sac_registry *registry = NULL;
  sac_env *env = NULL;
  sac_agent *agent = NULL;
  if (sac_registry_create(&registry, &err)) goto failed;
  const sac_env_api *task = sac_registry_find(registry, "Pendulum-v1", &err);
  if (!task || task->create(&env, &err)) goto failed;
  sac_space space;
  task->space(env, &space);
  double obs[3];
  if (space.obs_dim != 3 || task->reset(env, 1, obs, &err)) goto failed;

  const sac_agent_options options = sac_agent_options_default();
  if (sac_agent_create(&options, 3, 1, space.act_low, space.act_high, 1, 1, &agent, &err))
    goto failed;
  const float seen[3] = {(float)obs[0], (float)obs[1], (float)obs[2]};
  float act[1];
  if (sac_agent_act(agent, 1, seen, NULL, act, &err)) goto failed;
  printf("libsac %s on %s acts %g\n", sac_version(), sac_isa(), (double)act[0]);
  sac_agent_destroy(agent);
  task->destroy(env);
  sac_registry_destroy(registry);
  return isfinite(act[0]) && fabsf(act[0]) <= 2.0f ? 0 : 1;

failed:
  fprintf(stderr, "%s\n", err.msg);
  return 1;
}
