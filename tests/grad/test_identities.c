/* What must hold exactly, or to rounding: small cases by hand, identities between estimators, the
 * correction terms by quadrature. */
#include "cases.h"

#include "grad/transform.h"

enum { N = 8 };

static const double normal_theta[2] = {0.3, 1.7};

static sac_grad_problem problem_of(const sac_dist *d, const double theta[], test_cost *c) {
  return (sac_grad_problem){.d = d, .theta = theta, .cost = {test_f, test_df, NULL, c}};
}

static sac_grad_options with(int estimator, int baseline) {
  sac_grad_options o = sac_grad_options_default();
  o.estimator = estimator, o.baseline = baseline;
  return o;
}

static answer must(const sac_grad_problem *p, const sac_grad_options *o, size_t n,
                   double jacobian[], uint64_t seed) {
  const answer a = ask(p, o, n, jacobian, seed);
  if (a.status != SAC_OK) fail_msg("%s", a.err.msg);
  return a;
}

/* the samples that a call with this seed draws, their costs and their scores */
typedef struct samples {
  double z[N], f[N], s[N][2];
} samples;

static samples samples_of(const sac_dist *d, const double theta[], int which, size_t n,
                          uint64_t seed) {
  samples out;
  double latent[2 * N];
  sac_error err;
  sac_stream stream = sac_stream_make(seed, SAC_STREAM_USER, 0);
  assert_ok(sac_dist_sample(d, n, theta, 0, out.z, latent, &stream, &err), err);
  assert_ok(sac_dist_score(d, n, theta, 0, out.z, d->latents ? latent : NULL, out.s[0], &err), err);
  for (size_t i = 0; i < n; i++) out.f[i] = cost(which, out.z[i]);
  return out;
}

/* ---- results -------------------------------------------------------------------------------- */

/* gradient and standard error are the mean of the Jacobian's rows and its spread over sqrt(n) */
static void results_summarise_the_jacobian(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  const sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_NONE);
  double J[N][2];
  const answer a = must(&p, &o, N, J[0], 3);
  const samples x = samples_of(p.d, p.theta, 1, N, 3);
  for (int j = 0; j < 2; j++) {
    double mean = 0.0, squares = 0.0;
    for (int i = 0; i < N; i++) mean += J[i][j] / N;
    for (int i = 0; i < N; i++) squares += (J[i][j] - mean) * (J[i][j] - mean);
    assert_close(a.gradient[j], mean, 0.0, 1e-15);
    assert_close(a.std_error[j], sqrt(squares / (N - 1) / N), 0.0, 1e-14);
    for (int i = 0; i < N; i++) assert_close(J[i][j], x.f[i] * x.s[i][j], 0.0, 1e-15);
  }
  assert_int_equal(a.calls, N);
  assert_int_equal(a.slope_calls, 0);
}

/* f is called 2 P n times by differences and measure-valued pairs, not at all by pathwise ones */
static void calls_are_counted(void **state) {
  (void)state;
  test_cost c = {.which = 0, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  const struct {
    int estimator;
    size_t calls, slope_calls;
  } want[] = {{SAC_GRAD_SCORE, N, 0},
              {SAC_GRAD_EXPLICIT, 0, N},
              {SAC_GRAD_IMPLICIT, 0, N},
              {SAC_GRAD_GENERALIZED, N, N},
              {SAC_GRAD_MEASURE_VALUED, 4 * N, 0},
              {SAC_GRAD_FINITE_DIFFERENCE, 4 * N, 0}};
  for (size_t k = 0; k < sizeof want / sizeof *want; k++) {
    const sac_grad_options o = with(want[k].estimator, SAC_GRAD_BASELINE_AUTO);
    const answer a = must(&p, &o, N, NULL, 1);
    assert_int_equal(a.calls, want[k].calls);
    assert_int_equal(a.slope_calls, want[k].slope_calls);
  }
}

/* ---- auto ----------------------------------------------------------------------------------- */

static void auto_goes_by_what_the_cost_offers(void **state) {
  (void)state;
  static const double gamma_theta[2] = {2.0, 1.0}, poisson_theta[1] = {3.0};
  static const double simplex[3] = {0.7, 2.0, 1.2}, eye[5] = {0, 0, 1, 0, 1};
  sac_dist dirichlet, mvn;
  sac_error err;
  assert_ok(sac_dist_dirichlet(3, &dirichlet, &err), err);
  assert_ok(sac_dist_mvn(2, &mvn, &err), err);
  const struct {
    const sac_dist *d;
    const double *theta;
    int df, want, baseline;
  } cases[] = {
      {sac_dist_find("normal"), normal_theta, 1, SAC_GRAD_EXPLICIT, SAC_GRAD_BASELINE_NONE},
      {sac_dist_find("gamma"), gamma_theta, 1, SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_NONE},
      {&mvn, eye, 1, SAC_GRAD_EXPLICIT, SAC_GRAD_BASELINE_NONE},
      {&dirichlet, simplex, 1, SAC_GRAD_PATHWISE, SAC_GRAD_BASELINE_NONE},
      {sac_dist_find("normal"), normal_theta, 0, SAC_GRAD_MEASURE_VALUED, SAC_GRAD_BASELINE_NONE},
      {sac_dist_find("gamma"), gamma_theta, 0, SAC_GRAD_SCORE, SAC_GRAD_BASELINE_LEAVE_ONE_OUT},
      {&dirichlet, simplex, 0, SAC_GRAD_SCORE, SAC_GRAD_BASELINE_LEAVE_ONE_OUT},
      {sac_dist_find("poisson"), poisson_theta, 1, SAC_GRAD_MEASURE_VALUED, SAC_GRAD_BASELINE_NONE},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    test_cost c = {.which = 0, .D = cases[k].d->dim};
    sac_grad_problem p = problem_of(cases[k].d, cases[k].theta, &c);
    if (!cases[k].df) p.cost.df = NULL;
    const answer a = must(&p, NULL, N, NULL, 1);
    assert_int_equal(a.estimator, cases[k].want);
    assert_int_equal(a.baseline, cases[k].baseline);
  }
}

/* ---- estimators against each other ---------------------------------------------------------- */

/* where a transform is explicit, its velocity is the implicit one: h(eps; theta) = F^-1(u; theta)
 */
static void explicit_is_implicit_to_rounding(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    double one[N][4], two[N][4];
    unsigned char wanted[4];
    size_t count = 0;
    for (size_t j = 0; j < d->params; j++)
      count += wanted[j] = sac_grad_has(d, SAC_GRAD_EXPLICIT, j) != 0;
    if (count == 0) continue;
    test_cost c = {.which = 0, .D = 1};
    sac_grad_problem p = problem_of(d, v->theta, &c);
    p.wanted = wanted;
    sac_grad_options o = with(SAC_GRAD_EXPLICIT, SAC_GRAD_BASELINE_NONE);
    (void)must(&p, &o, N, one[0], 5);
    o.estimator = SAC_GRAD_IMPLICIT;
    (void)must(&p, &o, N, two[0], 5);
    const double *a = one[0], *b = two[0];
    for (size_t i = 0; i < N * d->params; i++)
      assert_near(a[i], b[i], 1e-13 * fabs(b[i]) + 1e-300, v, "explicit against implicit");
  }
}

/* for the normal both are f' and f' eps, to the last bit */
static void normal_pathwise_is_the_textbook_one(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  const samples x = samples_of(p.d, p.theta, 1, N, 5);
  for (int e = SAC_GRAD_EXPLICIT; e <= SAC_GRAD_IMPLICIT; e++) {
    double J[N][2];
    const sac_grad_options o = with(e, SAC_GRAD_BASELINE_NONE);
    (void)must(&p, &o, N, J[0], 5);
    for (int i = 0; i < N; i++) {
      const double eps = (x.z[i] - normal_theta[0]) / normal_theta[1],
                   slope = cost_slope(1, x.z[i]);
      assert_true(J[i][0] == slope);
      assert_close(J[i][1], slope * eps, 0.0, 3e-16);
    }
  }
}

/* dT/dtheta and w of the generalized estimator at z */
static void generalized_at(const sac_dist *d, const double theta[], double z, double latent[2],
                           double dz[], double w[]) {
  double rate[4], stretch[4], slopes[2], dz_slope, s[4];
  sac_error err;
  const double dz_dy = sac_grad_transform_of(d)(d, theta, z, latent, rate, stretch);
  assert_ok(sac_dist_score(d, 1, theta, 0, &z, latent, s, &err), err);
  assert_ok(sac_dist_dlog_density(d, 1, theta, 0, &z, latent, &dz_slope, slopes, &err), err);
  for (size_t j = 0; j < d->params; j++) {
    dz[j] = dz_dy * rate[j];
    w[j] = s[j] + (d->latents ? slopes[0] : dz_slope) * rate[j] + stretch[j];
  }
}

/* eps is free of theta where the transform is explicit: the derivative of its log density is 0 */
static void explicit_transforms_need_no_correction(void **state) {
  (void)state;
  static const double places[] = {0.01, 0.2, 0.6, 0.97};
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (int k = 0; k < 4 && sac_grad_transform_of(d); k++) {
      double z, latent[2], dz[4], w[4];
      sac_error err;
      assert_ok(sac_dist_quantile(d, 1, v->theta, 0, &places[k], 0, &z, latent, &err), err);
      generalized_at(d, v->theta, z, latent, dz, w);
      for (size_t j = 0; j < d->params; j++)
        if (sac_grad_has(d, SAC_GRAD_EXPLICIT, j) && sac_grad_has(d, SAC_GRAD_GENERALIZED, j))
          assert_near(w[j], 0.0, 1e-11 * fmax(1.0, v->theta[0]), v, "w of an explicit transform");
    }
  }
}

/* E[f' dT/dtheta + f w] = dE/dtheta by quadrature, for the transforms that are not explicit; and
 * without the correction it is not */
static double generalized(const sac_dist *d, const double theta[], double z, double latent[2],
                          int index) {
  double dz[4], w[4];
  generalized_at(d, theta, z, latent, dz, w);
  return dz[index / COSTS] * cost_slope(index % COSTS, z) +
         w[index / COSTS] * cost(index % COSTS, z);
}
static double uncorrected(const sac_dist *d, const double theta[], double z, double latent[2],
                          int index) {
  double dz[4], w[4];
  generalized_at(d, theta, z, latent, dz, w);
  return dz[index / COSTS] * cost_slope(index % COSTS, z);
}
static void generalized_is_exact_by_quadrature(void **state) {
  (void)state;
  static const visit cases[] = {{"gamma", {0.4, 1.5}},         {"gamma", {3.0, 0.7}},
                                {"inverse_gamma", {3.5, 2.0}}, {"chi_squared", {3.0}},
                                {"beta", {2.0, 3.0}},          {"beta", {0.6, 0.8}}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    const visit *v = &cases[k];
    const sac_dist *d = family_of(v);
    double bias = 0.0;
    for (int index = 0; index < COSTS; index++) {
      const double want = derivative_of_expectation(d, v, index);
      assert_near(expect(d, v->theta, generalized, index), want, 1e-9, v, "E[f' dT + f w]");
      bias = fmax(bias, fabs(expect(d, v->theta, uncorrected, index) - want));
    }
    assert_true(bias > 1e-3);
  }
}

/* the library's own exact gradient, by another quadrature and from E[f' v] */
static void exact_gradients_agree_with_quadrature(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (int which = 0; which < COSTS; which++) {
      test_cost c = {.which = which, .D = 1};
      const sac_grad_problem p = problem_of(d, v->theta, &c);
      double exact[4];
      sac_error err;
      assert_ok(sac_grad_exact(&p, 0, NULL, exact, &err), err);
      for (size_t j = 0; j < d->params; j++)
        if (!isinf(v->theta[j]))
          assert_near(exact[j], derivative_of_expectation(d, v, (int)j * COSTS + which), 1e-8, v,
                      "sac_grad_exact");
    }
  }
}

/* ---- baselines by hand ---------------------------------------------------------------------- */

/* two samples: each has the other's f for its baseline, so both give (f1 - f2) s_i */
static void leave_one_out_of_two(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  const sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_LEAVE_ONE_OUT);
  double J[2][2];
  (void)must(&p, &o, 2, J[0], 9);
  const samples x = samples_of(p.d, p.theta, 1, 2, 9);
  for (int j = 0; j < 2; j++) {
    assert_close(J[0][j], (x.f[0] - x.f[1]) * x.s[0][j], 0.0, 1e-14);
    assert_close(J[1][j], (x.f[1] - x.f[0]) * x.s[1][j], 0.0, 1e-14);
  }
}

/* f + 1000: neither baseline sees the constant */
static void shifted_f(void *context, size_t n, const double theta[], const double z[],
                      double out[]) {
  test_f(context, n, theta, z, out);
  for (size_t i = 0; i < n; i++) out[i] += 1000.0;
}
static void constants_cancel(void **state) {
  (void)state;
  static const int baselines[] = {SAC_GRAD_BASELINE_LEAVE_ONE_OUT, SAC_GRAD_BASELINE_OPTIMAL};
  test_cost c = {.which = 1, .D = 1};
  sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  for (int b = 0; b < 2; b++) {
    const sac_grad_options o = with(SAC_GRAD_SCORE, baselines[b]);
    p.cost.f = test_f;
    const answer one = must(&p, &o, N, NULL, 2);
    p.cost.f = shifted_f;
    const answer two = must(&p, &o, N, NULL, 2);
    for (int j = 0; j < 2; j++) assert_close(one.gradient[j], two.gradient[j], 1e-10, 0.0);
  }
}

/* m_i sees only the samples before i: by hand, decay 1/2 */
static void moving_averages_exclude_their_own_sample(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_MOVING_AVERAGE);
  o.decay = 0.5;
  double J[4][2];
  (void)must(&p, &o, 4, J[0], 6);
  const samples x = samples_of(p.d, p.theta, 1, 4, 6);
  const double m[4] = {0.0, x.f[0], (x.f[0] + 2.0 * x.f[1]) / 3.0,
                       (x.f[0] + 2.0 * x.f[1] + 4.0 * x.f[2]) / 7.0};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 2; j++) assert_close(J[i][j], (x.f[i] - m[i]) * x.s[i][j], 1e-15, 1e-13);
}

/* handed on, the average goes through two calls as through one */
static void moving_averages_are_handed_on(void **state) {
  (void)state;
  const double rate[1] = {1.6};
  test_cost c = {.which = 1, .D = 1};
  sac_grad_problem p = problem_of(sac_dist_find("exponential"), rate, &c);
  const sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_MOVING_AVERAGE);
  double whole[6], parts[6], average[2] = {0.0, 0.0}, gradient, work[400];
  (void)must(&p, &o, 6, whole, 8);
  p.average = average;
  sac_stream stream = sac_stream_make(8, SAC_STREAM_USER, 0);
  for (int k = 0; k < 2; k++) {
    sac_grad_result r = {.gradient = &gradient, .jacobian = parts + 3 * k};
    sac_error err;
    assert_ok(sac_grad(&p, &o, 3, &r, work, 400, &stream, &err), err);
  }
  for (int i = 0; i < 6; i++) assert_close(parts[i], whole[i], 1e-15, 1e-13);
}

/* b_i = sum f s^2/sum s^2 over the others, for each parameter its own */
static void optimal_constants_by_hand(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  const sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_OPTIMAL);
  double J[3][2];
  (void)must(&p, &o, 3, J[0], 4);
  const samples x = samples_of(p.d, p.theta, 1, 3, 4);
  for (int i = 0; i < 3; i++) {
    const int k = (i + 1) % 3, m = (i + 2) % 3;
    for (int j = 0; j < 2; j++) {
      const double sk = x.s[k][j] * x.s[k][j], sm = x.s[m][j] * x.s[m][j];
      const double b = (x.f[k] * sk + x.f[m] * sm) / (sk + sm);
      assert_close(J[i][j], (x.f[i] - b) * x.s[i][j], 1e-13, 1e-12);
    }
  }
}

/* with antithetic pairs the partner has no part in the baseline either */
static void pairs_are_left_out_together(void **state) {
  (void)state;
  test_cost c = {.which = 1, .D = 1};
  const sac_grad_problem p = problem_of(sac_dist_find("normal"), normal_theta, &c);
  sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_NONE);
  double plain[4][2], J[4][2], s[4][2];
  o.antithetic = 1;
  (void)must(&p, &o, 4, plain[0], 4);
  o.baseline = SAC_GRAD_BASELINE_LEAVE_ONE_OUT;
  (void)must(&p, &o, 4, J[0], 4);
  /* f s of a cost of 1 is s itself */
  double f[4];
  sac_stream stream = sac_stream_make(4, SAC_STREAM_USER, 0);
  for (int i = 0; i < 4; i += 2) {
    const double u = sac_stream_uniform(&stream), both[2] = {u, 1.0 - u};
    double z[2];
    sac_error err;
    assert_ok(sac_dist_quantile(p.d, 2, p.theta, 0, both, 0, z, NULL, &err), err);
    assert_close(z[0] + z[1], 2.0 * normal_theta[0], 1e-13, 0.0);
    assert_ok(sac_dist_score(p.d, 2, p.theta, 0, z, NULL, s[i], &err), err);
    for (int k = 0; k < 2; k++) f[i + k] = cost(1, z[k]);
  }
  for (int i = 0; i < 4; i++) {
    const int other = i < 2 ? 2 : 0;
    const double b = 0.5 * (f[other] + f[other + 1]);
    for (int j = 0; j < 2; j++) {
      assert_close(plain[i][j], f[i] * s[i][j], 1e-14, 1e-13);
      assert_close(J[i][j], (f[i] - b) * s[i][j], 1e-14, 1e-13);
    }
  }
}

/* d/dmean E z^2 = 2 mean, and f' = 2 z is odd about the mean: each antithetic pair is exact */
static void square_f(void *context, size_t n, const double theta[], const double z[],
                     double out[]) {
  (void)context, (void)theta;
  for (size_t i = 0; i < n; i++) out[i] = z[i] * z[i];
}
static void square_df(void *context, size_t n, const double theta[], const double z[],
                      double out[]) {
  (void)context, (void)theta;
  for (size_t i = 0; i < n; i++) out[i] = 2.0 * z[i];
}
static void antithetic_pairs_kill_what_is_odd(void **state) {
  (void)state;
  const sac_grad_problem p = {.d = sac_dist_find("normal"),
                              .theta = normal_theta,
                              .cost = {square_f, square_df, NULL, NULL}};
  sac_grad_options o = with(SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_NONE);
  o.antithetic = 1;
  const answer a = must(&p, &o, 20, NULL, 1);
  assert_close(a.gradient[0], 2.0 * normal_theta[0], 1e-12, 0.0);
  assert_true(a.std_error[0] < 1e-12);
  o.antithetic = 0;
  assert_true(must(&p, &o, 20, NULL, 1).std_error[0] > 0.1);
}

/* ---- control variates ----------------------------------------------------------------------- */

/* with c = f the score term is gone, and what is left is the pathwise gradient itself */
static void the_perfect_control_is_pathwise(void **state) {
  (void)state;
  const double theta[2] = {2.0, 1.5};
  test_cost c = {.which = 1, .D = 1};
  sac_grad_problem p = problem_of(sac_dist_find("gamma"), theta, &c);
  const sac_grad_control control = {test_f, test_df, NULL, &c};
  p.control = &control;
  double one[N][2], two[N][2];
  sac_grad_options o = with(SAC_GRAD_SCORE, SAC_GRAD_BASELINE_CONTROL);
  (void)must(&p, &o, N, one[0], 12);
  o = with(SAC_GRAD_IMPLICIT, SAC_GRAD_BASELINE_NONE);
  (void)must(&p, &o, N, two[0], 12);
  for (int i = 0; i < N; i++)
    for (int j = 0; j < 2; j++) assert_true(one[i][j] == two[i][j]);
}

/* f is its own second-order expansion when it is quadratic: nothing is left to vary */
static void delta_is_exact_for_quadratics(void **state) {
  (void)state;
  const sac_grad_problem p = {.d = sac_dist_find("normal"),
                              .theta = normal_theta,
                              .cost = {square_f, square_df, NULL, NULL}};
  static const int estimators[] = {SAC_GRAD_SCORE, SAC_GRAD_EXPLICIT, SAC_GRAD_IMPLICIT};
  for (int k = 0; k < 3; k++) {
    const sac_grad_options o = with(estimators[k], SAC_GRAD_BASELINE_DELTA);
    const answer a = must(&p, &o, 20, NULL, 1);
    assert_close(a.gradient[0], 2.0 * normal_theta[0], 1e-8, 0.0); /* f'' is a difference: 1e-12 */
    assert_close(a.gradient[1], 2.0 * normal_theta[1], 1e-8, 0.0);
    assert_true(a.std_error[0] < 1e-7 && a.std_error[1] < 1e-7);
  }
}

/* ---- costs that see theta ------------------------------------------------------------------- */

/* f_theta(z) = z theta_0 + theta_1^2: dE/dtheta = (2 mean, 2 sd) for the normal, of which
 * (mean, 2 sd) is the direct part. Every estimator gives the whole. */
static void seeing_f(void *context, size_t n, const double theta[], const double z[],
                     double out[]) {
  (void)context;
  for (size_t i = 0; i < n; i++) out[i] = z[i] * theta[0] + theta[1] * theta[1];
}
static void seeing_df(void *context, size_t n, const double theta[], const double z[],
                      double out[]) {
  (void)context, (void)z;
  for (size_t i = 0; i < n; i++) out[i] = theta[0];
}
static void seeing_dtheta(void *context, size_t n, const double theta[], const double z[],
                          double out[]) {
  (void)context;
  for (size_t i = 0; i < n; i++) {
    out[2 * i] = z[i];
    out[2 * i + 1] = 2.0 * theta[1];
  }
}
static void direct_derivatives_are_added(void **state) {
  (void)state;
  const sac_grad_problem p = {.d = sac_dist_find("normal"),
                              .theta = normal_theta,
                              .cost = {seeing_f, seeing_df, seeing_dtheta, NULL}};
  static const int estimators[] = {SAC_GRAD_SCORE,          SAC_GRAD_EXPLICIT,
                                   SAC_GRAD_IMPLICIT,       SAC_GRAD_GENERALIZED,
                                   SAC_GRAD_MEASURE_VALUED, SAC_GRAD_FINITE_DIFFERENCE};
  double exact[2];
  sac_error err;
  assert_ok(sac_grad_exact(&p, 0, NULL, exact, &err), err);
  for (int j = 0; j < 2; j++) assert_close(exact[j], 2.0 * normal_theta[j], 1e-11, 0.0);
  for (size_t k = 0; k < sizeof estimators / sizeof *estimators; k++) {
    const sac_grad_options o = with(estimators[k], SAC_GRAD_BASELINE_AUTO);
    const answer a = must(&p, &o, 4000, NULL, 3);
    for (int j = 0; j < 2; j++)
      if (!(fabs(a.gradient[j] - exact[j]) <= 5.0 * a.std_error[j] + 1e-5))
        fail_msg("%s, parameter %d: %g, want %g", name_of(0, estimators[k]), j, a.gradient[j],
                 exact[j]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_summarise_the_jacobian),
      cmocka_unit_test(calls_are_counted),
      cmocka_unit_test(auto_goes_by_what_the_cost_offers),
      cmocka_unit_test(explicit_is_implicit_to_rounding),
      cmocka_unit_test(normal_pathwise_is_the_textbook_one),
      cmocka_unit_test(explicit_transforms_need_no_correction),
      cmocka_unit_test(generalized_is_exact_by_quadrature),
      cmocka_unit_test(exact_gradients_agree_with_quadrature),
      cmocka_unit_test(leave_one_out_of_two),
      cmocka_unit_test(constants_cancel),
      cmocka_unit_test(moving_averages_exclude_their_own_sample),
      cmocka_unit_test(moving_averages_are_handed_on),
      cmocka_unit_test(optimal_constants_by_hand),
      cmocka_unit_test(pairs_are_left_out_together),
      cmocka_unit_test(antithetic_pairs_kill_what_is_odd),
      cmocka_unit_test(the_perfect_control_is_pathwise),
      cmocka_unit_test(delta_is_exact_for_quadratics),
      cmocka_unit_test(direct_derivatives_are_added),
  };
  return cmocka_run_group_tests_name("grad.identities", tests, NULL, NULL);
}
