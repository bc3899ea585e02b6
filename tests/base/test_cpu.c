/* Which instruction set is taken, and what is said of a wrong word in SAC_ISA. */
#define _POSIX_C_SOURCE 200809L
#include "base/cpu.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>

static void set(const char *word) {
  assert_int_equal(word ? setenv("SAC_ISA", word, 1) : unsetenv("SAC_ISA"), 0);
}

/* A cap takes nothing better than itself; "generic" is everywhere. */
static void the_cap_is_kept(void **state) {
  (void)state;
  for (int cap = 0; cap < SAC_CPU_ISAS; cap++) {
    set(sac_cpu_isa_name((sac_cpu_isa)cap));
    assert_true(sac_cpu_best() <= (sac_cpu_isa)cap);
    if (sac_cpu_has((sac_cpu_isa)cap)) assert_int_equal(sac_cpu_best(), cap);
  }
  set("generic");
  assert_int_equal(sac_cpu_best(), SAC_CPU_GENERIC);
}

static void a_wrong_word_is_refused_with_the_legal_ones(void **state) {
  (void)state;
  sac_error err = {0};
  set("avx1024");
  assert_int_equal(sac_isa_check(&err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "SAC_ISA = avx1024"));
  assert_non_null(strstr(err.msg, "there are generic"));
  set("generic");
  assert_int_equal(sac_isa_check(&err), SAC_OK);
  set(NULL);
  assert_int_equal(sac_isa_check(&err), SAC_OK);
}

/* The sets of another kind of CPU are known by name, and refused: there is one on every machine. */
static void an_absent_set_is_refused_with_the_ones_there_are(void **state) {
  (void)state;
  size_t absent = 0;
  for (int isa = 0; isa < SAC_CPU_ISAS; isa++) {
    if (sac_cpu_has((sac_cpu_isa)isa)) continue;
    sac_error err = {0};
    set(sac_cpu_isa_name((sac_cpu_isa)isa));
    assert_int_equal(sac_isa_check(&err), SAC_ERR_ARG);
    assert_non_null(strstr(err.msg, "this CPU has not its instructions; there are generic"));
    absent++;
  }
  assert_true(absent >= 1);
  set(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_cap_is_kept),
      cmocka_unit_test(a_wrong_word_is_refused_with_the_legal_ones),
      cmocka_unit_test(an_absent_set_is_refused_with_the_ones_there_are),
  };
  return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
