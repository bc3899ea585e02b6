/* Networks with norms of rows and dropout against the same formulas
 * in double, and their gradients against central differences; what dropout drops against the
 * binomial. */
#include "nn/mlp.h"
#include "nn/norm.h"
#include "sac/agent.h"
#include "sac/random.h"
#include "statistics.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 9, WIDEST = 80 };

struct shape {
  size_t in, out;
  sac_widths hidden;
};
static const struct shape shapes[] = {
    {5, 1, {1, {7}}},
    {6, 1, {2, {33, 17}}},
    {7, 12, {2, {40, 15}}},
    {20, 1, {3, {9, 17, 5}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const struct form {
  int kind, place;
  double dropout;
} forms[] = {
    {.kind = SAC_NORM_LAYER},
    {.kind = SAC_NORM_LAYER, .place = SAC_NORM_INPUTS},
    {.kind = SAC_NORM_RMS},
    {.kind = SAC_NORM_RMS, .place = SAC_NORM_INPUTS},
    {.kind = SAC_NORM_LAYER, .dropout = 0.25},
    {.kind = SAC_NORM_LAYER, .place = SAC_NORM_INPUTS, .dropout = 0.25},
    {.dropout = 0.25},
};
enum { FORMS = sizeof forms / sizeof *forms };

struct fixture {
  sac_mlp net;
  sac_trace trace;
  float *x, *y, *dy, *dx, *scratch;
  size_t ldx, ldy;
  double *w, *inputs;
  void *block;
};

static void layout(sac_arena *m, struct fixture *f, const struct shape *s,
                   const struct form *form) {
  const sac_mlp_spec spec = {.in = s->in,
                             .out = s->out,
                             .hidden = &s->hidden,
                             .trained = 1,
                             .with_target = 1,
                             .norm = {.kind = form->kind, .place = form->place, .eps = 1e-3},
                             .dropout = form->dropout};
  f->ldx = sac_row(s->in), f->ldy = s->out == 1 ? 1 : sac_row(s->out);
  sac_mlp_layout(m, &f->net, &spec);
  sac_trace_layout(m, &f->trace, &f->net, ROWS);
  f->x = SAC_TAKE(m, float, ROWS * f->ldx);
  f->y = SAC_TAKE(m, float, ROWS * f->ldy);
  f->dy = SAC_TAKE(m, float, ROWS * f->ldy);
  f->dx = SAC_TAKE(m, float, ROWS * f->ldx);
  f->scratch = SAC_TAKE(m, float, f->net.scratch);
  f->w = SAC_TAKE(m, double, f->net.count);
  f->inputs = SAC_TAKE(m, double, ROWS * s->in);
}

static struct fixture setup(const sac_kernels *k, const struct shape *s, const struct form *form) {
  struct fixture f = {0};
  sac_arena m = {0};
  layout(&m, &f, s, form);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  f.block = m.base;
  layout(&m, &f, s, form);
  sac_mlp_init(k, &f.net, SAC_MLP_TORCH, 7, 0);
  sac_stream stream = sac_stream_make(7, SAC_STREAM_USER, 0);
  for (size_t l = 0; l < f.net.layers; l++)
    for (int i = 0; i < 2; i++) {
      const sac_norm *norm = i ? &f.net.layer[l].after : &f.net.layer[l].before;
      for (size_t c = 0; c < norm->width; c++) {
        f.net.w[norm->offset + c] = (float)(0.5 + sac_stream_uniform(&stream));
        if (norm->kind == SAC_NORM_LAYER)
          f.net.w[norm->offset + sac_padded(norm->width) + c] =
              (float)(sac_stream_uniform(&stream) - 0.5);
      }
    }
  for (size_t b = 0; b < ROWS; b++) {
    for (size_t i = 0; i < s->in; i++)
      f.x[b * f.ldx + i] = (float)(4.0 * sac_stream_uniform(&stream) - 2.0);
    for (size_t i = s->in; i < f.ldx; i++) f.x[b * f.ldx + i] = 7.0f; /* no part of the input */
    for (size_t i = 0; i < s->in; i++) f.inputs[b * s->in + i] = (double)f.x[b * f.ldx + i];
    for (size_t o = 0; o < s->out; o++)
      f.dy[b * f.ldy + o] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
  }
  for (size_t i = 0; i < f.net.count; i++) f.w[i] = (double)f.net.w[i];
  f.trace.thin = form->dropout > 0.0;
  f.trace.thin_seed = 3, f.trace.thin_index = 100;
  return f;
}

/* --- the formulas in double ------------------------------------------------------------------ */

static void normalise(const sac_mlp *net, const double *w, const sac_norm *norm, double *x) {
  const size_t N = norm->width;
  double mean = 0.0, var = 0.0;
  if (norm->kind == SAC_NORM_LAYER)
    for (size_t c = 0; c < N; c++) mean += x[c] / (double)N;
  for (size_t c = 0; c < N; c++) var += (x[c] - mean) * (x[c] - mean) / (double)N;
  for (size_t c = 0; c < N; c++)
    x[c] = w[norm->offset + c] * (x[c] - mean) / sqrt(var + net->norm.eps) +
           w[norm->offset + sac_padded(N) + c];
}

/* y of row b; what dropout kept is read from the trace. */
static void formula(const struct fixture *f, size_t b, double y[WIDEST]) {
  const sac_mlp *net = &f->net;
  double h[WIDEST];
  memcpy(h, f->inputs + b * net->in, net->in * sizeof *h);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const double *W = f->w + layer->offset, *bias = W + layer->in * layer->ld;
    if (layer->before.width) normalise(net, f->w, &layer->before, h);
    for (size_t o = 0; o < layer->out; o++) {
      y[o] = bias[o];
      for (size_t i = 0; i < layer->in; i++) y[o] += h[i] * W[i * layer->ld + o];
    }
    if (l + 1 == net->layers) return;
    for (size_t o = 0; f->trace.thin && o < layer->out; o++)
      y[o] *= (double)f->trace.keep[l][b * f->trace.ld[l] + o];
    if (layer->after.width) normalise(net, f->w, &layer->after, y);
    for (size_t o = 0; o < layer->out; o++) {
      h[o] = layer->relu ? fmax(y[o], 0.0) : y[o];
    }
  }
}

/* L = sum_b dy_b . y_b of one row, or (row == ROWS) of all */
static double loss(const struct fixture *f, size_t row) {
  double sum = 0.0, y[WIDEST];
  for (size_t b = 0; b < ROWS; b++) {
    if (row < ROWS && b != row) continue;
    formula(f, b, y);
    for (size_t o = 0; o < f->net.out; o++) sum += (double)f->dy[b * f->ldy + o] * y[o];
  }
  return sum;
}

static double difference(const struct fixture *f, double *at, size_t row) {
  const double h = 1e-6, kept = *at;
  *at = kept + h;
  const double up = loss(f, row);
  *at = kept - h;
  const double down = loss(f, row);
  *at = kept;
  return (up - down) / (2.0 * h);
}

/* --- passes ---------------------------------------------------------------------------------- */

static void forward(const sac_kernels *k, struct fixture *f, size_t first, size_t last) {
  sac_mlp_forward(k, &f->net, f->net.w, f->x, f->ldx, first, last, &f->trace, f->y, f->ldy);
}

static void check_forward(const sac_kernels *k, struct fixture *f) {
  double y[WIDEST];
  forward(k, f, 0, ROWS);
  for (size_t b = 0; b < ROWS; b++) {
    formula(f, b, y);
    for (size_t o = 0; o < f->net.out; o++)
      assert_close((double)f->y[b * f->ldy + o], y[o], 1e-5, 1e-5);
  }
}

/* With beta1 = 0 the first moment is the gradient itself; rms has no beta, which so is not stepped.
 */
static void check_weights(const sac_kernels *k, struct fixture *f) {
  const sac_adam_step adam = {.beta2 = 0.999f, .eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f};
  double square = 0.0;
  forward(k, f, 0, 4), forward(k, f, 4, ROWS);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, 4, &f->trace);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 4, ROWS, &f->trace);
  for (size_t u = 0; u < f->net.units; u++)
    sac_mlp_step(k, &f->net, u, ROWS, f->x, f->ldx, &f->trace, f->dy, f->ldy, &adam, 0.5f,
                 f->scratch);
  char *without = calloc(f->net.count, 1);
  for (size_t l = 0; l < f->net.layers; l++)
    for (int i = 0; i < 2; i++) {
      const sac_norm *norm = i ? &f->net.layer[l].after : &f->net.layer[l].before;
      const size_t N = sac_padded(norm->width);
      if (norm->kind == SAC_NORM_RMS) memset(without + norm->offset + N, 1, N);
    }
  for (size_t i = 0; i < f->net.count; i++) {
    const double want = without[i] ? 0.0 : difference(f, f->w + i, ROWS);
    assert_close((double)f->net.m[i], want, 2e-5, 5e-5);
    square += want * want;
  }
  assert_close(sac_mlp_grad_square(&f->net), square, 0.0, 5e-5);
  free(without);
}

static void check_inputs(const sac_kernels *k, struct fixture *f) {
  const size_t column = f->net.in / 3, columns = f->net.in - column, n = 4, first = 2;
  const size_t rows[] = {7, 0, 3, 8};
  forward(k, f, 0, ROWS);
  float *dy = calloc(n * f->ldy, sizeof *dy);
  for (size_t i = 0; i < n; i++)
    memcpy(dy + i * f->ldy, f->dy + rows[i] * f->ldy, f->net.out * sizeof *dy);
  for (int ones = 0; ones <= (f->net.out == 1); ones++) {
    for (size_t b = 0; ones && b < ROWS; b++) f->dy[b] = 1.0f;
    sac_mlp_input_gradient(k, &f->net, n, rows, ones ? NULL : dy, f->ldy, first, &f->trace, column,
                           columns, f->dx, f->ldx);
    for (size_t i = 0; i < n; i++)
      for (size_t c = 0; c < columns; c++)
        assert_close((double)f->dx[i * f->ldx + c],
                     difference(f, f->inputs + rows[i] * f->net.in + column + c, rows[i]), 2e-5,
                     5e-5);
  }
  free(dy);
}

/* A row's result, and what it drops, depends on that row alone. */
static void check_split(const sac_kernels *k, struct fixture *f) {
  float *y = malloc(ROWS * f->ldy * sizeof *y), *d = malloc(ROWS * f->trace.ld[0] * sizeof *d);
  forward(k, f, 0, ROWS);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, ROWS, &f->trace);
  memcpy(y, f->y, ROWS * f->ldy * sizeof *y);
  memcpy(d, f->trace.d[0], ROWS * f->trace.ld[0] * sizeof *d);
  static const size_t ends[] = {0, 1, 4, 6, ROWS};
  for (size_t i = 0; i + 1 < sizeof ends / sizeof *ends; i++) {
    forward(k, f, ends[i], ends[i + 1]);
    sac_mlp_backward(k, &f->net, f->dy, f->ldy, ends[i], ends[i + 1], &f->trace);
  }
  assert_memory_equal(y, f->y, ROWS * f->ldy * sizeof *y);
  assert_memory_equal(d, f->trace.d[0], ROWS * f->trace.ld[0] * sizeof *d);
  free(y), free(d);
}

/* Every shape in every form on every table that this CPU has. */
static void for_each(void (*check)(const sac_kernels *k, struct fixture *f)) {
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
    const sac_kernels *k = sac_kernels_find(isas[t]);
    for (size_t i = 0; k && i < SHAPES * FORMS; i++) {
      const struct form *form = &forms[i % FORMS];
      struct fixture f = setup(k, &shapes[i / FORMS], form);
      check(k, &f);
      free(f.block);
    }
  }
}

static void forward_is_the_formula(void **state) {
  (void)state;
  for_each(check_forward);
}
static void parameter_gradients_match_finite_differences(void **state) {
  (void)state;
  for_each(check_weights);
}
static void input_gradients_match_finite_differences(void **state) {
  (void)state;
  for_each(check_inputs);
}
static void a_split_of_rows_gives_the_same_bits(void **state) {
  (void)state;
  for_each(check_split);
}

/* Each unit of each network is in one thread's share: a norm's too, which has no weights. */
static void check_shares(const sac_kernels *k, struct fixture *f) {
  (void)k;
  for (size_t networks = 1; networks <= 3; networks++)
    for (size_t T = 1; T <= 5; T++) {
      size_t next = 0, first, last;
      for (size_t t = 0; t < T; t++) {
        sac_mlp_share(&f->net, networks, t, T, &first, &last);
        if (first == last) continue;
        assert_int_equal(first, next);
        next = last;
      }
      assert_int_equal(next, networks * f->net.units);
    }
}

static void every_unit_has_an_owner(void **state) {
  (void)state;
  for_each(check_shares);
}

/* Of n units that are dropped independently with probability p, n p are, with a deviation of
 * sqrt(n p (1-p)); of neighbours both, n p^2. Passes with other indices drop others. |z| < 5: false
 * alarm 5.7e-7 each under the fixed seed. */
static void dropout_drops_its_share(void **state) {
  (void)state;
  const struct shape s = {3, 1, {1, {64}}};
  for (double p = 0.01; p < 0.9; p *= 5.0) {
    const struct form form = {.dropout = p};
    struct fixture f = setup(sac_kernels_get(), &s, &form);
    double n = 0.0, dropped = 0.0, pairs = 0.0, both = 0.0;
    for (uint64_t pass = 0; pass < 300 * test_multiplier(); pass++) {
      f.trace.thin_index = pass * ROWS;
      forward(sac_kernels_get(), &f, 0, ROWS);
      for (size_t b = 0; b < ROWS; b++)
        for (size_t c = 0; c < 64; c++) {
          const float *keep = f.trace.keep[0] + b * f.trace.ld[0] + c;
          assert_true(*keep == 0.0f || *keep == (float)(1.0 / (1.0 - (double)(float)p)));
          n += 1.0, dropped += *keep == 0.0f;
          if (c + 1 < 64) pairs += 1.0, both += keep[0] == 0.0f && keep[1] == 0.0f;
        }
    }
    assert_z((dropped - n * p) / sqrt(n * p * (1.0 - p)));
    /* of pairs that overlap the variance is at most three times that of as many apart */
    assert_z((both - pairs * p * p) / sqrt(3.0 * pairs * p * p * (1.0 - p * p)));
    free(f.block);
  }
}

/* A pass without trace->thin is whole. */
static void dropout_is_off_unless_a_pass_asks(void **state) {
  (void)state;
  struct fixture f = setup(sac_kernels_get(), &shapes[1], &forms[4]);
  f.trace.thin = 0;
  check_forward(sac_kernels_get(), &f);
  check_inputs(sac_kernels_get(), &f);
  free(f.block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_is_the_formula),
      cmocka_unit_test(parameter_gradients_match_finite_differences),
      cmocka_unit_test(input_gradients_match_finite_differences),
      cmocka_unit_test(a_split_of_rows_gives_the_same_bits),
      cmocka_unit_test(every_unit_has_an_owner),
      cmocka_unit_test(dropout_drops_its_share),
      cmocka_unit_test(dropout_is_off_unless_a_pass_asks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
