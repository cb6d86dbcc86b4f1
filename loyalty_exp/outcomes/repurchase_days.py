"""Units by the day on which they bought again, or until which they were followed without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.event_counts import EventCounts, grouped_counts
from loyalty_exp.stats.unit_rows import UnitRows
from loyalty_exp.warehouse.atoms import Expr, double, whole
from loyalty_exp.warehouse.engine import Engine


def repurchase_days(table: UnitTable, happened: Expr, observed: Expr | None, within: int) -> sa.Select[Any]:
    """Write the query: arm, day, whether it is the day of a repurchase, units.

    Parameters
    ----------
    happened : expression
        Days from assignment to the first repurchase, fractions allowed; null when there was none.
    observed : expression or None
        Days observed; None means all of them.
    within : int
        Days of the window: nothing counts from there on.
    """
    inner = table.select(table.arm.label("arm"), *_ends(happened, observed, within)).subquery("ends")
    return sa.select(*inner.c, sa.func.count().label("units")).group_by(*inner.c)


def _ends(
    happened: Expr, observed: Expr | None, within: int
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Day on which the follow-up of a unit ends, and whether it ends with a repurchase."""
    end = whole(observed) if observed is not None else sa.literal(within)
    last = sa.case((end > within, within), else_=end)
    day = whole(happened) + 1
    event = sa.and_(happened.is_not(None), day <= last)
    return sa.case((event, day), else_=last).label("day"), sa.case((event, 1), else_=0).label("event")


def count_events(
    engine: Engine, table: UnitTable, happened: Expr, observed: Expr | None, within: int, arms: Sequence[str]
) -> dict[str, EventCounts]:
    """Run the query, give the counts of each arm; units assigned after the end of the data are left out."""
    found = engine.fetch(repurchase_days(table, happened, observed, within))
    out = {}
    for arm in arms:
        mine = [(int(day), bool(event), int(n)) for a, day, event, n in found if a == arm and day >= 0]
        time = np.array([day for day, _, _ in mine], dtype=np.float64)
        events = np.array([n if event else 0 for _, event, n in mine], dtype=np.int64)
        censored = np.array([0 if event else n for _, event, n in mine], dtype=np.int64)
        out[arm] = grouped_counts(time, events, censored)
    return out


def fetch_follow_up(
    engine: Engine,
    table: UnitTable,
    timed: tuple[Expr, Expr | None],
    within: int,
    covariates: Sequence[str],
    arms: Sequence[str],
) -> dict[str, UnitRows]:
    """Fetch the end of follow-up of every unit with all covariates, in the order of the ids' hashes.

    Parameters
    ----------
    timed : pair of expressions
        As of :func:`count_events`.
    covariates : sequence of str
        Ids of columns of the per-unit table.
    """
    from loyalty_exp.estimators.cox import EVENT, TIME
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    assert table.unit is not None
    values = [double(table.values[name].expr) for name in covariates]
    items = [table.arm.label("arm"), table.unit.label("unit"), *_ends(*timed, within)]
    items += [x.label(f"v{i}") for i, x in enumerate(values)]
    found = engine.arrays(table.select(*items).where(*(x.is_not(None) for x in values)))
    hashes = unit_hashes(found["unit"])
    order = np.argsort(hashes, kind="stable")
    order = order[found["day"][order] >= 0]
    names = {TIME: "day", EVENT: "event"} | {name: f"v{i}" for i, name in enumerate(covariates)}
    out = {}
    for arm in arms:
        mine = order[found["arm"][order] == arm]
        columns = {name: found[key][mine].astype(np.float64) for name, key in names.items()}
        out[arm] = UnitRows(columns, hashes[mine])
    return out
