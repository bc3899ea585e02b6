#include "agent/temperature.h"

#include <math.h>

double sac_temperature_step(sac_temperature *t, const sac_agent_options *options, double lr,
                            double logp_mean, double target_entropy) {
  const double gap = logp_mean + target_entropy, alpha = exp(t->log_alpha);
  const int in_log = options->alpha_loss == SAC_ALPHA_LOSS_LOG_ALPHA;
  const double loss = -(in_log ? t->log_alpha : alpha) * gap;
  const double g = in_log ? -gap : -alpha * gap; /* dJ / d log alpha */

  const double b1 = options->alpha_beta1, b2 = options->adam_beta2;
  t->steps += 1.0;
  t->m = b1 * t->m + (1.0 - b1) * g;
  t->v = b2 * t->v + (1.0 - b2) * g * g;
  const double m = t->m / (1.0 - pow(b1, t->steps)), v = t->v / (1.0 - pow(b2, t->steps));
  t->log_alpha -= lr * m / (sqrt(v) + options->adam_eps);

  const double low = log(options->alpha_min), high = log(options->alpha_max); /* log 0: fine */
  if (t->log_alpha < low) t->log_alpha = low; /* and a NaN stays one */
  if (t->log_alpha > high) t->log_alpha = high;
  return loss;
}
