#include "cli.h"

#include <stdio.h>

static const char help[] =
    "usage: sac export-data DIR FILE     the transitions in a run's replay as a data file\n"
    "\n"
    "Another run draws a share of every batch from it:\n"
    "  sac train ENV --set data=FILE --set data_share=0.5\n"
    "DIR may be any run's folder that no process trains in. docs/file_formats.md has the layout.\n";

static const struct option flags[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int cmd_export_data(int argc, char **argv) {
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;)
    return flag == 0 ? EXIT_DONE : EXIT_USAGE;
  if (argc - optind != 2)
    return usage_error("%s: needs DIR and FILE; 'sac help %s' shows how", argv[0], argv[0]);
  sac_error err = {.msg = ""};
  size_t count;
  const char *path = argv[optind + 1];
  const sac_status status = sac_run_export_data(argv[optind], path, &count, &err);
  if (status != SAC_OK) return library_error(status, &err);
  fprintf(stderr, "%zu transitions; %s\n", count, path);
  return EXIT_DONE;
}
