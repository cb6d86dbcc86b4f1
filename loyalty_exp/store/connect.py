"""Opening the store: an SQLite file with write-ahead log and foreign keys, or the team's own database."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from loyalty_exp.errors import EngineError, Refused
from loyalty_exp.store.models import REVISIONS
from loyalty_exp.store.place import Place
from loyalty_exp.store.trouble import comes_back, in_words, went_away

PATIENCE = 10.0
"""Seconds that a database held by another program is waited for."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. Work is a function of a session; it is one transaction, and must bear a second try."""

    place: Place
    engine: sa.Engine

    def read(self, work: Callable[[Session], T]) -> T:
        """Do work that changes nothing, on one snapshot."""
        return self._within(work, writes=False)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do work whole or not at all; again when the connection broke, as when a server is restarted."""
        return self._within(work, writes=True)

    def _within(self, work: Callable[[Session], T], *, writes: bool) -> T:
        engine = self.engine.execution_options(writes=writes)

        def whole() -> T:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                return work(session)

        return persistent(self.place, whole)


def persistent(place: Place, attempt: Callable[[], T]) -> T:
    """Try again while a server goes away and comes back, for as long as one waits; then say so in words.

    A server that was never there is not waited for.

    Raises
    ------
    EngineError, Refused, UsageError
        As the database says.
    """
    began: float | None = None
    while True:
        try:
            return attempt()
        except SQLAlchemyError as error:
            now = time.monotonic()
            gone = comes_back(error) or (began is not None and went_away(error))
            began = now if began is None else began
            if not gone or now - began >= PATIENCE:
                raise in_words(place, error) from None
            time.sleep(min(0.25, PATIENCE / 4))


def open_store(place: Place) -> Store | None:
    """Open the store as it is; None when nothing has ever been stored there. No file is made.

    Raises
    ------
    Refused
        If an older or a newer version of the package made it.
    EngineError
        If it cannot be opened.
    """
    if not place.is_there():
        return None
    engine = engine_of(place)
    revision = revision_of(place, engine)
    if revision is None:
        return None
    refuse_other_versions(place, revision)
    return Store(place, engine)


def refuse_other_versions(place: Place, revision: str) -> None:
    """Refuse what this version cannot read."""
    if revision == REVISIONS[-1]:
        return
    if revision in REVISIONS:
        raise Refused(
            f"the store {place.shown} was made by an older version (schema {revision}, this one works with "
            f"{REVISIONS[-1]}). Make a backup, then run: loyalty-exp db upgrade"
        )
    raise Refused(
        f"the store {place.shown} was made by a newer version of loyalty-exp (schema {revision}, this one "
        f"knows up to {REVISIONS[-1]}); it is neither read nor written. Install that version."
    )


def revision_of(place: Place, engine: sa.Engine) -> str | None:
    """Read the state of the schema; None for a database without our tables."""

    def read() -> str | None:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            return str(found) if found is not None else None

    try:
        return persistent(place, read)
    except OSError as error:
        raise in_words(place, error) from None


def engine_of(place: Place) -> sa.Engine:
    """Make the engine; one connection a transaction, so that nothing is held between them."""
    if place.file is not None:
        return _sqlite(place.file)
    try:
        engine = sa.create_engine(place.url, poolclass=NullPool, hide_parameters=True)
    except (SQLAlchemyError, ImportError) as error:
        raise in_words(place, error) from None
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "connect", _patient_on_postgresql)
        engine = engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def make_file(file: Path) -> None:
    """Make the SQLite file, readable by its owner alone, with its write-ahead log."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), 0o600))
    except OSError as error:
        raise EngineError(
            f"the store {file} cannot be made: {error.strerror}. Mend the permissions, or make room."
        ) from None


def _sqlite(file: Path) -> sa.Engine:
    writable = os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
    still = not writable and not file.with_name(file.name + "-wal").exists()
    uri = f"{file.resolve().as_uri()}?mode={'rw' if writable else 'ro'}{'&immutable=1' if still else ''}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool, hide_parameters=True)
    sa.event.listen(engine, "begin", _begin_on_sqlite)
    return engine


def _begin_on_sqlite(connection: sa.Connection) -> None:
    """Begin for writing at once where it will be written: a lock taken later could not be waited for."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _patient_on_postgresql(connection: Any, record: object) -> None:
    connection.execute(f"SET lock_timeout = {int(PATIENCE * 1000)}")
    connection.execute("SET timezone = 'UTC'")
    connection.commit()
