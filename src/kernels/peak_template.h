/* What the core's peak of fused multiply-adds is measured with: nothing but them, in registers. */

enum { PEAK_CHAINS = 12 }; /* enough that none waits for its own last result; fits 16 registers */

static float fma_chains(size_t rounds, float x, float y) {
  const vf vx = vf_set1(x), vy = vf_set1(y);
  vf a[PEAK_CHAINS];
  VF_UNROLL
  for (int i = 0; i < PEAK_CHAINS; i++) a[i] = vf_set1((float)i);
  for (size_t r = rounds * (SAC_LANES / VF_LANES); r > 0; r--) {
    VF_UNROLL
    for (int i = 0; i < PEAK_CHAINS; i++) a[i] = vf_fma(a[i], vx, vy);
  }
  vf sum = a[0];
  VF_UNROLL
  for (int i = 1; i < PEAK_CHAINS; i++) sum = sum + a[i];
  return sum[0];
}
