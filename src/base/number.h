/* Numbers as text, in the C locale whatever the program's locale is. */
#ifndef SAC_BASE_NUMBER_H
#define SAC_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum { SAC_NUMBER_TEXT = 32 }; /* characters that sac_real_text needs at most, the zero included */

/* The whole of `text` as a decimal number ("0.5", "3e-4", "inf", "nan"; no spaces, no hexadecimal),
 * rounded to nearest. Returns 1, or 0 with *value untouched. Threads: safe. */
int sac_real_parse(const char *text, double *value);

/* The whole of `text` as an integer, exactly: digits, with a point and an exponent if the value is
 * still whole ("1e6", "2.5e3"). Returns 1, or 0 with *value untouched: another kind of text, a
 * fraction, or beyond int64_t. Threads: safe. */
int sac_int_parse(const char *text, int64_t *value);

/* The fewest digits that read back to the same bits, plain from 1e-4 up to 1e16, else with an
 * exponent; "nan", "inf", "-inf". Always terminated; cut if size < SAC_NUMBER_TEXT. Threads: safe.
 */
void sac_real_text(double value, char *text, size_t size);

#endif
