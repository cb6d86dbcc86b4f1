"""Intervals of one proportion."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import beta_quantile, normal_quantile

Interval = tuple[float, float]


def wilson(x: int, n: int, alpha: float) -> Interval:
    """Score interval: the default.

    Parameters
    ----------
    x, n : int
        Successes and units.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        With no unit.

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22, 209-212.
    """
    _check(x, n)
    z2 = normal_quantile(1 - alpha / 2) ** 2
    p = x / n
    center = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    low = 0.0 if x == 0 else max(center - half, 0.0)
    return low, 1.0 if x == n else min(center + half, 1.0)


def clopper_pearson(x: int, n: int, alpha: float) -> Interval:
    """Exact interval: covers at least as often as it promises, usually more often.

    See :func:`wilson` for the parameters and what is raised.

    References
    ----------
    Clopper & Pearson (1934), The use of confidence or fiducial limits, Biometrika 26, 404-413.
    """
    _check(x, n)
    low = beta_quantile(alpha / 2, x, n - x + 1) if x > 0 else 0.0
    return low, beta_quantile(1 - alpha / 2, x + 1, n - x) if x < n else 1.0


def agresti_coull(x: int, n: int, alpha: float) -> Interval:
    """Wald's interval around Wilson's center, cut at 0 and 1.

    See :func:`wilson` for the parameters and what is raised.

    References
    ----------
    Agresti & Coull (1998), Approximate is better than "exact" for interval estimation of binomial
    proportions, American Statistician 52, 119-126, section 2.
    """
    _check(x, n)
    z = normal_quantile(1 - alpha / 2)
    size = n + z * z
    p = (x + z * z / 2) / size
    half = z * math.sqrt(p * (1 - p) / size)
    return max(p - half, 0.0), min(p + half, 1.0)


def jeffreys(x: int, n: int, alpha: float) -> Interval:
    """Equal tails of the posterior under Jeffreys' prior; reaches 0 where nobody, and 1 where all succeeded.

    See :func:`wilson` for the parameters and what is raised.

    References
    ----------
    Brown, Cai, DasGupta (2001), Interval estimation for a binomial proportion, Statistical Science 16,
    101-133, section 3.1.2.
    """
    _check(x, n)
    low = beta_quantile(alpha / 2, x + 0.5, n - x + 0.5) if x > 0 else 0.0
    return low, beta_quantile(1 - alpha / 2, x + 0.5, n - x + 0.5) if x < n else 1.0


def _check(x: int, n: int) -> None:
    if n < 1:
        raise NotEstimable("no units")
    if not 0 <= x <= n:
        raise ValueError(f"{x} successes in {n} units")
