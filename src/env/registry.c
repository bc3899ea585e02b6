/* The list of tasks: built in, from the plug-in folder, and from files that the user names. */
#define _GNU_SOURCE /* scandir's alphasort */
#include "sac/env.h"

#include "env/builtin.h"
#include "env/folder.h"
#include "env/table.h"

#include "base/nearest.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct entry {
  const sac_env_api *task;
  const char *plugin;
  const char *path; /* as the user named it, or NULL */
};

/* A shared library that is loaded. */
struct file {
  void *handle; /* of dlopen */
  char *path;   /* as the user named it, or NULL */
};

struct sac_registry {
  struct entry *entries;
  size_t count;
  struct file *files;
  size_t file_count;
  char note[2000];
};

static const sac_env_api *const builtin[] = {&sac_pendulum, &sac_mountain_car, &sac_cart_pole,
                                             &sac_heading, &sac_two_hills};

/* The tasks of the MuJoCo plug-in, to say how to get it where it is not there. */
static const char *const mujoco_tasks[] = {
    "InvertedPendulum-v5",
    "InvertedDoublePendulum-v5",
    "HalfCheetah-v5",
    "Hopper-v5",
    "Walker2d-v5",
    "Swimmer-v5",
    "Ant-v5",
    "Humanoid-v5",
    "HumanoidStandup-v5",
    "Reacher-v5",
    "Pusher-v5",
};
enum {
  BUILTIN_COUNT = sizeof builtin / sizeof builtin[0],
  MUJOCO_COUNT = sizeof mujoco_tasks / sizeof mujoco_tasks[0]
};

static sac_status no_memory(sac_error *err) {
  return sac_fail(err, SAC_ERR_NOMEM, "no memory for the list of environments");
}

/* Index of the task `id`, or count. */
static size_t index_of(const sac_registry *r, const char *id) {
  size_t i = 0;
  while (i < r->count && strcmp(r->entries[i].task->id, id) != 0) i++;
  return i;
}

/* Make room for `more` entries and one file, so that adding them cannot fail half way. */
static sac_status reserve(sac_registry *r, size_t more, sac_error *err) {
  struct entry *entries = realloc(r->entries, (r->count + more) * sizeof *entries);
  if (!entries) return no_memory(err);
  r->entries = entries;
  struct file *files = realloc(r->files, (r->file_count + 1) * sizeof *files);
  if (!files) return no_memory(err);
  r->files = files;
  return SAC_OK;
}

static void add(sac_registry *r, const sac_env_api *task, const char *plugin, const char *path) {
  const size_t i = index_of(r, task->id);
  r->entries[i] = (struct entry){task, plugin, path};
  if (i == r->count) r->count++;
}

static sac_status check_plugin(const char *path, const sac_env_plugin_info *info, sac_error *err) {
  if (!info)
    return sac_fail(err, SAC_ERR_ENV, "%s: the plug-in does not serve ABI %u, this library's", path,
                    SAC_ENV_ABI);
  if (info->abi != SAC_ENV_ABI)
    return sac_fail(err, SAC_ERR_ENV,
                    "%s: the plug-in has ABI %u, this library %u: build it with this library's "
                    "sac/env.h",
                    path, info->abi, SAC_ENV_ABI);
  if (!info->name || !info->version || !info->count || !info->tasks)
    return sac_fail(err, SAC_ERR_ENV, "%s: the plug-in has no name, no version or no tasks", path);
  for (size_t i = 0; i < info->count; i++) {
    const sac_status status = sac_task_table_check(path, info->tasks[i], err);
    if (status != SAC_OK) return status;
  }
  return SAC_OK;
}

/* Ask the open library for its tasks and add them all, or none. */
static sac_status adopt(sac_registry *r, void *handle, const char *path, int named,
                        sac_error *err) {
  /* POSIX lets a function's address travel as a void *, ISO C does not: hence the union */
  union {
    void *object;
    sac_env_plugin_fn *function;
  } entry = {.object = dlsym(handle, SAC_ENV_PLUGIN_SYMBOL)};
  if (!entry.object)
    return sac_fail(err, SAC_ERR_ENV, "%s: a shared library, but no plug-in: it has no symbol %s",
                    path, SAC_ENV_PLUGIN_SYMBOL);
  const sac_env_plugin_info *info = entry.function(SAC_ENV_ABI);
  sac_status status = check_plugin(path, info, err);
  if (status == SAC_OK) status = reserve(r, info->count, err);
  if (status != SAC_OK) return status;
  char *name = named ? strdup(path) : NULL;
  if (named && !name) return no_memory(err);
  for (size_t i = 0; i < info->count; i++) add(r, info->tasks[i], info->name, name);
  r->files[r->file_count++] = (struct file){handle, name};
  return SAC_OK;
}

/* named: by the user, who may want to know which file a task is from. */
static sac_status load(sac_registry *r, const char *path, int named, sac_error *err) {
  char full[PATH_MAX]; /* a bare name would be searched for in the system's folders */
  struct stat info;
  if (stat(path, &info) != 0 || !realpath(path, full))
    return sac_fail(err, SAC_ERR_ENV, "plug-in %s: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode)) return sac_fail(err, SAC_ERR_ENV, "plug-in %s: not a file", path);
  sac_plugin_share_symbols();
  void *handle = dlopen(full, RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *cause = dlerror();
    return sac_fail(err, SAC_ERR_ENV, "plug-in %s cannot be loaded: %s", path,
                    cause ? cause : "no cause given");
  }
  const sac_status status = adopt(r, handle, path, named, err);
  if (status != SAC_OK) dlclose(handle);
  return status;
}

sac_status sac_registry_load(sac_registry *r, const char *path, sac_error *err) {
  return load(r, path, 1, err);
}

/* One more line of the note; the last one may be cut. */
static void add_note(sac_registry *r, const char *text) {
  const size_t used = strlen(r->note);
  snprintf(r->note + used, sizeof r->note - used, "%s%s", used ? "\n" : "", text);
}

/* lib*.so */
static int is_plugin(const struct dirent *file) {
  const char *name = file->d_name;
  const size_t n = strlen(name);
  return n > 6 && strncmp(name, "lib", 3) == 0 && strcmp(name + n - 3, ".so") == 0;
}

/* Load what the plug-in folder holds, in the order of names; a failure is a line of the note. */
static void load_folder(sac_registry *r) {
  char folder[PATH_MAX], path[2 * PATH_MAX];
  struct dirent **files = NULL;
  sac_plugin_folder(folder, sizeof folder);
  if (!folder[0]) return;
  const int n = scandir(folder, &files, is_plugin, alphasort);
  if (n < 0) {
    snprintf(path, sizeof path, "plug-in folder %s: %s", folder, strerror(errno));
    add_note(r, path);
  }
  for (int i = 0; i < n; i++) {
    sac_error err;
    snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
    if (load(r, path, 0, &err) != SAC_OK) add_note(r, err.msg);
    free(files[i]);
  }
  free(files);
}

sac_status sac_registry_create(sac_registry **out, sac_error *err) {
  sac_registry *r = calloc(1, sizeof *r);
  if (!r) return no_memory(err);
  const sac_status status = reserve(r, BUILTIN_COUNT, err);
  if (status != SAC_OK) {
    sac_registry_destroy(r);
    return status;
  }
  for (size_t i = 0; i < BUILTIN_COUNT; i++) add(r, builtin[i], "built-in", NULL);
  load_folder(r);
  *out = r;
  return SAC_OK;
}

void sac_registry_destroy(sac_registry *r) {
  if (!r) return;
  while (r->file_count) {
    dlclose(r->files[--r->file_count].handle);
    free(r->files[r->file_count].path);
  }
  free(r->files);
  free(r->entries);
  free(r);
}

size_t sac_registry_count(const sac_registry *r) {
  return r->count;
}

const char *sac_registry_note(const sac_registry *r) {
  return r->note;
}

const sac_env_api *sac_registry_task(const sac_registry *r, size_t index,
                                     const char **plugin_name) {
  if (plugin_name) *plugin_name = r->entries[index].plugin;
  return r->entries[index].task;
}

const char *sac_registry_file(const sac_registry *r, const sac_env_api *task) {
  for (size_t i = 0; i < r->count; i++)
    if (r->entries[i].task == task) return r->entries[i].path;
  return NULL;
}

static int is_mujoco(const char *id) {
  size_t i = 0;
  while (i < MUJOCO_COUNT && strcmp(mujoco_tasks[i], id) != 0) i++;
  return i < MUJOCO_COUNT;
}

/* The message for an unknown id: the nearest of the tasks that are there and of MuJoCo's. */
static void unknown(const sac_registry *r, const char *id, sac_error *err) {
  char near[200] = "";
  const size_t n = r->count + MUJOCO_COUNT;
  const char **names = malloc(n * sizeof *names);
  size_t k = 0;
  for (size_t i = 0; names && i < r->count; i++) names[k++] = r->entries[i].task->id;
  for (size_t i = 0; names && i < MUJOCO_COUNT; i++)
    if (index_of(r, mujoco_tasks[i]) == r->count) names[k++] = mujoco_tasks[i];
  if (names) sac_nearest(id, names, k, near, sizeof near);
  free(names);
  if (near[0])
    sac_fail(err, SAC_ERR_ARG, "no environment is called \"%s\"; the nearest names: %s", id, near);
  else
    sac_fail(err, SAC_ERR_ARG, "no environment is called \"%s\"; `sac envs` lists all %zu", id,
             r->count);
}

const sac_env_api *sac_registry_find(const sac_registry *r, const char *id, sac_error *err) {
  const size_t i = index_of(r, id);
  if (i < r->count) return r->entries[i].task;
  if (!is_mujoco(id)) {
    unknown(r, id, err);
    return NULL;
  }
  sac_fail(err, SAC_ERR_ARG,
           "%s needs the MuJoCo plug-in, which is not there: run script/setup and build again; it "
           "fetches the wheels mujoco-core==4.0.0 (library) and gymnasium==1.4.0 (models)%s%s",
           id, r->note[0] ? ". Skipped: " : "", r->note);
  return NULL;
}
