#include "train/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/try.h"

#define CONFIG_NAME "config.json"

enum { CONFIG_FORMAT = 1, VALUE_TEXT = SAC_TEXT_MAX };

/* --- writing ------------------------------------------------------------------------------- */

static json_t *option_json(const sac_option *row, const void *options) {
  char text[VALUE_TEXT];
  const char *field = (const char *)options + row->offset;
  double real;
  int64_t integer;
  switch (row->kind) {
  case SAC_OPTION_REAL:
    memcpy(&real, field, sizeof real);
    return json_real(real);
  case SAC_OPTION_INT:
    memcpy(&integer, field, sizeof integer);
    return json_integer(integer);
  default:
    sac_option_get(row, options, text, sizeof text);
    return json_string(text);
  }
}

static void add_options(json_t *object, const sac_option table[], size_t count,
                        const void *options) {
  for (size_t i = 0; i < count; i++)
    json_object_set_new(object, table[i].name, option_json(&table[i], options));
}

static json_t *options_json(const sac_run_options *options) {
  size_t agents, trains;
  const sac_option *agent = sac_agent_option_table(&agents);
  const sac_option *train = sac_train_option_table(&trains);
  json_t *object = json_object();
  add_options(object, train, trains, &options->train);
  add_options(object, agent, agents, &options->agent);
  return object;
}

static sac_status out_of_memory(sac_error *err) {
  return sac_fail(err, SAC_ERR_NOMEM, "no memory for " CONFIG_NAME);
}

sac_status sac_config_make(sac_config *c, const sac_env_api *task, const sac_space *space,
                           const sac_run_options *options, const char *plugin, sac_error *err) {
  *c = (sac_config){.options = *options,
                    .obs_dim = space->obs_dim,
                    .act_dim = space->act_dim,
                    .exact_resume = (task->flags & SAC_ENV_SNAPSHOT) != 0};
  c->document = json_pack("{s:i s:s s:s? s:I s:I s:b s:s s:o s:[]}", "format", CONFIG_FORMAT,
                          "task", task->id, "plugin", plugin, "obs_dim", (json_int_t)space->obs_dim,
                          "act_dim", (json_int_t)space->act_dim, "exact_resume", c->exact_resume,
                          "origin", options->origin, "options", options_json(options), "sittings");
  if (!c->document) return out_of_memory(err);
  c->task = json_string_value(json_object_get(c->document, "task"));
  c->plugin = json_string_value(json_object_get(c->document, "plugin"));
  return SAC_OK;
}

sac_status sac_config_add_sitting(sac_config *c, int64_t step, size_t threads, sac_error *err) {
  json_t *sitting =
      json_pack("{s:I s:s s:s s:s s:I}", "from_step", (json_int_t)step, "version", sac_version(),
                "commit", sac_commit(), "isa", sac_isa(), "threads", (json_int_t)threads);
  if (json_object_set_new(c->document, "options", options_json(&c->options)) ||
      json_array_append_new(json_object_get(c->document, "sittings"), sitting))
    return out_of_memory(err);
  return SAC_OK;
}

/* Fifteen digits are enough for every number that someone typed, and pretty; all seventeen only
 * where they are not. */
static char *dump(const json_t *document) {
  char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
  json_t *back = text ? json_loads(text, 0, NULL) : NULL;
  const int exact = back && json_equal(document, back);
  json_decref(back);
  if (exact) return text;
  free(text);
  return json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
}

sac_status sac_config_write(const sac_config *c, const char *dir, sac_error *err) {
  char path[SAC_PATH_MAX];
  SAC_TRY(sac_path_join(path, dir, CONFIG_NAME, err));
  char *text = dump(c->document);
  if (!text) return out_of_memory(err);
  const sac_piece pieces[] = {{text, strlen(text)}, {"\n", 1}};
  const sac_status status = sac_file_replace(path, pieces, 2, err);
  free(text);
  return status;
}

void sac_config_free(sac_config *c) {
  json_decref(c->document);
  c->document = NULL;
}

/* --- reading ------------------------------------------------------------------------------- */

/* The option's value as text, for the same check that the command line has. */
static int option_text(const json_t *value, char text[VALUE_TEXT]) {
  if (json_is_string(value)) {
    if (json_string_length(value) >= VALUE_TEXT) return 0;
    memcpy(text, json_string_value(value), json_string_length(value) + 1);
    return 1;
  }
  if (!json_is_number(value)) return 0;
  return json_dumpb(value, text, VALUE_TEXT - 1, JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) <
         VALUE_TEXT - 1;
}

static sac_status read_option(const char *path, const json_t *object, const char *name,
                              sac_run_options *options, sac_error *err) {
  char text[VALUE_TEXT] = "";
  const json_t *value = json_object_get(object, name);
  if (!value) return SAC_OK; /* an option newer than the file: its default is what the run had */
  sac_error cause = {.msg = "neither number nor text"};
  if (option_text(value, text) && sac_run_options_set(options, name, text, &cause) == SAC_OK)
    return SAC_OK;
  return sac_fail(err, SAC_ERR_FORMAT, "%s: option %s: %.200s", path, name, cause.msg);
}

static sac_status read_table(const char *path, const json_t *object, const sac_option table[],
                             size_t count, sac_run_options *options, sac_error *err) {
  for (size_t i = 0; i < count; i++)
    SAC_TRY(read_option(path, object, table[i].name, options, err));
  return SAC_OK;
}

static sac_status read_options(const char *path, const json_t *object, sac_run_options *options,
                               sac_error *err) {
  size_t agents, trains;
  const sac_option *agent = sac_agent_option_table(&agents);
  const sac_option *train = sac_train_option_table(&trains);
  SAC_TRY(read_option(path, object, "adam_beta1", options, err)); /* older files: one for all */
  SAC_TRY(read_table(path, object, train, trains, options, err));
  return read_table(path, object, agent, agents, options, err);
}

static sac_status read_document(sac_config *c, const char *path, sac_error *err) {
  json_error_t where;
  json_int_t format, obs_dim, act_dim;
  const char *origin;
  json_t *options, *sittings, *plugin = NULL;
  if (json_unpack_ex(c->document, &where, 0, "{s:I s:s s?o s:I s:I s:b s:s s:o s:o}", "format",
                     &format, "task", &c->task, "plugin", &plugin, "obs_dim", &obs_dim, "act_dim",
                     &act_dim, "exact_resume", &c->exact_resume, "origin", &origin, "options",
                     &options, "sittings", &sittings))
    return sac_fail(err, SAC_ERR_FORMAT, "%s: %s", path, where.text);
  if (format != CONFIG_FORMAT || obs_dim < 1 || act_dim < 1 || !json_is_array(sittings))
    return sac_fail(err, SAC_ERR_FORMAT, "%s: not a format of this version (%d)", path,
                    CONFIG_FORMAT);
  c->plugin = json_string_value(plugin);
  c->obs_dim = (size_t)obs_dim;
  c->act_dim = (size_t)act_dim;
  c->options = sac_run_options_default();
  strncpy(c->options.origin, origin, sizeof c->options.origin - 1);
  return read_options(path, options, &c->options, err);
}

sac_status sac_config_read(sac_config *c, const char *dir, sac_error *err) {
  char path[SAC_PATH_MAX], *text;
  size_t size;
  *c = (sac_config){.document = NULL};
  SAC_TRY(sac_path_join(path, dir, CONFIG_NAME, err));
  SAC_TRY(sac_file_read(path, &text, &size, err));
  json_error_t where;
  c->document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
  free(text);
  if (!c->document)
    return sac_fail(err, SAC_ERR_FORMAT, "%s: line %d: %s", path, where.line, where.text);
  const sac_status status = read_document(c, path, err);
  if (status != SAC_OK) sac_config_free(c);
  return status;
}
