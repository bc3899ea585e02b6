#include "costs.h"
#include "cli.h"

#include <dlfcn.h>
#include <math.h>
#include <string.h>

/* ---- costs of one number; in more dimensions their sum -------------------------------------- */

static double square(double k, double z) {
  return (z - k) * (z - k);
}
static double square_slope(double k, double z) {
  return 2.0 * (z - k);
}
static double bell(double k, double z) {
  return exp(-k * z * z);
}
static double bell_slope(double k, double z) {
  return -2.0 * k * z * exp(-k * z * z);
}
static double wave(double k, double z) {
  return cos(k * z);
}
static double wave_slope(double k, double z) {
  return -k * sin(k * z);
}
static double squash(double k, double z) {
  return tanh(k * z);
}
static double squash_slope(double k, double z) {
  const double t = tanh(k * z);
  return k * (1.0 - t * t);
}
static double step(double k, double z) {
  return z > k ? 1.0 : 0.0;
}
static double step_slope(double k, double z) {
  (void)k, (void)z;
  return 0.0;
}

static const struct {
  const char *name;
  double k;
  double (*value)(double k, double z), (*slope)(double k, double z);
} table[] = {{"square", 0.0, square, square_slope},
             {"exp", 1.0, bell, bell_slope},
             {"cos", 1.0, wave, wave_slope},
             {"tanh", 1.0, squash, squash_slope},
             {"step", 0.0, step, step_slope}};
enum { COSTS = sizeof table / sizeof *table };

static void sum_value(void *context, size_t n, const double theta[], const double z[],
                      double out[]) {
  const cost_choice *c = context;
  (void)theta;
  for (size_t i = 0; i < n; i++) {
    out[i] = 0.0;
    for (size_t k = 0; k < c->dim; k++) out[i] += c->value(c->k, z[i * c->dim + k]);
  }
}
static void sum_slope(void *context, size_t n, const double theta[], const double z[],
                      double out[]) {
  const cost_choice *c = context;
  (void)theta;
  for (size_t i = 0; i < n * c->dim; i++) out[i] = c->slope(c->k, z[i]);
}

/* ---- a small critic: one layer of tanh units ------------------------------------------------- */

static double unit(const cost_choice *c, size_t h, const double z[]) {
  double x = c->bias[h];
  for (size_t k = 0; k < c->dim; k++) x += c->in[h][k] * z[k];
  return tanh(c->k * x);
}

static void critic_value(void *context, size_t n, const double theta[], const double z[],
                         double out[]) {
  const cost_choice *c = context;
  (void)theta;
  for (size_t i = 0; i < n; i++) {
    out[i] = 0.0;
    for (size_t h = 0; h < COST_HIDDEN; h++) out[i] += c->out[h] * unit(c, h, z + i * c->dim);
  }
}
static void critic_slope(void *context, size_t n, const double theta[], const double z[],
                         double out[]) {
  const cost_choice *c = context;
  (void)theta;
  for (size_t i = 0; i < n; i++) {
    double *g = out + i * c->dim;
    memset(g, 0, c->dim * sizeof *g);
    for (size_t h = 0; h < COST_HIDDEN; h++) {
      const double t = unit(c, h, z + i * c->dim), back = c->out[h] * (1.0 - t * t) * c->k;
      for (size_t k = 0; k < c->dim; k++) g[k] += back * c->in[h][k];
    }
  }
}

/* weights from a stream of their own, so that every run has the same critic */
static void make_critic(cost_choice *c) {
  sac_stream stream = sac_stream_make(0, SAC_STREAM_USER, 6);
  sac_stream_normals(&stream, COST_HIDDEN, c->bias);
  sac_stream_normals(&stream, COST_HIDDEN, c->out);
  for (size_t h = 0; h < COST_HIDDEN; h++) {
    c->out[h] /= sqrt((double)COST_HIDDEN);
    sac_stream_normals(&stream, c->dim, c->in[h]);
    for (size_t k = 0; k < c->dim; k++) c->in[h][k] /= sqrt((double)c->dim);
  }
}

/* ---- by name -------------------------------------------------------------------------------- */

int cost_named(const char *name, size_t dim, const double *k, cost_choice *c) {
  const char *names[COSTS + 1] = {"critic"};
  *c = (cost_choice){.name = name, .dim = dim, .k = k ? *k : 1.0, .smooth = 1};
  if (dim > sizeof c->in[0] / sizeof c->in[0][0])
    return usage_error("grad: costs in %zu dimensions: at most 64", dim);
  if (!strcmp(name, "critic")) {
    make_critic(c);
    c->cost = (sac_grad_cost){critic_value, critic_slope, NULL, c};
    return -1;
  }
  for (size_t i = 0; i < COSTS; i++) {
    names[i + 1] = table[i].name;
    if (strcmp(name, table[i].name)) continue;
    c->value = table[i].value;
    c->slope = table[i].slope;
    if (!k) c->k = table[i].k;
    c->cost = (sac_grad_cost){sum_value, sum_slope, NULL, c};
    if (c->value == step) { /* its slope is 0 wherever it has one, and misses the jump */
      c->jumps = 1;
      c->jump[0] = c->k;
    }
    return -1;
  }
  char near[160];
  sac_nearest(name, names, COSTS + 1, near, sizeof near);
  return usage_error("unknown cost '%s'%s%s", name, *near ? ": did you mean " : "; there are ",
                     *near ? near : COST_NAMES);
}

/* ---- by plug-in ----------------------------------------------------------------------------- */

static int bad_plugin(cost_choice *c, const char *path, const char *why) {
  fprintf(stderr, "sac: %s: %s\n", path, why);
  cost_release(c);
  return EXIT_FAILED;
}

int cost_from_plugin(const char *path, size_t dim, cost_choice *c) {
  char at[4096]; /* a bare name would be looked for elsewhere */
  snprintf(at, sizeof at, "%s%s", strchr(path, '/') ? "" : "./", path);
  *c = (cost_choice){.dim = dim, .library = dlopen(at, RTLD_NOW | RTLD_LOCAL)};
  if (!c->library) return bad_plugin(c, path, dlerror());
  sac_grad_plugin_function *entry;
  void *symbol = dlsym(c->library, SAC_GRAD_PLUGIN_SYMBOL);
  if (!symbol) return bad_plugin(c, path, "is no cost: it has no " SAC_GRAD_PLUGIN_SYMBOL);
  memcpy(&entry, &symbol, sizeof entry); /* ISO C has no cast from object to function */
  const sac_grad_plugin *p = entry();
  if (!p || p->abi != SAC_GRAD_PLUGIN_ABI)
    return bad_plugin(c, path, "was built for another version of sac/grad.h");
  if (!p->cost.f && !p->cost.df) return bad_plugin(c, path, "has neither f nor df");
  if (p->dim && p->dim != dim) return bad_plugin(c, path, "is for another number of dimensions");
  c->cost = p->cost;
  c->name = p->name ? p->name : path;
  c->smooth = p->cost.df != NULL;
  return -1;
}

void cost_release(cost_choice *c) {
  if (c->library) dlclose(c->library);
  c->library = NULL;
}
