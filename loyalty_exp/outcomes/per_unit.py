"""The first shape of data: a table that holds one row a unit already."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from loyalty_exp.assignment.derived import derived_columns, sources, with_derived
from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.metrics import Repurchase
from loyalty_exp.metrics.needs import UnitColumn
from loyalty_exp.outcomes.contract import (
    MOST_IN_TWO_ARMS,
    column_breaches,
    currency_breaches,
    once_only,
    type_breaches,
    unit_breaches,
    units_in_two_arms,
)
from loyalty_exp.outcomes.exposure_columns import TRIGGERED
from loyalty_exp.outcomes.naive_columns import outside_predicates
from loyalty_exp.outcomes.plan import Plan, balanced_for
from loyalty_exp.outcomes.segment import read_for, values_of
from loyalty_exp.outcomes.unit_table import SMALL, UnitTable, Value, is_textual, joined, said_in_text
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text, column, double, number
from loyalty_exp.warehouse.engine import Engine, Facts
from loyalty_exp.warehouse.predicates import all_of, condition


def arm_column(experiment: Experiment) -> str:
    """Column of the arm: named by ``arms.from_column``, else ``arm``."""
    return experiment.arms.from_column if isinstance(experiment.arms, ArmsInColumn) else "arm"


def per_unit(engine: Engine, experiment: Experiment, plan: Plan) -> tuple[UnitTable, dict[str, object], int]:
    """Open the table, check its columns and unit ids, and express the values.

    Returns
    -------
    UnitTable, mapping, int
        And what describes the table for the digest, and how many units were left out for being in two arms.
    """
    name = experiment.data.units
    assert name is not None
    table = engine.open_table(name, "units", experiment.unit)
    numbers = number_columns(plan) | numeric_predicates(experiment)
    types = engine.columns(table)
    others = [experiment.unit, arm_column(experiment), *map(read_for, experiment.segments)]
    others += [*experiment.strata, *([experiment.cluster] if experiment.cluster else [])]
    others += [p.field for p in (*experiment.population.include, *experiment.population.exclude)]
    others += [*(p.field for p in outside_predicates(experiment)), *balanced_for(experiment)]
    others += [experiment.data.currency] if experiment.data.currency else []
    made = derived_columns(experiment)
    others = [*(n for n in others if n not in made), *sources(experiment)]
    if breaches := column_breaches(name, types, [*others, *sorted(number_columns(plan))]):
        raise ContractBreach(tuple(breaches))
    breaches = engine.numbers(table, name, sorted(numbers))
    types = engine.columns(table)
    bad = {b.column for b in breaches}
    breaches += type_breaches(name, types, sorted(number_columns(plan) - bad))
    breaches += unit_breaches(engine, table, name, experiment.unit, types[experiment.unit])
    if experiment.data.currency:
        code = experiment.program.currency.code if experiment.program.currency else None
        breaches += currency_breaches(engine, table, name, experiment.data.currency, code)
    rows, in_two_arms = without_units_in_two_arms(engine, experiment, table, types, breaches)
    if breaches:
        raise ContractBreach(tuple(breaches))
    described: dict[str, object] = {name: list(types)}
    rows, types = with_derived(experiment, rows, types, name, engine.dialect.name)
    return expressed(experiment, plan, rows, types, engine.facts(table)), described, in_two_arms


def without_units_in_two_arms(
    engine: Engine,
    experiment: Experiment,
    table: sa.FromClause,
    types: Mapping[str, str],
    breaches: list[Breach],
) -> tuple[sa.FromClause, int]:
    """Leave out units that are in several arms, if they are few; the breach of their ids is then mended."""
    arm, unit = arm_column(experiment), experiment.unit
    repeated = next((b for b in breaches if b.rule == "unique"), None)
    if repeated is None or (count := units_in_two_arms(engine, table, unit, arm)) is None:
        return table, 0
    units = int(engine.scalar(sa.select(sa.func.count(column(unit).distinct())).select_from(table)))
    breaches.remove(repeated)
    if count <= MOST_IN_TWO_ARMS * units:
        return once_only(table, unit, types), count
    message = f"{count:,} of {units:,} units are in more than one arm; more than 1% is not an experiment"
    breaches.append(Breach(repeated.table, arm, "one_arm", message, count, repeated.examples))
    return table, 0


def expressed(
    experiment: Experiment,
    plan: Plan,
    table: sa.FromClause,
    types: Mapping[str, str],
    facts: Mapping[str, Facts],
) -> UnitTable:
    """Express arm, segments and values of a table whose columns are known to be there."""
    name, arm = experiment.data.units, arm_column(experiment)
    assert name is not None
    rows = population(table, experiment, types)
    values = {c.id: value_of(c, name, types, facts) for c in plan.columns}
    columns: dict[str, tuple[Expr, bool]] = {n: (column(n), is_textual(t)) for n, t in types.items()}
    dimensions = {s.id: values_of(s, columns) for s in experiment.segments}
    return UnitTable(
        rows,
        as_text(column(arm)),
        dimensions,
        values,
        name,
        arm,
        joined([column(name) for name in experiment.strata]),
        as_text(column(experiment.cluster)) if experiment.cluster is not None else None,
        as_text(column(experiment.unit)),
        table,
        _outside(experiment, columns),
        said_in_text(values[TRIGGERED].expr) if TRIGGERED in values else None,
        tuple(column(n) for n in balanced_for(experiment)),
    )


def _outside(
    experiment: Experiment, columns: Mapping[str, tuple[Expr, bool]]
) -> sa.ColumnElement[bool] | None:
    """Condition of rows of people outside the program: they are not in the population either."""
    if not (outside := outside_predicates(experiment)):
        return None
    chosen = all_of(experiment.population.include, experiment.population.exclude, columns)
    inside = sa.true() if chosen is None else sa.func.coalesce(chosen, sa.false())
    return sa.and_(*(condition(p, *columns[p.field]) for p in outside), sa.not_(inside))


def timed(experiment: Experiment) -> dict[str, tuple[Expr, Expr | None]]:
    """Days until the next order, and days observed, for each repurchase metric."""
    return {
        m.id: (double(column(m.column or m.id)), double(column(m.follow_up)) if m.follow_up else None)
        for m in experiment.metrics
        if isinstance(m, Repurchase)
    }


def number_columns(plan: Plan) -> set[str]:
    """Columns of the table that values are made of."""
    sources = {c.source for c in plan.columns if c.kind in {"column", "known", "within"}}
    extra = {c.follow_up for c in plan.columns}
    caps = {c.cap.pre_column for c in plan.columns if c.cap}
    return {name for name in sources | extra | caps if name is not None}


def numeric_predicates(experiment: Experiment) -> set[str]:
    """Columns that conditions compare with numbers."""
    found = set()
    segments = [s.when for s in experiment.segments if s.when is not None]
    chosen = (*experiment.population.include, *experiment.population.exclude, *outside_predicates(experiment))
    for p in (*chosen, *segments):
        values = p.value if isinstance(p.value, list) else [p.value]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            found.add(p.field)
    return found


def population(table: sa.FromClause, experiment: Experiment, types: Mapping[str, str]) -> sa.FromClause:
    """Keep the rows that satisfy the conditions of ``population:``."""
    chosen = experiment.population
    columns: dict[str, tuple[Expr, bool]] = {name: (column(name), is_textual(t)) for name, t in types.items()}
    where = all_of(chosen.include, chosen.exclude, columns)
    if where is None:
        return table
    return sa.select(*(column(name) for name in types)).select_from(table).where(where).subquery("population")


def value_of(asked: UnitColumn, table: str, types: Mapping[str, str], facts: Mapping[str, Facts]) -> Value:
    """Express one column of the per-unit table."""
    source = asked.source or asked.id
    raw = column(source)
    x = sa.cast(raw, sa.Integer) if types[source].startswith("BOOL") else raw
    known = facts.get(source, Facts())
    if asked.kind == "known":
        known_or_not = sa.case((raw.is_not(None), 1), else_=0)
        return Value(
            asked.id, raw, known_or_not, table, source, may_be_null=False, small_integer=True, is_binary=True,
            checked=False,
        )  # fmt: skip
    if asked.kind == "within":
        assert asked.days is not None
        happened = sa.case((double(x) < number(asked.days), 1), else_=0)
        observed = double(column(asked.follow_up)) >= number(asked.days) if asked.follow_up else None
        expr: Expr = happened if observed is None else sa.case((observed, happened))
        return Value(
            asked.id,
            double(x),
            expr,
            table,
            source,
            missing="drop",
            check="non_negative",
            may_be_null=observed is not None,
            small_integer=True,
            is_binary=True,
        )
    whole = any(mark in types[source] for mark in ("INT", "BOOL")) and "HUGE" not in types[source]
    bounds = (known.low, known.high) if known.low is not None and known.high is not None else None
    small = whole and (
        types[source].startswith("BOOL") or (bounds is not None and max(map(abs, bounds)) <= SMALL)
    )
    zero_one = types[source].startswith("BOOL") or (
        whole and bounds is not None and 0 <= bounds[0] <= bounds[1] <= 1
    )
    proven = {
        "binary": zero_one,
        "non_negative": bounds is not None and bounds[0] >= 0,
    }.get(asked.check, True)
    filled = sa.func.coalesce(x, 0) if asked.missing in {"zero", "indicator"} and known.may_be_null else x
    return Value(
        asked.id,
        x,
        sa.cast(filled, sa.Integer) if small else double(filled),
        table,
        source,
        missing=asked.missing,
        check="" if proven else asked.check,
        may_be_null=known.may_be_null,
        small_integer=small,
        is_binary=zero_one or asked.check == "binary",
    )
