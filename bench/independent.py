"""What other people's code does where a result of ours asks for it; the numbers behind some notes.

  python bench/independent.py sbx TASK SEED STEPS     SBX's SAC with the settings of preset sac-fast
  python bench/independent.py clipped_normal TASK     SAC with a clipped normal policy, in PyTorch
  python bench/independent.py states TASK FILE.npz    4,000 steps of a task, by Gymnasium
  python bench/independent.py step TASK FILE.npz      each of them again from its state, by this Python's MuJoCo

With the Python of the peers' virtual environment, which bench/compare makes; `step` with one that has another
MuJoCo too. Writes docs/results/independent/*.csv.
"""
import copy
import csv
import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "results", "independent")


def rows_to(name, head, rows):
    """Write rows as they come."""
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, name), "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(head)
        for row in rows:
            writer.writerow(row)
            handle.flush()


# --- SBX -----------------------------------------------------------------------------------------


def episode(model, env, seed):
    """Return and length of one episode by the mean action."""
    obs, _ = env.reset(seed=seed)
    total, length, over = 0.0, 0, False
    while not over:
        obs, reward, terminated, truncated, _ = env.step(model.predict(obs, deterministic=True)[0])
        total, length, over = total + reward, length + 1, terminated or truncated
    return total, length


def sbx(task, seed, steps):
    import gymnasium
    from sbx import SAC

    model = SAC("MlpPolicy", gymnasium.make(task), learning_rate=1e-3, batch_size=256, learning_starts=5000,
                tau=0.005, gamma=0.99, seed=int(seed), policy_kwargs={"net_arch": [256, 256]},
                buffer_size=1_000_000, ent_coef="auto_1.0")
    env = gymnasium.make(task)

    def evaluations():
        for done in range(10_000, int(steps) + 1, 10_000):
            model.learn(10_000, reset_num_timesteps=done == 10_000)
            returns, lengths = zip(*[episode(model, env, 10_000 + i) for i in range(10)])
            yield done, np.mean(returns), np.std(returns), np.mean(lengths)

    rows_to(f"sbx-{task}-seed{seed}.csv", ["step", "return_mean", "return_std", "length_mean"], evaluations())


# --- the clipped normal of the Beta paper --------------------------------------------------------


def clipped_normal(task, steps=12_500, warmup=10_000):
    """The actor's mean is any number; critics see the action before it is cut."""
    import gymnasium
    import torch

    torch.manual_seed(1)
    torch.set_num_threads(1)
    rng, env = np.random.default_rng(1), gymnasium.make(task)
    env.action_space.seed(1)
    O, A = env.observation_space.shape[0], env.action_space.shape[0]

    def network(n_in, n_out):
        sizes = [n_in, 256, 256, n_out]
        layers = [part for a, b in zip(sizes, sizes[1:]) for part in (torch.nn.Linear(a, b), torch.nn.ReLU())]
        return torch.nn.Sequential(*layers[:-1])

    actor, critics = network(O, 2 * A), [network(O + A, 1) for _ in range(2)]
    targets = copy.deepcopy(critics)
    adam_actor = torch.optim.Adam(actor.parameters(), 1e-3)
    adam_critics = [torch.optim.Adam(critic.parameters(), 1e-3) for critic in critics]

    def policy(s):
        mean, log_std = actor(s).chunk(2, -1)
        pi = torch.distributions.Normal(mean, log_std.clamp(-20, 2).exp(), validate_args=False)
        a = pi.rsample()
        return a, pi.log_prob(a).sum(-1)

    def smaller(of, s, a):
        x = torch.cat([s, a], -1)
        return torch.min(of[0](x)[:, 0], of[1](x)[:, 0])

    def update(s, a, r, s2, d):
        with torch.no_grad():
            a2, logp2 = policy(s2)
            y = r + 0.99 * (1 - d) * (smaller(targets, s2, a2) - 0.2 * logp2)
        for critic, adam in zip(critics, adam_critics):
            loss = ((critic(torch.cat([s, a], -1))[:, 0] - y) ** 2).mean()
            adam.zero_grad(), loss.backward(), adam.step()
        a_new, logp = policy(s)
        adam_actor.zero_grad(), (0.2 * logp - smaller(critics, s, a_new)).mean().backward(), adam_actor.step()
        with torch.no_grad():
            for critic, target in zip(critics, targets):
                for w, w_target in zip(critic.parameters(), target.parameters()):
                    w_target.mul_(0.995).add_(w, alpha=0.005)
        return loss.item(), y.mean().item(), a2.abs().mean().item()

    def updates():
        kept = [np.zeros((steps, *shape), np.float32) for shape in ((O,), (A,), (), (O,), ())]
        obs, _ = env.reset(seed=1)
        for t in range(steps):
            with torch.no_grad():
                act = env.action_space.sample() if t < warmup else \
                    policy(torch.as_tensor(obs, dtype=torch.float32)[None])[0][0].numpy()
            next_obs, reward, terminated, truncated, _ = env.step(np.clip(act, -1, 1))
            for store, value in zip(kept, (obs, act, reward, next_obs, terminated)):
                store[t] = value
            obs = env.reset()[0] if terminated or truncated else next_obs
            if t >= warmup:
                rows = rng.integers(0, t + 1, 256)
                said = update(*[torch.as_tensor(store[rows]) for store in kept])
                if (t + 1 - warmup) % 100 == 0:
                    yield t + 1 - warmup, *said

    rows_to(f"clipped_normal-{task}.csv", ["update", "critic_loss", "target_mean", "action_size_mean"], updates())


# --- one step of two simulators ------------------------------------------------------------------


def make(task):
    import gymnasium

    return gymnasium.make(task).unwrapped


def states(task, path):
    """Actions of full size, held for about seven steps; an episode's first state each 1,000."""
    env, rng = make(task), np.random.default_rng(0)
    found, act = [], np.zeros(env.action_space.shape)
    for t in range(4000):
        if t % 1000 == 0:
            env.reset(seed=t)
        if rng.random() < 0.15:
            act = rng.choice([-1.0, 1.0], size=act.shape)
        data = env.data
        before = data.qpos.copy(), data.qvel.copy(), data.qacc_warmstart.copy()
        reward = env.step(act)[1]
        found.append((*before, act.copy(), data.qpos.copy(), data.qvel.copy(), reward))
    np.savez(path, *[np.array(column) for column in zip(*found)])


def step(task, path):
    import mujoco

    env, file = make(task), np.load(path)
    qpos, qvel, warm, act, next_qpos, next_qvel, reward = [file[f"arr_{i}"] for i in range(7)]
    env.reset(seed=0)
    apart = []
    for t in range(len(act)):
        data = env.data
        data.qpos[:], data.qvel[:] = qpos[t], qvel[t]
        mujoco.mj_forward(env.model, data)
        data.qacc_warmstart[:] = warm[t]
        own = env.step(act[t])[1]
        apart.append((np.abs(data.qpos - next_qpos[t]).max(), np.abs(data.qvel - next_qvel[t]).max(),
                      abs(own - reward[t])))
    columns = zip(("position", "velocity", "reward"), np.array(apart).T)
    rows_to(f"step-{task}-mujoco-{mujoco.__version__}.csv", ["of", "median", "99 %", "largest"],
            [(name, np.median(x), np.quantile(x, 0.99), x.max()) for name, x in columns])


if __name__ == "__main__":
    parts = {"sbx": sbx, "clipped_normal": clipped_normal, "states": states, "step": step}
    if len(sys.argv) < 3 or sys.argv[1] not in parts:
        sys.exit(__doc__)
    parts[sys.argv[1]](*sys.argv[2:])
