"""One face for every engine: tables and their columns, queries, temporary tables."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from loyalty_exp.errors import Breach, EngineError
from loyalty_exp.warehouse.dialects import text_of

Query = sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine knows of a column without reading it.

    Attributes
    ----------
    may_be_null : bool
    low, high : float or None
        Bounds of the numbers in it; None when they are not known.
    """

    may_be_null: bool = True
    low: float | None = None
    high: float | None = None


class Engine(ABC):
    """A place where tables are and queries run.

    Attributes
    ----------
    name_version : str
        As ``DuckDB 2.0.1``.
    dialect : Dialect
        Into which queries are compiled.
    folder : Path
        From which names of files are read.
    """

    name_version: str
    dialect: Dialect
    folder: Path = Path()

    @abstractmethod
    def open_table(self, name: str, role: str, unit: str) -> sa.TableClause:
        """Make a table of the spec ready; ``role`` names it in queries where it is a file."""

    @abstractmethod
    def columns(self, table: sa.TableClause) -> dict[str, str]:
        """Give the columns in their order, with the engine's type names in capitals."""

    @abstractmethod
    def run(self, text: str) -> list[tuple[Any, ...]]:
        """Run a statement."""

    def numbers(self, table: sa.TableClause, shown: str, wanted: Iterable[str]) -> list[Breach]:
        """Turn text columns of a CSV file into numbers; say which cells are none. Other tables stay."""
        return []

    def facts(self, table: sa.TableClause) -> Mapping[str, Facts]:
        """Give what is known of the columns without a pass; nothing is promised for columns left out."""
        return {}

    def fetch(self, query: Query) -> list[tuple[Any, ...]]:
        """Run a query, give its rows."""
        return self.run(text_of(query, self.dialect))

    def arrays(self, query: Query) -> dict[str, npt.NDArray[Any]]:
        """Run a query, give its columns: numbers as floats or integers, text as objects; no nulls."""
        names = [c.key for c in query.selected_columns if c.key is not None]
        rows = self.fetch(query)
        columns = zip(*rows, strict=True) if rows else [()] * len(names)
        return {name: _array(column) for name, column in zip(names, columns, strict=True)}

    def scalar(self, query: Query) -> Any:
        """Run a query of one value."""
        return self.fetch(query)[0][0]

    def keep(self, name: str, query: Query) -> sa.TableClause:
        """Run a query into a temporary table."""
        self.run(f'CREATE TEMP TABLE "{name}" AS {text_of(query, self.dialect)}')
        return sa.table(name, *(sa.column(c.key) for c in query.selected_columns if c.key is not None))

    def repeated(self, query: Query) -> list[tuple[Any, ...]]:
        """Give the values that a query of one column returns more than once, with their counts."""
        inner = query.subquery()
        value = next(iter(inner.c))
        count = sa.func.count()
        return self.fetch(sa.select(value, count).where(value.is_not(None)).group_by(value).having(count > 1))

    def watch(self, path: Path) -> None:
        """Notice a change of a further file; an engine that copies a file when it opens it need not."""
        return

    @abstractmethod
    def unchanged(self) -> None:
        """Make sure that no file changed since it was opened.

        Raises
        ------
        EngineError
            If one did.
        """

    @abstractmethod
    def close(self) -> None:
        """Let go of files and memory."""


def _array(column: Sequence[Any]) -> npt.NDArray[Any]:
    text = any(isinstance(x, str) for x in column[:1])
    return np.array(column, dtype=object if text else None)


class Watch:
    """Sizes and modification times of files, to notice a change while they are read."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[int, int] | None] = {}

    def add(self, path: Path) -> None:
        """Remember a file as it is now."""
        self._seen.setdefault(path, _stamp(path))

    def unchanged(self) -> None:
        """Compare with what was remembered."""
        for path, stamp in self._seen.items():
            if _stamp(path) != stamp:
                raise EngineError(
                    f"{path.name}: the file changed while being read; run again when it is complete"
                )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
