/* sac: train, evaluate and look around. Each subcommand is a file. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct subcommand {
  const char *name, *summary;
  int (*run)(int argc, char **argv);
} subcommands[] = {
    {"train", "train an agent, or go on with a run", cmd_train},
    {"eval", "evaluate the policy of a run", cmd_eval},
    {"export-data", "a run's transitions as a file for another run", cmd_export_data},
    {"envs", "list the tasks, or check a plug-in", cmd_envs},
    {"presets", "list the presets", cmd_presets},
    {"options", "list the options of training", cmd_options},
    {"dist", "densities, samples and sample gradients of distributions", cmd_dist},
    {"grad", "the gradient of an expectation, by every estimator", cmd_grad},
    {"verify", "check the derivation of sample gradients in numbers", cmd_verify},
    {"bench", "how fast a part of the library is", cmd_bench},
    {"version", "version, commit and instruction set", cmd_version},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static void print_usage(FILE *to) {
  fputs("usage: sac COMMAND [...]\n\n", to);
  for (size_t i = 0; i < SUBCOMMANDS; i++)
    fprintf(to, "  %-11s %s\n", subcommands[i].name, subcommands[i].summary);
  fputs("  help        this text, or 'sac help COMMAND'\n\nTry: sac train Pendulum-v1\n", to);
}

static const struct subcommand *find(const char *name) {
  for (size_t i = 0; i < SUBCOMMANDS; i++)
    if (!strcmp(subcommands[i].name, name)) return &subcommands[i];
  return NULL;
}

static int unknown(const char *name) {
  const char *names[SUBCOMMANDS + 1] = {"help"};
  char near[100];
  for (size_t i = 0; i < SUBCOMMANDS; i++) names[i + 1] = subcommands[i].name;
  sac_nearest(name, names, SUBCOMMANDS + 1, near, sizeof near);
  return usage_error("unknown command '%s'%s%s", name,
                     *near ? ": did you mean " : "; see 'sac help'", near);
}

/* 'sac help' or 'sac help COMMAND', which is 'sac COMMAND --help'. */
static int help(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stdout);
    return EXIT_DONE;
  }
  const struct subcommand *s = find(argv[1]);
  char flag[] = "--help";
  char *args[] = {argv[1], flag, NULL};
  return s ? s->run(2, args) : unknown(argv[1]);
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    print_usage(stderr);
    return EXIT_USAGE;
  }
  if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
    return help(argc - 1, argv + 1);
  sac_error err;
  if (sac_isa_check(&err) != SAC_OK) return usage_error("%s", err.msg);
  if (!strcmp(argv[1], "--version")) argv[1] += 2;
  const struct subcommand *s = find(argv[1]);
  return s ? s->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv) {
  const int code = run(argc, argv);
  const int failed = ferror(stdout);
  if (!fclose(stdout) && !failed) return code;
  fprintf(stderr, "sac: cannot write to stdout: %s\n", strerror(errno)); /* a full disk */
  return code ? code : EXIT_FAILED;
}
