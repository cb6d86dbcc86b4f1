"""SQLite: every name quoted."""

from __future__ import annotations

from sqlalchemy.dialects.sqlite.base import SQLiteDialect, SQLiteIdentifierPreparer


class _Names(SQLiteIdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        return True


class SQLite(SQLiteDialect):
    """Text only: Python's own driver runs it."""

    preparer = _Names
    supports_statement_cache = False


DIALECT = SQLite(paramstyle="qmark")
