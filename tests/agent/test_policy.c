/* The tanh-normal policy against its formulas in double: the log-density for pre-squash values up
 * to 1,000, and the policy gradient against central differences of the loss, extreme parameters
 * included. On every instruction set. */
#include "agents.h"

enum { A = 3, POINTS = 4096 };

static const char *const isas[] = {"generic", "avx2", "avx512"};
#define FOR_EACH_TABLE(k)                                    \
  for (size_t t_ = 0; t_ < sizeof isas / sizeof *isas; t_++) \
    for (const sac_kernels *k = sac_kernels_find(isas[t_]); k; k = NULL)

struct fixture {
  sac_head head;
  void *block;
};

static struct fixture make_head(const sac_agent_options *options, const double low[],
                                const double high[], size_t B) {
  struct fixture f;
  sac_arena m = {0};
  sac_head_layout(&m, &f.head, 1, A, options, B, 1);
  f.block = sac_arena_block(m.used);
  m = (sac_arena){.base = f.block};
  sac_head_layout(&m, &f.head, 1, A, options, B, 1);
  sac_head_set(&f.head, options, low, high);
  return f;
}

static const double low[A] = {-1, -3, 0}, high[A] = {1, -2, 8}; /* half: 1, 0.5, 4 */

/* --- log pi ---------------------------------------------------------------------------------- */

/* log(1 - tanh(u)^2) = -2 log cosh u, and log cosh u = |u| + log1p(e^(-2|u|)) - log 2. */
static double log_slope(double u) {
  return -2.0 * (fabs(u) + log1p(exp(-2.0 * fabs(u))) - log(2.0));
}

static double log_density(double mean, double log_sigma, double eps) {
  const double u = mean + exp(log_sigma) * eps;
  return -0.5 * eps * eps - log_sigma - 0.5 * log(2.0 * acos(-1.0)) - log_slope(u);
}

/* Float holds u to 6e-8 |u|, and |d log pi / du| <= 2: an error of 1.2e-7 |u| cannot be avoided.
 * The largest seen is 2.7e-7 (1 + |u| + |log sigma| + eps^2 / 2); the test allows twice that. */
static void log_density_is_exact_up_to_1000(void **state) {
  (void)state;
  const sac_agent_options options = small_options();
  struct fixture f = make_head(&options, low, high, POINTS);
  sac_stream s = sac_stream_make(1, SAC_STREAM_USER, 0);
  double worst = 0.0;
  for (size_t i = 0; i < POINTS * A; i++) {
    const double size = pow(10.0, 7.0 * sac_stream_uniform(&s) - 4.0); /* 1e-4 ... 1e3 */
    f.head.mean[i] = (float)(sac_stream_uniform(&s) < 0.5 ? size : -size);
    f.head.raw[i] = (float)(22.0 * sac_stream_uniform(&s) - 20.0);
    f.head.eps[i] = (float)(10.0 * sac_stream_uniform(&s) - 5.0);
  }
  FOR_EACH_TABLE(k) {
    sac_head_sample(k, &f.head, 0, POINTS);
    for (size_t b = 0; b < POINTS; b++) {
      double want = 0.0, scale = 1.0;
      for (size_t i = b * A; i < (b + 1) * A; i++) {
        const double mean = (double)f.head.mean[i], ls = (double)f.head.raw[i],
                     eps = (double)f.head.eps[i], u = mean + exp(ls) * eps;
        want += log_density(mean, ls, eps);
        scale += fabs(u) + fabs(ls) + 0.5 * eps * eps;
        assert_close((double)f.head.act[i], tanh(u), 3e-7 * (1.0 + exp(ls) * fabs(eps)), 1e-6);
      }
      worst = fmax(worst, fabs((double)f.head.logp[b] - want) / scale);
      assert_close((double)f.head.logp[b], want, 5e-7 * scale, 0.0);
    }
  }
  print_message("log pi is off by at most %.2g of its terms\n", worst);
  free(f.block);
}

/* The density of an action: it integrates to 1, which no formula above knows. For one dimension,
 * a = tanh u and eps run over a fine grid, so that sum p(a) da = 1. */
static void density_integrates_to_one(void **state) {
  (void)state;
  const sac_agent_options options = small_options();
  struct fixture f = make_head(&options, low, high, POINTS);
  for (size_t i = 0; i < POINTS * A; i++) {
    f.head.mean[i] = 0.3f, f.head.raw[i] = -0.4f;
    f.head.eps[i] = (float)(-6.0 + 12.0 * ((double)(i / A) + 0.5) / POINTS);
  }
  sac_head_sample(sac_kernels_get(), &f.head, 0, POINTS);
  double sum = 0.0;
  for (size_t b = 1; b + 1 < POINTS; b++)
    sum += exp((double)f.head.logp_terms[b * A]) *
           ((double)f.head.act[(b + 1) * A] - (double)f.head.act[(b - 1) * A]) / 2.0;
  assert_close(sum, 1.0, 1e-5, 0.0);
  free(f.block);
}

/* In the environment's units each dimension is stretched by its half width: log pi falls by the sum
 * of their logarithms, here log(1) + log(1/2) + log(4) = log 2. */
static void environment_units_shift_the_density(void **state) {
  (void)state;
  sac_agent_options options = small_options();
  struct fixture plain = make_head(&options, low, high, 1);
  options.entropy_space = SAC_ENTROPY_ENVIRONMENT;
  struct fixture scaled = make_head(&options, low, high, 1);
  sac_head_sample(sac_kernels_get(), &plain.head, 0, 1);
  sac_head_sample(sac_kernels_get(), &scaled.head, 0, 1);
  assert_close((double)scaled.head.logp[0], (double)plain.head.logp[0] - log(2.0), 1e-6, 0.0);
  free(plain.block), free(scaled.block);
}

/* --- the policy gradient ---------------------------------------------------------------------- */

struct point {
  double mean, raw, eps, alpha, q; /* Q(a) = q a */
};

static double log_sigma(const sac_agent_options *o, double raw) {
  const double span = o->log_std_max - o->log_std_min;
  if (o->log_std_map == SAC_LOG_STD_CLAMP) return fmin(fmax(raw, o->log_std_min), o->log_std_max);
  if (o->log_std_map == SAC_LOG_STD_TANH) return o->log_std_min + 0.5 * span * (1.0 + tanh(raw));
  return log(fmax(raw, 0.0) + log1p(exp(-fabs(raw))) + exp(o->log_std_min));
}

/* The actor's loss of one sample and dimension. */
static double J(const sac_agent_options *o, struct point p) {
  const double ls = log_sigma(o, p.raw);
  return p.alpha * log_density(p.mean, ls, p.eps) - p.q * tanh(p.mean + exp(ls) * p.eps);
}

/* Fourth-order central difference in p.mean (0) or p.raw (1). */
static double difference(const sac_agent_options *o, struct point p, int in_raw) {
  const double h = 1e-3 / (1.0 + exp(log_sigma(o, p.raw)) * fabs(p.eps));
  double value[4];
  for (int i = 0; i < 4; i++) {
    const double at = (double[]){-2, -1, 1, 2}[i] * h;
    struct point moved = p;
    if (in_raw)
      moved.raw += at;
    else
      moved.mean += at;
    value[i] = J(o, moved);
  }
  return (value[0] - 8.0 * value[1] + 8.0 * value[2] - value[3]) / (12.0 * h);
}

/* What float allows: u is known to du, a to da, and J's slope in u hangs on both. */
static void check_gradient(const sac_agent_options *o, const struct point p, double dmean,
                           double draw, double slope) {
  const double reach = exp(log_sigma(o, p.raw)) * p.eps, u = p.mean + reach;
  const double du = 3e-7 * (1.0 + fabs(p.mean) + fabs(reach));
  const double da = du * exp(log_slope(fmax(0.0, fabs(u) - du))) + 5e-7;
  const double error = 2.0 * (p.alpha + fabs(p.q)) * da;
  assert_close(dmean, difference(o, p, 0), error, 1e-6);
  /* 1e-9: the differences' own rounding */
  assert_close(draw, difference(o, p, 1),
               (error * (1.0 + fabs(reach)) + 1e-6 * p.alpha) * slope + 1e-9, 2e-6);
}

static void gradient_matches_finite_differences_of(sac_agent_options o, double raw_low,
                                                   double raw_high) {
  struct fixture f = make_head(&o, low, high, POINTS);
  sac_stream s = sac_stream_make(2, SAC_STREAM_USER, 0);
  const double alpha = 0.3;
  float *q = calloc(POINTS * A, sizeof *q);
  for (size_t i = 0; i < POINTS * A; i++) {
    const double size = pow(10.0, 4.0 * sac_stream_uniform(&s) - 2.0); /* 0.01 ... 100 */
    f.head.mean[i] = (float)(sac_stream_uniform(&s) < 0.5 ? size : -size);
    f.head.raw[i] = (float)(raw_low + (raw_high - raw_low) * sac_stream_uniform(&s));
    f.head.eps[i] = (float)(8.0 * sac_stream_uniform(&s) - 4.0);
    q[i] = (float)(4.0 * sac_stream_uniform(&s) - 2.0);
  }
  FOR_EACH_TABLE(k) {
    sac_head_sample(k, &f.head, 0, POINTS);
    const sac_head_critics critics = {(float)alpha, NULL, q, A};
    sac_head_gradient(&f.head, 0, 1, &critics, 0, POINTS); /* 1/B = 1 */
    for (size_t i = 0; i < POINTS * A; i++) {
      const struct point p = {(double)f.head.mean[i], (double)f.head.raw[i], (double)f.head.eps[i],
                              (double)(float)alpha, (double)q[i]};
      const float *d = f.head.dout + i / A * f.head.ld_out + i % A;
      check_gradient(&o, p, (double)d[0], (double)d[A], fabs((double)f.head.slope[i]));
    }
  }
  free(q), free(f.block);
}

/* sigma from e^-20 to e^2 and |u| up to 130; every second raw number outside the clamp, where the
 * gradient is 0 */
static void clamp_gradient_matches_finite_differences(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  gradient_matches_finite_differences_of(o, -19.9, 1.9);
  gradient_matches_finite_differences_of(o, 2.1, 9.0);
  gradient_matches_finite_differences_of(o, -50.0, -20.1);
  o.log_std_max = 6.0; /* sigma up to 400, |u| up to 1,700 */
  gradient_matches_finite_differences_of(o, 2.0, 5.9);
}

static void tanh_gradient_matches_finite_differences(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.log_std_map = SAC_LOG_STD_TANH;
  o.log_std_min = -5.0;
  gradient_matches_finite_differences_of(o, -4.0, 4.0);
}

static void softplus_gradient_matches_finite_differences(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  o.log_std_map = SAC_LOG_STD_SOFTPLUS;
  o.log_std_min = -6.9;
  gradient_matches_finite_differences_of(o, -12.0, 8.0);
}

/* The gradient of a saturated action is that of the entropy alone: dJ/dmean = 2 alpha sign(u), and
 * it is finite however far out u is. */
static void a_saturated_action_is_pulled_back(void **state) {
  (void)state;
  const sac_agent_options o = small_options();
  struct fixture f = make_head(&o, low, high, 2);
  const float q[2 * A] = {1, 1, 1, 1, 1, 1}, far[] = {20.0f, -1e3f, 1e6f, -1e9f, 1e20f, -1e30f};
  for (size_t i = 0; i < 2 * A; i++) f.head.mean[i] = far[i], f.head.raw[i] = 0.0f;
  FOR_EACH_TABLE(k) {
    sac_head_sample(k, &f.head, 0, 2);
    sac_head_gradient(&f.head, 0, 1, &(sac_head_critics){0.25f, NULL, q, A}, 0, 2);
    for (size_t i = 0; i < 2 * A; i++) {
      const double pull = far[i] > 0.0f ? 0.5 : -0.5;
      assert_close((double)f.head.dout[i / A * f.head.ld_out + i % A], pull, 0.0, 1e-6);
      assert_close((double)f.head.logp_terms[i], 2.0 * fabs((double)far[i]) - 2.305232894, 0.0,
                   1e-6); /* -log(2 pi)/2 - 2 log 2 + 2 |u| */
    }
  }
  free(f.block);
}

/* Whatever is not a number stays one, through every map: a clamp must not turn it into a bound. */
static void nan_shows(void **state) {
  (void)state;
  sac_agent_options o = small_options();
  for (int map = 0; map < 3; map++) {
    o.log_std_map = map;
    struct fixture f = make_head(&o, low, high, 2);
    FOR_EACH_TABLE(k) {
      for (size_t i = 0; i < 2 * A; i++) f.head.mean[i] = f.head.raw[i] = f.head.eps[i] = 0.5f;
      f.head.mean[0] = NAN;        /* row 0 */
      f.head.raw[2 * A - 1] = NAN; /* row 1 */
      sac_head_sample(k, &f.head, 0, 2);
      assert_true(isnan(f.head.act[0]) && isnan(f.head.da_du[0]) && isnan(f.head.logp[0]));
      assert_true(isnan(f.head.std[2 * A - 1]) && isnan(f.head.act[2 * A - 1]));
      assert_true(isnan(f.head.logp[1]) && !isnan(f.head.act[1]));
      k->tanh(2 * A, f.head.mean, f.head.act);
      assert_true(isnan(f.head.act[0]) && !isnan(f.head.act[1]));
    }
    free(f.block);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(log_density_is_exact_up_to_1000),
      cmocka_unit_test(density_integrates_to_one),
      cmocka_unit_test(environment_units_shift_the_density),
      cmocka_unit_test(clamp_gradient_matches_finite_differences),
      cmocka_unit_test(tanh_gradient_matches_finite_differences),
      cmocka_unit_test(softplus_gradient_matches_finite_differences),
      cmocka_unit_test(a_saturated_action_is_pulled_back),
      cmocka_unit_test(nan_shows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
