/* Modified Bessel functions I0 and I1 as the von Mises distribution needs them: with
 * I_n(k) = 1/pi int_0^pi cos(n t) e^(k cos t) dt, the trapezoid rule in e^(-k (1 - cos t))
 * converges geometrically and never cancels; 33 nodes are exact for k <= 30, and the series in 1/k
 * from there. */
#include "sac/special.h"
#include "special/constants.h"

#include <math.h>

enum { NODES = 33 };
static const double edge = 30.0;

/* *mass = e^-k I0(k), *moment = e^-k (I0(k) - I1(k)), k <= edge */
static void trapezoid(double k, double *mass, double *moment) {
  double sum = 0.5, first = 0.0;
  for (int j = 1; j < NODES; j++) {
    const double weight = exp(-k * von_mises_1mcos[j]) * (j < NODES - 1 ? 1.0 : 0.5);
    sum += weight;
    first += weight * von_mises_1mcos[j];
  }
  *mass = sum / (NODES - 1);
  *moment = first / (NODES - 1);
}

static double powers(const double c[], int count, double r) {
  double sum = 0.0;
  for (int j = count - 1; j >= 0; j--) sum = sum * r + c[j];
  return sum;
}

double sac_log_bessel_i0e(double k) {
  if (!(k >= 0.0)) return (double)NAN;
  if (k > edge)
    return log(powers(bessel_i0_asymptotic, 20, 1.0 / k)) - 0.5 * log(6.28318530717958648 * k);
  double mass, moment;
  trapezoid(k, &mass, &moment);
  return log(mass);
}

double sac_bessel_ratio_complement(double k) {
  if (!(k >= 0.0)) return (double)NAN;
  if (k > edge) return powers(bessel_ratio_asymptotic, 22, 1.0 / k) / k;
  double mass, moment;
  trapezoid(k, &mass, &moment);
  return moment / mass;
}
