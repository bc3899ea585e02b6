/* Tensors by name in one safetensors file: an 8-byte length, a JSON header, the data. Every
 * tensor's XXH3-128 stands in the header's metadata, the header's own at its beginning; all are
 * checked on reading (docs/file_formats.md). */
#ifndef SAC_BASE_SAFETENSORS_H
#define SAC_BASE_SAFETENSORS_H

#include "sac/base.h"

typedef enum sac_dtype { SAC_F32, SAC_F64, SAC_U8, SAC_U64 } sac_dtype;

/* A matrix in memory: rows x cols elements, row i at data + i * stride elements (stride >= cols);
 * the file holds it without gaps, as shape [rows, cols]. */
typedef struct sac_tensor {
  char name[64];
  sac_dtype dtype;
  size_t rows, cols, stride;
  void *data;
} sac_tensor;

/* A string of the header's metadata; a key does not begin with "xxh3". */
typedef struct sac_meta {
  char key[48];
  char value[208];
} sac_meta;

/* Write the file beside `path`, fsync, rename over `path`, fsync the folder: after any failure the
 * old file is intact. The same arguments give the same bytes. Errors: SAC_ERR_IO with path and
 * cause; SAC_ERR_ARG for a name or key that occurs twice, or text that is not UTF-8; SAC_ERR_NOMEM.
 */
sac_status sac_safetensors_write(const char *path, const sac_tensor tensors[], size_t tensor_count,
                                 const sac_meta metas[], size_t meta_count, sac_error *err);

typedef struct sac_safetensors sac_safetensors;

/* Open and check a whole file: lengths, header, every checksum. Errors: SAC_ERR_IO (missing,
 * unreadable), SAC_ERR_FORMAT (damaged: what and where), SAC_ERR_NOMEM. */
sac_status sac_safetensors_open(const char *path, sac_safetensors **out, sac_error *err);

/* The same for a file of any writer: one of libsac's is checked as above, another's lengths and
 * header alone, since it has no checksums. In such a file a shape of one number counts as a column,
 * and BOOL as U8. */
sac_status sac_safetensors_open_any(const char *path, sac_safetensors **out, sac_error *err);
void sac_safetensors_close(sac_safetensors *file); /* NULL ok */

/* Is there a tensor of tensor's name, type and shape? SAC_ERR_FORMAT, with what there is, if not.
 */
sac_status sac_safetensors_check(const sac_safetensors *file, const sac_tensor *tensor,
                                 sac_error *err);

/* Copy the tensor tensor->name into tensor->data; errors as sac_safetensors_check. */
sac_status sac_safetensors_read(const sac_safetensors *file, sac_tensor *tensor, sac_error *err);

/* The shape of tensor `name`; SAC_ERR_FORMAT if there is none. */
sac_status sac_safetensors_shape(const sac_safetensors *file, const char *name, size_t *rows,
                                 size_t *cols, sac_error *err);

/* A tensor where it lies in the open file, row after row; perhaps not aligned. */
typedef struct sac_tensor_view {
  sac_dtype dtype;
  size_t rows, cols;
  const char *data;
} sac_tensor_view;

/* Find tensor `name`; SAC_ERR_FORMAT if there is none, or none of a type of sac_dtype. */
sac_status sac_safetensors_view(const sac_safetensors *file, const char *name,
                                sac_tensor_view *view, sac_error *err);

/* The metadata string under `key`, or SAC_ERR_FORMAT; it lives as long as the file is open. */
sac_status sac_safetensors_meta(const sac_safetensors *file, const char *key, const char **value,
                                sac_error *err);

#endif
