"""The questions of a spec, each with the test that the readout will run and the effect to be found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loyalty_exp.errors import NotEstimable
from loyalty_exp.metrics import Metric, Repurchase
from loyalty_exp.planning.baseline import Baselines, Known
from loyalty_exp.planning.families import Clustered, LogRank, Means, Proportions, Test, WithinMargin, moved
from loyalty_exp.planning.money_questions import of_money
from loyalty_exp.planning.question import (
    UNLIKE,
    Question,
    baseline_of,
    constant,
    effect_of,
    level_of,
    shape_of,
)
from loyalty_exp.planning.result import Kind
from loyalty_exp.readout.contrasts import asked_contrasts
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.spec.sizing import Sizing
from loyalty_exp.stats.power.design import Level


def questions(experiment: Experiment, sizing: Sizing, baselines: Baselines) -> tuple[Question, ...]:
    """List everything that is sized, in the order of the spec; money last."""
    found: list[Question] = []
    for metric in experiment.metrics:
        for treatment in experiment.treatments:
            found += _of_metric(experiment, sizing, baselines, metric, treatment)
    found += _contrasts(experiment, sizing, baselines)
    for treatment in experiment.treatments:
        found += of_money(experiment, sizing, baselines, treatment)
    return tuple(found)


def _of_metric(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, metric: Metric, treatment: str
) -> Iterator[Question]:
    level = level_of(experiment, metric.role)
    choice = experiment.estimator_of(metric).type
    days = getattr(metric, "within_days", None) or experiment.schedule.outcome_days or 0
    kind: Kind = "guardrail" if metric.role == "guardrail" else "metric"
    common: dict[str, Any] = {
        "id": metric.id,
        "treatment": treatment,
        "role": metric.role,
        "level": level,
        "weights": {treatment: 1.0, experiment.control: -1.0},
        "days": days,
    }
    required = metric.role in {"primary", "guardrail"}
    known = None
    try:
        known = baseline_of(sizing, baselines, metric.id)
        test = _test(experiment, sizing, baselines, metric, choice, known)
        amount = (
            _margin(metric, known.mean) if kind == "guardrail" else effect_of(sizing, metric.id, known.mean)
        )
        if amount is not None and isinstance(test, Proportions):
            moved(test.share, amount, test.direction)
    except NotEstimable as reason:
        yield Question(kind, required=required, test=None, name=choice, known=known, effect=None,
                       mean=known.mean if known else None, reason=str(reason), **common)  # fmt: skip
        return
    asked = constant(amount)
    whole: Test = WithinMargin(test) if kind == "guardrail" else test
    yield Question(kind, required=required, test=whole, name=choice, known=known, effect=asked,
                   mean=known.mean, **common)  # fmt: skip
    if isinstance(metric, Repurchase) and kind == "metric" and 0 < known.mean < 1:
        beside = common | {"level": Level(experiment.analysis.alpha)}
        ranked = LogRank(known.mean, metric.direction)
        yield Question("survival", required=False, test=ranked, name="log_rank", known=known, effect=asked,
                       mean=known.mean, **beside)  # fmt: skip


PLANNED = {
    "welch", "cuped", "lin", "stratified", "clusters", "ratio_delta", "ratio_cuped", "ratio_clusters",
    "miettinen_nurminen", "newcombe", "poisson_bootstrap", "randomization", "normal_prior",
}  # fmt: skip
"""Estimators whose power follows from the spread; resampling ones agree with the mean they resample.

Newcombe's interval is planned by the score test, which it follows closely. A prior is planned only when flat.
"""


def _test(
    experiment: Experiment, sizing: Sizing, baselines: Baselines, metric: Metric, choice: str, known: Known
) -> Means | Proportions | Clustered:
    prior = experiment.estimator_of(metric).prior_sd
    drawn_whole = experiment.cluster is not None and choice not in {"clusters", "ratio_clusters"}
    if choice not in PLANNED or prior is not None or drawn_whole:
        raise NotEstimable("the power of this estimator has no closed form; rehearse it on made data")
    if choice in {"clusters", "ratio_clusters"}:
        shape = shape_of(sizing, baselines, known.design_effect)
        if shape is None:
            raise NotEstimable(
                "the size of a cluster is not known: give sizing.cluster_size, or sizing.history"
            )
        if sizing.icc is None and known.source == "spec":
            raise NotEstimable(UNLIKE)
        return Clustered(known.sd_left, shape)
    if choice in {"miettinen_nurminen", "newcombe"}:
        return Proportions(known.mean, metric.direction)
    return Means((known.sd_left, known.sd_left))


def _margin(metric: Metric, mean: float) -> float:
    assert metric.margin is not None
    if metric.margin.absolute is not None:
        return metric.margin.absolute
    assert metric.margin.relative is not None
    if mean == 0:
        raise NotEstimable("the baseline mean is 0, so a margin relative to it is nothing; name it absolute")
    return metric.margin.relative * abs(mean)


def _contrasts(experiment: Experiment, sizing: Sizing, baselines: Baselines) -> Iterator[Question]:
    """Plan the contrasts of the readout on primary metrics; Holm's method shares alpha among those of one."""
    asked = asked_contrasts(experiment)
    for metric in (m for m in experiment.metrics if m.role == "primary"):
        for one in asked:
            common: dict[str, Any] = {
                "id": f"{metric.id}: {one.id}",
                "treatment": None,
                "role": "secondary",
                "required": False,
                "level": Level(experiment.analysis.alpha / len(asked)),
                "weights": dict(one.weights),
                "days": experiment.schedule.outcome_days or 0,
                "name": "contrast",
            }
            try:
                if experiment.cluster is not None:
                    raise NotEstimable("contrasts are not planned over clusters")
                known = baseline_of(sizing, baselines, metric.id)
                sd = known.sd_left
                effect = constant(effect_of(sizing, metric.id, known.mean))
            except NotEstimable as reason:
                yield Question("contrast", test=None, known=None, effect=None, mean=None,
                               reason=str(reason), **common)  # fmt: skip
                continue
            yield Question("contrast", test=Means((sd, sd), "normal"), known=known, effect=effect,
                           mean=known.mean, **common)  # fmt: skip
