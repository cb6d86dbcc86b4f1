"""What each member did: conditional sums over the transactions, one row a member."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.clock import DAY, big, boundary, outside, text_of_moment
from loyalty_exp.outcomes.figures import figure
from loyalty_exp.outcomes.times import TimeColumn
from loyalty_exp.spec.data import Transactions
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double

NOBODY = 0
"""Code of transactions whose member is not in the members table; codes of members begin at 1."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The transactions that can count: their member, order, moment and numbers.

    Attributes
    ----------
    source : subquery
        Columns ``unit``, ``order``, ``at`` (of the order), ``dated`` (of the row), ``is_refund``, and the
        columns of the table under ``c:`` and their name.
    has_refunds : bool
    """

    source: sa.FromClause
    has_refunds: bool


def rows_between(
    table: sa.FromClause,
    mapped: Transactions,
    unit: str,
    time: TimeColumn,
    used: Sequence[str],
    low: int,
    high: int,
    once_an_order: bool,
    native: bool,
    converted: Mapping[str, Expr] | None = None,
    left_out: Sequence[tuple[int, int]] = (),
) -> Rows:
    """Cut the transactions to a range of time, and give refunds the moment of their order.

    Parameters
    ----------
    used : sequence of str
        Columns that metrics and conditions read.
    once_an_order : bool
        Keep the first row of each order id; asked for only when some stand twice.
    native : bool
        Whether the engine compares the column itself with a moment, and so can skip parts of files.
    converted : mapping of column to expression, optional
        Money in the currency of the program, where the table holds others.
    left_out : sequence of (int, int)
        Ranges of moments whose orders do not count, nor their refunds.
    """
    items = {
        "unit": as_text(column(unit)),
        "order": as_text(column(mapped.order)),
        "dated": time.micros,
        "refund_of": _filled(mapped.refund_of) if mapped.refund_of else sa.null(),
        **{f"c:{name}": (converted or {}).get(name, column(name)) for name in used},
    }
    if once_an_order:
        is_refund = items["refund_of"].is_not(None)
        key = sa.case((is_refund, None), else_=items["order"])
        order = sorted(items)
        place = sa.func.row_number().over(
            partition_by=[key],
            order_by=[items["dated"], *(items[k] for k in order if k not in {"dated", "order"})],
        )
        items["place"] = sa.case((is_refund, 1), else_=place)
    inner = sa.select(*(x.label(name) for name, x in items.items())).select_from(table)
    inner = inner.where(*native_range(time, low, high) if native else ())
    cut = inner.subquery("cut")
    where = [cut.c.dated >= big(low), cut.c.dated < big(high)]
    if once_an_order:
        where.append(cut.c.place == 1)
    kept = [c for c in cut.c if c.name != "place"]
    if not mapped.refund_of:
        where += outside(cut.c.dated, left_out)
        return Rows(sa.select(*kept, cut.c.dated.label("at")).where(*where).subquery("sales"), False)
    orders = (
        sa.select(as_text(column(mapped.order)).label("order"), sa.func.min(time.micros).label("ordered"))
        .select_from(table)
        .where(_filled(mapped.refund_of).is_(None))
        .group_by(as_text(column(mapped.order)))
        .subquery("orders")
    )
    at = sa.case((cut.c.refund_of.is_(None), cut.c.dated), else_=orders.c.ordered)
    joined = cut.outerjoin(orders, as_text(cut.c.refund_of) == orders.c.order)
    where += outside(at, left_out)
    return Rows(sa.select(*kept, at.label("at")).select_from(joined).where(*where).subquery("sales"), True)


def _filled(name: str) -> Expr:
    return sa.func.nullif(as_text(column(name)), "")


def native_range(time: TimeColumn, low: int, high: int) -> list[sa.ColumnElement[bool]]:
    """Bounds on the column itself, a day wider on both sides."""
    kind: sa.types.TypeEngine[object]
    if time.kind == "text":
        return []
    kind = {"date": sa.Date(), "instant": sa.TIMESTAMP(timezone=True), "naive": sa.TIMESTAMP()}[time.kind]  # type: ignore[assignment]
    suffix = "+00:00" if time.kind == "instant" else ""
    ends = [text_of_moment(low - DAY) + suffix, text_of_moment(high + DAY) + suffix]
    if time.kind == "date":
        ends = [end[:10] for end in ends]
    x = column(time.name)
    return [x >= sa.cast(sa.literal(ends[0], sa.Text), kind), x < sa.cast(sa.literal(ends[1], sa.Text), kind)]


@dataclass(frozen=True, slots=True)
class Spans:
    """Lengths of windows, in days.

    Attributes
    ----------
    outcome, pre : tuple of int
    refund_days : int
        How long after an outcome window its refunds still count.
    since : int
        Moment of the first assignment.
    """

    outcome: tuple[int, ...]
    pre: tuple[int, ...]
    refund_days: int
    since: int


def placed(rows: Rows, roster: sa.FromClause, spans: Spans, carried: Sequence[str] = ()) -> sa.Subquery:
    """Join transactions to members, and say once for each window whether a transaction lies in it.

    Parameters
    ----------
    carried : sequence of str
        Columns of the roster to keep.
    """
    sales, r = rows.source, roster.c
    begins = r[boundary(0)]
    flags: dict[str, sa.ColumnElement[bool]] = {}
    for span in spans.outcome:
        inside = [sales.c.at >= begins, sales.c.at < r[boundary(span)]]
        if rows.has_refunds:
            in_time = sales.c.dated < r[boundary(span + spans.refund_days)]
            inside.append(sa.or_(sales.c.refund_of.is_(None), in_time))
        flags[flag("outcome", span)] = sa.and_(*inside)
    for span in spans.pre:
        inside = [sales.c.at >= r[boundary(-span)], sales.c.at < begins]
        if rows.has_refunds:
            inside.append(sales.c.dated < begins)
        flags[flag("pre", span)] = sa.and_(*inside)
    flags["early"] = sa.and_(sales.c.at >= big(spans.since), sales.c.at < begins)
    kept = [c for c in sales.c if c.name not in {"unit", "dated"}]
    query = sa.select(
        sa.func.coalesce(r["code"], NOBODY).label("code"),
        *kept,
        (sales.c.at - begins).label("since"),
        *(test.label(name) for name, test in flags.items()),
        *(r[name] for name in carried),
    )
    return query.select_from(sales.outerjoin(roster, sales.c.unit == r["unit"])).subquery("placed")


def flag(window: str, span: int) -> str:
    """Name the column that says whether a transaction lies in a window."""
    return f"in_{window}_{span}"


def activity(
    rows: Rows,
    roster: sa.FromClause,
    columns: Sequence[UnitColumn],
    days: Callable[[UnitColumn], int],
    condition: Callable[[UnitColumn, sa.FromClause], sa.ColumnElement[bool] | None],
    source_of: Callable[[str], str],
    mapped: Transactions,
    spans: Spans,
    tax: float = 0.0,
) -> sa.Select[tuple[object, ...]]:
    """Write the query: one row a member with transactions, and one for those of nobody.

    Parameters
    ----------
    days : callable
        Gives the length of a column's window.
    condition : callable
        Gives the condition on rows that a column asks for, if it does.
    source_of : callable
        Gives the column of the transactions behind a name.
    tax : float
        Rate of the value added tax that is in the amounts.
    """
    sales = placed(rows, roster, spans)
    items: list[Expr] = []
    for asked in columns:
        inside: list[sa.ColumnElement[bool]] = [sales.c[flag(asked.window, days(asked))]]
        if (extra := condition(asked, sales)) is not None:
            inside.append(extra)
        x = figure(asked, sales, inside, mapped, source_of, tax)
        items.append(x.label(asked.id))
    lost = sa.func.sum(sa.case((sales.c.at.is_(None), 1), else_=0)) if rows.has_refunds else sa.literal(0)
    return sa.select(
        sales.c.code,
        sa.func.count().label("rows"),
        sa.func.sum(double(sales.c[f"c:{mapped.amount}"])).label("amount"),
        sa.func.sum(sa.case((sales.c.early, 1), else_=0)).label("early"),
        lost.label("lost_refunds"),
        *items,
    ).group_by(sales.c.code)
