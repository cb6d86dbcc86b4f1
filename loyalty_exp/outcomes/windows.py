"""The windows of one experiment: lengths, boundaries, and whether they are over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.clock import DAY, Clock, big, boundary, day_of
from loyalty_exp.outcomes.outcomes import Finding
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.schedule import Schedule

LONGEST = 3_660
"""Days between the first assignment and the last."""


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows.

    Attributes
    ----------
    shifts : tuple of int
        Boundaries needed, in days after assignment.
    main : int
        Days of the schedule's outcome window, or of the longest one.
    low, high : int
        Range of moments that any window of transactions touches, and that the data hold completely.
    events_high : int
        The same end for events of other tables, which may be taken back later.
    end_of_data : int
        Moment after the last complete day.
    assigned_before : int or None
        Moment from which an assignment is too late.
    earliest : int
        Moment of the first assignment.
    left_out : tuple of (int, int)
        Half-open ranges of moments that count in no window: days of the calendar that are censored.
    """

    clock: Clock
    schedule: Schedule
    shifts: tuple[int, ...]
    main: int
    low: int
    high: int
    end_of_data: int
    data_to: dt.date
    assigned_before: int | None
    earliest: int
    latest_day: dt.date
    events_high: int = 0
    left_out: tuple[tuple[int, int], ...] = ()

    @property
    def begins(self) -> str:
        """Name of the boundary at which outcomes begin."""
        return boundary(0)

    def days(self, asked: UnitColumn) -> int:
        """Length of the window of a column."""
        return length(asked, self.schedule)

    def lengths(self, columns: Sequence[UnitColumn], window: str) -> tuple[int, ...]:
        """Lengths of all windows of one kind."""
        return tuple(sorted({self.days(c) for c in columns if c.window == window}))

    def is_over(self, members: sa.FromClause, days: int) -> sa.ColumnElement[bool]:
        """Condition that a window is over."""
        over: sa.ColumnElement[bool] = members.c[boundary(days)] <= big(self.end_of_data)
        return over

    def can_be_open(self, days: int) -> bool:
        """Tell whether the window of any unit may still be open."""
        return self.clock.moment(self.latest_day, days) + (0 if self.clock.local else DAY) > self.end_of_data

    def immature_finding(self, immature: Mapping[str, int], units: int, kept: bool) -> Finding:
        """Tell of units whose window was not over."""
        count = sum(immature.values())
        detail = {"days": self.main, "data_to": self.data_to.isoformat(), "kept": kept, **dict(immature)}
        return Finding("immature", count, share=count / units if units else None, detail=detail)


def length(asked: UnitColumn, schedule: Schedule) -> int:
    """Days of a column's window: its own, else the schedule's."""
    days = schedule.pre_days if asked.window == "pre" else asked.days or schedule.outcome_days
    if not days:
        missing = "schedule.pre_days" if asked.window == "pre" else "schedule.outcome_days"
        raise EngineError(f"'{asked.id}' needs {missing}")
    return days


def windows_of(
    experiment: Experiment, tables: Tables, columns: tuple[UnitColumn, ...], data_to: dt.date | None
) -> Windows:
    """Lay out all windows of an experiment."""
    schedule = experiment.schedule
    clock = clock_of(experiment, tables)
    summed = [c for c in columns if c.kind not in {"column", "known", "within"}]
    sold = [c for c in summed if c.of_transactions]
    ends = {length(c, schedule) for c in summed if c.window == "outcome"} | {schedule.outcome_days or 0}
    ends.discard(0)
    pre = {length(c, schedule) for c in summed if c.window == "pre"}
    later = {e + schedule.refund_days for e in ends}
    refunds = later if tables.mapped.refund_of else set()
    counted = later if len(sold) < len(summed) else set()
    shifts = tuple(sorted({0} | ends | {-p for p in pre} | refunds | counted))
    last = max({0} | ends | refunds)
    given = [day for day in (schedule.data_to, data_to) if day is not None]
    last_day = min(given) if given else day_of(tables.time.largest, clock.zone)
    end_of_data = clock.end_of_data(last_day)
    return Windows(
        clock=clock,
        schedule=schedule,
        shifts=shifts,
        main=schedule.outcome_days or max(ends, default=0),
        low=clock.moment(clock.first, shifts[0]),
        high=_until(clock, last, end_of_data),
        events_high=_until(clock, shifts[-1], end_of_data),
        end_of_data=end_of_data,
        data_to=last_day,
        assigned_before=_too_late(schedule, clock),
        earliest=clock.moment(clock.first, 0),
        latest_day=clock.last,
        left_out=_left_out(experiment, clock, schedule.outcome_days or max(ends, default=0)),
    )


def _left_out(experiment: Experiment, clock: Clock, days: int) -> tuple[tuple[int, int], ...]:
    """Ranges of the events of the calendar whose days are left out.

    Raises
    ------
    Refused
        If the outcome windows of all units lie within one of them.
    """
    events = {e.id: e for e in experiment.program.calendar}
    found = []
    for conflict in experiment.schedule.calendar_conflicts:
        event = events.get(conflict.event)
        if conflict.policy != "censor" or event is None:
            continue
        low, high = clock.moment(event.from_), clock.moment(event.to + dt.timedelta(days=1))
        if low <= clock.moment(clock.first) and clock.moment(clock.last, days) <= high:
            raise Refused(
                f"schedule.calendar_conflicts: without the days of '{event.id}' nothing is left of the "
                "outcome windows. Choose other days, or policy: annotate."
            )
        found.append((low, high))
    return tuple(found)


def _until(clock: Clock, shift: int, end_of_data: int) -> int:
    return min(clock.moment(clock.last, shift) + (0 if clock.local else DAY), end_of_data)


def _too_late(schedule: Schedule, clock: Clock) -> int | None:
    from loyalty_exp.outcomes.clock import midnight

    return midnight(schedule.end + dt.timedelta(days=1), clock.zone) if schedule.end else None


def clock_of(experiment: Experiment, tables: Tables) -> Clock:
    """Choose between local days and seconds."""
    zone = "UTC" if tables.time.is_date else experiment.program.timezone
    assigned = tables.assigned_time
    if assigned is None:
        start = experiment.schedule.start
        if start is None:
            raise EngineError("data.assignments has no time column; give schedule.start")
        return Clock(True, zone, zone, start, start, start)
    local = tables.time.is_date or assigned.is_date
    if local and experiment.schedule.windows == "utc_seconds":
        which = "transactions" if tables.time.is_date else "assignments"
        raise EngineError(
            f"schedule.windows is utc_seconds, but the times of data.{which} are dates; give timestamps, or "
            "write windows: auto"
        )
    if not local and experiment.schedule.windows != "auto":
        local = experiment.schedule.windows == "local_days"
    if not local:
        first, last = day_of(assigned.least, zone), day_of(assigned.largest, zone)
        return Clock(False, zone, zone, None, first, last)
    assigned_zone = "UTC" if assigned.is_date else experiment.program.timezone
    first, last = day_of(assigned.least, assigned_zone), day_of(assigned.largest, assigned_zone)
    if (last - first).days > LONGEST:
        raise EngineError(
            f"assignments run from {first} to {last}; more than {LONGEST:,} days is surely a mistake"
        )
    fixed = first if first == last else None
    return Clock(True, zone, assigned_zone, fixed, first, last)
