/* Rows on the unit sphere, and learned factors of columns [SIMBAV2]; kernels.h has the formulas. */

/* 1 / |v| of a row with this squared length. */
VF_INLINE vf inverse_length(float square) {
  const vf length = vf_sqrt(vf_set1(square)), least = vf_set1(SAC_LEAST_LENGTH);
  return vf_set1(1.0f) / vf_max(least, length);
}

static void scale_rows(const sac_scale_rows *s) {
  const vf zero = vf_set1(0.0f), more = vf_set1(s->more);
  for (size_t i = 0; i < s->M; i++)
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf y = vf_load(s->scale + n) * vf_load(s->X + i * s->ldx + n);
      vf_store(s->Y + i * s->ldy + n, within(s->relu ? vf_max(zero, y) + more : y, n, s->width));
    }
}

static void scale_rows_back(const sac_scale_rows_back *s) {
  const vf zero = vf_set1(0.0f);
  for (size_t i = 0; i < s->M; i++) {
    const float *x = s->X + (s->row ? s->row[i] : i) * s->ldx;
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf scale = vf_load(s->scale + n), from = vf_load(x + n);
      vf dy = within(vf_load(s->dY + i * s->ldd + n), n, s->width);
      if (s->relu) dy = (vf)((vi)dy & (scale * from > zero));
      if (s->G) vf_store(s->G + i * s->ldd + n, dy * from);
      vf_store(s->dX + i * s->ldd + n, dy * scale);
    }
  }
}

static void sphere(const sac_sphere *s) {
  const vf zero = vf_set1(0.0f), one = vf_set1(1.0f);
  for (size_t i = 0; i < s->M; i++) {
    const float *x = s->X + i * s->ldx;
    float *y = s->Y + i * s->ldy;
    vf square = zero;
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf v = within((s->scale ? vf_load(s->scale + n) : one) * vf_load(x + n), n, s->width);
      vf_store(y + n, v);
      square = vf_fma(v, v, square);
    }
    const vf inv = inverse_length(vf_sum(square));
    s->inv[i] = inv[0];
    for (size_t n = 0; n < s->width; n += VF_LANES) vf_store(y + n, vf_load(y + n) * inv);
  }
}

/* The gradient in Y, register n of row i. */
VF_INLINE vf sphere_dy(const float *dY, const float *more, size_t ldd, size_t i, size_t n) {
  const vf dy = vf_load(dY + i * ldd + n);
  return more ? dy + vf_load(more + i * ldd + n) : dy;
}

static void sphere_back(const sac_sphere_back *s) {
  for (size_t i = 0; i < s->M; i++) {
    const size_t from = s->row ? s->row[i] : i;
    const float *y = s->Y + from * s->ldy, *x = s->X ? s->X + from * s->ldx : NULL;
    vf dot = vf_set1(0.0f);
    for (size_t n = 0; n < s->width; n += VF_LANES)
      dot = vf_fma(vf_load(y + n), sphere_dy(s->dY, s->more, s->ldd, i, n), dot);
    const vf inv = vf_set1(s->inv[from]), along = vf_set1(vf_sum(dot));
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf dy = sphere_dy(s->dY, s->more, s->ldd, i, n);
      const vf dv = within(inv * (dy - along * vf_load(y + n)), n, s->width);
      if (s->G) vf_store(s->G + i * s->ldd + n, dv * vf_load(x + n));
      vf_store(s->dX + i * s->ldd + n, s->scale ? dv * vf_load(s->scale + n) : dv);
    }
  }
}

static void lerp(const sac_lerp *s) {
  const vf zero = vf_set1(0.0f), by = vf_set1(s->by);
  for (size_t i = 0; i < s->M; i++) {
    const float *r = s->R + i * s->ldr;
    float *u = s->U + i * s->ldu, *y = s->Y + i * s->ldy;
    vf square = zero;
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf x = within(vf_load(u + n), n, s->width);
      square = vf_fma(x, x, square);
    }
    const vf inv_x = inverse_length(vf_sum(square));
    s->inv_x[i] = inv_x[0];
    square = zero;
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf m = within(vf_load(u + n) * inv_x, n, s->width), from = vf_load(r + n);
      const vf v = within(vf_fma(by * vf_load(s->alpha + n), m - from, from), n, s->width);
      vf_store(u + n, m);
      vf_store(y + n, v);
      square = vf_fma(v, v, square);
    }
    const vf inv = inverse_length(vf_sum(square));
    s->inv[i] = inv[0];
    for (size_t n = 0; n < s->width; n += VF_LANES) vf_store(y + n, vf_load(y + n) * inv);
  }
}

static void lerp_back(const sac_lerp_back *s) {
  const vf zero = vf_set1(0.0f), one = vf_set1(1.0f), by = vf_set1(s->by);
  for (size_t i = 0; i < s->M; i++) {
    const size_t from = s->row ? s->row[i] : i;
    const float *y = s->Y + from * s->ldy, *u = s->U + from * s->ldu, *r = s->R + from * s->ldr;
    float *dx = s->dX + i * s->ldd;
    vf dot = zero, dot_u = zero;
    for (size_t n = 0; n < s->width; n += VF_LANES)
      dot = vf_fma(vf_load(y + n), sphere_dy(s->dY, s->more, s->ldd, i, n), dot);
    const vf inv = vf_set1(s->inv[from]), along = vf_set1(vf_sum(dot));
    for (size_t n = 0; n < s->width; n += VF_LANES) {
      const vf dy = sphere_dy(s->dY, s->more, s->ldd, i, n), m = vf_load(u + n);
      const vf dv = within(inv * (dy - along * vf_load(y + n)), n, s->width);
      const vf alpha = by * vf_load(s->alpha + n), du = alpha * dv;
      if (s->G) vf_store(s->G + i * s->ldd + n, by * dv * (m - vf_load(r + n)));
      vf_store(s->dR + i * s->ldd + n, (one - alpha) * dv);
      vf_store(dx + n, du);
      dot_u = vf_fma(m, du, dot_u);
    }
    const vf inv_x = vf_set1(s->inv_x[from]), along_u = vf_set1(vf_sum(dot_u));
    for (size_t n = 0; n < s->width; n += VF_LANES)
      vf_store(dx + n, inv_x * (vf_load(dx + n) - along_u * vf_load(u + n)));
  }
}
