"""Power of any estimate whose standard error is known, and how much more data one that is running needs."""

from __future__ import annotations

import math

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.power.design import Level, check_effect, check_target
from loyalty_exp.stats.power.reference import t_power
from loyalty_exp.stats.power.search import MOST_UNITS, detectable, least

TWO_SIDED = Level()


def power(effect: float, std_error: float, level: Level = TWO_SIDED, df: float = math.inf) -> float:
    """Chance that the test of an estimate rejects.

    Parameters
    ----------
    effect : float
        True distance from the null hypothesis; a one-sided test looks in its direction.
    std_error : float
        In the unit of the effect.
    level : Level
    df : float
        Of the standard error.

    Raises
    ------
    NotEstimable
        If the standard error is 0.
    """
    _check(std_error)
    return t_power(abs(effect) / std_error, df, level)


def detectable_effect(
    std_error: float, target: float = 0.8, level: Level = TWO_SIDED, df: float = math.inf
) -> float:
    """Smallest effect that is found with the power aimed at, in the unit of the standard error.

    Parameters
    ----------
    target : float
        Power aimed at, between the level and 1.
    """
    _check(std_error)
    return detectable(lambda e: t_power(e / std_error, df, level), target, level, std_error)


def growth(effect: float, std_error: float, target: float = 0.8, level: Level = TWO_SIDED) -> float:
    """How many times the present units are needed in all; 1 when they are enough.

    Parameters
    ----------
    effect : float
        Effect that must not be missed; declared beforehand, not the one observed.
    std_error : float
        At the present number of units; it shrinks with the root of that number.
    target : float
    level : Level

    Raises
    ------
    NotEstimable
        If no number of units is enough.
    """
    _check(std_error)
    check_effect(effect)
    check_target(target, level)
    found = least(lambda k: power(effect, std_error / math.sqrt(k), level), target, 1.0, MOST_UNITS)
    if found is None:
        raise NotEstimable(f"more than {MOST_UNITS:.0e} times the present units would be needed")
    return found


def _check(std_error: float) -> None:
    if not (std_error >= 0 and math.isfinite(std_error)):
        raise ValueError(f"a standard error is finite and not negative, not {std_error}")
    if std_error == 0:
        raise NotEstimable("nothing varies")
