"""The drawn rows as a table of the team's database, for joins there; the file and its record stay the draw.

Everything is one transaction: rows go to a temporary table first, are held against what the table holds, and
only those that are not there yet are added. Nothing that stands in the table is ever changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loyalty_exp.assignment.arms import ARM, TIME
from loyalty_exp.assignment.ledger import ROWS, home
from loyalty_exp.errors import EngineError, Refused, UsageError
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.quoting import literal, quoted

BATCH = 20_000
"""Rows that are sent at once."""

_STAGED = "loyalty_exp_drawn"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")

Run = Callable[[str], list[Any]]
Load = Callable[[Path, Sequence[str]], None]


def write_table(experiment: Experiment, folder: Path, name: str) -> int:
    """Write the rows of a draw into a table of the spec's database, and give the number of rows added.

    Parameters
    ----------
    folder : Path
        Of the spec.
    name : str
        Of the table; made when it is not there.

    Raises
    ------
    UsageError
        If the spec reads files and no database, or the name is none.
    Refused
        If the table holds other columns, or rows that were not drawn.
    EngineError
        If the database cannot be written; the table stays as it was.
    """
    if not _NAME.fullmatch(name) or name == _STAGED:
        raise UsageError(f"--table: '{name[:70]}' is no name of a table; use letters, digits and _")
    rows = home(folder, experiment) / ROWS
    columns = [experiment.unit, ARM, TIME, *experiment.strata]
    with _database(experiment.data.engine, folder) as (run, load):
        types = _types(rows, columns)
        declared = ", ".join(f"{quoted(c)} {types[c]}" for c in columns)
        run(f"CREATE TEMP TABLE {_STAGED} ({declared})")
        load(rows, columns)
        run(f"CREATE TABLE IF NOT EXISTS {quoted(name)} ({declared})")
        listed = ", ".join(map(quoted, columns))
        alien = f"SELECT {listed} FROM {quoted(name)} EXCEPT SELECT {listed} FROM {_STAGED}"
        try:
            strange = run(f"SELECT count(*) FROM ({alien}) AS alien")[0][0]
        except EngineError:
            raise Refused(
                f"table {name} has other columns than {', '.join(columns)}; choose another name."
            ) from None
        if strange:
            raise Refused(
                f"table {name} holds {strange:,} rows that this experiment did not draw; they are not "
                "touched. Choose another name."
            )
        before = run(f"SELECT count(*) FROM {quoted(name)}")[0][0]
        unit = quoted(experiment.unit)
        run(
            f"INSERT INTO {quoted(name)} ({listed}) SELECT {listed} FROM {_STAGED} AS s WHERE NOT EXISTS "
            f"(SELECT 1 FROM {quoted(name)} AS t WHERE t.{unit} = s.{unit})"
        )
        return int(run(f"SELECT count(*) FROM {quoted(name)}")[0][0] - before)


def _types(rows: Path, columns: Sequence[str]) -> dict[str, str]:
    """Types that every database knows, from those of the file."""
    import duckdb

    with duckdb.connect() as connection:
        found = dict(
            row[:2]
            for row in connection.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(rows)})").fetchall()
        )
    whole, real = (
        ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"),
        ("DOUBLE",),
    )
    return {
        c: "DATE"
        if c == TIME
        else "BIGINT"
        if found[c] in whole
        else "DOUBLE PRECISION"
        if found[c] in real
        else "TEXT"
        for c in columns
    }


@contextmanager
def _database(url: str, folder: Path) -> Iterator[tuple[Run, Load]]:
    """Open the database of a spec for one transaction."""
    kind, _, rest = url.partition(":///")
    if kind == "duckdb" and rest:
        with _duckdb(folder / rest) as ways:
            yield ways
    elif kind == "sqlite" and rest:
        with _by_sqlalchemy(f"sqlite:///{folder.absolute() / rest}") as ways:
            yield ways
    elif url.startswith(("postgresql://", "postgres://")):
        with _by_sqlalchemy("postgresql+psycopg://" + url.partition("://")[2]) as ways:
            yield ways
    else:
        raise UsageError(
            "--table needs a database: data.engine names files here. Write engine: duckdb:///file.duckdb, "
            "sqlite:///file.db or postgresql://user@host/database"
        )


@contextmanager
def _duckdb(path: Path) -> Iterator[tuple[Run, Load]]:
    import duckdb

    try:
        connection = duckdb.connect(str(path))
    except duckdb.Error as error:
        raise EngineError(f"{path.name}: cannot be written: {str(error).splitlines()[0][:300]}") from None

    def run(text: str) -> list[Any]:
        try:
            return connection.execute(text).fetchall()
        except duckdb.Error as error:
            raise EngineError(f"{path.name}: {str(error).splitlines()[0][:300]}") from None

    def load(rows: Path, columns: Sequence[str]) -> None:
        listed = ", ".join(map(quoted, columns))
        run(f"INSERT INTO {_STAGED} SELECT {listed} FROM read_parquet({literal(rows)})")

    with connection:
        run("BEGIN")
        yield run, load
        run("COMMIT")


@contextmanager
def _by_sqlalchemy(url: str) -> Iterator[tuple[Run, Load]]:
    import sqlalchemy as sa
    from sqlalchemy.exc import SQLAlchemyError

    engine = sa.create_engine(url)

    def words(error: SQLAlchemyError) -> EngineError:
        why = str(getattr(error, "orig", None) or error).splitlines()[0][:300]
        return EngineError(f"the database of data.engine cannot be written: {why}")

    try:
        with engine.begin() as connection:

            def run(text: str) -> list[Any]:
                try:
                    found = connection.exec_driver_sql(text)
                    return list(found.fetchall()) if found.returns_rows else []
                except SQLAlchemyError as error:
                    raise words(error) from None

            def load(rows: Path, columns: Sequence[str]) -> None:
                marks = ", ".join(f":p{i}" for i in range(len(columns)))
                insert = sa.text(f"INSERT INTO {_STAGED} VALUES ({marks})")
                for batch in _batches(rows, columns):
                    connection.execute(insert, batch)

            if connection.dialect.name == "sqlite":  # its driver begins at the first change, not before DDL
                connection.exec_driver_sql("BEGIN")
            yield run, load
    except SQLAlchemyError as error:
        raise words(error) from None
    finally:
        engine.dispose()


def _batches(rows: Path, columns: Sequence[str]) -> Iterator[list[dict[str, Any]]]:
    import duckdb

    listed = ", ".join(f"{quoted(c)}::VARCHAR" if c == TIME else quoted(c) for c in columns)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {listed} FROM read_parquet({literal(rows)})")
        while batch := found.fetchmany(BATCH):
            yield [{f"p{i}": value for i, value in enumerate(row)} for row in batch]
