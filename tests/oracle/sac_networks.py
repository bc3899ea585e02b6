"""The networks of an agent as expressions of tape.py: rows are samples, numbers are double.

A hidden layer is dropout, then a norm, then ReLU on x W + b; with norm_place=inputs a norm stands
before every product instead, the first and the last included. With batch kinds (`batch`, `renorm`)
a pass in training mode uses the statistics of its own rows, and `settle` then moves the running
ones; every other pass uses the running ones.
"""
import numpy as np

from tape import Node, relu, sqrt

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


def stored(h, bf16):
    """A hidden activation as bf16 keeps it; the rounding has no derivative of its own."""
    return Node(rounded(h.value, bf16), (h, lambda g: g)) if bf16 else h


class Network:
    """Arrays by name, as the agent's tensors are named after the prefix: `w` are learned, `m` and
    `v` their moments, `stats` the running statistics of a batch kind. A target is made `like` the
    network that it follows: it has no moments, and its passes are counted beside that one's."""

    def __init__(self, state, prefix, options, norm="none", dropout=0.0, like=None):
        own = {n[len(prefix):]: t.astype(np.float64)
               for n, t in state.items() if n.startswith(prefix)}
        part = lambda p: {n[len(p):]: t for n, t in own.items() if n.startswith(p)}
        self.m, self.v = part("adam_m."), part("adam_v.")
        self.w = {n: own[n] for n in (like.w if like else self.m)}
        self.stats = {n: t for n, t in own.items() if n.endswith((".mean", ".var"))
                      and n[0].isdigit()}
        self.passes = like.passes if like else own.get("norm_passes")
        self.counter = (0, 1 if like else 0)
        self.layers = sum(n.endswith(".weight") for n in self.w)
        self.o, self.norm, self.dropout = options, norm, dropout
        self.bf16 = options["precision"] == "bf16"
        self.pending = {}  # what the last pass in training mode makes of the running statistics

    def outputs(self):
        return self.w[f"{self.layers - 1}.weight"].shape[1]

    def is_batch(self):
        return self.norm in BATCH_KINDS

    def leaves(self):
        return {n: Node(t) for n, t in self.w.items()}

    def tensors(self, prefix):
        """All of it, named as the agent's tensors are."""
        parts = (("", self.w), ("", self.stats), ("adam_m.", self.m), ("adam_v.", self.v))
        out = {f"{prefix}{p}{n}": t for p, tensors in parts for n, t in tensors.items()}
        if self.passes is not None and self.m:
            out[prefix + "norm_passes"] = self.passes
        return out

    def project(self):
        """Each output's weights to length 1   [XQC, SIMBAV2]; zeros stay."""
        for name, W in self.w.items():
            if name.endswith(".weight"):
                length = np.sqrt((W * W).sum(axis=0, keepdims=True))
                W /= np.where(length > 0.0, length, 1.0)

    def settle(self):
        """Move the running statistics as the last pass in training mode wants, and count it."""
        for name, value in self.pending.items():
            self.stats[name][...] = value
        if self.pending:
            self.passes[self.counter] += 1.0
        self.pending = {}


def normalised(net, p, at, x, training):
    """The norm named `at` of x, with the gain gamma and the shift beta of each column."""
    gamma, eps = p[at + ".gamma"], float(net.o["norm_eps"])
    if net.norm == "rms":  # [RMSN]: no mean and no shift
        return x / sqrt((x * x).mean(axis=1) + eps) * gamma
    beta = p[at + ".beta"]
    if net.norm == "layer":
        apart = x - x.mean(axis=1)
        return apart / sqrt((apart * apart).mean(axis=1) + eps) * gamma + beta
    mean, var = net.stats[at + ".mean"], net.stats[at + ".var"]
    sigma = np.sqrt(var + eps)
    if not training:
        return (x - mean) / sigma * gamma + beta
    batch_mean = x.mean(axis=0)
    apart = x - batch_mean
    batch_var = (apart * apart).mean(axis=0)
    batch_sigma = sqrt(batch_var + eps)
    keep = float(net.o["norm_momentum"])
    net.pending[at + ".mean"] = keep * mean + (1.0 - keep) * batch_mean.value
    net.pending[at + ".var"] = keep * var + (1.0 - keep) * batch_var.value
    unit = apart / batch_sigma
    if net.norm == "renorm" and net.passes[net.counter] >= int(net.o["renorm_warmup"]):
        # [BRN, algorithm 1]: r and d carry no gradient
        r_max, d_max = float(net.o["renorm_r_max"]), float(net.o["renorm_d_max"])
        r = np.clip(batch_sigma.value / sigma, 1.0 / r_max, r_max)
        d = np.clip((batch_mean.value - mean) / sigma, -d_max, d_max)
        unit = unit * r + d
    return unit * gamma + beta


def forward(net, p, x, training=False, kept=None):
    """The outputs for x with the parameters p (Nodes). training: statistics of a batch kind are of
    these rows. kept(l, shape): truths, which numbers of hidden layer l dropout keeps."""
    inputs = net.norm != "none" and net.o["norm_place"] == "inputs"
    hidden = net.norm != "none" and not inputs
    first = inputs or (hidden and net.is_batch() and net.o["norm_input"] == "yes")
    for l in range(net.layers):
        if inputs or (first and l == 0):
            x = normalised(net, p, f"{l}.before", x, training)
        z = dense(x, p[f"{l}.weight"], p[f"{l}.bias"], l == 0, net.bf16)
        if l + 1 == net.layers:
            return z
        if net.dropout > 0.0:
            z = z * (kept(l, z.shape) / (1.0 - net.dropout))
        if hidden:
            z = normalised(net, p, f"{l}.after", z, training)
        x = stored(relu(z), net.bf16)
