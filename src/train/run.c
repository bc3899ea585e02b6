#define _GNU_SOURCE
#include "train/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agent/discrete.h"
#include "base/try.h"
#include "sac/bench.h"
#include "train/evaluate.h"
#include "train/explore.h"
#include "train/options.h"

void sac_run_destroy(sac_run *run) {
  if (!run) return;
  sac_agent_destroy(run->agent);
  sac_replay_destroy(run->replay);
  sac_dataset_destroy(run->data);
  if (run->eval_env) run->rollout->task->destroy(run->eval_env);
  sac_rollout_destroy(run->rollout);
  sac_log_close(&run->metrics_log);
  sac_log_close(&run->eval_log);
  if (run->lock >= 0) close(run->lock);
  sac_config_free(&run->config);
  free(run->noise);
  free(run->drawn_at);
  free(run);
}

/* --- the parts of a run -------------------------------------------------------------------- */

static sac_run *new_run(void) {
  sac_run *run = calloc(1, sizeof *run);
  if (!run) return NULL;
  run->lock = run->metrics_log.file = run->eval_log.file = -1;
  run->saved_step = run->eval_step = -1;
  run->report_seconds = 0.1;
  return run;
}

/* Whole vector steps only: a run of N steps and its resume then meet at the same step. */
static void round_steps(sac_train_options *o) {
  o->steps = (o->steps + o->envs - 1) / o->envs * o->envs;
}

static sac_status make_agent(sac_run *run, sac_error *err) {
  const sac_space *space = &run->rollout->space;
  const sac_run_options *o = &run->config.options;
  SAC_TRY(sac_agent_create(&o->agent, space->obs_dim, space->act_dim, space->act_low,
                           space->act_high, (uint64_t)o->train.seed, run->threads, &run->agent,
                           err));
  SAC_TRY(sac_replay_create((size_t)o->train.replay_capacity, (size_t)o->train.envs, space->obs_dim,
                            space->act_dim, &run->replay, err));
  if (!*o->train.data.at) return SAC_OK;
  SAC_TRY(sac_dataset_load(o->train.data.at, space->obs_dim, space->act_dim, &run->data, err));
  return sac_agent_use_data(run->agent, run->data, err);
}

/* Discrete actions take a policy that chooses, and continuous ones one that does not. */
static sac_status check_actions(const char *id, size_t actions, const sac_agent_options *o,
                                sac_error *err) {
  if (!actions == !sac_is_discrete(o)) return SAC_OK;
  char text[300];
  if (!actions) {
    sac_head_fitting(0, text, sizeof text);
    return sac_fail(err, SAC_ERR_ARG,
                    "%s has continuous actions, and policy = categorical chooses among discrete "
                    "ones; what fits: %s",
                    id, text);
  }
  return sac_fail(err, SAC_ERR_ARG,
                  "%s has %zu discrete actions, and policy = %s is for continuous ones; what fits: "
                  "policy = categorical",
                  id, actions, sac_head_kind_of(o)->name);
}

static sac_status make_noise(sac_run *run, sac_error *err) {
  const size_t E = run->rollout->E, A = run->rollout->A;
  run->noise_rows = sac_agent_noise_rows(run->agent);
  run->noise = calloc(E * A * (run->noise_rows ? run->noise_rows : 1), sizeof *run->noise);
  run->drawn_at = calloc(E, sizeof *run->drawn_at);
  if (!run->noise || !run->drawn_at)
    return sac_fail(err, SAC_ERR_NOMEM, "no memory for exploration noise");
  for (size_t e = 0; e < E; e++) run->drawn_at[e] = UINT64_MAX; /* nothing yet */
  return SAC_OK;
}

/* Environments, agent and replay for options that are checked. */
static sac_status make_parts(sac_run *run, const sac_env_api *task, size_t threads,
                             sac_error *err) {
  const sac_run_options *o = &run->config.options;
  const size_t E = (size_t)o->train.envs;
  SAC_TRY(sac_rollout_create(task, E, (uint64_t)o->train.seed, &run->rollout, err));
  const size_t A = run->rollout->A;
  SAC_TRY(check_actions(task->id, run->rollout->actions, &o->agent, err));
  if (A > SAC_EXPLORE_ACTIONS_MAX)
    return sac_fail(err, SAC_ERR_ENV, "%s: %zu action dimensions: at most %d are supported",
                    task->id, A, SAC_EXPLORE_ACTIONS_MAX);
  run->threads = threads;
  if (!threads) {
    const sac_space *space = &run->rollout->space;
    SAC_TRY(sac_bench_threads(&o->agent, space->obs_dim, space->act_dim, space->act_low,
                              space->act_high, &run->threads, err));
  }
  SAC_TRY(sac_rollout_set_threads(run->rollout, run->threads, err));
  SAC_TRY(make_agent(run, err));
  SAC_TRY(task->create(&run->eval_env, err));
  return make_noise(run, err);
}

/* One process trains in a folder at a time; the lock goes with the process. */
static sac_status lock_folder(sac_run *run, sac_error *err) {
  run->lock = open(run->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (run->lock < 0)
    return sac_fail(err, SAC_ERR_IO, "%s: cannot open: %s", run->dir, strerror(errno));
  if (flock(run->lock, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
    return sac_fail(err, SAC_ERR_IO, "%s: another process trains in this folder", run->dir);
  return SAC_OK;
}

static sac_status set_dir(sac_run *run, const char *dir, sac_error *err) {
  if (!dir || !*dir || strlen(dir) >= SAC_PATH_MAX)
    return sac_fail(err, SAC_ERR_ARG, "a run's folder must have a name of 1 to %d characters",
                    SAC_PATH_MAX - 1);
  memcpy(run->dir, dir, strlen(dir) + 1);
  return SAC_OK;
}

/* config.json gets the file's whole path, so that a resume finds it from anywhere. */
static sac_status whole_path(sac_text *file, sac_error *err) {
  if (!*file->at) return SAC_OK;
  char *path = realpath(file->at, NULL);
  if (!path)
    return sac_fail(err, SAC_ERR_IO, "data = %.300s: cannot open: %s", file->at, strerror(errno));
  json_t *text = json_string(path); /* NULL if it is not UTF-8 */
  const int fits = text && strlen(path) < sizeof file->at;
  if (fits) strcpy(file->at, path);
  json_decref(text);
  free(path);
  if (fits) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "data = %.300s: its path must be UTF-8 and below %d bytes",
                  file->at, SAC_TEXT_MAX);
}

/* --- a new run ----------------------------------------------------------------------------- */

static sac_status refuse_old_run(const char *dir, sac_error *err) {
  static const char *const names[] = {"config.json", "checkpoint", "metrics.csv", "eval.csv"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[SAC_PATH_MAX];
    SAC_TRY(sac_path_join(path, dir, names[i], err));
    if (!access(path, F_OK))
      return sac_fail(err, SAC_ERR_ARG,
                      "%s: holds a run already (%s): resume it, or choose another folder", dir,
                      names[i]);
  }
  return SAC_OK;
}

/* A first checkpoint at step 0: a run that ends before its next one can be resumed too. */
static sac_status fill_folder(sac_run *run, sac_error *err) {
  SAC_TRY(sac_config_add_sitting(&run->config, 0, run->threads, err));
  SAC_TRY(sac_config_write(&run->config, run->dir, err));
  SAC_TRY(sac_loop_create_logs(run, err));
  return sac_run_save(run, err);
}

/* Take back what a start that failed has put into the folder, which would refuse the next start. */
static void empty_folder(const sac_run *run) {
  static const char *const names[] = {"checkpoint/state.safetensors",
                                      "checkpoint/replay",
                                      "checkpoint",
                                      "eval.csv",
                                      "metrics.csv",
                                      "config.json"};
  char path[SAC_PATH_MAX];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (sac_path_join(path, run->dir, names[i], NULL) == SAC_OK) remove(path);
}

static sac_status make_folder(sac_run *run, sac_error *err) {
  SAC_TRY(sac_make_folder(run->dir, err));
  SAC_TRY(lock_folder(run, err));
  SAC_TRY(refuse_old_run(run->dir, err));
  const sac_status status = fill_folder(run, err);
  if (status != SAC_OK) empty_folder(run);
  return status;
}

static sac_status begin_new(sac_run *run, const sac_env_api *task, const sac_run_options *options,
                            size_t threads, const char *dir, const char *plugin, sac_error *err) {
  SAC_TRY(set_dir(run, dir, err));
  run->config.options = *options;
  round_steps(&run->config.options.train);
  SAC_TRY(sac_run_options_check(&run->config.options, err));
  SAC_TRY(whole_path(&run->config.options.train.data, err));
  SAC_TRY(make_parts(run, task, threads, err));
  SAC_TRY(sac_rollout_reset(run->rollout, err));
  const sac_run_options checked = run->config.options;
  SAC_TRY(sac_config_make(&run->config, task, &run->rollout->space, &checked, plugin, err));
  return make_folder(run, err); /* last: nothing is left behind by an earlier error */
}

sac_status sac_run_create(const sac_env_api *task, const sac_run_options *options, size_t threads,
                          const char *dir, const char *plugin, sac_run **out, sac_error *err) {
  sac_run *run = new_run();
  if (!run) return sac_fail(err, SAC_ERR_NOMEM, "no memory for a run");
  const sac_status status = begin_new(run, task, options, threads, dir, plugin, err);
  if (status == SAC_OK)
    *out = run;
  else
    sac_run_destroy(run);
  return status;
}

/* --- an old run ---------------------------------------------------------------------------- */

/* The task that config.json names, from the registry only: a path in a file is never loaded. */
static sac_status find_task(sac_registry *registry, const sac_config *c, const char *dir,
                            const sac_env_api **task, sac_error *err) {
  *task = sac_registry_find(registry, c->task, err);
  if (*task) return SAC_OK;
  if (c->plugin)
    return sac_fail(
        err, SAC_ERR_ARG,
        "%s: its task %s came from the plug-in %s, which is loaded only if you name it: "
        "--plugin %s",
        dir, c->task, c->plugin, c->plugin);
  return SAC_ERR_ARG;
}

static sac_status check_sizes(const sac_config *c, const sac_space *space, const char *dir,
                              sac_error *err) {
  if (c->obs_dim == space->obs_dim && c->act_dim == space->act_dim) return SAC_OK;
  return sac_fail(
      err, SAC_ERR_FORMAT,
      "%s: trained on %s with observation %zu and action %zu, which now has %zu and %zu", dir,
      c->task, c->obs_dim, c->act_dim, space->obs_dim, space->act_dim);
}

/* A run at its last step has something left to do if that step was never evaluated: a stop cut the
 * evaluation short. */
static sac_status set_steps(sac_run *run, int64_t steps, int evaluated, sac_error *err) {
  sac_train_options *o = &run->config.options.train;
  const int64_t done = sac_run_step(run);
  if (steps > 0) o->steps = steps;
  round_steps(o);
  if (o->steps < done || (o->steps == done && evaluated))
    return sac_fail(err, SAC_ERR_ARG,
                    "steps = %lld: the run in %s has done %lld already; more than that goes on",
                    (long long)o->steps, run->dir, (long long)done);
  return sac_run_options_check(&run->config.options, err);
}

/* The table is missing, or has no row: nothing but what may be its first line. */
static int is_empty_table(const sac_run *run, const char *name) {
  char path[SAC_PATH_MAX], *text;
  size_t size;
  if (sac_path_join(path, run->dir, name, NULL) != SAC_OK) return 0;
  if (access(path, F_OK)) return errno == ENOENT;
  if (sac_file_read(path, &text, &size, NULL) != SAC_OK) return 0;
  const char *end = memchr(text, '\n', size);
  const int empty = !end || end + 1 == text + size;
  free(text);
  return empty;
}

/* A process that died between config.json and the first checkpoint leaves a folder in which nothing
 * was trained. (One in which something was has rows, and has lost its checkpoint.) */
static int is_unborn(const sac_run *run) {
  char path[SAC_PATH_MAX];
  if (sac_run_state_path(path, run->dir, NULL) != SAC_OK) return 0;
  if (!access(path, F_OK) || errno != ENOENT) return 0;
  return is_empty_table(run, "metrics.csv") && is_empty_table(run, "eval.csv");
}

/* Begin such a run, as it was meant to. */
static sac_status bear(sac_run *run, int64_t steps, sac_error *err) {
  static const char *const tables[] = {"metrics.csv", "eval.csv"};
  SAC_TRY(set_steps(run, steps, 0, err));
  SAC_TRY(sac_rollout_reset(run->rollout, err));
  for (size_t i = 0; i < 2; i++) {
    char path[SAC_PATH_MAX];
    SAC_TRY(sac_path_join(path, run->dir, tables[i], err));
    if (remove(path) && errno != ENOENT) return sac_fail_io(err, path, "remove", errno);
  }
  return fill_folder(run, err);
}

/* The parts of a run in a folder, not filled yet. */
static sac_status open_old(sac_run *run, sac_registry *registry, const char *dir, size_t threads,
                           sac_error *err) {
  const sac_env_api *task;
  SAC_TRY(set_dir(run, dir, err));
  SAC_TRY(sac_config_read(&run->config, dir, err));
  SAC_TRY(lock_folder(run, err));
  SAC_TRY(sac_run_options_check(&run->config.options, err));
  SAC_TRY(find_task(registry, &run->config, dir, &task, err));
  SAC_TRY(make_parts(run, task, threads, err));
  return check_sizes(&run->config, &run->rollout->space, dir, err);
}

/* The only part that changes anything on the disk. A failed write of config.json leaves all as it
 * was; rows that a failed cut leaves are cut by the next resume. */
static sac_status go_on(sac_run *run, const sac_run_tables *tables, sac_error *err) {
  SAC_TRY(sac_config_add_sitting(&run->config, sac_run_step(run), run->threads, err));
  SAC_TRY(sac_config_write(&run->config, run->dir, err));
  return sac_loop_reopen_logs(run, tables, err);
}

static sac_status begin_old(sac_run *run, sac_registry *registry, const char *dir, int64_t steps,
                            size_t threads, sac_error *err) {
  sac_run_tables tables;
  SAC_TRY(open_old(run, registry, dir, threads, err));
  if (is_unborn(run)) return bear(run, steps, err);
  SAC_TRY(sac_run_load(run, err));
  sac_status status = sac_loop_read_logs(run, &tables, err);
  if (status == SAC_OK) status = set_steps(run, steps, tables.eval.at_step, err);
  if (status == SAC_OK) status = go_on(run, &tables, err);
  sac_run_tables_free(&tables);
  return status;
}

sac_status sac_run_resume(sac_registry *registry, const char *dir, int64_t steps, size_t threads,
                          sac_run **out, sac_error *err) {
  sac_run *run = new_run();
  if (!run) return sac_fail(err, SAC_ERR_NOMEM, "no memory for a run");
  const sac_status status = begin_old(run, registry, dir, steps, threads, err);
  if (status == SAC_OK)
    *out = run;
  else
    sac_run_destroy(run);
  return status;
}

/* --- evaluation of a folder ---------------------------------------------------------------- */

static sac_status policy_act(void *policy, const float obs[], const float noise[], float act[],
                             sac_error *err) {
  return sac_policy_act(policy, obs, noise, act, err);
}

/* The folder's policy, from a checkpoint that config.json and the task agree with. */
static sac_status load_policy(const sac_config *config, const sac_space *space, const char *dir,
                              sac_policy **out, sac_error *err) {
  char path[SAC_PATH_MAX];
  sac_safetensors *file;
  SAC_TRY(check_sizes(config, space, dir, err));
  SAC_TRY(sac_run_state_path(path, dir, err));
  SAC_TRY(sac_safetensors_open(path, &file, err));
  const sac_status status = sac_run_check_file(config, space, file, path, err);
  sac_safetensors_close(file);
  return status == SAC_OK ? sac_policy_load(path, out, err) : status;
}

/* Evaluate in `v`'s environment. */
static sac_status evaluate_folder(const sac_config *config, const char *dir, sac_evaluation *v,
                                  sac_eval_result *out, sac_error *err) {
  sac_space space;
  sac_policy *policy = NULL;
  v->task->space(v->env, &space);
  SAC_TRY(load_policy(config, &space, dir, &policy, err));
  v->actor = policy;
  const sac_status status = sac_evaluate(v, out, err);
  sac_policy_destroy(policy);
  return status;
}

sac_status sac_evaluate_run(sac_registry *registry, const char *dir, size_t episodes, uint64_t seed,
                            int stochastic, const char **id, sac_eval_result *out, sac_error *err) {
  sac_config config;
  sac_evaluation v = {
      .act = policy_act, .episodes = episodes, .seed = seed, .stochastic = stochastic};
  if (episodes < 1) return sac_fail(err, SAC_ERR_ARG, "episodes = 0: must be at least 1");
  SAC_TRY(sac_config_read(&config, dir, err));
  sac_status status = find_task(registry, &config, dir, &v.task, err);
  if (status == SAC_OK) status = v.task->create(&v.env, err);
  if (status == SAC_OK) status = evaluate_folder(&config, dir, &v, out, err);
  if (status == SAC_OK) *id = v.task->id;
  if (v.env) v.task->destroy(v.env);
  sac_config_free(&config);
  return status;
}
