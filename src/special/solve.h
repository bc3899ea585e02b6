/* Newton's method on the logarithm of a tail probability, guarded by a bracket. */
#ifndef SAC_SPECIAL_SOLVE_H
#define SAC_SPECIAL_SOLVE_H

/* The log of a tail at y and its derivative in y. */
typedef void sac_tail(const void *context, double y, double *log_tail, double *slope);

/* The y in [low, high] with log_tail(y) = target, starting from y; log_tail is monotone, rising if
 * `rising`. Ends where y no longer moves, after 200 steps at most. */
double sac_solve_tail(sac_tail *tail, const void *context, int rising, double target, double low,
                      double high, double y);

#endif
