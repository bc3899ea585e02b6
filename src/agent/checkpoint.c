#include "agent/state.h"
#include "base/try.h"

#include <stdlib.h>
#include <string.h>

/* The agent's tensors and metadata, off the stack. */
typedef struct picture {
  size_t tensor_count, meta_count;
  sac_tensor tensors[SAC_AGENT_TENSORS_MAX];
  sac_meta metas[SAC_AGENT_METAS_MAX];
} picture;

static sac_status picture_of(sac_agent *agent, picture **out, sac_error *err) {
  picture *const p = malloc(sizeof *p);
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

/* The file is of an agent of the same sizes, bounds and options. */
static sac_status check_metas(const sac_safetensors *file, const char *path, const picture *p,
                              sac_error *err) {
  for (size_t i = 0; i < p->meta_count; i++) {
    const char *found = NULL;
    SAC_TRY(sac_safetensors_meta(file, p->metas[i].key, &found, err));
    if (strcmp(found, p->metas[i].value) != 0)
      return sac_fail(err, SAC_ERR_FORMAT, "%.200s: %s = %.100s, this agent has %.100s", path,
                      p->metas[i].key, found, p->metas[i].value);
  }
  return SAC_OK;
}

/* The file's actions are scaled as this agent's: "action_mid" and "action_half" are derived from
 * the bounds, and a policy under other bounds would be another policy. */
static sac_status check_scale(const sac_safetensors *file, const char *path, const sac_tensor *own,
                              sac_error *err) {
  if (strncmp(own->name, "action_", 7) != 0) return SAC_OK;
  const size_t size = own->cols * sizeof(float);
  sac_tensor found = *own;
  found.data = malloc(size);
  if (!found.data) return sac_fail(err, SAC_ERR_NOMEM, "agent: no memory for the action bounds");
  sac_status status = sac_safetensors_read(file, &found, err);
  if (status == SAC_OK && memcmp(found.data, own->data, size) != 0)
    status =
        sac_fail(err, SAC_ERR_FORMAT,
                 "%.200s: %s differs: the file's agent has other action bounds", path, own->name);
  free(found.data);
  return status;
}

/* Everything is checked before anything is copied, so that an error leaves the agent as it was. */
static sac_status restore(const sac_safetensors *file, const char *path, picture *p,
                          sac_error *err) {
  SAC_TRY(check_metas(file, path, p, err));
  for (size_t i = 0; i < p->tensor_count; i++)
    SAC_TRY(sac_safetensors_check(file, &p->tensors[i], err));
  for (size_t i = 0; i < p->tensor_count; i++)
    SAC_TRY(check_scale(file, path, &p->tensors[i], err));
  for (size_t i = 0; i < p->tensor_count; i++)
    SAC_TRY(sac_safetensors_read(file, &p->tensors[i], err));
  return SAC_OK;
}

sac_status sac_agent_load(sac_agent *agent, const char *path, sac_error *err) {
  picture *p = NULL;
  sac_safetensors *file = NULL;
  SAC_TRY(sac_safetensors_open(path, &file, err));
  sac_status status = picture_of(agent, &p, err);
  if (status == SAC_OK) status = restore(file, path, p, err);
  if (status == SAC_OK) sac_agent_restored(agent);
  free(p);
  sac_safetensors_close(file);
  return status;
}
