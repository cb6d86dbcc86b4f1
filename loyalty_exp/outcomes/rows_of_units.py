"""The values of every unit, for the methods that need rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.outcomes.plan import Block
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.redraws import whitened
from loyalty_exp.stats.unit_rows import Balanced, UnitRows
from loyalty_exp.warehouse.atoms import double, number
from loyalty_exp.warehouse.engine import Engine


def fetch_rows(
    engine: Engine, table: UnitTable, block: Block, arms: Sequence[str], experiment: Experiment
) -> dict[str, UnitRows]:
    """Fetch the outcome of every unit that has one, in the order of the ids' hashes on every engine."""
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    assert table.unit is not None
    values = {name: double(table.values[name].expr) for name in block.outcome}
    items = [table.arm.label("arm"), table.unit.label("unit")]
    if table.stratum is not None:
        items.append(table.stratum.label("stratum"))
    items += [x.label(f"v{i}") for i, x in enumerate(values.values())]
    if table.cluster is not None:
        items.append(table.cluster.label("cluster"))
    found = engine.arrays(table.select(*items).where(*(x.is_not(None) for x in values.values())))
    balanced = _balanced(engine, table, experiment, found["unit"]) if table.balanced else {}
    hashes = unit_hashes(found["unit"])
    order = np.argsort(hashes, kind="stable")
    drawn = hashes if table.cluster is None else unit_hashes(found["cluster"])
    out = {}
    for arm in arms:
        mine = order[found["arm"][order] == arm]
        columns: dict[str, Vector] = {
            name: found[f"v{i}"][mine].astype(np.float64) for i, name in enumerate(values)
        }
        strata = found["stratum"][mine].astype(str) if table.stratum is not None else None
        clusters = found["cluster"][mine].astype(str) if table.cluster is not None else None
        how = replace(balanced[arm], where=balanced[arm].where[mine]) if arm in balanced else None
        out[arm] = UnitRows(columns, drawn[mine], strata, clusters, how)
    return out


def _balanced(
    engine: Engine, table: UnitTable, experiment: Experiment, units: npt.NDArray[Any]
) -> dict[str, Balanced]:
    """Give the rule of rerandomization with the coordinates of units, taken over all units of the draw."""
    rule = experiment.assignment.rerandomize if experiment.assignment else None
    assert rule is not None and table.unit is not None
    items = [
        table.arm.label("arm"),
        table.unit.label("unit"),
        (table.unit if table.cluster is None else table.cluster).label("key"),
    ]
    for i, x in enumerate(table.balanced):
        items += [sa.func.coalesce(double(x), number(0)).label(f"b{i}")]
        items += [sa.case((x.is_(None), 0), else_=1).label(f"known{i}")]
    found = engine.arrays(table.select(*items))
    _, first, of = np.unique(found["key"].astype(str), return_index=True, return_inverse=True)
    arm = found["arm"][first]
    covariates = np.empty((len(first), len(table.balanced)))
    for i in range(covariates.shape[1]):
        known = np.bincount(of, found[f"known{i}"], len(first))
        sums = np.bincount(of, found[f"b{i}"], len(first))
        means = np.divide(sums, known, out=np.full(len(first), np.nan), where=known > 0)
        covariates[:, i] = np.where(known > 0, means - np.nanmean(means), 0.0)
    where, distance = whitened(covariates, arm.astype(str))
    place = {unit: i for i, unit in enumerate(found["unit"])}
    at = of[[place[unit] for unit in units]]
    planned = experiment.planned_arms
    return {
        a.id: Balanced(
            where[at],
            distance,
            rule.threshold,
            rule.best_of,
            a.share,
            len(planned),
            complete=len(units) == len(found["unit"]),
        )
        for a in planned
    }
