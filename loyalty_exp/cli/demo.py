"""`demo`: the example workspace, copied and run."""

from __future__ import annotations

from pathlib import Path

import click

from loyalty_exp.cli.analyze import computed, told
from loyalty_exp.cli.report import write_pages
from loyalty_exp.cli.session import common, session

FIRST = "hillstrom_email.yaml"


@click.command(short_help="Copy the example workspace and run it.")
@click.argument("folder", required=False, default="loyalty-exp-demo", type=click.Path(path_type=Path))
@common
def demo(folder: Path) -> int:
    """Copy the example workspace to FOLDER (./loyalty-exp-demo) and run its first experiment."""
    from loyalty_exp.workspace import bundled, copy_workspace

    kept = copy_workspace(bundled("experiments"), folder)
    if kept:
        session().say(f"{folder} was there; {kept} file(s) in it are used as they are")
    readout, results = computed(folder / FIRST, None, None, 1)
    write_pages(readout.to_dict(), results, (), None)
    session().say(f"the specs are in {folder}; next: loyalty-exp run {folder / 'double_points.yaml'}")
    return told(readout, ())
