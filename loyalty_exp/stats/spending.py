"""How the error rate of a test is spread over planned looks: spending functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from loyalty_exp.stats.distributions import normal_cdf, normal_quantile

Spending = Callable[[float, float], float]
"""``(fraction, alpha)`` -> alpha spent so far in one tail; 0 at fraction 0, all of it from fraction 1 on."""


def obrien_fleming(fraction: float, alpha: float) -> float:
    """O'Brien-Fleming type: almost nothing early, ``2 - 2 Phi(z_{alpha/2} / sqrt(fraction))``.

    A two-sided test spends ``alpha / 2`` by this function in each tail; to spend ``alpha`` in one tail and
    halve it is another, and wrong, function. The value is an amount of error, not the level of a test at a
    look: :func:`loyalty_exp.stats.group_sequential.boundaries` turns the one into the other.

    Parameters
    ----------
    fraction : float
        Share of the planned information; beyond 1 counts as 1.
    alpha : float
        Of one tail.

    References
    ----------
    Lan & DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70(3), 659-663,
    the function alpha_1*.
    """
    t = _clipped(fraction)
    if t in (0.0, 1.0):
        return alpha * t
    return 2 * normal_cdf(normal_quantile(alpha / 2) / math.sqrt(t))


def pocock(fraction: float, alpha: float) -> float:
    """Pocock type: nearly even over the looks, ``alpha log(1 + (e - 1) fraction)``.

    Parameters
    ----------
    fraction : float
        Share of the planned information; beyond 1 counts as 1.

    References
    ----------
    Lan & DeMets (1983), Biometrika 70(3), 659-663, the function alpha_2*.
    """
    return alpha * min(1.0, math.log1p((math.e - 1) * _clipped(fraction)))


def kim_demets(rho: float) -> Spending:
    """Power family, ``alpha fraction^rho``; the larger ``rho``, the later the error is spent.

    Parameters
    ----------
    rho : float
        Positive.

    References
    ----------
    Kim & DeMets (1987), Design and analysis of group sequential tests based on the type I error spending rate
    function, Biometrika 74(1), 149-154.
    """
    if not (rho > 0 and math.isfinite(rho)):
        raise ValueError(f"the power of a spending function must be positive, not {rho}")
    return lambda fraction, alpha: alpha * _clipped(fraction) ** rho


def hwang_shih_decani(gamma: float) -> Spending:
    """Exponential family, ``alpha (1 - exp(-gamma t)) / (1 - exp(-gamma))``; 1 is near Pocock, -4 near OBF.

    Parameters
    ----------
    gamma : float
        Finite; 0 is the power family with exponent 1.

    References
    ----------
    Hwang, Shih, De Cani (1990), Group sequential designs using a family of type I error probability spending
    functions, Statistics in Medicine 9(12), 1439-1445.
    """
    if not math.isfinite(gamma):
        raise ValueError(f"the shape of a spending function must be finite, not {gamma}")
    if gamma == 0:
        return kim_demets(1)
    return lambda fraction, alpha: alpha * math.expm1(-gamma * _clipped(fraction)) / math.expm1(-gamma)


def cumulative_alpha(
    spending: Spending, fractions: Sequence[float], alpha: float, sides: int
) -> tuple[float, ...]:
    """Error spent up to each look, over all tails.

    Parameters
    ----------
    spending : function
        Of one tail.
    fractions : sequence of float, length k
        Shares of the planned information, not decreasing.
    alpha : float
        Over all tails.
    sides : int
        1 or 2; with 2 each tail spends its half.
    """
    return tuple(sides * spending(t, alpha / sides) for t in fractions)


def _clipped(fraction: float) -> float:
    """Fractions beyond 1 are 1; negative ones do not exist."""
    if not fraction >= 0:
        raise ValueError(f"an information fraction is 0 or more, not {fraction}")
    return min(float(fraction), 1.0)
