#include "check.h"

#include "sac/options.h"

#include <string.h>

struct options {
  double gamma;
  int64_t batch, seed;
  int init;
  sac_widths hidden;
  sac_text file;
};

enum { GAMMA, BATCH, SEED, INIT, HIDDEN, FILE_NAME, COUNT };

static const sac_option table[COUNT] = {
    {"gamma", SAC_OPTION_REAL, offsetof(struct options, gamma), "0.99", 0, 1, NULL, "discount"},
    {"batch", SAC_OPTION_INT, offsetof(struct options, batch), "256", 1, 65536, NULL, "rows"},
    {"seed", SAC_OPTION_INT, offsetof(struct options, seed), "1", 0, 9007199254740991.0, NULL,
     "seed"},
    {"init", SAC_OPTION_CHOICE, offsetof(struct options, init), "lecun", 0, 0, "lecun|torch|glorot",
     "weights"},
    {"hidden", SAC_OPTION_WIDTHS, offsetof(struct options, hidden), "256,256", 0, 0, NULL,
     "widths"},
    {"file", SAC_OPTION_TEXT, offsetof(struct options, file), "", 0, 0, NULL, "a file"},
};

static struct options defaults(void) {
  struct options o;
  memset(&o, 0, sizeof o);
  sac_option_defaults(table, COUNT, &o);
  return o;
}

static void defaults_are_the_tables(void **state) {
  (void)state;
  const struct options o = defaults();
  sac_error err;
  assert_true(o.gamma == 0.99);
  assert_int_equal(o.batch, 256);
  assert_int_equal(o.seed, 1);
  assert_int_equal(o.init, 0);
  assert_int_equal(o.hidden.count, 2);
  assert_int_equal(o.hidden.width[0], 256);
  assert_int_equal(o.hidden.width[1], 256);
  assert_string_equal(o.file.at, "");
  assert_ok(sac_option_check(table, COUNT, &o, &err), err);
}

static void legal_text_is_taken_ends_included(void **state) {
  (void)state;
  const struct {
    int row;
    const char *text, *back;
  } cases[] = {{GAMMA, "0", "0"},
               {GAMMA, "1", "1"},
               {GAMMA, "1e-3", "0.001"},
               {BATCH, "1", "1"},
               {BATCH, "65536", "65536"},
               {BATCH, "1e3", "1000"},
               {SEED, "9007199254740991", "9007199254740991"},
               {INIT, "glorot", "glorot"},
               {FILE_NAME, "a b=c", "a b=c"},
               {FILE_NAME, "", ""},
               {HIDDEN, "1", "1"},
               {HIDDEN, "16384,2,3,4,5,6,7,8", "16384,2,3,4,5,6,7,8"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct options o = defaults();
    sac_error err;
    char text[128];
    const sac_option *row = &table[cases[i].row];
    assert_ok(sac_option_set(table, COUNT, &o, row->name, cases[i].text, &err), err);
    sac_option_get(row, &o, text, sizeof text);
    assert_string_equal(text, cases[i].back);
    assert_ok(sac_option_check(table, COUNT, &o, &err), err);
  }
}

static void bad_text_is_refused_with_the_reason(void **state) {
  (void)state;
  const struct {
    const char *name, *text, *message;
  } cases[] = {
      {"gamma", "1.5", "option gamma = 1.5: must be in [0, 1]"},
      {"gamma", "-1e-9", "option gamma = -1e-9: must be in [0, 1]"},
      {"gamma", "nan", "option gamma = nan: must be in [0, 1]"},
      {"gamma", "x", "option gamma = x: must be in [0, 1]"},
      {"gamma", "", "option gamma = (empty): must be in [0, 1]"},
      {"batch", "abc", "option batch = abc: must be an integer in [1, 65536]"},
      {"batch", "0", "option batch = 0: must be an integer in [1, 65536]"},
      {"batch", "1.5", "option batch = 1.5: must be an integer in [1, 65536]"},
      {"batch", "1e30", "option batch = 1e30: must be an integer in [1, 65536]"},
      {"seed", "9007199254740992",
       "option seed = 9007199254740992: must be an integer in [0, 9007199254740991]"},
      {"init", "foo", "option init = foo: must be one of lecun, torch, glorot"},
      {"init", "lec", "option init = lec: must be one of lecun, torch, glorot"},
      {"init", "lecunx", "option init = lecunx: must be one of lecun, torch, glorot"},
      {"init", "0", "option init = 0: must be one of lecun, torch, glorot"},
      {"hidden", "256,",
       "option hidden = 256,: must be 1 to 8 widths in [1, 16384], such as 256,256"},
      {"hidden", "0", "option hidden = 0: must be 1 to 8 widths in [1, 16384], such as 256,256"},
      {"hidden", "16385",
       "option hidden = 16385: must be 1 to 8 widths in [1, 16384], such as 256,256"},
      {"hidden", "1,1,1,1,1,1,1,1,1",
       "option hidden = 1,1,1,1,1,1,1,1,1: must be 1 to 8 widths in [1, 16384], such as 256,256"},
      {"hidden", "00000000000000256",
       "option hidden = 00000000000000256: must be 1 to 8 widths in [1, 16384], such as 256,256"},
      {"gama", "0.5", "unknown option 'gama': did you mean gamma"},
      {"zzzzzzzzzz", "1", "unknown option 'zzzzzzzzzz'; none is near"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct options o = defaults();
    const struct options before = o;
    sac_error err;
    assert_int_equal(sac_option_set(table, COUNT, &o, cases[i].name, cases[i].text, &err),
                     SAC_ERR_ARG);
    assert_string_equal(err.msg, cases[i].message);
    assert_memory_equal(&o, &before, sizeof o);
  }
}

/* A struct that was filled by hand has not passed through sac_option_set. */
static void check_sees_every_kind(void **state) {
  (void)state;
  sac_error err;
  struct options o = defaults();
  o.gamma = nan("");
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "option gamma = nan: must be in [0, 1]");
  o = defaults();
  o.batch = 0;
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "option batch = 0: must be an integer in [1, 65536]");
  o = defaults();
  o.init = 3;
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  assert_string_equal(err.msg, "option init = 3: must be one of lecun, torch, glorot");
  o.init = -1;
  assert_int_equal(sac_option_check(table, COUNT, &o, NULL), SAC_ERR_ARG);
  o = defaults();
  o.hidden.count = 9;
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  o.hidden.count = 0;
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  o = defaults();
  o.hidden.width[1] = 0;
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
  o = defaults();
  memset(o.file.at, 'x', sizeof o.file.at); // without an end
  assert_int_equal(sac_option_check(table, COUNT, &o, &err), SAC_ERR_ARG);
}

/* The longest text that fits, and one more. */
static void a_text_has_room_for_its_end(void **state) {
  (void)state;
  char longest[SAC_TEXT_MAX + 1], back[SAC_TEXT_MAX];
  struct options o = defaults();
  sac_error err;
  memset(longest, 'x', sizeof longest);
  longest[SAC_TEXT_MAX - 1] = '\0';
  assert_ok(sac_option_set(table, COUNT, &o, "file", longest, &err), err);
  sac_option_get(&table[FILE_NAME], &o, back, sizeof back);
  assert_string_equal(back, longest);
  longest[SAC_TEXT_MAX - 1] = 'x';
  longest[SAC_TEXT_MAX] = '\0';
  assert_int_equal(sac_option_set(table, COUNT, &o, "file", longest, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "must be shorter than 1024 bytes"));
}

static void get_writes_what_set_reads(void **state) {
  (void)state;
  struct options o = defaults();
  sac_error err;
  char text[128];
  o.gamma = 1.0 / 3.0;
  sac_option_get(&table[GAMMA], &o, text, sizeof text);
  struct options back = defaults();
  assert_ok(sac_option_set(table, COUNT, &back, "gamma", text, &err), err);
  assert_memory_equal(&back.gamma, &o.gamma, sizeof o.gamma);
  char tiny[4];
  sac_option_get(&table[GAMMA], &o, tiny, sizeof tiny);
  assert_string_equal(tiny, "0.3"); // cut, but terminated
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_the_tables),
      cmocka_unit_test(legal_text_is_taken_ends_included),
      cmocka_unit_test(bad_text_is_refused_with_the_reason),
      cmocka_unit_test(check_sees_every_kind),
      cmocka_unit_test(a_text_has_room_for_its_end),
      cmocka_unit_test(get_writes_what_set_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
