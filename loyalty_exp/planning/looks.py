"""What looking before the end costs: the level at which a plan is sized, and by how much it grows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from loyalty_exp.spec.analysis import AlwaysValid, GroupSequential
from loyalty_exp.stats import spending
from loyalty_exp.stats.distributions import normal_cdf
from loyalty_exp.stats.group_sequential import Boundaries, boundaries
from loyalty_exp.stats.group_sequential_design import inflation_factor
from loyalty_exp.stats.horizon_sequence import horizon_sequence
from loyalty_exp.stats.power.design import Level


@dataclass(frozen=True, slots=True)
class Looking:
    """Level of a test and the factor by which its sample grows.

    Attributes
    ----------
    level : Level
    inflation : float
        Units with looks over units with one test at the end.
    """

    level: Level
    inflation: float = 1.0


def looking(
    plan: AlwaysValid | GroupSequential | None, level: Level, target: float, units: float, part: float
) -> Looking:
    """Allow for the looks of a spec.

    A group sequential plan is the plan of one look times the inflation factor of its boundaries. An always
    valid one is read here at the last unit alone, so it finds somewhat more than is planned: crossing before
    comes on top.

    Parameters
    ----------
    units : float
        All arms, at the end.
    part : float
        Of the units, in the two arms compared.
    """
    if plan is None:
        return Looking(level)
    if isinstance(plan, GroupSequential):
        return Looking(level, _inflation(plan, level.alpha, level.sides, target))
    both = 2 * level.tail
    found = horizon_sequence(0.0, 1.0, max(round(units * part), 2), plan.horizon * part, both)
    tail = max(normal_cdf(-found.ci_upper), 1e-300)
    return Looking(replace(level, alpha=level.sides * tail))


@cache
def _inflation(plan: GroupSequential, alpha: float, sides: int, target: float) -> float:
    return inflation_factor(boundaries_of(plan, alpha, sides), target)


def boundaries_of(plan: GroupSequential, alpha: float, sides: int) -> Boundaries:
    """Boundaries at the looks of a spec, as the readout computes them."""
    return boundaries(plan.looks, alpha, _spending(plan), sides=sides)


def _spending(plan: GroupSequential) -> spending.Spending:
    if plan.spending == "power":
        assert plan.power is not None
        return spending.kim_demets(plan.power)
    return spending.obrien_fleming if plan.spending == "obrien_fleming" else spending.pocock
