#include "nn/norm.h"

void sac_norm_place(sac_mlp *net, size_t l) {
  sac_layer *layer = &net->layer[l];
  sac_norm *const norms[] = {&layer->before, &layer->after};
  for (int i = 0; i < 2; i++) {
    norms[i]->offset = net->count;
    net->count += 2 * sac_padded(norms[i]->width);
  }
}

static void layout_statistics(sac_arena *arena, sac_norm *norm, int with_target) {
  const size_t N = sac_padded(norm->width);
  if (!N || !sac_norm_kind_is_batch(norm->kind)) return;
  norm->mean = SAC_TAKE(arena, float, N);
  norm->var = SAC_TAKE(arena, float, N);
  norm->scale = SAC_TAKE(arena, float, sac_row(norm->width)); /* read from any column on */
  norm->shift = SAC_TAKE(arena, float, N);
  if (!with_target) return;
  norm->target_mean = SAC_TAKE(arena, float, N);
  norm->target_var = SAC_TAKE(arena, float, N);
}

void sac_norm_layout(sac_arena *arena, sac_mlp *net, int with_target) {
  if (!sac_norm_is_batch(&net->norm)) return;
  net->passes = SAC_TAKE(arena, uint64_t, 2);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const size_t blocks = sac_padded(layer->after.width) / SAC_LANES;
    if (blocks > net->norm_blocks) net->norm_blocks = blocks;
    layout_statistics(arena, &net->layer[l].before, with_target);
    layout_statistics(arena, &net->layer[l].after, with_target);
  }
  net->norm_square = SAC_TAKE(arena, double, net->layers * net->norm_blocks);
}

static void layout_pass(sac_arena *arena, sac_norm_pass *pass, size_t width) {
  sac_norm_pass p;
  float **const columns[] = {&p.mean, &p.var, &p.rstd, &p.r,     &p.d,    &p.a,
                             &p.c,    &p.s,   &p.t,    &p.shift, &p.slope};
  for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
    *columns[i] = SAC_TAKE(arena, float, sac_padded(width));
  if (pass) *pass = p;
}

static void layout_rows(sac_arena *arena, sac_row_pass *pass, size_t width, size_t B, int before) {
  if (!width) return;
  sac_row_pass p = {.ld = sac_row(width)};
  p.xn = SAC_TAKE(arena, float, B *p.ld);
  p.g = SAC_TAKE(arena, float, B *p.ld);
  p.u = before ? SAC_TAKE(arena, float, B *p.ld) : NULL;
  p.rstd = SAC_TAKE(arena, float, B);
  if (pass) *pass = p;
}

/* Of a network that is passed through by rows. */
static void layout_trace_rows(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  trace->row_before = SAC_TAKE(arena, sac_row_pass, net->layers);
  trace->row_after = SAC_TAKE(arena, sac_row_pass, net->layers);
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    const int carve = trace->row_before && trace->row_after;
    layout_rows(arena, carve ? &trace->row_before[l] : NULL, layer->before.width, B, 1);
    layout_rows(arena, carve ? &trace->row_after[l] : NULL, layer->after.width, B, 0);
    if (net->dropout > 0.0f && l + 1 < net->layers)
      trace->keep[l] = SAC_TAKE(arena, float, B * trace->ld[l]);
  }
}

/* Of blocks with norms of a batch. */
static void layout_blocks(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  const size_t top = net->layers - 1;
  trace->dsum = SAC_TAKE(arena, float, B * trace->ld[0]);
  for (size_t l = 0; l < top; l++)
    if (net->layer[l].skip) trace->added[l] = SAC_TAKE(arena, float, B * trace->ld[l]);
  trace->row_before = SAC_TAKE(arena, sac_row_pass, net->layers);
  layout_rows(arena, trace->row_before ? &trace->row_before[top] : NULL, net->layer[top].in, B, 1);
}

void sac_norm_layout_trace(sac_arena *arena, sac_trace *trace, const sac_mlp *net, size_t B) {
  const sac_layer *layer = net->layer;
  if (sac_mlp_by_rows(net)) {
    layout_trace_rows(arena, trace, net, B);
    return;
  }
  if (layer->before.width) {
    trace->ld_xn = sac_row(net->in);
    trace->xn = SAC_TAKE(arena, float, B * trace->ld_xn);
  }
  for (size_t l = 0; l + 1 < net->layers; l++)
    if (layer[l].after.width) trace->z[l] = SAC_TAKE(arena, float, B * trace->ld[l]);
  if (!sac_norm_is_batch(&net->norm)) return;
  trace->before = SAC_TAKE(arena, sac_norm_pass, net->layers);
  trace->after = SAC_TAKE(arena, sac_norm_pass, net->layers);
  trace->db = SAC_TAKE(arena, float *, net->layers);
  for (size_t l = 0; l < net->layers; l++) {
    const size_t before = sac_norm_kind_is_batch(layer[l].before.kind) ? layer[l].before.width : 0;
    layout_pass(arena, trace->before ? &trace->before[l] : NULL, before);
    layout_pass(arena, trace->after ? &trace->after[l] : NULL, layer[l].after.width);
    float *db = SAC_TAKE(arena, float, sac_padded(layer[l].out));
    if (trace->db) trace->db[l] = db;
  }
  trace->head = SAC_TAKE(arena, float, sac_padded(layer[net->layers - 1].in));
  if (sac_norm_has_unit(&layer[net->layers - 1].before)) layout_blocks(arena, trace, net, B);
}

static void init_norm(sac_mlp *net, const sac_norm *norm) {
  for (size_t i = 0; i < norm->width; i++) {
    net->w[norm->offset + i] = 1.0f;
    if (norm->mean) norm->mean[i] = 0.0f, norm->var[i] = 1.0f;
    if (norm->target_mean) norm->target_mean[i] = 0.0f, norm->target_var[i] = 1.0f;
  }
}

void sac_norm_init(sac_mlp *net) {
  for (size_t l = 0; l < net->layers; l++) {
    init_norm(net, &net->layer[l].before);
    init_norm(net, &net->layer[l].after);
  }
  if (net->passes) net->passes[0] = net->passes[1] = 0;
}

const float *sac_norm_input(const sac_kernels *k, const sac_mlp *net, const float *x, size_t ldx,
                            size_t first, size_t rows, sac_trace *trace) {
  const sac_norm *norm = &net->layer[0].before;
  const size_t ld = trace->ld_xn;
  float *xn = trace->xn + first * ld;
  sac_mlp_pad_rows(rows, net->in, x + first * ldx, ldx, xn, ld);
  k->affine(rows, sac_padded(net->in), norm->mean, norm->scale, sac_norm_beta(norm, net->w), 0, xn,
            ld, xn, ld);
  return xn;
}

void sac_norm_refresh_columns(const sac_kernels *k, const sac_mlp *net, const sac_norm *norm,
                              size_t first, size_t n) {
  k->column_affine(n, (float)net->norm.eps, norm->mean + first, norm->var + first,
                   sac_norm_gamma(norm, net->w) + first, sac_norm_beta(norm, net->w) + first,
                   norm->scale + first, norm->shift + first);
}

void sac_norm_refresh(const sac_kernels *k, sac_mlp *net) {
  if (!sac_norm_is_batch(&net->norm)) return;
  for (size_t l = 0; l < net->layers; l++) {
    const sac_layer *layer = &net->layer[l];
    if (layer->before.mean)
      sac_norm_refresh_columns(k, net, &layer->before, 0, sac_padded(layer->before.width));
    if (layer->after.mean)
      sac_norm_refresh_columns(k, net, &layer->after, 0, sac_padded(layer->after.width));
  }
}
