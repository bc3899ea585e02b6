/* The transport kernels for NEON. */
#if defined __aarch64__
#  define SAC_ISA_NEON
#  include "special/transport_template.h"

const sac_transport sac_transport_neon = SAC_TRANSPORT_TABLE("neon");
#else
typedef int sac_transport_neon_unused; /* a translation unit is never empty */
#endif
