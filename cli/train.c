#define _GNU_SOURCE /* program_invocation_name */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "usage: sac train ENV [flags]              train a new agent\n"
    "       sac train --resume DIR [--steps N] go on exactly where a run stopped\n"
    "\n"
    "  --steps N             environment steps in all\n"
    "  --seed S              names all randomness of the run\n"
    "  --out DIR             the run's folder (default: runs/ENV/DATE-seedS)\n"
    "  --preset P            settings of a published trainer ('sac presets')\n"
    "  --set KEY=VALUE       any option ('sac options'); may be repeated, the last one wins\n"
    "  --threads N           threads; auto: the fastest number, by a short measurement (default)\n"
    "  --envs N              environments stepped side by side\n"
    "  --eval-every N        steps between evaluations, 0: only at the end\n"
    "  --eval-episodes N     episodes of an evaluation\n"
    "  --checkpoint-every N  steps between checkpoints, 0: only at the end\n"
    "  --plugin FILE.so      load tasks from a shared library; runs its code\n"
    "  --resume DIR          go on with the run in DIR\n"
    "  --quiet               no plan and no progress\n"
    "\n"
    "Ctrl-C saves a checkpoint and stops; a second one stops at once.\n"
    "The run's folder is printed on stdout, everything else on stderr.\n";

enum { SETTINGS_MAX = 256, PLUGINS_MAX = 16, THREADS_MAX = 256, PATH_TEXT = 4096 };

enum {
  FLAG_OUT = 256,
  FLAG_PRESET,
  FLAG_SET,
  FLAG_THREADS,
  FLAG_PLUGIN,
  FLAG_RESUME,
  FLAG_QUIET,
  FLAG_OPTION /* this and the following: flags that are options of the same name */
};

static const struct option flags[] = {
    {"out", required_argument, NULL, FLAG_OUT},
    {"preset", required_argument, NULL, FLAG_PRESET},
    {"set", required_argument, NULL, FLAG_SET},
    {"threads", required_argument, NULL, FLAG_THREADS},
    {"plugin", required_argument, NULL, FLAG_PLUGIN},
    {"resume", required_argument, NULL, FLAG_RESUME},
    {"quiet", no_argument, NULL, FLAG_QUIET},
    {"help", no_argument, NULL, 'h'},
    {"steps", required_argument, NULL, FLAG_OPTION},
    {"seed", required_argument, NULL, FLAG_OPTION + 1},
    {"envs", required_argument, NULL, FLAG_OPTION + 2},
    {"eval-every", required_argument, NULL, FLAG_OPTION + 3},
    {"eval-episodes", required_argument, NULL, FLAG_OPTION + 4},
    {"checkpoint-every", required_argument, NULL, FLAG_OPTION + 5},
    {NULL, 0, NULL, 0},
};

static const char *const option_of_flag[] = {"steps",      "seed",          "envs",
                                             "eval_every", "eval_episodes", "checkpoint_every"};

/* One option as the user set it. */
struct setting {
  char name[48];
  const char *value;
};

/* The command line of `sac train`. */
struct command {
  const char *env, *out, *preset, *resume;
  const char *plugins[PLUGINS_MAX];
  size_t plugin_count;
  struct setting settings[SETTINGS_MAX]; /* in the order given */
  size_t setting_count;
  int64_t threads;
  int quiet;
};

/* --- signals ------------------------------------------------------------------------------- */

static volatile sig_atomic_t signal_seen; /* the number of the signal that asked to stop */

static void on_signal(int number) {
  signal_seen = number;
}

/* The first signal is noted; SA_RESETHAND gives the second one its usual effect. A signal that the
 * parent ignores (nohup, a shell's background job) stays ignored. */
static void catch_signals(void) {
  static const int numbers[] = {SIGINT, SIGTERM};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    struct sigaction old, action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_IGN) continue;
    sigaction(numbers[i], &action, NULL);
  }
}

static int on_progress(void *user, const sac_progress *progress) {
  live_update(user, progress);
  return signal_seen;
}

/* --- the command line ---------------------------------------------------------------------- */

/* Note NAME=VALUE, or say why not. */
static int add_assignment(struct command *c, const char *text) {
  const char *equals = strchr(text, '=');
  struct setting *s = &c->settings[c->setting_count];
  if (!equals || equals == text)
    return usage_error("--set %s: must be KEY=VALUE, such as --set lr=1e-3", text);
  if ((size_t)(equals - text) >= sizeof s->name)
    return usage_error("unknown option '%.*s'; 'sac options' lists them", (int)(equals - text),
                       text);
  snprintf(s->name, sizeof s->name, "%.*s", (int)(equals - text), text);
  s->value = equals + 1;
  c->setting_count++;
  return 0;
}

static int take_flag(struct command *c, int flag) {
  if (c->setting_count == SETTINGS_MAX || c->plugin_count == PLUGINS_MAX)
    return usage_error("more than %d settings or %d plug-ins", SETTINGS_MAX - 1, PLUGINS_MAX - 1);
  switch (flag) {
  case FLAG_OUT:
    c->out = optarg;
    return 0;
  case FLAG_PRESET:
    c->preset = optarg;
    return 0;
  case FLAG_SET:
    return add_assignment(c, optarg);
  case FLAG_PLUGIN:
    c->plugins[c->plugin_count++] = optarg;
    return 0;
  case FLAG_RESUME:
    c->resume = optarg;
    return 0;
  case FLAG_QUIET:
    c->quiet = 1;
    return 0;
  case FLAG_THREADS:
    if (!strcmp(optarg, "auto")) {
      c->threads = 0;
      return 0;
    }
    return parse_integer("threads", optarg, 0, THREADS_MAX, &c->threads) ? 0 : EXIT_USAGE;
  default:
    break;
  }
  struct setting *s = &c->settings[c->setting_count++];
  snprintf(s->name, sizeof s->name, "%s", option_of_flag[flag - FLAG_OPTION]);
  s->value = optarg;
  return 0;
}

/* A resumed run has its settings in its folder; only its length may change. */
static int check_resume(const struct command *c, int argc, char **argv) {
  if (optind < argc)
    return usage_error("train --resume takes the task from the folder: '%s' is too many",
                       argv[optind]);
  if (c->out || c->preset)
    return usage_error("train --resume goes on as the run began: --%s cannot change",
                       c->out ? "out" : "preset");
  for (size_t i = 0; i < c->setting_count; i++)
    if (strcmp(c->settings[i].name, "steps"))
      return usage_error("train --resume goes on as the run began: option %s cannot change (only "
                         "steps can)",
                         c->settings[i].name);
  return 0;
}

/* The exit code, or -1 to go on. */
static int parse(struct command *c, int argc, char **argv) {
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?' || take_flag(c, flag)) return EXIT_USAGE;
  }
  if (c->resume) return check_resume(c, argc, argv) ? EXIT_USAGE : -1;
  c->env = single_word(argc, argv, "ENV");
  return c->env ? -1 : EXIT_USAGE;
}

/* --- making the run ------------------------------------------------------------------------ */

static sac_status gather_options(const struct command *c, sac_run_options *options,
                                 sac_error *err) {
  *options = sac_run_options_default();
  sac_status status = sac_task_preset_apply(c->env, options, err);
  if (status == SAC_OK && c->preset) status = sac_preset_apply(c->preset, options, err);
  for (size_t i = 0; i < c->setting_count && status == SAC_OK; i++)
    status = sac_run_options_set(options, c->settings[i].name, c->settings[i].value, err);
  return status;
}

static void default_folder(const struct command *c, const sac_run_options *o, char *dir,
                           size_t size) {
  char date[32];
  const time_t now = time(NULL);
  struct tm local;
  strftime(date, sizeof date, "%Y%m%d-%H%M%S", localtime_r(&now, &local));
  snprintf(dir, size, "runs/%s/%s-seed%lld", c->env, date, (long long)o->train.seed);
}

static sac_status new_run(const struct command *c, sac_registry *registry, char dir[PATH_TEXT],
                          sac_run **run, sac_error *err) {
  sac_run_options options;
  const sac_env_api *task = sac_registry_find(registry, c->env, err);
  if (!task) return SAC_ERR_ARG;
  const sac_status status = gather_options(c, &options, err);
  if (status != SAC_OK) return status;
  if (c->out)
    snprintf(dir, PATH_TEXT, "%s", c->out);
  else
    default_folder(c, &options, dir, PATH_TEXT);
  return sac_run_create(task, &options, (size_t)c->threads, dir, sac_registry_file(registry, task),
                        run, err);
}

static sac_status old_run(const struct command *c, sac_registry *registry, char dir[PATH_TEXT],
                          sac_run **run, sac_error *err) {
  sac_run_options options = sac_run_options_default();
  snprintf(dir, PATH_TEXT, "%s", c->resume);
  for (size_t i = 0; i < c->setting_count; i++) {
    const sac_status status = sac_run_options_set(&options, "steps", c->settings[i].value, err);
    if (status != SAC_OK) return status;
  }
  return sac_run_resume(registry, dir, c->setting_count ? options.train.steps : 0,
                        (size_t)c->threads, run, err);
}

/* --- training ------------------------------------------------------------------------------ */

/* A word for a shell: as it is, or between single quotes. */
static void print_word(const char *word) {
  static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "_-+./:=,@%";
  if (*word && word[strspn(word, safe)] == '\0') {
    fprintf(stderr, " %s", word);
    return;
  }
  fputs(" '", stderr);
  for (; *word; word++) {
    if (*word == '\'')
      fputs("'\\''", stderr);
    else
      fputc(*word, stderr);
  }
  fputc('\'', stderr);
}

static void print_resume(const struct command *c, const char *dir) {
  fputs("go on with:", stderr);
  print_word(program_invocation_name); /* as it was called: it need not be on the PATH */
  fputs(" train --resume", stderr);
  print_word(dir);
  for (size_t i = 0; i < c->plugin_count; i++) {
    fputs(" --plugin", stderr);
    print_word(c->plugins[i]);
  }
  fputc('\n', stderr);
}

static void print_plan(const sac_run *run) {
  char plan[1000];
  sac_run_plan(run, plan, sizeof plan);
  fprintf(stderr, "%s\n", plan);
}

/* What the progress callback keeps for the last words. */
struct watch {
  live *line;
  sac_progress last;
};

static int watch_progress(void *user, const sac_progress *progress) {
  struct watch *w = user;
  w->last = *progress;
  return on_progress(w->line, progress);
}

static void print_result(const struct watch *w, const char *dir) {
  const sac_progress *p = &w->last;
  fprintf(stderr, "done: %lld steps, %llu updates, %.1f s", (long long)p->step,
          (unsigned long long)p->updates, p->seconds);
  if (p->has_eval)
    fprintf(stderr, "; return %.2f (std %.2f) over %zu episodes", p->eval.return_mean,
            p->eval.return_std, p->eval.episodes);
  fprintf(stderr, "; %s\n", dir);
}

static int train(const struct command *c, sac_run *run, const char *dir) {
  sac_error err = {.msg = ""};
  struct watch w = {.line = live_begin(c->quiet)};
  if (!c->quiet) print_plan(run);
  puts(dir);
  fflush(stdout);
  catch_signals();
  const sac_status status = sac_run_train(run, watch_progress, &w, &err);
  live_end(w.line);
  if (status == SAC_ERR_STOPPED && signal_seen) {
    fprintf(stderr, "sac: %s\n", err.msg);
    print_resume(c, dir);
    return 128 + signal_seen;
  }
  if (status != SAC_OK) return library_error(status, &err);
  if (!c->quiet) print_result(&w, dir);
  return EXIT_DONE;
}

int cmd_train(int argc, char **argv) {
  struct command c = {.threads = 0};
  int code = parse(&c, argc, argv);
  if (code >= 0) return code;
  sac_registry *registry = open_registry(c.plugin_count, c.plugins, &code);
  if (!registry) return code;
  sac_error err = {.msg = ""};
  sac_run *run = NULL;
  char dir[PATH_TEXT];
  const sac_status status =
      c.resume ? old_run(&c, registry, dir, &run, &err) : new_run(&c, registry, dir, &run, &err);
  code = status == SAC_OK ? train(&c, run, dir) : library_error(status, &err);
  sac_run_destroy(run);
  sac_registry_destroy(registry);
  return code;
}
