"""`db`: the tables of the store: bring them forward, say where they are, check them."""

from __future__ import annotations

from pathlib import Path

import click

from loyalty_exp.cli.session import common, complain, session
from loyalty_exp.cli.store import store_option, workspace_option


@click.group(short_help="The tables of the store.")
@common
def db() -> None:
    """Look after the tables of the store: `upgrade`, `current`, `check`."""


@db.command(short_help="Bring the tables to the state of this version.")
@workspace_option
@store_option
@common
def upgrade(workspace: Path, store: str | None) -> None:
    """Make the tables, or bring them forward; all in one transaction, and twice is no harm."""
    from loyalty_exp.store import migrate
    from loyalty_exp.store.place import place_of

    place = place_of(workspace, store)
    before, after = migrate.upgrade(place)
    words = f"is at {after} already" if before == after else f"brought from {before or 'nothing'} to {after}"
    session().say(f"{place.shown}: {words}")
    if session().json:
        session().emit_json({"store": place.shown, "before": before, "after": after})


@db.command(short_help="Say which state the tables are in.")
@workspace_option
@store_option
@common
def current(workspace: Path, store: str | None) -> None:
    """Say which state the tables are in, and which this version works with."""
    from loyalty_exp.store import migrate
    from loyalty_exp.store.models import REVISIONS
    from loyalty_exp.store.place import place_of

    place = place_of(workspace, store)
    found = migrate.current(place)
    if session().json:
        session().emit_json({"store": place.shown, "schema": found, "wanted": REVISIONS[-1]})
    else:
        session().say(f"{place.shown}: {found or 'no store'}; this version works with {REVISIONS[-1]}")


@db.command(short_help="Check that the store is whole.")
@workspace_option
@store_option
@common
def check(workspace: Path, store: str | None) -> int:
    """Check the file, the tables and every hash; exit code 3 when something is wrong."""
    from loyalty_exp.cli.store import opened
    from loyalty_exp.store import migrate

    here = opened(workspace, store)
    found = migrate.faults(here.place)
    if session().json:
        session().emit_json({"store": here.place.shown, "whole": not found, "faults": list(found)})
    for fault in found:
        complain(f"loyalty-exp: {here.place.shown}: {fault}. Put a backup in its place.")
    if not found:
        session().say(f"{here.place.shown}: whole")
    return 3 if found else 0
