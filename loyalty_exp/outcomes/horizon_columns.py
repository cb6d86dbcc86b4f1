"""Money by months of the outcome window, as a horizon needs it: running totals, with their products.

A horizon asks for the covariance of months, and of few of them; so every month boundary is a shorter window
of the same columns. The cumulative curve over many days needs no such products and has a way of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.spec.experiment import Experiment

HORIZON = "$horizon"
"""Name of the block of running totals."""

MONTH = 30
"""Days of a month; the first one observed is shorter where the window is no multiple of it."""

MOST = 12
"""Months that are told apart; in a longer window the first ones are taken together."""


def month_ends(experiment: Experiment) -> tuple[int, ...]:
    """Days after assignment at which the observed months end, the last one with the window.

    Without a discount only the last month matters, and what was before it is one period.
    """
    economics, days = experiment.economics, experiment.schedule.outcome_days
    if economics is None or economics.horizon is None or not days:
        return ()
    if experiment.shape == "units":
        return (days,)
    ends = [*range(days, 0, -MONTH)][::-1]
    kept = MOST if economics.horizon.discount_annual else 2
    return tuple(ends[-kept:])


def running(column: str, days: int) -> str:
    """Name of a column over the first days of its window."""
    return f"{column}@{days}"


def horizon_columns(experiment: Experiment, money: Sequence[UnitColumn]) -> tuple[UnitColumn, ...]:
    """Running totals of the money at all month ends but the last; none where they do not exist.

    Parameters
    ----------
    money : sequence of UnitColumn
        Benefit and cost drivers over the whole window.
    """
    if not split(experiment, money):
        return ()
    return tuple(
        replace(c, id=running(c.id, days), days=days) for c in money for days in month_ends(experiment)[:-1]
    )


def split(experiment: Experiment, money: Sequence[UnitColumn]) -> bool:
    """Tell whether all money can be told apart by month: nothing recorded otherwise than by its day."""
    days = experiment.schedule.outcome_days
    return all(
        c.kind not in {"column", "known", "within"} and c.table != "earned" and c.days in (None, days)
        for c in money
    )
