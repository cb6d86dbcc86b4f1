"""What the grouped query shows to be broken, told with table, column, count and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.errors import Breach
from loyalty_exp.outcomes.products import broken_rule, not_numbers
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.warehouse.atoms import Expr, double, not_finite
from loyalty_exp.warehouse.engine import Engine

if TYPE_CHECKING:
    from loyalty_exp.outcomes.answer import Answer

MOST_UNKNOWN = 20
"""Arms beyond those of the spec that a mistaken column of arms may hold; more values are something else."""

_RULES = {"binary": "must be 0 or 1", "non_negative": "must not be negative"}


def located(engine: Engine, rows: sa.FromClause, condition: Expr) -> tuple[int, tuple[str, ...]]:
    """Count the rows that satisfy a condition, and give the numbers of the first three."""
    numbered = (
        sa.select(sa.func.row_number().over().label("r"), condition.label("bad")).select_from(rows).subquery()
    )
    query = sa.select(sa.func.count().over(), numbered.c.r).where(numbered.c.bad)
    found = engine.fetch(query.order_by(numbered.c.r).limit(3))
    return (int(found[0][0]), tuple(str(row[1]) for row in found)) if found else (0, ())


def arm_breaches(engine: Engine, table: UnitTable, answer: Answer, arms: Sequence[str]) -> list[Breach]:
    """Unknown, missing and empty arms."""
    breaches = []
    n = answer.layout.labels.index(("n",))
    counts: dict[Any, int] = {}
    for key, figures in zip(answer.keys, answer.figures, strict=True):
        counts[key[0]] = counts.get(key[0], 0) + int(figures[n])
    missing = sum(count for arm, count in counts.items() if arm is None or arm == "")
    if missing:
        count, examples = located(engine, table.rows, sa.or_(table.arm.is_(None), table.arm == ""))
        message = "the arm is missing; leave out rows that are not part of the experiment"
        breaches.append(Breach(table.name, table.arm_column, "arm_not_null", message, count, examples))
    unknown = sorted(arm for arm in counts if arm and arm not in arms)
    if unknown:
        message = unknown_arms(unknown, arms)
        count, examples = located(engine, table.rows, table.arm.in_(unknown[:1000]))
        breaches.append(Breach(table.name, table.arm_column, "known_arm", message, count, examples))
    for arm in arms:
        if not counts.get(arm):
            message = f"arm {arm} has 0 members"
            breaches.append(Breach(table.name, table.arm_column, "empty_arm", message))
    return breaches


def unknown_arms(found: Sequence[str], arms: Sequence[str]) -> str:
    """Say which arms the spec does not name; values too many to be arms may be ids and are not told."""
    known = ", ".join(map(repr, arms[:10])) + (" ..." if len(arms) > 10 else "")
    if len(found) > len(arms) + MOST_UNKNOWN:
        return f"holds {len(found):,} values, hardly all arms; the spec names {known}; name another column"
    named = ", ".join(repr(arm[:40]) for arm in found[:3]) + (" ..." if len(found) > 3 else "")
    return f"holds arms that the spec does not name: {named}; the spec names {known}"


def value_breaches(engine: Engine, table: UnitTable, answer: Answer) -> list[Breach]:
    """Values that are no numbers, not finite, missing, or outside their range."""
    labels = answer.layout.labels
    with np.errstate(over="ignore", invalid="ignore"):
        totals = answer.figures.sum(axis=0)
    at = dict(zip(labels, totals, strict=True))
    n = at["n",]
    if strange := _not_numbers(engine, table):
        return strange
    breaches = []
    odd = {label[2] for label in labels if label[0] == "sum" and not np.isfinite(at[label])}
    for name, value in table.values.items():
        if name in odd and (breach := _not_finite(engine, table, name)):
            breaches.append(breach)
            continue
        if ("filled", name) in at and at["filled", name] < n:
            count, examples = located(engine, table.rows, value.raw.is_(None))
            message = "values are missing; say what that means with missing: zero or missing: drop"
            breaches.append(Breach(value.where, value.column, "not_null", message, count, examples))
        if at.get(("broken", name), 0):
            condition = broken_rule(value.check, value.raw)
            assert condition is not None
            count, examples = located(engine, table.rows, condition)
            breaches.append(
                Breach(value.where, value.column, value.check, _RULES[value.check], count, examples)
            )
    return list({(b.table, b.column, b.rule): b for b in breaches}.values())


def _not_finite(engine: Engine, table: UnitTable, name: str) -> Breach | None:
    """Tell of values that are not finite; a sum may also leave the range of numbers without one."""
    value = table.values[name]
    count, examples = located(engine, table.rows, not_finite(double(value.raw)))
    if not count:
        return None
    message = "holds NaN or infinite values; leave the cell empty where nothing is known"
    return Breach(value.where, value.column, "finite", message, count, examples)


def _not_numbers(engine: Engine, table: UnitTable) -> list[Breach]:
    if engine.dialect.name != "sqlite":
        return []
    breaches = []
    for name, condition in not_numbers(table).items():
        count, examples = located(engine, table.rows, condition)
        if count:
            value = table.values[name]
            message = "holds text that is not a number"
            breaches.append(Breach(value.where, value.column, "number", message, count, examples))
    return breaches
