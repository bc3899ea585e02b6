/* The product of bf16 on matrix tiles. A tile holds 16 rows of 16 words or floats; one instruction
 * adds a tile of A times a tile of B to a tile of sums, 8,192 multiply-adds. A block of the result
 * is 2 x 2 tiles.
 *
 * A's rows of a block are packed first, tile behind tile, turned where they lie down, with zeros
 * where A ends; of B only the last tiles are, where K is no multiple of 16. */

enum { TILE = 16, BLOCK = 2 * TILE, DEPTH = 512 /* words of A's rows that are packed at a time */ };

typedef struct amx_scratch {
  uint32_t a[DEPTH / TILE][2][TILE][TILE];
  uint32_t b[TILE][BLOCK];
  float sums[BLOCK][BLOCK];
} amx_scratch;

/* Every tile as large as there is: palette 1, 16 rows of 64 bytes. */
VF_INLINE void tiles_begin(void) {
  const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1,
              .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
              .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
  _tile_loadconfig(&config);
}

/* The first `n` words behind p, zeros behind them. */
VF_INLINE vu load_some(const uint32_t *p, size_t n) {
  const __mmask16 mask = (__mmask16)(n < TILE ? (1u << n) - 1u : 0xffffu);
  return (vu)_mm512_maskz_loadu_epi32(mask, p);
}

/* A tile of A from (i, k) on. */
static void pack_tile(const sac_gemm_bf16 *g, size_t i, size_t k, uint32_t to[TILE][TILE]) {
  const int lies_down = g->a_row == 1 && g->a_col != 1;
  const size_t M = i < g->M ? g->M - i : 0, K = g->K - k, step = lies_down ? g->a_col : g->a_row;
  const size_t lines = lies_down ? K : M, words = lies_down ? M : K;
  const uint32_t *from = (const uint32_t *)g->A + i * g->a_row + k * g->a_col;
  vf r[TILE];
  VF_UNROLL
  for (size_t line = 0; line < TILE; line++)
    r[line] = line < lines ? (vf)load_some(from + line * step, words) : vf_set1(0.0f);
  if (lies_down) vf_turn(r);
  VF_UNROLL
  for (size_t line = 0; line < TILE; line++) vu_store(to[line], (vu)r[line]);
}

/* A's rows i ... i + 31, words [first, last). */
static void pack_rows_of_block(const sac_gemm_bf16 *g, size_t i, size_t first, size_t last,
                               amx_scratch *s) {
  for (size_t k = first; k < last; k += TILE) {
    pack_tile(g, i, k, s->a[(k - first) / TILE][0]);
    if (i + TILE < g->M) pack_tile(g, i + TILE, k, s->a[(k - first) / TILE][1]);
  }
}

/* B's rows from k on where fewer than 16 are left, `columns` tiles of them. */
VF_INLINE void pack_end(const size_t columns, const sac_gemm_bf16 *g, size_t k, size_t n,
                        amx_scratch *s) {
  for (size_t row = 0; row < TILE; row++)
    for (size_t c = 0; c < columns; c++) {
      const uint32_t *from = (const uint32_t *)g->B + (k + row) * g->ldb + n + c * TILE;
      vu_store(&s->b[row][c * TILE], k + row < g->K ? vu_load(from) : vu_set1(0));
    }
}

/* Sums in tiles 0 and 1, of the lower rows in 2 and 3, += A's words [first, last) B. */
VF_INLINE void add_products(const size_t rows, const size_t columns, const sac_gemm_bf16 *g,
                            size_t n, size_t first, size_t last, amx_scratch *s) {
  for (size_t k = first; k < last; k += TILE) {
    const uint32_t *b = (const uint32_t *)g->B + k * g->ldb + n;
    size_t ldb = 4 * g->ldb;
    if (k + TILE > g->K) {
      pack_end(columns, g, k, n, s);
      b = s->b[0], ldb = sizeof s->b[0];
    }
    _tile_loadd(6, b, (long)ldb);
    if (columns == 2) _tile_loadd(7, b + TILE, (long)ldb);
    _tile_loadd(4, s->a[(k - first) / TILE][0], 4 * TILE);
    _tile_dpbf16ps(0, 4, 6);
    if (columns == 2) _tile_dpbf16ps(1, 4, 7);
    if (rows == 1) continue;
    _tile_loadd(5, s->a[(k - first) / TILE][1], 4 * TILE);
    _tile_dpbf16ps(2, 5, 6);
    if (columns == 2) _tile_dpbf16ps(3, 5, 7);
  }
}

/* `rows` rows of the block's sums, from number r on, to the result. */
VF_INLINE void finish_rows(const size_t rows, const size_t columns, const sac_gemm_bf16 *g,
                           size_t i, size_t r, size_t n, const amx_scratch *s) {
  tile_sums acc;
  begin(rows, columns, g, n, acc);
  VF_UNROLL
  for (size_t row = 0; row < rows; row++) {
    VF_UNROLL
    for (size_t c = 0; c < columns; c++) acc[row][c] += vf_load(&s->sums[r + row][c * TILE]);
  }
  finish(rows, columns, g, i + r, n, acc);
}

/* The result's rows from i on, columns from n on: `rows` x `columns` tiles. */
VF_INLINE void block(const size_t rows, const size_t columns, const sac_gemm_bf16 *g, size_t i,
                     size_t n, amx_scratch *s) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t k = 0; k < g->K; k += DEPTH) {
    const size_t last = k + DEPTH < g->K ? k + DEPTH : g->K;
    if (n == 0 || g->K > DEPTH) pack_rows_of_block(g, i, k, last, s);
    add_products(rows, columns, g, n, k, last, s);
  }
  _tile_stored(0, s->sums[0], sizeof s->sums[0]);
  if (columns == 2) _tile_stored(1, &s->sums[0][TILE], sizeof s->sums[0]);
  if (rows == 2) _tile_stored(2, s->sums[TILE], sizeof s->sums[0]);
  if (rows == 2 && columns == 2) _tile_stored(3, &s->sums[TILE][TILE], sizeof s->sums[0]);
  const size_t left = g->M - i < rows * TILE ? g->M - i : rows * TILE;
  size_t r = 0;
  for (; r + 2 <= left; r += 2) finish_rows(2, columns, g, i, r, n, s);
  if (r < left) finish_rows(1, columns, g, i, r, n, s);
}

static void gemm_tiles(const sac_gemm_bf16 *g) {
  _Alignas(64) amx_scratch s;
  tiles_begin();
  for (size_t i = 0; i < g->M; i += BLOCK)
    for (size_t n = 0; n < g->N; n += BLOCK) {
      const int one_row = i + TILE >= g->M, one_column = n + TILE == g->N;
      if (one_row && one_column)
        block(1, 1, g, i, n, &s);
      else if (one_row)
        block(1, 2, g, i, n, &s);
      else if (one_column)
        block(2, 1, g, i, n, &s);
      else
        block(2, 2, g, i, n, &s);
    }
  _tile_release();
}

/* The peak: six tiles of sums, so that none waits for its own last one. */
static float tile_chains(size_t rounds, uint32_t x, uint32_t y) {
  _Alignas(64) uint32_t of_x[TILE][TILE], of_y[TILE][TILE];
  _Alignas(64) float sums[TILE][TILE];
  for (size_t i = 0; i < TILE; i++) {
    vu_store(of_x[i], vu_set1(x));
    vu_store(of_y[i], vu_set1(y));
  }
  float sum = 0.0f;
  tiles_begin();
  _tile_loadd(6, of_x, 4 * TILE);
  _tile_loadd(7, of_y, 4 * TILE);
#define EACH_OF_SIX(what) what(0) what(1) what(2) what(3) what(4) what(5)
#define BEGIN(tile)       _tile_zero(tile);
#define STEP(tile)        _tile_dpbf16ps(tile, 6, 7);
#define END(tile)                     \
  _tile_stored(tile, sums, 4 * TILE); \
  sum += sums[0][0];
  EACH_OF_SIX(BEGIN)
  for (size_t r = rounds; r > 0; r--) {
    EACH_OF_SIX(STEP)
  }
  EACH_OF_SIX(END)
  _tile_release();
  return sum;
}
