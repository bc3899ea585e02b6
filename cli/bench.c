/* sac bench: how fast a part of the library is, here and now. */
#include "cli.h"
#include "dist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] = "usage: sac bench dist [NAME] [--theta A,B,..]    ns a sample for "
                           "sample, log density, velocity\n"
                           "\n"
                           "Batches of 4,096 on one core, best of 25; CSV: name, function, ns. "
                           "Without --theta each row has\n"
                           "its own parameters, shapes and scales between 0.1 and 100. Without "
                           "NAME: every distribution.\n";

static const struct option flags[] = {
    {"theta", required_argument, NULL, 't'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* up to four numbers parted by commas; how many, 0 if it is none */
static size_t parse_theta(const char *text, double theta[4]) {
  size_t count = 0;
  for (char *end; count < 4; text = end + 1) {
    theta[count] = strtod(text, &end);
    if (end == text || (*end && *end != ',')) return 0;
    count++;
    if (!*end) return count;
  }
  return 0;
}

int cmd_bench(int argc, char **argv) {
  double theta[4];
  size_t given = 0;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    given = parse_theta(optarg, theta);
    if (!given) return usage_error("--theta = %s: must be up to 4 numbers and commas", optarg);
  }
  if (optind == argc || strcmp(argv[optind], "dist") != 0)
    return usage_error("bench: what? 'sac bench dist NAME'");
  if (optind + 2 < argc) return usage_error("bench dist: '%s' is too many", argv[optind + 2]);
  fprintf(stderr, "instruction set %s\n", sac_isa());
  if (optind + 1 < argc) {
    const sac_dist *d = sac_dist_find(argv[optind + 1]);
    if (d && given && given != d->params)
      return usage_error("bench dist: --theta has %zu numbers: must have %zu", given, d->params);
    return bench_dist(argv[optind + 1], given ? theta : NULL);
  }
  for (size_t i = 0; sac_dist_list(i); i++) {
    const int code = bench_dist(sac_dist_list(i)->name, NULL);
    if (code != EXIT_DONE) return code;
  }
  return EXIT_DONE;
}
