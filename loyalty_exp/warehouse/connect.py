"""From the engine's name in a spec to the engine."""

from __future__ import annotations

from pathlib import Path

from loyalty_exp.errors import EngineError
from loyalty_exp.warehouse.engine import Engine


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
