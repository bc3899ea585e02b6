/* Where the model files are. They belong to Gymnasium and are never copied into the repository. */
#define _GNU_SOURCE /* dladdr */
#include "task.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char built_with[] = SAC_MUJOCO_ASSETS_DIR; /* set by the build, "" if unknown */

/* folder/file is there and readable. */
static int is_there(const char *folder, const char *file, char path[], size_t size) {
  const int n = snprintf(path, size, "%s/%s", folder, file);
  return n > 0 && (size_t)n < size && access(path, R_OK) == 0;
}

/* The folder that an installation puts beside the plug-in's own. */
static int beside_plugin(char folder[], size_t size) {
  Dl_info info;
  if (!dladdr(&built_with, &info) || !info.dli_fname) return 0;
  const char *slash = strrchr(info.dli_fname, '/');
  if (!slash) return 0;
  const int n = snprintf(folder, size, "%.*s/../mujoco/assets", (int)(slash - info.dli_fname),
                         info.dli_fname);
  return n > 0 && (size_t)n < size;
}

sac_status model_path(const struct task *task, char path[], size_t size, sac_error *err) {
  char beside[4096];
  const char *named = getenv("SAC_MUJOCO_ASSETS");
  if (named && is_there(named, task->model, path, size)) return SAC_OK;
  if (!named && beside_plugin(beside, sizeof beside) && is_there(beside, task->model, path, size))
    return SAC_OK;
  if (!named && built_with[0] && is_there(built_with, task->model, path, size)) return SAC_OK;
  return sac_fail(err, SAC_ERR_ENV,
                  "%s: no model %s in %s: run script/setup, or set SAC_MUJOCO_ASSETS to the folder "
                  "gymnasium/envs/mujoco/assets of the wheel gymnasium==1.4.0",
                  task->id, task->model,
                  named           ? named
                  : built_with[0] ? built_with
                                  : "any known folder");
}
