"""Lists of units for the CRM, one an arm: written by the engine, so that millions of rows fill no memory."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from loyalty_exp.assignment.written import drawn_table
from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import as_text, column
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.dialects import text_of
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.quoting import literal, quoted

Form = Literal["csv", "parquet", "json"]

_FORMS = {
    "csv": "(FORMAT csv, HEADER true, USE_TMP_FILE false)",
    "parquet": "(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)",
    "json": "(FORMAT json, ARRAY true, USE_TMP_FILE false)",
}
_FORMULA = r"'^[-=+@\x00\t\r]'"
"""First characters that a spreadsheet may take for a formula (CWE-1236)."""

Run = Callable[[str], list[tuple[Any, ...]]]


def write_lists(
    experiment: Experiment, folder: Path, files: Mapping[str, Path], form: Form
) -> dict[str, int]:
    """Write a file for each arm: unit, arm, and whether the list is for treatment or suppression.

    Parameters
    ----------
    files : mapping of arm to path

    Raises
    ------
    Refused
        If nobody is assigned yet, or a file is a symbolic link.
    EngineError
        If a file cannot be written; an older one stays.
    """
    engine = open_engine(experiment.data.engine, folder)
    try:
        rows = _assigned(engine, experiment)
        if engine.dialect.name == "duckdb":
            source = f"({text_of(rows, engine.dialect)})"
            return _all(engine.run, engine.unchanged, source, experiment, files, form)
        import duckdb
        import pandas as pd

        found = engine.fetch(rows)
        # Objects keep ids as they are: whole numbers stay whole, leading zeros stay.
        frame = pd.DataFrame({"unit": [r[0] for r in found], "arm": [r[1] for r in found]}, dtype=object)
        with duckdb.connect() as connection:
            connection.execute("SET pandas_analyze_sample = 0")
            connection.register("found", frame)
            read = lambda text: connection.execute(text).fetchall()  # noqa: E731
            return _all(read, engine.unchanged, "found", experiment, files, form)
    finally:
        engine.close()


def _assigned(engine: Engine, experiment: Experiment) -> sa.Select[Any]:
    """Give all assigned units: of the written draw, or of the table that the spec names."""
    named, unit, arm = experiment.data.assignments, experiment.unit, "arm"
    if experiment.data.units is not None:
        table = engine.open_table(experiment.data.units, "units", unit)
        arm = experiment.arms.from_column if isinstance(experiment.arms, ArmsInColumn) else arm
    elif named is not None:
        unit, arm = named.unit or unit, named.arm
        table = engine.open_table(named.table, "assignments", unit)
    else:
        table = drawn_table(engine, experiment, "assignments")[1]
    return sa.select(column(unit).label("unit"), as_text(column(arm)).label("arm")).select_from(table)


def _all(
    run: Run,
    unchanged: Callable[[], None],
    source: str,
    experiment: Experiment,
    files: Mapping[str, Path],
    form: Form,
) -> dict[str, int]:
    counts = {}
    for arm in experiment.planned_arms:
        path, kind = files[arm.id], "suppression" if arm.is_control else "treatment"
        if path.is_symlink():
            raise Refused(f"{path} is a symbolic link; it is not overwritten. Remove it.")
        unit, name = (_safe("unit"), _safe("arm")) if form == "csv" else ("unit", "arm")
        columns = f"{unit} AS {quoted(experiment.unit)}, {name} AS arm, '{kind}' AS list"
        query = f"SELECT {columns} FROM {source} AS t WHERE t.arm = {literal(arm.id)}"
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            copied = run(f"COPY ({query}) TO {literal(scratch)} {_FORMS[form]}")
            unchanged()
            scratch.chmod(0o600)
            scratch.replace(path)
        except OSError as error:
            raise EngineError(f"{path} cannot be written: {error.strerror}. Make room or mend it.") from None
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
        counts[arm.id] = int(copied[0][0])
    return counts


def _safe(name: str) -> str:
    """Text that looks like a formula gets a quote before it; numbers stay numbers."""
    text = f"CAST(t.{name} AS VARCHAR)"
    looks = f"typeof(t.{name}) = 'VARCHAR' AND regexp_matches({text}, {_FORMULA})"
    return f"CASE WHEN {looks} THEN concat(chr(39), {text}) ELSE {text} END"
