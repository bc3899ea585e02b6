"""Checks of the second implementation by itself: every gradient against central differences of its
loss, with what a loss holds fixed held fixed, and identities of the parts that have one."""
import itertools

import numpy as np

import tape
from sac_agent import Agent, DiscreteAgent
from sac_bodies import BODIES, has_bias
from sac_critics import head
from sac_networks import Network, forward
from sac_record import kept_in_row
from tape import Node, difference, gradients

BASE = {"precision": "fp32", "policy": "tanh_normal", "gamma": "0.9", "adam_beta2": "0.999",
        "adam_eps": "1e-8", "actor_beta1": "0.9", "critic_beta1": "0.9", "alpha_beta1": "0.9",
        "weight_decay": "0", "weight_decay_of": "matrices", "log_std_min": "-1",
        "log_std_max": "0.5", "log_std_map": "clamp", "value": "q", "target_entropy_scale": "-1",
        "target_entropy_std": "0", "target_entropy_discrete": "0.5",
        "entropy_space": "environment", "critic_loss": "half_mse", "actor_q": "min",
        "critic_norm": "none", "actor_norm": "none", "norm_place": "hidden", "norm_input": "no",
        "norm_momentum": "0.9", "norm_eps": "1e-3", "renorm_r_max": "3", "renorm_d_max": "5",
        "renorm_warmup": "0", "critic_dropout": "0", "critic_target": "ema",
        "critic_head": "scalar", "critic_atoms": "9", "value_min": "-2", "value_max": "3",
        "critic_quantiles": "4", "quantile_drop": "1", "obs_norm": "none", "reward_norm": "none",
        "weight_projection": "none", "body": "plain", "norm_unbiased": "no", "actor_joint": "no",
        "actor_hidden": "7,5", "critic_hidden": "7,5"}
WIDTHS = (7, 5)
BLOCKS = {**BASE, "actor_hidden": "5,5", "critic_hidden": "5,5"}


class Fixed:
    """In place of recorded words: the same normals at each call, and every third number dropped."""

    def __init__(self, eps):
        self.eps = eps

    def normals(self, purpose):
        return self.eps

    def subset(self, n):
        return range(n)

    def dropout(self, purpose):
        return lambda j, l, shape: (np.arange(np.prod(shape)).reshape(shape) + j + l) % 3 > 0


def plain_shapes(n, m):
    """Every tensor that some norm of a plain network has."""
    out = {}
    for l, (i, j) in enumerate(zip((n, *WIDTHS), (*WIDTHS, m))):
        out |= {f"{l}.weight": (i, j), f"{l}.bias": (1, j)}
        out |= {f"{l}.{place}.{what}": (1, width) for place, width in (("before", i), ("after", j))
                for what in ("gamma", "beta", "mean", "var")}
    return out


def body_shapes(body, n, m, h=5, blocks=2, heads=1):
    """The same of a residual body."""
    inner = h if body == "bro" else 4 * h
    sizes = [(n + (body == "simbav2"), h), *[(h, inner), (inner, h)] * blocks]
    sizes += [(h, heads * h), (heads * h, m)] if body == "simbav2" else [(h, m)]
    out = {}
    for l, (i, j) in enumerate(sizes):
        out |= {f"{l}.weight": (i, j)}
        out |= {f"{l}.bias": (1, j)} if has_bias(body, l, len(sizes)) else {}
        out |= {f"{l}.scaler": (1, j), f"{l}.alpha": (1, j)} if body == "simbav2" else {}
        out |= {f"{l}.{place}.{what}": (1, width) for place, width in (("before", i), ("after", j))
                for what in ("gamma", "beta", "mean", "var") if body != "simbav2"}
    if body == "flash":  # the norm before the head has no shift
        del out[f"{len(sizes) - 1}.before.beta"]
    return out


def random_state(rng, A, networks):
    """A state with random numbers everywhere; networks: (name, shapes)."""
    state = {"action_mid": np.zeros((1, A)), "action_half": np.array([[0.5, 2.0, 3.0][:A]]),
             "updates": np.zeros((1, 1)), "actor_updates": np.zeros((1, 1)),
             "temperature": np.array([[-0.3, 0.0, 0.0, 0.0]])}
    for name, shapes in networks:
        for part in ("", "adam_m.", "adam_v.", "target."):
            for tensor, shape in shapes.items():
                statistic = tensor.endswith((".mean", ".var"))
                if tensor.endswith(".var"):
                    value = rng.uniform(0.5, 2.0, size=shape)
                else:
                    value = rng.normal(size=shape)
                if not (statistic and "adam" in part):
                    state[f"{name}.{part}{tensor}"] = value
        state[f"{name}.norm_passes"] = np.zeros((1, 2))
    return state


def network_is_differentiated(rng, net, inputs, training):
    """In its parameters and its input, with every third number dropped."""
    x, c = rng.normal(size=(6, inputs)), rng.normal(size=(6, net.outputs()))
    kept = lambda l, shape: Fixed(None).dropout("")(0, l, shape)
    arrays = [*net.w.values(), x]

    def loss(leaves):
        p = dict(zip(net.w, leaves))
        return (forward(net, p, leaves[-1], training, kept) * c).sum()

    leaves = [Node(t) for t in arrays]
    analytic = gradients(loss(leaves), leaves)
    return difference(lambda: float(loss([Node(t) for t in arrays]).value), arrays, analytic, rng)


def networks_are_differentiated(rng):
    """Each norm, place and mode, with dropout. Renormalisation's r and d carry no gradient: where
    they are at their bounds they do not move, and differences agree."""
    worst = 0.0
    kinds = ("none", "layer", "rms", "batch", "renorm")
    for kind, place, training in itertools.product(kinds, ("hidden", "inputs"), (False, True)):
        o = {**BASE, "norm_place": place, "norm_input": "yes", "renorm_r_max": "1.0001",
             "renorm_d_max": "0.0001"}
        state = random_state(rng, 1, [("net", plain_shapes(4, 3))])
        net = Network(state, "net.", o, kind, 0.3)
        worst = max(worst, network_is_differentiated(rng, net, 4, training))
    return worst


def bodies_are_differentiated(rng):
    worst = 0.0
    for body, training, heads in itertools.product(BODIES, (False, True), (1, 2)):
        name = {1: "net", 2: "actor"}[heads]
        state = random_state(rng, 1, [(name, body_shapes(body, 4, 4, heads=heads))])
        net = Network(state, name + ".", {**BLOCKS, "body": body})
        worst = max(worst, network_is_differentiated(rng, net, 4, training))
    return worst


def spheres_are_spheres(rng):
    """What a projection leaves has the length that it names, in the direction that it had."""
    state = random_state(rng, 1, [("net", body_shapes("flash", 4, 3))])
    net = Network(state, "net.", {**BLOCKS, "body": "flash", "weight_projection": "unit_norms"})
    before = {name: t.copy() for name, t in net.w.items()}
    net.project()
    worst = 0.0
    for name, t in net.w.items():
        if name.endswith(".weight"):
            ratio = t / before[name]
            worst = max(worst, np.max(np.abs((t * t).sum(axis=0) - 1.0)),
                        np.max(np.abs(ratio / ratio[:1] - 1.0)))
        if name.endswith(".gamma"):
            pair = [n for n in (name, name[:-5] + "beta") if n in net.w]
            both, old = (np.concatenate([w[n] for n in pair]) for w in (net.w, before))
            worst = max(worst, np.abs((both * both).sum() / t.size - 1.0),
                        np.max(np.abs(both / old - both[0, 0] / old[0, 0])))
    return worst


def heads_are_differentiated(rng):
    worst = 0.0
    for kind, n in (("scalar", 1), ("categorical", 9), ("quantile", 4)):
        h = head({**BASE, "critic_head": kind})
        out, outs = rng.normal(size=(6, n)), [Node(rng.normal(size=(6, n))) for _ in range(3)]
        y = h.target(outs, rng.normal(size=(6, 1)), 0.9 * np.ones((6, 1)), np.full((6, 1), 0.1))
        for loss in (lambda x: h.loss(x, y), lambda x: (h.value(x) * h.value(x)).sum()):
            leaf = Node(out)
            analytic = gradients(loss(leaf), [leaf])
            worst = max(worst, difference(lambda: float(loss(Node(out)).value), [out], analytic,
                                          rng))
    return worst


def projection_keeps_mass_and_mean(rng):
    """[C51]: probabilities stay a distribution, and inside the support its mean is r + discount
    (mean - alpha log pi), for a hat function reproduces every straight line."""
    h = head({**BASE, "critic_head": "categorical", "value_min": "-10", "value_max": "10"})
    outs = [Node(rng.normal(size=(6, 9))) for _ in range(2)]
    reward, cost = rng.uniform(-1, 1, size=(6, 1)), rng.uniform(-1, 1, size=(6, 1))
    y = h.target(outs, reward, np.full((6, 1), 0.5), cost)
    least = np.minimum(*(h.value(o).value for o in outs))
    mean = (y * h.z).sum(axis=1, keepdims=True)
    return max(np.max(np.abs(y.sum(axis=1) - 1.0)),
               np.max(np.abs(mean - (reward + 0.5 * (least - cost)))))


def agents_are_differentiated(rng):
    """The actor's loss, the critics' and V's in their own parameters."""
    O, A, B, K, worst = 4, 3, 6, 5, 0.0
    s, act = rng.normal(size=(B, O)), rng.uniform(-0.5, 0.5, size=(B, A))
    y, random = rng.normal(size=(B, 1)), Fixed(rng.normal(size=(B, A)))
    for actor_q, loss, m in (("min", "half_mse", "clamp"), ("mean", "mse", "tanh"),
                             ("min", "huber", "softplus")):
        o = {**BASE, "actor_q": actor_q, "critic_loss": loss, "log_std_map": m,
             "critic_norm": "layer", "critic_dropout": "0.3", "actor_norm": "batch",
             "actor_joint": "yes" if m == "tanh" else "no"}
        net = lambda name, n, m: (name, plain_shapes(n, m))
        v = random_state(rng, A, [net("actor", O, 2 * A), net("value", O, 1)] +
                         [net(f"critic{j}", O + A, 1) for j in (1, 2, 3)])
        d = random_state(rng, 1, [net("actor", O, K)] +
                         [net(f"critic{j}", O, K) for j in (1, 2, 3)])
        batch = {"obs": s, "act": act, "next_obs": s[::-1], "reward": y, "discount": 0.9}
        drawn = {**batch, "act": rng.integers(K, size=(B, 1))}
        cases = [(Agent({**o, "value": "v"}, v, A), batch), (DiscreteAgent(o, d, 1), drawn)]
        for agent, b in cases:
            parts = [(q, j, lambda: agent.critic_loss(b, random, y)) for j, q in enumerate(agent.q)]
            parts.append((agent.pi, None, lambda: agent.actor_loss(b, random)))
            if agent.v:
                parts.append((agent.v, None, lambda: agent.value_loss(b, random)))
            for net, j, f in parts:
                loss, leaves = f()[:2]
                analytic = gradients(loss, (leaves if j is None else leaves[j]).values())
                worst = max(worst, difference(lambda: float(f()[0].value), net.w.values(),
                                              analytic, rng))
    return worst


def dropout_drops_independently(rng):
    """Numbers dropped by the gaps between them are as many, and two neighbours together as often,
    as if each went alone with probability p: 0 if both are within 5 deviations."""
    p, rows, width = 0.3, 400, 50
    gone = np.array([1.0 - kept_in_row(rng.uniform(size=2 * width), [20, width], p)[1]
                     for _ in range(rows)])
    pairs = gone[:, 1:] * gone[:, :-1]
    z = [(part.mean() - q) / np.sqrt(q * (1.0 - q) / part.size)
         for part, q in ((gone, p), (pairs[:, ::2], p * p))]
    return float(np.max(np.abs(z)) > 5.0)


def self_test():
    rng, worst = np.random.default_rng(1), 0.0
    for what, f in (("the tape's rules", tape.self_test),
                    ("networks' gradients", networks_are_differentiated),
                    ("bodies' gradients", bodies_are_differentiated),
                    ("projections", spheres_are_spheres),
                    ("critics' heads", heads_are_differentiated),
                    ("agents' losses", agents_are_differentiated),
                    ("dropout's share", dropout_drops_independently),
                    ("the projection's mass and mean", projection_keeps_mass_and_mean)):
        off = f(rng)
        print(f"  {what}: off by at most {off:.2e}")
        worst = max(worst, off)
    return 0 if worst < 1e-6 else 1
