/* Distributions: density, distribution function, samples, and the gradient of a sample.
 * A distribution is one `sac_dist`: facts, and functions of one row. The calls below check their
 * input, go through the rows of a batch and allocate nothing; they are re-entrant, and their only
 * randomness is the stream they are given.
 *
 * Shapes. n rows; P = d->params numbers in one theta, D = d->dim in one z, L = d->latents in one
 * latent. theta is (n,P) with `step` numbers from one row to the next: P for one theta a row, 0 for
 * one theta that all rows share. Every other array is dense and row-major. Outputs must not overlap
 * inputs.
 *
 * Latent. Where z itself loses digits (a gamma sample of 1e-400, a beta sample of 1 - 1e-30, a tanh
 * that rounds to 1), the number that does not is an explicit output of `sample` and an input of the
 * rest: log z; log z and log(1 - z); the u of tanh u. A NULL latent is computed from z.
 *
 * Velocity. dz/dtheta with the sample's uniform u = F(z; theta) held fixed: -(dF/dtheta)/p
 * [IRG18]. For D > 1 a field v with d_theta p + div(p v) = 0 [JO18]; only its product with a vector
 * (vjp) is offered, because the Jacobian is never formed.
 *
 * Errors. SAC_ERR_DOMAIN names the row, the number, its value and its legal range: a parameter out
 * of range, z outside the support, NaN anywhere. SAC_ERR_ARG: a function that the distribution has
 * not. Outputs are untouched then, and no answer is ever NaN. At the ends of the support the answer
 * is the limit (docs/dist.md), which may be infinite. Threads: safe, one stream a thread. */
#ifndef SAC_DIST_H
#define SAC_DIST_H

#include "sac/base.h"
#include "sac/random.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The gradient estimators that a parameter admits (capability bits). */
enum {
  SAC_DIST_EXPLICIT = 1, /* z = h(eps; theta) with eps free of theta: location, scale, Cholesky */
  SAC_DIST_IMPLICIT = 2, /* velocity by implicit differentiation of F(z; theta) = u [IRG18] */
  SAC_DIST_OMT = 4,      /* the velocity field of least kinetic energy [JO18] */
  SAC_DIST_GREP = 8,     /* generalised reparameterization: a standardising transform [GREP16] */
  SAC_DIST_RSVI = 16,    /* rejection-sampling reparameterization [RSVI17] */
  SAC_DIST_MVD = 32,     /* measure-valued: a difference of two densities [MC20] */
  SAC_DIST_SCORE = 64    /* the score function; every parameter has it */
};

/* Limits of the multivariate distributions; every scratch array lies on the stack. */
enum { SAC_DIST_MAX_DIM = 64, SAC_DIST_MAX_COMPONENTS = 64, SAC_DIST_MAX_PARAMS = 4096 };

/* One parameter: its name, its legal range and what differentiates it. */
typedef struct sac_dist_param {
  const char *name;
  double low, high;    /* the range */
  int low_open;        /* 1: low itself is not legal */
  int high_open;       /* 1: high itself is not legal */
  unsigned estimators; /* SAC_DIST_... bits */
} sac_dist_param;

typedef struct sac_dist sac_dist;

/* A function of one row whose input is known to be legal. What z, latent and out hold is said at
 * each member below; unused ones are NULL. */
typedef void sac_dist_row(const sac_dist *d, const double theta[], const double z[],
                          const double latent[], double out[]);

/* The same for n rows at once, for what is worth a vector kernel: arguments as in the calls below.
 */
typedef void sac_dist_batch(const sac_dist *d, size_t n, const double theta[], size_t step,
                            const double z[], const double latent[], double out[]);

/* A distribution. A user may fill one of her own; members that are NULL are what it has not. */
struct sac_dist {
  const char *name;
  const char *latent_names[2]; /* what the latent's numbers are, NULL-padded */
  size_t dim, latents, params; /* D, L, P */
  int discrete;                /* z is a whole number, log_density the log of a probability */
  const sac_dist_param *param; /* a row for each kind of parameter */
  const sac_dist *component;   /* mixtures: the family mixed, else NULL */
  size_t components;           /* mixtures: K */
  const void *data;            /* the family's own facts */
  double low, high;            /* the support's ends, legal themselves; a z may be at them */
  size_t (*kind)(const sac_dist *d, size_t i); /* parameter i's row of `param`; NULL: i itself */
  /* one row's own conditions, such as low < high: NULL if they hold, else what is wrong */
  const char *(*check)(const sac_dist *d, const double theta[]);
  /* one z's own conditions beyond its ends: NULL if they hold, else what is wrong */
  const char *(*check_z)(const sac_dist *d, const double z[]);
  sac_dist_row *support;      /* out (2): the ends for this theta; NULL: low and high */
  sac_dist_row *to_latent;    /* z -> out (L) */
  sac_dist_row *log_density;  /* out (1) */
  sac_dist_row *dlog_density; /* out (D + L): d log p/dz, then d log p/dlatent; log p always of z */
  sac_dist_row *score;        /* out (P): d log p/dtheta at fixed z */
  sac_dist_row *velocity;     /* out (P + L P): dz/dtheta, then each latent's; D = 1 */
  sac_dist_row *cdf;          /* out (2): F and 1 - F, each to full relative accuracy */
  sac_dist_row *quantile;     /* z holds (F, 1 - F); out (1 + L): z and its latent */
  sac_dist_row *mean, *variance, *mode; /* out (D) */
  sac_dist_row *entropy;                /* out (1), in nats */
  sac_dist_row *kl;                     /* z holds the other theta: KL(theta || other); out (1) */
  /* draw one row: z (D) and latent (L) */
  void (*sample)(const sac_dist *d, const double theta[], double z[], double latent[],
                 sac_stream *stream);
  /* out (P) = g^T dz/dtheta for D > 1, g (D) the gradient in z */
  void (*vjp)(const sac_dist *d, const double theta[], const double z[], const double latent[],
              const double g[], double out[]);
  /* optional batched forms of the above */
  sac_dist_batch *log_density_n, *velocity_n, *score_n, *cdf_n;
  sac_dist_batch *velocity_fast_n;                   /* relative error 1e-6: behind the float vjp */
  sac_dist_batch *log_density_fast_n, *score_fast_n; /* to float's accuracy, for the agent */
  /* the same from and to floats; dlatent may be NULL, latent not */
  void (*velocity_f32_n)(const sac_dist *d, size_t n, const float theta[], size_t step,
                         const float z[], const float latent[], float dz[], float dlatent[]);
  void (*sample_n)(const sac_dist *d, size_t n, const double theta[], size_t step, double z[],
                   double latent[], sac_stream *stream);
};

/* The distribution of that name, or NULL: one of the one-dimensional ones that sac_dist_list gives.
 */
SAC_API const sac_dist *sac_dist_find(const char *name);

/* The i-th one-dimensional distribution, i = 0, 1, ...; NULL past the last. */
SAC_API const sac_dist *sac_dist_list(size_t i);

/* Parameter i (0 <= i < d->params) of the distribution: its name and range. Never NULL. */
SAC_API const sac_dist_param *sac_dist_parameter(const sac_dist *d, size_t i);

/* The estimators that parameter i admits in this distribution, SAC_DIST_... bits. For a mixture's
 * components it differs from their family's. */
SAC_API unsigned sac_dist_estimators(const sac_dist *d, size_t i);

/* Distributions with a size, as values: keep the result where the calls can point at it.
 * Errors: SAC_ERR_ARG if a size is 0 or above its limit; *out untouched.
 *   dirichlet     concentrations (K >= 2); z on the simplex; latent log z (K)
 *   mvn           mean (D), then the rows of the Cholesky factor, 1 + 2 + ... + D numbers
 *   mvn_diagonal  mean (D), sd (D)
 *   categorical   logits (K); z = 0 ... K - 1
 *   mixture       logits (K), then theta of component 1 dimension 1, 1 2, ... 2 1, ...: K D P
 *                 numbers; sum_k softmax(logits)_k prod_i q(z_i; theta_ki), all of one family */
SAC_API sac_status sac_dist_dirichlet(size_t K, sac_dist *out, sac_error *err);
SAC_API sac_status sac_dist_mvn(size_t D, sac_dist *out, sac_error *err);
SAC_API sac_status sac_dist_mvn_diagonal(size_t D, sac_dist *out, sac_error *err);
SAC_API sac_status sac_dist_categorical(size_t K, sac_dist *out, sac_error *err);
SAC_API sac_status sac_dist_mixture(const sac_dist *family, size_t K, size_t D, sac_dist *out,
                                    sac_error *err);

/* Check n thetas; SAC_ERR_DOMAIN names row, parameter, value and range. */
SAC_API sac_status sac_dist_check(const sac_dist *d, size_t n, const double theta[], size_t step,
                                  sac_error *err);

/* Draw z (n,D) and, if not NULL, its latent (n,L). */
SAC_API sac_status sac_dist_sample(const sac_dist *d, size_t n, const double theta[], size_t step,
                                   double z[], double latent[], sac_stream *stream, sac_error *err);

/* log p(z; theta), out (n); for a discrete distribution the log of the probability. */
SAC_API sac_status sac_dist_log_density(const sac_dist *d, size_t n, const double theta[],
                                        size_t step, const double z[], const double latent[],
                                        double out[], sac_error *err);

/* d log p/dz into dz (n,D), and by the chain rule d log p/dlatent into dlatent (n,L); either may be
 * NULL. p is the density of z in both: only the variable of differentiation differs. */
SAC_API sac_status sac_dist_dlog_density(const sac_dist *d, size_t n, const double theta[],
                                         size_t step, const double z[], const double latent[],
                                         double dz[], double dlatent[], sac_error *err);

/* d log p/dtheta at fixed z, out (n,P). */
SAC_API sac_status sac_dist_score(const sac_dist *d, size_t n, const double theta[], size_t step,
                                  const double z[], const double latent[], double out[],
                                  sac_error *err);

/* dz/dtheta at fixed u into dz (n,P), dlatent/dtheta into dlatent (n,L,P); either may be NULL. D
 * = 1.
 */
SAC_API sac_status sac_dist_velocity(const sac_dist *d, size_t n, const double theta[], size_t step,
                                     const double z[], const double latent[], double dz[],
                                     double dlatent[], sac_error *err);

/* out (n,P) = g^T dz/dtheta + glatent^T dlatent/dtheta: the pathwise gradient of a loss whose
 * gradient in z is g (n,D) and in the latent glatent (n,L); either may be NULL, which is zero.
 * glatent is for D = 1 only. */
SAC_API sac_status sac_dist_vjp(const sac_dist *d, size_t n, const double theta[], size_t step,
                                const double z[], const double latent[], const double g[],
                                const double glatent[], double out[], sac_error *err);

/* F(z) into lower and 1 - F(z) into upper (either may be NULL), out (n) each. D = 1. */
SAC_API sac_status sac_dist_cdf(const sac_dist *d, size_t n, const double theta[], size_t step,
                                const double z[], const double latent[], double lower[],
                                double upper[], sac_error *err);

/* z (n) with F(z) = u, 0 <= u <= 1, and its latent if not NULL; if `upper`, u is 1 - F(z), which
 * keeps the digits of the upper tail. */
SAC_API sac_status sac_dist_quantile(const sac_dist *d, size_t n, const double theta[], size_t step,
                                     const double u[], int upper, double z[], double latent[],
                                     sac_error *err);

/* The quantities of theta alone. out (n,D) for the first three, (n) for entropy in nats. A mean or
 * variance that does not exist as a number is SAC_ERR_DOMAIN; one that is infinite is infinite. */
SAC_API sac_status sac_dist_mean(const sac_dist *d, size_t n, const double theta[], size_t step,
                                 double out[], sac_error *err);
SAC_API sac_status sac_dist_variance(const sac_dist *d, size_t n, const double theta[], size_t step,
                                     double out[], sac_error *err);
SAC_API sac_status sac_dist_mode(const sac_dist *d, size_t n, const double theta[], size_t step,
                                 double out[], sac_error *err);
SAC_API sac_status sac_dist_entropy(const sac_dist *d, size_t n, const double theta[], size_t step,
                                    double out[], sac_error *err);

/* KL(theta || other), out (n), in nats; other is (n,P) with its own step. */
SAC_API sac_status sac_dist_kl(const sac_dist *d, size_t n, const double theta[], size_t step,
                               const double other[], size_t other_step, double out[],
                               sac_error *err);

/* The same in float, for the agent: the arithmetic is the double one, the answers are rounded once;
 * velocity of gamma, chi_squared and inverse_gamma takes a shorter rule, relative error 1e-6. */
SAC_API sac_status sac_dist_sample_f32(const sac_dist *d, size_t n, const float theta[],
                                       size_t step, float z[], float latent[], sac_stream *stream,
                                       sac_error *err);
SAC_API sac_status sac_dist_log_density_f32(const sac_dist *d, size_t n, const float theta[],
                                            size_t step, const float z[], const float latent[],
                                            float out[], sac_error *err);
SAC_API sac_status sac_dist_dlog_density_f32(const sac_dist *d, size_t n, const float theta[],
                                             size_t step, const float z[], const float latent[],
                                             float dz[], float dlatent[], sac_error *err);
SAC_API sac_status sac_dist_score_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                                      const float z[], const float latent[], float out[],
                                      sac_error *err);
SAC_API sac_status sac_dist_velocity_f32(const sac_dist *d, size_t n, const float theta[],
                                         size_t step, const float z[], const float latent[],
                                         float dz[], float dlatent[], sac_error *err);
SAC_API sac_status sac_dist_vjp_f32(const sac_dist *d, size_t n, const float theta[], size_t step,
                                    const float z[], const float latent[], const float g[],
                                    const float glatent[], float out[], sac_error *err);

/* Multivariate normal by optimal transport [JO18]: the eigendecomposition of Sigma = L L^T, once
 * for all samples of one theta. q (D,D) out: eigenvectors in columns; lambda (D) out: eigenvalues.
 * Errors: SAC_ERR_DOMAIN for an illegal theta. */
SAC_API sac_status sac_dist_mvn_eigen(const sac_dist *d, const double theta[], double q[],
                                      double lambda[], sac_error *err);

/* out (P) = the mean over n rows of the optimal-transport vjp at one theta: one Lyapunov equation
 * for the batch, O(n D^2 + D^3). z, g (n,D); q, lambda from sac_dist_mvn_eigen. With n = 1 it is
 * one sample's. */
SAC_API sac_status sac_dist_mvn_omt(const sac_dist *d, size_t n, const double theta[],
                                    const double q[], const double lambda[], const double z[],
                                    const double g[], double out[], sac_error *err);

/* The gamma-ratio route of beta (d = beta) and of Dirichlet, the cross-check: z_i = x_i/sum x from
 * independent gammas, out (n,P) = g^T dz/dtheta through the x. Unbiased with a higher variance than
 * vjp. log_x (n,K) in: the gammas' logs, as sac_dist_gamma_ratio_sample draws them. */
SAC_API sac_status sac_dist_gamma_ratio_sample(const sac_dist *d, size_t n, const double theta[],
                                               size_t step, double z[], double log_x[],
                                               sac_stream *stream, sac_error *err);
SAC_API sac_status sac_dist_gamma_ratio_vjp(const sac_dist *d, size_t n, const double theta[],
                                            size_t step, const double log_x[], const double g[],
                                            double out[], sac_error *err);

#ifdef __cplusplus
}
#endif
#endif
