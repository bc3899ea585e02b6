"""Write tests/data/dist/edges.csv: points that tests/oracle/dist_oracle.py cannot draw.

    python tests/oracle/dist_edges.py > tests/data/dist/edges.csv          (needs mpmath)

Small shapes, whose z underflows and whose point is its latent (log z; log z and log(1-z)); angles
with concentration 0 and nearly 0; inverse Gaussians with shape/mean over twelve decades; truncations
ten standard deviations out. A row: name, theta, "|", z or the latents, "|", F, 1 - F, "|", for a
family without latents log density and dz/dtheta, else d latent/dtheta, latent by latent. Methods as
in dist_oracle.py, with 70 digits or more; quantiles from 1e-12 to 1 - 1e-12.
"""
import random

import mpmath as mp

from dist_oracle import FAMILIES, Family, inverse_gaussian_logp, ndtr
from dist_series import beta, gamma_lower

mp.mp.dps = 70
rng = random.Random(5)
TAILS = [1e-12, 1e-9, 1e-6, 1e-3, 0.05, 0.3, 0.5]


def tail():
    return rng.choice(TAILS) * rng.uniform(0.5, 1.0)


def show(name, theta, point, tails, answers):
    cells = [name, *map(repr, theta), "|", *map(repr, point), "|"]
    print(",".join(cells + [mp.nstr(v, 17) for v in tails] + ["|"] + [mp.nstr(v, 17) for v in answers]))


def small_gammas(name, sign, shape_per_theta):
    """log z = sign (log G - log rate) at a quantile of G: P ~ G^a/Gamma(a+1) for small G."""
    for exponent in (-6, -5.3, -4, -3, -2, -1):
        for _ in range(3):
            first = 10**exponent * rng.uniform(1, 1.5) / shape_per_theta
            rate = 0.5 if name == "chi_squared" else rng.uniform(0.2, 5)
            a, log_rate = mp.mpf(first) * shape_per_theta, mp.log(mp.mpf(rate))
            log_G = (mp.log(tail()) + mp.loggamma(a + 1)) / a
            y = float(sign * (log_G - log_rate))
            P, _, v = gamma_lower(a, mp.exp(sign * mp.mpf(y) + log_rate))
            theta, answers = [first, rate], [sign * v * shape_per_theta, -sign / mp.mpf(rate)]
            if name == "chi_squared":
                theta, answers = theta[:1], answers[:1]
            show(name, theta, [y], (P, 1 - P) if sign > 0 else (1 - P, P), answers)


def small_betas():
    """I ~ b/(a+b) x^a where both are small."""
    for exponent_a in (-6, -4, -3, -2, 0):
        for exponent_b in (-6, -3, -1, 0.5):
            a, b = 10**exponent_a * rng.uniform(1, 1.5), 10**exponent_b * rng.uniform(1, 1.5)
            A, B = mp.mpf(a), mp.mpf(b)
            near = float(min(mp.log(tail()) / A, mp.mpf(-1)))
            x = mp.exp(mp.mpf(near))
            I, J, _, va, vb = beta(A, B, x)
            if I > 1e-14 and J > 1e-14:
                show("beta", [a, b], [near, float(mp.log1p(-x))], (I, J),
                     [(1 - x) * va, (1 - x) * vb, -x * va, -x * vb])


def level_angles():
    for kappa in (0.0, 1e-300, 1e-12, 1e-6, 1e-4):
        for _ in range(4):
            loc = rng.uniform(-1, 1)
            family = FAMILIES["von_mises"]
            z = loc + rng.choice([-1, 1]) * rng.uniform(1e-9, 3.14)
            theta = [mp.mpf(loc), mp.mpf(kappa)]
            show("von_mises", [loc, kappa], [z], family.cdf(theta, mp.mpf(z)),
                 [family.logp(theta, mp.mpf(z))] + family.velocities(theta, mp.mpf(z)))


def inverse_gaussian_pair(t, z):
    m, c = t
    with mp.extradps(40 + int(mp.log10(1 + c / m))):
        r = mp.sqrt(c / z)
        grow = mp.exp(2 * c / m + mp.log(mp.erfc(r * (z / m + 1) / mp.sqrt(2)) / 2))
        return ndtr(r * (z / m - 1)) + grow, ndtr(-r * (z / m - 1)) - grow


def wide_inverse_gaussians():
    family = Family([], None, inverse_gaussian_pair, inverse_gaussian_logp)
    for decade in range(-6, 7):
        for _ in range(3):
            mean = 10 ** rng.uniform(-2, 2)
            shape = mean * 10.0**decade * rng.uniform(0.7, 1.4)
            spread = (mean / shape) ** 0.5
            x = rng.choice([-1, 1]) * rng.uniform(0.1, 6)
            # a normal quantile where the law is narrow, a Levy or chi-squared one where it is wide
            z = mean * (1 + x * spread) if spread < 0.1 else shape / rng.uniform(0.01, 30)
            if decade < 0 and rng.random() < 0.5:
                z = mean * mean / shape * rng.uniform(0.01, 20)
            theta, point = [mp.mpf(mean), mp.mpf(shape)], mp.mpf(z)
            lower, upper = family.cdf(theta, point)
            if z > 0 and lower > 1e-13 and upper > 1e-13:
                show("inverse_gaussian", [mean, shape], [z], (lower, upper),
                     [family.logp(theta, point)] + family.velocities(theta, point))


def far_truncations():
    family = FAMILIES["truncated_normal"]
    for low, width in ((10.0, 0.01), (10.0, 2.0), (10.0, 90.0), (-10.5, 0.5), (-12.0, 2.0), (-30.0, 20.0),
                       (8.0, 1.0), (-9.0, 18.0)):
        for _ in range(3):
            mean, sd = rng.uniform(-3, 3), 10 ** rng.uniform(-1, 1)
            ends = [mean + sd * low, mean + sd * (low + width)]
            u = tail()
            reach = min(width, 3.0 / max(abs(low), 1.0)) if abs(low) > 8.5 else width
            start = ends[0] if low > 0 else ends[1]
            z = start + (1 if low > 0 else -1) * sd * reach * rng.uniform(0, 1) * (u ** 0.25)
            if low == -9.0:
                z = mean + sd * rng.uniform(-8.5, 8.5)
            theta, point = [mp.mpf(t) for t in [mean, sd] + ends], mp.mpf(z)
            if not ends[0] < z < ends[1]:
                continue
            show("truncated_normal", [mean, sd] + ends, [z], family.cdf(theta, point),
                 [family.logp(theta, point)] + family.velocities(theta, point))


if __name__ == "__main__":
    small_gammas("gamma", 1, 1)
    small_gammas("chi_squared", 1, 0.5)
    small_gammas("inverse_gamma", -1, 1)
    small_betas()
    level_angles()
    wide_inverse_gaussians()
    far_truncations()
