/* What every test includes: cmocka, and a comparison in double that prints both values. */
#ifndef SAC_TESTS_CHECK_H
#define SAC_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* |got - want| <= atol + rtol |want|; cmocka 1.1's assert_float_equal casts to float. */
#define assert_close(got, want, atol, rtol)                                   \
  do {                                                                        \
    const double g_ = (double)(got), w_ = (double)(want);                     \
    if (!(fabs(g_ - w_) <= (atol) + (rtol)*fabs(w_)))                         \
      fail_msg("%s = %.17g, want %.17g, off by %.3g", #got, g_, w_, g_ - w_); \
  } while (0)

/* The call succeeds; if not, its message is the failure. */
#define assert_ok(call, err)                                    \
  do {                                                          \
    if ((call) != SAC_OK) fail_msg("%s: %s", #call, (err).msg); \
  } while (0)

#endif
