#include "dist/check.h"
#include "dist/family.h"

#include <stdint.h>
#include <stdio.h>

/* "(0, inf)", "[0, 1]" */
static void range_text(double low, double high, int low_open, int high_open, char *text,
                       size_t size) {
  snprintf(text, size, "%c%g, %g%c", low_open || isinf(low) ? '(' : '[', low, high,
           high_open || isinf(high) ? ')' : ']');
}

static int legal(const sac_dist_param *p, double x) {
  return (x > p->low || (x == p->low && !p->low_open)) &&
         (x < p->high || (x == p->high && !p->high_open));
}

enum { STRIDE = 12 }; /* a multiple of every number of parameters up to 4 */

/* Whether dense rows are legal, in one pass without branches: the ranges as closed ones, repeated
 * so that a fixed number of neighbours is compared at a time. */
static int all_legal(const sac_dist *d, size_t n, const double theta[]) {
  const size_t P = d->params, count = n * P;
  double low[STRIDE], high[STRIDE];
  for (size_t k = 0; k < STRIDE; k++) {
    const sac_dist_param *p = sac_dist_parameter(d, k % P);
    low[k] = p->low_open ? nextafter(p->low, HUGE_VAL) : p->low;
    high[k] = p->high_open ? nextafter(p->high, -HUGE_VAL) : p->high;
  }
  int64_t bad = 0;
  size_t i = 0;
  for (; i + STRIDE <= count; i += STRIDE)
    for (size_t k = 0; k < STRIDE; k++)
      bad += !(theta[i + k] >= low[k]) | !(theta[i + k] <= high[k]);
  for (size_t k = 0; i < count; i++, k++) bad += !(theta[i] >= low[k]) | !(theta[i] <= high[k]);
  return !bad;
}

sac_status sac_dist_check_theta(const sac_dist *d, size_t first, size_t n, const double theta[],
                                size_t step, sac_error *err) {
  const int dense = n > 8 && step == d->params && STRIDE % d->params == 0 && !d->check;
  if (dense && all_legal(d, n, theta)) return SAC_OK;
  for (size_t i = 0; i < (step ? n : n != 0); i++) {
    const double *row = theta + i * step;
    for (size_t j = 0; j < d->params; j++) {
      const sac_dist_param *p = sac_dist_parameter(d, j);
      if (legal(p, row[j])) continue;
      char range[64];
      range_text(p->low, p->high, p->low_open, p->high_open, range, sizeof range);
      return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, column %zu, %s = %.17g: must be in %s",
                      d->name, first + i, j, p->name, row[j], range);
    }
    const char *wrong = d->check ? d->check(d, row) : NULL;
    if (wrong) return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu: %s", d->name, first + i, wrong);
  }
  return SAC_OK;
}

static sac_status outside(const sac_dist *d, size_t row, size_t column, double x,
                          const double ends[2], sac_error *err) {
  char range[64];
  range_text(ends[0], ends[1], 0, 0, range, sizeof range);
  return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, column %zu, z = %.17g: must be %sin %s",
                  d->name, row, column, x, d->discrete ? "a whole number " : "", range);
}

sac_status sac_dist_check_z(const sac_dist *d, size_t first, size_t n, const double theta[],
                            size_t step, const double z[], const double latent[], sac_error *err) {
  const size_t D = d->dim, L = d->latents;
  double ends[2] = {d->low, d->high};
  if (D == 1 && !d->support && !d->discrete && !d->check_z) { /* the usual case in two passes */
    int good = 1;
    for (size_t i = 0; i < n; i++) good &= (z[i] >= ends[0]) & (z[i] <= ends[1]);
    for (size_t i = 0; latent && i < n * L; i++) good &= latent[i] == latent[i];
    if (good) return SAC_OK;
  }
  for (size_t i = 0; i < n; i++) {
    if (d->support && (i == 0 || step)) d->support(d, theta + i * step, NULL, NULL, ends);
    for (size_t j = 0; j < D; j++) {
      const double x = z[i * D + j];
      if (!(x >= ends[0] && x <= ends[1]) || (d->discrete && x != floor(x)))
        return outside(d, first + i, d->params + j, x, ends, err);
    }
    const char *wrong = d->check_z ? d->check_z(d, z + i * D) : NULL;
    if (wrong) return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu: %s", d->name, first + i, wrong);
    for (size_t j = 0; latent && j < L; j++)
      if (isnan(latent[i * L + j]))
        return sac_fail(err, SAC_ERR_DOMAIN, "%s: row %zu, latent %zu is not a number", d->name,
                        first + i, j);
  }
  return SAC_OK;
}
