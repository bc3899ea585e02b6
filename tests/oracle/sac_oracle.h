/* An agent and sac_update.py side by side: the record of what the agent did, the process that does
 * it a second time in NumPy and in double, from the equations, and what that answers. Same weights,
 * same batch, same noise, several updates in a row, and every number of the agent's state compared
 * after each; what agrees to how much stands in sac_update.py. */
#ifndef SAC_TEST_ORACLE_H
#define SAC_TEST_ORACLE_H

#include "check.h"

#include "agent/handle.h"
#include "agent/state.h"
#include "sac/random.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UPDATES = 5, EPISODE = 23, SEED = 20240229 };

struct test_case {
  const char *name;
  size_t obs, act;
  const char *set;     /* options, "key=value key=value" */
  double low, high;    /* bounds of action 0; action j adds j / 4 to `high`; 0, 0: [-1, 1] */
  size_t choices;      /* discrete actions; 0: continuous ones */
  size_t threads;      /* 0: one */
  float reward;        /* the size of the rewards; 0: 1 */
  float actor_scale;   /* on the actor's last weights, 0: 1. Large: saturated actions */
  float target_offset; /* random numbers of this size are added to the targets */
  const char *isa;     /* NULL: what the CPU has */
  int ties;            /* bf16: so many sums that some falls on the other side of a tie */
};

/* --- what is recorded: `NAME DTYPE ROWS COLS` and the numbers, gap-free ---------------------- */

static void put(FILE *out, const char *name, const char *dtype, size_t size, size_t rows,
                size_t cols, size_t stride, const void *data) {
  fprintf(out, "%s %s %zu %zu\n", name, dtype, rows, cols);
  for (size_t i = 0; i < rows; i++) fwrite((const char *)data + i * stride * size, size, cols, out);
}

static void put_floats(FILE *out, const char *name, size_t rows, size_t cols, const float *data) {
  put(out, name, "f32", sizeof *data, rows, cols, cols, data);
}

static void put_options(FILE *out, const sac_agent_options *options) {
  size_t count;
  const sac_option *table = sac_agent_option_table(&count);
  for (size_t i = 0; i < count; i++) {
    char text[128];
    sac_option_get(&table[i], options, text, sizeof text);
    fprintf(out, "option %s %s\n", table[i].name, text);
  }
  fprintf(out, "option updates %d\n", UPDATES);
}

static void put_state(FILE *out, sac_agent *agent, int update) {
  static const struct {
    const char *name;
    size_t size;
  } dtype[] = {[SAC_F32] = {"f32", 4}, [SAC_F64] = {"f64", 8}, [SAC_U64] = {"u64", 8}};
  sac_tensor *tensors = calloc(sac_agent_tensors(agent, NULL), sizeof *tensors);
  const size_t count = sac_agent_tensors(agent, tensors);
  for (size_t i = 0; i < count; i++) {
    const sac_tensor *t = &tensors[i];
    fprintf(out, "%d/", update);
    put(out, t->name, dtype[t->dtype].name, dtype[t->dtype].size, t->rows, t->cols, t->stride,
        t->data);
  }
  free(tensors);
}

/* --- the replay: episodes that end in turn by terminated, by truncated ----------------------- */

struct steps {
  size_t count, O, A;
  float *obs, *act, *reward, *next_obs, *terminated, *truncated;
};

static struct steps make_steps(const struct test_case *c, size_t count, const double low[],
                               const double high[]) {
  struct steps s = {.count = count, .O = c->obs, .A = c->act};
  s.obs = calloc(count * s.O, sizeof *s.obs);
  s.next_obs = calloc(count * s.O, sizeof *s.next_obs);
  s.act = calloc(count * s.A, sizeof *s.act);
  s.reward = calloc(count, sizeof *s.reward);
  s.terminated = calloc(count, sizeof *s.terminated);
  s.truncated = calloc(count, sizeof *s.truncated);
  sac_stream stream = sac_stream_make(SEED, SAC_STREAM_USER, 0);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < s.O; j++) {
      const float fresh = (float)(4.0 * sac_stream_uniform(&stream) - 2.0);
      s.obs[i * s.O + j] = i % EPISODE ? s.next_obs[(i - 1) * s.O + j] : fresh;
      s.next_obs[i * s.O + j] = (float)(4.0 * sac_stream_uniform(&stream) - 2.0);
    }
    for (size_t j = 0; j < s.A; j++) {
      const double act = low[j] + (high[j] - low[j]) * sac_stream_uniform(&stream);
      s.act[i * s.A + j] = (float)(c->choices ? rint(act) : act);
    }
    s.reward[i] =
        (c->reward > 0.0f ? c->reward : 1.0f) * (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
    s.terminated[i] = (i + 1) % (2 * EPISODE) == 0 || i % 7 == 3;
    s.truncated[i] = (i + 1) % EPISODE == 0;
  }
  return s;
}

static sac_replay *fill(const struct steps *s) {
  sac_replay *replay;
  sac_error err = {0};
  assert_ok(sac_replay_create(2 * s->count, 1, s->O, s->A, &replay, &err), err);
  for (size_t i = 0; i < s->count; i++) {
    assert_ok(sac_replay_push(replay, 0, s->obs + i * s->O, s->act + i * s->A, s->reward[i],
                              s->next_obs + i * s->O, s->terminated[i] > 0.0f,
                              s->truncated[i] > 0.0f, &err),
              err);
  }
  return replay;
}

static void put_steps(FILE *out, const struct steps *s) {
  put_floats(out, "pushed.obs", s->count, s->O, s->obs);
  put_floats(out, "pushed.act", s->count, s->A, s->act);
  put_floats(out, "pushed.reward", s->count, 1, s->reward);
  put_floats(out, "pushed.next_obs", s->count, s->O, s->next_obs);
  put_floats(out, "pushed.terminated", s->count, 1, s->terminated);
  put_floats(out, "pushed.truncated", s->count, 1, s->truncated);
}

/* --- what the streams say that an update draws: by the public functions, not the agent's ----- */

static void put_words(FILE *out, const char *purpose_name, uint32_t purpose, uint64_t n,
                      const sac_agent *agent) {
  const size_t B = agent->B, count = 2 * agent->A;
  uint32_t *words = calloc(B * count, sizeof *words);
  char name[64];
  for (size_t b = 0; b < B; b++) {
    sac_stream s = sac_stream_make(SEED, purpose, n * B + b);
    for (size_t i = 0; i < count; i++) words[b * count + i] = sac_stream_u32(&s);
  }
  snprintf(name, sizeof name, "words.%s.%llu", purpose_name, (unsigned long long)n);
  put(out, name, "u32", sizeof *words, B, count, count, words);
  free(words);
}

static void put_batch(FILE *out, const sac_agent *agent, const sac_replay *replay, int update) {
  static const char *const fields[] = {"obs", "act", "reward", "next_obs", "terminated"};
  const size_t cols[] = {agent->O, agent->A, 1, agent->O, 1};
  for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
    fprintf(out, "%d/batch.%s f32 %zu %zu\n", update, fields[f], agent->B, cols[f]);
    for (size_t b = 0; b < agent->B; b++) {
      sac_stream s = sac_stream_make(SEED, SAC_STREAM_BATCH, (uint64_t)(update - 1) * agent->B + b);
      const sac_transition step = sac_replay_get(replay, sac_replay_draw(replay, &s));
      const float terminated = (float)step.terminated;
      const float *const row[] = {step.obs, step.act, &step.reward, step.next_obs, &terminated};
      fwrite(row[f], sizeof(float), cols[f], out);
    }
  }
}

/* Where a shuffle of the critics takes its first, its second ... from: of those that are left. */
static void put_subset(FILE *out, const sac_agent_options *o, uint64_t n) {
  uint64_t from[64];
  char name[64];
  sac_stream s = sac_stream_make(SEED, SAC_STREAM_SUBSET, n);
  for (int64_t i = 0; i < o->critic_subset; i++)
    from[i] = sac_stream_below(&s, (uint64_t)(o->critics - i));
  snprintf(name, sizeof name, "subset.%llu", (unsigned long long)n);
  put(out, name, "u64", sizeof *from, 1, (size_t)o->critic_subset, (size_t)o->critic_subset, from);
}

/* How many actor steps there will have been. */
static uint64_t actor_updates(const sac_agent *agent) {
  const sac_agent_options *o = &agent->opt;
  return UPDATES / (uint64_t)o->policy_delay * (uint64_t)o->policy_updates;
}

/* The numbers from which a pass through critic j draws the gaps between dropped units, by row. */
static void put_dropout(FILE *out, const char *pass_name, uint64_t pass, uint64_t n, uint64_t j,
                        const sac_agent *agent) {
  const sac_widths *hidden = &agent->opt.critic_hidden;
  size_t most = 0;
  for (uint32_t l = 0; l < hidden->count; l++) most += hidden->width[l] + 1;
  double *draws = calloc(agent->B * most, sizeof *draws);
  for (size_t b = 0; b < agent->B; b++) {
    const uint64_t index = (pass << 62) + (n * 64 + j) * agent->B + b;
    sac_stream s = sac_stream_make(SEED, SAC_STREAM_DROPOUT, index);
    for (size_t i = 0; i < most; i++) draws[b * most + i] = sac_stream_uniform(&s);
  }
  char name[64];
  snprintf(name, sizeof name, "dropout.%s.%llu.%llu", pass_name, (unsigned long long)j,
           (unsigned long long)n);
  put(out, name, "f64", sizeof *draws, agent->B, most, most, draws);
  free(draws);
}

static void put_dropouts(FILE *out, const sac_agent *agent) {
  for (uint64_t j = 0; j < (uint64_t)agent->opt.critics; j++) {
    for (uint64_t n = 0; n < UPDATES; n++) {
      put_dropout(out, "target", 0, n, j, agent);
      put_dropout(out, "critic", 1, n, j, agent);
    }
    for (uint64_t n = 1; n <= actor_updates(agent); n++) put_dropout(out, "actor", 2, n, j, agent);
  }
}

static void put_random(FILE *out, const sac_agent *agent) {
  if (agent->opt.critic_dropout > 0.0) put_dropouts(out, agent);
  const sac_agent_options *o = &agent->opt;
  for (uint64_t n = 0; n < UPDATES; n++) put_subset(out, o, n);
  for (uint64_t n = 0; n < UPDATES; n++) put_words(out, "target", SAC_STREAM_TARGET, n, agent);
  for (uint64_t n = 1; n <= actor_updates(agent); n++) {
    put_words(out, "actor", SAC_STREAM_ACTOR, n, agent);
    put_words(out, "alpha", SAC_STREAM_ALPHA, n, agent);
  }
}

/* --- a case ---------------------------------------------------------------------------------- */

static sac_agent_options options_of(const struct test_case *c) {
  sac_agent_options options = sac_agent_options_default();
  size_t count;
  const sac_option *table = sac_agent_option_table(&count);
  sac_error err = {0};
  char text[512], *rest = text;
  snprintf(text, sizeof text, "%s", c->set);
  for (char *key; (key = strtok_r(rest, " ", &rest));) {
    char *value = strchr(key, '=');
    *value++ = '\0';
    assert_ok(sac_option_set(table, count, &options, key, value, &err), err);
  }
  return options;
}

/* A norm's gain, shift and running statistics begin at random numbers instead of 1 and 0, so that
 * each shows in what comes out, and a product's factors near where they are; u is uniform. */
static float norm_begin(const char *name, float x, double u) {
  const char *what = strrchr(name, '.');
  if (!what || strstr(name, ".adam_")) return x;
  if (!strcmp(what, ".gamma")) return (float)(0.7 + 0.6 * u);
  if (!strcmp(what, ".beta")) return (float)(0.6 * u - 0.3);
  if (!strcmp(what, ".scaler") || !strcmp(what, ".alpha")) return x * (float)(0.7 + 0.6 * u);
  if (!strcmp(what, ".mean")) return (float)(u - 0.5);
  if (!strcmp(what, ".var")) return (float)(0.5 + 1.5 * u);
  return x;
}

/* Change the fresh state as the case says, as if it had been loaded so. */
static void prepare(const struct test_case *c, sac_agent *agent) {
  sac_tensor *tensors = calloc(sac_agent_tensors(agent, NULL), sizeof *tensors);
  const size_t count = sac_agent_tensors(agent, tensors);
  sac_stream stream = sac_stream_make(SEED, SAC_STREAM_USER, 1);
  sac_stream norms = sac_stream_make(SEED, SAC_STREAM_USER, 2);
  char last[32];
  snprintf(last, sizeof last, "actor.%zu.weight", agent->pi.net.layers - 1);
  for (size_t t = 0; t < count; t++)
    for (size_t i = 0; i < tensors[t].rows; i++)
      for (size_t j = 0; j < tensors[t].cols; j++) {
        float *x = (float *)tensors[t].data + i * tensors[t].stride + j;
        if (c->actor_scale > 0.0f && !strcmp(tensors[t].name, last)) *x *= c->actor_scale;
        *x = norm_begin(tensors[t].name, *x, sac_stream_uniform(&norms));
        if (strstr(tensors[t].name, ".target."))
          *x += c->target_offset * (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
      }
  free(tensors);
  if (c->isa) agent->k = sac_kernels_find(c->isa);
  sac_agent_restored(agent);
}

static void put_updates(FILE *out, sac_agent *agent, const sac_replay *replay) {
  sac_error err = {0};
  put_state(out, agent, 0);
  for (int update = 1; update <= UPDATES; update++) {
    sac_update_metrics metrics;
    put_batch(out, agent, replay, update);
    assert_ok(sac_agent_update(agent, replay, &metrics, &err), err);
    put_state(out, agent, update);
    fprintf(out, "%d/", update);
    put(out, "metrics", "f64", sizeof(double), 1, sizeof metrics / sizeof(double),
        sizeof metrics / sizeof(double), &metrics);
  }
}

/* --- the oracle: one process for all cases, which answers each record with a line ------------- */

static struct {
  FILE *to, *from;
  pid_t process;
} oracle;

static char *oracle_program(void) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/tests/oracle/sac_update.py", SAC_SOURCE_DIR);
  return path;
}

static const char *python_or_skip(void) {
  const char *python = getenv("SAC_TEST_PYTHON");
  if (python && *python) return python;
  print_message("SAC_TEST_PYTHON is not set: script/test sets up a Python with NumPy; skipped\n");
  skip();
  return NULL;
}

static void oracle_open(void) {
  const char *python = python_or_skip();
  int to[2], from[2];
  assert_true(pipe(to) == 0 && pipe(from) == 0);
  fcntl(to[1], F_SETFD, FD_CLOEXEC);
  fcntl(from[0], F_SETFD, FD_CLOEXEC);
  oracle.process = fork();
  assert_true(oracle.process >= 0);
  if (!oracle.process) {
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    dup2(to[0], 0), dup2(from[1], 1);
    close(to[0]), close(from[1]);
    execl(python, python, oracle_program(), (char *)NULL);
    _exit(127);
  }
  close(to[0]), close(from[1]);
  oracle.to = fdopen(to[1], "w");
  oracle.from = fdopen(from[0], "r");
  assert_true(oracle.to && oracle.from);
}

static void oracle_close(void) {
  if (!oracle.to) return;
  fclose(oracle.to), fclose(oracle.from);
  waitpid(oracle.process, NULL, 0);
  oracle.to = NULL;
}

/* What it makes of the record since the last answer; without an answer it has stopped. */
static int oracle_agrees(void) {
  char line[64] = "";
  fprintf(oracle.to, "end\n");
  fflush(oracle.to);
  if (!fgets(line, sizeof line, oracle.from)) oracle_close();
  return !strcmp(line, "agrees\n");
}

static void agrees(void **state) {
  const struct test_case *c = *state;
  if (c->isa && !sac_kernels_find(c->isa)) {
    print_message("this CPU has no %s: skipped\n", c->isa);
    skip();
  }
  if (strstr(c->set, "bf16") && !sac_kernels_bf16_get()) {
    print_message("%s has no bf16 products: skipped\n", sac_isa());
    skip();
  }
  if (!oracle.to) oracle_open();
  FILE *out = oracle.to;
  double low[32], high[32];
  for (size_t j = 0; j < c->act; j++) {
    const int given = c->low < c->high;
    low[j] = c->choices ? 0.0 : given ? c->low : -1.0;
    high[j] = c->choices ? (double)c->choices - 1.0 : given ? c->high + (double)j / 4.0 : 1.0;
  }
  const sac_agent_options options = options_of(c);
  sac_agent *agent;
  sac_error err = {0};
  assert_ok(sac_agent_create(&options, c->obs, c->act, low, high, SEED, c->threads ? c->threads : 1,
                             &agent, &err),
            err);
  prepare(c, agent);
  struct steps steps = make_steps(c, 4 * EPISODE + agent->B, low, high);
  assert_ok(sac_agent_observe(agent, steps.count, steps.obs, &err), err);
  for (size_t i = 0; i < steps.count; i++) {
    const int ended = steps.terminated[i] > 0.0f || steps.truncated[i] > 0.0f;
    assert_ok(sac_agent_observe_reward(agent, i % 2, (double)steps.reward[i], ended, &err), err);
  }
  sac_replay *replay = fill(&steps);

  put_options(out, &options);
  fprintf(out, "option ties %d\n", c->ties);
  put_steps(out, &steps);
  put_random(out, agent);
  put_updates(out, agent, replay);
  const int agreed = oracle_agrees();

  sac_replay_destroy(replay);
  sac_agent_destroy(agent);
  free(steps.obs), free(steps.act), free(steps.reward), free(steps.next_obs),
      free(steps.terminated), free(steps.truncated);
  if (!agreed) fail_msg("%s: the oracle disagrees", c->name);
}

/* All cases, or with an argument those whose names match it, as "*generic" does; then `more`. */
static int run_cases(size_t count, const struct test_case cases[], const struct CMUnitTest *more,
                     int argc, char **argv) {
  struct CMUnitTest *tests = calloc(count + 1, sizeof *tests);
  for (size_t i = 0; i < count; i++)
    tests[i] = (struct CMUnitTest){
        .name = cases[i].name, .test_func = agrees, .initial_state = (void *)(uintptr_t)&cases[i]};
  if (more) tests[count] = *more;
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  signal(SIGPIPE, SIG_IGN); /* an oracle that stops is a failed case */
  const int failed = _cmocka_run_group_tests("oracle", tests, count + (more != NULL), NULL, NULL);
  oracle_close();
  free(tests);
  return failed;
}

#endif
