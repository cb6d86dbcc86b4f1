"""Event tables, summed to one row a member.

A row counts by its own time, as a transaction does. A row that takes something back (points of a refund, a
coupon of a refunded order) counts until the refunds of the window end; where the table names orders it
belongs to the time of what it takes back, else to its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.activity import NOBODY, native_range
from loyalty_exp.outcomes.clock import big, boundary, outside
from loyalty_exp.outcomes.event_tables import Events, checked_events
from loyalty_exp.outcomes.periods import Periods
from loyalty_exp.outcomes.unit_table import is_textual
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double
from loyalty_exp.warehouse.predicates import all_of

__all__ = ["checked_events", "event_query"]


def event_query(
    dialect: str, events: Events, windows: Windows, members: sa.FromClause, refund_days: int
) -> sa.Select[tuple[object, ...]]:
    """Write the query: one row a member with events, and one for those of nobody."""
    x = _placed(dialect, events, windows, members)
    items = [_counted(events, c, x, windows, refund_days) for c in events.columns]
    lost = sa.func.sum(sa.case((x.c.at.is_(None), 1), else_=0))
    return sa.select(x.c.code, sa.func.count().label("rows"), lost.label("lost"), *items).group_by(x.c.code)


def events_by_period(
    dialect: str,
    events: Events,
    columns: Sequence[UnitColumn],
    windows: Windows,
    members: sa.FromClause,
    refund_days: int,
    periods: Periods,
) -> sa.Select[tuple[object, ...]]:
    """Write the query for some columns by period since assignment: one row a member and period."""
    placed = _placed(dialect, events, windows, members)
    period = periods.begun(periods.passed(placed.c.at, placed.c.begins))
    last = placed.c[boundary(max(windows.days(c) for c in columns) + refund_days)]
    counts = sa.and_(placed.c.code != NOBODY, placed.c.at >= placed.c.begins, placed.c.dated < last)
    x = sa.select(*placed.c, period.label("period")).where(counts).subquery("spread")
    items = [_counted(events, c, x, windows, refund_days) for c in columns]
    return sa.select(x.c.code, x.c.period, *items).group_by(x.c.code, x.c.period)


def _counted(
    events: Events, asked: UnitColumn, x: sa.FromClause, windows: Windows, refund_days: int
) -> sa.Label[object]:
    """Express a column over its window; what takes back counts until the refunds of the window end."""
    back, begins, days = events.takes_back(x), x.c.begins, windows.days(asked)
    ends, refunds = x.c[boundary(days)], x.c[boundary(days + refund_days)]
    inside = sa.and_(x.c.at >= begins, x.c.at < ends)
    until = sa.and_(x.c.at >= begins, sa.or_(x.c.at < ends, x.c.unattributed == 1), x.c.dated < refunds)
    where = [w for w in (_condition(events, asked, x), _lot(events, asked, x)) if w is not None]
    return _figure(events, asked, x, inside, until, back, where).label(asked.id)


def _figure(
    events: Events,
    asked: UnitColumn,
    x: sa.FromClause,
    inside: sa.ColumnElement[bool],
    until: sa.ColumnElement[bool],
    back: sa.ColumnElement[bool] | None,
    where: list[sa.ColumnElement[bool]],
) -> Expr:
    """Sum or count what a column asks for."""
    if asked.kind == "net":
        assert back is not None and events.value is not None
        value = double(x.c[f"c:{events.value}"])
        earned = as_text(x.c[f"c:{events.kind}"]) == sa.literal("earn", sa.Text)
        taken = sa.and_(back, until, *where)
        return sa.func.sum(sa.case((sa.and_(earned, inside, *where), value), (taken, -value)))
    test = inside if back is None else sa.or_(sa.and_(sa.not_(back), inside), sa.and_(back, until))
    counted = sa.and_(test, *where)
    if asked.kind in {"events", "any_event"}:
        count = sa.func.sum if asked.kind == "events" else sa.func.max
        return count(sa.case((counted, 1), else_=0))
    assert asked.source is not None
    return sa.func.sum(sa.case((counted, double(x.c[f"c:{asked.source}"]))))


def _placed(dialect: str, events: Events, windows: Windows, members: sa.FromClause) -> sa.Subquery:
    """Join events to members; what takes back an order has the time of the order's first event."""
    low, high = windows.earliest, windows.events_high
    left_out = () if events.name in {"exposures", "triggers"} else windows.left_out
    items = {
        "unit": as_text(column(events.unit)),
        "dated": events.time.micros,
        **{f"c:{name}": column(name) for name in events.used},
    }
    inner = sa.select(*(e.label(name) for name, e in items.items())).select_from(events.table)
    if dialect in {"duckdb", "postgresql", "spark"}:
        inner = inner.where(*native_range(events.time, low, high))
    cut = inner.subquery("cut")
    back = events.takes_back(cut)
    source: sa.FromClause = cut
    at: Expr = cut.c.dated
    unattributed: Expr = sa.literal(0) if back is None else sa.case((back, 1), else_=0)
    if back is not None and events.order is not None:
        first = _first_of_orders(events)
        named = sa.func.nullif(as_text(cut.c[f"c:{events.order}"]), "")
        source = cut.outerjoin(first, sa.and_(back, named == first.c.order))
        at = sa.case((sa.and_(back, named.is_not(None)), first.c.first), else_=cut.c.dated)
        unattributed = sa.case((sa.and_(back, named.is_(None)), 1), else_=0)
    rows = (
        sa.select(*cut.c, at.label("at"), unattributed.label("unattributed"))
        .select_from(source)
        .where(cut.c.dated >= big(low), cut.c.dated < big(high), *outside(at, left_out))
        .subquery("events")
    )
    joined = rows.outerjoin(members, rows.c.unit == members.c.unit)
    bounds = [members.c[boundary(shift)] for shift in windows.shifts if shift > 0]
    kept = [c for c in rows.c if c.name != "unit"]
    code = sa.func.coalesce(members.c.code, NOBODY).label("code")
    query = sa.select(code, *kept, members.c[windows.begins].label("begins"), *bounds)
    return query.select_from(joined).subquery("placed")


def _first_of_orders(events: Events) -> sa.Subquery:
    """Time of the first event of each order that something was taken back of."""
    raw = sa.select(
        *(column(name).label(f"c:{name}") for name in events.used), events.time.micros.label("dated")
    )
    rows = raw.select_from(events.table).subquery("all_events")
    back = events.takes_back(rows)
    assert back is not None and events.order is not None
    order = sa.func.nullif(as_text(rows.c[f"c:{events.order}"]), "")
    named = sa.select(order).where(back, order.is_not(None))
    query = sa.select(order.label("order"), sa.func.min(rows.c.dated).label("first"))
    given = sa.not_(back)
    if events.kind is not None:
        given = as_text(rows.c[f"c:{events.kind}"]) == sa.literal("earn", sa.Text)
    return query.where(given, order.in_(named)).group_by(order).subquery("first_events")


def _condition(events: Events, asked: UnitColumn, x: sa.FromClause) -> sa.ColumnElement[bool] | None:
    known = {p.field: (x.c[f"c:{p.field}"], is_textual(events.types[p.field])) for p in asked.where}
    return all_of(asked.where, (), known)


def _lot(events: Events, asked: UnitColumn, x: sa.FromClause) -> sa.ColumnElement[bool] | None:
    """Condition of a lot; points of no known lot are base points."""
    if asked.lot is None:
        return None
    if events.lot is None:
        return sa.true() if asked.lot == "base" else sa.false()
    is_bonus = as_text(x.c[f"c:{events.lot}"]) == sa.literal("bonus", sa.Text)
    return is_bonus if asked.lot == "bonus" else sa.func.coalesce(sa.not_(is_bonus), sa.true())
