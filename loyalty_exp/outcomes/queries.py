"""The queries of the second shape of data: the roster, what members did, points by rule."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.activity import Rows, Spans, activity, rows_between
from loyalty_exp.outcomes.earned import earned_points, scope_columns
from loyalty_exp.outcomes.margin import read_by, tax_of
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
    for c in columns:
        if c.kind in {"column", "known"}:
            carried[f"member:{c.source}"] = double(tables.member(c.source or c.id))
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
    used = [mapped.amount, *(tables.source_of(c.source) for c in summed if c.source)]
    used += [p.field for c in summed for p in c.where]
    used += [name for c in summed if c.parts for name in read_by(c.parts, mapped)]
    rows = _rows(dialect, tables, windows, used, once_an_order)

    def condition(asked: UnitColumn, sales: sa.FromClause) -> sa.ColumnElement[bool] | None:
        known = {p.field: (sales.c[f"c:{p.field}"], tables.is_text(p.field)) for p in asked.where}
        return all_of(asked.where, (), known)

    spans = Spans(
        windows.lengths(summed, "outcome"),
        windows.lengths(summed, "pre"),
        experiment.schedule.refund_days,
        windows.earliest,
    )
    tax = tax_of(experiment.program)
    return activity(rows, members, summed, windows.days, condition, tables.source_of, mapped, spans, tax)


def earned_query(
    dialect: str,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    members: sa.FromClause,
    once_an_order: bool,
) -> sa.Select[tuple[object, ...]]:
    """Write the query for points computed from orders."""
    earned = [c for c in columns if c.table == "earned"]
    used = [tables.mapped.amount, *scope_columns(experiment)]
    rows = _rows(dialect, tables, windows, used, once_an_order)
    (days,) = windows.lengths(earned, "outcome")
    spans = Spans((days,), (), experiment.schedule.refund_days, windows.earliest)
    return earned_points(rows, members, experiment, spans, days)


def _rows(dialect: str, tables: Tables, windows: Windows, used: list[str], once_an_order: bool) -> Rows:
    """Cut the transactions to what can count, money in the currency of the program."""
    return rows_between(
        tables.transactions,
        tables.mapped,
        tables.sold_unit,
        tables.time,
        list(dict.fromkeys(used)),
        windows.low,
        windows.high,
        once_an_order,
        dialect in {"duckdb", "postgresql", "spark"},
        tables.converted(),
    )
