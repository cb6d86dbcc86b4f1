"""The plan that is in force: what was locked stands, whatever became of the program file since.

A program file is shared: its prices, layers and events change for the experiments to come. A locked one goes
on with those of its lock. Its own spec file is another matter: changed without an amendment, it is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

from loyalty_exp.errors import Refused, SpecError
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.parse import parse
from loyalty_exp.spec.read import read, read_with
from loyalty_exp.spec.source import text_of
from loyalty_exp.store.freeze import Change, changes_since, freeze
from loyalty_exp.store.place import place_of
from loyalty_exp.store.registration import listed


def read_in_force(spec: Path, store: str | None = None) -> tuple[Experiment, str]:
    """Read a spec, with the program of its lock where it is locked, and give words for people about that.

    Where nothing is locked the experiment is what the files say, without words. So it is where the spec file
    itself was changed: :func:`loyalty_exp.store.registration.refuse_changes` refuses that.

    Parameters
    ----------
    spec : Path
        The file.
    store : str, optional
        Path or URL of the store; the workspace's own when left out.

    Raises
    ------
    SpecError
        If the spec has problems; those of the program file count only where nothing is locked.
    Refused, EngineError
        If there is a store that cannot be read.
    """
    try:
        experiment = read(spec)
    except SpecError:
        locked = _locked(_id_of(spec), spec, store)
        own = _as_locked(spec, locked) if locked is not None else None
        if own is None:
            raise
        return own, (
            f"note: the program file cannot be read; '{own.experiment}' goes on with what was locked. "
            f"See: loyalty-exp validate {spec}"
        )
    locked = _locked(experiment.experiment, spec, store)
    changes = changes_since(locked, freeze(experiment).spec) if locked is not None else ()
    own = _as_locked(spec, locked) if locked is not None and changes else None
    return (experiment, "") if own is None else (own, _told(own, changes))


def _locked(experiment: str, spec: Path, store: str | None) -> str | None:
    """Give the canonical text of the lock in force; None where there is none."""
    place = place_of(spec.parent, store)
    if not experiment or not place.is_there():
        return None
    from loyalty_exp.store.connect import open_store
    from loyalty_exp.store.repository import history

    opened = open_store(place)
    found = opened.read(lambda s: history(s, experiment)) if opened else None
    return found.lock.spec if found is not None and found.lock is not None else None


def _as_locked(spec: Path, locked: str) -> Experiment | None:
    """Read the spec with the program of its lock; None if it was changed itself."""
    try:
        own = read_with(spec, json.loads(locked)["program"])
    except (SpecError, Refused):
        return None
    return None if changes_since(locked, freeze(own).spec) else own


def _id_of(spec: Path) -> str:
    """Give the id that stands in a file, whatever else is wrong with it; empty where there is none."""
    try:
        found = parse(text_of(spec, str(spec)), str(spec)).data.get("experiment")
    except SpecError:
        return ""
    return found if isinstance(found, str) else ""


def _told(experiment: Experiment, changes: tuple[Change, ...]) -> str:
    return (
        f"note: the program file has changed since '{experiment.experiment}' was locked; what was locked is "
        f"used, not this:\n{listed(changes)}\n  To take it over: loyalty-exp lock SPEC --amend REASON"
    )
