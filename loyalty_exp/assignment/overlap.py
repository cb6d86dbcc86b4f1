"""Members whom other experiments of the workspace have drawn for the same days, and whether it does harm.

Draws with salts of their own are independent, so that shared members do no harm: both arms hold the other
experiment's arms in the same parts. That is tested here; where it fails, each effect carries a part of the
other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loyalty_exp.assignment.ledger import RECORD, ROWS
from loyalty_exp.assignment.plan import meet, span_of
from loyalty_exp.errors import NotEstimable
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.quoting import literal, quoted

UNEVEN = 0.001
"""P-value below which the arms of one experiment do not hold those of the other alike."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another experiment that runs at the same time on some of the same units.

    Attributes
    ----------
    experiment : str
    units : int
        In both.
    share : float
        Part of the units of this experiment, 0 to 1.
    p_value : float or None
        Chi-square test that arms of both are independent among the shared units; None where there is nothing
        to compare, and where clusters were drawn, whose members are not independent.
    """

    experiment: str
    units: int
    share: float
    p_value: float | None

    @property
    def uneven(self) -> bool:
        """Whether the arms of one do not hold those of the other alike."""
        return self.p_value is not None and self.p_value < UNEVEN


def overlaps(experiment: Experiment, folder: Path, memory: str) -> tuple[Overlap, ...]:
    """Compare drawn rows with those of every experiment beside it whose days meet its own.

    Parameters
    ----------
    folder : Path
        Of the experiment, ``results/<id>``; its rows are in it.
    memory : str
        Limit of the engine, as ``1200MB``.
    """
    found = []
    for path in sorted(folder.parent.glob(f"*/{RECORD}")):
        try:
            other = json.loads(path.read_text(encoding="utf-8"))
            name, span, plan = other["experiment"], other["span"], other["plan"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        theirs = path.parent / ROWS
        if name == experiment.experiment or not theirs.exists() or not meet(span_of(experiment), span):
            continue
        cells, whole = _shared(folder / ROWS, experiment.unit, theirs, plan["unit"], memory)
        clustered = experiment.cluster or plan.get("cluster")
        if shared := sum(n for *_, n in cells):
            p_value = None if clustered else _independent(cells)
            found.append(Overlap(name, shared, shared / whole, p_value))
    return tuple(found)


def _shared(
    rows: Path, unit: str, theirs: Path, other: str, memory: str
) -> tuple[list[tuple[str, str, int]], int]:
    """Count shared units by both arms, and all units of the first table."""
    import duckdb

    mine, alien = f"a.{quoted(unit)}::VARCHAR", f"b.{quoted(other)}::VARCHAR"
    text = (
        f"SELECT a.arm, b.arm, count(*) FROM read_parquet({literal(rows)}) a JOIN read_parquet("
        f"{literal(theirs)}) b ON {mine} = {alien} GROUP BY ALL ORDER BY ALL"
    )
    with duckdb.connect() as connection:
        connection.execute(f"SET memory_limit = '{memory}'")
        cells = connection.execute(text).fetchall()
        whole = connection.execute(f"SELECT count(*) FROM read_parquet({literal(rows)})").fetchall()[0][0]
    return [(str(a), str(b), int(n)) for a, b, n in cells], int(whole)


def _independent(cells: list[tuple[str, str, int]]) -> float | None:
    from loyalty_exp.stats.contingency import independence

    first, second = (sorted({c[i] for c in cells}) for i in (0, 1))
    counted: dict[Any, int] = {(a, b): n for a, b, n in cells}
    try:
        return independence([[counted.get((a, b), 0) for b in second] for a in first]).p_value
    except NotEstimable:
        return None
