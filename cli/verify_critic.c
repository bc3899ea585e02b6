/* SAC's policy gradient on the critics of a real agent, trained a little on Pendulum-v1.
 *   J(theta) = E_{a ~ pi_theta(.|s)}[alpha log pi_theta(a|s) - Q(s,a)]
 *   dJ/dtheta = E[alpha d_theta log pi] + E[(alpha d_a log pi - d_a Q) da/dtheta]          [SAC1]
 */
#include "verify.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH = 256, O = 3, STEPS = 2000, UPDATES = 300, NODES = 1 << 17 };
static const double alpha = 0.2, reach = 2.0; /* the temperature; Pendulum's largest torque */

/* ---- an agent ---------------------------------------------------------------------------------
 */

static int make_agent(verify_report *r, sac_agent **out) {
  const double low = -reach, high = reach;
  sac_agent_options o = sac_agent_options_default();
  o.batch = BATCH;
  o.actor_hidden = o.critic_hidden = (sac_widths){2, {64, 64}};
  o.lr_critic = 3e-3;
  return verify_ok(r, sac_agent_create(&o, O, 1, &low, &high, 1, 1, out, &r->err));
}

/* STEPS steps of random torques */
static int play(verify_report *r, const sac_env_api *task, sac_env *env, sac_replay *replay) {
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 0);
  double now[O], next[O], reward;
  uint8_t terminated = 0, truncated = 1;
  for (int t = 0; t < STEPS; t++) {
    if ((terminated || truncated) && !verify_ok(r, task->reset(env, (uint64_t)t, now, &r->err)))
      return 0;
    const float act = (float)(reach * (2.0 * sac_stream_uniform(&s) - 1.0));
    if (!verify_ok(r, task->step(env, &act, next, &reward, &terminated, &truncated, &r->err)))
      return 0;
    float from[O], to[O];
    for (int i = 0; i < O; i++) from[i] = (float)now[i], to[i] = (float)next[i], now[i] = next[i];
    if (!verify_ok(r, sac_replay_push(replay, 0, from, &act, (float)reward, to, terminated,
                                      truncated, &r->err)))
      return 0;
  }
  return 1;
}

static int train(verify_report *r, sac_agent *agent) {
  sac_registry *tasks = NULL;
  sac_replay *replay = NULL;
  sac_env *env = NULL;
  int good = verify_ok(r, sac_registry_create(&tasks, &r->err));
  const sac_env_api *task = good ? sac_registry_find(tasks, "Pendulum-v1", &r->err) : NULL;
  if (good && !task) good = verify_ok(r, SAC_ERR_ENV);
  good = good && verify_ok(r, task->create(&env, &r->err)) &&
         verify_ok(r, sac_replay_create(2 * STEPS, 1, O, 1, &replay, &r->err)) &&
         play(r, task, env, replay);
  for (int t = 0; t < UPDATES && good; t++)
    good = verify_ok(r, sac_agent_update(agent, replay, NULL, &r->err));
  if (env) task->destroy(env);
  sac_replay_destroy(replay);
  sac_registry_destroy(tasks);
  return good;
}

/* ---- the gradient -----------------------------------------------------------------------------
 */

/* Nodes u of the policy a = tanh u, evenly between mean -+ 9 sd: Q is piecewise linear in a, which
 * no rule of high order can use. */
typedef struct nodes {
  double *u, *a, *q, *dq, *jacobian; /* (NODES) each; dq = dQ/da; jacobian = da/du du */
  double *log_pi, *slope, *score,
      *velocity; /* log pi; d log pi/du; d log pi, du/dtheta (NODES,2) */
  double *work;  /* (NODES) */
} nodes;

static void place(nodes *n, double *block, const double theta[2]) {
  double **rows[] = {&n->u, &n->a, &n->q, &n->dq, &n->jacobian, &n->log_pi, &n->slope, &n->work};
  for (size_t k = 0; k < 8; k++) *rows[k] = block + k * NODES;
  n->score = block + 8 * NODES;
  n->velocity = block + 10 * NODES;
  const double du = 18.0 * theta[1] / NODES;
  for (int i = 0; i < NODES; i++) {
    n->u[i] = theta[0] - 9.0 * theta[1] + (i + 0.5) * du;
    n->a[i] = tanh(n->u[i]);
    n->jacobian[i] = du / (cosh(n->u[i]) * cosh(n->u[i]));
  }
}

static int ask_critics(verify_report *r, sac_agent *agent, const float obs[O], nodes *n) {
  float s[BATCH * O], act[BATCH], q[BATCH], dq[BATCH];
  for (int b = 0; b < BATCH * O; b++) s[b] = obs[b % O];
  for (int at = 0; at < NODES; at += BATCH) {
    for (int b = 0; b < BATCH; b++) act[b] = (float)(reach * n->a[at + b]);
    if (!verify_ok(r, sac_agent_value(agent, BATCH, s, act, q, dq, &r->err))) return 0;
    for (int b = 0; b < BATCH; b++) {
      n->q[at + b] = (double)q[b];
      n->dq[at + b] = reach * (double)dq[b];
    }
  }
  return 1;
}

static int ask_policy(verify_report *r, const verify_case *c, nodes *n) {
  const sac_dist *d = c->d;
  const double *t = c->theta;
  return verify_ok(r, sac_dist_log_density(d, NODES, t, 0, n->a, n->u, n->log_pi, &r->err)) &&
         verify_ok(r, sac_dist_dlog_density(d, NODES, t, 0, n->a, n->u, NULL, n->slope, &r->err)) &&
         verify_ok(r, sac_dist_score(d, NODES, t, 0, n->a, n->u, n->score, &r->err)) &&
         verify_ok(r, sac_dist_velocity(d, NODES, t, 0, n->a, n->u, NULL, n->velocity, &r->err));
}

/* dJ/dtheta_j by differences of int (alpha log pi - Q) pi da at fixed a: only pi is differenced */
static int loss_slope(verify_report *r, const verify_case *c, size_t j, const nodes *n,
                      double *out) {
  static const int places[6] = {-3, -2, -1, 1, 2, 3};
  double value[6], theta[VERIFY_PARAMS], h = 1.0;
  for (size_t k = 0; k < 6; k++) {
    verify_shifted(c, j, places[k], theta, &h);
    if (!verify_ok(r, sac_dist_log_density(c->d, NODES, theta, 0, n->a, n->u, n->work, &r->err)))
      return 0;
    value[k] = 0.0;
    for (int i = 0; i < NODES; i++)
      value[k] += n->jacobian[i] * exp(n->work[i]) * (alpha * n->work[i] - n->q[i]);
  }
  *out = verify_difference(value, h);
  return 1;
}

static void gradient(verify_report *r, const verify_case *c, size_t j, const nodes *n) {
  double whole, first = 0.0, second = 0.0, score = 0.0;
  if (!loss_slope(r, c, j, n, &whole)) return;
  for (int i = 0; i < NODES; i++) {
    const double p = n->jacobian[i] * exp(n->log_pi[i]), da_du = 1.0 - n->a[i] * n->a[i];
    const double s = n->score[2 * (size_t)i + j], du = n->velocity[2 * (size_t)i + j];
    first += p * alpha * s;
    second += p * (alpha * n->slope[i] - n->dq[i] * da_du) * du;
    score += p * (alpha * n->log_pi[i] - n->q[i]) * s;
  }
  const char *name = sac_dist_parameter(c->d, j)->name;
  verify_add(r, VERIFY_POLICY_FIRST, c->label, name, "sac", first, 0.0);
  verify_add(r, VERIFY_POLICY_SCORE, c->label, name, "sac", whole, first + score);
  verify_add(r, VERIFY_POLICY_GRADIENT, c->label, name, "sac", whole, first + second);
}

static void at_state(verify_report *r, sac_agent *agent, const verify_case *c, const float obs[O]) {
  double *block = verify_block(r, (size_t)NODES * 12);
  if (!block) return;
  nodes n;
  place(&n, block, c->theta);
  if (ask_critics(r, agent, obs, &n) && ask_policy(r, c, &n))
    for (size_t j = 0; j < 2; j++) gradient(r, c, j, &n);
  free(block);
}

void verify_critic(verify_report *r) {
  const sac_dist *d = sac_dist_find("tanh_normal");
  const verify_case cases[] = {
      {.d = d, .label = "tanh_normal(0.4,0.5)", .theta = {0.4, 0.5}},
      {.d = d, .label = "tanh_normal(-0.7,1.2)", .theta = {-0.7, 1.2}},
      {.d = d, .label = "tanh_normal(0.1,0.15)", .theta = {0.1, 0.15}},
  };
  static const float obs[][O] = {{1.0f, 0.0f, 0.5f}, {0.0f, 1.0f, -2.0f}, {-0.6f, 0.8f, 4.0f}};
  sac_agent *agent = NULL;
  if (make_agent(r, &agent) && train(r, agent))
    for (size_t i = 0; i < 3; i++) at_state(r, agent, cases + i, obs[i]);
  sac_agent_destroy(agent);
}
