/* The bodies simba, bro and simbav2 against their formulas in double, written down from the papers
 * and not from the layers' fields, and their gradients against central differences. */
#include "nn/mlp.h"
#include "nn/norm.h"
#include "sac/agent.h"
#include "sac/random.h"
#include "statistics.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 9, WIDEST = 80 };

static const double eps = 1e-3;

struct shape {
  size_t in, out, parts, blocks;
  uint32_t width;
};
static const struct shape shapes[] = {
    {5, 1, 1, 1, 7}, {6, 1, 1, 2, 17}, {7, 12, 2, 2, 9}, {20, 21, 1, 3, 5}, {3, 2, 2, 1, 16},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const int bodies[] = {SAC_NET_SIMBA, SAC_NET_BRO, SAC_NET_SIMBAV2};
enum { BODIES = sizeof bodies / sizeof *bodies };

struct fixture {
  sac_mlp net;
  sac_trace trace;
  const struct shape *shape;
  int body;
  float *x, *y, *dy, *dx, *scratch;
  size_t ldx, ldy;
  double *w, *inputs;
  void *block;
};

static void layout(sac_arena *m, struct fixture *f) {
  const struct shape *s = f->shape;
  sac_widths hidden = {(uint32_t)s->blocks, {0}};
  for (size_t i = 0; i < s->blocks; i++) hidden.width[i] = s->width;
  const sac_mlp_spec spec = {.in = s->in,
                             .out = s->out,
                             .hidden = &hidden,
                             .body = f->body,
                             .parts = s->parts,
                             .trained = 1,
                             .with_target = 1,
                             .norm = {.eps = eps}};
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

/* Vectors that training would have moved: what is 1, 0 or the same for all columns at the start. */
static void disturb(struct fixture *f, sac_stream *stream) {
  for (size_t l = 0; l < f->net.layers; l++) {
    const sac_layer *layer = &f->net.layer[l];
    const sac_norm *const norms[] = {&layer->before, &layer->after};
    for (int i = 0; i < 2; i++)
      for (size_t c = 0; c < norms[i]->width; c++) {
        float *gamma = f->net.w + norms[i]->offset + c;
        *gamma *= (float)(0.5 + sac_stream_uniform(stream));
        gamma[sac_padded(norms[i]->width)] = (float)(sac_stream_uniform(stream) - 0.5);
      }
    for (size_t c = 0; c < layer->gain.width; c++)
      f->net.w[layer->gain.offset + c] *= (float)(0.5 + sac_stream_uniform(stream));
  }
}

static struct fixture setup(const sac_kernels *k, const struct shape *s, int body) {
  struct fixture f = {.shape = s, .body = body};
  sac_arena m = {0};
  layout(&m, &f);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  f.block = m.base;
  layout(&m, &f);
  sac_mlp_init(k, &f.net, SAC_MLP_TORCH, 7, 0);
  sac_stream stream = sac_stream_make(7, SAC_STREAM_USER, 0);
  disturb(&f, &stream);
  for (size_t b = 0; b < ROWS; b++) {
    for (size_t i = 0; i < s->in; i++)
      f.x[b * f.ldx + i] = (float)(4.0 * sac_stream_uniform(&stream) - 2.0);
    for (size_t i = s->in; i < f.ldx; i++) f.x[b * f.ldx + i] = 7.0f; /* no part of the input */
    for (size_t i = 0; i < s->in; i++) f.inputs[b * s->in + i] = (double)f.x[b * f.ldx + i];
    for (size_t o = 0; o < s->out; o++)
      f.dy[b * f.ldy + o] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
  }
  for (size_t i = 0; i < f.net.count; i++) f.w[i] = (double)f.net.w[i];
  return f;
}

/* --- the formulas in double ------------------------------------------------------------------ */

/* z = x W + b of product l; biases by the caller's word. */
static void dense(const struct fixture *f, size_t l, size_t in, size_t out, int bias,
                  const double *x, double *z) {
  const size_t ld = out == 1 && l + 1 == f->net.layers ? 1 : sac_padded(out);
  const double *W = f->w + f->net.layer[l].offset;
  for (size_t o = 0; o < out; o++) {
    z[o] = bias ? W[in * ld + o] : 0.0;
    for (size_t i = 0; i < in; i++) z[o] += x[i] * W[i * ld + o];
  }
}

static void layer_norm(const struct fixture *f, size_t offset, size_t N, double *x) {
  const double *gamma = f->w + offset, *beta = gamma + sac_padded(N);
  double mean = 0.0, var = 0.0;
  for (size_t c = 0; c < N; c++) mean += x[c] / (double)N;
  for (size_t c = 0; c < N; c++) var += (x[c] - mean) * (x[c] - mean) / (double)N;
  for (size_t c = 0; c < N; c++) x[c] = gamma[c] * (x[c] - mean) / sqrt(var + eps) + beta[c];
}

static void relu(size_t N, double *x) {
  for (size_t c = 0; c < N; c++) x[c] = fmax(x[c], 0.0);
}

static void simba(const struct fixture *f, const double *x, double *y) {
  const size_t H = f->shape->width, top = 2 * f->shape->blocks + 1;
  const sac_layer *layer = f->net.layer;
  double h[WIDEST], u[WIDEST], z[WIDEST];
  dense(f, 0, f->shape->in, H, 1, x, h);
  for (size_t l = 1; l < top; l += 2) {
    memcpy(u, h, sizeof u);
    layer_norm(f, layer[l].before.offset, H, u);
    dense(f, l, H, 4 * H, 1, u, z);
    relu(4 * H, z);
    dense(f, l + 1, 4 * H, H, 1, z, u);
    for (size_t c = 0; c < H; c++) h[c] += u[c];
  }
  layer_norm(f, layer[top].before.offset, H, h);
  dense(f, top, H, f->shape->out, 1, h, y);
}

static void bro(const struct fixture *f, const double *x, double *y) {
  const size_t H = f->shape->width, top = 2 * f->shape->blocks + 1;
  const sac_layer *layer = f->net.layer;
  double h[WIDEST], u[WIDEST], z[WIDEST];
  dense(f, 0, f->shape->in, H, 1, x, h);
  layer_norm(f, layer[0].after.offset, H, h);
  relu(H, h);
  for (size_t l = 1; l < top; l += 2) {
    dense(f, l, H, H, 1, h, z);
    layer_norm(f, layer[l].after.offset, H, z);
    relu(H, z);
    dense(f, l + 1, H, H, 1, z, u);
    layer_norm(f, layer[l + 1].after.offset, H, u);
    for (size_t c = 0; c < H; c++) h[c] += u[c];
  }
  dense(f, top, H, f->shape->out, 1, h, y);
}

static void to_sphere(size_t N, double *x) {
  double square = 0.0;
  for (size_t c = 0; c < N; c++) square += x[c] * x[c];
  for (size_t c = 0; c < N; c++) x[c] /= fmax(sqrt(square), 1e-8);
}

static void scale(const struct fixture *f, size_t l, size_t N, double by, double *x) {
  for (size_t c = 0; c < N; c++) x[c] *= by * f->w[f->net.layer[l].gain.offset + c];
}

static void simbav2(const struct fixture *f, const double *x, double *y) {
  const size_t H = f->shape->width, in = f->shape->in, n = f->shape->blocks;
  const size_t parts = f->shape->parts, top = 2 * n + 2, out = f->shape->out / parts;
  const double *W = f->w + f->net.layer[top].offset;
  const size_t ld = f->net.layer[top].ld;
  double h[WIDEST], u[WIDEST], z[WIDEST];
  memcpy(u, x, in * sizeof *u);
  u[in] = 3.0;
  to_sphere(in + 1, u);
  dense(f, 0, in + 1, H, 0, u, h);
  scale(f, 0, H, 1.0, h);
  to_sphere(H, h);
  for (size_t l = 1; l < 2 * n + 1; l += 2) {
    dense(f, l, H, 4 * H, 0, h, z);
    scale(f, l, 4 * H, 1.0, z);
    relu(4 * H, z);
    for (size_t c = 0; c < 4 * H; c++) z[c] += 1e-8;
    dense(f, l + 1, 4 * H, H, 0, z, u);
    to_sphere(H, u);
    for (size_t c = 0; c < H; c++) u[c] -= h[c];
    scale(f, l + 1, H, sqrt((double)H) / (double)(n + 1), u);
    for (size_t c = 0; c < H; c++) h[c] += u[c];
    to_sphere(H, h);
  }
  dense(f, top - 1, H, parts * H, 0, h, z);
  scale(f, top - 1, parts * H, 1.0, z);
  for (size_t o = 0; o < f->shape->out; o++) { /* each part from its own H columns */
    y[o] = W[parts * H * ld + o];
    for (size_t i = 0; i < H; i++) y[o] += z[o / out * H + i] * W[(o / out * H + i) * ld + o];
  }
}

static void formula(const struct fixture *f, size_t b, double *y) {
  static void (*const of[])(const struct fixture *f, const double *x, double *y) = {
      [SAC_NET_SIMBA] = simba, [SAC_NET_BRO] = bro, [SAC_NET_SIMBAV2] = simbav2};
  of[f->body](f, f->inputs + b * f->net.in, y);
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
  sac_mlp_refresh(k, &f->net);
  forward(k, f, 0, ROWS);
  for (size_t b = 0; b < ROWS; b++) {
    formula(f, b, y);
    for (size_t o = 0; o < f->net.out; o++)
      assert_close((double)f->y[b * f->ldy + o], y[o], 1e-5, 1e-5);
  }
}

static void step(const sac_kernels *k, struct fixture *f) {
  /* with beta1 = 0 the first moment is the gradient itself */
  const sac_adam_step adam = {.beta2 = 0.999f, .eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f, .lr = 0.1f};
  sac_mlp_refresh(k, &f->net);
  forward(k, f, 0, 4), forward(k, f, 4, ROWS);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, 4, &f->trace);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 4, ROWS, &f->trace);
  for (size_t u = 0; u < f->net.units; u++)
    sac_mlp_step(k, &f->net, u, ROWS, f->x, f->ldx, &f->trace, f->dy, f->ldy, &adam, 0.5f,
                 f->scratch);
}

/* Every parameter, padding and absent biases included: their formulas do not read them. */
static void check_weights(const sac_kernels *k, struct fixture *f) {
  double square = 0.0;
  step(k, f);
  for (size_t i = 0; i < f->net.count; i++) {
    const double want = difference(f, f->w + i, ROWS);
    assert_close((double)f->net.m[i], want, 3e-5, 5e-5);
    square += want * want;
  }
  assert_close(sac_mlp_grad_square(&f->net), square, 0.0, 5e-5);
}

static void check_inputs(const sac_kernels *k, struct fixture *f) {
  const size_t column = f->net.in / 3, columns = f->net.in - column, n = 4, first = 2;
  const size_t rows[] = {7, 0, 3, 8};
  sac_mlp_refresh(k, &f->net);
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
                     difference(f, f->inputs + rows[i] * f->net.in + column + c, rows[i]), 3e-5,
                     5e-5);
  }
  free(dy);
}

/* A row's result depends on that row alone. */
static void check_split(const sac_kernels *k, struct fixture *f) {
  float *y = malloc(ROWS * f->ldy * sizeof *y), *d = malloc(ROWS * f->trace.ld[0] * sizeof *d);
  sac_mlp_refresh(k, &f->net);
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

/* Biases that are not there stay zero, in the target too, and so do weights between parts. */
static void check_absent(const sac_kernels *k, struct fixture *f) {
  if (f->body != SAC_NET_SIMBAV2) return;
  const size_t top = f->net.layers - 1, H = f->shape->width;
  step(k, f);
  for (size_t l = 0; l <= top; l++) {
    const sac_layer *layer = &f->net.layer[l];
    const size_t bias = layer->offset + layer->in * layer->ld;
    assert_int_equal(layer->biasless, l < top);
    for (size_t o = 0; l < top && o < layer->out; o++)
      assert_true(f->net.w[bias + o] == 0.0f && f->net.target[bias + o] == 0.0f);
  }
  const sac_layer *last = &f->net.layer[top];
  for (size_t i = 0; i < last->in; i++)
    for (size_t o = 0; o < last->out; o++)
      assert_int_equal(f->net.w[last->offset + i * last->ld + o] != 0.0f,
                       i / H == o / (last->out / f->shape->parts));
}

/* Every shape of every body on every table that this CPU has. */
static void for_each(void (*check)(const sac_kernels *k, struct fixture *f)) {
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
    const sac_kernels *k = sac_kernels_find(isas[t]);
    for (size_t i = 0; k && i < SHAPES * BODIES; i++) {
      struct fixture f = setup(k, &shapes[i / BODIES], bodies[i % BODIES]);
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
static void what_is_absent_stays_so(void **state) {
  (void)state;
  for_each(check_absent);
}

/* Without a gradient a step leaves decay alone: of weights, and if it is of all, of vectors too. */
static void check_decay(const sac_kernels *k, struct fixture *f) {
  memset(f->dy, 0, ROWS * f->ldy * sizeof *f->dy);
  for (int all = 0; all < 2; all++) {
    const sac_adam_step adam = {.eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f, .decay = 0.25f, .all = all};
    for (size_t i = 0; i < f->net.count; i++) f->net.w[i] = (float)f->w[i];
    sac_mlp_refresh(k, &f->net);
    forward(k, f, 0, ROWS);
    sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, ROWS, &f->trace);
    for (size_t u = 0; u < f->net.units; u++)
      sac_mlp_step(k, &f->net, u, ROWS, f->x, f->ldx, &f->trace, f->dy, f->ldy, &adam, 0.5f,
                   f->scratch);
    for (size_t l = 0; l < f->net.layers; l++) {
      const sac_layer *layer = &f->net.layer[l];
      const size_t weights = layer->in * layer->ld, next = layer->offset + weights;
      const size_t end = l + 1 < f->net.layers ? f->net.layer[l + 1].offset : f->net.count;
      for (size_t i = layer->offset; i < end; i++) /* a layer's vectors follow its weights */
        assert_close((double)f->net.w[i], f->w[i] * (i < next || all ? 0.75 : 1.0), 0.0, 1e-6);
    }
  }
}

static void weights_decay_and_if_told_all(void **state) {
  (void)state;
  for_each(check_decay);
}

/* configs/agent/simbaV2.yaml: factors begin at sqrt(2/H), half of that in the wider layers, 1
 * before the last; interpolations at 1/(n+1) = 1/3, of parameters that are 1/sqrt(H). */
static void gains_begin_where_the_authors_begin(void **state) {
  (void)state;
  const struct shape s = {4, 6, 2, 2, 32};
  struct fixture f = {.shape = &s, .body = SAC_NET_SIMBAV2};
  sac_arena m = {0};
  layout(&m, &f);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  layout(&m, &f);
  sac_mlp_init(sac_kernels_get(), &f.net, SAC_MLP_LECUN, 7, 0);
  static const double want[] = {0.25, 0.125, 1.0, 0.125, 1.0, 1.0}; /* sqrt(2/32) = 1/4 */
  for (size_t l = 0; l < 6; l++) {
    const sac_gain *g = &f.net.layer[l].gain;
    const double unit = l == 2 || l == 4 ? 1.0 / sqrt(32.0) : 1.0;
    assert_int_equal(g->width, l == 1 || l == 3 ? 128 : l == 5 ? 64 : 32);
    for (size_t c = 0; c < g->width; c++)
      assert_close((double)f.net.w[g->offset + c], want[l] * unit, 0.0, 1e-7);
    if (l == 2 || l == 4) assert_close(g->by * (double)f.net.w[g->offset], 1.0 / 3.0, 0.0, 1e-7);
  }
  assert_int_equal(f.net.layer[6].gain.width, 0);
  free(m.base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_is_the_formula),
      cmocka_unit_test(parameter_gradients_match_finite_differences),
      cmocka_unit_test(input_gradients_match_finite_differences),
      cmocka_unit_test(a_split_of_rows_gives_the_same_bits),
      cmocka_unit_test(what_is_absent_stays_so),
      cmocka_unit_test(weights_decay_and_if_told_all),
      cmocka_unit_test(gains_begin_where_the_authors_begin),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
