"""How often, how recently and for how much the customers of an arm bought after the washout, in few rows.

Time begins for everybody when the washout ends. Units with equal histories, and nearly equal spend, share a
row: what comes back does not grow with the number of members.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.outcomes.activity import Spans, flag, placed
from loyalty_exp.outcomes.clock import DAY, big
from loyalty_exp.outcomes.figures import figure
from loyalty_exp.outcomes.margin import tax_of
from loyalty_exp.outcomes.outcomes import Customers
from loyalty_exp.outcomes.plan import economics_columns, money_column
from loyalty_exp.outcomes.queries import condition_of, read_for_sums, sales_between
from loyalty_exp.outcomes.roster import IN
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, double, number, whole
from loyalty_exp.warehouse.engine import Engine

if TYPE_CHECKING:
    from loyalty_exp.stats.moments import Vector

PER_TEN = 100
"""Steps of equal width up to 1, 10, 100, ...: spends that share a step, at most 10% apart, share a row."""

_SLACK = 1e-6
"""Of a step: sums taken in another order land in the same one."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days after assignment: the histories begin at ``start``, are cut at ``middle``, and end at ``end``."""

    start: int
    middle: int
    end: int


def span_of(experiment: Experiment) -> Span | None:
    """Give the days of the histories; None where the spec projects no customer value."""
    horizon = experiment.economics.horizon if experiment.economics is not None else None
    end = experiment.schedule.outcome_days
    if horizon is None or horizon.customer_value is None or not end:
        return None
    start = horizon.customer_value.washout_days
    return Span(start, start + (end - start) // 2, end)


def customers_of(
    engine: Engine,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    members: sa.FromClause,
    once_an_order: bool,
) -> dict[str, Customers]:
    """Ask for the histories of every arm; nothing where the spec projects no customer value."""
    span = span_of(experiment)
    if span is None:
        return {}
    did = bought_query(engine.dialect.name, experiment, tables, windows, members, once_an_order, span)
    bought = engine.keep("loyalty_bought", did)
    source = members.outerjoin(bought, members.c.code == bought.c.code)
    over = windows.is_over(members, span.end)
    names = ("times", "last", "paid", "brought", "first_times", "first_last")
    each = sa.select(
        members.c.arm.label("arm"),
        *(sa.func.coalesce(bought.c[name], 0).label(name) for name in names),
    )
    kept = engine.keep("loyalty_customers", each.select_from(source).where(members.c.state == IN, over))
    whole_time = engine.arrays(_cells(kept))
    at_middle = engine.arrays(_at_middle(kept))
    return {
        arm.id: _customers(whole_time, at_middle, arm.id, span)
        for arm in experiment.planned_arms
        if (whole_time["arm"] == arm.id).any()
    }


def bought_query(
    dialect: str,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    members: sa.FromClause,
    once_an_order: bool,
    span: Span,
) -> sa.Select[Any]:
    """Write the query: a row a member that bought, with the days of its purchases after the washout.

    A purchase is a day with an order of more than 0; the last one is counted from the end of the washout, and
    a day counts as its end. What was paid is before refunds, what it brought is the benefit metric.
    """
    assert experiment.economics is not None
    money, metric = economics_columns(experiment), experiment.economics.benefit.metric
    benefit, mapped = money[money_column(metric, experiment)], tables.mapped
    used = read_for_sums(tables, [benefit])
    rows = sales_between(dialect, tables, windows, used, once_an_order)
    s = placed(rows, members, Spans((span.end,), (), experiment.schedule.refund_days, windows.earliest))
    paid = double(s.c[f"c:{mapped.amount}"])
    counts = [s.c[flag("outcome", span.end)], s.c.since >= big(span.start * DAY)]
    if (extra := condition_of(tables, benefit, s)) is not None:
        counts.append(extra)
    order = sa.and_(*counts, s.c.refund_of.is_(None), paid > number(0))
    early = sa.and_(order, s.c.since < big(span.middle * DAY))
    day = whole(double(s.c.since) / number(DAY)) - span.start + 1
    brought = figure(benefit, s, counts, mapped, tables.source_of, tax_of(experiment.program))
    return sa.select(
        s.c.code,
        sa.func.count(sa.case((order, day)).distinct()).label("times"),
        sa.func.max(sa.case((order, day))).label("last"),
        sa.func.sum(sa.case((order, paid))).label("paid"),
        brought.label("brought"),
        sa.func.count(sa.case((early, day)).distinct()).label("first_times"),
        sa.func.max(sa.case((early, day))).label("first_last"),
    ).group_by(s.c.code)


def _cells(rows: sa.FromClause) -> sa.Select[Any]:
    """Write the query: customers by arm, history and step of spend."""
    times = rows.c.times
    each = double(rows.c.paid) / sa.case((times > 0, double(times)), else_=number(1))
    keys = [rows.c.arm, times, rows.c["last"], sa.case((times > 0, _step(each)), else_=0).label("step")]
    inner = sa.select(*keys, each.label("each"), double(rows.c.brought).label("brought")).subquery("bought")
    by = [inner.c.arm, inner.c.times, inner.c["last"], inner.c.step]
    sums = [sa.func.sum(inner.c.each).label("each"), sa.func.sum(inner.c.brought).label("brought")]
    return sa.select(*by, sa.func.count().label("n"), *sums).group_by(*by).order_by(*by)


def _step(x: Expr) -> Expr:
    """Number of the step of a positive amount."""
    tens = range(-2, 10)
    whens = [
        (x < number(10.0**k), whole(x * number(PER_TEN / 10.0**k) + number(_SLACK)) + (k + 3) * PER_TEN)
        for k in tens
    ]
    return sa.case(*whens, else_=(tens[-1] + 4) * PER_TEN)


def _at_middle(rows: sa.FromClause) -> sa.Select[Any]:
    """Write the query: customers by arm and history at the middle, with what they bought later."""
    by = [rows.c.arm, rows.c.first_times, rows.c.first_last]
    later = sa.func.sum(double(rows.c.times) - double(rows.c.first_times)).label("later")
    return sa.select(*by, sa.func.count().label("n"), later).group_by(*by).order_by(*by)


def _customers(found: dict[str, Any], middle: dict[str, Any], arm: str, span: Span) -> Customers:
    from loyalty_exp.stats.projected_value import Buyers
    from loyalty_exp.stats.purchase_history import history

    mine, early = found["arm"] == arm, middle["arm"] == arm

    def of(name: str) -> Vector:
        return np.asarray(found[name][mine], dtype=np.float64)

    times, n = of("times"), of("n")
    _, at = np.unique(np.stack([times, of("step")]), axis=1, return_inverse=True)
    at = at.ravel()
    spent = np.bincount(at, of("each")) / np.bincount(at, n)
    first = [np.asarray(middle[k][early], dtype=np.float64) for k in ("first_times", "first_last")]
    return Customers(
        Buyers(
            history(times, of("last"), np.full(len(n), float(span.end - span.start))),
            np.where(times > 0, spent[at], 0.0),
            n,
            of("brought") / n,
        ),
        history(first[0], first[1], np.full(len(first[0]), float(span.middle - span.start))),
        np.asarray(middle["n"][early], dtype=np.float64),
        float(np.asarray(middle["later"][early], dtype=np.float64).sum()),
    )
