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
      cmocka_unit_test(shares_make_up_the_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
