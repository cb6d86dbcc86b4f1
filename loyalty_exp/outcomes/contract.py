"""The contract of a table before any row is counted: its columns, their types, its unit ids."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from loyalty_exp.errors import Breach
from loyalty_exp.outcomes.breaches import located
from loyalty_exp.outcomes.unit_table import is_numeric, is_textual
from loyalty_exp.warehouse.atoms import as_text, column
from loyalty_exp.warehouse.engine import Engine

MOST_IN_TWO_ARMS = 0.01
"""Share of units in two arms above which the assignment is broken."""


def column_breaches(shown: str, types: Mapping[str, str], expected: Iterable[str]) -> list[Breach]:
    """Columns that the spec names and the table lacks."""
    breaches = []
    for name in dict.fromkeys(expected):
        if name in types:
            continue
        near = difflib.get_close_matches(name, list(types), n=3, cutoff=0.6)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        found = ", ".join(list(types)[:30]) + (" ..." if len(types) > 30 else "")
        breaches.append(Breach(shown, name, "column", f"there is no such column{hint}; found: {found}"))
    return breaches


def type_breaches(shown: str, types: Mapping[str, str], numbers: Iterable[str]) -> list[Breach]:
    """Number columns that hold something else."""
    return [
        Breach(shown, name, "number", f"must hold numbers, not {types[name]}; store it as a number")
        for name in dict.fromkeys(numbers)
        if name in types and not is_numeric(types[name])
    ]


def unit_breaches(
    engine: Engine, table: sa.FromClause, shown: str, unit: str, type_name: str
) -> list[Breach]:
    """Unit ids that are missing or stand twice.

    A table sorted by unit is proven unique by one scan; only others pay for a sort.
    """
    x = column(unit)
    before = sa.select(x.label("x"), sa.func.lag(x).over().label("before")).select_from(table).subquery()
    empty = before.c.x == "" if is_textual(type_name) or not type_name else sa.false()
    rows, filled, blank, unsorted = engine.fetch(
        sa.select(
            sa.func.count(),
            sa.func.count(before.c.x),
            sa.func.sum(sa.case((empty, 1), else_=0)),
            sa.func.sum(sa.case((before.c.x <= before.c.before, 1), else_=0)),
        )
    )[0]
    if not rows:
        return [Breach(shown, "", "not_empty", "the table has no rows")]
    breaches = []
    if filled < rows or blank:
        missing = x.is_(None)
        condition = sa.or_(missing, x == "") if is_textual(type_name) or not type_name else missing
        count, examples = located(engine, table, condition)
        breaches.append(Breach(shown, unit, "unit_not_null", "the unit id is missing", count, examples))
    if unsorted and (twice := engine.repeated(sa.select(x.label("x")).select_from(table))):
        more = sum(int(count) - 1 for _, count in twice)
        count, examples = located(engine, table, x.in_([sa.literal(v) for v, _ in twice[:200]]))
        message = f"must be unique: {len(twice):,} ids stand in more than one row ({more:,} rows too many)"
        breaches.append(Breach(shown, unit, "unique", message, max(count, more), examples))
    return breaches


def currency_breaches(
    engine: Engine, table: sa.FromClause, shown: str, name: str, wanted: str | None
) -> list[Breach]:
    """Rows in another currency than the program's; where it names none, rows that differ from the first."""
    found = as_text(column(name))
    expected = wanted or engine.scalar(sa.select(sa.func.min(sa.func.nullif(found, ""))).select_from(table))
    other = sa.or_(found.is_(None), found != sa.literal(expected or "", sa.Text), found == "")
    if not engine.scalar(sa.select(sa.func.count()).select_from(table).where(other)):
        return []
    count, examples = located(engine, table, other)
    rows = sa.select(found.label("found"), sa.func.count().label("n")).select_from(table).where(other)
    seen = rows.group_by(found).subquery("seen")
    most = sa.select(seen.c.found).order_by(seen.c.n.desc(), seen.c.found).limit(4)
    others = ", ".join(dict.fromkeys(_currency_words(value) for (value,) in engine.fetch(most)))
    if wanted:
        message = (
            f"must be {wanted} in every row, as the program says, but there is {others}; convert the amounts"
        )
    elif expected:
        mixed = f"{_currency_words(expected)}, {others}"
        message = (
            f"must be one currency, but there is {mixed}; convert the amounts, name it in program.currency"
        )
    else:
        message = "the currency is missing"
    return [Breach(shown, name, "one_currency", message, count, examples)]


def _currency_words(value: str | None) -> str:
    """Show what looks like a currency; anything else may be a secret of a member."""
    if value is None or not value.strip():
        return "an empty cell"
    if re.fullmatch(r"[A-Za-z]{1,4}", value.strip()):
        return value if value == value.strip() else f"'{value}'"
    return "text that is no currency code"


def units_in_two_arms(engine: Engine, table: sa.FromClause, unit: str, arm: str) -> int | None:
    """Count units that stand once in each of several arms; None when one stands twice in an arm."""
    x, rows, arms = column(unit), sa.func.count(), sa.func.count(as_text(column(arm)).distinct())
    twice = (
        sa.select(rows.label("rows"), arms.label("arms"))
        .select_from(table)
        .group_by(x)
        .having(rows > 1)
        .subquery()
    )
    units, same = engine.fetch(
        sa.select(
            sa.func.count(), sa.func.sum(sa.case((twice.c.rows > twice.c.arms, 1), else_=0))
        ).select_from(twice)
    )[0]
    return None if same else int(units)


def once_only(table: sa.FromClause, unit: str, types: Mapping[str, str]) -> sa.FromClause:
    """Leave out units that stand in more than one row."""
    x = column(unit)
    once = sa.select(x).select_from(table).group_by(x).having(sa.func.count() == 1)
    return sa.select(*(column(name) for name in types)).select_from(table).where(x.in_(once)).subquery("once")
