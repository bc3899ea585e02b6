/* Bad input is named and nothing is written; limits are defined; no answer is ever NaN. */
#include "dist/families.h"
#include "dist/family.h"

#include <string.h>

/* Every call that a caller can make with one theta and one z, outputs first filled with a mark. */
enum { CALLS = 13 };
static const double mark = -123.25;

static sac_status call(int which, const sac_dist *d, const double theta[], double z, double out[],
                       sac_error *err) {
  sac_stream stream = sac_stream_make(1, SAC_STREAM_USER, 0);
  const double g = 1.5;
  for (int i = 0; i < 16; i++) out[i] = mark;
  switch (which) {
  case 0:
    return sac_dist_log_density(d, 1, theta, 0, &z, NULL, out, err);
  case 1:
    return sac_dist_dlog_density(d, 1, theta, 0, &z, NULL, out, out + 1, err);
  case 2:
    return sac_dist_score(d, 1, theta, 0, &z, NULL, out, err);
  case 3:
    return sac_dist_velocity(d, 1, theta, 0, &z, NULL, out, out + 4, err);
  case 4:
    return sac_dist_cdf(d, 1, theta, 0, &z, NULL, out, out + 1, err);
  case 5:
    return sac_dist_vjp(d, 1, theta, 0, &z, NULL, &g, NULL, out, err);
  case 6:
    return sac_dist_mean(d, 1, theta, 0, out, err);
  case 7:
    return sac_dist_variance(d, 1, theta, 0, out, err);
  case 8:
    return sac_dist_mode(d, 1, theta, 0, out, err);
  case 9:
    return sac_dist_entropy(d, 1, theta, 0, out, err);
  case 10:
    return sac_dist_kl(d, 1, theta, 0, theta, 0, out, err);
  case 11:
    return sac_dist_sample(d, 1, theta, 0, out, out + 1, &stream, err);
  default:
    return sac_dist_quantile(d, 1, theta, 0, (double[]){0.25}, 0, out, out + 1, err);
  }
}

static void assert_untouched(const double out[]) {
  for (int i = 0; i < 16; i++) assert_true(out[i] == mark);
}

static void bad_parameters_are_named(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    for (size_t j = 0; j < d->params; j++) {
      const sac_dist_param *p = sac_dist_parameter(d, j);
      const double bad[] = {(double)NAN, p->low_open ? p->low : p->low - 1.0,
                            p->high_open ? p->high : 2.0 * fabs(p->high) + 1.0};
      for (int k = 0; k < 3; k++) {
        double theta[4], out[16];
        memcpy(theta, v->theta, sizeof theta);
        theta[j] = bad[k];
        if (!isnan(bad[k]) && isinf(bad[k]) && !(k == 1 ? p->low_open : p->high_open)) continue;
        for (int c = 0; c < CALLS; c++) {
          sac_error err = {.msg = ""};
          assert_int_equal(call(c, d, theta, 0.5, out, &err), SAC_ERR_DOMAIN);
          assert_untouched(out);
          assert_non_null(strstr(err.msg, p->name));
          assert_non_null(strstr(err.msg, "row 0, column "));
          assert_non_null(strstr(err.msg, "must be in"));
        }
      }
    }
  }
}

static void the_message_holds_row_column_value_and_range(void **state) {
  (void)state;
  const double theta[] = {1, 2, 3, 4, 5, -6}, z[] = {1, 1, 1}, high[] = {0.5, -0.25};
  double out[3] = {mark, mark, mark};
  sac_error err;
  const sac_dist *gamma = sac_dist_find("gamma");
  assert_int_equal(sac_dist_log_density(gamma, 3, theta, 2, z, NULL, out, &err), SAC_ERR_DOMAIN);
  assert_string_equal(err.msg, "gamma: row 2, column 1, rate = -6: must be in (0, inf)");
  assert_true(out[0] == mark && out[1] == mark);
  const sac_dist *beta = sac_dist_find("beta");
  assert_int_equal(sac_dist_cdf(beta, 2, theta, 0, high, NULL, out, NULL, &err), SAC_ERR_DOMAIN);
  assert_string_equal(err.msg, "beta: row 1, column 2, z = -0.25: must be in [0, 1]");
  assert_int_equal(sac_dist_quantile(beta, 1, theta, 0, high + 1, 0, out, NULL, &err),
                   SAC_ERR_DOMAIN);
  assert_non_null(strstr(err.msg, "probability -0.25: must be in [0, 1]"));
  const double half = 0.5;
  assert_int_equal(
      sac_dist_log_density(sac_dist_find("poisson"), 1, theta, 0, &half, NULL, out, &err),
      SAC_ERR_DOMAIN);
  assert_non_null(strstr(err.msg, "must be a whole number in [0, "));
  const double crossed[] = {0, 1, 2, 1};
  assert_int_equal(sac_dist_mean(sac_dist_find("truncated_normal"), 1, crossed, 0, out, &err),
                   SAC_ERR_DOMAIN);
  assert_string_equal(err.msg, "truncated_normal: row 0: low must be below high");
  assert_int_equal(
      sac_dist_velocity(sac_dist_find("poisson"), 1, theta, 0, z, NULL, out, NULL, &err),
      SAC_ERR_ARG);
  assert_int_equal(sac_dist_mean(sac_dist_find("cauchy"), 1, theta, 0, out, &err), SAC_ERR_DOMAIN);
  assert_string_equal(err.msg, "cauchy: row 0: the mean does not exist there");
  const float bad32[] = {1.0f, -1.0f}, one32 = 1.0f;
  float out32 = 7.0f;
  assert_int_equal(sac_dist_log_density_f32(gamma, 1, bad32, 0, &one32, NULL, &out32, &err),
                   SAC_ERR_DOMAIN);
  assert_true(out32 == 7.0f);
  sac_dist d;
  assert_int_equal(sac_dist_dirichlet(1, &d, &err), SAC_ERR_ARG);
  assert_int_equal(sac_dist_mvn(0, &d, &err), SAC_ERR_ARG);
  assert_int_equal(sac_dist_mixture(sac_dist_find("poisson"), 2, 1, &d, &err), SAC_ERR_ARG);
  assert_non_null(strstr(err.msg, "poisson"));
}

static void points_outside_are_refused(void **state) {
  (void)state;
  for (const visit *v = visits; v < visits + VISITS; v++) {
    const sac_dist *d = family_of(v);
    double ends[2] = {d->low, d->high};
    if (d->support) d->support(d, v->theta, NULL, NULL, ends);
    const double bad[] = {(double)NAN, ends[0] - 0.5, ends[1] + 0.5};
    for (int k = 0; k < 3; k++) {
      if (bad[k] == ends[0] || bad[k] == ends[1]) continue; /* an infinite end */
      if (fabs(bad[k]) > 1e300) continue;
      for (int c = 0; c < 6; c++) {
        double out[16];
        sac_error err = {.msg = ""};
        assert_int_equal(call(c, d, v->theta, bad[k], out, &err), SAC_ERR_DOMAIN);
        assert_untouched(out);
        assert_non_null(strstr(err.msg, "z = "));
      }
    }
  }
}

/* Parameters and points from the middle of their ranges to the edge: an answer or an error, never a
 * NaN. */
static void no_answer_is_nan(void **state) {
  (void)state;
  static const double sizes[] = {1e-100, 1e-30, 1e-6, 0.3, 1.0, 2.0, 7.0, 1e3, 1e8, 1e30};
  static const double points[] = {0.0,        1e-320,        1e-300, 1e-9,     0.25, 0.5,
                                  1.0 - 1e-9, 1.0 - 1.2e-16, 1.0,    1.5,      3.0,  1e3,
                                  1e12,       1e150,         1e300,  HUGE_VAL, -0.5, -1.0,
                                  -40.0,      -1e12,         -1e300, -HUGE_VAL};
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    for (size_t a = 0; a < SAC_COUNT(sizes); a++) {
      for (size_t b = 0; b < SAC_COUNT(sizes); b++) {
        double theta[4];
        for (size_t j = 0; j < d->params; j++)
          theta[j] = sizes[j == 0 ? a : (b + j) % SAC_COUNT(sizes)];
        if (d == &sac_dist_bernoulli) theta[0] = fmin(theta[0], 0.9);
        if (d == &sac_dist_truncated_normal) {
          theta[2] = theta[0] - sizes[b] * theta[1];
          theta[3] = theta[0] + theta[1];
        }
        for (size_t k = 0; k < SAC_COUNT(points); k++) {
          for (int c = 0; c < CALLS; c++) {
            if (k > 0 && c > 5) continue; /* functions of theta alone, once */
            /* expectations by quadrature are slow, and are tested where they have digits */
            if (c == 10 && b != 3) continue;
            double out[16];
            sac_error err;
            if (call(c, d, theta, points[k], out, &err) != SAC_OK) continue;
            for (int j = 0; j < 16; j++)
              if (isnan(out[j]))
                fail_msg("%s(%g, %g, %g, %g), z = %g, call %d: NaN", d->name, theta[0], theta[1],
                         theta[2], theta[3], points[k], c);
          }
        }
      }
    }
  }
}

static double at(const char *name, double a, double b, double z, int which) {
  const double theta[] = {a, b};
  double out[16];
  sac_error err;
  assert_ok(call(which, sac_dist_find(name), theta, z, out, &err), err);
  return out[0];
}

/* z = 0, 1, infinity: the limits that docs/dist.md gives */
static void limits_are_defined(void **state) {
  (void)state;
  assert_true(at("gamma", 0.5, 2, 0, 0) == HUGE_VAL);
  assert_close(at("gamma", 1.0, 2, 0, 0), log(2.0), 0, 1e-15);
  assert_true(at("gamma", 1.5, 2, 0, 0) == -HUGE_VAL);
  assert_true(at("gamma", 1.5, 2, HUGE_VAL, 0) == -HUGE_VAL);
  assert_true(at("gamma", 1.5, 2, 0, 3) == 0.0 && at("gamma", 1.5, 2, 0, 4) == 0.0);
  assert_true(at("gamma", 1.5, 2, HUGE_VAL, 4) == 1.0);
  assert_true(at("inverse_gamma", 1.5, 2, 0, 0) == -HUGE_VAL);
  assert_true(at("beta", 0.5, 2, 0, 0) == HUGE_VAL && at("beta", 2, 0.5, 1, 0) == HUGE_VAL);
  assert_true(at("beta", 2, 0.5, 0, 0) == -HUGE_VAL && at("beta", 0.5, 2, 1, 0) == -HUGE_VAL);
  assert_close(at("beta", 1, 3, 0, 0), log(3.0), 0, 1e-15);
  assert_true(at("beta", 2, 3, 0, 3) == 0.0 && at("beta", 2, 3, 1, 3) == 0.0);
  assert_true(at("beta", 2, 3, 0, 4) == 0.0 && at("beta", 2, 3, 1, 4) == 1.0);
  assert_true(at("tanh_normal", 0, 1, 1, 0) == -HUGE_VAL);
  assert_true(at("log_normal", 0, 1, 0, 0) == -HUGE_VAL);
  assert_true(at("normal", 0, 1, HUGE_VAL, 0) == -HUGE_VAL);
  assert_true(at("normal", 0, 1, HUGE_VAL, 4) == 1.0);
  assert_true(at("von_mises", 0, 0, 1.0, 3) == 1.0); /* a uniform angle moves with loc */
  assert_close(at("von_mises", 0, 0, 1.0, 0), -log(6.283185307179586), 0, 1e-15);
}

/* The tanh-normal far out: log density against log N(u) - 2 (log 2 - |u| - log1p(e^(-2|u|))), whose
 * last term is 0 in double from |u| = 20 on, so that it is exact by hand. */
static void tanh_normal_keeps_its_digits_from_the_latent(void **state) {
  (void)state;
  for (double u = 25.0; u <= 1000.0; u *= 2.5) {
    const double theta[] = {0.5, 2.0}, z = tanh(u), x = (u - 0.5) / 2.0;
    double got, dz, du;
    sac_error err;
    const sac_dist *d = sac_dist_find("tanh_normal");
    assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, &u, &got, &err), err);
    const double want = -0.5 * x * x - 0.91893853320467274178 - log(2.0) - 2.0 * log(2.0) + 2.0 * u;
    assert_close(got, want, 0.0, 1e-13);
    assert_ok(sac_dist_dlog_density(d, 1, theta, 0, &z, &u, &dz, &du, &err), err);
    assert_close(du, -x / 2.0 + 2.0, 1e-14, 0.0);
  }
  /* mean and entropy at (0, 1), (1, 1/2), (5, e^2), worked out with 25 digits */
  static const double points[][4] = {{0, 1, 0, 0.6698041182217968},
                                     {1, 0.5, 0.689074962939753, -0.2533882303682852},
                                     {2, 1, 0.8646647167633873, -1.366658496290575},
                                     {5, 7.38905609893065, 0.4981967659793696, -9.657502414053526}};
  for (size_t i = 0; i < SAC_COUNT(points); i++) {
    double m, h;
    sac_error err;
    const sac_dist *d = sac_dist_find("tanh_normal");
    assert_ok(sac_dist_mean(d, 1, points[i], 0, &m, &err), err);
    assert_ok(sac_dist_entropy(d, 1, points[i], 0, &h, &err), err);
    assert_close(m, points[i][2], 1e-13, 1e-13);
    assert_close(h, points[i][3], 1e-13, 1e-13);
  }
}

/* Log-space velocities where z has underflowed: d log z/da -> (psi(a+1) - log z)/a */
static void small_shapes_work_in_logs(void **state) {
  (void)state;
  const double theta[] = {1e-6, 1.0}, log_z = -1e6, z = 0.0;
  double dz[2], dl[2], lower;
  sac_error err;
  const sac_dist *d = sac_dist_find("gamma");
  assert_ok(sac_dist_velocity(d, 1, theta, 0, &z, &log_z, dz, dl, &err), err);
  assert_true(dz[0] == 0.0);
  assert_close(dl[0], (sac_digamma(1.0 + 1e-6) + 1e6) / 1e-6, 0.0, 1e-14);
  assert_close(dl[1], -1.0, 0.0, 0.0);
  assert_ok(sac_dist_cdf(d, 1, theta, 0, &z, &log_z, &lower, NULL, &err), err);
  assert_close(lower, exp(-1.0 - sac_lgamma1p(1e-6)), 0.0, 1e-14); /* z^a/Gamma(1+a) */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_parameters_are_named),
      cmocka_unit_test(the_message_holds_row_column_value_and_range),
      cmocka_unit_test(points_outside_are_refused),
      cmocka_unit_test(no_answer_is_nan),
      cmocka_unit_test(limits_are_defined),
      cmocka_unit_test(tanh_normal_keeps_its_digits_from_the_latent),
      cmocka_unit_test(small_shapes_work_in_logs),
  };
  return cmocka_run_group_tests_name("dist.errors", tests, NULL, NULL);
}
