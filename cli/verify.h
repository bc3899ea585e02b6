/* What the files of 'sac verify' share: rows of the table, the cases, and two quadratures that have
 * nothing in common, so that the two sides of an equation are computed apart. */
#ifndef CLI_VERIFY_H
#define CLI_VERIFY_H

#include <stddef.h>

#include "sac/sac.h"

/* The lines of docs/derivation.md, in its order. */
enum verify_equation {
  VERIFY_LEIBNIZ,
  VERIFY_SCORE,
  VERIFY_INVERSE,
  VERIFY_PATH,
  VERIFY_GOLDEN,
  VERIFY_BOUNDARY,
  VERIFY_PRIMITIVE,
  VERIFY_ORDER,
  VERIFY_IMPLICIT,
  VERIFY_FINAL,
  VERIFY_END_BOUNDARY,
  VERIFY_END_SCORE,
  VERIFY_END_FINAL,
  VERIFY_JUMP_IMPLICIT,
  VERIFY_JUMP_SCORE,
  VERIFY_POLICY_FIRST,
  VERIFY_POLICY_SCORE,
  VERIFY_POLICY_GRADIENT,
  VERIFY_EQUATIONS
};

/* Name, formula, and the error that a row may have; by enum verify_equation. */
typedef struct verify_text {
  const char *name, *formula;
  double tolerance;
} verify_text;
extern const verify_text verify_texts[VERIFY_EQUATIONS];

enum { VERIFY_PARAMS = 8, VERIFY_NAME = 64 };

/* One distribution at one theta, and which of its parameters are differentiated. */
typedef struct verify_case {
  const sac_dist *d;
  char label[VERIFY_NAME]; /* "gamma(2.3,1.4)", without blanks */
  double theta[VERIFY_PARAMS];
  size_t count, param[VERIFY_PARAMS];
} verify_case;

/* c(x) and its derivative; the cost is f_theta(z) = c(z - 0.1 sum_j theta_j), so that it depends on
 * theta by itself too. */
typedef struct verify_cost {
  const char *name;
  double (*f)(double x), (*df)(double x);
} verify_cost;
enum { VERIFY_COSTS = 4 };
extern const verify_cost verify_costs[VERIFY_COSTS];
#define VERIFY_SHIFT 0.1

typedef struct verify_row {
  enum verify_equation equation;
  char dist[VERIFY_NAME];
  const char *parameter, *cost; /* "" where there is none */
  double left, right, error;    /* error = |left - right|/max(1, |right|) */
  int pass;
} verify_row;

/* The rows so far. After the first error of the library nothing is added. */
typedef struct verify_report {
  verify_row *row;
  size_t count, failed;
  sac_status status;
  sac_error err;
} verify_report;

/* ---- verify_report.c */

/* Add a row; a second one of the same equation, distribution and cost replaces the first if its
 * error is larger, so that the table shows the worst parameter. */
void verify_add(verify_report *r, enum verify_equation equation, const char *dist,
                const char *parameter, const char *cost, double left, double right);

/* The same with the difference measured against `right` itself. */
void verify_add_relative(verify_report *r, enum verify_equation equation, const char *dist,
                         const char *parameter, const char *cost, double left, double right);

/* A block of n doubles that goes with free(); NULL and a failed report if there is no memory. */
double *verify_block(verify_report *r, size_t n);

/* Keep the library's status; true if it is SAC_OK. */
int verify_ok(verify_report *r, sac_status status);

/* ---- verify_quadrature.c */

/* Sixth-order central difference from values at -3h, -2h, -h, h, 2h, 3h. */
double verify_difference(const double value[6], double h);

/* theta with parameter j moved by k h; *h is chosen for it. */
void verify_shifted(const verify_case *c, size_t j, int k, double out[VERIFY_PARAMS], double *h);

/* Nodes in u: E g(z) = sum_k w[k] g(z[k]). A half is a tail of mass `mass` on one side. */
typedef struct verify_nodes {
  size_t n;
  double *z, *latent, *w; /* (n), (n,L), (n); z is the block to free */
} verify_nodes;

/* Both halves, or with 0 < mass < 1 the upper tail of that mass alone. */
int verify_nodes_make(verify_report *r, const sac_dist *d, const double theta[], double mass,
                      verify_nodes *out);

/* Nodes in z: int g(z) dz = sum_k w[k] g(z[k]), Gauss-Legendre on panels between quantiles. Each
 * node has two rows of subnodes: towards the median (in) and away from it (out). */
enum { VERIFY_ORDER_GL = 10 };
typedef struct verify_mesh {
  size_t n; /* a multiple of VERIFY_ORDER_GL; the panels of one side, from the median outwards, then
               of the other */
  size_t side;                     /* where the upper side begins */
  double *z, *w;                   /* (n); z is the block to free */
  double *in, *in_w, *out, *out_w; /* (n, VERIFY_ORDER_GL) */
} verify_mesh;

int verify_mesh_make(verify_report *r, const sac_dist *d, const double theta[], verify_mesh *out);

/* d q/dtheta_j at n points by differences of the density; work (7 n). */
int verify_density_slope(verify_report *r, const verify_case *c, size_t j, size_t n,
                         const double z[], double work[], double out[]);

/* ---- the groups of rows */

void verify_distribution(verify_report *r, const verify_case *c); /* verify_equations.c */
void verify_ends(verify_report *r);                               /* verify_ends.c */
void verify_critic(verify_report *r);                             /* verify_critic.c */

/* ---- verify_equations.c */

/* 0.1 sum_j theta_j: where the cost is centred */
double verify_shift(const verify_case *c, const double theta[]);

/* d/dtheta_j E f_theta(z) by differences of quadratures, for each cost */
int verify_loss_slope(verify_report *r, const verify_case *c, size_t j, double out[VERIFY_COSTS]);

#endif
