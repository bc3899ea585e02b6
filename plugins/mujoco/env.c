/* An instance of a task: made, reset, stepped, saved and loaded. The calls into MuJoCo are those
 * that Gymnasium makes, in its order, so that fields which lag a substep behind lag here as well.
 */
#include "guard.h"
#include "numpy.h"
#include "task.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 400 };

/* What save() writes before MuJoCo's own numbers; no padding. */
struct header {
  char id[32];
  uint32_t mujoco; /* version */
  uint32_t elapsed;
  double place;
};

struct loading {
  const char *path;
  sac_env *env;
  char *error;
  int error_size;
};

static void load_model(void *arg) {
  const struct loading *l = arg;
  l->env->m = mj_loadXML(l->path, NULL, l->error, l->error_size);
  if (l->env->m) l->env->d = mj_makeData(l->env->m);
}

/* Is the file the one that the numbers of this task belong to? */
static sac_status check_model(const struct task *t, const mjModel *m, const char *path,
                              sac_error *err) {
  if (m->nq == t->nq && m->nv == t->nv && m->nu == t->nu && m->nbody == t->nbody && m->na == 0)
    return SAC_OK;
  return sac_fail(err, SAC_ERR_ENV,
                  "%s: %s has nq %ld, nv %ld, nu %ld, nbody %ld; the model of gymnasium 1.4.0 has "
                  "%d, %d, %d, %d",
                  t->id, path, (long)m->nq, (long)m->nv, (long)m->nu, (long)m->nbody, t->nq, t->nv,
                  t->nu, t->nbody);
}

static sac_status find_bodies(sac_env *env, const char *path, sac_error *err) {
  for (int i = 0; i < BODIES_MAX && env->task->bodies[i]; i++) {
    env->body[i] = mj_name2id(env->m, mjOBJ_BODY, env->task->bodies[i]);
    if (env->body[i] < 0)
      return sac_fail(err, SAC_ERR_ENV, "%s: %s has no body \"%s\"", env->task->id, path,
                      env->task->bodies[i]);
  }
  return SAC_OK;
}

/* What the instance keeps of its model. */
static void note_model(sac_env *env) {
  const mjModel *m = env->m;
  for (int i = 0; i < m->nq; i++) env->init_qpos[i] = env->d->qpos[i];
  for (int i = 0; i < m->nv; i++) env->init_qvel[i] = env->d->qvel[i];
  for (int i = 0; i < m->nu; i++) { /* Gymnasium's bounds are float32 */
    env->act_low[i] = round_f32(m->actuator_ctrlrange[2 * i]);
    env->act_high[i] = round_f32(m->actuator_ctrlrange[2 * i + 1]);
  }
  env->dt = m->opt.timestep * env->task->frame_skip;
}

static sac_status fill(sac_env *env, sac_error *err) {
  char path[4096], cause[TEXT] = "", error[TEXT] = "";
  const struct task *t = env->task;
  sac_status status = model_path(t, path, sizeof path, err);
  if (status != SAC_OK) return status;
  struct loading loading = {path, env, cause, TEXT};
  if (!guard_run(load_model, &loading, error, sizeof error) || !env->m)
    return sac_fail(err, SAC_ERR_ENV, "%s: MuJoCo cannot load %s: %s", t->id, path,
                    error[0] ? error : cause);
  if (!env->d) return sac_fail(err, SAC_ERR_NOMEM, "%s: no memory for MuJoCo's data", t->id);
  status = check_model(t, env->m, path, err);
  if (status == SAC_OK) status = find_bodies(env, path, err);
  if (status != SAC_OK) return status;
  note_model(env);
  env->state_count = (int)mj_stateSize(env->m, mjSTATE_INTEGRATION);
  env->state = calloc((size_t)env->state_count, sizeof *env->state);
  if (!env->state) return sac_fail(err, SAC_ERR_NOMEM, "%s: no memory for its state", t->id);
  return SAC_OK;
}

sac_status task_create(const struct task *task, sac_env **out, sac_error *err) {
  if (mj_version() != mjVERSION_HEADER)
    return sac_fail(err, SAC_ERR_ENV,
                    "%s: the plug-in was built for MuJoCo %s, but the library that was loaded says "
                    "%d, not %d: build the plug-in with that library's headers",
                    task->id, SAC_MUJOCO_VERSION, mj_version(), mjVERSION_HEADER);
  guard_install();
  sac_env *env = calloc(1, sizeof *env);
  if (!env) return sac_fail(err, SAC_ERR_NOMEM, "%s: no memory for an instance", task->id);
  env->task = task;
  const sac_status status = fill(env, err);
  if (status != SAC_OK) {
    task_destroy(env);
    return status;
  }
  *out = env;
  return SAC_OK;
}

void task_destroy(sac_env *env) {
  if (!env) return;
  if (env->d) mj_deleteData(env->d);
  if (env->m) mj_deleteModel(env->m);
  free(env->state);
  free(env);
}

void task_space(const sac_env *env, sac_space *out) {
  *out = (sac_space){.obs_dim = env->task->obs_dim,
                     .act_dim = (size_t)env->task->nu,
                     .act_low = env->act_low,
                     .act_high = env->act_high,
                     .max_steps = env->task->limit};
}

static double place(const sac_env *env) {
  return env->task->place ? env->task->place(env) : 0.0;
}

/* The numbers to begin from are in d->qpos and d->qvel after the reset of the data. */
struct beginning {
  sac_env *env;
  double qpos[NQ_MAX], qvel[NV_MAX];
};

static void begin(void *arg) {
  const struct beginning *b = arg;
  mjModel *m = b->env->m;
  mjData *d = b->env->d;
  mj_resetData(m, d);
  memcpy(d->qpos, b->qpos, (size_t)m->nq * sizeof *d->qpos);
  memcpy(d->qvel, b->qvel, (size_t)m->nv * sizeof *d->qvel);
  mj_forward(m, d);
}

sac_status task_reset(sac_env *env, uint64_t seed, double obs[], sac_error *err) {
  char text[TEXT];
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_RESET, 0);
  struct beginning b = {.env = env};
  memcpy(b.qpos, env->init_qpos, sizeof b.qpos);
  memcpy(b.qvel, env->init_qvel, sizeof b.qvel);
  env->task->draw(&stream, b.qpos, b.qvel, env->task);
  if (!guard_run(begin, &b, text, sizeof text))
    return sac_fail(err, SAC_ERR_ENV, "%s: reset: MuJoCo: %s", env->task->id, text);
  env->elapsed = 0;
  env->velocity = 0.0;
  env->place = place(env);
  env->task->observe(env, obs);
  return SAC_OK;
}

static void simulate(void *arg) {
  sac_env *env = arg;
  for (int i = 0; i < env->task->frame_skip; i++) mj_step(env->m, env->d);
  if (env->task->contact_forces) mj_rnePostConstraint(env->m, env->d);
}

/* After a bad number MuJoCo resets its data and goes on, from a state that nobody asked for: such a
 * step has no result. The other warnings (a nearly singular inertia, contacts or constraints beyond
 * the memory for them) leave a state that is defined, and the one that Gymnasium has as well. */
static sac_status check_warnings(const sac_env *env, sac_error *err) {
  static const int bad[] = {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC, mjWARN_BADCTRL};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    const mjWarningStat *w = &env->d->warning[bad[i]];
    if (w->number)
      return sac_fail(err, SAC_ERR_ENV, "%s: step %u of the episode: MuJoCo: %s", env->task->id,
                      env->elapsed + 1, mju_warningText(bad[i], (size_t)w->lastinfo));
  }
  return SAC_OK;
}

sac_status task_step(sac_env *env, const float act[], double obs[], double *reward,
                     uint8_t *terminated, uint8_t *truncated, sac_error *err) {
  char text[TEXT];
  const struct task *t = env->task;
  for (int i = 0; i < t->nu; i++) env->d->ctrl[i] = (double)act[i];
  if (!guard_run(simulate, env, text, sizeof text))
    return sac_fail(err, SAC_ERR_ENV, "%s: step %u of the episode: MuJoCo: %s", t->id,
                    env->elapsed + 1, text);
  const sac_status status = check_warnings(env, err);
  if (status != SAC_OK) return status;
  const double before = env->place;
  env->place = place(env);
  env->velocity = (env->place - before) / env->dt;
  env->elapsed++;
  t->observe(env, obs);
  const int ends = t->fails && t->fails(env);
  *reward = t->reward(env, act, ends);
  *terminated = (uint8_t)ends;
  *truncated = env->elapsed >= t->limit;
  return SAC_OK;
}

size_t task_state_size(const sac_env *env) {
  return sizeof(struct header) + (size_t)env->state_count * sizeof *env->state;
}

void task_save(const sac_env *env, void *state) {
  struct header header = {
      .mujoco = (uint32_t)mjVERSION_HEADER, .elapsed = env->elapsed, .place = env->place};
  strncpy(header.id, env->task->id, sizeof header.id - 1);
  mj_getState(env->m, env->d, env->state, mjSTATE_INTEGRATION);
  memcpy(state, &header, sizeof header);
  memcpy((char *)state + sizeof header, env->state, (size_t)env->state_count * sizeof *env->state);
}

static void restore(void *arg) {
  sac_env *env = arg;
  mj_resetData(env->m, env->d);
  mj_setState(env->m, env->d, env->state, mjSTATE_INTEGRATION);
}

sac_status task_load(sac_env *env, const void *state, size_t size, sac_error *err) {
  char text[TEXT];
  struct header header;
  const char *id = env->task->id;
  if (size != task_state_size(env))
    return sac_fail(err, SAC_ERR_FORMAT, "%s: the saved state has %zu bytes, want %zu", id, size,
                    task_state_size(env));
  memcpy(&header, state, sizeof header);
  if (strncmp(header.id, id, sizeof header.id) != 0)
    return sac_fail(err, SAC_ERR_FORMAT, "%s: the saved state belongs to %.32s", id, header.id);
  if (header.mujoco != (uint32_t)mjVERSION_HEADER)
    return sac_fail(err, SAC_ERR_FORMAT, "%s: the saved state is of MuJoCo %u, this is %d", id,
                    header.mujoco, mjVERSION_HEADER);
  memcpy(env->state, (const char *)state + sizeof header,
         (size_t)env->state_count * sizeof *env->state);
  if (!guard_run(restore, env, text, sizeof text))
    return sac_fail(err, SAC_ERR_ENV, "%s: load: MuJoCo: %s", id, text);
  env->elapsed = header.elapsed;
  env->place = header.place;
  env->velocity = 0.0;
  return SAC_OK;
}
