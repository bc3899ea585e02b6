/* Any CPU: four floats at a time, which every compiler maps to what there is. */
#define SAC_TABLE     sac_kernels_generic
#define SAC_TABLE_ISA "generic"
#include "kernels/table_template.h"
