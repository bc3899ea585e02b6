/* The replay buffer on disk: append-only segments of a fixed number of frames, so that a checkpoint
 * writes only what is new. The files' content depends on what was pushed alone, not on when it was
 * saved. */
#ifndef SAC_REPLAY_SEGMENTS_H
#define SAC_REPLAY_SEGMENTS_H

#include "base/safetensors.h"
#include "sac/replay.h"

/* Bring `dir` up to date with the buffer: append the frames pushed since the last save (per environment,
 * by global frame number), fsync, and delete segments that have left the ring. Then describe the state
 * (frame counts, per-segment lengths and XXH3-128) in one U64 tensor for the checkpoint to keep:
 * (*state)->data is owned by the replay and good until the next save. A crash between save and the
 * checkpoint's rename leaves extra bytes that load cuts off. */
sac_status sac_replay_save(sac_replay *replay, const char *dir, sac_tensor *state, sac_error *err);

/* Fill an empty buffer of the same sizes from `dir` as `state` (rows x cols U64, as save gave it)
 * describes. Errors: SAC_ERR_FORMAT names file and what is wrong; nothing on the disk changes. */
sac_status sac_replay_load(sac_replay *replay, const char *dir, const uint64_t state[], size_t count,
                           sac_error *err);

#endif
