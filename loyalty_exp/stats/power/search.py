"""The search for the smallest arms, or the smallest effect, that give a test its power."""

from __future__ import annotations

import math
from collections.abc import Callable

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, Pair, Plan, check_effect, check_target, shares

MOST_UNITS = 1e15
"""A plan that needs more units than this is refused."""


def least(power_at: Callable[[float], float], target: float, low: float, high: float) -> float | None:
    """Smallest value in ``[low, high]`` at which an increasing power reaches the target; None beyond it.

    Parameters
    ----------
    power_at : function of float
        Increasing.
    target : float
        Power aimed at.
    low, high : float
        Where to search, positive.

    References
    ----------
    Bisection on the logarithm, to the last digits of a double.
    """
    if power_at(low) >= target:
        return low
    below, above = low, low
    while power_at(above) < target:
        below, above = above, min(above * 4, high)
        if below >= high:
            return None
    while above / below - 1 > 4e-15:
        middle = math.sqrt(below) * math.sqrt(above)
        if not below < middle < above:
            break
        if power_at(middle) >= target:
            above = middle
        else:
            below = middle
    return above


def plan(
    power_of: Callable[[Pair], float],
    effect: float,
    target: float,
    level: Level,
    share: float,
    fewest: float = 2.0,
) -> Plan:
    """Find the smallest arms, in given shares, whose power reaches the target, by :func:`least`.

    Parameters
    ----------
    power_of : function of (n_treatment, n_control)
        Increasing in both, at fractions of units, too.
    effect : float
        Kept in the plan.
    target : float
    level : Level
    share : float
        Of treatment.
    fewest : float
        Units the smaller arm has at least.

    Raises
    ------
    NotEstimable
        If the effect is 0, or needs more than 1e15 units.
    ValueError
        If the target is not above alpha and below 1.
    """
    check_target(target, level)
    check_effect(effect)
    t, c = shares(share)
    found = least(lambda n: power_of((n * t, n * c)), target, fewest / min(t, c) * (1 + 1e-12), MOST_UNITS)
    if found is None:
        raise NotEstimable(f"more than {MOST_UNITS:.0e} units would be needed")
    unrounded = (found * t, found * c)
    n_t, n_c = (math.ceil(units * (1 - 1e-12)) for units in unrounded)
    return Plan(n_t, n_c, power_of((n_t, n_c)), effect, level, unrounded)


def detectable(power_at: Callable[[float], float], target: float, level: Level, scale: float) -> float:
    """Smallest positive effect whose power reaches the target.

    Parameters
    ----------
    power_at : function of the effect
        Increasing.
    target : float
    level : Level
    scale : float
        Standard error of the effect, to start from.

    Raises
    ------
    ValueError
        If the target is not above alpha and below 1.
    NotEstimable
        If no effect reaches the power.
    """
    check_target(target, level)
    found = least(power_at, target, scale * 1e-9, scale * 1e12)
    if found is None:
        raise NotEstimable("no effect reaches this power")
    return found
