"""The few order statistics around a quantile: no rows leave the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.quantiles import OrderStatistics, QuantileRanks, quantile_ranks
from loyalty_exp.warehouse.atoms import double
from loyalty_exp.warehouse.engine import Engine


def known_values(table: UnitTable, column: str) -> sa.Subquery:
    """Arm and value of every unit that has one."""
    x = double(table.values[column].expr)
    return table.select(table.arm.label("arm"), x.label("x")).where(x.is_not(None)).subquery("known")


def values_at(known: sa.FromClause, ranks: Mapping[str, QuantileRanks]) -> sa.Select[Any]:
    """Write the query: arm, rank in rising order, value, for the ranks of each arm."""
    place = sa.func.row_number().over(partition_by=known.c.arm, order_by=known.c.x).label("place")
    placed = sa.select(known.c.arm, known.c.x, place).subquery("placed")
    wanted = [
        sa.and_(placed.c.arm == arm, placed.c.place.in_(sorted({r.low, r.value, r.high})))
        for arm, r in ranks.items()
    ]
    return sa.select(placed.c.arm, placed.c.place, placed.c.x).where(sa.or_(*wanted))


def read_quantiles(
    engine: Engine, table: UnitTable, column: str, q: float, alpha: float, arms: Sequence[str]
) -> dict[str, OrderStatistics | NotEstimable]:
    """Give the quantile of each arm with the ends of its interval, or why there is none."""
    known = known_values(table, column)
    counted = sa.select(known.c.arm, sa.func.count()).group_by(known.c.arm)
    sizes = {str(arm): int(n) for arm, n in engine.fetch(counted)}
    ranks: dict[str, QuantileRanks] = {}
    out: dict[str, OrderStatistics | NotEstimable] = {}
    for arm in arms:
        try:
            ranks[arm] = quantile_ranks(sizes.get(arm, 0), q, alpha)
        except NotEstimable as reason:
            out[arm] = reason
    if ranks:
        at = {(str(arm), int(place)): float(x) for arm, place, x in engine.fetch(values_at(known, ranks))}
        for arm, r in ranks.items():
            low, value, high = (at[arm, rank] for rank in (r.low, r.value, r.high))
            out[arm] = OrderStatistics(sizes[arm], q, r.low, low, value, r.high, high)
    return out
