/* Calls of the user's functions, counted and checked. */
#include "grad/job.h"

#include <stdio.h>

/* "0.5", or "0.5, 1, ..." */
static void point_text(size_t D, const double z[], char text[], size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < D && i < 4 && used < size; i++)
    used += (size_t)snprintf(text + used, size - used, "%s%.9g", i ? ", " : "", z[i]);
  if (D > 4 && used < size) snprintf(text + used, size - used, ", ...");
}

sac_status sac_grad_check_finite(const sac_grad_job *job, const char *what, size_t width,
                                 const double x[], const double z[], sac_error *err) {
  for (size_t i = 0; i < job->n * width; i++) {
    if (isfinite(x[i])) continue;
    char point[120];
    point_text(job->D, z + i / width * job->D, point, sizeof point);
    return sac_fail(err, SAC_ERR_DIVERGED, "grad: sample %zu: %s is %g at z = %s: must be finite",
                    i / width, what, x[i], point);
  }
  return SAC_OK;
}

sac_status sac_grad_call_f(sac_grad_job *job, const double theta[], const double z[], double out[],
                           sac_error *err) {
  const sac_grad_cost *cost = &job->p->cost;
  cost->f(cost->context, job->n, theta, z, out);
  job->calls += job->n;
  return sac_grad_check_finite(job, "f", 1, out, z, err);
}

sac_status sac_grad_call_df(sac_grad_job *job, const double z[], double out[], sac_error *err) {
  const sac_grad_cost *cost = &job->p->cost;
  cost->df(cost->context, job->n, job->theta, z, out);
  job->slope_calls += job->n;
  return sac_grad_check_finite(job, "df", job->D, out, z, err);
}
