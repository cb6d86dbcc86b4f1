"""What looking before the end costs: the factor by which the units of a plan grow."""

from __future__ import annotations

import math
from functools import cache

from loyalty_exp.spec.analysis import AlwaysValid, GroupSequential
from loyalty_exp.stats import spending
from loyalty_exp.stats.crossing import crossing
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.group_sequential import Boundaries, boundaries
from loyalty_exp.stats.group_sequential_design import inflation_factor
from loyalty_exp.stats.horizon_sequence import horizon_sequence
from loyalty_exp.stats.power.design import Level

READS = 5
"""An always-valid plan may be read at any time; it is planned and rehearsed at so many even steps."""

STEP = 0.005
"""Of the logarithm of the units over the horizon; what an always-valid plan takes hardly moves within it."""


def inflation(plan: AlwaysValid | GroupSequential | None, level: Level, target: float, units: float) -> float:
    """Units with the looks of a spec over units with one test at the end, for the power aimed at.

    Parameters
    ----------
    units : float
        All arms, at the end.
    """
    if plan is None:
        return 1.0
    if isinstance(plan, GroupSequential):
        return _of_boundaries(plan, level.alpha, level.sides, target)
    return _of_reads(round(math.log(units / plan.horizon) / STEP), level.tail, target)


@cache
def _of_boundaries(plan: GroupSequential, alpha: float, sides: int, target: float) -> float:
    return inflation_factor(boundaries_of(plan, alpha, sides), target)


@cache
def _of_reads(steps: int, tail: float, target: float) -> float:
    """Find the drift that crosses as often as is aimed at, by secants from that of the last read alone."""
    curve, last = _curve(math.exp(steps * STEP), 2 * tail), normal_quantile(target)
    drift, slope = curve[-1] + last, math.exp(-last * last / 2) / math.sqrt(2 * math.pi)
    beyond = _crossed(curve, drift) - target
    for _ in range(30):
        step = -beyond / slope
        drift, before = drift + step, beyond
        beyond = _crossed(curve, drift) - target
        if abs(beyond) < 1e-7 or beyond == before:
            break
        slope = (beyond - before) / step
    return (drift / (normal_quantile(1 - tail) + last)) ** 2


def chance_of_reads(units: float, horizon: float, alpha: float, drift: float) -> float:
    """Chance that an effect is found at any read of an always-valid plan.

    Parameters
    ----------
    units, horizon : float
        All arms.
    alpha : float
        Two-sided.
    drift : float
        Effect over its standard error at the last read.
    """
    return _crossed(_curve(units / horizon, alpha), drift)


def _curve(reached: float, alpha: float) -> tuple[float, ...]:
    """Multiples of the standard error at the reads, the last at so many times the horizon."""
    large = 1e9
    return tuple(
        horizon_sequence(0.0, 1.0, large * reached * (i + 1) / READS, large, alpha).ci_upper
        for i in range(READS)
    )


def _crossed(curve: tuple[float, ...], drift: float) -> float:
    information = [(i + 1) / READS for i in range(READS)]
    return math.fsum(crossing(information, curve, [-c for c in curve], drift).upper)


def boundaries_of(plan: GroupSequential, alpha: float, sides: int) -> Boundaries:
    """Boundaries at the looks of a spec, as the readout computes them."""
    return boundaries(plan.looks, alpha, _spending(plan), sides=sides)


def _spending(plan: GroupSequential) -> spending.Spending:
    if plan.spending == "power":
        assert plan.power is not None
        return spending.kim_demets(plan.power)
    return spending.obrien_fleming if plan.spending == "obrien_fleming" else spending.pocock
