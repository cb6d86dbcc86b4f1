"""The per-unit table as both shapes of data give it: one row a unit, with arm, segments and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sqlalchemy as sa

from loyalty_exp.warehouse.atoms import Expr, as_text, double, number

MISSING = "(missing)"
"""Value of an attribute that a unit lacks."""

Missing = Literal["reject", "zero", "drop", "indicator"]

NUMERIC = (
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
    "FLOAT",
    "REAL",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "BOOL",
    "MEDIUMINT",
)
"""Beginnings of the type names of numbers."""

SMALL = 30_000
"""Integers up to here are multiplied as 32-bit integers."""


@dataclass(frozen=True, slots=True)
class Value:
    """One column of the per-unit table.

    Attributes
    ----------
    id : str
    raw : expression
        As it stands in the table, for checks.
    expr : expression
        What is summed: null where the unit does not count.
    where : str
        Table and column, for messages: ``members`` and ``pre_spend``.
    column : str
    missing : str
    check : str
    may_be_null : bool
        False only when it is known.
    small_integer : bool
        True when its products cannot leave 32 bits.
    is_binary : bool
        True when its square is itself, which is checked.
    checked : bool
        False when there is nothing to look for in the raw column: it was computed here.
    """

    id: str
    raw: Expr
    expr: Expr
    where: str
    column: str
    missing: Missing = "reject"
    check: str = ""
    may_be_null: bool = True
    small_integer: bool = False
    is_binary: bool = False
    checked: bool = True

    @property
    def droppable(self) -> bool:
        """True when units can lack it without a breach."""
        return self.missing == "drop" and self.may_be_null

    def capped(self, lower: float | None, upper: float | None) -> Value:
        """Move values beyond the bounds onto them."""
        x = double(self.expr)
        whens = []
        if upper is not None:
            whens.append((x > number(upper), number(upper)))
        if lower is not None:
            whens.append((x < number(lower), number(lower)))
        return replace(self, expr=sa.case(*whens, else_=x), small_integer=False) if whens else self


@dataclass(frozen=True, slots=True)
class UnitTable:
    """Rows, the arm of each, the segments and the values.

    Attributes
    ----------
    rows : table or subquery
    arm : expression
        Text.
    dimensions : mapping of segment id to expression
        Text; null where it is missing.
    values : mapping of column id to Value
    name : str
        Table, for messages.
    arm_column : str
        For messages.
    stratum, cluster, unit : expression or None
        Text: stratum of the draw, household or store, id; None where the experiment does not need it.
    whole : table or None
        All rows, also those outside the population.
    outside : condition or None
        Of rows of people outside the program.
    triggered : expression or None
        Text ``1`` or ``0``: whether the unit came to the trigger; None where none is declared.
    balanced : tuple of expression
        Numbers that the draw was made again for; empty where it was not, or nobody reads rows.
    """

    rows: sa.FromClause
    arm: Expr
    dimensions: Mapping[str, Expr]
    values: Mapping[str, Value]
    name: str
    arm_column: str
    stratum: Expr | None = None
    cluster: Expr | None = None
    unit: Expr | None = None
    whole: sa.FromClause | None = None
    outside: sa.ColumnElement[bool] | None = None
    triggered: Expr | None = None
    balanced: tuple[Expr, ...] = ()

    def select(self, *what: Expr) -> sa.Select[tuple[object, ...]]:
        """Query its rows."""
        return sa.select(*what).select_from(self.rows)


def said_in_text(flag: Expr) -> Expr:
    """Write a column of 0 and 1 as text, alike on every engine; nothing stays nothing."""
    return sa.case((double(flag) == number(1), "1"), (flag.is_not(None), "0"))


def is_numeric(type_name: str) -> bool:
    """Tell numbers by the type's name; SQLite's columns without a type may be numbers too."""
    return type_name == "" or type_name.startswith(NUMERIC)


def is_textual(type_name: str) -> bool:
    """Tell text by the type's name."""
    return type_name.startswith(("VARCHAR", "TEXT", "CHAR", "STRING", "NVARCHAR", "ENUM"))


def joined(parts: Sequence[Expr]) -> Expr | None:
    """Put several attributes into one text, such as ``gold / north``; None when there are none."""
    texts = [sa.func.coalesce(as_text(part), MISSING) for part in parts]
    whole: Expr | None = None
    for text in texts:
        whole = text if whole is None else whole.concat(" / ").concat(text)
    return whole
