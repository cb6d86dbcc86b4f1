"""Second moments of running sums, from rows that exist only where something happened.

A running sum changes only in periods with a row, and the products of two running sums ``A`` and ``B`` then
change by ``A b + B a - a b``, where ``a`` and ``b`` are what the period adds. So the engine adds up changes,
by arm and period, and never lays out a member times all periods; the sums of the changes are the products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.outcomes.products import ROUNDING
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.moments import Moments
from loyalty_exp.warehouse.atoms import Expr, column, double, number

Key = tuple[str, str]
"""An arm, and a stratum or a cluster size in it; empty text where there is neither."""

Sheet = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Who:
    """Units that count: entities with an arm, a key and centered covariates.

    Attributes
    ----------
    units : subquery
        ``code``, ``arm``, ``key``, ``entity`` and ``z0``, ``z1``, ... of each unit.
    entities : subquery or None
        The same of each cluster, summed, with its size as key; None where units are the entities.
    covariates : tuple of str
    centers : tuple of float
        Subtracted from each unit's covariate.
    """

    units: sa.Subquery
    entities: sa.Subquery | None
    covariates: tuple[str, ...]
    centers: tuple[float, ...]


def who_counts(
    table: UnitTable, covariates: Sequence[str], centers: Sequence[float], present: Sequence[str]
) -> Who:
    """Choose the units that have all columns of the money.

    Parameters
    ----------
    present : sequence of str
        Columns that units may lack; those that lack one do not count.
    """
    by_cluster = table.cluster is not None
    key = table.stratum if table.stratum is not None and not by_cluster else sa.literal("", sa.Text)
    entity = table.cluster if by_cluster else column("code")
    assert entity is not None
    z = [double(table.values[c].expr) - number(m) for c, m in zip(covariates, centers, strict=True)]
    labeled = [x.label(f"z{i}") for i, x in enumerate(z)]
    query = table.select(
        column("code").label("code"),
        table.arm.label("arm"),
        key.label("key"),
        entity.label("entity"),
        *labeled,
    ).where(*(table.values[name].expr.is_not(None) for name in present))
    units = query.subquery("counted")
    if not by_cluster:
        return Who(units, None, tuple(covariates), tuple(centers))
    sums = [sa.func.sum(units.c[f"z{i}"]).label(f"z{i}") for i in range(len(z))]
    sized = sa.select(units.c.arm, units.c.entity, sa.func.count().label("key"), *sums)
    entities = sized.group_by(units.c.arm, units.c.entity).subquery("sized")
    return Who(units, entities, tuple(covariates), tuple(centers))


def steps(
    rows: sa.FromClause, who: Who, columns: Sequence[str], caps: Mapping[str, Mapping[str, float]]
) -> sa.Subquery:
    """Write what each entity added in each period: ``arm, key, entity, period, x0, x1, ..., z0, z1, ...``.

    Parameters
    ----------
    rows : table
        ``code``, ``period`` and the columns, a row a unit and period.
    caps : mapping of column to mapping of arm to float
        Most that a unit's sum may reach; the arm ``""`` stands for all.
    """
    u = who.units
    x: list[Expr] = [double(rows.c[name]) for name in columns]
    base = (
        sa.select(u, rows.c.period, *(e.label(f"x{i}") for i, e in enumerate(x)))
        .select_from(rows.join(u, rows.c.code == u.c.code))
        .subquery("added")
    )
    if any(name in caps for name in columns):
        base = _capped(base, columns, caps)
    if who.entities is None:
        return base
    e = who.entities
    sums = [sa.func.sum(base.c[f"x{i}"]).label(f"x{i}") for i in range(len(columns))]
    totals = sa.select(base.c.arm, base.c.entity, base.c.period, *sums)
    summed = totals.group_by(base.c.arm, base.c.entity, base.c.period).subquery("of_clusters")
    same = sa.and_(summed.c.arm == e.c.arm, summed.c.entity == e.c.entity)
    kept = [e.c[f"z{i}"] for i in range(len(who.covariates))]
    return sa.select(*summed.c, e.c.key, *kept).select_from(summed.join(e, same)).subquery("steps")


def _capped(
    base: sa.Subquery, columns: Sequence[str], caps: Mapping[str, Mapping[str, float]]
) -> sa.Subquery:
    """Take off what a unit adds beyond its cap."""
    running = [_running(base, i, [base.c.code]) for i, name in enumerate(columns) if name in caps]
    inner = sa.select(*base.c, *running).subquery("running")
    items: list[Expr] = []
    for i, name in enumerate(columns):
        x: Expr = inner.c[f"x{i}"]
        if name in caps:
            s = inner.c[f"s{i}"]
            x = _least(s, inner.c.arm, caps[name]) - _least(s - x, inner.c.arm, caps[name])
        items.append(x.label(f"x{i}"))
    kept = [c for c in inner.c if c.name[0] not in "xs"]
    return sa.select(*kept, *items).subquery("capped")


def _running(rows: sa.Subquery, i: int, of: list[Expr]) -> sa.Label[Any]:
    """Sum a column up to and with the period of the row."""
    x = sa.func.sum(rows.c[f"x{i}"]).over(partition_by=of, order_by=rows.c.period, rows=(None, 0))
    return x.label(f"s{i}")


def _least(x: Expr, arm: Expr, caps: Mapping[str, float]) -> Expr:
    whens = [
        (sa.and_(arm == sa.literal(name, sa.Text), x > number(cap)) if name else x > number(cap), number(cap))
        for name, cap in caps.items()
    ]
    return sa.case(*whens, else_=x)


def changes(added: sa.Subquery, columns: int, covariates: int) -> sa.Select[Any]:
    """Write the query: by arm, key and period, the change of all sums and products of running sums."""
    running = [_running(added, i, [added.c.arm, added.c.entity]) for i in range(columns)]
    r = sa.select(*added.c, *running).subquery("running")
    x, s = [r.c[f"x{i}"] for i in range(columns)], [r.c[f"s{i}"] for i in range(columns)]
    asked = [*x, *(x[i] * s[j] + s[i] * x[j] - x[i] * x[j] for i, j in _pairs(columns))]
    asked += [x[i] * r.c[f"z{j}"] for i in range(columns) for j in range(covariates)]
    keys = [r.c.arm, r.c.key, r.c.period]
    return sa.select(*keys, *(sa.func.sum(e) for e in asked)).group_by(*keys)


def totals(added: sa.Subquery, columns: int, covariates: int) -> sa.Select[Any]:
    """Write the query: by arm and key, sums and products of what entities added in all periods."""
    z = [sa.func.max(added.c[f"z{j}"]).label(f"z{j}") for j in range(covariates)]
    each = sa.select(
        added.c.arm, added.c.key, *(sa.func.sum(added.c[f"x{i}"]).label(f"x{i}") for i in range(columns)), *z
    )
    e = each.group_by(added.c.arm, added.c.key, added.c.entity).subquery("entities")
    x = [e.c[f"x{i}"] for i in range(columns)]
    asked = [*x, *(x[i] * x[j] for i, j in _pairs(columns))]
    asked += [x[i] * e.c[f"z{j}"] for i in range(columns) for j in range(covariates)]
    keys = [e.c.arm, e.c.key]
    return sa.select(*keys, *(sa.func.sum(a) for a in asked)).group_by(*keys)


def _pairs(columns: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(columns) for j in range(i, columns)]


def moments_from(sums: Sheet, columns: Sequence[str], who: Who, known: Moments, size: int) -> Moments:
    """Turn sums and products into moments, with the covariates of the entities as they are known.

    Parameters
    ----------
    sums : array
        As :func:`totals` gives them.
    known : Moments
        Of the same entities, with the covariates among its columns.
    size : int
        Units of an entity.
    """
    k, q, n = len(columns), len(who.covariates), known.n
    names = (*columns, *who.covariates)
    if not n:
        return Moments(0, names, np.zeros(k + q), np.zeros((k + q, k + q)))
    beside = known.select(who.covariates)
    mean = np.concatenate([sums[:k] / n, beside.mean])
    raw = np.zeros((k, k))
    for (i, j), value in zip(_pairs(k), sums[k : k + k * (k + 1) // 2], strict=True):
        raw[i, j] = raw[j, i] = value
    own = raw - np.outer(sums[:k], sums[:k] / n)
    flat = np.diag(own) <= ROUNDING * np.diag(raw)
    own[flat, :] = own[:, flat] = 0.0
    comoment = np.zeros((k + q, k + q))
    comoment[:k, :k], comoment[k:, k:] = own, beside.comoment
    if q:
        centered = beside.mean - size * np.array(who.centers)
        cross = sums[k + k * (k + 1) // 2 :].reshape(k, q) - np.outer(sums[:k], centered)
        cross[flat, :] = 0.0
        comoment[:k, k:], comoment[k:, :k] = cross, cross.T
    return Moments(n, names, mean, comoment)
