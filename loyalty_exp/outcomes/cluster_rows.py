"""Households or stores: their totals, grouped by size, as exact cluster-robust variances need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.outcomes.exposure_columns import EXPOSURE
from loyalty_exp.outcomes.naive_columns import is_naive
from loyalty_exp.outcomes.outcomes import Cell
from loyalty_exp.outcomes.plan import BALANCE, Block, Plan
from loyalty_exp.outcomes.products import grouped, mask_of, moments_of
from loyalty_exp.outcomes.unit_table import MISSING, UnitTable, Value
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.moments import Moments
from loyalty_exp.warehouse.atoms import as_text, column, double
from loyalty_exp.warehouse.engine import Engine

SIZE = "size"
"""Dimension of the cluster tables: members of the cluster that count."""

ByBlock = Mapping[str, Mapping[str, ClusterArm]]


def cluster_arms(
    engine: Engine, table: UnitTable, asked: Plan, arms: Sequence[str]
) -> dict[Cell | None, ByBlock]:
    """Sum every block by cluster, then take moments by cluster size: overall, and in each segment cell."""
    found: dict[Cell | None, dict[str, dict[str, ClusterArm]]] = {None: {}}
    masks: dict[frozenset[str], list[Block]] = {}
    for block in asked.blocks:
        if block.name not in {BALANCE, EXPOSURE} and not is_naive(block.name):
            masks.setdefault(mask_of(block, table), []).append(block)
    for i, (mask, blocks) in enumerate(masks.items()):
        part = Plan(asked.columns, tuple(blocks))
        for dimension in (None, *table.dimensions):
            for value, by_block in _one_way(
                engine, table, part, mask, dimension, arms, f"{i}_{dimension or ''}"
            ).items():
                cell = None if dimension is None else Cell(dimension, value)
                found.setdefault(cell, {}).update(by_block)
    return dict(found)


def split_clusters(engine: Engine, table: UnitTable) -> int:
    """Count clusters with units in more than one arm."""
    assert table.cluster is not None
    inner = table.select(table.cluster.label("cluster"), table.arm.label("arm")).subquery("members")
    split = sa.select(inner.c.cluster).group_by(inner.c.cluster)
    split = split.having(sa.func.min(inner.c.arm) != sa.func.max(inner.c.arm))
    return int(engine.scalar(sa.select(sa.func.count()).select_from(split.subquery("split"))))


def cluster_totals(
    table: UnitTable, part: Plan, mask: frozenset[str], dimension: str | None
) -> sa.Select[Any]:
    """Write the query: a row a cluster (in each value of a segment), its members and all sums."""
    assert table.cluster is not None
    names = columns_of(part)
    items = [table.arm.label("arm"), table.cluster.label("cluster")]
    items += [double(table.values[name].expr).label(name) for name in names]
    if dimension is not None:
        items.append(
            sa.func.coalesce(sa.func.nullif(table.dimensions[dimension], ""), MISSING).label("$cell")
        )
    members = table.select(*items).where(*(table.values[m].expr.is_not(None) for m in sorted(mask)))
    inner = members.subquery("members")
    keys = [inner.c.arm, inner.c.cluster, *([inner.c["$cell"]] if dimension is not None else [])]
    totals = [sa.func.sum(inner.c[name]).label(name) for name in names]
    return sa.select(*keys, sa.func.count().label("$size"), *totals).group_by(*keys)


def cluster_table(table: UnitTable, kept: sa.FromClause, part: Plan, dimension: str | None) -> UnitTable:
    """Express cluster totals as a table of units, so that its moments are asked for as those of units are."""
    dimensions = {SIZE: as_text(column("$size"))}
    if dimension is not None:
        dimensions[dimension] = column("$cell")
    values = {
        name: Value(name, column(name), column(name), "clusters", name, may_be_null=False, checked=False)
        for name in columns_of(part)
    }
    return UnitTable(kept, column("arm"), dimensions, values, table.name, table.arm_column)


def columns_of(part: Plan) -> list[str]:
    """Columns of all blocks, each once."""
    return list(dict.fromkeys(c for block in part.blocks for c in block.columns))


def _one_way(
    engine: Engine,
    table: UnitTable,
    part: Plan,
    mask: frozenset[str],
    dimension: str | None,
    arms: Sequence[str],
    name: str,
) -> dict[str, dict[str, dict[str, ClusterArm]]]:
    """Ask one question: the clusters of each arm, or of each arm in each value of a segment."""
    kept = engine.keep(f"loyalty_clusters_{name}", cluster_totals(table, part, mask, dimension))
    clusters = cluster_table(table, kept, part, dimension)
    question, layout = grouped(clusters, part, {}, tuple(clusters.dimensions), checks=False)
    cells: dict[str, dict[str, dict[str, dict[int, Moments]]]] = {}
    for row in engine.fetch(question):
        value = str(row[2]) if dimension is not None else ""
        figures = [0.0 if x is None else float(x) for x in row[len(layout.keys) :]]
        for block in part.blocks:
            with np.errstate(over="ignore", invalid="ignore"):
                m = moments_of((*row[: len(layout.keys)], *figures), layout, block, clusters)
            sizes = cells.setdefault(value, {}).setdefault(block.name, {}).setdefault(str(row[0]), {})
            sizes[int(row[1])] = m
    return {
        value: {name: {arm: _arm(by_arm.get(arm, {})) for arm in arms} for name, by_arm in by_block.items()}
        for value, by_block in cells.items()
    }


def _arm(sizes: Mapping[int, Moments]) -> ClusterArm:
    return ClusterArm(tuple(sorted(sizes)), tuple(sizes[m] for m in sorted(sizes)))
