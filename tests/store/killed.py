"""Kill a command at many instants: what is left is whole, and the next run is as if nobody had disturbed.

The program loads everything once and then forks, so that the instants fall into the work, not into imports.
``python tests/store/killed.py --instants 50`` kills more often than the tests do; ``--store postgresql``
does so on a server that it starts, every instant on a database of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import alembic.command
import alembic.config
import alembic.script  # noqa: F401 - loaded before the fork
import duckdb  # noqa: F401

import loyalty_exp.pipeline
import loyalty_exp.report.render  # noqa: F401
from loyalty_exp.cli.main import run_cli
from loyalty_exp.store import migrate
from loyalty_exp.store.place import VARIABLE, Place, place_of
from store.samples import add_example, rows_of

SPEC = """
experiment: short
question: Does it pay?
unit: id
data: {units: units.csv}
arms: {from_column: arm, control: a, treatments: [b]}
metrics: [{id: spend, type: amount, column: spend, role: primary}]
"""
DRAW = """
experiment: drawn
question: Does it pay?
unit: id
data:
  members: members.csv
  transactions: {table: sales.csv, order: o, time: t, amount: a}
arms: [{id: a, share: 0.5, control: true}, {id: b, share: 0.5}]
assignment: {salt: drawn-once, ramp: [{from: 2026-04-01, share: 0.2}, {from: 2026-04-08, share: 1}]}
schedule: {start: 2026-04-01, end: 2026-04-20, outcome_days: 10}
metrics: [{id: spend, type: amount, column: a, role: primary}]
"""
LOCK = ["lock", "spec.yaml"]
LOCK_DRAW = ["lock", "draw.yaml"]
ASSIGN = ["assign", "draw.yaml", "--as-of", "2026-04-02"]
GROW = ["assign", "draw.yaml", "--as-of", "2026-04-09"]
REPORT = ["report", "spec.yaml"]
AMEND = ["lock", "spec.yaml", "--amend", "the level was agreed with finance"]
ANALYZE = ["analyze", "spec.yaml"]
DECIDE = [
    "decide",
    "spec.yaml",
    "--by",
    "Ann",
    "--because",
    "it was agreed so in the meeting",
    "--action",
    "stop",
]
ARCHIVE = ["archive", "spec.yaml", "--learning", "spend does not move within two weeks"]
UPGRADE = ["db", "upgrade"]


def make(folder: Path) -> Path:
    """Make a workspace with a small table."""
    folder.mkdir(parents=True)
    draw = random.Random(1)
    rows = [f"{i},{'ab'[i % 2]},{draw.lognormvariate(2, 1):.2f}" for i in range(2000)]
    (folder / "units.csv").write_text("id,arm,spend\n" + "\n".join(rows) + "\n", encoding="utf-8")
    (folder / "spec.yaml").write_text(SPEC, encoding="utf-8")
    members = "".join(f"m{i}\n" for i in range(5000))
    (folder / "members.csv").write_text("id\n" + members, encoding="utf-8")
    (folder / "draw.yaml").write_text(DRAW, encoding="utf-8")
    return folder


def amended(folder: Path) -> None:
    (folder / "spec.yaml").write_text(SPEC + "analysis: {alpha: 0.1}\n", encoding="utf-8")


def old_store(folder: Path) -> None:
    place = place_of(folder)
    migrate.upgrade(place, "0001")
    add_example(place, decided=False)


STORIES: dict[str, tuple[list[list[str] | Callable[[Path], None]], list[str]]] = {
    "assign": ([LOCK_DRAW], ASSIGN),
    "grow": ([LOCK_DRAW, ASSIGN], GROW),
    "lock": ([], LOCK),
    "amend": ([LOCK, amended], AMEND),
    "analyze": ([LOCK], ANALYZE),
    "report": ([LOCK, ANALYZE], REPORT),
    "decide": ([LOCK, ANALYZE], DECIDE),
    "archive": ([LOCK, ANALYZE, DECIDE], ARCHIVE),
    "upgrade": ([old_store], UPGRADE),
}
"""What comes before, and the command that is killed."""


def child(folder: Path, arguments: list[str]) -> int:
    """Fork a process that carries out a command, silently."""
    number = os.fork()
    if number:
        return number
    os.chdir(folder)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os._exit(run_cli(arguments))


def code(number: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def left(folder: Path) -> dict[str, Any]:
    """Give everything that is left, without the moments at which it came about."""
    place = place_of(folder)
    rows = {
        table: [tuple("(moment)" if hasattr(v, "isoformat") else v for v in row) for row in found]
        for table, found in (rows_of(place) if place.is_there() else {}).items()
    }
    files = {
        str(p.relative_to(folder)): p.read_bytes() if p.suffix != ".md" else b""
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".loyalty-exp" not in p.parts and not p.name.endswith(".tmp")
    }
    return {"rows": rows, "files": files}


def whole(place: Place) -> list[str]:
    """Look at a store just after a kill; one that was being made may be empty, or in its older state."""
    state = migrate.current(place)
    if state not in {None, *migrate.REVISIONS}:
        return [f"unknown state {state}"]
    return list(migrate.faults(place)) if state == migrate.REVISIONS[-1] else []


@contextmanager
def stores(kind: str) -> Iterator[Callable[[Path, Path | None], None]]:
    """Give what chooses the store of a folder: a file in it, or a database that begins as that of another."""
    if kind == "sqlite":
        yield lambda folder, like: None
        return
    import psycopg

    from store.servers import postgresql

    with postgresql() as url:

        def choose(folder: Path, like: Path | None) -> None:
            name, old = (f"{f.parent.name}_{f.name}" if f else "template1" for f in (folder, like))
            with psycopg.connect(url, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                    connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{old}"')
            os.environ[VARIABLE] = url.replace("/postgres?", f"/{name}?")

        try:
            yield choose
        finally:
            os.environ.pop(VARIABLE, None)


def story(
    name: str, instants: int, draw: random.Random, scratch: Path, choose: Callable[[Path, Path | None], None]
) -> list[str]:
    """Kill the command of a story at random instants and tell what was wrong."""
    before, command = STORIES[name]
    base = make(scratch / name / "base")
    choose(base, None)
    for step in before:
        if callable(step):
            step(base)
        elif code(child(base, step)):
            return [f"{name}: the step before, {step[0]}, failed"]
    undisturbed = scratch / name / "undisturbed"
    shutil.copytree(base, undisturbed)
    choose(undisturbed, base)
    start = time.monotonic()
    if code(child(undisturbed, command)):
        return [f"{name}: failed when nobody killed it"]
    duration = time.monotonic() - start
    wanted, wrong, reached = left(undisturbed), [], 0
    for i in range(instants + 20):
        if i >= instants:  # where every command was over before its kill, sooner and sooner ones
            if reached:
                break
            duration *= 0.7
        folder = scratch / name / str(i)
        shutil.copytree(base, folder)
        choose(folder, base)
        number = child(folder, command)
        time.sleep(draw.uniform(0, duration))
        os.kill(number, signal.SIGKILL)
        reached += code(number) == -signal.SIGKILL
        wrong += [f"{name} {i}: after the kill: {fault}" for fault in whole(place_of(folder))]
        if code(child(folder, command)):
            wrong.append(f"{name} {i}: the next run fails")
        else:
            found = left(folder)
            wrong += [
                f"{name} {i}: {key} differ: {str(found[key])[:400]} {str(wanted[key])[:400]}"
                for key in wanted
                if found[key] != wanted[key]
            ]
            wrong += [f"{name} {i}: after the next run: {fault}" for fault in whole(place_of(folder))]
        shutil.rmtree(folder)
    if not reached:
        wrong.append(f"{name}: no kill came before the end")
    return wrong


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--instants", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", choices=list(STORIES), action="append")
    options.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    chosen = options.parse_args()
    draw, wrong = random.Random(chosen.seed), []
    with tempfile.TemporaryDirectory() as scratch, stores(chosen.store) as choose:
        for name in chosen.only or STORIES:
            wrong += story(name, chosen.instants, draw, Path(scratch), choose)
    print(json.dumps({"instants": chosen.instants, "seed": chosen.seed, "wrong": wrong}, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
