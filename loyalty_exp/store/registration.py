"""What the store says of a spec that is to be analyzed: its lock, how it departed from it, and its looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loyalty_exp.assignment.recorded import Recorded
from loyalty_exp.errors import Refused
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.store.freeze import ABSENT, Change, changes_since, freeze
from loyalty_exp.store.place import place_of

MOST = 12
"""Changes that are named in a message."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The lock of a spec, by its hash, the departures from what was registered first, and the looks taken.

    Attributes
    ----------
    lock : str or None
    deviations : tuple of mapping
    looks : tuple of int, or None
        Units analyzed at every look recorded so far; None where the experiment is not registered.
    """

    lock: str | None = None
    deviations: tuple[Mapping[str, Any], ...] = ()
    looks: tuple[int, ...] | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of what a reader has to know: what was registered late, or changed after a look."""
        codes = [d["code"] for d in self.deviations if d["code"] != "amended"]
        codes += [kind for d in self.deviations for kind in d.get("after_look", ())]
        return tuple(dict.fromkeys(codes))


UNREGISTERED = Registration()


def registration_of(experiment: Experiment, workspace: Path, store: str | None = None) -> Registration:
    """Look a spec up; no file is made.

    Raises
    ------
    Refused
        If the spec is not what was locked; the message names what changed.
    EngineError
        If there is a store that cannot be read.
    """
    place = place_of(workspace, store)
    if not place.is_there():
        return UNREGISTERED
    from loyalty_exp.store.connect import open_store
    from loyalty_exp.store.repository import history, units_at_looks

    opened, name = open_store(place), experiment.experiment
    if opened is None:
        return UNREGISTERED
    found, looks = opened.read(lambda s: (history(s, name), units_at_looks(s, name)))
    if found is None or found.lock is None:
        return UNREGISTERED
    refuse_changes(experiment, found.lock)
    return Registration(found.lock.sha256, tuple(deviations(found)), looks)


def refuse_changes(experiment: Experiment, lock: Any) -> None:
    """Refuse a spec that is not what was locked."""
    changes = changes_since(lock.spec, freeze(experiment).spec)
    if changes:
        raise Refused(
            f"'{experiment.experiment}' was locked on {lock.locked_at:%Y-%m-%d} (version {lock.version}), "
            f"and the spec is not what was locked:\n{listed(changes)}\n  Put it back, or say why it has to "
            "change: loyalty-exp lock SPEC --amend REASON"
        )


def listed(changes: tuple[Change, ...]) -> str:
    """List changes for a message, not without end."""
    lines = [f"  {change}" for change in changes[:MOST]]
    if len(changes) > MOST:
        lines.append(f"  and {len(changes) - MOST} more; see: loyalty-exp diff")
    return "\n".join(lines)


def refuse_redraw(experiment: str, found: Any, changes: tuple[Change, ...]) -> None:
    """Refuse to amend what decides who is in which arm, once units are drawn."""
    run = found.runs[-1] if found.runs else None
    moved = tuple(c for c in changes if _decides_the_draw(c.path))
    if run is not None and run.salt and moved:
        raise Refused(
            f"'{experiment}' was drawn on {_day(run)}, and these changes would draw otherwise:\n"
            f"{listed(moved)}"
            "\n  What was drawn stands, also with --amend. Put them back, or give a new experiment a new id "
            "and a new salt."
        )


def _decides_the_draw(path: str) -> bool:
    """Tell whether a change moves units; later steps of a ramp, names and offers of arms do not."""
    section, _, rest = path.partition(".")
    if section.partition("[")[0] == "arms":
        return not rest or rest in {"share", "id"}
    if section == "assignment":
        return not rest.startswith(("ramp", "balance"))
    return section in {"unit", "cluster", "population"} or path == "schedule.start"


def deviations(found: Any) -> list[dict[str, Any]]:
    """Give every departure from the first registration as codes with facts, for the page."""
    import json

    told: list[dict[str, Any]] = []
    first = found.locks[0]
    start = json.loads(first.spec)["schedule"].get("start")
    if first.looks_before:
        told.append({"code": "locked_after_look", "on": _on(first), "looks": first.looks_before})
    elif start and _on(first) > start:
        told.append({"code": "locked_after_start", "on": _on(first), "start": start})
    for before, after in zip(found.locks, found.locks[1:], strict=False):
        changes = changes_since(before.spec, after.spec)
        told.append(
            {
                "code": "amended",
                "version": after.version,
                "on": _on(after),
                "reason": after.reason,
                "looks_before": after.looks_before,
                "after_look": sorted({k for c in changes if (k := _kind(c))}) if after.looks_before else [],
                "changes": [_for_the_page(change) for change in changes],
            }
        )
    return told


def _kind(change: Change) -> str | None:
    """Name a change that matters when it comes after a look at outcomes."""
    if change.path in {"schedule.end", "schedule.outcome_days", "schedule.data_to"}:
        return "horizon_changed"
    if change.path.startswith("metrics[") and change.old == ABSENT:
        return "post_hoc_metric"
    if change.path.split(".")[0].split("[")[0] in {"arms", "assignment", "unit", "cluster", "population"}:
        return "draw_changed"
    return None


def _on(lock: Any) -> str:
    return str(lock.locked_at.date().isoformat())


def _for_the_page(change: Change) -> dict[str, str | None]:
    """Name a change; the salt and the places of data stay out of pages."""
    secret = "salt" in change.path or change.path.startswith("data.") or '"salt"' in change.old + change.new
    return {
        "path": change.path,
        "old": None if secret else change.old,
        "new": None if secret else change.new,
    }


@dataclass(frozen=True, slots=True)
class Known:
    """What a store knows before a draw: whether the plan is locked, and the last draw."""

    locked: bool
    draw: Recorded | None


def known_draw(experiment: Experiment, workspace: Path, store: str | None = None) -> Known | None:
    """Ask the store before units are drawn; None where nothing is kept.

    Raises
    ------
    Refused
        If the spec is not what was locked, if it is settled, or if another salt was drawn with.
    EngineError
        If there is a store that cannot be read.
    """
    place = place_of(workspace, store)
    if not place.is_there():
        return None
    from loyalty_exp.store.connect import open_store
    from loyalty_exp.store.life import may_assign
    from loyalty_exp.store.repository import facts_of, history

    opened = open_store(place)
    if opened is None:
        return None
    found = opened.read(lambda s: history(s, experiment.experiment))
    if found is None:
        return Known(False, None)
    may_assign(facts_of(found, experiment.experiment))
    if found.lock is not None:
        refuse_changes(experiment, found.lock)
    last = found.runs[-1] if found.runs else None
    if last is None:
        return Known(found.lock is not None, None)
    plan = experiment.assignment
    if last.salt and (plan is None or plan.salt != last.salt):
        raise Refused(
            f"'{experiment.experiment}' was drawn on {_day(last)} with another salt, as {place.shown} says. "
            "What was drawn stands; put the salt back, or give a new experiment a new id."
        )
    drawn = Recorded(last.digest, sum(last.counts.values()), _day(last)) if last.salt else None
    return Known(found.lock is not None, drawn)


def _day(run: Any) -> str:
    return str(run.assigned_at.date().isoformat())


def record_draw(
    experiment: Experiment, spec: Path, store: str | None, *, digest: str, counts: Mapping[str, int]
) -> str | None:
    """Record a draw of units where there is a store; give words for people, or None where nothing is kept.

    Parameters
    ----------
    experiment : Experiment
    spec : Path
    store : str or None
        Path or URL of the store; the workspace's own when left out.
    digest : str
        SHA-256 of the drawn rows; fingerprint of arms of another system.
    counts : mapping
        Units of each arm.
    """
    place = place_of(spec.parent, store)
    if not place.is_there():
        return None
    from loyalty_exp.store.connect import open_store
    from loyalty_exp.store.repository import add_assignment_run
    from loyalty_exp.store.turn import turn

    opened = open_store(place)
    if opened is None:
        return None
    drawn = experiment.data.units is None and experiment.data.assignments is None
    salt = experiment.assignment.salt if experiment.assignment and drawn else None
    with turn(place, experiment.experiment):
        run, new = opened.write(
            lambda s: add_assignment_run(
                s,
                experiment.experiment,
                spec.name,
                spec_sha256=freeze(experiment).sha256,
                salt=str(salt or ""),
                digest=digest,
                counts=counts,
            )
        )
    return f"draw {run.sequence} recorded" if new else f"same draw as draw {run.sequence}"


def keep(
    readout: Mapping[str, Any], text: str, spec: Path, store: str | None, write: Callable[[], object]
) -> str | None:
    """Write a readout, and record the look where there is a store; give words for people about the look.

    Parameters
    ----------
    readout, text
        The readout as plain values and as the text of its file.
    spec : Path
    store : str or None
        Path or URL of the store; the workspace's own when left out.
    write : callable
        Writes the file.

    Raises
    ------
    Refused
        If the spec was locked or amended while the readout was computed, or another process is at it; then
        neither is written.
    """
    place = place_of(spec.parent, store)
    opened = None
    if place.is_there():
        from loyalty_exp.store.connect import open_store

        opened = open_store(place)
    if opened is None:
        write()
        return None
    from loyalty_exp.store.repository import add_look, history
    from loyalty_exp.store.turn import turn

    experiment, lock = readout["experiment"]["id"], readout["experiment"]["lock"]
    with turn(place, experiment):
        found = opened.read(lambda s: history(s, experiment))
        now = found.lock.sha256 if found is not None and found.lock is not None else None
        if now != lock:
            raise Refused(f"'{experiment}' was locked anew while it was analyzed. Run the command again.")
        write()
        look, new = opened.write(lambda s: add_look(s, readout, text, spec.name))
    return f"look {look.sequence} recorded" if new else f"same readout as look {look.sequence}"
