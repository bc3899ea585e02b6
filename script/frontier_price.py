"""What a step of script/frontier's runs costs: GFLOP by the networks' sizes, and steps a second as measured on two
threads of an idle machine, which are kept under docs/results/.
"""
import os
import subprocess
import tempfile
import time

from runs import ROOT, keep_table, kept_table, label, read_json, say

SPEED = os.path.join(ROOT, "docs", "results", "frontier_speed.csv")
COST = os.path.join(ROOT, "docs", "results", "frontier_cost.csv")

SECONDS_OF_SPEED = 20  # of a run, to measure it


def widths(text):
    return [int(word) for word in str(text).split(",")]


def network(n_in, hidden, n_out, body):
    """The widths of what a network's products read and give, in order: src/nn/body.c."""
    if body == "plain":
        return [n_in, *hidden, n_out]
    width, inner = hidden[0], hidden[0] if body == "bro" else 4 * hidden[0]
    last = [width] if body == "simbav2" else []
    return [n_in, width, *[inner, width] * len(hidden), *last, n_out]


def weights(sizes):
    return sum(a * b for a, b in zip(sizes, sizes[1:]))


def stepped(sizes):
    """Forward, back to every layer but the input, and the gradient: of one row, in products of a weight."""
    return 3 * weights(sizes) - sizes[0] * sizes[1]


def gflop_a_step(config):
    """Products of an environment step's updates, 2 operations a weight and row; activations, norms and Adam are
    left out, as in sac_bench_update_flops."""
    o, obs, act = config["options"], config["obs_dim"], config["act_dim"]
    body, critics = o.get("body", "plain"), o.get("critics", 2)
    outputs = {"categorical": o.get("critic_atoms"), "quantile": o.get("critic_quantiles")}
    actor = network(obs, widths(o["actor_hidden"]), 2 * act, body)
    critic = network(obs + act, widths(o["critic_hidden"]), outputs.get(o.get("critic_head"), 1), body)
    halves = 2 if o.get("critic_norm", "none") in ("batch", "renorm") or body == "flash" else 1  # (s,a) and (s',a')
    target = 0 if o.get("critic_target") == "none" else halves * weights(critic)
    own = weights(actor) + critics * halves * stepped(critic) + (o.get("critic_subset") or critics) * target
    policy = stepped(actor) * (2 if o.get("actor_joint") == "yes" else 1) + critics * 2 * weights(critic)
    return 2e-9 * o["batch"] * o["utd"] * (own + policy * o["policy_updates"] / o["policy_delay"])


def speeds():
    """{(task, label): (steps a second on two threads of an idle machine, random steps before them)}"""
    return {(row["task"], row["settings"]): (float(row["steps_per_second"]), int(row["warmup"]))
            for row in kept_table(SPEED)}


def costs():
    """{settings of a candidate: its steps a second over those of `crossq` in the same minutes}"""
    return {"": 1.0, **{row["settings"]: float(row["ratio"]) for row in kept_table(COST)}}


def measure_speed(program, task, preset, settings):
    """(steps a second, random steps before them) of a run without evaluations, stopped after some seconds."""
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        command = [program, "train", task, "--preset", preset, "--threads", "2", "--quiet", "--out", run,
                   "--steps", "1000000", "--eval-every", "0", "--checkpoint-every", "0"]
        command += [word for setting in [*settings, "log_every=10"] for word in ("--set", setting)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(SECONDS_OF_SPEED)
            process.terminate()
        warmup = read_json(os.path.join(run, "config.json"))["options"]["warmup"]
        late = [(int(row["step"]), float(row["seconds"])) for row in kept_table(os.path.join(run, "metrics.csv"))
                if int(row["updates"]) > 0 and int(row["step"]) >= warmup + 20]
    (first, begin), (last, end) = late[0], late[-1]
    return (last - first) / (end - begin), warmup


def measure_speeds(program, plan, beside):
    """Of what is in the plan, (task, preset, settings), and not measured yet.

    All are those of the machine that measured `beside` first: on another one it is measured again, before each, and
    what is kept is what that machine would have."""
    known = speeds()
    standard = known.get((beside[0], label(*beside[1:])))
    for task, preset, settings in plan:
        key = (task, label(preset, settings))
        if key in known:
            continue
        scale = standard[0] / measure_speed(program, *beside)[0] if standard else 1.0
        rate, warmup = measure_speed(program, task, preset, settings)
        known[key] = scale * rate, warmup
        say(f"{key[0]}, {key[1]}: {known[key][0]:,.1f} steps/s after {known[key][1]:,} random ones")
        keep_table(SPEED, [dict(task=task, settings=name, steps_per_second=f"{rate:.1f}", warmup=warmup)
                           for (task, name), (rate, warmup) in sorted(known.items())])


def measure_costs(program, task, preset, base, candidates):
    """Of each candidate that is not measured yet, what differs from the preset and its base settings."""
    known = costs()
    for settings in candidates:
        name = " ".join(settings)
        if name in known:
            continue
        before, own, after = [measure_speed(program, task, preset, base + more)[0]
                              for more in ([], settings, [])]
        known[name] = 2 * own / (before + after)
        say(f"{name}: {known[name]:.3f} of the steps/s of {label(preset, base)}")
        keep_table(COST, [dict(settings=one, ratio=f"{ratio:.3f}") for one, ratio in known.items() if one])
