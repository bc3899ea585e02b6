"""Write src/special/constants.h: Gauss-Legendre rules on (0, 1), zeta values, series coefficients.

    python tools/dist_constants.py > src/special/constants.h          (needs mpmath)
"""
import mpmath as mp

mp.mp.dps = 60


def legendre(n):
    """Nodes in (0, 1), ascending, and weights of the n-point rule."""
    rule = []
    for k in range(1, n + 1):
        x = mp.cos(mp.pi * (k - mp.mpf(1) / 4) / (n + mp.mpf(1) / 2))
        for _ in range(12):
            p0, p1 = mp.mpf(1), x
            for j in range(2, n + 1):
                p0, p1 = p1, ((2 * j - 1) * x * p1 - (j - 1) * p0) / j
            dp = n * (x * p1 - p0) / (x * x - 1)
            x -= p1 / dp
        rule.append(((1 - x) / 2, 1 / ((1 - x * x) * dp * dp)))
    return sorted(rule)


def tilted(n, tilt):
    """The n-point Gauss rule of the weight e^(-tilt x) on (0, 1), its weights times e^(tilt x): for an
    integrand that falls about like that weight."""
    base = legendre(120)
    x = [node for node, _ in base]
    w = [weight * mp.exp(-tilt * node) for node, weight in base]
    dot = lambda p, q: mp.fsum(c * s * t for c, s, t in zip(w, p, q))
    last, now, norm, J = [mp.mpf(0)] * len(x), [mp.mpf(1)] * len(x), None, mp.zeros(n)
    for k in range(n):  # the three-term recurrence of the orthogonal polynomials
        here = dot(now, now)
        centre = dot([t * s for t, s in zip(x, now)], now) / here
        link = here / norm if k else here
        J[k, k] = centre
        if k:
            J[k, k - 1] = J[k - 1, k] = mp.sqrt(link)
        else:
            total = here
        last, now = now, [(t - centre) * s - (link * r if k else 0) for t, s, r in zip(x, now, last)]
        norm = here
    nodes, vectors = mp.eigsy(J)
    return sorted((nodes[i], total * vectors[0, i] ** 2 * mp.exp(tilt * nodes[i])) for i in range(n))


def array(name, values, note):
    print(f"/* {note} */")
    print(f"static const double {name}[{len(values)}] = {{")
    for v in values:
        print(f"    {mp.nstr(v, 20)},")
    print("};\n")


def ratio_complement(count):
    """Coefficients c of 1 - I1(k)/I0(k) ~ sum c_j k^-j, from A' = 1 - A/k - A^2."""
    a = [mp.mpf(1)]
    for m in range(1, count + 1):
        # order k^-m of  A' + A/k + A^2 - 1 = 0, with A = sum a_j k^-j
        rest = -(m - 1) * a[m - 1] + a[m - 1] + sum(a[i] * a[m - i] for i in range(1, m))
        a.append(-rest / 2)
    return [-x for x in a[1:]]


def bessel_scaled(count):
    """Coefficients of sqrt(2 pi k) e^-k I0(k) ~ sum c_j k^-j: ((2j-1)!!)^2 / (j! 8^j)."""
    c = [mp.mpf(1)]
    for j in range(1, count):
        c.append(c[-1] * (2 * j - 1) ** 2 / (8 * j))
    return c


print("/* Written by tools/dist_constants.py: do not edit. */")
print("#ifndef SAC_SPECIAL_CONSTANTS_H\n#define SAC_SPECIAL_CONSTANTS_H\n\n/* clang-format off */")
for n in (24, 32, 40, 64):
    rule = legendre(n)
    array(f"legendre{n}_x", [x for x, _ in rule], f"{n}-point Gauss-Legendre rule on (0, 1): nodes")
    array(f"legendre{n}_w", [w for _, w in rule], "and weights")
for n, tilt in ((10, 6.5), (32, 17), (40, 17)):
    rule = tilted(n, tilt)
    array(f"tilted{n}_x", [x for x, _ in rule], f"{n}-point rule for e^(-{tilt} x) on (0, 1): nodes")
    array(f"tilted{n}_w", [w for _, w in rule], f"and weights, times e^({tilt} x)")
array("zeta_minus_1", [mp.zeta(k) - 1 for k in range(2, 42)], "zeta(k) - 1, k = 2 ... 41")
array("stirling", [mp.bernoulli(2 * k) / (2 * k * (2 * k - 1)) for k in range(1, 12)],
      "B_2k / (2k (2k - 1)), k = 1 ...: log Gamma's asymptotic series")
array("bernoulli_even", [mp.bernoulli(2 * k) for k in range(1, 12)], "B_2k, k = 1 ...")
array("bessel_i0_asymptotic", bessel_scaled(24), "sqrt(2 pi k) e^-k I0(k) in powers of 1/k")
array("bessel_ratio_asymptotic", ratio_complement(24), "1 - I1(k)/I0(k) in powers of 1/k, from 1/k")
array("von_mises_1mcos", [2 * mp.sin(mp.pi * j / 64) ** 2 for j in range(33)],
      "1 - cos(pi j / 32), j = 0 ... 32: the trapezoid rule for Bessel functions")


def minimax(name, f, interval, terms, note):
    """Near-minimax polynomial of f, lowest power first."""
    coefficients, error = mp.chebyfit(f, interval, terms, error=True)
    array(name, coefficients[::-1], f"{note}; absolute error {mp.nstr(error, 2)}")


half_ln2 = mp.log(2) / 2 * mp.mpf("1.0001")
w_max = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.001")
eighth = (mp.pi / 4 * mp.mpf("1.001")) ** 2


def taylor(f, series):
    """f away from 0, its first Taylor terms near 0."""
    return lambda x: f(x) if abs(x) > mp.mpf(10) ** -8 else series(x)


EXP = taylor(lambda r: (mp.expm1(r) - r) / r**2, lambda r: mp.mpf(1) / 2 + r / 6 + r * r / 24)
minimax("exp_poly", EXP, [-half_ln2, half_ln2], 11, "(e^r - 1 - r)/r^2, |r| <= log(2)/2")
minimax("exp_poly_fast", EXP, [-half_ln2, half_ln2], 6, "the same, for a relative 3e-9")
minimax("exp_fast", mp.exp, [-half_ln2, half_ln2], 6, "e^r, for a relative 1e-7")
minimax("log_poly", taylor(lambda w: (2 * mp.atanh(mp.sqrt(w)) / mp.sqrt(w) - 2) / w,
                           lambda w: mp.mpf(2) / 3 + 2 * w / 5 + 2 * w * w / 7),
        [0, w_max], 8, "(log((1+s)/(1-s))/s - 2)/s^2 in w = s^2")
minimax("sin_poly", taylor(lambda w: (mp.sin(mp.sqrt(w)) / mp.sqrt(w) - 1) / w,
                           lambda w: -mp.mpf(1) / 6 + w / 120 - w * w / 5040),
        [0, eighth], 7, "(sin(x)/x - 1)/x^2 in w = x^2, |x| <= pi/4")
minimax("cos_poly", taylor(lambda w: (mp.cos(mp.sqrt(w)) - 1 + w / 2) / w**2,
                           lambda w: mp.mpf(1) / 24 - w / 720 + w * w / 40320),
        [0, eighth], 7, "(cos(x) - 1 + x^2/2)/x^4 in w = x^2, |x| <= pi/4")
print("#endif")
