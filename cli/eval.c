#include "cli.h"

#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: sac eval DIR [flags]     evaluate the policy of a run's folder\n"
    "\n"
    "  --episodes N      whole episodes to play (default 10)\n"
    "  --seed S          names the episodes (default 1)\n"
    "  --stochastic      draw the actions; without it, the deterministic action\n"
    "  --json            one JSON object instead of lines\n"
    "  --plugin FILE.so  load tasks from a shared library; runs its code\n";

enum { PLUGINS_MAX = 16 };

static const struct option flags[] = {
    {"episodes", required_argument, NULL, 'e'},
    {"seed", required_argument, NULL, 's'},
    {"stochastic", no_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},
    {"plugin", required_argument, NULL, 'p'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct command {
  const char *dir, *plugins[PLUGINS_MAX];
  size_t plugin_count;
  int64_t episodes, seed;
  int stochastic, json;
};

static int take_flag(struct command *c, int flag) {
  switch (flag) {
  case 'e':
    return parse_integer("episodes", optarg, 1, 10000000, &c->episodes) ? 0 : EXIT_USAGE;
  case 's':
    return parse_integer("seed", optarg, 0, INT64_C(9007199254740991), &c->seed) ? 0 : EXIT_USAGE;
  case 'n':
    c->stochastic = 1;
    return 0;
  case 'j':
    c->json = 1;
    return 0;
  default:
    break;
  }
  if (c->plugin_count == PLUGINS_MAX) return usage_error("more than %d plug-ins", PLUGINS_MAX);
  c->plugins[c->plugin_count++] = optarg;
  return 0;
}

static int print_lines(const char *env, const sac_eval_result *r) {
  printf("env %s\nepisodes %zu\nreturn_mean %.6g\nreturn_std %.6g\nreturn_min %.6g\n"
         "return_max %.6g\nlength_mean %.6g\n",
         env, r->episodes, r->return_mean, r->return_std, r->return_min, r->return_max,
         r->length_mean);
  return EXIT_DONE;
}

int cmd_eval(int argc, char **argv) {
  struct command c = {.episodes = 10, .seed = 1};
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?' || take_flag(&c, flag)) return EXIT_USAGE;
  }
  c.dir = single_word(argc, argv, "DIR");
  if (!c.dir) return EXIT_USAGE;
  int code;
  sac_registry *registry = open_registry(c.plugin_count, c.plugins, &code);
  if (!registry) return code;
  sac_error err = {.msg = ""};
  sac_eval_result r;
  const char *env;
  const sac_status status = sac_evaluate_run(registry, c.dir, (size_t)c.episodes, (uint64_t)c.seed,
                                             c.stochastic, &env, &r, &err);
  if (status != SAC_OK)
    code = library_error(status, &err);
  else
    code = c.json ? print_json(eval_json(env, &r)) : print_lines(env, &r);
  sac_registry_destroy(registry);
  return code;
}
