"""One update of an agent, from the papers' equations; see sac_update.py.

Losses are functions of the agent's arrays alone, so that the self-test can differentiate them; what
an update changes, `update` changes.
"""
import numpy as np

from sac_critics import head, smallest
from sac_networks import Network, forward
from sac_policy import TanhNormal
from tape import Node, concatenate, constant, exp, gradients, log_softmax, node

METRICS = ("critic_loss actor_loss alpha_loss alpha entropy q_mean target_mean critic_grad_norm "
           "actor_grad_norm").split()


def norm(tensors):
    return float(np.sqrt(sum(np.sum(t * t) for t in tensors)))


class Adam:
    """[ADAM, algorithm 1], and decoupled weight decay of matrices or of all
    [ADAMW, algorithm 2]."""

    def __init__(self, options, who):
        self.b1, self.b2 = float(options[who + "_beta1"]), float(options["adam_beta2"])
        self.eps = float(options["adam_eps"])
        self.decay = float(options["weight_decay"])

    def step(self, steps, lr, theta, gradient, m, v, shrinks=False):
        """Step number `steps`; theta, m, v are changed in place."""
        m[...] = self.b1 * m + (1.0 - self.b1) * gradient
        v[...] = self.b2 * v + (1.0 - self.b2) * gradient ** 2
        m_hat, v_hat = m / (1.0 - self.b1 ** steps), v / (1.0 - self.b2 ** steps)
        shrink = lr * self.decay * theta if shrinks else 0.0
        theta -= lr * m_hat / (np.sqrt(v_hat) + self.eps) + shrink

    def network(self, steps, lr, net, gradient):
        """Step all of a network; with weight_projection, back to the unit sphere."""
        for name, theta in net.w.items():
            matrix = name[0].isdigit() and name.endswith(".weight")
            shrinks = matrix or net.o["weight_decay_of"] == "all"
            self.step(steps, lr, theta, gradient[name], net.m[name], net.v[name], shrinks)
        if net.o["weight_projection"] != "none":
            net.project()


def in_network(loss, leaves):
    """dloss/dw by name."""
    return dict(zip(leaves, gradients(loss, leaves.values())))


class Agent:
    def __init__(self, options, state, A):
        o = self.o = options
        self.A = A
        self.mid, self.half = (state["action_" + n].astype(np.float64) for n in ("mid", "half"))
        self.policy = TanhNormal(o, self.half)
        self.head = head(o)
        self.pi = Network(state, "actor.", o, o["actor_norm"])
        self.N = sum(n.startswith("critic") and n.endswith(".adam_m.0.weight") for n in state)
        critic = lambda prefix, **k: Network(state, prefix, o, o["critic_norm"],
                                             float(o["critic_dropout"]), **k)
        self.q = [critic(f"critic{j + 1}.") for j in range(self.N)]
        self.target = [critic(f"critic{j + 1}.target.", like=q) for j, q in enumerate(self.q)
                       if f"critic{j + 1}.target.0.weight" in state]
        self.v = self.v_target = None
        if o["value"] == "v":
            self.v = Network(state, "value.", o, o["critic_norm"])
            self.v_target = Network(state, "value.target.", o, o["critic_norm"], like=self.v)
        self.updates = int(state["updates"][0, 0])
        self.actor_updates = int(state["actor_updates"][0, 0])
        t = state["temperature"][0].astype(np.float64)
        self.log_alpha, self.alpha_m, self.alpha_v = (t[i:i + 1].copy() for i in range(3))
        self.alpha_steps = int(t[3])
        self.seen = {n: t for n, t in state.items() if n.startswith(("obs_", "returns_"))}

    def state(self):
        """Named as the agent's tensors are."""
        out = {"temperature": np.array([[self.log_alpha[0], self.alpha_m[0], self.alpha_v[0],
                                         self.alpha_steps]]),
               "updates": np.array([[self.updates]]),
               "actor_updates": np.array([[self.actor_updates]]),
               "action_mid": self.mid, "action_half": self.half, **self.seen}
        out |= self.pi.tensors("actor.")
        for j, q in enumerate(self.q):
            out |= q.tensors(f"critic{j + 1}.")
        for j, q in enumerate(self.target):
            out |= q.tensors(f"critic{j + 1}.target.")
        if self.v:
            out |= self.v.tensors("value.") | self.v_target.tensors("value.target.")
        return out

    # --- options that are a formula ---------------------------------------------------------------

    def normalised(self, obs):
        """The running mean and deviation do not move in an update."""
        if self.o["obs_norm"] == "none":
            return obs
        variance = self.seen["obs_m2"] / self.seen["obs_count"] + 1e-8
        clip = float(self.o["obs_clip"])
        return np.clip((obs - self.seen["obs_mean"]) / np.sqrt(variance), -clip, clip)

    def scaled(self, reward):
        """By the larger of sigma_G and max |G| / reward_norm_max, which do not move either."""
        if self.o["reward_norm"] == "none":
            return reward
        count, _, squares, largest = self.seen["returns_moments"][0]
        sigma = np.sqrt(squares / count + 1e-8)
        return reward / max(sigma, largest / float(self.o["reward_norm_max"]))

    def lr(self, which):
        way = min(1.0, self.updates / float(self.o["lr_horizon"]))
        end = float(self.o["lr_end"])
        share = {"constant": 1.0, "linear": 1.0 - (1.0 - end) * way,
                 "cosine": end + (1.0 - end) * (1.0 + np.cos(np.pi * way)) / 2.0}
        return float(self.o["lr_" + which]) * share[self.o["lr_schedule"]]

    def target_entropy(self):
        std = float(self.o["target_entropy_std"])
        if std > 0.0:  # that of A normals of this deviation
            return self.A * 0.5 * np.log(2.0 * np.pi * np.e * std ** 2)
        return float(self.o["target_entropy_scale"]) * self.A

    def alpha(self):
        return float(np.exp(self.log_alpha[0]))

    # --- losses -----------------------------------------------------------------------------------

    def act(self, p, s, noise):
        return self.policy.sample(forward(self.pi, p, node(s)), noise)

    def in_training(self, p, batch):
        """The actor's outputs for s, its batch statistics those of this batch; with actor_joint
        those of s and s'   [FLASHSAC]"""
        s = batch["obs"]
        rows = s if self.o["actor_joint"] == "no" else np.concatenate([s, batch["next_obs"]])
        return forward(self.pi, p, node(rows), training=True)[:len(s)]

    def ask(self, nets, leaves, x, kept, training=False, numbers=None):
        """The outputs for x of critics with these numbers, or all; kept(j, l, shape): what dropout
        keeps in critic j."""
        numbers = range(self.N) if numbers is None else numbers
        return [forward(q, p, node(x), training, lambda l, shape, j=j: kept(j, l, shape))
                for j, q, p in zip(numbers, nets, leaves)]

    def inputs(self, batch):
        """What the critics see of (s,a)."""
        return np.concatenate([batch["obs"], (batch["act"] - self.mid) / self.half], axis=1)

    def ahead(self, batch, random):
        """What the critics see of (s',a'), and y from the outputs of those that it asks for."""
        a, logp = self.act(self.pi.leaves(), batch["next_obs"], random.normals("target"))
        y = lambda outs: self.head.target(outs, batch["reward"], batch["discount"],
                                          self.alpha() * logp.value)
        return np.concatenate([batch["next_obs"], a.value], axis=1), y

    def taken(self, out, batch):
        """The part of the outputs that is of the action in the batch."""
        return out

    def climbed(self, outs):
        values = [self.head.value(out) for out in outs]
        return sum(values) / len(values) if self.o["actor_q"] == "mean" else smallest(values)

    def climbed_at(self, s, a, random):
        """Q(s,a) as an expression of a alone. Its slope is found row by row for Q itself, and
        scaled as the loss wants afterwards: with bf16 the order of the two is seen."""
        leaf = Node(a.value)
        q = self.climbed(self.ask(self.q, [q.leaves() for q in self.q],
                                  concatenate([s, leaf], axis=1), random.dropout("actor")))
        slope = gradients(q.sum(), [leaf])[0]
        return Node(q.value, (a, lambda g: g * slope))

    def passes(self, here, there, leaves, random):
        """The critics' outputs here; and there, of this update's subset, those of their targets, or
        without targets their own. A batch kind sees both as one batch   [CrossQ]"""
        B, joint = len(here), self.q[0].is_batch()
        both = np.concatenate([here, there])
        outs = self.ask(self.q, leaves, both if joint else here, random.dropout("critic"), joint)
        asked = list(random.subset(self.N))
        if joint and not self.target:
            nexts = [outs[j] for j in asked]
        else:
            nets = [(self.target or self.q)[j] for j in asked]
            nexts = self.ask(nets, [q.leaves() for q in nets], both if joint else there,
                             random.dropout("target"), joint, asked)
        return ([out[:B] for out in outs], [out[B:] for out in nexts]) if joint else (outs, nexts)

    def critic_loss(self, batch, random, y=None):
        """The sum of all critics' losses, their parameters, their outputs for (s,a), and the
        target: y if it is given."""
        leaves = [q.leaves() for q in self.q]
        if y is None:
            there, target = self.ahead(batch, random)
            outs, nexts = self.passes(self.inputs(batch), there, leaves, random)
            y = target([constant(out) for out in nexts])
        else:
            outs = self.ask(self.q, leaves, self.inputs(batch), random.dropout("critic"))
        outs = [self.taken(out, batch) for out in outs]
        return sum(self.head.loss(out, y) for out in outs), leaves, outs, y

    def value_loss(self, batch, random):
        """[SAC1]: V's loss towards its soft value, its parameters, and y from the target of V."""
        next_v = forward(self.v_target, self.v_target.leaves(), node(batch["next_obs"])).value
        a, logp = self.act(self.pi.leaves(), batch["obs"], random.normals("target"))
        x = np.concatenate([batch["obs"], a.value], axis=1)
        every = self.ask(self.q, [q.leaves() for q in self.q], x, random.dropout("value"))
        q = smallest(every).value
        leaves = self.v.leaves()
        v = forward(self.v, leaves, node(batch["obs"]))
        loss = self.head.loss(v, q - self.alpha() * logp.value)
        return loss, leaves, batch["reward"] + batch["discount"] * next_v

    def actor_loss(self, batch, random):
        """The loss mean(alpha log pi - Q), the actor's parameters, and log pi. The critics'
        statistics are the running ones."""
        leaves = self.pi.leaves()
        outs = self.in_training(leaves, batch)
        a, logp = self.policy.sample(outs, random.normals("actor"))
        q = self.climbed_at(batch["obs"], a, random)
        return (self.alpha() * logp - q).mean(), leaves, logp.value

    def log_density(self, s, random):
        return self.act(self.pi.leaves(), s, random.normals("alpha"))[1].value

    # --- steps ------------------------------------------------------------------------------------

    def update(self, batch, random):
        """random: of this agent's counters; see sac_update.py."""
        out = dict.fromkeys(METRICS, np.nan)
        batch = {**batch, "reward": self.scaled(batch["reward"]),
                 **{n: self.normalised(batch[n]) for n in ("obs", "next_obs")}}
        self.update_critics(batch, random, out)
        if (self.updates + 1) % int(self.o["policy_delay"]) == 0:
            for _ in range(int(self.o["policy_updates"])):
                self.actor_updates += 1
                self.update_actor(batch, random, out)
        if (self.updates + 1) % int(self.o["target_interval"]) == 0:
            self.follow()
        out["alpha"] = self.alpha()
        self.updates += 1
        return out

    def update_critics(self, batch, random, out):
        adam, lr, steps = Adam(self.o, "critic"), self.lr("critic"), self.updates + 1
        v_loss, v_leaves, y = self.value_loss(batch, random) if self.v else (0.0, None, None)
        loss, leaves, outs, y = self.critic_loss(batch, random, y)
        slopes = [in_network(loss, p) for p in leaves]
        out["critic_loss"] = float((loss + v_loss).value)
        out["q_mean"] = np.mean([self.head.value(o).value for o in outs])
        out["target_mean"] = self.head.target_mean(y)
        every = [g for slope in slopes for g in slope.values()]
        if self.v:
            slope = in_network(v_loss, v_leaves)
            every += slope.values()
            adam.network(steps, lr, self.v, slope)
        out["critic_grad_norm"] = norm(every)
        for q, slope in zip(self.q, slopes):
            adam.network(steps, lr, q, slope)
        for q in self.q + self.target:
            q.settle()

    def update_actor(self, batch, random, out):
        loss, leaves, logp = self.actor_loss(batch, random)
        slope = in_network(loss, leaves)
        out["actor_loss"], out["entropy"] = float(loss.value), -np.mean(logp)
        out["actor_grad_norm"] = norm(slope.values())
        Adam(self.o, "actor").network(self.actor_updates, self.lr("actor"), self.pi, slope)
        self.pi.settle()
        if self.o["temperature"] == "fixed":
            return
        if self.o["alpha_sample"] == "fresh":
            logp = self.log_density(batch["obs"], random)
        out["alpha_loss"] = self.temperature_step(logp)

    def temperature_step(self, logp):
        gap = np.mean(logp) + self.target_entropy()
        if self.o["alpha_loss"] == "log_alpha":
            loss, slope = -self.log_alpha[0] * gap, -gap
        else:
            loss, slope = -self.alpha() * gap, -self.alpha() * gap
        self.alpha_steps += 1
        Adam(self.o, "alpha").step(self.alpha_steps, self.lr("alpha"), self.log_alpha, slope,
                                   self.alpha_m, self.alpha_v)
        alpha = np.clip(self.alpha(), float(self.o["alpha_min"]), float(self.o["alpha_max"]))
        self.log_alpha[0] = np.log(alpha)
        return loss

    def follow(self):
        tau = float(self.o["tau"])
        pairs = list(zip(self.q, self.target)) + ([(self.v, self.v_target)] if self.v else [])
        for net, target in pairs:
            for name, t in target.w.items():
                t[...] = (1.0 - tau) * t + tau * net.w[name]


class DiscreteAgent(Agent):
    """K actions: the critics give a value for each, and sums over them stand for samples [SACD]."""

    def target_entropy(self):
        return float(self.o["target_entropy_discrete"]) * np.log(self.pi.outputs())

    def log_policy(self, p, s):
        return log_softmax(forward(self.pi, p, node(s)))

    def inputs(self, batch):
        return batch["obs"]

    def ahead(self, batch, random):
        log_p = self.log_policy(self.pi.leaves(), batch["next_obs"]).value
        soft = lambda q: np.sum(np.exp(log_p) * (q - self.alpha() * log_p), axis=1, keepdims=True)
        y = lambda outs: batch["reward"] + batch["discount"] * soft(smallest(outs).value)
        return batch["next_obs"], y

    def taken(self, out, batch):
        K = out.shape[1]
        return (out * (np.arange(K) == np.rint(batch["act"]))).sum(axis=1)

    def actor_loss(self, batch, random):
        leaves = self.pi.leaves()
        log_p = log_softmax(self.in_training(leaves, batch))
        outs = self.ask(self.q, [q.leaves() for q in self.q], batch["obs"], random.dropout("actor"))
        loss = exp(log_p) * (self.alpha() * log_p - self.climbed(outs))
        return loss.sum(axis=1).mean(), leaves, self.mean_log(log_p.value)

    def log_density(self, s, random):
        return self.mean_log(self.log_policy(self.pi.leaves(), s).value)

    @staticmethod
    def mean_log(log_p):
        return np.sum(np.exp(log_p) * log_p, axis=1, keepdims=True)


def agent_of(options, state, A):
    return (DiscreteAgent if options["policy"] == "categorical" else Agent)(options, state, A)
