#if defined __aarch64__ /* where NEON is always there: no target to choose */
#  define SAC_ISA_NEON
#  define SAC_TABLE     sac_kernels_neon
#  define SAC_TABLE_ISA "neon"
#  include "kernels/table_template.h"
#else
typedef int sac_no_neon; /* ISO C wants a declaration */
#endif
