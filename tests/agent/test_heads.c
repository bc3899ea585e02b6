/* Every head of the policy against its own definition in double: the pathwise gradient against
 * differences of the exact loss along the noise that made the sample, log pi against the volume of
 * the action space, entropy and deterministic action against samples.
 *
 * The exact loss of one sample is J(raw) = alpha log pi(a(raw)) - Q(a(raw)), where a(raw) is the
 * action that the same noise gives under other outputs: z = F^-1(u; theta), u = F(z; theta) of the
 * sample. F, its inverse and the density are those of `dist`, which has its own oracle. */
#include "agents.h"
#include "dist/family.h"

enum { POINTS = 20, OUT = 64 };

static const char *const names[] = {
    "tanh_normal",  "normal",           "beta",         "truncated_normal",
    "kumaraswamy",  "tanh_student_t",   "tanh_laplace", "tanh_normal_mixture",
    "beta_mixture", "tanh_full_normal", "von_mises",    "gsde"};

/* --- a head alone, A = 1, 2 or 3 dimensions -----------------------------------------------------
 */

struct fixture {
  sac_head head;
  void *block;
};

static struct fixture make_head(const sac_agent_options *o, size_t A, size_t B) {
  static const double low[] = {-3.14159265358979, -3.14159265358979, -3.14159265358979},
                      high[] = {3.14159265358979, 3.14159265358979, 3.14159265358979};
  struct fixture f;
  sac_arena m = {0};
  sac_error err = {0};
  assert_ok(sac_head_check(o, A, low, high, &err), err);
  sac_head_layout(&m, &f.head, 1, A, o, B, 1);
  f.block = sac_arena_block(m.used);
  m = (sac_arena){.base = f.block};
  sac_head_layout(&m, &f.head, 1, A, o, B, 1);
  sac_head_set(&f.head, o, low, high);
  f.head.fused = 0; /* the tanh-normal too by its distribution */
  return f;
}

static sac_agent_options options_of(int policy) {
  sac_agent_options o = small_options();
  o.policy = policy;
  o.policy_components = 3;
  o.temperature = SAC_TEMPERATURE_FIXED;
  return o;
}

/* the network's outputs of row b, drawn by the caller's rule */
static void set_outputs(sac_head *head, size_t b, const float raw[]) {
  memcpy(head->out + b * head->ld_out, raw, head->outputs * sizeof *raw);
}

/* --- the exact loss in double ---------------------------------------------------------------- */

static const double alpha = 0.3;

/* a cost that bends: dQ/da_i = q_i + cos(3 a_i) + a_(i+1)/2 + a_(i-1)/2 */
static double Q(size_t A, const double q[], const double a[]) {
  double sum = 0.0;
  for (size_t i = 0; i < A; i++) sum += q[i] * a[i] + sin(3.0 * a[i]) / 3.0;
  for (size_t i = 0; i + 1 < A; i++) sum += 0.5 * a[i] * a[i + 1];
  return sum;
}
static void dQ(size_t A, const double q[], const double a[], double out[]) {
  for (size_t i = 0; i < A; i++) {
    out[i] = q[i] + cos(3.0 * a[i]);
    if (i > 0) out[i] += 0.5 * a[i - 1];
    if (i + 1 < A) out[i] += 0.5 * a[i + 1];
  }
}

/* The cost of a head's action: of the sine of an angle, so that it has no jump where that wraps. */
static double cost(const sac_head *head, const double q[], const double a[], double slope[]) {
  const int turns = head->work.kind->squash == SAC_SQUASH_TURN;
  const double pi = acos(-1.0);
  double x[3];
  for (size_t i = 0; i < head->A; i++) x[i] = turns ? sin(pi * a[i]) : a[i];
  if (slope) dQ(head->A, q, x, slope);
  for (size_t i = 0; slope && turns && i < head->A; i++) slope[i] *= pi * cos(pi * a[i]);
  return Q(head->A, q, x);
}

/* theta of unit j from the outputs of a row, in double */
static void theta_of(const sac_head *head, const double out[], size_t j, double theta[]) {
  const sac_head_work *w = &head->work;
  double raw[OUT], slope;
  for (size_t i = 0; i < w->outputs; i++) raw[i] = out[i * w->units + j];
  if (w->kind->map) {
    w->kind->map(&w->d, &head->opt, raw, theta);
    return;
  }
  for (size_t i = 0; i < w->d.params; i++)
    theta[i] = sac_head_param(w->kind, &w->d, i)(&head->opt, i < w->outputs ? raw[i] : 0.0, &slope);
}

/* component weights given z_1 ... z_(i-1), and the mixture of dimension i in one dimension */
static sac_dist line_of(const sac_dist *d, const double theta[], const double z[], size_t i,
                        double one[]) {
  const sac_dist *f = d->component;
  const size_t K = d->components, P = f->params;
  sac_dist line;
  sac_error err = {0};
  assert_ok(sac_dist_mixture(f, K, 1, &line, &err), err);
  for (size_t k = 0; k < K; k++) {
    one[k] = theta[k];
    for (size_t h = 0; h < i; h++) {
      double log_q;
      assert_ok(sac_dist_log_density(f, 1, theta + K + (k * d->dim + h) * P, 0, z + h, NULL, &log_q,
                                     &err),
                err);
      one[k] += log_q;
    }
    memcpy(one + K + k * P, theta + K + (k * d->dim + i) * P, P * sizeof *one);
  }
  return line;
}

/* the noise behind z: (F, 1 - F), two numbers a dimension; eps for the full normal */
static void noise_of(const sac_dist *d, const double theta[], const double z[],
                     const double latent[], double u[]) {
  double one[OUT];
  if (d->component) {
    for (size_t i = 0; i < d->dim; i++) {
      const sac_dist line = line_of(d, theta, z, i, one);
      line.cdf(&line, one, z + i, NULL, u + 2 * i);
    }
  } else if (d->dim > 1 || !d->cdf) {
    const double *row = theta + d->dim;
    for (size_t i = 0; i < d->dim; row += ++i) {
      u[i] = z[i] - theta[i];
      for (size_t j = 0; j < i; j++) u[i] -= row[j] * u[j];
      u[i] /= row[i];
    }
  } else {
    d->cdf(d, theta, z, latent, u);
  }
}

/* and back: z and, in one dimension, its latent */
static void sample_of(const sac_dist *d, const double theta[], const double u[], double z[],
                      double latent[]) {
  double one[OUT], out[3] = {0};
  if (d->component) {
    for (size_t i = 0; i < d->dim; i++) {
      const sac_dist line = line_of(d, theta, z, i, one);
      line.quantile(&line, one, u + 2 * i, NULL, out);
      z[i] = out[0];
    }
  } else if (d->dim > 1 || !d->cdf) {
    const double *row = theta + d->dim;
    for (size_t i = 0; i < d->dim; row += ++i) {
      z[i] = theta[i];
      for (size_t j = 0; j <= i; j++) z[i] += row[j] * u[j];
    }
  } else {
    d->quantile(d, theta, u, NULL, out);
    z[0] = out[0];
    for (size_t l = 0; l < d->latents; l++) latent[l] = out[1 + l];
  }
}

static double squashed(const sac_head *head, double z) {
  switch (head->work.kind->squash) {
  case SAC_SQUASH_TANH:
    return tanh(z);
  case SAC_SQUASH_INTERVAL:
    return 2.0 * z - 1.0;
  case SAC_SQUASH_TURN:
    return atan2(sin(z), cos(z)) / acos(-1.0);
  default:
    return z;
  }
}

static double log_stretch(const sac_head *head, double z) {
  switch (head->work.kind->squash) {
  case SAC_SQUASH_TANH: /* -2 log cosh z */
    return -2.0 * (fabs(z) + log1p(exp(-2.0 * fabs(z))) - log(2.0));
  case SAC_SQUASH_INTERVAL:
    return log(2.0);
  case SAC_SQUASH_TURN:
    return -log(acos(-1.0));
  default:
    return 0.0;
  }
}

struct sample {
  size_t A;
  double u[8], q[3];
};

static double J(const sac_head *head, const struct sample *s, const double out[]) {
  const sac_head_work *w = &head->work;
  const size_t D = w->d.dim;
  double a[3], z[3], theta[OUT], latent[2], log_p, log_pi = 0.0;
  for (size_t j = 0; j < w->units; j++) {
    theta_of(head, out, j, theta);
    sample_of(&w->d, theta, s->u + 2 * j, z + j * D, latent);
    w->d.log_density(&w->d, theta, z + j * D, w->d.latents ? latent : NULL, &log_p);
    log_pi += log_p;
  }
  for (size_t i = 0; i < s->A; i++) {
    a[i] = squashed(head, z[i]);
    log_pi -= log_stretch(head, z[i]);
  }
  return alpha * log_pi - cost(head, s->q, a, NULL);
}

/* dJ/d out_i by Richardson's extrapolation of central differences, with an estimate of its error */
static double difference(const sac_head *head, const struct sample *s, const double out[], size_t i,
                         double *error) {
  double best = 0.0, table[8][8];
  *error = HUGE_VAL;
  for (int n = 0; n < 8; n++) {
    const double h = 0.02 / (1 << n);
    double at[OUT], up, down;
    memcpy(at, out, head->outputs * sizeof *at);
    at[i] = out[i] + h;
    up = J(head, s, at);
    at[i] = out[i] - h;
    down = J(head, s, at);
    table[n][0] = (up - down) / (2.0 * h);
    double power = 4.0;
    for (int m = 1; m <= n; m++, power *= 4.0) {
      table[n][m] = table[n][m - 1] + (table[n][m - 1] - table[n - 1][m - 1]) / (power - 1.0);
      const double gap =
          fmax(fabs(table[n][m] - table[n][m - 1]), fabs(table[n][m] - table[n - 1][m - 1]));
      if (gap < *error) *error = gap, best = table[n][m];
    }
  }
  return best;
}

/* --- the pathwise gradient -------------------------------------------------------------------- */

/* where an output is drawn from */
struct span {
  double low, high;
};

/* Every output of a row from the span of its kind; not within the difference's reach of a clamp. */
static void draw_outputs(sac_stream *s, const struct span *span, size_t n, float raw[]) {
  for (size_t i = 0; i < n; i++)
    raw[i] = (float)(span->low + (span->high - span->low) * sac_stream_uniform(s));
}

static double worst;
static size_t checked, skipped;

/* Relative to the gradient itself, or to the size of what it is made of where that cancels. */
static void check_row(const sac_head *head, size_t b, const struct sample *s) {
  double out[OUT];
  for (size_t i = 0; i < head->outputs; i++) out[i] = (double)head->out[b * head->ld_out + i];
  for (size_t i = 0; i < head->outputs; i++) {
    double error;
    const double want = difference(head, s, out, i, &error);
    const double got = (double)head->dout[b * head->ld_out + i];
    const double scale = fmax(fabs(want), 1e-2);
    if (error > 1e-6 * scale) { /* the difference knows no better: at a clamp's corner, say */
      skipped++;
      continue;
    }
    checked++;
    worst = fmax(worst, fabs(got - want) / scale);
    if (!(fabs(got - want) <= 1e-5 * scale + 3.0 * error))
      fail_msg("%s row %zu output %zu (%g): %.9g, want %.9g +- %.2g", head->work.kind->name, b, i,
               out[i], got, want, error);
  }
}

/* The rows are checked on noise that gives them samples where floats of Q's gradient are exact
 * enough: q and dQ/da are handed over as floats, so the exact loss takes the same floats. */
static size_t check_gradients(const sac_agent_options *o, size_t A, struct span span,
                              uint64_t index) {
  struct fixture f = make_head(o, A, POINTS);
  sac_head *head = &f.head;
  sac_stream s = sac_stream_make(21, SAC_STREAM_USER, index);
  float *dq = calloc(POINTS * A, sizeof *dq), raw[OUT];
  struct sample *samples = calloc(POINTS, sizeof *samples);
  for (size_t b = 0; b < POINTS; b++) {
    draw_outputs(&s, &span, head->outputs, raw);
    set_outputs(head, b, raw);
  }
  sac_head_noise(sac_kernels_get(), head, 0, POINTS, 5, SAC_STREAM_USER, index * POINTS);
  sac_work_map(head, 0, POINTS);
  sac_head_sample(sac_kernels_get(), head, 0, POINTS);
  for (size_t b = 0; b < POINTS; b++) {
    const sac_head_work *w = &head->work;
    struct sample *one = &samples[b];
    double a[3], slope[3];
    one->A = A;
    for (size_t i = 0; i < A; i++) {
      one->q[i] = 4.0 * sac_stream_uniform(&s) - 2.0;
      a[i] = squashed(head, w->z[b * A + i]);
      assert_close((double)head->act[b * A + i], a[i], 1e-30, 1e-7);
    }
    (void)cost(head, one->q, a, slope);
    for (size_t i = 0; i < A; i++) dq[b * A + i] = (float)slope[i];
    for (size_t j = 0; j < w->units; j++) {
      const size_t p = b * w->units + j;
      noise_of(&w->d, w->theta + p * w->d.params, w->z + p * w->d.dim,
               w->d.latents ? w->latent + p * w->d.latents : NULL, one->u + 2 * j);
    }
  }
  const sac_head_critics critics = {(float)alpha, NULL, dq, A};
  sac_head_gradient(head, 0, 1, &critics, 0, POINTS);
  for (size_t b = 0; b < POINTS; b++) check_row(head, b, &samples[b]);
  free(dq), free(samples), free(f.block);
  return POINTS;
}

/* Every head in one, two and three dimensions; outputs near 0, then such that locations saturate,
 * scales and concentrations meet both ends of their maps, and samples lie at the bounds. */
static void pathwise_gradients_match_differences(void **state) {
  (void)state;
  static const struct span spans[] = {{-1.5, 1.5}, {-6.0, 6.0}, {-25.0, 25.0}};
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++)
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
      worst = 0.0, checked = skipped = 0;
      for (size_t A = 1; A <= 3; A++) {
        sac_agent_options o = options_of(policy);
        o.log_std_min = -8.0; /* below, z = loc + scale x has no room for the differences' x */
        check_gradients(&o, A, spans[i], 3 * i + A);
      }
      print_message("%-20s %g: %.2g, %zu checked, %zu skipped\n", names[policy], spans[i].high,
                    worst, checked, skipped);
      assert_true(checked > 10 * skipped);
    }
}

/* Concentrations from e^-4 on: most samples are 0 or 1 in double, and the gradient lives in their
 * logarithms. */
static void samples_at_the_bounds_have_their_gradient(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    sac_agent_options o = options_of(policy);
    if (policy != SAC_POLICY_BETA && policy != SAC_POLICY_KUMARASWAMY) continue;
    o.concentration_offset = 0.0;
    worst = 0.0, checked = skipped = 0;
    check_gradients(&o, 2, (struct span){-4.0, 0.0}, 10);
    print_message("%-20s %.2g, %zu checked, %zu skipped\n", names[policy], worst, checked, skipped);
    assert_true(checked > 10 * skipped);
  }
}

/* --- log pi, entropy, deterministic action: against samples -------------------------------------
 */

enum { MANY = 5000 };

/* MANY samples of one policy in A dimensions, all rows with the same outputs. */
static struct fixture sampled(const sac_agent_options *o, size_t A, uint64_t index) {
  struct fixture f = make_head(o, A, MANY);
  sac_stream s = sac_stream_make(22, SAC_STREAM_USER, index);
  float raw[OUT];
  draw_outputs(&s, &(struct span){-0.7, 0.7}, f.head.outputs, raw);
  for (size_t i = A; f.head.gsde.H && i < 2 * A; i++) raw[i] = 0.2f * fabsf(raw[i]); /* variances */
  for (size_t b = 0; b < MANY; b++) set_outputs(&f.head, b, raw);
  sac_head_noise(sac_kernels_get(), &f.head, 0, MANY, 6, SAC_STREAM_USER, index * MANY);
  sac_work_map(&f.head, 0, MANY);
  sac_head_sample(sac_kernels_get(), &f.head, 0, MANY);
  return f;
}

/* |mean - want| within 5 of its standard errors: false alarms 6e-7 a comparison */
static void check_mean(const char *what, const char *name, double sum, double squares,
                       double want) {
  const double mean = sum / MANY, error = sqrt((squares / MANY - mean * mean) / MANY);
  if (!(fabs(mean - want) < 5.0 * error + 1e-12))
    fail_msg("%s of %s: %.6g +- %.2g, want %.6g", what, name, mean, error, want);
}

/* E[1{a in C}/pi(a)] is the volume of C whatever pi is: here the cube [-1/2, 1/2]^2. */
static void the_density_is_that_of_the_samples(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    const sac_agent_options o = options_of(policy);
    struct fixture f = sampled(&o, 2, (uint64_t)policy);
    double sum = 0.0, squares = 0.0;
    for (size_t b = 0; b < MANY; b++) {
      const float *a = f.head.act + 2 * b;
      const int inside = fabsf(a[0]) < 0.5f && fabsf(a[1]) < 0.5f;
      const double x = inside ? exp(-(double)f.head.logp[b]) : 0.0;
      sum += x, squares += x * x;
    }
    check_mean("the volume", names[policy], sum, squares, 1.0);
    free(f.block);
  }
}

static void the_entropy_is_the_mean_of_minus_log_pi(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    const sac_agent_options o = options_of(policy);
    struct fixture f = sampled(&o, 2, 20 + (uint64_t)policy);
    double sum = 0.0, squares = 0.0;
    for (size_t b = 0; b < MANY; b++) {
      const double x = -(double)f.head.logp[b];
      sum += x, squares += x * x;
    }
    check_mean("the entropy", names[policy], sum, squares, sac_head_entropy(&f.head, 0));
    free(f.block);
  }
}

/* `mean`: the samples' mean. `mode`: no sample has a higher density, where the head has a mode. */
static void deterministic_actions_are_what_they_are_called(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    sac_agent_options o = options_of(policy);
    if (policy == SAC_POLICY_VON_MISES) continue; /* of an angle: the direction, always */
    o.log_std_bias = 0.0, o.log_std_max = -0.9;   /* below 1/2 a squashed density has one peak */
    o.deterministic = SAC_DETERMINISTIC_MEAN;
    struct fixture f = sampled(&o, 2, 40 + (uint64_t)policy);
    double sum[2] = {0}, squares[2] = {0};
    float highest = -HUGE_VALF, best[2] = {0};
    for (size_t b = 0; b < MANY; b++) {
      for (size_t i = 0; i < 2; i++) {
        const double a = (double)f.head.act[2 * b + i];
        sum[i] += a, squares[i] += a * a;
      }
      if (f.head.logp[b] > highest) highest = f.head.logp[b], memcpy(best, f.head.act + 2 * b, 8);
    }
    sac_work_act(&f.head, NULL, 0, 1);
    for (size_t i = 0; i < 2; i++)
      check_mean("the mean", names[policy], sum[i], squares[i], (double)f.head.act[i]);
    f.head.opt.deterministic = SAC_DETERMINISTIC_MODE;
    sac_work_act(&f.head, NULL, 0, 1);
    /* the densest sample of 20,000 is near the peak; a full normal's is that of u */
    const double reach = f.head.work.kind->joint ? 0.35 : 0.2;
    for (size_t i = 0; i < 2 && policy != SAC_POLICY_TANH_STUDENT_T; i++)
      if (!(fabs((double)(f.head.act[i] - best[i])) < reach))
        fail_msg("the mode of %s: %g, but the densest sample has %g", names[policy],
                 (double)f.head.act[i], (double)best[i]);
    free(f.block);
  }
}

/* --- estimators: the same gradient in the mean ---------------------------------------------------
 */

static const double slope_of_q[3] = {0.7, -1.1, 0.4};

/* Run all draws of the head's estimator on rows [0, MANY). */
static void estimate(sac_head *head) {
  float *q = calloc(MANY, sizeof *q), *dq = calloc(MANY * head->A, sizeof *dq);
  for (size_t draw = 0; draw < sac_head_draws(head); draw++) {
    sac_head_draw(sac_kernels_get(), head, draw, 0, MANY);
    for (size_t b = 0; b < MANY; b++) {
      double a[3], slope[3];
      for (size_t i = 0; i < head->A; i++) a[i] = (double)head->act[b * head->A + i];
      q[b] = (float)cost(head, slope_of_q, a, slope);
      for (size_t i = 0; i < head->A; i++) dq[b * head->A + i] = (float)slope[i];
    }
    const sac_head_critics critics = {(float)alpha, q, dq, head->A};
    sac_head_gradient(head, draw, 1, &critics, 0, MANY);
  }
  free(q), free(dq);
}

/* Mean and squared standard error of output i's gradient over the rows. */
static void moments(const sac_head *head, size_t i, double *mean, double *square) {
  double sum = 0.0, squares = 0.0;
  for (size_t b = 0; b < MANY; b++) {
    const double g = (double)head->dout[b * head->ld_out + i];
    sum += g, squares += g * g;
  }
  *mean = sum / MANY;
  *square = (squares / MANY - *mean * *mean) / MANY;
}

/* The pathwise gradient is right for every sample (above); so what has its mean is unbiased. */
static void check_estimator(const sac_agent_options *o, uint64_t index) {
  sac_agent_options path = *o;
  path.actor_estimator = SAC_ESTIMATOR_PATHWISE, path.actor_samples = 1;
  path.transport = SAC_TRANSPORT_EXPLICIT;
  struct fixture want = sampled(&path, 2, index), got = sampled(o, 2, index);
  double ratio = 0.0;
  estimate(&want.head);
  sac_head_noise(sac_kernels_get(), &got.head, 0, MANY, 7, SAC_STREAM_USER, 0);
  estimate(&got.head);
  for (size_t i = 0; i < want.head.outputs; i++) {
    double mean, other, square, other_square;
    moments(&want.head, i, &mean, &square);
    moments(&got.head, i, &other, &other_square);
    ratio += other_square / square / (double)want.head.outputs;
    if (!(fabs(mean - other) < 5.0 * sqrt(square + other_square) + 1e-9))
      fail_msg("%s, estimator %d, output %zu: %.5g, want %.5g +- %.2g", names[o->policy],
               o->actor_estimator, i, other, mean, sqrt(square + other_square));
  }
  print_message("%-20s estimator %d, %lld samples: variance %.3g of the pathwise one's\n",
                names[o->policy], o->actor_estimator, (long long)o->actor_samples, ratio);
  free(want.block), free(got.block);
}

static void estimators_agree_in_the_mean(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    sac_agent_options o = options_of(policy);
    const uint64_t index = 80 + (uint64_t)policy;
    o.actor_estimator = SAC_ESTIMATOR_PATHWISE, o.actor_samples = 2;
    check_estimator(&o, index);
    o.actor_estimator = SAC_ESTIMATOR_SCORE, o.actor_samples = 1;
    check_estimator(&o, index);
    o.actor_estimator = SAC_ESTIMATOR_SCORE_LOO, o.actor_samples = 4;
    check_estimator(&o, index);
    o.actor_estimator = SAC_ESTIMATOR_MEASURE_VALUED, o.actor_samples = 1;
    if (policy == SAC_POLICY_TANH_NORMAL || policy == SAC_POLICY_NORMAL ||
        policy == SAC_POLICY_TANH_LAPLACE)
      check_estimator(&o, index);
  }
}

static void optimal_transport_agrees_in_the_mean(void **state) {
  (void)state;
  sac_agent_options o = options_of(SAC_POLICY_TANH_FULL_NORMAL);
  o.transport = SAC_TRANSPORT_OPTIMAL;
  check_estimator(&o, 100);
}

/* --- acting: noise becomes an action ------------------------------------------------------------
 */

/* The action of standard normal noise is a sample of the policy: its mean is that of the sampler's,
 * and its median, dimension by dimension where they are independent, is the action of noise 0. */
static void noise_makes_actions_of_the_policy(void **state) {
  (void)state;
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++) {
    const sac_agent_options o = options_of(policy);
    struct fixture f = sampled(&o, 2, 60 + (uint64_t)policy);
    float *noise = calloc(MANY * 2, sizeof *noise);
    double first[2] = {0}, squares[2] = {0}, second[2] = {0};
    sac_stream s = sac_stream_make(23, SAC_STREAM_USER, (uint64_t)policy);
    for (size_t i = 0; i < MANY * 2; i++) {
      const double a = (double)f.head.act[i];
      double x;
      first[i % 2] += a, squares[i % 2] += a * a;
      sac_stream_normals(&s, 1, &x);
      noise[i] = (float)x;
    }
    sac_work_act(&f.head, noise, 0, MANY);
    for (size_t i = 0; i < MANY * 2; i++) second[i % 2] += (double)f.head.act[i];
    for (size_t i = 0; i < 2; i++) {
      const double mean = first[i] / MANY, sd = sqrt((squares[i] / MANY - mean * mean) / MANY);
      assert_close(second[i] / MANY, mean, 5.0 * sqrt(2.0) * sd, 0.0);
    }
    free(noise), free(f.block);
  }
}

/* --- what is not a number -----------------------------------------------------------------------
 */

/* An output that is not finite shows in log pi, the action and the gradient of its row, and nowhere
 * else; no sampler hangs on it. */
static void nan_shows_in_its_row(void **state) {
  (void)state;
  static const float broken[] = {NAN, INFINITY, -INFINITY};
  for (int policy = 0; policy < SAC_POLICY_COUNT; policy++)
    for (int k = 0; k < 3; k++) {
      const sac_agent_options o = options_of(policy);
      struct fixture f = make_head(&o, 2, 3);
      const float dq[6] = {1, 1, 1, 1, 1, 1}, noise[6] = {0};
      f.head.out[f.head.ld_out + f.head.outputs - 1] = broken[k];
      sac_head_noise(sac_kernels_get(), &f.head, 0, 3, 1, SAC_STREAM_USER, 0);
      sac_work_map(&f.head, 0, 3);
      sac_head_sample(sac_kernels_get(), &f.head, 0, 3);
      sac_head_gradient(&f.head, 0, 3, &(sac_head_critics){0.1f, NULL, dq, 2}, 0, 3);
      for (int pass = 0; pass < 3; pass++) {
        if (pass) sac_work_act(&f.head, pass == 1 ? noise : NULL, 0, 3);
        for (size_t b = 0; b < 3; b++)
          assert_int_equal(isfinite(f.head.act[2 * b]) && isfinite(f.head.act[2 * b + 1]), b != 1);
      }
      for (size_t b = 0; b < 3; b++) {
        assert_int_equal(isfinite(f.head.logp[b]), b != 1);
        assert_int_equal(isfinite(f.head.dout[b * f.head.ld_out]), b != 1);
      }
      free(f.block);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pathwise_gradients_match_differences),
      cmocka_unit_test(samples_at_the_bounds_have_their_gradient),
      cmocka_unit_test(the_density_is_that_of_the_samples),
      cmocka_unit_test(the_entropy_is_the_mean_of_minus_log_pi),
      cmocka_unit_test(deterministic_actions_are_what_they_are_called),
      cmocka_unit_test(estimators_agree_in_the_mean),
      cmocka_unit_test(optimal_transport_agrees_in_the_mean),
      cmocka_unit_test(noise_makes_actions_of_the_policy),
      cmocka_unit_test(nan_shows_in_its_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
