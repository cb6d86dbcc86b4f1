"""DuckDB: standard SQL with its own names of types."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer


class _Names(IdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        return True


class _Types(GenericTypeCompiler):
    def visit_TIMESTAMP(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "TIMESTAMP WITH TIME ZONE" if type_.timezone else "TIMESTAMP"

    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "DOUBLE"

    def visit_double(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    def visit_DOUBLE_PRECISION(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "DOUBLE"


class DuckDB(DefaultDialect):
    """Text only: its own driver runs it."""

    name = "duckdb"
    type_compiler_cls = _Types
    preparer = _Names
    supports_statement_cache = False
    supports_native_boolean = True
    supports_native_decimal = True


DIALECT = DuckDB(paramstyle="qmark")
