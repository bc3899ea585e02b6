/* The agent's whole state as named tensors, for checkpoints. */
#ifndef SAC_AGENT_STATE_H
#define SAC_AGENT_STATE_H

#include "base/safetensors.h"
#include "nn/network.h"
#include "sac/agent.h"

enum { SAC_AGENT_METAS_MAX = 160 };

/* Parameters, targets, optimiser moments, temperature and counters, pointing into the agent:
 * reading a file into them restores it. Returns how many; out == NULL only counts. */
size_t sac_agent_tensors(sac_agent *agent, sac_tensor out[]);

/* What a network's passes on rows depend on: its weights, biases and norms, as "NAME.LAYER.weight"
 * and so on. Returns how many, at most SAC_NETWORK_TENSORS_MAX; out == NULL only counts. */
enum { SAC_NETWORK_TENSORS_MAX = 11 * SAC_LAYERS_MAX };
size_t sac_network_tensors(const char *name, sac_mlp *net, sac_tensor out[]);

/* To call after the tensors were filled from a file: brings up to date what is derived from them.
 */
void sac_agent_restored(sac_agent *agent);

/* "obs_dim", "act_dim", "seed", and "option.NAME" for every option as sac_option_get writes it.
 * With the tensors "actor.*" and "action_*" this is what sac_policy_load needs. Returns how many.
 */
size_t sac_agent_metas(const sac_agent *agent, sac_meta out[SAC_AGENT_METAS_MAX]);

/* What a file must agree with. */
typedef struct sac_agent_facts {
  const char *whose; /* for the message: "this agent has" */
  const sac_agent_options *options;
  size_t O, A;
  uint64_t seed;
  const float *mid, *half; /* (A) the actions' scale */
} sac_agent_facts;

/* Is the file of an agent with these facts? Options newer than the file are passed over.
 * SAC_ERR_FORMAT names the first that differs, its value in the file, and the one here. */
sac_status sac_agent_check_file(const sac_safetensors *file, const char *path,
                                const sac_agent_facts *facts, sac_error *err);

#endif
