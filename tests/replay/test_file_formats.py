"""docs/file_formats.md is enough to read a checkpoint.

Runs the Python of that page on the checkpoint of a short run of Pendulum-v1, and holds each transition
that it reads against the equations of the pendulum, written here once more: the right bytes in the wrong
place would not obey them. The replay is small, so that it has gone round and lies in several segments.
"""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

SOURCE, PROGRAM = os.environ["SAC_SOURCE_DIR"], os.environ["SAC_PROGRAM"]
STEPS, CAPACITY, ENVS = 1500, 1200, 2


def pendulum(obs, u):
    """One step of Pendulum-v1 in double: g = 10, m = l = 1, dt = 0.05."""
    angle, speed = np.arctan2(obs[1], obs[0]), float(obs[2])
    u = float(np.clip(u, -2, 2))
    reward = -(angle**2 + 0.1 * speed**2 + 0.001 * u**2)
    speed = np.clip(speed + (15 * np.sin(angle) + 3 * u) * 0.05, -8, 8)
    angle += speed * 0.05
    return np.array([np.cos(angle), np.sin(angle), speed]), reward


def code_of_page(page):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", open(page, encoding="utf-8").read(), re.S):
        exec(block, names)
    return names["read_safetensors"], names["read_replay"], names["write_data"]


def train(folder):
    settings = dict(envs=ENVS, replay_capacity=CAPACITY, warmup=200, batch=16, hidden="16,16", utd=0.1,
                    checkpoint_every=500, eval_every=0, eval_episodes=1)
    words = [w for name, value in settings.items() for w in ("--set", f"{name}={value}")]
    subprocess.run([PROGRAM, "train", "Pendulum-v1", "--steps", str(STEPS), "--out", folder, "--quiet",
                    *words], check=True, stdout=subprocess.DEVNULL)


def transitions(rings):
    """(obs, act, reward, next_obs) of every transition, ring after ring, from the oldest on."""
    for frames, last in rings:
        observations = [f[1] for f in frames] + ([] if last is None else [last])
        for i, (_, obs, act, reward, flags) in enumerate(frames):
            if flags & 1:
                yield obs, act, reward, observations[i + 1]


def check_export(folder, rings, read_safetensors, write_data):
    """sac export-data writes what the segments hold; a run takes the page's own file, and goes on only
    with the same transitions."""
    exported, own = os.path.join(folder, "exported.safetensors"), os.path.join(folder, "own.safetensors")
    subprocess.run([PROGRAM, "export-data", folder, exported], check=True, stderr=subprocess.DEVNULL)
    tensors, _ = read_safetensors(exported)
    columns = [np.array(c) for c in zip(*transitions(rings))]
    for name, want in zip(("obs", "act", "reward", "next_obs"), columns):
        assert np.array_equal(tensors[name].reshape(want.shape), want), name
    assert not tensors["terminated"].any()
    write_data(own, *columns, np.zeros(len(columns[0])))
    run = os.path.join(folder, "with_data")
    words = ["--set", "warmup=20", "--set", "batch=16", "--set", "hidden=8", "--set", "eval_episodes=1"]
    subprocess.run([PROGRAM, "train", "Pendulum-v1", "--steps", "40", "--out", run, "--quiet", "--set",
                    f"data={own}", *words], check=True, stdout=subprocess.DEVNULL)
    _, metadata = read_safetensors(os.path.join(run, "checkpoint", "state.safetensors"))
    resume = [PROGRAM, "train", "--resume", run, "--quiet", "--steps"]
    os.replace(exported, own)  # the same transitions, written otherwise
    subprocess.run([*resume, "60"], check=True, stdout=subprocess.DEVNULL)
    columns[2][7] += 1
    write_data(own, *columns, np.zeros(len(columns[0])))
    refused = subprocess.run([*resume, "80"], stderr=subprocess.PIPE, text=True)
    assert refused.returncode == 1 and metadata["data"] in refused.stderr, refused


def check_ring(env, frames, last, ring):
    """Returns how many transitions obeyed."""
    numbers = [f[0] for f in frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    # 750 steps in episodes of 200 make 754 frames, the open one included
    pushed = STEPS // ENVS + -(-(STEPS // ENVS) // 200)
    assert len(frames) + (last is not None) == ring and numbers[0] == pushed - ring
    observations = [f[1] for f in frames] + ([] if last is None else [last])
    seen = 0
    for i, (number, obs, act, reward, flags) in enumerate(frames):
        assert abs(obs[0] ** 2 + obs[1] ** 2 - 1) < 1e-6
        # no episode terminates; each is truncated after 200 steps, at frame 200, 401, ...
        assert flags == (0 if number % 201 == 200 else 1), (env, number, flags)
        if not flags:
            assert act[0] == 0 and reward == 0
            continue
        want, want_reward = pendulum(obs, act[0])
        # float32 observations: 6e-8 of them, and up to 8 times that in the speed
        assert np.abs(observations[i + 1] - want).max() < 1e-5, (env, number)
        assert abs(reward - want_reward) < 1e-4 * (1 + abs(want_reward)), (env, number)
        seen += 1
    return seen


def main():
    read_safetensors, read_replay, write_data = code_of_page(os.path.join(SOURCE, "docs", "file_formats.md"))
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        folder = os.path.join(scratch, "run")
        train(folder)
        tensors, metadata = read_safetensors(os.path.join(folder, "checkpoint", "state.safetensors"))
        assert metadata["task"] == "Pendulum-v1" and metadata["option.batch"] == "16"
        assert tensors["actor.0.weight"].shape == (3, 16) and tensors["actor.2.bias"].shape == (1, 2)
        assert tensors["critic1.0.weight"].shape == (4, 16)
        assert np.all(np.isfinite(tensors["critic2.target.2.weight"]))
        rings = read_replay(os.path.join(folder, "checkpoint", "replay"), tensors["replay.segments"])
        assert len(rings) == ENVS
        seen = sum(check_ring(e, frames, last, CAPACITY // ENVS)
                   for e, (frames, last) in enumerate(rings))
        # where each environment is now is the open frame
        for e, (_, last) in enumerate(rings):
            assert last is not None and np.array_equal(last, tensors["env.obs"][e])
        check_export(folder, rings, read_safetensors, write_data)
        print(f"{seen} transitions obey the pendulum's equations")
        assert seen > 1100
    return 0


if __name__ == "__main__":
    sys.exit(main())
