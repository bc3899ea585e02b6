#!/usr/bin/env python3
"""One peer on one task, timed on request. bench/compare starts it; by hand:

  peers.py PEER WHAT THREADS      then a number of seconds a line on stdin

PEER: torch (eager, without compilation), sb3, sbx, rltools.  WHAT: update, loop, small, as `sac bench`.
Prints "ready" when everything is loaded, compiled and warm, then for each number read the rate over at
least so many seconds: updates or environment steps a second.
"""
import os
import sys
import time

PEER, WHAT, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3])
for name in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{name}_NUM_THREADS"] = str(THREADS)
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what a peer prints on the way is not an answer

OBS, ACT = 17, 6  # HalfCheetah-v5
TASK, WIDTH, BATCH = ("Pendulum-v1", 64, 100) if WHAT == "small" else ("HalfCheetah-v5", 256, 256)
SMALL_STEPS = 10_000


def torch_updates():
    """An update of SAC as one writes it in torch: both critics, the targets, the actor, the temperature."""
    import torch
    from torch import nn
    torch.set_num_threads(THREADS)
    torch.manual_seed(1)

    def network(n, out):
        return nn.Sequential(nn.Linear(n, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, out))

    actor = network(OBS, 2 * ACT)
    critics = nn.ModuleList(network(OBS + ACT, 1) for _ in range(2))
    targets = nn.ModuleList(network(OBS + ACT, 1) for _ in range(2))
    targets.load_state_dict(critics.state_dict())
    log_alpha = torch.zeros((), requires_grad=True)
    critic_adam = torch.optim.Adam(critics.parameters(), lr=3e-4)
    actor_adam = torch.optim.Adam(actor.parameters(), lr=3e-4)
    alpha_adam = torch.optim.Adam([log_alpha], lr=3e-4)
    frames = 100_000
    replay = {"s": torch.randn(frames, OBS), "next": torch.randn(frames, OBS), "a": torch.rand(frames, ACT) * 2 - 1,
              "r": torch.randn(frames, 1), "goes_on": torch.ones(frames, 1)}

    def draw(s):
        mean, log_std = actor(s).chunk(2, dim=1)
        normal = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp(), validate_args=False)
        u = normal.rsample()
        squash = 2 * (0.6931471805599453 - u - nn.functional.softplus(-2 * u))
        return u.tanh(), (normal.log_prob(u) - squash).sum(dim=1, keepdim=True)

    def smaller(pair, s, a):
        x = torch.cat((s, a), dim=1)
        return torch.minimum(pair[0](x), pair[1](x))

    def update():
        rows = torch.randint(frames, (BATCH,))
        b = {k: v[rows] for k, v in replay.items()}
        alpha = log_alpha.detach().exp()
        with torch.no_grad():
            a, log_pi = draw(b["next"])
            y = b["r"] + 0.99 * b["goes_on"] * (smaller(targets, b["next"], a) - alpha * log_pi)
        x = torch.cat((b["s"], b["a"]), dim=1)
        loss = sum(0.5 * nn.functional.mse_loss(q(x), y) for q in critics)
        critic_adam.zero_grad()
        loss.backward()
        critic_adam.step()

        critics.requires_grad_(False)
        a, log_pi = draw(b["s"])
        loss = (alpha * log_pi - smaller(critics, b["s"], a)).mean()
        actor_adam.zero_grad()
        loss.backward()
        actor_adam.step()
        critics.requires_grad_(True)

        loss = -(log_alpha * (log_pi.detach() - ACT)).mean()
        alpha_adam.zero_grad()
        loss.backward()
        alpha_adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(list(targets.parameters()), list(critics.parameters()), 0.005)

    def run(n):
        for _ in range(n):
            update()

    run(30)
    return run, 50


def baselines():
    """Stable-Baselines3, or SBX, its sibling on JAX: the same interface."""
    import gymnasium
    settings = {"batch_size": BATCH, "learning_starts": 100, "buffer_size": 100_000, "seed": 1}
    if WHAT == "small":
        settings |= {"learning_rate": 1e-3, "policy_kwargs": {"net_arch": [WIDTH, WIDTH]}}
    if PEER == "sb3":
        import torch
        from stable_baselines3 import SAC
        torch.set_num_threads(THREADS)
        settings["device"] = "cpu"
        settle = lambda: None
    else:
        import jax
        from sbx import SAC
        settle = lambda: jax.block_until_ready(model.policy.actor_state.params)
    model = SAC("MlpPolicy", gymnasium.make(TASK), **settings)
    model.learn(400)  # past the random steps; compiles an update

    def updates(n):
        model.train(n, BATCH)
        settle()

    def steps(n):
        model.learn(n, reset_num_timesteps=False)
        settle()

    if WHAT == "update":
        updates(100)  # compiles the loop over so many
        return updates, 100
    steps(100)
    return steps, 200


def rltools():
    """RLtools' loop on the same environments; it compiles itself for its sizes."""
    import gymnasium
    from gymnasium.wrappers import RescaleAction
    from rltools import SAC
    made = SAC(lambda: RescaleAction(gymnasium.make(TASK), -1, 1), interface_name=f"compare_{WHAT}", enable_evaluation=False,
               STEP_LIMIT=1_000_000_000, REPLAY_BUFFER_CAP=100_000, N_WARMUP_STEPS=BATCH, ACTOR_HIDDEN_DIM=WIDTH,
               CRITIC_HIDDEN_DIM=WIDTH, ACTOR_BATCH_SIZE=BATCH, CRITIC_BATCH_SIZE=BATCH)
    state = made.State(1)

    def steps(n):
        for _ in range(n):
            state.step()

    steps(BATCH + 100)
    return steps, SMALL_STEPS if WHAT == "small" else 200


def main():
    run, chunk = {"torch": torch_updates, "sb3": baselines, "sbx": baselines, "rltools": rltools}[PEER]()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        start, done, elapsed = time.perf_counter(), 0, 0.0
        while elapsed < float(line):
            run(chunk)
            done += chunk
            elapsed = time.perf_counter() - start
        print(done / elapsed, file=answers, flush=True)


if PEER == "torch" and WHAT != "update" or PEER == "rltools" and WHAT == "update":
    sys.exit(f"{PEER} has no {WHAT}: torch alone is the update, and RLtools has none without the loop")
main()
