"""The values of a segment: those of a column, or `in` and `out` of a condition."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from loyalty_exp.spec.population import WHEN_VALUES, Segment
from loyalty_exp.warehouse.atoms import Expr, as_text
from loyalty_exp.warehouse.predicates import condition


def read_for(segment: Segment) -> str:
    """Column that a segment is read from."""
    return segment.when.field if segment.when is not None else segment.source


def values_of(segment: Segment, columns: Mapping[str, tuple[Expr, bool]]) -> Expr:
    """Express the values of a segment as text; a unit without the attribute is not in a condition's segment.

    Parameters
    ----------
    columns : mapping of name to (expression, whether it is text)
    """
    x, is_text = columns[read_for(segment)]
    if segment.when is None:
        return as_text(x)
    inside, outside = (sa.literal(value, sa.Text) for value in WHEN_VALUES)
    return sa.case((condition(segment.when, x, is_text), inside), else_=outside)
