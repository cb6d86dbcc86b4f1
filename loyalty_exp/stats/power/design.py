"""What every plan has in common: the level of the test, and the sizes of the arms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.stats.distributions import normal_quantile

Pair = tuple[float, float]
"""Treatment first, control second."""


@dataclass(frozen=True, slots=True)
class Level:
    """The test a plan is made for.

    Attributes
    ----------
    alpha : float
        Chance of a false positive of one comparison, over all its sides.
    sides : int
        1 or 2. A one-sided test looks in the direction of the effect.
    strict : bool
        Count rejections in the wrong direction as power, too, as R's ``power.t.test(strict=TRUE)``: it is
        what a simulation of the two-sided test counts. False gives the usual closed form.
    """

    alpha: float = 0.05
    sides: Literal[1, 2] = 2
    strict: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha is between 0 and 1, not {self.alpha}")
        if self.sides not in (1, 2):
            raise ValueError(f"a test has 1 or 2 sides, not {self.sides}")

    @property
    def tail(self) -> float:
        """Level of one side."""
        return self.alpha / self.sides

    @property
    def quantile(self) -> float:
        """Critical value of the normal distribution."""
        return -normal_quantile(self.tail)


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of two arms that give a test its power.

    Attributes
    ----------
    n_treatment, n_control : int
        Units of each arm, rounded up.
    power : float
        Of these whole numbers.
    effect : float
        Planned for, in the unit of the family.
    level : Level
    unrounded : pair of float
        Treatment, control.
    """

    n_treatment: int
    n_control: int
    power: float
    effect: float
    level: Level
    unrounded: Pair

    @property
    def total(self) -> int:
        """Units of both arms."""
        return self.n_treatment + self.n_control


def shares(share: float) -> Pair:
    """Shares of treatment and control among the units of both.

    Parameters
    ----------
    share : float
        Part of the units that is treated, between 0 and 1.

    Raises
    ------
    ValueError
        If the treatment share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the treatment share is between 0 and 1, not {share}")
    return share, 1 - share


def check_units(n: Pair) -> None:
    """Refuse arms of fewer than two units, in words.

    Raises
    ------
    NotEstimable
        With fewer than two units in an arm.
    """
    for units, name in zip(n, ("the treatment arm", "the control arm"), strict=True):
        if not units >= 2:
            raise NotEstimable(f"fewer than two units in {name}")


def check_target(target: float, level: Level) -> None:
    """Refuse a power that no plan is needed for, or that no plan reaches.

    Parameters
    ----------
    target : float
        Power aimed at, between the level and 1.

    Raises
    ------
    ValueError
        If the power is not above alpha and below 1.
    """
    if not level.alpha < target < 1:
        raise ValueError(f"the power aimed at is above alpha ({level.alpha}) and below 1, not {target}")


def check_effect(effect: float) -> None:
    """Refuse to plan for an effect of 0.

    Parameters
    ----------
    effect : float
        In the unit of the metric.

    Raises
    ------
    NotEstimable
        If the effect is 0.
    ValueError
        If it is not a finite number.
    """
    if not math.isfinite(effect):
        raise ValueError(f"an effect is a finite number, not {effect}")
    if effect == 0:
        raise NotEstimable("no number of units detects an effect of 0")


def inflated(fixed: Plan, inflation: float) -> Plan:
    """Make room for several looks: multiply the sizes of a plan with one look.

    Parameters
    ----------
    fixed : Plan
    inflation : float
        Largest size of the sequential design over the size with one look at equal power; at least 1.

    Returns
    -------
    Plan
        With the largest sizes. Its power is the one planned for, which the inflation factor keeps.

    References
    ----------
    Jennison & Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, Chapman & Hall,
    chapter 2 (the constants R_P and R_B).
    """
    if not (inflation >= 1 and math.isfinite(inflation)):
        raise ValueError(f"an inflation factor is at least 1, not {inflation}")
    t, c = fixed.unrounded[0] * inflation, fixed.unrounded[1] * inflation
    n_t, n_c = (math.ceil(units * (1 - 1e-12)) for units in (t, c))
    return replace(fixed, n_treatment=n_t, n_control=n_c, unrounded=(t, c))
