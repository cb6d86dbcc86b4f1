"""Days since assignment, counted as windows are, in periods: days of a short window, else weeks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.clock import DAY, Clock, big, midnight
from loyalty_exp.warehouse.atoms import Expr, as_text

MOST = 31
"""Periods of one window: the days of a month, or as many weeks."""

MOST_ROWS = 10_000_000
"""Rows of units and periods that are kept beside the units; where there would be more, periods are longer."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """A column over transactions, by period: whole, or only some days or categories of it.

    Attributes
    ----------
    column : UnitColumn
    first_days : int or None
        Only transactions on so many days since assignment.
    category : str or None
        Column of the transactions that holds one of ``categories``; a refund has that of its own row.
    categories : tuple of str
    """

    column: UnitColumn
    first_days: int | None = None
    category: str | None = None
    categories: tuple[str, ...] = ()

    def holds(self, sales: sa.FromClause) -> list[sa.ColumnElement[bool]]:
        """Conditions on transactions, which know what time has ``passed``."""
        tests: list[sa.ColumnElement[bool]] = []
        if self.first_days is not None:
            tests.append(sales.c.passed < big(self.first_days * DAY))
        if self.category is not None:
            found = as_text(sales.c[f"c:{self.category}"])
            tests.append(found.in_([sa.literal(name, sa.Text) for name in self.categories]))
        return tests


@dataclass(frozen=True, slots=True)
class Periods:
    """Periods of a window.

    Attributes
    ----------
    step : int
        Days of a period; the last one may be shorter.
    last : int
        Days of the window.
    local : bool
        Whether days begin at local midnight.
    offsets : tuple of (int or None, int)
        Local time less UTC up to a moment, both in microseconds; the last one has no end.
    """

    step: int
    last: int
    local: bool
    offsets: tuple[tuple[int | None, int], ...]

    @property
    def ends(self) -> tuple[int, ...]:
        """Days since assignment at the end of each period."""
        return (*range(self.step, self.last, self.step), self.last)

    def passed(self, at: Expr, begins: Expr) -> Expr:
        """Microseconds since assignment; with local days, by the wall clock since that day began."""
        if not self.local:
            return at - begins
        first = self._wall(begins)
        return self._wall(at) - (first - first % big(DAY))

    def begun(self, passed: Expr) -> Expr:
        """Give the begin of the period of a moment; what counts later counts in the last one."""
        start = passed - passed % big(self.step * DAY)
        last = big((len(self.ends) - 1) * self.step * DAY)
        return sa.case((start > last, last), else_=start)

    def place(self, begun: int) -> int:
        """Number of a period, from 0."""
        return begun // (self.step * DAY)

    def _wall(self, moment: Expr) -> Expr:
        *changes, (_, usual) = self.offsets
        if not changes:
            return moment + big(usual) if usual else moment
        whens = [(moment < big(until), big(offset)) for until, offset in changes if until is not None]
        return moment + sa.case(*whens, else_=big(usual))


def periods_of(clock: Clock, days: int, units: int) -> Periods:
    """Choose days where there are few enough, of so many units, else one or more whole weeks."""
    most = min(MOST, max(MOST_ROWS // max(units, 1), 1))
    step = 1 if days <= most else 7 * -(-days // (7 * most))
    last = clock.last + dt.timedelta(days=days)
    return Periods(step, days, clock.local, _offsets(clock.zone, clock.first, last) if clock.local else ())


def _offsets(zone: str, first: dt.date, last: dt.date) -> tuple[tuple[int | None, int], ...]:
    """Offsets from UTC between two days: one, or more where clocks change."""
    at, end = midnight(first, zone), midnight(last, zone) + DAY
    found: list[tuple[int | None, int]] = []
    now = _offset(at, zone)
    while at < end:
        at += DAY
        if (then := _offset(at, zone)) != now:
            found.append((_change(at - DAY, at, zone), now))
            now = then
    return (*found, (None, now))


def _change(low: int, high: int, zone: str) -> int:
    """Moment between two at which the offset changes."""
    before = _offset(low, zone)
    while high - low > 1_000_000:
        middle = (low + high) // 2_000_000 * 1_000_000
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(moment: int, zone: str) -> int:
    here = (_EPOCH + dt.timedelta(microseconds=moment)).astimezone(ZoneInfo(zone)).utcoffset()
    return (here or dt.timedelta()) // dt.timedelta(microseconds=1)
