"""Time to the next purchase: the curve of each arm and the readings beside the rate, from counts per day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics import Repurchase
from loyalty_exp.outcomes.outcomes import Outcomes
from loyalty_exp.readout.figures import Absolute, Relative, absolute_of
from loyalty_exp.readout.result import CurvePoint, Estimate, RepurchaseFacts
from loyalty_exp.spec.experiment import Experiment

if TYPE_CHECKING:
    from loyalty_exp.stats.event_counts import EventCounts

T = TypeVar("T")

NOT_OVER_CLUSTERS = "the time to a purchase is not compared over clusters"

MOST_POINTS = 61
"""Points of a curve: every day, or evenly spread days of a longer one."""


def repurchase_facts(
    experiment: Experiment, outcomes: Outcomes, estimates: Iterable[Estimate]
) -> tuple[RepurchaseFacts, ...]:
    """Read every repurchase metric by censoring, beside its rate on mature units."""
    rates = {(e.metric, e.treatment): e.absolute for e in estimates if e.segment is None}
    return tuple(
        _facts(metric, treatment, experiment, outcomes.evidence.event_counts[metric.id], rates)
        for metric in experiment.metrics
        if isinstance(metric, Repurchase) and metric.id in outcomes.evidence.event_counts
        for treatment in experiment.treatments
    )


def _facts(
    metric: Repurchase,
    treatment: str,
    experiment: Experiment,
    counts: Mapping[str, EventCounts],
    rates: Mapping[tuple[str, str], Absolute | None],
) -> RepurchaseFacts:
    from loyalty_exp.stats.hazard_ratio import hazard_ratio, proportional_hazards
    from loyalty_exp.stats.horizon_rate import rate_at_horizon
    from loyalty_exp.stats.log_rank import log_rank
    from loyalty_exp.stats.restricted_mean import restricted_mean_difference

    alpha, within = experiment.analysis.alpha, metric.within_days
    treated, control = counts[treatment], counts[experiment.control]
    clustered = experiment.cluster is not None
    reasons: list[str] = []

    def tried(reading: Callable[[], T]) -> T | None:
        try:
            if clustered:  # these variances take units as independent
                raise NotEstimable(NOT_OVER_CLUSTERS)
            return reading()
        except NotEstimable as reason:
            reasons.append(str(reason))
            return None

    rate = tried(lambda: rate_at_horizon(treated, control, within, alpha).difference)
    mean = tried(lambda: restricted_mean_difference(treated, control, alpha, float(within)).difference)
    test = tried(lambda: log_rank(treated, control))
    hazard = tried(lambda: hazard_ratio(treated, control, alpha))
    proportional = tried(lambda: proportional_hazards(treated, control)) if hazard else None
    return RepurchaseFacts(
        metric=metric.id,
        treatment=treatment,
        control=experiment.control,
        within_days=within,
        curves={
            arm: _curve(counts[arm], within, alpha, limits=not clustered)
            for arm in (experiment.control, treatment)
        },
        rate_by_censoring=absolute_of(rate) if rate is not None else None,
        rate_of_mature_units=rates.get((metric.id, treatment)),
        restricted_mean=absolute_of(mean) if mean is not None else None,
        log_rank_p_value=test.p_value if test else None,
        hazard_ratio=Relative(hazard.ratio, hazard.log_ratio.std_error, hazard.ci_lower, hazard.ci_upper)
        if hazard
        else None,
        proportional_p_value=proportional.p_value if proportional else None,
        not_estimable="; ".join(dict.fromkeys(reasons)) or None,
    )


def _curve(counts: EventCounts, within: int, alpha: float, *, limits: bool) -> tuple[CurvePoint, ...]:
    """Share that bought again by each day, with pointwise limits if asked for; until follow-up ends."""
    from loyalty_exp.stats.survival import kaplan_meier, survival_interval

    try:
        curve = kaplan_meier(counts)
    except NotEstimable:
        return ()
    lower, upper = survival_interval(curve, alpha)
    step = -(-within // (MOST_POINTS - 1))
    points = [CurvePoint(0, 0.0, None, None, counts.n)]
    for day in [*range(step, within, step), within]:
        at = int((curve.time <= day).sum()) - 1
        if at < 0:
            points.append(CurvePoint(day, 0.0, None, None, counts.n))
            continue
        if day > curve.time[-1] and curve.survival[-1] > 0:
            break
        low, high = (1 - float(upper[at]), 1 - float(lower[at])) if limits else (None, None)
        points.append(CurvePoint(day, 1 - float(curve.survival[at]), low, high, curve.at_risk_at(day)))
    return tuple(points)
