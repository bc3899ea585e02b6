"""Compare libsac's environments with Gymnasium's, step by step.

Both sides begin every episode in the same state (the C side draws it, Gymnasium's is set to it) and
get the same actions; observation, reward and both flags must be equal, by ==. How far apart they are
where they are not is measured in units in the last place. The spaces, the limit of an episode and the
distribution of first states are compared too.

    test_env_gymnasium.py [--steps N] [--classic-steps N] [--task ID]... [--run FOLDER]...
                          [--actions FILE.npy] [--results STEM] [--library libsac.so]

Without options it is the short test: 2,000 steps a task. Exit 0: equal, 1: not, 77: no Gymnasium.
--run takes the actions from the policy of a run folder of `sac train`, on that run's task: every other
episode as they are, else with noise. --actions takes recorded ones, shape (N, A), played in a loop.
--results writes STEM.csv and STEM.md, after every task; rows of other tasks or other kinds of actions
that the CSV holds stay."""
import argparse
import csv
import ctypes as c
import json
import os
import platform
import sys
import tempfile
import types

# The norms in Gymnasium's Reacher and Pusher are BLAS dot products of three numbers, rounded as the
# processor's kernel does it: Haswell's is the plain sum. Those for AVX-512 fuse multiply and add, which
# changes the last bit of one norm in ten. NumPy reads this when it is first imported.
os.environ["OPENBLAS_CORETYPE"] = "Haswell"

try:
    import gymnasium as gym
    import mujoco
    import numpy as np
    from scipy import stats
except ImportError as error:
    print(f"skipped: this Python has no Gymnasium, MuJoCo, NumPy or SciPy ({error})")
    sys.exit(77)

gym.logger.min_level = gym.logger.ERROR  # it warns of steps past an end, which are on purpose

# Nothing is drawn here, and Gymnasium's renderer asks for packages that only drawing needs.
RENDERER = types.ModuleType("gymnasium.envs.mujoco.mujoco_rendering")
RENDERER.MujocoRenderer = type("MujocoRenderer", (), {
    "__init__": lambda self, *arguments: None, "close": lambda self: None})
sys.modules[RENDERER.__name__] = RENDERER

TASKS = ["Pendulum-v1", "MountainCarContinuous-v0", "CartPole-v1", "InvertedPendulum-v5",
         "InvertedDoublePendulum-v5", "HalfCheetah-v5", "Hopper-v5", "Walker2d-v5", "Ant-v5",
         "Humanoid-v5", "HumanoidStandup-v5", "Swimmer-v5", "Reacher-v5", "Pusher-v5"]
CLASSIC = {"Pendulum-v1": 2, "MountainCarContinuous-v0": 2, "CartPole-v1": 4}  # numbers of the state

# --- the C side: the registry and one instance, by ctypes


class Error(c.Structure):
    _fields_ = [("code", c.c_int), ("msg", c.c_char * 500)]


class Space(c.Structure):
    _fields_ = [("obs_dim", c.c_size_t), ("act_dim", c.c_size_t), ("act_low", c.POINTER(c.c_double)),
                ("act_high", c.POINTER(c.c_double)), ("obs_low", c.POINTER(c.c_double)),
                ("obs_high", c.POINTER(c.c_double)), ("max_steps", c.c_uint32)]


P, E = c.c_void_p, c.POINTER(Error)


class Api(c.Structure):
    _fields_ = [
        ("abi", c.c_uint32), ("struct_size", c.c_uint32), ("id", c.c_char_p), ("summary", c.c_char_p),
        ("flags", c.c_uint32),
        ("create", c.CFUNCTYPE(c.c_int, c.POINTER(P), E)),
        ("destroy", c.CFUNCTYPE(None, P)),
        ("space", c.CFUNCTYPE(None, P, c.POINTER(Space))),
        ("reset", c.CFUNCTYPE(c.c_int, P, c.c_uint64, P, E)),
        ("step", c.CFUNCTYPE(c.c_int, P, P, P, P, P, P, E)),
        ("state_size", c.CFUNCTYPE(c.c_size_t, P)),
        ("save", c.CFUNCTYPE(None, P, P)),
        ("load", c.CFUNCTYPE(c.c_int, P, P, c.c_size_t, E)),
        ("actions", c.c_void_p),
    ]


class Refused(Exception):
    """The C side returned an error."""


class Library:
    def __init__(self, path):
        self.lib = c.CDLL(path)
        self.lib.sac_registry_find.restype = c.POINTER(Api)
        self.lib.sac_version.restype = c.c_char_p
        self.lib.sac_registry_note.restype = c.c_char_p
        self.lib.sac_env_actions.restype = c.c_size_t
        self.registry, err = P(), Error()
        if self.lib.sac_registry_create(c.byref(self.registry), c.byref(err)):
            raise Refused(err.msg.decode())

    def find(self, name):
        err = Error()
        task = self.lib.sac_registry_find(self.registry, name.encode(), c.byref(err))
        if not task:
            raise Refused(err.msg.decode())
        return task.contents


class Instance:
    def __init__(self, library, api):
        self.api, self.err, self.env = api, Error(), P()
        self.check(api.create(c.byref(self.env), c.byref(self.err)))
        self.choices = library.lib.sac_env_actions(c.byref(api), self.env)  # 0: continuous
        self.space = Space()
        api.space(self.env, c.byref(self.space))
        n, a = self.space.obs_dim, self.space.act_dim
        self.low, self.high = np.array(self.space.act_low[:a]), np.array(self.space.act_high[:a])
        self.obs, self.reward = np.empty(n), np.empty(1)
        self.flags = np.zeros(2, np.uint8)
        self.bytes = np.empty(api.state_size(self.env), np.uint8)

    def check(self, status):
        if status:
            raise Refused(self.err.msg.decode())

    def reset(self, seed):
        self.check(self.api.reset(self.env, seed, self.obs.ctypes.data, c.byref(self.err)))

    def step(self, act):
        flags = self.flags.ctypes.data
        self.check(self.api.step(self.env, act.ctypes.data, self.obs.ctypes.data,
                                 self.reward.ctypes.data, flags, flags + 1, c.byref(self.err)))

    def state(self):
        """What save() writes, as docs/env.md lays it out: qpos and qvel, or the classic state."""
        self.api.save(self.env, self.bytes.ctypes.data)
        if self.api.id.decode() in CLASSIC:
            return self.bytes[:8 * CLASSIC[self.api.id.decode()]].view(np.float64).copy()
        return self.bytes[48:].view(np.float64)[1:].copy()  # after the time

    def close(self):
        self.api.destroy(self.env)


# --- Gymnasium's side


class Peer:
    def __init__(self, name):
        self.name = name
        self.env = gym.make(name, disable_env_checker=True)
        self.task = self.env.unwrapped
        self.env.reset(seed=0)

    def begin(self, state):
        """A new episode from the C side's state; returns the observation."""
        self.env.reset()
        if self.name in CLASSIC:
            self.task.state = state.copy()
            obs = self.task._get_obs() if self.name == "Pendulum-v1" else state.astype(np.float32)
            return np.float64(obs)
        model, data = self.task.model, self.task.data
        mujoco.mj_resetData(model, data)
        self.task.set_state(state[:model.nq], state[model.nq:model.nq + model.nv])
        return self.task._get_obs()

    def state(self):
        if self.name in CLASSIC:
            return np.float64(self.task.state)
        return np.concatenate([self.task.data.qpos, self.task.data.qvel])

    def step(self, act):
        if isinstance(self.env.action_space, gym.spaces.Discrete):
            act = int(act[0])
        return self.env.step(act)

    def unstable(self):
        kinds = mujoco.mjtWarning
        bad = [kinds.mjWARN_BADQPOS, kinds.mjWARN_BADQVEL, kinds.mjWARN_BADQACC, kinds.mjWARN_BADCTRL]
        return any(self.task.data.warning[int(k)].number for k in bad)


# --- actions


class Run:
    """The policy of a run folder: ReLU between the layers, tanh of the mean; or, of a categorical
    policy, the likeliest action, placed in [-1, 1]. In float64."""

    def __init__(self, folder):
        with open(os.path.join(folder, "checkpoint", "state.safetensors"), "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
            data = f.read()
        kinds = {"F32": np.float32, "F64": np.float64, "U64": np.uint64}

        def tensor(name):
            first, last = header[name]["data_offsets"]
            kind = kinds[header[name]["dtype"]]
            return np.frombuffer(data[first:last], kind).reshape(header[name]["shape"])

        self.task = header["__metadata__"]["task"]
        self.updates = int(tensor("updates")[0, 0])
        count = sum(name.startswith("actor.") and name.count(".") == 2 for name in header) // 2
        self.layers = [(np.float64(tensor(f"actor.{i}.weight")), np.float64(tensor(f"actor.{i}.bias")[0]))
                       for i in range(count)]
        self.act_dim = int(header["__metadata__"]["act_dim"])
        self.mean, self.deviation, self.clip = 0.0, 1.0, np.inf
        if header["__metadata__"].get("option.obs_norm") == "running":
            self.mean = tensor("obs_mean")[0]
            self.deviation = np.sqrt(tensor("obs_m2")[0] / tensor("obs_count")[0, 0] + 1e-8)
            self.clip = float(header["__metadata__"]["option.obs_clip"])
        self.categorical = header["__metadata__"].get("option.policy") == "categorical"

    def __call__(self, obs):
        x = np.clip((np.float32(obs) - self.mean) / self.deviation, -self.clip, self.clip)
        for i, (weight, bias) in enumerate(self.layers):
            x = x @ weight + bias
            if i + 1 < len(self.layers):
                x = np.maximum(x, 0)
        if self.categorical:
            return np.array([2 * np.argmax(x) / (len(x) - 1) - 1])
        return np.tanh(x[:self.act_dim])


class Actions:
    """Episode by episode another manner: independent, held, extreme, small, growing, out of bounds."""
    MANNERS = 6

    def __init__(self, ours, seed, policy, recorded):
        self.rng = np.random.default_rng(seed)
        self.choices = ours.choices
        self.centre, self.range = (ours.high + ours.low) / 2, (ours.high - ours.low) / 2
        self.policy, self.recorded, self.played = policy, recorded, 0
        self.kind = "trained" if policy else "recorded" if recorded is not None else "random"

    def begin(self, episode):
        self.episode, self.age, self.unit = episode, 0, None

    def past_the_end(self):
        """Every third round of manners goes on where the robot or the pole has fallen."""
        if self.kind != "random" or self.episode // self.MANNERS % 3 != 2:
            return 0
        return 30 if self.choices else 300  # steps at least

    def __call__(self, obs):
        if self.recorded is not None:
            self.played += 1
            return np.float32(self.recorded[(self.played - 1) % len(self.recorded)])
        unit = self.policy(obs) if self.policy else self.random()
        if self.policy and self.episode % 2:
            unit = unit + 0.2 * self.rng.standard_normal(len(unit))
        self.age += 1
        if self.choices:  # out of bounds is no action here
            unit = np.clip(unit, -1, 1)
            return np.float32(np.rint(self.centre + self.range * unit))
        return np.float32(self.centre + self.range * unit)

    def random(self):
        n, manner = len(self.range), self.episode % self.MANNERS
        fresh = self.rng.uniform(-1, 1, n)
        if manner == 1 and self.age % 20:  # held for 20 steps
            return self.unit
        if manner == 2:
            fresh = np.sign(fresh)
        elif manner == 3:
            fresh = 0.1 * fresh
        elif manner == 4:  # a slow push to one side
            fresh = 0.9 * (self.unit if self.unit is not None else 0 * fresh) + 0.3 * fresh
        elif manner == 5:
            fresh = 3 * fresh
        self.unit = fresh
        return fresh


# --- the comparison


def ulps(a, b, width):
    """How many numbers of that width lie from a to b; 0 where both are the same."""
    integer = np.int32 if width == np.float32 else np.int64
    x, y = (np.asarray(v, width).view(integer).astype(object) for v in (a, b))
    lowest = -2**(8 * np.dtype(width).itemsize - 1)
    x, y = (np.where(v < 0, lowest - v, v) for v in (x, y))
    return np.where(np.asarray(a) == np.asarray(b), 0, abs(x - y))


class Comparison:
    def __init__(self, name):
        self.name, self.width = name, np.float32 if name in CLASSIC else np.float64
        self.steps = self.episodes = self.terminated = self.truncated = 0
        self.obs_ulp = self.reward_ulp = self.obs_steps = self.reward_steps = 0
        self.flags = self.unstable = 0
        self.failures = []

    def fail(self, text):
        if len(self.failures) < 5:
            self.failures.append(f"{self.name} step {self.steps}: {text}")

    def observation(self, ours, theirs):
        if np.array_equal(ours, theirs):
            return
        off = ulps(ours, theirs, self.width)
        i = int(np.argmax(off))
        self.obs_ulp, self.obs_steps = max(self.obs_ulp, off[i]), self.obs_steps + 1
        self.fail(f"observation {i}: {ours[i]!r}, Gymnasium {theirs[i]!r}, {off[i]} ulp")

    def reward(self, ours, theirs):
        if ours == theirs:
            return
        off = ulps([ours], [theirs], np.float64)[0]
        self.reward_ulp, self.reward_steps = max(self.reward_ulp, off), self.reward_steps + 1
        self.fail(f"reward: {ours!r}, Gymnasium {theirs!r}, {off} ulp")

    def ends(self, ours, theirs):
        if tuple(ours) != tuple(theirs):
            self.flags += 1
            self.fail(f"(terminated, truncated): {tuple(ours)}, Gymnasium {tuple(theirs)}")

    def space(self, ours, peer):
        box = peer.env.action_space
        if isinstance(box, gym.spaces.Discrete):
            if ours.choices != box.n or box.start:
                self.fail(f"{ours.choices} actions from 0, Gymnasium {box}")
            box = gym.spaces.Box(0, box.n - 1, (1,))
        elif ours.choices:
            self.fail(f"{ours.choices} discrete actions, Gymnasium {box}")
        if ours.space.obs_dim != peer.env.observation_space.shape[0]:
            self.fail(f"obs_dim {ours.space.obs_dim}, Gymnasium {peer.env.observation_space.shape}")
        if not (np.array_equal(ours.low, box.low) and np.array_equal(ours.high, box.high)):
            self.fail(f"bounds {ours.low} {ours.high}, Gymnasium {box.low} {box.high}")
        if ours.space.max_steps != peer.env.spec.max_episode_steps:
            self.fail(f"limit {ours.space.max_steps}, Gymnasium {peer.env.spec.max_episode_steps}")


def compare_resets(cmp, ours, peer, draws):
    """The first states have one distribution: Kolmogorov-Smirnov, coordinate by coordinate.
    A false alarm at p < 1e-7 a coordinate, below 2e-5 for all tasks; the seeds are fixed."""
    a, b = [], []
    for seed in range(draws):
        ours.reset(seed)
        a.append(ours.state()[:len(peer.state())])
        peer.env.reset(seed=seed)
        b.append(peer.state())
    for i, (x, y) in enumerate(zip(np.array(a).T, np.array(b).T)):
        constant = np.ptp(x) == 0 and np.ptp(y) == 0
        if (constant and x[0] != y[0]) or (not constant and stats.ks_2samp(x, y).pvalue < 1e-7):
            cmp.fail(f"reset: state {i} has another distribution: {x.min()} ... {x.max()}, "
                     f"Gymnasium {y.min()} ... {y.max()}")


def one_step(cmp, ours, peer, act):
    """Step both; returns whether the episode goes on."""
    obs, reward, terminated, truncated, _ = peer.step(act)
    try:
        ours.step(act)
    except Refused as refusal:  # Gymnasium goes on from the state to which MuJoCo reset itself
        cmp.unstable += 1
        if cmp.name in CLASSIC or not peer.unstable():
            cmp.fail(f"the step failed, Gymnasium's did not: {refusal}")
        return False
    cmp.steps += 1
    cmp.observation(ours.obs, np.float64(obs))
    cmp.reward(ours.reward[0], float(reward))
    cmp.ends(ours.flags, (terminated, truncated))
    if cmp.name in CLASSIC and not np.array_equal(ours.state(), peer.state()):
        cmp.fail(f"state: {ours.state()}, Gymnasium {peer.state()}")
    cmp.terminated += bool(terminated)
    cmp.truncated += bool(truncated)
    return not (terminated or truncated)


def compare(library, name, policy, options):
    cmp = Comparison(name)
    ours, peer = Instance(library, library.find(name)), Peer(name)
    cmp.space(ours, peer)
    compare_resets(cmp, ours, peer, min(2000, options.steps))
    actions = Actions(ours, 1, policy, options.actions)
    cmp.actions = actions.kind
    steps = options.classic_steps or options.steps if name in CLASSIC else options.steps
    while cmp.steps < steps and len(cmp.failures) < 5:
        ours.reset(1000 + cmp.episodes)
        cmp.observation(ours.obs, peer.begin(ours.state()))
        actions.begin(cmp.episodes)
        last = cmp.steps + actions.past_the_end()
        while cmp.steps < steps:
            if not one_step(cmp, ours, peer, actions(ours.obs)) and cmp.steps >= last:
                break
        cmp.episodes += 1
    ours.close()
    peer.env.close()
    return cmp


# --- the report

COLUMNS = ["task", "actions", "steps", "episodes", "terminated", "truncated", "obs_differ", "obs_max_ulp",
           "reward_differ", "reward_max_ulp", "flags_differ", "unstable", "gymnasium", "mujoco", "numpy"]


PREFACE = """# libsac's environments against Gymnasium's

Written by `tests/oracle/test_env_gymnasium.py` (the header of the script says how); the same numbers are
in the CSV beside it. Last written with {versions}.

Each episode begins in the same state on both sides and takes the same actions. Random ones are by episode
independent, held for 20 steps, extreme, small, slowly changing, and up to three times out of bounds;
every third round goes on for 300 steps (30 of CartPole's) where the robot or the pole has fallen. Trained ones are a trained policy's,
with noise in every other episode. A discrete action is the number next to such a one. `terminated` and `truncated` count steps with that flag. `obs_differ`,
`reward_differ` and `flags_differ` count steps that were not equal by `==`, the `ulp` columns how far apart
they were (in float32 for the classic tasks). `unstable` counts steps in which MuJoCo found a bad
number and reset its data: Gymnasium goes on from there, libsac returns an error.

"""


def row(cmp):
    values = [cmp.name, cmp.actions, cmp.steps, cmp.episodes, cmp.terminated, cmp.truncated, cmp.obs_steps,
              cmp.obs_ulp, cmp.reward_steps, cmp.reward_ulp, cmp.flags, cmp.unstable, gym.__version__,
              mujoco.__version__, np.__version__]
    return [str(value) for value in values]


def versions(library):
    return (f"libsac {library.lib.sac_version().decode()}, Python {platform.python_version()}, "
            f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}, {platform.machine()}")


def write_results(stem, new, library):
    """Replace the rows of the same task and kind of actions, keep the others."""
    rows = {}
    if os.path.exists(stem + ".csv"):
        with open(stem + ".csv", newline="") as f:
            rows = {tuple(r[:2]): r for r in list(csv.reader(f))[1:]}
    rows[tuple(new[:2])] = new
    rows = sorted(rows.values(), key=lambda r: (r[1], TASKS.index(r[0])))
    with open(stem + ".csv", "w", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows([COLUMNS, *rows])
    with open(stem + ".md", "w") as f:
        f.write(PREFACE.format(versions=versions(library)))
        f.write("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n")
        f.writelines("| " + " | ".join(r) + " |\n" for r in rows)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--classic-steps", type=int, help="for the classic tasks")
    parser.add_argument("--task", action="append", choices=TASKS)
    parser.add_argument("--run", action="append", default=[])
    parser.add_argument("--actions", type=np.load)
    parser.add_argument("--results", type=os.path.abspath)
    parser.add_argument("--library", type=os.path.abspath,
                        default=os.path.join(os.environ.get("SAC_BINARY_DIR", "build"), "libsac.so"))
    return parser.parse_args()


def main():
    if os.environ.get("SAC_SANITIZE"):
        print("skipped: a sanitized library needs a sanitized Python")
        return 77
    options = arguments()
    library, failures = Library(options.library), []
    runs = [Run(folder) for folder in options.run]
    os.chdir(tempfile.mkdtemp())  # where MuJoCo's Python side may leave its MUJOCO_LOG.TXT
    for name, policy in [(r.task, r) for r in runs] or [(name, None) for name in options.task or TASKS]:
        try:
            cmp = compare(library, name, policy, options)
        except Refused as refusal:
            if "script/setup" not in str(refusal):
                raise
            print(f"{name}: left out: {refusal}")
            continue
        failures += cmp.failures
        print(", ".join(f"{k} {v}" for k, v in zip(COLUMNS, row(cmp))), flush=True)
        if options.results:
            write_results(options.results, row(cmp), library)
    print("\n".join(failures) if failures else "equal")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
