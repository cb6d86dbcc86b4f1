"""`archive`: close an experiment with what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import opened, store_option

if TYPE_CHECKING:
    from loyalty_exp.store.models import ArchiveRow


@click.command(short_help="Close an experiment with what was learned.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--learning", required=True, metavar="TEXT", help="What was learned, in a sentence or two.")
@click.option(
    "--next", "next_ids", multiple=True, metavar="ID", help="An experiment that follows; may be given again."
)
@store_option
@common
def archive(spec: Path, learning: str, next_ids: tuple[str, ...], store: str | None) -> None:
    """Close the experiment of SPEC; refused until it is decided."""
    from loyalty_exp.spec.read import read
    from loyalty_exp.store.turn import turn

    now, experiment = session(), read(spec).experiment
    here = opened(spec.parent, store)
    with turn(here.place, experiment):
        row, new = here.write(lambda s: _archived(s, experiment, " ".join(learning.split()), next_ids))
    now.say(f"{experiment}: {'archived' if new else 'was archived already, nothing is changed'}")
    if now.json:
        now.emit_json(
            {"experiment": experiment, "learning": row.learning, "next": list(row.next_ids), "new": new}
        )


def _archived(
    session_: Any, experiment: str, learning: str, next_ids: tuple[str, ...]
) -> tuple[ArchiveRow, bool]:
    from loyalty_exp.store.life import may_archive
    from loyalty_exp.store.repository import add_archive, facts_of, history

    found = history(session_, experiment)
    there = found.archive if found else None
    if there is not None and (there.learning, list(there.next_ids)) == (learning, list(next_ids)):
        return there, False
    may_archive(facts_of(found, experiment), learning)
    return add_archive(session_, experiment, learning, next_ids)
