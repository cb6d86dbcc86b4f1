"""The few SQL constructs that engines spell differently; everything else is plain SQLAlchemy Core."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.sql.functions import FunctionElement

TimeKind = Literal["date", "instant", "naive", "text"]
"""What a time column holds: days, moments with a zone, moments without one, or ISO text."""

Expr = ColumnElement[Any]


def column(name: str) -> Expr:
    """Name a column; always quoted."""
    return sa.column(quoted_name(name, True))


def table(name: str) -> sa.TableClause:
    """Name a table, with its schema before a dot; always quoted."""
    schema, _, bare = name.rpartition(".")
    return sa.table(quoted_name(bare, True), schema=quoted_name(schema, True) if schema else None)


def number(value: float) -> Expr:
    """Write a number so that every engine reads 64 bits of it."""
    return sa.cast(sa.literal(float(value), sa.Double), sa.Double)


def double(x: Expr) -> Expr:
    """Give a value as a 64-bit float."""
    return sa.cast(x, sa.Double)


def as_text(x: Expr) -> Expr:
    """Give a value as text."""
    return sa.cast(x, sa.Text)


class not_finite(FunctionElement[bool]):  # noqa: N801
    """True for NaN and the infinities; null for null."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(not_finite)
def _not_finite(element: not_finite, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    return (
        f"({x} IN (CAST('NaN' AS DOUBLE PRECISION), CAST('Infinity' AS DOUBLE PRECISION), "
        f"CAST('-Infinity' AS DOUBLE PRECISION)))"
    )


@compiles(not_finite, "duckdb")
def _not_finite_duckdb(element: not_finite, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(NOT isfinite({compiler.process(element.clauses, **kw)}))"


@compiles(not_finite, "sqlite")
def _not_finite_sqlite(element: not_finite, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(abs({compiler.process(element.clauses, **kw)}) > 1.7976931348623157e308)"


@compiles(not_finite, "spark")
def _not_finite_spark(element: not_finite, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    return f"({x} IN (double('NaN'), double('Infinity'), double('-Infinity')))"


class not_number(FunctionElement[bool]):  # noqa: N801
    """True where a cell of a number column holds something else; only SQLite allows that."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(not_number)
def _not_number(element: not_number, compiler: SQLCompiler, **kw: Any) -> str:
    return "FALSE"


@compiles(not_number, "sqlite")
def _not_number_sqlite(element: not_number, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(typeof({compiler.process(element.clauses, **kw)}) IN ('text', 'blob'))"


def kind_of(type_name: str) -> TimeKind | None:
    """Tell what a time column holds by the type's name; None for what is no time."""
    if type_name == "DATE":
        return "date"
    if type_name.startswith("TIMESTAMP") or type_name == "DATETIME":
        return "instant" if "ZONE" in type_name or "TZ" in type_name else "naive"
    if type_name.startswith(("VARCHAR", "TEXT", "CHAR", "STRING")) or type_name == "":
        return "text"
    return None


class microseconds(FunctionElement[int]):  # noqa: N801
    """Microseconds since 1970-01-01 UTC of a time column.

    A date counts as its midnight in UTC, so that dates compare with dates. A moment without a zone is a wall
    clock of ``zone``; where ``zone`` is empty it is read as it stands, in UTC.
    """

    type = sa.BigInteger()
    inherit_cache = False

    def __init__(self, x: Expr, kind: TimeKind, zone: str = "") -> None:
        self.kind, self.zone = kind, zone
        super().__init__(x)


@compiles(microseconds, "duckdb")
def _microseconds_duckdb(element: microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    zone = compiler.process(sa.literal(element.zone, sa.Text), literal_binds=True)
    if element.kind == "instant":
        return f"epoch_us(CAST({x} AS TIMESTAMPTZ))"
    if element.kind == "naive":
        wall = f"CAST({x} AS TIMESTAMP)"
        return f"epoch_us(timezone({zone}, {wall}))" if element.zone else f"epoch_us({wall})"
    if element.kind == "text":
        moment = f"TRY_CAST({x} AS TIMESTAMP)"
        naive = f"epoch_us(timezone({zone}, {moment}))" if element.zone else f"epoch_us({moment})"
        aware = f"epoch_us(TRY_CAST({x} AS TIMESTAMPTZ))"
        return f"(CASE WHEN regexp_matches({x}, '{_WITH_ZONE}') THEN {aware} ELSE {naive} END)"
    return f"epoch_us({x})"


@compiles(microseconds, "sqlite")
def _microseconds_sqlite(element: microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    zone = compiler.process(sa.literal(element.zone, sa.Text), literal_binds=True)
    return f"microseconds({x}, {zone})"


@compiles(microseconds)
def _microseconds(element: microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    if element.kind == "naive" and element.zone:
        zone = compiler.process(sa.literal(element.zone, sa.Text), literal_binds=True)
        x = f"({x} AT TIME ZONE {zone})"
    elif element.kind == "text":
        x = f"CAST({x} AS TIMESTAMP WITH TIME ZONE)"
    return f"CAST(EXTRACT(EPOCH FROM {x}) * 1000000 AS BIGINT)"


@compiles(microseconds, "spark")
def _microseconds_spark(element: microseconds, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    if element.kind == "naive" and element.zone:
        zone = compiler.process(sa.literal(element.zone, sa.Text), literal_binds=True)
        x = f"to_utc_timestamp({x}, {zone})"
    return f"unix_micros(CAST({x} AS TIMESTAMP))"


_WITH_ZONE = "(Z|z|UTC|[0-9]{2}:[0-9]{2}.*[+-][0-9]{2}(:?[0-9]{2})?)$"
"""ISO text that names its offset."""


class hashed(FunctionElement[int]):  # noqa: N801
    """A 64-bit hash of a value, on engines that have a fast one."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(hashed, "duckdb")
def _hashed_duckdb(element: hashed, compiler: SQLCompiler, **kw: Any) -> str:
    return f"hash({compiler.process(element.clauses, **kw)})"


class names_zone(FunctionElement[bool]):  # noqa: N801
    """True for ISO text that names its offset from UTC."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(names_zone)
def _names_zone(element: names_zone, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} ~ '{_WITH_ZONE}')"


@compiles(names_zone, "duckdb")
def _names_zone_duckdb(element: names_zone, compiler: SQLCompiler, **kw: Any) -> str:
    return f"regexp_matches({compiler.process(element.clauses, **kw)}, '{_WITH_ZONE}')"


@compiles(names_zone, "sqlite")
def _names_zone_sqlite(element: names_zone, compiler: SQLCompiler, **kw: Any) -> str:
    return f"names_zone({compiler.process(element.clauses, **kw)})"


@compiles(names_zone, "spark")
def _names_zone_spark(element: names_zone, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} RLIKE '{_WITH_ZONE}')"


class row_code(FunctionElement[int]):  # noqa: N801
    """A different positive integer for each row, in whatever order the engine reads them."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(row_code)
def _row_code(element: row_code, compiler: SQLCompiler, **kw: Any) -> str:
    return "row_number() OVER ()"


@compiles(row_code, "spark")
def _row_code_spark(element: row_code, compiler: SQLCompiler, **kw: Any) -> str:
    return "(monotonically_increasing_id() + 1)"


class whole(FunctionElement[int]):  # noqa: N801
    """The whole part of a number that is not negative; null for null."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(whole)
def _whole(element: whole, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **kw)}) AS BIGINT)"


@compiles(whole, "sqlite")
def _whole_sqlite(element: whole, compiler: SQLCompiler, **kw: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **kw)} AS INTEGER)"


class sha256_hex(FunctionElement[str]):  # noqa: N801
    """SHA-256 of a text in UTF-8, as 64 hexadecimal digits in small letters that compare byte by byte."""

    type = sa.Text()
    inherit_cache = True


@compiles(sha256_hex)
def _sha256_hex(element: sha256_hex, compiler: SQLCompiler, **kw: Any) -> str:
    return f"sha256({compiler.process(element.clauses, **kw)})"


@compiles(sha256_hex, "postgresql")
def _sha256_hex_postgresql(element: sha256_hex, compiler: SQLCompiler, **kw: Any) -> str:
    x = compiler.process(element.clauses, **kw)
    return f"(encode(sha256(convert_to({x}, 'UTF8')), 'hex') COLLATE \"C\")"


@compiles(sha256_hex, "spark")
def _sha256_hex_spark(element: sha256_hex, compiler: SQLCompiler, **kw: Any) -> str:
    return f"sha2({compiler.process(element.clauses, **kw)}, 256)"
