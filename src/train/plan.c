#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/discrete.h"
#include "train/run.h"

/* --- sizes --------------------------------------------------------------------------------- */

/* Weights and biases of in-hidden-out. */
static size_t parameters(const sac_widths *hidden, size_t in, size_t out) {
  size_t sum = 0;
  for (uint32_t i = 0; i < hidden->count; i++) {
    sum += (in + 1) * hidden->width[i];
    in = hidden->width[i];
  }
  return sum + (in + 1) * out;
}

/* --- the line ------------------------------------------------------------------------------ */

/* Text that grows in a fixed space and is cut at its end. */
struct text {
  char *at;
  size_t left;
};

static void add(struct text *t, const char *fmt, ...) SAC_PRINTF(2, 3);
static void add(struct text *t, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  const int n = vsnprintf(t->at, t->left, fmt, ap);
  va_end(ap);
  const size_t used = n < 0 ? 0 : (size_t)n < t->left ? (size_t)n : t->left - 1;
  t->at += used;
  t->left -= used;
}

static void add_network(struct text *t, const char *name, const sac_widths *hidden, size_t in,
                        size_t out) {
  add(t, "%s %zu", name, in);
  for (uint32_t i = 0; i < hidden->count; i++) add(t, "-%u", hidden->width[i]);
  add(t, "-%zu", out);
}

static void add_bytes(struct text *t, size_t bytes) {
  if (bytes >= 1000000000)
    add(t, "%.2f GB", (double)bytes / 1e9);
  else if (bytes >= 1000000)
    add(t, "%.1f MB", (double)bytes / 1e6);
  else
    add(t, "%.1f kB", (double)bytes / 1e3);
}

/* log S of policy=gsde, for each feature and action */
static size_t noise_parameters(const sac_run *run) {
  return run->noise_rows ? (run->noise_rows - 1) * run->rollout->A : 0;
}

void sac_run_plan(const sac_run *run, char *text, size_t size) {
  if (!size) return;
  text[0] = '\0';
  struct text t = {text, size};
  const sac_agent_options *a = &run->config.options.agent;
  const sac_train_options *o = &run->config.options.train;
  const size_t O = run->rollout->O, A = run->rollout->A, E = run->rollout->E;
  const size_t K = run->rollout->actions, outputs = K ? K : sac_head_outputs(a, A);
  const size_t actor = parameters(&a->actor_hidden, O, outputs) + noise_parameters(run);
  const size_t in = K ? O : O + sac_head_seen(a, A), out = K ? K : 1;
  const size_t critic = parameters(&a->critic_hidden, in, out);
  add(&t, "%s: observation %zu, action %s%zu", run->config.task, O, K ? "one of " : "", K ? K : A);
  if (E > 1) add(&t, ", %zu environments", E);
  add_network(&t, "; actor", &a->actor_hidden, O, outputs);
  char critics[32];
  snprintf(critics, sizeof critics, ", %lld critic%s", (long long)a->critics,
           a->critics == 1 ? "" : "s");
  add_network(&t, critics, &a->critic_hidden, in, out);
  add(&t, " (%zu parameters)", actor + (size_t)a->critics * critic);
  add(&t, "; %s; %lld steps, seed %lld", run->config.options.origin, (long long)o->steps,
      (long long)o->seed);
  add(&t, "; replay ");
  add_bytes(&t, sac_replay_bytes((size_t)o->replay_capacity, E, O, A));
  if (run->data)
    add(&t, "; %zu transitions of %s in %g of each batch", sac_dataset_size(run->data), o->data.at,
        a->data_share);
  add(&t, "; %zu thread%s; %s", run->threads, run->threads == 1 ? "" : "s", sac_isa());
  if (!run->config.exact_resume)
    add(&t, "; a resume begins with a fresh episode (the task cannot save its state)");
}
