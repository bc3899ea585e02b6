#include "base/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 64, SHOWN = 3 };

static int lower(char c) {
  return tolower((unsigned char)c);
}

static size_t min2(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Levenshtein distance of the first LONGEST characters, one row at a time. */
static size_t distance(const char *a, const char *b) {
  const size_t na = min2(strlen(a), LONGEST), nb = min2(strlen(b), LONGEST);
  size_t row[LONGEST + 1];
  for (size_t j = 0; j <= nb; j++) row[j] = j;
  for (size_t i = 1; i <= na; i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= nb; j++) {
      const size_t substitute = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      diagonal = row[j];
      row[j] = min2(substitute, 1 + min2(row[j], row[j - 1]));
    }
  }
  return row[nb];
}

static int is_prefix(const char *word, const char *name) {
  while (*word && lower(*word) == lower(*name)) word++, name++;
  return !*word;
}

void sac_nearest(const char *word, const char *const names[], size_t count, char *text,
                 size_t size) {
  const size_t close = 2 + strlen(word) / 4;
  size_t best[SHOWN], cost[SHOWN], kept = 0;
  for (size_t k = 0; k < count; k++) {
    const size_t d = is_prefix(word, names[k]) ? 1 : distance(word, names[k]);
    if (d > close) continue;
    size_t at = kept < SHOWN ? kept++ : SHOWN;
    for (; at > 0 && d < cost[at - 1]; at--)
      if (at < SHOWN) best[at] = best[at - 1], cost[at] = cost[at - 1];
    if (at < SHOWN) best[at] = k, cost[at] = d;
  }
  if (size) text[0] = '\0';
  for (size_t k = 0, used = 0; k < kept && used < size; k++)
    used += (size_t)snprintf(text + used, size - used, "%s%s", k ? ", " : "", names[best[k]]);
}

sac_status sac_fail_unknown(const char *what, const char *word, const char *const names[],
                            size_t count, const char *hint, sac_error *err) {
  char near[200];
  sac_nearest(word, names, count, near, sizeof near);
  return sac_fail(err, SAC_ERR_ARG, "unknown %s '%.100s'%s%s", what, word,
                  *near ? ": did you mean " : "; ", *near ? near : hint);
}
