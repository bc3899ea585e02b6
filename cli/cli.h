/* What the files of the program share. Data goes to stdout, words for people to stderr. */
#ifndef CLI_H
#define CLI_H

#include <getopt.h>
#include <jansson.h>

#include "sac/sac.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* The subcommands: argv[0] is the subcommand's name; each returns the exit code. */
int cmd_train(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_export_data(int argc, char **argv);
int cmd_envs(int argc, char **argv);
int cmd_presets(int argc, char **argv);
int cmd_options(int argc, char **argv);
int cmd_version(int argc, char **argv);
int cmd_dist(int argc, char **argv);
int cmd_grad(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_bench(int argc, char **argv);

/* --- flags.c */

/* Print "sac: MESSAGE" and return EXIT_USAGE. */
int usage_error(const char *fmt, ...) SAC_PRINTF(1, 2);

/* Print the library's message and return the exit code that goes with the status. */
int library_error(sac_status status, const sac_error *err);

/* The next flag, as getopt_long gives it, -1 after the last. 0 for --help, whose text is then
 * printed;
 * '?' after a flag that does not exist or lacks its value, which is said with the nearest names. */
int next_flag(int argc, char **argv, const struct option flags[], const char *help);

/* The one word that is not a flag, or NULL and a message that it is missing or not alone. */
const char *single_word(int argc, char **argv, const char *what);

/* An integer between low and high from the text of a flag; 0 and a message if it is none. */
int parse_integer(const char *flag, const char *text, int64_t low, int64_t high, int64_t *out);

/* The registry with the plug-ins that the user named; NULL after a message, and *code is set. */
sac_registry *open_registry(size_t plugin_count, const char *const plugins[], int *code);

/* --- json.c */

/* Print a document and a newline on stdout, and release it. Returns the exit code. */
int print_json(json_t *document);

/* An object of an evaluation's numbers, to add more to. */
json_t *eval_json(const char *env, const sac_eval_result *result);

/* --- live.c */

/* The line that shows how training goes. */
typedef struct live live;
live *live_begin(int quiet);
void live_update(live *line, const sac_progress *progress);
void live_end(live *line); /* leaves the terminal on a fresh line; NULL ok */

#endif
