/* What a head can do in an action space: which it fits, and which entropies it reaches. */
#include "agent/policy.h"
#include <math.h>
#include <stdio.h>

/* --- fit ------------------------------------------------------------------------------------- */

static int is_turn(double low, double high) {
  const double turn = 6.28318530717958647693;
  return fabs((high - low) - turn) < 1e-5;
}

/* The names of the heads that fit; all but von_mises do everywhere. */
static void fitting(int turn, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (int i = 0; i < SAC_POLICY_COUNT; i++) {
    const sac_agent_options o = {.policy = i};
    if (i == SAC_POLICY_VON_MISES && !turn) continue;
    const int n =
        snprintf(text + used, size - used, "%s%s", used ? ", " : "", sac_head_kind_of(&o)->name);
    if (n > 0 && (size_t)n < size - used) used += (size_t)n;
  }
}

static sac_status check_fit(const sac_agent_options *o, size_t A, const double low[],
                            const double high[], sac_error *err) {
  const sac_head_kind *kind = sac_head_kind_of(o);
  char others[300];
  sac_dist d;
  fitting(0, others, sizeof others);
  for (size_t j = 0; kind->squash == SAC_SQUASH_TURN && j < A; j++)
    if (!is_turn(low[j], high[j]))
      return sac_fail(
          err, SAC_ERR_ARG,
          "policy = %s: action %zu has bounds [%g, %g], which are no full turn of 2 pi; "
          "what fits: %s",
          kind->name, j, low[j], high[j], others);
  sac_error cause = {.msg = ""};
  if (sac_head_dist(kind, o, A, &d, &cause) == SAC_OK) return SAC_OK;
  return sac_fail(err, SAC_ERR_ARG, "policy = %s with %zu actions: %.200s", kind->name, A,
                  cause.msg);
}

sac_status sac_head_check(const sac_agent_options *o, size_t A, const double low[],
                          const double high[], sac_error *err) {
  return check_fit(o, A, low, high, err);
}
