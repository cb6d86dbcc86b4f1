"""DuckDB: files beside the spec as views, or a DuckDB file."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from loyalty_exp.errors import Breach, ContractBreach, EngineError
from loyalty_exp.warehouse.atoms import hashed
from loyalty_exp.warehouse.dialects import dialect_of, text_of
from loyalty_exp.warehouse.engine import Engine, Facts, Query, Watch
from loyalty_exp.warehouse.files import format_of, header_of
from loyalty_exp.warehouse.quoting import literal, quoted

_NUMBER = r"^\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*$"
_WORDS = "'nan', 'inf', '+inf', '-inf', 'infinity', '-infinity'"


class DuckDBEngine(Engine):
    """The default engine."""

    def __init__(self, folder: Path, database: Path | None, threads: int, memory: str) -> None:
        self.name_version = f"DuckDB {duckdb.__version__}"
        self.dialect = dialect_of("duckdb")
        self._folder = folder
        self._files_named = database is None
        self._watch = Watch()
        self._parquet: dict[str, Path] = {}
        self._csv: dict[str, str] = {}
        if database is not None:
            if not database.exists():
                raise EngineError(f"{database.name}: there is no such database file")
            self._watch.add(database)
        try:
            self._connection = duckdb.connect(
                str(database) if database else ":memory:", read_only=database is not None
            )
        except duckdb.Error as error:
            raise EngineError(f"{database}: cannot be opened: {_first_line(error)}") from None
        spill = Path(tempfile.gettempdir()) / f"loyalty-exp-{os.getpid()}"
        settings = [
            f"SET threads = {int(threads)}",
            "SET TimeZone = 'UTC'",
            "SET preserve_insertion_order = true",
            "SET enable_progress_bar = false",
            f"SET temp_directory = {literal(spill)}",
            f"SET memory_limit = '{memory}'",
        ]
        for setting in settings:
            self.run(setting)

    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement; what DuckDB says of a failure becomes an EngineError."""
        try:
            return self._connection.execute(text).fetchall()
        except duckdb.OutOfMemoryException:
            raise EngineError(
                "DuckDB ran out of memory; give it more, or a folder for temporary files"
            ) from None
        except duckdb.Error as error:
            words = str(error) if "CSV Error" in str(error) else _first_line(error)
            raise EngineError(f"DuckDB: {words}") from None

    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        """Make a view over a file, or name a table of the database."""
        if not self._files_named:
            return _existing(name)
        path = self._folder / name
        kind = format_of(path, name)
        self._watch.add(path)
        file = literal(path)
        if kind == "parquet":
            self._view(role, f"read_parquet({file})", name)
            self._parquet[role] = path
        else:
            header = header_of(path, name)
            _distinct(header, name)
            types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
            options = (
                "header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', "
                "strict_mode = true, "
                f"null_padding = false, ignore_errors = false, columns = {{{types}}}"
            )
            self._view(role, f"read_csv({file}, {options})", name)
            self._csv[role] = name
        return sa.table(role)

    def _view(self, role: str, source: str, name: str) -> None:
        try:
            self.run(f'CREATE OR REPLACE VIEW "{role}" AS SELECT * FROM {source}')
        except EngineError as error:
            raise EngineError(f"{name}: {_file_words(error)}") from None

    def columns(self, table: sa.TableClause) -> dict[str, str]:
        """Describe a table."""
        text = text_of(sa.select(sa.text("*")).select_from(table), self.dialect)
        return {row[0]: str(row[1]).upper() for row in self.run(f"DESCRIBE {text}")}

    def numbers(self, table: sa.TableClause, shown: str, wanted: Iterable[str]) -> list[Breach]:
        """Read a CSV file once into a temporary table, its number columns as numbers."""
        role = table.name
        if role not in self._csv:
            return []
        names = self.columns(table)
        numeric = [c for c in dict.fromkeys(wanted) if c in names]
        items = [
            f"{quoted(c)}, {_converted(quoted(c))} AS {quoted(c + chr(1))}" if c in numeric else quoted(c)
            for c in names
        ]
        try:
            self.run(f'CREATE TEMP TABLE "{role} as read" AS SELECT {", ".join(items)} FROM "{role}"')
        except EngineError as error:
            raise EngineError(f"{self._csv[role]}: {_file_words(error)}") from None
        breaches = [b for c in numeric if (b := self._not_numbers(role, shown, c))]
        plain = [f"{quoted(c + chr(1))} AS {quoted(c)}" if c in numeric else quoted(c) for c in names]
        self.run(
            f'CREATE OR REPLACE TEMP VIEW "{role} typed" AS SELECT {", ".join(plain)} FROM "{role} as read"'
        )
        self.run(f'DROP VIEW "{role}"')
        self.run(f'CREATE TEMP VIEW "{role}" AS SELECT * FROM "{role} typed"')
        return breaches

    def _not_numbers(self, role: str, shown: str, column: str) -> Breach | None:
        raw, number = quoted(column), quoted(column + chr(1))
        rows = self.run(
            f"SELECT count(*) OVER (), r FROM (SELECT row_number() OVER () AS r, {raw} AS x, {number} AS y "
            f'FROM "{role} as read") WHERE x IS NOT NULL AND y IS NULL ORDER BY r LIMIT 3'
        )
        if not rows:
            return None
        message = "holds text that is not a number; write numbers as 12.5, without currency signs or commas"
        return Breach(shown, column, "number", message, rows[0][0], tuple(str(r[1]) for r in rows))

    def facts(self, table: sa.TableClause) -> Mapping[str, Facts]:
        """Read the statistics of a Parquet file."""
        path = self._parquet.get(table.name)
        if path is None:
            return {}
        rows = self.run(
            "SELECT path_in_schema, sum(stats_null_count), count(*) - count(stats_null_count), "
            "min(TRY_CAST(stats_min_value AS DOUBLE)), max(TRY_CAST(stats_max_value AS DOUBLE)), "
            "count(*) - least(count(TRY_CAST(stats_min_value AS DOUBLE)), "
            "count(TRY_CAST(stats_max_value AS DOUBLE))) "
            f"FROM parquet_metadata({literal(path)}) GROUP BY 1"
        )
        return {
            name: Facts(bool(nulls or unknown), *((low, high) if not open_ended else (None, None)))
            for name, nulls, unknown, low, high, open_ended in rows
        }

    def repeated(self, query: Query) -> list[tuple[Any, ...]]:
        """Sort 64-bit hashes outside the engine, then confirm: half the memory of a distinct count."""
        inner = query.subquery()
        value = next(iter(inner.c))
        text = text_of(sa.select(hashed(value).label("h")).where(value.is_not(None)), self.dialect)
        try:
            hashes = np.asarray(self._connection.execute(text).fetchnumpy()["h"])
        except duckdb.Error as error:
            raise EngineError(f"DuckDB: {_first_line(error)}") from None
        hashes.sort()
        twice = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        del hashes
        if not len(twice):
            return []
        again = sa.select(value, sa.func.count()).group_by(value).having(sa.func.count() > 1)
        if len(twice) <= 10_000:
            again = again.where(hashed(value).in_([sa.literal_column(str(int(h))) for h in twice]))
        return self.fetch(again.where(value.is_not(None)))

    def arrays(self, query: Query) -> dict[str, npt.NDArray[Any]]:
        """Run a query, give its columns without a Python object for each number."""
        try:
            found = self._connection.execute(text_of(query, self.dialect)).fetchnumpy()
        except duckdb.Error as error:
            raise EngineError(f"DuckDB: {_first_line(error)}") from None
        return {name: np.asarray(column) for name, column in found.items()}

    def watch(self, path: Path) -> None:
        """Remember a file as it is now."""
        self._watch.add(path)

    def unchanged(self) -> None:
        """Compare sizes and times of the files."""
        self._watch.unchanged()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _existing(name: str) -> sa.TableClause:
    from loyalty_exp.warehouse.atoms import table

    return table(name)


def _distinct(header: list[str], shown: str) -> None:
    """Refuse a header that names a column twice; DuckDB would rename the second."""
    folded = [name.casefold() for name in header]
    twice = sorted({name for name in header if folded.count(name.casefold()) > 1})
    if twice:
        breach = Breach(shown, twice[0], "unique_column", "the header names this column twice; rename one")
        raise ContractBreach((breach,))


def _converted(x: str) -> str:
    return (
        f"CASE WHEN regexp_matches({x}, '{_NUMBER}') OR lower(trim({x})) IN ({_WORDS}) "
        f"THEN TRY_CAST({x} AS DOUBLE) "
        f"WHEN lower({x}) = 'true' THEN 1.0 WHEN lower({x}) = 'false' THEN 0.0 END"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]


def _file_words(error: EngineError) -> str:
    """Keep what helps to mend a file, without its contents."""
    text = str(error).removeprefix("DuckDB: ")
    line = re.search(r"Error on Line: ([0-9]+)", text)
    if line is None:
        return f"the file is damaged or cannot be read: {text}"
    reasons = (
        ("unterminated quote", "a quote is opened and not closed"),
        ("quoted value", "a quote stands inside a value; double it"),
        ("unicode", "is not UTF-8"),
        ("Expected Number of Columns", "has another number of cells than the header"),
    )
    reason = next((words for mark, words in reasons if mark in text), "cannot be read")
    return f"line {line[1]}: {reason}"
