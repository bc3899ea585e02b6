/* The user's control variate in the RELAX form: (f - c) s + k, E[k] = E[c s]. */
#include "grad/control.h"

sac_status sac_grad_control_check(const sac_grad_job *job, sac_error *err) {
  const sac_grad_control *user = job->p->control;
  if (!user || !user->c || !user->dc == !user->k)
    return sac_fail(err, SAC_ERR_ARG, "grad: baseline control needs c, and one of dc and k");
  if (user->dc && !job->d->velocity && !job->d->vjp)
    return sac_fail(err, SAC_ERR_ARG, "grad: baseline control: %s has no velocity: give k, not dc",
                    job->d->name);
  return SAC_OK;
}

/* k (n,P) into out: the user's, or the pathwise gradient of c */
static sac_status gradient_of_c(sac_grad_job *job, double out[], sac_error *err) {
  const sac_grad_control *user = job->p->control;
  const size_t n = job->n;
  if (user->k) {
    user->k(user->context, n, job->theta, job->z, out);
    return sac_grad_check_finite(job, "the control variate's k", job->P, out, job->z, err);
  }
  double *slope = job->other_z;
  user->dc(user->context, n, job->theta, job->z, slope);
  SAC_TRY(sac_grad_check_finite(job, "the control variate's dc", job->D, slope, job->z, err));
  return sac_dist_vjp(job->d, n, job->theta, 0, job->z, job->latent, slope, NULL, out, err);
}

sac_status sac_grad_control_apply(sac_grad_job *job, sac_error *err) {
  const sac_grad_control *user = job->p->control;
  double *c = job->other_f, *k = job->spare;
  user->c(user->context, job->n, job->theta, job->z, c);
  SAC_TRY(sac_grad_check_finite(job, "the control variate", 1, c, job->z, err));
  SAC_TRY(gradient_of_c(job, k, err));
  for (size_t i = 0; i < job->n * job->P; i++)
    job->g[i] += sac_grad_product(job->f[i / job->P] - c[i / job->P], job->w[i]) + k[i];
  return SAC_OK;
}
