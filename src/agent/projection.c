/* weight_projection: after an optimiser's step the columns of its matrices go back to length 1,
 * with unit_norms the parameters of each norm to the root of its width, and only then do the
 * targets follow. */
#include "agent/update.h"

#include <string.h>

static void project(const sac_agent *g, sac_mlp *net, size_t t, size_t T) {
  sac_mlp_project(net, t, T);
  if (g->opt.weight_projection == SAC_WEIGHT_PROJECTION_UNIT_NORMS)
    sac_mlp_project_norms(g->k, net, t, T);
}

static void project_critics(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  for (size_t j = 0; j < u->agent->N; j++) project(u->agent, &u->agent->q[j].net, t, T);
}

static void follow_critics(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  for (size_t j = 0; j < u->agent->N; j++) sac_mlp_follow(&u->agent->q[j].net, u->tau, t, T);
}

static void project_actor(void *ctx, size_t t, size_t T) {
  const struct update *u = ctx;
  project(u->agent, &u->agent->pi.net, t, T);
}

void sac_project_critics(struct update *u) {
  if (!sac_projects(u->agent)) return;
  sac_pool_run(u->agent->pool, project_critics, u);
  if (u->agent->q[0].net.target && u->tau > 0.0f) sac_pool_run(u->agent->pool, follow_critics, u);
}

void sac_project_actor(struct update *u) {
  if (sac_projects(u->agent)) sac_pool_run(u->agent->pool, project_actor, u);
}

void sac_project_fresh(sac_agent *g) {
  if (!sac_projects(g)) return;
  project(g, &g->pi.net, 0, 1);
  for (size_t j = 0; j < g->N; j++) {
    sac_mlp *net = &g->q[j].net;
    project(g, net, 0, 1);
    if (net->target) memcpy(net->target, net->w, net->count * sizeof *net->w);
  }
}
