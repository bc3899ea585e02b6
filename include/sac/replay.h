/* The replay buffer: a ring of observations, each stored once.
 *
 * An episode of L steps takes L + 1 frames: frame t holds s_t and what was done there (a_t, r_t,
 * terminated_t); the last frame holds only the true last observation. Transition t is frames t and
 * t + 1, so s' costs nothing and a truncated episode still has its own last observation.
 * Several environments have a ring each, so that their episodes do not interleave. */
#ifndef SAC_REPLAY_H
#define SAC_REPLAY_H

#include "sac/base.h"
#include "sac/random.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sac_replay sac_replay;

/* A buffer of `capacity` frames for E = envs environments (capacity / E each, at least 2), O =
 * obs_dim and A = act_dim floats a frame. Memory is touched only as it fills. One thread at a time
 * for pushes; any number of threads may gather between pushes. Errors: SAC_ERR_ARG, SAC_ERR_NOMEM
 * with the number of bytes asked for. */
SAC_API sac_status sac_replay_create(size_t capacity, size_t envs, size_t obs_dim, size_t act_dim,
                                     sac_replay **out, sac_error *err);
SAC_API void sac_replay_destroy(sac_replay *replay); /* NULL ok */

/* The bytes that a full buffer of these sizes takes; 0 for sizes that sac_replay_create refuses. */
SAC_API size_t sac_replay_bytes(size_t capacity, size_t envs, size_t obs_dim, size_t act_dim);

/* Store one step of environment `env` (< E): in observation obs (O) the action act (A, environment
 * units) gave `reward` and led to next_obs (O). terminated: nothing follows. truncated: the episode
 * was cut. Without either, the next push of this environment must have obs equal to this next_obs,
 * bit for bit. Errors: SAC_ERR_DIVERGED if an observation, action or reward is not finite (named,
 * with its index); SAC_ERR_ARG if env is too large or obs is not where the episode had come to.
 * Nothing is stored then. */
SAC_API sac_status sac_replay_push(sac_replay *replay, size_t env, const float obs[],
                                   const float act[], float reward, const float next_obs[],
                                   int terminated, int truncated, sac_error *err);

/* End the episode of environment `env` (< E) where it stands, as if its last step had been
 * truncated; the next push begins a new one. Nothing happens if none is under way. */
SAC_API void sac_replay_cut(sac_replay *replay, size_t env);

/* How many transitions can be drawn now. */
SAC_API size_t sac_replay_size(const sac_replay *replay);

/* A transition drawn uniformly from those stored; sac_replay_size() > 0. The result is good until
 * the next push. */
SAC_API size_t sac_replay_draw(const sac_replay *replay, sac_stream *stream);

/* One transition by what draw gave; pointers into the buffer, good until the next push. */
typedef struct sac_transition {
  const float *obs;      /* (O) s */
  const float *act;      /* (A) a */
  const float *next_obs; /* (O) s' */
  float reward;
  int terminated;
} sac_transition;
SAC_API sac_transition sac_replay_get(const sac_replay *replay, size_t index);

/* As sac_replay_get, but of up to n >= 1 steps in a row: reward is sum_i gamma^i r_i over m steps,
 * next_obs where they led and *discount what a value there counts, gamma^m, or 0 where the last of
 * them terminated. m is n, or less where the episode ends, terminated or truncated, and at the
 * newest transition of an episode that goes on. n = 1: reward and discount are r and gamma. */
SAC_API sac_transition sac_replay_get_n(const sac_replay *replay, size_t index, size_t n,
                                        double gamma, double *discount);

/* --- a given set of transitions --------------------------------------------------------------- */

typedef struct sac_dataset sac_dataset;

/* The transitions of a safetensors file, of libsac or another program: `obs` (N, O), `act` (N, A,
 * environment units), `reward` (N), `next_obs` (N, O), F32 or F64, and `terminated` (N), of 0 and 1
 * in any type; a column may be (N, 1). Other tensors are passed over. docs/file_formats.md. Errors:
 * SAC_ERR_IO; SAC_ERR_FORMAT names file and tensor, and the row of a number that is not finite;
 * SAC_ERR_NOMEM. *out is untouched then. Read-only afterwards: any number of threads. */
SAC_API sac_status sac_dataset_load(const char *path, size_t obs_dim, size_t act_dim,
                                    sac_dataset **out, sac_error *err);
SAC_API void sac_dataset_destroy(sac_dataset *data); /* NULL ok */

/* How many transitions, at least 1; and one of them, index < that. */
SAC_API size_t sac_dataset_size(const sac_dataset *data);
SAC_API sac_transition sac_dataset_get(const sac_dataset *data, size_t index);

/* Its content's checksum, 32 digits: the same for the same transitions in the same order. */
SAC_API const char *sac_dataset_checksum(const sac_dataset *data);

/* Write the transitions that the replay holds as such a file, environment after environment, each
 * from the oldest to the newest. *count, or NULL: how many. Errors: SAC_ERR_ARG if there are none;
 * SAC_ERR_IO, SAC_ERR_NOMEM. */
SAC_API sac_status sac_replay_export(const sac_replay *replay, const char *path, size_t *count,
                                     sac_error *err);

#ifdef __cplusplus
}
#endif
#endif
