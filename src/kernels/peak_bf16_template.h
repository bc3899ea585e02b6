/* As peak_template.h, of the dot products of pairs of bf16. The chains begin apart, or a compiler
 * may take them for one. */

enum { DOT_CHAINS = 12 };

static float dot_chains(size_t rounds, uint32_t x, uint32_t y) {
  const vu vx = vu_set1(x), vy = vu_set1(y);
  vf a[DOT_CHAINS];
  VF_UNROLL
  for (int i = 0; i < DOT_CHAINS; i++) a[i] = vf_set1((float)i);
  for (size_t r = rounds * (128 * SAC_LANES / VF_LANES); r > 0; r--) {
    VF_UNROLL
    for (int i = 0; i < DOT_CHAINS; i++) a[i] = vf_dot_pairs(a[i], vx, vy);
  }
  vf sum = a[0];
  VF_UNROLL
  for (int i = 1; i < DOT_CHAINS; i++) sum = sum + a[i];
  return sum[0] - DOT_CHAINS * (DOT_CHAINS - 1) / 2;
}
