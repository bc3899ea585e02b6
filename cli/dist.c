#define _POSIX_C_SOURCE 200809L
/* sac dist: the distributions, for any script. Rows of numbers in, rows of numbers out. */
#include "dist.h"
#include "cli.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sac dist                       list the distributions (--json: one array)\n"
    "       sac dist NAME WHAT [flags]     one row of numbers in, one row out\n"
    "\n"
    "WHAT     reads a row of     writes\n"
    "  logpdf    theta z           log density (of a discrete one: log probability)\n"
    "  pdf       theta z           density\n"
    "  cdf       theta z           F(z); --upper: 1 - F(z)\n"
    "  quantile  theta u           z with F(z) = u; --upper: with 1 - F(z) = u\n"
    "  score     theta z           d log density/dtheta, P numbers\n"
    "  velocity  theta z           dz/dtheta at fixed u, P numbers\n"
    "  sample    theta             --n draws a row\n"
    "  mean, mode, variance, entropy    theta    the number(s)\n"
    "  kl        theta theta2      KL(theta || theta2)\n"
    "\n"
    "Numbers are parted by blanks or commas. NAME is one of the list, or dirichlet, mvn,\n"
    "mvn_diagonal, categorical with --dim, or mixture:NAME with --components and --dim.\n"
    "\n"
    "  --theta A,B,..   this theta before every row, so that rows hold only the rest\n"
    "  --n N            draws a row (1)           --seed S   of the draws (0)\n"
    "  --latent         sample, quantile: after z the latent that keeps its digits, such as log z\n"
    "  --upper          cdf, quantile: of the upper tail\n"
    "  --dim D          numbers in z (2)          --components K   of a mixture (2)\n";

static const struct option flags[] = {
    {"theta", required_argument, NULL, 't'},
    {"n", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"latent", no_argument, NULL, 'l'},
    {"upper", no_argument, NULL, 'u'},
    {"dim", required_argument, NULL, 'd'},
    {"components", required_argument, NULL, 'k'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

typedef struct job {
  sac_dist d;
  const char *theta; /* of --theta, or NULL */
  int64_t n, seed, dim, components;
  int latent, upper, json;
} job;

/* ---- the list ------------------------------------------------------------------------------- */

static json_t *end_json(double x) { /* JSON has no infinity */
  return x == HUGE_VAL || x == -HUGE_VAL ? json_null() : json_real(x);
}

static json_t *dist_json(const sac_dist *d) {
  json_t *params = json_array(), *latents = json_array();
  for (size_t i = 0; i < d->params; i++) {
    const sac_dist_param *p = sac_dist_parameter(d, i);
    json_array_append_new(params, json_pack("{s:s s:o s:o s:b s:b s:i}", "name", p->name, "low",
                                            end_json(p->low), "high", end_json(p->high), "low_open",
                                            p->low_open, "high_open", p->high_open, "estimators",
                                            (int)sac_dist_estimators(d, i)));
  }
  for (int l = 0; l < 2 && d->latent_names[l]; l++)
    json_array_append_new(latents, json_string(d->latent_names[l]));
  json_t *has = json_array();
  for (size_t w = 0; dist_whats[w].name; w++)
    if (dist_has(d, dist_whats[w].what))
      json_array_append_new(has, json_string(dist_whats[w].name));
  return json_pack("{s:s s:o s:o s:o s:b}", "name", d->name, "params", params, "latents", latents,
                   "has", has, "discrete", d->discrete);
}

static void print_dist(const sac_dist *d) {
  printf("%-19s", d->name);
  for (size_t i = 0; i < d->params; i++) {
    const sac_dist_param *p = sac_dist_parameter(d, i);
    printf(" %s %c%g, %g%c", p->name, p->low_open ? '(' : '[', p->low, p->high,
           p->high_open ? ')' : ']');
  }
  printf("\n%-19s  ", "");
  for (size_t w = 0; dist_whats[w].name; w++)
    if (dist_has(d, dist_whats[w].what)) printf(" %s", dist_whats[w].name);
  if (d->latent_names[0]) printf("; latent %s", d->latent_names[0]);
  if (d->latent_names[1]) printf(", %s", d->latent_names[1]);
  putchar('\n');
}

static int list(int as_json) {
  json_t *array = as_json ? json_array() : NULL;
  for (size_t i = 0; sac_dist_list(i); i++) {
    if (array)
      json_array_append_new(array, dist_json(sac_dist_list(i)));
    else
      print_dist(sac_dist_list(i));
  }
  if (array) return print_json(array);
  puts("and, with sizes: dirichlet, mvn, mvn_diagonal, categorical (--dim D),\n"
       "                 mixture:NAME (--components K, --dim D)");
  return EXIT_DONE;
}

/* ---- which distribution, which function -------------------------------------------------------
 */

const struct dist_what dist_whats[] = {
    {"logpdf", DIST_LOGPDF},     {"pdf", DIST_PDF},         {"cdf", DIST_CDF},
    {"quantile", DIST_QUANTILE}, {"score", DIST_SCORE},     {"velocity", DIST_VELOCITY},
    {"sample", DIST_SAMPLE},     {"mean", DIST_MEAN},       {"mode", DIST_MODE},
    {"variance", DIST_VARIANCE}, {"entropy", DIST_ENTROPY}, {"kl", DIST_KL},
    {NULL, DIST_LOGPDF},
};

int dist_has(const sac_dist *d, enum dist_function what) {
  switch (what) {
  case DIST_LOGPDF:
  case DIST_PDF:
    return d->log_density != NULL;
  case DIST_CDF:
    return d->cdf != NULL;
  case DIST_QUANTILE:
    return d->quantile != NULL;
  case DIST_SCORE:
    return d->score != NULL;
  case DIST_VELOCITY:
    return d->velocity != NULL;
  case DIST_SAMPLE:
    return d->sample || d->sample_n || d->quantile;
  case DIST_MEAN:
    return d->mean != NULL;
  case DIST_MODE:
    return d->mode != NULL;
  case DIST_VARIANCE:
    return d->variance != NULL;
  case DIST_ENTROPY:
    return d->entropy != NULL;
  case DIST_KL:
    return d->kl != NULL;
  }
  return 0;
}

static int unknown_dist(const char *name) {
  const char *names[64] = {"dirichlet", "mvn", "mvn_diagonal", "categorical"};
  char near[160];
  size_t count = 4;
  for (size_t i = 0; sac_dist_list(i) && count < 64; i++) names[count++] = sac_dist_list(i)->name;
  sac_nearest(name, names, count, near, sizeof near);
  return usage_error("unknown distribution '%s'%s%s", name,
                     *near ? ": did you mean " : "; 'sac dist' lists them", near);
}

int dist_named(const char *name, size_t dim, size_t components, sac_dist *out) {
  sac_error err = {.msg = ""};
  sac_status status = SAC_OK;
  const sac_dist *known = sac_dist_find(name);
  if (known) {
    *out = *known;
  } else if (!strcmp(name, "dirichlet")) {
    status = sac_dist_dirichlet(dim, out, &err);
  } else if (!strcmp(name, "mvn")) {
    status = sac_dist_mvn(dim, out, &err);
  } else if (!strcmp(name, "mvn_diagonal")) {
    status = sac_dist_mvn_diagonal(dim, out, &err);
  } else if (!strcmp(name, "categorical")) {
    status = sac_dist_categorical(dim, out, &err);
  } else if (!strncmp(name, "mixture:", 8)) {
    const sac_dist *family = sac_dist_find(name + 8);
    if (!family) return unknown_dist(name + 8);
    status = sac_dist_mixture(family, components, dim, out, &err);
  } else {
    return unknown_dist(name);
  }
  return status == SAC_OK ? -1 : library_error(status, &err);
}

static int what_named(const char *name, enum dist_function *out) {
  const char *names[16];
  size_t count = 0;
  for (; dist_whats[count].name; count++) {
    names[count] = dist_whats[count].name;
    if (!strcmp(name, names[count])) {
      *out = dist_whats[count].what;
      return 1;
    }
  }
  char near[160];
  sac_nearest(name, names, count, near, sizeof near);
  usage_error("dist: no function '%s'%s%s", name,
              *near ? ": did you mean " : "; 'sac help dist' lists them", near);
  return 0;
}

/* ---- rows ----------------------------------------------------------------------------------- */

typedef struct rows {
  double *at; /* (n, width) */
  size_t n, width, capacity;
} rows;

static int push(rows *r, double x) {
  const size_t used = r->capacity;
  if ((used & (used - 1)) == 0) { /* at every power of two */
    double *more = realloc(r->at, (used ? 2 * used : 1) * sizeof *more);
    if (!more) return 0;
    r->at = more;
  }
  r->at[r->capacity++] = x;
  return 1;
}

/* The numbers of a line, parted by blanks or commas, behind what is there; how many, or -1 after a
 * message about `where`. */
static long push_line(rows *r, const char *line, const char *where) {
  long count = 0;
  for (const char *at = line;;) {
    while (isspace((unsigned char)*at) || *at == ',') at++;
    if (!*at) return count;
    char *end;
    const double x = strtod(at, &end);
    if (end == at || (*end && !isspace((unsigned char)*end) && *end != ',')) {
      fprintf(stderr, "sac: dist: %s: '%.*s' is not a number\n", where,
              (int)strcspn(at, " ,\t\r\n"), at);
      return -1;
    }
    if (!push(r, x)) {
      fputs("sac: dist: out of memory\n", stderr);
      return -1;
    }
    at = end;
    count++;
  }
}

/* Every line of stdin, each behind --theta; empty lines are passed over. 0 after a message. */
static int read_rows(const job *j, size_t width, rows *r) {
  char *line = NULL, where[64];
  size_t size = 0, number = 0;
  long got = 0;
  while (getline(&line, &size, stdin) > 0) {
    const size_t before = r->capacity;
    snprintf(where, sizeof where, "line %zu", ++number);
    if (line[strspn(line, " ,\t\r\n")] == '\0') continue;
    long head = 0;
    if (j->theta) head = push_line(r, j->theta, "--theta");
    got = head < 0 ? -1 : push_line(r, line, where);
    if (got < 0) break;
    if (r->capacity - before != width) {
      fprintf(stderr, "sac: dist: %s has %ld numbers: must have %zu\n", where, got,
              width > (size_t)head ? width - (size_t)head : 0);
      got = -1;
      break;
    }
    r->n++;
  }
  free(line);
  return got >= 0;
}

static void print_rows(const double x[], size_t n, size_t width) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < width; k++)
      printf("%.17g%c", x[i * width + k], k + 1 < width ? ' ' : '\n');
}

/* ---- the functions -------------------------------------------------------------------------- */

/* how many numbers a row of input has behind theta */
static size_t tail_width(const sac_dist *d, enum dist_function what) {
  switch (what) {
  case DIST_QUANTILE:
    return 1;
  case DIST_KL:
    return d->params;
  case DIST_SAMPLE:
  case DIST_MEAN:
  case DIST_MODE:
  case DIST_VARIANCE:
  case DIST_ENTROPY:
    return 0;
  default:
    return d->dim;
  }
}

static size_t answer_width(const sac_dist *d, enum dist_function what) {
  if (what == DIST_SCORE || what == DIST_VELOCITY) return d->params;
  return what == DIST_MEAN || what == DIST_MODE || what == DIST_VARIANCE ? d->dim : 1;
}

/* theta (n,P), the rest (n,T) -> out */
static sac_status evaluate(const job *j, enum dist_function what, size_t n, const double *theta,
                           const double *rest, double *out, double *latent, sac_error *err) {
  const sac_dist *d = &j->d;
  const size_t P = d->params;
  switch (what) {
  case DIST_LOGPDF:
  case DIST_PDF:
    return sac_dist_log_density(d, n, theta, P, rest, NULL, out, err);
  case DIST_CDF:
    return sac_dist_cdf(d, n, theta, P, rest, NULL, j->upper ? NULL : out, j->upper ? out : NULL,
                        err);
  case DIST_QUANTILE:
    return sac_dist_quantile(d, n, theta, P, rest, j->upper, out, latent, err);
  case DIST_SCORE:
    return sac_dist_score(d, n, theta, P, rest, NULL, out, err);
  case DIST_VELOCITY:
    return sac_dist_velocity(d, n, theta, P, rest, NULL, out, NULL, err);
  case DIST_MEAN:
    return sac_dist_mean(d, n, theta, P, out, err);
  case DIST_MODE:
    return sac_dist_mode(d, n, theta, P, out, err);
  case DIST_VARIANCE:
    return sac_dist_variance(d, n, theta, P, out, err);
  case DIST_ENTROPY:
    return sac_dist_entropy(d, n, theta, P, out, err);
  case DIST_KL:
    return sac_dist_kl(d, n, theta, P, rest, P, out, err);
  case DIST_SAMPLE:
    break;
  }
  return sac_fail(err, SAC_ERR_ARG, "%s: not a function of rows", d->name);
}

/* one theta: --n draws, printed by blocks; the theta is checked by the first */
static sac_status draw(const job *j, const double *theta, sac_stream *stream, sac_error *err) {
  enum { BLOCK = 512 };
  const sac_dist *d = &j->d;
  double z[BLOCK], latent[2 * BLOCK];
  const size_t L = j->latent ? d->latents : 0, most = BLOCK / d->dim;
  for (size_t left = (size_t)j->n; left > 0;) {
    const size_t count = left < most ? left : most;
    const sac_status status = sac_dist_sample(d, count, theta, 0, z, latent, stream, err);
    if (status != SAC_OK) return status;
    for (size_t i = 0; i < count; i++) {
      for (size_t k = 0; k < d->dim + L; k++)
        printf("%.17g%c", k < d->dim ? z[i * d->dim + k] : latent[i * L + k - d->dim],
               k + 1 < d->dim + L ? ' ' : '\n');
    }
    left -= count;
  }
  return SAC_OK;
}

static sac_status sample_rows(const job *j, const rows *r, sac_error *err) {
  sac_status status = sac_dist_check(&j->d, r->n, r->at, j->d.params, err);
  for (size_t i = 0; i < r->n && status == SAC_OK; i++) {
    sac_stream stream = sac_stream_make((uint64_t)j->seed, SAC_STREAM_USER, i);
    status = draw(j, r->at + i * j->d.params, &stream, err);
  }
  return status;
}

/* (n, P + T) -> (n,P), (n,T), in place of a second copy of the caller's */
static void part(const rows *r, size_t P, double *theta, double *rest) {
  const size_t T = r->width - P;
  for (size_t i = 0; i < r->n; i++) {
    memcpy(theta + i * P, r->at + i * r->width, P * sizeof *theta);
    if (T) memcpy(rest + i * T, r->at + i * r->width + P, T * sizeof *rest);
  }
}

static sac_status answer(const job *j, enum dist_function what, const rows *r, sac_error *err) {
  if (what == DIST_SAMPLE) return sample_rows(j, r, err);
  const sac_dist *d = &j->d;
  const size_t width = answer_width(d, what), L = j->latent ? d->latents : 0, n = r->n;
  double *theta = malloc((n * (r->width + width + d->latents) + 1) * sizeof *theta);
  if (!theta) return sac_fail(err, SAC_ERR_NOMEM, "dist: out of memory");
  double *rest = theta + n * d->params, *out = theta + n * r->width, *latent = out + n * width;
  part(r, d->params, theta, rest);
  const sac_status status = evaluate(j, what, n, theta, rest, out, latent, err);
  for (size_t i = 0; status == SAC_OK && i < n; i++) {
    if (what == DIST_PDF) out[i] = exp(out[i]);
    if (what == DIST_QUANTILE && L) {
      printf("%.17g ", out[i]);
      print_rows(latent + i * L, 1, L);
    } else {
      print_rows(out + i * width, 1, width);
    }
  }
  free(theta);
  return status;
}

static int run(job *j, enum dist_function what) {
  sac_error err = {.msg = ""};
  rows r = {.width = j->d.params + tail_width(&j->d, what)};
  int read = 1;
  if (j->theta && r.width == j->d.params) { /* nothing else is needed */
    const long got = push_line(&r, j->theta, "--theta");
    if (got >= 0 && (size_t)got != r.width)
      fprintf(stderr, "sac: dist: --theta has %ld numbers: must have %zu\n", got, r.width);
    read = got >= 0 && (size_t)got == r.width;
    r.n = 1;
  } else {
    read = read_rows(j, r.width, &r);
  }
  const sac_status status = read ? answer(j, what, &r, &err) : SAC_OK;
  free(r.at);
  if (!read) return EXIT_FAILED;
  return status == SAC_OK ? EXIT_DONE : library_error(status, &err);
}

/* The flags; the exit code, or -1 to go on. */
static int parse(int argc, char **argv, job *j) {
  const int64_t most = INT64_C(1) << 40;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    int good = 1;
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    if (flag == 't') j->theta = optarg;
    if (flag == 'n') good = parse_integer("n", optarg, 1, most, &j->n);
    if (flag == 's') good = parse_integer("seed", optarg, 0, INT64_MAX, &j->seed);
    if (flag == 'd') good = parse_integer("dim", optarg, 1, 4096, &j->dim);
    if (flag == 'k') good = parse_integer("components", optarg, 1, 64, &j->components);
    if (flag == 'l') j->latent = 1;
    if (flag == 'u') j->upper = 1;
    if (flag == 'j') j->json = 1;
    if (!good) return EXIT_USAGE;
  }
  return -1;
}

int cmd_dist(int argc, char **argv) {
  job j = {.n = 1, .dim = 0, .components = 2};
  int code = parse(argc, argv, &j);
  if (code != -1) return code;
  if (optind == argc) return list(j.json);
  if (optind + 2 != argc)
    return usage_error("dist: NAME and WHAT, or neither; 'sac help dist' shows how");
  const int mixed = !strncmp(argv[optind], "mixture:", 8);
  const size_t dim = j.dim ? (size_t)j.dim : mixed ? 1 : 2;
  code = dist_named(argv[optind], dim, (size_t)j.components, &j.d);
  if (code != -1) return code;
  enum dist_function what;
  if (!what_named(argv[optind + 1], &what)) return EXIT_USAGE;
  if (!dist_has(&j.d, what) && j.d.dim > 1)
    return usage_error("dist: %s has no %s in %zu dimensions", argv[optind], argv[optind + 1],
                       j.d.dim);
  if (!dist_has(&j.d, what))
    return usage_error("dist: %s has no %s", argv[optind], argv[optind + 1]);
  return run(&j, what);
}
