"""Incomplete gamma and beta with their parameter derivatives, to any precision.

Differentiated power series in fixed-point integers: positive terms, so that nothing cancels but what
the working precision covers. This is not the library's method (a quadrature), on purpose.
"""
import mpmath as mp


def _fixed(x, bits):
    return int(mp.nint(mp.ldexp(x, bits)))


def gamma_lower(a, z):
    """P(a, z), its density in log z, and d log z/da, for mpf a > 0, z > 0."""
    bits = mp.mp.prec + 40
    one = 1 << bits
    a_fixed, z_fixed = _fixed(a, bits), _fixed(z, bits)
    S, dS, term, harmonic, n = one, 0, one, 0, 0
    while True:
        n += 1
        denominator = a_fixed + n * one
        term = term * z_fixed // denominator
        harmonic += (one << bits) // denominator
        S += term
        dS -= term * harmonic >> bits
        if term == 0 or (term < S >> (mp.mp.prec + 20) and n > z - a):
            break
    S, dS = mp.ldexp(S, -bits), mp.ldexp(dS, -bits)
    log_p = a * mp.log(z) - z - mp.loggamma(a)
    P = mp.exp(log_p) * S / a
    v = -((mp.log(z) - mp.digamma(a + 1)) * S + dS) / a
    return P, mp.exp(log_p), v


def beta_lower(a, b, x):
    """I_x(a, b), its density in logit x, and d logit x/da, /db.

    I_x = x^a (1-x)^b/(a B) sum (a+b)_n/(a+1)_n x^n."""
    bits = mp.mp.prec + 40
    one = 1 << bits
    ab, af, xf = _fixed(a + b, bits), _fixed(a, bits), _fixed(x, bits)
    S, Sa, Sb, term, up, down, n = one, 0, 0, one, 0, 0, 0
    while True:
        top, n = ab + n * one, n + 1
        bottom = af + n * one
        term = (term * top // bottom) * xf >> bits
        up += (one << bits) // top
        down += (one << bits) // bottom
        S += term
        Sa += term * (up - down) >> bits
        Sb += term * up >> bits
        if term < S >> (mp.mp.prec + 20) and top * xf >> bits < bottom * 999 // 1000:
            break
    S, Sa, Sb = (mp.ldexp(s, -bits) for s in (S, Sa, Sb))
    log_p = a * mp.log(x) + b * mp.log1p(-x) - mp.loggamma(a) - mp.loggamma(b) + mp.loggamma(a + b)
    I = mp.exp(log_p) * S / a
    psi = mp.digamma(a + b)
    va = -((mp.log(x) - mp.digamma(a) + psi - 1 / a) * S + Sa) / a
    vb = -((mp.log1p(-x) - mp.digamma(b) + psi) * S + Sb) / a
    return I, mp.exp(log_p), va, vb


def beta(a, b, x):
    """The same from the side where the series is short: (lower, upper, density, va, vb)."""
    if x <= mp.mpf(1) / 2:
        I, p, va, vb = beta_lower(a, b, x)
        return I, 1 - I, p, va, vb
    I, p, vb, va = beta_lower(b, a, 1 - x)
    return 1 - I, I, p, -va, -vb
