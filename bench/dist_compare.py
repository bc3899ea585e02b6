"""libsac's densities and sample gradients beside torch's, JAX's and scipy's: error and time.

    python bench/dist_compare.py build/libsac.so > bench/dist_compare.md

Needs numpy and mpmath; scipy, torch and jax take part where they can be imported, and a line says
which did. The library must be built for speed (CMAKE_BUILD_TYPE=Release). Errors are against
tests/oracle/dist_series.py (50 digits) on 300 points, times on 4,096 points, one thread, best of 15 (of 3 where a call takes over 0.1 s).
The points are the same for all: shapes log-uniform, z drawn from the distribution.
"""
import ctypes
import os
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
import mpmath as mp
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))
from dist_series import beta, gamma_lower

mp.mp.dps = 50
CHECKED, TIMED = 300, 4096
rng = np.random.default_rng(1)
lib = ctypes.CDLL(os.path.abspath(sys.argv[1]))
lib.sac_dist_find.restype = ctypes.c_void_p


def pointer(x):
    return x.ctypes.data_as(ctypes.c_void_p)


def sac(name, what, theta, z, dtype=np.float64):
    """A call of the batched function, arrays made once."""
    suffix = "_f32" if dtype == np.float32 else ""
    f = getattr(lib, f"sac_dist_{what}{suffix}")
    d = ctypes.c_void_p(lib.sac_dist_find(name.encode()))
    theta, z = np.ascontiguousarray(theta, dtype), np.ascontiguousarray(z, dtype)
    n, P = theta.shape
    out = np.zeros((n, P if what == "velocity" else 1), dtype)
    size, step = ctypes.c_size_t(n), ctypes.c_size_t(P)
    tail = [None] if what in ("velocity", "cdf") else []

    def call():
        if f(d, size, pointer(theta), step, pointer(z), None, pointer(out), *tail, None) != 0:
            raise ValueError(f"{name} {what}")
        return out
    return call


def best(call):
    start = time.perf_counter()
    call()
    times = []
    for _ in range(15 if time.perf_counter() - start < 0.1 else 3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1e9 * min(times) / TIMED


def error(got, want, floor):
    with np.errstate(all="ignore"):
        e = np.abs(np.asarray(got, float) / want - 1.0)
    e = np.where(np.isfinite(e), e, np.inf)[np.abs(want) > floor]
    return np.median(e), np.max(e)


def row(task, who, call, got, want, floor=0.0):
    median, worst = error(got, want, floor)
    print(f"| {task} | {who} | {median:.0e} | {worst:.0e} | {best(call):.0f} |", flush=True)


def gamma_points(low, high):
    a = np.exp(rng.uniform(np.log(low), np.log(high), TIMED))
    return a, np.maximum(rng.gamma(a), 1e-300)


def beta_points(low, high):
    a, b = np.exp(rng.uniform(np.log(low), np.log(high), (2, TIMED)))
    return a, b, np.clip(rng.beta(a, b), 1e-300, 1 - 2**-53)


def gamma_table(task, low, high):
    a, z = gamma_points(low, high)
    want = [gamma_lower(mp.mpf(x), mp.mpf(y)) for x, y in zip(a[:CHECKED], z[:CHECKED])]
    v = np.array([float(w[2] * mp.mpf(y)) for w, y in zip(want, z)])
    P = np.array([float(w[0]) for w in want])
    theta = np.stack([a, np.ones(TIMED)], 1)
    call = sac("gamma", "velocity", theta, z)
    row(task + ", dz/da", "libsac", call, call()[:CHECKED, 0], v)
    call = sac("gamma", "velocity", theta, z, np.float32)
    row(task + ", dz/da", "libsac, float", call, call()[:CHECKED, 0], v, 1e-36)
    if torch:
        ta, tz = torch.tensor(a), torch.tensor(z)
        call = lambda: torch._standard_gamma_grad(ta, tz)
        row(task + ", dz/da", "torch", call, call().numpy()[:CHECKED], v)
    if jax:
        ja, jz = jax.numpy.array(a), jax.numpy.array(z)
        f = jax.jit(jax.lax.random_gamma_grad)
        row(task + ", dz/da", "JAX", lambda: f(ja, jz).block_until_ready(),
            np.array(f(ja, jz))[:CHECKED], v)
    call = sac("gamma", "cdf", theta, z)
    row(task + ", F", "libsac", call, call()[:CHECKED, 0], P)
    if special:
        row(task + ", F", "scipy", lambda: special.gammainc(a, z), special.gammainc(a, z)[:CHECKED], P)
    if torch:
        row(task + ", F", "torch", lambda: torch.special.gammainc(ta, tz),
            torch.special.gammainc(ta, tz).numpy()[:CHECKED], P)
    if jax:
        F = jax.jit(jax.scipy.special.gammainc)
        row(task + ", F", "JAX", lambda: F(ja, jz).block_until_ready(), np.array(F(ja, jz))[:CHECKED], P)


def beta_table(task, low, high):
    a, b, x = beta_points(low, high)
    want = [beta(*map(mp.mpf, p)) for p in zip(a[:CHECKED], b[:CHECKED], x[:CHECKED])]
    slope = [mp.mpf(t) * (1 - mp.mpf(t)) for t in x[:CHECKED]]
    va = np.array([float(w[3] * s) for w, s in zip(want, slope)])
    vb = np.array([float(w[4] * s) for w, s in zip(want, slope)])
    theta = np.stack([a, b], 1)
    call = sac("beta", "velocity", theta, x)
    row(task + ", dx/da and dx/db", "libsac", call, call()[:CHECKED].ravel(),
        np.stack([va, vb], 1).ravel())
    if torch:
        ta, tb, tx = (torch.tensor(t) for t in (a, b, x))
        both, shapes = torch.stack([tx, 1 - tx], 1), torch.stack([ta, tb], 1)
        total = (ta + tb)[:, None].expand(-1, 2)
        call = lambda: torch._dirichlet_grad(both, shapes, total)
        # its entries are dx_i/dalpha_i / (1 - x_i)
        got = call().numpy()[:CHECKED] * np.stack([1 - x, -x], 1)[:CHECKED]
        row(task + ", dx/da and dx/db", "torch", call, got.ravel(), np.stack([va, vb], 1).ravel())
    I = np.array([float(w[0]) for w in want])
    call = sac("beta", "cdf", theta, x)
    row(task + ", F", "libsac", call, call()[:CHECKED, 0], I)
    if special:
        row(task + ", F", "scipy", lambda: special.betainc(a, b, x),
            special.betainc(a, b, x)[:CHECKED], I)
    if jax:
        F, ja, jb, jx = jax.jit(jax.scipy.special.betainc), *map(jax.numpy.array, (a, b, x))
        row(task + ", F", "JAX", lambda: F(ja, jb, jx).block_until_ready(),
            np.array(F(ja, jb, jx))[:CHECKED], I)


try:
    import scipy
    from scipy import special
except ImportError:
    scipy = special = None
try:
    import torch
    torch.set_num_threads(1)
except ImportError:
    torch = None
try:
    import jax
    jax.config.update("jax_enable_x64", True)
except ImportError:
    jax = None

print("Written by bench/dist_compare.py: " + ", ".join(
    f"{name} {module.__version__}" for name, module in
    (("numpy", np), ("torch", torch), ("jax", jax)) if module) + ".\n")
print("Relative errors on 300 points against 50 digits; ns a number on 4,096 points, one thread.\n")
print("| task | library | median error | worst error | ns |\n|---|---|---|---|---|")
gamma_table("gamma, shapes 0.1 to 100", 0.1, 100)
gamma_table("gamma, shapes 1e-3 to 1e6", 1e-3, 1e6)
beta_table("beta, shapes 0.1 to 100", 0.1, 100)
beta_table("beta, shapes 1e-2 to 1e4", 1e-2, 1e4)
print("""
torch's derivatives are fits to about 1e-3, the same in double as in float. JAX's loop runs until the
slowest number of the array has converged, so its time depends on the largest shape. libsac's F gives
both tails, each with its own digits; the others give one.""")
