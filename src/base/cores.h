/* How many threads this process may run at once. */
#ifndef SAC_BASE_CORES_H
#define SAC_BASE_CORES_H

#include <stddef.h>

/* The CPUs that its affinity allows, but no more than its control groups' quota of CPU time pays
 * for, rounded down; at least 1. */
size_t sac_cores(void);

/* The quota in CPUs, of the control groups that `self` (as /proc/self/cgroup) names and of those
 * above them, under the folder `mount` (as /sys/fs/cgroup), version 1 or 2; infinite if there is
 * none. */
double sac_cores_quota(const char *self, const char *mount);

#endif
