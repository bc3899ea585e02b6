/* Expectations under a one-dimensional distribution, for what has no closed form. */
#include "dist/family.h"

/* One tanh-sinh rule on u in (a, b) [TM74], t = k h: the distance to the nearer end is exact, so
 * that quantiles in both tails are. */
typedef struct side {
  double a, b;   /* F runs from a to b ... */
  double am, bm; /* ... and 1 - F from am to bm */
} side;

static double rule(const sac_dist *d, const double theta[], side s, sac_dist_integrand *g,
                   const void *context) {
  const double h = 1.0 / 16.0, width = s.a < 0.5 ? s.b - s.a : s.am - s.bm;
  double sum = 0.0;
  for (int k = -72; k <= 72; k++) {
    const double t = h * k, q = exp(-sac_pi * fabs(sinh(t)));
    const double near = q / (1.0 + q), weight = sac_pi * cosh(t) * q / ((1.0 + q) * (1.0 + q));
    const double gap = width * near; /* to the end that t leans to */
    if (!(gap > 1e-290)) continue;
    const double pair[2] = {k < 0 ? s.a + gap : s.b - gap, k < 0 ? s.am - gap : s.bm + gap};
    double out[3];
    d->quantile(d, theta, pair, NULL, out);
    const double value = g(context, out, out + 1);
    if (isfinite(value)) sum += weight * value;
  }
  return sum * h * width;
}

double sac_dist_expect(const sac_dist *d, const double theta[], const double splits[2],
                       sac_dist_integrand *g, const void *context) {
  double ends[2] = {d->low, d->high}, cuts[4][2] = {{0.0, 1.0}}, latent[2], sum = 0.0;
  if (d->support) d->support(d, theta, NULL, NULL, ends);
  const double sorted[2] = {fmin(splits[0], splits[1]), fmax(splits[0], splits[1])};
  int count = 1;
  for (int k = 0; k < 2; k++) {
    if (!(sorted[k] > ends[0] && sorted[k] < ends[1]) || (k && sorted[1] == sorted[0])) continue;
    if (d->latents) d->to_latent(d, theta, &sorted[k], NULL, latent);
    d->cdf(d, theta, &sorted[k], latent, cuts[count++]);
  }
  cuts[count][0] = 1.0;
  cuts[count++][1] = 0.0;
  for (int k = 0; k + 1 < count; k++)
    sum +=
        rule(d, theta, (side){cuts[k][0], cuts[k + 1][0], cuts[k][1], cuts[k + 1][1]}, g, context);
  return sum;
}

typedef struct two_thetas {
  const sac_dist *d;
  const double *theta, *other;
} two_thetas;

static double log_ratio(const void *context, const double z[], const double latent[]) {
  const two_thetas *t = context;
  double here, there;
  t->d->log_density(t->d, t->theta, z, latent, &here);
  t->d->log_density(t->d, t->other, z, latent, &there);
  return here - there;
}

double sac_dist_kl_quadrature(const sac_dist *d, const double theta[], const double other[],
                              double a, double b) {
  const two_thetas both = {d, theta, other};
  const double splits[2] = {a, b}, kl = sac_dist_expect(d, theta, splits, log_ratio, &both);
  return kl > 0.0 ? kl : 0.0;
}
