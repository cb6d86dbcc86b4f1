"""The second shape of data: members, assignments and transactions, made into one row a unit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

import sqlalchemy as sa

from loyalty_exp.metrics import Repurchase
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.allocation import allocation_findings
from loyalty_exp.outcomes.caps import Bounds, with_caps
from loyalty_exp.outcomes.clock import DAY, day_of
from loyalty_exp.outcomes.customers import customers_of
from loyalty_exp.outcomes.digest import digest
from loyalty_exp.outcomes.event_findings import event_findings
from loyalty_exp.outcomes.event_tables import checked_events
from loyalty_exp.outcomes.events import event_query
from loyalty_exp.outcomes.evidence import collect_evidence
from loyalty_exp.outcomes.found import activity_findings, member_findings, transaction_findings
from loyalty_exp.outcomes.measure import Measured, measure, missing_findings
from loyalty_exp.outcomes.outcomes import Evidence, Finding, Outcomes, Sums
from loyalty_exp.outcomes.outsiders import outside_of_roster
from loyalty_exp.outcomes.over_time import Source, sum_over_time
from loyalty_exp.outcomes.plan import ECONOMICS, Plan
from loyalty_exp.outcomes.queries import activity_query, earned_query, roster_query
from loyalty_exp.outcomes.roster import IN
from loyalty_exp.outcomes.tables import Tables, checked_tables
from loyalty_exp.outcomes.unit_table import UnitTable
from loyalty_exp.outcomes.window_sums import unit_table
from loyalty_exp.outcomes.windows import Windows, windows_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, column, double, number
from loyalty_exp.warehouse.engine import Engine

__all__ = ["activity_query", "earned_query", "roster_query", "unit_table", "windowed"]


def windowed(
    engine: Engine,
    experiment: Experiment,
    asked: Plan,
    data_to: dt.date | None,
    tell: Callable[[str], None],
    over_time: bool = True,
) -> Outcomes:
    """Check the three tables, join them to one row a unit, and take moments.

    Parameters
    ----------
    over_time : bool
        Whether money is summed by period, too.
    """
    tell("checking members, assignments and transactions")
    columns = (*asked.columns, *_for_caps(asked), *_first_orders(experiment))
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
    events = checked_events(engine, experiment, tables, windows, columns)
    beside: dict[str, sa.FromClause] = {}
    for found in events:
        tell(f"summing {found.name}")
        query = event_query(engine.dialect.name, found, windows, members, experiment.schedule.refund_days)
        beside[found.name] = engine.keep(f"loyalty_{found.name}", query)
        findings += event_findings(engine, found, beside[found.name], tables, windows)
    if any(c.table == "earned" for c in columns):
        tell("computing points from orders")
        query = earned_query(engine.dialect.name, experiment, tables, windows, columns, members, repeated)
        beside["earned"] = engine.keep("loyalty_earned", query)
    described = {**tables.described, **{e.shown: [list(e.types), e.rows] for e in events}}
    immature = _immature(engine, experiment, members, windows)
    keep = experiment.schedule.immature == "include"
    table = unit_table(
        experiment, tables, windows, columns, members, did, any(immature.values()) and not keep, beside
    )
    table = replace(table, rows=engine.keep("loyalty_units", _all_of(table)))
    table, caps = with_caps(engine, table, asked)
    table = replace(table, values={c.id: table.values[c.id] for c in asked.columns})
    tell("computing moments")
    arms = [arm.id for arm in experiment.planned_arms]
    measured = measure(engine, table, asked, arms)
    beyond = collect_evidence(engine, experiment, asked, table, _timed(experiment, windows), tell)
    outside = outside_of_roster(engine, experiment, windows, members, did, caps)
    customers = customers_of(engine, experiment, tables, windows, members, repeated)
    by_period = None
    if over_time and experiment.economics is not None:
        source = Source(engine, experiment, asked, tables, windows, members, events)
        by_period = sum_over_time(
            source, table, measured.overall[ECONOMICS], _money_of(measured, beyond), tell
        )
    findings += allocation_findings(engine, members, windows, arms)
    if any(immature.values()):
        findings.append(windows.immature_finding(immature, sum(measured.units.values()), kept=keep))
    lacking = {c.id for c in asked.columns if c.kind == "column"}
    measured = replace(measured, missing={k: v for k, v in measured.missing.items() if k in lacking})
    outcomes = _outcomes(
        engine,
        experiment,
        tables,
        windows,
        members,
        measured,
        beyond,
        immature,
        keep,
        caps,
        findings,
        described,
    )
    return replace(outcomes, over_time=by_period, outside=outside, customers=customers)


def _money_of(measured: Measured, beyond: Evidence) -> Sums:
    """Moments of the economics block in the form that the draw asks for."""
    if beyond.clusters:
        return Sums(clusters=beyond.clusters[None][ECONOMICS])
    if measured.strata:
        return Sums(strata={name: blocks[ECONOMICS] for name, blocks in measured.strata.items()})
    return Sums(measured.overall[ECONOMICS])


def _outcomes(
    engine: Engine,
    experiment: Experiment,
    tables: Tables,
    windows: Windows,
    members: sa.TableClause,
    measured: Measured,
    beyond: Evidence,
    immature: dict[str, int],
    keep: bool,
    caps: Mapping[str, Bounds],
    findings: list[Finding],
    described: Mapping[str, object],
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
        strata=measured.strata,
        triggered=measured.triggered,
        skewness=measured.skewness,
        evidence=beyond,
        caps=caps,
        findings=(*findings, *missing_findings(measured)),
        first_assigned=day_of(first, zone) if first is not None else None,
        last_assigned=day_of(last, zone) if last is not None else None,
        data_to=windows.data_to,
        engine=engine.name_version,
        data_digest=digest(described, measured),
    )


def _for_caps(asked: Plan) -> tuple[UnitColumn, ...]:
    """Pre-period columns that only a cap needs."""
    known = {c.id for c in asked.columns}
    return tuple(
        replace(c, id=f"{c.id}__pre", window="pre", cap=None, check="")
        for c in asked.columns
        if c.cap and c.cap.quantile and c.window == "outcome" and f"{c.id}__pre" not in known
    )


def _first_orders(experiment: Experiment) -> tuple[UnitColumn, ...]:
    """Time of the first order in the window of each repurchase metric."""
    return tuple(
        UnitColumn(f"{m.id}__first", "first_order", days=m.within_days, where=m.where)
        for m in experiment.metrics
        if isinstance(m, Repurchase)
    )


def _timed(experiment: Experiment, windows: Windows) -> dict[str, tuple[Expr, Expr | None]]:
    """Days until the first order, and days observed, for each repurchase metric.

    Local days may last 23 or 25 hours, so two hours are forgiven where days observed are counted.
    """
    slack = 7_200_000_000 if windows.clock.local else 0
    day = number(DAY)
    observed = (double(column("observed")) + number(slack)) / day
    return {
        c.id.removesuffix("__first"): (double(column(c.id)) / day, observed)
        for c in _first_orders(experiment)
    }


def _immature(
    engine: Engine, experiment: Experiment, members: sa.FromClause, windows: Windows
) -> dict[str, int]:
    """Count the units of each arm whose outcome window is not over."""
    arms = {arm.id: 0 for arm in experiment.planned_arms}
    over = windows.is_over(members, windows.main)
    query = sa.select(members.c.arm, sa.func.count()).where(members.c.state == IN, sa.not_(over))
    return arms | {arm: int(n) for arm, n in engine.fetch(query.group_by(members.c.arm)) if arm in arms}


def _all_of(table: UnitTable) -> sa.Select[tuple[object, ...]]:
    return sa.select(*table.rows.c).select_from(table.rows)
