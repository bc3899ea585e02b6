/* Acting, and an update on one thread, make no system call: a child process first gives up every
 * one but its own exit (seccomp's strict mode also leaves read and write), and the kernel ends it
 * at the first that it makes. */
#define _GNU_SOURCE // syscall
#include "agents.h"

#include <sys/wait.h>
#include <unistd.h>

#if defined __linux__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#  include <linux/seccomp.h>
#  include <sys/prctl.h>
#  include <sys/syscall.h>
#  define STRICT 1
static int give_up_system_calls(void) {
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0;
}
static void leave(int code) {
  syscall(SYS_exit, code); /* _exit would be exit_group, which is forbidden too */
}
#else
#  define STRICT 0
static int give_up_system_calls(void) {
  return 0;
}
static void leave(int code) {
  _exit(code);
}
#endif

enum { DONE = 0, REFUSED = 3, WRONG = 4 };

/* What the child does after that. */
typedef sac_status work(sac_agent *agent, const sac_replay *replay);

/* How the child ended: its exit code, or 100 and the signal. */
static int run_alone(work *fn, sac_agent *agent, const sac_replay *replay) {
  const pid_t child = fork();
  assert_true(child >= 0);
  if (!child) {
    if (!give_up_system_calls()) leave(REFUSED);
    leave(fn(agent, replay) == SAC_OK ? DONE : WRONG);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static sac_status act_often(sac_agent *agent, const sac_replay *replay) {
  (void)replay;
  float obs[OBS] = {0}, noise[ACT] = {0}, act[ACT];
  for (int i = 0; i < 100; i++) {
    const sac_status status = sac_agent_act(agent, 1, obs, i % 2 ? noise : NULL, act, NULL);
    if (status != SAC_OK) return status;
  }
  return SAC_OK;
}

static sac_status update_often(sac_agent *agent, const sac_replay *replay) {
  for (int i = 0; i < 10; i++) {
    const sac_status status = sac_agent_update(agent, replay, NULL, NULL);
    if (status != SAC_OK) return status;
  }
  return SAC_OK;
}

/* A system call in the work ends it: the method sees what it is to see. */
static sac_status ask_the_system(sac_agent *agent, const sac_replay *replay) {
  (void)agent, (void)replay;
  return getppid() ? SAC_OK : SAC_ERR_ARG;
}

static void no_system_call(void **state) {
  (void)state;
  sac_replay *replay = make_replay(200, 1.0f);
  sac_agent_options o = small_options();
  sac_agent *agent = make_agent(&o, 1);
  const int seen = STRICT ? run_alone(ask_the_system, agent, replay) : REFUSED;
  if (seen != REFUSED) {
    assert_int_equal(seen, 100 + 9); /* SIGKILL */
    assert_int_equal(run_alone(act_often, agent, replay), DONE);
    assert_int_equal(run_alone(update_often, agent, replay), DONE);
  }
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
  if (seen == REFUSED) {
    print_message("no strict mode here: skipped\n");
    skip();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_system_call)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
