#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char options_help[] =
    "usage: sac options [--json]     every option of 'sac train --set', with default and range\n";
static const char presets_help[] =
    "usage: sac presets [--json]     the presets, and the settings recommended for single tasks\n";

static const struct option flags[] = {
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Parse [--json]; the exit code, or -1 to go on. */
static int parse_json_flag(int argc, char **argv, const char *help, int *as_json) {
  *as_json = 0;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    *as_json = 1;
  }
  return optind < argc ? usage_error("%s: '%s' is too many", argv[0], argv[optind]) : -1;
}

/* --- options ------------------------------------------------------------------------------- */

static const char *kind_name(sac_option_kind kind) {
  switch (kind) {
  case SAC_OPTION_REAL:
    return "real";
  case SAC_OPTION_INT:
    return "integer";
  case SAC_OPTION_CHOICE:
    return "choice";
  case SAC_OPTION_WIDTHS:
    return "widths";
  case SAC_OPTION_TEXT:
    return "text";
  }
  return "";
}

/* A number of the row's kind. */
static json_t *number_json(const sac_option *row, double value) {
  return row->kind == SAC_OPTION_INT ? json_integer((json_int_t)value) : json_real(value);
}

static json_t *option_json(const sac_option *row, const char *group) {
  const int number = row->kind == SAC_OPTION_REAL || row->kind == SAC_OPTION_INT;
  json_t *o = json_pack("{s:s s:s s:s s:o s:s}", "name", row->name, "group", group, "kind",
                        kind_name(row->kind), "default",
                        number ? number_json(row, strtod(row->def, NULL)) : json_string(row->def),
                        "help", row->help);
  if (number) {
    json_object_set_new(o, "low", number_json(row, row->low));
    json_object_set_new(o, "high", number_json(row, row->high));
  }
  if (row->choices) json_object_set_new(o, "choices", json_string(row->choices));
  return o;
}

static void print_option(const sac_option *row) {
  printf("%-22s %-12s ", row->name, *row->def ? row->def : "(none)");
  if (row->choices)
    printf("%s", row->choices);
  else if (row->kind == SAC_OPTION_WIDTHS)
    printf("such as 256,256");
  else if (row->kind == SAC_OPTION_TEXT)
    printf("text");
  else
    printf("[%.16g, %.16g]", row->low, row->high);
  printf("\n    %s\n", row->help);
}

/* --- aliases ------------------------------------------------------------------------------- */

static const sac_option *find_option(const char *name) {
  size_t count;
  const sac_option *rows = sac_train_option_table(&count);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  rows = sac_agent_option_table(&count);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(rows[i].name, name)) return &rows[i];
  return NULL;
}

/* What an alias looks like in the list: the first option that it sets, under its own name. */
static sac_option alias_row(const sac_option_alias *alias, char *help, size_t size) {
  sac_option row = *find_option(alias->options[0]);
  row.name = alias->name;
  size_t used = (size_t)snprintf(help, size, "sets %s", alias->options[0]);
  for (size_t i = 1; i < alias->count && used < size; i++)
    used += (size_t)snprintf(help + used, size - used, ", %s", alias->options[i]);
  row.help = help;
  return row;
}

static json_t *alias_json(const sac_option_alias *alias, const sac_option *row) {
  json_t *o = option_json(row, "alias"), *sets = json_array();
  for (size_t i = 0; i < alias->count; i++)
    json_array_append_new(sets, json_string(alias->options[i]));
  json_object_set_new(o, "sets", sets);
  return o;
}

static void list_aliases(json_t *array) {
  size_t count;
  const sac_option_alias *aliases = sac_option_aliases(&count);
  for (size_t i = 0; i < count; i++) {
    char help[128];
    const sac_option row = alias_row(&aliases[i], help, sizeof help);
    if (array)
      json_array_append_new(array, alias_json(&aliases[i], &row));
    else
      print_option(&row);
  }
}

static void list_options(const sac_option rows[], size_t count, const char *group, json_t *array) {
  for (size_t i = 0; i < count; i++) {
    if (array)
      json_array_append_new(array, option_json(&rows[i], group));
    else
      print_option(&rows[i]);
  }
}

int cmd_options(int argc, char **argv) {
  int as_json;
  const int code = parse_json_flag(argc, argv, options_help, &as_json);
  if (code >= 0) return code;
  size_t trains, agents;
  const sac_option *train = sac_train_option_table(&trains);
  const sac_option *agent = sac_agent_option_table(&agents);
  json_t *array = as_json ? json_array() : NULL;
  list_options(train, trains, "train", array);
  list_options(agent, agents, "agent", array);
  list_aliases(array);
  return as_json ? print_json(array) : EXIT_DONE;
}

/* --- presets ------------------------------------------------------------------------------- */

static json_t *presets_json(const sac_preset rows[], size_t count) {
  json_t *array = json_array();
  for (size_t i = 0; i < count; i++)
    json_array_append_new(array, json_pack("{s:s s:s s:s}", "name", rows[i].name, "settings",
                                           rows[i].settings, "source", rows[i].source));
  return array;
}

static void print_presets(const char *title, const sac_preset rows[], size_t count) {
  printf("%s\n", title);
  for (size_t i = 0; i < count; i++)
    printf("  %s\n    %s\n    from: %s\n", rows[i].name, rows[i].settings, rows[i].source);
}

int cmd_presets(int argc, char **argv) {
  int as_json;
  const int code = parse_json_flag(argc, argv, presets_help, &as_json);
  if (code >= 0) return code;
  size_t presets, tasks;
  const sac_preset *preset = sac_presets(&presets), *task = sac_task_presets(&tasks);
  if (as_json)
    return print_json(json_pack("{s:o s:o}", "presets", presets_json(preset, presets), "tasks",
                                presets_json(task, tasks)));
  print_presets("presets, for --preset", preset, presets);
  print_presets("tasks, without --preset", task, tasks);
  return EXIT_DONE;
}

/* --- version ------------------------------------------------------------------------------- */

int cmd_version(int argc, char **argv) {
  int as_json;
  const int code = parse_json_flag(
      argc, argv, "usage: sac version [--json]     version, commit and instruction set\n",
      &as_json);
  if (code >= 0) return code;
  if (as_json)
    return print_json(json_pack("{s:s s:s s:s}", "version", sac_version(), "commit", sac_commit(),
                                "isa", sac_isa()));
  printf("sac %s (%s, %s)\n", sac_version(), sac_commit(), sac_isa());
  return EXIT_DONE;
}
