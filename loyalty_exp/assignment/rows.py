"""The written table: one row a drawn unit, in the order of the members, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from loyalty_exp.assignment.arms import ARM, TIME
from loyalty_exp.errors import EngineError
from loyalty_exp.warehouse.dialects import text_of
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.quoting import literal, quoted

_FORM = "(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)"


def write_rows(engine: Engine, rows: sa.Select[Any], path: Path, columns: Sequence[str]) -> None:
    """Run the query of a draw into a Parquet file; DuckDB writes it itself, other engines give their rows."""
    chosen = ", ".join(
        f"CAST({quoted(c)} AS DATE) AS {quoted(c)}" if c == TIME else quoted(c) for c in columns
    )
    if engine.dialect.name == "duckdb":
        text = text_of(rows, engine.dialect)
        engine.run(f"COPY (SELECT {chosen} FROM ({text}) AS drawn) TO {literal(path)} {_FORM}")
        return
    import duckdb
    import pandas as pd

    found = engine.fetch(rows)
    frame = pd.DataFrame(
        {c: pd.Series([row[i] for row in found], dtype=object) for i, c in enumerate(columns)}
    )
    kinds = {c: _kind(row[i] for row in found) for i, c in enumerate(columns)} | {
        ARM: "VARCHAR",
        TIME: "DATE",
    }
    chosen = ", ".join(f"CAST({quoted(c)} AS {kinds[c]}) AS {quoted(c)}" for c in columns)
    try:
        with duckdb.connect() as connection:
            connection.execute("SET pandas_analyze_sample = 0; SET threads = 1")
            connection.register("drawn", frame)
            connection.execute(f"COPY (SELECT {chosen} FROM drawn) TO {literal(path)} {_FORM}")
    except duckdb.Error as error:
        raise EngineError(f"{path.name}: cannot be written: {str(error).splitlines()[0][:300]}") from None


def _kind(values: Iterable[Any]) -> str:
    """Type of a column of an engine whose columns need none."""
    kinds = {type(v) for v in values if v is not None}
    if kinds and kinds <= {int, float}:
        return "BIGINT" if kinds == {int} else "DOUBLE"
    return "VARCHAR"


def counts_of(path: Path, arms: Sequence[str]) -> dict[str, int]:
    """Units of each arm in a written table."""
    import duckdb

    with duckdb.connect() as connection:
        found = dict(
            connection.execute(
                f"SELECT arm, count(*) FROM read_parquet({literal(path)}) GROUP BY arm"
            ).fetchall()
        )
    return {arm: int(found.get(arm, 0)) for arm in arms}
