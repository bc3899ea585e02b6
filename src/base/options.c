#define _POSIX_C_SOURCE 200809L
#include "sac/options.h"

#include "base/nearest.h"
#include "base/number.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEGAL_TEXT = 300, VALUE_TEXT = 128, WIDTH_MAX = 16384 };

/* A value of any kind, before it goes into the caller's struct. */
union value {
  double real;
  int64_t integer;
  int choice;
  sac_widths widths;
  sac_text text;
};

static size_t value_size(sac_option_kind kind) {
  switch (kind) {
  case SAC_OPTION_REAL:
    return sizeof(double);
  case SAC_OPTION_INT:
    return sizeof(int64_t);
  case SAC_OPTION_CHOICE:
    return sizeof(int);
  case SAC_OPTION_WIDTHS:
    return sizeof(sac_widths);
  case SAC_OPTION_TEXT:
    return sizeof(sac_text);
  }
  return 0;
}

static void load(const sac_option *row, const void *options, union value *value) {
  memcpy(value, (const char *)options + row->offset, value_size(row->kind));
}

static void store(const sac_option *row, void *options, const union value *value) {
  memcpy((char *)options + row->offset, value, value_size(row->kind));
}

/* --- choices "a|b|c" ------------------------------------------------------------------------- */

/* Word `index` of the choices: its beginning and length, or NULL past the last. */
static const char *choice_word(const char *choices, int index, size_t *length) {
  for (; index > 0 && choices; index--) {
    choices = strchr(choices, '|');
    if (choices) choices++;
  }
  if (choices) *length = strcspn(choices, "|");
  return choices;
}

static int choice_parse(const char *choices, const char *text, int *index) {
  const char *word;
  size_t length;
  for (int k = 0; (word = choice_word(choices, k, &length)) != NULL; k++) {
    if (strlen(text) != length || strncmp(word, text, length) != 0) continue;
    *index = k;
    return 1;
  }
  return 0;
}

/* --- widths "256,256" ------------------------------------------------------------------------ */

static int widths_parse(const char *text, sac_widths *widths) {
  sac_widths w = {0};
  for (const char *at = text;; at++) {
    char digits[8];
    const size_t length = strcspn(at, ",");
    if (length == 0 || length >= sizeof digits || w.count == SAC_WIDTHS_MAX) return 0;
    memcpy(digits, at, length);
    digits[length] = '\0';
    if (strspn(digits, "0123456789") != length) return 0;
    w.width[w.count++] = (uint32_t)strtoul(digits, NULL, 10);
    at += length;
    if (!*at) break;
  }
  *widths = w;
  return 1;
}

static int widths_legal(const sac_widths *w) {
  if (w->count < 1 || w->count > SAC_WIDTHS_MAX) return 0;
  for (uint32_t i = 0; i < w->count; i++)
    if (w->width[i] < 1 || w->width[i] > WIDTH_MAX) return 0;
  return 1;
}

static void widths_text(const sac_widths *w, char *text, size_t size) {
  size_t used = 0;
  if (size) text[0] = '\0';
  for (uint32_t i = 0; i < w->count && i < SAC_WIDTHS_MAX && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "", w->width[i]);
}

static int text_parse(const char *text, sac_text *out) {
  const size_t length = strlen(text);
  if (length >= sizeof out->at) return 0;
  memset(out->at, 0, sizeof out->at);
  memcpy(out->at, text, length);
  return 1;
}

/* As much of it as fits. */
static void text_text(const sac_text *value, char *text, size_t size) {
  const size_t length = strnlen(value->at, sizeof value->at - 1);
  const size_t n = length < size ? length : size - 1;
  if (!size) return;
  memcpy(text, value->at, n);
  text[n] = '\0';
}

/* --- any kind -------------------------------------------------------------------------------- */

static int value_parse(const sac_option *row, const char *text, union value *value) {
  switch (row->kind) {
  case SAC_OPTION_REAL:
    return sac_real_parse(text, &value->real);
  case SAC_OPTION_INT:
    return sac_int_parse(text, &value->integer);
  case SAC_OPTION_CHOICE:
    return choice_parse(row->choices, text, &value->choice);
  case SAC_OPTION_WIDTHS:
    return widths_parse(text, &value->widths);
  case SAC_OPTION_TEXT:
    return text_parse(text, &value->text);
  }
  return 0;
}

static int value_legal(const sac_option *row, const union value *value) {
  size_t length;
  switch (row->kind) {
  case SAC_OPTION_REAL:
    return value->real >= row->low && value->real <= row->high; // not for NaN
  case SAC_OPTION_INT:
    // the tables' bounds are whole and within 2^53, so the conversion is exact
    return value->integer >= (int64_t)row->low && value->integer <= (int64_t)row->high;
  case SAC_OPTION_CHOICE:
    return value->choice >= 0 && choice_word(row->choices, value->choice, &length) != NULL;
  case SAC_OPTION_WIDTHS:
    return widths_legal(&value->widths);
  case SAC_OPTION_TEXT:
    return memchr(value->text.at, '\0', SAC_TEXT_MAX) != NULL;
  }
  return 0;
}

static void value_text(const sac_option *row, const union value *value, char *text, size_t size) {
  size_t length = 0;
  const char *word = NULL;
  switch (row->kind) {
  case SAC_OPTION_REAL:
    sac_real_text(value->real, text, size);
    return;
  case SAC_OPTION_INT:
    snprintf(text, size, "%lld", (long long)value->integer);
    return;
  case SAC_OPTION_CHOICE:
    if (value->choice >= 0) word = choice_word(row->choices, value->choice, &length);
    if (word)
      snprintf(text, size, "%.*s", (int)length, word);
    else
      snprintf(text, size, "%d", value->choice);
    return;
  case SAC_OPTION_WIDTHS:
    widths_text(&value->widths, text, size);
    return;
  case SAC_OPTION_TEXT:
    text_text(&value->text, text, size);
    return;
  }
}

/* What the row accepts, as the end of a sentence that begins "must be". */
static void legal_text(const sac_option *row, char text[LEGAL_TEXT]) {
  char low[SAC_NUMBER_TEXT], high[SAC_NUMBER_TEXT];
  const char *word;
  size_t length, used;
  switch (row->kind) {
  case SAC_OPTION_REAL:
    sac_real_text(row->low, low, sizeof low);
    sac_real_text(row->high, high, sizeof high);
    snprintf(text, LEGAL_TEXT, "in [%s, %s]", low, high);
    return;
  case SAC_OPTION_INT:
    snprintf(text, LEGAL_TEXT, "an integer in [%.0f, %.0f]", row->low, row->high);
    return;
  case SAC_OPTION_CHOICE:
    used = (size_t)snprintf(text, LEGAL_TEXT, "one of");
    for (int k = 0; (word = choice_word(row->choices, k, &length)) && used < LEGAL_TEXT; k++)
      used += (size_t)snprintf(text + used, LEGAL_TEXT - used, "%s %.*s", k ? "," : "", (int)length,
                               word);
    return;
  case SAC_OPTION_WIDTHS:
    snprintf(text, LEGAL_TEXT, "1 to %d widths in [1, %d], such as 256,256", SAC_WIDTHS_MAX,
             WIDTH_MAX);
    return;
  case SAC_OPTION_TEXT:
    snprintf(text, LEGAL_TEXT, "shorter than %d bytes", SAC_TEXT_MAX);
    return;
  }
}

static sac_status refuse(const sac_option *row, const char *text, sac_error *err) {
  char legal[LEGAL_TEXT];
  legal_text(row, legal);
  return sac_fail(err, SAC_ERR_ARG, "option %s = %.100s: must be %s", row->name, text, legal);
}

static sac_status unknown(const sac_option table[], size_t count, const char *name,
                          sac_error *err) {
  const char **names = calloc(count ? count : 1, sizeof *names);
  if (!names) return sac_fail(err, SAC_ERR_ARG, "unknown option '%.100s'", name);
  for (size_t i = 0; i < count; i++) names[i] = table[i].name;
  const sac_status status = sac_fail_unknown("option", name, names, count, "none is near", err);
  free(names);
  return status;
}

/* --- the interface --------------------------------------------------------------------------- */

sac_status sac_option_set(const sac_option table[], size_t count, void *options, const char *name,
                          const char *text, sac_error *err) {
  for (size_t i = 0; i < count; i++) {
    const sac_option *row = &table[i];
    union value value;
    if (strcmp(row->name, name) != 0) continue;
    if (!value_parse(row, text, &value) || !value_legal(row, &value))
      return refuse(row, *text ? text : "(empty)", err);
    store(row, options, &value);
    return SAC_OK;
  }
  return unknown(table, count, name, err);
}

void sac_option_get(const sac_option *row, const void *options, char *text, size_t size) {
  union value value;
  load(row, options, &value);
  value_text(row, &value, text, size);
}

void sac_option_defaults(const sac_option table[], size_t count, void *options) {
  for (size_t i = 0; i < count; i++) {
    union value value;
    const int parsed = value_parse(&table[i], table[i].def, &value);
    assert(parsed && value_legal(&table[i], &value));
    if (parsed) store(&table[i], options, &value);
  }
}

sac_status sac_option_check(const sac_option table[], size_t count, const void *options,
                            sac_error *err) {
  for (size_t i = 0; i < count; i++) {
    union value value;
    char text[VALUE_TEXT];
    load(&table[i], options, &value);
    if (value_legal(&table[i], &value)) continue;
    value_text(&table[i], &value, text, sizeof text);
    return refuse(&table[i], *text ? text : "(empty)", err);
  }
  return SAC_OK;
}
