/* Did you mean: the names nearest to a misspelt one. */
#ifndef SAC_BASE_NEAREST_H
#define SAC_BASE_NEAREST_H

#include <stddef.h>

/* Write up to three of names[count] that are nearest to `word`, as "a, b, c", into text (size bytes,
 * always terminated): by Levenshtein distance without regard to case, a prefix counting as near; ""
 * if none is close. */
void sac_nearest(const char *word, const char *const names[], size_t count, char *text, size_t size);

#endif
