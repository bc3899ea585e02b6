#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS_MAX = 32, FLAG_TEXT = 40, NEAR_TEXT = 160 };

int usage_error(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fputs("sac: ", stderr);
  vfprintf(stderr, fmt, ap);
  fputc('\n', stderr);
  va_end(ap);
  return EXIT_USAGE;
}

int library_error(sac_status status, const sac_error *err) {
  fprintf(stderr, "sac: %s\n", err->msg);
  return status == SAC_ERR_ARG ? EXIT_USAGE : EXIT_FAILED;
}

/* The flags' names as one types them, nearest to the given one. */
static void nearest_flags(const char *given, const struct option flags[], char near[NEAR_TEXT]) {
  char typed[FLAGS_MAX][FLAG_TEXT];
  const char *names[FLAGS_MAX];
  size_t n = 0;
  for (; flags[n].name && n < FLAGS_MAX; n++) {
    snprintf(typed[n], FLAG_TEXT, "--%s", flags[n].name);
    names[n] = typed[n];
  }
  sac_nearest(given, names, n, near, NEAR_TEXT);
}

/* Say which flag is wrong: without its value, or unknown. */
static void say_bad_flag(int kind, char **argv, const struct option flags[]) {
  char given[NEAR_TEXT], near[NEAR_TEXT];
  const char *word = argv[optind - 1];
  snprintf(given, sizeof given, "%.*s", (int)strcspn(word, "="), word);
  if (kind == ':') {
    usage_error("%s needs a value", given);
    return;
  }
  nearest_flags(given, flags, near);
  usage_error("unknown flag '%s'%s%s", given, near[0] ? ": did you mean " : "; --help lists them",
              near);
}

int next_flag(int argc, char **argv, const struct option flags[], const char *help) {
  opterr = 0; /* the messages are ours */
  const int c = getopt_long(argc, argv, ":h", flags, NULL);
  if (c == 'h') {
    fputs(help, stdout);
    return 0;
  }
  if (c == '?' || c == ':') {
    say_bad_flag(c, argv, flags);
    return '?';
  }
  return c;
}

const char *single_word(int argc, char **argv, const char *what) {
  if (optind >= argc) {
    usage_error("%s: %s is missing; 'sac help %s' shows how", argv[0], what, argv[0]);
    return NULL;
  }
  if (optind + 1 < argc) {
    usage_error("%s: one %s only: '%s' is too many", argv[0], what, argv[optind + 1]);
    return NULL;
  }
  return argv[optind];
}

int parse_integer(const char *flag, const char *text, int64_t low, int64_t high, int64_t *out) {
  char *end;
  errno = 0;
  const long long value = strtoll(text, &end, 10);
  if (errno || end == text || *end || value < low || value > high) {
    usage_error("--%s = %s: must be an integer in [%lld, %lld]", flag, text, (long long)low,
                (long long)high);
    return 0;
  }
  *out = value;
  return 1;
}

sac_registry *open_registry(size_t plugin_count, const char *const plugins[], int *code) {
  sac_error err = {.msg = ""};
  sac_registry *registry = NULL;
  sac_status status = sac_registry_create(&registry, &err);
  for (size_t i = 0; i < plugin_count && status == SAC_OK; i++)
    status = sac_registry_load(registry, plugins[i], &err);
  if (status == SAC_OK) return registry;
  *code = library_error(status, &err);
  sac_registry_destroy(registry);
  return NULL;
}
