"""The values of every unit, for the methods that need rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loyalty_exp.outcomes.plan import Block
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.stats.moments import Vector
from loyalty_exp.stats.unit_rows import UnitRows
from loyalty_exp.warehouse.atoms import double
from loyalty_exp.warehouse.engine import Engine


def fetch_rows(engine: Engine, table: UnitTable, block: Block, arms: Sequence[str]) -> dict[str, UnitRows]:
    """Fetch the outcome of every unit that has one, in the order of the ids' hashes on every engine."""
    from loyalty_exp.stats.poisson_bootstrap import unit_hashes

    assert table.unit is not None
    values = {name: double(table.values[name].expr) for name in block.outcome}
    items = [table.arm.label("arm"), table.unit.label("unit")]
    if table.stratum is not None:
        items.append(table.stratum.label("stratum"))
    items += [x.label(f"v{i}") for i, x in enumerate(values.values())]
    found = engine.arrays(table.select(*items).where(*(x.is_not(None) for x in values.values())))
    hashes = unit_hashes(found["unit"])
    order = np.argsort(hashes, kind="stable")
    out = {}
    for arm in arms:
        mine = order[found["arm"][order] == arm]
        columns: dict[str, Vector] = {
            name: found[f"v{i}"][mine].astype(np.float64) for i, name in enumerate(values)
        }
        strata = found["stratum"][mine].astype(str) if table.stratum is not None else None
        out[arm] = UnitRows(columns, hashes[mine], strata)
    return out
