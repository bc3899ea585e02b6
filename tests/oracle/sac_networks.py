"""The networks of an agent as expressions of tape.py: rows are samples, numbers are double.

A hidden layer is dropout, then a norm, then ReLU on x W + b; with norm_place=inputs a norm stands
before every product instead, the first and the last included. With batch kinds (`batch`, `renorm`)
a pass in training mode uses the statistics of its own rows, and `settle` then moves the running
ones; every other pass uses the running ones. Other bodies than plain are in sac_bodies.py.
"""
import numpy as np

from sac_bodies import BODIES, has_bias, widths
from sac_layers import BATCH_KINDS, folded_product, normalised, product, stored
from sac_record import Disagreement
from tape import Node, relu


class Network:
    """Arrays by name, as the agent's tensors are named after the prefix: `w` are learned, `m` and
    `v` their moments, `stats` the running statistics of a batch kind. A target is made `like` the
    network that it follows: it has no moments, and its passes are counted beside that one's. An
    actor of actions that are numbers has two heads, mean and log sigma."""

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
        self.o, self.norm, self.dropout, self.body = options, norm, dropout, options["body"]
        self.bf16 = options["precision"] == "bf16"
        self.pending = {}  # what the last pass in training mode makes of the running statistics
        who = "actor" if prefix == "actor." else "critic"
        self.heads = 2 if who == "actor" and options["policy"] != "categorical" else 1
        self.check_shape(who)

    def check_shape(self, who):
        """The layers are as wide as the options say, and have biases where the body has."""
        hidden = [int(w) for w in self.o[who + "_hidden"].split(",")]
        has = [self.w[f"{l}.weight"].shape[1] for l in range(self.layers - 1)]
        want = widths(self.body, hidden, self.heads)
        if has != want:
            raise Disagreement(f"{who}: layers of {has}, must be {want}")
        for l in range(self.layers):
            if (f"{l}.bias" in self.w) != has_bias(self.body, l, self.layers):
                raise Disagreement(f"{who}: a bias too many or too few in layer {l}")

    def outputs(self):
        return self.w[f"{self.layers - 1}.weight"].shape[1]

    def is_batch(self):
        return self.norm in BATCH_KINDS or self.body == "flash"

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
        """Each output's weights to length 1   [XQC, SIMBAV2]; zeros stay. With unit_norms each
        norm's gains and shifts together to the root of their columns' number   [FLASHSAC]"""
        for name, W in self.w.items():
            if name.endswith(".weight"):
                length = np.sqrt((W * W).sum(axis=0, keepdims=True))
                W /= np.where(length > 0.0, length, 1.0)
            if name.endswith(".gamma") and self.o["weight_projection"] == "unit_norms":
                both = [self.w[n] for n in (name, name[:-5] + "beta") if n in self.w]
                square = sum((t * t).sum() for t in both)
                for t in both:
                    t *= np.sqrt(t.size / (square + 1e-8))

    def settle(self):
        """Move the running statistics as the last pass in training mode wants, and count it."""
        for name, value in self.pending.items():
            self.stats[name][...] = value
        if self.pending:
            self.passes[self.counter] += 1.0
        self.pending = {}


def forward(net, p, x, training=False, kept=None):
    """The outputs for x with the parameters p (Nodes). training: statistics of a batch kind are of
    these rows. kept(l, shape): truths, which numbers of hidden layer l dropout keeps."""
    if net.body != "plain":
        return BODIES[net.body](net, p, x, training)
    inputs = net.norm != "none" and net.o["norm_place"] == "inputs"
    hidden = net.norm != "none" and not inputs
    first = inputs or (hidden and net.is_batch() and net.o["norm_input"] == "yes")
    folded = inputs and net.is_batch() and net.bf16
    for l in range(net.layers):
        if folded and p[f"{l}.weight"].shape[1] > 1:
            z = folded_product(net, p, l, x, training)
        else:
            if inputs or (first and l == 0):
                x = normalised(net, p, f"{l}.before", x, training)
            z = product(net, p, l, x)
        if l + 1 == net.layers:
            return z
        if net.dropout > 0.0:
            z = z * (kept(l, z.shape) / (1.0 - net.dropout))
        if hidden:
            z = normalised(net, p, f"{l}.after", z, training)
        x = stored(relu(z), net.bf16)
