"""Weighted differences of several arms: declared ones, main effects and interactions of factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from math import prod
from operator import add

from loyalty_exp.errors import NotEstimable
from loyalty_exp.grammar import Text
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import ArmMoments, Outcomes
from loyalty_exp.readout.result import ContrastFacts
from loyalty_exp.spec.arms import ArmsInColumn
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans, plain
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.effect import Difference
from loyalty_exp.stats.moments import Moments, merge
from loyalty_exp.stats.multiplicity import holm


@dataclass(frozen=True, slots=True)
class Asked:
    """One contrast: its id, its name where the spec gives one, and the weight of each arm."""

    id: str
    name: Text | None
    weights: Mapping[str, float]

    @property
    def weighed(self) -> dict[str, float]:
        """Weights of the arms that have one."""
        return {arm: weight for arm, weight in self.weights.items() if weight}


def asked_contrasts(experiment: Experiment) -> tuple[Asked, ...]:
    """Give the contrasts of a spec, then main effects and interactions of its factors of two levels.

    A main effect weighs the levels of the other factors equally; the interaction of two is what both give
    beyond the sum of their parts. What the spec declares itself is not made again.
    """
    declared = [Asked(c.id, c.name, dict(c.weights)) for c in experiment.analysis.contrasts]
    factors = experiment.factors or {}
    if isinstance(experiment.arms, ArmsInColumn) or any(len(levels) != 2 for levels in factors.values()):
        return tuple(declared)
    cells = {arm.id: arm.factors for arm in experiment.arms}
    made: list[Asked] = []
    for size in (1, 2):
        for chosen in combinations(factors, size):
            share = 2.0 ** (len(factors) - size)
            weights = {
                arm: prod(1.0 if levels[f] == factors[f][1] else -1.0 for f in chosen) / share
                for arm, levels in cells.items()
            }
            made.append(Asked(("main_" if size == 1 else "interaction_") + "_".join(chosen), None, weights))
    said = [c.weighed for c in declared]
    return (*declared, *(c for c in made if c.weighed not in said))


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
    try:
        means = [arm_means(experiment, metric, outcomes, arm) for arm in asked.weighed]
        found = contrast(list(asked.weighed.values()), means)
        test = found.test(found.columns[0], experiment.analysis.alpha)
    except NotEstimable as reason:
        return replace(blank, not_estimable=str(reason))
    return told(blank, test)


def told(blank: ContrastFacts, test: Difference) -> ContrastFacts:
    """Fill in what the test of a contrast says."""
    return replace(
        blank,
        estimate=test.estimate,
        std_error=test.std_error,
        ci_lower=test.ci_lower,
        ci_upper=test.ci_upper,
        p_value=test.p_value,
    )


def arm_means(experiment: Experiment, metric: Metric, outcomes: Outcomes, arm: str) -> ArmMeans:
    """Mean of one arm, adjusted with slopes over all arms together, so that arms can be weighed at will.

    Raises
    ------
    NotEstimable
        With fewer than two units or clusters in the arm.
    """
    needs = metric.needs(experiment.shape, experiment.library)
    if metric.measure != "ratio":
        if experiment.cluster is not None:
            by_arm = outcomes.evidence.clusters[None][metric.id]
            return over_clusters(by_arm, arm, needs.outcome, needs.covariates)
        return over_units(outcomes.overall[metric.id], arm, needs.outcome, needs.covariates)
    from loyalty_exp.stats.ratio import ratio_means

    rows = outcomes.overall[metric.id]
    if experiment.cluster is not None:
        names = tuple(dict.fromkeys((*needs.outcome, *needs.covariates)))
        clusters = outcomes.evidence.clusters[None][metric.id]
        rows = {a: merge((cell.select(names) for cell in c.cells), names) for a, c in clusters.items()}
    numerator, denominator = needs.outcome
    return ratio_means(rows[arm], _others(rows, arm), numerator, denominator, needs.covariates)[0]


def over_units(
    blocks: ArmMoments, arm: str, outcome: tuple[str, ...], covariates: tuple[str, ...]
) -> ArmMeans:
    """Means of one arm, with slopes over the units of all arms."""
    if not covariates:
        return plain(blocks[arm], outcome)
    from loyalty_exp.stats.means import cuped

    return cuped(blocks[arm], _others(blocks, arm), outcome, covariates)[0]


def over_clusters(
    blocks: Mapping[str, ClusterArm], arm: str, outcome: tuple[str, ...], covariates: tuple[str, ...]
) -> ArmMeans:
    """Means of one arm with a variance robust to clusters, with slopes over the clusters of all arms.

    Raises
    ------
    NotEstimable
        With fewer than two clusters in the arm.
    """
    from loyalty_exp.stats.clusters import adjusted_clusters, cluster_means

    own = blocks[arm]
    others = [c for a, c in blocks.items() if a != arm and c.n_clusters]
    if covariates and own.n_clusters and others:
        own = adjusted_clusters(own, reduce(add, others), outcome, covariates)[0]
    return cluster_means(own, outcome)


def _others(blocks: ArmMoments, arm: str) -> Moments:
    return merge((m for name, m in blocks.items() if name != arm), blocks[arm].columns)
