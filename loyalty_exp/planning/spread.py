"""How one unit varies, as the spec's own estimators see it: metrics, parts of the population, money."""

from __future__ import annotations

import math
from typing import Any

from loyalty_exp.economics.ledger import BENEFIT, COST, causes, open_ledger
from loyalty_exp.errors import NotEstimable
from loyalty_exp.estimators import ESTIMATORS
from loyalty_exp.metrics import Metric
from loyalty_exp.outcomes.outcomes import Cell, Outcomes
from loyalty_exp.outcomes.plan import ECONOMICS
from loyalty_exp.planning.baseline import Known, MoneyKnown, Narrow
from loyalty_exp.spec.experiment import Experiment
from loyalty_exp.stats.arm_means import ArmMeans
from loyalty_exp.stats.cluster_moments import ClusterArm
from loyalty_exp.stats.clusters import cluster_means
from loyalty_exp.stats.intraclass import intraclass_correlation
from loyalty_exp.stats.means import adjusted


def known_of(experiment: Experiment, metric: Metric, found: Outcomes, zero: float | None) -> Known:
    """What a metric varies by, before and after what its estimator adjusts for.

    Parameters
    ----------
    found : Outcomes
        Of the history, all units in control.
    zero : float or None
        Part of the units at 0.

    Raises
    ------
    NotEstimable
        With fewer than two units, for a quantile, or for a ratio with a denominator of 0.
    """
    if metric.measure in {"quantile", "time"}:
        raise NotEstimable(f"a {metric.measure} is not sized in closed form")
    needs, control = metric.needs(experiment.shape, experiment.library), experiment.control
    name = experiment.estimator_of(metric).type
    arm = found.overall[metric.id][control]
    evidence: Any = arm
    kind = ESTIMATORS[name].evidence
    if kind == "clusters":
        evidence = found.evidence.clusters[None][metric.id][control]
    elif kind == "strata":
        evidence = tuple(s[metric.id][control] for _, s in sorted(found.strata.items()))
    elif kind != "moments":
        name = "welch"
    outcome, covariates = needs.outcome, needs.covariates
    plain = variance_of_unit("ratio_delta" if metric.measure == "ratio" else "welch", arm, outcome, (), arm.n)
    # Where nothing is adjusted for, nothing is taken away: score intervals divide by n, not by n - 1.
    adjusts = kind != "moments" or bool(covariates)
    left = variance_of_unit(name, evidence, outcome, covariates, arm.n) if adjusts else plain
    mean = _mean(arm, outcome)
    if kind != "clusters":
        return Known(mean, math.sqrt(plain), math.sqrt(left), zero, source="history")
    alone = plain
    if covariates:
        adjusting = "lin" if len(covariates) > 1 else "cuped"
        adjusting = "ratio_cuped" if metric.measure == "ratio" else adjusting
        alone = variance_of_unit(adjusting, arm, outcome, covariates, arm.n)
    icc = None if metric.measure == "ratio" else _intraclass(evidence, arm, outcome[0])
    effect = max(left / alone, 1.0) if alone > 0 else 1.0
    return Known(mean, math.sqrt(plain), math.sqrt(alone), zero, effect, icc, "history")


def variance_of_unit(
    name: str, evidence: Any, outcome: tuple[str, ...], covariates: tuple[str, ...], n: int
) -> float:
    """Variance of one unit: half the units times the squared error of the history against itself."""
    estimator = ESTIMATORS[name]
    low, high = estimator.covariates
    used = covariates if low <= len(covariates) <= high else ()
    found = estimator.estimate(evidence, evidence, outcome, used, 0.05).absolute
    if found.std_error is None:
        # The score method has no error of its own: its spread is that of the proportion.
        p = float(evidence.mean_of(outcome[0]))
        return p * (1 - p)
    return float(found.std_error) ** 2 * n / 2


def _mean(arm: Any, outcome: tuple[str, ...]) -> float:
    top = float(arm.mean_of(outcome[0]))
    if len(outcome) == 1:
        return top
    bottom = float(arm.mean_of(outcome[1]))
    if bottom == 0:
        raise NotEstimable("the mean of the denominator is 0")
    return top / bottom


def _intraclass(clusters: ClusterArm, arm: Any, name: str) -> float | None:
    """Analysis of variance; the sum within clusters is what the sum between them leaves of the whole."""
    products = zip(clusters.sizes, clusters.residual_products((name,)), strict=True)
    between = math.fsum(float(s[0, 0]) / m for m, s in products)
    total = float(arm.variance(name)) * (arm.n - 1)
    try:
        return intraclass_correlation((clusters,), name, max(total - between, 0.0))
    except NotEstimable:
        return None


def narrower_of(
    experiment: Experiment,
    metric: Metric,
    found: Outcomes,
    whole: Known,
    bought: tuple[float, float, float] | None,
) -> tuple[Narrow, ...]:
    """Baselines of parts of the population: those who bought before, and the values of declared segments.

    Parameters
    ----------
    bought : tuple of float, optional
        Share, mean and variance of those whose value before was not 0.
    """
    parts: list[Narrow] = []
    if bought is not None and bought[2] > 0 and whole.sd > 0:
        share, mean, variance = bought
        sd = math.sqrt(variance)
        left = sd * whole.sd_left / whole.sd
        known = Known(mean, sd, left, None, whole.design_effect, whole.icc, "history")
        parts.append(Narrow(("", ""), share, known))
    for cell, blocks in found.segments.items():
        try:
            parts.append(_cell(experiment, metric, cell, blocks[metric.id][experiment.control], found, whole))
        except (NotEstimable, ValueError):
            continue
    return tuple(parts)


def _cell(
    experiment: Experiment, metric: Metric, cell: Cell, arm: Any, found: Outcomes, whole: Known
) -> Narrow:
    if arm.n < experiment.analysis.min_cell:
        raise NotEstimable("too few units to be told apart")
    needs = metric.needs(experiment.shape, experiment.library)
    name = metric.default_estimator(needs)
    if ESTIMATORS[name].evidence != "moments":
        raise NotEstimable("this method reads all units only")
    left = math.sqrt(variance_of_unit(name, arm, needs.outcome, needs.covariates, arm.n))
    known = Known(_mean(arm, needs.outcome), left, left, None, whole.design_effect, whole.icc, "history")
    return Narrow((cell.dimension, cell.value), arm.n / found.units[experiment.control], known)


def money_of(experiment: Experiment, found: Outcomes) -> dict[str, MoneyKnown]:
    """Price the history as each arm would, and adjust as the readout does."""
    economics = experiment.economics
    if economics is None:
        return {}
    known: dict[str, MoneyKnown] = {}
    for treatment in experiment.treatments:
        try:
            known[treatment] = _priced(experiment, treatment, found)
        except NotEstimable:
            continue
    return known


def _priced(experiment: Experiment, treatment: str, found: Outcomes) -> MoneyKnown:
    assert experiment.economics is not None
    control = experiment.control
    benefit = experiment.library[experiment.economics.benefit.metric]
    covariates = benefit.needs(experiment.shape, experiment.library).covariates
    block: Any = found.overall[ECONOMICS][control]
    pair = treatment, control
    ledgers = [open_ledger(experiment, arm, block, covariates) for arm in pair]
    means: tuple[ArmMeans, ...]
    if experiment.cluster is None:
        means = adjusted(ledgers[0].moments, ledgers[1].moments, (BENEFIT, COST), covariates)
    else:
        drawn = found.evidence.clusters[None][ECONOMICS][control]
        cells = [[open_ledger(experiment, arm, c, covariates).moments for c in drawn.cells] for arm in pair]
        means = tuple(cluster_means(ClusterArm(drawn.sizes, tuple(c)), (BENEFIT, COST)) for c in cells)
    spreads = [
        (float(m.covariance[0, 0]) * m.n, float(m.covariance[0, 1]) * m.n, float(m.covariance[1, 1]) * m.n)
        for m in means
    ]
    counted = any(
        line.fixed is None and line.per_unit is None and causes(line, treatment, experiment)
        for line in experiment.economics.costs
    )
    gap = ledgers[0].constants.get(COST, 0.0) - ledgers[1].constants.get(COST, 0.0)
    mean = float(ledgers[0].moments.mean_of(COST))
    return MoneyKnown(None if counted else gap, mean, spreads[0], spreads[1])
