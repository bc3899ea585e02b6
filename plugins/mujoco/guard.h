/* Calls into MuJoCo whose errors come back to the caller. */
#ifndef SAC_MUJOCO_GUARD_H
#define SAC_MUJOCO_GUARD_H

#include <stddef.h>

/* Take over MuJoCo's log, for guarded calls only: what other users of MuJoCo in this process cause
 * goes on to the handler that was there before. Safe to repeat, from any thread. */
void guard_install(void);

/* Run work(arg) and return 1; or, if MuJoCo reported an error in it, 0 with MuJoCo's words in text
 * (size bytes): work was then left where it was, and the mjData that it used needs mj_resetData.
 * MuJoCo's warnings and remarks are dropped: none is printed, none goes to MUJOCO_LOG.TXT. Threads:
 * safe, each has its own guard. */
int guard_run(void (*work)(void *), void *arg, char text[], size_t size);

#endif
