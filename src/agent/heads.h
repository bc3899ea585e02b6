/* The heads of a policy: which distribution the network's outputs stand for, and how.
 *   raw = net(s);  theta = map(raw);  z ~ p(z; theta);  a = T(z), in [-1, 1]^A
 * A head is a row of a table: a distribution of `dist`, a map from outputs to its parameters, and
 * the last step T. docs/policies.md shows how to add one. */
#ifndef SAC_AGENT_HEADS_H
#define SAC_AGENT_HEADS_H

#include "sac/agent.h"
#include "sac/dist.h"

/* T, one dimension: a = z, tanh z, 2 z - 1, or (z mod 2 pi)/pi in [-1, 1]. */
typedef enum sac_squash {
  SAC_SQUASH_NONE,
  SAC_SQUASH_TANH,
  SAC_SQUASH_INTERVAL,
  SAC_SQUASH_TURN
} sac_squash;

/* One parameter from one output, with the slope d theta/d raw. */
typedef double sac_param_map(const sac_agent_options *o, double raw, double *slope);

enum { SAC_HEAD_PARAMS = 4, SAC_HEAD_MAX_DIM = SAC_DIST_MAX_DIM };

typedef struct sac_head_kind sac_head_kind;
struct sac_head_kind {
  const char *name;   /* as in the option `policy` */
  const char *family; /* one of sac_dist_find's: of each dimension, or of a mixture's components */
  /* NULL: the dimensions are independent, each of the family; else one distribution of all A */
  sac_status (*joint)(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                      sac_dist *out, sac_error *err);
  sac_squash squash;
  /* The family's parameters, each from its own output; past `outputs` they are constants (the map
   * is called with 0). */
  sac_param_map *param[SAC_HEAD_PARAMS];
  int features;   /* the second output is no output of the network: agent/gsde.h makes it */
  size_t outputs; /* of one distribution; 0: as many as parameters */
  /* For what is not one output a parameter, in place of param: theta (P) from raw (outputs), and
   * draw = (d theta/d raw)^T dtheta. */
  void (*map)(const sac_dist *d, const sac_agent_options *o, const double raw[], double theta[]);
  void (*pull)(const sac_dist *d, const sac_agent_options *o, const double raw[],
               const double theta[], const double dtheta[], double draw[]);
};

/* The head that option `policy` names. */
const sac_head_kind *sac_head_kind_of(const sac_agent_options *o);

/* The distribution of one unit: of a dimension, or of all of them. */
sac_status sac_head_dist(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                         sac_dist *out, sac_error *err);

/* Outputs of one unit. */
size_t sac_head_unit_outputs(const sac_head_kind *kind, const sac_dist *d);

/* The map of parameter i of a unit, where the head maps each by itself. */
sac_param_map *sac_head_param(const sac_head_kind *kind, const sac_dist *d, size_t i);

/* The maps that the table is made of. */
sac_param_map sac_map_real;               /* raw */
sac_param_map sac_map_scale;              /* e^(log sigma): the options log_std_* */
sac_param_map sac_map_concentration;      /* offset + e^clamp(raw): the options concentration_* */
sac_param_map sac_map_turn_concentration; /* e^clamp(raw): von Mises', which may be nearly 0 */

/* `joint` of a mixture of policy_components of the head's family. */
sac_status sac_head_mixture(const sac_head_kind *kind, const sac_agent_options *o, size_t A,
                            sac_dist *out, sac_error *err);

/* The entropy of T(z), one dimension, in nats as log pi measures it; f: the family. */
double sac_squashed_entropy(const sac_agent_options *o, const sac_dist *f, const double theta[]);

#endif
