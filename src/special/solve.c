#include "special/solve.h"

#include <math.h>

/* Newton's point, kept in the bracket; the middle if it is not a number or Newton has stopped to
 * converge (far out a slope may be nothing but rounding). While an end is not known no step is
 * longer than y itself, so that an overshoot is cheap to come back from. */
static double next_point(double y, double gap, double slope, double low, double high, int slow) {
  const double newton = y - gap / slope;
  if (!isinf(low) && !isinf(high))
    return newton > low && newton < high && !slow ? newton : 0.5 * (low + high);
  const double reach = fmax(1.0, fabs(y));
  if (newton > low && newton < high) return fmin(fmax(newton, y - reach), y + reach);
  return isinf(high) ? y + reach : y - reach;
}

double sac_solve_tail(sac_tail *tail, const void *context, int rising, double target, double low,
                      double high, double y) {
  double last_gap = HUGE_VAL, last_step = HUGE_VAL;
  for (int k = 0; k < 200; k++) {
    double value, slope;
    tail(context, y, &value, &slope);
    const double gap = value - target, size = fabs(gap);
    if (gap == 0.0) break;
    if (size < 0.1 && size < 2.3e-16 * fabs(y * slope)) break; /* less than y's last bit */
    if ((gap > 0.0) == (rising != 0)) {
      high = y;
    } else {
      low = y;
    }
    const int slow = !(size < 0.5 * last_gap) && size > 1e-9;
    const double next = next_point(y, gap, slope, low, high, slow);
    const double step = fabs(next - y);
    if (size < 0.1 && step <= 1e-14 * fabs(y) && step >= last_step) break; /* rounding moves it */
    y = next;
    last_gap = size;
    last_step = step;
  }
  return y;
}
