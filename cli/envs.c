#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sac envs [flags]     list the tasks\n"
    "\n"
    "  The column `act` has the numbers of an action, or 1/K where it is one of K.\n"
    "\n"
    "  --json            one JSON array instead of lines\n"
    "  --check FILE.so   load a plug-in and check that its tasks keep the rules; runs its code\n"
    "  --plugin FILE.so  list the tasks of a shared library too; runs its code\n";

enum { PLUGINS_MAX = 16, CHECK_STEPS = 1000, CHECK_SEED = 1 };

static const struct option flags[] = {
    {"json", no_argument, NULL, 'j'},
    {"check", required_argument, NULL, 'c'},
    {"plugin", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char *default_settings(const char *id) {
  size_t count;
  const sac_preset *rows = sac_task_presets(&count);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(rows[i].name, id)) return rows[i].settings;
  return "";
}

/* --- the list ------------------------------------------------------------------------------ */

static json_t *numbers(size_t n, const double x[]) {
  json_t *array = json_array();
  for (size_t i = 0; i < n; i++) json_array_append_new(array, json_real(x[i]));
  return array;
}

static json_t *task_json(const sac_env_api *task, const char *plugin, const sac_space *s,
                         size_t actions) {
  return json_pack("{s:s s:s s:s s:I s:I s:I s:I s:o s:o s:b s:b s:s}", "id", task->id, "plugin",
                   plugin, "summary", task->summary, "obs_dim", (json_int_t)s->obs_dim, "act_dim",
                   (json_int_t)s->act_dim, "actions", (json_int_t)actions, "max_steps",
                   (json_int_t)s->max_steps, "act_low", numbers(s->act_dim, s->act_low), "act_high",
                   numbers(s->act_dim, s->act_high), "deterministic",
                   (task->flags & SAC_ENV_DETERMINISTIC) != 0, "exact_resume",
                   (task->flags & SAC_ENV_SNAPSHOT) != 0, "defaults", default_settings(task->id));
}

/* The column `act`: how many numbers an action has, or 1/K: one of K. */
static void print_task(const sac_env_api *task, const char *plugin, const sac_space *s,
                       size_t actions) {
  char act[32];
  if (actions)
    snprintf(act, sizeof act, "1/%zu", actions);
  else
    snprintf(act, sizeof act, "%zu", s->act_dim);
  printf("%-26s %4zu %4s %6u  %-9s %s\n", task->id, s->obs_dim, act, (unsigned)s->max_steps, plugin,
         task->summary);
}

/* One task: an instance is made for its sizes. A task that cannot be made is named and passed over.
 */
static void list_task(const sac_env_api *task, const char *plugin, json_t *array) {
  sac_error err = {.msg = ""};
  sac_env *env = NULL;
  sac_space space;
  if (task->create(&env, &err) != SAC_OK) {
    fprintf(stderr, "sac: %s: %s\n", task->id, err.msg);
    return;
  }
  task->space(env, &space);
  const size_t actions = sac_env_actions(task, env);
  if (array)
    json_array_append_new(array, task_json(task, plugin, &space, actions));
  else
    print_task(task, plugin, &space, actions);
  task->destroy(env);
}

static int list(const sac_registry *registry, int as_json) {
  json_t *array = as_json ? json_array() : NULL;
  if (!as_json)
    printf("%-26s %4s %4s %6s  %-9s %s\n", "task", "obs", "act", "limit", "from", "what");
  for (size_t i = 0; i < sac_registry_count(registry); i++) {
    const char *plugin = "";
    const sac_env_api *task = sac_registry_task(registry, i, &plugin);
    list_task(task, plugin, array);
  }
  if (*sac_registry_note(registry)) fprintf(stderr, "%s\n", sac_registry_note(registry));
  return as_json ? print_json(array) : EXIT_DONE;
}

/* --- the check ----------------------------------------------------------------------------- */

/* Check one task; 1 if it keeps the rules. */
static int check_task(const sac_env_api *task, json_t *array) {
  sac_error err = {.msg = ""};
  const int ok = sac_env_check(task, CHECK_SEED, CHECK_STEPS, &err) == SAC_OK;
  if (array)
    json_array_append_new(
        array, json_pack("{s:s s:b s:s}", "id", task->id, "ok", ok, "message", ok ? "" : err.msg));
  else if (ok)
    printf("%s ok\n", task->id);
  else
    printf("%s FAILED: %s\n", task->id, err.msg);
  return ok;
}

/* Check the tasks that are from `file`, whether they were known before or not. */
static int check_tasks(const sac_registry *registry, const char *file, json_t *array) {
  size_t checked = 0;
  int ok = 1;
  for (size_t i = 0; i < sac_registry_count(registry); i++) {
    const sac_env_api *task = sac_registry_task(registry, i, NULL);
    const char *from = sac_registry_file(registry, task);
    if (!from || strcmp(from, file)) continue;
    ok &= check_task(task, array);
    checked++;
  }
  if (!checked) fprintf(stderr, "sac: %s: no task to check\n", file);
  return checked && ok;
}

static int check_file(sac_registry *registry, const char *file, int as_json) {
  sac_error err = {.msg = ""};
  const sac_status status = sac_registry_load(registry, file, &err);
  if (status != SAC_OK) return library_error(status, &err);
  json_t *array = as_json ? json_array() : NULL;
  const int ok = check_tasks(registry, file, array);
  if (as_json && print_json(array) != EXIT_DONE) return EXIT_FAILED;
  return ok ? EXIT_DONE : EXIT_FAILED;
}

int cmd_envs(int argc, char **argv) {
  const char *plugins[PLUGINS_MAX], *check = NULL;
  size_t plugin_count = 0;
  int as_json = 0, code;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    if (flag == 'j')
      as_json = 1;
    else if (flag == 'c')
      check = optarg;
    else if (plugin_count == PLUGINS_MAX)
      return usage_error("more than %d plug-ins", PLUGINS_MAX);
    else
      plugins[plugin_count++] = optarg;
  }
  if (optind < argc) return usage_error("envs: '%s' is too many", argv[optind]);
  sac_registry *registry = open_registry(plugin_count, plugins, &code);
  if (!registry) return code;
  code = check ? check_file(registry, check, as_json) : list(registry, as_json);
  sac_registry_destroy(registry);
  return code;
}
