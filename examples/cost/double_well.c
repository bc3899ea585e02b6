/* A user's own cost for 'sac grad': f(z) = (z^2 - 1)^2, two wells with a hill between.
 *
 *   cc -shared -fPIC -I include double_well.c -o libdouble_well.so
 *   sac grad --dist normal --theta 0.5,1 --cost-plugin ./libdouble_well.so
 *
 * For a normal, E f = mean^4 + 6 mean^2 sd^2 + 3 sd^4 - 2 (mean^2 + sd^2) + 1, so at (0.5, 1) the
 * gradient is (4.5, 11). */
#include "sac/grad.h"

static void value(void *context, size_t n, const double theta[], const double z[], double out[]) {
  (void)context, (void)theta;
  for (size_t i = 0; i < n; i++) out[i] = (z[i] * z[i] - 1.0) * (z[i] * z[i] - 1.0);
}

static void slope(void *context, size_t n, const double theta[], const double z[], double out[]) {
  (void)context, (void)theta;
  for (size_t i = 0; i < n; i++) out[i] = 4.0 * z[i] * (z[i] * z[i] - 1.0);
}

const sac_grad_plugin *sac_grad_plugin_entry(void);
const sac_grad_plugin *sac_grad_plugin_entry(void) {
  static const sac_grad_plugin plugin = {
      .abi = SAC_GRAD_PLUGIN_ABI,
      .name = "double_well",
      .dim = 1,
      .cost = {.f = value, .df = slope},
  };
  return &plugin;
}
