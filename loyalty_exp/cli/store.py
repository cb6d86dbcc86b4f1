"""How commands reach the store: the option, the workspace, and an experiment by its spec or its id."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from loyalty_exp.spec.experiment import Experiment
    from loyalty_exp.store.connect import Store
    from loyalty_exp.store.place import Place
    from loyalty_exp.store.repository import History

store_option = click.option(
    "--store",
    metavar="PATH|URL",
    help="The store: a path or a database URL. LOYALTY_EXP_STORE when left out, else "
    ".loyalty-exp/store.db beside the specs. A password belongs in the variable or in "
    "PGPASSWORD: others on the machine see the arguments of a program.",
)
workspace_option = click.option(
    "--workspace",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder of the specs; the current one when left out.",
)


def registered(experiment: Experiment, place: Place, store: Store | None) -> History:
    """Read the history of a spec that was locked, and refuse one that is not what was locked.

    Raises
    ------
    Refused
    """
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.registration import refuse_changes
    from loyalty_exp.store.repository import history

    found = store.read(lambda s: history(s, experiment.experiment)) if store else None
    if found is None or found.lock is None:
        raise Refused(f"'{experiment.experiment}' is not locked in {place.shown}. Run: loyalty-exp lock SPEC")
    refuse_changes(experiment, found.lock)
    return found


def opened(workspace: Path, store: str | None) -> Store:
    """Open the store of a workspace.

    Raises
    ------
    Refused
        If nothing has been stored.
    """
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.connect import open_store
    from loyalty_exp.store.place import place_of

    place = place_of(workspace, store)
    found = open_store(place)
    if found is None:
        raise Refused(f"nothing is stored at {place.shown} yet. Run: loyalty-exp lock SPEC")
    return found
