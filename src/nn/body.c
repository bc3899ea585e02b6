/* The shapes of networks: what of a network's layers is how wide, and what lies before and behind
 * each product. n blocks of width H, widened 4 times inside those of simba [SIMBA], not in those of
 * bro [BRO]:
 *   plain  h = relu(norm(h W + b)) for each hidden width, or with norms before the products
 *   simba  h = x W + b;            n times  h <- h + W2 relu(W1 LN(h));        y = LN(h) W + b
 *   bro    h = relu(LN(x W + b));  n times  h <- h + LN(W2 relu(LN(W1 h)));    y = h W + b
 *   simbav2 [SIMBAV2], of rows at length 1, |v| = v / length, no biases but the last:
 *          h = |s (|x, 3| W)|;    n times  h <- |h + a (|(relu(s (h W1)) + 1e-8) W2| - h)|;
 *          y = s (h W) W' + b,  each of `parts` vectors of y by itself
 *   flash  h = BN(x) W;  n times  h <- h + relu(BN(W2 relu(BN(W1 h))));        y = RMS(h) W + b
 *          with inner width 4 H, like simba, and no bias but the last [FLASHSAC]. */
#include "nn/body.h"

#include <math.h>

static void put_norm(sac_norm *norm, size_t width, int kind) {
  norm->width = width;
  norm->kind = kind;
}

/* The norms of a plain network: those of its spec. */
static void place_norms(sac_mlp *net, sac_layer *layer, int is_first, int is_hidden) {
  const sac_norm_spec *spec = &net->norm;
  if (spec->kind == SAC_NORM_NONE) return;
  const int inputs = spec->place == SAC_NORM_INPUTS;
  const int input = is_first && spec->input && sac_norm_is_batch(spec);
  if (inputs || input) put_norm(&layer->before, layer->in, spec->kind);
  if (!inputs && is_hidden) put_norm(&layer->after, layer->out, spec->kind);
}

static void plain(sac_mlp *net, const sac_widths *hidden) {
  net->layers = hidden->count + 1;
  for (size_t l = 0; l < net->layers; l++) {
    sac_layer *layer = &net->layer[l];
    const int is_hidden = l + 1 < net->layers;
    layer->in = l ? hidden->width[l - 1] : net->in;
    layer->out = is_hidden ? hidden->width[l] : net->out;
    layer->relu = is_hidden;
    place_norms(net, layer, l == 0, is_hidden);
  }
}

/* A layer into the network, a block's second half of two, a last one; each behind the others. */
static sac_layer *add_layer(sac_mlp *net, size_t in, size_t out) {
  sac_layer *layer = &net->layer[net->layers++];
  layer->in = in;
  layer->out = out;
  return layer;
}

/* Two layers of a block: the second is added to what the first reads. */
static sac_layer *add_block(sac_mlp *net, size_t width, size_t inner) {
  const size_t reads = net->layers; /* 1 + the hidden layer before */
  sac_layer *first = add_layer(net, width, inner), *second = add_layer(net, inner, width);
  first->relu = 1;
  second->skip = reads;
  return first;
}

static void simba(sac_mlp *net, size_t blocks, size_t width) {
  net->norm.kind = SAC_NORM_LAYER;
  add_layer(net, net->in, width);
  for (size_t i = 0; i < blocks; i++)
    put_norm(&add_block(net, width, 4 * width)->before, width, SAC_NORM_LAYER);
  put_norm(&add_layer(net, width, net->out)->before, width, SAC_NORM_LAYER);
}

static void bro(sac_mlp *net, size_t blocks, size_t width) {
  net->norm.kind = SAC_NORM_LAYER;
  sac_layer *first = add_layer(net, net->in, width);
  first->relu = 1;
  put_norm(&first->after, width, SAC_NORM_LAYER);
  for (size_t i = 0; i < blocks; i++) {
    sac_layer *block = add_block(net, width, width);
    put_norm(&block[0].after, width, SAC_NORM_LAYER);
    put_norm(&block[1].after, width, SAC_NORM_LAYER);
  }
  add_layer(net, width, net->out);
}

static void put_gain(sac_layer *layer, double start, double by) {
  layer->gain = (sac_gain){.width = layer->out, .start = start, .by = by};
}

/* Where factors and interpolations begin is the authors' own, scale_rl/agents/simbaV2 and
 * configs/agent/simbaV2.yaml: a factor at sqrt(2/H), in the wider layers at half of it, at 1 before
 * the last layer; an interpolation at 1/(n+1), held as 1/sqrt(H) and a constant. */
static void simbav2(sac_mlp *net, size_t blocks, size_t width, size_t parts) {
  const double H = (double)width, start = sqrt(2.0 / H), share = 1.0 / ((double)blocks + 1.0);
  net->shift = 3.0f;
  sac_layer *layer = add_layer(net, net->in + 1, width);
  layer->unit = 1;
  put_gain(layer, start, 1.0);
  for (size_t i = 0; i < blocks; i++) {
    layer = add_block(net, width, 4 * width);
    put_gain(&layer[0], 0.5 * start, 1.0);
    put_gain(&layer[1], 1.0 / sqrt(H), share * sqrt(H));
    layer[1].unit = 1;
  }
  layer = add_layer(net, width, parts * width);
  layer->parts = parts;
  put_gain(layer, 1.0, 1.0);
  for (size_t l = 0; l < net->layers; l++) net->layer[l].biasless = 1;
  layer = add_layer(net, parts * width, net->out);
  layer->parts = parts;
  layer->apart = parts > 1;
}

static void flash(sac_mlp *net, size_t blocks, size_t width) {
  net->norm.kind = SAC_NORM_BATCH;
  sac_layer *first = add_layer(net, net->in, width);
  first->biasless = 1;
  put_norm(&first->before, net->in, SAC_NORM_BATCH);
  for (size_t i = 0; i < blocks; i++) {
    sac_layer *block = add_block(net, width, 4 * width);
    for (size_t j = 0; j < 2; j++) {
      block[j].relu = block[j].biasless = 1;
      put_norm(&block[j].after, block[j].out, SAC_NORM_BATCH);
    }
  }
  put_norm(&add_layer(net, width, net->out)->before, width, SAC_NORM_RMS);
}

/* How the authors draw weights: orthogonal, and in simba's blocks as He's normal; bro's longer by
 * sqrt(2). A location and a width of the output are drawn apart. */
static void set_draws(sac_mlp *net, int body, size_t parts) {
  const size_t last = net->layers - 1;
  for (size_t l = 0; l <= last; l++) {
    sac_layer *layer = &net->layer[l];
    layer->draw = body == SAC_NET_SIMBA && l && l < last ? SAC_MLP_HE : SAC_MLP_ORTHOGONAL;
    layer->spread = body == SAC_NET_BRO ? sqrt(2.0) : 1.0;
  }
  if (body != SAC_NET_PLAIN) net->layer[last].parts = parts;
}

static void make_layers(sac_mlp *net, int body, const sac_widths *hidden, size_t parts) {
  const size_t blocks = hidden->count, width = hidden->width[0];
  switch (body) {
  case SAC_NET_SIMBA:
    simba(net, blocks, width);
    return;
  case SAC_NET_BRO:
    bro(net, blocks, width);
    return;
  case SAC_NET_SIMBAV2:
    simbav2(net, blocks, width, parts);
    return;
  case SAC_NET_FLASH:
    flash(net, blocks, width);
    return;
  default:
    plain(net, hidden);
  }
}

void sac_body_layers(sac_mlp *net, int body, const sac_widths *hidden, size_t parts) {
  make_layers(net, body, hidden, parts ? parts : 1);
  set_draws(net, body, parts ? parts : 1);
}
