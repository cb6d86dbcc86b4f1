"""PostgreSQL with standard strings, as it is since version 9.1."""

from __future__ import annotations

from sqlalchemy.dialects.postgresql.base import PGDialect, PGIdentifierPreparer


class _Names(PGIdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        return True


class PostgreSQL(PGDialect):
    """Text only."""

    preparer = _Names
    supports_statement_cache = False
    _backslash_escapes = False


DIALECT = PostgreSQL(paramstyle="qmark")  # type: ignore[no-untyped-call]
