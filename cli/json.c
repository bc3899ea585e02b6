#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

/* Fifteen digits where they say the same number, which is prettier; all seventeen elsewhere. */
static char *dump(const json_t *document) {
  char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
  json_t *back = text ? json_loads(text, 0, NULL) : NULL;
  const int exact = back && json_equal(document, back);
  json_decref(back);
  if (exact) return text;
  free(text);
  return json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
}

int print_json(json_t *document) {
  char *text = document ? dump(document) : NULL;
  json_decref(document);
  if (!text) {
    fputs("sac: no memory for the JSON text\n", stderr);
    return EXIT_FAILED;
  }
  puts(text);
  free(text);
  return EXIT_DONE;
}

json_t *eval_json(const char *env, const sac_eval_result *r) {
  return json_pack("{s:s s:I s:f s:f s:f s:f s:f}", "env", env, "episodes", (json_int_t)r->episodes,
                   "return_mean", r->return_mean, "return_std", r->return_std, "return_min",
                   r->return_min, "return_max", r->return_max, "length_mean", r->length_mean);
}
