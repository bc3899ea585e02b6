/* replications TABLE [--samples N] [--shapes N] [--draws N]: the lines of one table as CSV; exit 1
 * if a number is not what it must be. script/replications calls it, and
 * tests/grad/test_replications.sh. */
#include "replicate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t samples;
static size_t failed;

void must(sac_status status, const sac_error *err) {
  if (status == SAC_OK) return;
  fprintf(stderr, "replications: %s\n", err->msg);
  exit(1);
}

size_t failures(void) {
  return failed;
}

/* half a unit of the last digit of a number as printed, and what rounding in binary adds */
static double half_unit(const char *text) {
  const char *point = strchr(text, '.'), *power = strchr(text, 'e');
  const size_t digits = point ? (power ? (size_t)(power - point) : strlen(point)) - 1 : 0;
  return 0.5 * pow(10.0, (power ? atof(power + 1) : 0.0) - (double)digits) * (1.0 + 1e-9);
}

static void check(const entry *e, const char *against, double got, double want, double allowed) {
  if (fabs(got - want) <= allowed) return;
  fprintf(stderr, "replications: %s, %s, %s, %s: %.12g, but %s is %.12g (allowed %.2g)\n", e->table,
          e->what, e->parameter, e->estimator, got, against, want, allowed);
  failed++;
}

static void put_number(double x) {
  if (isnan(x))
    putchar(',');
  else
    printf(",%.15g", x);
}

void put_header(void) {
  puts("table,case,parameter,estimator,exact,closed_form,reference,sampled,standard_error,samples");
}

void put(const entry *e) {
  printf("%s,%s,%s,%s", e->table, e->what, e->parameter, e->estimator);
  put_number(e->exact);
  put_number(e->closed);
  printf(",%s", e->reference);
  put_number(e->sampled);
  put_number(e->error);
  printf(",%zu\n", isnan(e->sampled) ? 0 : samples);
  if (!isfinite(e->exact)) check(e, "a number", e->exact, 0.0, 0.0);
  if (!isnan(e->closed))
    check(e, "the closed form", e->exact, e->closed, 1e-10 * (1.0 + fabs(e->closed)));
  if (*e->reference) {
    const double want = atof(e->reference);
    check(e, "the reference", e->exact, want, half_unit(e->reference) + e->slack * fabs(want));
  }
  if (!isnan(e->sampled)) check(e, "the samples' variance", e->exact, e->sampled, 5.0 * e->error);
}

/* ---- the arguments ----------------------------------------------------------------------------
 */

static size_t number_after(int argc, char **argv, const char *flag, size_t otherwise) {
  for (int i = 2; i + 1 < argc; i += 2)
    if (!strcmp(argv[i], flag)) return (size_t)strtoull(argv[i + 1], NULL, 10);
  return otherwise;
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tables[] = {{"normal", table_normal},
                {"gamma", table_gamma},
                {"transport", table_transport},
                {"beta", table_beta}};
  const char *name = argc > 1 ? argv[1] : "";
  samples = number_after(argc, argv, "--samples", 100000);
  if (!strcmp(name, "accuracy")) {
    accuracy(number_after(argc, argv, "--shapes", 300), number_after(argc, argv, "--draws", 50));
    return 0;
  }
  if (!strcmp(name, "curves")) {
    curves_normal();
    return failed != 0;
  }
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
    if (strcmp(name, tables[i].name)) continue;
    put_header();
    tables[i].run();
    return failed != 0;
  }
  fputs("usage: replications normal|curves|gamma|transport|beta|accuracy [--samples N] [--shapes N]"
        " [--draws N]\n",
        stderr);
  return 2;
}
