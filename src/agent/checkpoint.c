#include "agent/handle.h"
#include "agent/state.h"
#include "base/try.h"

#include <stdlib.h>

/* The agent's tensors and metadata, off the stack. */
typedef struct picture {
  size_t tensor_count, meta_count;
  sac_meta metas[SAC_AGENT_METAS_MAX];
  sac_tensor tensors[];
} picture;

static sac_status picture_of(sac_agent *agent, picture **out, sac_error *err) {
  const size_t count = sac_agent_tensors(agent, NULL);
  picture *const p = malloc(sizeof *p + count * sizeof *p->tensors);
  if (!p) return sac_fail(err, SAC_ERR_NOMEM, "agent: no memory for a checkpoint's header");
  p->tensor_count = sac_agent_tensors(agent, p->tensors);
  p->meta_count = sac_agent_metas(agent, p->metas);
  *out = p;
  return SAC_OK;
}

sac_status sac_agent_save(const sac_agent *agent, const char *path, sac_error *err) {
  picture *p = NULL;
  // the tensors point into the agent; writing a file only reads through them
  SAC_TRY(picture_of((sac_agent *)agent, &p, err));
  const sac_status status =
      sac_safetensors_write(path, p->tensors, p->tensor_count, p->metas, p->meta_count, err);
  free(p);
  return status;
}

/* Everything is checked before anything is copied, so that an error leaves the agent as it was. */
static sac_status restore(const sac_safetensors *file, const char *path, const sac_agent *g,
                          picture *p, sac_error *err) {
  const sac_agent_facts facts = {.whose = "this agent has",
                                 .options = &g->opt,
                                 .O = g->O,
                                 .A = g->A,
                                 .seed = g->seed,
                                 .mid = g->pi.mid,
                                 .half = g->pi.half};
  SAC_TRY(sac_agent_check_file(file, path, &facts, err));
  for (size_t i = 0; i < p->tensor_count; i++)
    SAC_TRY(sac_safetensors_check(file, &p->tensors[i], err));
  for (size_t i = 0; i < p->tensor_count; i++)
    SAC_TRY(sac_safetensors_read(file, &p->tensors[i], err));
  return SAC_OK;
}

sac_status sac_agent_load(sac_agent *agent, const char *path, sac_error *err) {
  picture *p = NULL;
  sac_safetensors *file = NULL;
  SAC_TRY(sac_safetensors_open(path, &file, err));
  sac_status status = picture_of(agent, &p, err);
  if (status == SAC_OK) status = restore(file, path, agent, p, err);
  if (status == SAC_OK) sac_agent_restored(agent);
  free(p);
  sac_safetensors_close(file);
  return status;
}
