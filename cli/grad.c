#define _POSIX_C_SOURCE 200809L
/* sac grad: the gradient of an expectation by every estimator, side by side. */
#include "grad.h"
#include "cli.h"
#include "dist.h"
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sac grad --dist NAME --theta A,B,.. [flags]\n"
    "\n"
    "d/dtheta E[f(z)], z ~ NAME(theta), by samples: each estimator's gradient, the exact one "
    "where\n"
    "it is known, the bias in standard errors, the variance of one sample, calls of f and of its\n"
    "derivative, and the time.\n"
    "\n"
    "  --dist NAME        as 'sac dist' lists them; --dim D, --components K for those with sizes\n"
    "  --theta A,B,..     its parameters\n"
    "  --cost NAME        (z-k)^2: square (k = 0), exp(-k z^2): exp (1), cos(k z): cos (1),\n"
    "                     tanh(k z): tanh (1), z > k: step (0), a neural critic: critic; of "
    "several\n"
    "                     numbers the sum. Default square\n"
    "  --k K              the cost's constant\n"
    "  --cost-plugin F.so a cost of your own (examples/cost), which runs its code\n"
    "  --estimator E      all (the default), or one, for every parameter: auto, score, explicit,\n"
    "                     implicit, generalized, rejection, transport, pathwise, gamma_ratio,\n"
    "                     measure_valued, measure_valued_uncoupled, finite_difference\n"
    "  --baseline B       none, leave_one_out, moving_average, optimal, delta, auto; without it\n"
    "                     score is shown with each\n"
    "  --antithetic       samples in pairs\n"
    "  --set KEY=VALUE    decay, fd_step, rejection_boost (include/sac/grad.h)\n"
    "  --n N              samples (100000; with --plot 10000)      --seed S   of the draws (1)\n"
    "  --json             one array\n"
    "  --plot FILE.svg    the variance against a parameter, for every estimator; the numbers as "
    "CSV\n"
    "  --sweep X=LOW:HIGH which one, over which range: a parameter's name, or k (the first "
    "parameter)\n";

static const struct option flags[] = {
    {"dist", required_argument, NULL, 'd'},
    {"theta", required_argument, NULL, 't'},
    {"cost", required_argument, NULL, 'c'},
    {"k", required_argument, NULL, 'k'},
    {"cost-plugin", required_argument, NULL, 'p'},
    {"estimator", required_argument, NULL, 'e'},
    {"baseline", required_argument, NULL, 'b'},
    {"antithetic", no_argument, NULL, 'a'},
    {"set", required_argument, NULL, 'x'},
    {"n", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"dim", required_argument, NULL, 'D'},
    {"components", required_argument, NULL, 'K'},
    {"json", no_argument, NULL, 'j'},
    {"plot", required_argument, NULL, 'g'},
    {"sweep", required_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* the flags as they were given */
typedef struct request {
  const char *dist, *theta, *cost, *k, *plugin, *plot, *sweep;
  int64_t n, seed, dim, components;
  int json;
} request;

/* ---- reading -------------------------------------------------------------------------------- */

/* the numbers of "a,b,.." into out; how many, or -1 after a message */
static int read_numbers(const char *flag, const char *text, size_t most, double out[]) {
  size_t count = 0;
  for (const char *at = text;; at++) {
    char *end;
    const double x = strtod(at, &end);
    if (end == at || (*end && *end != ',')) {
      usage_error("grad: --%s: '%.*s' is not a number", flag, (int)strcspn(at, ","), at);
      return -1;
    }
    if (count == most) {
      usage_error("grad: --%s: more than %zu numbers", flag, most);
      return -1;
    }
    out[count++] = x;
    at = end;
    if (!*at) return (int)count;
  }
}

/* an estimator, a baseline or "KEY=VALUE"; 0 after a message */
static int set_option(sac_grad_options *o, const char *name, const char *text) {
  size_t count;
  const sac_option *table = sac_grad_option_table(&count);
  sac_error err = {.msg = ""};
  if (sac_option_set(table, count, o, name, text, &err) == SAC_OK) return 1;
  usage_error("grad: %s", err.msg);
  return 0;
}
static int set_pair(sac_grad_options *o, const char *pair) {
  char name[64];
  const size_t length = strcspn(pair, "=");
  if (!pair[length] || length >= sizeof name) {
    usage_error("grad: --set %s: must be KEY=VALUE", pair);
    return 0;
  }
  memcpy(name, pair, length);
  name[length] = '\0';
  return set_option(o, name, pair + length + 1);
}

/* The flags; the exit code, or -1 to go on. */
static int parse(int argc, char **argv, request *q, grad_job *job) {
  const int64_t most = INT64_C(1) << 32;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    int good = 1;
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    if (flag == 'd') q->dist = optarg;
    if (flag == 't') q->theta = optarg;
    if (flag == 'c') q->cost = optarg;
    if (flag == 'k') q->k = optarg;
    if (flag == 'p') q->plugin = optarg;
    if (flag == 'a') job->options.antithetic = 1;
    if (flag == 'j') q->json = 1;
    if (flag == 'g') q->plot = optarg;
    if (flag == 'w') q->sweep = optarg;
    if (flag == 'x') good = set_pair(&job->options, optarg);
    if (flag == 'n') good = parse_integer("n", optarg, 1, most, &q->n);
    if (flag == 's') good = parse_integer("seed", optarg, 0, INT64_MAX, &q->seed);
    if (flag == 'D') good = parse_integer("dim", optarg, 1, 64, &q->dim);
    if (flag == 'K') good = parse_integer("components", optarg, 1, 64, &q->components);
    if (flag == 'e' && !strcmp(optarg, "all")) job->all = 1;
    if (flag == 'e' && strcmp(optarg, "all")) {
      job->all = 0;
      good = set_option(&job->options, "estimator", optarg);
    }
    if (flag == 'b') {
      job->baseline_given = 1;
      good = set_option(&job->options, "baseline", optarg);
    }
    if (!good) return EXIT_USAGE;
  }
  if (optind < argc) return usage_error("grad: '%s' is too many", argv[optind]);
  if (!q->dist) return usage_error("grad: --dist is missing; 'sac help grad' shows how");
  if (!q->theta) return usage_error("grad: --theta is missing: the parameters of %s", q->dist);
  if (q->cost && q->plugin) return usage_error("grad: one of --cost and --cost-plugin");
  if (q->k && q->plugin) return usage_error("grad: --k: the cost of a plug-in has no k");
  if (q->sweep && !q->plot) return usage_error("grad: --sweep is of --plot");
  if (job->options.baseline == SAC_GRAD_BASELINE_CONTROL)
    return usage_error("grad: baseline control is for programs: it needs the user's functions");
  return -1;
}

static int wrong_count(const sac_dist *d, int got) {
  char names[200] = "";
  size_t used = 0;
  for (size_t i = 0; i < d->params && i < 8 && used < sizeof names; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "",
                             sac_dist_parameter(d, i)->name);
  return usage_error("grad: --theta has %d number%s: %s must have %zu (%s%s)", got,
                     got == 1 ? "" : "s", d->name, d->params, names, d->params > 8 ? ", ..." : "");
}

/* distribution, theta and cost from the flags; -1, or the exit code */
static int prepare(const request *q, grad_job *job) {
  const int mixed = !strncmp(q->dist, "mixture:", 8);
  int code = dist_named(q->dist,
                        q->dim  ? (size_t)q->dim
                        : mixed ? 1
                                : 2,
                        (size_t)q->components, &job->d);
  if (code != -1) return code;
  if (job->d.params > GRAD_PARAMS_MAX)
    return usage_error("grad: %zu parameters: at most %d here", job->d.params, GRAD_PARAMS_MAX);
  const int count = read_numbers("theta", q->theta, GRAD_PARAMS_MAX, job->theta);
  if (count < 0) return EXIT_USAGE;
  if ((size_t)count != job->d.params) return wrong_count(&job->d, count);
  double k;
  if (q->k && read_numbers("k", q->k, 1, &k) < 0) return EXIT_USAGE;
  if (q->k && !isfinite(k)) return usage_error("grad: --k %s: must be finite", q->k);
  job->n = q->n ? (size_t)q->n : q->plot ? 10000 : 100000;
  job->seed = (uint64_t)q->seed;
  if (q->plugin) return cost_from_plugin(q->plugin, job->d.dim, &job->cost);
  return cost_named(q->cost ? q->cost : "square", job->d.dim, q->k ? &k : NULL, &job->cost);
}

/* ---- the table ------------------------------------------------------------------------------ */

/* in standard errors; a gap that is not above the exact value's own accuracy is none */
static double bias_of(const grad_row *r, size_t j) {
  const double gap = r->gradient[j] - r->exact[j];
  return fabs(gap) <= 1e-8 * fmax(1.0, fabs(r->exact[j])) ? 0.0 : gap / r->std_error[j];
}

enum { LABEL = 64, LABEL_LEAST = 13 };

/* parameter j's name; with its place in theta where others have the same: "mean[1]" */
static void label_of(const sac_dist *d, size_t j, char text[LABEL]) {
  const char *name = sac_dist_parameter(d, j)->name;
  int same = 0;
  for (size_t k = 0; k < d->params; k++) same += !strcmp(sac_dist_parameter(d, k)->name, name);
  if (same > 1)
    snprintf(text, LABEL, "%.30s[%zu]", name, j);
  else
    snprintf(text, LABEL, "%.30s", name);
}

/* how wide their column must be */
static int label_width(const sac_dist *d) {
  size_t width = LABEL_LEAST;
  for (size_t j = 0; j < d->params; j++) {
    char label[LABEL];
    label_of(d, j, label);
    if (strlen(label) > width) width = strlen(label);
  }
  return (int)width;
}

static void print_head(int width) {
  printf("%-24s %-14s %-*s %12s %12s %9s %12s %9s %9s %9s\n", "estimator", "baseline", width,
         "parameter", "gradient", "exact", "bias/se", "variance", "calls f", "calls df", "seconds");
}

typedef struct table {
  const grad_job *job;
  int width;  /* of the parameters' column */
  int headed; /* the head is printed with the first row, so that a failure prints no data */
} table;

static void print_row(void *context, const grad_row *r) {
  table *t = context;
  const grad_job *job = t->job;
  if (!t->headed++) print_head(t->width);
  char estimator[GRAD_NAME], baseline[GRAD_NAME];
  grad_estimator_name(r->estimator, estimator);
  grad_baseline_name(r->baseline, baseline);
  for (size_t j = 0; j < job->d.params; j++) {
    if (!r->wanted[j]) continue;
    char label[LABEL];
    label_of(&job->d, j, label);
    printf("%-24s %-14s %-*s %12.6g ", estimator, baseline, t->width, label, r->gradient[j]);
    if (r->exact_known)
      printf("%12.6g %9.2f ", r->exact[j], bias_of(r, j));
    else
      printf("%12s %9s ", "-", "-");
    printf("%12.5g %9zu %9zu %9.2g\n", grad_variance(job, r, j), r->calls, r->slope_calls,
           r->seconds);
  }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* JSON has no infinity */
static json_t *number(double x) {
  return isfinite(x) ? json_real(x) : json_null();
}

static void json_row(void *context, const grad_row *r) {
  void **both = context;
  const grad_job *job = both[0];
  char estimator[GRAD_NAME], baseline[GRAD_NAME];
  grad_estimator_name(r->estimator, estimator);
  grad_baseline_name(r->baseline, baseline);
  json_t *gradient = json_array(), *exact = r->exact_known ? json_array() : json_null();
  json_t *variance = json_array(), *error = json_array(), *names = json_array();
  for (size_t j = 0; j < job->d.params; j++) {
    const int has = r->wanted[j];
    json_array_append_new(gradient, has ? number(r->gradient[j]) : json_null());
    json_array_append_new(variance, has ? number(grad_variance(job, r, j)) : json_null());
    json_array_append_new(error, has ? number(r->std_error[j]) : json_null());
    json_array_append_new(names, json_string(sac_dist_parameter(&job->d, j)->name));
    if (r->exact_known) json_array_append_new(exact, number(r->exact[j]));
  }
  json_array_append_new(
      both[1],
      json_pack("{s:s s:s s:o s:o s:o s:o s:I s:f s:I s:o s:I}", "estimator", estimator, "baseline",
                baseline, "gradient", gradient, "exact", exact, "variance", variance, "std_error",
                error, "calls", (json_int_t)r->calls, "seconds", r->seconds, "slope_calls",
                (json_int_t)r->slope_calls, "parameters", names, "n", (json_int_t)job->n));
}

/* ---- the command ---------------------------------------------------------------------------- */

static int run(const request *q, grad_job *job) {
  if (q->plot) return grad_plot(job, q->plot, q->sweep);
  if (q->json) {
    json_t *array = json_array();
    void *both[2] = {job, array};
    const int code = grad_rows(job, json_row, both);
    if (code == EXIT_DONE) return print_json(array);
    json_decref(array);
    return code;
  }
  table t = {.job = job, .width = label_width(&job->d)};
  return grad_rows(job, print_row, &t);
}

int cmd_grad(int argc, char **argv) {
  request q = {.seed = 1, .components = 2};
  grad_job *job = calloc(1, sizeof *job);
  if (!job) return usage_error("grad: out of memory");
  job->options = sac_grad_options_default();
  job->all = 1;
  int code = parse(argc, argv, &q, job);
  if (code == -1 && q.plot && !plot_available()) code = EXIT_FAILED;
  if (code == -1) code = prepare(&q, job);
  if (code == -1) {
    code = run(&q, job);
    cost_release(&job->cost);
  }
  free(job);
  return code;
}
