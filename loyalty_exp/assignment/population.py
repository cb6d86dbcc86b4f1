"""The members table, held against its contract before anybody is drawn; rows are told by number, no ids."""

from __future__ import annotations

import sqlalchemy as sa

from loyalty_exp.assignment.derived import derived_columns, sources, with_derived
from loyalty_exp.assignment.members import FRACTIONS, TEXT, Members
from loyalty_exp.errors import Breach, ContractBreach
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import Expr, as_text
from loyalty_exp.warehouse.engine import Engine

_DAYS = ("DATE", *TEXT)


def members_of(engine: Engine, experiment: Experiment) -> Members:
    """Open the members table and check columns, ids and entry days.

    Raises
    ------
    ContractBreach
        With everything found; rows are told by number, never by id.
    """
    name = experiment.data.members
    assert name is not None and experiment.assignment is not None
    table = engine.open_table(name, "members", experiment.unit)
    types = engine.columns(table)
    wanted = _wanted(experiment)
    missing = [n for n in dict.fromkeys(wanted) if n not in types]
    if missing:
        found = ", ".join(list(types)[:30])
        raise ContractBreach(
            tuple(Breach(name, n, "column", f"there is no such column; found: {found}") for n in missing)
        )
    breaches = engine.numbers(table, name, _numbers(experiment))
    types = engine.columns(table)
    plain = Members(table, types, name, experiment)
    members = Members(*with_derived(experiment, table, types, name, engine.dialect.name), name, experiment)
    for column in _covariates(experiment):
        if types[column].startswith((*TEXT, "DATE", "TIME")) and not any(
            b.column == column for b in breaches
        ):
            breaches.append(Breach(name, column, "number", f"must hold numbers, not {types[column]}"))
    if not breaches:
        breaches += [*_unit_breaches(engine, plain), *_key_breaches(engine, members)]
        breaches += _trigger_breaches(engine, members)
    if breaches:
        raise ContractBreach(tuple(breaches))
    return members


def _wanted(experiment: Experiment) -> list[str]:
    plan, chosen = experiment.assignment, experiment.population
    homes = experiment.program.households
    assert plan is not None
    optional = [experiment.cluster, chosen.consent, chosen.opt_out, homes.column if homes else None]
    optional.append(plan.trigger.column if plan.trigger else None)
    fields = [p.field for p in (*chosen.include, *chosen.exclude)]
    named = [experiment.unit, *(n for n in optional if n), *fields, *plan.strata, *_covariates(experiment)]
    return [*(n for n in named if n not in derived_columns(experiment)), *sources(experiment)]


def _covariates(experiment: Experiment) -> tuple[str, ...]:
    plan = experiment.assignment
    assert plan is not None
    return tuple(dict.fromkeys((*(plan.rerandomize.covariates if plan.rerandomize else ()), *plan.balance)))


def _numbers(experiment: Experiment) -> list[str]:
    """Columns that are to be read as numbers where a file holds text only."""
    compared = []
    for p in (*experiment.population.include, *experiment.population.exclude):
        values = p.value if isinstance(p.value, list) else [p.value]
        if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            compared.append(p.field)
    scores = experiment.population.rfm or experiment.program.rfm
    scored = [scores.recency, scores.frequency, scores.monetary] if scores else []
    return [*compared, *_covariates(experiment), *(n for n in scored if n in sources(experiment))]


def numbered(engine: Engine, rows: sa.FromClause, condition: Expr) -> tuple[int, tuple[str, ...]]:
    """Count the rows that satisfy a condition, and give the numbers of the first three."""
    inner = (
        sa.select(sa.func.row_number().over().label("r"), condition.label("bad")).select_from(rows).subquery()
    )
    query = sa.select(sa.func.count().over(), inner.c.r).where(inner.c.bad).order_by(inner.c.r).limit(3)
    found = engine.fetch(query)
    return (int(found[0][0]), tuple(str(row[1]) for row in found)) if found else (0, ())


def _unit_breaches(engine: Engine, members: Members) -> list[Breach]:
    """Ids that are missing, no whole numbers, or there twice; a sorted table is proven by one scan."""
    name, shown, kind = members.experiment.unit, members.shown, members.types[members.experiment.unit]
    x = members.column(name)
    pairs = (
        sa.select(x.label("x"), sa.func.lag(x).over().label("before")).select_from(members.table).subquery()
    )
    query = sa.select(
        sa.func.count(),
        sa.func.count(pairs.c.x),
        sa.func.sum(sa.case((pairs.c.x <= pairs.c.before, 1), else_=0)),
    )
    rows, filled, unsorted = engine.fetch(query)[0]
    if not rows:
        return [Breach(shown, "", "not_empty", "the table has no rows")]
    breaches = []
    empty = sa.or_(x.is_(None), as_text(x) == "") if kind.startswith(TEXT) or not kind else x.is_(None)
    least = engine.scalar(sa.select(sa.func.min(pairs.c.x)))
    if filled < rows or least == "":
        count, examples = numbered(engine, members.table, empty)
        breaches.append(Breach(shown, name, "unit_not_null", "the unit id is missing", count, examples))
    if kind.startswith(FRACTIONS):
        count, examples = numbered(engine, members.table, x != sa.cast(x, sa.BigInteger))
        if count:
            message = "a unit id must be text or a whole number"
            breaches.append(Breach(shown, name, "whole_unit", message, count, examples))
    if unsorted and (twice := engine.repeated(sa.select(x.label("x")).select_from(members.table))):
        count, examples = numbered(engine, members.table, x.in_([sa.literal(v) for v, _ in twice[:200]]))
        message = f"must be unique: {len(twice):,} ids stand in more than one row"
        breaches.append(Breach(shown, name, "unique", message, count, examples))
    return breaches


def _key_breaches(engine: Engine, members: Members) -> list[Breach]:
    """Eligible members without cluster, and clusters that lie in two strata."""
    experiment, shown = members.experiment, members.shown
    if experiment.cluster is None:
        return []
    x = members.column(experiment.cluster)
    empty = sa.and_(members.eligible(), sa.or_(x.is_(None), as_text(x) == ""))
    count, examples = numbered(engine, members.table, empty)
    if count:
        message = "the cluster is missing, so that there is nothing to draw; give each member one"
        return [Breach(shown, experiment.cluster, "cluster_not_null", message, count, examples)]
    breaches = []
    for name in experiment.strata:
        value = sa.func.coalesce(as_text(members.column(name)), "")
        inner = sa.select(x).select_from(members.table).where(members.eligible()).group_by(x)
        split = inner.having(sa.func.min(value) != sa.func.max(value)).subquery()
        if count := int(engine.scalar(sa.select(sa.func.count()).select_from(split))):
            message = f"{count:,} clusters lie in more than one stratum; a stratum must hold whole clusters"
            breaches.append(Breach(shown, name, "one_stratum", message))
    return breaches


def _trigger_breaches(engine: Engine, members: Members) -> list[Breach]:
    plan = members.experiment.assignment
    if plan is None or plan.trigger is None:
        return []
    name, kind = plan.trigger.column, members.types[plan.trigger.column]
    if kind and not kind.startswith(_DAYS):
        return [Breach(members.shown, name, "day", f"must hold days, not {kind}; store it as a date")]
    day = as_text(members.column(name))
    count, examples = numbered(engine, members.table, sa.not_(day.like("____-__-__")))
    if not count:
        return []
    return [Breach(members.shown, name, "day", "must hold days as 2026-04-01", count, examples)]
