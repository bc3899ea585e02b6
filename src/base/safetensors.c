#include "base/safetensors.h"

#include "base/checksum.h"
#include "base/file.h"
#include "base/try.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
  LENGTH_SIZE = 8,                 // of the number before the header
  HEADER_MOST = 100 * 1000 * 1000, // bytes of header; other readers have the same limit
  HEADER_ALIGN = 8,                // the data begin at a multiple of this
  KEY_SIZE = 80                    // "xxh3." and a tensor's name
};

/* The header of every file begins so; 32 digits follow. They are the checksum of the header with
 * these digits as zeros, so that a change anywhere in it shows. */
static const char FIRST[] = "{\"__metadata__\":{\"xxh3\":\"";
static const char ZEROS[] = "00000000000000000000000000000000";
enum { DIGITS_AT = sizeof FIRST - 1, FIRST_END = DIGITS_AT + SAC_CHECKSUM_HEX };

static const struct {
  const char *name;
  size_t size;
} dtypes[] = {
    [SAC_F32] = {"F32", 4}, [SAC_F64] = {"F64", 8}, [SAC_U8] = {"U8", 1}, [SAC_U64] = {"U64", 8}};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static size_t tensor_bytes(const sac_tensor *t) {
  return t->rows * t->cols * dtypes[t->dtype].size;
}

static void checksum_key(const char *name, char key[KEY_SIZE]) {
  snprintf(key, KEY_SIZE, "xxh3.%.64s", name);
}

/* --- writing --------------------------------------------------------------------------------- */

/* A file under construction. */
typedef struct draft {
  char *data; // all tensors, one after another
  size_t data_size;
  json_t *root, *metas;
  char *header;
  size_t header_size;
} draft;

static void draft_free(draft *d) {
  free(d->data);
  json_decref(d->root); // and with it metas
  free(d->header);
}

/* Set a key that must be new; takes over `value`. */
static sac_status set_new(json_t *object, const char *key, json_t *value, sac_error *err) {
  if (json_object_get(object, key)) {
    json_decref(value);
    return sac_fail(err, SAC_ERR_ARG, "tensor or metadata %.100s: the name occurs twice", key);
  }
  if (json_object_set_new(object, key, value) != 0)
    return sac_fail(err, SAC_ERR_ARG, "tensor or metadata %.100s: not UTF-8, or no memory", key);
  return SAC_OK;
}

static sac_status draft_metas(draft *d, const sac_meta metas[], size_t count, sac_error *err) {
  SAC_TRY(set_new(d->metas, "xxh3", json_string(ZEROS), err)); // first: see FIRST
  for (size_t i = 0; i < count; i++)
    SAC_TRY(set_new(d->metas, metas[i].key, json_string(metas[i].value), err));
  return SAC_OK;
}

/* The rows without gaps. */
static void pack(const sac_tensor *t, char *out) {
  const size_t size = dtypes[t->dtype].size, row = t->cols * size;
  for (size_t i = 0; i < t->rows && row > 0; i++)
    memcpy(out + i * row, (const char *)t->data + i * t->stride * size, row);
}

static sac_status draft_tensor(draft *d, const sac_tensor *t, size_t begin, sac_error *err) {
  char key[KEY_SIZE], checksum[SAC_CHECKSUM_HEX + 1];
  const size_t size = tensor_bytes(t);
  pack(t, d->data + begin);
  sac_checksum_text(d->data + begin, size, checksum);
  checksum_key(t->name, key);
  SAC_TRY(set_new(d->metas, key, json_string(checksum), err));
  return set_new(d->root, t->name,
                 json_pack("{s:s, s:[I,I], s:[I,I]}", "dtype", dtypes[t->dtype].name, "shape",
                           (json_int_t)t->rows, (json_int_t)t->cols, "data_offsets",
                           (json_int_t)begin, (json_int_t)(begin + size)),
                 err);
}

/* The header's text: length, JSON, spaces up to the alignment, and its own checksum. */
static sac_status draft_header(draft *d, sac_error *err) {
  char *const json = json_dumps(d->root, JSON_COMPACT);
  const size_t length = json ? strlen(json) : 0;
  d->header_size = (LENGTH_SIZE + length + HEADER_ALIGN - 1) / HEADER_ALIGN * HEADER_ALIGN;
  d->header = malloc(d->header_size);
  if (!json || !d->header) {
    free(json);
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for a header of %zu bytes", length);
  }
  const uint64_t number = d->header_size - LENGTH_SIZE;
  char *const text = d->header + LENGTH_SIZE;
  memcpy(d->header, &number, LENGTH_SIZE);
  memset(text, ' ', number);
  memcpy(text, json, length);
  free(json);
  char checksum[SAC_CHECKSUM_HEX + 1];
  sac_checksum_text(text, number, checksum); // its own place still holds zeros
  memcpy(text + DIGITS_AT, checksum, SAC_CHECKSUM_HEX);
  return SAC_OK;
}

static sac_status draft_all(draft *d, const sac_tensor tensors[], size_t tensor_count,
                            const sac_meta metas[], size_t meta_count, sac_error *err) {
  for (size_t i = 0; i < tensor_count; i++) d->data_size += tensor_bytes(&tensors[i]);
  d->data = malloc(d->data_size + 1);
  d->root = json_object();
  d->metas = json_object();
  if (json_object_set_new(d->root, "__metadata__", d->metas) != 0 || !d->data)
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for %zu bytes of tensors", d->data_size);
  SAC_TRY(draft_metas(d, metas, meta_count, err));
  size_t begin = 0;
  for (size_t i = 0; i < tensor_count; i++) {
    SAC_TRY(draft_tensor(d, &tensors[i], begin, err));
    begin += tensor_bytes(&tensors[i]);
  }
  return draft_header(d, err);
}

sac_status sac_safetensors_write(const char *path, const sac_tensor tensors[], size_t tensor_count,
                                 const sac_meta metas[], size_t meta_count, sac_error *err) {
  draft d = {0};
  sac_status status = draft_all(&d, tensors, tensor_count, metas, meta_count, err);
  if (status == SAC_OK) {
    const sac_piece pieces[] = {{d.header, d.header_size}, {d.data, d.data_size}};
    status = sac_file_replace(path, pieces, 2, err);
  }
  draft_free(&d);
  return status;
}

/* --- opening --------------------------------------------------------------------------------- */

struct sac_safetensors {
  char *path, *bytes; // the file's name and content
  size_t size;
  const char *data; // where the tensors begin, in bytes
  size_t data_size;
  json_t *root, *metas;
  int foreign; // another program's: no checksums, and perhaps no metadata
};

/* What the header says of one tensor. */
typedef struct entry {
  sac_dtype dtype;
  size_t rows, cols;
  uint64_t begin, end; // in the data
} entry;

static sac_status damaged(const sac_safetensors *f, const char *what, sac_error *err) {
  return sac_fail(err, SAC_ERR_FORMAT, "%.300s: damaged: %s", f->path, what);
}

/* A shape of one number, in a file of another program: a column. */
static int one_number(const sac_safetensors *f, const json_t *tensor, uint64_t out[2]) {
  const json_t *shape = json_object_get(tensor, "shape"), *number = json_array_get(shape, 0);
  if (!f->foreign || json_array_size(shape) != 1) return 0;
  if (!json_is_integer(number) || json_integer_value(number) < 0) return 0;
  out[0] = (uint64_t)json_integer_value(number);
  out[1] = 1;
  return 1;
}

/* Numbers 0 and 1 of the array `key` of a tensor's description, both >= 0. */
static int two_numbers(const json_t *tensor, const char *key, uint64_t out[2]) {
  const json_t *array = json_object_get(tensor, key);
  if (!json_is_array(array) || json_array_size(array) != 2) return 0;
  for (size_t i = 0; i < 2; i++) {
    const json_t *number = json_array_get(array, i);
    if (!json_is_integer(number) || json_integer_value(number) < 0) return 0;
    out[i] = (uint64_t)json_integer_value(number);
  }
  return 1;
}

static int parse_dtype(const sac_safetensors *f, const char *name, sac_dtype *dtype) {
  if (f->foreign && name && !strcmp(name, "BOOL")) name = "U8";
  for (int k = 0; name && k < DTYPES; k++) {
    if (strcmp(name, dtypes[k].name) != 0) continue;
    *dtype = (sac_dtype)k;
    return 1;
  }
  return 0;
}

/* A tensor's description, which must be consistent in itself and lie within the data. */
static int parse_entry(const sac_safetensors *f, const json_t *tensor, entry *e) {
  uint64_t shape[2], at[2];
  if (!parse_dtype(f, json_string_value(json_object_get(tensor, "dtype")), &e->dtype)) return 0;
  if (!two_numbers(tensor, "shape", shape) && !one_number(f, tensor, shape)) return 0;
  if (!two_numbers(tensor, "data_offsets", at)) return 0;
  if (at[0] > at[1] || at[1] > f->data_size) return 0;
  const uint64_t count = (at[1] - at[0]) / dtypes[e->dtype].size; // fits: so must the shape
  if (shape[0] > 0 && shape[1] > count / shape[0]) return 0;
  if (shape[0] * shape[1] * dtypes[e->dtype].size != at[1] - at[0]) return 0;
  e->rows = (size_t)shape[0];
  e->cols = (size_t)shape[1];
  e->begin = at[0];
  e->end = at[1];
  return 1;
}

static sac_status find(const sac_safetensors *f, const char *name, entry *e, sac_error *err) {
  const json_t *tensor = strcmp(name, "__metadata__") ? json_object_get(f->root, name) : NULL;
  if (!tensor || !parse_entry(f, tensor, e))
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: there is no tensor %.64s", f->path, name);
  return SAC_OK;
}

/* Lengths, and the header's checksum, before anything of the header is believed. */
static sac_status check_header(sac_safetensors *f, sac_error *err) {
  uint64_t length = 0;
  if (f->size < LENGTH_SIZE + FIRST_END || memcmp(f->bytes + LENGTH_SIZE, FIRST, DIGITS_AT) != 0)
    return sac_fail(err, SAC_ERR_FORMAT,
                    "%.300s: not a file of libsac, or damaged at its beginning", f->path);
  memcpy(&length, f->bytes, LENGTH_SIZE);
  if (length > HEADER_MOST || length < FIRST_END) return damaged(f, "the header's length", err);
  if (length > f->size - LENGTH_SIZE)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: truncated: %zu bytes, its header alone takes %zu",
                    f->path, f->size, (size_t)length + LENGTH_SIZE);
  char *const digits = f->bytes + LENGTH_SIZE + DIGITS_AT;
  char found[SAC_CHECKSUM_HEX], right[SAC_CHECKSUM_HEX + 1];
  memcpy(found, digits, sizeof found);
  memcpy(digits, ZEROS, sizeof found);
  sac_checksum_text(f->bytes + LENGTH_SIZE, (size_t)length, right);
  if (memcmp(found, right, sizeof found) != 0) return damaged(f, "the header (checksum)", err);
  f->data = f->bytes + LENGTH_SIZE + length;
  f->data_size = f->size - LENGTH_SIZE - (size_t)length;
  return SAC_OK;
}

/* The same for another program's file: its lengths alone. */
static sac_status check_foreign_header(sac_safetensors *f, sac_error *err) {
  uint64_t length = 0;
  if (f->size >= LENGTH_SIZE) memcpy(&length, f->bytes, LENGTH_SIZE);
  if (f->size <= LENGTH_SIZE || length > HEADER_MOST || f->bytes[LENGTH_SIZE] != '{')
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: not a safetensors file", f->path);
  if (length > f->size - LENGTH_SIZE)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: truncated: %zu bytes, its header alone takes %zu",
                    f->path, f->size, (size_t)length + LENGTH_SIZE);
  f->data = f->bytes + LENGTH_SIZE + length;
  f->data_size = f->size - LENGTH_SIZE - (size_t)length;
  return SAC_OK;
}

static sac_status parse_header(sac_safetensors *f, sac_error *err) {
  json_error_t why;
  f->root = json_loadb(f->bytes + LENGTH_SIZE, (size_t)(f->data - f->bytes) - LENGTH_SIZE,
                       JSON_REJECT_DUPLICATES, &why);
  if (!f->root) return damaged(f, why.text, err);
  f->metas = json_object_get(f->root, "__metadata__");
  return json_is_object(f->metas) || f->foreign ? SAC_OK : damaged(f, "the metadata", err);
}

/* The length that the file must have by its header: the tensors' ends, the greatest one. */
static sac_status check_length(const sac_safetensors *f, sac_error *err) {
  const char *name;
  json_t *tensor;
  uint64_t want = 0;
  json_object_foreach(f->root, name, tensor) {
    uint64_t at[2];
    if (two_numbers(tensor, "data_offsets", at) && at[1] > want) want = at[1];
  }
  if (f->data_size == want) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%.300s: %s: %zu bytes of data, its header says %llu",
                  f->path, f->data_size < want ? "truncated" : "too long", f->data_size,
                  (unsigned long long)want);
}

static sac_status check_tensor(const sac_safetensors *f, const char *name, const json_t *tensor,
                               uint64_t *end, sac_error *err) {
  entry e;
  char key[KEY_SIZE], right[SAC_CHECKSUM_HEX + 1];
  if (strlen(name) >= sizeof((sac_tensor *)0)->name || !parse_entry(f, tensor, &e) ||
      e.begin != *end)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: damaged: the header's tensor %.64s", f->path,
                    name);
  *end = e.end;
  checksum_key(name, key);
  sac_checksum_text(f->data + e.begin, (size_t)(e.end - e.begin), right);
  const char *found = json_string_value(json_object_get(f->metas, key));
  if (!found || strcmp(found, right) != 0)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: damaged: tensor %.64s (checksum)", f->path, name);
  return SAC_OK;
}

static sac_status check_file(sac_safetensors *f, sac_error *err) {
  const char *name;
  json_t *tensor;
  uint64_t end = 0;
  SAC_TRY(check_header(f, err));
  SAC_TRY(parse_header(f, err));
  SAC_TRY(check_length(f, err));
  json_object_foreach(f->root, name, tensor) {
    if (tensor != f->metas) SAC_TRY(check_tensor(f, name, tensor, &end, err));
  }
  return SAC_OK;
}

static int is_own(const sac_safetensors *f) {
  return f->size >= LENGTH_SIZE + FIRST_END &&
         memcmp(f->bytes + LENGTH_SIZE, FIRST, DIGITS_AT) == 0;
}

static sac_status check_foreign(sac_safetensors *f, sac_error *err) {
  f->foreign = 1;
  SAC_TRY(check_foreign_header(f, err));
  SAC_TRY(parse_header(f, err));
  return check_length(f, err);
}

static sac_status open_file(const char *path, int any, sac_safetensors **out, sac_error *err) {
  sac_safetensors *const f = calloc(1, sizeof *f + strlen(path) + 1);
  if (!f) return sac_fail(err, SAC_ERR_NOMEM, "%.300s: no memory to read it", path);
  f->path = strcpy((char *)(f + 1), path);
  sac_status status = sac_file_read(path, &f->bytes, &f->size, err);
  if (status == SAC_OK) status = any && !is_own(f) ? check_foreign(f, err) : check_file(f, err);
  if (status == SAC_OK)
    *out = f;
  else
    sac_safetensors_close(f);
  return status;
}

sac_status sac_safetensors_open(const char *path, sac_safetensors **out, sac_error *err) {
  return open_file(path, 0, out, err);
}

sac_status sac_safetensors_open_any(const char *path, sac_safetensors **out, sac_error *err) {
  return open_file(path, 1, out, err);
}

void sac_safetensors_close(sac_safetensors *f) {
  if (!f) return;
  json_decref(f->root);
  free(f->bytes);
  free(f);
}

/* --- reading --------------------------------------------------------------------------------- */

static sac_status find_same(const sac_safetensors *f, const sac_tensor *t, entry *e,
                            sac_error *err) {
  SAC_TRY(find(f, t->name, e, err));
  if (e->dtype == t->dtype && e->rows == t->rows && e->cols == t->cols) return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT,
                  "%.300s: tensor %.64s is %s [%zu, %zu], must be %s [%zu, %zu]", f->path, t->name,
                  dtypes[e->dtype].name, e->rows, e->cols, dtypes[t->dtype].name, t->rows, t->cols);
}

sac_status sac_safetensors_check(const sac_safetensors *f, const sac_tensor *t, sac_error *err) {
  entry e;
  return find_same(f, t, &e, err);
}

sac_status sac_safetensors_read(const sac_safetensors *f, sac_tensor *t, sac_error *err) {
  entry e = {0};
  SAC_TRY(find_same(f, t, &e, err));
  const size_t size = dtypes[t->dtype].size, row = t->cols * size;
  for (size_t i = 0; i < t->rows && row > 0; i++)
    memcpy((char *)t->data + i * t->stride * size, f->data + e.begin + i * row, row);
  return SAC_OK;
}

sac_status sac_safetensors_shape(const sac_safetensors *f, const char *name, size_t *rows,
                                 size_t *cols, sac_error *err) {
  entry e = {0};
  SAC_TRY(find(f, name, &e, err));
  *rows = e.rows;
  *cols = e.cols;
  return SAC_OK;
}

sac_status sac_safetensors_view(const sac_safetensors *f, const char *name, sac_tensor_view *view,
                                sac_error *err) {
  entry e = {0};
  SAC_TRY(find(f, name, &e, err));
  *view = (sac_tensor_view){e.dtype, e.rows, e.cols, f->data + e.begin};
  return SAC_OK;
}

sac_status sac_safetensors_meta(const sac_safetensors *f, const char *key, const char **value,
                                sac_error *err) {
  const char *found = json_string_value(json_object_get(f->metas, key));
  if (!found)
    return sac_fail(err, SAC_ERR_FORMAT, "%.300s: its metadata have no %.64s", f->path, key);
  *value = found;
  return SAC_OK;
}
