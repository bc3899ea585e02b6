"""The residual bodies: networks of n blocks of one width h, as their authors' networks compute
them. Layer 0 embeds the input, layers 2 i - 1 and 2 i are block i's two products; then the head.
"""
import numpy as np

from sac_layers import batch_norm, layer_norm, product, rms_norm, unit
from tape import Node, concatenate, relu

FLASH_RMS_EPS = 1e-6  # beside norm_eps, which is that of its batch norms
SHIFT = 3.0           # [SIMBAV2]: a last input, so that the length of the others is not lost
LEAST = 1e-8          # [SIMBAV2]: behind ReLUs, against rows of zeros


def widths(body, hidden, heads):
    """The outputs of every layer but the last, from the option of the hidden widths: in a residual
    body a number a block. heads: beside each other, in simbav2 each with two layers."""
    if body == "plain":
        return hidden
    h, inner = hidden[0], hidden[0] * (1 if body == "bro" else 4)
    return [h, *[inner, h] * len(hidden), *([h * heads] if body == "simbav2" else [])]


def has_bias(body, l, layers):
    """Whether layer l of so many has one: these two only where nothing comes behind."""
    return body not in ("simbav2", "flash") or l + 1 == layers


def blocks(net, heads):
    """The first layer of each block; heads: layers behind the blocks."""
    return range(1, net.layers - heads, 2)


def simba(net, p, x, training):
    """[SIMBA]: x + W2 relu(W1 LN(x)), LN before the head."""
    norm = lambda l, x: layer_norm(p, f"{l}.before", x, float(net.o["norm_eps"]))
    x = product(net, p, 0, x)
    for l in blocks(net, 1):
        x = x + product(net, p, l + 1, relu(product(net, p, l, norm(l, x))))
    return product(net, p, net.layers - 1, norm(net.layers - 1, x))


def bro(net, p, x, training):
    """[BRO]: x + LN(W2 relu(LN(W1 x))), of x = relu(LN(W0 x))."""
    normed = lambda l, x: layer_norm(p, f"{l}.after", product(net, p, l, x),
                                     float(net.o["norm_eps"]))
    x = relu(normed(0, x))
    for l in blocks(net, 1):
        x = x + normed(l + 1, relu(normed(l, x)))
    return product(net, p, net.layers - 1, x)


def simbav2(net, p, x, training):
    """[SIMBAV2]: rows of length 1, moved towards what a block makes of them; products without
    biases, most of them with a factor a column. Heads see their own columns of the last layer but
    one."""
    scaled = lambda l, x: product(net, p, l, x, bias=False) * p[f"{l}.scaler"]
    x = unit(concatenate([x, np.full((len(x.value), 1), SHIFT)], axis=1))
    x = unit(scaled(0, x))
    first = blocks(net, 2)
    grown = np.sqrt(x.shape[1]) / (len(first) + 1.0)  # alpha is learned from 1 / sqrt(h) on
    for l in first:
        made = unit(product(net, p, l + 1, relu(scaled(l, x)) + LEAST, bias=False))
        x = unit(x + p[f"{l + 1}.alpha"] * grown * (made - x))
    last = net.layers - 1
    wide, out = p[f"{last}.weight"].shape
    own = np.kron(np.eye(net.heads), np.ones((wide // net.heads, out // net.heads)))
    p = {**p, f"{last}.weight": p[f"{last}.weight"] * own}
    return product(net, p, last, scaled(last - 1, x))


def flash(net, p, x, training):
    """[FLASHSAC]: x + relu(BN(W2 relu(BN(W1 x)))), RMS norm before the head; no biases but its."""
    made = lambda l, x: relu(batch_norm(net, p, f"{l}.after", product(net, p, l, x, bias=False),
                                        training))
    x = product(net, p, 0, batch_norm(net, p, "0.before", x, training), bias=False)
    for l in blocks(net, 1):
        x = x + made(l + 1, made(l, x))
    last = net.layers - 1
    return product(net, p, last, rms_norm(p, f"{last}.before", x, FLASH_RMS_EPS))


BODIES = {"simba": simba, "bro": bro, "simbav2": simbav2, "flash": flash}
