"""The one grouped query: counts, sums and products of centered columns, by arm and segment.

Products are taken of ``x - c`` with a center ``c`` near the mean, so that money far from zero keeps its
digits.
Columns that no block needs together are not multiplied; a product that two blocks need is taken once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.outcomes.plan import Block, Plan
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.moments import Moments
from loyalty_exp.stats.skewness import skewness
from loyalty_exp.warehouse.atoms import Expr, double, not_number, number

Mask = frozenset[str]
"""Columns that must not be null for a unit to count; empty for most blocks."""

Label = tuple[str, ...] | tuple[str, Mask, str] | tuple[str, Mask, str, str]

ROUNDING = 1e-13
"""Part of a raw square below which a centered one is nothing but rounding."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which position of a result row holds what; the keys of the group come first."""

    keys: tuple[str, ...]
    labels: tuple[Any, ...]
    centers: Mapping[str, float]


def mask_of(block: Block, table: UnitTable) -> Mask:
    """Columns of a block that units may lack."""
    return frozenset(c for c in block.columns if table.values[c].droppable)


def grouped(
    table: UnitTable, plan: Plan, centers: Mapping[str, float], dimensions: Sequence[str], checks: bool
) -> tuple[sa.Select[Any], Layout]:
    """Write the query.

    Parameters
    ----------
    centers : mapping of column id to float
        Only those that are not 0.
    dimensions : sequence of segment ids
        Grouped by, together with the arm.
    checks : bool
        Whether counts for the contract are asked along.
    """
    inner = _centered(table, centers, dimensions, checks)
    keys = [inner.c["arm"], *(inner.c[f"segment:{d}"] for d in dimensions)]
    asked: dict[Any, Expr] = {("n",): sa.func.count()}
    if checks:
        asked |= _checks(table, inner)
    for block in plan.blocks:
        mask = mask_of(block, table)
        if mask:
            asked.setdefault(("n", mask), sa.func.sum(sa.case((_present(inner, mask), 1), else_=0)))
        for name in block.columns:
            asked.setdefault(("sum", mask, name), _sum(inner, mask, inner.c[name]))
        for a, b in pairs_of(block):
            if a == b and table.values[a].is_binary and not centers.get(a):
                continue
            asked.setdefault(("product", mask, a, b), _sum(inner, mask, inner.c[a] * inner.c[b]))
        if block.cubed is not None:
            x = double(inner.c[block.cubed])
            asked["cube", mask, block.cubed] = _sum(inner, mask, x * x * x)
    query = sa.select(*keys, *(e.label(f"v{i}") for i, e in enumerate(asked.values()))).select_from(inner)
    return query.group_by(*keys), Layout(("arm", *dimensions), tuple(asked), dict(centers))


def _centered(
    table: UnitTable, centers: Mapping[str, float], dimensions: Sequence[str], checks: bool
) -> sa.Subquery:
    items = [table.arm.label("arm"), *(table.dimensions[d].label(f"segment:{d}") for d in dimensions)]
    for name, value in table.values.items():
        x = value.expr if value.small_integer and not centers.get(name) else double(value.expr)
        items.append((x - number(centers[name]) if centers.get(name) else x).label(name))
        if checks and value.checked:
            items.append(value.raw.label(f"raw:{name}"))
    return table.select(*items).subquery("unit_table")


def pairs_of(block: Block) -> list[tuple[str, str]]:
    """Pairs of columns whose products a block needs, each in alphabetical order."""
    if not block.crossed:
        return [(name, name) for name in block.columns]
    return [(min(a, b), max(a, b)) for a, b in combinations_with_replacement(block.columns, 2)]


def _present(inner: sa.Subquery, mask: Mask) -> sa.ColumnElement[bool]:
    return sa.and_(*(inner.c[name].is_not(None) for name in sorted(mask)))


def _sum(inner: sa.Subquery, mask: Mask, x: Expr) -> Expr:
    return sa.func.sum(sa.case((_present(inner, mask), x)) if mask else x)


def _checks(table: UnitTable, inner: sa.Subquery) -> dict[Any, Expr]:
    """Count what breaks the contract, only where it is not known to be absent."""
    asked: dict[Any, Expr] = {}
    for name, value in table.values.items():
        if value.droppable:
            asked["present", name] = sa.func.count(inner.c[name])
        if not value.checked:
            continue
        raw = inner.c[f"raw:{name}"]
        if value.missing == "reject" and value.may_be_null:
            asked["filled", name] = sa.func.count(raw)
        elif value.may_be_null and value.missing == "zero":
            asked["null", name] = sa.func.count(raw)
        if (broken := broken_rule(value.check, raw)) is not None:
            asked["broken", name] = sa.func.sum(sa.case((broken, 1), else_=0))
    return asked


def broken_rule(check: str, raw: Expr) -> sa.ColumnElement[bool] | None:
    """Condition under which a value breaks a rule."""
    if check == "binary":
        return sa.and_(double(raw) != number(0), double(raw) != number(1))
    if check == "non_negative":
        return double(raw) < number(0)
    return None


def moments_of(row: Sequence[Any], layout: Layout, block: Block, table: UnitTable) -> Moments:
    """Turn one row of the result into the moments of a block."""
    at = {label: row[len(layout.keys) + i] for i, label in enumerate(layout.labels)}
    mask = mask_of(block, table)
    n = int(at["n", mask] or 0) if mask else int(at["n",])
    k = len(block.columns)
    if n == 0:
        return Moments(0, block.columns, np.zeros(k), np.zeros((k, k)))
    sums = np.array([float(at["sum", mask, name] or 0.0) for name in block.columns])
    raw = np.zeros((k, k))
    place = {name: i for i, name in enumerate(block.columns)}
    for a, b in pairs_of(block):
        i, j = place[a], place[b]
        raw[i, j] = raw[j, i] = float(at.get(("product", mask, a, b), sums[i]))
    with np.errstate(over="ignore", invalid="ignore"):
        comoment = raw - np.outer(sums, sums / n)
    if not block.crossed:
        comoment = np.diag(np.diag(comoment))
    diagonal = np.diag(comoment)
    flat = diagonal <= ROUNDING * np.diag(raw)
    comoment[flat, :] = 0.0
    comoment[:, flat] = 0.0
    mean = np.array([layout.centers.get(name, 0.0) for name in block.columns]) + sums / n
    return Moments(n, block.columns, mean, comoment)


def skewness_of(row: Sequence[Any], layout: Layout, block: Block, table: UnitTable) -> float | None:
    """Skewness of the column whose cubes a block asked for; None when nothing varies."""
    at = {label: row[len(layout.keys) + i] for i, label in enumerate(layout.labels)}
    mask, name = mask_of(block, table), block.cubed
    assert name is not None
    n = int(at["n", mask] or 0) if mask else int(at["n",])
    total = float(at["sum", mask, name] or 0.0)
    squares = float(at.get(("product", mask, name, name), total) or 0.0)
    found = skewness(n, total / n, squares, float(at["cube", mask, name] or 0.0)) if n else None
    return found if found is not None and math.isfinite(found) else None


def sampled(table: UnitTable, rows: int = 10_000) -> sa.Select[Any]:
    """Mean, least and largest of each column over the first rows, to choose provisional centers."""
    values = {name: double(v.expr).label(name) for name, v in table.values.items()}
    head = table.select(*values.values()).limit(rows).subquery("head")
    asked = [f(head.c[name]) for name in values for f in (sa.func.avg, sa.func.min, sa.func.max)]
    return sa.select(*asked).select_from(head)


def not_numbers(table: UnitTable) -> dict[str, sa.ColumnElement[bool]]:
    """Conditions for cells that are no numbers, on engines that let them in."""
    return {name: not_number(v.raw) for name, v in table.values.items() if v.checked}
