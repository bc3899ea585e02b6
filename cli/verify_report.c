/* The table of 'sac verify': what its equations are called, and how a row comes into it. */
#include "verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tolerances are some twenty times the largest error seen. Differences of sixth order with
 * steps of 0.3 % leave 1e-11 or so, the grids 1e-10, and each kink of the critics up to a node's
 * width times the jump of dQ/da, together 1e-5. */
const verify_text verify_texts[VERIFY_EQUATIONS] = {
    [VERIFY_LEIBNIZ] = {"leibniz", "d/dtheta E f = E d_theta f + int f d_theta q dz", 5e-9},
    [VERIFY_SCORE] = {"score", "int f d_theta q dz = E f d_theta log q", 5e-9},
    [VERIFY_INVERSE] = {"inverse", "F(F^-1(u)) = u", 5e-10},
    [VERIFY_PATH] = {"path", "d/dtheta F^-1(u) = dz/dtheta", 1e-10},
    [VERIFY_GOLDEN] = {"golden", "-(d_theta F(z))/q(z) = dz/dtheta", 1e-9},
    [VERIFY_BOUNDARY] = {"boundary", "f d_theta F between the ends = 0", 1e-12},
    [VERIFY_PRIMITIVE] = {"primitive", "int f d_theta q dz = int (int^z f' dt) d_theta q dz", 5e-9},
    [VERIFY_ORDER] = {"order", "int (int^z f' dt) d_theta q dz = int f' (int_t d_theta q dz) dt",
                      1e-8},
    [VERIFY_IMPLICIT] = {"implicit", "int f' (int_t d_theta q dz) dt = E f' dz/dtheta", 1e-8},
    [VERIFY_FINAL] = {"final", "d/dtheta E f = E d_theta f + E f' dz/dtheta", 1e-10},
    [VERIFY_END_BOUNDARY] = {"end-boundary", "a moving end: f d_theta F = -f q there, not 0",
                             1e-10},
    [VERIFY_END_SCORE] = {"end-score", "a moving end: the score function misses f q there", 1e-10},
    [VERIFY_END_FINAL] = {"end-final", "a moving end: the final identity holds all the same",
                          1e-10},
    [VERIFY_JUMP_IMPLICIT] = {"jump-implicit",
                              "f jumps by 1 at c: f' dz/dtheta misses q(c) dc/dtheta", 1e-10},
    [VERIFY_JUMP_SCORE] = {"jump-score", "f jumps: the score function holds all the same", 1e-10},
    [VERIFY_POLICY_FIRST] = {"policy-first", "E alpha d_theta log pi = 0", 1e-10},
    [VERIFY_POLICY_SCORE] =
        {"policy-score", "dJ/dtheta = E alpha d_theta log pi + E (alpha log pi - Q) d_theta log pi",
         1e-8},
    [VERIFY_POLICY_GRADIENT] = {"policy-gradient",
                                "dJ/dtheta = E alpha d_theta log pi + E (alpha d_a log pi - d_a Q) "
                                "da/dtheta",
                                1e-4},
};

/* ---- the report -------------------------------------------------------------------------------
 */

int verify_ok(verify_report *r, sac_status status) {
  if (status != SAC_OK && r->status == SAC_OK) r->status = status;
  return status == SAC_OK;
}

double *verify_block(verify_report *r, size_t n) {
  double *block = malloc((n ? n : 1) * sizeof *block);
  if (!block) verify_ok(r, sac_fail(&r->err, SAC_ERR_NOMEM, "verify: out of memory"));
  return block;
}

/* the row of this equation, distribution and cost, or a new one; NULL without memory */
static verify_row *row_for(verify_report *r, enum verify_equation equation, const char *dist,
                           const char *cost) {
  for (size_t i = r->count; i-- > 0;) {
    verify_row *row = r->row + i;
    if (row->equation == equation && !strcmp(row->dist, dist) && !strcmp(row->cost, cost))
      return row;
  }
  if ((r->count & (r->count - 1)) == 0) { /* at every power of two */
    verify_row *more = realloc(r->row, (r->count ? 2 * r->count : 1) * sizeof *more);
    if (!more) return NULL;
    r->row = more;
  }
  verify_row *row = r->row + r->count++;
  *row = (verify_row){.equation = equation, .cost = cost, .error = -1.0, .pass = 1};
  snprintf(row->dist, sizeof row->dist, "%s", dist);
  return row;
}

static void add(verify_report *r, enum verify_equation equation, const char *dist,
                const char *parameter, const char *cost, double left, double right, double scale) {
  const double error = fabs(left - right) / scale;
  verify_row *row = r->status == SAC_OK ? row_for(r, equation, dist, cost) : NULL;
  if (!row) {
    if (r->status == SAC_OK)
      verify_ok(r, sac_fail(&r->err, SAC_ERR_NOMEM, "verify: out of memory"));
    return;
  }
  if (error <= row->error || isnan(row->error)) return; /* NaN is worst and stays */
  if (!row->pass) r->failed--;
  row->parameter = parameter;
  row->left = left;
  row->right = right;
  row->error = error;
  row->pass = error <= verify_texts[equation].tolerance; /* NaN does not */
  if (!row->pass) r->failed++;
}

void verify_add(verify_report *r, enum verify_equation equation, const char *dist,
                const char *parameter, const char *cost, double left, double right) {
  add(r, equation, dist, parameter, cost, left, right, fmax(1.0, fabs(right)));
}

void verify_add_relative(verify_report *r, enum verify_equation equation, const char *dist,
                         const char *parameter, const char *cost, double left, double right) {
  add(r, equation, dist, parameter, cost, left, right, fabs(right));
}
