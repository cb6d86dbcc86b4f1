"""A plugin of pytest: tests that read SQLite read PostgreSQL, the files beside the database as its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pytest
from store.servers import postgresql

from loyalty_exp.warehouse import connect
from loyalty_exp.warehouse.engine import Engine

NAMES = {"DOUBLE": "double precision", "TINYINT": "smallint", "HUGEINT": "numeric"}
"""Types that PostgreSQL calls otherwise than DuckDB."""


def copy(files: Iterable[Path], url: str) -> None:
    """Make a table of each file, in place of all tables."""
    import psycopg

    with psycopg.connect(url) as connection, duckdb.connect() as source:
        source.execute("SET TimeZone = 'UTC'")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        for file in files:
            found = source.execute(f"SELECT * FROM '{file}'")
            columns = ", ".join(f'"{d[0]}" {NAMES.get(str(d[1]), d[1])}' for d in found.description)
            connection.execute(f'CREATE TABLE "{file.stem}" ({columns})')
            with connection.cursor().copy(f'COPY "{file.stem}" FROM STDIN') as rows:
                for row in found.fetchall():
                    rows.write_row(row)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with postgresql() as url:
        yield url


@pytest.fixture(autouse=True)
def instead(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    as_named = connect._opened

    def opened(url: str, folder: Path, threads: int, memory: str) -> Engine:
        if not url.startswith("sqlite:"):
            return as_named(url, folder, threads, memory)
        copy([p for p in sorted(folder.iterdir()) if p.suffix in {".parquet", ".csv"}], server)
        return as_named(server, folder, threads, memory)

    monkeypatch.setattr(connect, "_opened", opened)
