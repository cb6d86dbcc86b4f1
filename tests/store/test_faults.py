"""Killed processes, full disks, held locks and servers that go away: words, and a whole store."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loyalty_exp.errors import EngineError, Refused, UsageError
from loyalty_exp.masking import masked
from loyalty_exp.store import connect, migrate
from loyalty_exp.store.connect import open_store
from loyalty_exp.store.migrate import open_or_make
from loyalty_exp.store.place import Place, place_of
from loyalty_exp.store.repository import add_lock, history
from loyalty_exp.store.turn import turn
from store import servers
from store.samples import add_example, frozen, rows_of

HERE = Path(__file__).parent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_f01_f02_f03_f13_a_kill_at_any_instant_leaves_all_whole() -> None:
    """Assign, lock, analyze, report, decide, archive and migrate; `make faults` kills more often."""
    command = [sys.executable, str(HERE / "killed.py"), "--instants", "3", "--seed", str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["wrong"] == []


def test_a_database_held_by_another_is_waited_for_within_bounds(tmp_path: Path, monkeypatch) -> None:
    place = place_of(tmp_path)
    open_or_make(place)
    assert place.file is not None
    monkeypatch.setattr(connect, "PATIENCE", 0.3)
    holder = sqlite3.connect(place.file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    start = time.monotonic()
    store = open_store(place)
    assert store is not None
    with pytest.raises(EngineError, match="held by another program"):
        store.write(lambda s: add_lock(s, frozen(), "x", None, "0"))
    assert 0.2 < time.monotonic() - start < 5
    holder.execute("ROLLBACK")
    holder.close()
    assert store.write(lambda s: add_lock(s, frozen(), "x", None, "0"))[1]


def test_a_database_that_is_let_go_in_time_is_written(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    store = open_or_make(place)
    assert place.file is not None
    holder = sqlite3.connect(place.file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, lambda: holder.execute("ROLLBACK")).start()
    assert store.write(lambda s: add_lock(s, frozen(), "x", None, "0"))[1]


def test_the_second_at_one_experiment_is_refused_after_a_while(place: Place) -> None:
    with turn(place, "x"):
        start = time.monotonic()
        with (
            pytest.raises(Refused, match=r"at work on the experiment 'x'; waited 0\.2 s"),
            turn(place, "x", 0.2),
        ):
            pass
        assert time.monotonic() - start < 5
        with turn(place, "y", 0.2):
            pass
    with turn(place, "x", 0.2):
        pass


def test_a_turn_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from loyalty_exp.store.place import place_of;"
        "from loyalty_exp.store.turn import turn\n"
        "with turn(place_of(Path(sys.argv[1])), 'x'): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(Refused, match=f"process {holder.pid}"), turn(place_of(tmp_path), "x", 0.1):
        pass
    holder.kill()
    holder.wait()
    with turn(place_of(tmp_path), "x", 2):
        pass


def test_many_writers_at_once_lose_nothing_and_double_nothing(place: Place) -> None:
    open_or_make(place)
    wrong: list[Exception] = []

    def write(number: int) -> None:
        try:
            with turn(place, "x"):
                store = open_or_make(place)
                store.write(lambda s: add_lock(s, frozen(unit=str(number % 4)), "x", "why", "0"))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    store = open_or_make(place)
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    versions = [lock.version for lock in found.locks]
    assert versions == list(range(1, len(versions) + 1))
    assert all(a.sha256 != b.sha256 for a, b in zip(found.locks, found.locks[1:], strict=False))
    assert {lock.sha256 for lock in found.locks} == {frozen(unit=str(i)).sha256 for i in range(4)}


def test_a_full_disk_is_words_and_the_store_stays_whole(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    place = place_of(tmp_path)
    store = open_or_make(place)
    add_example(place)
    before = rows_of(place)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(EngineError, match=r"store\.db .*Nothing was changed"):
            store.write(lambda s: add_lock(s, frozen(unit="u" * 50_000), "x", "why", "0"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert rows_of(place) == before
    assert migrate.faults(place) == ()
    assert store.write(lambda s: add_lock(s, frozen(unit="u" * 50_000), "x", "why", "0"))[1]


def test_a_full_disk_while_the_store_is_made_is_words(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    place = place_of(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        with pytest.raises(EngineError, match=r"store\.db"):
            open_or_make(place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    open_or_make(place)
    assert migrate.faults(place) == ()


def test_a_store_that_may_only_be_read_is_read_and_not_written(tmp_path: Path, monkeypatch) -> None:
    place = place_of(tmp_path)
    open_or_make(place)
    add_example(place)
    monkeypatch.setattr(connect.os, "access", lambda *_: False)
    store = open_store(place)
    assert store is not None
    assert store.read(lambda s: history(s, "x")) is not None
    assert {p.name for p in (tmp_path / ".loyalty-exp").iterdir()} == {"store.db", "turns"}
    with pytest.raises(EngineError, match="read-only"):
        store.write(lambda s: add_lock(s, frozen(unit="c"), "x", "why", "0"))


def test_a_folder_in_the_way_and_a_file_of_another_kind_are_words(tmp_path: Path) -> None:
    (tmp_path / ".loyalty-exp").write_text("a file", encoding="utf-8")
    with pytest.raises(EngineError, match="cannot be made"):
        open_or_make(place_of(tmp_path))
    other = tmp_path / "other.db"
    other.write_bytes(b"<html>this is no database</html>" * 100)
    for work in (open_store, open_or_make):
        with pytest.raises(EngineError, match="is not an SQLite database"):
            work(place_of(tmp_path, str(other)))


def test_a_damaged_file_is_found(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    open_or_make(place)
    add_example(place)
    assert place.file is not None
    content = bytearray(place.file.read_bytes())
    for start in range(8192, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    place.file.write_bytes(content)
    try:
        found = migrate.faults(place)
    except EngineError as error:
        found = (str(error),)
    assert found != ()


def test_a_link_is_not_followed_when_the_store_is_made(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("", encoding="utf-8")
    (tmp_path / "store.db").symlink_to(tmp_path / "target")
    with pytest.raises(EngineError, match="cannot be made"):
        open_or_make(place_of(tmp_path, str(tmp_path / "store.db")))
    assert (tmp_path / "target").read_text(encoding="utf-8") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@h/db", "postgresql://u:***@h/db"),
        ("postgresql+psycopg://u:p%40w@h:5432/db", "postgresql+psycopg://u:***@h:5432/db"),
        ("at postgresql://u:p@ss/w@h/db failed", "at postgresql://u:***@h/db failed"),
        (
            "postgresql://u@h/db?password=geheim&sslmode=require",
            "postgresql://u@h/db?password=***&sslmode=require",
        ),
        ("results/a.yaml", "results/a.yaml"),
    ],
)
def test_passwords_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_addresses_that_cannot_be_used_are_words_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        place_of(tmp_path, "postgresql://u:geheim@h:notaport/db")
    assert "geheim" not in str(error.value)
    with pytest.raises(UsageError, match="in memory"):
        place_of(tmp_path, "sqlite://")
    with pytest.raises((UsageError, EngineError)) as unknown:
        open_store(place_of(tmp_path, "nosuchdb://u:geheim@h/db"))
    assert "geheim" not in str(unknown.value)
    with pytest.raises(EngineError, match="no server listens") as silent:
        open_store(place_of(tmp_path, "postgresql://u:geheim@127.0.0.1:1/db"))
    assert "geheim" not in str(silent.value)


def test_a_server_without_the_database_says_so(server: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no such database"):
        open_store(place_of(tmp_path, server.replace("/postgres?", "/nosuch?")))


def test_a_connection_that_breaks_is_tried_once_more(database: str, tmp_path: Path, monkeypatch) -> None:
    import sqlalchemy as sa

    monkeypatch.setattr(connect, "PATIENCE", 0.1)
    store = open_or_make(place_of(tmp_path, database))
    broken = []

    def work(session):  # type: ignore[no-untyped-def]
        if not broken:
            broken.append(1)
            own = session.scalar(sa.text("SELECT pg_backend_pid()"))
            add_lock(session, frozen(), "x", None, "0")
            with store.engine.connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:own)"), {"own": own})
                other.commit()
            time.sleep(0.1)
        return add_lock(session, frozen(), "x", None, "0")

    row, new = store.write(work)
    assert (row.version, new) == (1, True)
    found = store.read(lambda s: history(s, "x"))
    assert found is not None
    assert len(found.locks) == 1


def test_f11_a_server_that_is_restarted_in_the_middle_gets_the_whole_work_again(
    server: str, database: str, tmp_path: Path
) -> None:
    store = open_or_make(place_of(tmp_path, database))
    tries = []

    def work(session):  # type: ignore[no-untyped-def]
        row, new = add_lock(session, frozen(), "x", None, "0")
        session.flush()
        if not tries:
            servers.restart(server)
        tries.append(row.version)
        return new

    with turn(store.place, "x"):
        assert store.write(work)
    with turn(store.place, "x", 0.2):
        pass
    assert tries == [1, 1]
    assert [lock.version for lock in store.read(lambda s: history(s, "x")).locks] == [1]  # type: ignore[union-attr]


def test_f11_a_server_that_stays_away_is_told_after_a_while_and_nothing_was_done(
    server: str, database: str, tmp_path: Path, monkeypatch
) -> None:
    place = place_of(tmp_path, database)
    store = open_or_make(place)
    monkeypatch.setattr(connect, "PATIENCE", 1.0)

    def work(session):  # type: ignore[no-untyped-def]
        add_lock(session, frozen(), "x", None, "0")
        session.flush()
        servers.stop(server)

    start = time.monotonic()
    try:
        with pytest.raises(EngineError, match="no server listens"):
            store.write(work)
        assert 0.9 < time.monotonic() - start < 30
        with pytest.raises(EngineError, match="no server listens"), turn(place, "x"):
            pass
    finally:
        servers.begin(server)
    assert store.read(lambda s: history(s, "x")) is None


def test_a_backup_of_last_week_is_a_store_like_any_other(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    store = open_or_make(place)
    store.write(lambda s: add_lock(s, frozen(), "x", None, "0"))
    assert place.file is not None
    backup = shutil.copy(place.file, tmp_path / "backup.db")
    store.write(lambda s: add_lock(s, frozen(unit="b"), "x", "why", "0"))
    restored = open_store(place_of(tmp_path, str(backup)))
    assert restored is not None
    found = restored.read(lambda s: history(s, "x"))
    assert found is not None
    assert len(found.locks) == 1
