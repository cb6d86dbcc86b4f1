"""Columns of members that are computed: the lifecycle state to the day, and RFM scores by quintile.

Both are as of the day of assignment, and the same for every later step. Scores compare all members of the
table: equal values score alike, and who never bought scores 1.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from loyalty_exp.errors import Breach, ContractBreach, EngineError
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.membership import LIFECYCLE, RFM_COLUMNS, LifecycleState, Rfm
from loyalty_exp.warehouse.atoms import Expr, double, kind_of, microseconds, whole

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def derived_columns(experiment: Experiment) -> tuple[str, ...]:
    """Names of the computed columns that a spec refers to."""
    chosen = experiment.population
    named = {p.field for p in (*chosen.include, *chosen.exclude)} | set(experiment.strata)
    for segment in experiment.segments:
        named.add(segment.when.field if segment.when is not None else segment.source)
    offered = ((LIFECYCLE,) if experiment.program.lifecycle else ()) + (
        RFM_COLUMNS if _rfm(experiment) else ()
    )
    return tuple(name for name in offered if name in named)


def sources(experiment: Experiment) -> tuple[str, ...]:
    """Columns of the members table that the computed ones are made of."""
    names = derived_columns(experiment)
    found: list[str] = []
    if LIFECYCLE in names:
        found += [c for c in (experiment.data.joined, experiment.data.last_order) if c is not None]
    if scores := _rfm(experiment):
        found += [scores.recency, scores.frequency, scores.monetary] if set(names) & set(RFM_COLUMNS) else []
    return tuple(dict.fromkeys(found))


def with_derived(
    experiment: Experiment, table: sa.FromClause, types: Mapping[str, str], shown: str, dialect: str
) -> tuple[sa.FromClause, dict[str, str]]:
    """Add the computed columns that a spec refers to; the table itself when there are none.

    Parameters
    ----------
    types : mapping of column to type name
        Of the table; columns the computed ones are made of must be there.
    shown : str
        Name of the table in messages.

    Raises
    ------
    ContractBreach
        If the table has a column of that name already, or a source is no time.
    EngineError
        If the day of assignment is not known.
    """
    names = derived_columns(experiment)
    if not names:
        return table, dict(types)
    if clash := [n for n in names if n in types]:
        message = "is computed, and the table has a column of that name; rename the column"
        raise ContractBreach(tuple(Breach(shown, n, "derived", message) for n in clash))
    items: dict[str, Expr] = {name: sa.column(quoted_name(name, True), _selectable=table) for name in types}
    made: dict[str, Expr] = {}
    if LIFECYCLE in names:
        made[LIFECYCLE] = _lifecycle(experiment, items, types, shown, dialect)
    if (scores := _rfm(experiment)) is not None:
        made |= {name: x for name, x in _scores(scores, items).items() if name in names}
    query = sa.select(*(x.label(quoted_name(name, True)) for name, x in (items | made).items()))
    added = {name: "VARCHAR" if name == LIFECYCLE else "BIGINT" for name in made}
    return query.select_from(table).subquery("members"), dict(types) | added


def _rfm(experiment: Experiment) -> Rfm | None:
    return experiment.population.rfm or experiment.program.rfm


def _scores(scores: Rfm, items: Mapping[str, Expr]) -> dict[str, Expr]:
    recency = _quintile(items[scores.recency], descending=True)
    frequency = _quintile(items[scores.frequency])
    monetary = _quintile(items[scores.monetary])
    return dict(zip(RFM_COLUMNS, (recency, frequency, monetary, recency + frequency + monetary), strict=True))


def _quintile(x: Expr, descending: bool = False) -> Expr:
    """Score 1 to 5 by the share of members that come before, ties at the place of their first."""
    order = x.desc() if descending else x.asc()
    place = sa.func.rank().over(partition_by=x.is_(None), order_by=order)
    known = sa.func.count(x).over()
    return sa.case((x.is_(None), 1), else_=1 + whole(double(5 * (place - 1)) / double(known)))


def _lifecycle(
    experiment: Experiment,
    items: Mapping[str, Expr],
    types: Mapping[str, str],
    shown: str,
    dialect: str,
) -> Expr:
    day = experiment.population.as_of or experiment.schedule.start
    if day is None:
        raise EngineError("a lifecycle state needs the day of assignment; give population.as_of")
    joined, last = experiment.data.joined, experiment.data.last_order
    whens = []
    for state in experiment.program.lifecycle:
        column = joined if state.joined_within_days is not None else last
        if column is None:
            raise EngineError(
                f"the lifecycle state '{state.id}' asks for the last order; name it in data.last_order"
            )
        moment, zone = _moment(items[column], types[column], column, shown, experiment, dialect)
        whens.append((_holds(state, moment, day, zone), sa.literal(state.id, sa.Text)))
    return sa.case(*whens, else_=sa.null())


def _holds(state: LifecycleState, moment: Expr, day: dt.date, zone: str) -> sa.ColumnElement[bool]:
    """Condition of a state; days are local days, the day of assignment included."""
    days = state.joined_within_days or state.last_order_within_days
    if days is not None:
        since, until = (
            _midnight(day - dt.timedelta(days=days), zone),
            _midnight(day + dt.timedelta(days=1), zone),
        )
        return sa.and_(moment >= _big(since), moment < _big(until))
    assert state.last_order_over_days is not None
    before = _midnight(day - dt.timedelta(days=state.last_order_over_days), zone)
    return sa.or_(moment.is_(None), moment < _big(before))


def _moment(
    x: Expr, type_name: str, column: str, shown: str, experiment: Experiment, dialect: str
) -> tuple[Expr, str]:
    """Microseconds of a time column, and the zone in which its days begin."""
    zone = experiment.program.timezone
    kind = kind_of(type_name)
    if kind is None:
        message = f"must be a date or a timestamp, not {type_name}"
        raise ContractBreach((Breach(shown, column, "time", message),))
    if kind == "date" and dialect != "sqlite":
        return microseconds(x, "date"), "UTC"
    return microseconds(x, "text" if dialect == "sqlite" else kind, zone), zone


def _midnight(day: dt.date, zone: str) -> int:
    local = dt.datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return (local.astimezone(dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


def _big(value: int) -> Expr:
    return sa.literal(value, sa.BigInteger)
