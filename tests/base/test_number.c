#define _POSIX_C_SOURCE 200809L // setenv
#include "scratch.h"

#include "base/number.h"
#include "sac/random.h"

#include <locale.h>
#include <string.h>

static int same_bits(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

static void real_text_is_what_one_would_write(void **state) {
  (void)state;
  const struct {
    double value;
    const char *text;
  } cases[] = {{0.99, "0.99"},
               {3e-4, "0.0003"},
               {1e-8, "1e-8"},
               {256, "256"},
               {1e6, "1000000"},
               {1e22, "1e22"},
               {-20, "-20"},
               {0.1 + 0.2, "0.30000000000000004"},
               {0.1 + 0.7, "0.7999999999999999"},
               {0, "0"},
               {-0.0, "-0"},
               {5e-324, "5e-324"},
               {1.5, "1.5"},
               {nan(""), "nan"},
               {HUGE_VAL, "inf"},
               {-HUGE_VAL, "-inf"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[SAC_NUMBER_TEXT];
    sac_real_text(cases[i].value, text, sizeof text);
    assert_string_equal(text, cases[i].text);
  }
}

/* Random bit patterns reach every exponent; the definition of the function is that bits come back.
 */
static void real_text_reads_back_to_the_same_bits(void **state) {
  (void)state;
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  for (int i = 0; i < 20000; i++) {
    const uint64_t bits = sac_stream_u64(&stream);
    double value, back;
    char text[SAC_NUMBER_TEXT];
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value)) continue;
    if (i % 2) value = (double)(int64_t)bits / 1000.0; // the plain notation's range too
    sac_real_text(value, text, sizeof text);
    assert_true(strlen(text) < SAC_NUMBER_TEXT - 1);
    assert_true(sac_real_parse(text, &back));
    if (!same_bits(value, back)) fail_msg("%.17g written as %s", value, text);
  }
}

static void real_parse_takes_decimal_numbers_only(void **state) {
  (void)state;
  const char *const refused[] = {"",      " 1",   "1 ", "abc", "0x10", "1e",   "--1",     "1,5",
                                 "1.5.2", "nano", "-",  "+",   "e5",   "1e5x", "infinite"};
  double value = 7;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (sac_real_parse(refused[i], &value)) fail_msg("\"%s\" was taken", refused[i]);
  assert_true(value == 7);
  assert_true(sac_real_parse("+.5e-1", &value) && value == 0.05);
  assert_true(sac_real_parse("-inf", &value) && value == -HUGE_VAL);
  assert_true(sac_real_parse("nan", &value) && isnan(value));
  assert_true(sac_real_parse("1e999", &value) && value == HUGE_VAL);
}

static void int_parse_is_exact(void **state) {
  (void)state;
  const struct {
    const char *text;
    int64_t value;
  } cases[] = {{"0", 0},
               {"-0", 0},
               {"+12", 12},
               {"007", 7},
               {"1e6", 1000000},
               {"1E+3", 1000},
               {"2.5e3", 2500},
               {".5e1", 5},
               {"0.5e1", 5},
               {"100e-2", 1},
               {"5.", 5},
               {"5.000", 5},
               {"0e99999999999", 0},
               {"0.000e-5", 0},
               {"9007199254740993", 9007199254740993}, // 2^53 + 1: a double would lose it
               {"9223372036854775807", INT64_MAX},
               {"-9223372036854775808", INT64_MIN},
               {"9.223372036854775807e18", INT64_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = -1;
    if (!sac_int_parse(cases[i].text, &value)) fail_msg("\"%s\" was refused", cases[i].text);
    assert_int_equal(value, cases[i].value);
  }
}

static void int_parse_refuses_the_rest(void **state) {
  (void)state;
  const char *const refused[] = {"",
                                 "-",
                                 ".",
                                 "1.5",
                                 "1e-1",
                                 "15e-2",
                                 "9223372036854775808",
                                 "-9223372036854775809",
                                 "1e19",
                                 "1e99999999999",
                                 "1e",
                                 "1e+",
                                 "0x10",
                                 " 1",
                                 "1 ",
                                 "1..0",
                                 "1.0.0",
                                 "e3",
                                 "nan",
                                 "1e3.0",
                                 "12a"};
  int64_t value = 7;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (sac_int_parse(refused[i], &value)) fail_msg("\"%s\" was taken", refused[i]);
  assert_int_equal(value, 7);
}

/* A program in a locale whose decimal point is a comma still reads and writes points. The locale is
 * made here, since a minimal system has none but C. */
static void the_programs_locale_does_not_matter(void **state) {
  (void)state;
  char dir[SCRATCH_PATH], command[3 * SCRATCH_PATH], text[SAC_NUMBER_TEXT], plain[SAC_NUMBER_TEXT];
  double value = 0;
  scratch_make(dir);
  snprintf(command, sizeof command, "localedef -f UTF-8 -i de_DE %s/de_DE.UTF-8 >%s/log 2>&1", dir,
           dir);
  const int made = system(command) == 0 && setenv("LOCPATH", dir, 1) == 0;
  const int found = made && setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
  snprintf(plain, sizeof plain, "%.1f", 0.5);
  const int parsed = sac_real_parse("0.5", &value);
  sac_real_text(0.5, text, sizeof text);
  setlocale(LC_ALL, "C");
  unsetenv("LOCPATH");
  scratch_remove(dir);
  if (!found) skip();                // no localedef, or no sources of locales
  assert_string_equal(plain, "0,5"); // printf follows the locale, or the test says nothing
  assert_true(parsed && value == 0.5);
  assert_string_equal(text, "0.5");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(real_text_is_what_one_would_write),
      cmocka_unit_test(real_text_reads_back_to_the_same_bits),
      cmocka_unit_test(real_parse_takes_decimal_numbers_only),
      cmocka_unit_test(int_parse_is_exact),
      cmocka_unit_test(int_parse_refuses_the_rest),
      cmocka_unit_test(the_programs_locale_does_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
