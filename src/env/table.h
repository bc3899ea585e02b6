/* A task's table of functions. */
#ifndef SAC_ENV_TABLE_H
#define SAC_ENV_TABLE_H

#include "sac/env.h"

/* Does the table hold all that the library calls, in this library's layout? `where` begins the
 * message, as the file that the table is from. Errors: SAC_ERR_ENV. */
sac_status sac_task_table_check(const char *where, const sac_env_api *task, sac_error *err);

#endif
