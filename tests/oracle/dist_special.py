"""Write tests/data/dist/special.csv: special functions at random points, 17 digits by mpmath 1.4.

    python tests/oracle/dist_special.py > tests/data/dist/special.csv
"""
import math
import random

import mpmath as mp

from dist_series import beta, gamma_lower

mp.mp.dps = 60
rng = random.Random(1)


def log_uniform(low, high):
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def positive(low, high):
    return lambda: (log_uniform(low, high), 0.0)


def signed(low, high):
    return lambda: (log_uniform(low, high) * rng.choice((-1, 1)), 0.0)


def pair(low, high):
    return lambda: (log_uniform(low, high), log_uniform(low, high))


def near(points, low, high):
    return lambda: (rng.choice(points) + log_uniform(low, high) * rng.choice((-1, 1)), 0.0)


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def gamma_point():
    """A shape and a z that is not hopeless for it."""
    a = log_uniform(1e-6, 1e6)
    z = a * math.exp(rng.uniform(-6, 6) / math.sqrt(a + 0.1)) if a > 0.1 else log_uniform(1e-9, 20)
    return a, z


def many_digits(f):
    """1 - P may be 1e-290."""
    with mp.workdps(360):
        return f()


FUNCTIONS = {
    "lgamma": (positive(1e-8, 1e12), lambda x, _: mp.loggamma(x)),
    "lgamma ": (near((1.0, 2.0), 1e-12, 0.3), lambda x, _: mp.loggamma(x)),
    "lgamma1p": (signed(1e-15, 0.9), lambda x, _: mp.loggamma(1 + x)),
    "stirling": (positive(1, 1e8),
                 lambda x, _: mp.loggamma(x) - ((x - 0.5) * mp.log(x) - x + mp.log(2 * mp.pi) / 2)),
    "digamma": (positive(1e-8, 1e8), lambda x, _: mp.digamma(x)),
    "trigamma": (positive(1e-8, 1e8), lambda x, _: mp.psi(1, x)),
    "tetragamma": (positive(1e-6, 1e8), lambda x, _: mp.psi(2, x)),
    "log_minus_digamma": (positive(1e-8, 1e10), lambda x, _: mp.log(x) - mp.digamma(x)),
    "digamma_difference": (pair(1e-3, 1e6), lambda a, b: mp.digamma(a + b) - mp.digamma(a)),
    "lgamma_difference": (pair(1e-3, 1e6), lambda a, b: mp.loggamma(a + b) - mp.loggamma(a)),
    "lbeta": (pair(1e-3, 1e6), lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)),
    "log1mexp": (lambda: (-log_uniform(1e-12, 700), 0.0), lambda x, _: mp.log(-mp.expm1(x))),
    "log1pexp": (signed(1e-3, 700), lambda x, _: mp.log1p(mp.exp(x))),
    "logistic": (signed(1e-3, 700), lambda x, _: 1 / (1 + mp.exp(-x))),
    "log1pmx": (signed(1e-12, 0.99), lambda x, _: mp.log1p(x) - x),
    "erfcx": (signed(1e-8, 26), lambda x, _: mp.exp(x * x) * mp.erfc(x)),
    "ndtr": (signed(1e-8, 37), lambda x, _: ndtr(x)),
    "log_ndtr": (lambda: (rng.choice((-log_uniform(1e-8, 1e3), log_uniform(1e-8, 14))), 0.0),
                 lambda x, _: mp.log(ndtr(x))),
    "mills": (lambda: (rng.choice((-log_uniform(1e-8, 1e4), log_uniform(1e-8, 30))), 0.0),
              lambda x, _: ndtr(x) * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)),
    "log_bessel_i0e": (positive(1e-3, 1e6), lambda k, _: mp.log(mp.besseli(0, k) * mp.exp(-k))),
    "bessel_ratio_complement": (positive(1e-8, 1e6),
                                lambda k, _: 1 - mp.besseli(1, k) / mp.besseli(0, k)),
    "gamma_p": (gamma_point, lambda a, z: gamma_lower(a, z)[0]),
    "gamma_q": (gamma_point, lambda a, z: many_digits(lambda: 1 - gamma_lower(a, z)[0])),
    "beta_half": (pair(1e-3, 1e3), lambda a, b: beta(a, b, mp.mpf(0.5))[0]),
}

print("function,x,y,value")
for name, (draw, f) in FUNCTIONS.items():
    done = 0
    while done < 60:
        x, y = draw()
        value = f(mp.mpf(x), mp.mpf(y))
        if not 1e-290 < abs(value) < 1e290:
            continue
        done += 1
        print(f"{name.strip()},{x!r},{y!r},{mp.nstr(value, 17)}")
