#define _POSIX_C_SOURCE 200809L
#include "train/run.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "base/try.h"
#include "train/evaluate.h"
#include "train/explore.h"
#include "train/options.h"

_Static_assert(SAC_METRICS == 9, "a metric was added: give it a column in METRICS_HEADER");
#define METRICS_HEADER                                                                             \
  "step,seconds,episodes,return_mean,length_mean,critic_loss,actor_loss,alpha_loss,alpha,entropy," \
  "q_mean,target_mean,critic_grad_norm,actor_grad_norm,updates,steps_per_s,updates_per_s,utd"
#define EVAL_HEADER "step,seconds,episodes,return_mean,return_std,return_min,return_max,length_mean"

static const double rate_seconds = 1.0;

/* A moment of training, to measure rates from. */
struct mark {
  double time;
  int64_t step;
  uint64_t updates;
};

/* One call of sac_run_train. */
struct loop {
  sac_run *run;
  sac_progress_fn *fn;
  void *user;
  double start;           /* the clock when this sitting began */
  double reported;        /* the clock at the last report */
  struct mark rate, line; /* where the reported rates, and the next line's, are measured from */
  sac_progress progress;
  int stop; /* the caller asked for it */
};

static const sac_train_options *options_of(const sac_run *run) {
  return &run->config.options.train;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds(const struct loop *l) {
  return l->run->seconds_before + now() - l->start;
}

static struct mark mark_now(const struct loop *l) {
  return (struct mark){now(), sac_run_step(l->run), sac_agent_updates(l->run->agent)};
}

static double per_second(double count, double elapsed) {
  return elapsed > 0 ? count / elapsed : 0;
}

/* --- the ratio of updates to steps --------------------------------------------------------- */

/* Updates that are due after `step` steps. The tolerance is for ratios such as 0.1, whose multiples
 * in binary fall just below the whole number that they stand for. */
static uint64_t updates_due(const sac_train_options *o, int64_t step) {
  const int64_t learning = step - sac_run_first_update(o);
  return learning > 0 ? (uint64_t)floor(o->utd * (double)learning + 1e-6) : 0;
}

static double utd_realised(const sac_run *run) {
  const int64_t learning = sac_run_step(run) - sac_run_first_update(options_of(run));
  return learning > 0 ? (double)sac_agent_updates(run->agent) / (double)learning : 0.0;
}

/* --- telling the caller -------------------------------------------------------------------- */

static void fill_progress(struct loop *l) {
  const sac_run *run = l->run;
  sac_progress *p = &l->progress;
  const struct mark m = mark_now(l);
  if (m.time - l->rate.time >= rate_seconds) {
    p->steps_per_s = per_second((double)(m.step - l->rate.step), m.time - l->rate.time);
    p->updates_per_s = per_second((double)(m.updates - l->rate.updates), m.time - l->rate.time);
    l->rate = m;
  }
  p->step = m.step;
  p->steps = options_of(run)->steps;
  p->seconds = seconds(l);
  p->updates = m.updates;
  p->random_actions = m.step < options_of(run)->warmup;
  p->utd_realised = utd_realised(run);
  p->episodes = run->count[SAC_COUNT_EPISODES];
  const double episodes = (double)run->count[SAC_COUNT_LOG_EPISODES];
  if (episodes > 0) {
    p->return_last = run->sum[SAC_SUM_LOG_RETURN] / episodes;
    p->length_last = (double)run->count[SAC_COUNT_LOG_LENGTH] / episodes;
  }
}

static void report(struct loop *l) {
  l->reported = now();
  if (!l->fn || l->stop) return;
  fill_progress(l);
  if (l->fn(l->user, &l->progress)) l->stop = 1;
}

/* Report if it is time to; also asked from inside evaluations. */
static int report_in_time(void *user) {
  struct loop *l = user;
  if (now() - l->reported >= l->run->report_seconds) report(l);
  return l->stop;
}

/* --- one step ------------------------------------------------------------------------------ */

typedef sac_status sac_agent_acting(sac_agent *agent, size_t n, const float obs[],
                                    const float noise[], float act[], sac_error *err);

/* The noise matrices of step t: those that are there, but where a row draws anew. */
static void hold_matrices(sac_run *run, uint64_t t) {
  const sac_rollout *r = run->rollout;
  const size_t width = run->noise_rows * r->A;
  for (size_t e = 0; e < r->E; e++) {
    const uint64_t at = sac_explore_drawn_at(options_of(run), t, r->length[e]);
    if (at == run->drawn_at[e]) continue;
    sac_explore_matrix(options_of(run), e, at, run->noise_rows, r->A, run->noise + e * width);
    run->drawn_at[e] = at;
  }
}

static sac_status act(sac_run *run, sac_error *err) {
  const sac_train_options *o = options_of(run);
  sac_rollout *r = run->rollout;
  const int64_t step = sac_run_step(run);
  const uint64_t t = (uint64_t)step / r->E;
  if (step < o->warmup) {
    sac_explore_warmup(o, &r->space, r->actions, r->E, t, r->act);
    return SAC_OK;
  }
  if (run->noise_rows)
    hold_matrices(run, t);
  else
    sac_explore_noise(o, r->E, r->A, t, run->noise);
  const size_t most = (size_t)run->config.options.agent.batch; /* rows that one call takes */
  const size_t width = r->A * (run->noise_rows ? run->noise_rows : 1);
  for (size_t e = 0; e < r->E; e += most) {
    const size_t n = r->E - e < most ? r->E - e : most;
    sac_agent_acting *choose = run->noise_rows ? sac_agent_act_held : sac_agent_act;
    SAC_TRY(
        choose(run->agent, n, r->obs + e * r->O, run->noise + e * width, r->act + e * r->A, err));
  }
  return SAC_OK;
}

static void count_row(sac_run *run, size_t e) {
  sac_rollout *r = run->rollout;
  r->length[e]++;
  r->total[e] += r->reward[e];
  run->count[SAC_COUNT_STEP]++;
  if (!sac_rollout_ended(r, e)) return;
  run->count[SAC_COUNT_EPISODES]++;
  run->count[SAC_COUNT_LOG_EPISODES]++;
  run->count[SAC_COUNT_LOG_LENGTH] += r->length[e];
  run->sum[SAC_SUM_LOG_RETURN] += r->total[e];
}

static sac_status store(sac_run *run, size_t e, sac_error *err) {
  const sac_rollout *r = run->rollout;
  sac_error cause;
  const sac_status status =
      sac_replay_push(run->replay, e, r->obs + e * r->O, r->act + e * r->A, (float)r->reward[e],
                      r->next + e * r->O, r->terminated[e], r->truncated[e], &cause);
  return status == SAC_OK ? SAC_OK : sac_fail(err, status, "environment %zu: %.400s", e, cause.msg);
}

static void count_metrics(sac_run *run, const sac_update_metrics *metrics) {
  double value[SAC_METRICS];
  memcpy(value, metrics, sizeof value);
  for (size_t i = 0; i < SAC_METRICS; i++) {
    if (isnan(value[i])) continue; /* this update had no such step */
    run->sum[SAC_SUM_METRIC + i] += value[i];
    run->count[SAC_COUNT_METRIC + i]++;
  }
}

/* The step's block of updates is not done yet. */
static int in_block(const sac_run *run) {
  const sac_train_options *o = options_of(run);
  const int64_t at = sac_run_step(run);
  return at > 0 && sac_run_due(at, (int64_t)run->rollout->E, o->update_every) &&
         sac_agent_updates(run->agent) < updates_due(o, at) && sac_replay_size(run->replay);
}

/* The updates that are due. A stop leaves the block where it is: what is left of it follows from
 * the step and the number of updates, so the resumed run does the rest before anything else. */
static sac_status update(struct loop *l, sac_error *err) {
  sac_run *run = l->run;
  while (!l->stop && in_block(run)) {
    SAC_TRY(sac_agent_update(run->agent, run->replay, &l->progress.metrics, err));
    count_metrics(run, &l->progress.metrics);
    report_in_time(l);
  }
  return SAC_OK;
}

/* Environments, replay, updates: one step of every environment. */
static sac_status step(struct loop *l, sac_error *err) {
  sac_run *run = l->run;
  SAC_TRY(sac_agent_observe(run->agent, run->rollout->E, run->rollout->obs, err));
  SAC_TRY(act(run, err));
  SAC_TRY(sac_rollout_step(run->rollout, err));
  for (size_t e = 0; e < run->rollout->E; e++) {
    SAC_TRY(store(run, e, err));
    SAC_TRY(sac_agent_observe_reward(run->agent, e, run->rollout->reward[e],
                                     sac_rollout_ended(run->rollout, e), err));
    count_row(run, e);
  }
  sac_rollout_advance(run->rollout);
  return update(l, err);
}

/* --- the tables ---------------------------------------------------------------------------- */

static double mean_or_nan(double sum, uint64_t count) {
  return count ? sum / (double)count : (double)NAN;
}

static sac_status write_metrics(struct loop *l, sac_error *err) {
  const sac_run *run = l->run;
  const struct mark m = mark_now(l);
  const uint64_t episodes = run->count[SAC_COUNT_LOG_EPISODES];
  double row[SAC_LOG_COLUMNS_MAX];
  size_t n = 0;
  row[n++] = (double)m.step;
  row[n++] = seconds(l);
  row[n++] = (double)episodes;
  row[n++] = mean_or_nan(run->sum[SAC_SUM_LOG_RETURN], episodes);
  row[n++] = mean_or_nan((double)run->count[SAC_COUNT_LOG_LENGTH], episodes);
  for (size_t i = 0; i < SAC_METRICS; i++)
    row[n++] = mean_or_nan(run->sum[SAC_SUM_METRIC + i], run->count[SAC_COUNT_METRIC + i]);
  row[n++] = (double)m.updates;
  row[n++] = per_second((double)(m.step - l->line.step), m.time - l->line.time);
  row[n++] = per_second((double)(m.updates - l->line.updates), m.time - l->line.time);
  row[n++] = utd_realised(run);
  return sac_log_row(&l->run->metrics_log, n, row, err);
}

/* A line on schedule ends the sums that it shows; the extra line at the end of a run does not,
 * since a resumed run goes on with them. */
static sac_status log_line(struct loop *l, sac_error *err) {
  sac_run *run = l->run;
  SAC_TRY(write_metrics(l, err));
  fill_progress(l); /* the caller's mean of finished episodes outlives the sums */
  memset(run->sum, 0, sizeof run->sum);
  memset(run->count + SAC_COUNT_LOG_EPISODES, 0,
         sizeof run->count - SAC_COUNT_LOG_EPISODES * sizeof *run->count);
  l->line = mark_now(l);
  return SAC_OK;
}

static sac_status agent_act(void *agent, const float obs[], const float noise[], float action[],
                            sac_error *err) {
  return sac_agent_act(agent, 1, obs, noise, action, err);
}

/* Evaluate and write the row; an evaluation that the caller stops leaves none. */
static sac_status evaluate(struct loop *l, sac_error *err) {
  sac_run *run = l->run;
  const sac_train_options *o = options_of(run);
  const sac_evaluation evaluation = {.task = run->rollout->task,
                                     .env = run->eval_env,
                                     .act = agent_act,
                                     .actor = run->agent,
                                     .episodes = (size_t)o->eval_episodes,
                                     .seed = (uint64_t)o->seed,
                                     .series = (uint64_t)sac_run_step(run),
                                     .stop = report_in_time,
                                     .stop_user = l};
  sac_eval_result r;
  const sac_status status = sac_evaluate(&evaluation, &r, err);
  if (status == SAC_ERR_STOPPED) return SAC_OK; /* the loop sees l->stop */
  if (status != SAC_OK) return status;
  run->eval_step = sac_run_step(run);
  const double row[] = {(double)run->eval_step, seconds(l),   (double)r.episodes, r.return_mean,
                        r.return_std,           r.return_min, r.return_max,       r.length_mean};
  SAC_TRY(sac_log_row(&run->eval_log, sizeof row / sizeof *row, row, err));
  l->progress.has_eval = 1;
  l->progress.eval_step = run->eval_step;
  l->progress.eval = r;
  report(l);
  return SAC_OK;
}

sac_status sac_loop_create_logs(sac_run *run, sac_error *err) {
  SAC_TRY(sac_log_create(&run->metrics_log, run->dir, "metrics.csv", METRICS_HEADER, err));
  return sac_log_create(&run->eval_log, run->dir, "eval.csv", EVAL_HEADER, err);
}

/* A row's step is of the regular schedule, not of a run's end. */
static int metrics_scheduled(const void *user, double row_step) {
  const sac_train_options *o = user;
  return sac_run_due((int64_t)row_step, o->envs, o->log_every);
}

static int eval_scheduled(const void *user, double row_step) {
  const sac_train_options *o = user;
  return sac_run_due((int64_t)row_step, o->envs, o->eval_every);
}

sac_status sac_loop_read_logs(sac_run *run, sac_run_tables *t, sac_error *err) {
  const sac_train_options *o = options_of(run);
  /* the rows of a step come after its updates: in a block there is none of it yet */
  const double last = (double)(sac_run_step(run) - in_block(run));
  *t = (sac_run_tables){.metrics = {.text = NULL}};
  SAC_TRY(sac_log_read(&t->metrics, run->dir, "metrics.csv", METRICS_HEADER, last,
                       metrics_scheduled, o, err));
  return sac_log_read(&t->eval, run->dir, "eval.csv", EVAL_HEADER, last, eval_scheduled, o, err);
}

sac_status sac_loop_reopen_logs(sac_run *run, const sac_run_tables *t, sac_error *err) {
  SAC_TRY(sac_log_reopen(&run->metrics_log, &t->metrics, err));
  SAC_TRY(sac_log_reopen(&run->eval_log, &t->eval, err));
  run->eval_step = (int64_t)t->eval.step;
  run->seconds_before = fmax(t->metrics.seconds, t->eval.seconds);
  return SAC_OK;
}

void sac_run_tables_free(sac_run_tables *t) {
  sac_log_history_free(&t->metrics);
  sac_log_history_free(&t->eval);
}

/* --- the loop ------------------------------------------------------------------------------ */

static int due(const sac_run *run, int64_t every) {
  return sac_run_due(sac_run_step(run), (int64_t)run->rollout->E, every);
}

static sac_status save(struct loop *l, sac_error *err) {
  const sac_run *run = l->run;
  const int saved =
      run->saved_step == sac_run_step(run) && run->saved_updates == sac_agent_updates(run->agent);
  if (saved) return sac_log_sync(&l->run->eval_log, err);
  SAC_TRY(sac_run_save(l->run, err));
  report(l);
  return SAC_OK;
}

/* What is due after a step. The order matters to a resume: a checkpoint comes after the rows of its
 * step. An evaluation that a stop cut short has no row, and is made up for in `begin`. */
static sac_status after_step(struct loop *l, sac_error *err) {
  const sac_run *run = l->run;
  const sac_train_options *o = options_of(run);
  if (due(run, o->log_every)) SAC_TRY(log_line(l, err));
  if (due(run, o->eval_every)) SAC_TRY(evaluate(l, err));
  if (due(run, o->checkpoint_every)) SAC_TRY(save(l, err));
  report_in_time(l);
  return SAC_OK;
}

/* Make up for what a stop left of the last step: the rest of its updates and what comes after them,
 * or an evaluation. */
static sac_status begin(struct loop *l, sac_error *err) {
  const sac_run *run = l->run;
  const int64_t at = sac_run_step(run);
  if (in_block(run)) {
    SAC_TRY(update(l, err));
    return in_block(run) ? SAC_OK : after_step(l, err);
  }
  if (at == 0 || run->eval_step == at || !due(run, options_of(run)->eval_every)) return SAC_OK;
  return evaluate(l, err);
}

/* The end of all steps: an evaluation and a checkpoint of it, if it was not their turn anyway. */
static sac_status finish(struct loop *l, sac_error *err) {
  const sac_run *run = l->run;
  if (!due(run, options_of(run)->log_every)) SAC_TRY(write_metrics(l, err));
  if (run->eval_step != sac_run_step(run)) SAC_TRY(evaluate(l, err));
  return save(l, err);
}

static sac_status train(struct loop *l, sac_error *err) {
  const int64_t steps = options_of(l->run)->steps;
  SAC_TRY(begin(l, err));
  while (!l->stop && sac_run_step(l->run) < steps) {
    SAC_TRY(step(l, err));
    if (!in_block(l->run)) SAC_TRY(after_step(l, err));
  }
  if (!l->stop) SAC_TRY(finish(l, err));
  if (!l->stop) return SAC_OK;
  SAC_TRY(save(l, err));
  return sac_fail(err, SAC_ERR_STOPPED, "stopped on request; the checkpoint is saved");
}

sac_status sac_run_train(sac_run *run, sac_progress_fn *progress, void *user, sac_error *err) {
  struct loop l = {.run = run, .fn = progress, .user = user, .start = now()};
  l.rate = l.line = mark_now(&l);
  l.reported = l.start;
  l.progress.return_last = l.progress.length_last = (double)NAN;
  double *metrics = (double *)&l.progress.metrics;
  for (size_t i = 0; i < SAC_METRICS; i++) metrics[i] = (double)NAN;
  sac_error cause = {.msg = ""};
  const sac_status status = train(&l, &cause);
  run->seconds_before = seconds(&l);
  if (status == SAC_OK) return SAC_OK;
  return sac_fail(err, status, "step %lld: %.450s", (long long)sac_run_step(run), cause.msg);
}
