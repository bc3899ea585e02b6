"""One SAC update, a second time: NumPy in double, written from the equations and not from the C.

Reads from standard input what sac_oracle.h recorded of one agent after the other: its options, its
whole state before and after each update, the transitions that were drawn and the random words
behind every draw. Does every update itself, in two ways: all in a row from the first state (k of
them so far), and each alone from the recorded state before it (k = 1). Compares everything, tells
standard error what it saw, and answers `agrees` or `disagrees` for each agent:

  weights, targets, running  |got - want| <= 1e-5 k (1 + |want|)         each number
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

The update is in sac_agent.py, made of networks (sac_networks.py), policies (sac_policy.py) and the
critics' heads (sac_critics.py), which are expressions whose gradients tape.py finds.
`--self-test` checks all of them; see sac_self_test.py.
"""
import sys

import numpy as np

from sac_agent import METRICS, agent_of, norm
from sac_record import (Disagreement, Random, check_draw, check_normaliser, check_returns,
                        read_record, snapshot)

TIES = {"metrics": 100.0, "scalar": 10.0, "weight": 200.0, "target": 2.0, "change": 50.0,
        "moment 1": 500.0, "moment 2": 200.0}


def say(line):
    print(line, file=sys.stderr)


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
        state = agent.state()
        strange = {n for n in set(got) ^ set(state) if n != "metrics" and n[:6] != "batch."}
        if strange:
            raise Disagreement(f"tensors of one side only: {' '.join(sorted(strange))}")
        for name, mine in state.items():
            theirs, where = got[name].astype(np.float64), f"{name} of update {number}"
            if theirs.shape != mine.shape:
                raise Disagreement(f"{where}: shape {theirs.shape}, must be {mine.shape}")
            if ".adam_m." in name:
                self.check("moment 1", where, theirs, mine, 1e-4 * np.max(np.abs(mine)) + 1e-13)
            elif ".adam_v." in name:
                self.check("moment 2", where, theirs, mine, 2e-4 * np.max(np.abs(mine)) + 1e-26)
            elif "." not in name:  # temperature, counters, bounds
                self.check("scalar", where, theirs, mine, 1e-5 * (1.0 + np.abs(mine)))
            else:
                self.weights(k, name, where, theirs, mine, first[name])

    def weights(self, k, name, where, theirs, mine, first):
        kind = "target" if ".target." in name else "weight"
        self.check(kind, where, theirs, mine, 1e-5 * k * (1.0 + np.abs(mine)))
        rounding = k * (2.0 ** -24 * norm([mine]) + 1e-9)  # half a unit in the last place each time
        self.check("change", where, norm([theirs - mine]), 0.0,
                   1e-3 * norm([mine - first]) + rounding)

    def report(self):
        for kind, (share, where, off) in self.worst.items():
            say(f"  {kind:9s} off by at most {off:.2e}, {100 * share:6.2f} % of what is allowed "
                f"({where})")
        for line in self.failures[:20]:
            say("  FAILED " + line)
        if len(self.failures) > 20:
            say(f"  ... and {len(self.failures) - 20} more")


def compare(options, record):
    """Both ways: the updates in a row from the first state, and each from the state before it."""
    count, A = int(options["updates"]), record["pushed.act"].shape[1]
    first = snapshot(record, 0)
    check_normaliser(options, record["pushed.obs"].astype(np.float64), first)
    check_returns(options, record, first)
    agent = agent_of(options, first, A)
    in_a_row, alone = (Comparison(options["ties"] == "1") for _ in range(2))
    for k in range(1, count + 1):
        batch, before, got = check_draw(record, k, options), snapshot(record, k - 1), snapshot(
            record, k)
        in_a_row.update(k, k, got, agent, agent.update(batch, Random(record, agent)), first)
        if k > 1:  # the first is alone already
            single = agent_of(options, before, A)
            alone.update(k, 1, got, single, single.update(batch, Random(record, single)), before)
    say(f"  {count} updates in a row")
    in_a_row.report()
    say("  each update from the recorded state before it")
    alone.report()
    return not (in_a_row.failures or alone.failures)


def agrees(options, record):
    try:
        return compare(options, record)
    except Disagreement as why:
        say(f"  FAILED {why}")
        return False


def answer():
    while read := read_record(sys.stdin.buffer):
        print("agrees" if agrees(*read) else "disagrees", flush=True)


if __name__ == "__main__":
    if "--self-test" in sys.argv:
        from sac_self_test import self_test
        sys.exit(self_test())
    answer()
