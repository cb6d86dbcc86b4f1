"""From the conditions of a spec to SQL conditions; values are always literals, never pasted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from loyalty_exp.grammar import Predicate, Scalar
from loyalty_exp.warehouse.atoms import Expr, as_text

_OPS = {"==": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}


def condition(predicate: Predicate, column: Expr, is_text: bool) -> sa.ColumnElement[bool]:
    """Compile one condition; null never satisfies a comparison."""
    value = predicate.value
    if predicate.op == "is_null":
        return column.is_(None)
    if predicate.op == "not_null":
        return column.is_not(None)
    if isinstance(value, list):
        of_text = is_text or any(isinstance(v, str) for v in value)
        side = as_text(column) if of_text and not is_text else column
        values = [_literal(v, of_text) for v in value]
        return side.in_(values) if predicate.op == "in" else side.not_in(values)
    assert value is not None
    of_text = is_text and isinstance(value, str)
    if isinstance(value, str) and not is_text and predicate.op in {"==", "!="}:
        column, of_text = as_text(column), True
    compared = getattr(column, _OPS[predicate.op])(_literal(value, of_text or isinstance(value, str)))
    assert isinstance(compared, sa.ColumnElement)
    return compared


def _literal(value: Scalar, of_text: bool) -> Expr:
    if isinstance(value, bool):
        return (
            sa.literal("true" if value else "false", sa.Text)
            if of_text
            else sa.literal(int(value), sa.Integer)
        )
    if of_text:
        return sa.literal(str(value), sa.Text)
    if isinstance(value, int):
        return sa.literal(value, sa.BigInteger)
    return sa.literal(value, sa.Double)


def all_of(
    include: Iterable[Predicate], exclude: Iterable[Predicate], columns: Mapping[str, tuple[Expr, bool]]
) -> sa.ColumnElement[bool] | None:
    """Join conditions: all of ``include`` hold, none of ``exclude``; None when there are none.

    Parameters
    ----------
    columns : mapping of name to (expression, whether it is text)
    """
    parts = [condition(p, *columns[p.field]) for p in include]
    parts += [sa.func.coalesce(sa.not_(condition(p, *columns[p.field])), sa.true()) for p in exclude]
    return sa.and_(*parts) if parts else None
