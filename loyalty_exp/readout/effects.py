"""Every metric, every treatment against control, for all units and for each declared segment cell."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.estimators.choice import Choice
from loyalty_exp.estimators.estimator import Evidence
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import Cell, Outcomes
from loyalty_exp.readout.figures import GuardrailResult, Relative, absolute_of
from loyalty_exp.readout.result import Estimate, Interaction
from loyalty_exp.readout.sequential import Look
from loyalty_exp.readout.small_cells import hide_small
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.distributions import normal_quantile
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.gatekeeping import fixed_sequence, serial_gatekeeping
from loyalty_exp.stats.interaction import homogeneity
from loyalty_exp.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    bonferroni,
    hochberg,
    holm,
    hommel,
)
from loyalty_exp.stats.noninferiority import margin_status

_ADJUST: dict[str, Callable[[Sequence[float | None]], Sequence[float | None]]] = {
    "holm": holm,
    "hochberg": hochberg,
    "hommel": hommel,
    "bonferroni": bonferroni,
    "fixed_sequence": fixed_sequence,
    "benjamini_hochberg": benjamini_hochberg,
    "benjamini_yekutieli": benjamini_yekutieli,
    "none": lambda p: list(p),
}


def estimate_all(
    experiment: Experiment, outcomes: Outcomes, look: Look | None = None
) -> tuple[Estimate, ...]:
    """Estimate every metric for every treatment, overall and by segment, p-values adjusted by family.

    The families are the primary metrics, and the secondary metrics, each over all treatments; segment cells
    of one metric and dimension are a family of their own, always Benjamini-Hochberg, and exploratory.
    """
    overall = [
        _sequential(_estimate(experiment, metric, treatment, outcomes, None), look, metric.direction)
        for metric in experiment.metrics
        for treatment in experiment.treatments
    ]
    cells = [
        _estimate(experiment, metric, treatment, outcomes, cell)
        for metric in experiment.metrics
        for treatment in experiment.treatments
        for cell in outcomes.segments
    ]
    rule = experiment.analysis.multiplicity
    adjusted = _adjust(overall, {"primary": rule.primary, "secondary": rule.secondary, "guardrail": "none"})
    return (*adjusted, *_adjust_cells(hide_small(cells)))


def interactions(experiment: Experiment, estimates: Iterable[Estimate]) -> tuple[Interaction, ...]:
    """Ask of each metric, treatment and dimension whether the effect is the same in all cells.

    P-values are adjusted by Holm over the dimensions and treatments of one metric.
    """
    groups: dict[tuple[str, str, str], list[Estimate]] = defaultdict(list)
    for e in estimates:
        if e.segment is not None:
            groups[e.metric, e.treatment, e.segment["dimension"]].append(e)
    tests = [_interaction(*key, cells) for key, cells in groups.items()]
    by_metric: dict[str, list[int]] = defaultdict(list)
    for i, test in enumerate(tests):
        by_metric[test.metric].append(i)
    for at in by_metric.values():
        for i, p in zip(at, holm([tests[i].p_value for i in at]), strict=True):
            tests[i] = replace(tests[i], p_value_adjusted=p)
    return tuple(tests)


def _interaction(metric: str, treatment: str, dimension: str, cells: list[Estimate]) -> Interaction:
    usable = [
        (e.absolute.estimate, e.absolute.std_error)
        for e in cells
        if e.absolute is not None and e.absolute.std_error and not e.suppressed
    ]
    if len(usable) < 2:
        reason = "fewer than two cells with an estimate"
        return Interaction(metric, treatment, dimension, len(usable), None, None, None, None, reason)
    statistic, df, p = homogeneity([u[0] for u in usable], [u[1] for u in usable])
    return Interaction(metric, treatment, dimension, len(usable), statistic, df, p, None, None)


def secondary_readings(experiment: Experiment, outcomes: Outcomes) -> tuple[Estimate, ...]:
    """Read every metric that asks for it in further ways, over all units; they never decide."""
    return tuple(
        _estimate(experiment, metric, treatment, outcomes, None, choice)
        for metric in experiment.metrics
        for choice in metric.readings
        for treatment in experiment.treatments
    )


def _estimate(
    experiment: Experiment,
    metric: Metric,
    treatment: str,
    outcomes: Outcomes,
    cell: Cell | None,
    choice: Choice | None = None,
) -> Estimate:
    needs = metric.needs(experiment.shape, experiment.library)
    choice = choice or experiment.estimator_of(metric)
    if cell is not None and ESTIMATORS[choice.type].evidence == "strata":
        choice = Choice(type=metric.default_estimator(needs))
    estimator = ESTIMATORS[choice.type]
    arms = (outcomes.overall if cell is None else outcomes.segments[cell])[metric.id]
    sizes = arms[treatment].n, arms[experiment.control].n
    where = None if cell is None else {"dimension": cell.dimension, "value": cell.value}
    blank = Estimate(
        metric.id, metric.role, treatment, experiment.control, where, choice.type, *sizes,
        None, None, None, None, None, None,
    )  # fmt: skip
    if cell is not None and min(sizes) < experiment.analysis.min_cell:
        reason = f"fewer than {experiment.analysis.min_cell} units in an arm"
        return replace(blank, not_estimable=reason, suppressed=True)
    low, high = estimator.covariates
    covariates = needs.covariates if low <= len(needs.covariates) <= high else ()
    parameters = choice.parameters | (
        {"seed": experiment.analysis.seed} if "seed" in estimator.parameters else {}
    )
    own = {
        "level": getattr(metric, "quantile", None),
        "within_days": getattr(metric, "within_days", None),
    }
    parameters |= {k: v for k, v in own.items() if k in estimator.parameters and v is not None}
    try:
        if experiment.cluster is not None and not estimator.clustered:
            raise NotEstimable("this method takes units as independent, and whole clusters were drawn")
        treated, control = (
            evidence_of(outcomes, metric.id, arm, estimator.evidence, cell)
            for arm in (treatment, experiment.control)
        )
        effect = estimator.estimate(
            treated, control, needs.outcome, covariates, experiment.analysis.alpha, **parameters
        )
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return _with_effect(blank, effect, metric)


def evidence_of(outcomes: Outcomes, metric: str, arm: str, kind: Evidence, cell: Cell | None) -> Any:
    """Give what an estimator reads of one arm.

    Raises
    ------
    NotEstimable
        Where the evidence is of all units only and a segment cell is asked for, or an arm has none.
    """
    blocks = outcomes.overall if cell is None else outcomes.segments[cell]
    if kind == "moments":
        return blocks[metric][arm]
    if kind == "strata":
        return tuple(outcomes.strata[stratum][metric][arm] for stratum in sorted(outcomes.strata))
    if kind == "clusters":
        return outcomes.evidence.clusters[cell][metric][arm]
    if cell is not None:
        raise NotEstimable("this method reads all units only")
    found = {
        "order_statistics": outcomes.evidence.order_statistics,
        "event_counts": outcomes.evidence.event_counts,
        "follow_up": outcomes.evidence.follow_up,
        "rows": outcomes.evidence.rows,
    }[kind][metric][arm]
    if isinstance(found, NotEstimable):
        raise found
    return found


def _sequential(
    estimate: Estimate, look: Look | None, direction: Literal["increase", "decrease"]
) -> Estimate:
    if look is None or estimate.absolute is None:
        return estimate
    a, units = estimate.absolute, (estimate.units_treatment or 0) + (estimate.units_control or 0)
    reading, guardrail = look.read(a.estimate, a.std_error, units), estimate.guardrail
    if guardrail is not None and guardrail.margin > 0 and reading is not None:
        bounds = reading.ci_lower, reading.ci_upper
        if guardrail.relative is not None:
            bounds = _with_error_of_control(a.estimate, *bounds, guardrail.relative, direction)
        guardrail = replace(guardrail, status=margin_status(*bounds, guardrail.margin, direction))
    return replace(estimate, sequential=reading, guardrail=guardrail)


def _with_effect(blank: Estimate, effect: Effect, metric: Metric) -> Estimate:
    a, r = effect.absolute, effect.relative
    return replace(
        blank,
        estimator=effect.estimator,
        units_treatment=effect.n_treated,
        units_control=effect.n_control,
        mean_treatment=effect.mean_treated,
        mean_control=effect.mean_control,
        absolute=absolute_of(a),
        relative=Relative(r.estimate, r.std_error, r.ci_lower, r.ci_upper, r.not_bounded or None),
        variance_reduction=effect.variance_reduction,
        guardrail=_guardrail(effect, metric),
        facts=dict(effect.facts) or None,
    )


def _guardrail(effect: Effect, metric: Metric) -> GuardrailResult | None:
    """Hold the interval against the margin; against a relative one that of the relative change.

    Fieller's interval is below ``-m`` exactly where ``treated - (1 - m) control`` is below 0, so that the
    error of the control mean counts.
    """
    if metric.margin is None:
        return None
    if metric.margin.absolute is not None:
        margin, a = metric.margin.absolute, effect.absolute
        return GuardrailResult(margin, margin_status(a.ci_lower, a.ci_upper, margin, metric.direction))
    assert metric.margin.relative is not None
    share, r = metric.margin.relative, effect.relative
    margin = share * abs(effect.mean_control)
    if margin <= 0:
        return GuardrailResult(0.0, "unsettled", share)
    if r.ci_lower is not None:
        status = margin_status(r.ci_lower, r.ci_upper, share, metric.direction)
    else:
        a = effect.absolute
        bounds = _with_error_of_control(a.estimate, a.ci_lower, a.ci_upper, share, metric.direction)
        status = margin_status(*bounds, margin, metric.direction)
    return GuardrailResult(margin, status, share)


def _with_error_of_control(
    estimate: float, lower: float, upper: float, share: float, direction: Literal["increase", "decrease"]
) -> tuple[float, float]:
    """Widen an interval so that it may be held against a share of the estimated control mean.

    The variance of ``treated - (1 + m) control`` is at most ``(1 + m)^2`` times that of the difference; that
    of ``treated - (1 - m) control`` is not above it.
    """
    wider = 1 + share if direction == "decrease" else 1.0
    return estimate - wider * (estimate - lower), estimate + wider * (upper - estimate)


def _adjust(estimates: list[Estimate], methods: dict[str, str]) -> list[Estimate]:
    out = list(estimates)
    for role, method in methods.items():
        at = [i for i, e in enumerate(out) if e.role == role]
        gate = [i for i, e in enumerate(out) if e.role == "primary"] if method == "gatekeeping" else []
        _set_adjusted(out, at, method, gate)
    return out


def _adjust_cells(cells: list[Estimate]) -> list[Estimate]:
    out = list(cells)
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, e in enumerate(out):
        assert e.segment is not None
        families[e.metric, e.segment["dimension"]].append(i)
    for at in families.values():
        _set_adjusted(out, at, "benjamini_hochberg")
    return out


def _set_adjusted(out: list[Estimate], at: list[int], method: str, gate: Sequence[int] = ()) -> None:
    family, before = [out[i] for i in at], [out[i] for i in gate]
    p = [_p_value(e) for e in family]
    found = _against_one_control(family, p) if method == "dunnett" else _by(method, p, map(_p_value, before))
    for i, adjusted in zip(at, found, strict=True):
        absolute = out[i].absolute
        if absolute is not None:
            out[i] = replace(out[i], absolute=replace(absolute, p_value_adjusted=adjusted))
    sequential = [_p_sequential(e) for e in family]
    # Dunnett's is a test of one look; over several looks Holm's holds for any p-values.
    rule = "holm" if method == "dunnett" else method
    for i, adjusted in zip(at, _by(rule, sequential, map(_p_sequential, before)), strict=True):
        reading = out[i].sequential
        if reading is not None:
            out[i] = replace(out[i], sequential=replace(reading, p_value_adjusted=adjusted))


def _p_value(e: Estimate) -> float | None:
    return e.absolute.p_value if e.absolute else None


def _p_sequential(e: Estimate) -> float | None:
    return e.sequential.p_value if e.sequential else None


def _by(method: str, p_values: Sequence[float | None], before: Iterable[float | None]) -> list[float | None]:
    """Adjust a family; what is not reached because something before it has not passed has a p-value of 1."""
    if method == "gatekeeping":
        found: Sequence[float | None] = serial_gatekeeping([list(before), p_values])[1]
    else:
        found = _ADJUST[method](p_values)
    ordered = method in {"gatekeeping", "fixed_sequence"}
    return [
        1.0 if ordered and a is None and p is not None else a for a, p in zip(found, p_values, strict=True)
    ]


def _against_one_control(family: Sequence[Estimate], p: Sequence[float | None]) -> list[float | None]:
    """Adjust for several treatments that share one control, and for several metrics by Bonferroni.

    References
    ----------
    Dunnett & Sobel (1955), Biometrika 42, 258-260: the chance that any treatment is as far out, in large
    samples.
    """
    import numpy as np

    from loyalty_exp.stats.dunnett import tail

    metrics = {e.metric: [o for o in family if o.metric == e.metric] for e in family}
    out: list[float | None] = []
    for e, value in zip(family, p, strict=True):
        if value is None:
            out.append(None)
            continue
        sizes = [(o.units_treatment or 0, o.units_control or 0) for o in metrics[e.metric]]
        loadings = np.array([math.sqrt(t / (t + c)) if t + c else 0.0 for t, c in sizes])
        single = max(value, 1e-300)
        any_arm = tail(-normal_quantile(single / 2), loadings, math.inf)[0]
        out.append(min(any_arm * (value / single) * len(metrics), 1.0))
    return out
