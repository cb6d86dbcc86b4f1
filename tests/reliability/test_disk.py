"""Disks that fail or are full, folders that may only be read: words, and the next run finishes.

Tests are named by the row of the list of faults that they stand for.
"""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from store.killed import ANALYZE, ASSIGN, GROW, LOCK, LOCK_DRAW, REPORT, child, code, left, make, whole

from loyalty_exp.cli.main import run_cli
from loyalty_exp.store import connect
from loyalty_exp.store.place import place_of
from reliability.extent import LONG

EXPORT = ["export", "spec.yaml", "--what", "tables"]
LISTS = ["export", "draw.yaml"]

STORIES: dict[str, tuple[list[list[str]], list[str]]] = {
    "lock": ([], LOCK),
    "assign": ([LOCK_DRAW], ASSIGN),
    "grow": ([LOCK_DRAW, ASSIGN], GROW),
    "analyze": ([LOCK], ANALYZE),
    "report": ([LOCK, ANALYZE], REPORT),
    "tables": ([LOCK, ANALYZE], EXPORT),
    "lists": ([LOCK_DRAW, ASSIGN], LISTS),
}
"""What comes before, and the command that meets the fault."""


def told(folder: Path, command: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command in a folder; give its exit code and standard error."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        capfd.readouterr()
        number = run_cli(command)
        return number, capfd.readouterr().err
    finally:
        os.chdir(before)


@pytest.fixture(params=list(STORIES))
def story(
    request: pytest.FixtureRequest, tmp_path: Path, capfd: Any
) -> tuple[Path, list[str], dict[str, Any]]:
    """A folder just before a command, the command, and what an undisturbed run of it leaves."""
    before, command = STORIES[request.param]
    base = make(tmp_path / "base")
    for step in before:
        assert told(base, step, capfd)[0] == 0
    shutil.copytree(base, tmp_path / "quiet")
    assert told(tmp_path / "quiet", command, capfd)[0] == 0
    return base, command, left(tmp_path / "quiet")


class Failing:
    """Lets the n-th call that writes fail, in a folder."""

    def __init__(self, folder: Path, fails: int) -> None:
        self.folder, self.fails, self.calls = str(folder), fails, 0

    def wrap(self, call: Callable[..., Any], named: bool, wanted: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            own = not named or str(Path.cwd() / arguments[0]).startswith(self.folder) if arguments else False
            if own and wanted(*arguments, **options):
                self.calls += 1
                if self.calls == self.fails:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            return call(*arguments, **options)

        return wrapped

    def install(self, patch: pytest.MonkeyPatch) -> None:
        always = lambda *_, **__: True  # noqa: E731
        for name in ("replace", "chmod", "mkdir", "unlink"):
            patch.setattr(os, name, self.wrap(getattr(os, name), True, always))
        patch.setattr(os, "fsync", self.wrap(os.fsync, False, always))
        patch.setattr(os, "open", self.wrap(_strings(os.open), True, always))
        writes = lambda _, mode="r", *__, **___: set(mode) & set("wxa+")  # noqa: E731
        patch.setattr(io, "open", self.wrap(io.open, True, writes))


def _strings(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda path, *rest, **options: call(path, *rest, **options)


def test_f07_every_call_that_writes_may_fail(
    story: tuple[Path, list[str], dict[str, Any]], tmp_path: Path, capfd: Any
) -> None:
    """All calls in the long version; in the short one every fourth, beginning anywhere."""
    base, command, wanted = story
    step = 1 if LONG else 4
    number = random.randrange(step) - step + 1
    while True:
        number += step
        folder = tmp_path / f"fault{number}"
        shutil.copytree(base, folder)
        with pytest.MonkeyPatch.context() as patch:
            failing = Failing(folder, number)
            failing.install(patch)
            ended, err = told(folder, command, capfd)
        if failing.calls < number:
            break
        assert ended in {0, 3}, (number, err)
        assert "Traceback" not in err and (ended == 0 or len(err.splitlines()) < 4), (number, err)
        assert whole(place_of(folder)) == []
        assert told(folder, command, capfd)[0] == 0, number
        found = left(folder)
        assert found["rows"] == wanted["rows"] and found["files"] == wanted["files"], (number, err)
        shutil.rmtree(folder)
    assert number > 3


@pytest.fixture
def small_files() -> Iterator[Callable[[int], None]]:
    """Let no file grow beyond some bytes, as on a full disk."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_f05_a_full_disk_is_words_and_the_next_run_finishes(
    story: tuple[Path, list[str], dict[str, Any]], small_files: Callable[[int], None], capfd: Any
) -> None:
    base, command, wanted = story
    before = left(base)
    small_files(512)
    try:
        ended, err = told(base, command, capfd)
    finally:
        small_files(-1)
    assert ended == 3, err
    assert "Traceback" not in err and "loyalty-exp: " in err
    assert any(w in err for w in ("too large", "full", "room", "Too large")), err
    after = left(base)
    assert {k: v for k, v in after["files"].items() if k in before["files"]} == before["files"]
    assert whole(place_of(base)) == []
    assert told(base, command, capfd)[0] == 0
    assert left(base) == wanted


@pytest.fixture
def closed() -> Iterator[Callable[[Path], None]]:
    """Take the right to write away from a folder and all below it."""
    shut: list[Path] = []

    def close(folder: Path) -> None:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
            shut.append(path)

    yield close
    for path in shut:
        if path.exists():
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.mark.skipif(os.name != "posix", reason="users and permissions of POSIX")
def test_f06_a_folder_that_may_only_be_read_is_told_before_anything_is_computed(
    closed: Callable[[Path], None], capfd: Any
) -> None:
    """Root may write everywhere, so that the command is run as nobody then."""
    home = Path(tempfile.mkdtemp(prefix="readonly-", dir="/tmp"))
    home.chmod(0o755)
    try:
        folder = make(home / "w")
        for step in (LOCK, LOCK_DRAW, ASSIGN, ANALYZE):
            assert told(folder, step, capfd)[0] == 0
        before = left(folder)
        closed(folder)
        for command in (ANALYZE, REPORT, GROW, EXPORT, LISTS, [*LOCK, "--amend", "agreed with finance"]):
            said = home / "said"
            number = as_nobody(folder, command, said)
            words = said.read_text(encoding="utf-8") if said.exists() else ""
            expected = {0, 3} if command[0] == "lock" else {3}
            assert number in expected, (command, number, words)
        closed(folder)
        assert left(folder) == before
    finally:
        for path in (home, *home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        shutil.rmtree(home)


def as_nobody(folder: Path, command: list[str], said: Path) -> int:
    """Run a command in a process that is not root."""
    number = os.fork()
    if number:
        return code(number)
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    os._exit(code(child(folder, command)))


def test_f10_a_store_that_is_held_is_waited_for_and_told(
    tmp_path: Path, capfd: Any, monkeypatch: Any
) -> None:
    folder = make(tmp_path / "w")
    for step in (LOCK, ANALYZE):
        assert told(folder, step, capfd)[0] == 0
    before = left(folder)
    monkeypatch.setattr(connect, "PATIENCE", 0.3)
    holder = sqlite3.connect(folder / ".loyalty-exp" / "store.db", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        for command in (ANALYZE, [*LOCK, "--amend", "agreed with finance"], ["list"], GROW):
            ended, err = told(folder, command, capfd)
            assert ended == 3 and "held by another program" in err, (command, err)
    finally:
        holder.close()
    assert left(folder) == before
    assert told(folder, ANALYZE, capfd)[0] == 0


def test_f26_files_are_made_beside_their_targets_and_temporary_folders_are_not_needed(
    tmp_path: Path, capfd: Any, monkeypatch: Any
) -> None:
    """A rename then never crosses file systems (EXDEV), wherever TMPDIR is."""
    folder = make(tmp_path / "w")
    replace = os.replace

    def beside(source: Any, target: Any) -> None:
        assert Path(source).parent == Path(target).parent
        replace(source, target)

    monkeypatch.setattr(os, "replace", beside)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for step in (LOCK, ANALYZE, REPORT, ASSIGN, EXPORT, LISTS):
        assert told(folder, step, capfd)[0] == 0


@pytest.mark.parametrize("name", ["readout.json", "report.en.html", "export/arms.csv", "preregistration.md"])
def test_f27_a_symbolic_link_is_not_written_through(tmp_path: Path, capfd: Any, name: str) -> None:
    folder = make(tmp_path / "w")
    target = folder / "results" / "short" / name
    for step in (ANALYZE, REPORT):
        assert told(folder, step, capfd)[0] == 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    (tmp_path / "precious").write_text("mine", encoding="utf-8")
    target.symlink_to(tmp_path / "precious")
    command = {"readout.json": ANALYZE, "report.en.html": REPORT, "preregistration.md": LOCK}.get(
        name, EXPORT
    )
    ended, err = told(folder, command, capfd)
    assert (ended, "symbolic link" in err) == (4, True), err
    assert (tmp_path / "precious").read_text(encoding="utf-8") == "mine"
