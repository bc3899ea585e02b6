/* The costs that 'sac grad' knows, and those of plug-ins. */
#ifndef CLI_COSTS_H
#define CLI_COSTS_H

#include "sac/sac.h"

enum { COST_HIDDEN = 16 };

/* A cost, and what it is made of: the context of its own functions. */
typedef struct cost_choice {
  sac_grad_cost cost;
  const char *name;
  size_t dim; /* D */
  double k;   /* its constant */
  double (*value)(double k, double z), (*slope)(double k, double z);
  size_t jumps; /* where it jumps, D = 1 */
  double jump[1];
  int smooth;                 /* known to be so but for the jumps */
  double in[COST_HIDDEN][64]; /* the critic's weights: tanh units of all z, */
  double bias[COST_HIDDEN];   /* their biases, */
  double out[COST_HIDDEN];    /* and what they add up to */
  void *library;              /* of a plug-in */
} cost_choice;

/* The cost of that name in D dimensions; k NULL: its default. -1, or the exit code after a message.
 * `into` is used as the context: it must stay where it is. */
int cost_named(const char *name, size_t dim, const double *k, cost_choice *into);

/* The cost of a plug-in; as above. */
int cost_from_plugin(const char *path, size_t dim, cost_choice *into);

void cost_release(cost_choice *c);

/* The names, "square, exp, ...". */
#define COST_NAMES "square, exp, cos, tanh, step, critic"

#endif
