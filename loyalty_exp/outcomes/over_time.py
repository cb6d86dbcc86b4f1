"""Benefit and cost by period since assignment: small rows are kept, and moments of running sums come back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sqlalchemy as sa

from loyalty_exp.errors import ContractBreach
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.contract import column_breaches
from loyalty_exp.outcomes.cost_columns import BONUS
from loyalty_exp.outcomes.earned import member_caps
from loyalty_exp.outcomes.event_tables import Events
from loyalty_exp.outcomes.events import events_by_period
from loyalty_exp.outcomes.outcomes import OFFER, ArmMoments, OverTime, Sums
from loyalty_exp.outcomes.overflow import TooLarge
from loyalty_exp.outcomes.periods import Part, Periods, periods_of
from loyalty_exp.outcomes.plan import ECONOMICS, Block, Plan, money_column
from loyalty_exp.outcomes.products import mask_of
from loyalty_exp.outcomes.queries import earned_query, period_query
from loyalty_exp.outcomes.running import Key, Sheet, Who, changes, moments_from, steps, totals, who_counts
from loyalty_exp.outcomes.tables import Tables
from loyalty_exp.outcomes.unit_table import MISSING, UnitTable
from loyalty_exp.outcomes.windows import Windows
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.moments import Moments
from loyalty_exp.warehouse.engine import Engine


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of members are: all that was opened and joined before."""

    engine: Engine
    experiment: Experiment
    asked: Plan
    tables: Tables
    windows: Windows
    members: sa.FromClause
    events: Sequence[Events]


def sum_over_time(
    source: Source, table: UnitTable, overall: ArmMoments, whole: Sums, tell: Callable[[str], None]
) -> OverTime | None:
    """Sum benefit and cost by period; None without economics, and where values are too large to multiply.

    Parameters
    ----------
    table : UnitTable
        One row a unit, with its code.
    overall, whole : ArmMoments, Sums
        Moments of the economics block over the whole windows, of all units and as the arms were drawn.
    """
    experiment = source.experiment
    block = next((b for b in source.asked.blocks if b.name == ECONOMICS), None)
    if block is None:
        return None
    if any(isinstance(m, TooLarge) for m in overall.values()):
        return None
    tell("summing money by period")
    by_id = {c.id: c for c in source.asked.columns}
    wanted = [by_id[name] for name in block.outcome]
    benefit = by_id[money_column(experiment.economics.benefit.metric, experiment)]  # type: ignore[union-attr]
    days, units = max(source.windows.days(c) for c in wanted), sum(m.n for m in overall.values())
    periods = periods_of(source.windows.clock, days, units)
    offer_days = days_of_offer(experiment, source.windows.days(benefit))
    scopes = _scopes(source)
    parts = _parts(source, benefit, offer_days, scopes)
    rows = _kept_rows(source, wanted, parts, periods)
    centers = _centers(overall, block)
    who = who_counts(table, block.covariates, centers, sorted(mask_of(block, table)))
    caps = _caps(experiment, [*wanted, *(p.column for p in parts)])
    columns = list(block.outcome)
    query = changes(steps(rows, who, columns, caps), len(columns), len(who.covariates))
    at = _at_ends(source.engine.fetch(query), periods, columns, who, whole)
    beside = None
    if parts:
        columns = [benefit.id, *(p.column.id for p in parts)]
        query = totals(steps(rows, who, columns, caps), len(columns), len(who.covariates))
        found: dict[Key, Sheet] = defaultdict(lambda: np.zeros(_width(len(columns), len(who.covariates))))
        for row in source.engine.fetch(query):
            found[_key(row)] = found[_key(row)] + np.array(row[2:], dtype=np.float64)
        beside = _sums(found, columns, who, whole)
    return OverTime(periods.step, periods.ends, at, beside, offer_days, scopes)


def days_of_offer(experiment: Experiment, window: int) -> int | None:
    """Days of the outcome window before those that are declared to follow the offer."""
    economics, days = experiment.economics, experiment.schedule.outcome_days
    if economics is None or economics.post_days is None or days is None:
        return None
    offer = days - economics.post_days
    return offer if 0 < offer < window else None


def scope_of(experiment: Experiment, arm: str) -> tuple[str, ...]:
    """Categories to which the offer of an arm is confined; empty where it is not."""
    found = next(a.intervention for a in experiment.planned_arms if a.id == arm)
    return found.scope() if found is not None else ()


def _scopes(source: Source) -> dict[str, tuple[str, ...]]:
    """Name a column for each set of promoted categories; none where no column holds the category.

    Raises
    ------
    ContractBreach
        If the table lacks the column.
    """
    tables, category = source.tables, source.tables.mapped.category
    found = dict.fromkeys(scope_of(source.experiment, arm) for arm in source.experiment.treatments)
    named = [scope for scope in found if scope]
    if not named or category is None:
        return {}
    if breaches := column_breaches(tables.transactions_shown, tables.sold_types, [category]):
        raise ContractBreach(tuple(breaches))
    return {f"$scope:{i}": scope for i, scope in enumerate(named)}


def _parts(
    source: Source, benefit: UnitColumn, offer_days: int | None, scopes: Mapping[str, tuple[str, ...]]
) -> list[Part]:
    category = source.tables.mapped.category
    parts = [Part(replace(benefit, id=OFFER), offer_days)] if offer_days is not None else []
    return parts + [Part(replace(benefit, id=name), None, category, of) for name, of in scopes.items()]


def _caps(experiment: Experiment, columns: Sequence[UnitColumn]) -> dict[str, dict[str, float]]:
    """Most that a unit's sum reaches: 1 for what happened or not, and the points that a member may earn."""
    caps: dict[str, dict[str, float]] = {
        c.id: {"": 1.0} for c in columns if c.kind in {"any_order", "any_event"}
    }
    if any(c.table == "earned" and c.id == BONUS for c in columns) and (found := member_caps(experiment)):
        caps[BONUS] = {arm: float(most) for arm, most in found.items()}
    return caps


def _kept_rows(
    source: Source, wanted: Sequence[UnitColumn], parts: Sequence[Part], periods: Periods
) -> sa.TableClause:
    """Keep one row a member and period in which something happened, of all tables together."""
    s, schedule = source, source.experiment.schedule
    dialect, repeated = s.engine.dialect.name, bool(s.tables.repeated_orders)
    queries: list[Any] = []
    sold = [*(Part(c) for c in wanted if c.of_transactions), *parts]
    common = (s.experiment, s.tables, s.windows)
    if sold:
        queries.append(period_query(dialect, *common, sold, s.members, repeated, periods))
    for found in s.events:
        own = [c for c in wanted if c.table == found.name]
        if own:
            queries.append(
                events_by_period(dialect, found, own, s.windows, s.members, schedule.refund_days, periods)
            )
    earned = [c for c in wanted if c.table == "earned"]
    if earned:
        query = earned_query(dialect, *common, tuple(earned), s.members, repeated, periods).subquery(
            "by_rule"
        )
        items = (query.c[c.source or c.id].label(c.id) for c in earned)
        queries.append(sa.select(query.c.code, query.c.period, *items))
    names = [*(c.id for c in wanted), *(p.column.id for p in parts)]
    return s.engine.keep("loyalty_periods", _together(queries, names))


def _together(queries: Sequence[Any], names: Sequence[str]) -> sa.Select[Any]:
    """Put the rows of several tables into one row a member and period; what a table lacks is 0."""
    nothing: Any = sa.select(sa.literal(0).label("code"), sa.literal(0).label("period")).where(sa.false())
    parts = []
    for i, query in enumerate(queries or [nothing]):
        q = query.subquery(f"source_{i}")
        items = [(sa.func.coalesce(q.c[n], 0) if n in q.c else sa.literal(0)).label(n) for n in names]
        parts.append(sa.select(q.c.code, q.c.period, *items))
    if len(parts) == 1:
        return parts[0]
    rows = sa.union_all(*parts).subquery("sources")
    sums = [sa.func.sum(rows.c[n]).label(n) for n in names]
    return sa.select(rows.c.code, rows.c.period, *sums).group_by(rows.c.code, rows.c.period)


def _centers(overall: ArmMoments, block: Block) -> tuple[float, ...]:
    """A value near the mean of each covariate, so that products keep their digits."""
    largest = max(overall.values(), key=lambda m: m.n)
    return (
        tuple(float(x) for x in largest.select(block.covariates).mean)
        if largest.n
        else (0.0,) * len(block.covariates)
    )


def _key(row: Sequence[Any]) -> Key:
    return str(row[0]), str(row[1]) if row[1] is not None and row[1] != "" else ""


def _at_ends(
    rows: Sequence[Sequence[Any]], periods: Periods, columns: Sequence[str], who: Who, whole: Sums
) -> tuple[Sums, ...]:
    """Add up the changes to the end of each period."""
    width = len(rows[0]) - 3 if rows else _width(len(columns), len(who.covariates))
    sheets: dict[Key, Sheet] = defaultdict(lambda: np.zeros((len(periods.ends), width)))
    for row in sorted(rows, key=lambda r: int(r[2])):
        sheets[_key(row)][periods.place(int(row[2]))] += np.array(row[3:], dtype=np.float64)
    running = {key: sheet.cumsum(axis=0) for key, sheet in sheets.items()}
    return tuple(
        _sums({key: sheet[i] for key, sheet in running.items()}, columns, who, whole)
        for i in range(len(periods.ends))
    )


def _width(columns: int, covariates: int) -> int:
    return columns + columns * (columns + 1) // 2 + columns * covariates


def _sums(found: Mapping[Key, Sheet], columns: Sequence[str], who: Who, whole: Sums) -> Sums:
    """Give moments in the form of the whole; a cell in which nobody did anything has sums of 0."""
    nothing = np.zeros(_width(len(columns), len(who.covariates)))

    def of(arm: str, key: str, known: Moments, size: int = 1) -> Moments:
        return moments_from(found.get((arm, key), nothing), columns, who, known, size)

    if whole.clusters:
        clusters = {
            arm: ClusterArm(
                c.sizes, tuple(of(arm, str(m), cell, m) for m, cell in zip(c.sizes, c.cells, strict=True))
            )
            for arm, c in whole.clusters.items()
        }
        return Sums(clusters=clusters)
    if whole.strata:
        strata = {
            name: {arm: of(arm, "" if name == MISSING else name, m) for arm, m in arms.items()}
            for name, arms in whole.strata.items()
        }
        return Sums(strata=strata)
    return Sums({arm: of(arm, "", m) for arm, m in whole.overall.items()})
