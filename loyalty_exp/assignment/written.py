"""The written table, opened for an engine: by the next draw, and by the readout of a spec that draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from loyalty_exp.assignment.arms import ARM, TIME
from loyalty_exp.assignment.ledger import ROWS, home, previous
from loyalty_exp.assignment.plan import refuse_changes
from loyalty_exp.assignment.strata import lend
from loyalty_exp.errors import Refused
from loyalty_exp.spec.data import Assignments
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.quoting import literal, quoted


def opened(engine: Engine, rows: Path, name: str, columns: Sequence[str]) -> sa.TableClause:
    """Let an engine read drawn rows: DuckDB from the file, others from a temporary table of texts."""
    if engine.dialect.name == "duckdb":
        text = f"SELECT * FROM read_parquet({literal(rows)})"
        engine.run(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {text}")
        return sa.table(name)
    import duckdb

    chosen = ", ".join(map(quoted, columns))
    text = f"SELECT COLUMNS(*)::VARCHAR FROM (SELECT {chosen} FROM read_parquet({literal(rows)}))"
    with duckdb.connect() as connection:
        found = connection.execute(text).fetchall()
    return lend(engine, name, columns, found)


def drawn_table(engine: Engine, experiment: Experiment, role: str) -> tuple[Assignments, sa.TableClause]:
    """Open what `assign` wrote as the assignments table of a spec that names none.

    Raises
    ------
    Refused
        If nothing is drawn, or the spec has changed since.
    """
    folder = home(engine.folder, experiment)
    engine.watch(folder / ROWS)
    drawn = previous(folder) if experiment.assignment else None
    if drawn is None:
        raise Refused(
            "nobody is assigned yet: draw with `loyalty-exp assign`, or name the table of assignments in "
            "data.assignments."
        )
    refuse_changes(drawn, experiment)
    rows = folder / ROWS
    shown = f"results/{experiment.experiment}/{ROWS}"
    table = opened(engine, rows, role, [experiment.unit, ARM, TIME])
    return Assignments(table=shown, unit=experiment.unit, arm=ARM, time=TIME), table
