"""Reverse-mode differentiation of NumPy expressions, in double.

A Node is a value and, for each node that it was made of, the map from dL/d(value) to that node's
share. `gradients` walks them backwards. Sums over broadcast axes are undone in `Node.feed`, so that
a rule below is the scalar's derivative and no more. Nothing here knows of networks.

`self_test` holds every rule against central differences.
"""
import numpy as np


class Node:
    __array_priority__ = 1.0  # array * Node is Node.__rmul__

    def __init__(self, value, *made_of):
        """made_of: pairs (node, function from dL/d(value) to dL/d(node))."""
        self.value = np.asarray(value, np.float64)
        self.made_of = made_of
        self.gradient = None

    @property
    def shape(self):
        return self.value.shape

    def feed(self, gradient):
        if gradient.shape != self.shape:
            gradient = gradient.sum(axis=tuple(range(gradient.ndim - self.value.ndim)))
            stretched = tuple(i for i, n in enumerate(self.shape) if n == 1 != gradient.shape[i])
            gradient = gradient.sum(axis=stretched, keepdims=True)
        self.gradient = gradient if self.gradient is None else self.gradient + gradient

    def __add__(self, other):
        other = node(other)
        return Node(self.value + other.value, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = node(other)
        return Node(self.value * other.value, (self, lambda g: g * other.value),
                    (other, lambda g: g * self.value))

    def __truediv__(self, other):
        return self * node(other) ** -1.0

    def __pow__(self, p):
        return Node(self.value ** p, (self, lambda g: g * p * self.value ** (p - 1.0)))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -node(other)

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self ** -1.0 * other

    __radd__, __rmul__ = __add__, __mul__

    def __matmul__(self, other):
        return Node(self.value @ other.value, (self, lambda g: g @ other.value.T),
                    (other, lambda g: self.value.T @ g))

    def __getitem__(self, index):
        def spread(g):
            whole = np.zeros(self.shape)
            np.add.at(whole, index, g)
            return whole
        return Node(self.value[index], (self, spread))

    def sum(self, axis=None):
        """Kept as an axis of length 1; without `axis`, over everything."""
        return Node(self.value.sum(axis=axis, keepdims=axis is not None),
                    (self, lambda g: np.broadcast_to(g, self.shape)))

    def mean(self, axis=None):
        return self.sum(axis) / (self.value.size if axis is None else self.shape[axis])


def node(x):
    return x if isinstance(x, Node) else Node(x)


def constant(x):
    """x's value, through which no gradient goes."""
    return Node(x.value if isinstance(x, Node) else x)


def exp(x):
    y = np.exp(x.value)
    return Node(y, (x, lambda g: g * y))


def log(x):
    return Node(np.log(x.value), (x, lambda g: g / x.value))


def sqrt(x):
    return x ** 0.5


def tanh(x):
    y = np.tanh(x.value)
    return Node(y, (x, lambda g: g * (1.0 - y * y)))


def relu(x):
    return Node(np.maximum(x.value, 0.0), (x, lambda g: g * (x.value > 0.0)))


def softplus(x):
    """log(1 + e^x); its derivative is 1 / (1 + e^-x)."""
    return Node(np.logaddexp(0.0, x.value), (x, lambda g: g * np.exp(-np.logaddexp(0.0, -x.value))))


def clip(x, low, high):
    """Outside, the gradient is 0."""
    inside = (x.value >= low) & (x.value <= high)
    return Node(np.clip(x.value, low, high), (x, lambda g: g * inside))


def where(condition, a, b):
    """condition: an array of truths, itself not differentiated."""
    a, b = node(a), node(b)
    return Node(np.where(condition, a.value, b.value), (a, lambda g: np.where(condition, g, 0.0)),
                (b, lambda g: np.where(condition, 0.0, g)))


def concatenate(parts, axis):
    parts = [node(p) for p in parts]
    ends = np.cumsum([p.shape[axis] for p in parts])
    share = lambda i: lambda g: np.split(g, ends[:-1], axis=axis)[i]
    return Node(np.concatenate([p.value for p in parts], axis=axis),
                *((p, share(i)) for i, p in enumerate(parts)))


def log_softmax(x):
    """Along the last axis, less the largest first so that nothing overflows."""
    x = x - x.value.max(axis=-1, keepdims=True)
    return x - log(exp(x).sum(axis=-1))


def gradients(loss, leaves):
    """dloss/dleaf of each leaf; zeros if the loss does not depend on it."""
    order, seen, stack = [], set(), [(loss, False)]
    while stack:  # parents before children, without recursion
        at, done = stack.pop()
        if done:
            order.append(at)
        elif id(at) not in seen:
            seen.add(id(at))
            stack.append((at, True))
            stack.extend((parent, False) for parent, _ in at.made_of)
    wanted = {id(leaf) for leaf in leaves}
    for at in order + list(leaves):
        at.gradient = None
    loss.gradient = np.ones(loss.shape)
    for at in reversed(order):
        for parent, share in at.made_of:
            if parent.made_of or id(parent) in wanted:
                parent.feed(share(at.gradient))
    return [np.zeros(leaf.shape) if leaf.gradient is None else leaf.gradient for leaf in leaves]


def difference(f, tensors, analytic, rng):
    """The largest |central difference of f() - analytic| / (1 + |analytic|) over some entries of
    every tensor, which f reads."""
    worst, h = 0.0, 1e-6
    for t, g in zip(tensors, analytic):
        for i in rng.choice(t.size, size=min(5, t.size), replace=False):
            at = np.unravel_index(i, t.shape)
            kept = t[at]
            t[at] = kept + h
            up = f()
            t[at] = kept - h
            down = f()
            t[at] = kept
            worst = max(worst, abs((up - down) / (2.0 * h) - g[at]) / (1.0 + abs(g[at])))
    return worst


def self_test(rng):
    """The largest deviation over all rules, each with and without broadcasting."""
    a, b, row, W = (rng.normal(size=s) for s in ((4, 3), (4, 3), (1, 3), (3, 5)))
    clear = rng.uniform(0.5, 2.0, size=(4, 3))  # positive, for log and powers
    sums = rng.normal(size=(4, 5))              # so that no gradient is the same everywhere
    cases = [lambda a, b, row, W, c: (a + row) * b - row / c,
             lambda a, b, row, W, c: (2.0 - a) * (1.0 / c) + c ** 1.5,
             lambda a, b, row, W, c: (a @ W) * sums,
             lambda a, b, row, W, c: exp(a) + log(c) * sqrt(c) + tanh(b) * softplus(a),
             lambda a, b, row, W, c: relu(a) * b + clip(a, -0.5, 0.5) * row,
             lambda a, b, row, W, c: where(b.value > 0.0, a * c, row * b),
             lambda a, b, row, W, c: a - a.mean(axis=0) * b.sum(axis=1) + b.mean(),
             lambda a, b, row, W, c: concatenate([a, b * c], axis=1) * concatenate([b, a], axis=1),
             lambda a, b, row, W, c: a[1:3] * b[:2] + a[np.array([0, 0]), :] * c[2:],
             lambda a, b, row, W, c: log_softmax(a) * b]
    worst, tensors = 0.0, [a, b, row, W, clear]
    for case in cases:
        f = lambda: case(*(Node(t) for t in tensors)).sum()
        leaves = [Node(t) for t in tensors]
        analytic = gradients(case(*leaves).sum(), leaves)
        worst = max(worst, difference(lambda: float(f().value), tensors, analytic, rng))
    return worst
