"""Event tables beside the transactions: opened, and held to their contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.outcomes.contract import column_breaches, type_breaches
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.times import TimeColumn, time_column
from loyalty_exp.outcomes.unit_table import is_textual
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.events import EventTable
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double, microseconds, not_finite, number
from loyalty_exp.warehouse.engine import Engine

COUNTED = ("points", "coupons", "perks", "contacts", "referrals", "exposures", "triggers")
"""Tables whose rows are counted, by their names under ``data:``."""

_VALUES = {"points": "points", "coupons": "subsidy", "perks": "quantity", "referrals": "reward"}
_KINDS = ("earn", "clawback", "redeem", "expire", "pending")


@dataclass(frozen=True, slots=True)
class Events:
    """One event table that some column asks for.

    Attributes
    ----------
    name : str
        As under ``data:``.
    unit, kind, lot, order, value : str or None
        Columns; None where the table has none.
    rows : int
    columns : tuple of UnitColumn
    """

    name: str
    shown: str
    table: sa.TableClause
    unit: str
    time: TimeColumn
    types: dict[str, str]
    kind: str | None
    lot: str | None
    order: str | None
    value: str | None
    rows: int
    columns: tuple[UnitColumn, ...]

    @property
    def used(self) -> list[str]:
        """Columns that are read, each once."""
        names = [
            self.kind,
            self.lot,
            self.order,
            self.value,
            *(p.field for c in self.columns for p in c.where),
        ]
        return list(dict.fromkeys(name for name in names if name is not None))

    def takes_back(self, x: sa.FromClause) -> sa.ColumnElement[bool] | None:
        """Condition of rows that take something back; None where a table has none."""
        if self.kind is not None:
            return as_text(x.c[f"c:{self.kind}"]) == sa.literal("clawback", sa.Text)
        if self.name in {"coupons", "referrals"} and self.value is not None:
            return double(x.c[f"c:{self.value}"]) < number(0)
        return None


def checked_events(
    engine: Engine, experiment: Experiment, tables: Tables, windows: Windows, columns: Sequence[UnitColumn]
) -> list[Events]:
    """Open the tables that columns ask for, and check them; a table without rows is left out.

    Raises
    ------
    ContractBreach
        With all that is wrong in all of them.
    """
    found: list[Events] = []
    breaches: list[Breach] = []
    for name in COUNTED:
        asked = tuple(c for c in columns if c.table == name)
        mapped = getattr(experiment.data, name)
        if not asked or mapped is None:
            continue
        try:
            events = _opened(engine, experiment, tables, windows, name, mapped, asked)
        except ContractBreach as broken:
            breaches += broken.breaches
        else:
            if events is not None:
                found.append(events)
    if breaches:
        raise ContractBreach(tuple(breaches))
    return found


def _opened(
    engine: Engine,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    name: str,
    mapped: EventTable,
    asked: tuple[UnitColumn, ...],
) -> Events | None:
    shown, unit = mapped.table, mapped.unit or experiment.unit
    table = engine.open_table(shown, name, unit)
    kind, lot, order = (getattr(mapped, key, None) for key in ("kind", "lot", "order"))
    value = getattr(mapped, _VALUES[name]) if name in _VALUES else None
    wanted = [unit, mapped.time, kind, lot, order, value, *(p.field for c in asked for p in c.where)]
    types = engine.columns(table)
    if breaches := column_breaches(shown, types, [x for x in wanted if x is not None]):
        raise ContractBreach(tuple(breaches))
    numbers = [value] if value else []
    breaches = engine.numbers(table, shown, numbers)
    types = engine.columns(table)
    breaches += type_breaches(shown, types, [x for x in numbers if x not in {b.column for b in breaches}])
    if breaches:
        raise ContractBreach(tuple(breaches))
    rows, breaches = _row_breaches(engine, table, shown, unit, kind, value, types, name)
    if breaches:
        raise ContractBreach(tuple(breaches))
    if not rows:
        return None
    time = _time(engine, experiment, tables, windows, table, shown, types, mapped.time)
    return Events(name, shown, table, unit, time, types, kind, lot, order, value, rows, asked)


def _row_breaches(
    engine: Engine,
    table: sa.TableClause,
    shown: str,
    unit: str,
    kind: str | None,
    value: str | None,
    types: dict[str, str],
    name: str,
) -> tuple[int, list[Breach]]:
    """Count the rows, and what is wrong in them, in one pass."""
    missing: Expr = column(unit).is_(None)
    if is_textual(types[unit]) or not types[unit]:
        missing = sa.or_(missing, column(unit) == "")
    checks: list[tuple[str, str, str, Expr]] = [(unit, "unit_not_null", "the unit id is missing", missing)]
    if kind is not None:
        known = as_text(column(kind)).in_([sa.literal(k, sa.Text) for k in _KINDS])
        message = f"must be one of {', '.join(_KINDS)}"
        checks.append((kind, "known_kind", message, sa.not_(sa.func.coalesce(known, sa.false()))))
    if value is not None:
        x = column(value)
        checks.append((value, "not_null", "values are missing; write 0 for none", x.is_(None)))
        checks.append((value, "finite", "holds NaN or infinite values", not_finite(double(x))))
        if name == "points":
            message = "points must be whole numbers; round them once an order, as the program does"
            checks.append((value, "whole", message, _fractional(engine, x, types[value])))
        if name in {"points", "perks"}:
            message = "must not be negative" + (
                "; the kind says what takes points away" if name == "points" else ""
            )
            checks.append((value, "non_negative", message, double(x) < number(0)))
    sums = [sa.func.sum(sa.case((condition, 1), else_=0)) for *_, condition in checks]
    rows, *counts = engine.fetch(sa.select(sa.func.count(), *sums).select_from(table))[0]
    breaches = []
    for (where, rule, message, condition), count in zip(checks, counts, strict=True):
        if count:
            found, examples = located(engine, table, condition)
            breaches.append(Breach(shown, where, rule, message, found, examples))
    return int(rows), breaches


def _fractional(engine: Engine, x: Expr, type_name: str) -> Expr:
    """Condition of a number with a fraction; numbers without one are not asked."""
    if "INT" in type_name:
        return sa.false()
    floor = sa.cast(x, sa.Integer) if engine.dialect.name == "sqlite" else sa.func.floor(double(x))
    return double(x) != floor


def _time(
    engine: Engine,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    table: sa.TableClause,
    shown: str,
    types: dict[str, str],
    name: str,
) -> TimeColumn:
    """Look at the time; a day counts as its local midnight where transactions have moments."""
    time = time_column(engine, table, shown, types, name, tables.mapped.naive_time_zone)
    if time.is_date == tables.time.is_date:
        return time
    if not time.is_date or not windows.clock.local:
        other = "days" if tables.time.is_date else "moments"
        message = f"holds {'days' if time.is_date else 'moments'}, and the transactions hold {other}"
        where = "" if time.is_date else "; write both one way"
        raise ContractBreach((Breach(shown, name, "time", message + where),))
    zone, x = windows.clock.zone, column(name)
    if engine.dialect.name == "sqlite":
        moment = microseconds(x.concat("T00:00:00"), "text", zone)
    elif time.kind == "text":
        moment = microseconds(sa.cast(x, sa.Date), "naive", zone)
    else:
        moment = microseconds(x, "naive", zone)
    least, largest = engine.fetch(sa.select(sa.func.min(moment), sa.func.max(moment)).select_from(table))[0]
    return TimeColumn(name, time.kind, True, moment, int(least), int(largest))
