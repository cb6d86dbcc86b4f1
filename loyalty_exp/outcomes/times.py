"""What a time column really holds, looked at before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.warehouse.atoms import Expr, TimeKind, column, kind_of, microseconds, names_zone
from loyalty_exp.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """A time column, its kind, and its moments.

    Attributes
    ----------
    is_date : bool
        True when it holds days, as dates or as text.
    least, largest : int
        Microseconds since 1970-01-01 UTC.
    """

    name: str
    kind: TimeKind
    is_date: bool
    micros: Expr
    least: int
    largest: int


def time_column(
    engine: Engine, table: sa.FromClause, shown: str, types: Mapping[str, str], name: str, zone: str | None
) -> TimeColumn:
    """Look at a time column.

    Raises
    ------
    ContractBreach
        For numbers, for text that is no ISO time, for a mix of days and moments, for missing times, and for
        moments without a time zone where the spec does not name one.
    """
    kind = kind_of(types[name])
    if kind is None:
        message = (
            f"must be a date or a timestamp, not {types[name]}; numbers of seconds are not read as times"
        )
        raise ContractBreach((Breach(shown, name, "time", message),))
    x = column(name)
    is_date = kind == "date"
    if engine.dialect.name == "sqlite":
        kind = "text"
    if kind == "text":
        is_date = _text_of_days(engine, table, shown, name)
        if not is_date:
            _zones(engine, table, shown, name, zone, sa.not_(names_zone(x)))
    elif kind == "naive" and not zone:
        _zones(engine, table, shown, name, zone, sa.true())
    micros = microseconds(x, kind, "" if is_date else zone or "")
    rows, filled, least, largest = engine.fetch(_span(table, x, micros, kind, zone))[0]
    if filled < rows:
        count, examples = located(engine, table, micros.is_(None))
        message = "must hold a time in every row, written as 2026-04-01T10:00:00+02:00 or 2026-04-01"
        raise ContractBreach((Breach(shown, name, "time", message, count, examples),))
    if not rows:
        raise ContractBreach((Breach(shown, "", "not_empty", "the table has no rows"),))
    return TimeColumn(name, kind, is_date, micros, int(least), int(largest))


def _span(table: sa.FromClause, x: Expr, micros: Expr, kind: TimeKind, zone: str | None) -> sa.Select[Any]:
    """Rows, filled rows, first and last moment.

    Dates and instants keep their order as microseconds, so that only the ends are converted, and a file that
    carries the ends of its parts is not read at all.
    """
    count = (sa.func.count().label("n"), sa.func.count(x).label("filled"))
    if kind not in {"date", "instant"}:
        filled = sa.func.count(micros)
        return sa.select(count[0], filled, sa.func.min(micros), sa.func.max(micros)).select_from(table)
    ends = sa.select(*count, sa.func.min(x).label("least"), sa.func.max(x).label("largest"))
    inner = ends.select_from(table).subquery("ends")
    least, largest = (microseconds(column(c), kind, zone or "") for c in ("least", "largest"))
    return sa.select(inner.c.n, inner.c.filled, least, largest).select_from(inner)


def _text_of_days(engine: Engine, table: sa.FromClause, shown: str, name: str) -> bool:
    length = sa.func.length(column(name))
    shortest, longest = engine.fetch(sa.select(sa.func.min(length), sa.func.max(length)).select_from(table))[
        0
    ]
    if shortest is not None and shortest <= 10 < longest:
        count, examples = located(engine, table, length <= 10)
        message = "holds days in some rows and moments in others; write all one way"
        raise ContractBreach((Breach(shown, name, "time", message, count, examples),))
    return longest is None or longest <= 10


def _zones(
    engine: Engine, table: sa.FromClause, shown: str, name: str, zone: str | None, without: Expr
) -> None:
    if zone:
        return
    count, examples = located(engine, table, without)
    if count:
        message = (
            "holds times without a time zone; say which zone they are in with transactions.naive_time_zone"
        )
        raise ContractBreach((Breach(shown, name, "time_zone", message, count, examples),))
