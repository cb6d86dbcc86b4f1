"""The interval and the p-value at a planned look, valid at all looks together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.group_sequential import Boundaries, boundaries
from loyalty_exp.stats.spending import Spending

_SMALLEST = 1e-250
_LARGEST = 0.999


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
