"""The story of one experiment, step after step: spec, outcomes, readout, economics, decision."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import loyalty_exp
from loyalty_exp.economics.appraise import appraise
from loyalty_exp.grammar import LANGUAGES
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.analyze import analyze
from loyalty_exp.readout.decision import decide, status_of
from loyalty_exp.readout.evidence import evidence_level
from loyalty_exp.readout.health import warnings_of
from loyalty_exp.readout.plan_facts import plan_facts
from loyalty_exp.readout.result import ArmFacts, ExperimentFacts, Readout
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.read import read

Progress = Callable[[str], None]


def compute(
    spec: Path, *, as_of: dt.date | None = None, threads: int = 1, progress: Progress | None = None
) -> Readout:
    """Read a spec, ask the engine once, and give the readout.

    Parameters
    ----------
    spec : Path
        The YAML file; data paths in it are relative to its folder.
    as_of : date, optional
        Read the data as if this were the last complete day.
    threads : int
        Threads of the engine; more than one is faster and may change the last digits between runs.
    progress : callable, optional
        Told the step in a few words.

    Raises
    ------
    SpecError, DataError
    """
    say = progress or (lambda _: None)
    say("reading the spec")
    experiment = read(spec)
    outcomes = collect(experiment, spec.resolve().parent, data_to=as_of, threads=threads, progress=progress)
    say("estimating")
    return conclude(experiment, outcomes, spec.name)


def conclude(experiment: Experiment, outcomes: Outcomes, spec_file: str = "") -> Readout:
    """Turn sufficient statistics into the readout: effects, health, money, decision."""
    answers = analyze(experiment, outcomes)
    status = status_of(answers.health)
    economics = () if status == "invalid" else appraise(experiment, outcomes)
    decision = decide(experiment, answers.health, answers.estimates, economics)
    data_to = outcomes.data_to.isoformat() if outcomes.data_to else None
    return Readout(
        experiment=ExperimentFacts(
            id=experiment.experiment,
            name=experiment.name or experiment.experiment.replace("_", " ").replace("-", " ").capitalize(),
            kind="randomized",
            evidence_level=evidence_level(status, answers.health, decision, economics),
            lock=None,
            spec_hash=experiment.spec_hash,
        ),
        status=status,
        as_of=data_to,
        data_to=data_to,
        arms=_arms(experiment, outcomes),
        health=answers.health,
        estimates=answers.estimates,
        interactions=answers.interactions,
        economics=economics,
        decision=decision,
        warnings=warnings_of(answers.health),
        plan=plan_facts(experiment, outcomes, spec_file),
        provenance=_provenance(experiment, outcomes),
    )


def _arms(experiment: Experiment, outcomes: Outcomes) -> tuple[ArmFacts, ...]:
    total = sum(outcomes.units.values())
    return tuple(
        ArmFacts(
            id=arm.id,
            is_control=arm.is_control,
            units=outcomes.units[arm.id],
            clusters=None,
            share_planned=arm.share,
            share_observed=outcomes.units[arm.id] / total if total else 0.0,
            name=arm.name,
            receives={lang: arm.intervention.words(lang) for lang in LANGUAGES} if arm.intervention else None,
        )
        for arm in experiment.planned_arms
    )


def _provenance(experiment: Experiment, outcomes: Outcomes) -> dict[str, Any]:
    """Where the numbers come from. The duration belongs to a run, not to the numbers, and stays null."""
    return {
        "versions": {"loyalty-exp": loyalty_exp.__version__, "python": platform.python_version()},
        "engine": outcomes.engine,
        "salt": experiment.assignment.salt if experiment.assignment else None,
        "data_digest": outcomes.data_digest,
        "seed": None,
        "duration_s": None,
    }
