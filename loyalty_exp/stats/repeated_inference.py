"""The interval and the p-value at a planned look, valid at all looks together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.group_sequential import Boundaries, boundaries
from loyalty_exp.stats.spending import Spending

_SMALLEST = 1e-250
_LARGEST = 0.999

_CUTS, _NODES = (0.04, 1.5, 3.0, 6.0, 12.0, 24.0), 28
"""Square root of -log alpha at the ends of the pieces of a table, and the nodes of each piece."""


def repeated_interval(
    estimate: float, std_error: float, bounds: Boundaries, look: int | None = None
) -> tuple[float, float]:
    """Interval at a look that holds at all looks together: estimate -+ critical value times standard error.

    Parameters
    ----------
    estimate, std_error : float
        At the look.
    bounds : Boundaries
    look : int, optional
        Counted from 0; the last when left out. A one-sided design gives a lower bound alone.

    Raises
    ------
    NotEstimable
        When the standard error is 0.

    References
    ----------
    Jennison & Turnbull (1989), Interim analyses: the repeated confidence interval approach, JRSS B 51(3),
    305-361; Jennison & Turnbull (2000), Group Sequential Methods, chapter 9.
    """
    if not std_error > 0:
        raise NotEstimable("the standard error is 0: nothing varies, so there is no sequential interval")
    half = bounds.critical_values[-1 if look is None else look] * std_error
    return estimate - half, (estimate + half if bounds.sides == 2 else math.inf)


def repeated_p_value(
    z: float,
    information: Sequence[float],
    spending: Spending,
    sides: int = 2,
    planned: float = 1.0,
    final: bool = False,
) -> float:
    """The smallest alpha whose boundary the statistic reaches at the last of these looks.

    Below alpha exactly when :func:`repeated_interval` at this look excludes 0. Never below 1e-250, where it
    is an upper bound. The smallest over the looks so far is the p-value of the sequential test.

    Parameters
    ----------
    z : float
        Statistic at the last look.
    information, spending, sides, planned, final
        As for :func:`loyalty_exp.stats.group_sequential.boundaries`.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods, chapter 9 (repeated P-values); Liu & Anderson
    (2008), On adaptive extensions of group sequential trials, JASA 103, 1621-1630 (sequential p-values).
    """
    from scipy import optimize

    size = abs(z) if sides == 2 else z
    if math.isnan(z):
        raise ValueError("the statistic is not a number")

    def gap(log_alpha: float) -> float:
        made = boundaries(information, math.exp(log_alpha), spending, sides, planned, final)
        return min(made.critical_values[-1], 40.0) - size

    low = math.log(min(max(sides * normal_cdf(-size), _SMALLEST), _LARGEST))
    if gap(low) <= 0:
        return math.exp(low)
    high = low
    while gap(high) > 0:
        low, high = high, min(high + 2.0, math.log(_LARGEST))
        if low == high:
            return 1.0
    return float(math.exp(optimize.brentq(gap, low, high, xtol=1e-10)))


def tabled_p_value(
    z: float, information: tuple[float, ...], spending: Spending, sides: int = 2, final: bool = False
) -> float:
    """Give :func:`repeated_p_value` off a table, which pays where the same look is read many times.

    The critical value is a smooth function of the root of -log alpha, and nearly a straight line; it is kept
    as Chebyshev polynomials, within 1e-7 for up to ten looks, and less far out. P-values below 1e-250 are
    computed afresh.

    Parameters
    ----------
    information : tuple of float, length k
        As shares of the planned information.
    sides : int
        1 or 2.

    References
    ----------
    Trefethen (2013), Approximation Theory and Approximation Practice, chapters 2 and 8.
    """
    from scipy import optimize

    size = abs(z) if sides == 2 else z
    if math.isnan(z):
        raise ValueError("the statistic is not a number")
    pieces = _table(information, spending, sides, final)
    if size <= pieces[0](_CUTS[0]):
        return 1.0
    for piece, (low, high) in zip(pieces, pairwise(_CUTS), strict=True):
        if size <= piece(high):
            at = optimize.brentq(lambda u, f=piece: f(u) - size, low, high, xtol=1e-12)
            return float(math.exp(-(at**2)))
    return repeated_p_value(z, information, spending, sides, final=final)


@cache
def _table(
    information: tuple[float, ...], spending: Spending, sides: int, final: bool
) -> tuple[Chebyshev, ...]:
    """Critical value at the last look by the root of -log alpha, piece by piece."""

    def critical(u: float) -> float:
        made = boundaries(information, math.exp(-u * u), spending, sides, 1.0, final)
        return min(made.critical_values[-1], 40.0)

    roots = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
    pieces = []
    for low, high in pairwise(_CUTS):
        at = low + (high - low) * (roots + 1) / 2
        values = [critical(float(u)) for u in at]
        pieces.append(Chebyshev.fit(at, values, _NODES - 1, domain=[low, high]))
    return tuple(pieces)
