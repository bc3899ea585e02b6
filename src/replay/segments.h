/* The replay buffer on disk: append-only segments of a fixed number of frames, so that a checkpoint
 * writes only what is new. What a save gives, and the frames in the files, depend on what was
 * pushed alone, not on when it was saved. docs/file_formats.md has the bytes. */
#ifndef SAC_REPLAY_SEGMENTS_H
#define SAC_REPLAY_SEGMENTS_H

#include "base/safetensors.h"
#include "sac/replay.h"

/* How a checkpoint is made, so that a crash at any moment leaves one that loads:
 *   1 sac_replay_save   appends to the segments; what the last checkpoint needs stays as it was
 *   2 the caller        writes *state into its checkpoint, and renames that into place
 *   3 sac_replay_prune  deletes and blanks what the new checkpoint no longer needs
 * A crash after 1 leaves bytes that nothing refers to: load passes over them, and the next save
 * overwrites and cuts them. `dir` exists and belongs to this buffer alone. */

/* Write the frames pushed since the last save (or load) into `dir`, durably, and describe the state
 * in one U64 tensor, whose data the replay owns and keeps until its next save. Errors: SAC_ERR_IO
 * with the file and the cause (the last checkpoint still loads), SAC_ERR_FORMAT if a file that was
 * saved has become shorter, SAC_ERR_NOMEM. */
sac_status sac_replay_save(sac_replay *replay, const char *dir, sac_tensor *state, sac_error *err);

/* Delete the segments in `dir` that the state of the last save does not need; to be called once
 * that state is in place. Errors: SAC_ERR_IO. */
sac_status sac_replay_prune(const sac_replay *replay, const char *dir, sac_error *err);

/* Fill an empty buffer of the same sizes from `dir` as `state` (count numbers, as save gave them)
 * describes: every draw is then what it would have been. Errors: SAC_ERR_ARG if the buffer is not
 * empty; SAC_ERR_FORMAT or SAC_ERR_IO name the file and what is wrong. The buffer is empty then;
 * nothing on the disk changes. */
sac_status sac_replay_load(sac_replay *replay, const char *dir, const uint64_t state[],
                           size_t count, sac_error *err);

#endif
