"""Tails and quantiles of the normal, t, chi-square and F distributions, with logarithms that never underflow.

``scipy.special`` is imported only where no closed form will do, and never for large samples.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from statistics import NormalDist
from typing import Any

LARGE_DF = 2e4
"""Above this many degrees of freedom the t distribution is read off its asymptotic expansion."""

_NORMAL = NormalDist()
_TINY = 1e-290
_LOG_TWO_PI = math.log(2 * math.pi)


@cache
def _special() -> Any:
    """Fetch ``scipy.special`` once: an import statement costs as much as the function it serves."""
    from scipy import special

    return special


def normal_cdf(x: float) -> float:
    """Standard normal distribution function, accurate in both tails.

    Parameters
    ----------
    x : float
    """
    return 0.5 * math.erfc(-x / math.sqrt(2))


@lru_cache(maxsize=256)
def normal_quantile(p: float) -> float:
    """Standard normal quantile.

    References
    ----------
    Wichura (1988), Algorithm AS 241, Applied Statistics 37(3), 477-484 (as implemented by
    ``statistics.NormalDist``), and one Newton step.
    """
    if p > 0.5:
        return -normal_quantile(1 - p)
    x = _NORMAL.inv_cdf(p)
    density = math.exp(-0.5 * (x * x + _LOG_TWO_PI))
    return x - (normal_cdf(x) - p) / density


def normal_two_sided(z: float) -> tuple[float, float]:
    """Two-sided tail of the standard normal: ``(p, log p)``, the logarithm finite for any finite z.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 7.1.23.
    """
    x = abs(z) / math.sqrt(2)
    p = math.erfc(x)
    if p > _TINY:
        return p, math.log(p)
    square = 2 * x * x
    series = 1 - 1 / square + 3 / square**2 - 15 / square**3 + 105 / square**4
    return p, -x * x - math.log(x) - 0.5 * math.log(math.pi) + math.log(series)


def t_two_sided(t: float, df: float) -> tuple[float, float]:
    """Two-sided tail of Student's t: ``(p, log p)``, the logarithm finite for any finite t.

    Parameters
    ----------
    t : float
    df : float
        Positive; infinity means the normal distribution.

    References
    ----------
    Hill (1970), Algorithm 395: Student's t-distribution, CACM 13(10), 617-619, the normalizing
    transformation (beyond 20,000 degrees of freedom, and beyond 500 where ``t^2`` is below a twentieth of
    them, with an error of at most 1e-12); Abramowitz & Stegun (1964), 26.7.1 with 26.5.4 (otherwise).
    """
    if t != t or not df > 0:
        raise ValueError(f"t distribution needs a number and positive df, not t={t}, df={df}")
    if df == math.inf:
        return normal_two_sided(t)
    if df > LARGE_DF or (df > 500 and t * t < 0.05 * df):
        a = df - 0.5
        b = 48 * a * a
        w2 = a * math.log1p(t * t / df)
        w = math.sqrt(w2)
        inner = (((4 * w2 + 33) * w2 + 240) * w2 + 855) / (10 * b * (b + 0.8 * w2 * w2 + 100))
        return normal_two_sided(w * (1 + (w2 + 3) / b - inner))
    p = 2 * float(_special().stdtr(df, -abs(t)))
    if p > _TINY:
        return min(p, 1.0), min(math.log(p), 0.0)
    log_odds = 2 * math.log(abs(t)) - math.log(df)
    return p, _log_beta_tail(-_log1p_exp(log_odds), df / 2, 0.5)


def t_one_sided(t: float, df: float) -> tuple[float, float]:
    """Upper tail of Student's t: ``(p, log p)``, the logarithm finite for any finite t.

    Parameters
    ----------
    t : float
        The statistic.
    """
    p, log_p = t_two_sided(t, df)
    if t > 0:
        return p / 2, log_p - math.log(2)
    return 1 - p / 2, math.log1p(-p / 2)


def t_quantile(p: float, df: float) -> float:
    """Quantile of Student's t.

    Parameters
    ----------
    p : float
        Between 0 and 1.
    df : float
        Positive; infinity for the normal distribution.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 26.7.5 (for ``df > 1,000``, where its
    fifth term is below 1e-11 of the quantile). Far out the leading term of the tail,
    ``p = df^(df/2) t^-df / (df B(1/2, df/2))``.
    """
    if not (0 < p < 1 and df > 0):
        raise ValueError(f"quantile needs 0 < p < 1 and positive df, not p={p}, df={df}")
    x = normal_quantile(p)
    if df == math.inf:
        return x
    s = x * x
    if df < 1000 or s > 0.04 * df:
        tail = min(p, 1 - p)
        far = _far_quantile(tail, df) if tail < 1e-20 else 0.0
        # SciPy's inverse loses digits, and then its way, where the tail is a plain power.
        return math.copysign(far, x) if far > 1e6 * (df + 1) else float(_special().stdtrit(df, p))
    g1 = (s + 1) / 4
    g2 = ((5 * s + 16) * s + 3) / 96
    g3 = (((3 * s + 19) * s + 17) * s - 15) / 384
    g4 = ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160
    return x * (1 + (g1 + (g2 + (g3 + g4 / df) / df) / df) / df)


def _far_quantile(p: float, df: float) -> float:
    """Size of the quantile of t far out, where the tail is a power of it."""
    log_t = 0.5 * math.log(df) - (math.log(p) + math.log(df) + float(_special().betaln(0.5, df / 2))) / df
    return math.exp(min(log_t, 700.0))


def chi2_sf(x: float, df: float) -> tuple[float, float]:
    """Upper tail of chi-square: ``(p, log p)``, the logarithm finite for any finite x.

    Parameters
    ----------
    x : float
        The statistic.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 26.4.4 and 26.4.5 (integer df up to 100);
    6.5.31, the continued fraction of the incomplete gamma function (other tails that underflow).
    """
    if math.isnan(x) or not df > 0:
        raise ValueError(f"chi-square needs a number and positive df, not x={x}, df={df}")
    if x <= 0:
        return 1.0, 0.0
    if df <= 100 and df == int(df):
        log_p = min(_log_chi2_integer(x, int(df)), 0.0)
        return math.exp(log_p), log_p
    p = float(_special().chdtrc(df, x))
    if p > _TINY:
        return p, math.log(p)
    return p, _log_gamma_tail(df / 2, x / 2)


def f_sf(x: float, df_numerator: float, df_denominator: float) -> tuple[float, float]:
    """Upper tail of the F distribution: ``(p, log p)``.

    Parameters
    ----------
    x : float
        The statistic.
    df_numerator, df_denominator : float
        Positive.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 26.6.2 and 26.5.4.
    """
    if x <= 0:
        return 1.0, 0.0
    p = float(_special().fdtrc(df_numerator, df_denominator, x))
    if p > _TINY:
        return p, math.log(p)
    log_odds = math.log(df_numerator) + math.log(x) - math.log(df_denominator)
    return p, _log_beta_tail(-_log1p_exp(log_odds), df_denominator / 2, df_numerator / 2)


def beta_quantile(p: float, a: float, b: float) -> float:
    """Quantile of the beta distribution.

    Parameters
    ----------
    a, b : float
        Of the beta distribution, positive.

    References
    ----------
    Abramowitz & Stegun (1964), Handbook of Mathematical Functions, 26.5 (inverse of the incomplete beta
    function, as implemented by ``scipy.special.betaincinv``).
    """
    return float(_special().betaincinv(a, b, p))


def _log1p_exp(x: float) -> float:
    """``log(1 + exp(x))`` without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _log_beta_tail(log_x: float, a: float, b: float) -> float:
    """Logarithm of the regularized incomplete beta function ``I_x(a, b)``, by A&S 26.5.4."""
    x = math.exp(log_x)
    term, total, n = 1.0, 1.0, 0
    while term > total * 1e-17 and n < 1_000_000:
        term *= x * (a + b + n) / (a + 1 + n)
        total += term
        n += 1
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return a * log_x + b * math.log1p(-x) - math.log(a) - log_beta + math.log(total)


def _log_chi2_integer(x: float, df: int) -> float:
    """Logarithm of the upper chi-square tail for a whole number of degrees of freedom, by A&S 26.4.4-5."""
    logs: list[float] = []
    half_log = math.log(x)
    if df % 2:
        logs.append(normal_two_sided(math.sqrt(x))[1])
        log_term = math.log(2) - 0.5 * (x + _LOG_TWO_PI) - 0.5 * half_log
        for r in range(1, (df - 1) // 2 + 1):
            log_term += half_log - math.log(2 * r - 1)
            logs.append(log_term)
    else:
        log_term = -x / 2
        logs.append(log_term)
        for j in range(1, df // 2):
            log_term += half_log - math.log(2 * j)
            logs.append(log_term)
    top = max(logs)
    return top + math.log(sum(math.exp(v - top) for v in logs))


def _log_gamma_tail(a: float, x: float) -> float:
    """Logarithm of the upper incomplete gamma ratio for ``x > a + 1``, by A&S 6.5.31 (Lentz)."""
    b = x + 1 - a
    c, d = 1e300, 1 / b
    h = d
    for i in range(1, 100_000):
        an = -i * (i - a)
        b += 2
        d = 1 / (an * d + b)
        c = b + an / c
        step = c * d
        h *= step
        if abs(step - 1) < 1e-16:
            break
    return a * math.log(x) - x - math.lgamma(a) + math.log(h)
