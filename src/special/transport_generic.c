/* The transport kernels in plain doubles: any CPU, and the oracle of the others. */
#include "special/transport_template.h"

const sac_transport sac_transport_generic = SAC_TRANSPORT_TABLE("generic");
