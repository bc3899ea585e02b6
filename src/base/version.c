#include "sac/base.h"

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

#ifdef SAC_COMMIT_HEADER
#  include SAC_COMMIT_HEADER // written by the build, see cmake/commit.cmake
#else
#  define SAC_COMMIT "unknown"
#endif

const char *sac_version(void) {
  return TEXT(SAC_VERSION_MAJOR) "." TEXT(SAC_VERSION_MINOR) "." TEXT(SAC_VERSION_PATCH);
}

const char *sac_commit(void) {
  return SAC_COMMIT;
}
