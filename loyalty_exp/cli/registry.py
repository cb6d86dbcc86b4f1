"""`list`, `show` and `diff`: what the store knows of experiments."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import opened, store_option, workspace_option

if TYPE_CHECKING:
    from loyalty_exp.store.repository import History


@click.command("list", short_help="List the experiments of a workspace and their states.")
@workspace_option
@store_option
@common
def list_(workspace: Path, store: str | None) -> None:
    """List the experiments that the store knows, with their states."""
    from loyalty_exp.store.repository import histories

    rows = [_summary(found) for found in opened(workspace, store).read(histories)]
    if session().json:
        session().emit_json({"experiments": rows})
        return
    columns = ("experiment", "state", "version", "looks", "status", "recommended", "decision")
    session().say(_table(columns, [[_word(row[c]) for c in columns] for row in rows]))


@click.command(short_help="Show the history of one experiment.")
@click.argument("experiment", metavar="SPEC|ID")
@workspace_option
@store_option
@common
def show(experiment: str, workspace: Path, store: str | None) -> None:
    """Show locks, draws, looks, decisions and the learning of one experiment, by its spec or its id."""
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.repository import history

    name, workspace = _named(experiment, workspace)
    here = opened(workspace, store)
    found = here.read(lambda s: history(s, name))
    if found is None:
        raise Refused(f"the store {here.place.shown} knows no experiment '{name}'. Run: loyalty-exp list")
    if session().json:
        session().emit_json(_everything(found))
        return
    session().say("\n".join(_told(found)))


@click.command(short_help="Name what differs between two specs or locked versions.")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@workspace_option
@store_option
@common
def diff(a: str, b: str, workspace: Path, store: str | None) -> None:
    """Name what differs between A and B, old -> new.

    Each is a spec file, or a locked version as ID@VERSION or ID@locked for the one in force.
    """
    from loyalty_exp.store.freeze import changes_since

    changes = changes_since(_text_of(a, workspace, store), _text_of(b, workspace, store))
    if session().json:
        session().emit_json({"changes": [{"path": c.path, "old": c.old, "new": c.new} for c in changes]})
        return
    session().emit("".join(f"{change}\n" for change in changes))
    if not changes:
        session().say("nothing differs; comments and the order of keys do not count")


def _text_of(name: str, workspace: Path, store: str | None) -> str:
    """Give the canonical text of a spec file or of a locked version."""
    from loyalty_exp.errors import Refused
    from loyalty_exp.spec.read import read
    from loyalty_exp.store.freeze import freeze
    from loyalty_exp.store.repository import history

    experiment, at, version = name.rpartition("@")
    if not at or Path(name).exists():
        return freeze(read(Path(name))).spec
    experiment, workspace = _named(experiment, workspace)
    here = opened(workspace, store)
    found = here.read(lambda s: history(s, experiment))
    locks = {str(lock.version): lock for lock in (found.locks if found else ())}
    lock = found.lock if found and version == "locked" else locks.get(version)
    if lock is None:
        there = ", ".join(f"{experiment}@{v}" for v in locks) or "no version of it"
        raise Refused(f"{here.place.shown} has no {name}; there is {there}.")
    return lock.spec


def _named(experiment: str, workspace: Path) -> tuple[str, Path]:
    """Tell a spec file from an id, and give the id with its workspace."""
    from loyalty_exp.spec.read import read

    path = Path(experiment)
    if path.suffix in {".yaml", ".yml"} or path.is_file():
        return read(path).experiment, path.parent
    return experiment, workspace


def _summary(found: History) -> dict[str, Any]:
    from loyalty_exp.store.life import state_of
    from loyalty_exp.store.repository import facts_of

    facts = facts_of(found, found.id)
    last = found.looks[-1] if found.looks else None
    return {
        "experiment": found.id,
        "state": state_of(facts, dt.datetime.now(dt.UTC).date()),
        "spec_file": found.spec_file,
        "lock": found.lock.sha256 if found.lock else None,
        "version": found.lock.version if found.lock else None,
        "looks": len(found.looks),
        "status": last.status if last else None,
        "recommended": last.action if last else None,
        "decision": found.decisions[-1].action if found.decisions else None,
        "data_to": last.data_to if last else None,
    }


def _everything(found: History) -> dict[str, Any]:
    def plain(row: Any, *leave: str) -> dict[str, Any]:
        columns = [
            c.key for c in row.__table__.columns if c.key not in {"key", "experiment_id", "salt", *leave}
        ]
        values = {c: getattr(row, c) for c in columns}
        return {k: v.isoformat() if isinstance(v, dt.datetime) else v for k, v in values.items()}

    looks = {look.key: look.sequence for look in found.looks}
    return {
        **_summary(found),
        "locks": [plain(lock, "spec") for lock in found.locks],
        "assignment_runs": [plain(run) for run in found.runs],
        "look_history": [plain(look) for look in found.looks],
        "decisions": [
            {**plain(d, "look_key"), "look": looks[d.look_key], "differs": d.action != d.recommended}
            for d in found.decisions
        ],
        "archive": plain(found.archive) if found.archive else None,
    }


def _told(found: History) -> list[str]:
    summary = _summary(found)
    lines = [f"{found.id}: {summary['state']} ({found.spec_file})"]
    for lock in found.locks:
        why = f": {lock.reason}" if lock.reason else ""
        lines.append(f"  lock {lock.version}  {lock.locked_at:%Y-%m-%d %H:%M} UTC  {lock.sha256[:12]}{why}")
    for run in found.runs:
        counts = ", ".join(f"{arm} {n:,}" for arm, n in run.counts.items())
        lines.append(f"  draw {run.sequence}  {run.assigned_at:%Y-%m-%d %H:%M} UTC  {counts}")
    for look in found.looks:
        what = f"{look.action} {look.arm or ''}".strip()
        locked = "" if look.lock_sha256 else ", not locked"
        lines.append(
            f"  look {look.sequence}  {look.looked_at:%Y-%m-%d %H:%M} UTC  data to {look.data_to or '?'}, "
            f"{look.units:,} units, {look.status}: {what}{locked}"
        )
    for d in found.decisions:
        beside = "" if d.action == d.recommended else f" (the rule recommended {d.recommended})"
        lines.append(
            f"  decided {d.decided_at:%Y-%m-%d %H:%M} UTC by {d.by}: {d.action}{beside}: {d.because}"
        )
    if found.archive:
        then = f"; next: {', '.join(found.archive.next_ids)}" if found.archive.next_ids else ""
        lines.append(f"  learned: {found.archive.learning}{then}")
    return lines


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    widths = [max(len(line[i]) for line in [list(head), *rows]) for i in range(len(head))]
    lines = [
        "  ".join(word.ljust(w) for word, w in zip(line, widths, strict=True)) for line in [list(head), *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def _word(value: Any) -> str:
    return "-" if value is None else str(value)
