#include "cli.h"

#include <stdio.h>
#include <stdlib.h>

int print_json(json_t *document) {
  const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(15); /* 0.99, not 0.98999999999999999 */
  char *text = document ? json_dumps(document, flags) : NULL;
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
