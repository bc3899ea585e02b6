/* sac verify: the derivation behind sample gradients and SAC's policy gradient, checked in numbers.
 */
#include "verify.h"
#include "cli.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the cases --------------------------------------------------------------------------------
 */

/* Parameters that move an end of the support have their own rows: verify_ends.c. */
static const struct {
  const char *name;
  double theta[VERIFY_PARAMS];
  size_t count, param[3]; /* count 0: every parameter */
} cases[] = {
    {"normal", {0.3, 1.2}, 0, {0}},
    {"log_normal", {0.1, 0.5}, 0, {0}},
    {"tanh_normal", {0.3, 0.8}, 0, {0}},
    {"logistic", {-0.4, 0.5}, 0, {0}},
    {"gumbel", {0.2, 0.7}, 0, {0}},
    {"weibull", {1.7, 1.1}, 0, {0}},
    {"gamma", {2.3, 1.4}, 0, {0}},
    {"inverse_gamma", {9.0, 7.0}, 0, {0}},
    {"beta", {2.2, 3.1}, 0, {0}},
    {"student_t", {8.0, 0.3, 0.8}, 0, {0}},
    {"von_mises", {0.3, 2.5}, 1, {1}},
    {"truncated_normal", {0.2, 1.0, -1.0, 1.5}, 2, {0, 1}},
    {"inverse_gaussian", {1.0, 1.5}, 0, {0}},
};
enum { CASES = sizeof cases / sizeof *cases };

static void set_label(verify_case *c) {
  size_t at = (size_t)snprintf(c->label, sizeof c->label, "%s", c->d->name);
  for (size_t i = 0; i < c->d->params && at < sizeof c->label; i++)
    at += (size_t)snprintf(c->label + at, sizeof c->label - at, "%c%g", i ? ',' : '(', c->theta[i]);
  if (at < sizeof c->label) snprintf(c->label + at, sizeof c->label - at, ")");
}

static void verify_families(verify_report *r) {
  for (size_t i = 0; i < CASES; i++) {
    verify_case c = {.d = sac_dist_find(cases[i].name), .count = cases[i].count};
    memcpy(c.theta, cases[i].theta, sizeof c.theta);
    if (!c.count) c.count = c.d->params;
    for (size_t k = 0; k < c.count; k++) c.param[k] = cases[i].count ? cases[i].param[k] : k;
    set_label(&c);
    verify_distribution(r, &c);
  }
}

/* a mixture has no name in the list: logits, then mean and sd of both */
static void verify_mixture(verify_report *r) {
  sac_dist d;
  if (!verify_ok(r, sac_dist_mixture(sac_dist_find("normal"), 2, 1, &d, &r->err))) return;
  verify_case c = {.d = &d,
                   .label = "mixture:normal(0.3,-0.2,-1,0.6,0.8,0.9)",
                   .theta = {0.3, -0.2, -1.0, 0.6, 0.8, 0.9},
                   .count = 6,
                   .param = {0, 1, 2, 3, 4, 5}};
  verify_distribution(r, &c);
}

/* ---- output -----------------------------------------------------------------------------------
 */

static const char *or_dash(const char *text) {
  return *text ? text : "-";
}

static void print_table(const verify_report *r) {
  printf("%-16s %-40s %-10s %-7s %22s %22s %9s  %s\n", "equation", "distribution", "parameter",
         "cost", "left", "right", "error", "pass");
  for (int e = 0; e < VERIFY_EQUATIONS; e++)
    for (size_t i = 0; i < r->count; i++) {
      const verify_row *row = r->row + i;
      if ((int)row->equation != e) continue;
      printf("%-16s %-40s %-10s %-7s %22.14g %22.14g %9.1e  %s\n", verify_texts[e].name, row->dist,
             or_dash(row->parameter), or_dash(row->cost), row->left, row->right, row->error,
             row->pass ? "yes" : "NO");
    }
}

static json_t *finite_json(double x) { /* JSON has no NaN */
  return isfinite(x) ? json_real(x) : json_null();
}

static json_t *rows_json(const verify_report *r) {
  json_t *rows = json_array();
  for (int e = 0; e < VERIFY_EQUATIONS; e++)
    for (size_t i = 0; i < r->count; i++) {
      const verify_row *row = r->row + i;
      if ((int)row->equation != e) continue;
      json_array_append_new(rows,
                            json_pack("{s:s s:s s:s s:s s:s s:o s:o s:o s:f s:b}", "equation",
                                      verify_texts[e].name, "formula", verify_texts[e].formula,
                                      "distribution", row->dist, "parameter", row->parameter,
                                      "cost", row->cost, "left", finite_json(row->left), "right",
                                      finite_json(row->right), "error", finite_json(row->error),
                                      "tolerance", verify_texts[e].tolerance, "pass", row->pass));
    }
  return rows;
}

/* how many rows of each equation hold, for people */
static void print_summary(const verify_report *r) {
  for (int e = 0; e < VERIFY_EQUATIONS; e++) {
    size_t rows = 0, good = 0;
    double worst = 0.0;
    for (size_t i = 0; i < r->count; i++) {
      if ((int)r->row[i].equation != e) continue;
      rows++;
      good += r->row[i].pass != 0;
      worst = fmax(worst, r->row[i].error);
    }
    fprintf(stderr, "%-16s %3zu of %3zu hold, largest error %.1e (allowed %.0e): %s\n",
            verify_texts[e].name, good, rows, worst, verify_texts[e].tolerance,
            verify_texts[e].formula);
  }
  fprintf(stderr, "%zu of %zu rows hold\n", r->count - r->failed, r->count);
}

static const char help[] =
    "usage: sac verify [--json]\n"
    "\n"
    "Checks the derivation of sample gradients in numbers, line by line: both sides of every\n"
    "equation are computed apart, by quadrature and differences, on distributions and costs, and\n"
    "SAC's policy gradient on the critics of an agent. A row an equation, distribution and cost, "
    "of\n"
    "the parameter with the largest error. Exit 1 if a row fails. docs/derivation.md tells it.\n"
    "\n"
    "  --json   an array of rows\n";

static const struct option flags[] = {
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int cmd_verify(int argc, char **argv) {
  int json = 0;
  for (int flag; (flag = next_flag(argc, argv, flags, help)) != -1;) {
    if (flag == 0) return EXIT_DONE;
    if (flag == '?') return EXIT_USAGE;
    json |= flag == 'j';
  }
  if (optind < argc) return usage_error("verify: takes no word: '%s'", argv[optind]);
  verify_report r = {.status = SAC_OK};
  verify_families(&r);
  verify_mixture(&r);
  verify_ends(&r);
  verify_critic(&r);
  int code = r.status == SAC_OK ? EXIT_DONE : library_error(r.status, &r.err);
  if (code == EXIT_DONE) {
    if (json)
      code = print_json(rows_json(&r));
    else
      print_table(&r);
    print_summary(&r);
    if (r.failed) code = EXIT_FAILED;
  }
  free(r.row);
  return code;
}
