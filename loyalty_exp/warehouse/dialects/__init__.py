"""From a SQLAlchemy expression to the text that an engine runs, with every value a literal."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

DIALECTS = ("duckdb", "sqlite", "postgresql", "spark")
"""Every dialect that text is written for, each in a file of its name."""


def dialect_of(name: str) -> Dialect:
    """Give one of the dialects; the others are not read."""
    made: Dialect = import_module(f"{__name__}.{name}").DIALECT
    return made


def text_of(
    select: sa.Select[*tuple[Any, ...]] | sa.CompoundSelect[*tuple[Any, ...]], dialect: Dialect
) -> str:
    """Compile a query with its values as escaped literals."""
    compiled = select.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)
