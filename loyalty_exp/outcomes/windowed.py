"""The second shape of data: members, assignments and transactions, made into one row a unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.activity import Spans, activity, rows_between
from loyalty_exp.outcomes.caps import Bounds, with_caps
from loyalty_exp.outcomes.clock import day_of
from loyalty_exp.outcomes.digest import digest
from loyalty_exp.outcomes.found import activity_findings, member_findings, transaction_findings
from loyalty_exp.outcomes.measure import Measured, measure, missing_findings
from loyalty_exp.outcomes.outcomes import Finding, Outcomes
from loyalty_exp.outcomes.plan import Plan
from loyalty_exp.outcomes.roster import IN, Assigned, roster
from loyalty_exp.outcomes.tables import Tables, checked_tables
from loyalty_exp.outcomes.unit_table import UnitTable, Value
from loyalty_exp.outcomes.windows import Windows, windows_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double
from loyalty_exp.warehouse.engine import Engine
from loyalty_exp.warehouse.predicates import all_of


def windowed(
    engine: Engine, experiment: Experiment, asked: Plan, data_to: dt.date | None, tell: Callable[[str], None]
) -> Outcomes:
    """Check the three tables, join them to one row a unit, and take moments."""
    tell("checking members, assignments and transactions")
    columns = (*asked.columns, *_for_caps(asked))
    tables = checked_tables(engine, experiment, columns)
    windows = windows_of(experiment, tables, columns, data_to)
    tell("joining assignments to members")
    members = engine.keep("loyalty_roster", roster_query(experiment, tables, windows, columns))
    findings = [*member_findings(engine, members, tables), *transaction_findings(engine, tables, windows)]
    tell("summing transactions")
    repeated = bool(tables.repeated_orders)
    did = engine.keep(
        "loyalty_activity",
        activity_query(engine.dialect.name, experiment, tables, windows, columns, members, repeated),
    )
    findings += activity_findings(engine, members, did, tables)
    immature = _immature(engine, experiment, members, windows)
    keep = experiment.schedule.immature == "include"
    table = unit_table(
        experiment, tables, windows, columns, members, did, any(immature.values()) and not keep
    )
    table = replace(table, rows=engine.keep("loyalty_units", _all_of(table)))
    table, caps = with_caps(engine, table, asked)
    table = replace(table, values={c.id: table.values[c.id] for c in asked.columns})
    tell("computing moments")
    arms = [arm.id for arm in experiment.planned_arms]
    measured = measure(engine, table, asked, arms)
    if any(immature.values()):
        findings.append(windows.immature_finding(immature, sum(measured.units.values()), kept=keep))
    lacking = {c.id for c in asked.columns if c.kind == "column"}
    measured = replace(measured, missing={k: v for k, v in measured.missing.items() if k in lacking})
    return _outcomes(engine, experiment, tables, windows, members, measured, immature, keep, caps, findings)


def _outcomes(
    engine: Engine,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    members: sa.TableClause,
    measured: Measured,
    immature: dict[str, int],
    keep: bool,
    caps: Mapping[str, Bounds],
    findings: list[Finding],
) -> Outcomes:
    begins = members.c[windows.begins]
    first, last = engine.fetch(
        sa.select(sa.func.min(begins), sa.func.max(begins)).where(members.c.state == IN)
    )[0]
    zone = experiment.program.timezone if not tables.time.is_date else "UTC"
    return Outcomes(
        units=measured.units,
        units_analyzed={a: n - (0 if keep else immature[a]) for a, n in measured.units.items()},
        immature=immature,
        missing=measured.missing,
        overall=measured.overall,
        segments=measured.segments,
        caps=caps,
        findings=(*findings, *missing_findings(measured)),
        first_assigned=day_of(first, zone) if first is not None else None,
        last_assigned=day_of(last, zone) if last is not None else None,
        data_to=windows.data_to,
        engine=engine.name_version,
        data_digest=digest(tables.described, measured),
    )


def _for_caps(asked: Plan) -> tuple[UnitColumn, ...]:
    """Pre-period columns that only a cap needs."""
    known = {c.id for c in asked.columns}
    return tuple(
        replace(c, id=f"{c.id}__pre", window="pre", cap=None, check="")
        for c in asked.columns
        if c.cap and c.cap.quantile and c.window == "outcome" and f"{c.id}__pre" not in known
    )


def roster_query(
    experiment: Experiment, tables: Tables, windows: Windows, columns: tuple[UnitColumn, ...]
) -> sa.Select[tuple[object, ...]]:
    """Write the query for the roster of an experiment."""
    chosen = experiment.population
    condition = all_of(chosen.include, chosen.exclude, tables.of_members())
    carried: dict[str, Expr] = {
        f"segment:{s.id}": as_text(tables.member(s.source)) for s in experiment.segments
    }
    for c in columns:
        if c.kind == "column":
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
    summed = [c for c in columns if c.kind not in {"column", "within"}]
    used = [mapped.amount, *(tables.source_of(c.source) for c in summed if c.source)]
    used += [p.field for c in summed for p in c.where]
    rows = rows_between(
        tables.transactions,
        mapped,
        tables.sold_unit,
        tables.time,
        list(dict.fromkeys(used)),
        windows.low,
        windows.high,
        once_an_order,
        dialect in {"duckdb", "postgresql", "spark"},
    )

    def condition(asked: UnitColumn, sales: sa.FromClause) -> sa.ColumnElement[bool] | None:
        known = {p.field: (sales.c[f"c:{p.field}"], tables.is_text(p.field)) for p in asked.where}
        return all_of(asked.where, (), known)

    spans = Spans(
        windows.lengths(summed, "outcome"),
        windows.lengths(summed, "pre"),
        experiment.schedule.refund_days,
        windows.earliest,
    )
    return activity(rows, members, summed, windows.days, condition, tables.source_of, mapped, spans)


def _immature(
    engine: Engine, experiment: Experiment, members: sa.FromClause, windows: Windows
) -> dict[str, int]:
    """Count the units of each arm whose outcome window is not over."""
    arms = {arm.id: 0 for arm in experiment.planned_arms}
    over = windows.is_over(members, windows.main)
    query = sa.select(members.c.arm, sa.func.count()).where(members.c.state == IN, sa.not_(over))
    return arms | {arm: int(n) for arm, n in engine.fetch(query.group_by(members.c.arm)) if arm in arms}


def unit_table(
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    columns: tuple[UnitColumn, ...],
    members: sa.FromClause,
    did: sa.FromClause,
    some_immature: bool,
) -> UnitTable:
    """Express one row a unit: members without transactions have zeros."""
    source = members.outerjoin(did, members.c.code == did.c.code)
    exclude = experiment.schedule.immature == "exclude"
    items: dict[str, Expr] = {"arm": members.c.arm}
    items |= {f"segment:{s.id}": members.c[f"segment:{s.id}"] for s in experiment.segments}
    values = {}
    for c in columns:
        if c.kind == "column":
            items[c.id] = members.c[f"member:{c.source}"]
            where, name = tables.members_shown, c.source or c.id
            values[c.id] = Value(c.id, column(c.id), column(c.id), where, name, c.missing, c.check)
            continue
        x: Expr = sa.func.coalesce(did.c[c.id], 0)
        if c.kind == "sum":
            x = double(x)
        ends_early = windows.can_be_open(windows.days(c)) if c.window == "outcome" else False
        masked = exclude and ends_early
        items[c.id] = sa.case((windows.is_over(members, windows.days(c)), x)) if masked else x
        where, name = (
            tables.transactions_shown,
            tables.source_of(c.source) if c.source else tables.mapped.order,
        )
        values[c.id] = Value(
            c.id,
            column(c.id),
            column(c.id),
            where,
            name,
            "drop" if masked else "reject",
            "",
            masked,
            is_binary=c.kind == "any_order",
            checked=c.kind == "sum",
        )
    query = (
        sa.select(*(x.label(name) for name, x in items.items()))
        .select_from(source)
        .where(members.c.state == IN)
    )
    dimensions = {s.id: column(f"segment:{s.id}") for s in experiment.segments}
    return UnitTable(
        query.subquery("units"), column("arm"), dimensions, values, tables.assignments_shown, tables.arm
    )


def _all_of(table: UnitTable) -> sa.Select[tuple[object, ...]]:
    return sa.select(*table.rows.c).select_from(table.rows)
