/* The agent's whole state as named tensors, for checkpoints. */
#ifndef SAC_AGENT_STATE_H
#define SAC_AGENT_STATE_H

#include "base/safetensors.h"
#include "sac/agent.h"

enum { SAC_AGENT_TENSORS_MAX = 256, SAC_AGENT_METAS_MAX = 32 };

/* Parameters, targets, optimiser moments, temperature and counters, pointing into the agent: reading a
 * file into them restores it. Returns how many. */
size_t sac_agent_tensors(sac_agent *agent, sac_tensor out[SAC_AGENT_TENSORS_MAX]);

/* What sac_policy_load needs besides the tensors "actor.*": sizes, bounds, options. Returns how many. */
size_t sac_agent_metas(const sac_agent *agent, sac_meta out[SAC_AGENT_METAS_MAX]);

#endif
