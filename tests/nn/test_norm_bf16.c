/* Networks with norms of a batch and bf16 products, beside the same network in fp32 and, in
 * evaluation mode, beside themselves in fp32.
 *
 * Activations, their gradients, folded weights and the transposes are rounded to 8 bits, by at most
 * 2^-9 of each. What a norm makes of an activation is off by that times mean / sigma, which is up
 * to 6 here, and this grows through up to three layers: 2 % of a tensor's 2-norm were seen, and
 * CLOSE is twice that. A term left out, a sign or a row too few is 12 % or more (seen by breaking
 * lines of mlp_train_bf16.c). That roundings are where they are said to be is for the oracle, which
 * does the same. */
#include "check.h"
#include "nn/mlp.h"
#include "nn/norm.h"
#include "sac/agent.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 66, THREADS_MAX = 4 };
static const double CLOSE = 0.04;

struct shape {
  size_t in, out, rows;
  sac_widths hidden;
};
/* an even and an odd number of rows, widths beside a multiple of the padding, a layer of more than
 * one block of columns, one output and several */
static const struct shape shapes[] = {
    {23, 1, 66, {2, {100, 65}}},
    {5, 1, 33, {1, {31}}},
    {7, 12, 65, {3, {40, 48, 33}}},
    {3, 2, 48, {2, {130, 17}}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const sac_norm_spec specs[] = {
    {.kind = SAC_NORM_BATCH, .place = SAC_NORM_INPUTS},
    {.kind = SAC_NORM_RENORM, .place = SAC_NORM_INPUTS},
};
enum { SPECS = sizeof specs / sizeof *specs };

struct fixture {
  const sac_kernels *k;
  const struct shape *shape;
  sac_mlp net;
  sac_trace trace, plain; /* of its precision; fp32 */
  float *x, *y, *dy, *dx, *scratch;
  size_t ldx, ldy;
  void *block;
  sac_pool *pool;
  sac_adam_step adam;
  int target;
};

static const sac_kernels_bf16 *products(void) {
  return sac_kernels_bf16_get();
}

static void layout(sac_arena *m, struct fixture *f, const sac_norm_spec *norm, int bf16) {
  const struct shape *s = f->shape;
  sac_mlp_spec spec = {.in = s->in,
                       .out = s->out,
                       .hidden = &s->hidden,
                       .trained = 1,
                       .with_target = 1,
                       .bf16 = bf16 ? products() : NULL,
                       .norm = *norm};
  spec.norm.momentum = 0.9, spec.norm.eps = 1e-6, spec.norm.r_max = 1.25, spec.norm.d_max = 0.4;
  f->ldx = sac_row(s->in), f->ldy = s->out == 1 ? 1 : sac_row(s->out);
  sac_mlp_layout(m, &f->net, &spec);
  sac_trace_layout_training(m, &f->trace, &f->net, ROWS_MAX);
  sac_trace_layout(m, &f->plain, &f->net, ROWS_MAX);
  f->x = SAC_TAKE(m, float, ROWS_MAX * f->ldx);
  f->y = SAC_TAKE(m, float, ROWS_MAX * f->ldy);
  f->dy = SAC_TAKE(m, float, ROWS_MAX * f->ldy);
  f->dx = SAC_TAKE(m, float, ROWS_MAX * f->ldx);
  f->scratch = SAC_TAKE(m, float, THREADS_MAX *sac_row(f->net.scratch));
}

/* Parameters and running statistics as if some training lay behind them. */
static void disturb(const sac_kernels *k, sac_mlp *net, sac_stream *s) {
  for (size_t l = 0; l < net->layers; l++) {
    const sac_norm *norm = &net->layer[l].before;
    for (size_t c = 0; c < norm->width; c++) {
      net->w[norm->offset + c] = (float)(0.5 + sac_stream_uniform(s));
      net->w[norm->offset + sac_padded(norm->width) + c] = (float)(sac_stream_uniform(s) - 0.5);
      norm->mean[c] = (float)(0.5 * sac_stream_uniform(s) - 0.1);
      norm->var[c] = (float)(0.05 + 0.5 * sac_stream_uniform(s));
      norm->target_mean[c] = norm->mean[c], norm->target_var[c] = norm->var[c];
    }
  }
  memcpy(net->target, net->w, net->count * sizeof *net->w);
  sac_mlp_refresh(k, net);
}

static struct fixture setup(const struct shape *s, const sac_norm_spec *norm, int bf16,
                            size_t threads) {
  struct fixture f = {.k = sac_kernels_get(), .shape = s};
  sac_arena m = {0};
  layout(&m, &f, norm, bf16);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  f.block = m.base;
  layout(&m, &f, norm, bf16);
  assert_int_equal(sac_pool_create(threads, &f.pool, NULL), SAC_OK);
  sac_mlp_init(f.k, &f.net, SAC_MLP_TORCH, 7, 0);
  sac_stream stream = sac_stream_make(7, SAC_STREAM_USER, 0);
  disturb(f.k, &f.net, &stream);
  for (size_t b = 0; b < s->rows; b++) {
    for (size_t i = 0; i < s->in; i++)
      f.x[b * f.ldx + i] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0 + 0.5 * (double)i);
    for (size_t i = s->in; i < f.ldx; i++) f.x[b * f.ldx + i] = 7.0f; /* no part of the input */
    for (size_t o = 0; b < s->rows / 2 && o < s->out; o++)            /* the joint pass of CrossQ */
      f.dy[b * f.ldy + o] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
  }
  f.adam = (sac_adam_step){.lr = 0.0f, .beta2 = 0.999f, .eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f};
  return f;
}

static void teardown(struct fixture *f) {
  sac_pool_destroy(f->pool);
  free(f->block);
}

static void collective(void *ctx, size_t t, size_t T) {
  struct fixture *f = ctx;
  const sac_mlp_batch batch = {.net = &f->net,
                               .target = f->target,
                               .rows = f->shape->rows,
                               .x = f->x,
                               .ldx = f->ldx,
                               .trace = &f->trace,
                               .y = f->y,
                               .ldy = f->ldy,
                               .dy = f->dy,
                               .adam = &f->adam,
                               .tau = 0.3f};
  float *scratch = f->scratch + t * sac_row(f->net.scratch);
  sac_mlp_train_forward(f->k, f->pool, 1, &batch, t, T, scratch);
  if (!f->target) sac_mlp_train_step(f->k, f->pool, 1, &batch, t, T, scratch);
}

static void train(struct fixture *f) {
  sac_pool_run(f->pool, collective, f);
}

static void for_each(void (*check)(const struct shape *s, const sac_norm_spec *norm)) {
  if (!products()) {
    print_message("%s has no bf16 products: skipped\n", sac_isa());
    skip();
  }
  for (size_t s = 0; s < SHAPES; s++)
    for (size_t n = 0; n < SPECS; n++) check(&shapes[s], &specs[n]);
}

/* |got - want| <= by |want|, in the 2-norm. */
static void compare(const char *what, size_t l, size_t n, const float *got, const float *want,
                    double by) {
  double off = 0.0, size = 0.0;
  for (size_t i = 0; i < n; i++) {
    off += pow((double)got[i] - (double)want[i], 2);
    size += pow((double)want[i], 2);
  }
  if (!(sqrt(off) <= by * sqrt(size)))
    fail_msg("%s of layer %zu: off by %.3g of %.3g", what, l, sqrt(off), sqrt(size));
}

/* Biases by which a unit is open for every row, or every fourth closed: a ReLU that is open in one
 * precision alone would be no matter of rounding. */
static void decide_units(struct fixture *f, float bias) {
  for (size_t l = 0; l + 1 < f->net.layers; l++) {
    const sac_layer *layer = &f->net.layer[l];
    for (size_t o = 0; o < layer->out; o++)
      f->net.w[layer->offset + layer->in * layer->ld + o] = o % 4 == 3 ? -bias : bias;
  }
  sac_mlp_refresh(f->k, &f->net);
}

static void check_decided(const struct fixture *f) {
  for (size_t l = 0; l + 1 < f->net.layers; l++)
    for (size_t b = 0; b < f->shape->rows; b++)
      for (size_t o = 0; o < f->net.layer[l].out; o++) {
        const uint32_t h = f->trace.h_down[l][b / 2 * f->trace.ld_down[l] + o];
        assert_true((sac_bf16_float(h, (int)(b % 2)) > 0.0f) == (o % 4 != 3));
      }
}

/* With beta1 = 0 the first moment is the gradient itself. */
static void check_training(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture a = setup(s, norm, 1, 1), b = setup(s, norm, 0, 1);
  decide_units(&a, 3.5f), decide_units(&b, 3.5f);
  train(&a), train(&b);
  check_decided(&a);
  compare("outputs", a.net.layers, s->rows * a.ldy, a.y, b.y, CLOSE);
  for (size_t l = 0; l < a.net.layers; l++) {
    const sac_norm *p = &a.net.layer[l].before, *q = &b.net.layer[l].before;
    const size_t at = a.net.layer[l].offset, end = p->offset + 2 * sac_padded(p->width);
    compare("gradient", l, end - at, a.net.m + at, b.net.m + at, CLOSE);
    compare("dgamma", l, p->width, a.net.m + p->offset, b.net.m + p->offset, 2.0 * CLOSE);
    compare("running mean", l, p->width, p->mean, q->mean, CLOSE);
    compare("running variance", l, p->width, p->var, q->var, CLOSE);
  }
  assert_close(sac_mlp_grad_square(&a.net), sac_mlp_grad_square(&b.net), 0.0, 2.0 * CLOSE);
  assert_int_equal(sac_trace_bad_row(&a.net, &a.trace, s->rows), s->rows);
  teardown(&a), teardown(&b);
}

static void training_mode_is_that_of_fp32(void **state) {
  (void)state;
  for_each(check_training);
}

/* What the norm behind a ReLU that is open for every row sends back has no sum over the rows, and
 * none with xn: moving or scaling a column changes nothing. So it is for what is kept, up to the
 * rounding of each row, if moments and sums are of the numbers that were kept. */
static void check_balance(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture f = setup(s, norm, 1, 1);
  decide_units(&f, 12.0f);
  train(&f);
  check_decided(&f);
  for (size_t l = 0; l + 1 < f.net.layers; l++)
    for (size_t o = 0; o < f.net.layer[l].out; o += 4) {
      const float mean = f.trace.before[l + 1].mean[o], rstd = f.trace.before[l + 1].rstd[o];
      double sum = 0.0, dot = 0.0, size = 0.0, square = 0.0;
      for (size_t b = 0; b < s->rows; b++) {
        const size_t at = b / 2 * f.trace.ld_down[l] + o;
        const double d = (double)sac_bf16_float(f.trace.d_down[l][at], (int)(b % 2));
        const double h = (double)sac_bf16_float(f.trace.h_down[l][at], (int)(b % 2));
        const double xn = (h - (double)mean) * (double)rstd;
        sum += d, dot += d * xn, size += fabs(d), square += xn * xn / (double)s->rows;
      }
      assert_true(square < 1.0 + 1e-5);
      assert_close(sum, 0.0, 0x1p-9 * size, 0.0);
      assert_close(dot, 0.0, 0x1p-9 * size, 0.0);
    }
  teardown(&f);
}

static void what_a_norm_sends_back_is_balanced(void **state) {
  (void)state;
  for_each(check_balance);
}

/* Evaluation mode after steps is what the same weights and statistics give in fp32; and so is the
 * gradient in the input, of listed rows. */
static void check_evaluation(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture f = setup(s, norm, 1, 2), g = setup(s, norm, 0, 1);
  f.adam = (sac_adam_step){0.01f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
  for (int i = 0; i < 3; i++) train(&f);
  memcpy(g.net.w, f.net.w, f.net.count * sizeof *f.net.w);
  for (size_t l = 0; l < f.net.layers; l++) {
    const sac_norm *from = &f.net.layer[l].before, *to = &g.net.layer[l].before;
    memcpy(to->mean, from->mean, from->width * sizeof *to->mean);
    memcpy(to->var, from->var, from->width * sizeof *to->var);
  }
  sac_mlp_refresh(g.k, &g.net);
  sac_mlp_forward(g.k, &g.net, g.net.w, g.x, g.ldx, 0, s->rows, &g.trace, g.y, g.ldy);
  sac_mlp_forward(f.k, &f.net, f.net.w, f.x, f.ldx, 0, s->rows, &f.plain, f.y, f.ldy);
  assert_memory_equal(f.y, g.y, s->rows * f.ldy * sizeof *f.y);
  sac_mlp_forward(f.k, &f.net, f.net.w, f.x, f.ldx, 0, 6, &f.trace, f.y, f.ldy);
  sac_mlp_forward(f.k, &f.net, f.net.w, f.x, f.ldx, 6, s->rows, &f.trace, f.y, f.ldy);
  compare("outputs", f.net.layers, s->rows * f.ldy, f.y, g.y, CLOSE);
  const size_t rows[] = {31, 0, 3, 12, 7, 8, 30, 2, 20}, n = sizeof rows / sizeof *rows;
  const size_t column = s->in / 3, columns = s->in - column;
  for (size_t i = 0; i < n; i++)
    for (size_t o = 0; o < s->out; o++) f.dy[i * f.ldy + o] = g.dy[i * g.ldy + o];
  for (int ones = 0; ones <= (s->out == 1); ones++) {
    sac_mlp_input_gradient(f.k, &f.net, n, rows, ones ? NULL : f.dy, f.ldy, 4, &f.trace, column,
                           columns, f.dx, f.ldx);
    sac_mlp_input_gradient(g.k, &g.net, n, rows, ones ? NULL : f.dy, g.ldy, 4, &g.trace, column,
                           columns, g.dx, g.ldx);
    compare("dx", 0, n * f.ldx, f.dx, g.dx, 2.0 * CLOSE);
  }
  teardown(&f), teardown(&g);
}

static void evaluation_mode_is_that_of_fp32(void **state) {
  (void)state;
  for_each(check_evaluation);
}

/* What steps leave derived is what a fresh start derives, as from a checkpoint. */
static void check_refresh(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture f = setup(s, norm, 1, 1);
  f.adam = (sac_adam_step){0.01f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
  for (int i = 0; i < 3; i++) train(&f);
  for (int again = 0; again < 2; again++) {
    sac_mlp_forward(f.k, &f.net, f.net.w, f.x, f.ldx, 0, s->rows, &f.trace, f.y, f.ldy);
    sac_mlp_input_gradient(f.k, &f.net, 1, &(size_t){5}, f.dy, f.ldy, 0, &f.trace, 0, s->in, f.dx,
                           f.ldx);
    static float y[ROWS_MAX * 64], dx[64];
    if (again) assert_memory_equal(y, f.y, s->rows * f.ldy * sizeof *y);
    if (again) assert_memory_equal(dx, f.dx, s->in * sizeof *dx);
    memcpy(y, f.y, s->rows * f.ldy * sizeof *y);
    memcpy(dx, f.dx, s->in * sizeof *dx);
    sac_mlp_refresh(f.k, &f.net);
  }
  for (size_t l = 0; l < f.net.layers; l++) { /* and padding stays zero */
    const sac_layer *layer = &f.net.layer[l];
    for (size_t i = 0; i <= layer->in; i++)
      for (size_t o = layer->out; o < layer->ld; o++)
        assert_true(f.net.w[layer->offset + i * layer->ld + o] == 0.0f);
  }
  teardown(&f);
}

static void steps_leave_what_a_fresh_start_derives(void **state) {
  (void)state;
  for_each(check_refresh);
}

static void check_threads(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture one = setup(s, norm, 1, 1);
  one.adam = (sac_adam_step){0.01f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
  for (int i = 0; i < 2; i++) train(&one);
  for (size_t threads = 2; threads <= THREADS_MAX; threads++) {
    struct fixture many = setup(s, norm, 1, threads);
    many.adam = one.adam;
    for (int i = 0; i < 2; i++) train(&many);
    assert_memory_equal(one.net.w, many.net.w, one.net.count * sizeof *one.net.w);
    assert_memory_equal(one.net.m, many.net.m, one.net.count * sizeof *one.net.w);
    assert_memory_equal(one.net.target, many.net.target, one.net.count * sizeof *one.net.w);
    assert_memory_equal(one.y, many.y, s->rows * one.ldy * sizeof *one.y);
    assert_true(sac_mlp_grad_square(&one.net) == sac_mlp_grad_square(&many.net));
    for (size_t l = 0; l < one.net.layers; l++) {
      const sac_layer *a = &one.net.layer[l], *b = &many.net.layer[l];
      assert_memory_equal(a->before.var, b->before.var, a->in * sizeof(float));
      if (a->down) assert_memory_equal(a->down, b->down, (a->in + 1) / 2 * a->ld_down * 4);
      if (a->turned) assert_memory_equal(a->turned, b->turned, a->ld / 2 * a->ldt * 4);
    }
    teardown(&many);
  }
  teardown(&one);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  for_each(check_threads);
}

/* A pass with the target's parameters, here a copy of those before, is the same pass, and moves the
 * target's statistics alone. */
static void check_target(const struct shape *s, const sac_norm_spec *norm) {
  struct fixture f = setup(s, norm, 1, 2), g = setup(s, norm, 1, 2);
  const sac_norm *last = &f.net.layer[f.net.layers - 1].before;
  const float mean = last->mean[0];
  memset(f.net.w, 0, f.net.count * sizeof *f.net.w);
  f.target = 1;
  train(&f), train(&g);
  assert_memory_equal(f.y, g.y, s->rows * f.ldy * sizeof *f.y);
  assert_true(last->mean[0] == mean && last->target_mean[0] != mean);
  teardown(&f), teardown(&g);
}

static void a_target_has_statistics_of_its_own(void **state) {
  (void)state;
  for_each(check_target);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(training_mode_is_that_of_fp32),
      cmocka_unit_test(what_a_norm_sends_back_is_balanced),
      cmocka_unit_test(evaluation_mode_is_that_of_fp32),
      cmocka_unit_test(steps_leave_what_a_fresh_start_derives),
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(a_target_has_statistics_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
