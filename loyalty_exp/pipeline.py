"""The story of one experiment, step after step: spec, outcomes, readout, economics, decision."""

from __future__ import annotations

import datetime as dt
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import loyalty_exp
from loyalty_exp.grammar import LANGUAGES
from loyalty_exp.outcomes.collect import collect
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.analyze import analyze
from loyalty_exp.readout.cluster_checks import drawn
from loyalty_exp.readout.decision import decide, status_of
from loyalty_exp.readout.evidence import evidence_level
from loyalty_exp.readout.health import warnings_of
from loyalty_exp.readout.late_horizon import CODE, contrasts_without, without_p_values
from loyalty_exp.readout.money import EconomicsFacts
from loyalty_exp.readout.plan_facts import plan_facts
from loyalty_exp.readout.result import ArmFacts, ContrastFacts, ExperimentFacts, Readout, Status
from loyalty_exp.readout.sequential import Look, look_of
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.not_yet_run import refuse_what_is_not_run
from loyalty_exp.store.in_force import read_in_force
from loyalty_exp.store.registration import UNREGISTERED, Registration, registration_of
from loyalty_exp.warehouse.connect import through_restarts

if TYPE_CHECKING:
    from loyalty_exp.readout.naive import NaiveFacts
    from loyalty_exp.readout.outlook import OutlookFacts
    from loyalty_exp.readout.over_time import OverTimeFacts
    from loyalty_exp.readout.reached import ExposureFacts

Progress = Callable[[str], None]


def compute(
    spec: Path,
    *,
    as_of: dt.date | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    store: str | None = None,
    experiment: Experiment | None = None,
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
    store : str, optional
        Path or URL of the state store; the workspace's own when left out. Without one, nothing is locked.
    experiment : Experiment, optional
        What was read from the file before; it is read now when left out.

    Raises
    ------
    SpecError, DataError
    Refused
        If a part of the spec that changes the numbers is not yet run by this version, or the spec is not what
        was locked.
    """
    say = progress or (lambda _: None)
    say("reading the spec")
    experiment = experiment or read_in_force(spec, store)[0]
    refuse_what_is_not_run(experiment)
    registration = registration_of(experiment, spec.parent, store)
    folder = spec.resolve().parent
    outcomes = through_restarts(
        lambda: collect(experiment, folder, data_to=as_of, threads=threads, progress=progress)
    )
    say("estimating")
    return conclude(experiment, outcomes, spec.name, registration)


def conclude(
    experiment: Experiment,
    outcomes: Outcomes,
    spec_file: str = "",
    registration: Registration = UNREGISTERED,
    look: Look | None = None,
) -> Readout:
    """Turn sufficient statistics into the readout: effects, health, money, decision.

    `look` is that of the plan and the units analyzed when left out.
    """
    look = look or look_of(experiment, outcomes, registration.looks)
    answers = analyze(experiment, outcomes, look)
    status = status_of(answers.health)
    economics, beyond, money_of_contrasts = _money(experiment, outcomes, look, status)
    decision = decide(experiment, answers.health, answers.estimates, economics, look)
    data_to = outcomes.data_to.isoformat() if outcomes.data_to else None
    estimates, readings, contrasts = answers.estimates, answers.readings, answers.contrasts
    if look is None and CODE in registration.warnings:
        estimates, readings = without_p_values(estimates), without_p_values(readings)
        contrasts = contrasts_without(contrasts)
    return Readout(
        experiment=ExperimentFacts(
            id=experiment.experiment,
            name=experiment.name or experiment.experiment.replace("_", " ").replace("-", " ").capitalize(),
            kind="randomized",
            evidence_level=evidence_level(status, answers.health, decision, economics),
            lock=registration.lock,
            spec_hash=experiment.spec_hash,
        ),
        status=status,
        as_of=data_to,
        data_to=data_to,
        arms=_arms(experiment, outcomes),
        health=answers.health,
        estimates=estimates,
        interactions=answers.interactions,
        readings=readings,
        repurchase=answers.repurchase,
        contrasts=(*contrasts, *money_of_contrasts),
        economics=economics,
        outlook=beyond,
        decision=decision,
        warnings=warnings_of(answers.health) + registration.warnings,
        plan=plan_facts(experiment, outcomes, spec_file) | {"deviations": list(registration.deviations)},
        provenance=_provenance(experiment, outcomes),
        naive=_not_causal(experiment, outcomes, status),
        over_time=_over_time(experiment, outcomes, look, status),
        exposure=_exposure(experiment, outcomes, answers.exposure, look, status),
    )


def _money(
    experiment: Experiment, outcomes: Outcomes, look: Look | None, status: Status
) -> tuple[tuple[EconomicsFacts, ...], tuple[OutlookFacts, ...], tuple[ContrastFacts, ...]]:
    """Appraise treatments, look beyond the test, read contrasts; nothing where money is withheld."""
    if experiment.economics is None or status == "invalid":
        return (), (), ()
    from loyalty_exp.economics.appraise import appraise
    from loyalty_exp.economics.horizon_facts import with_horizon
    from loyalty_exp.economics.money_contrasts import money_contrasts
    from loyalty_exp.economics.outlook import outlook
    from loyalty_exp.economics.strata_money import stratum_money

    money = appraise(experiment, outcomes, look)
    beyond = outlook(experiment, money, stratum_money(experiment, outcomes))
    beyond = with_horizon(experiment, outcomes, money, beyond)
    return money, beyond, money_contrasts(experiment, outcomes, look)


def _over_time(
    experiment: Experiment, outcomes: Outcomes, look: Look | None, status: Status
) -> tuple[OverTimeFacts, ...]:
    """Follow the money through the days; nothing where money is withheld."""
    if outcomes.over_time is None or status == "invalid":
        return ()
    from loyalty_exp.economics.over_time import over_time

    return over_time(experiment, outcomes, look)


def _not_causal(experiment: Experiment, outcomes: Outcomes, status: Status) -> tuple[NaiveFacts, ...]:
    """Give comparisons that are not causal, after the decision: nothing that decides can read them."""
    if experiment.economics is None or not experiment.economics.naive or status == "invalid":
        return ()
    from loyalty_exp.economics.naive_facts import naive_facts

    return naive_facts(experiment, outcomes)


def _exposure(
    experiment: Experiment,
    outcomes: Outcomes,
    found: ExposureFacts | None,
    look: Look | None,
    status: Status,
) -> ExposureFacts | None:
    """Add the money of triggered units to what is known of exposure; money is withheld as everywhere."""
    if found is None or experiment.economics is None or status == "invalid":
        return found
    from loyalty_exp.economics.triggered_money import triggered_money

    return replace(found, triggered_money=triggered_money(experiment, outcomes, look))


def _arms(experiment: Experiment, outcomes: Outcomes) -> tuple[ArmFacts, ...]:
    total = sum(outcomes.units.values())
    clusters = drawn(experiment, outcomes) if experiment.cluster else {}
    return tuple(
        ArmFacts(
            id=arm.id,
            is_control=arm.is_control,
            units=outcomes.units[arm.id],
            clusters=clusters.get(arm.id),
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
        "seed": experiment.analysis.seed if _draws(experiment) else None,
        "duration_s": None,
    }


def _draws(experiment: Experiment) -> bool:
    """Tell whether any method of the spec draws at random."""
    from loyalty_exp.estimators import ESTIMATORS

    horizon = experiment.economics.horizon if experiment.economics is not None else None
    if horizon is not None and horizon.customer_value is not None:
        return True
    choices = [c for m in experiment.metrics for c in (experiment.estimator_of(m), *m.readings)]
    return any("seed" in ESTIMATORS[choice.type].parameters for choice in choices)
