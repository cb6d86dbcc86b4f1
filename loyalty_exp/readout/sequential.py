"""Reading before the planned end: which look this is, and intervals that hold at all looks together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.figures import Sequential
from loyalty_exp.spec.analysis import AlwaysValid, GroupSequential
from loyalty_exp.spec.experiment import Experiment

if TYPE_CHECKING:
    from loyalty_exp.stats.confidence_sequence import AlwaysValid as AlwaysValidFound
    from loyalty_exp.stats.group_sequential import Boundaries
    from loyalty_exp.stats.spending import Spending

SAME_LOOK = 0.05
"""A declared look less than this share of the planned units below the present one is the present one."""


@dataclass(frozen=True, slots=True)
class Look:
    """The present look at the data of an experiment.

    Attributes
    ----------
    plan : AlwaysValid or GroupSequential
    alpha : float
        Two-sided.
    units : int
        Units analyzed, all arms.
    information : tuple of float
        Group-sequential plans: shares of the planned units at the looks so far, the present one last.
    final : bool
        Whether the planned end is reached.
    tabled : bool
        Whether p-values are read off a table, which pays where one look is analyzed many times.
    """

    plan: AlwaysValid | GroupSequential
    alpha: float
    units: int
    information: tuple[float, ...]
    final: bool

    tabled: bool = False

    @property
    def grows_by(self) -> float:
        """Planned units over those analyzed so far; 1 at the end."""
        if self.final or not self.units:
            return 1.0
        plan = self.plan
        planned = plan.horizon if isinstance(plan, AlwaysValid) else plan.planned_units
        return max(planned / self.units, 1.0)

    def read(self, estimate: float, std_error: float | None, units: int) -> Sequential | None:
        """Give the interval and p-value of an estimate that hold at all looks together; None without error.

        Parameters
        ----------
        units : int
            Units of the two arms compared.
        """
        if not std_error or not self.units:
            return None
        try:
            if isinstance(self.plan, AlwaysValid):
                found = self._always_valid(self.plan, estimate, std_error, units)
                return Sequential(found.ci_lower, found.ci_upper, found.p_value, None, found.log_p_value)
            bounds = self._group_sequential(estimate, std_error)
            return Sequential(*bounds, self._p_value(self.plan, estimate / std_error), None, None)
        except NotEstimable:
            return None

    def interval(self, estimate: float, std_error: float | None, units: int) -> tuple[float, float] | None:
        """Give the interval alone, which takes less work; None without error."""
        if not std_error or not self.units:
            return None
        try:
            if isinstance(self.plan, AlwaysValid):
                found = self._always_valid(self.plan, estimate, std_error, units)
                return found.ci_lower, found.ci_upper
            return self._group_sequential(estimate, std_error)
        except NotEstimable:
            return None

    def _always_valid(
        self, plan: AlwaysValid, estimate: float, std_error: float, units: int
    ) -> AlwaysValidFound:
        from loyalty_exp.stats.horizon_sequence import horizon_sequence

        return horizon_sequence(estimate, std_error, units, plan.horizon * units / self.units, self.alpha)

    def _group_sequential(self, estimate: float, std_error: float) -> tuple[float, float]:
        from loyalty_exp.stats.repeated_inference import repeated_interval

        return repeated_interval(estimate, std_error, _boundaries(self))

    def _p_value(self, plan: GroupSequential, z: float) -> float:
        from loyalty_exp.stats.repeated_inference import repeated_p_value, tabled_p_value

        spending = _spending(plan)
        if self.tabled:
            return tabled_p_value(z, self.information, spending, final=self.final)
        return repeated_p_value(z, self.information, spending, final=self.final)


def look_of(experiment: Experiment, outcomes: Outcomes, taken: Sequence[int] | None = None) -> Look | None:
    """Say which look at the data this is; None when the spec plans none before the end.

    Where the looks taken are known, alpha is spent at the units they had. Where they are not, all declared
    looks below the present share of the planned units count as taken, except one that lies so near that it is
    the present one. With all planned units or more it is the last look.

    Parameters
    ----------
    taken : sequence of int, optional
        Units analyzed at the looks recorded so far; those with as many units as now, or more, are no earlier
        looks. None where nothing is recorded of an experiment.
    """
    plan = experiment.analysis.sequential
    if plan is None:
        return None
    units = sum(outcomes.units_analyzed.values())
    alpha = experiment.analysis.alpha
    ended = _enrolment_ended(experiment, outcomes)
    if isinstance(plan, AlwaysValid):
        return Look(plan, alpha, units, (), ended and not any(outcomes.immature.values()))
    share = units / plan.planned_units
    if taken is None:
        earlier = tuple(look for look in plan.looks[:-1] if look < share - SAME_LOOK)
    else:
        earlier = tuple(
            u / plan.planned_units for u in sorted({*taken}) if 0 < u < min(units, plan.planned_units)
        )
    final = share >= 1 or (ended and not any(outcomes.immature.values()))
    return Look(plan, alpha, units, (*earlier, share) if share > 0 else earlier, final)


def critical_value(look: Look) -> float | None:
    """Multiple of the standard error that a group-sequential interval reaches at this look."""
    if isinstance(look.plan, AlwaysValid) or not look.information:
        return None
    return _boundaries(look).critical_values[-1]


@cache
def _boundaries(look: Look) -> Boundaries:
    from loyalty_exp.stats.group_sequential import boundaries

    assert isinstance(look.plan, GroupSequential)
    return boundaries(look.information, look.alpha, _spending(look.plan), final=look.final)


@cache
def _spending(plan: GroupSequential) -> Spending:
    from loyalty_exp.stats import spending

    if plan.spending == "power":
        assert plan.power is not None
        return spending.kim_demets(plan.power)
    return spending.obrien_fleming if plan.spending == "obrien_fleming" else spending.pocock


def _enrolment_ended(experiment: Experiment, outcomes: Outcomes) -> bool:
    """Tell whether the last day of the offer is over in the data."""
    end = experiment.schedule.end
    return end is not None and outcomes.data_to is not None and outcomes.data_to >= end
