"""The past as an experiment of one arm: everyone who would be drawn stands in control from a past day on.

The readout's own tables, windows and sums then run unchanged, for `size` and for `rehearse`. Only the table
of assignments is not there: it is made in the engine, a row a member.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import sqlalchemy as sa

from loyalty_exp.assignment.population import members_of
from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.outcomes.clock import day_of
from loyalty_exp.outcomes.times import time_column
from loyalty_exp.spec.arms import Arm, ArmsInColumn
from loyalty_exp.spec.data import Assignments
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column
from loyalty_exp.warehouse.engine import Engine

ARM, ENTRY = "arm", "entry"


def past(experiment: Experiment, begins: dt.date | None) -> Experiment:
    """Give the experiment that reads the past: one arm, no looks, no further readings.

    Parameters
    ----------
    begins : date or None
        Day on which all begin, or the first one where they enter one by one; None for a per-unit table,
        whose windows are over.
    """
    control = experiment.control
    changes: dict[str, Any] = {
        "arms": (Arm(id=control, share=1.0, control=True),),
        "metrics": tuple(m.model_copy(update={"readings": ()}) for m in experiment.metrics),
        "analysis": experiment.analysis.model_copy(update={"sequential": None, "contrasts": ()}),
        "factors": {},
        "sizing": None,
    }
    if begins is None:
        name = experiment.arms.from_column if isinstance(experiment.arms, ArmsInColumn) else ARM
        changes["arms"] = ArmsInColumn.model_construct(
            from_column=name, control=control, treatments=(), shares=None, names={}
        )
    else:
        entry = ENTRY if enters_one_by_one(experiment) else None
        table = Assignments(table="the members of the past", unit=experiment.unit, arm=ARM, time=entry)
        changes["data"] = experiment.data.model_copy(update={"assignments": table})
        end = begins + dt.timedelta(days=days_of_entry(experiment) - 1) if entry else None
        days = {"start": begins, "end": end}
        changes["schedule"] = experiment.schedule.model_copy(update=days)
        changes["population"] = experiment.population.model_copy(update={"as_of": begins})
    return experiment.model_copy(update=changes)


def enters_one_by_one(experiment: Experiment) -> bool:
    """Tell whether a day in the members table says when each member enters."""
    return experiment.assignment is not None and experiment.assignment.trigger is not None


def days_of_entry(experiment: Experiment) -> int:
    """Days on which members enter: one where all begin together."""
    start, end = experiment.schedule.start, experiment.schedule.end
    return (end - start).days + 1 if enters_one_by_one(experiment) and start and end else 1


def window_days(experiment: Experiment) -> int:
    """Days for which outcomes of a unit count, by the metric that looks furthest."""
    own = (getattr(m, "within_days", None) or 0 for m in experiment.metrics)
    return max([experiment.schedule.outcome_days or 0, *own])


def entered_a_day(engine: Engine, experiment: Experiment) -> float | None:
    """Units that were assigned a day; None where all were on one day, or nobody was yet."""
    mapped = experiment.data.assignments
    if mapped is None or mapped.time is None:
        return None
    unit = mapped.unit or experiment.unit
    try:
        table = engine.open_table(mapped.table, "assignments", unit)
        types = engine.columns(table)
    except EngineError:
        return None
    if mapped.time not in types or unit not in types:
        return None
    zone = experiment.program.timezone
    time = time_column(engine, table, mapped.table, types, mapped.time, zone)
    days = (day_of(time.largest, zone) - day_of(time.least, zone)).days + 1
    if days == 1:
        return None
    count = sa.select(sa.func.count(sa.distinct(column(unit)))).select_from(table)
    return int(engine.fetch(count)[0][0]) / days


def past_window(
    engine: Engine, experiment: Experiment, asked: dt.date | None, option: str
) -> tuple[dt.date, dt.date]:
    """Give the day on which all begin, and the last day of the last outcome window.

    Parameters
    ----------
    asked : date or None
        The last day whose windows, and the refunds after them, are over in the data, when left out.
    option : str
        Where a user names the day; for messages.

    Raises
    ------
    Refused
        If the data do not hold the windows whole.
    """
    mapped, schedule = experiment.data.transactions, experiment.schedule
    assert mapped is not None
    table = engine.open_table(mapped.table, "transactions", mapped.unit or experiment.unit)
    types = engine.columns(table)
    days = window_days(experiment) + days_of_entry(experiment) - 1
    if mapped.time not in types:
        # The tables are held against their contract later, with all that is wrong at once.
        first = asked or dt.date(1970, 1, 1)
        return first, first + dt.timedelta(days=days - 1)
    time = time_column(engine, table, mapped.table, types, mapped.time, mapped.naive_time_zone)
    zone = "UTC" if time.is_date else experiment.program.timezone
    first_day, last_day = day_of(time.least, zone), day_of(time.largest, zone)
    if schedule.data_to is not None:
        last_day = min(last_day, schedule.data_to)
    least = first_day + dt.timedelta(days=schedule.pre_days)
    begins = asked or max(last_day + dt.timedelta(days=1 - days - schedule.refund_days), least)
    last = begins + dt.timedelta(days=days - 1)
    before = begins - dt.timedelta(days=schedule.pre_days)
    if least + dt.timedelta(days=days - 1) > last_day:
        raise Refused(
            f"the history is shorter than the window: {schedule.pre_days} days before and {days} days of "
            f"outcomes are needed, and {mapped.table} holds {first_day} to {last_day}. Give more of the "
            "past, or shorten schedule.pre_days or schedule.outcome_days."
        )
    if last > last_day:
        raise Refused(
            f"the history is shorter than the window: outcomes of {begins} are counted until {last}, and "
            f"{mapped.table} ends on {last_day}. Set {option} to "
            f"{last_day - dt.timedelta(days=days - 1)} or earlier."
        )
    if before < first_day:
        raise Refused(
            f"the history is shorter than the pre-period: covariates of {begins} are counted from {before}, "
            f"and {mapped.table} begins on {first_day}. Set {option} to {least} or later, or shorten "
            "schedule.pre_days."
        )
    return begins, last


def one_arm(engine: Engine, experiment: Experiment) -> Engine:
    """Give an engine in which everyone of an experiment of the past stands in control."""
    return cast(Engine, _OneArm(engine, experiment))


class _OneArm:
    """Makes the assignments, and an arm for a per-unit table; all else is passed on."""

    def __init__(self, engine: Engine, experiment: Experiment) -> None:
        self._engine, self._experiment = engine, experiment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        if role == "assignments":
            return self._assignments()
        table = self._engine.open_table(name, role, unit)
        return self._control_only(table, name) if role == "units" else table

    def _assignments(self) -> sa.TableClause:
        """Assign every eligible member; all members of a spec that draws nobody."""
        experiment = self._experiment
        arm = sa.literal(experiment.control, sa.Text).label(ARM)
        if experiment.assignment is None:
            assert experiment.data.members is not None
            table = self._engine.open_table(experiment.data.members, "members", experiment.unit)
            unit: Expr = column(experiment.unit)
            known = sa.select(as_text(unit).label(experiment.unit), arm).select_from(table)
            return self._engine.keep("loyalty_past", known.where(unit.is_not(None)).distinct())
        members = members_of(self._engine, experiment)
        items: list[Any] = [members.unit.label(experiment.unit), arm]
        if (entry := members.entry_day()) is not None:
            items.append(entry.label(ENTRY))
        chosen = sa.select(*items).select_from(members.table).where(members.eligible())
        return self._engine.keep("loyalty_past", chosen)

    def _control_only(self, table: sa.TableClause, shown: str) -> sa.TableClause:
        """Keep the control arm of a per-unit table; all of one that has no arm yet."""
        from loyalty_exp.outcomes.per_unit import arm_column, number_columns, numeric_predicates
        from loyalty_exp.outcomes.plan import plan

        experiment, name = self._experiment, arm_column(self._experiment)
        wanted = number_columns(plan(experiment)) | numeric_predicates(experiment)
        self._engine.numbers(table, shown, sorted(wanted))
        names = list(self._engine.columns(table))
        items: list[Any] = [column(n) for n in names]
        if name in names:
            whole = sa.select(*items).select_from(table).where(as_text(column(name)) == experiment.control)
        else:
            whole = sa.select(*items, sa.literal(experiment.control, sa.Text).label(name)).select_from(table)
        return self._engine.keep("loyalty_past", whole)
