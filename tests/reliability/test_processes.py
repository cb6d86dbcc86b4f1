"""Several processes at once, other machines and clocks, little memory: the same state and the same numbers.

Tests are named by the row of the list of faults that they stand for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from store.killed import (
    ANALYZE,
    ASSIGN,
    DECIDE,
    GROW,
    LOCK,
    LOCK_DRAW,
    REPORT,
    child,
    code,
    left,
    make,
    whole,
)

from loyalty_exp.assignment.assign import assign
from loyalty_exp.cli.main import run_cli
from loyalty_exp.errors import EngineError
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.spec.read import read
from loyalty_exp.store.place import place_of
from reliability.extent import LONG

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")


def run(folder: Path, *commands: list[str]) -> None:
    for command in commands:
        assert code(child(folder, command)) == 0, command


@forks
@pytest.mark.parametrize("command", [ASSIGN, ANALYZE, LOCK], ids=["assign", "analyze", "lock"])
def test_f08_eight_processes_at_once_leave_what_one_leaves(tmp_path: Path, command: list[str]) -> None:
    alone, many = make(tmp_path / "alone"), make(tmp_path / "many")
    for folder in (alone, many):
        run(folder, LOCK_DRAW)
    run(alone, command)
    ended = [code(n) for n in [child(many, command) for _ in range(8)]]
    assert set(ended) <= {0, 4} and 0 in ended, ended
    assert left(many) == left(alone)
    assert whole(place_of(many)) == []


def test_f09_an_analysis_sees_one_draw_or_says_that_it_changed(tmp_path: Path) -> None:
    """The rows grow while they are read; half of the one and half of the other is never counted."""
    folder = make(tmp_path / "w")
    sales = "".join(f"m{i},o{i},2026-04-03,1\n" for i in range(5000))
    (folder / "sales.csv").write_text("id,o,t,a\n" + sales, encoding="utf-8")
    run(folder, LOCK_DRAW, ASSIGN)
    plan = read(folder / "draw.yaml")
    before = collect(plan, folder).units
    grown = []

    def grow(words: str) -> None:
        if "moments" in words:
            grown.append(words)
            run(folder, GROW)

    with pytest.raises(EngineError, match="changed while being read"):
        collect(plan, folder, progress=grow)
    after = collect(plan, folder).units
    assert grown and sum(after.values()) > sum(before.values())


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("order") / "w")
    run(folder, ANALYZE)
    return folder


def numbers(folder: Path, spec: str = "spec.yaml", *options: str) -> Any:
    assert code(child(folder, ["analyze", spec, *options])) == 0
    return json.loads((folder / "results" / "short" / "readout.json").read_text("utf-8"))


@forks
@pytest.mark.parametrize(
    ("order", "threads"),
    [("spend", "1"), ("id DESC", "2"), ("hash(id)", "8")]
    + [(o, t) for o in ("spend", "id DESC", "hash(id)") for t in ("1", "2", "4", "8") if LONG],
)
def test_f20_order_of_rows_and_columns_and_threads_change_nothing(
    table: Path, tmp_path: Path, order: str, threads: str
) -> None:
    folder = tmp_path / "w"
    shutil.copytree(table, folder, ignore=shutil.ignore_patterns("results"))
    number = os.fork()
    if not number:
        select = f"SELECT spend, arm, id FROM '{table}/units.csv' ORDER BY {order}"
        duckdb.sql(f"COPY ({select}) TO '{folder}/units.csv' (HEADER)")
        os._exit(0)
    assert code(number) == 0
    wanted, found = numbers(table), numbers(folder, "spec.yaml", "--threads", threads)
    assert found["arms"] == wanted["arms"]
    for a, b in zip(found["estimates"], wanted["estimates"], strict=True):
        for key in ("estimate", "std_error", "ci_lower", "ci_upper", "p_value"):
            assert a["absolute"][key] == pytest.approx(b["absolute"][key], rel=1e-12, abs=1e-300)


@forks
def test_f21_every_command_twice_changes_nothing_the_second_time(tmp_path: Path) -> None:
    folder = make(tmp_path / "w")
    for command in (LOCK, LOCK_DRAW, ASSIGN, GROW, ANALYZE, REPORT, ["export", "draw.yaml"]):
        run(folder, command)
        once = left(folder)
        run(folder, command)
        assert left(folder) == once, command
    run(folder, DECIDE)


def test_f25_no_environment_no_home_and_no_network_are_needed(tmp_path: Path) -> None:
    folder = make(tmp_path / "w")
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('a socket was opened')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "from loyalty_exp.cli.main import run_cli\n"
        "sys.exit(max(run_cli(line.split()) for line in sys.argv[1:]))"
    )
    lines = [
        "lock spec.yaml",
        "run spec.yaml",
        "assign draw.yaml --as-of 2026-04-02",
        "export draw.yaml",
        "list",
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, *lines], cwd=folder, env={}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@forks
def test_f29_a_backup_of_last_week_draws_the_same_members_into_the_same_arms(tmp_path: Path) -> None:
    folder, backup = make(tmp_path / "w"), tmp_path / "backup"
    run(folder, LOCK_DRAW, ASSIGN)
    shutil.copytree(folder, backup)
    run(folder, GROW)
    run(backup, GROW)
    assert left(backup)["files"] == left(folder)["files"]


@forks
def test_f29_old_rows_beside_a_newer_store_are_refused(tmp_path: Path, monkeypatch: Any, capfd: Any) -> None:
    folder, backup = make(tmp_path / "w"), tmp_path / "backup"
    run(folder, LOCK_DRAW, ASSIGN)
    shutil.copytree(folder / "results", backup)
    run(folder, GROW)
    shutil.rmtree(folder / "results")
    shutil.copytree(backup, folder / "results")
    before = left(folder)
    monkeypatch.chdir(folder)
    assert run_cli(GROW) == 4
    assert "Bring assignment.parquet and assignment.json back" in capfd.readouterr().err
    assert left(folder) == before


LITTLE_MEMORY = """
import json, os, resource, sys
from pathlib import Path
import duckdb, numpy, loyalty_exp.pipeline
from loyalty_exp.cli.main import run_cli
os.chdir(sys.argv[1])
ended = []
for more in (8, 24, 64, 256):
    number = os.fork()
    if not number:
        out = os.open("said", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + (more << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        os._exit(run_cli(["analyze", "spec.yaml"]))
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    ended.append({"more": more, "code": code, "words": Path("said").read_text()})
print(json.dumps(ended))
"""


@forks
def test_f30_little_memory_is_words_and_the_next_run_finishes(tmp_path: Path) -> None:
    """Where the C library itself finds no memory it ends the process, which then was killed."""
    pytest.importorskip("resource")
    folder = make(tmp_path / "w")
    number = os.fork()
    if not number:
        rows = "SELECT i AS id, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END AS arm, i % 7 AS spend"
        duckdb.sql(f"COPY ({rows} FROM range(2000000) t(i) ORDER BY hash(i)) TO '{folder}/u.parquet'")
        os._exit(0)
    assert code(number) == 0
    text = (folder / "spec.yaml").read_text("utf-8").replace("units.csv", "u.parquet")
    (folder / "spec.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", LITTLE_MEMORY, str(folder)], capture_output=True, text=True, check=False
    )
    ended = json.loads(done.stdout)
    assert {e["code"] for e in ended} <= {0, 3, 127, -6, -11}, ended
    assert not [
        e for e in ended if "Traceback" in e["words"] or (e["code"] == 3 and "memory" not in e["words"])
    ]
    assert whole(place_of(folder)) == []
    assert 3 in {e["code"] for e in ended}, ended
    run(folder, ANALYZE)


def test_f16_a_clock_that_goes_back_moves_nobody(tmp_path: Path) -> None:
    folder = make(tmp_path / "w")
    run(folder, LOCK_DRAW, ASSIGN, GROW)
    rows = (folder / "results" / "drawn" / "assignment.parquet").read_bytes()
    import datetime as dt

    for day in (dt.date(2026, 4, 2), dt.date(2026, 4, 9), dt.date(2030, 1, 1)):
        assign(read(folder / "draw.yaml"), folder, as_of=day)
        assert (folder / "results" / "drawn" / "assignment.parquet").read_bytes() == rows
