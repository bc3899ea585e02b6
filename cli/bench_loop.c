#define _XOPEN_SOURCE 700
/* sac bench loop, small: whole training runs, in a folder of their own that is removed again. */
#include "bench.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOP_WARM = 1500, SMALL_STEPS = 10000, FAR = 1000000000 };

/* A run that is timed from step `first` on in windows of so many steps or seconds, whichever is
 * longer, and stopped after so many windows. */
struct watch {
  const bench_setup *setup;
  bench_row *row;
  int64_t first, window_steps, windows;
  double window_seconds;
  int started, code;
  int64_t step;
  double start;
};

static void begin_window(struct watch *w, int64_t step) {
  w->code = bench_peak(w->setup, w->row);
  w->started = 1;
  w->step = step;
  w->start = bench_now();
}

/* Called by the loop about ten times a second. */
static int on_progress(void *user, const sac_progress *p) {
  struct watch *w = user;
  if (p->step < w->first) return 0;
  if (!w->started) {
    begin_window(w, p->step);
    return w->code;
  }
  const double elapsed = bench_now() - w->start;
  if (elapsed < w->window_seconds || p->step - w->step < w->window_steps) return 0;
  bench_add(w->row, (double)(p->step - w->step) / elapsed);
  if (--w->windows == 0) return 1;
  begin_window(w, p->step);
  return w->code;
}

/* --- a folder for a run ---------------------------------------------------------------------- */

enum { PATH_TEXT = 4096 };

static int make_folder(char folder[PATH_TEXT]) {
  const char *parent = getenv("TMPDIR");
  snprintf(folder, PATH_TEXT, "%s/sac-bench-XXXXXX", parent && *parent ? parent : "/tmp");
  if (mkdtemp(folder)) return EXIT_DONE;
  fprintf(stderr, "sac: cannot make the folder %s\n", folder);
  return EXIT_FAILED;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw) {
  (void)info, (void)kind, (void)ftw;
  return remove(path);
}

static void remove_folder(const char *folder) {
  nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- a run ----------------------------------------------------------------------------------- */

static sac_status train(const char *task_id, const sac_run_options *options, const char *dir,
                        struct watch *w, sac_error *err) {
  sac_registry *registry = NULL;
  sac_run *run = NULL;
  sac_status status = sac_registry_create(&registry, err);
  const sac_env_api *task = status == SAC_OK ? sac_registry_find(registry, task_id, err) : NULL;
  if (status == SAC_OK && !task) status = SAC_ERR_ARG;
  if (status == SAC_OK)
    status = sac_run_create(task, options, (size_t)w->setup->threads, dir, NULL, &run, err);
  if (status == SAC_OK) status = sac_run_train(run, on_progress, w, err);
  if (status == SAC_ERR_STOPPED && w->windows == 0) status = SAC_OK;
  sac_run_destroy(run);
  sac_registry_destroy(registry);
  return status;
}

static int run_once(const char *task, const sac_run_options *options, struct watch *w) {
  char folder[PATH_TEXT], dir[PATH_TEXT + 8];
  sac_error err = {.msg = ""};
  const int code = make_folder(folder);
  if (code != EXIT_DONE) return code;
  snprintf(dir, sizeof dir, "%s/run", folder);
  const sac_status status = train(task, options, dir, w, &err);
  remove_folder(folder);
  if (w->code != EXIT_DONE) return w->code; /* said already */
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}

/* The agent's settings, and a loop that does nothing but train: one update a step. */
static int settings(const bench_setup *s, int64_t warmup, sac_run_options *o) {
  const int code = bench_options(s, o);
  o->train.steps = FAR;
  o->train.warmup = warmup;
  o->train.eval_every = o->train.checkpoint_every = 0;
  return code;
}

/* --- the two --------------------------------------------------------------------------------- */

int bench_loop(const bench_setup *s) {
  bench_row row = {.what = "loop", .unit = "env steps/s"};
  row.flops = bench_flops(s);
  struct watch w = {.setup = s,
                    .row = &row,
                    .first = LOOP_WARM,
                    .windows = s->repeats,
                    .window_seconds = s->seconds > 0.0 ? s->seconds : 1.0};
  sac_run_options options;
  int code = settings(s, 1000, &options);
  if (code == EXIT_DONE) code = run_once("HalfCheetah-v5", &options, &w);
  if (code != EXIT_DONE) return code;
  bench_head(s);
  return bench_print(s, &row);
}

int bench_small(const bench_setup *s) {
  bench_row row = {.what = "small", .unit = "env steps/s"};
  row.flops = bench_flops(s);
  sac_run_options options;
  int code = settings(s, 100, &options);
  options.agent.lr_actor = options.agent.lr_critic = options.agent.lr_alpha = 1e-3;
  options.train.replay_capacity = SMALL_STEPS + 1000;
  for (int64_t r = 0; r < s->repeats && code == EXIT_DONE; r++) { /* each from the first step */
    struct watch w = {.setup = s, .row = &row, .windows = 1, .window_steps = SMALL_STEPS};
    code = run_once("Pendulum-v1", &options, &w);
  }
  if (code != EXIT_DONE) return code;
  bench_head(s);
  return bench_print(s, &row);
}
