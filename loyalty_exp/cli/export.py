"""`export`: arm lists for the CRM, and the tables of a readout, as files that other programs open."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.errors import UsageError

if TYPE_CHECKING:
    from loyalty_exp.assignment.lists import Form
    from loyalty_exp.readout.tables import Table
    from loyalty_exp.spec.experiment import Experiment


@click.command(short_help="Write arm lists for the CRM, or the tables of the readout.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--what",
    type=click.Choice(["arms", "tables"]),
    default="arms",
    show_default=True,
    help="`arms`: one list an arm, the control as suppression list. `tables`: the readout, one tidy table a "
    "part.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "json", "xlsx"]),
    default="csv",
    show_default=True,
    help="Kind of file; `xlsx` is one workbook of all tables.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder; results/<id>/export when left out.",
)
@common
def export(spec: Path, what: str, form: Form | Literal["xlsx"], out: Path | None) -> None:
    """Write arm lists or tables of SPEC.

    The list of the control arm is a suppression list: its members must not get another message in place of
    the one that is tested.
    """
    from loyalty_exp.readout.tables import tables
    from loyalty_exp.spec.read import read
    from loyalty_exp.workspace import make_folder, read_readout, results_of

    experiment = read(spec)
    results = results_of(spec, experiment.experiment)
    target = out or results.folder / "export"
    if what == "arms":
        if form == "xlsx":
            raise UsageError("a list of members is too long for a workbook; take csv, or add --what tables")
        make_folder(target)
        written, rows = _arms(experiment, spec, target, form)
    else:
        parts = tables(read_readout(results))
        make_folder(target)
        written, rows = _tables(parts, target, form), {name: len(part.rows) for name, part in parts.items()}
    for path in written.values():
        session().say(f"wrote {path}")
    if session().json:
        session().emit_json({"files": written, "rows": rows})


def _arms(
    experiment: Experiment, spec: Path, target: Path, form: Form
) -> tuple[dict[str, str], dict[str, int]]:
    """Write one list an arm; give paths and rows by arm."""
    from loyalty_exp.assignment.lists import write_lists

    files = {
        arm.id: target / f"{file_name(i, arm.id, arm.is_control)}.{form}"
        for i, arm in enumerate(experiment.planned_arms)
    }
    rows = write_lists(experiment, spec.resolve().parent, files, form)
    return {arm: str(path) for arm, path in files.items()}, rows


def file_name(position: int, arm: str, is_control: bool) -> str:
    """Name of the file of an arm, safe on every system; the position tells alike names apart."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in arm)[:60]
    return f"{position:02d}_{safe}{'_suppression' if is_control else ''}"


def _tables(parts: Mapping[str, Table], target: Path, form: str) -> dict[str, str]:
    """Write all tables; give paths by table, or the one workbook."""
    if form == "xlsx":
        from loyalty_exp.cli.workbook import workbook
        from loyalty_exp.workspace import write_bytes

        return {"tables": str(write_bytes(target / "tables.xlsx", workbook(parts)))}
    return {name: str(_written(part, target / f"{name}.{form}", form)) for name, part in parts.items()}


def _written(table: Table, path: Path, form: str) -> Path:
    from loyalty_exp.readout.tables import as_csv
    from loyalty_exp.workspace import write_bytes, write_text

    if form == "csv":
        return write_text(path, as_csv(table.header, table.rows))
    if form == "json":
        rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
        return write_text(path, json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return write_bytes(path, _parquet(table))


def _parquet(table: Table) -> bytes:
    """Write a table as Parquet; a column that holds text beside numbers is text."""
    import tempfile

    import duckdb
    import pandas as pd

    from loyalty_exp.warehouse.quoting import literal

    columns = {}
    for name, cells in zip(table.header, zip(*table.rows, strict=True), strict=True):
        kinds = {type(c) for c in cells if c is not None} - {int, float}
        mixed = kinds and any(isinstance(c, (int, float)) and not isinstance(c, bool) for c in cells)
        values = [str(c) if mixed and c is not None else c for c in cells]
        columns[name] = pd.Series(values, dtype=object if kinds or mixed else "float64")
    flat = pd.DataFrame(columns)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        scratch = Path(folder) / "table.parquet"
        connection.execute("SET pandas_analyze_sample = 0; SET threads = 1")
        connection.register("flat", flat)
        connection.execute(f"COPY flat TO {literal(scratch)} (FORMAT parquet, COMPRESSION zstd)")
        return scratch.read_bytes()
