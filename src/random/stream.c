#include "sac/random.h"

#include <Random123/philox.h>
#include <math.h>

sac_stream sac_stream_make(uint64_t seed, uint32_t purpose, uint64_t index) {
  return (sac_stream){
      .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
      .counter = {0, purpose, (uint32_t)index, (uint32_t)(index >> 32)},
      .used = 4, /* nothing drawn yet */
  };
}

static void next_block(sac_stream *s) {
  const philox4x32_ctr_t counter = {{s->counter[0], s->counter[1], s->counter[2], s->counter[3]}};
  const philox4x32_key_t key = {{s->key[0], s->key[1]}};
  const philox4x32_ctr_t r = philox4x32(counter, key);
  for (int i = 0; i < 4; i++) s->block[i] = r.v[i];
  s->counter[0]++;
  s->used = 0;
}

uint32_t sac_stream_u32(sac_stream *s) {
  if (s->used >= 4) next_block(s);
  return s->block[s->used++];
}

uint64_t sac_stream_u64(sac_stream *s) {
  const uint64_t low = sac_stream_u32(s);
  return low | (uint64_t)sac_stream_u32(s) << 32;
}

double sac_stream_uniform(sac_stream *s) {
  return ((double)(sac_stream_u64(s) >> 12) + 0.5) * 0x1p-52;
}

uint64_t sac_stream_below(sac_stream *s, uint64_t n) {
  const uint64_t spare = (0 - n) % n; /* 2^64 mod n: the values below it would be drawn too often */
  for (;;) {
    const uint64_t x = sac_stream_u64(s);
    if (x >= spare) return x % n;
  }
}

/* Box-Muller: sqrt(-2 log u) (cos, sin)(2 pi v), a pair from four words. */
void sac_stream_normals(sac_stream *s, size_t n, double out[]) {
  const double two_pi = 6.283185307179586476925;
  for (size_t i = 0; i < n; i += 2) {
    const double radius = sqrt(-2.0 * log(sac_stream_uniform(s)));
    const double angle = two_pi * sac_stream_uniform(s);
    out[i] = radius * cos(angle);
    if (i + 1 < n) out[i + 1] = radius * sin(angle);
  }
}
