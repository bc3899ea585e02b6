#include "check.h"

#include "base/nearest.h"

#include <string.h>

static const char *const names[] = {"gamma",          "tau",      "batch",      "lr_actor",
                                    "lr_critic",      "lr_alpha", "adam_beta1", "adam_beta2",
                                    "HalfCheetah-v5", "Hopper-v5"};
enum { COUNT = sizeof names / sizeof *names };

static const char *nearest(const char *word) {
  static char text[200];
  sac_nearest(word, names, COUNT, text, sizeof text);
  return text;
}

/* Distances by hand. A word of n letters may be off by 2 + n/4: gama -> gamma inserts 1, gama ->
 * tau takes 3; btach -> batch changes 2, btach -> tau takes 3; adam_beta3 -> adam_beta1 and 2
 * change 1, in the table's order; a prefix counts 1, whatever is missing. */
static void a_misspelt_name_finds_its_neighbours(void **state) {
  (void)state;
  assert_string_equal(nearest("gama"), "gamma, tau");
  assert_string_equal(nearest("GAMMA"), "gamma");
  assert_string_equal(nearest("btach"), "batch, tau");
  assert_string_equal(nearest("adam_beta3"), "adam_beta1, adam_beta2");
  assert_string_equal(nearest("half"), "HalfCheetah-v5, tau");
  assert_string_equal(nearest("hopper"), "Hopper-v5");
  assert_string_equal(nearest("lr_"), "lr_actor, lr_critic, lr_alpha");
}

static void the_nearest_come_first_and_three_at_most(void **state) {
  (void)state;
  const char *const words[] = {"abcd", "abxy", "abcx", "abce", "abcf", "abc"};
  char text[200];
  sac_nearest("abcd", words, 6, text, sizeof text);
  // distances 0 (as a prefix of itself: 1), 2, 1, 1, 1, 1: the first three of those with 1
  assert_string_equal(text, "abcd, abcx, abce");
}

static void nothing_close_gives_nothing(void **state) {
  (void)state;
  assert_string_equal(nearest("temperature"), "");
  char text[4] = "xyz";
  sac_nearest("gama", names, 0, text, sizeof text);
  assert_string_equal(text, "");
}

static void the_text_is_cut_and_terminated(void **state) {
  (void)state;
  char text[8];
  memset(text, '#', sizeof text);
  sac_nearest("adam_beta3", names, COUNT, text, 7);
  assert_string_equal(text, "adam_b");
  assert_int_equal(text[7], '#');
  sac_nearest("gama", names, COUNT, text, 0); // no room at all
  assert_int_equal(text[0], 'a');
}

/* Words beyond any name's length are compared by their beginning, not past the function's room. */
static void a_very_long_word_is_harmless(void **state) {
  (void)state;
  char word[1000];
  memset(word, 'q', sizeof word);
  word[sizeof word - 1] = '\0';
  (void)nearest(word); // whatever it finds: AddressSanitizer watches
  assert_true(strlen(nearest("")) < 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_misspelt_name_finds_its_neighbours),
      cmocka_unit_test(the_nearest_come_first_and_three_at_most),
      cmocka_unit_test(nothing_close_gives_nothing),
      cmocka_unit_test(the_text_is_cut_and_terminated),
      cmocka_unit_test(a_very_long_word_is_harmless),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
