#include "env/table.h"

/* the bytes of a table of ABI 1; later members are optional */
static const size_t smallest = offsetof(sac_env_api, load) + sizeof(((sac_env_api *)0)->load);

size_t sac_env_actions(const sac_env_api *task, const sac_env *env) {
  const size_t needed = offsetof(sac_env_api, actions) + sizeof task->actions;
  return task->struct_size >= needed && task->actions ? task->actions(env) : 0;
}

sac_status sac_task_table_check(const char *where, const sac_env_api *task, sac_error *err) {
  if (!task) return sac_fail(err, SAC_ERR_ENV, "%s: a task in its list is NULL", where);
  if (task->abi != SAC_ENV_ABI || task->struct_size < smallest)
    return sac_fail(err, SAC_ERR_ENV,
                    "%s: a task has ABI %u and a table of %u bytes; this library needs ABI %u and "
                    "%zu bytes: build the plug-in with this library's sac/env.h",
                    where, task->abi, task->struct_size, SAC_ENV_ABI, smallest);
  if (!task->id || !task->id[0] || !task->summary)
    return sac_fail(err, SAC_ERR_ENV, "%s: a task has no id or no summary", where);
  const int has_all = task->create && task->destroy && task->space && task->reset && task->step;
  if (!has_all)
    return sac_fail(err, SAC_ERR_ENV,
                    "%s: task %s lacks one of create, destroy, space, reset, step", where,
                    task->id);
  const int has_snapshot = task->state_size && task->save && task->load;
  if ((task->flags & SAC_ENV_SNAPSHOT) && !has_snapshot)
    return sac_fail(err, SAC_ERR_ENV,
                    "%s: task %s promises SAC_ENV_SNAPSHOT but lacks one of state_size, save, load",
                    where, task->id);
  return SAC_OK;
}
