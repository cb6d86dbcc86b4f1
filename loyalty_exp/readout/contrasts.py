"""Weighted differences of several arms: declared ones, main effects and interactions of factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import prod

from loyalty_exp.errors import NotEstimable
from loyalty_exp.grammar import Text
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import ArmMoments, Outcomes
from loyalty_exp.readout.result import ContrastFacts
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans, plain
from loyalty_exp.stats.moments import Moments, merge
from loyalty_exp.stats.multiplicity import holm

NOT_OVER_CLUSTERS = "contrasts are not read over clusters"


@dataclass(frozen=True, slots=True)
class Asked:
    """One contrast: its id, its name where the spec gives one, and the weight of each arm."""

    id: str
    name: Text | None
    weights: Mapping[str, float]


def asked_contrasts(experiment: Experiment) -> tuple[Asked, ...]:
    """Give the contrasts of a spec, then main effects and interactions of its factors of two levels.

    A main effect weighs the levels of the other factors equally; the interaction of two is what both give
    beyond the sum of their parts.
    """
    declared = [Asked(c.id, c.name, dict(c.weights)) for c in experiment.analysis.contrasts]
    factors = experiment.factors or {}
    if isinstance(experiment.arms, ArmsInColumn) or any(len(levels) != 2 for levels in factors.values()):
        return tuple(declared)
    cells = {arm.id: arm.factors for arm in experiment.arms}
    made = []
    for size in (1, 2):
        for chosen in combinations(factors, size):
            share = 2.0 ** (len(factors) - size)
            weights = {
                arm: prod(1.0 if levels[f] == factors[f][1] else -1.0 for f in chosen) / share
                for arm, levels in cells.items()
            }
            made.append(Asked(("main_" if size == 1 else "interaction_") + "_".join(chosen), None, weights))
    return (*declared, *made)


def contrasts(experiment: Experiment, outcomes: Outcomes) -> tuple[ContrastFacts, ...]:
    """Read every contrast on every mean, proportion and ratio; adjusted by Holm within a metric."""
    asked = asked_contrasts(experiment)
    out: list[ContrastFacts] = []
    for metric in experiment.metrics:
        if not asked or metric.measure not in {"mean", "proportion", "ratio"}:
            continue
        found = [_contrast(experiment, outcomes, metric, c) for c in asked]
        adjusted = holm([f.p_value for f in found])
        out += [replace(f, p_value_adjusted=p) for f, p in zip(found, adjusted, strict=True)]
    return tuple(out)


def _contrast(experiment: Experiment, outcomes: Outcomes, metric: Metric, asked: Asked) -> ContrastFacts:
    from loyalty_exp.stats.factorial import contrast

    blank = ContrastFacts(asked.id, asked.name, metric.id, dict(asked.weights))
    if experiment.cluster is not None:
        return replace(blank, not_estimable=NOT_OVER_CLUSTERS)
    arms = [arm for arm, weight in asked.weights.items() if weight]
    try:
        means = [arm_means(experiment, metric, outcomes.overall[metric.id], arm) for arm in arms]
        found = contrast([asked.weights[arm] for arm in arms], means)
        test = found.test(found.columns[0], experiment.analysis.alpha)
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return replace(
        blank,
        estimate=test.estimate,
        std_error=test.std_error,
        ci_lower=test.ci_lower,
        ci_upper=test.ci_upper,
        p_value=test.p_value,
    )


def arm_means(experiment: Experiment, metric: Metric, blocks: ArmMoments, arm: str) -> ArmMeans:
    """Mean of one arm, adjusted with slopes over all arms together, so that arms can be weighed at will.

    Raises
    ------
    NotEstimable
        With fewer than two units in the arm.
    """
    needs = metric.needs(experiment.shape, experiment.library)
    own = blocks[arm]
    rest = merge((m for name, m in blocks.items() if name != arm), own.columns)
    if metric.measure == "ratio":
        from loyalty_exp.stats.ratio import ratio_means

        numerator, denominator = needs.outcome
        return ratio_means(own, rest, numerator, denominator, needs.covariates)[0]
    if not needs.covariates:
        return plain(own, needs.outcome)
    return _adjusted(own, rest, needs.outcome, needs.covariates)


def _adjusted(own: Moments, rest: Moments, outcome: tuple[str, ...], covariates: tuple[str, ...]) -> ArmMeans:
    from loyalty_exp.stats.means import cuped

    return cuped(own, rest, outcome, covariates)[0]
