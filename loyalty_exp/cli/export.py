"""`export`: arm lists for the CRM, and the tables of a readout, as files that other programs open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session

if TYPE_CHECKING:
    import pandas as pd

    from loyalty_exp.assignment.lists import Form
    from loyalty_exp.spec.experiment import Experiment
    from loyalty_exp.workspace import Results

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")
"""First characters that a spreadsheet may take for a formula (CWE-1236)."""

_TABLES = ("estimates", "economics", "health", "arms")


@click.command(short_help="Write arm lists for the CRM, or the tables of the readout.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--what",
    type=click.Choice(["arms", "tables"]),
    default="arms",
    show_default=True,
    help="`arms`: one list an arm, the control as suppression list. `tables`: the readout, one table a part.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "json"]),
    default="csv",
    show_default=True,
    help="Kind of file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder; results/<id>/export when left out.",
)
@common
def export(spec: Path, what: str, form: Form, out: Path | None) -> None:
    """Write arm lists or tables of SPEC.

    The list of the control arm is a suppression list: its members must not get another message in place of
    the one that is tested.
    """
    from loyalty_exp.spec.read import read
    from loyalty_exp.workspace import make_folder, results_of

    experiment = read(spec)
    results = results_of(spec, experiment.experiment)
    target = out or results.folder / "export"
    frames = _tables(results) if what == "tables" else {}
    make_folder(target)
    if what == "arms":
        written, rows = _arms(experiment, spec, target, form)
    else:
        written = {
            name: str(_written(frame, target / f"{name}.{form}", form)) for name, frame in frames.items()
        }
        rows = {name: len(frame) for name, frame in frames.items()}
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


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    """Give the parts of a readout as flat tables, nested names joined by dots."""
    import pandas as pd

    from loyalty_exp.workspace import read_readout

    readout = read_readout(results)
    frames = {name: pd.json_normalize(readout.get(name) or []) for name in _TABLES}
    return {name: frame for name, frame in frames.items() if len(frame)}


def _written(frame: pd.DataFrame, path: Path, form: str) -> Path:
    from loyalty_exp.workspace import write_bytes, write_text

    if form == "csv":
        return write_text(path, as_csv(list(frame.columns), frame.itertuples(index=False)))
    rows = [dict(zip(frame.columns, map(_plain, row), strict=True)) for row in frame.itertuples(index=False)]
    if form == "json":
        return write_text(path, json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False) + "\n")
    return write_bytes(path, _parquet(frame, path))


def _parquet(frame: pd.DataFrame, path: Path) -> bytes:
    import tempfile

    import duckdb

    flat = frame.map(lambda v: json.dumps(v, ensure_ascii=False) if isinstance(v, (list, dict)) else v)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        scratch = Path(folder) / "table.parquet"
        connection.execute("SET pandas_analyze_sample = 0; SET threads = 1")
        connection.register("flat", flat)
        quoted = str(scratch).replace("'", "''")
        connection.execute(f"COPY flat TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
        return scratch.read_bytes()


def as_csv(header: Sequence[str], rows: Any) -> str:
    """Write CSV that a spreadsheet opens as data: text that looks like a formula gets a quote before it.

    Numbers stay numbers, also negative ones.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_cell(name) for name in header])
    writer.writerows([_cell(_plain(value)) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _plain(value: Any) -> Any:
    """Give a cell as JSON knows it; what is missing is None."""
    if value is None or isinstance(value, (str, bool, list, dict)):
        return value
    if value != value:
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10] if getattr(value, "hour", 0) == 0 else value.isoformat()
    return value.item() if hasattr(value, "item") else value
