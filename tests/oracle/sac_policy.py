"""The actors as expressions of tape.py."""
import numpy as np

from tape import clip, exp, log, softplus, tanh


class TanhNormal:
    """a = tanh(u), u = mean + sigma eps, and log pi(a|s)."""

    def __init__(self, options, half):
        self.map = options["log_std_map"]
        self.low, self.high = float(options["log_std_min"]), float(options["log_std_max"])
        self.volume = 0.0
        if options["entropy_space"] == "environment":  # density of mid + half a
            self.volume = np.log(half).sum()

    def log_std(self, raw):
        if self.map == "clamp":
            return clip(raw, self.low, self.high)
        if self.map == "tanh":
            return self.low + (self.high - self.low) * (tanh(raw) + 1.0) / 2.0
        return log(softplus(raw) + np.exp(self.low))

    def sample(self, out, eps):
        """Actions (B,A) and log pi (B,1) from the network's outputs."""
        A = out.shape[1] // 2
        mean, log_std = out[:, :A], self.log_std(out[:, A:])
        sigma = exp(log_std)
        u = mean + sigma * eps
        z = (u - mean) / sigma
        log_normal = -0.5 * z * z - log_std - 0.5 * np.log(2.0 * np.pi)
        # log(1 - tanh(u)^2) = log 4 - 2 u - 2 log(1 + e^-2u)
        log_slope = np.log(4.0) - 2.0 * u - 2.0 * softplus(-2.0 * u)
        return tanh(u), (log_normal - log_slope).sum(axis=1) - self.volume
