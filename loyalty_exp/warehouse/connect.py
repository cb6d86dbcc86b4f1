"""From the engine's name in a spec to the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from loyalty_exp.errors import EngineError, ServerGone
from loyalty_exp.warehouse.engine import Engine

PATIENCE = 10.0
"""Seconds that a server which went away in the middle is waited for."""

T = TypeVar("T")


def through_restarts(work: Callable[[], T]) -> T:
    """Do work that only reads, and begin it anew while the server goes away and comes back.

    A server that was never there is not waited for.

    Parameters
    ----------
    work : callable
        Opens its own engine; done whole every time.

    Raises
    ------
    ServerGone
        If the server stays away for longer than one waits.
    """
    began: float | None = None
    while True:
        try:
            return work()
        except ServerGone as error:
            now = time.monotonic()
            if (began is None and not error.amid) or (began is not None and now - began >= PATIENCE):
                raise
            began = now if began is None else began
            time.sleep(min(0.25, PATIENCE / 4))


def open_engine(url: str, folder: Path, *, threads: int = 1, memory: str = "1200MB") -> Engine:
    """Open ``duckdb``, ``duckdb:///file``, ``sqlite:///file`` or ``postgresql://user@host/database``.

    Files are named from ``folder``.

    Raises
    ------
    EngineError
        For an engine that this version does not run, or a database that cannot be opened.
    """
    engine = _opened(url, folder, threads, memory)
    engine.folder = folder
    return engine


def _opened(url: str, folder: Path, threads: int, memory: str) -> Engine:
    name, _, rest = url.partition(":")
    if name in {"postgresql", "postgres"}:
        from loyalty_exp.warehouse.postgresql_engine import PostgreSQLEngine

        return PostgreSQLEngine(url)
    if rest and not rest.startswith("///"):
        raise EngineError(f"engine: write {name}:///file")
    path = folder / rest[3:] if rest[3:] else None
    if name == "duckdb":
        from loyalty_exp.warehouse.duckdb_engine import DuckDBEngine

        return DuckDBEngine(folder, path, threads, memory)
    if name == "sqlite":
        from loyalty_exp.warehouse.sqlite_engine import SQLiteEngine

        if path is None:
            raise EngineError("engine: SQLite needs a file, as sqlite:///data.db")
        return SQLiteEngine(path)
    raise EngineError(
        f"engine '{name}' is not run by this version; use duckdb, duckdb:///file, sqlite:///file "
        "or postgresql://user@host/database"
    )
