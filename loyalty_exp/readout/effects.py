"""Every metric, every treatment against control, for all units and for each declared segment cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import ArmMoments, Cell, Outcomes
from loyalty_exp.readout.result import Absolute, Estimate, GuardrailResult, Interaction, Relative
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.effect import Effect
from loyalty_exp.stats.interaction import homogeneity
from loyalty_exp.stats.multiplicity import benjamini_hochberg, bonferroni, holm
from loyalty_exp.stats.noninferiority import margin_status

_ADJUST: dict[str, Callable[[Sequence[float | None]], Sequence[float | None]]] = {
    "holm": holm,
    "bonferroni": bonferroni,
    "benjamini_hochberg": benjamini_hochberg,
    "none": lambda p: list(p),
}


def estimate_all(experiment: Experiment, outcomes: Outcomes) -> tuple[Estimate, ...]:
    """Estimate every metric for every treatment, overall and by segment, p-values adjusted by family.

    The families are the primary metrics, and the secondary metrics, each over all treatments; segment cells
    of one metric and dimension are a family of their own, always Benjamini-Hochberg, and exploratory.
    """
    overall = [
        _estimate(experiment, metric, treatment, outcomes.overall[metric.id], None)
        for metric in experiment.metrics
        for treatment in experiment.treatments
    ]
    cells = [
        _estimate(experiment, metric, treatment, blocks[metric.id], cell)
        for metric in experiment.metrics
        for treatment in experiment.treatments
        for cell, blocks in outcomes.segments.items()
    ]
    rule = experiment.analysis.multiplicity
    adjusted = _adjust(overall, {"primary": rule.primary, "secondary": rule.secondary, "guardrail": "none"})
    return (*adjusted, *_adjust_cells(cells))


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


def _estimate(
    experiment: Experiment, metric: Metric, treatment: str, arms: ArmMoments, cell: Cell | None
) -> Estimate:
    needs = metric.needs(experiment.shape, experiment.library)
    name = metric.default_estimator(needs)
    treated, control = arms[treatment], arms[experiment.control]
    where = None if cell is None else {"dimension": cell.dimension, "value": cell.value}
    blank = Estimate(
        metric.id, metric.role, treatment, experiment.control, where, name, treated.n, control.n,
        None, None, None, None, None, None,
    )  # fmt: skip
    if cell is not None and min(treated.n, control.n) < experiment.analysis.min_cell:
        reason = f"fewer than {experiment.analysis.min_cell} units in an arm"
        return replace(blank, not_estimable=reason, suppressed=True)
    try:
        effect = ESTIMATORS[name].estimate(
            treated, control, needs.outcome, needs.covariates, experiment.analysis.alpha
        )
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return _with_effect(blank, effect, metric)


def _with_effect(blank: Estimate, effect: Effect, metric: Metric) -> Estimate:
    a, r = effect.absolute, effect.relative
    return replace(
        blank,
        estimator=effect.estimator,
        mean_treatment=effect.mean_treated,
        mean_control=effect.mean_control,
        absolute=Absolute(a.estimate, a.std_error, a.ci_lower, a.ci_upper, a.p_value, None, a.log_p_value),
        relative=Relative(r.estimate, r.std_error, r.ci_lower, r.ci_upper, r.not_bounded or None),
        variance_reduction=effect.variance_reduction,
        guardrail=_guardrail(effect, metric),
    )


def _guardrail(effect: Effect, metric: Metric) -> GuardrailResult | None:
    if metric.margin is None:
        return None
    margin = metric.margin.absolute
    if margin is None:
        assert metric.margin.relative is not None
        margin = metric.margin.relative * abs(effect.mean_control)
    if margin <= 0:
        return GuardrailResult(0.0, "unsettled")
    status = margin_status(effect.absolute.ci_lower, effect.absolute.ci_upper, margin, metric.direction)
    return GuardrailResult(margin, status)


def _adjust(estimates: list[Estimate], methods: dict[str, str]) -> list[Estimate]:
    out = list(estimates)
    for role, method in methods.items():
        at = [i for i, e in enumerate(out) if e.role == role]
        _set_adjusted(out, at, method)
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


def _set_adjusted(out: list[Estimate], at: list[int], method: str) -> None:
    p = [e.absolute.p_value if e.absolute else None for e in (out[i] for i in at)]
    for i, adjusted in zip(at, _ADJUST[method](p), strict=True):
        absolute = out[i].absolute
        if absolute is not None:
            out[i] = replace(out[i], absolute=replace(absolute, p_value_adjusted=adjusted))
