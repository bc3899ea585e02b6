#define _GNU_SOURCE
#include "base/cores.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TEXT = 1024 };

/* Two numbers at the head of a file; how many there are. */
static int read_numbers(const char *folder, const char *name, double out[2]) {
  char path[PATH_TEXT + 64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "re");
  if (!f) return 0;
  const int n = fscanf(f, "%lf %lf", &out[0], &out[1]);
  fclose(f);
  return n < 0 ? 0 : n;
}

/* One group's own quota: "QUOTA PERIOD" or "max PERIOD" in version 2; two files in version 1, where
 * -1 is none. */
static double quota_of(const char *folder) {
  double v2[2], quota[2], period[2];
  if (read_numbers(folder, "cpu.max", v2) == 2 && v2[0] > 0 && v2[1] > 0) return v2[0] / v2[1];
  if (read_numbers(folder, "cpu.cfs_quota_us", quota) &&
      read_numbers(folder, "cpu.cfs_period_us", period) && quota[0] > 0 && period[0] > 0)
    return quota[0] / period[0];
  return HUGE_VAL;
}

/* The least quota of the group `path` and of all above it. In a container the files of its own
 * group may lie at the mount itself, whatever the path says: the walk ends there in any case. */
static double least_up(const char *mount, const char *path) {
  char folder[PATH_TEXT];
  const int n = snprintf(folder, sizeof folder, "%s%s", mount, path);
  if (n < 0 || (size_t)n >= sizeof folder) return HUGE_VAL;
  const size_t top = strlen(mount);
  double least = HUGE_VAL;
  for (;;) {
    least = fmin(least, quota_of(folder));
    char *slash = strrchr(folder, '/');
    if (!slash || (size_t)(slash - folder) < top) return least;
    *slash = '\0';
  }
}

double sac_cores_quota(const char *self, const char *mount) {
  double least = HUGE_VAL;
  char line[PATH_TEXT], folder[PATH_TEXT];
  FILE *f = fopen(self, "re");
  if (!f) return least;
  while (fgets(line, sizeof line, f)) { /* "0::/a/b", or "4:cpu,cpuacct:/a/b" in version 1 */
    line[strcspn(line, "\n")] = '\0';
    char *kinds = strchr(line, ':'), *path = kinds ? strchr(kinds + 1, ':') : NULL;
    if (!path) continue;
    *path++ = '\0';
    kinds++;
    if (*kinds && strcmp(kinds, "cpu") != 0 && strcmp(kinds, "cpu,cpuacct") != 0) continue;
    snprintf(folder, sizeof folder, "%.500s%s%.20s", mount, *kinds ? "/" : "", kinds);
    least = fmin(least, least_up(folder, path));
  }
  fclose(f);
  return least;
}

size_t sac_cores(void) {
  cpu_set_t cpus;
  const int n = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
  const double quota = sac_cores_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  const double most = fmin((double)n, floor(quota));
  return most < 1.0 ? 1 : (size_t)most;
}
