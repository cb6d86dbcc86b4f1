"""The queries of the second shape of data: the roster, what members did, points by rule."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.activity import NOBODY, Rows, Spans, activity, flag, placed, rows_between
from loyalty_exp.outcomes.earned import earned_points, scope_columns
from loyalty_exp.outcomes.figures import figure
from loyalty_exp.outcomes.margin import read_by, tax_of
from loyalty_exp.outcomes.naive_columns import outside_predicates
from loyalty_exp.outcomes.periods import Part, Periods
from loyalty_exp.outcomes.plan import balanced_for
from loyalty_exp.outcomes.roster import Assigned, roster
from loyalty_exp.outcomes.segment import values_of
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.unit_table import joined
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, double
from loyalty_exp.warehouse.predicates import all_of


def roster_query(
    experiment: Experiment, tables: Tables, windows: Windows, columns: tuple[UnitColumn, ...]
) -> sa.Select[tuple[object, ...]]:
    """Write the query for the roster of an experiment."""
    chosen = experiment.population
    condition = all_of(chosen.include, chosen.exclude, tables.of_members())
    carried: dict[str, Expr] = {
        f"segment:{s.id}": values_of(s, tables.of_members()) for s in experiment.segments
    }
    if (stratum := joined([tables.member(name) for name in experiment.strata])) is not None:
        carried["stratum"] = stratum
    if experiment.cluster is not None:
        carried["cluster"] = as_text(tables.member(experiment.cluster))
    carried |= {f"balanced:{i}": double(tables.member(n)) for i, n in enumerate(balanced_for(experiment))}
    for c in columns:
        if c.kind in {"column", "known"}:
            carried[f"member:{c.source}"] = double(tables.member(c.source or c.id))
    if (outside := all_of(outside_predicates(experiment), (), tables.of_members())) is not None:
        carried["outside"] = sa.case((outside, 1), else_=0)
    micros = tables.assigned_time.micros if tables.assigned_time else None
    assigned = Assigned(tables.assignments, tables.assigned_unit, tables.arm, micros)
    return roster(
        tables.members,
        experiment.unit,
        assigned,
        windows.clock,
        windows.shifts,
        condition,
        carried,
        windows.assigned_before,
    )


def activity_query(
    dialect: str,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    members: sa.FromClause,
    once_an_order: bool,
) -> sa.Select[tuple[object, ...]]:
    """Write the query for what members did."""
    mapped = tables.mapped
    summed = [c for c in columns if c.of_transactions]
    rows = sales_between(dialect, tables, windows, read_for_sums(tables, summed), once_an_order)

    def condition(asked: UnitColumn, sales: sa.FromClause) -> sa.ColumnElement[bool] | None:
        return condition_of(tables, asked, sales)

    spans = Spans(
        windows.lengths(summed, "outcome"),
        windows.lengths(summed, "pre"),
        experiment.schedule.refund_days,
        windows.earliest,
    )
    tax = tax_of(experiment.program)
    return activity(rows, members, summed, windows.days, condition, tables.source_of, mapped, spans, tax)


def period_query(
    dialect: str,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    asked: Sequence[Part],
    members: sa.FromClause,
    once_an_order: bool,
    periods: Periods,
) -> sa.Select[tuple[object, ...]]:
    """Write the query for what members did in each period since assignment: a row a member and period.

    Parameters
    ----------
    asked : sequence of Part
        Columns over transactions, each within its window.
    """
    mapped, summed = tables.mapped, [part.column for part in asked]
    used = [*read_for_sums(tables, summed), *(part.category for part in asked if part.category)]
    rows = sales_between(dialect, tables, windows, used, once_an_order, windows.earliest)
    lengths = windows.lengths(summed, "outcome")
    s = placed(rows, members, Spans(lengths, (), experiment.schedule.refund_days, windows.earliest))
    passed = periods.passed(s.c.at, s.c.at - s.c.since)
    period: Expr = periods.begun(passed)
    if mapped.lines:
        # Lines of one order may stand at several times; the order counts once.
        period = sa.func.min(period).over(partition_by=[s.c.code, s.c.order, s.c.refund_of.is_(None)])
    inside = sa.or_(*(s.c[flag("outcome", days)] for days in lengths))
    sales = (
        sa.select(*s.c, passed.label("passed"), period.label("period"))
        .where(s.c.code != NOBODY, inside)
        .subquery("spread")
    )
    items = []
    for part in asked:
        c = part.column
        tests = [sales.c[flag("outcome", windows.days(c))], *part.holds(sales)]
        condition = condition_of(tables, c, sales)
        tests += [condition] if condition is not None else []
        x = figure(c, sales, tests, mapped, tables.source_of, tax_of(experiment.program))
        items.append(x.label(c.id))
    return sa.select(sales.c.code, sales.c.period, *items).group_by(sales.c.code, sales.c.period)


def read_for_sums(tables: Tables, summed: Sequence[UnitColumn]) -> list[str]:
    """Columns of the transactions that sums and their conditions read."""
    used = [tables.mapped.amount, *(tables.source_of(c.source) for c in summed if c.source)]
    used += [p.field for c in summed for p in c.where]
    return used + [name for c in summed if c.parts for name in read_by(c.parts, tables.mapped)]


def condition_of(tables: Tables, asked: UnitColumn, sales: sa.FromClause) -> sa.ColumnElement[bool] | None:
    """Condition on transactions that a column asks for, if it does."""
    known = {p.field: (sales.c[f"c:{p.field}"], tables.is_text(p.field)) for p in asked.where}
    return all_of(asked.where, (), known)


def earned_query(
    dialect: str,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    members: sa.FromClause,
    once_an_order: bool,
    periods: Periods | None = None,
) -> sa.Select[tuple[object, ...]]:
    """Write the query for points computed from orders; by period, a member's cap is not yet applied."""
    earned = [c for c in columns if c.table == "earned"]
    used = [tables.mapped.amount, *scope_columns(experiment)]
    rows = sales_between(dialect, tables, windows, used, once_an_order)
    (days,) = windows.lengths(earned, "outcome")
    spans = Spans((days,), (), experiment.schedule.refund_days, windows.earliest)
    return earned_points(rows, members, experiment, spans, days, periods)


def sales_between(
    dialect: str,
    tables: Tables,
    windows: Windows,
    used: list[str],
    once_an_order: bool,
    low: int | None = None,
) -> Rows:
    """Cut the transactions to what can count, money in the currency of the program."""
    return rows_between(
        tables.transactions,
        tables.mapped,
        tables.sold_unit,
        tables.time,
        list(dict.fromkeys(used)),
        windows.low if low is None else low,
        windows.high,
        once_an_order,
        dialect in {"duckdb", "postgresql", "spark"},
        tables.converted(),
        windows.left_out,
    )
