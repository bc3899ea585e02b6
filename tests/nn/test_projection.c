/* Columns of length 1: their lengths, their directions, what is derived from them, and the target.
 */
#include "check.h"
#include "nn/mlp.h"

#include <stdlib.h>
#include <string.h>

enum { IN = 5, OUT = 3 };

struct fixture {
  sac_mlp net;
  void *block;
};

static void make(struct fixture *f, size_t out) {
  static const sac_widths hidden = {2, {19, 33}};
  const sac_mlp_spec spec = {
      .in = IN, .out = out, .hidden = &hidden, .trained = 1, .with_target = 1};
  sac_arena m = {0};
  sac_mlp_layout(&m, &f->net, &spec);
  f->block = sac_arena_block(m.used);
  m = (sac_arena){.base = f->block};
  sac_mlp_layout(&m, &f->net, &spec);
  sac_mlp_init(sac_kernels_get(), &f->net, SAC_MLP_TORCH, 7, 0);
}

/* Every column has length 1 and its old direction, w_ic / |w_c|; a column of zeros and the biases
 * stay, and the transpose is the matrix's. */
static void columns_have_length_one(void **state) {
  (void)state;
  for (size_t out = 1; out <= OUT; out += OUT - 1) {
    struct fixture f;
    make(&f, out);
    float *before = malloc(f.net.count * sizeof *before);
    const sac_layer *first = &f.net.layer[0];
    for (size_t i = 0; i < IN; i++) f.net.w[first->offset + i * first->ld + 2] = 0.0f;
    sac_mlp_refresh(sac_kernels_get(), &f.net);
    memcpy(before, f.net.w, f.net.count * sizeof *before);
    sac_mlp_project(&f.net, 0, 1);
    for (size_t l = 0; l < f.net.layers; l++) {
      const sac_layer *layer = &f.net.layer[l];
      const float *w = f.net.w + layer->offset, *old = before + layer->offset;
      for (size_t c = 0; c < layer->ld; c++) {
        double length = 0.0;
        for (size_t i = 0; i < layer->in; i++)
          length += (double)old[i * layer->ld + c] * (double)old[i * layer->ld + c];
        length = length > 0.0 ? sqrt(length) : 1.0;
        for (size_t i = 0; i < layer->in; i++) {
          const float got = w[i * layer->ld + c];
          assert_close((double)got, (double)old[i * layer->ld + c] / length, 1e-12, 2e-7);
          if (layer->Wt) assert_true(layer->Wt[c * layer->ldt + i] == got);
        }
      }
      assert_memory_equal(w + layer->in * layer->ld, old + layer->in * layer->ld,
                          layer->ld * sizeof *w);
    }
    free(before);
    free(f.block);
  }
}

/* (gamma, beta) of every norm has length sqrt(width) and its old direction; of one of zeros nothing
 * is known; evaluation mode follows at once; weights stay. */
static void norms_have_the_length_of_ones(void **state) {
  (void)state;
  static const sac_widths hidden = {2, {19, 33}};
  const sac_mlp_spec spec = {.in = IN,
                             .out = OUT,
                             .hidden = &hidden,
                             .trained = 1,
                             .norm = {.kind = SAC_NORM_BATCH, .input = 1, .eps = 1e-3}};
  const sac_kernels *k = sac_kernels_get();
  sac_mlp net;
  sac_arena m = {0};
  sac_mlp_layout(&m, &net, &spec);
  void *block = sac_arena_block(m.used);
  m = (sac_arena){.base = block};
  sac_mlp_layout(&m, &net, &spec);
  sac_mlp_init(k, &net, SAC_MLP_TORCH, 7, 0);
  const sac_norm *const norms[] = {&net.layer[0].before, &net.layer[0].after, &net.layer[1].after};
  for (size_t n = 0; n < 3; n++)
    for (size_t i = 0; i < norms[n]->width; i++) {
      net.w[norms[n]->offset + i] = n == 2 ? 0.0f : 0.5f + 0.01f * (float)i;
      net.w[norms[n]->offset + sac_padded(norms[n]->width) + i] = n == 2 ? 0.0f : -0.7f;
    }
  sac_mlp_refresh(k, &net);
  float *old = malloc(net.count * sizeof *old);
  memcpy(old, net.w, net.count * sizeof *old);
  for (size_t t = 0; t < 2; t++) sac_mlp_project_norms(k, &net, t, 2);
  for (size_t n = 0; n < 3; n++) {
    const size_t width = norms[n]->width, N = sac_padded(width);
    const float *now = net.w + norms[n]->offset, *was = old + norms[n]->offset;
    double length = 0.0;
    for (size_t i = 0; i < 2 * N; i++) length += (double)was[i] * (double)was[i];
    const double scale = n == 2 ? 1.0 : sqrt((double)width / length);
    for (size_t i = 0; i < width; i++) {
      assert_close((double)now[i], scale * (double)was[i], 1e-12, 2e-7);
      assert_close((double)now[N + i], scale * (double)was[N + i], 1e-12, 2e-7);
      assert_close((double)norms[n]->scale[i], (double)now[i] / sqrt(1.0 + 1e-3), 1e-12, 1e-6);
    }
  }
  const size_t weights = IN * net.layer[0].ld;
  assert_memory_equal(net.w + net.layer[0].offset, old + net.layer[0].offset, weights * 4);
  free(old);
  free(block);
}

/* Shares of any number of threads make up the whole; each parameter's target moves by tau of its
 * way.
 */
static void shares_make_up_the_whole(void **state) {
  (void)state;
  struct fixture one, many;
  make(&one, OUT);
  for (size_t T = 2; T <= 5; T++) {
    make(&many, OUT);
    if (T == 2) sac_mlp_project(&one.net, 0, 1);
    for (size_t t = 0; t < T; t++) sac_mlp_project(&many.net, t, T);
    assert_memory_equal(one.net.w, many.net.w, one.net.count * sizeof *one.net.w);
    float *old = malloc(many.net.count * sizeof *old);
    memcpy(old, many.net.target, many.net.count * sizeof *old);
    for (size_t t = 0; t < T; t++) sac_mlp_follow(&many.net, 0.25f, t, T);
    for (size_t i = 0; i < many.net.count; i++)
      assert_close((double)many.net.target[i], 0.75 * (double)old[i] + 0.25 * (double)many.net.w[i],
                   1e-7, 1e-6);
    free(old);
    free(many.block);
  }
  free(one.block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_have_length_one),
      cmocka_unit_test(norms_have_the_length_of_ones),
      cmocka_unit_test(shares_make_up_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
