/* MuJoCo reports an error through one log handler, which must not return [MuJoCo 4.0.0
 * documentation, programming/simulation, "Installing a handler"]: ours jumps back to the guard of
 * its own thread. The handler is process-wide and thread_local state says whose call it is, because
 * the handler has no argument of ours. */
#include "guard.h"

#include <mujoco/mujoco.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdio.h>

struct guard {
  jmp_buf back;
  char *text;
  size_t size;
};

static _Thread_local struct guard *current; /* of the guarded call on this thread, or NULL */
static _Atomic(mjfLogHandler) before;       /* whose messages are not ours go here */
static pthread_mutex_t installing = PTHREAD_MUTEX_INITIALIZER;

static void on_message(const mjLogMessage *message) {
  if (!current) {
    const mjfLogHandler other = atomic_load(&before);
    if (other) other(message);
    return;
  }
  if (message->level != mjLOG_ERROR) return;
  snprintf(current->text, current->size, "%s", message->subject);
  longjmp(current->back, 1);
}

void guard_install(void) {
  pthread_mutex_lock(&installing);
  const mjfLogHandler there = mju_setLogHandler(on_message);
  if (there != on_message) atomic_store(&before, there);
  pthread_mutex_unlock(&installing);
}

int guard_run(void (*work)(void *), void *arg, char text[], size_t size) {
  struct guard guard = {.text = text, .size = size};
  volatile int done = 0;
  if (size) text[0] = '\0';
  current = &guard;
  if (setjmp(guard.back) == 0) {
    work(arg);
    done = 1;
  }
  current = NULL;
  return done;
}
