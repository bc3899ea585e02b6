#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/handle.h"
#include "train/run.h"

/* --- sizes --------------------------------------------------------------------------------- */

/* Of one norm: gamma and, but for RMS, beta. */
static size_t norm_parameters(const sac_norm *norm) {
  return norm->width * (norm->kind == SAC_NORM_RMS ? 1 : 2);
}

/* What a network learns: weights, biases, and the vectors of its norms and of its body. */
static size_t parameters(const sac_mlp *net) {
  size_t sum = 0;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    sum += layer->in * layer->out / (layer->apart ? layer->parts : 1);
    sum += layer->biasless ? 0 : layer->out;
    sum += norm_parameters(&layer->before) + norm_parameters(&layer->after) + layer->gain.width;
  }
  return sum;
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

static void add_network(struct text *t, const char *name, const sac_widths *hidden,
                        const sac_mlp *net) {
  add(t, "%s %zu", name, net->in);
  for (uint32_t i = 0; i < hidden->count; i++) add(t, "-%u", hidden->width[i]);
  add(t, "-%zu", net->out);
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
  const size_t K = run->rollout->actions;
  const sac_mlp *actor = &run->agent->pi.net, *critic = &run->agent->q[0].net;
  const sac_mlp *V = a->value == SAC_VALUE_V ? &run->agent->v : NULL;
  const size_t learned = parameters(actor) + noise_parameters(run) +
                         run->agent->N * parameters(critic) + (V ? parameters(V) : 0);
  add(&t, "%s: observation %zu, action %s%zu", run->config.task, O, K ? "one of " : "", K ? K : A);
  if (E > 1) add(&t, ", %zu environments", E);
  add_network(&t, "; actor", &a->actor_hidden, actor);
  char critics[32];
  snprintf(critics, sizeof critics, ", %lld critic%s", (long long)a->critics,
           a->critics == 1 ? "" : "s");
  add_network(&t, critics, &a->critic_hidden, critic);
  if (V) add_network(&t, ", V", &a->critic_hidden, V);
  if (a->body != SAC_BODY_PLAIN) add(&t, " in residual blocks");
  add(&t, " (%zu parameters)", learned);
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
