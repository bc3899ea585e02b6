"""What networks are made of, as expressions of tape.py: products, norms, what bf16 keeps. A `net`
is sac_networks.Network, `p` its parameters as Nodes by name."""
import numpy as np

from tape import Node, sqrt

BATCH_KINDS = ("batch", "renorm")


def rounded(x, yes):
    """To the nearest bf16, ties to even."""
    if not yes:
        return x
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(fraction * 256.0) / 256.0, exponent)


def dense(x, W, b, first, bf16):
    """x W + b. With bf16 the operands of products are rounded to 8 bits: the gradient in the output
    of several columns, the input where it meets that, and the weights that meet these. The first
    layer's own product and a single output's are not."""
    small = bf16 and W.shape[1] > 1
    back = lambda g: rounded(g, small)
    return Node(x.value @ rounded(W.value, small and not first) + b.value,
                (x, lambda g: back(g) @ rounded(W.value, small).T),
                (W, lambda g: rounded(x.value, small).T @ back(g)),
                (b, lambda g: back(g).sum(axis=0, keepdims=True)))


def product(net, p, l, x, bias=True):
    """x W + b of layer l, or x W."""
    W = p[f"{l}.weight"]
    b = p[f"{l}.bias"] if bias else Node(np.zeros((1, W.shape[1])))
    return dense(x, W, b, l == 0, net.bf16)


def stored(h, bf16):
    """A hidden activation as bf16 keeps it; the rounding has no derivative of its own."""
    return Node(rounded(h.value, bf16), (h, lambda g: g)) if bf16 else h


def unit(x):
    """Each row to length 1."""
    return x / sqrt((x * x).sum(axis=1))


def rms_norm(p, at, x, eps):
    """[RMSN]: no mean and no shift."""
    return x / sqrt((x * x).mean(axis=1) + eps) * p[at + ".gamma"]


def layer_norm(p, at, x, eps):
    apart = x - x.mean(axis=1)
    return apart / sqrt((apart * apart).mean(axis=1) + eps) * p[at + ".gamma"] + p[at + ".beta"]


def batch_unit(net, at, x, training, renorm=False):
    """x by the running statistics, or in training mode by those of these rows; then `net.pending`
    has what becomes of the running ones. And the numbers by which it is a (x - mean) + d."""
    eps = float(net.o["norm_eps"])
    mean, var = net.stats[at + ".mean"], net.stats[at + ".var"]
    sigma = np.sqrt(var + eps)
    if not training:
        return (x - mean) / sigma, (1.0 / sigma, mean, 0.0)
    batch_mean = x.mean(axis=0)
    apart = x - batch_mean
    batch_var = (apart * apart).mean(axis=0)
    batch_sigma = sqrt(batch_var + eps)
    keep, n = float(net.o["norm_momentum"]), len(x.value)
    seen = batch_var.value * (n / (n - 1.0) if net.o["norm_unbiased"] == "yes" else 1.0)
    net.pending[at + ".mean"] = keep * mean + (1.0 - keep) * batch_mean.value
    net.pending[at + ".var"] = keep * var + (1.0 - keep) * seen
    unit, r, d = apart / batch_sigma, 1.0, 0.0
    if renorm and net.passes[net.counter] >= int(net.o["renorm_warmup"]):
        # [BRN, algorithm 1]: r and d carry no gradient
        r_max, d_max = float(net.o["renorm_r_max"]), float(net.o["renorm_d_max"])
        r = np.clip(batch_sigma.value / sigma, 1.0 / r_max, r_max)
        d = np.clip((batch_mean.value - mean) / sigma, -d_max, d_max)
        unit = unit * r + d
    return unit, (r / batch_sigma.value, batch_mean.value, d)


def batch_norm(net, p, at, x, training, renorm=False):
    unit, _ = batch_unit(net, at, x, training, renorm)
    return unit * p[at + ".gamma"] + p[at + ".beta"]


def folded_product(net, p, l, x, training):
    """x W + b of x normalised over the batch, of several columns, as bf16 makes it: the norm's
    gain and shift go into the weights, s x + t with s = gamma a, before these are rounded; what
    that takes from them meets x less its mean. The input is normalised as it is, and rounded where
    it meets the gradient."""
    at = f"{l}.before"
    gamma, beta, W, b = (p[n] for n in (at + ".gamma", at + ".beta", f"{l}.weight", f"{l}.bias"))
    unit, (a, mean, d) = batch_unit(net, at, x, training, net.norm == "renorm")
    if l == 0:
        z = (unit.value * gamma.value + beta.value) @ W.value
        unit = stored(unit, True)
    else:
        s = gamma.value * a
        F = s.T * W.value
        z = x.value @ rounded(F, True) + mean @ (F - rounded(F, True))
        z = z + (beta.value + gamma.value * d - s * mean) @ W.value
    y = unit * gamma + beta
    return Node(z + b.value, (y, lambda g: rounded(g, True) @ rounded(W.value, True).T),
                (W, lambda g: y.value.T @ rounded(g, True)),
                (b, lambda g: rounded(g, True).sum(axis=0, keepdims=True)))


def normalised(net, p, at, x, training):
    """The norm named `at` of x, with the gain gamma and the shift beta of each column."""
    if net.norm == "rms":
        return rms_norm(p, at, x, float(net.o["norm_eps"]))
    if net.norm == "layer":
        return layer_norm(p, at, x, float(net.o["norm_eps"]))
    return batch_norm(net, p, at, x, training, net.norm == "renorm")
