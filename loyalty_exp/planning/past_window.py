"""Baselines from the team's own data: the readout's machinery on one past window, with everyone in control.

What a metric varies by is taken from the spec's own estimator, given the history as both arms: its squared
standard error times half the units is the variance of one unit that covariates, strata and clusters leave.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from loyalty_exp.errors import NotEstimable
from loyalty_exp.outcomes.caps import with_caps
from loyalty_exp.outcomes.digest import digest
from loyalty_exp.outcomes.evidence import collect_evidence
from loyalty_exp.outcomes.measure import measure
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.outcomes.per_unit import per_unit, timed
from loyalty_exp.outcomes.plan import plan
from loyalty_exp.planning.baseline import Baselines, Known, Narrow
from loyalty_exp.planning.one_arm import (
    days_of_entry,
    entered_a_day,
    enters_one_by_one,
    one_arm,
    past,
    past_window,
)
from loyalty_exp.planning.spread import known_of, money_of, narrower_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.atoms import column, double, number
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.engine import Engine

Tell = Callable[[str], None]


def read_baselines(
    experiment: Experiment, folder: Path, threads: int = 1, tell: Tell | None = None
) -> Baselines:
    """Read the baselines of every metric and of the money.

    Parameters
    ----------
    folder : Path
        Of the spec; names of files are relative to it.

    Raises
    ------
    Refused
        If the history is shorter than the windows of the spec.
    DataError
        If the data break their contract.
    """
    sizing = experiment.sizing
    as_of = sizing.history.as_of if sizing and sizing.history else None
    say = tell or (lambda words: None)
    engine = open_engine(experiment.data.engine, folder, threads=threads)
    last: dt.date | None = None
    entry: float | None = None
    try:
        if experiment.shape == "units":
            found = _from_units(engine, experiment, say)
        else:
            entry = entered_a_day(engine, experiment)
            as_of, last = past_window(engine, experiment, as_of, "sizing.history.as_of")
            found = _from_transactions(engine, experiment, as_of, say)
            if enters_one_by_one(experiment):
                entry = found.units[experiment.control] / days_of_entry(experiment) or None
        extras = _beside(engine, experiment)
        engine.unchanged()
    finally:
        engine.close()
    return _baselines(experiment, found, extras, as_of, last, entry)


def _from_transactions(engine: Engine, experiment: Experiment, as_of: dt.date, say: Tell) -> Outcomes:
    from loyalty_exp.outcomes.windowed import windowed

    whole = past(experiment, as_of)
    return windowed(one_arm(engine, whole), whole, plan(whole), None, say)


def _from_units(engine: Engine, experiment: Experiment, say: Tell) -> Outcomes:
    whole = past(experiment, None)
    beside = one_arm(engine, whole)
    asked = plan(whole)
    table, described, _ = per_unit(beside, whole, asked)
    table, caps = with_caps(beside, table, asked)
    arms = [whole.control]
    say("computing moments")
    measured = measure(beside, table, asked, arms)
    evidence = collect_evidence(beside, whole, asked, table, timed(whole), say)
    items = [double(v.expr).label(name) for name, v in table.values.items()]
    engine.keep("loyalty_units", table.select(*items))
    return Outcomes(
        units=measured.units,
        units_analyzed=measured.units,
        immature=dict.fromkeys(arms, 0),
        missing=measured.missing,
        overall=measured.overall,
        segments=measured.segments,
        strata=measured.strata,
        evidence=evidence,
        caps=caps,
        findings=(),
        first_assigned=None,
        last_assigned=None,
        data_to=None,
        engine=engine.name_version,
        data_digest=digest(described, measured),
    )


Beside = dict[str, tuple[float, tuple[float, float, float] | None]]
"""By metric: share at 0; and share, mean and variance among those whose pre-period value is not 0."""


def _beside(engine: Engine, experiment: Experiment) -> Beside:
    """Ask the kept per-unit rows, in one query, for what moments do not hold."""
    asked: list[tuple[str, str]] = []
    columns: list[Any] = []
    for metric in experiment.metrics:
        needs = metric.needs(experiment.shape, experiment.library)
        if metric.measure not in {"mean", "proportion"} or len(needs.outcome) != 1:
            continue
        name, pre = needs.outcome[0], next((c for c in needs.covariates if c.endswith("__pre")), "")
        x = double(column(name))
        before = double(column(pre)) != number(0) if pre else sa.literal(1) == sa.literal(0)
        asked.append((metric.id, pre))
        columns += [
            sa.func.avg(sa.case((x == number(0), number(1)), (x.is_not(None), number(0)))),
            sa.func.avg(sa.case((before, number(1)), else_=number(0))),
            sa.func.avg(sa.case((before, x))),
            sa.func.avg(sa.case((before, x * x))),
        ]
    if not columns:
        return {}
    labelled = [x.label(f"v{i}") for i, x in enumerate(columns)]
    row = engine.fetch(sa.select(*labelled).select_from(sa.table("loyalty_units")))[0]
    found: Beside = {}
    for i, (metric_id, pre) in enumerate(asked):
        zero, share, mean, square = (float(v) if v is not None else math.nan for v in row[4 * i : 4 * i + 4])
        narrow = (share, mean, max(square - mean * mean, 0.0)) if pre and 0 < share < 1 else None
        found[metric_id] = zero, narrow
    return found


def _baselines(
    experiment: Experiment,
    found: Outcomes,
    extras: Beside,
    as_of: dt.date | None,
    last: dt.date | None,
    entry: float | None,
) -> Baselines:
    metrics: dict[str, Known] = {}
    reasons: dict[str, str] = {}
    narrower: dict[str, tuple[Narrow, ...]] = {}
    control = experiment.control
    for metric in experiment.metrics:
        zero, bought = extras.get(metric.id, (None, None))
        try:
            metrics[metric.id] = known = known_of(experiment, metric, found, zero)
        except NotEstimable as reason:
            reasons[metric.id] = str(reason)
            continue
        narrower[metric.id] = narrower_of(experiment, metric, found, known, bought)
    size, cv = _clusters(experiment, found)
    return Baselines(
        metrics=metrics,
        reasons=reasons,
        money=money_of(experiment, found),
        narrower=narrower,
        units=found.units[control],
        entry_per_day=entry,
        cluster_size=size,
        cluster_cv=cv,
        as_of=as_of,
        last_day=last,
        engine=found.engine,
        digest=found.data_digest,
    )


def _clusters(experiment: Experiment, found: Outcomes) -> tuple[float | None, float | None]:
    """Mean size of a cluster, and the standard deviation of sizes over it."""
    if experiment.cluster is None:
        return None, None
    arm = next(iter(found.evidence.clusters[None].values()))[experiment.control]
    size = arm.n / arm.n_clusters
    square = sum(m * m * c.n for m, c in zip(arm.sizes, arm.cells, strict=True)) / arm.n_clusters
    return size, math.sqrt(max(square / size**2 - 1, 0.0))
