#define _POSIX_C_SOURCE 200809L
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPONENT_CAP = 100000 }; /* far beyond what any int64_t needs, far below int's end */

/* This thread in the C locale, so that the decimal point is a point; give the result to leave_c. */
static locale_t enter_c(locale_t *c) {
  *c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
  return *c ? uselocale(*c) : (locale_t)0;
}

static void leave_c(locale_t c, locale_t before) {
  if (!c) return;
  uselocale(before);
  freelocale(c);
}

int sac_real_parse(const char *text, double *value) {
  const char first = text[text[0] == '-' || text[0] == '+'];
  const int number = (first >= '0' && first <= '9') || first == '.';
  const int word = first == 'i' || first == 'n'; /* inf, nan */
  if (!number && !word) return 0;
  if (number && strspn(text, "+-.0123456789eE") != strlen(text)) return 0;

  locale_t c, before = enter_c(&c);
  char *end;
  const double parsed = strtod(text, &end);
  leave_c(c, before);
  if (end == text || *end) return 0;
  *value = parsed;
  return 1;
}

/* The decimal exponent at *at: sign and digits to the end of the text. */
static int parse_exponent(const char *at, int *exponent) {
  const int negative = *at == '-';
  if (*at == '-' || *at == '+') at++;
  if (!*at) return 0;
  int e = 0;
  for (; *at; at++) {
    if (*at < '0' || *at > '9') return 0;
    if (e < EXPONENT_CAP) e = 10 * e + (*at - '0');
  }
  *exponent = negative ? -e : e;
  return 1;
}

/* One more decimal digit in front of a negative sum: the negative side reaches INT64_MIN. */
static int append_digit(int64_t *negated, int digit) {
  if (*negated < (INT64_MIN + digit) / 10) return 0;
  *negated = 10 * *negated - digit;
  return 1;
}

int sac_int_parse(const char *text, int64_t *value) {
  const int negative = *text == '-';
  const char *const mantissa = text + (*text == '-' || *text == '+');
  const char *const mantissa_end = mantissa + strspn(mantissa, "0123456789.");
  const char *const point = memchr(mantissa, '.', (size_t)(mantissa_end - mantissa));
  const size_t digits = (size_t)(mantissa_end - mantissa) - (point ? 1 : 0);
  if (digits == 0 || digits > EXPONENT_CAP) return 0;
  if (point && memchr(point + 1, '.', (size_t)(mantissa_end - point - 1))) return 0;
  int exponent = 0;
  if (*mantissa_end == 'e' || *mantissa_end == 'E') {
    if (!parse_exponent(mantissa_end + 1, &exponent)) return 0;
  } else if (*mantissa_end) {
    return 0;
  }

  // digits that stand left of the point once the exponent has moved it
  const int before_point = (int)(point ? point - mantissa : mantissa_end - mantissa);
  const int whole = before_point + exponent;
  int64_t sum = 0;
  int seen = 0;
  for (const char *at = mantissa; at < mantissa_end; at++) {
    if (*at == '.') continue;
    const int digit = *at - '0';
    if (seen++ < whole) {
      if (!append_digit(&sum, digit)) return 0;
    } else if (digit) {
      return 0; // a fraction
    }
  }
  for (; seen < whole && sum; seen++)
    if (!append_digit(&sum, 0)) return 0;
  if (!negative && sum == INT64_MIN) return 0;
  *value = negative ? sum : -sum;
  return 1;
}

/* The smallest number of significant digits whose "%.*e" reads back to `value`; text gets it. */
static int shortest(double value, char text[SAC_NUMBER_TEXT]) {
  for (int digits = 1; digits < 17; digits++) {
    snprintf(text, SAC_NUMBER_TEXT, "%.*e", digits - 1, value);
    if (strtod(text, NULL) == value) return digits;
  }
  snprintf(text, SAC_NUMBER_TEXT, "%.16e", value);
  return 17;
}

static void finite_text(double value, char text[SAC_NUMBER_TEXT]) {
  const int digits = shortest(value, text);
  char *const e = strchr(text, 'e');
  const int exponent = atoi(e + 1);
  if (exponent >= -4 && exponent < 16) {
    const int decimals = digits - 1 > exponent ? digits - 1 - exponent : 0;
    snprintf(text, SAC_NUMBER_TEXT, "%.*f", decimals, value);
  } else {
    sprintf(e + 1, "%d", exponent); // shorter than what stood there
  }
}

void sac_real_text(double value, char *text, size_t size) {
  char full[SAC_NUMBER_TEXT];
  if (isfinite(value)) {
    locale_t c, before = enter_c(&c);
    finite_text(value, full);
    leave_c(c, before);
  } else {
    strcpy(full, isnan(value) ? "nan" : value > 0 ? "inf" : "-inf");
  }
  snprintf(text, size, "%s", full);
}
