"""What the page is made of: every readout in the results folder, and what the store knows of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loyalty_exp.errors import LoyaltyExpError
from loyalty_exp.store.connect import open_store
from loyalty_exp.store.life import State, state_of
from loyalty_exp.store.place import place_of
from loyalty_exp.store.repository import History, facts_of, histories
from loyalty_exp.workspace import READOUT, Results, read_readout


@dataclass(frozen=True, slots=True)
class Entry:
    """One experiment.

    Attributes
    ----------
    id : str
    readout : mapping or None
        As in `readout.json`; None when it was not analyzed yet.
    state : State or None
        None when the store does not know it.
    decision, by : str or None
        What was decided, and by whom.
    recommended : str or None
        What the rule recommended when it was decided.
    """

    id: str
    readout: Mapping[str, Any] | None
    state: State | None = None
    decision: str | None = None
    by: str | None = None
    recommended: str | None = None


@dataclass(frozen=True, slots=True)
class Gathered:
    """The experiments by id, the readouts that cannot be read, and the id of the program's holdout."""

    entries: tuple[Entry, ...]
    unreadable: tuple[str, ...]
    holdout: str | None


def gather(workspace: Path, today: dt.date, store: str | None = None, holdout: str | None = None) -> Gathered:
    """Read the results and the store of a workspace; nothing is written.

    Raises
    ------
    Refused, EngineError
        If there is a store that cannot be read.
    """
    readouts: dict[str, Mapping[str, Any]] = {}
    unreadable = []
    for path in sorted((workspace / "results").glob(f"*/{READOUT}")):
        try:
            readout = read_readout(Results(path.parent, workspace / "SPEC"))
            readouts[str(readout["experiment"]["id"])] = readout
        except (LoyaltyExpError, KeyError, TypeError) as error:
            unreadable.append(f"{path}: {error}")
    opened = open_store(place_of(workspace, store))
    known = {h.id: h for h in opened.read(histories)} if opened else {}
    entries = [
        _entry(name, readouts.get(name), known.get(name), today)
        for name in sorted({*readouts, *known}, key=str.casefold)
    ]
    return Gathered(tuple(entries), tuple(unreadable), holdout or _holdout(workspace))


def _entry(name: str, readout: Mapping[str, Any] | None, found: History | None, today: dt.date) -> Entry:
    if found is None:
        return Entry(name, readout)
    last = found.decisions[-1] if found.decisions else None
    return Entry(
        name,
        readout,
        state_of(facts_of(found, name), today),
        last.action if last else None,
        last.by if last else None,
        last.recommended if last else None,
    )


def _holdout(workspace: Path) -> str | None:
    """Find the holdout in the program file; its readout bears its id."""
    from loyalty_exp.spec.program import Program
    from loyalty_exp.spec.read import check_file

    for path in sorted(workspace.glob("program*.yaml")):
        program, _ = check_file(path)
        if isinstance(program, Program) and program.holdout is not None:
            return program.holdout.id
    return None
