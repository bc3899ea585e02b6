#define _POSIX_C_SOURCE 200809L // mkdtemp
#include "scratch.h"

#include "base/checksum.h"
#include "base/file.h"
#include "base/safetensors.h"

static char dir[SCRATCH_PATH];

static int setup(void **state) {
  (void)state;
  scratch_make(dir);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  scratch_remove(dir);
  return 0;
}

/* --- a file with some of everything ---------------------------------------------------------- */

enum { ROWS = 3, COLS = 5, STRIDE = 8 };

struct content {
  uint32_t f32[ROWS]
              [STRIDE]; // bit patterns of floats; the columns from COLS on are not the tensor's
  uint64_t f64[1][2];
  uint8_t u8[7][1];
  uint64_t u64[2][2];
};

static struct content example(void) {
  struct content c;
  memset(&c, 0x5a, sizeof c);
  for (int i = 0; i < ROWS; i++)
    for (int j = 0; j < COLS; j++) c.f32[i][j] = 0x3f800000u + (uint32_t)(100 * i + j);
  c.f32[0][0] = 0x7fc12345u; // NaNs with a payload, quiet and signalling; -0; the least number
  c.f32[0][1] = 0xff812345u;
  c.f32[1][2] = 0x80000000u;
  c.f32[2][4] = 0x00000001u;
  c.f64[0][0] = 0x7ff0000000000123u;
  c.f64[0][1] = 0x8000000000000000u;
  c.u64[1][1] = UINT64_MAX;
  return c;
}

enum { TENSORS = 5, METAS = 2 };

static void tensors_of(struct content *c, sac_tensor out[TENSORS]) {
  const sac_tensor all[TENSORS] = {{"net.0.weight", SAC_F32, ROWS, COLS, STRIDE, c->f32},
                                   {"moments", SAC_F64, 1, 2, 2, c->f64},
                                   {"bytes", SAC_U8, 7, 1, 1, c->u8},
                                   {"nothing", SAC_F32, 0, 4, 4, NULL},
                                   {"counts", SAC_U64, 2, 2, 2, c->u64}};
  memcpy(out, all, sizeof all);
}

static const sac_meta metas[METAS] = {{"task", "Pendulum-v1"}, {"note", "a \"quote\", \xc3\xa9\n"}};

static void write_example(const char *path) {
  struct content c = example();
  sac_tensor tensors[TENSORS];
  sac_error err;
  tensors_of(&c, tensors);
  assert_ok(sac_safetensors_write(path, tensors, TENSORS, metas, METAS, &err), err);
}

static void bits_come_back(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  const struct content want = example();
  struct content got;
  sac_tensor tensors[TENSORS];
  sac_safetensors *file = NULL;
  const char *value;
  size_t rows, cols;
  sac_error err;
  write_example(path);
  memset(&got, 0x5a, sizeof got); // as the gaps between the rows in example()
  tensors_of(&got, tensors);
  assert_ok(sac_safetensors_open(path, &file, &err), err);
  for (int i = TENSORS - 1; i >= 0; i--) // in any order
    assert_ok(sac_safetensors_read(file, &tensors[i], &err), err);
  assert_memory_equal(&got, &want, sizeof want);
  for (int i = 0; i < METAS; i++) {
    assert_ok(sac_safetensors_meta(file, metas[i].key, &value, &err), err);
    assert_string_equal(value, metas[i].value);
  }
  assert_ok(sac_safetensors_shape(file, "net.0.weight", &rows, &cols, &err), err);
  assert_int_equal(rows, ROWS);
  assert_int_equal(cols, COLS);
  assert_ok(sac_safetensors_check(file, &tensors[0], &err), err);
  sac_safetensors_close(file);
}

/* The format, byte by byte: 8 bytes of length, the header with its spaces, the data. The two
 * checksums were computed by xxhsum 0.8.1, `xxhsum -H2`, of the four data bytes and of the header
 * with zeros. */
static void the_bytes_are_the_documented_ones(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  uint32_t one = 0x3f800000u;
  const sac_tensor tensor = {"x", SAC_F32, 1, 1, 1, &one};
  const sac_meta meta = {"k", "v"};
  char *data = NULL;
  size_t size = 0;
  sac_error err;
  assert_ok(sac_safetensors_write(path, &tensor, 1, &meta, 1, &err), err);
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  const char header[] =
      "{\"__metadata__\":{\"xxh3\":\"8361fbb8890ffc7ee032d1b4ce59ab49\",\"k\":\"v\","
      "\"xxh3.x\":\"e6f9acca6893caeb591ef4e963e120d4\"},"
      "\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}} ";
  assert_int_equal((sizeof header - 1) % 8, 0);
  assert_int_equal(size, 8 + sizeof header - 1 + 4);
  const unsigned char length[8] = {sizeof header - 1};
  assert_memory_equal(data, length, 8);
  assert_memory_equal(data + 8, header, sizeof header - 1);
  assert_memory_equal(data + size - 4, "\x00\x00\x80\x3f", 4);
  free(data);
}

static void the_same_tensors_give_the_same_bytes(void **state) {
  (void)state;
  char *a = NULL, *b = NULL;
  size_t a_size = 0, b_size = 0;
  sac_error err;
  write_example(scratch_path(dir, "a"));
  write_example(scratch_path(dir, "b"));
  assert_ok(sac_file_read(scratch_path(dir, "a"), &a, &a_size, &err), err);
  assert_ok(sac_file_read(scratch_path(dir, "b"), &b, &b_size, &err), err);
  assert_int_equal(a_size, b_size);
  assert_memory_equal(a, b, a_size);
  free(a);
  free(b);
}

/* --- damage ---------------------------------------------------------------------------------- */

static void assert_refused(const char *path, const char *data, size_t size, const char *how,
                           size_t where) {
  sac_safetensors *file = NULL;
  sac_error err;
  scratch_write(path, data, size);
  const sac_status status = sac_safetensors_open(path, &file, &err);
  if (status != SAC_ERR_FORMAT || file) fail_msg("%s at %zu: status %d", how, where, status);
  if (strncmp(err.msg, path, strlen(path)) != 0) fail_msg("%s at %zu: %s", how, where, err.msg);
}

/* Each bit of each byte: a checksum covers the header and every tensor, and the length before the
 * header decides where both lie. */
static void every_flipped_bit_is_found(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  char *data = NULL;
  size_t size = 0;
  sac_error err;
  write_example(path);
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  for (size_t i = 0; i < size; i++)
    for (int bit = 0; bit < 8; bit++) {
      data[i] = (char)(data[i] ^ (1 << bit));
      assert_refused(path, data, size, "a flipped bit", i);
      data[i] = (char)(data[i] ^ (1 << bit));
    }
  free(data);
}

static void every_truncation_is_found(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  char *data = NULL;
  size_t size = 0;
  sac_error err;
  write_example(path);
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  for (size_t shorter = 0; shorter < size; shorter++)
    assert_refused(path, data, shorter, "truncated", shorter);
  // the block that sac_file_read gives has a zero after its end
  assert_refused(path, data, size + 1, "one byte more", size);
  free(data);
}

static void the_message_says_what_is_damaged(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  char *data = NULL, message[2 * SCRATCH_PATH];
  size_t size = 0;
  sac_safetensors *file = NULL;
  sac_error err;
  write_example(path);
  assert_ok(sac_file_read(path, &data, &size, &err), err);
  data[size - 1] ^= 1;
  scratch_write(path, data, size);
  assert_int_equal(sac_safetensors_open(path, &file, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: damaged: tensor counts (checksum)", path);
  assert_string_equal(err.msg, message);
  data[size - 1] ^= 1;
  scratch_write(path, data, size - 10);
  assert_int_equal(sac_safetensors_open(path, &file, &err), SAC_ERR_FORMAT);
  // 3*5*4 + 2*8 + 7 + 4*8 = 115 bytes of data
  snprintf(message, sizeof message, "%s: truncated: 105 bytes of data, its header says 115", path);
  assert_string_equal(err.msg, message);
  data[60] ^= 1;
  scratch_write(path, data, size);
  assert_int_equal(sac_safetensors_open(path, &file, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: damaged: the header (checksum)", path);
  assert_string_equal(err.msg, message);
  scratch_write(path, "Garbage", 7);
  assert_int_equal(sac_safetensors_open(path, &file, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: not a file of libsac, or damaged at its beginning", path);
  assert_string_equal(err.msg, message);
  assert_int_equal(sac_safetensors_open(scratch_path(dir, "none"), &file, &err), SAC_ERR_IO);
  assert_null(file);
  free(data);
}

/* --- files whose checksums are right and whose header is not --------------------------------- */

/* A file with this header, whose own checksum is put in place, and `data_size` zero bytes. */
static void write_forged(const char *path, const char *json, size_t data_size) {
  char bytes[2048] = {0}, digits[SAC_CHECKSUM_HEX + 1];
  const uint64_t length = strlen(json);
  assert_true(8 + length + data_size < sizeof bytes);
  memcpy(bytes, &length, 8);
  memcpy(bytes + 8, json, length);
  sac_checksum_text(json, length, digits);
  memcpy(bytes + 8 + strlen("{\"__metadata__\":{\"xxh3\":\""), digits, SAC_CHECKSUM_HEX);
  scratch_write(path, bytes, 8 + length + data_size);
}

#define HEAD "{\"__metadata__\":{\"xxh3\":\"00000000000000000000000000000000\""

/* The header with this description of "x", and the checksum of x's eight zero bytes. */
static sac_status open_forged(const char *description, sac_safetensors **file, sac_error *err) {
  const char *path = scratch_path(dir, "file");
  char header[512], digits[SAC_CHECKSUM_HEX + 1];
  const char zeros[8] = {0};
  sac_checksum_text(zeros, sizeof zeros, digits);
  snprintf(header, sizeof header, HEAD ",\"xxh3.x\":\"%s\"}%s}", digits, description);
  write_forged(path, header, sizeof zeros);
  return sac_safetensors_open(path, file, err);
}

/* No header, however wrong, may lead outside the file or into an overflow: each is refused for what
 * it says, before the checksum of the tensor is looked at. */
static void inconsistent_headers_are_refused(void **state) {
  (void)state;
  static const char *const descriptions[] = {
      "",                                                                  // no tensor
      ",\"x\":1",                                                          // no object
      ",\"x\":{}",                                                         // an empty one
      ",\"x\":{\"dtype\":\"F16\",\"shape\":[1,4],\"data_offsets\":[0,8]}", // kind
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,8]}", // size
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}",   // rank
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[-1,-2],\"data_offsets\":[0,8]}",
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,0]}",
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,9223372036854775807]}",
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[4,8]}", // a hole before it
      // 2^62 + 2 rows of 4 bytes are 8 bytes modulo 2^64
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[4611686018427387906,1],\"data_offsets\":[0,8]}",
      ",\"x\":{\"dtype\":\"F32\",\"shape\":[1,4611686018427387906],\"data_offsets\":[0,8]}",
  };
  for (size_t i = 0; i < sizeof descriptions / sizeof *descriptions; i++) {
    sac_safetensors *file = NULL;
    sac_error err;
    if (open_forged(descriptions[i], &file, &err) != SAC_ERR_FORMAT ||
        strstr(err.msg, "(checksum)"))
      fail_msg("%s", descriptions[i]);
  }
}

/* The forged files are refused for what is wrong in them: without that they open. */
static void a_forged_header_that_is_right_opens(void **state) {
  (void)state;
  sac_safetensors *file = NULL;
  sac_error err;
  assert_ok(
      open_forged(",\"x\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}", &file, &err),
      err);
  sac_safetensors_close(file);
  // a tensor without a checksum is not believed
  assert_int_equal(
      open_forged(",\"y\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}", &file, &err),
      SAC_ERR_FORMAT);
  assert_non_null(strstr(err.msg, "damaged: tensor y (checksum)"));
}

/* --- the caller's mistakes ------------------------------------------------------------------- */

static void other_shapes_and_names_are_refused(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file"), *value = NULL;
  char message[2 * SCRATCH_PATH];
  float x[20] = {0};
  size_t rows, cols;
  sac_safetensors *file = NULL;
  sac_error err;
  write_example(path);
  assert_ok(sac_safetensors_open(path, &file, &err), err);
  sac_tensor t = {"net.0.weight", SAC_F32, 5, 3, 3, x};
  assert_int_equal(sac_safetensors_read(file, &t, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: tensor net.0.weight is F32 [3, 5], must be F32 [5, 3]",
           path);
  assert_string_equal(err.msg, message);
  t = (sac_tensor){"moments", SAC_U64, 1, 2, 2, x};
  assert_int_equal(sac_safetensors_check(file, &t, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: tensor moments is F64 [1, 2], must be U64 [1, 2]", path);
  assert_string_equal(err.msg, message);
  t = (sac_tensor){"net.1.weight", SAC_F32, 1, 1, 1, x};
  assert_int_equal(sac_safetensors_read(file, &t, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: there is no tensor net.1.weight", path);
  assert_string_equal(err.msg, message);
  assert_int_equal(sac_safetensors_shape(file, "__metadata__", &rows, &cols, &err), SAC_ERR_FORMAT);
  assert_int_equal(sac_safetensors_meta(file, "seed", &value, &err), SAC_ERR_FORMAT);
  snprintf(message, sizeof message, "%s: its metadata have no seed", path);
  assert_string_equal(err.msg, message);
  for (int i = 0; i < 20; i++) assert_true(x[i] == 0);
  assert_null(value);
  sac_safetensors_close(file);
  sac_safetensors_close(NULL);
}

static void what_cannot_be_a_header_is_not_written(void **state) {
  (void)state;
  const char *path = scratch_path(dir, "file");
  float x = 0;
  sac_error err;
  const sac_tensor twice[] = {{"x", SAC_F32, 1, 1, 1, &x}, {"x", SAC_F32, 1, 1, 1, &x}};
  assert_int_equal(sac_safetensors_write(path, twice, 2, NULL, 0, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "tensor or metadata xxh3.x: the name occurs twice");
  const sac_tensor reserved = {"__metadata__", SAC_F32, 1, 1, 1, &x};
  assert_int_equal(sac_safetensors_write(path, &reserved, 1, NULL, 0, &err), SAC_ERR_ARG);
  const sac_meta checksum = {"xxh3", "mine"}, latin1 = {"note", "\xe9"};
  assert_int_equal(sac_safetensors_write(path, twice, 1, &checksum, 1, &err), SAC_ERR_ARG);
  assert_int_equal(sac_safetensors_write(path, twice, 1, &latin1, 1, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "tensor or metadata note: not UTF-8, or no memory");
  assert_int_equal(scratch_count(dir), 0);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_SCRATCH(bits_come_back),
      IN_SCRATCH(the_bytes_are_the_documented_ones),
      IN_SCRATCH(the_same_tensors_give_the_same_bytes),
      IN_SCRATCH(every_flipped_bit_is_found),
      IN_SCRATCH(every_truncation_is_found),
      IN_SCRATCH(the_message_says_what_is_damaged),
      IN_SCRATCH(inconsistent_headers_are_refused),
      IN_SCRATCH(a_forged_header_that_is_right_opens),
      IN_SCRATCH(other_shapes_and_names_are_refused),
      IN_SCRATCH(what_cannot_be_a_header_is_not_written),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
