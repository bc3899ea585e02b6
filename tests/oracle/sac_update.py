"""One SAC update, a second time: NumPy in double, written from the equations and not from the C.

Reads from standard input what test_sac_update.c recorded of an agent: its options, its whole
state before and after each update, the transitions that were drawn and the random words behind the
noise. Does every update itself, in two ways: all in a row from the first state (k of them so far),
and each alone from the recorded state before it (k = 1). Compares everything:

  weights, biases, targets   |got - want| <= 1e-5 k (1 + |want|)         each number
  Adam's first moment        |got - want| <= 1e-4 max |want|             of its tensor: the gradient
  Adam's second moment       |got - want| <= 2e-4 max |want|             of its tensor
  the change of a tensor     |got - want|_2 <= 1e-3 |want|_2             and k roundings to float
  gradient norms             |got - want| <= 1e-4 |want|
  temperature, other metrics |got - want| <= 1e-5 (1 + |want|)

With bf16 products this does the same roundings, and small cases agree as closely. In larger ones
some sum falls on the other side of a tie, and then a number differs by a unit of bf16, 2^-8 of
itself: with `ties` these bounds are multiplied by TIES, so that a gradient may differ by 5 % of its
tensor's largest, and a gradient near 0 may have the other sign.

The change is compared too because one step is about as long as its step size, 3e-4, so that 1e-5
in a weight alone would miss a few percent of a step. What is left is float: Adam divides a gradient
by its own size, so a gradient near 0 moves its weight by the step size times its relative error.

`--self-test` checks the gradients here against finite differences of the losses.
"""
import sys

import numpy as np

METRICS = ("critic_loss actor_loss alpha_loss alpha entropy q_mean target_mean critic_grad_norm "
           "actor_grad_norm").split()
TIES = {"metrics": 100.0, "scalar": 10.0, "weight": 200.0, "target": 2.0, "change": 50.0,
        "moment 1": 500.0, "moment 2": 200.0}
DTYPES = {"f32": np.float32, "f64": np.float64, "u32": np.uint32, "u64": np.uint64}


# --- networks: a list of (W, b), rows are samples -------------------------------------------------

class Network(list):
    """With `bf16` the operands of products are rounded to 8 bits: hidden activations, the gradients
    in them and in several outputs, the weights that meet these, and the input where it meets a
    gradient. The first layer's own product and a single output's are not."""
    bf16 = False


def rounded(x, yes):
    """To the nearest bf16, ties to even."""
    if not yes:
        return x
    fraction, exponent = np.frexp(x)
    return np.ldexp(np.rint(fraction * 256.0) / 256.0, exponent)


def forward(net, x):
    """The output, and every layer's input and pre-activation."""
    tape = []
    for i, (W, b) in enumerate(net):
        z = x @ rounded(W, net.bf16 and i > 0 and W.shape[1] > 1) + b
        tape.append((x, z))
        x = rounded(np.maximum(z, 0.0), net.bf16) if i + 1 < len(net) else z
    return x, tape


def backward(net, tape, dy):
    """The gradients of a loss in every (W, b), and in the input."""
    grads = [None] * len(net)
    for i in reversed(range(len(net))):
        (x, z), W = tape[i], net[i][0]
        small = net.bf16 and W.shape[1] > 1
        dz = rounded(dy if i + 1 == len(net) else dy * (z > 0.0), small)
        grads[i] = (rounded(x, small).T @ dz, dz.sum(axis=0, keepdims=True))
        dy = dz @ rounded(W, small).T
    return grads, dy


# --- the policy -----------------------------------------------------------------------------------

class Policy:
    """a = tanh(u), u = mean + sigma eps, and log pi(a|s), with the gradients of both."""

    def __init__(self, options, half):
        self.map = options["log_std_map"]
        self.low, self.high = float(options["log_std_min"]), float(options["log_std_max"])
        self.volume = 0.0
        if options["entropy_space"] == "environment":  # density of mid + half a
            self.volume = np.log(half).sum()

    def log_std(self, raw):
        """log sigma and its derivative."""
        if self.map == "clamp":
            inside = (raw >= self.low) & (raw <= self.high)
            return np.clip(raw, self.low, self.high), inside * 1.0
        if self.map == "tanh":
            t, span = np.tanh(raw), self.high - self.low
            return self.low + span * (t + 1.0) / 2.0, span / 2.0 * (1.0 - t * t)
        sigma = np.logaddexp(0.0, raw) + np.exp(self.low)
        return np.log(sigma), np.exp(-np.logaddexp(0.0, -raw)) / sigma

    def sample(self, net, s, eps):
        out, tape = forward(net, s)
        A = out.shape[1] // 2
        mean, raw = out[:, :A], out[:, A:]
        log_std, slope = self.log_std(raw)
        sigma = np.exp(log_std)
        u = mean + sigma * eps
        a = np.tanh(u)
        log_normal = -0.5 * ((u - mean) / sigma) ** 2 - log_std - 0.5 * np.log(2.0 * np.pi)
        log_slope = -2.0 * (np.logaddexp(u, -u) - np.log(2.0))  # log(1 - tanh^2) = -2 log cosh
        logp = (log_normal - log_slope).sum(axis=1) - self.volume
        return a, logp, (tape, mean, sigma, slope, u, a, eps)

    def gradient(self, net, kept, dL_da, dL_dlogp):
        """The gradient of a loss of a (B,A) and log pi (B), through each of their arguments."""
        tape, mean, sigma, slope, u, a, eps = kept
        p = dL_dlogp[:, None]
        z = (u - mean) / sigma
        dL_du = dL_da * (1.0 - a * a) + p * (-z / sigma + 2.0 * a)
        dL_dmean = dL_du + p * z / sigma
        dL_dlog_std = dL_du * sigma * eps + p * (z * z - 1.0)
        return backward(net, tape, np.concatenate([dL_dmean, dL_dlog_std * slope], axis=1))[0]


# --- Adam [ADAM, algorithm 1] ---------------------------------------------------------------------

class Adam:
    def __init__(self, options, m, v, steps):
        self.b1, self.b2 = float(options["adam_beta1"]), float(options["adam_beta2"])
        self.eps = float(options["adam_eps"])
        self.m, self.v, self.steps = m, v, steps

    def step(self, theta, grads, lr):
        """theta, grads, m, v: lists of arrays; theta is changed in place."""
        self.steps += 1
        for w, g, m, v in zip(theta, grads, self.m, self.v):
            m[...] = self.b1 * m + (1.0 - self.b1) * g
            v[...] = self.b2 * v + (1.0 - self.b2) * g * g
            m_hat = m / (1.0 - self.b1 ** self.steps)
            v_hat = v / (1.0 - self.b2 ** self.steps)
            w -= lr * m_hat / (np.sqrt(v_hat) + self.eps)


def flat(net):
    return [t for layer in net for t in layer]


# --- the agent ------------------------------------------------------------------------------------

class Agent:
    def __init__(self, options, state, A):
        self.o = options
        self.B, self.A = int(options["batch"]), A
        self.bf16 = options.get("precision") == "bf16"
        self.mid, self.half = (state["action_" + n].astype(np.float64) for n in ("mid", "half"))
        self.policy = Policy(options, self.half)
        self.pi = self.network(state, "actor.")
        self.q = [self.network(state, "critic1."), self.network(state, "critic2.")]
        self.target = [self.network(state, f"critic{j}.target.") for j in (1, 2)]
        self.updates = int(state["updates"][0, 0])
        self.actor_updates = int(state["actor_updates"][0, 0])
        self.adam_pi = self.optimiser(state, "actor.", self.actor_updates)
        self.adam_q = [self.optimiser(state, f"critic{j}.", self.updates) for j in (1, 2)]
        self.v, self.v_target = self.network(state, "value."), self.network(state, "value.target.")
        self.adam_v = self.optimiser(state, "value.", self.updates)
        t = state["temperature"][0]
        self.log_alpha = np.array([t[0]])
        self.adam_alpha = Adam(options, [np.array([t[1]])], [np.array([t[2]])], int(t[3]))
        self.H = float(options["target_entropy_scale"]) * A
        self.seen = {n: state[n] for n in ("obs_count", "obs_mean", "obs_m2") if n in state}

    def normalised(self, obs):
        """The running mean and deviation do not move in an update."""
        if self.o["obs_norm"] == "none":
            return obs
        variance = self.seen["obs_m2"] / self.seen["obs_count"] + 1e-8
        clip = float(self.o["obs_clip"])
        return np.clip((obs - self.seen["obs_mean"]) / np.sqrt(variance), -clip, clip)

    def network(self, state, prefix):
        layers = Network()
        layers.bf16 = self.bf16
        while f"{prefix}{len(layers)}.weight" in state:
            name = f"{prefix}{len(layers)}."
            layers.append(tuple(state[name + t].astype(np.float64) for t in ("weight", "bias")))
        return layers

    def optimiser(self, state, prefix, steps):
        m, v = (flat(self.network(state, f"{prefix}adam_{t}.")) for t in "mv")
        return Adam(self.o, m, v, steps)

    def state(self):
        """Named as the agent's tensors are."""
        out = {"temperature": np.array([[self.log_alpha[0], self.adam_alpha.m[0][0],
                                         self.adam_alpha.v[0][0], self.adam_alpha.steps]]),
               "updates": np.array([[self.updates]]),
               "actor_updates": np.array([[self.actor_updates]]),
               "action_mid": self.mid, "action_half": self.half, **self.seen}
        for name, net, adam in (("actor.", self.pi, self.adam_pi),
                                ("critic1.", self.q[0], self.adam_q[0]),
                                ("critic2.", self.q[1], self.adam_q[1]),
                                ("value.", self.v, self.adam_v)):
            for kind, tensors in (("", flat(net)), ("adam_m.", adam.m), ("adam_v.", adam.v)):
                for i, t in enumerate(tensors):
                    out[f"{name}{kind}{i // 2}.{('weight', 'bias')[i % 2]}"] = t
        for name, net in (("critic1", self.target[0]), ("critic2", self.target[1]),
                          ("value", self.v_target)):
            for i, t in enumerate(flat(net)):
                out[f"{name}.target.{i // 2}.{('weight', 'bias')[i % 2]}"] = t
        return out

    def lr(self, which):
        factor = 1.0
        if self.o["lr_schedule"] == "linear":
            factor = max(0.0, 1.0 - self.updates / float(self.o["lr_horizon"]))
        return float(self.o["lr_" + which]) * factor

    def alpha(self):
        return float(np.exp(self.log_alpha[0]))

    def values(self, nets, s, a):
        x = np.concatenate([s, a], axis=1)
        passes = [forward(net, x) for net in nets]
        return [y[:, 0] for y, _ in passes], [tape for _, tape in passes]

    # each loss is a function of its own, so that the self-test can differentiate it

    def target_values(self, batch, eps):
        a, logp, _ = self.policy.sample(self.pi, batch["next_obs"], eps)
        (q1, q2), _ = self.values(self.target, batch["next_obs"], a)
        bootstrap = np.where(q1 < q2, q1, q2) - self.alpha() * logp
        return batch["reward"] + batch["discount"] * bootstrap

    def value_network(self, batch, eps):
        """[SAC1]: y from the target of V, and V's loss towards its soft value, with its gradient."""
        next_v = forward(self.v_target, batch["next_obs"])[0][:, 0]
        a, logp, _ = self.policy.sample(self.pi, batch["obs"], eps)
        (q1, q2), _ = self.values(self.q, batch["obs"], a)
        wanted = np.minimum(q1, q2) - self.alpha() * logp
        v, tape = forward(self.v, batch["obs"])
        loss, slope = self.critic_loss(v[:, 0] - wanted)
        grads = backward(self.v, tape, slope[:, None])[0]
        return batch["reward"] + batch["discount"] * next_v, loss, grads

    def critic_loss(self, error):
        """The mean loss of one critic, and its derivative in the errors Q - y."""
        kind, n = self.o["critic_loss"], len(error)
        if kind == "half_mse":
            return np.mean(error ** 2) / 2.0, error / n
        if kind == "mse":
            return np.mean(error ** 2), 2.0 * error / n
        small = np.abs(error) <= 1.0
        loss = np.where(small, error ** 2 / 2.0, np.abs(error) - 0.5)
        return np.mean(loss), np.where(small, error, np.sign(error)) / n

    def critic_gradients(self, batch, y):
        a = (batch["act"] - self.mid) / self.half
        q, tapes = self.values(self.q, batch["obs"], a)
        parts = [self.critic_loss(v - y) for v in q]
        grads = [backward(net, tape, slope[:, None])[0]
                 for net, tape, (_, slope) in zip(self.q, tapes, parts)]
        return parts[0][0] + parts[1][0], grads, q

    def actor_gradient(self, s, eps):
        """The loss mean(alpha log pi - Q), its gradient in the policy, and log pi."""
        a, logp, kept = self.policy.sample(self.pi, s, eps)
        (q1, q2), tapes = self.values(self.q, s, a)
        if self.o["actor_q"] == "mean":
            value, weights = (q1 + q2) / 2.0, [np.full(self.B, 0.5)] * 2
        else:
            value, weights = np.minimum(q1, q2), [(q1 <= q2) * 1.0, (q2 < q1) * 1.0]
        dq_da = sum(backward(net, tape, w[:, None])[1][:, s.shape[1]:]
                    for net, tape, w in zip(self.q, tapes, weights))
        grads = self.policy.gradient(self.pi, kept, -dq_da / self.B,
                                     np.full(self.B, self.alpha() / self.B))
        return np.mean(self.alpha() * logp - value), grads, logp

    def log_density(self, s, eps):
        return self.policy.sample(self.pi, s, eps)[1]

    def temperature_step(self, logp):
        gap = np.mean(logp) + self.H
        if self.o["alpha_loss"] == "log_alpha":
            loss, slope = -self.log_alpha[0] * gap, -gap
        else:
            loss, slope = -self.alpha() * gap, -self.alpha() * gap
        self.adam_alpha.step([self.log_alpha], [np.array([slope])], self.lr("alpha"))
        alpha = np.clip(self.alpha(), float(self.o["alpha_min"]), float(self.o["alpha_max"]))
        self.log_alpha[0] = np.log(alpha)
        return loss

    def update(self, batch, noise):
        """noise(purpose, index): standard normals (B,A)."""
        out = dict.fromkeys(METRICS, np.nan)
        batch = {**batch, **{n: self.normalised(batch[n]) for n in ("obs", "next_obs")}}
        if self.o["value"] == "v":
            y, v_loss, v_grads = self.value_network(batch, noise("target", self.updates))
        else:
            y = self.target_values(batch, noise("target", self.updates))
        out["critic_loss"], grads, q = self.critic_gradients(batch, y)
        out["q_mean"], out["target_mean"] = (np.mean(q[0]) + np.mean(q[1])) / 2.0, np.mean(y)
        out["critic_grad_norm"] = norm(flat(grads[0]) + flat(grads[1]))
        if self.o["value"] == "v":
            out["critic_loss"] += v_loss
            out["critic_grad_norm"] = np.hypot(out["critic_grad_norm"], norm(flat(v_grads)))
            self.adam_v.step(flat(self.v), flat(v_grads), self.lr("critic"))
        for net, adam, g in zip(self.q, self.adam_q, grads):
            adam.step(flat(net), flat(g), self.lr("critic"))
        if (self.updates + 1) % int(self.o["policy_delay"]) == 0:
            for _ in range(int(self.o["policy_updates"])):
                self.actor_updates += 1
                self.update_actor(batch["obs"], noise, out)
        if (self.updates + 1) % int(self.o["target_interval"]) == 0:
            tau = float(self.o["tau"])
            for net, target in zip(self.q + [self.v], self.target + [self.v_target]):
                for w, t in zip(flat(net), flat(target)):
                    t[...] = (1.0 - tau) * t + tau * w
        out["alpha"] = self.alpha()
        self.updates += 1
        return out

    def update_actor(self, s, noise, out):
        loss, grads, logp = self.actor_gradient(s, noise("actor", self.actor_updates))
        out["actor_loss"], out["entropy"] = loss, -np.mean(logp)
        out["actor_grad_norm"] = norm(flat(grads))
        self.adam_pi.step(flat(self.pi), flat(grads), self.lr("actor"))
        if self.o["temperature"] == "fixed":
            return
        if self.o["alpha_sample"] == "fresh":
            logp = self.log_density(s, noise("alpha", self.actor_updates))
        out["alpha_loss"] = self.temperature_step(logp)


class DiscreteAgent(Agent):
    """K actions: the critics give a value for each, and sums over them stand for samples [SACD]."""

    def __init__(self, options, state, A):
        super().__init__(options, state, A)
        self.K = self.pi[-1][0].shape[1]
        self.H = float(options["target_entropy_discrete"]) * np.log(self.K)

    def policy_at(self, s):
        """Probabilities, their logarithms, and the tape."""
        logits, tape = forward(self.pi, s)
        log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
        return np.exp(log_p), log_p, tape

    def target_values(self, batch, eps):
        p, log_p, _ = self.policy_at(batch["next_obs"])
        q = np.minimum(*(forward(net, batch["next_obs"])[0] for net in self.target))
        value = np.sum(p * (q - self.alpha() * log_p), axis=1)
        return batch["reward"] + batch["discount"] * value

    def critic_gradients(self, batch, y):
        taken = np.arange(self.B), np.rint(batch["act"][:, 0]).astype(int)
        loss, grads, values = 0.0, [], []
        for net in self.q:
            q, tape = forward(net, batch["obs"])
            part, slope = self.critic_loss(q[taken] - y)
            dq = np.zeros_like(q)
            dq[taken] = slope
            loss, values = loss + part, values + [q[taken]]
            grads.append(backward(net, tape, dq)[0])
        return loss, grads, values

    def actor_gradient(self, s, eps):
        p, log_p, tape = self.policy_at(s)
        q1, q2 = (forward(net, s)[0] for net in self.q)
        value = (q1 + q2) / 2.0 if self.o["actor_q"] == "mean" else np.minimum(q1, q2)
        loss = np.mean(np.sum(p * (self.alpha() * log_p - value), axis=1))
        # through the probabilities, by the whole Jacobian of the softmax
        dloss_dp = (self.alpha() * log_p - value + self.alpha()) / self.B
        jacobian = p[:, :, None] * (np.eye(self.K) - p[:, None, :])
        dloss_dlogits = np.einsum("ba,bak->bk", dloss_dp, jacobian)
        return loss, backward(self.pi, tape, dloss_dlogits)[0], np.sum(p * log_p, axis=1)

    def log_density(self, s, eps):
        p, log_p, _ = self.policy_at(s)
        return np.sum(p * log_p, axis=1)


def agent_of(options, state, A):
    return (DiscreteAgent if options["policy"] == "categorical" else Agent)(options, state, A)


def norm(tensors):
    return float(np.sqrt(sum(np.sum(t * t) for t in tensors)))


# --- the record -----------------------------------------------------------------------------------

def read_record(stream):
    """Lines `option NAME VALUE` and `NAME DTYPE ROWS COLS`, the latter followed by the numbers."""
    options, tensors = {}, {}
    while line := stream.readline():
        words = line.decode().split()
        if words[0] == "option":
            options[words[1]] = words[2]
            continue
        name, dtype, rows, cols = words[0], np.dtype(DTYPES[words[1]]), int(words[2]), int(words[3])
        data = stream.read(rows * cols * dtype.itemsize)
        tensors[name] = np.frombuffer(data, dtype).reshape(rows, cols)
    return options, tensors


def normals(words, A):
    """Box-Muller, one normal from two words: 23 bits of each, on the midpoints of the cells."""
    cell = ((words >> 9).astype(np.float64) + 0.5) * 2.0 ** -23
    cell = cell.reshape(len(words), A, 2)
    return np.sqrt(-2.0 * np.log(cell[:, :, 0])) * np.cos(2.0 * np.pi * cell[:, :, 1])


def steps_ahead(pushed, start, n, gamma):
    """r, the discount of what follows, and s' of up to n steps from row `start` of what was pushed."""
    total, weight, i = 0.0, 1.0, start
    while True:
        total += weight * float(pushed["reward"][i, 0])
        weight *= gamma
        ended = pushed["terminated"][i, 0] or pushed["truncated"][i, 0]
        if ended or i + 1 == start + n or i + 1 == len(pushed["reward"]):
            break
        i += 1
    return total, 0.0 if pushed["terminated"][i, 0] else weight, pushed["next_obs"][i]


def check_draw(record, k, options):
    """What the replay returned is what was pushed: found by its reward, which is unique. The batch
    that the update sees: n steps from there."""
    names = ("obs", "act", "reward", "next_obs", "terminated", "truncated")
    drawn = {n: record[f"{k}/batch.{n}"] for n in names[:-1]}
    pushed = {n: record["pushed." + n] for n in names}
    order = np.argsort(pushed["reward"][:, 0])
    at = order[np.searchsorted(pushed["reward"][order, 0], drawn["reward"][:, 0])]
    for name, rows in drawn.items():
        if not np.array_equal(rows, pushed[name][at]):
            raise SystemExit(f"update {k}: {name} drawn differs from {name} pushed")
    batch = {n: rows.astype(np.float64) for n, rows in drawn.items()}
    ahead = [steps_ahead(pushed, i, int(options["n_step"]), float(options["gamma"])) for i in at]
    batch["reward"], batch["discount"], batch["next_obs"] = (
        np.array(column, np.float64) for column in zip(*ahead))
    return batch


def check_normaliser(options, obs, state):
    """The agent was told of every observation that was pushed: mean and variance in two passes."""
    if options["obs_norm"] == "none":
        return
    count, mean, m2 = (state[n][0] for n in ("obs_count", "obs_mean", "obs_m2"))
    if count[0] != len(obs) or not (np.allclose(mean, obs.mean(axis=0), 1e-12, 1e-12) and
                                    np.allclose(m2 / count, obs.var(axis=0), 1e-12, 1e-12)):
        raise SystemExit("the normaliser's mean or variance differs from that of what was pushed")


class Comparison:
    """Collects the largest deviation of each kind, as a share of what is allowed."""

    def __init__(self, ties):
        self.worst, self.failures = {}, []
        self.slack = TIES if ties else dict.fromkeys(TIES, 1.0)

    def check(self, kind, where, got, want, allowed):
        allowed = allowed * self.slack[kind]
        off = np.abs(np.asarray(got, np.float64) - want)
        share = np.max(np.where(off == 0.0, 0.0, off / np.maximum(allowed, 1e-300)))
        if np.array_equal(np.isnan(got), np.isnan(want)) and np.all(np.isnan(want)):
            share = 0.0
        if not share <= self.worst.get(kind, (-1.0,))[0]:
            self.worst[kind] = (share, where, float(np.max(off)))
        if not share <= 1.0:
            self.failures.append(f"{where} ({kind}): off by {np.max(off):.3g}, {share:.3g} times "
                                 "what is allowed")

    def update(self, number, k, got, agent, metrics, first):
        for i, name in enumerate(METRICS):
            bound = 1e-4 if "norm" in name else 1e-5 * (1.0 + 1.0 / max(abs(metrics[name]), 1e-9))
            self.check("metrics", f"{name} of update {number}", got["metrics"][0, i], metrics[name],
                       bound * abs(metrics[name]))
        for name, mine in agent.state().items():
            theirs, where = got[name].astype(np.float64), f"{name} of update {number}"
            if theirs.shape != mine.shape:
                raise SystemExit(f"{where}: shape {theirs.shape}, must be {mine.shape}")
            if ".adam_m." in name:
                self.check("moment 1", where, theirs, mine, 1e-4 * np.max(np.abs(mine)))
            elif ".adam_v." in name:
                self.check("moment 2", where, theirs, mine, 2e-4 * np.max(np.abs(mine)))
            elif "." not in name:  # temperature, counters, bounds
                self.check("scalar", where, theirs, mine, 1e-5 * (1.0 + np.abs(mine)))
            else:
                self.weights(k, name, where, theirs, mine, first[name])

    def weights(self, k, name, where, theirs, mine, first):
        kind = "target" if ".target." in name else "weight"
        self.check(kind, where, theirs, mine, 1e-5 * k * (1.0 + np.abs(mine)))
        rounding = 2.0 ** -24 * k * norm([mine])  # half a unit in the last place each time
        self.check("change", where, norm([theirs - mine]), 0.0,
                   1e-3 * norm([mine - first]) + rounding)

    def report(self):
        for kind, (share, where, off) in self.worst.items():
            print(f"  {kind:9s} off by at most {off:.2e}, {100 * share:6.2f} % of what is allowed "
                  f"({where})")
        for line in self.failures[:20]:
            print("  FAILED " + line)
        if len(self.failures) > 20:
            print(f"  ... and {len(self.failures) - 20} more")


def compare(stream):
    """Both ways: five updates in a row from the first state, and each from the state before it."""
    options, record = read_record(stream)
    count = int(options["updates"])
    snapshot = lambda k: {n.split("/", 1)[1]: t for n, t in record.items() if n.startswith(f"{k}/")}
    A = record["pushed.act"].shape[1]
    first = snapshot(0)
    check_normaliser(options, record["pushed.obs"].astype(np.float64), first)
    agent = agent_of(options, first, A)
    noise = lambda purpose, index: normals(record[f"words.{purpose}.{index}"], A)
    ties = options["ties"] == "1"
    in_a_row, alone = Comparison(ties), Comparison(ties)
    for k in range(1, count + 1):
        batch, got = check_draw(record, k, options), snapshot(k)
        in_a_row.update(k, k, got, agent, agent.update(batch, noise), first)
        single = agent_of(options, snapshot(k - 1), A)
        alone.update(k, 1, got, single, single.update(batch, noise), snapshot(k - 1))
    print(f"  {count} updates in a row")
    in_a_row.report()
    print("  each update from the recorded state before it")
    alone.report()
    return 1 if in_a_row.failures or alone.failures else 0


# --- self-test ------------------------------------------------------------------------------------

def difference(f, tensors, analytic, rng):
    """The largest |finite difference - gradient| over some entries of every tensor."""
    worst, h = 0.0, 1e-6
    for t, g in zip(tensors, analytic):
        for i in rng.choice(t.size, size=min(8, t.size), replace=False):
            at = np.unravel_index(i, t.shape)
            kept = t[at]
            t[at] = kept + h
            up = f()
            t[at] = kept - h
            down = f()
            t[at] = kept
            worst = max(worst, abs((up - down) / (2.0 * h) - g[at]))
    return worst


def random_state(rng, A, sizes):
    """A state of three layers a network; sizes: (name, inputs, outputs)."""
    state = {"action_mid": np.zeros((1, A)), "action_half": np.array([[0.5, 2.0, 3.0][:A]]),
             "updates": np.zeros((1, 1)), "actor_updates": np.zeros((1, 1)),
             "temperature": np.array([[-0.3, 0.0, 0.0, 0.0]])}
    for name, n, m in sizes:
        for l, (i, j) in enumerate(((n, 7), (7, 5), (5, m))):
            for part in ("", "adam_m.", "adam_v.", "target."):
                state[f"{name}.{part}{l}.weight"] = rng.normal(size=(i, j))
                state[f"{name}.{part}{l}.bias"] = rng.normal(size=(1, j))
    return state


def gradients_are_differences(agent, batch, y, eps, rng):
    """The largest deviation of the agent's gradients from differences of its losses."""
    worst = 0.0
    grads = agent.critic_gradients(batch, y)[1]
    f = lambda: agent.critic_gradients(batch, y)[0]
    for j in (0, 1):
        worst = max(worst, difference(f, flat(agent.q[j]), flat(grads[j]), rng))
    if agent.v:
        grads = agent.value_network(batch, eps)[2]
        f = lambda: agent.value_network(batch, eps)[1]
        worst = max(worst, difference(f, flat(agent.v), flat(grads), rng))
    grads = agent.actor_gradient(batch["obs"], eps)[1]
    f = lambda: agent.actor_gradient(batch["obs"], eps)[0]
    return max(worst, difference(f, flat(agent.pi), flat(grads), rng))


def self_test():
    """Every gradient above is that of the loss above it, for each option that changes it."""
    rng = np.random.default_rng(1)
    O, A, B, K, worst = 4, 3, 6, 5, 0.0
    base = {"batch": str(B), "gamma": "0.9", "adam_beta1": "0.9", "adam_beta2": "0.999",
            "adam_eps": "1e-8", "log_std_min": "-1", "log_std_max": "0.5", "log_std_map": "clamp",
            "target_entropy_scale": "-1", "target_entropy_discrete": "0.5",
            "entropy_space": "environment"}
    for actor_q, critic_loss in (("min", "half_mse"), ("mean", "mse"), ("min", "huber")):
        options = {**base, "actor_q": actor_q, "critic_loss": critic_loss}
        y, eps, obs = rng.normal(size=B), rng.normal(size=(B, A)), rng.normal(size=(B, O))
        for log_std_map in ("clamp", "tanh", "softplus"):
            state = random_state(rng, A, (("actor", O, 2 * A), ("critic1", O + A, 1),
                                          ("critic2", O + A, 1), ("value", O, 1)))
            agent = Agent({**options, "log_std_map": log_std_map}, state, A)
            batch = {"obs": obs, "act": rng.uniform(-0.5, 0.5, size=(B, A)),
                     "next_obs": obs[::-1], "reward": y, "discount": 0.9}
            worst = max(worst, gradients_are_differences(agent, batch, y, eps, rng))
        state = random_state(rng, 1, (("actor", O, K), ("critic1", O, K), ("critic2", O, K)))
        batch = {"obs": obs, "act": rng.integers(K, size=(B, 1))}
        worst = max(worst, gradients_are_differences(DiscreteAgent(options, state, 1), batch, y,
                                                     None, rng))
    print(f"  gradients differ from finite differences by at most {worst:.2e}")
    return 0 if worst < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(self_test() if "--self-test" in sys.argv else compare(sys.stdin.buffer))
