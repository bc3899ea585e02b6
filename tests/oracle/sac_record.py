"""What sac_oracle.h recorded of an agent: its options, its state before and after each update,
the transitions that were drawn, and the random words behind every draw."""
import numpy as np

DTYPES = {"f32": np.float32, "f64": np.float64, "u32": np.uint32, "u64": np.uint64}


def read_record(stream):
    """Lines `option NAME VALUE` and `NAME DTYPE ROWS COLS`, the latter followed by the numbers, up
    to the line `end`. None at the end of the stream."""
    options, tensors = {}, {}
    while line := stream.readline():
        words = line.decode().split()
        if words[0] == "end":
            return options, tensors
        if words[0] == "option":
            options[words[1]] = words[2]
            continue
        name, dtype, rows, cols = words[0], np.dtype(DTYPES[words[1]]), int(words[2]), int(words[3])
        data = stream.read(rows * cols * dtype.itemsize)
        tensors[name] = np.frombuffer(data, dtype).reshape(rows, cols)
    return None


class Disagreement(Exception):
    """What the record says cannot be what happened."""


def snapshot(record, k):
    """The agent's tensors, the metrics and the batch after update k; 0: before the first."""
    return {n.split("/", 1)[1]: t for n, t in record.items() if n.startswith(f"{k}/")}


class Random:
    """What an update draws, from the recorded words of the streams, at the agent's counters."""

    def __init__(self, record, agent):
        self.record, self.agent = record, agent

    def index(self, purpose):
        return self.agent.updates if purpose in ("target", "critic") else self.agent.actor_updates

    def normals(self, purpose):
        """Box-Muller, one normal from two words: 23 bits of each, on the midpoints of the cells."""
        words = self.record[f"words.{purpose}.{self.index(purpose)}"]
        cell = ((words >> 9).astype(np.float64) + 0.5) * 2.0 ** -23
        cell = cell.reshape(len(words), -1, 2)
        return np.sqrt(-2.0 * np.log(cell[:, :, 0])) * np.cos(2.0 * np.pi * cell[:, :, 1])

    def subset(self, n):
        """The first of a shuffle of n critics [REDQ, algorithm 1]; all if it has no size."""
        left, chosen = list(range(n)), []
        for i in self.record[f"subset.{self.agent.updates}"][0].astype(int):
            left[0], left[i] = left[i], left[0]
            chosen.append(left.pop(0))
        return chosen or range(n)

    def dropout(self, purpose):
        """What critic j keeps of hidden layer l in the pass of that name. Units go one by one with
        probability p; drawn are the gaps between them, P(gap = i) = p (1 - p)^i, in a row of the
        batch layer after layer."""
        options = self.agent.o
        p, masks = float(options["critic_dropout"]), {}
        widths = [int(w) for w in options["critic_hidden"].split(",")]

        def kept(j, l, shape):
            if j not in masks:
                draws = self.record[f"dropout.{purpose}.{j}.{self.index(purpose)}"]
                rows = [kept_in_row(row, widths, p) for row in draws]
                masks[j] = [np.array([row[i] for row in rows]) for i in range(len(widths))]
            return masks[j][l]

        return kept


def kept_in_row(draws, widths, p):
    """Of each layer, which units stay. draws: uniform numbers, more than are needed."""
    gaps = iter(np.floor(np.log(draws) / np.log1p(-p)))
    layers = []
    for width in widths:
        layers.append(np.ones(width))
        at = next(gaps)
        while at < width:
            layers[-1][int(at)] = 0.0
            at += 1.0 + next(gaps)
    return layers


def steps_ahead(pushed, start, n, gamma):
    """r, the discount of what follows, and s', of up to n steps from row `start` of `pushed`."""
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
            raise Disagreement(f"update {k}: {name} drawn differs from {name} pushed")
    batch = {n: rows.astype(np.float64) for n, rows in drawn.items()}
    ahead = [steps_ahead(pushed, i, int(options["n_step"]), float(options["gamma"])) for i in at]
    batch["reward"], batch["discount"] = (np.array([a[i] for a in ahead])[:, None] for i in (0, 1))
    batch["next_obs"] = np.array([a[2] for a in ahead], np.float64)
    return batch


def check_normaliser(options, obs, state):
    """The agent was told of every observation that was pushed: mean and variance in two passes."""
    if options["obs_norm"] == "none":
        return
    count, mean, m2 = (state[n][0] for n in ("obs_count", "obs_mean", "obs_m2"))
    if count[0] != len(obs) or not (np.allclose(mean, obs.mean(axis=0), 1e-12, 1e-12) and
                                    np.allclose(m2 / count, obs.var(axis=0), 1e-12, 1e-12)):
        raise Disagreement("the normaliser's mean or variance differs from that of what was pushed")


def check_returns(options, record, state):
    """The agent was told of every reward that was pushed, in two environments by turns: G <- gamma
    (1 - end) G + r in each, and of all G how many, their mean, the sum of squared deviations in two
    passes, and the largest size   [SIMBAV2]"""
    if options["reward_norm"] == "none":
        return
    now, every = [0.0, 0.0], []
    ends = record["pushed.terminated"][:, 0] + record["pushed.truncated"][:, 0] > 0.0
    for i, (reward, end) in enumerate(zip(record["pushed.reward"][:, 0].astype(np.float64), ends)):
        now[i % 2] = float(options["gamma"]) * (not end) * now[i % 2] + reward
        every.append(now[i % 2])
    want = [len(every), np.mean(every), np.sum((every - np.mean(every)) ** 2),
            np.max(np.abs(every))]
    if not (np.allclose(state["returns_moments"][0], want, 1e-12, 1e-12) and
            np.allclose(state["returns_now"][0, :2], now, 1e-12, 1e-12)):
        raise Disagreement("the returns that scale rewards differ from those of what was pushed")
