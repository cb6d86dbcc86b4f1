"""The door of this step: a spec and its tables go in, sufficient statistics come out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from loyalty_exp.outcomes.caps import with_caps
from loyalty_exp.outcomes.digest import digest
from loyalty_exp.outcomes.evidence import collect_evidence
from loyalty_exp.outcomes.measure import Measured, measure, missing_findings
from loyalty_exp.outcomes.outcomes import Finding, Outcomes
from loyalty_exp.outcomes.outsiders import outside_of_table
from loyalty_exp.outcomes.per_unit import per_unit, timed
from loyalty_exp.outcomes.plan import Plan, plan
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.warehouse.connect import open_engine
from loyalty_exp.warehouse.engine import Engine

Progress = Callable[[str], None]


def collect(
    experiment: Experiment,
    folder: Path,
    *,
    data_to: dt.date | None = None,
    threads: int = 1,
    progress: Progress | None = None,
) -> Outcomes:
    """Check the tables against their contract and reduce them to sufficient statistics.

    Parameters
    ----------
    folder : Path
        Of the spec; names of files are relative to it.
    data_to : date, optional
        Last day to look at; the earlier of this and the spec's counts.
    threads : int
        One gives the same bits on every run.
    progress : callable, optional
        Told in a few words what is being done.

    Raises
    ------
    ContractBreach
        If a table breaks its contract; all breaches that could be found come at once.
    EngineError
        If a file or the engine fails.
    """
    asked = plan(experiment)
    tell = progress or (lambda words: None)
    engine = open_engine(experiment.data.engine, folder, threads=threads)
    try:
        if experiment.shape == "units":
            outcomes = _from_units(engine, experiment, asked, data_to, tell)
        else:
            from loyalty_exp.outcomes.windowed import windowed

            outcomes = windowed(engine, experiment, asked, data_to, tell)
        engine.unchanged()
    finally:
        engine.close()
    return outcomes


def _from_units(
    engine: Engine, experiment: Experiment, asked: Plan, data_to: dt.date | None, tell: Progress
) -> Outcomes:
    tell("checking the per-unit table")
    table, described, in_two_arms = per_unit(engine, experiment, asked)
    table, caps = with_caps(engine, table, asked)
    tell("computing moments")
    arms = [arm.id for arm in experiment.planned_arms]
    measured = measure(engine, table, asked, arms)
    beyond = collect_evidence(engine, experiment, asked, table, timed(experiment), tell)
    days = [day for day in (experiment.schedule.data_to, data_to) if day is not None]
    return Outcomes(
        units=measured.units,
        units_analyzed=measured.units,
        immature=dict.fromkeys(arms, 0),
        missing=measured.missing,
        overall=measured.overall,
        segments=measured.segments,
        strata=measured.strata,
        triggered=measured.triggered,
        skewness=measured.skewness,
        evidence=beyond,
        caps=caps,
        findings=(*multi_exposure(in_two_arms, measured), *missing_findings(measured)),
        first_assigned=experiment.schedule.start,
        last_assigned=experiment.schedule.end if experiment.schedule.start else None,
        data_to=min(days) if days else None,
        engine=engine.name_version,
        data_digest=digest(described, measured),
        outside=outside_of_table(engine, experiment, table),
    )


def multi_exposure(count: int, measured: Measured) -> tuple[Finding, ...]:
    """Tell of units in two arms, which are in none."""
    whole = count + sum(measured.units.values())
    return (Finding("multi_exposure", count, share=count / whole),) if count else ()
