"""Windows as moments: every boundary is a number of microseconds since 1970-01-01 UTC.

Local days are turned into moments here, once a day of the calendar, so that no row of the transactions has to
be moved between time zones and a day with a clock change has its 23 or 25 hours.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_exp.warehouse.atoms import Expr

DAY = 86_400_000_000
"""Microseconds."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def midnight(day: dt.date, zone: str) -> int:
    """Give the moment at which a local day begins; after a gap at midnight, its first moment."""
    local = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return round((local - _EPOCH) / dt.timedelta(microseconds=1)) if zone == "UTC" else _micros(local)


def _micros(moment: dt.datetime) -> int:
    return (moment.astimezone(dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


def day_of(micros: int, zone: str) -> dt.date:
    """Give the local day of a moment."""
    return (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(ZoneInfo(zone)).date()


def text_of_moment(micros: int) -> str:
    """Write a moment in UTC, for a literal."""
    return (_EPOCH + dt.timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%S.%f")


@dataclass(frozen=True, slots=True)
class Clock:
    """How assignment times and days become boundaries.

    Attributes
    ----------
    local : bool
        Days begin at local midnight; else a day is 86,400 seconds after the moment of assignment.
    zone : str
        Of local days; UTC where transactions carry dates, which compare with dates.
    assigned_zone : str
        In which an assignment time is read as a day: UTC where it is a date already.
    fixed : date or None
        The one day of assignment, where the spec gives it for all.
    first, last : date
        Range of the days of assignment.
    """

    local: bool
    zone: str
    assigned_zone: str
    fixed: dt.date | None
    first: dt.date
    last: dt.date

    def moment(self, day: dt.date, shift: int = 0) -> int:
        """Give the moment at which a day, some days later, begins."""
        later = day + dt.timedelta(days=shift)
        return midnight(later, self.zone) if self.local else midnight(day, self.zone) + shift * DAY

    def end_of_data(self, data_to: dt.date) -> int:
        """Give the moment up to which the data are complete."""
        return midnight(data_to + dt.timedelta(days=1), self.zone)

    def calendar(self, shifts: tuple[int, ...]) -> sa.CTE:
        """Write one row a day of assignment: its range, and its boundaries."""
        span = (self.last - self.first).days + 1
        names = ["day_from", "day_to", *(boundary(shift) for shift in shifts)]
        rows = []
        for day in (self.first + dt.timedelta(days=i) for i in range(span)):
            ends = (midnight(day + dt.timedelta(days=i), self.assigned_zone) for i in (0, 1))
            rows.append((*ends, *(self.moment(day, shift) for shift in shifts)))
        columns = [sa.column(name, sa.BigInteger) for name in names]
        return sa.values(*columns, name="calendar", literal_binds=True).data(rows).cte("calendar")


def big(value: int) -> Expr:
    """Write a 64-bit integer."""
    return sa.cast(sa.literal(value, sa.BigInteger), sa.BigInteger)


def boundary(shift: int) -> str:
    """Name the boundary some days after assignment, or before."""
    return f"day_{'minus' if shift < 0 else 'plus'}_{abs(shift)}"


def outside(at: Expr, ranges: Sequence[tuple[int, int]]) -> list[sa.ColumnElement[bool]]:
    """Conditions that a moment lies in none of some ranges; an unknown one stays."""
    return [sa.or_(at.is_(None), at < big(low), at >= big(high)) for low, high in ranges]
