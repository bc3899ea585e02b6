#include "agent/policy.h"

#include "sac/random.h"

#include <math.h>
#include <string.h>

/* The kernels know one head and one estimator; the rest goes by the distribution itself. */
static int is_fused(const sac_agent_options *o) {
  const int normal = o->policy == SAC_POLICY_TANH_NORMAL || o->policy == SAC_POLICY_GSDE;
  return normal && o->actor_estimator == SAC_ESTIMATOR_PATHWISE && o->actor_samples == 1;
}

void sac_head_layout(sac_arena *arena, sac_head *head, size_t O, size_t A,
                     const sac_agent_options *options, size_t B, int trained) {
  sac_head_layout_kind(arena, head, sac_head_kind_of(options), O, A, options, B, trained);
}

sac_norm_spec sac_norm_of(const sac_agent_options *options, int kind) {
  return (sac_norm_spec){.kind = kind,
                         .place = options->norm_place,
                         .input = options->norm_input == SAC_NORM_INPUT_YES,
                         .momentum = options->norm_momentum,
                         .eps = options->norm_eps,
                         .unbiased = options->norm_unbiased == SAC_NORM_UNBIASED_YES,
                         .r_max = options->renorm_r_max,
                         .d_max = options->renorm_d_max,
                         .warmup = (uint64_t)options->renorm_warmup};
}

sac_mlp_spec sac_head_network(const sac_agent_options *options, size_t O, size_t outputs,
                              int trained) {
  const int bf16 = trained && options->precision == SAC_PRECISION_BF16;
  return (sac_mlp_spec){.in = O,
                        .out = outputs,
                        .hidden = &options->actor_hidden,
                        .trained = trained,
                        .bf16 = bf16 ? sac_kernels_bf16_get() : NULL,
                        .body = options->body,
                        .norm = sac_norm_of(options, options->actor_norm)};
}

void sac_head_layout_kind(sac_arena *arena, sac_head *head, const sac_head_kind *kind, size_t O,
                          size_t A, const sac_agent_options *options, size_t B, int trained) {
  const size_t N = sac_head_kind_outputs(kind, options, A);
  *head = (sac_head){.O = O, .A = A, .outputs = N, .ld_out = sac_row(N), .opt = *options};
  head->fused = is_fused(options) && kind == sac_head_kind_of(options);
  head->work.kind = kind;
  const size_t outputs = kind->features ? sac_gsde_outputs(A) : N;
  sac_mlp_spec spec = sac_head_network(options, O, outputs, trained);
  if (outputs == 2 * A) spec.parts = 2; /* a location and a width, say, an action */
  sac_mlp_layout(arena, &head->net, &spec);
  if (kind->features) sac_gsde_layout(arena, &head->gsde, &head->net, A, B, options, trained);
  const size_t R = trained ? sac_head_rows(options, B) : B;
  sac_trace_layout(arena, &head->acting, &head->net, R);
  head->trace = head->acting;
  if (spec.bf16) sac_trace_layout_training(arena, &head->trace, &head->net, R);
  float **const wide[] = {&head->mean, &head->raw, &head->log_std, &head->slope,     &head->eps,
                          &head->std,  &head->act, &head->da_du,   &head->logp_terms};
  for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) *wide[i] = SAC_TAKE(arena, float, B *A);
  head->out = SAC_TAKE(arena, float, R * head->ld_out);
  head->dout = SAC_TAKE(arena, float, R * head->ld_out);
  head->logp = SAC_TAKE(arena, float, B);
  head->words = SAC_TAKE(arena, uint32_t, B * 2 * A);
  head->mid = SAC_TAKE(arena, float, A);
  head->half = SAC_TAKE(arena, float, A);
  sac_work_layout(arena, head, B);
}

sac_log_std_map sac_head_map(const sac_agent_options *options) {
  return (sac_log_std_map){options->log_std_map, (float)options->log_std_min,
                           (float)options->log_std_max};
}

/* The largest half that keeps mid - half and mid + half, rounded to float, within [low, high]; or
 * one that is a few units in the last place of mid smaller. */
static float half_width(double low, double high, float mid) {
  const float unit = nextafterf(fabsf(mid), HUGE_VALF) - fabsf(mid);
  const double exact = fmin((double)mid - low, high - (double)mid);
  float half = (float)exact;
  if ((double)half > exact) half = nextafterf(half, 0.0f);
  while (half > unit && ((double)(mid - half) < low || (double)(mid + half) > high)) half -= unit;
  return half;
}

void sac_action_scale(double low, double high, float *mid, float *half) {
  *mid = (float)(0.5 * (low + high));
  *half = half_width(low, high, *mid);
}

void sac_head_set(sac_head *head, const sac_agent_options *options, const double low[],
                  const double high[]) {
  head->map = sac_head_map(options);
  head->log_scale = 0.0;
  for (size_t j = 0; j < head->A; j++) {
    sac_action_scale(low[j], high[j], &head->mid[j], &head->half[j]);
    if (options->entropy_space == SAC_ENTROPY_ENVIRONMENT)
      head->log_scale += log(0.5 * (high[j] - low[j]));
  }
}

void sac_head_noise(const sac_kernels *k, sac_head *head, size_t first, size_t last, uint64_t seed,
                    uint32_t purpose, uint64_t index) {
  const size_t A = head->A;
  for (size_t b = first; b < last; b++) {
    sac_stream s = sac_stream_make(seed, purpose, index + b);
    for (size_t i = 0; head->fused && i < 2 * A; i++)
      head->words[b * 2 * A + i] = sac_stream_u32(&s);
    head->work.stream[b] = s;
  }
  if (!head->fused) return;
  k->normals((last - first) * A, head->words + first * 2 * A, head->eps + first * A);
}

static float clamp(float x, float low, float high) {
  return x < low ? low : x > high ? high : x;
}

/* The range of the mean, of gsde. */
static float mean_clip(const sac_head *head) {
  const double clip = head->opt.sde_mean_clip;
  return head->gsde.H && clip > 0.0 ? (float)clip : HUGE_VALF;
}

/* Behind the means, the variances. */
static void add_variances(const sac_kernels *k, sac_head *head, const sac_trace *trace,
                          size_t first, size_t last) {
  const sac_gsde *g = &head->gsde;
  sac_gsde_forward(k, &head->gsde, &head->net, trace, first, last);
  for (size_t b = first; b < last; b++)
    memcpy(head->out + b * head->ld_out + g->A, g->variance + b * g->ld, g->A * sizeof(float));
}

void sac_head_read(sac_head *head, size_t first, size_t last) {
  const size_t A = head->A;
  const float clip = mean_clip(head);
  if (!head->fused) {
    sac_work_map(head, first, last);
    return;
  }
  for (size_t b = first; b < last; b++)
    for (size_t j = 0; j < A; j++) {
      head->mean[b * A + j] = clamp(head->out[b * head->ld_out + j], -clip, clip);
      head->raw[b * A + j] = head->out[b * head->ld_out + A + j];
    }
}

static void forward(const sac_kernels *k, sac_head *head, sac_trace *trace, const float *s,
                    size_t lds, size_t first, size_t last) {
  sac_mlp_forward(k, &head->net, head->net.w, s, lds, first, last, trace, head->out, head->ld_out);
  if (head->gsde.H) add_variances(k, head, trace, first, last);
  sac_head_read(head, first, last);
}

void sac_head_forward(const sac_kernels *k, sac_head *head, const float *s, size_t lds,
                      size_t first, size_t last) {
  forward(k, head, &head->trace, s, lds, first, last);
}

/* log sigma = log(v)/2, and its slope in v */
static void log_roots(size_t n, const float v[], float log_std[], float slope[]) {
  for (size_t i = 0; i < n; i++) {
    log_std[i] = 0.5f * logf(v[i]);
    slope[i] = 0.5f / v[i];
  }
}

void sac_head_sample(const sac_kernels *k, sac_head *head, size_t first, size_t last) {
  if (!head->fused) {
    sac_work_sample(head, first, last);
    return;
  }
  const size_t A = head->A, at = first * A, n = (last - first) * A;
  if (head->gsde.H)
    log_roots(n, head->raw + at, head->log_std + at, head->slope + at);
  else
    k->log_std(n, &head->map, head->raw + at, head->log_std + at, head->slope + at);
  k->tanh_normal(n, head->mean + at, head->log_std + at, head->eps + at, head->std + at,
                 head->act + at, head->da_du + at, head->logp_terms + at);
  for (size_t b = first; b < last; b++) {
    double logp = -head->log_scale;
    for (size_t j = 0; j < A; j++) logp += (double)head->logp_terms[b * A + j];
    head->logp[b] = (float)logp;
  }
}

void sac_head_draw(const sac_kernels *k, sac_head *head, size_t draw, size_t first, size_t last) {
  const int pairs = head->opt.actor_estimator == SAC_ESTIMATOR_MEASURE_VALUED;
  if (!pairs || draw + 1 == sac_head_draws(head)) {
    sac_head_sample(k, head, first, last);
    return;
  }
  for (size_t b = first; b < last; b++) sac_work_pair(head, draw, b);
  sac_work_finish(head, first, last);
}

void sac_head_gradient(sac_head *head, size_t draw, size_t B, const sac_head_critics *c,
                       size_t first, size_t last) {
  if (!head->fused) {
    sac_work_gradient(head, draw, B, c, first, last);
    return;
  }
  const size_t A = head->A;
  const float alpha = c->alpha, inv_B = 1.0f / (float)B, clip = mean_clip(head);
  for (size_t b = first; b < last; b++)
    for (size_t j = 0; j < A; j++) {
      const size_t i = b * A + j;
      const float dlogpi_du = 2.0f * head->act[i]; /* of -log(1 - tanh(u)^2) */
      const float dJ_du = (alpha * dlogpi_du - c->dq_da[b * c->ld + j] * head->da_du[i]) * inv_B;
      const float dJ_dlog_std = dJ_du * head->std[i] * head->eps[i] - alpha * inv_B;
      const int clipped = fabsf(head->out[b * head->ld_out + j]) > clip;
      head->dout[b * head->ld_out + j] = clipped ? 0.0f : dJ_du;
      head->dout[b * head->ld_out + A + j] = dJ_dlog_std * head->slope[i];
    }
}

/* From behind the means to where gsde has it: what the network does not see must be 0. */
static void take_variances(sac_head *head, size_t first, size_t last) {
  const sac_gsde *g = &head->gsde;
  for (size_t b = first; b < last; b++) {
    float *dout = head->dout + b * head->ld_out + g->A;
    memcpy(g->dv + b * g->ld, dout, g->A * sizeof(float));
    memset(dout, 0, g->A * sizeof(float));
  }
}

void sac_head_backward(const sac_kernels *k, sac_head *head, size_t first, size_t last) {
  if (!head->gsde.H) {
    sac_mlp_backward(k, &head->net, head->dout, head->ld_out, first, last, &head->trace);
    return;
  }
  take_variances(head, first, last);
  sac_gsde_backward(k, &head->gsde, &head->net, head->dout, head->ld_out, first, last,
                    &head->trace);
}

void sac_head_step(const sac_kernels *k, sac_head *head, size_t B, const float *s, size_t lds,
                   const sac_adam_step *adam, size_t t, size_t T, float *scratch) {
  size_t first, last;
  sac_mlp_share(&head->net, 1, t, T, &first, &last);
  for (size_t i = first; i < last; i++)
    sac_mlp_step(k, &head->net, i, B, s, lds, &head->trace, head->dout, head->ld_out, adam, 0.0f,
                 scratch);
  if (head->gsde.H) sac_gsde_step(k, &head->gsde, B, adam, t, T, scratch);
}

double sac_head_grad_square(const sac_head *head) {
  return sac_mlp_grad_square(&head->net) + (head->gsde.H ? sac_gsde_grad_square(&head->gsde) : 0.0);
}

size_t sac_head_seen(const sac_agent_options *options, size_t A) {
  return options->policy == SAC_POLICY_VON_MISES ? 2 * A : A;
}

static const double pi = 3.14159265358979323846;

void sac_head_show(const sac_head *head, const float a[], float seen[]) {
  const size_t A = head->A;
  memmove(seen, a, A * sizeof *a);
  if (sac_head_seen(&head->opt, A) == A) return;
  for (size_t j = 0; j < A; j++) {
    const double angle = pi * (double)seen[j];
    seen[j] = (float)cos(angle);
    seen[A + j] = (float)sin(angle);
  }
}

void sac_head_show_back(const sac_head *head, const float a[], float dq[]) {
  const size_t A = head->A;
  if (sac_head_seen(&head->opt, A) == A) return;
  for (size_t j = 0; j < A; j++) {
    const double angle = pi * (double)a[j];
    dq[j] = (float)(pi * (cos(angle) * (double)dq[A + j] - sin(angle) * (double)dq[j]));
  }
}

void sac_head_act(const sac_kernels *k, sac_head *head, const float *obs, const float *noise,
                  size_t first, size_t last) {
  const size_t A = head->A, at = first * A, n = (last - first) * A;
  forward(k, head, &head->acting, obs, head->O, first, last);
  if (!head->fused || (!noise && head->opt.deterministic != SAC_DETERMINISTIC_CENTER)) {
    if (head->fused) sac_work_map(head, first, last);
    sac_work_act(head, noise, first, last);
  } else if (noise) {
    memcpy(head->eps + at, noise + at, n * sizeof *noise);
    sac_head_sample(k, head, first, last);
  } else {
    k->tanh(n, head->mean + at, head->act + at);
  }
}

void sac_head_act_held(const sac_kernels *k, sac_head *head, const float *obs, const float *z,
                       size_t first, size_t last) {
  const size_t A = head->A, top = head->net.layers - 2, rows = head->gsde.H + 1;
  double noise[SAC_GSDE_ACTIONS_MAX];
  forward(k, head, &head->acting, obs, head->O, first, last);
  for (size_t b = first; b < last; b++) {
    const float *h = head->acting.h[top] + b * head->acting.ld[top];
    const float clip = mean_clip(head);
    sac_gsde_noise(&head->gsde, h, z + b * rows * A, noise);
    for (size_t j = 0; j < A; j++) {
      const float mean = clamp(head->out[b * head->ld_out + j], -clip, clip);
      head->act[b * A + j] = tanhf(mean + (float)noise[j]);
    }
  }
}

sac_status sac_head_result(const sac_head *head, size_t n, const float *obs, float *act,
                           sac_error *err) {
  const size_t O = head->O, A = head->A;
  for (size_t i = 0; i < n * O; i++)
    if (!isfinite(obs[i]))
      return sac_fail(err, SAC_ERR_DIVERGED, "observation %zu of row %zu is %g", i % O, i / O,
                      (double)obs[i]);
  for (size_t i = 0; i < n * A; i++)
    if (!isfinite(head->act[i]))
      return sac_fail(err, SAC_ERR_DIVERGED, "action %zu of row %zu is %g: the policy has diverged",
                      i % A, i / A, (double)head->act[i]);
  for (size_t i = 0; i < n * A; i++) {
    const float mid = head->mid[i % A], half = head->half[i % A], a = mid + half * head->act[i];
    act[i] = head->opt.policy == SAC_POLICY_NORMAL ? a : clamp(a, mid - half, mid + half);
  }
  return SAC_OK;
}
