"""One process at a time on one experiment: a turn is waited for within bounds, and ends with its process.

For SQLite it is a lock on a file beside the store, which the system takes back when the process dies; for
PostgreSQL an advisory lock of a connection, which also holds between machines. The file stays; removing it
would let two processes hold two files of the same name. Network folders that do not support file locks are
no place for a store.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.store import connect
from loyalty_exp.store.place import FOLDER, Place
from loyalty_exp.store.trouble import in_words

SCHEMA = "_schema"
"""The turn for changing the tables; no experiment can have this id."""


@contextlib.contextmanager
def turn(place: Place, experiment: str, patience: float | None = None) -> Iterator[None]:
    """Hold the turn of an experiment while the block runs.

    Raises
    ------
    Refused
        If another process holds it for longer than one waits.
    EngineError
        If the lock file cannot be made.
    """
    wait = connect.PATIENCE if patience is None else patience
    if place.file is None and place.url.startswith("postgresql"):
        with _advisory(place, experiment, wait):
            yield
        return
    folder = place.file.parent if place.file is not None else place.workspace / FOLDER
    with _locked_file(folder / "turns" / experiment, experiment, wait):
        yield


@contextlib.contextmanager
def _locked_file(path: Path, experiment: str, wait: float) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        raise EngineError(
            f"{path} cannot be made: {error.strerror}. Mend the permissions of its folder, or make room."
        ) from None
    try:
        if not _until(lambda: _try_lock(file), wait):
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
            raise _taken(experiment, f"process {holder}" if holder else "another process", wait)
        with contextlib.suppress(OSError):  # who holds it is a courtesy, not needed on a full disk
            os.ftruncate(file, 0)
            os.write(file, str(os.getpid()).encode())
        yield
    finally:
        os.close(file)


def _try_lock(file: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _advisory(place: Place, experiment: str, wait: float) -> Iterator[None]:
    number = int.from_bytes(hashlib.sha256(f"loyalty-exp:{experiment}".encode()).digest()[:8], signed=True)
    query = sa.text("SELECT pg_try_advisory_lock(:number)")
    engine = connect.engine_of(place).execution_options(isolation_level="AUTOCOMMIT")
    connection = connect.persistent(place, engine.connect)
    with connection:
        try:
            held = _until(lambda: bool(connection.execute(query, {"number": number}).scalar()), wait)
        except SQLAlchemyError as error:
            raise in_words(place, error) from None
        if not held:
            raise _taken(experiment, "another process, perhaps on another machine,", wait)
        try:
            yield
        finally:
            with contextlib.suppress(SQLAlchemyError):  # a broken connection has given the lock back already
                connection.invalidate()


def _until(attempt: Callable[[], bool], wait: float) -> bool:
    end = time.monotonic() + wait
    while not attempt():
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True


def _taken(experiment: str, holder: str, wait: float) -> Refused:
    what = "the tables of the store" if experiment == SCHEMA else f"the experiment '{experiment}'"
    return Refused(
        f"{holder} is at work on {what}; waited {wait:g} s. Run the command again when it has ended."
    )
