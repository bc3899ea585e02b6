/* The ways on which an agent must come to the same bits. */
#ifndef SAC_TESTS_WAYS_H
#define SAC_TESTS_WAYS_H

#include "agents.h"
#include "scratch.h"

/* Six updates on one thread; or on three, with a file after the third; or three more on two threads
 * from that file. k: the kernels, NULL for those of the CPU. */
static inline void check_any_way(const sac_agent_options *options, const sac_kernels *k) {
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  const char *path = scratch_path(dir, "agent.safetensors");
  sac_replay *replay = make_replay(200, 1.0f);
  sac_agent *one = make_agent(options, 1), *three = make_agent(options, 3),
            *later = make_agent(options, 2);
  sac_error err = {0};
  if (k) one->k = three->k = later->k = k;
  update(one, replay, 6);
  update(three, replay, 3);
  assert_ok(sac_agent_save(three, path, &err), err);
  update(later, replay, 1); /* whatever it was before does not matter */
  assert_ok(sac_agent_load(later, path, &err), err);
  assert_int_equal(sac_agent_updates(later), 3);
  assert_int_equal(agent_hash(later), agent_hash(three));
  update(three, replay, 3);
  update(later, replay, 3);
  assert_int_equal(agent_hash(one), agent_hash(three));
  assert_int_equal(agent_hash(one), agent_hash(later));
  sac_agent_destroy(one), sac_agent_destroy(three), sac_agent_destroy(later);
  sac_replay_destroy(replay);
  scratch_remove(dir);
}

#endif
