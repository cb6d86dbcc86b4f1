"""PostgreSQL: the tables of a database, read in one snapshot."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from loyalty_exp.errors import EngineError, ServerGone
from loyalty_exp.warehouse.atoms import table as named
from loyalty_exp.warehouse.dialects import dialect_of
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.quoting import literal, quoted

_TYPES = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "REAL",
    "float8": "DOUBLE",
    "numeric": "NUMERIC",
    "text": "TEXT",
    "name": "TEXT",
    "varchar": "VARCHAR",
    "bpchar": "CHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}
"""PostgreSQL's short names of types, as other engines name them."""

_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET LOCAL TIME ZONE 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL standard_conforming_strings = on",
)


class PostgreSQLEngine(Engine):
    """A team's own database. One transaction sees one state of all tables and is never committed."""

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError:
            raise EngineError(
                "engine: PostgreSQL needs the package psycopg; install loyalty-exp[postgresql]"
            ) from None
        self._error = psycopg.Error
        self.dialect = dialect_of("postgresql")
        try:
            self._connection = psycopg.connect(
                url, connect_timeout=10, application_name="loyalty-exp", prepare_threshold=None
            )
            for setting in _SETTINGS:
                self._connection.execute(setting.encode())
        except psycopg.Error as error:
            raise ServerGone(f"PostgreSQL cannot be reached: {_first_line(error)}", amid=False) from None
        version = self._connection.info.server_version
        self.name_version = f"PostgreSQL {version // 10000}.{version % 10000}"

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement."""
        try:
            cursor = self._connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []
        except self._error as error:
            if self._connection.closed:
                raise ServerGone(f"PostgreSQL went away: {_first_line(error)}", amid=True) from None
            raise EngineError(f"PostgreSQL: {_first_line(error)}") from None

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        """Name a table of the database."""
        table = named(name)
        if not self.run(f"SELECT 1 WHERE to_regclass({literal(_named(table))}) IS NOT NULL"):
            found = self.run(
                "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false)) ORDER BY 1"
            )
            names = ", ".join(row[0] for row in found[:10])
            raise EngineError(f"the database has no table '{name}'; it has {names or 'none'}")
        return table

    def columns(self, table: sa.TableClause) -> dict[str, str]:
        """Describe a table."""
        rows = self.run(
            "SELECT a.attname, t.typname, t.typtype FROM pg_attribute a JOIN pg_type d ON d.oid = a.atttypid "
            "JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END "
            f"WHERE a.attrelid = to_regclass({literal(_named(table))}) AND a.attnum > 0 "
            "AND NOT a.attisdropped ORDER BY a.attnum"
        )
        return {
            name: "ENUM" if kind in {"e", b"e"} else _TYPES.get(short, short.upper())
            for name, short, kind in rows
        }

    def unchanged(self) -> None:
        """Nothing to compare: the transaction reads one state."""

    def close(self) -> None:
        """Roll back, which drops temporary tables, and close the connection."""
        self._connection.close()


def _named(table: sa.TableClause) -> str:
    parts = [part for part in (table.schema, table.name) if part]
    return ".".join(quoted(str(part)) for part in parts)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
