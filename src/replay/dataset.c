#include "replay/dataset.h"

#include "base/safetensors.h"
#include "base/try.h"
#include "replay/buffer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- one block: obs, next_obs, act, reward, terminated, without gaps ---------------------------
 */

static size_t floats(size_t N, size_t O, size_t A) {
  return N * (2 * O + A + 1);
}

static sac_dataset *make(size_t N, size_t O, size_t A) {
  const size_t most = SIZE_MAX / 64;
  if (N > most / (2 * O + A + 2)) return NULL;
  sac_dataset *d = malloc(sizeof *d + floats(N, O, A) * sizeof(float) + N);
  if (!d) return NULL;
  float *at = (float *)(d + 1);
  *d = (sac_dataset){.count = N, .obs_dim = O, .act_dim = A, .obs = at};
  d->next_obs = d->obs + N * O;
  d->act = d->next_obs + N * O;
  d->reward = d->act + N * A;
  d->terminated = (uint8_t *)(d->reward + N);
  return d;
}

void sac_dataset_destroy(sac_dataset *d) {
  free(d);
}

size_t sac_dataset_size(const sac_dataset *d) {
  return d->count;
}

const char *sac_dataset_checksum(const sac_dataset *d) {
  return d->checksum;
}

sac_transition sac_dataset_get(const sac_dataset *d, size_t index) {
  assert(index < d->count);
  return (sac_transition){.obs = d->obs + index * d->obs_dim,
                          .act = d->act + index * d->act_dim,
                          .next_obs = d->next_obs + index * d->obs_dim,
                          .reward = d->reward[index],
                          .terminated = d->terminated[index]};
}

/* --- reading -----------------------------------------------------------------------------------
 */

#define LAYOUT                                                                               \
  "a data file has obs (N, O), act (N, A), reward (N), next_obs (N, O) and terminated (N), " \
  "numbers F32 or F64"

/* Tensor `name` of `cols` columns and, but for the first, of as many rows as it has. */
static sac_status view(const sac_safetensors *file, const char *path, const char *name, size_t cols,
                       size_t rows, sac_tensor_view *out, sac_error *err) {
  if (sac_safetensors_view(file, name, out, NULL) != SAC_OK)
    return sac_fail(err, SAC_ERR_FORMAT,
                    "%.200s: tensor %s: missing, or of another type or shape; " LAYOUT, path, name);
  if (rows == 0) rows = out->rows;
  if (rows == 0) return sac_fail(err, SAC_ERR_FORMAT, "%.200s: it holds no transition", path);
  if (out->rows == rows && out->cols == cols) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%.200s: tensor %s is (%zu, %zu), must be (%zu, %zu)", path,
                  name, out->rows, out->cols, rows, cols);
}

/* Number i of a tensor. */
static double number(const sac_tensor_view *t, size_t i) {
  float f;
  double d;
  uint64_t u;
  switch (t->dtype) {
  case SAC_F32:
    memcpy(&f, t->data + i * sizeof f, sizeof f);
    return (double)f;
  case SAC_F64:
    memcpy(&d, t->data + i * sizeof d, sizeof d);
    return d;
  case SAC_U64:
    memcpy(&u, t->data + i * sizeof u, sizeof u);
    return (double)u;
  case SAC_U8:
    break;
  }
  return (double)(uint8_t)t->data[i];
}

static sac_status read_floats(const sac_safetensors *file, const char *path, const char *name,
                              size_t rows, size_t cols, float out[], sac_error *err) {
  sac_tensor_view t;
  SAC_TRY(view(file, path, name, cols, rows, &t, err));
  if (t.dtype != SAC_F32 && t.dtype != SAC_F64)
    return sac_fail(err, SAC_ERR_FORMAT, "%.200s: tensor %s: whole numbers; " LAYOUT, path, name);
  for (size_t i = 0; i < rows * cols; i++) {
    out[i] = (float)number(&t, i);
    if (!isfinite(out[i]))
      return sac_fail(err, SAC_ERR_FORMAT, "%.200s: %s of row %zu, column %zu: not finite", path,
                      name, i / cols, i % cols);
  }
  return SAC_OK;
}

static sac_status read_flags(const sac_safetensors *file, const char *path, size_t rows,
                             uint8_t out[], sac_error *err) {
  sac_tensor_view t;
  SAC_TRY(view(file, path, "terminated", 1, rows, &t, err));
  for (size_t i = 0; i < rows; i++) {
    const double x = number(&t, i);
    if (x != 0.0 && x != 1.0)
      return sac_fail(err, SAC_ERR_FORMAT, "%.200s: terminated of row %zu is %g: must be 0 or 1",
                      path, i, x);
    out[i] = x != 0.0;
  }
  return SAC_OK;
}

static sac_status fill(sac_dataset *d, const sac_safetensors *file, const char *path,
                       sac_error *err) {
  const size_t N = d->count, O = d->obs_dim, A = d->act_dim;
  SAC_TRY(read_floats(file, path, "obs", N, O, d->obs, err));
  SAC_TRY(read_floats(file, path, "act", N, A, d->act, err));
  SAC_TRY(read_floats(file, path, "reward", N, 1, d->reward, err));
  SAC_TRY(read_floats(file, path, "next_obs", N, O, d->next_obs, err));
  SAC_TRY(read_flags(file, path, N, d->terminated, err));
  sac_checksum_text(d->obs, floats(N, O, A) * sizeof(float) + N, d->checksum);
  return SAC_OK;
}

static sac_status load(const sac_safetensors *file, const char *path, size_t O, size_t A,
                       sac_dataset **out, sac_error *err) {
  sac_tensor_view obs;
  SAC_TRY(view(file, path, "obs", O, 0, &obs, err));
  sac_dataset *d = make(obs.rows, O, A);
  if (!d)
    return sac_fail(err, SAC_ERR_NOMEM, "%.200s: no memory for %zu transitions", path, obs.rows);
  const sac_status status = fill(d, file, path, err);
  if (status == SAC_OK)
    *out = d;
  else
    sac_dataset_destroy(d);
  return status;
}

sac_status sac_dataset_load(const char *path, size_t O, size_t A, sac_dataset **out,
                            sac_error *err) {
  sac_safetensors *file;
  SAC_TRY(sac_safetensors_open_any(path, &file, err));
  const sac_status status = load(file, path, O, A, out, err);
  sac_safetensors_close(file);
  return status;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* Every transition of the replay's rings, from the oldest on. */
static void gather(const sac_replay *r, sac_dataset *d) {
  const size_t O = d->obs_dim, A = d->act_dim;
  size_t n = 0;
  for (size_t e = 0; e < r->envs; e++)
    for (uint64_t g = sac_replay_first(r, e); g < r->rings[e].frames; g++) {
      const size_t slot = sac_replay_slot(r, e, g);
      if (!(r->flags[slot] & SAC_FRAME_ACTED)) continue;
      const sac_transition t = sac_replay_get(r, slot);
      memcpy(d->obs + n * O, t.obs, O * sizeof(float));
      memcpy(d->next_obs + n * O, t.next_obs, O * sizeof(float));
      memcpy(d->act + n * A, t.act, A * sizeof(float));
      d->reward[n] = t.reward;
      d->terminated[n++] = (uint8_t)t.terminated;
    }
  assert(n == d->count);
}

sac_status sac_replay_export(const sac_replay *r, const char *path, size_t *count, sac_error *err) {
  const size_t N = sac_replay_size(r), O = r->obs_dim, A = r->act_dim;
  if (!N) return sac_fail(err, SAC_ERR_ARG, "the replay holds no transition to write");
  sac_dataset *d = make(N, O, A);
  if (!d) return sac_fail(err, SAC_ERR_NOMEM, "no memory for %zu transitions", N);
  gather(r, d);
  const sac_tensor tensors[] = {{"obs", SAC_F32, N, O, O, d->obs},
                                {"act", SAC_F32, N, A, A, d->act},
                                {"reward", SAC_F32, N, 1, 1, d->reward},
                                {"next_obs", SAC_F32, N, O, O, d->next_obs},
                                {"terminated", SAC_U8, N, 1, 1, d->terminated}};
  const sac_status status =
      sac_safetensors_write(path, tensors, sizeof tensors / sizeof *tensors, NULL, 0, err);
  sac_dataset_destroy(d);
  if (status == SAC_OK && count) *count = N;
  return status;
}
