"""Whom the offers reached: contamination, compliance, and the effects that are read beside the headline.

The headline stays the effect of assignment (ITT). An effect on those reached divides it by what assignment
made to being reached. An effect on triggered units drops those whom no arm could have reached; it holds only
where the trigger is defined alike in all arms, which the spec has to say and the counts must not contradict.
A comparison of the reached with the others is never made: they chose themselves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.exposure_columns import (
    EXPOSURE,
    TRIGGERED,
    complier_metrics,
    exposed_column,
    received_block,
    trigger_column,
)
from loyalty_exp.outcomes.outcomes import ArmMoments, Outcomes
from loyalty_exp.readout.figures import Relative, absolute_of
from loyalty_exp.readout.reached import ComplierFacts, ExposureFacts, ReachFacts, TriggeredFacts
from loyalty_exp.readout.result import HealthCheck
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.compliance import WEAK_F, ComplierEffect, complier_effect, complier_of_means
from loyalty_exp.stats.effect import Difference

CONTAMINATED = 0.01
"""Part of an arm that the offer of another arm may reach before it is told as more than an accident."""

NOT_ALIKE = "the spec does not say how the trigger is logged alike in all arms (analysis.trigger_alike)"
UNEQUAL_TRIGGERS = "the trigger is not reached alike in the arms, so what it selects differs between them"


def exposure_facts(experiment: Experiment, outcomes: Outcomes) -> ExposureFacts | None:
    """Give everything about exposure; None where no data say who was reached."""
    if EXPOSURE not in outcomes.overall:
        return None
    return ExposureFacts(
        _reach(experiment, outcomes),
        tuple(_compliers(experiment, outcomes)),
        tuple(_triggered(experiment, outcomes)),
    )


def exposure_checks(experiment: Experiment, outcomes: Outcomes) -> tuple[HealthCheck, ...]:
    """Give contamination, compliance and the trigger rate, each where the data say something of it."""
    if EXPOSURE not in outcomes.overall:
        return ()
    reach, checks = _reach(experiment, outcomes), []
    if reach:
        own = [r for r in reach if r.offer in {None, r.arm} and r.arm != experiment.control]
        other = [r for r in reach if r not in own]
        weak = [r.arm for r in own if _is_weak(experiment, outcomes, r.arm)]
        worst = max((r.share for r in other), default=0.0)
        checks = [
            HealthCheck(
                "contamination",
                "warn" if worst > CONTAMINATED else "pass",
                None,
                {"reach": [_plain(r) for r in other], "threshold": CONTAMINATED},
            ),
            HealthCheck(
                "compliance",
                "warn" if weak else "pass",
                None,
                {"reach": [_plain(r) for r in own], "weak": weak, "threshold": WEAK_F},
            ),
        ]
    if trigger_column(experiment) is not None:
        p = _trigger_p(experiment, outcomes)
        block, limit = outcomes.overall[EXPOSURE], experiment.analysis.sample_ratio_threshold
        rates = {arm: m.mean_of(TRIGGERED) if m.n else None for arm, m in block.items()}
        status = "not_run" if p is None else "warn" if p < limit else "pass"
        detail = {
            "rates": rates,
            "threshold": limit,
            "declared": experiment.analysis.trigger_alike is not None,
        }
        checks.append(HealthCheck("trigger_rate", status, p, detail))  # type: ignore[arg-type]
    return tuple(checks)


def trigger_refused(experiment: Experiment, outcomes: Outcomes) -> str | None:
    """Say why triggered units are not analyzed; None where they may be."""
    if experiment.analysis.trigger_alike is None:
        return NOT_ALIKE
    p = _trigger_p(experiment, outcomes)
    if p is not None and p < experiment.analysis.sample_ratio_threshold:
        return UNEQUAL_TRIGGERS
    return "triggered units are not read over clusters" if experiment.cluster is not None else None


def triggered_share(experiment: Experiment, outcomes: Outcomes, treatment: str) -> float:
    """Part of the assigned units of two arms that came to the trigger.

    Raises
    ------
    NotEstimable
        If none did.
    """
    block = outcomes.overall[EXPOSURE]
    pair = [block[a] for a in (treatment, experiment.control)]
    reached = sum(m.n * m.mean_of(TRIGGERED) for m in pair if m.n)
    if not reached:
        raise NotEstimable("no units came to the trigger")
    return float(reached / sum(m.n for m in pair))


def _reach(experiment: Experiment, outcomes: Outcomes) -> tuple[ReachFacts, ...]:
    found, block = [], outcomes.overall[EXPOSURE]
    data = experiment.data
    named = data.exposures is not None and data.exposures.arm is not None
    offers = experiment.treatments if named else experiment.treatments[:1]
    for arm, moments in block.items():
        for offer in offers:
            column = exposed_column(experiment, offer)
            if column is None or not moments.n:
                continue
            share = float(moments.mean_of(column.id))
            said = offer if named else None
            found.append(ReachFacts(arm, said, round(share * moments.n), moments.n, share))
    return tuple(found)


def _plain(reach: ReachFacts) -> dict[str, object]:
    return {key: getattr(reach, key) for key in ("arm", "offer", "reached", "units", "share")}


def _is_weak(experiment: Experiment, outcomes: Outcomes, treatment: str) -> bool:
    metric = next(iter(complier_metrics(experiment)), None)
    if metric is None:
        return False
    try:
        return _effect(experiment, outcomes, metric, treatment).weak
    except NotEstimable:
        return True


def _compliers(experiment: Experiment, outcomes: Outcomes) -> list[ComplierFacts]:
    found = []
    for metric in complier_metrics(experiment):
        if received_block(metric.id) not in outcomes.overall:
            continue
        for treatment in experiment.treatments:
            blank = ComplierFacts(metric.id, treatment, experiment.control, *[None] * 6)
            try:
                effect = _effect(experiment, outcomes, metric, treatment)
            except NotEstimable as reason:
                found.append(replace(blank, not_estimable=str(reason)))
                continue
            set_, bounded = effect.anderson_rubin, effect.anderson_rubin.shape == "interval"
            low, high = (set_.lower, set_.upper) if bounded else (None, None)
            robust = Relative(effect.delta.estimate, None, low, high, effect.not_bounded or None)
            f = effect.first_stage_f
            found.append(
                replace(
                    blank,
                    assigned=absolute_of(effect.itt),
                    first_stage=absolute_of(effect.first_stage),
                    first_stage_f=f if math.isfinite(f) else None,
                    weak=effect.weak,
                    effect=absolute_of(effect.delta),
                    robust=robust,
                )
            )
    return found


def _effect(experiment: Experiment, outcomes: Outcomes, metric: Metric, treatment: str) -> ComplierEffect:
    """Read an effect by the way the arms were drawn: units, strata, or clusters."""
    (outcome,) = metric.needs(experiment.shape, experiment.library).outcome
    column = exposed_column(experiment, treatment)
    if column is None:
        raise NotEstimable("no data say who was reached")
    pair, block = (treatment, experiment.control), received_block(metric.id)
    columns, alpha = (outcome, column.id), experiment.analysis.alpha
    if experiment.cluster is not None:
        from loyalty_exp.stats.clusters import cluster_means

        clusters = outcomes.evidence.clusters[None][block]
        means = [cluster_means(clusters[a], columns) for a in pair]
        return complier_of_means(means[0], means[1], outcome, column.id, alpha)
    if outcomes.strata:
        from loyalty_exp.stats.strata import collapse, least_units, stratified_means

        names = sorted(outcomes.strata)
        cells = [[outcomes.strata[name][block][a] for name in names] for a in pair]
        treated, control, kept = collapse(cells[0], cells[1], names, least_units(0))
        found = stratified_means(treated, control, columns, (), kept)
        return complier_of_means(found.treated, found.control, outcome, column.id, alpha)
    treated_moments, control_moments = (outcomes.overall[block][a] for a in pair)
    return complier_effect(treated_moments, control_moments, outcome, column.id, alpha)


def _triggered(experiment: Experiment, outcomes: Outcomes) -> list[TriggeredFacts]:
    """Read the metrics among triggered units, and give the same effects over all who were assigned."""
    if trigger_column(experiment) is None:
        return []
    refused = trigger_refused(experiment, outcomes)
    found = []
    for metric in complier_metrics(experiment):
        for treatment in experiment.treatments:
            blank = TriggeredFacts(metric.id, treatment, experiment.control, *[None] * 5)
            if refused is not None:
                found.append(replace(blank, not_estimable=refused))
                continue
            try:
                found.append(_one(experiment, outcomes, metric, blank))
            except NotEstimable as reason:
                found.append(replace(blank, not_estimable=str(reason)))
    return found


def _one(experiment: Experiment, outcomes: Outcomes, metric: Metric, blank: TriggeredFacts) -> TriggeredFacts:
    """Read one metric of one treatment with the usual estimator of its kind.

    The share of triggered units is that of both arms together: arms that come to the trigger alike differ in
    it by chance only (Deng & Hu 2015).
    """
    from loyalty_exp.estimators import ESTIMATORS

    arms: ArmMoments = outcomes.triggered.get(metric.id, {})
    share = triggered_share(experiment, outcomes, blank.treatment)
    treated, control = arms[blank.treatment], arms[experiment.control]
    least = experiment.analysis.min_cell
    if min(treated.n, control.n) < least:
        raise NotEstimable(f"fewer than {least} units of an arm came to the trigger")
    needs = metric.needs(experiment.shape, experiment.library)
    estimator = ESTIMATORS[metric.default_estimator(needs)]
    low, high = estimator.covariates
    covariates = needs.covariates if low <= len(needs.covariates) <= high else ()
    effect = estimator.estimate(
        treated, control, needs.outcome, covariates, experiment.analysis.alpha
    ).absolute
    return replace(
        blank,
        units_treatment=treated.n,
        units_control=control.n,
        share=share,
        effect=absolute_of(effect),
        diluted=absolute_of(_diluted(effect, share)),
    )


def _diluted(effect: Difference, share: float) -> Difference:
    error = None if effect.std_error is None else share * effect.std_error
    low, high = share * effect.ci_lower, share * effect.ci_upper
    return replace(effect, estimate=share * effect.estimate, std_error=error, ci_lower=low, ci_upper=high)


def _trigger_p(experiment: Experiment, outcomes: Outcomes) -> float | None:
    """P-value of the test that the arms come to the trigger alike; None where all or none do."""
    from loyalty_exp.stats.contingency import independence

    block: Mapping[str, object] = outcomes.overall[EXPOSURE]
    if trigger_column(experiment) is None or not block:
        return None
    arms = [m for m in outcomes.overall[EXPOSURE].values() if m.n]
    hits = [round(m.n * m.mean_of(TRIGGERED)) for m in arms]
    try:
        return independence([[h, m.n - h] for h, m in zip(hits, arms, strict=True)]).p_value
    except NotEstimable:
        return None
