"""Write tests/data/dist/NAME.csv: log density, F, 1 - F and every velocity at random points.

    python tests/oracle/dist_oracle.py [--points N] [--seed S] [--out DIR] [NAME ...]

Needs mpmath 1.4 and scipy 1.17 (scipy only picks the points). Each row holds the doubles that the
library is given and 17 digits of the answers, worked out with at least 50. Velocities of gamma and
beta come from differentiated series, of von Mises from adaptive quadrature, and of the rest from
central differences of F at 130 digits with a step of 1e-20, whose error is 1e-40.
"""
import argparse
import math
import os
import random

import mpmath as mp
from scipy import stats

from dist_series import beta, gamma_lower

mp.mp.dps = 70
STEP = mp.mpf(10) ** -20


def tail_pair(lower_first, value):
    return (value, 1 - value) if lower_first else (1 - value, value)


def gamma_pair(a, x):
    P, _, _ = gamma_lower(a, x)
    return P, 1 - P


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def log_phi(x):
    return -x * x / 2 - mp.log(2 * mp.pi) / 2


class Family:
    """ranges: (low, high, 'log' or 'lin') for each parameter; point: scipy frozen distribution."""

    def __init__(self, ranges, frozen, cdf, logp, velocity=None, check=None):
        self.ranges, self.frozen, self.cdf, self.logp = ranges, frozen, cdf, logp
        self.velocity, self.check = velocity, check

    def velocities(self, theta, z):
        if self.velocity:
            return self.velocity(theta, z)
        with mp.extradps(60):
            return self.differences(theta, z)

    def differences(self, theta, z):
        density, out = mp.exp(self.logp(theta, z)), []
        for i in range(len(theta)):
            h = STEP * max(abs(theta[i]), mp.mpf(10) ** -3)
            up, down = list(theta), list(theta)
            up[i] += h
            down[i] -= h
            a, b = self.cdf(up, z), self.cdf(down, z)
            side = 0 if a[0] < a[1] else 1
            change = (a[side] - b[side]) / (2 * h) * (1 if side == 0 else -1)
            out.append(-change / density)
        return out


def standardised(pair, logp):
    """A location-scale family from its standard form."""
    return (lambda t, z: pair((z - t[0]) / t[1]),
            lambda t, z: logp((z - t[0]) / t[1]) - mp.log(t[1]))


def gamma_velocity(t, z):
    return [gamma_lower(t[0], z * t[1])[2] * z, -z / t[1]]


def inverse_gamma_velocity(t, z):
    return [-gamma_lower(t[0], t[1] / z)[2] * z, z / t[1]]


def student_pair(t, z):
    w = t * 0 + z * z
    I, J, _, _, _ = beta(t / 2, mp.mpf(1) / 2, t / (t + w))
    return (I / 2, 1 - I / 2) if z < 0 else (1 - I / 2, I / 2)


def student_logp(nu, z):
    return (mp.loggamma((nu + 1) / 2) - mp.loggamma(nu / 2) - mp.log(nu * mp.pi) / 2
            - (nu + 1) / 2 * mp.log1p(z * z / nu))


def student_velocity(t, z):
    nu, loc, scale = t
    x = (z - loc) / scale
    w = nu / (nu + x * x)
    _, _, p, va, _ = beta(nu / 2, mp.mpf(1) / 2, w)
    # y = logit w = log(nu/x^2): x = sqrt(nu) e^(-y/2) at fixed u
    return [(x / (2 * nu) - x * va / 4) * scale, mp.mpf(1), x]


def von_mises_parts(kappa, z):
    """int_0^z and int_z^pi of e^(kappa (cos t - 1)), with their cos moments."""
    f = lambda t: mp.exp(-2 * kappa * mp.sin(t / 2) ** 2)
    width = min(mp.pi, 3 / mp.sqrt(kappa + mp.mpf(10) ** -9))

    def integral(g, a, b):
        cuts = [a]
        while cuts[-1] < b and len(cuts) < 14:
            cuts.append(min(cuts[-1] + width, b))
        return mp.quad(g, cuts)  # past 13 widths e^-760 is left
    with mp.workdps(50):
        return (integral(f, mp.mpf(0), z), integral(f, z, mp.pi),
                lambda A: integral(lambda t: (mp.cos(t) - A) * f(t), mp.mpf(0), z),
                lambda A: integral(lambda t: (mp.cos(t) - A) * f(t), z, mp.pi))


def von_mises_pair(t, z):
    x = abs(z - t[0])
    inner, outer, _, _ = von_mises_parts(t[1], x)
    total = 2 * (inner + outer)
    small, large = outer / total, (2 * inner + outer) / total
    return (small, large) if z < t[0] else (large, small)


def von_mises_logp(t, z):
    return (-2 * t[1] * mp.sin((z - t[0]) / 2) ** 2
            - mp.log(2 * mp.pi * mp.besseli(0, t[1]) * mp.exp(-t[1])))


def von_mises_velocity(t, z):
    x, kappa = z - t[0], t[1]
    A = mp.besseli(1, kappa) / mp.besseli(0, kappa)
    _, _, inner, outer = von_mises_parts(kappa, abs(x))
    f = mp.exp(-2 * kappa * mp.sin(x / 2) ** 2)
    moment = -inner(A) if mp.cos(x) > A else outer(A)
    return [mp.mpf(1), mp.sign(x) * moment / f]


def truncated_pair(t, z):
    mean, sd, low, high = t
    a, x, b = ((v - mean) / sd for v in (low, z, high))
    if a > 0:  # reflect, so that the differences are of small tails
        lower, upper = ndtr(-a) - ndtr(-x), ndtr(-x) - ndtr(-b)
    else:
        lower, upper = ndtr(x) - ndtr(a), ndtr(b) - ndtr(x)
    return lower / (lower + upper), upper / (lower + upper)


def truncated_logp(t, z):
    mean, sd, low, high = t
    a, b = (low - mean) / sd, (high - mean) / sd
    mass = ndtr(-a) - ndtr(-b) if a > 0 else ndtr(b) - ndtr(a)
    return log_phi((z - mean) / sd) - mp.log(sd) - mp.log(mass)


def truncated_velocity(t, z):
    """The ends' velocities may be 1e-250, where no difference of F reaches: (1-F) p(low)/p(z) and
    F p(high)/p(z) are what differentiating F by an end leaves."""
    mean, sd, low, high = t
    with mp.extradps(60):
        plain = Family([], None, lambda s, x: truncated_pair(s + [low, high], x),
                       lambda s, x: truncated_logp(s + [low, high], x))
        lower, upper = truncated_pair(t, z)
        ratio = lambda end: mp.exp(truncated_logp(t, end) - truncated_logp(t, z))
        return plain.velocities([mean, sd], z) + [upper * ratio(low), lower * ratio(high)]


def inverse_gaussian_pair(t, z):
    m, c = t
    with mp.extradps(int(min(3000, 2 * c / m / 2.3)) + 60):
        r = mp.sqrt(c / z)
        grow = mp.exp(2 * c / m) * ndtr(-r * (z / m + 1))
        lower, upper = ndtr(r * (z / m - 1)) + grow, ndtr(-r * (z / m - 1)) - grow
    return lower, upper


def inverse_gaussian_logp(t, z):
    m, c = t
    return (mp.log(c) - mp.log(2 * mp.pi) - 3 * mp.log(z)) / 2 - c * (z - m) ** 2 / (2 * m * m * z)


def generalized_pair(t, z):
    loc, scale, shape = t
    P, Q = gamma_pair(1 / shape, (abs(z - loc) / scale) ** shape)
    return (Q / 2, (1 + P) / 2) if z < loc else ((1 + P) / 2, Q / 2)


def generalized_logp(t, z):
    loc, scale, shape = t
    return (mp.log(shape / (2 * scale)) - mp.loggamma(1 / shape)
            - (abs(z - loc) / scale) ** shape)


def generalized_velocity(t, z):
    loc, scale, shape = t
    x = (z - loc) / scale
    y = shape * mp.log(abs(x))  # log of the gamma variable
    v = gamma_lower(1 / shape, mp.exp(y))[2]
    return [mp.mpf(1), x, scale * x * (-y / shape**2 - v / shape**3)]


def kumaraswamy_pair(t, z):
    with mp.extradps(60):
        upper = (1 - z ** t[0]) ** t[1]
        lower = -mp.expm1(t[1] * mp.log1p(-z ** t[0]))
    return lower, upper


def beta_all(t, z):
    return beta(t[0], t[1], z)


def beta_logp(t, z):
    a, b = t
    return ((a - 1) * mp.log(z) + (b - 1) * mp.log1p(-z)
            - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b))


def beta_velocity(t, z):
    _, _, _, va, vb = beta_all(t, z)
    return [va * z * (1 - z), vb * z * (1 - z)]


LOC, SD = (-3, 3, "lin"), (1e-2, 1e2, "log")
logistic_pair = lambda x: (1 / (1 + mp.exp(-x)), 1 / (1 + mp.exp(x)))
laplace_pair = lambda x: (mp.exp(x) / 2, 1 - mp.exp(x) / 2) if x < 0 else (
    1 - mp.exp(-x) / 2, mp.exp(-x) / 2)
cauchy_pair = lambda x: (mp.acot(-x) / mp.pi % 1, mp.acot(x) / mp.pi % 1)
normal_pair = lambda x: (ndtr(x), ndtr(-x))
gumbel_pair = lambda x: (mp.exp(-mp.exp(-x)), -mp.expm1(-mp.exp(-x)))

FAMILIES = {
    "normal": Family([LOC, SD], lambda m, s: stats.norm(m, s), *standardised(normal_pair, log_phi)),
    "laplace": Family([LOC, SD], lambda m, s: stats.laplace(m, s),
                      *standardised(laplace_pair, lambda x: -abs(x) - mp.log(2))),
    "logistic": Family([LOC, SD], lambda m, s: stats.logistic(m, s), *standardised(
        logistic_pair, lambda x: -abs(x) - 2 * mp.log1p(mp.exp(-abs(x))))),
    "cauchy": Family([LOC, SD], lambda m, s: stats.cauchy(m, s), *standardised(
        cauchy_pair, lambda x: -mp.log(mp.pi) - mp.log1p(x * x))),
    "gumbel": Family([LOC, SD], lambda m, s: stats.gumbel_r(m, s), *standardised(
        gumbel_pair, lambda x: -x - mp.exp(-x))),
    "log_normal": Family(
        [LOC, (1e-2, 5, "log")], lambda m, s: stats.lognorm(s, scale=math.exp(m)),
        lambda t, z: normal_pair((mp.log(z) - t[0]) / t[1]),
        lambda t, z: log_phi((mp.log(z) - t[0]) / t[1]) - mp.log(t[1]) - mp.log(z)),
    "tanh_normal": Family(
        [LOC, (1e-2, 3, "log")], None,
        lambda t, z: normal_pair((mp.atanh(z) - t[0]) / t[1]),
        lambda t, z: log_phi((mp.atanh(z) - t[0]) / t[1]) - mp.log(t[1]) - mp.log1p(-z * z)),
    "weibull": Family(
        [(0.05, 50, "log"), SD], lambda k, s: stats.weibull_min(k, scale=s),
        lambda t, z: (-mp.expm1(-(z / t[1]) ** t[0]), mp.exp(-(z / t[1]) ** t[0])),
        lambda t, z: mp.log(t[0] / t[1]) + (t[0] - 1) * mp.log(z / t[1]) - (z / t[1]) ** t[0]),
    "exponential": Family([SD], lambda r: stats.expon(scale=1 / r),
                          lambda t, z: (-mp.expm1(-t[0] * z), mp.exp(-t[0] * z)),
                          lambda t, z: mp.log(t[0]) - t[0] * z),
    "half_normal": Family([SD], lambda s: stats.halfnorm(scale=s),
                          lambda t, z: (mp.erf(z / t[0] / mp.sqrt(2)), 2 * ndtr(-z / t[0])),
                          lambda t, z: log_phi(z / t[0]) + mp.log(2 / t[0])),
    "gamma": Family([(1e-6, 1e8, "log"), SD], lambda a, r: stats.gamma(a, scale=1 / r),
                    lambda t, z: gamma_pair(t[0], z * t[1]),
                    lambda t, z: t[0] * mp.log(z * t[1]) - z * t[1] - mp.loggamma(t[0]) - mp.log(z),
                    gamma_velocity),
    "inverse_gamma": Family(
        [(1e-2, 1e4, "log"), SD], lambda a, s: stats.invgamma(a, scale=s),
        lambda t, z: gamma_pair(t[0], t[1] / z)[::-1],
        lambda t, z: t[0] * mp.log(t[1] / z) - t[1] / z - mp.loggamma(t[0]) - mp.log(z),
        inverse_gamma_velocity),
    "chi_squared": Family(
        [(1e-2, 1e4, "log")], lambda d: stats.chi2(d), lambda t, z: gamma_pair(t[0] / 2, z / 2),
        lambda t, z: t[0] / 2 * mp.log(z / 2) - z / 2 - mp.loggamma(t[0] / 2) - mp.log(z),
        lambda t, z: [gamma_lower(t[0] / 2, z / 2)[2] * z / 2]),
    "beta": Family([(1e-3, 1e5, "log"), (1e-3, 1e5, "log")], lambda a, b: stats.beta(a, b),
                   lambda t, z: beta_all(t, z)[:2], beta_logp, beta_velocity),
    "kumaraswamy": Family(
        [(0.05, 50, "log"), (0.05, 50, "log")], None, kumaraswamy_pair,
        lambda t, z: mp.log(t[0] * t[1]) + (t[0] - 1) * mp.log(z)
        + (t[1] - 1) * mp.log1p(-z ** t[0])),
    "student_t": Family(
        [(0.3, 1e6, "log"), LOC, SD], lambda n, m, s: stats.t(n, m, s),
        lambda t, z: student_pair(t[0], (z - t[1]) / t[2]),
        lambda t, z: student_logp(t[0], (z - t[1]) / t[2]) - mp.log(t[2]), student_velocity),
    "von_mises": Family([(0, 0, "lin"), (1e-3, 1e6, "log")], lambda m, k: stats.vonmises(k, m),
                        von_mises_pair, von_mises_logp, von_mises_velocity),
    "truncated_normal": Family(
        [LOC, (1e-1, 10, "log"), (-10, 10, "lin"), (-10, 10, "lin")], None, truncated_pair,
        truncated_logp, truncated_velocity, lambda t: t[2] < t[3]),
    "inverse_gaussian": Family(
        [(1e-3, 1e3, "log"), (1e-6, 1e6, "log")],
        lambda m, c: stats.invgauss(m / c, scale=c), inverse_gaussian_pair, inverse_gaussian_logp,
        check=lambda t: 1e-6 < t[1] / t[0] < 3e3),
    "generalized_normal": Family(
        [LOC, SD, (0.2, 20, "log")], lambda m, s, b: stats.gennorm(b, m, s), generalized_pair,
        generalized_logp, generalized_velocity),
}

TAILS = [1e-12, 1e-8, 1e-5, 1e-3, 0.02, 0.1, 0.3, 0.5]


def draw_parameter(rng, low, high, kind):
    if kind == "log":
        value = math.exp(rng.uniform(math.log(low), math.log(high)))
        return float(round(value)) if value > 1 and rng.random() < 0.25 else value
    return rng.uniform(low, high)


def draw_point(rng, name, family, theta):
    """A double z near a random quantile, tails included."""
    u, upper = rng.choice(TAILS) * rng.uniform(0.5, 1.0), rng.random() < 0.5
    if name == "tanh_normal":
        x = stats.norm.isf(u) * (1 if upper else -1)
        return math.tanh(theta[0] + theta[1] * x)
    if name == "kumaraswamy":
        log_upper = math.log(u) if upper else math.log1p(-u)
        return (-math.expm1(log_upper / theta[1])) ** (1 / theta[0])
    if name == "truncated_normal":
        return theta[2] + (theta[3] - theta[2]) * (u if not upper else 1 - u)
    frozen = family.frozen(*theta)
    return float(frozen.isf(u) if upper else frozen.ppf(u))


def rows(name, count, seed):
    family, rng, made = FAMILIES[name], random.Random(f"{name}{seed}"), 0
    while made < count:
        theta = [draw_parameter(rng, *r) for r in family.ranges]
        if family.check and not family.check(theta):
            continue
        z = draw_point(rng, name, family, theta)
        if not math.isfinite(z) or abs(z) < 1e-290 or abs(z) > 1e290:
            continue
        if name in ("beta", "kumaraswamy") and not 0 < z < 1 or name == "tanh_normal" and abs(z) >= 1:
            continue
        exact = [mp.mpf(t) for t in theta]
        point = mp.mpf(z)
        lower, upper = family.cdf(exact, point)
        if not (lower > 1e-14 and upper > 1e-14):
            continue
        values = [family.logp(exact, point), lower, upper] + family.velocities(exact, point)
        yield [repr(t) for t in theta] + [repr(z)] + [mp.nstr(v, 17) for v in values]
        made += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--points", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--out", default=os.path.join(here, "..", "data", "dist"))
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    for name in options.names or FAMILIES:
        P = len(FAMILIES[name].ranges)
        columns = [f"theta{i}" for i in range(P)] + ["z", "log_density", "cdf", "upper"]
        columns += [f"dz_dtheta{i}" for i in range(P)]
        with open(os.path.join(options.out, name + ".csv"), "w") as out:
            out.write(",".join(columns) + "\n")
            for row in rows(name, options.points, options.seed):
                out.write(",".join(row) + "\n")
        print(name, flush=True)


if __name__ == "__main__":
    main()
