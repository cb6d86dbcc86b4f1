"""Bringing the tables of the store to the state of today, whole or not at all, and checking them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from loyalty_exp.errors import EngineError
from loyalty_exp.store.connect import (
    Store,
    engine_of,
    make_file,
    open_store,
    refuse_other_versions,
    revision_of,
)
from loyalty_exp.store.freeze import sha256
from loyalty_exp.store.models import REVISIONS, Base, LockRow, ReadoutRow
from loyalty_exp.store.place import Place
from loyalty_exp.store.trouble import in_words
from loyalty_exp.store.turn import SCHEMA, turn


def current(place: Place) -> str | None:
    """Give the state of the schema; None when there is no store."""
    return revision_of(place, engine_of(place)) if place.is_there() else None


def upgrade(place: Place, revision: str = "head") -> tuple[str | None, str]:
    """Bring the tables forward and give the states before and after; one transaction, or nothing.

    Parameters
    ----------
    place : Place
    revision : str
        The state wanted; the latest when left out.

    Raises
    ------
    Refused
        If a newer version made the store, or another process is at it.
    EngineError
        If it cannot be written.
    """
    target = REVISIONS[-1] if revision == "head" else revision
    with turn(place, SCHEMA):
        if place.file is not None:
            make_file(place.file)
        engine = engine_of(place)
        before = revision_of(place, engine)
        if before == target:
            return before, target
        if before is not None and before not in REVISIONS:
            refuse_other_versions(place, before)
        try:
            with engine.execution_options(writes=True).connect() as connection:
                _prepare(connection)
                with connection.begin():
                    _run(connection, target)
                    _refuse_broken_links(place, connection)
        except SQLAlchemyError as error:
            raise in_words(place, error) from None
    return before, target


def open_or_make(place: Place) -> Store:
    """Open the store, and make it when there is none.

    Raises
    ------
    Refused, EngineError
        As `open_store`; or if it cannot be made.
    """
    store = open_store(place)
    if store is None:
        upgrade(place)
        store = Store(place, engine_of(place))
    return store


def _prepare(connection: sa.Connection) -> None:
    """SQLite: a write-ahead log from now on, and no foreign keys while tables are moved and copied."""
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.dbapi_connection
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA foreign_keys = OFF")


def _run(connection: sa.Connection, target: str) -> None:
    from alembic import command

    configured = _config(connection)
    found = revision_at(connection)
    back = found is not None and REVISIONS.index(found) > REVISIONS.index(target)
    (command.downgrade if back else command.upgrade)(configured, target)


def _config(connection: sa.Connection) -> Any:
    from alembic.config import Config

    configured = Config()
    folder = str(Path(__file__).parent / "migrations")
    configured.set_main_option("script_location", folder.replace("%", "%%"))
    configured.attributes["connection"] = connection
    return configured


def revision_at(connection: sa.Connection) -> str | None:
    """Read the state of the schema inside a transaction."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return str(found) if found is not None else None


def _refuse_broken_links(place: Place, connection: sa.Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise EngineError(f"the store {place.shown} would lose links between its tables; left as it was.")


def faults(place: Place) -> tuple[str, ...]:
    """Check that the store is whole: the tables as declared, the file sound, every text equal to its hash."""
    if not place.is_there():
        return ()
    engine = engine_of(place)
    found: list[str] = []
    try:
        with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                said = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
                found += [f"the file is damaged: {line}" for line in said if line != "ok"]
                if connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall():
                    found.append("a row refers to one that is not there")
            found += [f"the tables are not as declared: {d}" for d in _differences(connection)]
        with Session(engine) as session:
            for lock in session.scalars(sa.select(LockRow)):
                if sha256(lock.spec) != lock.sha256:
                    found.append(f"version {lock.version} of {lock.experiment_id} is not what was locked")
            for readout in session.scalars(sa.select(ReadoutRow)):
                if sha256(readout.content) != readout.sha256:
                    found.append(f"readout {readout.look_key} is not what was recorded")
    except SQLAlchemyError as error:
        raise in_words(place, error) from None
    return tuple(found)


def _differences(connection: sa.Connection) -> list[str]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    own = set(Base.metadata.tables) | {"alembic_version"}

    def ours(item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        return kind != "table" or name in own

    context = MigrationContext.configure(connection, opts={"include_object": ours})
    return [
        str(difference[0]) + " " + str(difference[1])
        for difference in compare_metadata(context, Base.metadata)
    ]
