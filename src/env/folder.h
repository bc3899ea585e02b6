/* Where the library's own plug-ins lie. */
#ifndef SAC_ENV_FOLDER_H
#define SAC_ENV_FOLDER_H

#include "sac/base.h"

/* The plug-in folder into path (`size` bytes), "" if there is none: SAC_PLUGIN_DIR of the process
 * environment; else the build's, for what lies in the build folder; else the one beside the library
 * or program, so that an installation can be moved; else the one of the configured installation. */
void sac_plugin_folder(char path[], size_t size);

/* Let plug-ins see the library's functions also where it was itself loaded for one module alone, as
 * Python's ctypes does. Nothing happens where they are visible already. */
void sac_plugin_share_symbols(void);

#endif
