#define _GNU_SOURCE /* dladdr, realpath */
#include "env/folder.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* set by the build; without it only what lies beside the program is known */
#ifndef SAC_PLUGIN_BUILD_DIR
#  define SAC_PLUGIN_BUILD_DIR ""
#endif
#ifndef SAC_PLUGIN_INSTALL_DIR
#  define SAC_PLUGIN_INSTALL_DIR ""
#endif
#ifndef SAC_INSTALL_LIBDIR
#  define SAC_INSTALL_LIBDIR "lib"
#endif

static const char build_folder[] = SAC_PLUGIN_BUILD_DIR;
static const char install_folder[] = SAC_PLUGIN_INSTALL_DIR;

static int is_folder(const char *path) {
  struct stat info;
  return path[0] && stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* a + b into path; 0 and "" if it does not fit. */
static int join(char path[], size_t size, const char *a, const char *b) {
  const int n = snprintf(path, size, "%s%s", a, b);
  if (n >= 0 && (size_t)n < size) return 1;
  path[0] = '\0';
  return 0;
}

/* The resolved folder of the shared library or program that holds this code. */
static int own_folder(char folder[PATH_MAX]) {
  Dl_info info;
  if (!dladdr(&build_folder, &info) || !info.dli_fname) return 0;
  const char *file = strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe";
  if (!realpath(file, folder)) return 0;
  char *slash = strrchr(folder, '/');
  if (!slash) return 0;
  *slash = '\0';
  return 1;
}

/* Is `folder` the build folder or inside it? Only then may the build's plug-ins be loaded: an
 * installed library must not run code from a folder that is free for anyone to make again. */
static int in_build(const char *folder) {
  const char *last = strrchr(build_folder, '/');
  if (!last) return 0;
  const size_t length = (size_t)(last - build_folder);
  return strncmp(folder, build_folder, length) == 0 &&
         (folder[length] == '/' || folder[length] == '\0');
}

void sac_plugin_folder(char path[], size_t size) {
  static const char *const beside[] = {"/sac/plugins", "/../" SAC_INSTALL_LIBDIR "/sac/plugins",
                                       "/../lib/sac/plugins"};
  const char *named = getenv("SAC_PLUGIN_DIR");
  if (named) {
    join(path, size, named, "");
    return;
  }
  char own[PATH_MAX];
  if (own_folder(own)) {
    if (in_build(own) && join(path, size, build_folder, "") && is_folder(path)) return;
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++)
      if (join(path, size, own, beside[i]) && is_folder(path)) return;
  }
  if (!is_folder(install_folder) || !join(path, size, install_folder, "")) path[0] = '\0';
}

void sac_plugin_share_symbols(void) {
  Dl_info info;
  if (!dladdr(&build_folder, &info) || !info.dli_fname) return;
  void *self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL);
  if (self) dlclose(self);
}
