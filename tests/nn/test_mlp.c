/* A network's passes against the same network in double: the forward pass against the formula, the
 * gradients of L = sum_b c_b . y_b against central differences of that formula in every parameter
 * and every input, on each instruction set and for any split of rows among threads. */
#include "check.h"
#include "nn/mlp.h"
#include "sac/agent.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { B = 11, WIDEST = 80 };

struct shape {
  size_t in, out;
  sac_widths hidden;
};

/* widths below, at and above a multiple of the padding; depths 1 to 5; one output and several */
static const struct shape shapes[] = {
    {5, 1, {1, {7}}},         {16, 1, {1, {16}}},           {3, 4, {1, {9}}},
    {6, 1, {2, {33, 17}}},    {23, 1, {2, {32, 48}}},       {7, 12, {2, {40, 15}}},
    {9, 1, {3, {30, 17, 5}}}, {2, 6, {3, {16, 1, 8}}},      {8, 1, {4, {20, 18, 40, 16}}},
    {50, 2, {2, {65, 64}}},   {4, 1, {5, {9, 8, 7, 6, 5}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct fixture {
  sac_mlp net;
  sac_trace trace;
  float *x, *y, *dy, *dx, *scratch;
  size_t ldx, ldy, lddx, *rows;
  double *w;      /* (count) the parameters in double */
  double *inputs; /* (B, in) */
  void *block;
};

static void layout(sac_arena *m, struct fixture *f, const struct shape *s) {
  f->ldx = sac_row(s->in), f->ldy = s->out == 1 ? 1 : sac_row(s->out), f->lddx = f->ldx;
  sac_mlp_layout(m, &f->net,
                 &(sac_mlp_spec){.in = s->in,
                                 .out = s->out,
                                 .hidden = &s->hidden,
                                 .trained = 1,
                                 .with_target = s->out == 1});
  sac_trace_layout(m, &f->trace, &f->net, B);
  f->x = SAC_TAKE(m, float, B * f->ldx);
  f->y = SAC_TAKE(m, float, B * f->ldy);
  f->dy = SAC_TAKE(m, float, B * f->ldy);
  f->dx = SAC_TAKE(m, float, B * f->lddx);
  f->rows = SAC_TAKE(m, size_t, B);
  f->scratch = SAC_TAKE(m, float, f->net.scratch + SAC_LANES);
  f->w = SAC_TAKE(m, double, f->net.count);
  f->inputs = SAC_TAKE(m, double, B * s->in);
}

static struct fixture setup(const sac_kernels *k, const struct shape *s) {
  struct fixture f;
  sac_arena m = {0};
  layout(&m, &f, s);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  f.block = m.base;
  layout(&m, &f, s);
  sac_mlp_init(k, &f.net, SAC_INIT_TORCH, 7, 0); /* the biases random too */
  sac_stream stream = sac_stream_make(7, SAC_STREAM_USER, 0);
  for (size_t b = 0; b < B; b++) {
    f.rows[b] = b;
    for (size_t i = 0; i < s->in; i++)
      f.x[b * f.ldx + i] = (float)(4.0 * sac_stream_uniform(&stream) - 2.0);
    for (size_t i = 0; i < s->in; i++) f.inputs[b * s->in + i] = (double)f.x[b * f.ldx + i];
    for (size_t o = 0; o < s->out; o++)
      f.dy[b * f.ldy + o] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
  }
  for (size_t i = 0; i < f.net.count; i++) f.w[i] = (double)f.net.w[i];
  return f;
}

/* y_o of one row, in double. */
static void formula(const sac_mlp *net, const double *w, const double *x, double y[WIDEST]) {
  double h[WIDEST];
  memcpy(h, x, net->in * sizeof *h);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const double *W = w + layer->offset, *bias = W + layer->in * layer->ld;
    for (size_t o = 0; o < layer->out; o++) {
      y[o] = bias[o];
      for (size_t i = 0; i < layer->in; i++) y[o] += h[i] * W[i * layer->ld + o];
    }
    for (size_t o = 0; o < layer->out; o++) h[o] = fmax(y[o], 0.0);
  }
}

/* L, of one row or (row == B) of all. */
static double loss(const struct fixture *f, size_t row) {
  double sum = 0.0, y[WIDEST];
  for (size_t b = 0; b < B; b++) {
    if (row < B && b != row) continue;
    formula(&f->net, f->w, f->inputs + b * f->net.in, y);
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

static void forward(const sac_kernels *k, struct fixture *f, size_t first, size_t last) {
  sac_mlp_forward(k, &f->net, f->net.w, f->x, f->ldx, first, last, &f->trace, f->y, f->ldy);
}

static void step_all(const sac_kernels *k, struct fixture *f, const sac_adam_step *adam,
                     float tau) {
  for (size_t u = 0; u < f->net.units; u++)
    sac_mlp_step(k, &f->net, u, B, f->x, f->ldx, &f->trace, f->dy, f->ldy, adam, tau, f->scratch);
}

/* Every shape on every table that this CPU has. */
static void for_each(void (*check)(const sac_kernels *k, struct fixture *f)) {
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  for (size_t t = 0; t < sizeof isas / sizeof *isas; t++) {
    const sac_kernels *k = sac_kernels_find(isas[t]);
    for (size_t i = 0; k && i < SHAPES; i++) {
      struct fixture f = setup(k, &shapes[i]);
      check(k, &f);
      free(f.block);
    }
  }
}

/* float sums of up to 80 products of numbers of size 1: a few 1e-6 */
static void check_forward(const sac_kernels *k, struct fixture *f) {
  double y[WIDEST];
  forward(k, f, 0, B);
  for (size_t b = 0; b < B; b++) {
    formula(&f->net, f->w, f->inputs + b * f->net.in, y);
    for (size_t o = 0; o < f->net.out; o++)
      assert_close((double)f->y[b * f->ldy + o], y[o], 3e-6, 3e-6);
  }
}

static void forward_is_the_formula(void **state) {
  (void)state;
  for_each(check_forward);
}

/* With beta1 = 0 the first moment is the gradient itself. No input lies so near a kink of a ReLU
 * that the differences see it (the test would fail, not pass, if one did). */
static void check_weights(const sac_kernels *k, struct fixture *f) {
  const sac_adam_step adam = {.lr = 0.0f, .beta2 = 0.999f, .eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f};
  double square = 0.0;
  forward(k, f, 0, B);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, B, &f->trace);
  step_all(k, f, &adam, 0.0f);
  for (size_t l = 0; l < f->net.layers; l++) {
    const sac_layer *layer = &f->net.layer[l];
    for (size_t i = 0; i <= layer->in; i++) /* the bias is the last row */
      for (size_t o = 0; o < layer->out; o++) {
        const size_t at = layer->offset + i * layer->ld + o;
        const double want = difference(f, f->w + at, B);
        assert_close((double)f->net.m[at], want, 5e-6, 1e-5);
        square += want * want;
      }
  }
  assert_close(sac_mlp_grad_square(&f->net), square, 0.0, 1e-5);
}

static void weight_gradients_match_finite_differences(void **state) {
  (void)state;
  for_each(check_weights);
}

/* dL/dx for some rows in another order and some columns; of one output, dy/dx too. */
static void check_inputs(const sac_kernels *k, struct fixture *f) {
  const size_t column = f->net.in / 3, columns = f->net.in - column, n = 4, first = 2;
  const size_t rows[] = {9, 0, 3, 10};
  forward(k, f, 0, B);
  float *dy = calloc(n * f->ldy, sizeof *dy);
  for (size_t i = 0; i < n; i++)
    memcpy(dy + i * f->ldy, f->dy + rows[i] * f->ldy, f->net.out * sizeof *dy);
  for (int ones = 0; ones <= (f->net.out == 1); ones++) {
    if (ones)
      for (size_t b = 0; b < B; b++) f->dy[b] = 1.0f;
    sac_mlp_input_gradient(k, &f->net, n, rows, ones ? NULL : dy, f->ldy, first, &f->trace, column,
                           columns, f->dx, f->lddx);
    for (size_t i = 0; i < n; i++)
      for (size_t c = 0; c < columns; c++)
        assert_close((double)f->dx[i * f->lddx + c],
                     difference(f, f->inputs + rows[i] * f->net.in + column + c, rows[i]), 5e-6,
                     1e-5);
  }
  free(dy);
}

static void input_gradients_match_finite_differences(void **state) {
  (void)state;
  for_each(check_inputs);
}

/* A row's result depends on that row alone: passes in pieces give the same bits. */
static void check_split(const sac_kernels *k, struct fixture *f) {
  static const size_t ends[] = {0, 1, 2, 5, 9, B};
  const size_t top = f->net.layers - 2, floats = B * f->trace.ld[top];
  float *y = malloc(B * f->ldy * sizeof *y), *d = malloc(B * f->trace.ld[0] * sizeof *d);
  float *h = malloc(floats * sizeof *h);
  forward(k, f, 0, B);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, B, &f->trace);
  memcpy(y, f->y, B * f->ldy * sizeof *y);
  memcpy(h, f->trace.h[top], floats * sizeof *h);
  memcpy(d, f->trace.d[0], B * f->trace.ld[0] * sizeof *d);
  memset(f->y, 0, B * f->ldy * sizeof *y);
  for (size_t i = 0; i + 1 < sizeof ends / sizeof *ends; i++) {
    forward(k, f, ends[i], ends[i + 1]);
    sac_mlp_backward(k, &f->net, f->dy, f->ldy, ends[i], ends[i + 1], &f->trace);
  }
  assert_memory_equal(y, f->y, B * f->ldy * sizeof *y);
  assert_memory_equal(h, f->trace.h[top], floats * sizeof *h);
  assert_memory_equal(d, f->trace.d[0], B * f->trace.ld[0] * sizeof *d);
  free(y), free(d), free(h);
}

static void a_split_of_rows_gives_the_same_bits(void **state) {
  (void)state;
  for_each(check_split);
}

/* Padding stays zero through steps, and with it the padded activations; the transposes used by the
 * backward pass are those of the stepped weights, and the order of the units does not matter. */
static void check_step(const sac_kernels *k, struct fixture *f) {
  const sac_adam_step adam = {0.1f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
  forward(k, f, 0, B);
  sac_mlp_backward(k, &f->net, f->dy, f->ldy, 0, B, &f->trace);
  float *before = malloc(f->net.count * sizeof *before);
  memcpy(before, f->net.w, f->net.count * sizeof *before);
  step_all(k, f, &adam, f->net.target ? 0.25f : 0.0f);
  for (size_t l = 0; l < f->net.layers; l++) {
    const sac_layer *layer = &f->net.layer[l];
    for (size_t i = 0; i <= layer->in; i++)
      for (size_t o = 0; o < layer->ld; o++) {
        const size_t at = layer->offset + i * layer->ld + o;
        const float w = f->net.w[at];
        if (o >= layer->out) assert_true(w == 0.0f && f->net.m[at] == 0.0f);
        if (layer->Wt && i < layer->in) assert_true(layer->Wt[o * layer->ldt + i] == w);
        /* the target was equal to the weight before, and goes a quarter of the way to the new */
        if (f->net.target)
          assert_close((double)f->net.target[at], 0.75 * (double)before[at] + 0.25 * (double)w,
                       1e-7, 1e-6);
      }
  }
  forward(k, f, 0, B);
  for (size_t l = 0; l + 1 < f->net.layers; l++)
    for (size_t b = 0; b < B; b++)
      for (size_t o = f->net.layer[l].out; o < sac_padded(f->net.layer[l].out); o++)
        assert_true(f->trace.h[l][b * f->trace.ld[l] + o] == 0.0f);
  free(before);
}

static void a_step_keeps_padding_transposes_and_targets(void **state) {
  (void)state;
  for_each(check_step);
}

/* Threads' shares follow each other and end where the units end; and none has more than its part of
 * the weights and half a unit at each end of it. */
static void check_shares(const sac_mlp *net, size_t networks, size_t T) {
  size_t next = 0, all = 0, largest = 0;
  for (size_t u = 0; u < net->units; u++) {
    const size_t weights = net->unit[u].rows * net->layer[net->unit[u].layer].ld;
    all += weights * networks;
    largest = weights > largest ? weights : largest;
  }
  for (size_t t = 0; t < T; t++) {
    size_t first, last, own = 0;
    sac_mlp_share(net, networks, t, T, &first, &last);
    assert_true(first <= last);
    if (first < last) assert_int_equal(first, next);
    if (first < last) next = last;
    for (size_t i = first; i < last; i++) {
      const sac_unit *unit = &net->unit[i % net->units];
      own += unit->rows * net->layer[unit->layer].ld;
    }
    assert_true(own <= all / T + largest);
  }
  assert_int_equal(next, networks * net->units);
}

static void shares_of_units_are_whole_and_even(void **state) {
  (void)state;
  for (size_t i = 0; i < SHAPES; i++) {
    struct fixture f = setup(sac_kernels_get(), &shapes[i]);
    for (size_t T = 1; T < 9; T++)
      for (size_t networks = 1; networks < 4; networks++) check_shares(&f.net, networks, T);
    free(f.block);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward_is_the_formula),
      cmocka_unit_test(weight_gradients_match_finite_differences),
      cmocka_unit_test(input_gradients_match_finite_differences),
      cmocka_unit_test(a_split_of_rows_gives_the_same_bits),
      cmocka_unit_test(a_step_keeps_padding_transposes_and_targets),
      cmocka_unit_test(shares_of_units_are_whole_and_even),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
