/* Acting and updating allocate nothing: every way to memory of the C library is counted in this
 * program, and the counter stands still. The sanitizers have their own allocators: skipped there.
 */
#include "agents.h"

#include <stdatomic.h>

static atomic_ulong calls;

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#  define COUNTED 0
#elif defined __has_feature
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
      __has_feature(memory_sanitizer)
#    define COUNTED 0
#  endif
#endif
#if !defined COUNTED && defined __GLIBC__
#  define COUNTED 1
#elif !defined COUNTED
#  define COUNTED 0
#endif

#if COUNTED
/* the names under which glibc keeps its own */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  atomic_fetch_add(&calls, 1);
  return __libc_memalign(alignment, size);
}
#endif

static void check(const sac_agent_options *options, size_t threads) {
  sac_replay *replay = make_replay(200, 1.0f);
  const unsigned long before_create = atomic_load(&calls);
  sac_agent *agent = make_agent(options, threads);
  assert_true(atomic_load(&calls) > before_create); /* the counter works */
  float obs[16 * OBS] = {0}, noise[16 * ACT] = {0}, act[16 * ACT];
  sac_update_metrics metrics;
  sac_error err = {0};
  const unsigned long before = atomic_load(&calls);
  for (int i = 0; i < 5; i++) {
    assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
    assert_ok(sac_agent_act(agent, 1, obs, NULL, act, &err), err);
    assert_ok(sac_agent_act(agent, 16, obs, noise, act, &err), err);
  }
  assert_int_equal(atomic_load(&calls) - before, 0);
  obs[3] = NAN; /* an error does not either */
  assert_int_equal(sac_agent_act(agent, 1, obs, NULL, act, &err), SAC_ERR_DIVERGED);
  assert_int_equal(atomic_load(&calls) - before, 0);
  sac_agent_destroy(agent);
  sac_replay_destroy(replay);
}

static void act_and_update_allocate_nothing(void **state) {
  (void)state;
  if (!COUNTED) {
    print_message("the allocator is not glibc's own here: skipped\n");
    skip();
  }
  sac_agent_options o = small_options();
  check(&o, 1);
  check(&o, 3);
  o.actor_q = SAC_ACTOR_Q_MEAN, o.alpha_sample = SAC_ALPHA_SAMPLE_FRESH;
  o.policy_updates = 2, o.log_std_map = SAC_LOG_STD_SOFTPLUS, o.critic_loss = SAC_CRITIC_HUBER;
  check(&o, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(act_and_update_allocate_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
