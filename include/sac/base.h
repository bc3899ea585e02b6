/* Status, error and version: what every other header of libsac builds on. */
#ifndef SAC_BASE_H
#define SAC_BASE_H

#include <stddef.h>
#include <stdint.h>

#define SAC_VERSION_MAJOR 0
#define SAC_VERSION_MINOR 1
#define SAC_VERSION_PATCH 0

#if defined __GNUC__
#  define SAC_API               __attribute__((visibility("default")))
#  define SAC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#  define SAC_API
#  define SAC_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* What a call came to. SAC_OK is 0; every error is negative. */
typedef enum sac_status {
  SAC_OK = 0,
  SAC_ERR_ARG = -1,    /* an argument or option: unknown, of the wrong kind, or out of its range */
  SAC_ERR_NOMEM = -2,  /* memory could not be had */
  SAC_ERR_DOMAIN = -3, /* a number outside the set on which the function is defined */
  SAC_ERR_IO = -4,     /* a file or folder: missing, not writable, disk full */
  SAC_ERR_FORMAT = -5, /* a file's content: damaged, of another kind or version */
  SAC_ERR_ENV = -6,    /* an environment: a plug-in that does not fit, a failed step */
  SAC_ERR_DIVERGED = -7, /* a non-finite observation, reward, loss or gradient */
  SAC_ERR_STOPPED = -8,  /* the caller asked to stop (a callback or a signal) */
} sac_status;

/* The message that goes with a status: one sentence that names the thing, its value and what is
 * legal. Owned by the caller; every `sac_error *` argument of the library may be NULL. */
typedef struct sac_error {
  sac_status code;
  char msg[500];
} sac_error;

/* Fill *err (if not NULL) with `code` and a message in printf's format, cut to fit; returns `code`.
 * For the library itself and for environment plug-ins. Threads: safe. */
SAC_API sac_status sac_fail(sac_error *err, sac_status code, const char *fmt, ...) SAC_PRINTF(3, 4);

/* The status's name, such as "SAC_ERR_ARG"; "unknown status" for any other number. Never NULL. */
SAC_API const char *sac_status_name(sac_status code);

/* The library's version, "major.minor.patch". Never NULL; static storage. */
SAC_API const char *sac_version(void);

/* The instruction set that the kernels run on: "generic", "neon", "avx2", "avx512" or "amx". It is
 * the best that the CPU has, capped by the environment variable SAC_ISA, chosen at first use and
 * kept.
 */
SAC_API const char *sac_isa(void);

/* Is SAC_ISA unset, or the name of an instruction set that this CPU has? SAC_ERR_ARG names it and
 * those that there are; without this call an unknown name caps nothing. */
SAC_API sac_status sac_isa_check(sac_error *err);

/* The commit that the library was built from, or "unknown". Never NULL; static storage. */
SAC_API const char *sac_commit(void);

#ifdef __cplusplus
}
#endif
#endif
