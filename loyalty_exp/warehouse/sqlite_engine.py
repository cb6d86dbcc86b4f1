"""SQLite: the tables of one database file."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from loyalty_exp.errors import EngineError
from loyalty_exp.warehouse.atoms import table as named
from loyalty_exp.warehouse.dialects import dialect_of
from loyalty_exp.warehouse.engine import Engine, Watch
from loyalty_exp.warehouse.quoting import literal

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class SQLiteEngine(Engine):
    """Small teams and tests."""

    def __init__(self, database: Path) -> None:
        self.name_version = f"SQLite {sqlite3.sqlite_version}"
        self.dialect = dialect_of("sqlite")
        self._watch = Watch()
        if not database.exists():
            raise EngineError(f"{database.name}: there is no such database file")
        self._watch.add(database)
        try:
            self._connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
            self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
        except sqlite3.Error as error:
            raise EngineError(f"{database.name}: cannot be opened: {error}") from None
        self._connection.create_function("microseconds", 2, microseconds, deterministic=True)
        self._connection.create_function("names_zone", 1, names_zone, deterministic=True)
        self._connection.create_function("sha256", 1, sha256, deterministic=True)

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement."""
        try:
            return self._connection.execute(text).fetchall()
        except sqlite3.Error as error:
            raise EngineError(f"SQLite: {error}") from None

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        """Name a table of the database."""
        found = self.run("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        if name not in {row[0] for row in found} and "." not in name:
            names = ", ".join(sorted(row[0] for row in found)[:10])
            raise EngineError(f"the database has no table '{name}'; it has {names or 'none'}")
        return named(name)

    def columns(self, table: sa.TableClause) -> dict[str, str]:
        """Describe a table."""
        rows = self.run(f"SELECT name, type FROM pragma_table_info({literal(table.name)})")
        return {row[0]: str(row[1]).upper() for row in rows}

    def unchanged(self) -> None:
        """Compare size and time of the file."""
        self._watch.unchanged()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def microseconds(text: object, zone: str) -> int | None:
    """Microseconds since 1970-01-01 UTC of an ISO date or moment; None for what is neither.

    Around a change of clocks a wall time is taken for the later of the two moments it may mean, as DuckDB and
    PostgreSQL do: one that comes twice for its second coming, one that is skipped for the clock before.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = dt.datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone) if zone and len(text.strip()) > 10 else dt.UTC)
        return max((moment.replace(fold=fold) - _EPOCH) // _MICROSECOND for fold in (0, 1))
    return (moment - _EPOCH) // _MICROSECOND


def names_zone(text: object) -> bool:
    """Tell whether ISO text names its offset from UTC."""
    if not isinstance(text, str):
        return True
    try:
        return dt.datetime.fromisoformat(text.strip().replace(" UTC", "+00:00")).tzinfo is not None
    except ValueError:
        return True


def sha256(text: object) -> str | None:
    """SHA-256 of a text as hexadecimal digits; None for null."""
    return None if text is None else hashlib.sha256(str(text).encode()).hexdigest()
