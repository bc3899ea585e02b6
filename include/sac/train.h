/* Training: the loop around an agent, an environment and a run's folder. */
#ifndef SAC_TRAIN_H
#define SAC_TRAIN_H

#include "sac/agent.h"
#include "sac/env.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The loop's options; same kinds of rows as SAC_AGENT_OPTIONS, and T(name, help) a text that is
 * empty at first; no name occurs in both. */
#define SAC_TRAIN_OPTIONS(R, I, C, W, T)                                                          \
  I(steps, 1000000, 1, 1000000000000,                                                             \
    "environment steps in all, rounded up to a multiple of envs")                                 \
  I(seed, 1, 0, 9007199254740991, "names every random stream of the run")                         \
  I(envs, 1, 1, 4096, "environments stepped side by side")                                        \
  I(replay_capacity, 1000000, 2, 1000000000, "observations that the replay holds [SAC2]")         \
  I(warmup, 10000, 0, 1000000000, "steps of random actions at the start [SAC2]")                  \
  I(update_after, -1, -1, 1000000000,                                                             \
    "steps before the first update; -1: as many as warmup [SpinUp]")                              \
  R(utd, 1.0, 0.0, 1000.0, "updates per environment step (frame), below and above 1 [SAC2]")      \
  I(update_every, 1, 1, 1000000, "steps between blocks of updates; the ratio stays utd [SpinUp]") \
  C(noise, white, "white|held|pink|zeta",                                                         \
    "exploration and warm-up draws: fresh each step | held | 1/f | held n steps, P(n) ~ n^-2, "   \
    "warm-up fresh [FLASHSAC]")                                                                   \
  I(noise_hold, 8, 1, 100000, "steps for which held noise stays; zeta: at most, up to 256")       \
  I(sde_sample_freq, -1, -1, 1000000,                                                             \
    "policy=gsde: steps for which a noise matrix stays; -1: the whole episode [SB3]")             \
  T(data, "file of transitions that every batch takes its share data_share from [RLPD]")          \
  I(eval_every, 5000, 0, 1000000000000, "steps between evaluations; 0: only at the end")          \
  I(eval_episodes, 10, 1, 100000, "episodes of an evaluation")                                    \
  I(checkpoint_every, 50000, 0, 1000000000000, "steps between checkpoints; 0: only at the end")   \
  I(log_every, 1000, 1, 1000000000, "steps between two lines of metrics.csv")

enum { SAC_NOISE_WHITE, SAC_NOISE_HELD, SAC_NOISE_PINK, SAC_NOISE_ZETA };

typedef struct sac_train_options {
#define SAC_R(name, def, lo, hi, help)  double name;
#define SAC_I(name, def, lo, hi, help)  int64_t name;
#define SAC_C(name, def, choices, help) int name;
#define SAC_W(name, def, help)          sac_widths name;
#define SAC_T(name, help)               sac_text name;
  SAC_TRAIN_OPTIONS(SAC_R, SAC_I, SAC_C, SAC_W, SAC_T)
#undef SAC_R
#undef SAC_I
#undef SAC_C
#undef SAC_W
#undef SAC_T
} sac_train_options;

/* The rows of the table above. *count: how many. Static storage. */
SAC_API const sac_option *sac_train_option_table(size_t *count);

/* All of a run's settings. */
typedef struct sac_run_options {
  sac_agent_options agent;
  sac_train_options train;
  char origin[64]; /* where the settings began: "defaults", "task defaults", "preset sb3" */
} sac_run_options;

/* The defaults of both tables. */
SAC_API sac_run_options sac_run_options_default(void);

enum { SAC_ALIAS_MAX = 3 };

/* One name for options of one kind, range and default that are mostly set together. */
typedef struct sac_option_alias {
  const char *name;
  size_t count;
  const char *options[SAC_ALIAS_MAX]; /* (count) names in the tables */
} sac_option_alias;

/* "hidden", "lr", "adam_beta1". *count: how many. Static storage. */
SAC_API const sac_option_alias *sac_option_aliases(size_t *count);

/* Set one option of either table by name, or by an alias all of its options or none. Errors as
 * sac_option_set. */
SAC_API sac_status sac_run_options_set(sac_run_options *options, const char *name, const char *text,
                                       sac_error *err);

/* A named list of settings, "name=value" words applied in order. */
typedef struct sac_preset {
  const char *name;
  const char *settings; /* "lr=1e-3 batch=100 ..." */
  const char *source;   /* where the settings come from */
} sac_preset;

/* The presets; *count: how many. Static storage. */
SAC_API const sac_preset *sac_presets(size_t *count);

/* Apply the preset `name`: it states the whole algorithm, so every option goes back to its default
 * first, but for those of a run's length and bookkeeping (steps, seed, envs, eval_every,
 * eval_episodes, checkpoint_every, log_every). Errors: SAC_ERR_ARG with the nearest names. */
SAC_API sac_status sac_preset_apply(const char *name, sac_run_options *options, sac_error *err);

/* Settings recommended for single tasks; the name is the task's id. *count: how many. */
SAC_API const sac_preset *sac_task_presets(size_t *count);

/* Apply what is recommended for the task `id` over *options; nothing for a task without a row.
 * A program applies, in this order: the defaults, the task's, a preset if one is named, then what
 * the user sets. */
SAC_API sac_status sac_task_preset_apply(const char *id, sac_run_options *options, sac_error *err);

/* What an evaluation found; returns are undiscounted sums over an episode. */
typedef struct sac_eval_result {
  size_t episodes;
  double return_mean, return_std, return_min, return_max, length_mean;
} sac_eval_result;

/* What the loop tells its caller. */
typedef struct sac_progress {
  int64_t step, steps; /* done, and in all */
  double seconds;      /* of training, over all sittings of the run */
  uint64_t updates;
  int random_actions;                /* the next step's are: it is of the warm-up */
  double steps_per_s, updates_per_s; /* over the last second or so; 0 in the first */
  double utd_realised;               /* updates done per environment step after the warm-up */
  size_t episodes;                   /* finished so far */
  double return_last; /* mean return of the episodes finished since the last line, or NaN */
  double length_last;
  sac_update_metrics metrics; /* of the last update */
  int has_eval;               /* an evaluation has been made; it is in eval */
  int64_t eval_step;
  sac_eval_result eval;
} sac_progress;

/* Called in the thread of sac_run_train, about ten times a second (also during an evaluation), and
 * after each evaluation and checkpoint. Return 0 to go on, anything else to stop: the loop leaves
 * its evaluation or block of updates, which a resume makes up for, saves a checkpoint and returns
 * SAC_ERR_STOPPED. */
typedef int sac_progress_fn(void *user, const sac_progress *progress);

typedef struct sac_run sac_run;

/* A new run of `task` in the folder `dir`, which must not exist or be empty of a run; it is made
 * with its parents, and holds config.json, metrics.csv, eval.csv, and in checkpoint/ the state of
 * step 0; a start that fails leaves none of them. threads as in sac_agent_create, and 0 chooses by
 * a short measurement (sac_bench_threads). The task and its plug-in must outlive the run.
 * plugin: the path that the user gave for it, recorded in config.json for the reader, or NULL.
 * Errors: SAC_ERR_ARG for an option, bounds that are not finite, or a folder that holds a run;
 * SAC_ERR_IO, SAC_ERR_NOMEM, and the task's. *out is untouched then. */
SAC_API sac_status sac_run_create(const sac_env_api *task, const sac_run_options *options,
                                  size_t threads, const char *dir, const char *plugin,
                                  sac_run **out, sac_error *err);

/* The run in `dir` as its last checkpoint left it; metrics.csv and eval.csv are cut back to that
 * step. steps > 0 replaces the number of steps in all, which must be more than are done, or as many
 * if a stop cut the evaluation at the end short: that is then made up for. A run that was killed
 * before its first checkpoint begins, as its config.json says. The task is found by the
 * id in config.json; a plug-in's path there is never loaded. Errors: SAC_ERR_IO or SAC_ERR_FORMAT
 * naming a missing or damaged file, or what the checkpoint and config.json or the task disagree on;
 * SAC_ERR_ARG. Nothing on the disk is changed then, and *out is untouched. */
SAC_API sac_status sac_run_resume(sac_registry *registry, const char *dir, int64_t steps,
                                  size_t threads, sac_run **out, sac_error *err);
SAC_API void sac_run_destroy(sac_run *run); /* NULL ok */

/* One line that says what will run: task and sizes, networks, parameters, replay bytes, threads,
 * instruction set. text: (size) out, always terminated. */
SAC_API void sac_run_plan(const sac_run *run, char *text, size_t size);

/* Train to the end, with evaluations and checkpoints on the way and at the end. progress may be
 * NULL. Errors, with the step: SAC_ERR_STOPPED on the caller's wish; SAC_ERR_DIVERGED names the
 * term and the environment or batch row; SAC_ERR_IO the file; and the task's. After an error of any
 * kind the last good checkpoint is intact, and the run can only be destroyed. */
SAC_API sac_status sac_run_train(sac_run *run, sac_progress_fn *progress, void *user,
                                 sac_error *err);

/* Evaluate the policy of a run's folder over `episodes` whole episodes in an environment of its
 * own, with streams of its own. stochastic: act with noise, else the deterministic action. *id is
 * the task's, and lives as long as the registry. Errors as sac_run_resume and the task's; outputs
 * are untouched then. */
SAC_API sac_status sac_evaluate_run(sac_registry *registry, const char *dir, size_t episodes,
                                    uint64_t seed, int stochastic, const char **id,
                                    sac_eval_result *out, sac_error *err);

/* Write the transitions in the replay of a run's folder as a data file (sac_replay_export), for the
 * option data of another run. *count, or NULL: how many. Errors as sac_run_resume's of files, and
 * sac_replay_export's. */
SAC_API sac_status sac_run_export_data(const char *dir, const char *path, size_t *count,
                                       sac_error *err);

#ifdef __cplusplus
}
#endif
#endif
