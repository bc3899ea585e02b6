/* Networks with norms of a batch, layer after layer and in blocks, against the same formulas in
 * double: training mode (the batch's statistics, and what the gradient through them is, by central
 * differences in every parameter), evaluation mode (running statistics), both for any number of
 * threads. */
#include "check.h"
#include "nn/mlp.h"
#include "nn/norm.h"
#include "sac/agent.h"
#include "sac/random.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 14, WIDEST = 144, THREADS_MAX = 4 };

struct shape {
  size_t in, out;
  sac_widths hidden;
  int body;
};
/* widths below and above a multiple of the padding, one output and several; the last is so wide
 * that a layer is more than one block of columns */
static const struct shape shapes[] = {
    {5, 1, {1, {7}}, SAC_NET_PLAIN},
    {6, 1, {2, {33, 17}}, SAC_NET_PLAIN},
    {7, 12, {2, {20, 15}}, SAC_NET_PLAIN},
    {3, 1, {3, {9, 17, 5}}, SAC_NET_PLAIN},
    {4, 2, {2, {130, 7}}, SAC_NET_PLAIN},
    /* blocks, whose inner layers are four times as wide */
    {5, 1, {1, {7}}, SAC_NET_FLASH},
    {6, 12, {1, {17}}, SAC_NET_FLASH},
    {3, 2, {3, {6, 6, 6}}, SAC_NET_FLASH},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* every kind of a batch in every place */
static const sac_norm_spec specs[] = {
    {.kind = SAC_NORM_BATCH, .place = SAC_NORM_INPUTS},
    {.kind = SAC_NORM_BATCH, .place = SAC_NORM_HIDDEN},
    {.kind = SAC_NORM_BATCH, .place = SAC_NORM_HIDDEN, .input = 1},
    {.kind = SAC_NORM_RENORM, .place = SAC_NORM_INPUTS},
    {.kind = SAC_NORM_RENORM, .place = SAC_NORM_HIDDEN, .input = 1},
    {.kind = SAC_NORM_RENORM, .place = SAC_NORM_INPUTS, .warmup = 3},
    {.kind = SAC_NORM_BATCH, .place = SAC_NORM_HIDDEN, .input = 1, .unbiased = 1},
};
enum { SPECS = sizeof specs / sizeof *specs };

/* Blocks have norms of their own, whose running variances may be unbiased. */
static int goes_with(const sac_norm_spec *norm, const struct shape *shape) {
  return shape->body == SAC_NET_PLAIN || norm == specs || norm->unbiased;
}

struct fixture {
  const struct shape *shape;
  const sac_kernels *k;
  sac_mlp net;
  sac_trace trace;
  float *x, *y, *dy, *dx, *scratch;
  size_t ldx, ldy, *rows;
  double *w, *inputs;
  void *block;
  sac_pool *pool;
  sac_adam_step adam;
  int step; /* for run() */
  float tau;
};

static void layout(sac_arena *m, struct fixture *f, const struct shape *s,
                   const sac_norm_spec *norm) {
  sac_mlp_spec spec = {.in = s->in,
                       .out = s->out,
                       .hidden = &s->hidden,
                       .trained = 1,
                       .with_target = 1,
                       .body = s->body,
                       .norm = *norm};
  spec.norm.momentum = 0.9, spec.norm.eps = 1e-3, spec.norm.r_max = 1.25, spec.norm.d_max = 0.4;
  f->ldx = sac_row(s->in), f->ldy = s->out == 1 ? 1 : sac_row(s->out);
  sac_mlp_layout(m, &f->net, &spec);
  sac_trace_layout(m, &f->trace, &f->net, ROWS);
  f->x = SAC_TAKE(m, float, ROWS * f->ldx);
  f->y = SAC_TAKE(m, float, ROWS * f->ldy);
  f->dy = SAC_TAKE(m, float, ROWS * f->ldy);
  f->dx = SAC_TAKE(m, float, ROWS * f->ldx);
  f->rows = SAC_TAKE(m, size_t, ROWS);
  f->scratch = SAC_TAKE(m, float, THREADS_MAX *sac_row(f->net.scratch));
  f->w = SAC_TAKE(m, double, f->net.count);
  f->inputs = SAC_TAKE(m, double, ROWS * s->in);
}

/* Parameters of norms that are not where they began, and running statistics near the batch's but
 * not on them: some r and d are cut, some are not. */
static void disturb(const sac_kernels *k, sac_mlp *net, sac_stream *s) {
  for (size_t l = 0; l < net->layers; l++)
    for (int i = 0; i < 2; i++) {
      const sac_norm *norm = i ? &net->layer[l].after : &net->layer[l].before;
      for (size_t c = 0; c < norm->width; c++) {
        net->w[norm->offset + c] = (float)(0.5 + sac_stream_uniform(s));
        if (!norm->mean) continue;
        net->w[norm->offset + sac_padded(norm->width) + c] = (float)(sac_stream_uniform(s) - 0.5);
        norm->mean[c] = (float)(0.5 * sac_stream_uniform(s) - 0.1);
        norm->var[c] = (float)(0.05 + 0.5 * sac_stream_uniform(s));
        norm->target_mean[c] = norm->mean[c], norm->target_var[c] = norm->var[c];
      }
    }
  memcpy(net->target, net->w, net->count * sizeof *net->w);
  sac_mlp_refresh(k, net);
}

static struct fixture setup(const sac_kernels *k, const struct shape *s, const sac_norm_spec *norm,
                            size_t threads) {
  struct fixture f = {.shape = s};
  sac_arena m = {0};
  layout(&m, &f, s, norm);
  m = (sac_arena){.base = sac_arena_block(m.used)};
  f.block = m.base;
  layout(&m, &f, s, norm);
  f.k = k;
  assert_int_equal(sac_pool_create(threads, &f.pool, NULL), SAC_OK);
  sac_mlp_init(k, &f.net, SAC_MLP_TORCH, 7, 0);
  sac_stream stream = sac_stream_make(7, SAC_STREAM_USER, 0);
  disturb(k, &f.net, &stream);
  for (size_t b = 0; b < ROWS; b++) {
    f.rows[b] = b;
    for (size_t i = 0; i < s->in; i++)
      f.x[b * f.ldx + i] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0 + 0.5 * (double)i);
    for (size_t i = s->in; i < f.ldx; i++) f.x[b * f.ldx + i] = 7.0f; /* no part of the input */
    for (size_t i = 0; i < s->in; i++) f.inputs[b * s->in + i] = (double)f.x[b * f.ldx + i];
    /* the joint pass of CrossQ: the second half has no loss of its own */
    for (size_t o = 0; b < ROWS / 2 && o < s->out; o++)
      f.dy[b * f.ldy + o] = (float)(2.0 * sac_stream_uniform(&stream) - 1.0);
  }
  for (size_t i = 0; i < f.net.count; i++) f.w[i] = (double)f.net.w[i];
  f.adam = (sac_adam_step){.lr = 0.0f, .beta2 = 0.999f, .eps = 1.0f, .c1 = 1.0f, .c2 = 1.0f};
  return f;
}

static void teardown(struct fixture *f) {
  sac_pool_destroy(f->pool);
  free(f->block);
}

/* --- the formulas in double ------------------------------------------------------------------ */

enum mode { TRAINING, EVALUATION };

static double clip(double x, double low, double high) {
  return fmin(fmax(x, low), high);
}

/* Normalise the columns of h (ROWS, WIDEST) in place. r and d are of `still`, the columns at the
 * point where the difference is taken: no gradient goes through them. */
static void normalise(const sac_mlp *net, const double *w, const sac_norm *norm, enum mode mode,
                      double h[ROWS][WIDEST], double still[ROWS][WIDEST], int warm) {
  const sac_norm_spec *spec = &net->norm;
  for (size_t c = 0; c < norm->width; c++) {
    double mean = 0.0, var = 0.0, mean0 = 0.0, var0 = 0.0, r = 1.0, d = 0.0;
    const double run_mean = (double)norm->mean[c], run_var = (double)norm->var[c];
    for (size_t b = 0; b < ROWS; b++) mean += h[b][c] / ROWS, mean0 += still[b][c] / ROWS;
    for (size_t b = 0; b < ROWS; b++)
      var += pow(h[b][c] - mean, 2) / ROWS, var0 += pow(still[b][c] - mean0, 2) / ROWS;
    const double sigma_run = sqrt(run_var + spec->eps);
    if (spec->kind == SAC_NORM_RENORM && warm) {
      r = clip(sqrt(var0 + spec->eps) / sigma_run, 1.0 / spec->r_max, spec->r_max);
      d = clip((mean0 - run_mean) / sigma_run, -spec->d_max, spec->d_max);
    }
    const double gamma = w[norm->offset + c], beta = w[norm->offset + sac_padded(norm->width) + c];
    for (size_t b = 0; b < ROWS; b++) {
      double xhat = (h[b][c] - mean) / sqrt(var + spec->eps) * r + d;
      if (mode == EVALUATION) xhat = (h[b][c] - run_mean) / sigma_run;
      h[b][c] = gamma * xhat + beta;
    }
  }
}

/* Normalise the first ROWS rows of h in place by their root mean square [RMSN]. */
static void normalise_rows(const double *w, const sac_norm *norm, double h[ROWS][WIDEST]) {
  for (size_t b = 0; b < ROWS; b++) {
    double square = 0.0;
    for (size_t c = 0; c < norm->width; c++) square += h[b][c] * h[b][c] / (double)norm->width;
    for (size_t c = 0; c < norm->width; c++) h[b][c] *= w[norm->offset + c] / sqrt(square + 1e-6);
  }
}

/* y (ROWS, out) with parameters w; `still` (stages, ROWS, WIDEST) holds what each norm saw at the
 * point itself: written if `hold`. */
static void formula(const struct fixture *f, const double *w, enum mode mode, int hold,
                    double still[][ROWS][WIDEST], double y[ROWS][WIDEST]) {
  static double h[ROWS][WIDEST], z[ROWS][WIDEST], sum[ROWS][WIDEST];
  const sac_mlp *net = &f->net;
  const int warm = net->passes[0] >= net->norm.warmup;
  size_t stage = 0;
  for (size_t b = 0; b < ROWS; b++)
    for (size_t i = 0; i < net->in; i++) h[b][i] = f->inputs[b * net->in + i];
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const double *W = w + layer->offset, *bias = W + layer->in * layer->ld;
    if (layer->before.width && !layer->before.mean) {
      normalise_rows(w, &layer->before, h);
    } else if (layer->before.width) {
      if (hold) memcpy(still[stage], h, sizeof h);
      normalise(net, w, &layer->before, mode, h, still[stage++], warm);
    }
    for (size_t b = 0; b < ROWS; b++)
      for (size_t o = 0; o < layer->out; o++) {
        z[b][o] = layer->biasless ? 0.0 : bias[o];
        for (size_t i = 0; i < layer->in; i++) z[b][o] += h[b][i] * W[i * layer->ld + o];
      }
    if (layer->after.width) {
      if (hold) memcpy(still[stage], z, sizeof z);
      normalise(net, w, &layer->after, mode, z, still[stage++], warm);
    }
    for (size_t b = 0; b < ROWS; b++)
      for (size_t o = 0; o < layer->out; o++) h[b][o] = layer->relu ? fmax(z[b][o], 0.0) : z[b][o];
    for (size_t b = 0; b < ROWS && layer->skip; b++)
      for (size_t o = 0; o < layer->out; o++) h[b][o] += sum[b][o];
    if (f->shape->body == SAC_NET_FLASH && (l == 0 || layer->skip)) memcpy(sum, h, sizeof sum);
  }
  memcpy(y, h, sizeof h);
}

static double still[2 * SAC_LAYERS_MAX][ROWS][WIDEST];

/* L = sum_b dy_b . y_b */
static double loss(const struct fixture *f, enum mode mode) {
  static double y[ROWS][WIDEST];
  double sum = 0.0;
  formula(f, f->w, mode, 0, still, y);
  for (size_t b = 0; b < ROWS; b++)
    for (size_t o = 0; o < f->net.out; o++) sum += (double)f->dy[b * f->ldy + o] * y[b][o];
  return sum;
}

static double difference(const struct fixture *f, double *at, enum mode mode) {
  const double h = 1e-6, kept = *at;
  *at = kept + h;
  const double up = loss(f, mode);
  *at = kept - h;
  const double down = loss(f, mode);
  *at = kept;
  return (up - down) / (2.0 * h);
}

/* --- passes ---------------------------------------------------------------------------------- */

static void collective(void *ctx, size_t t, size_t T) {
  struct fixture *f = ctx;
  const sac_mlp_batch batch = {.net = &f->net,
                               .rows = ROWS,
                               .x = f->x,
                               .ldx = f->ldx,
                               .trace = &f->trace,
                               .y = f->y,
                               .ldy = f->ldy,
                               .dy = f->dy,
                               .adam = &f->adam,
                               .tau = f->tau};
  float *scratch = f->scratch + t * sac_row(f->net.scratch);
  sac_mlp_train_forward(f->k, f->pool, 1, &batch, t, T, scratch);
  if (f->step) sac_mlp_train_step(f->k, f->pool, 1, &batch, t, T, scratch);
}

static void train(struct fixture *f, int step) {
  f->step = step;
  sac_pool_run(f->pool, collective, f);
}

/* Every shape with every norm on every table that this CPU has. */
static void for_each(void (*check)(struct fixture *f)) {
  static const char *const isas[] = {"generic", "neon", "avx2", "avx512"};
  for (size_t i = 0; i < sizeof isas / sizeof *isas; i++) {
    const sac_kernels *k = sac_kernels_find(isas[i]);
    for (size_t s = 0; k && s < SHAPES; s++)
      for (size_t n = 0; n < SPECS; n++) {
        if (!goes_with(&specs[n], &shapes[s])) continue;
        struct fixture f = setup(k, &shapes[s], &specs[n], 1 + (s + n) % 2);
        check(&f);
        teardown(&f);
      }
  }
}

static void check_outputs(const struct fixture *f, enum mode mode) {
  static double y[ROWS][WIDEST];
  formula(f, f->w, mode, 1, still, y);
  for (size_t b = 0; b < ROWS; b++)
    for (size_t o = 0; o < f->net.out; o++)
      assert_close((double)f->y[b * f->ldy + o], y[b][o], 2e-5, 2e-5);
}

/* The outputs are the batch's, and the running statistics take a share of the batch's moments,
 * which the trace holds and `formula` computes on its own. */
static void check_training(struct fixture *f) {
  static double y[ROWS][WIDEST];
  formula(f, f->w, TRAINING, 1, still, y);
  double before[2 * SAC_LAYERS_MAX][2] = {{0}};
  size_t stage = 0;
  for (size_t l = 0; l < f->net.layers; l++)
    for (int i = 0; i < 2; i++) {
      const sac_norm *norm = i ? &f->net.layer[l].after : &f->net.layer[l].before;
      if (!norm->mean) continue;
      before[stage][0] = (double)norm->mean[0];
      before[stage++][1] = (double)norm->var[0];
    }
  train(f, 0);
  for (size_t b = 0; b < ROWS; b++)
    for (size_t o = 0; o < f->net.out; o++)
      assert_close((double)f->y[b * f->ldy + o], y[b][o], 2e-5, 2e-5);
  assert_true(f->net.passes[0] == 1 && f->net.passes[1] == 0);
  stage = 0;
  for (size_t l = 0; l < f->net.layers; l++)
    for (int i = 0; i < 2; i++) {
      const sac_norm *norm = i ? &f->net.layer[l].after : &f->net.layer[l].before;
      if (!norm->mean) continue;
      const double less = f->net.norm.unbiased ? 1.0 : 0.0;
      double mean = 0.0, var = 0.0;
      for (size_t b = 0; b < ROWS; b++) mean += still[stage][b][0] / ROWS;
      for (size_t b = 0; b < ROWS; b++) var += pow(still[stage][b][0] - mean, 2) / (ROWS - less);
      assert_close((double)norm->mean[0], 0.9 * before[stage][0] + 0.1 * mean, 1e-6, 1e-6);
      assert_close((double)norm->var[0], 0.9 * before[stage][1] + 0.1 * var, 1e-6, 1e-5);
      stage++;
    }
}

static void training_mode_is_the_formula(void **state) {
  (void)state;
  for_each(check_training);
}

/* With beta1 = 0 the first moment is the gradient itself. */
static void check_gradients(struct fixture *f) {
  static double y[ROWS][WIDEST];
  formula(f, f->w, TRAINING, 1, still, y); /* holds r and d before the statistics move */
  double *want = calloc(f->net.count, sizeof *want), square = 0.0;
  for (size_t i = 0; i < f->net.count; i++) want[i] = difference(f, f->w + i, TRAINING);
  train(f, 1);
  for (size_t i = 0; i < f->net.count; i++) {
    assert_close((double)f->net.m[i], want[i], 3e-5, 1e-4);
    square += want[i] * want[i];
  }
  assert_close(sac_mlp_grad_square(&f->net), square, 1e-5, 1e-4);
  free(want);
}

static void gradients_through_the_batch_match_finite_differences(void **state) {
  (void)state;
  for_each(check_gradients);
}

static void check_evaluation(struct fixture *f) {
  const size_t in = f->net.in, column = in / 3, columns = in - column, n = 4, first = 2;
  const size_t rows[] = {6, 0, 3, 1};
  sac_mlp_forward(f->k, &f->net, f->net.w, f->x, f->ldx, 0, 5, &f->trace, f->y, f->ldy);
  sac_mlp_forward(f->k, &f->net, f->net.w, f->x, f->ldx, 5, ROWS, &f->trace, f->y, f->ldy);
  check_outputs(f, EVALUATION);
  float *dy = calloc(n * f->ldy, sizeof *dy);
  for (size_t i = 0; i < n; i++)
    memcpy(dy + i * f->ldy, f->dy + rows[i] * f->ldy, f->net.out * sizeof *dy);
  sac_mlp_input_gradient(f->k, &f->net, n, rows, dy, f->ldy, first, &f->trace, column, columns,
                         f->dx, f->ldx);
  for (size_t i = 0; i < n; i++)
    for (size_t c = 0; c < columns; c++)
      assert_close((double)f->dx[i * f->ldx + c],
                   difference(f, f->inputs + rows[i] * in + column + c, EVALUATION), 2e-5, 1e-4);
  free(dy);
}

static void evaluation_mode_is_the_formula_and_so_is_its_input_gradient(void **state) {
  (void)state;
  for_each(check_evaluation);
}

/* Evaluation mode follows a step at once. */
static void check_after_steps(struct fixture *f) {
  f->adam = (sac_adam_step){0.01f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
  for (int i = 0; i < 3; i++) train(f, 1);
  for (size_t i = 0; i < f->net.count; i++) f->w[i] = (double)f->net.w[i];
  sac_mlp_forward(f->k, &f->net, f->net.w, f->x, f->ldx, 0, ROWS, &f->trace, f->y, f->ldy);
  check_outputs(f, EVALUATION);
  float *y = malloc(ROWS * f->ldy * sizeof *y);
  memcpy(y, f->y, ROWS * f->ldy * sizeof *y);
  sac_mlp_refresh(f->k, &f->net); /* what a step has left derived is what a fresh start derives */
  sac_mlp_forward(f->k, &f->net, f->net.w, f->x, f->ldx, 0, ROWS, &f->trace, f->y, f->ldy);
  assert_memory_equal(y, f->y, ROWS * f->ldy * sizeof *y);
  for (size_t l = 0; l < f->net.layers; l++) {
    const sac_layer *layer = &f->net.layer[l];
    for (size_t i = 0; i <= layer->in; i++)
      for (size_t o = layer->out; o < layer->ld; o++)
        assert_true(f->net.w[layer->offset + i * layer->ld + o] == 0.0f);
  }
  free(y);
}

static void evaluation_mode_follows_steps_and_padding_stays_zero(void **state) {
  (void)state;
  for_each(check_after_steps);
}

static void assert_same_variances(const sac_norm *a, const sac_norm *b) {
  if (a->mean) assert_memory_equal(a->var, b->var, a->width * sizeof *a->var);
}

/* Everything that steps leave behind has the same bits for 1 to 4 threads. */
static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  for (size_t s = 0; s < SHAPES; s++)
    for (size_t n = 0; n < SPECS; n++) {
      if (!goes_with(&specs[n], &shapes[s])) continue;
      struct fixture one = setup(sac_kernels_get(), &shapes[s], &specs[n], 1);
      one.adam = (sac_adam_step){0.01f, 0.9f, 0.999f, 1e-8f, 10.0f, 1000.0f, 0.0f, 0};
      one.tau = 0.3f;
      for (int i = 0; i < 2; i++) train(&one, 1);
      for (size_t threads = 2; threads <= THREADS_MAX; threads++) {
        struct fixture many = setup(sac_kernels_get(), &shapes[s], &specs[n], threads);
        many.adam = one.adam, many.tau = one.tau;
        for (int i = 0; i < 2; i++) train(&many, 1);
        assert_memory_equal(one.net.w, many.net.w, one.net.count * sizeof *one.net.w);
        assert_memory_equal(one.net.m, many.net.m, one.net.count * sizeof *one.net.w);
        assert_memory_equal(one.net.target, many.net.target, one.net.count * sizeof *one.net.w);
        assert_memory_equal(one.y, many.y, ROWS * one.ldy * sizeof *one.y);
        assert_true(sac_mlp_grad_square(&one.net) == sac_mlp_grad_square(&many.net));
        for (size_t l = 0; l < one.net.layers; l++) {
          const sac_layer *a = &one.net.layer[l], *b = &many.net.layer[l];
          assert_same_variances(&a->before, &b->before);
          assert_same_variances(&a->after, &b->after);
        }
        teardown(&many);
      }
      teardown(&one);
    }
}

/* A pass with the target's parameters gives what they say, and moves their statistics alone. */
static void check_target(const struct shape *shape, const sac_norm_spec *spec) {
  struct fixture f = setup(sac_kernels_get(), shape, spec, 1);
  const sac_norm *norm = &f.net.layer[0].before;
  const float mean = norm->mean[0];
  const sac_mlp_batch batch = {.net = &f.net,
                               .target = 1,
                               .rows = ROWS,
                               .x = f.x,
                               .ldx = f.ldx,
                               .trace = &f.trace,
                               .y = f.y,
                               .ldy = f.ldy};
  static double y[ROWS][WIDEST];
  formula(&f, f.w, TRAINING, 1, still, y); /* the target is a copy, and so are its statistics */
  memset(f.net.w, 0, f.net.count * sizeof *f.net.w);
  sac_mlp_train_forward(f.k, f.pool, 1, &batch, 0, 1, f.scratch);
  for (size_t b = 0; b < ROWS; b++) assert_close((double)f.y[b], y[b][0], 2e-5, 2e-5);
  assert_true(norm->mean[0] == mean && norm->target_mean[0] != mean);
  assert_true(f.net.passes[0] == 0 && f.net.passes[1] == 1);
  teardown(&f);
}

static void a_target_has_statistics_of_its_own(void **state) {
  (void)state;
  check_target(&shapes[1], &specs[3]);
  check_target(&shapes[5], &specs[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(training_mode_is_the_formula),
      cmocka_unit_test(gradients_through_the_batch_match_finite_differences),
      cmocka_unit_test(evaluation_mode_is_the_formula_and_so_is_its_input_gradient),
      cmocka_unit_test(evaluation_mode_follows_steps_and_padding_stays_zero),
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(a_target_has_statistics_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
