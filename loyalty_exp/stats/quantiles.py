"""Quantiles of an arm and their difference, from three order statistics that an engine can return.

The quantile offered is the inverse of the empirical distribution function (R's type 1): the smallest value
that at least a share q of the units do not exceed, the ``ceil(q n)``-th in rising order, which has ``n -
ceil(q n)`` values behind it. It is always a value of the data, is defined by a count alone, and so is the
same on every engine. The nine usual definitions are at hand in :func:`quantile`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile, normal_two_sided
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Vector

_TYPES = (
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
)
"""NumPy's names of R's types 1 to 9."""


@dataclass(frozen=True, slots=True)
class QuantileRanks:
    """Which order statistics are needed, counted from 1 in rising order.

    Attributes
    ----------
    low, value, high : int
        Of the lower limit, the quantile itself, and the upper limit.
    coverage : float
        Exact probability that the limits hold the quantile of a continuous distribution.
    """

    low: int
    value: int
    high: int
    coverage: float


@dataclass(frozen=True, slots=True)
class OrderStatistics:
    """What an engine returns of one arm: three values and their ranks.

    Attributes
    ----------
    n : int
        Units.
    quantile : float
        Between 0 and 1.
    rank_low, rank_high : int
        Of the limits, counted from 1.
    low, value, high : float
        In the unit of the metric.
    coverage : float or None
        Confidence of the limits, where it does not follow from the ranks: an engine that interpolates.
    """

    n: int
    quantile: float
    rank_low: int
    low: float
    value: float
    rank_high: int
    high: float
    coverage: float | None = None


def quantile_rank(n: int, q: float) -> int:
    """``ceil(q n)``, with q taken as the decimal number it is written as."""
    return max(1, math.ceil(Fraction(repr(float(q))) * n))


def quantile_ranks(n: int, q: float, alpha: float) -> QuantileRanks:
    """Ranks of the distribution-free interval of a quantile, with at most alpha/2 beyond either limit.

    Parameters
    ----------
    n : int
        Units.
    q : float
        Between 0 and 1.
    alpha : float
        Two-sided.

    Raises
    ------
    NotEstimable
        If even the smallest or largest value is no limit: about when ``n < z^2 q / (1 - q)`` for q above one
        half.

    References
    ----------
    Hahn & Meeker (1991), Statistical Intervals, Wiley, section 5.2; David & Nagaraja (2003), Order
    Statistics, 3rd edition, Wiley, section 7.1.
    """
    if not (0 < q < 1 and 0 < alpha < 1 and n >= 0):
        raise ValueError(f"ranks need 0 < q < 1, 0 < alpha < 1 and n >= 0, not q={q}, alpha={alpha}, n={n}")
    if n == 0:
        raise NotEstimable("no units")
    if (1 - q) ** n > alpha / 2 or q**n > alpha / 2:
        raise NotEstimable(f"{n:,} units are too few for an interval of the {q:g} quantile")
    low = _first_above(n, q, alpha / 2)
    if _cdf(low, n, q) <= alpha / 2:
        low += 1
    high = _first_above(n, q, 1 - alpha / 2) + 1
    low, high = max(low, 1), min(high, n)  # where a tail is alpha/2 but for rounding
    return QuantileRanks(low, quantile_rank(n, q), high, _cdf(high - 1, n, q) - _cdf(low - 1, n, q))


def _cdf(k: int, n: int, q: float) -> float:
    """Binomial probability of at most k."""
    from scipy import special

    return float(special.betainc(n - k, k + 1, 1 - q)) if 0 <= k < n else float(k >= n)


def _first_above(n: int, q: float, level: float) -> int:
    """Smallest k whose binomial distribution function is at least the level."""
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        if _cdf(middle, n, q) >= level:
            high = middle
        else:
            low = middle
    return high


def order_statistics(values: npt.ArrayLike, q: float, alpha: float) -> OrderStatistics:
    """The three order statistics of an array; shape (n,).

    Raises
    ------
    NotEstimable
        As :func:`quantile_ranks`.
    """
    x = _checked(values)
    ranks = quantile_ranks(len(x), q, alpha)
    at = [ranks.low - 1, ranks.value - 1, ranks.high - 1]
    low, value, high = (float(v) for v in np.partition(x, at)[at])
    return OrderStatistics(len(x), q, ranks.low, low, value, ranks.high, high)


def std_error(found: OrderStatistics) -> float:
    """Standard error of a sample quantile, from the width of its order-statistic interval.

    Raises
    ------
    NotEstimable
        If the limits are equal, which says that values are tied around the quantile, not that it is certain.

    References
    ----------
    Price & Bonett (2002), Distribution-free confidence intervals for difference and ratio of medians, Journal
    of Statistical Computation and Simulation 72(2), 119-124, section 2; Deng, Knoblich, Lu (2018), Applying
    the delta method in metric analytics, KDD, section 4.
    """
    if not (found.low <= found.value <= found.high and found.rank_low <= found.rank_high):
        raise ValueError("order statistics out of order")
    if found.low == found.high:
        raise NotEstimable(
            f"values are tied around the {found.quantile:g} quantile, so its error is not known"
        )
    coverage = found.coverage
    if coverage is None:
        n, q = found.n, found.quantile
        coverage = _cdf(found.rank_high - 1, n, q) - _cdf(found.rank_low - 1, n, q)
    return (found.high - found.low) / (2 * normal_quantile((1 + coverage) / 2))


def quantile_difference(treated: OrderStatistics, control: OrderStatistics, alpha: float) -> Difference:
    """Treated minus control quantile, with a normal interval.

    Parameters
    ----------
    treated, control : OrderStatistics
        Of the same quantile.
    alpha : float
        Two-sided; need not be the one the ranks were chosen for.

    Raises
    ------
    NotEstimable
        As :func:`std_error`.

    References
    ----------
    Price & Bonett (2002), Journal of Statistical Computation and Simulation 72(2), 119-124, section 2.
    """
    if treated.quantile != control.quantile:
        raise ValueError(f"two quantiles: {treated.quantile} and {control.quantile}")
    estimate = treated.value - control.value
    error = math.hypot(std_error(treated), std_error(control))
    half = normal_quantile(1 - alpha / 2) * error
    p, log_p = normal_two_sided(estimate / error)
    return Difference(estimate, error, estimate - half, estimate + half, p, log_p)


def quantile(values: npt.ArrayLike, q: float, kind: int = 1) -> float:
    """Sample quantile by one of the nine usual definitions.

    Parameters
    ----------
    values : array, shape (n,)
    q : float
        Between 0 and 1.
    kind : int
        1 to 9, as in R; 1 is the one the readout uses, 7 the default of R and NumPy.

    Raises
    ------
    NotEstimable
        With no values.

    References
    ----------
    Hyndman & Fan (1996), Sample quantiles in statistical packages, The American Statistician 50(4), 361-365.
    """
    x = _checked(values)
    if not (0 < q < 1 and kind in range(1, 10)):
        raise ValueError(f"a quantile needs 0 < q < 1 and a type from 1 to 9, not q={q}, type {kind}")
    if len(x) == 0:
        raise NotEstimable("no units")
    if kind == 1:
        at = quantile_rank(len(x), q) - 1
        return float(np.partition(x, at)[at])
    return float(np.quantile(x, q, method=_TYPES[kind - 1]))  # type: ignore[call-overload]


def _checked(values: npt.ArrayLike) -> Vector:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or not np.isfinite(x).all():
        raise ValueError("a quantile needs one row of finite values")
    return x
