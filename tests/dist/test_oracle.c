/* Every family against tests/data/dist/NAME.csv, which tests/oracle/dist_oracle.py works out by
 * other methods (differentiated series, adaptive quadrature, differences of F) with 70 digits or
 * more. */
#include "dist/families.h"
#include "dist/family.h"

#include <stdio.h>
#include <string.h>

typedef struct table {
  double row[16];
  size_t columns;
} table;

static FILE *open_table(const char *name) {
  char path[512];
  snprintf(path, sizeof path, "%s/tests/data/dist/%s.csv", SAC_SOURCE_DIR, name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("cannot read %s", path);
  char header[512];
  assert_non_null(fgets(header, sizeof header, file));
  return file;
}

static int next_row(FILE *file, table *t) {
  char line[1024];
  if (!fgets(line, sizeof line, file)) return 0;
  t->columns = 0;
  for (char *at = line; *at && *at != '\n' && t->columns < 16; at += *at == ',')
    t->row[t->columns++] = strtod(at, &at);
  return 1;
}

/* |got - want| relative to |want|, or to 1 for a log density */
static void compare(const sac_dist *d, const table *t, const char *what, double got, double want,
                    double scale, double tolerance) {
  if (!(fabs(got - want) <= tolerance * scale))
    fail_msg("%s(%.17g, %.17g, %.17g, %.17g), z = %.17g: %s = %.17g, want %.17g, relative %.2g",
             d->name, t->row[0], t->row[1], t->row[2], t->row[3], t->row[d->params], what, got,
             want, fabs(got - want) / scale);
}

static double limit_of(const sac_dist *d) { /* the velocity's, as the issue states it */
  return d == &sac_dist_gamma || d == &sac_dist_von_mises ? 1e-13 : 1e-12;
}

static void check_row(const sac_dist *d, const table *t) {
  const size_t P = d->params;
  const double *theta = t->row, *z = t->row + P, *want = z + 1;
  double log_p, lower, upper, v[4];
  sac_error err;
  assert_ok(sac_dist_log_density(d, 1, theta, 0, z, NULL, &log_p, &err), err);
  assert_ok(sac_dist_cdf(d, 1, theta, 0, z, NULL, &lower, &upper, &err), err);
  assert_ok(sac_dist_velocity(d, 1, theta, 0, z, NULL, v, NULL, &err), err);
  compare(d, t, "log density", log_p, want[0], fmax(fabs(want[0]), 1.0), 1e-12);
  compare(d, t, "F", lower, want[1], fabs(want[1]), 1e-12);
  compare(d, t, "1 - F", upper, want[2], fabs(want[2]), 1e-12);
  for (size_t j = 0; j < P; j++)
    compare(d, t, sac_dist_parameter(d, j)->name, v[j], want[3 + j], fabs(want[3 + j]),
            limit_of(d));
}

static void every_family_matches_its_table(void **state) {
  (void)state;
  size_t families = 0;
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    if (d->discrete) continue;
    FILE *file = open_table(d->name);
    table t;
    size_t rows = 0;
    for (; next_row(file, &t); rows++) {
      assert_int_equal(t.columns, 2 * d->params + 4);
      check_row(d, &t);
    }
    fclose(file);
    assert_true(rows >= 100);
    families++;
  }
  assert_int_equal(families, 20);
}

/* ---- edges.csv: name, theta, |, z or latents, |, F, 1 - F, |, the rest ------------------------
 */

/* numbers up to the next bar or the end */
static size_t read_part(char **at, double out[]) {
  size_t n = 0;
  while (**at && **at != '\n' && **at != '|') {
    out[n++] = strtod(*at, at);
    *at += **at == ',';
  }
  while (**at == '|' || **at == ',') ++*at;
  return n;
}

/* F within 1e-12, and velocities within the bounds where they do not underflow */
static void check_edge(const sac_dist *d, const double theta[], const double point[], size_t given,
                       const double tails[2], const double want[], const char *line) {
  const size_t P = d->params, L = d->latents;
  const int by_latent = L > 0 && given == L;
  const double z = by_latent ? exp(point[0]) : point[0]; /* the first latent is log z */
  double lower, upper, log_p, dz[4], dl[8];
  sac_error err;
  const double *latent = by_latent ? point : NULL, *v = by_latent ? dl : dz;
  assert_ok(sac_dist_cdf(d, 1, theta, 0, &z, latent, &lower, &upper, &err), err);
  assert_ok(sac_dist_velocity(d, 1, theta, 0, &z, latent, dz, dl, &err), err);
  if (!(fabs(lower - tails[0]) <= 1e-12 * tails[0] && fabs(upper - tails[1]) <= 1e-12 * tails[1]))
    fail_msg("F = %.17g, 1 - F = %.17g: %s", lower, upper, line);
  if (!by_latent) {
    assert_ok(sac_dist_log_density(d, 1, theta, 0, &z, NULL, &log_p, &err), err);
    if (!(fabs(log_p - want[0]) <= 1e-12 * fmax(fabs(want[0]), 1.0)))
      fail_msg("log density %.17g: %s", log_p, line);
  }
  for (size_t j = 0; j < (by_latent ? L * P : P); j++) {
    const double exact = want[!by_latent + j], bound = limit_of(d) * fabs(exact);
    if (!(fabs(v[j] - exact) <= bound || (fabs(exact) < 1e-300 && fabs(v[j]) < 1e-300)))
      fail_msg("velocity %zu = %.17g, relative %.2g: %s", j, v[j], fabs(v[j] / exact - 1.0), line);
  }
}

static void edges_match_their_table(void **state) {
  (void)state;
  char path[512], line[1024];
  snprintf(path, sizeof path, "%s/tests/data/dist/edges.csv", SAC_SOURCE_DIR);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("cannot read %s", path);
  size_t rows = 0;
  for (; fgets(line, sizeof line, file); rows++) {
    char *at = strchr(line, ','), name[32] = "";
    assert_non_null(at);
    memcpy(name, line, (size_t)(at++ - line));
    const sac_dist *d = sac_dist_find(name);
    assert_non_null(d);
    double theta[8], point[8], tails[8], want[8];
    assert_int_equal(read_part(&at, theta), d->params);
    const size_t given = read_part(&at, point);
    assert_int_equal(read_part(&at, tails), 2);
    assert_true(read_part(&at, want) >= d->params);
    check_edge(d, theta, point, given, tails, want, line);
  }
  fclose(file);
  assert_true(rows > 120);
}

/* The batch gives the numbers that single rows give, whatever its length. */
static void batches_match_single_rows(void **state) {
  (void)state;
  enum { N = 120 };
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    if (d->discrete) continue;
    const size_t P = d->params;
    double theta[N * 4], z[N], v[N * 4], one[4], lower[N], upper[N];
    FILE *file = open_table(d->name);
    table t;
    size_t n = 0;
    for (; n < N && next_row(file, &t); n++) {
      memcpy(theta + n * P, t.row, P * sizeof *theta);
      z[n] = t.row[P];
    }
    fclose(file);
    for (size_t m = n - 9; m <= n; m++) { /* every remainder of a vector's width */
      sac_error err;
      assert_ok(sac_dist_velocity(d, m, theta, P, z, NULL, v, NULL, &err), err);
      for (size_t r = 0; r < m; r += 7) {
        assert_ok(sac_dist_velocity(d, 1, theta + r * P, 0, z + r, NULL, one, NULL, &err), err);
        for (size_t j = 0; j < P; j++) assert_close(v[r * P + j], one[j], 0.0, 0.0);
      }
      assert_ok(sac_dist_log_density(d, m, theta, P, z, NULL, v, &err), err);
      assert_ok(sac_dist_cdf(d, m, theta, P, z, NULL, lower, upper, &err), err);
      for (size_t r = 0; r < m; r += 7) {
        assert_ok(sac_dist_log_density(d, 1, theta + r * P, 0, z + r, NULL, one, &err), err);
        assert_close(v[r], one[0], 0.0, 0.0);
        assert_ok(sac_dist_cdf(d, 1, theta + r * P, 0, z + r, NULL, &one[0], &one[1], &err), err);
        assert_close(lower[r], one[0], 0.0, 0.0);
        assert_close(upper[r], one[1], 0.0, 0.0);
      }
    }
  }
}

/* 2.6 of the background tables: points quoted by hand, independent of the script */
static void quoted_points(void **state) {
  (void)state;
  static const struct {
    const char *name;
    double theta[2], z, want[2];
  } points[] = {
      {"gamma", {0.01, 1}, 1e-30, {6.8516667331952696e-27, -1e-30}},
      {"gamma", {1, 1}, 30, {4.0107027853226684, -30}},
      {"gamma", {50, 1}, 55, {1.0519128637620034, -55}},
      {"gamma", {10000, 1}, 9900, {0.99499983265995214, -9900}},
      {"beta", {2, 3}, 0.25, {0.13514287545146452, -0.063360906697654156}},
      {"beta", {0.5, 0.5}, 0.9, {0.26089248531714082, -0.55853121238075838}},
      {"beta", {1000, 1000}, 0.51, {0.00024751652655435473, -0.00025251677608743018}},
      {"inverse_gaussian", {5, 0.2}, 40, {7.2855135708002224, 17.862160729994439}},
      {"von_mises", {0, 1}, 1, {1, -0.56407297690594429}},
      {"von_mises", {0, 100}, -0.1, {1, 0.00050168402548119216}},
  };
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    double v[2];
    sac_error err;
    assert_ok(sac_dist_velocity(sac_dist_find(points[i].name), 1, points[i].theta, 0, &points[i].z,
                                NULL, v, NULL, &err),
              err);
    for (int j = 0; j < 2; j++) assert_close(v[j], points[i].want[j], 0.0, 1e-13);
  }
}

/* The float entry points: double arithmetic on the float's value, within 1e-6 */
static void float_is_within_1e_6(void **state) {
  (void)state;
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    if (d->discrete) continue;
    FILE *file = open_table(d->name);
    table t;
    while (next_row(file, &t)) {
      const size_t P = d->params;
      float theta[4], z = (float)t.row[P], v32[4];
      double theta64[4], z64 = (double)z, v[4];
      for (size_t j = 0; j < P; j++) theta64[j] = (double)(theta[j] = (float)t.row[j]);
      if (fabs(z64) < 1e-37 || isinf(z64)) continue; /* below a float's range */
      sac_error err;
      if (sac_dist_velocity(d, 1, theta64, 0, &z64, NULL, v, NULL, &err) != SAC_OK) continue;
      assert_ok(sac_dist_velocity_f32(d, 1, theta, 0, &z, NULL, v32, NULL, &err), err);
      for (size_t j = 0; j < P; j++)
        if (fabs(v[j]) > 1e-37 && fabs(v[j]) < 1e38) assert_close((double)v32[j], v[j], 0.0, 1e-6);
      if (!d->latents) continue;
      /* with the latent given, which has a path of its own; both precisions get the same one */
      float latent[2];
      double latent64[2];
      d->to_latent(d, theta64, &z64, NULL, latent64);
      for (size_t l = 0; l < d->latents; l++)
        latent64[l] = (double)(latent[l] = (float)latent64[l]);
      assert_ok(sac_dist_velocity(d, 1, theta64, 0, &z64, latent64, v, NULL, &err), err);
      assert_ok(sac_dist_velocity_f32(d, 1, theta, P, &z, latent, v32, NULL, &err), err);
      for (size_t j = 0; j < P; j++)
        if (fabs(v[j]) > 1e-37 && fabs(v[j]) < 1e38) assert_close((double)v32[j], v[j], 0.0, 1e-6);
    }
    fclose(file);
  }
}

static void near(const sac_dist *d, const char *what, float got, double want) {
  if (!(fabs(want) < 1e38) || fabs(want) < 1e-37) return; /* beyond a float's range */
  if (!(fabs((double)got - want) <= 1e-6 * fabs(want) + 1e-7))
    fail_msg("%s: float %s = %.9g, want %.17g", d->name, what, (double)got, want);
}

/* log density, d log p/dz, score and vjp of a float row are the double ones of the same numbers */
static void check_float_row(const sac_dist *d, const float theta[], const float z[],
                            const float latent[]) {
  const size_t P = d->params, D = d->dim, L = d->latents;
  double theta64[16], z64[4], latent64[4], log_p, dz[4], dl[4], s[16], v[16], g64[4];
  float g[4], log_p32, dz32[4], dl32[4], s32[16], v32[16];
  for (size_t j = 0; j < P; j++) theta64[j] = (double)theta[j];
  for (size_t i = 0; i < L; i++) latent64[i] = latent ? (double)latent[i] : 0.0;
  for (size_t i = 0; i < D; i++) {
    z64[i] = (double)z[i];
    g64[i] = (double)(g[i] = 0.75f - (float)i);
  }
  const double *l64 = latent ? latent64 : NULL;
  sac_error err;
  if (sac_dist_log_density(d, 1, theta64, 0, z64, l64, &log_p, &err) != SAC_OK) return;
  assert_ok(sac_dist_log_density_f32(d, 1, theta, 0, z, latent, &log_p32, &err), err);
  near(d, "log density", log_p32, log_p);
  assert_ok(sac_dist_score(d, 1, theta64, 0, z64, l64, s, &err), err);
  assert_ok(sac_dist_score_f32(d, 1, theta, 0, z, latent, s32, &err), err);
  for (size_t j = 0; j < P; j++) near(d, "score", s32[j], s[j]);
  if (!d->dlog_density) return;
  assert_ok(sac_dist_dlog_density(d, 1, theta64, 0, z64, l64, dz, dl, &err), err);
  assert_ok(sac_dist_dlog_density_f32(d, 1, theta, 0, z, latent, dz32, dl32, &err), err);
  for (size_t i = 0; i < D; i++) near(d, "d log p/dz", dz32[i], dz[i]);
  for (size_t i = 0; i < L; i++) near(d, "d log p/dlatent", dl32[i], dl[i]);
  assert_ok(sac_dist_vjp(d, 1, theta64, 0, z64, l64, g64, NULL, v, &err), err);
  assert_ok(sac_dist_vjp_f32(d, 1, theta, 0, z, latent, g, NULL, v32, &err), err);
  for (size_t j = 0; j < P; j++) near(d, "vjp", v32[j], v[j]);
}

static void every_float_call_is_within_1e_6(void **state) {
  (void)state;
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    if (d->discrete) continue;
    FILE *file = open_table(d->name);
    table t;
    while (next_row(file, &t)) {
      float theta[4], z = (float)t.row[d->params], latent[2];
      double theta64[4], z64 = (double)z, latent64[2];
      for (size_t j = 0; j < d->params; j++) theta64[j] = (double)(theta[j] = (float)t.row[j]);
      if (fabs(z64) < 1e-37 || isinf(z64)) continue;
      check_float_row(d, theta, &z, NULL);
      if (!d->latents || !(z64 > d->low && z64 < d->high)) continue;
      d->to_latent(d, theta64, &z64, NULL, latent64);
      for (size_t l = 0; l < d->latents; l++) latent[l] = (float)latent64[l];
      /* a float of log z moves G by its error, so both get that float */
      if (d->latents == 1 && strcmp(d->latent_names[0], "log z"))
        check_float_row(d, theta, &z, latent);
    }
    fclose(file);
  }
  sac_dist d;
  sac_error err;
  const float mvn[] = {0.3f, -0.5f, 1.0f, 0.6f, 0.4f, 0.8f, -0.3f, 0.5f, 0.9f};
  const float z[] = {0.9f, -0.7f, 0.2f}, alpha[] = {0.7f, 2.0f, 3.5f}, p[] = {0.25f, 0.5f, 0.25f};
  const float mixed[] = {0.3f, -0.2f, 0.5f, 1.0f, 0.4f, 1.5f, -1.0f, 0.7f, 0.2f, 0.8f};
  assert_ok(sac_dist_mvn(3, &d, &err), err);
  check_float_row(&d, mvn, z, NULL);
  assert_ok(sac_dist_mvn_diagonal(3, &d, &err), err);
  check_float_row(&d, (const float[]){0.3f, -0.5f, 1.0f, 0.6f, 0.4f, 0.8f}, z, NULL);
  assert_ok(sac_dist_dirichlet(3, &d, &err), err);
  check_float_row(&d, alpha, p, NULL);
  assert_ok(sac_dist_mixture(sac_dist_find("normal"), 2, 2, &d, &err), err);
  check_float_row(&d, mixed, z, NULL);
  check_float_row(sac_dist_find("poisson"), (const float[]){7.5f}, (const float[]){9.0f}, NULL);
  check_float_row(sac_dist_find("bernoulli"), (const float[]){0.3f}, (const float[]){1.0f}, NULL);
  assert_ok(sac_dist_categorical(3, &d, &err), err);
  check_float_row(&d, alpha, (const float[]){2.0f}, NULL);
}

/* A float draw is the double draw of the same stream, rounded. */
static void float_draws_are_rounded_draws(void **state) {
  (void)state;
  enum { N = 200 };
  for (size_t i = 0; sac_dist_list(i); i++) {
    const sac_dist *d = sac_dist_list(i);
    float theta[4] = {0.75f, 1.5f, -1.0f, 2.0f}, z[N], latent[2 * N];
    double theta64[4] = {0.75, 1.5, -1.0, 2.0}, z64[N], latent64[2 * N];
    if (!strcmp(d->name, "student_t") || !strcmp(d->name, "generalized_normal"))
      theta[2] = 2.0f, theta64[2] = 2.0;
    sac_stream one = sac_stream_make(4, SAC_STREAM_USER, i), two = one;
    sac_error err;
    assert_ok(sac_dist_sample_f32(d, N, theta, 0, z, latent, &one, &err), err);
    assert_ok(sac_dist_sample(d, N, theta64, 0, z64, latent64, &two, &err), err);
    for (size_t r = 0; r < N; r++) assert_true(z[r] == (float)z64[r]);
    for (size_t r = 0; r < N * d->latents; r++) assert_true(latent[r] == (float)latent64[r]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_family_matches_its_table),
      cmocka_unit_test(edges_match_their_table),
      cmocka_unit_test(batches_match_single_rows),
      cmocka_unit_test(quoted_points),
      cmocka_unit_test(float_is_within_1e_6),
      cmocka_unit_test(every_float_call_is_within_1e_6),
      cmocka_unit_test(float_draws_are_rounded_draws),
  };
  return cmocka_run_group_tests_name("dist.oracle", tests, NULL, NULL);
}
