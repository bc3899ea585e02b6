/* The loop: what is stored, how often it updates, how it stops, and what it leaves on the disk. */
#define _GNU_SOURCE /* mkdtemp */
#include "toy.h"

#include "base/file.h"
#include "train/explore.h"
#include "train/run.h"

static sac_run_options small(void) {
  sac_run_options o = sac_run_options_default();
  sac_error err;
  const char *const settings[][2] = {
      {"hidden", "8"},
      {"batch", "4"},
      {"warmup", "20"},
      {"steps", "100"},
      {"eval_every", "0"},
      {"eval_episodes", "2"},
      {"log_every", "10"},
      {"checkpoint_every", "0"},
      {"replay_capacity", "1000"},
  };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
    assert_ok(sac_run_options_set(&o, settings[i][0], settings[i][1], &err), err);
  return o;
}

static void set(sac_run_options *o, const char *name, const char *value) {
  sac_error err;
  assert_ok(sac_run_options_set(o, name, value, &err), err);
}

static void plan(uint32_t limit, uint32_t terminate_at) {
  toy = (struct toy_plan){.limit = limit, .terminate_at = terminate_at};
}

static sac_run *create(const sac_run_options *o, const char *dir) {
  sac_error err;
  sac_run *run = NULL;
  assert_ok(sac_run_create(&toy_task, o, 1, dir, NULL, &run, &err), err);
  return run;
}

static void train(sac_run *run) {
  sac_error err;
  assert_ok(sac_run_train(run, NULL, NULL, &err), err);
}

/* Train a new run in dir to its end. */
static void train_new(const sac_run_options *o, const char *dir) {
  sac_run *run = create(o, dir);
  train(run);
  sac_run_destroy(run);
}

static void assert_same_file(const char *a, const char *b) {
  sac_error err;
  char *x, *y;
  size_t nx, ny;
  assert_ok(sac_file_read(a, &x, &nx, &err), err);
  assert_ok(sac_file_read(b, &y, &ny, &err), err);
  assert_int_equal(nx, ny);
  assert_memory_equal(x, y, nx);
  free(x);
  free(y);
}

static int files_differ(const char *a, const char *b) {
  sac_error err;
  char *x, *y;
  size_t nx, ny;
  assert_ok(sac_file_read(a, &x, &nx, &err), err);
  assert_ok(sac_file_read(b, &y, &ny, &err), err);
  const int differ = nx != ny || memcmp(x, y, nx) != 0;
  free(x);
  free(y);
  return differ;
}

#define STATE "checkpoint/state.safetensors"

/* --- updates ------------------------------------------------------------------------------- */

/* The total is floor(utd * (steps - the first update's)), also below one, in blocks, with several
 * environments, and where the ratio's multiples are not exact in binary (0.29 * 100 is below 29).
 */
static void updates_follow_the_ratio(void **state) {
  (void)state;
  static const struct {
    const char *utd, *update_every, *update_after, *envs, *warmup;
    uint64_t updates;
  } cases[] = {
      {"1", "1", "-1", "1", "20", 80},    {"0.1", "1", "-1", "1", "20", 8},
      {"0.25", "1", "-1", "1", "20", 20}, {"2.5", "1", "-1", "1", "20", 200},
      {"1", "50", "-1", "1", "20", 80},   {"1", "50", "10", "1", "20", 90},
      {"1", "1", "-1", "4", "20", 80},    {"0.5", "8", "-1", "4", "20", 38},
      {"1", "1", "-1", "1", "0", 100},    {"0.29", "1", "-1", "1", "0", 29},
      {"0", "1", "-1", "1", "20", 0},
  };
  plan(7, 0);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char dir[SCRATCH_PATH];
    scratch_make(dir);
    sac_run_options o = small();
    set(&o, "utd", cases[i].utd);
    set(&o, "update_every", cases[i].update_every);
    set(&o, "update_after", cases[i].update_after);
    set(&o, "envs", cases[i].envs);
    set(&o, "warmup", cases[i].warmup);
    sac_run *run = create(&o, dir);
    train(run);
    assert_int_equal(sac_run_step(run), 100);
    assert_int_equal(sac_agent_updates(run->agent), cases[i].updates);
    sac_run_destroy(run);
    scratch_remove(dir);
  }
}

/* Steps are rounded up to whole steps of all environments. */
static void steps_are_whole(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "envs", "8");
  sac_run *run = create(&o, dir);
  train(run);
  assert_int_equal(sac_run_step(run), 104);
  sac_run_destroy(run);
  scratch_remove(dir);
}

/* --- episodes ------------------------------------------------------------------------------ */

/* 24 steps of episodes of 8 are 3 episodes. Each is followed by a reset, yet the transition at its
 * end leads to its own last observation: s' = 0.9 s + 0.1 a in every row. Only a terminated episode
 * marks its last transition. */
static void check_transitions(int terminated) {
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "steps", "24");
  sac_run *run = create(&o, dir);
  train(run);
  assert_int_equal(run->count[SAC_COUNT_EPISODES], 3);
  assert_int_equal(sac_replay_size(run->replay), 24);
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  int ends = 0;
  for (int n = 0; n < 2400; n++) {
    const sac_transition x = sac_replay_get(run->replay, sac_replay_draw(run->replay, &stream));
    for (int i = 0; i < TOY_OBS; i++)
      assert_close(x.next_obs[i], 0.9 * (double)x.obs[i] + 0.1 * (double)x.act[i], 1e-6, 0);
    ends += x.terminated;
  }
  /* 3 of 24 rows: 300 of 2400 draws, binomial deviation 16 */
  if (terminated)
    assert_close(ends, 300, 5 * 16.2, 0);
  else
    assert_int_equal(ends, 0);
  sac_run_destroy(run);
  scratch_remove(dir);
}

static void a_truncated_episode_keeps_its_last_observation(void **state) {
  (void)state;
  plan(8, 0);
  check_transitions(0);
}

static void a_terminated_episode_marks_its_end(void **state) {
  (void)state;
  plan(0, 8);
  check_transitions(1);
}

static void both_at_once_is_terminated(void **state) {
  (void)state;
  plan(8, 8);
  check_transitions(1);
}

/* Episodes begin differently, in one environment and across environments. */
static void every_episode_has_its_own_seed(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(1, 0);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "envs", "3");
  set(&o, "steps", "60");
  sac_run *run = create(&o, dir);
  train(run);
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  double seen[60];
  size_t different = 0;
  for (int n = 0; n < 3000; n++) {
    const double x =
        (double)sac_replay_get(run->replay, sac_replay_draw(run->replay, &stream)).obs[0];
    size_t i = 0;
    while (i < different && seen[i] != x) i++;
    if (i == different) seen[different++] = x;
  }
  assert_int_equal(different, 60);
  sac_run_destroy(run);
  scratch_remove(dir);
}

/* Held warm-up actions stay for noise_hold steps of their own environment: 10 steps each of 4
 * environments in blocks of 5 are 8 different actions. */
static void held_actions_stay_in_their_environment(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "envs", "4");
  set(&o, "noise", "held");
  set(&o, "noise_hold", "5");
  set(&o, "warmup", "100");
  set(&o, "steps", "40");
  sac_run *run = create(&o, dir);
  train(run);
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  float seen[40];
  size_t different = 0;
  for (int n = 0; n < 2000; n++) {
    const float a = sac_replay_get(run->replay, sac_replay_draw(run->replay, &stream)).act[0];
    size_t i = 0;
    while (i < different && seen[i] != a) i++;
    if (i == different) seen[different++] = a;
  }
  assert_int_equal(different, 8);
  sac_run_destroy(run);
  scratch_remove(dir);
}

/* Without updates every action of policy=gsde is what one of the matrices gives in its state: that
 * of its environment's last draw. 21 steps of each of 2 environments are 3 episodes of 7; a matrix
 * a whole episode is 6 draws, one each 3 steps of an episode (at 0, 3 and 6) is 18. */
static void check_matrices(const char *freq, size_t expected) {
  enum { STEPS = 21, ROWS = 8 + 1 };
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "policy", "gsde");
  set(&o, "sde_sample_freq", freq);
  set(&o, "sde_log_std_init", "0");
  set(&o, "envs", "2");
  set(&o, "warmup", "0");
  set(&o, "utd", "0");
  set(&o, "steps", "42");
  sac_run *run = create(&o, dir);
  train(run);
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  uint8_t used[2][STEPS] = {{0}};
  size_t different = 0;
  for (int n = 0; n < 1000; n++) {
    const sac_transition s = sac_replay_get(run->replay, sac_replay_draw(run->replay, &stream));
    int found = 0;
    for (size_t e = 0; e < 2; e++)
      for (uint64_t t = 0; t < STEPS; t++) {
        float z[ROWS * TOY_ACT], act[TOY_ACT];
        sac_error err;
        sac_explore_matrix(&o.train, e, t, ROWS, TOY_ACT, z);
        assert_ok(sac_agent_act_held(run->agent, 1, s.obs, z, act, &err), err);
        if (memcmp(act, s.act, sizeof act) != 0) continue;
        found++;
        different += !used[e][t];
        used[e][t] = 1;
      }
    assert_int_equal(found, 1);
  }
  assert_int_equal(different, expected);
  for (uint64_t t = 0; t < STEPS; t++) {
    const uint64_t at = sac_explore_drawn_at(&o.train, t, t % 7);
    assert_true(used[0][at] && used[1][at]);
  }
  sac_run_destroy(run);
  scratch_remove(dir);
}

static void noise_matrices_stay_as_long_as_they_should(void **state) {
  (void)state;
  check_matrices("-1", 6);
  check_matrices("3", 18);
}

/* --- the tables --------------------------------------------------------------------------------
 */

/* The columns of metrics.csv that the tests speak of. */
enum {
  SECONDS = 1,
  EPISODES,
  RETURN,
  LENGTH,
  ALPHA = 8,
  UPDATES = 14,
  STEPS_PER_S,
  UPDATES_PER_S,
  UTD,
  COLUMNS
};

/* Column `column` of the table's line, counted from 0; -1 if the cell is empty. */
static double cell(const char *table, int line, int column) {
  const char *at = table;
  for (int i = 0; i < line; i++) at = strchr(at, '\n') + 1;
  for (int i = 0; i < column; i++) at = strchr(at, ',') + 1;
  return *at == ',' || *at == '\n' ? -1.0 : strtod(at, NULL);
}

/* Each line of metrics.csv has the means since the line before. With a reward of 2 a step, episodes
 * of 5 steps and a line every 10, each line has 2 episodes of return 10 and length 5; a fixed
 * temperature of .25 is .25 in each line that had updates, and updates begin after 20 steps. */
static void lines_are_means_since_the_line_before(void **state) {
  (void)state;
  char dir[SCRATCH_PATH], *text;
  size_t size;
  sac_error err;
  plan(5, 0);
  toy.reward = 2.0;
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "temperature", "fixed");
  set(&o, "alpha", "0.25");
  set(&o, "utd", "0.5");
  train_new(&o, dir);
  assert_ok(sac_file_read(scratch_path(dir, "metrics.csv"), &text, &size, &err), err);
  for (int line = 1; line <= 10; line++) {
    assert_close(cell(text, line, 0), 10 * line, 0, 0);
    assert_close(cell(text, line, EPISODES), 2, 0, 0);
    assert_close(cell(text, line, RETURN), 10, 0, 0);
    assert_close(cell(text, line, LENGTH), 5, 0, 0);
    assert_close(cell(text, line, ALPHA), line > 2 ? 0.25 : -1, 1e-6, 0);
    assert_close(cell(text, line, UPDATES), line > 2 ? 5 * (line - 2) : 0, 0, 0);
    assert_close(cell(text, line, UTD), line > 2 ? 0.5 : 0, 0, 0);
  }
  free(text);
  scratch_remove(dir);
}

/* --- evaluation ---------------------------------------------------------------------------- */

/* A run with many evaluations and one with a single one at its end leave the same state. */
static void evaluation_does_not_move_training(void **state) {
  (void)state;
  char often[SCRATCH_PATH], once[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(often);
  scratch_make(once);
  sac_run_options o = small();
  set(&o, "obs_norm", "running");
  train_new(&o, once);
  set(&o, "eval_every", "5");
  set(&o, "eval_episodes", "3");
  train_new(&o, often);
  assert_same_file(scratch_path(often, STATE), scratch_path(once, STATE));
  scratch_remove(often);
  scratch_remove(once);
}

/* --- resume -------------------------------------------------------------------------------- */

/* No registry knows the toy task, so the run is resumed through its parts. */
static sac_status resume(const char *dir, const char *steps, const sac_run_options *o,
                         sac_run **out, sac_error *err) {
  char fresh[SCRATCH_PATH];
  scratch_make(fresh);
  sac_run_options longer = *o;
  set(&longer, "steps", steps);
  sac_run *run = create(&longer, fresh);
  snprintf(run->dir, sizeof run->dir, "%s", dir);
  sac_log_close(&run->metrics_log);
  sac_log_close(&run->eval_log);
  sac_run_tables tables = {.metrics = {.text = NULL}};
  sac_status status = sac_run_load(run, err);
  if (status == SAC_OK) status = sac_loop_read_logs(run, &tables, err);
  if (status == SAC_OK) status = sac_loop_reopen_logs(run, &tables, err);
  sac_run_tables_free(&tables);
  scratch_remove(fresh);
  if (status == SAC_OK)
    *out = run;
  else
    sac_run_destroy(run);
  return status;
}

/* Both runs' metrics.csv are the same, but for the clock's columns. */
static void assert_same_metrics(const char *a, const char *b) {
  sac_error err;
  char *x, *y;
  size_t nx, ny;
  assert_ok(sac_file_read(scratch_path(a, "metrics.csv"), &x, &nx, &err), err);
  assert_ok(sac_file_read(scratch_path(b, "metrics.csv"), &y, &ny, &err), err);
  int lines = 0;
  for (const char *at = x; (at = strchr(at, '\n')) != NULL; at++) lines++;
  for (const char *at = y; (at = strchr(at, '\n')) != NULL; at++) lines--;
  assert_int_equal(lines, 0);
  for (int line = 1; line <= 10; line++)
    for (int column = 0; column < COLUMNS; column++)
      if (column != SECONDS && column != STEPS_PER_S && column != UPDATES_PER_S)
        assert_close(cell(x, line, column), cell(y, line, column), 0, 0);
  free(x);
  free(y);
}

/* 50 steps, then 50 more in a new process's shoes, are 100 steps, bit for bit. */
static void check_resume_of(sac_run_options o) {
  char whole[SCRATCH_PATH], halves[SCRATCH_PATH];
  sac_error err;
  scratch_make(whole);
  scratch_make(halves);
  set(&o, "steps", "104");
  train_new(&o, whole);
  set(&o, "steps", "52"); /* in the middle of an episode */
  train_new(&o, halves);
  assert_true(files_differ(scratch_path(whole, STATE), scratch_path(halves, STATE)));
  sac_run *run;
  assert_ok(resume(halves, "104", &o, &run, &err), err);
  train(run);
  sac_run_destroy(run);
  assert_same_file(scratch_path(whole, STATE), scratch_path(halves, STATE));
  assert_same_metrics(whole, halves);
  scratch_remove(whole);
  scratch_remove(halves);
}

static void check_resume(const char *envs, const char *option, const char *value) {
  sac_run_options o = small();
  set(&o, "envs", envs);
  set(&o, option, value);
  set(&o, "sde_sample_freq", "3"); /* the 52nd step is within a matrix's life too */
  check_resume_of(o);
}

/* A folder with the transitions of a run of 60 steps in `file`. */
static void make_data(const char *dir, const char *file, const char *seed) {
  char run[SCRATCH_PATH];
  sac_error err;
  size_t count;
  scratch_make(run);
  sac_run_options o = small();
  set(&o, "steps", "60");
  set(&o, "seed", seed);
  train_new(&o, run);
  assert_ok(sac_run_export_data(run, scratch_path(dir, file), &count, &err), err);
  assert_int_equal(count, 60);
  scratch_remove(run);
}

/* With a data set too; and not with another one, with none where there was one, or with one where
 * there was none. */
static void a_resume_needs_its_data(void **state) {
  (void)state;
  char dir[SCRATCH_PATH], run_dir[SCRATCH_PATH];
  sac_error err;
  sac_run *run;
  plan(7, 0);
  scratch_make(dir);
  scratch_make(run_dir);
  make_data(dir, "data", "7");
  make_data(dir, "other", "8");
  const sac_run_options plain = small();
  sac_run_options with = plain, other = plain;
  set(&with, "data", scratch_path(dir, "data"));
  set(&other, "data", scratch_path(dir, "other"));
  check_resume_of(with);
  train_new(&with, run_dir);
  const sac_run_options *const wrong[] = {&other, &plain};
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(resume(run_dir, "200", wrong[i], &run, &err), SAC_ERR_FORMAT);
    assert_non_null(strstr(err.msg, i ? "data = none" : "other"));
  }
  assert_ok(resume(run_dir, "200", &with, &run, &err), err);
  sac_run_destroy(run);
  scratch_remove(run_dir);
  scratch_make(run_dir);
  train_new(&plain, run_dir);
  assert_int_equal(resume(run_dir, "200", &with, &run, &err), SAC_ERR_FORMAT);
  assert_non_null(strstr(err.msg, "checksum none"));
  set(&with, "data", scratch_path(dir, "not_there"));
  assert_int_equal(sac_run_create(&toy_task, &with, 1, scratch_path(dir, "run"), NULL, &run, &err),
                   SAC_ERR_IO);
  assert_non_null(strstr(err.msg, "not_there"));
  scratch_remove(run_dir);
  scratch_remove(dir);
}

static void a_resume_is_exact(void **state) {
  (void)state;
  plan(7, 0);
  check_resume("1", "noise", "white");
  check_resume("4", "noise", "pink");
  check_resume("1", "policy", "gsde");
  plan(0, 9);
  check_resume("2", "noise", "held");
  check_resume("2", "noise", "zeta");
  check_resume("2", "policy", "gsde");
}

/* A task that cannot save its state goes on with a fresh episode, and what was stored stays good.
 */
static void a_resume_without_snapshots_begins_an_episode(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  sac_error err;
  plan(7, 0);
  scratch_make(dir);
  sac_env_api plain = toy_task;
  plain.flags = SAC_ENV_DETERMINISTIC;
  sac_run_options o = small();
  set(&o, "steps", "52");
  sac_run *run;
  assert_ok(sac_run_create(&plain, &o, 1, dir, NULL, &run, &err), err);
  train(run);
  sac_run_destroy(run);
  char fresh[SCRATCH_PATH];
  scratch_make(fresh);
  set(&o, "steps", "100");
  assert_ok(sac_run_create(&plain, &o, 1, fresh, NULL, &run, &err), err);
  snprintf(run->dir, sizeof run->dir, "%s", dir);
  assert_ok(sac_run_load(run, &err), err);
  assert_int_equal(run->rollout->episode[0], 8); /* number 7 was under way: 52 = 7 * 7 + 3 */
  assert_int_equal(run->rollout->length[0], 0);
  train(run);
  assert_int_equal(sac_run_step(run), 100);
  assert_int_equal(sac_replay_size(run->replay), 100);
  sac_run_destroy(run);
  scratch_remove(fresh);
  scratch_remove(dir);
}

static void replace(char *text, const char *word, const char *with) {
  char *at = strstr(text, word);
  assert_non_null(at);
  memcpy(at, with, strlen(with));
}

/* A config.json from when the three optimisers shared one option. */
static void an_options_former_name_is_read(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "adam_beta1", "0.5");
  train_new(&o, dir);
  sac_error err;
  char *text;
  size_t size;
  const char *path = scratch_path(dir, "config.json");
  assert_ok(sac_file_read(path, &text, &size, &err), err);
  replace(text, "\"actor_beta1\":", " \"adam_beta1\":");
  replace(text, "\"critic_beta1\":", "\"no_longer___\":");
  replace(text, "\"alpha_beta1\":", "\"nor_this___\":");
  const sac_piece piece = {text, size};
  assert_ok(sac_file_replace(path, &piece, 1, &err), err);
  free(text);
  sac_config config;
  assert_ok(sac_config_read(&config, dir, &err), err);
  assert_close(config.options.agent.actor_beta1, 0.5, 0, 0);
  assert_close(config.options.agent.critic_beta1, 0.5, 0, 0);
  assert_close(config.options.agent.alpha_beta1, 0.5, 0, 0);
  sac_config_free(&config);
  scratch_remove(dir);
}

/* --- errors -------------------------------------------------------------------------------- */

/* The run fails with `status` and a message that has both words; the checkpoint of step 40 is still
 * the one on the disk. */
static void check_failure(sac_status status, const char *word, const char *other) {
  char dir[SCRATCH_PATH];
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "checkpoint_every", "20");
  sac_run *run = create(&o, dir);
  sac_error err = {.msg = ""};
  assert_int_equal(sac_run_train(run, NULL, NULL, &err), status);
  if (!strstr(err.msg, word) || !strstr(err.msg, other))
    fail_msg("'%s' does not say '%s' and '%s'", err.msg, word, other);
  sac_run_destroy(run);
  assert_ok(resume(dir, "1000", &o, &run, &err), err);
  assert_int_equal(sac_run_step(run), 40);
  sac_run_destroy(run);
  scratch_remove(dir);
}

static void faults_of_the_task_are_named(void **state) {
  (void)state;
  plan(7, 0);
  toy.nan_reward_at = 47;
  check_failure(SAC_ERR_DIVERGED, "step 46", "reward");
  plan(7, 0);
  toy.nan_obs_at = 47;
  check_failure(SAC_ERR_DIVERGED, "step 46", "observation 1");
  plan(7, 0);
  toy.fail_at = 47;
  check_failure(SAC_ERR_ENV, "step 46", "the spring broke");
}

/* A folder that holds a run is refused, and stays as it is. */
static void a_run_is_not_overwritten(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  const sac_run_options o = small();
  train_new(&o, dir);
  sac_run *run = NULL;
  sac_error err;
  assert_int_equal(sac_run_create(&toy_task, &o, 1, dir, NULL, &run, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, dir));
  assert_null(run);
  scratch_remove(dir);
}

/* Options out of range leave no folder behind. */
static void bad_options_leave_nothing(void **state) {
  (void)state;
  char dir[SCRATCH_PATH];
  plan(7, 0);
  scratch_make(dir);
  sac_run_options o = small();
  o.agent.gamma = 2.0;
  sac_run *run = NULL;
  sac_error err;
  char path[SCRATCH_PATH + 4];
  snprintf(path, sizeof path, "%s/new", dir);
  assert_int_equal(sac_run_create(&toy_task, &o, 1, path, NULL, &run, &err), SAC_ERR_ARG);
  assert_int_equal(scratch_count(dir), 0);
  scratch_remove(dir);
}

/* --- stopping ------------------------------------------------------------------------------ */

/* When to stop, and where that was followed. */
struct stopper {
  int64_t at;          /* a step, */
  uint64_t at_updates; /* and this many updates */
  int64_t stopped;
};

static int stop_at(void *user, const sac_progress *p) {
  struct stopper *s = user;
  if (p->step < s->at || p->updates < s->at_updates) return 0;
  s->stopped = p->step;
  return 1;
}

/* A stop saves a checkpoint where it stands and says so; the resumed run ends as if it had not been
 * stopped. The evaluation of its step is abandoned, and made up for by the resume: the
 * table has its row, and the returns of a run that was not stopped. */
static void a_stop_saves(void **state) {
  (void)state;
  char whole[SCRATCH_PATH], dir[SCRATCH_PATH], *x, *y;
  size_t nx, ny;
  sac_error err;
  plan(7, 0);
  scratch_make(whole);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "eval_every", "30");
  train_new(&o, whole);
  set(&o, "eval_episodes", "100000");
  sac_run *run = create(&o, dir);
  struct stopper s = {.at = 30};
  run->report_seconds = 0; /* at every occasion */
  assert_int_equal(sac_run_train(run, stop_at, &s, &err), SAC_ERR_STOPPED);
  assert_int_equal(s.stopped, 30);
  sac_run_destroy(run);
  set(&o, "eval_episodes", "2");
  assert_ok(resume(dir, "100", &o, &run, &err), err);
  assert_int_equal(sac_run_step(run), 30);
  train(run);
  sac_run_destroy(run);
  assert_same_file(scratch_path(whole, STATE), scratch_path(dir, STATE));
  assert_ok(sac_file_read(scratch_path(whole, "eval.csv"), &x, &nx, &err), err);
  assert_ok(sac_file_read(scratch_path(dir, "eval.csv"), &y, &ny, &err), err);
  for (int line = 1; line <= 4; line++)
    for (int column = 0; column <= RETURN; column++)
      if (column != SECONDS) assert_close(cell(y, line, column), cell(x, line, column), 0, 0);
  free(x);
  free(y);
  scratch_remove(whole);
  scratch_remove(dir);
}

/* A stop in the middle of a block of 500 updates is followed at once, and the resumed run goes on
 * in it: the same bytes and tables. The block is that of the last step. */
static void a_stop_leaves_a_block(void **state) {
  (void)state;
  char whole[SCRATCH_PATH], dir[SCRATCH_PATH];
  sac_error err;
  plan(7, 0);
  scratch_make(whole);
  scratch_make(dir);
  sac_run_options o = small();
  set(&o, "utd", "10");
  set(&o, "update_every", "50");
  train_new(&o, whole);
  sac_run *run = create(&o, dir);
  for (uint64_t at = 555; at <= 700; at += 145) { /* twice in the block of updates 300 to 800 */
    struct stopper s = {.at_updates = at};
    run->report_seconds = 0;
    assert_int_equal(sac_run_train(run, stop_at, &s, &err), SAC_ERR_STOPPED);
    assert_int_equal(sac_run_step(run), 100);
    assert_int_equal(sac_agent_updates(run->agent), at);
    sac_run_destroy(run);
    run = NULL;
    if (at == 555) assert_ok(resume(dir, "100", &o, &run, &err), err);
  }
  sac_piece state_then;
  char *data;
  assert_ok(sac_file_read(scratch_path(dir, STATE), &data, &state_then.size, &err), err);
  state_then.data = data;
  for (int times = 0; times < 2; times++) { /* as if killed after the rows, before the checkpoint */
    assert_ok(sac_file_replace(scratch_path(dir, STATE), &state_then, 1, &err), err);
    assert_ok(resume(dir, "100", &o, &run, &err), err);
    train(run);
    assert_int_equal(sac_agent_updates(run->agent), 800);
    sac_run_destroy(run);
    assert_same_file(scratch_path(whole, STATE), scratch_path(dir, STATE));
    assert_same_metrics(whole, dir);
  }
  free(data);
  scratch_remove(whole);
  scratch_remove(dir);
}

/* --- threads ------------------------------------------------------------------------------- */

/* Five environments in one, two and three threads leave the same state. */
static void check_threads(const char *policy) {
  char one[SCRATCH_PATH], more[SCRATCH_PATH];
  sac_error err;
  plan(7, 0);
  scratch_make(one);
  sac_run_options o = small();
  set(&o, "policy", policy);
  set(&o, "envs", "5");
  set(&o, "steps", "200");
  train_new(&o, one);
  for (size_t threads = 2; threads <= 3; threads++) {
    scratch_make(more);
    sac_run *run;
    assert_ok(sac_run_create(&toy_task, &o, threads, more, NULL, &run, &err), err);
    train(run);
    sac_run_destroy(run);
    assert_same_file(scratch_path(one, STATE), scratch_path(more, STATE));
    scratch_remove(more);
  }
  scratch_remove(one);
}

static void threads_do_not_matter(void **state) {
  (void)state;
  check_threads("tanh_normal");
  check_threads("gsde");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(updates_follow_the_ratio),
      cmocka_unit_test(steps_are_whole),
      cmocka_unit_test(a_truncated_episode_keeps_its_last_observation),
      cmocka_unit_test(a_terminated_episode_marks_its_end),
      cmocka_unit_test(both_at_once_is_terminated),
      cmocka_unit_test(every_episode_has_its_own_seed),
      cmocka_unit_test(held_actions_stay_in_their_environment),
      cmocka_unit_test(noise_matrices_stay_as_long_as_they_should),
      cmocka_unit_test(lines_are_means_since_the_line_before),
      cmocka_unit_test(evaluation_does_not_move_training),
      cmocka_unit_test(a_resume_is_exact),
      cmocka_unit_test(a_resume_needs_its_data),
      cmocka_unit_test(a_resume_without_snapshots_begins_an_episode),
      cmocka_unit_test(an_options_former_name_is_read),
      cmocka_unit_test(faults_of_the_task_are_named),
      cmocka_unit_test(a_run_is_not_overwritten),
      cmocka_unit_test(bad_options_leave_nothing),
      cmocka_unit_test(a_stop_saves),
      cmocka_unit_test(a_stop_leaves_a_block),
      cmocka_unit_test(threads_do_not_matter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
