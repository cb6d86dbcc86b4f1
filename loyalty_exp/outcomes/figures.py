"""One figure of a member: a conditional sum or count over transactions."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.margin import margin_sum
from loyalty_exp.spec.data import Transactions
from loyalty_exp.warehouse.atoms import Expr, double


def figure(
    asked: UnitColumn,
    sales: sa.FromClause,
    inside: list[sa.ColumnElement[bool]],
    mapped: Transactions,
    source_of: Callable[[str], str],
    tax: float,
) -> Expr:
    """Sum or count what a column asks for, over the transactions that satisfy all conditions.

    Parameters
    ----------
    sales : subquery
        Of :func:`~loyalty_exp.outcomes.activity.placed`.
    source_of : callable
        Gives the column of the transactions behind a name.
    tax : float
        Rate of the value added tax that is in the amounts.
    """
    if asked.kind == "margin":
        assert asked.parts is not None
        return margin_sum(sales, sa.and_(*inside), asked.parts, mapped, tax)
    if asked.kind != "sum" and mapped.refund_of:
        inside = [*inside, sales.c.refund_of.is_(None)]
    test = sa.and_(*inside)
    if asked.kind == "sum":
        assert asked.source is not None
        return sa.func.sum(sa.case((test, double(sales.c[f"c:{source_of(asked.source)}"]))))
    if asked.kind == "any_order":
        return sa.func.max(sa.case((test, 1), else_=0))
    if asked.kind == "first_order":
        return sa.func.min(sa.case((test, sales.c.since)))
    if mapped.lines:
        return sa.func.count(sa.case((test, sales.c.order)).distinct())
    return sa.func.sum(sa.case((test, 1), else_=0))
