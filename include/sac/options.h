/* Options: one table per handle is the struct, its defaults, the range check, the command line, the
 * JSON in a run's folder and the documentation. */
#ifndef SAC_OPTIONS_H
#define SAC_OPTIONS_H

#include "sac/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SAC_WIDTHS_MAX 8
#define SAC_TEXT_MAX   1024 /* bytes of a text, its end included */

/* The widths of a network's hidden layers, first to last; written "256,256". */
typedef struct sac_widths {
  uint32_t count;                 /* 1 ... SAC_WIDTHS_MAX */
  uint32_t width[SAC_WIDTHS_MAX]; /* 1 ... 16384 each */
} sac_widths;

/* A file's name or other words; empty by default. */
typedef struct sac_text {
  char at[SAC_TEXT_MAX];
} sac_text;

typedef enum sac_option_kind {
  SAC_OPTION_REAL,   /* double */
  SAC_OPTION_INT,    /* int64_t */
  SAC_OPTION_CHOICE, /* int: the index of a word in `choices` */
  SAC_OPTION_WIDTHS, /* sac_widths */
  SAC_OPTION_TEXT    /* sac_text */
} sac_option_kind;

/* One row of an options table. */
typedef struct sac_option {
  const char *name;
  sac_option_kind kind;
  size_t offset;       /* of the field in its struct */
  const char *def;     /* the default, as one would write it */
  double low, high;    /* legal range of REAL and INT, ends included */
  const char *choices; /* "a|b|c" for CHOICE, else NULL */
  const char *help;    /* what it does, and its source */
} sac_option;

/* Set the field `name` of *options from text. Errors (SAC_ERR_ARG; *options untouched): an unknown
 * name with the nearest ones, text of the wrong kind, a value out of range with the range. */
SAC_API sac_status sac_option_set(const sac_option table[], size_t count, void *options,
                                  const char *name, const char *text, sac_error *err);

/* Write the field's value as sac_option_set reads it, exactly (%.17g at need), into text (size
 * bytes, always terminated; 128 are enough, SAC_TEXT_MAX for a TEXT). */
SAC_API void sac_option_get(const sac_option *row, const void *options, char *text, size_t size);

/* Fill *options with the defaults; *options must be large enough for every row. */
SAC_API void sac_option_defaults(const sac_option table[], size_t count, void *options);

/* Check every row's range, NaN included. */
SAC_API sac_status sac_option_check(const sac_option table[], size_t count, const void *options,
                                    sac_error *err);

/* Did you mean: write up to three of names[count] that are nearest to `word`, as "a, b, c", into
 * text (size bytes, always terminated): by Levenshtein distance without regard to case, a prefix
 * counting as near; "" if none is close. */
SAC_API void sac_nearest(const char *word, const char *const names[], size_t count, char *text,
                         size_t size);

#ifdef __cplusplus
}
#endif
#endif
