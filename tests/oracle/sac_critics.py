"""What a critic's outputs mean: each head has the value of an action, the target that all critics
share, and the loss of one critic towards it. Outputs are (B,n); values, log pi, rewards and
discounts (B,1)."""
import numpy as np

from tape import exp, log_softmax, where


def stacked(values):
    """(B,N) the numbers of N columns."""
    return np.concatenate([v.value for v in values], axis=1)


def smallest(values):
    """min_j of each element, with the gradient of the first critic that has it."""
    least = np.argmin(np.stack([v.value for v in values]), axis=0)
    return sum(where(least == j, v, 0.0) for j, v in enumerate(values))


class Scalar:
    """One output, Q itself: y = r + discount (min_j Q_j - alpha log pi)   [SAC2, REDQ]"""

    def __init__(self, options):
        self.kind = options["critic_loss"]

    def value(self, out):
        return out

    def target(self, outs, reward, discount, entropy_cost):
        return reward + discount * (smallest(outs).value - entropy_cost)

    def target_mean(self, y):
        return np.mean(y)

    def loss(self, out, y):
        error = out - y
        square = error * error
        if self.kind == "mse":
            return square.mean()
        if self.kind == "half_mse":
            return square.mean() / 2.0
        size = where(error.value > 0.0, error, -error)
        return where(size.value <= 1.0, square / 2.0, size - 0.5).mean()


class Categorical:
    """Logits of the probabilities of fixed values z_1 ... z_n. The target is the distribution of
    r + discount (z - alpha log pi), z of the critic with the smallest mean, moved to the support:
    the probability of a value between two neighbours goes to both, in the inverse ratio of its
    distances from them   [C51, algorithm 1]. Loss: the cross-entropy."""

    def __init__(self, options):
        self.z = np.linspace(float(options["value_min"]), float(options["value_max"]),
                             int(options["critic_atoms"]))[None, :]

    def value(self, out):
        return (exp(log_softmax(out)) * self.z).sum(axis=1)

    def target(self, outs, reward, discount, entropy_cost):
        least = np.argmin(stacked([self.value(o) for o in outs]), axis=1)
        p = np.stack([exp(log_softmax(o)).value for o in outs])[least, np.arange(len(least))]
        moved = np.clip(reward + discount * (self.z - entropy_cost), self.z[0, 0], self.z[0, -1])
        # a hat around each value of the support: 1 there, 0 at its neighbours
        gap = self.z[0, 1] - self.z[0, 0]
        share = np.maximum(0.0, 1.0 - np.abs(moved[:, :, None] - self.z[:, None, :]) / gap)
        return np.einsum("bi,bij->bj", p, share)

    def target_mean(self, y):
        return np.mean(y @ self.z[0])

    def loss(self, out, y):
        return -(log_softmax(out) * y).sum(axis=1).mean()


class Quantile:
    """Quantiles at the midpoints (2 i - 1) / 2 M. The target's are those of all critics in one
    heap, sorted, without the largest `quantile_drop` a critic: y_i = r + discount (z_i - alpha
    log pi). Loss: the mean over pairs and batch of |tau - 1{e < 0}| Huber(e), e = y_i - theta
    [TQC]"""

    def __init__(self, options):
        M = int(options["critic_quantiles"])
        self.tau = ((np.arange(M) + 0.5) / M)[None, :]
        self.drop = int(options["quantile_drop"])

    def value(self, out):
        return out.mean(axis=1)

    def target(self, outs, reward, discount, entropy_cost):
        heap = np.sort(stacked(outs), axis=1)
        heap = heap[:, :heap.shape[1] - self.drop * len(outs)]
        return reward + discount * (heap - entropy_cost)

    def target_mean(self, y):
        return np.mean(y)

    def loss(self, out, y):
        e = y[:, None, :] - out[:, :, None]
        below = e.value < 0.0
        size = where(below, -e, e)
        huber = where(size.value <= 1.0, size * size / 2.0, size - 0.5)
        return (huber * np.abs(self.tau[:, :, None] - below)).mean()


def head(options):
    return {"scalar": Scalar, "categorical": Categorical,
            "quantile": Quantile}[options["critic_head"]](options)
