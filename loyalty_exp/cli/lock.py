"""`lock`: freeze a spec and pre-register it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loyalty_exp.cli.session import common, session
from loyalty_exp.cli.store import store_option

if TYPE_CHECKING:
    from loyalty_exp.store.models import LockRow
    from loyalty_exp.store.repository import History


@click.command(short_help="Freeze a spec and pre-register it.")
@click.argument("spec", type=click.Path(path_type=Path))
@click.option("--amend", metavar="REASON", help="Lock a changed spec as a new version, and say why.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the results.")
@store_option
@common
def lock(spec: Path, amend: str | None, out: Path | None, store: str | None) -> None:
    """Freeze SPEC with everything it refers to, and write its pre-registration.

    Locking the same spec again changes nothing. A changed spec is refused without --amend; both versions are
    kept, and every readout from then on says what was changed and why.
    """
    from loyalty_exp.spec.read import read
    from loyalty_exp.store.in_force import read_in_force
    from loyalty_exp.store.migrate import open_or_make
    from loyalty_exp.store.place import place_of
    from loyalty_exp.store.preregistration import FILE, preregistration
    from loyalty_exp.store.turn import turn
    from loyalty_exp.workspace import prepare, results_of, write_text

    now = session()
    experiment, note = read_in_force(spec, store) if amend is None else (read(spec), "")
    if note:
        now.say(note)
    results = results_of(spec, experiment.experiment, out)
    prepare(results)
    place = place_of(spec.parent, store)
    with turn(place, experiment.experiment):
        opened = open_or_make(place)
        row, new, found, shared = opened.write(lambda s: _locked(s, experiment, spec.name, amend))
        document = results.folder / FILE
        text = preregistration(found)
        if not document.is_file() or document.read_bytes() != text.encode("utf-8"):
            write_text(document, text)
    words = "locked" if new else "was locked already, nothing is changed"
    now.say(f"{experiment.experiment}: {words}: version {row.version}, {row.sha256}")
    now.say(f"pre-registration: {document}")
    for other in shared:
        now.say(f"warning: shared salt: {other} is drawn with the same salt; the arms of both go together")
    if now.json:
        now.emit_json(
            {
                "experiment": experiment.experiment,
                "version": row.version,
                "lock": row.sha256,
                "new": new,
                "preregistration": str(document),
                "warnings": [{"code": "shared_salt", "experiment": other} for other in shared],
            }
        )


def _locked(
    session_: Any, experiment: Any, spec_file: str, amend: str | None
) -> tuple[LockRow, bool, History, list[str]]:
    """Lock inside one transaction."""
    from loyalty_exp import __version__
    from loyalty_exp.errors import Refused
    from loyalty_exp.store.freeze import changes_since, freeze
    from loyalty_exp.store.life import has_substance, may_lock
    from loyalty_exp.store.registration import refuse_changes, refuse_redraw
    from loyalty_exp.store.repository import add_lock, facts_of, histories, history

    frozen = freeze(experiment)
    found = history(session_, experiment.experiment)
    last = found.lock if found else None
    if last is not None and changes_since(last.spec, frozen.spec):
        may_lock(facts_of(found, experiment.experiment))
        refuse_redraw(experiment.experiment, found, changes_since(last.spec, frozen.spec))
        if amend is None:
            refuse_changes(experiment, last)
        elif not has_substance(amend):
            raise Refused("an amendment says why, in a sentence that a reviewer understands: --amend REASON.")
    if last is not None and not changes_since(last.spec, frozen.spec):
        row, new = last, False
    else:
        row, new = add_lock(session_, frozen, spec_file, amend if last else None, __version__)
    after = history(session_, experiment.experiment)
    assert after is not None
    return row, new, after, _same_salt(experiment, histories(session_))


def _same_salt(experiment: Any, everything: tuple[History, ...]) -> list[str]:
    import json

    salt = experiment.assignment.salt if experiment.assignment else None
    if not salt:
        return []
    locked = [h for h in everything if h.lock is not None and h.id != experiment.experiment]
    return [
        h.id for h in locked if h.lock and (json.loads(h.lock.spec)["assignment"] or {}).get("salt") == salt
    ]
