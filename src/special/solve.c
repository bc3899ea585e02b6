#include "special/solve.h"

#include <math.h>

double sac_solve_tail(sac_tail *tail, const void *context, int rising, double target, double low,
                      double high, double y) {
  double last = HUGE_VAL;
  for (int k = 0; k < 200; k++) {
    double value, slope;
    tail(context, y, &value, &slope);
    const double gap = value - target;
    if ((gap > 0.0) == (rising != 0)) {
      high = y;
    } else {
      low = y;
    }
    double next = y - gap / slope;
    if (!(next > low && next < high)) { /* outside, or not a number: halve, or reach out */
      if (isinf(low) || isinf(high)) {
        const double reach = fmax(1.0, fabs(y));
        next = isinf(high) && (gap > 0.0) != (rising != 0) ? y + reach : y - reach;
      } else {
        next = 0.5 * (low + high);
      }
    }
    const double step = fabs(next - y);
    y = next;
    if (gap == 0.0 || step <= 2.3e-16 * fabs(y)) break;
    if (step <= 1e-14 * fabs(y) && step >= last) break; /* rounding is all that moves it */
    last = step;
  }
  return y;
}
