"""From a SQLAlchemy expression to the text that an engine runs, with every value a literal."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect, PGIdentifierPreparer, PGTypeCompiler
from sqlalchemy.dialects.sqlite.base import SQLiteDialect, SQLiteIdentifierPreparer
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql.compiler import GenericTypeCompiler, IdentifierPreparer, SQLCompiler


class _Quoted(PGIdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        return True


class _QuotedSQLite(SQLiteIdentifierPreparer):
    def _requires_quotes(self, value: str) -> bool:
        return True


class _DuckDBTypes(PGTypeCompiler):
    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "DOUBLE"

    def visit_double(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"

    def visit_DOUBLE_PRECISION(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "DOUBLE"


class DuckDB(PGDialect):
    """DuckDB: PostgreSQL's grammar, its own driver."""

    name = "duckdb"
    statement_compiler = PGCompiler
    type_compiler_cls = _DuckDBTypes
    preparer = _Quoted
    supports_statement_cache = False
    _backslash_escapes = False


class PostgreSQL(PGDialect):
    """PostgreSQL with standard strings, as it is since version 9.1."""

    preparer = _Quoted
    supports_statement_cache = False
    _backslash_escapes = False


class _SparkNames(IdentifierPreparer):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect, initial_quote="`", escape_quote="`")

    def _requires_quotes(self, value: str) -> bool:
        return True


class _SparkTypes(GenericTypeCompiler):
    def visit_TEXT(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "STRING"

    def visit_text(self, type_: Any, **kw: Any) -> str:
        return "STRING"

    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        return "DOUBLE"

    def visit_double(self, type_: Any, **kw: Any) -> str:
        return "DOUBLE"


class _SparkCompiler(SQLCompiler):
    def render_literal_value(self, value: Any, type_: Any) -> str:
        text = super().render_literal_value(value, type_)
        return text.replace("\\", "\\\\").replace("''", "\\'") if isinstance(value, str) and value else text


class Spark(DefaultDialect):
    """Spark SQL: text only."""

    name = "spark"
    statement_compiler = _SparkCompiler
    type_compiler_cls = _SparkTypes
    preparer = _SparkNames  # type: ignore[assignment]
    supports_statement_cache = False
    supports_native_boolean = True
    supports_native_decimal = True
    supports_simple_order_by_label = True


class SQLite(SQLiteDialect):
    """SQLite."""

    preparer = _QuotedSQLite
    supports_statement_cache = False


def dialects() -> dict[str, Dialect]:
    """Every dialect that text is written for."""
    return {
        "duckdb": DuckDB(paramstyle="qmark"),  # type: ignore[no-untyped-call]
        "sqlite": SQLite(paramstyle="qmark"),
        "postgresql": PostgreSQL(paramstyle="qmark"),  # type: ignore[no-untyped-call]
        "spark": Spark(paramstyle="qmark"),
    }


def text_of(
    select: sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]], dialect: Dialect
) -> str:
    """Compile a query with its values as escaped literals."""
    compiled = select.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)
