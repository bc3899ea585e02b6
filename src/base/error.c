#include "sac/base.h"

#include <stdarg.h>
#include <stdio.h>

sac_status sac_fail(sac_error *err, sac_status code, const char *fmt, ...) {
  if (err) {
    va_list ap;
    va_start(ap, fmt);
    err->code = code;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
  }
  return code;
}

const char *sac_status_name(sac_status code) {
  switch (code) {
  case SAC_OK:
    return "SAC_OK";
  case SAC_ERR_ARG:
    return "SAC_ERR_ARG";
  case SAC_ERR_NOMEM:
    return "SAC_ERR_NOMEM";
  case SAC_ERR_DOMAIN:
    return "SAC_ERR_DOMAIN";
  case SAC_ERR_IO:
    return "SAC_ERR_IO";
  case SAC_ERR_FORMAT:
    return "SAC_ERR_FORMAT";
  case SAC_ERR_ENV:
    return "SAC_ERR_ENV";
  case SAC_ERR_DIVERGED:
    return "SAC_ERR_DIVERGED";
  case SAC_ERR_STOPPED:
    return "SAC_ERR_STOPPED";
  }
  return "unknown status";
}
